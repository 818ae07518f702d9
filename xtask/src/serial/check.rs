//! What CI runs: sessions with every kind of emulated UART over a pseudo-terminal, with noise.

use spinney_board::Core;

use super::{Card, HostRows, Noisy, Patience, Served, verify};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::{pipeline, places};

const CONFIG: &str = "pipeline.toml";

/// One core for each of the firmware's UARTs, at each of their addresses.
const CORES: [Core; 6] = [
    Core::CortexM0,
    Core::CortexM3,
    Core::CortexM4F,
    Core::CortexM7F,
    Core::CortexM33F,
    Core::Rv32imac,
];

/// Of the test rows, every so many-th; `parity` runs all of them.
const ROW_STEP: usize = 3;

/// One byte in so many has something done to it.
const NOISE_ONE_IN: u32 = 1000;

/// `ci`: all test rows through each board; every bit must be the host's, noise or not.
pub(crate) fn check() -> Result<(), Failure> {
    let progress = Progress::new();
    let config = places::repository().join(CONFIG);
    let name = spinney_config::load(&config)?.pipeline.identity.name;
    let quantized = pipeline::quantized(&config)?;
    let fingerprint = pipeline::fingerprint(&config)?;
    let quant = &quantized.quant;
    let card = Card::new(quant, &fingerprint);
    let rows = quantized.rows.test.values().rows();
    let host = HostRows::new(quant, rows.into_iter().step_by(ROW_STEP));
    let mut faults = 0;
    for (seed, core) in (1..).zip(CORES) {
        let machine = core.machine();
        progress.doing(&format!("serial: building for {}", machine.name));
        let served = Served::build(&name, &quantized, &fingerprint, core, machine)?;
        let emulated = served.start()?;
        let mut link = Noisy::new(emulated.tty()?, NOISE_ONE_IN, seed);
        let outcome = verify(
            &mut link,
            &card,
            // An emulator on a busy machine may be late; noise may hit one row again and again.
            Patience {
                tries: 30,
                ..Patience::default()
            },
            &host,
            &mut |row, _| progress.doing(&format!("serial: {} row {row}", machine.name)),
        );
        progress.clear();
        match outcome {
            Ok(run) => {
                println!(
                    "serial: {}: {} rows, {} mismatches, {} bytes disturbed, {} requests repeated \
                     ({} after silence), {} frames damaged there, {} here, {:.0} rows per second",
                    machine.name,
                    run.outcomes.len(),
                    run.mismatches.len(),
                    link.n_faults(),
                    run.tally.retries,
                    run.tally.silences,
                    run.tally.refused,
                    run.tally.damaged,
                    run.outcomes.len() as f64 / run.seconds.max(1e-9),
                );
                // Noise that does nothing proves nothing.
                faults += usize::from(!run.mismatches.is_empty() || run.tally.retries == 0);
            }
            Err(error) => {
                println!("serial: {}: {error}", machine.name);
                faults += 1;
            }
        }
    }
    if faults == 0 {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}
