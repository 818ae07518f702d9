//! Programs of their own, with dependencies that most runs do without: built from the sources that
//! travel in this crate, when a verb first needs one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use spinney_codegen::{carried, texts};

use crate::progress::Progress;
use crate::{lock, lock_file, places, process, store};

/// A program, and what is said while it is built.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What it does, in the name of its program: `log` of `spinney-log`.
    name: &'static str,
    /// What it takes to build it.
    about: &'static str,
    /// Its versions of others' packages.
    lock: &'static str,
    manifest: &'static str,
    sources: &'static [(&'static str, &'static str)],
    /// Those that it is built from, in folders beside its own.
    needs: &'static [&'static Tool],
}

pub(crate) static LOG: Tool = Tool {
    name: "log",
    about: "with the 40 crates around defmt-decoder",
    lock: include_str!("../device/log/package.lock"),
    manifest: include_str!("../device/log/package.toml"),
    sources: &texts!("src/", "../device/log/src/", ["lib.rs", "main.rs"]),
    needs: &[],
};

pub(crate) static PROBE: Tool = Tool {
    name: "probe",
    about: "with the 140 crates around probe-rs",
    lock: include_str!("../device/probe/package.lock"),
    manifest: include_str!("../device/probe/package.toml"),
    sources: &texts!(
        "src/",
        "../device/probe/src/",
        [
            "chips.rs",
            "fault.rs",
            "geometry.rs",
            "main.rs",
            "run.rs",
            "words.rs",
            "words/description.rs",
            "words/probe.rs"
        ]
    ),
    needs: &[&LOG],
};

impl Tool {
    /// Where the program lies once it was built.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let file = format!("spinney-{}{}", self.name, std::env::consts::EXE_SUFFIX);
        Ok(cache()?.join(self.name).join("debug").join(file))
    }

    /// The program, built if it is not yet as these sources have it.
    pub(crate) fn built(&self, progress: &Progress) -> Result<PathBuf> {
        let program = self.program()?;
        let _turn = lock::hold(&cache()?.join("tools/lock"), progress)?;
        if !program.is_file() {
            progress.note(&format!(
                "building spinney-{} once, {}",
                self.name, self.about
            ));
        }
        for tool in [&[self], self.needs].concat() {
            tool.write()?;
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(self.folder()?)
            .args(["build", "--quiet", "--locked"])
            .env("CARGO_TARGET_DIR", cache()?.join(self.name));
        let finished = process::run(&mut command, process::build_deadline()?)?;
        if finished.succeeded() {
            return Ok(program);
        }
        Err(anyhow!(
            "spinney-{} does not build, cargo {}",
            self.name,
            finished.told_of_build()
        ))
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(cache()?.join("tools").join(self.name))
    }

    /// Brings the folder to hold these sources; what is the same already keeps its time.
    fn write(&self) -> Result<()> {
        let sources = self
            .sources
            .iter()
            .map(|(file, text)| (*file, (*text).to_owned()));
        let mut files: BTreeMap<&str, String> = sources.collect();
        files.insert("Cargo.toml", carried(self.manifest));
        files.insert("Cargo.lock", self.lock_file()?);
        store::mirror(&self.folder()?, &files)
    }

    /// The committed lock file without what only tests need.
    fn lock_file(&self) -> Result<String> {
        let manifests = [&[self], self.needs].concat().into_iter();
        let manifests: Vec<String> = manifests.map(|tool| carried(tool.manifest)).collect();
        lock_file::complete(self.lock, manifests.iter().map(String::as_str))
            .with_context(|| format!("the lock file of spinney-{}", self.name))
    }
}

fn cache() -> Result<PathBuf> {
    places::cache().map_err(|_| anyhow!("there is no folder for what is built once"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::disk;

    #[test]
    fn no_source_of_a_program_is_left_out() {
        for tool in [&LOG, &PROBE] {
            let folder = places::clone().unwrap().join("tools").join(tool.name);
            let found = disk::files_below(&folder.join("src")).unwrap().into_iter();
            let found: BTreeSet<PathBuf> = found.map(|path| Path::new("src").join(path)).collect();
            let listed = tool.sources.iter().map(|(file, _)| PathBuf::from(file));
            let listed: BTreeSet<PathBuf> = listed.collect();
            assert!(found.len() > 1);
            assert_eq!(found, listed);
        }
    }

    #[test]
    fn lock_files_have_what_is_built_and_no_more() {
        let lock = PROBE.lock_file().unwrap();
        for (package, is_there) in [
            ("probe-rs", true),
            ("defmt-decoder", true),
            ("spinney-log", true),
            ("spinney-board", false),
        ] {
            let line = format!("name = \"{package}\"\n");
            assert_eq!(lock.contains(&line), is_there, "{package}");
        }
        let committed = LOG.lock.matches("[[package]]").count();
        assert_eq!(
            LOG.lock_file().unwrap().matches("[[package]]").count(),
            committed
        );
    }
}
