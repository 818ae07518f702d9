//! Measures the front end: frames from `rows.bin`, and for each one the instructions, the stack
//! and the log-mel energies to `outcomes.bin`, all little-endian.
//!
//! `cargo xtask bench frontend` puts the generated `filters.rs` and `tables.rs` beside this file and
//! builds it: the whole front end, the steps that this one has not, or neither.
#![no_std]
#![no_main]

// Vector table, start-up code and critical sections come in by being linked.
use cortex_m as _;

#[path = "../../app/src/arm/counter.rs"]
mod counter;
#[cfg_attr(feature = "empty", path = "empty.rs")]
#[cfg_attr(feature = "steps", path = "steps.rs")]
mod front_end;
#[path = "../../app/src/stack.rs"]
mod stack;

/// What the app's `stack.rs` asks of a core.
mod arch {
    #[inline(always)]
    pub(crate) fn stack_pointer() -> usize {
        cortex_m::register::msp::read() as usize
    }
}

use semihosting::fs::File;
use semihosting::io::{Read, Write};

use front_end::{FrontEnd, N_BANDS};

/// What is measured apart, as `front_end` has it.
const N_PARTS: usize = 4;

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
