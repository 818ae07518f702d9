//! Bad input through the whole program: an exit code, one clear error, and nothing left behind.
#![expect(clippy::disallowed_methods, reason = "tests end with what they start")]

mod configs;
mod limits;
mod models;
mod rows;
mod verbs;

use std::path::Path;
use std::process::Command;

use expect_test::Expect;

const GOOD: &str = r#"
[pipeline]
name = "bad-input"
[dataset]
path = "rows.csv"
label = "y"
test_fraction = 0.5
[model]
kind = "random-forest"
n_trees = 2
[target]
chip = "nRF51822_xxAA"
[budget]
flash = "16K"
"#;

const ROWS: &str = "a,y\n1,x\n2,z\n3,x\n4,z\n";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        case.write("rows.csv", ROWS.as_bytes());
        case.write("pipeline.toml", GOOD.as_bytes());
        case
    }

    fn write(&self, name: &str, bytes: &[u8]) -> &Self {
        std::fs::write(self.folder.path().join(name), bytes).expect("a temporary file");
        self
    }

    fn config(&self, from: &str, to: &str) -> &Self {
        assert!(GOOD.contains(from), "{from}");
        self.write("pipeline.toml", GOOD.replace(from, to).as_bytes())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(["pipeline", "run", "--until", "quantize", "--config"])
            .arg(self.folder.path().join("pipeline.toml"));
        command
    }

    /// Runs until the model is quantized, which all bad data must end before.
    fn fails(&self, expected: &Expect) {
        self.fails_with(&mut self.command(), 2, expected);
    }

    fn fails_with(&self, command: &mut Command, code: i32, expected: &Expect) {
        let output = command.output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let folder = self.folder.path().display().to_string();
        // Cases of one pipeline wait for each other.
        let said: String = stderr
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("note: waiting for another run"))
            .collect();
        expected.assert_eq(&said.replace(&folder, "FOLDER"));
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(!Path::new(&folder).join("reports").exists());
    }
}
