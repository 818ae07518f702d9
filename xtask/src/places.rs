//! Where things are: the repository, the target folder, the cache for firmware builds.

use std::path::{Path, PathBuf};

use anyhow::Context;

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
    std::env::var_os("SPINNEY_CACHE")
        .map(PathBuf::from)
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
