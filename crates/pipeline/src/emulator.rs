//! Runs a verify image in QEMU: rows in, outcomes and log out, or why not.

use std::ffi::CStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use spinney_board::Machine;
use spinney_evaluate::Footprint;
use spinney_wire::heard::FEATURES_FILE;
use spinney_wire::{OUTCOMES_FILE, ROWS_FILE};
use tempfile::TempDir;

use crate::failure::{ExitReason, Failure};
use crate::process::Guarded;
use crate::progress::Progress;
use crate::{disk, interrupt, log, process};

/// How a run ended, which is the image's doing: where the emulator itself fails, there is no run.
pub enum Ended {
    /// With outcomes.
    Outcomes(Vec<u8>),
    /// It does not fit, so that it was not even tried: why, in a sentence for the report.
    NotRun(String),
    /// Without outcomes: what happened, in a sentence for the report. Another time it may go well.
    Failed(String),
}

/// A run and what the firmware logged.
pub struct EmulatorRun {
    /// How it ended.
    pub ended: Ended,
    /// What an image with a front end heard.
    pub heard: Option<Vec<u8>>,
    /// What the firmware logged, in defmt's encoding.
    pub log: Vec<u8>,
}

/// A file that image and emulator share, in a folder.
fn shared(folder: &TempDir, name: &CStr) -> PathBuf {
    folder.path().join(name.to_str().unwrap_or_default())
}

/// Where and for how long images run.
pub struct Emulation<'a> {
    /// The emulator's program.
    pub qemu: &'a Path,
    /// What it emulates.
    pub machine: &'a Machine,
    /// Seconds for which an image may run.
    pub deadline_s: u32,
    /// Holds the temporary folders of runs; whoever sweeps it removes those that a kill left.
    pub within: &'a Path,
}

impl Emulation<'_> {
    /// Runs an image with `rows`.
    pub fn run(&self, elf: &[u8], rows: &[u8]) -> Result<EmulatorRun, Failure> {
        let Self { qemu, machine, .. } = *self;
        if let Some(reason) = does_not_fit(machine, &Footprint::from_elf(elf).environment()?) {
            return Ok(EmulatorRun {
                ended: Ended::NotRun(reason),
                heard: None,
                log: Vec::new(),
            });
        }
        let _busy = interrupt::busy();
        let (folder, mut command) = self.prepared(elf, rows)?;
        let finished = process::run(&mut command, self.deadline())
            .with_context(|| format!("cannot run {}", qemu.display()))
            .environment()?;
        let why = match finished.status.map(|status| status.code()) {
            Ok(Some(0)) => None,
            Ok(Some(2)) => Some("the image could not read rows or write outcomes".to_owned()),
            Ok(Some(3)) => Some("the image panicked".to_owned()),
            Ok(Some(4)) => Some("the image ran into a hard fault".to_owned()),
            // QEMU gives up on a core that faults while it handles a fault.
            Ok(None) if String::from_utf8_lossy(&finished.stderr).contains("Lockup") => {
                Some("the image locked the core up, by a fault within a fault".to_owned())
            }
            Ok(_) => return Err(tool_failed(qemu, &finished.told())),
            Err(killed) => Some(format!("the image {killed}")),
        };
        let left = |name: &CStr| answer(&shared(&folder, name));
        let (ended, heard) = match why {
            Some(why) => (Ended::Failed(why), None),
            None => {
                let outcomes = left(OUTCOMES_FILE).map_err(|error| {
                    let ended = format!("ended as if all were well, and left no answer: {error}");
                    tool_failed(qemu, &ended)
                })?;
                (Ended::Outcomes(outcomes), left(FEATURES_FILE).ok())
            }
        };
        Ok(EmulatorRun {
            ended,
            heard,
            log: finished.stdout,
        })
    }

    /// Runs an image with `rows` while the emulator logs what it executes at the addresses of `filter`, line
    /// by line to `follow`, until that has enough or the image ends; its outcomes where it ends.
    pub fn trace(
        &self,
        elf: &[u8],
        rows: &[u8],
        filter: &str,
        mut follow: impl FnMut(&str) -> bool,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let qemu = self.qemu;
        let _busy = interrupt::busy();
        let (folder, mut command) = self.prepared(elf, rows)?;
        // Without chaining, each block is logged whenever it is executed.
        command
            .args(["-d", "exec,nochain", "-dfilter", filter])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut guarded = Guarded::spawn(&mut command)
            .with_context(|| format!("cannot run {}", qemu.display()))
            .environment()?;
        let deadline = Instant::now() + self.deadline();
        let log = guarded.child.stderr.take();
        let mut lines = BufReader::new(log.context("no way to its log").environment()?);
        let (mut line, mut last) = (String::new(), String::new());
        while lines.read_line(&mut line).environment()? > 0 {
            if !follow(line.trim_end()) || Instant::now() > deadline {
                return Ok(None);
            }
            last.clone_from(&line);
            line.clear();
        }
        let status = guarded.child.wait().environment()?;
        if status.success() {
            let outcomes = answer(&shared(&folder, OUTCOMES_FILE)).environment()?;
            return Ok(Some(outcomes));
        }
        Err(tool_failed(
            qemu,
            &format!("ended with {status} while it logged; it says {last:?}"),
        ))
    }

    /// A folder with image and rows, and the emulator ready to start there.
    fn prepared(&self, elf: &[u8], rows: &[u8]) -> Result<(TempDir, Command), Failure> {
        let folder = disk::temporary().tempdir_in(self.within);
        let folder =
            folder.with_context(|| format!("cannot make a folder in {}", self.within.display()));
        let folder = folder.environment()?;
        // Nobody else has this copy: what runs is what was asked for.
        let image = folder.path().join("image.elf");
        std::fs::write(&image, elf).environment()?;
        std::fs::write(shared(&folder, ROWS_FILE), rows).environment()?;
        let mut command = verifying(self.qemu, self.machine, &image);
        command.current_dir(folder.path());
        Ok((folder, command))
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(u64::from(self.deadline_s))
    }
}

