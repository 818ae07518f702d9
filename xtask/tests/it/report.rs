//! `report` of models and rows that belong to no pipeline, on a machine without a compiler.

use std::process::{Command, Output};

use serde_json::Value;

fn report(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("report")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("PATH", "")
        .output()
        .expect("the program runs")
}

fn says(output: &Output) -> String {
    let (stdout, stderr) = (&output.stdout, &output.stderr);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(stderr)
    );
    String::from_utf8_lossy(stdout).into_owned()
}

const DIGITS: [&str; 5] = [
    "examples/models/digits_rf.skops",
    "--test",
    "data/digits_test.csv",
    "--label",
    "digit",
];

#[test]
fn each_task_has_its_sections() {
    let regressor =
        "examples/models/air_regression.skops --test data/air_regression.csv --label pm";
    let detector =
        "examples/models/mote_anomaly.skops --test data/mote_anomaly.csv --label event --normal 0";
    let targets = "examples/models/air_targets.skops --test data/air_regression.csv --label pm \
                   --label temperature";
    for (arguments, sections) in [
        (
            targets.to_owned(),
            ["### temperature", "Values: integers are within"],
        ),
        (
            DIGITS.join(" "),
            ["## Accuracy", "1 test row is decided within"],
        ),
        (
            regressor.to_owned(),
            ["## Values", "Values: integers are within"],
        ),
        (detector.to_owned(), ["## Alarms", "Scores: "]),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let page = says(&report(&arguments));
        for section in sections
            .into_iter()
            .chain(["## Forms", "| packed |", "no compiler"])
        {
            assert!(page.contains(section), "{section} in {page}");
        }
        for absent in ["## Gates", "## Image", "## Device"] {
            assert!(!page.contains(absent), "{absent} in {page}");
        }
    }
}

#[test]
fn what_was_kept_becomes_the_same_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let [json, html, again] = ["a.json", "a.html", "b.html"].map(place);
    for output in [&json, &html, &html] {
        says(&report(&[&DIGITS[..], &["-o", output]].concat()));
    }
    says(&report(&[&json, "-o", &again]));
    let read = |path: &str| std::fs::read(path).expect("a report");
    assert_eq!(read(&html), read(&again));
    let kept: Value = serde_json::from_slice(&read(&json)).expect("a report");
    let bytes = |at: usize| kept["forms"][at]["table_bytes"].as_u64().expect("bytes");
    assert!(0 < bytes(0) && bytes(0) < bytes(1));
    assert!(kept["footprint"].is_null() && kept["accuracy"]["q15"].is_number());
    let shipped = "reports/digits/report.json";
    let page = std::fs::read_to_string("../reports/digits/report.md").expect("a report");
    assert_eq!(says(&report(&[shipped])), page);
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mine = folder.path().join("mine.html");
    std::fs::write(&mine, "mine").expect("a temporary file");
    let mine = mine.display().to_string();
    let shipped = ["reports/digits/report.json", "--test", "rows.csv"];
    for (arguments, told) in [
        (vec![DIGITS[0]], "--test: found no rows"),
        (shipped.to_vec(), "--test: found it beside"),
        (
            [&DIGITS[..], &["-o", "x.pdf"]].concat(),
            "expected a name that ends in",
        ),
        (
            [&DIGITS[..], &["-o", &mine]].concat(),
            "which Spinney did not write",
        ),
        ([&DIGITS[..4], &["hue"]].concat(), "has no column \"hue\""),
    ] {
        let output = report(&arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(told), "{told} in {stderr}");
    }
}
