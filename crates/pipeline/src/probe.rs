//! `spinney-probe`: the program around probe-rs, built when a verb first needs it.

use std::path::PathBuf;

use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::tool;

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
