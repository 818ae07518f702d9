//! `spinney-probe`: the program around probe-rs, built when a verb first needs it.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use spinney_board::Description;
use xshell::{Shell, cmd};

use crate::failure::{Blame, Failure};
use crate::places;

/// Every chip that probe-rs' registry knows.
pub(crate) fn describe_all() -> Result<Vec<Description>, Failure> {
    let program = built()?;
    let shell = Shell::new().environment()?;
    let output = cmd!(shell, "{program} chips")
        .quiet()
        .read()
        .environment()?;
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
pub(crate) fn built() -> Result<PathBuf, Failure> {
    let folder = places::cache()?.join("probe");
    let manifest = places::repository().join("tools/probe/Cargo.toml");
    if !folder.exists() {
        eprintln!("building spinney-probe once, with the 150 crates of probe-rs …");
    }
    let shell = Shell::new().environment()?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = cmd!(
        shell,
        "{cargo} build --quiet --locked --manifest-path {manifest}"
    )
    .quiet()
    .ignore_status()
    .env("CARGO_TARGET_DIR", &folder)
    .output()
    .environment()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Environment(anyhow!(
            "spinney-probe does not build:\n{}",
            errors.trim_end()
        )));
    }
    Ok(folder
        .join("debug")
        .join(format!("spinney-probe{}", std::env::consts::EXE_SUFFIX)))
}
