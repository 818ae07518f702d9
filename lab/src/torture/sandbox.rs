//! A place of its own for the program under test: a copy of it in a target folder, a small project,
//! a firmware cache; and what is left of all that after something has happened.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::preload::{Fault, Preload};
use spinney_pipeline::process::{self, Killed};
use spinney_pipeline::{disk, store};

/// Files by their paths below a folder.
pub(super) type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// The pipeline's name.
const NAME: &str = "tiny";
/// Within which every verb ends, whatever happens to it, even on a machine that others use as well.
const DEADLINE: Duration = Duration::from_secs(900);

/// One clone.
pub(super) struct Sandbox {
    /// Canonical, as the program sees it.
    root: PathBuf,
    cache: PathBuf,
    preload: Preload,
}

/// How the program ended.
pub(super) struct Ended {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// Why the harness killed it.
    pub killed: Option<Killed>,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// Processes that outlived it by more than a moment.
    pub left: Vec<String>,
}

impl Ended {
    /// What it said, without how long it took.
    pub(super) fn answer(&self) -> String {
        let text = String::from_utf8_lossy(&self.stdout);
        let lines = text.lines().filter(|line| !line.contains("\"seconds\""));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Whether it refused in words.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.code, Some(2 | 3)) && self.stderr.contains("error: ")
    }

    /// Nothing that a user should never see.
    pub(super) fn is_sane(&self) -> Result<()> {
        ensure!(
            !self.stderr.contains("panicked at") && self.code != Some(101),
            "it panicked: {}",
            self.stderr
        );
        if let Some(killed) = self.killed {
            bail!("it {killed}");
        }
        ensure!(
            self.left.is_empty(),
            "left running: {}",
            self.left.join("; ")
        );
        Ok(())
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(out, "exit code {code}")?,
            (_, signal) => write!(out, "signal {}", signal.unwrap_or(0))?,
        }
        let said = self.stderr.trim();
        match said.char_indices().nth_back(300) {
            Some((start, _)) => write!(out, ", … {}", &said[start..]),
            None => write!(out, ", {said}"),
        }
    }
}

impl Sandbox {
    /// A fresh clone at `root`; nothing of an earlier one is left.
    pub(super) fn new(root: &Path, cache: &Path, program: &Path) -> Result<Self> {
        if root.exists() {
            std::fs::remove_dir_all(root)?;
        }
        for folder in ["target/debug", "project", "tmp", "tools"] {
            std::fs::create_dir_all(root.join(folder))?;
        }
        std::fs::create_dir_all(cache)?;
        let root = root.canonicalize()?;
        std::fs::write(root.join("target/CACHEDIR.TAG"), "")?;
        std::fs::copy(program, root.join("target/debug/xtask"))
            .context("cannot copy the program under test")?;
        Self::again(&root, cache)
    }

