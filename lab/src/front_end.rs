//! The front end's crate as a package of an image's workspace.

use std::collections::BTreeMap;

use anyhow::Context;

use spinney_pipeline::failure::{ExitReason, Failure};

/// Its files by path within the workspace, under `frontend/`, without tests.
pub fn sources() -> Result<BTreeMap<String, String>, Failure> {
    let package = crate::repository().join("crates/frontend");
    let read = |path: &str| {
        std::fs::read_to_string(package.join(path))
            .with_context(|| format!("cannot read {}", package.join(path).display()))
            .environment()
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(package.join("src")).environment()? {
        let name = entry.environment()?.file_name();
        let name = name.to_string_lossy();
        files.insert(
            format!("frontend/src/{name}"),
            read(&format!("src/{name}"))?,
        );
    }
    let manifest = spinney_codegen::carried(&read("Cargo.toml")?);
    files.insert("frontend/Cargo.toml".to_owned(), manifest);
    Ok(files)
}
