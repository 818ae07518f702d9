//! `certificate verify`: the checker on the last run's image.

use std::path::Path;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages;

use crate::terminal;

/// Prints what the checker found; fails where it found anything.
pub(crate) fn run(config: &Path, as_json: bool) -> Result<(), Failure> {
    let (session, checked) = stages::verify(config, terminal::progress())?;
    if as_json {
        terminal::json(&checked).environment()?;
    } else {
        print!("{}", checked.text(&session.config.pipeline.identity.name));
    }
    Failure::unless(checked.passes())
}
