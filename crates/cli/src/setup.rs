//! `setup`: finds what this machine lacks, says so, and installs it.

use anyhow::anyhow;
use spinney_pipeline::failure::Failure;
use spinney_pipeline::invocation;
use spinney_pipeline::setup::{Lack, install, lacks};

use crate::terminal;

/// Installs what is missing; with `check` only tells, and fails if anything is.
pub fn run(check: bool) -> Result<(), Failure> {
    let progress = terminal::progress();
    let missing = lacks()?;
    if missing.is_empty() {
        eprintln!("setup: everything is here");
        return Ok(());
    }
    for lack in &missing {
        eprintln!("setup: missing {lack}");
    }
    if check {
        return Err(Failure::Environment(anyhow!(
            "missing: {}; {} installs it",
            names(&missing),
            invocation::verb("setup")
        )));
    }
    install(&missing, &progress)?;
    let left = lacks()?;
    if left.is_empty() {
        eprintln!("setup: everything is here now");
        Ok(())
    } else {
        Err(Failure::Environment(anyhow!(
            "still missing after installation: {}",
            names(&left)
        )))
    }
}

fn names(lacks: &[Lack]) -> String {
    let names: Vec<&str> = lacks.iter().map(|lack| lack.what.as_str()).collect();
    names.join(", ")
}
