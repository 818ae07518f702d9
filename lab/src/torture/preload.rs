//! The library below the program under test, which lets something happen at its n-th operation on
//! the disk or with processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::sandbox::Sandbox;
use spinney_pipeline::process;

/// Operations that change something.
pub(super) const CHANGES: &str = "owrsumcp";

/// What happens at an operation.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// The kinds of operations that count; `scripts/torture/fault.c` has the letters.
    pub kinds: &'static str,
    /// The number of the operation, from 1; none for 0.
    pub at: usize,
    pub what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// Nothing, but all operations are told.
    Trace,
    /// A signal, some milliseconds after the operation if it starts a process.
    Signal(i32, u64),
    /// It fails with this number.
    Error(i32),
    /// It and all later ones do.
    Errors(i32),
    /// Half of what is to be written is.
    Short,
    /// A folder is gone.
    Vanish(PathBuf),
    /// The time of day moves by so many seconds.
    Clock(i64),
}

/// The compiled library.
pub(super) struct Preload(PathBuf);

impl Preload {
    pub(super) fn compile(root: &Path) -> Result<Self> {
        let source = crate::repository().join("scripts/torture/fault.c");
        let library = root.join("fault.so");
        let mut gcc = Command::new("gcc");
        gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"])
            .arg("-o")
            .args([&library, &source]);
        let finished = process::run(&mut gcc, process::SHORT)
            .context("gcc, which compiles the library for faults, does not start")?;
        ensure!(
            finished.succeeded(),
            "{}: gcc {}",
            source.display(),
            finished.told()
        );
        Ok(Self(library))
    }

    pub(super) fn set(&self, command: &mut Command, sandbox: &Sandbox, fault: &Fault) {
        let what = match &fault.what {
            What::Trace => String::new(),
            What::Signal(signal, milliseconds) => format!("kill {signal} {milliseconds}"),
            What::Error(number) => format!("fail {number}"),
            What::Errors(number) => format!("stay {number}"),
            What::Short => "short".to_owned(),
            What::Vanish(folder) => {
                command
                    .env("TORTURE_FROM", folder)
                    .env("TORTURE_TO", sandbox.path("vanished"));
                "vanish".to_owned()
            }
            What::Clock(seconds) => format!("clock {seconds}"),
        };
        // The cache lies beside the clones.
        let root = sandbox.path("");
        command
            .env("LD_PRELOAD", &self.0)
            .env("TORTURE_EXE", sandbox.program())
            .env("TORTURE_ROOT", root.parent().unwrap_or(&root))
            .env("TORTURE_KINDS", fault.kinds)
            .env("TORTURE_AT", fault.at.to_string())
            .env("TORTURE_DO", what)
            .env("TORTURE_TRACE", sandbox.path("trace"));
    }
}

/// The operations of the last run with a fault, a line each.
pub(super) fn trace(sandbox: &Sandbox) -> Result<Vec<String>> {
    let path = sandbox.path("trace");
    let text = std::fs::read_to_string(&path).context("the preloaded library did nothing")?;
    std::fs::remove_file(&path)?;
    Ok(text.lines().map(str::to_owned).collect())
}
