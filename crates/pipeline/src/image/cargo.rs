//! Cargo at work on a workspace of firmware: its environment, its turn, what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow};
use serde_json::Value;
use spinney_codegen::SourceTree;

use super::key::STATED_OF_PROFILE;
use super::sums::Sums;
use super::sweep;
use crate::environment::{self, Linker, Toolchain};
use crate::failure::{ExitReason, Failure};
use crate::lock::{self, Held};
use crate::process::{self, Finished};
use crate::progress::Progress;
use crate::{places, store};

/// A workspace to build the one binary of.
pub struct Job<'a> {
    /// The workspace's folder.
    pub folder: &'a Path,
    /// The files that the folder is to hold, and no others; as it is, if none are named.
    pub files: Option<&'a SourceTree>,
    /// What the binary's name starts with.
    pub binary: &'a str,
    /// More arguments of `cargo build`.
    pub arguments: &'a [&'a str],
    /// The Rust target.
    pub target: &'a str,
    /// `defmt`'s level.
    pub log: &'a str,
    /// Whether the versions of its libraries say all that they are made of, so that the next image of
    /// this process may take them.
    pub keeps_libraries: bool,
    /// The compiler and linker.
    pub toolchain: &'a Toolchain,
    /// Who is told of waits and of what is made anew.
    pub progress: &'a Progress,
}

