//! What CI runs: sessions with every kind of emulated UART over a pseudo-terminal, and with
//! RTT through a debugger, all of them with noise.

use std::time::Duration;

use spinney_board::Core;
use spinney_cli::terminal;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image::Way;
use spinney_pipeline::serial::{Card, HostRows, Link, Noisy, Patience, Served, verify};
use spinney_pipeline::stages;

use crate::rtt::Rtt;

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

/// RTT is the same on every core, but for the time at which a debugger stops it.
const RTT_CORES: [Core; 3] = [Core::CortexM0, Core::CortexM4F, Core::Rv32imac];

/// An emulator on a busy machine may be late; noise may hit one row again and again.
const PATIENCE: Patience = Patience {
    answer: Duration::from_millis(250),
    silence: Duration::from_millis(10),
    tries: 30,
};

/// Of the test rows, every so many-th; `parity` runs all of them.
const ROW_STEP: usize = 3;

/// One byte in so many has something done to it.
const NOISE_ONE_IN: u32 = 1000;

/// `ci`: all test rows through each board; every bit must be the host's, noise or not.
pub(crate) fn check() -> Result<(), Failure> {
    let progress = terminal::progress();
    let config = crate::repository().join(CONFIG);
    let loaded = spinney_config::load(&config)?;
    let quantized = stages::quantized_anew(&config, progress.clone())?;
    let fingerprint = quantized.fingerprint();
    let quant = &quantized.quant;
    let card = Card::new(quant, &fingerprint, Some(false));
    let rows = quantized.rows.test.values().rows();
    let host = HostRows::new(quant, rows.into_iter().step_by(ROW_STEP));
    let mut is_right = true;
    let mut run = |way: &str, served: &Served, link: Box<dyn Link>, seed: u64| {
        let machine = served.machine.name;
        let watch = |row, _| progress.doing(&format!("{way}: {machine} row {row}"));
        let mut link = Noisy::new(link, NOISE_ONE_IN, seed);
        let outcome = verify(&mut link, &card, PATIENCE, &host, &mut { watch });
        progress.clear();
        match outcome {
            Ok(run) => {
                println!(
                    "{way}: {machine}: {} rows, {} mismatches, {} bytes disturbed, {} requests repeated \
                     ({} after silence), {} frames damaged there, {} here, {:.0} rows per second; \
                     image of {} bytes of flash, {} of RAM",
                    run.outcomes.len(),
                    run.mismatches.len(),
                    link.n_faults(),
                    run.tally.retries,
                    run.tally.silences,
                    run.tally.refused,
                    run.tally.damaged,
                    run.outcomes.len() as f64 / run.seconds.max(1e-9),
                    served.footprint.flash_bytes,
                    served.footprint.ram_bytes,
                );
                // Noise that does nothing proves nothing.
                is_right &= run.mismatches.is_empty() && run.tally.retries > 0;
            }
            Err(error) => {
                println!("{way}: {machine}: {error}");
                is_right = false;
            }
        }
    };
    let build = |core: Core, way: Way| {
        let machine = core.machine();
        progress.doing(&format!("serial: building for {}", machine.name));
        Served::build(&loaded, &quantized, core, machine, way, &progress)
    };
    for (seed, core) in (1..).zip(CORES) {
        let served = build(core, Way::Uart(core.machine().uart))?;
        let emulated = served.start()?;
        run("UART", &served, Box::new(emulated.tty()?), seed);
    }
    for (seed, core) in (1..).zip(RTT_CORES) {
        let served = build(core, Way::Rtt)?;
        let (debugger, _machine) = served.attach()?;
        let rtt = Rtt::attach(debugger, served.machine.ram).environment()?;
        run("RTT", &served, Box::new(rtt), seed);
    }
    Failure::unless(is_right)
}
