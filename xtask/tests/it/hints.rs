//! What a run says of rows that are odd, and of rows that float and Q15 decide differently.

use std::process::Command;

use expect_test::{Expect, expect};

/// One split on `a`, at 449.5.
const MODEL: &str = r#"{"format":"spinney-model","version":1,"kind":"decision-tree",
    "features":[{"name":"a","compare":"float64"}],"classes":["x","z"],"trees":[{"nodes":[
    {"feature":0,"threshold":449.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#;

fn imported(name: &str) -> String {
    format!(
        "pipeline = {{ name = \"{name}\" }}\ndataset = {{ test = \"rows.csv\", label = \"y\" }}\n\
         model = {{ source = \"import\", path = \"model.json\" }}\n\
         target = {{ chip = \"nRF51822_xxAA\" }}\n"
    )
}

/// Rows of `a`, counted by `id`, with the labels that the model gives.
fn rows(readings: impl Iterator<Item = f64>) -> String {
    let lines = readings.enumerate().map(|(id, a)| {
        let label = if a <= 449.5 { "x" } else { "z" };
        format!("{id},{a},{label}\n")
    });
    "id,a,y\n".to_owned() + &lines.collect::<String>()
}

fn says(config: &str, rows: &str, command: &[&str], expected: &Expect) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("rows.csv", rows);
    write("model.json", MODEL);
    write("pipeline.toml", config);
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(command)
        .arg("--config")
        .arg(folder.path().join("pipeline.toml"))
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let place = folder.path().display().to_string();
    let stdout = String::from_utf8_lossy(&output.stdout);
    expected.assert_eq(&stdout.replace(&place, "FOLDER"));
}

const UNTIL: [&str; 4] = ["pipeline", "run", "--until", "quantize"];

#[test]
fn rows_that_fit_get_no_note_but_on_a_column_left_out() {
    let rows = rows((0..40).map(|row| f64::from(row * 7919 % 1000)));
    says(
        &imported("hints-fit"),
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-fit: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 40 rows differ)
            accuracy: 95 % interval of Q15 0.9124 to 1.0000; naming the most frequent class: 0.5500
            certificate: splits every-input, votes every-input
            note: columns that are no features of the model are left out: id
        "#]],
    );
}

#[test]
fn rows_in_another_unit() {
    let rows = rows((0..40).map(|row| f64::from(row * 7919 % 1000) / 1000.0));
    says(
        &imported("hints-unit"),
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-unit: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 40 rows differ)
            accuracy: 95 % interval of Q15 0.9124 to 1.0000; naming the most frequent class: 1.0000
            certificate: splits every-input, votes every-input
            note: columns that are no features of the model are left out: id
            note: test readings are far from all of the model's thresholds: "a" reads 0.0000 to 0.9750 against 449.5000; are units, scaling and the order of columns those that it was fitted on?
        "#]],
    );
}

#[test]
fn a_column_that_counts_rows() {
    let rows = rows((0..40).map(|row| f64::from(row * 7919 % 1000)));
    let config = imported("hints-count")
        .replace("{ test = \"rows.csv\"", "{ path = \"rows.csv\"")
        .replace(
            "source = \"import\", path = \"model.json\"",
            "kind = \"decision-tree\"",
        );
    says(
        &config,
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-count: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 10 rows differ)
            accuracy: 95 % interval of Q15 0.7225 to 1.0000; naming the most frequent class: 0.5000
            certificate: splits every-input, votes every-input
            note: "id" rises from row to row, as a row's number or its time does; `ignore = ["id"]` in [dataset] leaves it out
        "#]],
    );
    let ignored = config.replace("label =", "ignore = [\"id\"], label =");
    says(
        &ignored,
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-count: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 10 rows differ)
            accuracy: 95 % interval of Q15 0.7225 to 1.0000; naming the most frequent class: 0.5000
            certificate: splits every-input, votes every-input
        "#]],
    );
}

