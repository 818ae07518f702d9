//! The firmware's defmt log as lines. What decodes it is a program of its own, built when there is
//! first a log to show: it takes some forty crates, and an image that works logs nothing here.

use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::progress::Progress;
use crate::{disk, interrupt, process, tool};

/// The log of an image as text, a line per message; `bytes` is what came of it. Temporary files lie
/// `within` a folder that is swept, should a kill leave them.
///
/// # Errors
/// The program that decodes it does not build.
pub fn lines(elf: &[u8], bytes: &[u8], within: &Path, progress: &Progress) -> Result<String> {
    if bytes.is_empty() {
        return Ok(String::new());
    }
    let program = tool::LOG.built(progress)?;
    let _busy = interrupt::busy();
    let mut image = disk::temporary().tempfile_in(within)?;
    image.write_all(elf)?;
    let mut log = tempfile::tempfile()?;
    log.write_all(bytes)?;
    log.rewind()?;
    let mut command = Command::new(&program);
    command.arg(image.path());
    let finished = process::run_on(Stdio::from(log), &mut command, process::SHORT)
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
        assert_eq!(
            lines(b"no ELF", b"", Path::new(""), &Progress::none()).unwrap(),
            ""
        );
    }
}
