//! Verbs before, beside and after a run that could not be.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};

use crate::Case;
use crate::models::import_case;

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
    runs_into(
        &case,
        &expect![[r#"
        error: pipeline.reports: found `"occupied"`, expected a place that can be written (not a directory)
         --> FOLDER/pipeline.toml:4:11
          |
        4 | reports = "occupied"
          |           ^^^^^^^^^^
    "#]],
    );
}

/// Runs all stages, which the place of an output must end before.
fn runs_into(case: &Case, expected: &Expect) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(["pipeline", "run", "--config"])
        .arg(case.folder.path().join("pipeline.toml"));
    case.fails_with(&mut command, 2, expected);
}

#[test]
fn reports_outside_of_the_configs_folder() {
    let case = Case::new();
    case.config(
        "name = \"bad-input\"",
        "name = \"bad-input\"\nreports = \"/elsewhere\"",
    );
    runs_into(
        &case,
        &expect![[r#"
            error: pipeline.reports: found `"/elsewhere"`, which is /elsewhere/bad-input, expected a place in FOLDER
             --> FOLDER/pipeline.toml:4:11
              |
            4 | reports = "/elsewhere"
              |           ^^^^^^^^^^^^
              |
              = help: a config writes into its own folder alone; if you trust this one, `cargo xtask pipeline run --allow-outside` lifts that
        "#]],
    );
}

#[test]
fn a_report_of_somebody_else() {
    let case = Case::new();
    std::fs::create_dir_all(case.folder.path().join("mine/bad-input")).expect("a folder");
    case.write("mine/bad-input/report.md", b"# Mine\n").config(
        "name = \"bad-input\"",
        "name = \"bad-input\"\nreports = \"mine\"",
    );
    runs_into(
        &case,
        &expect![[r#"
            error: pipeline.reports: found FOLDER/mine/bad-input/report.md, which Spinney did not write, expected a report of an earlier run, or nothing there
             --> FOLDER/pipeline.toml:4:11
              |
            4 | reports = "mine"
              |           ^^^^^^
              |
              = help: move it away, or name another place
        "#]],
    );
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
        error: FOLDER/other.csv: the columns: found none called "a" among b, expected every feature of the model by its name; rows without names (.npy) go by position
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
        error: FOLDER/out.txt: found an output of unknown format, expected a name that ends in .npy (class indices, or values) or .csv (class names, or values)
    "#]]);
    let wide = npy("(1, 2)", &[0; 16]);
    case.write("wide.npy", &wide);
    case.fails_with(
        &mut predict(&case, "wide.npy", "out.npy"),
        2,
        &expect![[r#"
        error: FOLDER/wide.npy: the columns: found 2 without names, expected 1, one per feature in the order of the training, since these rows have no names
    "#]],
    );
    assert!(!case.folder.path().join("out.csv").exists());
    assert!(!case.folder.path().join("out.npy").exists());
}

#[test]
fn readings_of_an_array_are_finite() {
    const STUMP: &str =
        r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#;
    let case = import_case(&["a"], "", STUMP);
    for (odd, expected) in [
        (
            f64::NAN,
            expect![[r#"
                error: FOLDER/odd.npy: row 1, feature "x0": found NaN, expected a finite number
            "#]],
        ),
        (
            f64::INFINITY,
            expect![[r#"
                error: FOLDER/odd.npy: row 1, feature "x0": found inf, expected a finite number
            "#]],
        ),
    ] {
        let data = [1.0_f64, odd].map(f64::to_le_bytes).concat();
        case.write("odd.npy", &npy("(2, 1)", &data));
        case.fails_with(&mut predict(&case, "odd.npy", "out.npy"), 2, &expected);
    }
    assert!(!case.folder.path().join("out.npy").exists());
}

#[test]
fn a_page_of_a_search_replaces_no_other_file() {
    let case = Case::new();
    case.write("page.html", b"mine\n");
    let page = case.folder.path().join("page.html");
    let mut search = Command::new(env!("CARGO_BIN_EXE_xtask"));
    search.args(["search", "--config"]);
    search.arg(case.folder.path().join("pipeline.toml"));
    search.arg("--html").arg(&page);
    case.fails_with(
        &mut search,
        2,
        &expect![[r#"
            error: --html: found FOLDER/page.html, which Spinney did not write, expected a place that is free
        "#]],
    );
    assert_eq!(std::fs::read(page).expect("a file"), b"mine\n");
}

#[test]
fn classes_of_one_value_are_told_apart_by_their_text() {
    const STUMP: &str =
        r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#;
    let case = import_case(&["a"], "", STUMP);
    let path = case.folder.path();
    for (file, from, to) in [
        ("model.json", r#""x","z""#, r#""1","1.0""#),
        ("pipeline.toml", "bad-input", "classes-of-one-value"),
    ] {
        let text = std::fs::read_to_string(path.join(file)).expect("a file");
        assert!(text.contains(from), "{text}");
        case.write(file, text.replace(from, to).as_bytes());
    }
    case.write("rows.csv", b"a,y\n1,1\n2,1.0\n1,1\n3,1.0\n");
    let output = predict(&case, "rows.csv", "out.csv").output();
    let output = output.expect("the program runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, "accuracy 1.0000 (4 of 4 rows)\n");
    let output = case.command().output().expect("the program runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("1.0000"), "{stdout}");
    assert!(!stdout.contains("are the class"), "{stdout}");
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

#[test]
fn predictions_replace_predictions_alone() {
    let case = Case::new();
    case.config("bad-input", "predict-replaces");
    case.write("new.csv", b"a\n0\n");
    let refused = |input: &str, place: &str, bytes: &[u8], why: &str| {
        let output = predict(&case, input, place).output();
        let output = output.expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{place}: {stderr}");
        assert!(stderr.contains(why), "{place}: {stderr}");
        let kept = std::fs::read(case.folder.path().join(place));
        assert_eq!(kept.expect("the file"), bytes, "{place}");
    };
    std::fs::create_dir(case.folder.path().join("sub")).expect("a folder");
    let rows = super::ROWS.as_bytes();
    refused(
        "rows.csv",
        "sub/../rows.csv",
        rows,
        "which rows are read from, expected a place that is free",
    );
    refused(
        "new.csv",
        "sub/../rows.csv",
        rows,
        "which the pipeline reads, expected a place that is free",
    );
    let floats = npy("(3,)", &[0; 24]);
    let is_other = |file: &str, bytes: &[u8]| {
        case.write(file, bytes);
        let why = "which is no file of predictions by this model, expected one, which is replaced";
        refused("new.csv", file, bytes, why);
    };
    is_other("precious.csv", b"a,y\n1,x\n");
    is_other("more.csv", b"class,a\nx,1\n");
    is_other("values.csv", b"value\n1\n");
    is_other("labels.csv", b"class\nfoo\n");
    is_other("more_labels.csv", b"class\nxy\n");
    is_other("empty.csv", b"");
    is_other("text.npy", b"mine");
    is_other("floats.npy", &floats);
    for (file, flag) in [
        ("out.csv", None),
        ("out.npy", None),
        ("out.csv", Some("--scores")),
        ("out.csv", None),
    ] {
        for rows in ["a\n0\n", "a\n0\n9\n"] {
            case.write("new.csv", rows.as_bytes());
            let mut command = predict(&case, "new.csv", file);
            let output = command.args(flag).output().expect("the program runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{file}: {stderr}");
        }
    }
}

#[test]
fn columns_are_found_by_name_or_taken_in_order() {
    const STUMP: &str =
        r#"{"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#;
    let names = |features: [&str; 2], naming: &str, rows: &[u8]| {
        let case = import_case(&features, naming, STUMP);
        case.write("rows.csv", rows);
        let text = std::fs::read_to_string(case.folder.path().join("pipeline.toml"));
        let name = format!("names-{}-{}", features.join("").trim(), rows.len());
        let config = text.expect("a config").replace("bad-input", &name);
        case.write("pipeline.toml", config.as_bytes());
        let output = predict(&case, "rows.csv", "out.csv").output();
        let output = output.expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let right = "accuracy 1.0000 (2 of 2 rows)\n";
    // The first feature of the model decides; the other column would decide the other way.
    assert_eq!(names(["x0", "x1"], "", b"x1,x0,y\n9,1,x\n1,9,z\n"), right);
    assert_eq!(
        names(["x0", "x1"], "", b"t,x1,x0,y\n5,9,1,x\n5,1,9,z\n"),
        right
    );
    assert_eq!(
        names([" a", "b "], "", b"b, a, y\n9, 1, x\n1, 9, z\n"),
        right
    );
    let positional = r#""feature_names":"positional","#;
    assert_eq!(
        names(["x0", "x1"], positional, b"b,a,y\n1,0.5,x\n9,1,z\n"),
        right
    );
}

#[test]
fn waiting_for_another_run_is_said() {
    let case = Case::new();
    case.config("name = \"bad-input\"", "name = \"bad-input-that-waits\"");
    let program = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let target = program.ancestors().nth(2).expect("the target folder");
    let folder = target.join("pipeline/bad-input-that-waits");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut held = std::fs::File::create(folder.join("lock")).expect("a lock file");
    held.lock().expect("nobody else holds it");
    let holder = r#"{"process":1234,"command":"cargo xtask pipeline run\u001b[2K","since":43385}"#;
    held.write_all(holder.as_bytes())
        .expect("it can be written");
    let mut child = case
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut line = String::new();
    let mut stderr = BufReader::new(child.stderr.take().expect("its stderr"));
    stderr.read_line(&mut line).expect("a line");
    drop(held);
    let status = child.wait().expect("it ends");
    let lock = folder.join("lock").display().to_string();
    expect![[r#"
        note: waiting for another run (process 1234, `cargo xtask pipeline run\u{1b}[2K`, since 12:03:05 UTC), which holds LOCK
    "#]]
    .assert_eq(&line.replace(&lock, "LOCK"));
    assert!(status.success());
}

#[test]
fn values_are_those_of_the_report() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("values.csv");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .current_dir(repository)
        .args(["predict", "--config", "examples/air-regression.toml"])
        .args(["--input", "data/air_regression.csv", "--output"])
        .arg(&out)
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("mean absolute error "), "{stdout}");
    let values = std::fs::read_to_string(&out).expect("values");
    let report = repository.join("reports/air-regression/predictions.csv");
    let report = std::fs::read_to_string(report).expect("the report's");
    let reported = report.lines().map(|line| line.split(',').nth(3));
    let found: Vec<Option<&str>> = values.lines().map(Some).collect();
    assert_eq!(found[0], Some("value"));
    assert_eq!(found[1..], reported.skip(1).collect::<Vec<_>>());
}
