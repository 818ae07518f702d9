//! `spinney-probe`: the program around probe-rs, built when a verb first needs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow};
use spinney_board::Description;

use crate::failure::{Blame, Failure};
use crate::progress::Progress;
use crate::{places, process};

/// Every chip that probe-rs' registry knows.
pub fn describe_all(progress: &Progress) -> Result<Vec<Description>, Failure> {
    let program = built(progress)?;
    let mut command = Command::new(&program);
    command.arg("chips");
    let output = process::read(command, process::LONG).environment()?;
    output
        .lines()
        .map(|line| {
            serde_json::from_str(line)
                .with_context(|| format!("{} says {line:?}", program.display()))
                .environment()
        })
        .collect()
}

/// The program, from a target folder of its own beside that of the firmware.
pub fn built(progress: &Progress) -> Result<PathBuf, Failure> {
    if !is_built()? {
        progress.note("building spinney-probe once, with the 140 crates around probe-rs");
    }
    cargo("build", "spinney-probe does not build")?;
    program()
}

/// Whether it was built before, so that building it again costs little.
pub fn is_built() -> Result<bool, Failure> {
    Ok(program()?.is_file())
}

/// Runs its tests.
pub fn test() -> Result<(), Failure> {
    cargo("test", "the tests of spinney-probe fail")
}

fn folder() -> Result<PathBuf, Failure> {
    Ok(places::cache()?.join("probe"))
}

fn program() -> Result<PathBuf, Failure> {
    Ok(folder()?
        .join("debug")
        .join(format!("spinney-probe{}", std::env::consts::EXE_SUFFIX)))
}

fn cargo(verb: &str, failure: &str) -> Result<(), Failure> {
    let manifest = places::clone()
        .context("no clone of Spinney is here to build spinney-probe from")
        .environment()?
        .join("tools/probe/Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([verb, "--quiet", "--locked", "--manifest-path"])
        .arg(&manifest)
        .env("CARGO_TARGET_DIR", folder()?);
    let output = process::run(&mut command, process::LONG).environment()?;
    if output.succeeded() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Err(Failure::Environment(anyhow!(
        "{failure}, cargo {}:\n{}\n{}",
        output.how(),
        text(&output.stderr),
        text(&output.stdout)
    )))
}
