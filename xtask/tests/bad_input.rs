//! Bad input through the whole program: an exit code, one clear error, and nothing left behind.

use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};

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
        expected.assert_eq(&stderr.replace(&folder, "FOLDER"));
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(!Path::new(&folder).join("reports").exists());
    }
}

#[test]
fn empty_csv() {
    Case::new().write("rows.csv", b"").fails(&expect![[""]]);
}

#[test]
fn ragged_row() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2\n")
        .fails(&expect![[""]]);
}

#[test]
fn text_in_a_numeric_column() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ntwo,z\n")
        .fails(&expect![[""]]);
}

#[test]
fn nan_and_infinity() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\nNaN,z\n")
        .fails(&expect![[""]]);
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ninf,z\n")
        .fails(&expect![[""]]);
}

#[test]
fn a_label_column_that_does_not_exist() {
    Case::new()
        .config("label = \"y\"", "label = \"species\"")
        .fails(&expect![[""]]);
}

#[test]
fn one_class_only() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2,x\n3,x\n4,x\n")
        .fails(&expect![[""]]);
}

#[test]
fn a_class_that_training_never_saw() {
    let case = Case::new();
    case.write("test.csv", b"a,y\n1,x\n2,w\n").config(
        "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
        "train = \"rows.csv\"\ntest = \"test.csv\"\nlabel = \"y\"",
    );
    case.fails(&expect![[""]]);
}

#[test]
fn no_trees() {
    Case::new()
        .config("n_trees = 2", "n_trees = 0")
        .fails(&expect![[""]]);
}

#[test]
fn a_size_that_is_none() {
    Case::new()
        .config("\"16K\"", "\"16 KiBs\"")
        .fails(&expect![[""]]);
}

#[test]
fn an_unknown_chip() {
    Case::new()
        .config("nRF51822_xxAA", "nRF51882_xxAA")
        .fails(&expect![[""]]);
}

#[test]
fn a_duplicate_key() {
    Case::new()
        .config("n_trees = 2", "n_trees = 2\nn_trees = 3")
        .fails(&expect![[""]]);
}

#[test]
fn a_truncated_idx() {
    let case = Case::new();
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    images.extend([1, 2, 3]);
    case.write("images.idx", &images)
        .write("labels.idx", &[0, 0, 8, 1, 0, 0, 0, 2, 0, 1])
        .config(
            "path = \"rows.csv\"\nlabel = \"y\"",
            "path = \"images.idx\"\npath_labels = \"labels.idx\"",
        );
    case.fails(&expect![[""]]);
}

fn import(nodes: &str, expected: &Expect) {
    let case = Case::new();
    let model = format!(
        "{{\"format\":\"spinney-model\",\"version\":1,\"kind\":\"decision-tree\",\
         \"features\":[{{\"name\":\"a\"}}],\"classes\":[\"x\",\"z\"],\
         \"trees\":[{{\"nodes\":[{nodes}]}}]}}"
    );
    case.write("model.json", model.as_bytes());
    let config = GOOD
        .replace(
            "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
            "test = \"rows.csv\"\nlabel = \"y\"",
        )
        .replace(
            "kind = \"random-forest\"\nn_trees = 2",
            "source = \"import\"\npath = \"model.json\"",
        );
    case.write("pipeline.toml", config.as_bytes());
    case.fails(expected);
}

#[test]
fn a_child_index_out_of_range() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":7},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[""]],
    );
}

#[test]
fn a_cycle() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":0},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[""]],
    );
}

#[test]
fn a_feature_index_out_of_range() {
    import(
        r#"{"feature":9,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[""]],
    );
}

#[test]
fn the_emulator_is_missing() {
    let case = Case::new();
    let cargo = std::env::var("CARGO").expect("cargo runs the tests");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["pipeline", "run", "--config"])
        .arg(case.folder.path().join("pipeline.toml"))
        // The compiler is there, and nothing else.
        .env("PATH", Path::new(&cargo).parent().expect("a folder"));
    case.fails_with(&mut command, 3, &expect![[""]]);
}

#[test]
fn reports_that_cannot_be_written() {
    let case = Case::new();
    case.write("occupied", b"a file").config(
        "name = \"bad-input\"",
        "name = \"bad-input\"\nreports = \"occupied\"",
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["pipeline", "run", "--config"])
        .arg(case.folder.path().join("pipeline.toml"));
    case.fails_with(&mut command, 2, &expect![[""]]);
}

#[test]
fn nothing_was_run_yet() {
    let case = Case::new();
    let name = format!("never-run-{}", std::process::id());
    case.config("bad-input", &name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["pipeline", "check", "--config"])
        .arg(case.folder.path().join("pipeline.toml"));
    let output = command.output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    expect![[""]].assert_eq(&stderr.replace(&name, "NAME"));
}
