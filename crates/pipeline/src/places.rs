//! Where things are: a clone of Spinney, the target folder, the cache for firmware builds.

use std::path::{Path, PathBuf};

use anyhow::Context;
use spinney_config::{Config, Grounds};

use crate::failure::{ExitReason, Failure};

/// The clone of Spinney that this program was built in, if it was built in one.
pub fn clone() -> Option<PathBuf> {
    // Cargo says where the package is now, which counts if the clone was moved since the build.
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let now = now.and_then(|package| Some(package.parent()?.to_path_buf()));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let is_ours = |folder: &PathBuf| {
        let parts = ["crates/pipeline/Cargo.toml", "firmware/app/Cargo.toml"];
        // What cargo checks out for a dependency on a repository is cargo's own.
        parts.iter().all(|part| folder.join(part).is_file()) && !folder.join(".cargo-ok").exists()
    };
    now.into_iter()
        .chain(built.map(Path::to_path_buf))
        .find(is_ours)
}

/// Cargo's target folder: that in which this program lies or, where it was installed, that of the
/// project around `start`; without a project, `target` beside it.
///
/// # Errors
/// `start` cannot be resolved.
pub fn target_around(start: &Path) -> Result<PathBuf, Failure> {
    let program = std::env::current_exe().environment()?;
    // target/<profile>/xtask, or target/<profile>/deps/xtask-<hash> for tests.
    // Cargo marks the first in target folders that it makes, and writes the second into all.
    let is_target = |folder: &&Path| {
        let marks = ["CACHEDIR.TAG", ".rustc_info.json"];
        marks.iter().any(|mark| folder.join(mark).is_file())
    };
    let own = program.ancestors().skip(1).find(is_target);
    if let Some(own) = own {
        return Ok(own.to_path_buf());
    }
    if let Some(named) = std::env::var_os("CARGO_TARGET_DIR").filter(|named| !named.is_empty()) {
        return std::path::absolute(named)
            .context("CARGO_TARGET_DIR")
            .environment();
    }
    let start = spinney_config::resolve(start)
        .with_context(|| format!("cannot look into {}", start.display()))
        .input()?;
    let project = start
        .ancestors()
        .filter(|folder| {
            // A project whose firmware and tool are workspaces of their own has none at its top.
            let parts = ["Cargo.toml", "xtask/Cargo.toml"];
            parts.iter().any(|part| folder.join(part).is_file())
        })
        .last();
    Ok(project.unwrap_or(&start).join("target"))
}

/// The folders of the repository that hold its sources.
const SOURCES: [&str; 7] = [
    "crates", "docs", "firmware", "fuzz", "scripts", "tools", "xtask",
];

fn sources() -> impl Iterator<Item = PathBuf> {
    let folders = clone().map(|clone| SOURCES.map(|name| clone.join(name)));
    folders.into_iter().flatten()
}

/// Where the config at `path` may write: in the clone that this program was built in if it lies
/// there, and in the repository that the user stands in if it belongs to that, but never among
/// sources or build products.
///
/// # Errors
/// The current folder is gone.
pub fn grounds(path: &Path, allow_outside: bool) -> Result<Grounds, Failure> {
    let mut closed: Vec<PathBuf> = sources().collect();
    closed.push(target_around(folder_of(path))?);
    let mut own: Vec<PathBuf> = clone().into_iter().collect();
    let here = std::env::current_dir().environment()?;
    if let Ok(path) = spinney_config::resolve(path) {
        let root = path.ancestors().find(|folder| folder.join(".git").exists());
        own.extend(
            root.filter(|root| here.starts_with(root))
                .map(Path::to_path_buf),
        );
    }
    Ok(Grounds {
        own,
        closed,
        allow_outside,
    })
}

/// Says so where `path` lies among Spinney's own sources, where nothing is placed.
///
/// # Errors
/// It does, or it cannot be resolved.
pub fn refuse_sources(path: &Path) -> Result<(), Failure> {
    let place = spinney_config::resolve(path)
        .with_context(|| format!("cannot look into {}", path.display()))
        .input()?;
    match sources().find(|folder| place.starts_with(folder)) {
        None => Ok(()),
        Some(folder) => Err(Failure::Input(anyhow::anyhow!(
            "found {}, expected no place in {}, which is Spinney's own",
            path.display(),
            folder.display()
        ))),
    }
}

fn folder_of(config: &Path) -> &Path {
    match config.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The folder of a pipeline's artifacts.
///
/// # Errors
/// Its config's folder cannot be resolved.
pub fn artifacts(config: &Config) -> Result<PathBuf, Failure> {
    artifacts_named(config.path(), &config.pipeline.identity.name)
}

/// A folder of artifacts beside those of the pipeline whose config this is.
///
/// # Errors
/// The config's folder cannot be resolved.
pub fn artifacts_named(config: &Path, name: &str) -> Result<PathBuf, Failure> {
    Ok(target_around(folder_of(config))?
        .join("pipeline")
        .join(name))
}

/// Cargo's target folder for firmware: outside the clone, so that `core` is built once.
pub fn firmware_cache() -> Result<PathBuf, Failure> {
    Ok(cache()?.join("firmware"))
}

/// The folder of what is built once, outside the clone.
pub fn cache() -> Result<PathBuf, Failure> {
    // Builds run in other folders, where a relative path would lead elsewhere.
    let named = std::env::var_os("SPINNEY_CACHE").filter(|folder| !folder.is_empty());
    named
        .map(std::path::absolute)
        .transpose()
        .context("SPINNEY_CACHE")
        .environment()?
        .or_else(|| {
            let base = std::env::var_os("XDG_CACHE_HOME")
                .filter(|folder| !folder.is_empty())
                .map(PathBuf::from)
                .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
            Some(base.join("spinney"))
        })
        .context("no home folder; set SPINNEY_CACHE to a folder for firmware builds")
        .environment()
}

/// A path as a reader would type it: relative to where they are, if it lies below.
pub fn shown(path: &Path) -> PathBuf {
    let mut full = PathBuf::new();
    for part in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .components()
    {
        match part {
            std::path::Component::ParentDir => {
                full.pop();
            }
            part => full.push(part),
        }
    }
    std::env::current_dir()
        .ok()
        .and_then(|here| full.strip_prefix(here).ok().map(Path::to_path_buf))
        .unwrap_or(full)
}