    /// A clone that was made before.
    pub(super) fn again(root: &Path, cache: &Path) -> Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self {
            cache: cache.canonicalize()?,
            preload: Preload::compile(&root)?,
            root,
        })
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.path("target/debug/xtask")
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.path("target/pipeline").join(NAME)
    }

    pub(super) fn project(&self) -> PathBuf {
        self.path("project")
    }

    pub(super) fn cache(&self) -> &Path {
        &self.cache
    }

    /// The reports as they are.
    pub(super) fn reports(&self) -> Result<Tree> {
        tree(&self.project().join("reports").join(NAME))
    }

    /// The images that were built and the one that ships.
    pub(super) fn images(&self) -> Result<Tree> {
        let mut all = tree(&self.artifacts())?;
        all.retain(|path, _| {
            path.extension().is_some_and(|ending| ending == "elf") && !path.starts_with("firmware")
        });
        Ok(all)
    }

    /// Tools that are found before all others.
    pub(super) fn tools(&self) -> PathBuf {
        self.path("tools")
    }

    /// The verb, ready to start.
    pub(super) fn command(&self, verb: &[&str], fault: Option<&Fault>) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(verb)
            .current_dir(self.project())
            .env("SPINNEY_CACHE", &self.cache)
            .env("TMPDIR", self.path("tmp"))
            .env("NO_COLOR", "1");
        if let Some(fault) = fault {
            self.preload.set(&mut command, self, fault);
        }
        command
    }

    /// Runs a verb to its end, and waits a moment for what it started.
    pub(super) fn run(&self, verb: &[&str], fault: Option<&Fault>) -> Result<Ended> {
        self.finish(&mut self.command(verb, fault), Duration::from_secs(1))
    }

    /// The same, with `patience` for what it started.
    pub(super) fn finish(&self, command: &mut Command, patience: Duration) -> Result<Ended> {
        let mut ended = self.only(command)?;
        ended.left = self.settle(patience)?;
        Ok(ended)
    }

    /// The same, whatever else is at work here.
    pub(super) fn only(&self, command: &mut Command) -> Result<Ended> {
        let finished = process::run(command, DEADLINE)?;
        Ok(Ended {
            code: finished.status.ok().and_then(|status| status.code()),
            signal: finished.status.ok().and_then(|status| status.signal()),
            killed: finished.status.err(),
            stdout: finished.stdout,
            stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
            left: Vec::new(),
        })
    }

    /// Waits until no process is at work here; which are there after `patience`, and end then.
    pub(super) fn settle(&self, patience: Duration) -> Result<Vec<String>> {
        let started = Instant::now();
        loop {
            let left = self.processes()?;
            if left.is_empty() || started.elapsed() > patience {
                for (id, _) in &left {
                    // By its number: one of those that were started here.
                    let _ = process::run(Command::new("kill").args(["-9", id]), process::SHORT);
                }
                return Ok(left.into_iter().map(|(_, name)| name).collect());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processes that are in the folder of this clone or its cache, or were told of it.
    fn processes(&self) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let folder = self.root.to_string_lossy().into_owned();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            if !id.bytes().all(|byte| byte.is_ascii_digit()) || id == std::process::id().to_string()
            {
                continue;
            }
            // It may be gone by now.
            let told = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let told = String::from_utf8_lossy(&told).replace('\0', " ");
            let is_here = std::fs::read_link(entry.path().join("cwd"))
                .is_ok_and(|here| here.starts_with(&self.root));
            if !told.is_empty() && (is_here || told.contains(&folder)) {
                found.push((id, told.chars().take(120).collect()));
            }
        }
        Ok(found)
    }

    /// Temporary files that somebody left.
    pub(super) fn leftovers(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for folder in ["target", "project", "tmp"] {
            found.extend(temporary_files(&self.path(folder))?);
        }
        Ok(found)
    }

    /// Makes cargo compile the model and the app again.
    pub(super) fn forget_images(&self) -> Result<()> {
        fn walk(folder: &Path) -> std::io::Result<()> {
            for entry in std::fs::read_dir(folder)?.flatten() {
                let name = entry.file_name().to_string_lossy().replace('_', "-");
                let is_folder = entry.file_type()?.is_dir();
                if name.contains("spinney-app") || name.contains("tiny-model") {
                    if is_folder {
                        std::fs::remove_dir_all(entry.path())?;
                    } else {
                        std::fs::remove_file(entry.path())?;
                    }
                } else if is_folder {
                    walk(&entry.path())?;
                }
            }
            Ok(())
        }
        let firmware = self.cache.join("firmware");
        if firmware.is_dir() {
            walk(&firmware)?;
        }
        Ok(())
    }

    /// Artifacts and project, to come back to.
    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot {
            artifacts: tree(&self.artifacts())?,
            project: tree(&self.project())?,
        })
    }

    pub(super) fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        store::mirror(&self.artifacts(), &snapshot.artifacts)?;
        store::mirror(&self.project(), &snapshot.project)?;
        store::mirror(&self.path("tmp"), &Tree::new())?;
        store::mirror(&self.tools(), &Tree::new())
    }

    /// Uses the program around probe-rs that is built already, if it is; whether it is.
    pub(super) fn borrow_probe(&self, cache: &Path) -> Result<bool> {
        let (from, to) = (cache.join("probe"), self.cache.join("probe"));
        if from.join("debug/spinney-probe").is_file() && !to.exists() {
            symlink(from, &to)?;
        }
        Ok(to.exists())
    }
}

/// A state of a clone.
#[derive(Clone, Default)]
pub(super) struct Snapshot {
    pub artifacts: Tree,
    pub project: Tree,
}

/// Files and folders in the making below a folder.
pub(super) fn temporary_files(folder: &Path) -> Result<Vec<String>> {
    fn walk(folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(".tmp") || name.starts_with(disk::TEMPORARY) {
                found.push(entry.path().display().to_string());
            }
            if entry.file_type()?.is_dir() {
                walk(&entry.path(), found)?;
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, &mut found)?;
    }
    Ok(found)
}

/// All files below a folder, none if it is not there.
pub(super) fn tree(folder: &Path) -> Result<Tree> {
    if !folder.is_dir() {
        return Ok(Tree::new());
    }
    let paths = disk::files_below(folder)?.into_iter();
    let files = paths.filter(|path| folder.join(path).is_file());
    files
        .map(|path| Ok((path.clone(), crate::read(folder.join(path))?)))
        .collect()
}
