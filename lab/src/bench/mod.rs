//! `bench`: figures that are committed, each with the verb that makes it.

pub(crate) mod agreement;
pub(crate) mod build;
pub(crate) mod cycles;
pub(crate) mod device;
pub(crate) mod frontend;
pub(crate) mod python;
pub(crate) mod shrink;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Serialize;
use spinney_board::{Machine, Timer};
use spinney_pipeline::emulator::{Emulation, Ended};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::store;

/// Virtual nanoseconds per instruction at `-icount shift=8`.
const NS_PER_INSTRUCTION: f64 = 256.0;
/// The slowest image runs for seconds.
const DEADLINE_S: u32 = 600;

/// Where figures are committed.
fn reports() -> PathBuf {
    crate::repository().join("reports/bench")
}

/// Writes `NAME.json` and `NAME.md` into a folder.
fn write(folder: &Path, name: &str, lines: &impl Serialize, text: &str) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(lines).environment()? + "\n";
    for (ending, text) in [("json", json.as_str()), ("md", text)] {
        let path = folder.join(format!("{name}.{ending}"));
        store::write_whole(&path, text.as_bytes()).environment()?;
    }
    Ok(())
}

/// The outcomes that an image leaves of so many rows, `len` bytes each; the inner error says how a run
/// ended early.
fn outcomes(
    emulation: &Emulation<'_>,
    elf: &[u8],
    rows: &[u8],
    [n_rows, len]: [usize; 2],
) -> Result<Result<Vec<u8>, String>, Failure> {
    Ok(match emulation.run(elf, rows)?.ended {
        Ended::NotRun(reason) | Ended::Failed(reason) => Err(reason),
        Ended::Outcomes(bytes) if bytes.len() == n_rows * len => Ok(bytes),
        Ended::Outcomes(bytes) => Err(format!(
            "left {} bytes of outcomes for {n_rows} rows",
            bytes.len()
        )),
    })
}

/// Instructions that so many ticks of a machine's timer stand for.
fn instructions(machine: &Machine, ticks: u32) -> Result<f64, Failure> {
    match machine.timer {
        Timer::SystickHz(hz) => Ok(f64::from(ticks) * 1e9 / f64::from(hz) / NS_PER_INSTRUCTION),
        _ => Err(anyhow!("{} has no SysTick", machine.name)).environment(),
    }
}
