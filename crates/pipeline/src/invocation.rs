//! How a user calls this program, for messages that name the next step.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use spinney_config::Config;

use crate::places;

static NAME: OnceLock<&str> = OnceLock::new();
static FILE: OnceLock<PathBuf> = OnceLock::new();

/// States how this program is called: `cargo xtask`, where the name is not `spinney`. Only the
/// first call counts.
pub fn state(name: &'static str) {
    let _ = NAME.set(name);
}

/// States the file that holds this code, where that is a library and the program another's. Only the
/// first call counts.
pub fn state_file(file: PathBuf) {
    let _ = FILE.set(file);
}

/// The file that holds this code.
///
/// # Errors
/// What the system says.
pub fn file() -> std::io::Result<PathBuf> {
    match FILE.get() {
        Some(file) => Ok(file.clone()),
        None => std::env::current_exe(),
    }
}

/// How this program is called.
pub fn name() -> &'static str {
    NAME.get().copied().unwrap_or("spinney")
}

/// A verb as it is to be typed: `` `spinney setup` ``.
pub fn verb(verb: &str) -> String {
    format!("`{} {verb}`", name())
}

/// A verb as it is to be typed for the pipeline of `config`.
pub fn verb_for(config: &Config, verb: &str, flags: &str) -> String {
    let path = places::shown(config.path());
    let named = if path == Path::new("pipeline.toml") {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    format!("`{} {verb}{named}{flags}`", name())
}
