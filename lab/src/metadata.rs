//! What `cargo metadata` says of packages, as far as anybody here asks.

use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;
use xshell::cmd;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) targets: Vec<Target>,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests of the manifests ask"))]
    #[serde(flatten)]
    pub(crate) manifest: Manifest,
}

/// What its manifest says besides.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(test), expect(dead_code, reason = "tests of the manifests ask"))]
pub(crate) struct Manifest {
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) manifest_path: PathBuf,
    /// The registries that it may go to; none named is any.
    pub(crate) publish: Option<Vec<String>>,
    pub(crate) description: Option<String>,
    pub(crate) documentation: Option<String>,
    pub(crate) license: Option<String>,
    /// Relative to the manifest.
    pub(crate) readme: Option<PathBuf>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
}

/// A library, program or test of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
}

/// What a package depends on.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(test), expect(dead_code, reason = "tests of the manifests ask"))]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev` or `build`, where it is not of the library.
    pub(crate) kind: Option<String>,
    /// The versions that will do; any is `*`.
    pub(crate) req: String,
    pub(crate) optional: bool,
    /// The platforms that it is for, unless for all.
    pub(crate) target: Option<String>,
    pub(crate) path: Option<PathBuf>,
}

impl Dependency {
    /// Whether tests alone depend on it.
    #[cfg(test)]
    pub(crate) fn is_of_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// The packages of this workspace, and unless `--no-deps` is among the arguments, of what they depend
/// on.
pub(crate) fn packages(arguments: &[&str]) -> Result<Vec<Package>, Failure> {
    let (shell, cargo) = (crate::shell()?, crate::cargo());
    let command = cmd!(
        shell,
        "{cargo} metadata --locked --format-version 1 {arguments...}"
    );
    let text = process::read(command.into(), process::LONG).environment()?;
    let metadata: Metadata = serde_json::from_str(&text)
        .context("cargo metadata")
        .environment()?;
    Ok(metadata.packages)
}
