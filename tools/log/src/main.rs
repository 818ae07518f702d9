//! `spinney-log IMAGE.elf`: the log on stdin as lines on stdout.

use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use spinney_log::Log;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let path = std::env::args_os()
        .nth(1)
        .context("expected the image's ELF file")?;
    let elf = std::fs::read(&path).context("the image cannot be read")?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mut log = Log::of(&elf)?.context("the image has no log")?;
    log.decode(&bytes, &mut |line| println!("{line}"))
}