/// Held by one build for a target at a time: within this process, and on this machine.
type Turn = (MutexGuard<'static, ()>, Held);

fn turn(target: &str, progress: &Progress) -> Result<Turn, Failure> {
    static BUILDS: Mutex<()> = Mutex::new(());
    let within = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let path = places::firmware_cache()?.join(format!("{target}.lock"));
    Ok((within, lock::hold(&path, progress).environment()?))
}

/// Builds a job's binary: its ELF file, read before another build has its turn.
///
/// Cargo's target folder keeps what images share. What is the workspace's own goes once it was
/// read, so that the next image of the same name is made, not found; its libraries may stay for as
/// long as this process builds.
pub fn compile(job: &Job<'_>) -> Result<Vec<u8>, Failure> {
    let _turn = turn(job.target, job.progress)?;
    if let Some(files) = job.files {
        store::mirror(job.folder, files).environment()?;
    }
    let cache = places::firmware_cache()?;
    let sums = Sums::verified(&cache, job.target, job.progress).environment()?;
    let mut arguments = vec!["--message-format", "json-render-diagnostics", "--release"];
    let profile = profile(job.folder).environment()?;
    arguments.extend(profile.iter().flat_map(|setting| ["--config", setting]));
    arguments.extend(job.arguments);
    let mut output = run(job, "build", &[&["--offline"], &arguments[..]].concat())?;
    if lacks_crates(&output) {
        let fetched = run(job, "fetch", &[])?;
        if !fetched.succeeded() {
            return Err(failed(
                "the crates of the firmware's lock file are not all on this machine, and cannot be \
                 fetched",
                &fetched,
            ));
        }
        output = run(job, "build", &[&["--offline"], &arguments[..]].concat())?;
    }
    if !output.succeeded() {
        let what = format!("the firmware for {} does not build", job.target);
        return Err(failed(&what, &output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let artifacts: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let elf = artifacts
        .iter()
        .filter(|artifact| name(artifact).is_some_and(|name| name.starts_with(job.binary)))
        .filter_map(|artifact| artifact["executable"].as_str())
        .next_back()
        .context("cargo built no binary")
        .environment()?;
    let bytes = std::fs::read(elf)
        .with_context(|| format!("cannot read {elf}"))
        .environment()?;
    tidy_up(job, &artifacts, &cache, sums).environment()?;
    Ok(bytes)
}

/// Notes what images share, and removes what is this job's alone.
fn tidy_up(job: &Job<'_>, artifacts: &[Value], cache: &Path, mut sums: Sums) -> anyhow::Result<()> {
    // As cargo names it, without links.
    let folder = job.folder.canonicalize();
    let folder = folder.unwrap_or_else(|_| job.folder.to_owned());
    let (own, others): (Vec<_>, Vec<_>) = artifacts.iter().partition(|artifact| {
        let manifest = artifact["manifest_path"].as_str();
        manifest.is_some_and(|path| Path::new(path).starts_with(&folder))
    });
    let shared = others
        .into_iter()
        .filter_map(|artifact| Some((artifact["filenames"].as_array()?, artifact["fresh"] == true)))
        .flat_map(|(files, is_fresh)| files.iter().map(move |file| (file, is_fresh)))
        .filter_map(|(file, is_fresh)| Some((Path::new(file.as_str()?), is_fresh)));
    let kept = own
        .iter()
        .filter(|it| job.keeps_libraries && it["target"]["kind"][0] == "lib")
        .filter_map(|library| library["filenames"].as_array())
        .flatten()
        .filter_map(|file| Path::new(file.as_str()?).file_name())
        .map(|file| sweep::stem_of(&file.to_string_lossy()));
    sums.add(shared, kept)?;
    let own: BTreeSet<String> = own
        .iter()
        .filter_map(|artifact| Some(name(artifact)?.replace('-', "_")))
        .collect();
    let is_own = |stem: &str| own.contains(sweep::crate_of(stem));
    sweep::remove(&cache.join(job.target).join("release"), |stem| {
        is_own(stem) && !sums.own().contains(stem)
    })?;
    // Build scripts are the host's. Only a binary's own are no other target's as well.
    let binary = job.binary.replace('-', "_");
    sweep::remove(&cache.join("release"), |stem| {
        is_own(stem) && stem.contains(&binary)
    })
}

fn name(artifact: &Value) -> Option<&str> {
    artifact["target"]["name"].as_str()
}

/// Whether cargo would need the network.
fn lacks_crates(output: &Finished) -> bool {
    !output.succeeded() && String::from_utf8_lossy(&output.stderr).contains("--offline")
}

fn failed(what: &str, output: &Finished) -> Failure {
    Failure::Environment(anyhow!("{what}, cargo {}", output.told_of_build()))
}

/// Runs a verb of cargo on a job. What the caller's shell and files of settings say of compilers,
/// flags and profiles has no say; what is left of the settings is part of an image's key.
fn run(job: &Job<'_>, verb: &str, arguments: &[&str]) -> Result<Finished, Failure> {
    let toolchain = job.toolchain;
    let cache = places::firmware_cache()?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = environment::isolated(Path::new(&cargo));
    command
        .current_dir(job.folder)
        .args([verb, "--locked", "--target", job.target])
        .args(arguments)
        .env("CARGO_TARGET_DIR", &cache)
        .env("CARGO_BUILD_BUILD_DIR", &cache)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(toolchain).join("\x1f"))
        .env("RUSTC", toolchain.rustc())
        // Empty is none, whatever cargo's settings say.
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        .env("DEFMT_LOG", job.log);
    let target = job.target.to_uppercase().replace(['-', '.'], "_");
    let linker = format!("CARGO_TARGET_{target}_LINKER");
    command.env(linker, toolchain.linker.path());
    if toolchain.builds_core {
        command.arg("-Zbuild-std=core").env("RUSTC_BOOTSTRAP", "1");
    }
    output(&mut command)
}

fn output(command: &mut Command) -> Result<Finished, Failure> {
    let program = PathBuf::from(command.get_program());
    process::run(command, process::build_deadline().input()?)
        .with_context(|| format!("cannot run {}", program.display()))
        .environment()
}

/// Constants stay where they are compared: hoisted, those of generated branches take registers and
/// then the stack, which costs a Cortex-M0 a third of its instructions.
const IN_PLACE: &str = "-Cllvm-args=-disable-constant-hoisting";

/// The compiler's flags, which stand in place of any others.
pub(super) fn rustflags(toolchain: &Toolchain) -> &'static [&'static str] {
    match toolchain.linker {
        Linker::RustLld(_) => &[IN_PLACE],
        Linker::Lld(_) => &[IN_PLACE, "-Clinker-flavor=ld.lld"],
    }
}

/// The release profile of a workspace as settings for cargo's command line, which stand above all
/// others.
fn profile(folder: &Path) -> anyhow::Result<Vec<String>> {
    let path = folder.join("Cargo.toml");
    let context = || format!("cannot read {}", path.display());
    let text = std::fs::read_to_string(&path).with_context(context)?;
    let manifest: toml::Table = text.parse().with_context(context)?;
    let release = manifest.get("profile").and_then(|it| it.get("release"));
    let off = "debug-assertions incremental overflow-checks rpath".split(' ');
    let mut settings: BTreeMap<&str, String> = off.map(|key| (key, "false".to_owned())).collect();
    for key in STATED_OF_PROFILE.split(' ') {
        if let Some(value) = release.and_then(|release| release.get(key)) {
            // A string, a number or a flag, which JSON writes as TOML does.
            settings.insert(key, serde_json::to_string(value)?);
        }
    }
    Ok(settings
        .into_iter()
        .map(|(key, value)| format!("profile.release.{key}={value}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_of_the_firmware_is_stated_in_full() {
        let settings = profile(&places::clone().unwrap().join("firmware")).unwrap();
        let n_stated = STATED_OF_PROFILE.split(' ').count();
        assert_eq!(settings.len(), n_stated, "{settings:?}");
        assert!(settings.contains(&"profile.release.opt-level=\"s\"".to_owned()));
    }
}
