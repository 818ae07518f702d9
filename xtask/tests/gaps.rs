//! Imported trees that add, from the command line: how many bits values get, and readings that are missing.
#![expect(clippy::disallowed_methods, reason = "tests end with what they start")]

use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn config(rows: &str, label: &str, model: &str, more: &str) -> String {
    format!(
        "pipeline = {{ name = \"gaps-{label}\" }}\n\
         dataset = {{ test = \"rows.csv\", label = \"{label}\" }}\n\
         model = {{ source = \"import\", path = \"{ROOT}/examples/models/{model}.skops\" }}\n\
         target = {{ chip = \"nRF51822_xxAA\" }}\n\
         {more}\n"
    )
    .replace("rows.csv", rows)
}

fn run(folder: &Path, config: &str, command: &[&str]) -> Output {
    let path = folder.join("pipeline.toml");
    std::fs::write(&path, config).expect("a temporary file");
    let mut run = Command::new(env!("CARGO_BIN_EXE_xtask"));
    run.args(command).arg("--config").arg(path);
    run.output().expect("the program runs")
}

fn check(text: &[u8], folder: &Path, line: &str, expected: &Expect) {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().filter(|it| it.contains(line));
    let text: String = lines.map(|it| format!("{}\n", it.trim())).collect();
    expected.assert_eq(&text.replace(&folder.display().to_string(), "FOLDER"));
}

const UNTIL: [&str; 4] = ["pipeline", "run", "--until", "quantize"];

#[test]
fn values_have_as_few_bits_as_the_error_allows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (limit, expected) in [
        (
            "14.0",
            expect![[r#"
            error: Q15 is off float by at most 3.7526 on the test rows, 0.87021 on average; proven for every input: at most 13.154
        "#]],
        ),
        (
            "13.0",
            expect![[r#"
            error: Q15 is off float by at most 0.011034 on the test rows, 0.0021508 on average; proven for every input: at most 0.050717
        "#]],
        ),
        (
            "0.01",
            expect![[r#"
            error: Q15 is off float by at most 2.9063e-6 on the test rows, 8.2364e-7 on average; proven for every input: at most 1.2377e-5
        "#]],
        ),
    ] {
        let more = format!(
            "quantize = {{ coding = \"rank\", votes = \"auto\" }}\naccuracy = {{ max_error = {limit} }}"
        );
        let rows = format!("{ROOT}/data/air_regression.csv");
        let config = config(&rows, "pm", "air_regression", &more);
        let output = run(folder.path(), &config, &UNTIL);
        check(&output.stdout, folder.path(), "error", &expected);
    }
}

#[test]
fn a_gap_that_no_split_has_a_side_for_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = "pm_1h,pm_2h,pm_3h,dew_point,temperature,pressure,wind,rain,pm\n\
                23,20,23,-20,7,1014,143.48,0,24\n,106,92,-18,6,1013,21.9,0,58\n";
    std::fs::write(folder.path().join("rows.csv"), rows).expect("a temporary file");
    let more = "features = { pm_1h = { missing = \"nan\" } }";
    let config = config("rows.csv", "pm", "air_regression", more);
    let output = run(folder.path(), &config, &UNTIL);
    assert_eq!(output.status.code(), Some(2));
    check(
        &output.stderr,
        folder.path(),
        "error",
        &expect![[r#"
        error: feature "pm_1h": found no reading in row 1, expected one, since the model was fitted without missing readings of it; fit it on rows with such gaps, or leave rows with gaps out
    "#]],
    );
}

#[test]
fn a_gap_and_a_set_are_explained() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let more = "features = { \"pm_*\" = { missing = \"nan\" } }\nquantize = { coding = \"rank\" }";
    let rows = format!("{ROOT}/data/air_levels.csv");
    let config = config(&rows, "level", "air_levels", more);
    let output = run(folder.path(), &config, &["explain", "--row", "34"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let of_gap: Vec<&str> = text.lines().filter(|it| it.contains("pm_2h")).collect();
    let of_set: Vec<&str> = text.lines().filter(|it| it.contains("wind_from")).collect();
    let shown = [&of_gap[..3], &of_set[..3]].concat().join("\n");
    check(
        shown.as_bytes(),
        folder.path(),
        "",
        &expect![[r#"
          pm_2h                             missing      66  rank among 66 thresholds
          node 12    pm_2h                    float missing goes right, Q15 66 > 6
          node 17    pm_2h                    float missing goes right, Q15 66 > 39
          wind_from                               1       1  member of 6 sets of categories, or not
          node 7     wind_from                float 1 in [0, 1], Q15 0 <= 0
          node 4     wind_from                float 1 not in [2, 3], Q15 1 > 0
    "#]],
    );
}
