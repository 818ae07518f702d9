//! The front end's crate as a package of an image's workspace.

use std::collections::BTreeMap;

use spinney_pipeline::failure::{ExitReason, Failure};

/// Its files by path within the workspace, under `frontend/`, without tests.
pub fn sources() -> Result<BTreeMap<String, String>, Failure> {
    let package = crate::repository().join("crates/frontend");
    let read = |path: &str| crate::read_text(package.join(path)).environment();
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
