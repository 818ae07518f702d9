//! Rows for validation: they neither train nor test, and what is said of them.

use std::process::Command;

use expect_test::expect;

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
