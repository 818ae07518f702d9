//! The firmware's defmt log as lines. What decodes it is a program of its own, built when there is
//! first a log to show: it takes some forty crates, and an image that works logs nothing here.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

use crate::progress::Progress;
use crate::{interrupt, lock, places, process, store};

/// The program's sources, which travel in this crate.
const SOURCES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../device/log/package.toml")),
    ("Cargo.lock", include_str!("../device/log/package.lock")),
    ("src/lib.rs", include_str!("../device/log/src/lib.rs")),
    ("src/main.rs", include_str!("../device/log/src/main.rs")),
];

/// The log of an image as text, a line per message; `bytes` is what came of it.
///
/// # Errors
/// The program that decodes it does not build.
pub fn lines(elf: &[u8], bytes: &[u8], progress: &Progress) -> Result<String> {
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let program = program(progress)?;
    let _busy = interrupt::busy();
    let folder = tempfile::tempdir()?;
    let (image, log) = (folder.path().join("image.elf"), folder.path().join("log"));
    std::fs::write(&image, elf)?;
    std::fs::write(&log, bytes)?;
    let mut command = Command::new(&program);
    command.arg(&image);
    let input = Stdio::from(File::open(&log)?);
    let finished = process::run_on(input, &mut command, process::SHORT)
        .with_context(|| format!("cannot run {}", program.display()))?;
    let mut text = String::from_utf8_lossy(&finished.stdout).into_owned();
    if !finished.succeeded() {
        text.push_str(&format!(
            "(the log cannot be decoded: {})\n",
            finished.told()
        ));
    }
    Ok(text)
}

/// The program, built from the sources in this crate if it is not yet.
fn program(progress: &Progress) -> Result<PathBuf> {
    let unplaced = |_| anyhow!("there is no folder for what is built once");
    let folder = places::cache().map_err(unplaced)?.join("log");
    let _turn = lock::hold(&folder.join("lock"), progress)?;
    let program = folder
        .join("target/debug")
        .join(format!("spinney-log{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        progress.note("building spinney-log once, with the 40 crates around defmt-decoder");
    }
    for (file, text) in SOURCES {
        let path = folder.join(file);
        if !std::fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            store::write_whole(&path, text.as_bytes())?;
        }
    }
    build(&folder)?;
    Ok(program)
}

fn build(folder: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(folder)
        .args(["build", "--quiet", "--locked"])
        .env("CARGO_TARGET_DIR", folder.join("target"));
    let finished = process::run(&mut command, process::LONG)?;
    if finished.succeeded() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&finished.stderr);
    Err(anyhow!(
        "spinney-log does not build, cargo {}:\n{}",
        finished.how(),
        errors.trim_end()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_logs_nothing_takes_no_program() {
        assert_eq!(lines(b"no ELF", b"", &Progress::none()).unwrap(), "");
    }
}
