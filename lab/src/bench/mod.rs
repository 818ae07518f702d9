//! `bench`: figures that are committed, each with the verb that makes it.

pub(crate) mod agreement;
pub(crate) mod build;
pub(crate) mod cycles;
pub(crate) mod device;
pub(crate) mod frontend;
pub(crate) mod host;
mod python;
pub(crate) mod shrink;
pub(crate) mod train;
pub(crate) mod wheel;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use spinney_board::Machine;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::store;

/// Virtual nanoseconds per instruction at `-icount shift=8`.
const NS_PER_INSTRUCTION: f64 = 256.0;

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

/// The emulator on an image that reads and writes files in `folder`, instructions counted.
fn counting(qemu: &Path, machine: &Machine, elf: &Path, folder: &Path) -> Command {
    let mut command = Command::new(qemu);
    command
        .current_dir(folder)
        .args(["-M", machine.name, "-nographic", "-monitor", "none"])
        .args(["-serial", "null", "-icount", "shift=8"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-kernel")
        .arg(elf);
    command
}
