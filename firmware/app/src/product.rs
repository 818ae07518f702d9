//! The image that ships: readings from a mailbox that the sensor fills, defmt over RTT.

use core::cell::UnsafeCell;

use defmt_rtt as _;
use model::{N_FEATURES, Reading};

use crate::{Transport, arch};

/// Readings in memory, to be filled by a driver, by DMA or by a debugger.
#[repr(transparent)]
struct Mailbox(UnsafeCell<[Reading; N_FEATURES]>);

// SAFETY: the one core of this image only reads it, by volatile loads.
unsafe impl Sync for Mailbox {}

/// Found by its name in the image's symbol table.
#[unsafe(no_mangle)]
static SPINNEY_READINGS: Mailbox = Mailbox(UnsafeCell::new([0 as Reading; N_FEATURES]));

pub(crate) struct Product;

pub(crate) fn open() -> Product {
    defmt::info!(
        "{=usize} features, {=usize} classes",
        N_FEATURES,
        model::N_CLASSES
    );
    Product
}

impl Transport for Product {
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

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    halt()
}

fn halt() -> ! {
    loop {
        arch::idle();
    }
}
