//! The image that ships: readings from a mailbox that the sensor fills, defmt over RTT if it logs.

use core::cell::UnsafeCell;

#[cfg(feature = "log")]
use defmt_rtt as _;
#[cfg(feature = "signal")]
use model::signal::{N_CHANNELS, sample as sample_of};
use model::{N_FEATURES, Reading};

use crate::{Transport, arch};

/// What a driver, DMA or a debugger fills in memory.
#[repr(transparent)]
struct Mailbox<T>(UnsafeCell<T>);

// SAFETY: the one core of this image only reads it, by volatile loads.
unsafe impl<T> Sync for Mailbox<T> {}

/// Readings; found by its name in the image's symbol table.
#[cfg(not(feature = "signal"))]
#[unsafe(no_mangle)]
static SPINNEY_READINGS: Mailbox<[Reading; N_FEATURES]> =
    Mailbox(UnsafeCell::new([0 as Reading; N_FEATURES]));

/// Samples of a block, channel by channel; found by its name in the image's symbol table.
#[cfg(feature = "signal")]
const BLOCK_SAMPLES: usize = 64;
#[cfg(feature = "signal")]
#[unsafe(no_mangle)]
static SPINNEY_SAMPLES: Mailbox<[[i16; N_CHANNELS]; BLOCK_SAMPLES]> =
    Mailbox(UnsafeCell::new([[0; N_CHANNELS]; BLOCK_SAMPLES]));

pub(crate) struct Product {
    #[cfg(feature = "signal")]
    chain: &'static mut model::signal::Chain,
    /// How many samples of the block have been heard.
    #[cfg(feature = "signal")]
    n_heard: usize,
}

pub(crate) fn open() -> Product {
    defmt::info!(
        "{=usize} features, {=usize} classes",
        N_FEATURES,
        model::N_CLASSES
    );
    Product {
        #[cfg(feature = "signal")]
        chain: crate::chain::open(),
        #[cfg(feature = "signal")]
        n_heard: 0,
    }
}

impl Transport for Product {
    #[cfg(feature = "signal")]
    fn next(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool {
        let block = SPINNEY_SAMPLES.0.get().cast::<[i16; N_CHANNELS]>();
        loop {
            // SAFETY: the block holds this sample, for as long as the program runs.
            let sample = unsafe { block.add(self.n_heard).read_volatile() };
            self.n_heard = (self.n_heard + 1) % BLOCK_SAMPLES;
            if let Some(heard) = self.chain.push(sample_of(sample)) {
                *readings = heard;
                return true;
            }
        }
    }

    #[cfg(not(feature = "signal"))]
    fn next(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool {
        let mailbox = SPINNEY_READINGS.0.get().cast::<Reading>();
        for (index, reading) in readings.iter_mut().enumerate() {
            // SAFETY: the mailbox holds as many readings as a row, for as long as the program runs.
            *reading = unsafe { mailbox.add(index).read_volatile() };
        }
        true
    }

    #[cfg(not(feature = "probabilities"))]
    fn deliver(&mut self, _readings: &[Reading; N_FEATURES], class: usize) {
        defmt::info!("class {=usize}", class);
    }

    #[cfg(feature = "probabilities")]
    fn deliver(&mut self, readings: &[Reading; N_FEATURES], class: usize) {
        let probabilities = model::probabilities(&model::encode(readings));
        // Looked at even where the log's level leaves the line out.
        let probability = core::hint::black_box(probabilities).get(class).copied();
        defmt::info!(
            "class {=usize}, probability {=u16} / 32768",
            class,
            probability.unwrap_or(0)
        );
    }

    fn finish(self) -> ! {
        halt()
    }
}

/// As `core::hint::black_box` does, takes a class out of the compiler's hands; and says where, and in
/// which register its address is then, by a symbol in the image's file. A debugger that stops there
/// reads the class. No instruction is added for it.
#[inline(always)]
pub(crate) fn shown(mut class: usize) -> usize {
    // SAFETY: there is no instruction in it, and what it may touch is this function's.
    unsafe {
        // One statement: compilers take each for an instruction, and branches for longer.
        core::arch::asm!(
            "spinney_class_at_{class} = .",
            class = in(reg) &raw mut class,
            options(nostack, preserves_flags),
        );
    }
    class
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    halt()
}

fn halt() -> ! {
    loop {
        arch::idle();
    }
}
