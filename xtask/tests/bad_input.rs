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
    Case::new().write("rows.csv", b"").fails(&expect![[r#"
        error: FOLDER/rows.csv: line 1: found an empty file, expected a header row with column names
    "#]]);
}

#[test]
fn ragged_row() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3: found 1 fields, expected 2, as the header has
        "#]]);
}

#[test]
fn text_in_a_numeric_column() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ntwo,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "two", expected a number (`ignore` in [dataset] leaves a column out)
        "#]]);
}

#[test]
fn nan_and_infinity() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\nNaN,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "NaN", expected a finite number (drop or fill missing values first)
        "#]]);
    Case::new()
        .write("rows.csv", b"a,y\n1,x\ninf,z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "inf", expected a finite number (drop or fill missing values first)
        "#]]);
}

#[test]
fn a_label_column_that_does_not_exist() {
    Case::new()
        .config("label = \"y\"", "label = \"species\"")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "species"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "species"
              |         ^^^^^^^^^
              |
              = help: its columns are a, y
        "#]]);
}

#[test]
fn columns_to_ignore_that_are_not_there() {
    let ignore = |names: &str| format!("label = \"y\"\nignore = [{names}]");
    Case::new()
        .config("label = \"y\"", &ignore("\"id\""))
        .fails(&expect![[r#"
            error: dataset.ignore: rows.csv has no column "id"
             --> FOLDER/pipeline.toml:7:10
              |
            7 | ignore = ["id"]
              |          ^^^^^^
              |
              = help: its columns are a, y
        "#]]);
    Case::new()
        .config("label = \"y\"", &ignore("\"*\""))
        .fails(&expect![[r#"
            error: dataset.ignore: "*" leaves out the label's column too
             --> FOLDER/pipeline.toml:7:10
              |
            7 | ignore = ["*"]
              |          ^^^^^
              |
              = help: its columns are a, y
        "#]]);
}

#[test]
fn a_label_column_in_another_case_and_files_of_another_kind() {
    Case::new()
        .config("label = \"y\"", "label = \"Y\"")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "Y"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "Y"
              |         ^^^
              |
              = help: did you mean "y"?
        "#]]);
    Case::new()
        .write("rows.csv", b"a;y\n1;x\n2;z\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: line 1: found one column, "a;y", expected columns with commas between them, not ';'
        "#]]);
    Case::new()
        .write("rows.csv", b"1,x\n2,z\n")
        .fails(&expect![[r#"
            error: dataset.label: rows.csv has no column "y"
             --> FOLDER/pipeline.toml:6:9
              |
            6 | label = "y"
              |         ^^^
              |
              = help: its columns are 1, x; if these are readings, put a header line above the rows
        "#]]);
}

#[test]
fn a_type_that_the_model_outgrows() {
    let case = Case::new();
    let model = r#"{"format":"spinney-model","version":1,"kind":"decision-tree",
        "features":[{"name":"a"}],"classes":["x","z"],"trees":[{"nodes":[
        {"feature":0,"threshold":449.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#;
    case.write("model.json", model.as_bytes());
    let text = "pipeline = { name = \"bad-type\" }\ndataset = { test = \"rows.csv\", label = \"y\" }\n\
                model = { source = \"import\", path = \"model.json\" }\n\
                target = { chip = \"nRF51822_xxAA\" }\n[features.a]\ntype = \"u8\"\n";
    case.write("pipeline.toml", text.as_bytes());
    case.fails(&expect![[r#"
        error: feature "a": found a model that needs 449.5 to 449.5, expected 0 to 255, as its type declares: is the type, or the unit, another?
    "#]]);
}

#[test]
fn one_class_only() {
    Case::new()
        .write("rows.csv", b"a,y\n1,x\n2,x\n3,x\n4,x\n")
        .fails(&expect![[r#"
            error: FOLDER/rows.csv: the training rows: found only the class "x", expected at least two classes to tell apart
        "#]]);
}

#[test]
fn a_class_that_training_never_saw() {
    let case = Case::new();
    case.write("test.csv", b"a,y\n1,x\n2,w\n").config(
        "path = \"rows.csv\"\nlabel = \"y\"\ntest_fraction = 0.5",
        "train = \"rows.csv\"\ntest = \"test.csv\"\nlabel = \"y\"",
    );
    case.fails(&expect![[r#"
        error: FOLDER/test.csv: data row 1: found class "w", expected one of the classes that the model knows: x, z
    "#]]);
}

#[test]
fn no_trees() {
    Case::new()
        .config("n_trees = 2", "n_trees = 0")
        .fails(&expect![[r#"
            error: model.n_trees: found `0`, expected an integer of 1 to 10000
              --> FOLDER/pipeline.toml:10:11
               |
            10 | n_trees = 0
               |           ^
        "#]]);
}

#[test]
fn a_size_that_is_none() {
    Case::new()
        .config("\"16K\"", "\"16 KiBs\"")
        .fails(&expect![[r#"
            error: budget.flash: found `"16 KiBs"`, expected a size, such as `"16K"`
              --> FOLDER/pipeline.toml:14:9
               |
            14 | flash = "16 KiBs"
               |         ^^^^^^^^^
               |
               = help: a size is a number of bytes (`16384` or `"16384"`), or has a unit: `"16K"`, `"1M"`; 1K is 1024 bytes
        "#]]);
}

#[test]
fn an_unknown_chip() {
    Case::new()
        .config("nRF51822_xxAA", "nRF51882_xxAA")
        .fails(&expect![[r#"
            error: target.chip: found `"nRF51882_xxAA"`, expected the name of a chip
              --> FOLDER/pipeline.toml:12:8
               |
            12 | chip = "nRF51882_xxAA"
               |        ^^^^^^^^^^^^^^^
               |
               = help: did you mean `"nRF51802_xxAA"`, `"nRF51822_xxAA"` or `"nRF51824_xxAA"`?
        "#]]);
}

#[test]
fn a_duplicate_key() {
    Case::new()
        .config("n_trees = 2", "n_trees = 2\nn_trees = 3")
        .fails(&expect![[r#"
            error: found `n_trees` twice, expected it once
              --> FOLDER/pipeline.toml:11:1
               |
            10 | n_trees = 2
               | ------- the first
            11 | n_trees = 3
               | ^^^^^^^
               |
               = help: remove one of the two
        "#]]);
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
    case.fails(&expect![[r#"
        error: FOLDER/images.idx: images, byte 16: found 3 bytes of data, expected 4, as the header says
    "#]]);
}

fn import(nodes: &str, expected: &Expect) {
    import_case("a", nodes).fails(expected);
}

/// A case whose model is imported: a tree of these nodes on a feature of this name.
fn import_case(feature: &str, nodes: &str) -> Case {
    let case = Case::new();
    let model = format!(
        "{{\"format\":\"spinney-model\",\"version\":1,\"kind\":\"decision-tree\",\
         \"features\":[{{\"name\":\"{feature}\"}}],\"classes\":[\"x\",\"z\"],\
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
    case
}

#[test]
fn a_child_index_out_of_range() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":7},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].right: found 7, expected a node index below 3
        "#]],
    );
}

#[test]
fn more_columns_than_a_model_without_names_has_features() {
    let case = import_case(
        "x0",
        r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#,
    );
    case.write("rows.csv", b"a,y,target\n1,x,0\n2,z,1\n")
        .fails(&expect![[r#"
            error: the rows do not fit the model: found 2 columns beside the label, expected 1, one per feature in the order of the training, for the model has no names for them; the last columns are a, target
        "#]]);
}

#[test]
fn a_cycle() {
    import(
        r#"{"feature":0,"threshold":1.5,"left":1,"right":0},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].right: found 0, which is already the root, expected a node with one parent, and no cycle
        "#]],
    );
}

#[test]
fn a_feature_index_out_of_range() {
    import(
        r#"{"feature":9,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#,
        &expect![[r#"
            error: FOLDER/model.json: trees[0].nodes[0].feature: found 9, expected a feature index below 1
        "#]],
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
    case.fails_with(&mut command, 3, &expect![[r#"
        error: the emulator qemu-system-arm is not here; `cargo xtask setup` installs it, and `emulator = "optional"` in [target] does without
    "#]]);
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
    case.fails_with(&mut command, 2, &expect![[r#"
        error: FOLDER/occupied/bad-input: reports cannot be written there (not a directory); change its permissions, or name another folder as `reports` in [pipeline]
    "#]]);
}

#[test]
fn nothing_was_run_yet() {
    let case = Case::new();
    let name = format!("never-run-{}", std::process::id());
    let folder = case.folder.path().display().to_string();
    case.config("bad-input", &name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["pipeline", "check", "--config"])
        .arg(case.folder.path().join("pipeline.toml"));
    let output = command.output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    expect![[r#"
        error: the pipeline "NAME" has no finished run; `cargo xtask pipeline run --config FOLDER/pipeline.toml` makes one
    "#]]
    .assert_eq(&stderr.replace(&name, "NAME").replace(&folder, "FOLDER"));
}

#[test]
fn nothing_was_built_that_could_be_flashed() {
    let case = Case::new();
    case.config("name = \"bad-input\"", "name = \"bad-flash\"");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["flash", "--dry-run", "--config"])
        .arg(case.folder.path().join("pipeline.toml"));
    case.fails_with(
        &mut command,
        2,
        &expect![[r#"
            error: the pipeline "bad-flash" has no finished run; `cargo xtask pipeline run --config FOLDER/pipeline.toml` makes one
        "#]],
    );
}

#[test]
fn a_chip_that_no_name_resembles() {
    let search = |part: &str, expected: &Expect| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["chips", "search", part]);
        Case::new().fails_with(&mut command, 2, expected);
    };
    search(
        "Z80",
        &expect![[r#"
        error: no chip has "Z80" in its name
    "#]],
    );
    search(
        "STM32F4O5",
        &expect![[r#"
        error: no chip has "STM32F4O5" in its name; did you mean STM32F405OE, STM32F405OG, STM32F415OG?
    "#]],
    );
}

fn predict(case: &Case, input: &str, output: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let folder = case.folder.path();
    command
        .args(["predict", "--config"])
        .arg(folder.join("pipeline.toml"))
        .arg("--input")
        .arg(folder.join(input))
        .arg("--output")
        .arg(folder.join(output));
    command
}

#[test]
fn rows_to_predict_that_do_not_fit() {
    let case = Case::new();
    case.config("bad-input", "predict-refused");
    case.write("other.csv", b"b,y\n1,x\n");
    case.fails_with(&mut predict(&case, "other.csv", "out.csv"), 2, &expect![[r#"
        error: FOLDER/other.csv: the columns: found none called "a" among b, expected every feature of the model
    "#]]);
    case.write("text.csv", b"a\none\n");
    case.fails_with(
        &mut predict(&case, "text.csv", "out.csv"),
        2,
        &expect![[r#"
            error: FOLDER/text.csv: line 2, column "a": found "one", expected a number (`ignore` in [dataset] leaves a column out)
        "#]],
    );
    case.fails_with(&mut predict(&case, "rows.csv", "out.txt"), 2, &expect![[r#"
        error: FOLDER/out.txt: found an output of unknown format, expected a name that ends in .npy (class indices) or .csv (class names)
    "#]]);
    let wide = npy("(1, 2)", &[0; 16]);
    case.write("wide.npy", &wide);
    case.fails_with(
        &mut predict(&case, "wide.npy", "out.npy"),
        2,
        &expect![[r#"
        error: FOLDER/wide.npy: the rows: found 2 columns, expected 1, one per feature of the model
    "#]],
    );
    assert!(!case.folder.path().join("out.csv").exists());
    assert!(!case.folder.path().join("out.npy").exists());
}

/// An array of float64.
fn npy(shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes(), data].concat()
}

#[test]
fn rows_that_fit_are_predicted() {
    let case = Case::new();
    case.config("bad-input", "predict-accepted");
    case.write("new.csv", b"z,y,a\n0,z,9\n0,x,-9\n");
    let output = predict(&case, "new.csv", "out.csv")
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("rows per second"), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("accuracy "), "{stdout}");
    let read = |name: &str| std::fs::read(case.folder.path().join(name)).expect("an output");
    let names = String::from_utf8(read("out.csv")).expect("text");
    let data: Vec<u8> = [9.0_f64, -9.0]
        .into_iter()
        .flat_map(f64::to_le_bytes)
        .collect();
    case.write("new.npy", &npy("(2, 1)", &data));
    let output = predict(&case, "new.npy", "out.npy")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let bytes = read("out.npy");
    assert_eq!(bytes.len(), 128 + 16);
    let indices: Vec<&str> = [128, 136]
        .map(|at| ["x", "z"][usize::from(bytes[at])])
        .to_vec();
    assert_eq!(names, format!("class\n{}\n{}\n", indices[0], indices[1]));
    let output = predict(&case, "new.csv", "scores.csv")
        .arg("--scores")
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0));
    let scores = String::from_utf8(read("scores.csv")).expect("text");
    assert!(scores.starts_with("class,score x,score z\n"), "{scores}");
    assert!(scores.lines().all(|line| line.split(',').count() == 3));
    case.fails_with(
        predict(&case, "new.csv", "out.npy").arg("--scores"),
        2,
        &expect![[r#"
        error: found --scores with an .npy, which takes class indices alone; name a .csv
    "#]],
    );
}
