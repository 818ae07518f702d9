//! Configs, as the fuzz target `config` reads them.

use std::path::Path;

use spinney_config::{Style, parse};

/// A `pipeline.toml`, whose files are there or not; what is wrong with it can be told.
///
/// # Panics
/// If nothing is told of a config that is refused.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for exists in [false, true] {
        if let Err(faults) = parse(text, Path::new("folder/pipeline.toml"), &|_| exists) {
            assert!(!faults.render(Style::Plain).is_empty());
        }
    }
}
