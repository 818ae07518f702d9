//! What `data` sees in a file of rows, and projects that begin with one.

use std::process::Command;

use expect_test::{Expect, expect};

use crate::tables::rows;

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

/// Files of one class that differ in a number stand in one list.
#[test]
fn files_of_one_class_stand_together() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["walk.1.csv", "walk.2.csv", "run.1.csv"] {
        let rows: String = (0..9)
            .map(|at| format!("{at}.5,{}.25\n", at * 7 % 5))
            .collect();
        std::fs::write(folder.path().join(name), format!("a,b\n{rows}")).unwrap();
    }
    let said = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .current_dir(folder.path())
        .args(["data", "walk.1.csv", "run.1.csv", "walk.2.csv"])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let path = r#"path = { "walk" = ["walk.1.csv", "walk.2.csv"], "run" = "run.1.csv" }"#;
    assert!(said.contains(path), "{said}");
}
