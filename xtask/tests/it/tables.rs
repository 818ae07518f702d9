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

/// What `data` says of these files, with `arguments` after their names.
fn data(files: &[(&str, &str)], arguments: &[&str], expected: &Expect) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("data")
        .args(files.iter().map(|(name, _)| name))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    let said = match output.status.success() {
        true => output.stdout,
        false => output.stderr,
    };
    expected.assert_eq(&String::from_utf8_lossy(&said));
}

#[test]
fn what_is_seen_in_a_table() {
    let line = |row: u32| {
        let class = ["walk", "run"][(row * 7 % 10 / 5) as usize];
        let gap = if row % 9 == 4 { "" } else { "0,5" };
        format!(
            "{};{};{gap};9;p{};{class}\n",
            row * 20,
            row * 7 % 10,
            row / 8
        )
    };
    let table = "t;ax;ay;az;person;activity\n".to_owned() + &(0..40).map(line).collect::<String>();
    data(
        &[("log.csv", &table)],
        &[],
        &expect![[r#"
        log.csv: CSV, 40 rows of 6 columns
        columns are separated by semicolons, and decimals by commas
          column    holds     range           distinct  missing
          t         integers  0 to 780        40        0        orders the rows, as time does
          ax        integers  0 to 9          10        0
          ay        numbers   0.5 to 0.5      1         4        the same in each row
          az        integers  9 to 9          1         0        the same in each row
          person    words     p0, p1, p2, p3  5         0        what rows are alike in, by its name
          activity  words     run, walk       2         0        the label
        label: activity, since its name says so; 2 classes: run 20, walk 20

        [dataset]
        path = "log.csv"
        label = "activity"
        group = "person"
        ignore = ["t", "ay", "az"]
    "#]],
    );
    let arduino: String = (0..24)
        .map(|row| {
            format!(
                "{},{},{}\n",
                row * 7 % 10,
                -0.5 * f64::from(row % 4),
                row % 2
            )
        })
        .collect();
    data(
        &[("serial.txt", &arduino)],
        &[],
        &expect![[r#"
            serial.txt: CSV, 24 rows of 3 columns; the first line reads as a row, not as names
              column  holds     range      distinct  missing
              0       integers  0 to 9     10        0
              1       numbers   -1.5 to 0  4         0        tells the label by itself; a second label?
              2       integers  0 to 1     2         0        the label
            label: 2, the last column of few whole numbers; 2 classes: 0 12, 1 12
            repeated: 4 rows say what an earlier one says

            [dataset]
            path = "serial.txt"
            label = 2
            header = false
        "#]],
    );
    data(
        &[("serial.txt", &arduino)],
        &["--json"],
        &expect![[r#"
            {
              "files": [
                "serial.txt"
              ],
              "header": false,
              "dialects": [],
              "n_rows": 24,
              "n_repeated": 4,
              "columns": [
                {
                  "name": "0",
                  "feature": "x0",
                  "kind": "integers",
                  "min": 0.0,
                  "max": 9.0,
                  "n_distinct": 10,
                  "n_missing": 0,
                  "words": [],
                  "remarks": [],
                  "is_group": false
                },
                {
                  "name": "1",
                  "feature": "x1",
                  "kind": "numbers",
                  "min": -1.5,
                  "max": 0.0,
                  "n_distinct": 4,
                  "n_missing": 0,
                  "words": [],
                  "remarks": [
                    "tells-label"
                  ],
                  "is_group": false
                },
                {
                  "name": "2",
                  "feature": null,
                  "kind": "integers",
                  "min": 0.0,
                  "max": 1.0,
                  "n_distinct": 2,
                  "n_missing": 0,
                  "words": [],
                  "remarks": [],
                  "is_group": false
                }
              ],
              "label": {
                "column": "2",
                "why": "integers",
                "classes": [
                  {
                    "name": "0",
                    "n_rows": 12
                  },
                  {
                    "name": "1",
                    "n_rows": 12
                  }
                ]
              },
              "dataset": "[dataset]\npath = \"serial.txt\"\nlabel = 2\nheader = false\n"
            }
        "#]],
    );
    let rows: String = (0..20)
        .map(|row| format!("{}.5,{}\n", row * 3 % 20, row * 7 % 20))
        .collect();
    let rows = format!("a,b\n{rows}");
    data(
        &[("walk.csv", &rows), ("run.csv", &rows)],
        &[],
        &expect![[r#"
            walk.csv, run.csv: CSV, 40 rows of 2 columns
              column  holds     range        distinct  missing
              a       numbers   0.5 to 19.5  20        0
              b       integers  0 to 19      20        0
            label: no column looks like it; a class per file
            repeated: 20 rows say what an earlier one says

            [dataset]
            path = { "walk" = "walk.csv", "run" = "run.csv" }
        "#]],
    );
    let labelled = "a,y\n1,p\n2,q\n1,p\n2,q\n";
    data(
        &[("x_train.csv", labelled), ("x_test.csv", labelled)],
        &[],
        &expect![[r#"
            x_train.csv, x_test.csv: CSV, 8 rows of 2 columns
              column  holds     range   distinct  missing
              a       integers  1 to 2  2         0
              y       words     p, q    2         0        the label
            label: y, since its name says so; 2 classes: p 4, q 4
            repeated: 6 rows say what an earlier one says

            [dataset]
            train = "x_train.csv"
            test = "x_test.csv"
            label = "y"
        "#]],
    );
    data(
        &[("a.csv", labelled)],
        &["--label", "z"],
        &expect![[r#"
        error: --label: found "z", expected one of the columns a, y
    "#]],
    );
    data(
        &[("a.parquet", "PAR1PAR1")],
        &[],
        &expect![[r#"
        error: a.parquet: a Parquet file, the end: found another ending, expected PAR1, and the length of what stands before it
    "#]],
    );
    data(
        &[("a.csv", "a,y\n1,p\n"), ("b.csv", "a,z\n1,p\n")],
        &[],
        &expect![[r#"
            error: b.csv beside a.csv: found columns that are not the same: "y", "z", expected the same columns in each of several files
        "#]],
    );
}

#[test]
fn a_project_from_a_table_runs_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = rows(60, |row| row % 10 == 3);
    std::fs::write(folder.path().join("log.csv"), rows).expect("a temporary file");
    let run = |arguments: &[&str], below: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(folder.path().join(below))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    };
    run(&["new", "demo", "--from", "log.csv"], "");
    let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).expect(file);
    let config = read("demo/pipeline.toml");
    let dataset = config
        .split("[dataset]")
        .nth(1)
        .and_then(|it| it.split("[model]").next());
    expect![[r#"

        path = "data/log.csv"
        label = "y"
        missing = "median"
        test_fraction = 0.25          # this part of the rows is never trained on

    "#]]
    .assert_eq(dataset.unwrap_or_default());
    let sensor = read("demo/firmware/src/sensor.rs");
    let rows = sensor.lines().filter(|line| line.starts_with("    ["));
    expect![[r#"
            [0.0, 0.0],
            [14.0, 2.0],
    "#]]
    .assert_eq(
        &rows
            .map(|line| format!("{}\n", line.trim()))
            .collect::<String>(),
    );
    assert!(sensor.contains("N_FEATURES]; 2]"), "{sensor}");
    run(&["pipeline", "run", "--until", "quantize"], "demo");
}

#[test]
fn a_table_in_parquet_is_called_so_and_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixture = include_bytes!("../../../crates/dataset/tests/fixtures/table.parquet");
    std::fs::write(folder.path().join("rows"), fixture).expect("a temporary file");
    let run = |arguments: &[&str], below: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(folder.path().join(below))
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    expect![[r#"
        rows: Parquet, 60 rows of 8 columns
          column   holds     range                                     distinct  missing
          length   numbers   -2.7111624789659685 to 2.11783875505104…  60        0
          width    numbers   -2.250854253768921 to 1.7533841133117676  60        0
          count    integers  3068 to 68642                             60        0        another in each row, as a name is
          small    integers  0 to 8                                    9         0
          is_wet   booleans  0 to 1                                    2         0
          kind     words     blue, or green, red, so-"called"          3         0
          hole     numbers   -1.6838143968410575 to 2.123805895927743  41        19
          species  words     setosa, virginica                         2         0        the label
        label: species, since its name says so; 2 classes: setosa 28, virginica 32

        [dataset]
        path = "rows"
        label = "species"
        ignore = ["count", "kind"]
        missing = "median"
    "#]].assert_eq(&run(&["data", "rows"], ""));
    run(&["new", "demo", "--from", "rows"], "");
    run(&["pipeline", "run", "--until", "quantize"], "demo");
}

#[test]
fn rows_for_validation_neither_train_nor_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    // A class above 50 but in every ninth row; rows of a person follow each other.
    let rows = |from: usize, n: usize| -> String {
        let row = |at: usize| {
            let reading = at * 37 % 101;
            let is_high = (reading > 50) != at.is_multiple_of(9);
            format!(
                "{reading},p{},{}\n",
                at / 10,
                ["low", "high"][usize::from(is_high)]
            )
        };
        let rows: String = (from..from + n).map(row).collect();
        format!("a,who,y\n{rows}")
    };
    write("all.csv", &rows(0, 300));
    write("other.csv", &rows(300, 80));
    write("mixed.csv", &rows(295, 80));
    let said = |keys: &str| {
        let config = format!(
            "[pipeline]\nname = \"validation-rows\"\n[dataset]\npath = \"all.csv\"\nlabel = \"y\"\n\
             group = \"who\"\n{keys}\n[model]\nkind = \"random-forest\"\nn_trees = 9\n\
             shrink = \"score\"\n[reject]\ncoverage = 0.8\n[target]\nchip = \"nRF52840_xxAA\"\n"
        );
        write("pipeline.toml", &config);
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["pipeline", "run", "--until", "quantize", "--json"])
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return error;
        }
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let of = |it: &serde_json::Value| it.to_string();
        [
            &json["dataset"],
            &json["shrink"]["rows"],
            &json["reject"]["calibration_rows"],
        ]
        .map(of)
        .join("\n")
    };
    expect![[r#"
        {"test_rows":80,"train_rows":220,"validation":{"float":0.875,"q15":0.875,"rows":40}}
        40
        40"#]]
    .assert_eq(&said("validation = \"other.csv\""));
    expect![[r#"
        {"test_rows":80,"train_rows":160,"validation":{"float":0.8666666666666667,"q15":0.8666666666666667,"rows":30}}
        30
        30"#]].assert_eq(&said("validation_fraction = 0.25"));
    expect![[r#"
        error: dataset.group: found "p29" in all.csv and in mixed.csv, expected groups of one side alone
         --> pipeline.toml:6:9
          |
        6 | group = "who"
          |         ^^^^^
          |
          = help: `path` with `test_fraction` divides rows by their groups
    "#]].assert_eq(&said("validation = \"mixed.csv\""));
    expect![[r#"
        error: dataset.validation: all.csv has rows that train or test, too
         --> pipeline.toml:7:14
          |
        7 | validation = "all.csv"
          |              ^^^^^^^^^
          |
          = help: name other rows; where the model is trained here, `share` or `validation_fraction` keeps some apart
    "#]].assert_eq(&said("validation = \"all.csv\""));
    // One of two groups tests, so that one is left.
    write("all.csv", &rows(0, 20));
    expect![[r#"
        error: dataset.validation_fraction: found training rows of one group, expected at least two, so that one is for validation
         --> pipeline.toml:7:23
          |
        7 | validation_fraction = 0.25
          |                       ^^^^
          |
          = help: give training rows of more groups, or remove `validation_fraction`
    "#]]
    .assert_eq(&said("validation_fraction = 0.25"));
}

#[test]
fn what_is_told_of_rows_for_validation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = |from: usize, n: usize| -> String {
        let row = |at: usize| {
            format!(
                "{},p{},{}\n",
                at * 37 % 101,
                at / 10,
                ["low", "high"][at % 2]
            )
        };
        format!("a,who,y\n{}", (from..from + n).map(row).collect::<String>())
    };
    let notes = |keys: &str| -> Vec<String> {
        let config = format!(
            "[pipeline]\nname = \"validation-notes\"\n[dataset]\ntrain = \"train.csv\"\n\
             test = \"test.csv\"\nlabel = \"y\"\n{keys}\n[model]\nkind = \"decision-tree\"\n\
             [target]\nchip = \"nRF52840_xxAA\"\n"
        );
        let files = [
            ("train.csv", rows(0, 60)),
            ("test.csv", rows(60, 20)),
            ("copy.csv", rows(55, 15)),
            ("pipeline.toml", config),
        ];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a temporary file");
        }
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["pipeline", "run", "--until", "quantize"])
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        let notes = said.lines().filter(|line| line.contains("for validation"));
        notes.map(str::to_owned).collect()
    };
    expect![[r#"
        note: 5 of 15 rows for validation equal a training row in every reading (the first is row 0); they say nothing about rows that the model has not seen
        note: 10 of 15 rows for validation equal a test row in every reading (the first is row 5); what is chosen on them is chosen on the test"#]]
    .assert_eq(&notes("ignore = [\"who\"]\nvalidation = \"copy.csv\"").join("\n"));
    expect![[r#"
        note: 2 of the 6 groups of the training rows are for validation, and do not train"#]]
    .assert_eq(&notes("group = \"who\"\nvalidation_fraction = 0.3").join("\n"));
}

#[test]
fn labels_that_are_numbers_are_for_a_regressor() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let said = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    };
    let row = |at: usize| format!("{},{}\n", at * 7 % 20, at as f64 / 4.0 + 0.5);
    let rows: String = (0..20).map(row).collect();
    std::fs::write(folder.path().join("rows.csv"), format!("a,level\n{rows}")).expect("rows");
    expect![[r#"
        rows.csv: CSV, 20 rows of 2 columns
          column  holds     range        distinct  missing
          a       integers  0 to 19      20        0        another in each row, as a name is
          level   numbers   0.5 to 5.25  20        0        the label
        label: level, as asked for; numbers, which a regressor predicts

        [dataset]
        path = "rows.csv"
        label = "level"
        ignore = ["a"]

        [model]
        kind = "random-forest"
        task = "regress"
    "#]]
    .assert_eq(&said(&["data", "rows.csv", "--label", "level"]));
    expect![[r#"
        error: --from: found numbers in the column of the label, expected classes, since the firmware of a new project tells classes; `cargo xtask new PATH` writes a project to change, and `cargo xtask data` the sections of a regressor
    "#]]
    .assert_eq(&said(&[
        "new", "demo", "--from", "rows.csv", "--label", "level",
    ]));
    let config = "[pipeline]\nname = \"numeric-labels\"\n[dataset]\npath = \"rows.csv\"\n\
                  label = \"level\"\n[model]\nkind = \"decision-tree\"\n[target]\n\
                  chip = \"nRF52840_xxAA\"\n";
    std::fs::write(folder.path().join("pipeline.toml"), config).expect("a config");
    let run = ["pipeline", "run", "--until", "quantize"];
    expect![[r#"
        error: rows.csv: the data: found 20 rows, which split into 20 for training and 0 for testing, expected a class with a second row, which tests; `task = "regress"` in [model] takes labels for numbers
    "#]]
    .assert_eq(&said(&run));
    // Some classes with a second row train, and are told of.
    std::fs::write(
        folder.path().join("rows.csv"),
        format!("a,level\n{rows}{rows}"),
    )
    .expect("rows");
    let note = said(&run);
    let note = note.lines().find(|line| line.contains("regress"));
    expect![[r#"note: 20 classes are numbers, some with a fraction (0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, … (11 more), 5.25); `task = "regress"` in [model] predicts numbers"#]].assert_eq(note.unwrap_or_default());
}

#[test]
fn a_fault_of_a_new_project_names_the_file_where_the_project_has_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("rows.csv"), "a,y\n1,x\n2,z\n").expect("rows");
    let said = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let place = "error: data/rows.csv: the data: found 2 rows";
    // In either order.
    for arguments in [
        ["new", "demo", "--from", "rows.csv"],
        ["new", "--from", "rows.csv", "demo"],
    ] {
        let said = said(&arguments);
        assert!(said.contains(place), "{said}");
    }
    expect![[r#"
        error: found no place for the project, expected one: `cargo xtask new PATH --from FILE`
    "#]]
    .assert_eq(&said(&["new", "--from", "rows.csv", "rows.csv"]));
}
