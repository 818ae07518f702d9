//! What the tests of this crate share: a config without fault, and how to see faults.

use std::path::Path;

use expect_test::Expect;
use spinney_config::{Config, Diagnostic, Diagnostics};

/// The least that a config can say.
pub const MINIMAL: &str = r#"[pipeline]
name = "a"
seed = 1

[dataset]
path = "rows.csv"
label = "class"
[model]
kind = "random-forest"
n_trees = 3
[target]
chip = "STM32F405RGTx"
"#;

/// Parses in a folder where every file exists whose name does not say otherwise.
pub fn parse(text: &str) -> Result<Config, Diagnostics> {
    let exists = |file: &Path| !file.to_string_lossy().contains("missing");
    spinney_config::parse(text, Path::new("folder/pipeline.toml"), &exists)
}

/// The faults of a text, none if it is good.
pub fn faults(text: &str) -> Vec<Diagnostic> {
    parse(text)
        .err()
        .map(|faults| faults.to_list())
        .unwrap_or_default()
}

/// Compares the rendered faults of a text.
pub fn check(text: &str, expect: &Expect) {
    let rendered = match parse(text) {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => faults.to_string(),
    };
    expect.assert_eq(&format!("{rendered}\n"));
}