/// The bytes of a file that an image wrote.
fn answer(path: &Path) -> std::io::Result<Vec<u8>> {
    const BYTES_MAX: u64 = 1 << 28;
    let n_bytes = std::fs::metadata(path)?.len();
    if n_bytes > BYTES_MAX {
        let found = format!("found {n_bytes} bytes, expected at most {BYTES_MAX}");
        return Err(std::io::Error::other(found));
    }
    disk::read(path)
}

/// What is no result of an image: the emulator crashed, or answers what no image of ours does.
pub fn tool_failed(qemu: &Path, what: &str) -> Failure {
    Failure::Environment(anyhow!(
        "{} {what}; expected the answers of an image: this is the emulator's failure, so nothing of \
         it is kept; run the same again, or set up another emulator",
        qemu.display()
    ))
}

/// QEMU with this image and semihosting.
fn verifying(qemu: &Path, machine: &Machine, elf: &Path) -> Command {
    let semihosting = ["-semihosting-config", "enable=on,target=native"];
    let devices = [&["-serial", "null"], &semihosting[..]].concat();
    command(qemu, machine, elf, &devices)
}

/// QEMU with this image and these devices, and a fixed time per instruction.
pub fn command(qemu: &Path, machine: &Machine, elf: &Path, devices: &[&str]) -> Command {
    let mut command = Command::new(qemu);
    command
        .args(["-M", machine.name, "-nographic", "-monitor", "none"])
        .args(devices)
        .args(["-icount", "shift=8", "-kernel"])
        .arg(elf);
    if machine.core.is_riscv() {
        command.args(["-bios", "none"]);
    }
    command
}

/// Seconds within which firmware that ends by itself does so.
const LOG_DEADLINE_S: u64 = 60;

/// What firmware that ends by itself logs.
pub fn log_of(
    qemu: &Path,
    machine: &Machine,
    elf: &Path,
    progress: &Progress,
) -> Result<String, Failure> {
    let deadline = Duration::from_secs(LOG_DEADLINE_S);
    let finished = process::run(&mut verifying(qemu, machine, elf), deadline)
        .with_context(|| format!("cannot run {}", qemu.display()))
        .environment()?;
    if !finished.succeeded() {
        return Err(tool_failed(qemu, &finished.told()));
    }
    let image = std::fs::read(elf).environment()?;
    let within = elf.parent().unwrap_or(elf);
    log::lines(&image, &finished.stdout, within, progress).environment()
}

/// Room that the main loop and a prediction need at the least.
const STACK_BYTES_MIN: u64 = 1024;

/// Why the emulated machine cannot hold an image, if it cannot.
pub fn does_not_fit(machine: &Machine, footprint: &Footprint) -> Option<String> {
    let (flash, ram) = (u64::from(machine.flash.len), u64::from(machine.ram.len));
    if footprint.flash_bytes > flash {
        return Some(format!(
            "not run: the image needs {} bytes of flash and the emulated {} has {flash}",
            footprint.flash_bytes, machine.name
        ));
    }
    (footprint.ram_bytes + STACK_BYTES_MIN > ram).then(|| {
        format!(
            "not run: the image needs {} bytes of RAM and a stack, and the emulated {} has {ram}",
            footprint.ram_bytes, machine.name
        )
    })
}
