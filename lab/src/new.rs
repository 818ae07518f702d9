//! A fresh project of `new`: that it builds, and what its firmware says.

use anyhow::anyhow;
use spinney_board::Core;
use spinney_cli::new::{Start, write};
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{image, interrupt};

/// What CI runs: a fresh project builds, and its firmware classifies on an emulated board.
pub(crate) fn check() -> Result<(), Failure> {
    let core = Core::CortexM4F;
    let chip = spinney_board::find("STM32F405RGTx")
        .map_err(|error| anyhow!(error))
        .environment()?
        .chip(None)
        .ok_or_else(|| Failure::Environment(anyhow!("the table has this chip's core")))?;
    let _busy = interrupt::busy();
    let folder = tempfile::tempdir().environment()?;
    write(folder.path(), "fresh-project", &chip, &Start::default())?;
    let log = image::emulated_log(
        &folder.path().join("firmware"),
        "fresh-project-firmware",
        &["--no-default-features", "--features", "semihosting"],
        core,
        &terminal::progress(),
    )?;
    let expected = "INFO class setosa\nINFO class versicolor\nINFO class virginica\n";
    if log.eq_ignore_ascii_case(expected) {
        eprintln!("new: a fresh project builds, and its firmware tells the three flowers apart");
        return Ok(());
    }
    Err(Failure::Input(anyhow!(
        "a fresh project's firmware logs\n{log}expected\n{expected}"
    )))
}
