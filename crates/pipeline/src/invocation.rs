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

/// Text that names verbs as this repository's developers type them, as they are to be typed here.
pub fn as_typed(text: &str) -> String {
    text.replace("`cargo xtask ", &format!("`{} ", name()))
}

/// A path as an argument in a shell: what might mean something there stands in quotes.
pub fn argument(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_./-".contains(it);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A verb as it is to be typed for the pipeline of `config`.
pub fn verb_for(config: &Config, verb: &str, flags: &str) -> String {
    let path = places::shown(config.path());
    let named = if path == Path::new("pipeline.toml") {
        String::new()
    } else {
        format!(" --config {}", argument(&path))
    };
    format!("`{} {verb}{named}{flags}`", name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_path_as_one_argument() {
        for (path, typed) in [
            ("a/b-c_1.toml", "a/b-c_1.toml"),
            ("my models/p.toml", "'my models/p.toml'"),
            ("$HOME;x", "'$HOME;x'"),
            ("it's", "'it'\\''s'"),
            ("größe", "'größe'"),
            ("", "''"),
        ] {
            assert_eq!(argument(Path::new(path)), typed);
        }
    }
}
