//! Measures the front end: frames from `rows.bin`, and for each one the instructions, the stack
//! and the log-mel energies to `outcomes.bin`, all little-endian.
//!
//! `cargo xtask bench frontend` puts the generated `filters.rs` beside this file and builds it.
#![no_std]
#![no_main]

// Vector table, start-up code and critical sections come in by being linked.
use cortex_m as _;

#[path = "../../app/src/counter.rs"]
mod counter;
#[cfg(not(feature = "empty"))]
mod filters {
    //! Written by `cargo xtask bench frontend`.
    include!("filters.rs");
}
#[path = "../../app/src/stack.rs"]
mod stack;

use core::hint::black_box;

use semihosting::fs::File;
use semihosting::io::{Read, Write};
#[cfg(not(feature = "empty"))]
use spinney_frontend::{spectrum::Spectrum, window::Window};

#[cfg(not(feature = "empty"))]
static WINDOW: Window<512> = Window::hann();

#[cfg(feature = "empty")]
const N_BANDS: usize = 64;
#[cfg(not(feature = "empty"))]
use filters::N_BANDS;
const FRAME_BYTES: usize = 2048;

/// What one frame gave.
struct Outcome {
    /// Ticks of window and transform, and of the filters with their logarithms.
    ticks: [u32; 2],
    logs: [i16; N_BANDS],
}

#[cfg(not(feature = "empty"))]
fn measure(frame: &[[i16; 2]; 512], spectrum: &mut Spectrum<512>) -> Outcome {
    let mut logs = [0; N_BANDS];
    let started = counter::now();
    spectrum.transform(black_box(frame), &WINDOW);
    let transform = counter::since(started);
    let started = counter::now();
    filters::FILTERS.log_energies(black_box(spectrum), &mut logs);
    let filter = counter::since(started);
    Outcome {
        ticks: [transform, filter],
        logs: black_box(logs),
    }
}

#[cfg(feature = "empty")]
fn measure(frame: &[[i16; 2]; 512]) -> Outcome {
    let mut ticks = [0; 2];
    for ticks in &mut ticks {
        let started = counter::now();
        black_box(frame);
        *ticks = counter::since(started);
    }
    Outcome {
        ticks,
        logs: black_box([0; N_BANDS]),
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let (Ok(mut rows), Ok(mut outcomes)) = (File::open(c"rows.bin"), File::create(c"outcomes.bin"))
    else {
        semihosting::process::exit(2);
    };
    counter::start();
    let mut frame = [[0_i16; 2]; 512];
    #[cfg(not(feature = "empty"))]
    let mut spectrum = Spectrum::new();
    while read(&mut rows, &mut frame) {
        stack::paint();
        #[cfg(not(feature = "empty"))]
        let outcome = measure(&frame, &mut spectrum);
        #[cfg(feature = "empty")]
        let outcome = measure(&frame);
        let stack_bytes = stack::deepest();
        for word in outcome.ticks.into_iter().chain([stack_bytes]) {
            write(&mut outcomes, &word.to_le_bytes());
        }
        for log in outcome.logs {
            write(&mut outcomes, &log.to_le_bytes());
        }
    }
    semihosting::process::exit(0)
}

#[inline(never)]
fn read(rows: &mut File, frame: &mut [[i16; 2]; 512]) -> bool {
    let mut bytes = [0; FRAME_BYTES];
    let mut n_read = 0;
    while let Some(rest) = bytes.get_mut(n_read..)
        && !rest.is_empty()
    {
        match rows.read(rest) {
            Ok(0) if n_read == 0 => return false,
            Ok(n) if n > 0 => n_read += n,
            _ => semihosting::process::exit(2),
        }
    }
    let samples = frame.as_flattened_mut().iter_mut();
    for (sample, bytes) in samples.zip(bytes.as_chunks().0) {
        *sample = i16::from_le_bytes(*bytes);
    }
    true
}

fn write(outcomes: &mut File, bytes: &[u8]) {
    if outcomes.write_all(bytes).is_err() {
        semihosting::process::exit(2);
    }
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::process::exit(3)
}

#[cortex_m_rt::exception]
unsafe fn HardFault(_frame: &cortex_m_rt::ExceptionFrame) -> ! {
    semihosting::process::exit(4)
}
