//! A fresh project of `new`: that it builds, and what its firmware says.

use std::path::Path;

use anyhow::{Context, anyhow};
use spinney_board::{Chip, Core};
use spinney_cli::new::{Start, write};
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image::{self, Job};
use spinney_pipeline::{emulator, environment, interrupt, store};

/// What CI runs: a fresh project builds, and its firmware classifies on an emulated board.
pub(crate) fn check() -> Result<(), Failure> {
    let chip = spinney_board::find("STM32F405RGTx").environment()?;
    let chip = chip.chip(None).context("no core of this chip");
    let chip = chip.environment()?;
    let _busy = interrupt::busy();
    let flowers = "INFO class setosa\nINFO class versicolor\nINFO class virginica\n";
    says("fresh-project", &chip, &Start::default(), flowers)?;
    let recordings = [crate::repository().join("data/acoustic")];
    let sounds = Start::from(&recordings, None)?;
    let strokes = "INFO class tabla\n".repeat(8);
    says("fresh-sounds", &chip, &sounds, &strokes)?;
    eprintln!("new: projects from rows and from recordings build, and their firmware says classes");
    Ok(())
}

/// Builds the one binary of the package in `folder` for `core` and runs it on the core's emulated
/// machine: what it logs.
fn emulated_log(folder: &Path, binary: &str, core: Core) -> Result<String, Failure> {
    let (target, machine) = (core.target(), core.machine());
    let toolchain = environment::needed_toolchain(target, folder)?;
    let (qemu, _) = environment::needed_emulator(machine)?;
    let progress = &terminal::progress();
    let elf = image::compile(&Job {
        folder,
        files: None,
        binary,
        arguments: &["--no-default-features", "--features", "semihosting"],
        target,
        log: "info",
        keeps_libraries: false,
        toolchain: &toolchain,
        progress,
    })?;
    let path = folder.join("emulated.elf");
    store::write_whole(&path, &elf).environment()?;
    emulator::log_of(&qemu, machine, &path, progress)
}

/// That the firmware of a project that starts so logs what is expected.
fn says(name: &str, chip: &Chip, start: &Start, expected: &str) -> Result<(), Failure> {
    let folder = tempfile::tempdir().environment()?;
    write(folder.path(), name, chip, start)?;
    let log = emulated_log(
        &folder.path().join("firmware"),
        &format!("{name}-firmware"),
        chip.core,
    )?;
    if log.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Failure::Input(anyhow!(
        "the firmware of {name} logs\n{log}expected\n{expected}"
    )))
}
