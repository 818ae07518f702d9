//! The firmware's defmt log as lines. What decodes it is a program of its own, built when there is
//! first a log to show: it takes some forty crates, and an image that works logs nothing here.

use std::fs::File;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::{interrupt, process, tool};

/// The log of an image as text, a line per message; `bytes` is what came of it.
///
/// # Errors
/// The program that decodes it does not build.
pub fn lines(elf: &[u8], bytes: &[u8], progress: &Progress) -> Result<String> {
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let program = tool::LOG.built(progress)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_logs_nothing_takes_no_program() {
        assert_eq!(lines(b"no ELF", b"", &Progress::none()).unwrap(), "");
    }
}
