//! Where things are: the repository, the target folder, the cache for firmware builds.

use std::path::{Path, PathBuf};

use anyhow::Context;
use spinney_config::Grounds;

use crate::failure::{Blame, Failure};

/// The repository that this program was built from.
pub(crate) fn repository() -> PathBuf {
    // Cargo says where the package is now, which counts if the clone was moved since the build.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target folder, where this program lies.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe().environment()?;
    // target/<profile>/xtask, or target/<profile>/deps/xtask-<hash> for tests.
    let folder = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .or_else(|| program.ancestors().nth(2))
        .context("the program has no folder")
        .environment()?;
    Ok(folder.to_path_buf())
}

/// The folders of the repository that hold its sources.
const SOURCES: [&str; 7] = [
    "crates", "docs", "firmware", "fuzz", "scripts", "tools", "xtask",
];

/// Where the config at `path` may write: in this repository if it lies there, and in the repository
/// that the user stands in if it belongs to that, but never among sources or build products.
pub(crate) fn grounds(path: &Path, allow_outside: bool) -> Result<Grounds, Failure> {
    let repository = repository();
    let mut closed: Vec<PathBuf> = SOURCES.map(|name| repository.join(name)).into();
    closed.push(target()?);
    let mut own = vec![repository];
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

/// Says so where `path` lies among this repository's sources, where nothing is placed.
pub(crate) fn refuse_sources(path: &Path) -> Result<(), Failure> {
    let place = spinney_config::resolve(path)
        .with_context(|| format!("cannot look into {}", path.display()))
        .input()?;
    let mut folders = SOURCES.iter().map(|name| repository().join(name));
    match folders.find(|folder| place.starts_with(folder)) {
        None => Ok(()),
        Some(folder) => Err(Failure::Input(anyhow::anyhow!(
            "found {}, expected no place in {}, which is Spinney's own",
            path.display(),
            folder.display()
        ))),
    }
}

/// The folder of one pipeline's artifacts.
pub(crate) fn artifacts(pipeline: &str) -> Result<PathBuf, Failure> {
    Ok(target()?.join("pipeline").join(pipeline))
}

/// Cargo's target folder for firmware: outside the clone, so that `core` is built once.
pub(crate) fn firmware_cache() -> Result<PathBuf, Failure> {
    Ok(cache()?.join("firmware"))
}

/// The folder of what is built once, outside the clone.
pub(crate) fn cache() -> Result<PathBuf, Failure> {
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
