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
#[cfg(not(feature = "empty"))]
use core::num::NonZeroU16;

use semihosting::fs::File;
use semihosting::io::{Read, Write};
#[cfg(not(feature = "empty"))]
use spinney_frontend::{
    aggregate::{Aggregate, Maximum},
    frames::Frames,
    spectrum::Spectrum,
    window::Window,
};

#[cfg(not(feature = "empty"))]
use filters::N_BANDS;
#[cfg(feature = "empty")]
const N_BANDS: usize = 64;

/// Window and transform, filters and logarithms, the samples' way into frames, aggregation.
const N_PARTS: usize = 4;

#[cfg(not(feature = "empty"))]
static WINDOW: Window<512> = Window::hann();

/// A node's front end: a maximum over frames that touch.
#[cfg(not(feature = "empty"))]
struct FrontEnd {
    frames: Frames<512>,
    spectrum: Spectrum<512>,
    aggregate: Aggregate<Maximum<i16>, N_BANDS>,
}

#[cfg(not(feature = "empty"))]
impl FrontEnd {
    const fn new() -> Self {
        let hop = NonZeroU16::new(1024).expect("not zero");
        Self {
            frames: Frames::new(hop),
            spectrum: Spectrum::new(),
            aggregate: Aggregate::new(),
        }
    }

    /// Takes a sample; tells whether it completed a frame.
    #[inline(never)]
    fn push(&mut self, sample: i16, ticks: &mut [u32; N_PARTS], logs: &mut [i16; N_BANDS]) -> bool {
        let started = counter::now();
        let frame = black_box(self.frames.push(black_box(sample)));
        ticks[2] += counter::since(started);
        let Some(frame) = frame else { return false };
        let started = counter::now();
        self.spectrum.transform(frame, &WINDOW);
        ticks[0] = counter::since(started);
        let started = counter::now();
        filters::FILTERS.log_energies(black_box(&self.spectrum), logs);
        ticks[1] = counter::since(started);
        let started = counter::now();
        black_box(&mut self.aggregate).add(logs);
        ticks[3] = counter::since(started);
        true
    }
}

/// Holds nothing and counts what counting costs.
#[cfg(feature = "empty")]
struct FrontEnd(u32);

#[cfg(feature = "empty")]
impl FrontEnd {
    const fn new() -> Self {
        Self(0)
    }

    #[inline(never)]
    fn push(&mut self, sample: i16, ticks: &mut [u32; N_PARTS], _: &mut [i16; N_BANDS]) -> bool {
        let started = counter::now();
        black_box(black_box(sample));
        ticks[2] += counter::since(started);
        self.0 += 1;
        if self.0 % 1024 > 0 {
            return false;
        }
        for part in [0, 1, 3] {
            let started = counter::now();
            black_box(());
            ticks[part] = counter::since(started);
        }
        true
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let (Ok(mut rows), Ok(mut outcomes)) = (File::open(c"rows.bin"), File::create(c"outcomes.bin"))
    else {
        semihosting::process::exit(2);
    };
    counter::start();
    let mut front_end = FrontEnd::new();
    let mut ticks = [0; N_PARTS];
    let mut logs = [0; N_BANDS];
    let mut stack_bytes = 0;
    stack::paint();
    while let Some(samples) = read(&mut rows) {
        for sample in samples {
            if !front_end.push(sample, &mut ticks, &mut logs) {
                continue;
            }
            stack_bytes = stack_bytes.max(stack::deepest());
            for word in ticks.into_iter().chain([stack_bytes]) {
                write(&mut outcomes, &word.to_le_bytes());
            }
            for log in logs {
                write(&mut outcomes, &log.to_le_bytes());
            }
            ticks = [0; N_PARTS];
        }
    }
    semihosting::process::exit(0)
}

/// The next samples, unless there are no more.
#[inline(never)]
fn read(rows: &mut File) -> Option<[i16; 16]> {
    let mut bytes = [0; 32];
    let mut n_read = 0;
    while let Some(rest) = bytes.get_mut(n_read..)
        && !rest.is_empty()
    {
        match rows.read(rest) {
            Ok(0) if n_read == 0 => return None,
            Ok(n) if n > 0 => n_read += n,
            _ => semihosting::process::exit(2),
        }
    }
    let mut samples = [0; 16];
    for (sample, bytes) in samples.iter_mut().zip(bytes.as_chunks().0) {
        *sample = i16::from_le_bytes(*bytes);
    }
    Some(samples)
}

#[inline(never)]
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
