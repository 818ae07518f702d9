//! `spinney-probe`: the program around probe-rs, built when a verb first needs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use spinney_board::Description;

use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::{process, tool};

/// Every chip that probe-rs' registry knows.
///
/// # Errors
/// The program does not build, or says something else.
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

/// The program.
///
/// # Errors
/// It does not build.
pub fn built(progress: &Progress) -> Result<PathBuf, Failure> {
    tool::PROBE.built(progress).environment()
}

/// Whether it was built before, so that building it again costs little.
///
/// # Errors
/// There is no folder for what is built once.
pub fn is_built() -> Result<bool, Failure> {
    Ok(tool::PROBE.program().environment()?.is_file())
}
