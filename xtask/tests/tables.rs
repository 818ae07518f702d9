//! Tables as people have them, through the whole program until the model is quantized.
#![expect(clippy::disallowed_methods, reason = "tests end with what they start")]

use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};

fn config(name: &str, dataset: &str) -> String {
    format!(
        "pipeline = {{ name = \"{name}\" }}\ndataset = {{ {dataset} }}\n\
         model = {{ kind = \"decision-tree\" }}\ntarget = {{ chip = \"nRF51822_xxAA\" }}\n"
    )
}

/// Runs a pipeline over these files; gives whether it went well, and what was said.
fn run(config: &str, files: &[(&str, &str)]) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in [("pipeline.toml", config)].iter().chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(path, text).expect("a temporary file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["pipeline", "run", "--until", "quantize", "--config"])
        .arg(folder.path().join("pipeline.toml"))
        .output()
        .expect("the program runs");
    let said = match output.status.success() {
        true => output.stdout,
        false => output.stderr,
    };
    let place = folder.path().display().to_string();
    let said = String::from_utf8_lossy(&said).replace(&place, "FOLDER");
    let says = |line: &&str| !line.starts_with("note: waiting for another run");
    let said = said.lines().filter(says).map(|line| format!("{line}\n"));
    (output.status.success(), said.collect())
}

fn says(config: &str, files: &[(&str, &str)], expected: &Expect) {
    let (is_good, said) = run(config, files);
    expected.assert_eq(&said);
    assert!(is_good, "{said}");
}

fn refused(config: &str, files: &[(&str, &str)], expected: &Expect) {
    let (is_good, said) = run(config, files);
    expected.assert_eq(&said);
    assert!(!is_good, "{said}");
}

/// Rows of `a` and `b`, of which `a` tells the class from 10 on.
fn rows(n: u32, gap: impl Fn(u32) -> bool) -> String {
    let line = |row: u32| {
        let a = match gap(row) {
            true => "NA".to_owned(),
            false => (row * 7 % 20).to_string(),
        };
        let class = if row * 7 % 20 < 10 { "x" } else { "z" };
        format!("{a},{},{class}\n", row % 3)
    };
    "a,b,y\n".to_owned() + &(0..n).map(line).collect::<String>()
}

#[test]
fn gaps_are_faults_or_left_out_or_filled() {
    let with_gaps = rows(60, |row| row % 10 == 3);
    let files = [("rows.csv", with_gaps.as_str())];
    let dataset = "path = \"rows.csv\", label = \"y\"";
    refused(
        &config("gaps-fault", dataset),
        &files,
        &expect![[r#"
            error: FOLDER/rows.csv: line 5, column "a": found "NA", expected a number (`missing` in [dataset] drops or fills what is missing)
        "#]],
    );
    says(
        &config("gaps-drop", &format!("{dataset}, missing = \"drop\"")),
        &files,
        &expect![[r#"
            gaps-drop: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 14 rows differ)
            accuracy: 95 % interval of Q15 0.7847 to 1.0000; naming the most frequent class: 0.5000
            certificate: splits every-input, votes every-input
            note: rows.csv: 6 of 60 rows miss readings and are left out; the device must be given none of that kind
        "#]],
    );
    says(
        &config("gaps-median", &format!("{dataset}, missing = \"median\"")),
        &files,
        &expect![[r#"
            gaps-median: decision-tree, 2 features, 2 classes, 1 trees, 4 splits, depth 4
            accuracy float 0.9333, Q15 0.9333; agreement 1.0000 (0 of 15 rows differ)
            accuracy: 95 % interval of Q15 0.7018 to 0.9881; naming the most frequent class: 0.5333
            certificate: splits every-row, votes every-input
            note: missing readings count as the median of the training rows, on the device too: "a" 9.5
            note: 1 of 15 test rows equal a training row in every reading (the first is row 43); they say nothing about rows that the model has not seen
        "#]],
    );
    let gap = rows(60, |_| true);
    refused(
        &config("gaps-alone", &format!("{dataset}, missing = \"median\"")),
        &[("rows.csv", &gap)],
        &expect![[r#"
            error: FOLDER/rows.csv: the training rows, feature "a": found no reading, expected some, to take the median of (`ignore` in [dataset] leaves the column out)
        "#]],
    );
    refused(
        &config("gaps-all", &format!("{dataset}, missing = \"drop\"")),
        &[("rows.csv", &gap)],
        &expect![[r#"
            error: FOLDER/rows.csv: the data: found 60 rows, each with a missing reading, expected rows with all readings (`ignore` in [dataset] leaves out a column that has few)
        "#]],
    );
}
