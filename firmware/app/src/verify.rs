//! The image that proves the product: rows through semihosting, outcomes back, all measured.

use core::hint::black_box;

use defmt_semihosting as _;
use model::{N_CLASSES, N_FEATURES, Reading};
use semihosting::fs::File;
#[cfg(not(feature = "signal"))]
use semihosting::io::Read;
use semihosting::io::Write;
use spinney_wire::{Header, OUTCOMES_FILE, Outcome, ROWS_FILE};

use crate::arch::counter;
use crate::{Transport, stack};

/// Exit codes of the image; the host tells them apart from the emulator's own.
pub(crate) const EXIT_IO: i32 = 2;
const EXIT_PANIC: i32 = 3;
const EXIT_FAULT: i32 = 4;

#[cfg(not(feature = "signal"))]
const ROW_BYTES: usize = N_FEATURES * size_of::<Reading>();

pub(crate) struct Verify {
    rows: File,
    #[cfg(feature = "signal")]
    listen: crate::listen::Listen,
    outcomes: File,
    started: u64,
    ticks: u32,
    stack_bytes: u32,
    n_rows: u32,
}

pub(crate) fn open() -> Verify {
    counter::start();
    let overhead_ticks = {
        let started = counter::now();
        black_box(());
        counter::since(started)
    };
    let (Ok(rows), Ok(mut outcomes)) = (File::open(ROWS_FILE), File::create(OUTCOMES_FILE)) else {
        defmt::error!("rows.bin or outcomes.bin cannot be opened");
        semihosting::process::exit(EXIT_IO);
    };
    let header = Header {
        n_features: N_FEATURES as u32,
        n_classes: N_CLASSES as u32,
        overhead_ticks,
        n_scores: if cfg!(feature = "class-only") {
            0
        } else {
            N_CLASSES as u32
        },
        n_probabilities: if cfg!(feature = "probabilities") {
            N_CLASSES as u32
        } else {
            0
        },
    };
    written(outcomes.write_all(&header.to_bytes()));
    defmt::info!("{=usize} features, {=usize} classes", N_FEATURES, N_CLASSES);
    Verify {
        rows,
        #[cfg(feature = "signal")]
        listen: crate::listen::open(),
        outcomes,
        started: 0,
        ticks: 0,
        stack_bytes: 0,
        n_rows: 0,
    }
}

impl Transport for Verify {
    #[cfg(feature = "signal")]
    fn next(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool {
        self.listen.next(&mut self.rows, readings)
    }

    #[cfg(not(feature = "signal"))]
    #[inline(never)]
    fn next(&mut self, readings: &mut [Reading; N_FEATURES]) -> bool {
        let mut bytes = [0; ROW_BYTES];
        let mut n_read = 0;
        while let Some(rest) = bytes.get_mut(n_read..)
            && !rest.is_empty()
        {
            match self.rows.read(rest) {
                Ok(0) if n_read == 0 => return false,
                Ok(n) if n > 0 => n_read += n,
                _ => {
                    defmt::error!("rows.bin ends within row {=u32}", self.n_rows);
                    semihosting::process::exit(EXIT_IO);
                }
            }
        }
        for (reading, bytes) in readings.iter_mut().zip(bytes.as_chunks().0) {
            *reading = Reading::from_le_bytes(*bytes);
        }
        true
    }

    #[inline(always)]
    fn begin(&mut self) {
        stack::paint();
        self.started = counter::now();
    }

    #[inline(always)]
    fn end(&mut self) {
        self.ticks = counter::since(self.started);
        self.stack_bytes = stack::deepest();
    }

    #[inline(never)]
    fn deliver(&mut self, readings: &[Reading; N_FEATURES], class: usize) {
        let codes = model::encode(readings);
        let started = counter::now();
        let again = black_box(model::classify(black_box(&codes)));
        let ticks_from_codes = counter::since(started);
        if again != class {
            defmt::error!(
                "row {=u32}: class {=usize} from readings, {=usize} from codes",
                self.n_rows,
                class,
                again
            );
        }
        let outcome = Outcome {
            class: class as u32,
            ticks: self.ticks,
            ticks_from_codes,
            stack_bytes: self.stack_bytes,
        };
        written(self.outcomes.write_all(&outcome.to_bytes()));
        #[cfg(not(feature = "class-only"))]
        for score in model::scores(&codes) {
            written(self.outcomes.write_all(&i64::from(score).to_le_bytes()));
        }
        #[cfg(feature = "probabilities")]
        for probability in model::probabilities(&codes) {
            written(self.outcomes.write_all(&probability.to_le_bytes()));
        }
        self.n_rows += 1;
    }

    fn finish(self) -> ! {
        defmt::info!("{=u32} rows predicted", self.n_rows);
        semihosting::process::exit(0)
    }
}

pub(crate) fn written(result: semihosting::io::Result<()>) {
    if result.is_err() {
        defmt::error!("outcomes.bin cannot be written");
        semihosting::process::exit(EXIT_IO);
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::process::exit(EXIT_PANIC)
}

/// Ends the run after a fault of the processor.
pub(crate) fn fault() -> ! {
    semihosting::process::exit(EXIT_FAULT)
}
