//! Tables as people have them, through the whole program until the model is quantized.

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
pub(super) fn rows(n: u32, gap: impl Fn(u32) -> bool) -> String {
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

#[test]
fn several_files_are_one() {
    let (even, odd) = (rows(40, |_| false), rows(30, |_| false));
    // The same columns in another order, and another dialect.
    let swapped: String = odd
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            format!("{};{};{}\n", fields[1], fields[2], fields[0])
        })
        .collect();
    let files = [
        ("logs/1.csv", even.as_str()),
        ("logs/2.csv", &swapped),
        ("logs/.3.csv", "hidden"),
        ("test.csv", &odd),
    ];
    says(
        &config(
            "several-glob",
            "train = \"logs/*.csv\", test = [\"test.csv\"], label = \"y\"",
        ),
        &files,
        &expect![[r#"
            several-glob: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 30 rows differ)
            accuracy: 95 % interval of Q15 0.8865 to 1.0000; naming the most frequent class: 0.5667
            certificate: splits every-input, votes every-input
            note: logs/*.csv: 2 files
            note: logs/2.csv: columns are separated by semicolons
            note: 30 of 30 test rows equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        "#]],
    );
    says(
        &config(
            "several-held",
            "train = [\"logs/1.csv\", \"test.csv\"], test = \"test.csv\", label = \"y\"",
        ),
        &files,
        &expect![[r#"
            several-held: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 30 rows differ)
            accuracy: 95 % interval of Q15 0.8865 to 1.0000; naming the most frequent class: 0.5667
            certificate: splits every-input, votes every-input
            note: 1 files of logs/1.csv, test.csv are in test.csv too; they test, and do not train
            note: 30 of 30 test rows equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        "#]],
    );
    refused(
        &config("several-none", "path = \"logs/*.txt\", label = \"y\""),
        &files,
        &expect![[r#"
            error: FOLDER/logs/*.txt: found no file whose name it matches among 2 in the folder, expected one or more
        "#]],
    );
    refused(
        &config(
            "several-twice",
            "path = [\"logs/1.csv\", \"logs/*.csv\"], label = \"y\"",
        ),
        &files,
        &expect![[r#"
            error: FOLDER/logs/1.csv: found twice among several files, expected it once
        "#]],
    );
    refused(
        &config(
            "several-apart",
            "path = [\"a.csv\", \"b.csv\"], label = \"y\"",
        ),
        &[("a.csv", "a,b,y\n1,2,x\n"), ("b.csv", "c,a,y\n1,2,z\n")],
        &expect![[r#"
            error: b.csv beside a.csv: found none of the columns "b", expected the same columns in each of several files (`ignore` in [dataset] leaves columns out)
        "#]],
    );
    refused(
        &config(
            "several-more",
            "path = [\"a.csv\", \"b.csv\"], label = \"y\"",
        ),
        &[("a.csv", "a,y\n1,x\n"), ("b.csv", "c,a,y\n1,2,z\n")],
        &expect![[r#"
            error: b.csv beside a.csv: found columns that the other has not: "c", expected the same columns in each of several files (`ignore` in [dataset] leaves columns out)
        "#]],
    );
}

#[test]
fn files_by_class() {
    let line = |row: u32, from: u32| format!("{},{}\n", from + row * 7 % 20, row % 3);
    let file =
        |from: u32| "a,b\n".to_owned() + &(0..30).map(|row| line(row, from)).collect::<String>();
    let (walk, run, more) = (file(0), file(20), file(40));
    let files = [
        ("walk.csv", walk.as_str()),
        ("run-1.csv", &run),
        ("run-2.csv", &more),
    ];
    says(
        &config(
            "by-class",
            "path = { walk = \"walk.csv\", run = [\"run-*.csv\"] }",
        ),
        &files,
        &expect![[r#"
            by-class: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 23 rows differ)
            accuracy: 95 % interval of Q15 0.8569 to 1.0000; naming the most frequent class: 0.6522
            certificate: splits every-input, votes every-input
            note: run-*.csv: 2 files
        "#]],
    );
    refused(
        &config(
            "by-class-label",
            "path = { walk = \"walk.csv\", run = \"run-1.csv\" }, label = \"y\"",
        ),
        &files,
        &expect![[r#"
            error: dataset.label: found `"y"`, expected none, since each file has a class
             --> FOLDER/pipeline.toml:2:70
              |
            2 | dataset = { path = { walk = "walk.csv", run = "run-1.csv" }, label = "y" }
              |                    ----------------------------------------          ^^^
              |                    |
              |                    because of this
              |
              = help: remove `label`, or change `dataset.path`
        "#]],
    );
}

#[test]
fn groups_are_on_one_side() {
    let line = |row: u32| {
        let class = if row * 7 % 20 < 10 { "x" } else { "z" };
        format!("{},p{},{class}\n", row * 7 % 20, row / 13)
    };
    let table =
        |rows: std::ops::Range<u32>| "a,who,y\n".to_owned() + &rows.map(line).collect::<String>();
    let all = table(0..104);
    says(
        &config(
            "groups",
            "path = \"rows.csv\", label = \"y\", group = \"who\"",
        ),
        &[("rows.csv", &all)],
        &expect![[r#"
            groups: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 26 rows differ)
            accuracy: 95 % interval of Q15 0.8713 to 1.0000; naming the most frequent class: 0.5385
            certificate: splits every-input, votes every-input
            note: 6 groups train, 2 test: p0, p7
            note: 26 of 26 test rows equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        "#]],
    );
    let given = "train = \"a.csv\", test = \"b.csv\", label = \"y\", group = \"who\"";
    says(
        &config("groups-given", given),
        &[("a.csv", &table(0..65)), ("b.csv", &table(65..104))],
        &expect![[r#"
            groups-given: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 39 rows differ)
            accuracy: 95 % interval of Q15 0.9103 to 1.0000; naming the most frequent class: 0.5128
            certificate: splits every-input, votes every-input
            note: 5 groups train, 3 test: p5, p6, p7
            note: 39 of 39 test rows equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        "#]],
    );
    refused(
        &config("groups-both", given),
        &[("a.csv", &table(0..66)), ("b.csv", &table(66..104))],
        &expect![[r#"
            error: dataset.group: found "p5" in a.csv and in b.csv, expected groups of one side alone
             --> FOLDER/pipeline.toml:2:67
              |
            2 | dataset = { train = "a.csv", test = "b.csv", label = "y", group = "who" }
              |                                                                   ^^^^^
              |
              = help: `path` with `test_fraction` divides rows by their groups
        "#]],
    );
    refused(
        &config(
            "groups-none",
            "path = \"rows.csv\", label = \"y\", group = \"whom\"",
        ),
        &[("rows.csv", &all)],
        &expect![[r#"
            error: dataset.group: rows.csv has no column "whom"
             --> FOLDER/pipeline.toml:2:53
              |
            2 | dataset = { path = "rows.csv", label = "y", group = "whom" }
              |                                                     ^^^^^^
              |
              = help: its columns are a, who, y
        "#]],
    );
}
