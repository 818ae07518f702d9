//! `certificate verify`: the checker on the last run's image.

use std::path::Path;

use spinney_pipeline::failure::Failure;
use spinney_pipeline::stages;

use crate::terminal;

/// Prints what the checker found; fails where it found anything.
pub(crate) fn run(config: &Path, as_json: bool) -> Result<(), Failure> {
    let (session, checked) = stages::verify(config, terminal::progress())?;
    let name = &session.config.pipeline.identity.name;
    terminal::answer(&checked, as_json, |it| it.text(name))?;
    Failure::unless(checked.passes())
}