#[test]
fn rows_that_differ_are_named_and_explained() {
    let narrow = imported("hints-range") + "[features.a]\nrange = [0, 100]\ncoding = \"affine\"\n";
    let rows = rows((0..40).map(|row| f64::from(row * 7919 % 1000)));
    says(
        &narrow,
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-range: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 0.7000; agreement 0.7000 (12 of 40 rows differ)
            accuracy: 95 % interval of Q15 0.5457 to 0.8193; naming the most frequent class: 0.5500
            certificate: splits listed, votes every-input
            note: columns that are no features of the model are left out: id
            note: feature "a": readings flip at 1 split, tree 0 node 0 (449.5), and 12 rows part there; `range = [0, 975]` in [features.a] makes codes fine enough for these rows, `coding = "rank"` for every input
            note: row 7 is the first that differs: `cargo xtask explain --config FOLDER/pipeline.toml --row 7` shows where
        "#]],
    );
    let explain = ["explain", "--row", "7"];
    says(
        &narrow,
        &rows,
        &explain,
        &expect![[r#"
            row 7, labelled x

            readings: feature, reading, code, coding
              a                                     433   32767  affine: floor(reading * 2^9) - 25600, saturated

            tree 0
              node 0     a                        float 433 <= 449.5, Q15 32767 > 32766
                ^ float and Q15 part here: the reading is beyond what codes reach; a `range` that holds it, or none, helps
              Q15 goes on:
              leaf in float [1.0000, 0.0000]
              leaf [0.0000, 1.0000]

            The paths part in 1 tree.

            scores: class, float, Q15 in the same unit, the integer
              x                  1.00000000       0.00000000              0
              z                  0.00000000       1.00000000              1

            float says x, Q15 says z
            Paths part at splits, which no rounding of votes explains; docs/differs.md says what helps.
        "#]],
    );
}

#[test]
fn digits_that_the_device_does_not_get() {
    let rows = rows([449.500_000_1, 100.0].into_iter());
    let config = imported("hints-digits");
    says(
        &config,
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-digits: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 0.5000; agreement 0.5000 (1 of 2 rows differ)
            accuracy: 95 % interval of Q15 0.0945 to 0.9055; naming the most frequent class: 0.5000
            certificate: splits listed, votes every-input
            note: columns that are no features of the model are left out: id
            note: feature "a": readings flip at 1 split, tree 0 node 0 (449.5), and 1 row parts there; its readings in the file have more digits than the device gets; round them to float32, or to what the sensor delivers
            note: row 0 is the first that differs: `cargo xtask explain --config FOLDER/pipeline.toml --row 0` shows where
        "#]],
    );
    says(
        &config,
        &rows,
        &["explain", "--row", "0"],
        &expect![[r#"
            row 0, labelled z

            readings: feature, reading, code, coding
              a                             449.5000001       0  rank among 1 thresholds

            tree 0
              node 0     a                        float 449.5000001 > 449.5, Q15 0 <= 0
                ^ float and Q15 part here: the device gets 449.5, with fewer digits than the row has
              Q15 goes on:
              leaf in float [0.0000, 1.0000]
              leaf [1.0000, 0.0000]

            The paths part in 1 tree.

            scores: class, float, Q15 in the same unit, the integer
              x                  0.00000000       1.00000000              1
              z                  1.00000000       0.00000000              0

            float says z, Q15 says x
            Paths part at splits, which no rounding of votes explains; docs/differs.md says what helps.
        "#]],
    );
}

#[test]
fn only_the_model() {
    let rows = rows([100.0, 500.0].into_iter());
    let until = ["pipeline", "run", "--until", "model"];
    says(
        &imported("hints-model"),
        &rows,
        &until,
        &expect![[r#"
        hints-model: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
    "#]],
    );
}

#[test]
fn columns_that_only_the_test_or_the_training_has() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("train.csv", "id,a,y\nr1,1,x\nr2,9,z\nr3,2,x\nr4,8,z\n");
    write("test.csv", "note,b,a,y\nhi,5,3,x\nho,6,9,z\n");
    write(
        "pipeline.toml",
        &imported("hints-columns")
            .replace(
                "test = \"rows.csv\"",
                "train = \"train.csv\", test = \"test.csv\", ignore = [\"id\"]",
            )
            .replace(
                "source = \"import\", path = \"model.json\"",
                "kind = \"decision-tree\"",
            ),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(UNTIL)
        .arg("--config")
        .arg(folder.path().join("pipeline.toml"))
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    expect![[r#"
        hints-columns: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
        accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 2 rows differ)
        accuracy: 95 % interval of Q15 0.3424 to 1.0000; naming the most frequent class: 0.5000
        certificate: splits every-input, votes every-input
        note: columns that are no features of the model are left out: note, b
        note: 1 of 2 test rows equal a training row in every reading (the first is row 1); they say nothing about rows that the model has not seen
    "#]].assert_eq(&String::from_utf8_lossy(&output.stdout));
}

#[test]
fn columns_that_an_imported_model_does_not_ask() {
    let rows = "note,a,y\nhi,100,x\nho,500,z\n";
    says(
        &imported("hints-unused"),
        rows,
        &UNTIL,
        &expect![[r#"
            hints-unused: decision-tree, 1 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 1.0000, Q15 1.0000; agreement 1.0000 (0 of 2 rows differ)
            accuracy: 95 % interval of Q15 0.3424 to 1.0000; naming the most frequent class: 0.5000
            certificate: splits every-input, votes every-input
            note: columns that are no features of the model are left out: note
        "#]],
    );
}

#[test]
fn rows_without_a_header() {
    let config = imported("hints-header")
        .replace(
            "{ test = \"rows.csv\", label = \"y\"",
            "{ path = \"rows.csv\", label = 2, header = false",
        )
        .replace(
            "source = \"import\", path = \"model.json\"",
            "kind = \"decision-tree\"",
        );
    let rows: String = (0..20)
        .map(|row| {
            format!(
                "{},9,{}\n",
                row * 7 % 20,
                if row * 7 % 20 < 10 { "x" } else { "z" }
            )
        })
        .collect();
    says(
        &config,
        &rows,
        &UNTIL,
        &expect![[r#"
            hints-header: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
            accuracy float 0.8000, Q15 0.8000; agreement 1.0000 (0 of 5 rows differ)
            accuracy: 95 % interval of Q15 0.3755 to 0.9638; naming the most frequent class: 0.6000
            certificate: splits every-input, votes every-input
        "#]],
    );
    let named = config.replace("label = 2, header = false", "label = \"x\"");
    says(
        &named,
        &rows,
        &UNTIL,
        &expect![[r#"
        hints-header: decision-tree, 2 features, 2 classes, 1 trees, 1 splits, depth 1
        accuracy float 0.8000, Q15 0.8000; agreement 1.0000 (0 of 5 rows differ)
        accuracy: 95 % interval of Q15 0.3755 to 0.9638; naming the most frequent class: 0.6000
        certificate: splits every-input, votes every-input
        note: the first line reads as a row, not as names (0, 9); `header = false` in [dataset] takes it for one, and `label` is then a column's number, from 0 on
    "#]],
    );
}

/// Tables beyond the chip's flash are told without a build, which would take minutes.
#[test]
fn a_model_that_no_image_holds_is_not_built() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits.csv");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(data, folder.path().join("digits.csv")).expect("a temporary file");
    let path = folder.path().join("pipeline.toml");
    let config = "pipeline = { name = \"too-large\", seed = 1 }\n\
         dataset = { path = \"digits.csv\", label = \"digit\" }\n\
         model = { kind = \"random-forest\", n_trees = 200 }\n\
         target = { chip = \"STM32F103C4Tx\" }\n";
    std::fs::write(&path, config).expect("a temporary file");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["pipeline", "run", "--config"])
        .arg(&path)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    expect![[r#"
        error: found 80099 bytes of tables in the smallest form of the model, packed, expected at most 16384, the flash of STM32F103C4Tx: 63715 bytes over, so no image was built; estimated to fit: `max_depth = 4` (2942 of 33150 splits) with `leaves = "hard"` in [quantize], about 9139 bytes; `max_leaf_nodes = 28` (5400 of 33150 splits) with `leaves = "hard"` in [quantize], about 15064 bytes; `n_trees = 32` instead of 200, about 15032 bytes
    "#]].assert_eq(&String::from_utf8_lossy(&output.stderr));
}
