//! Imported trees that add, from the command line: how many bits values get, and readings that are missing.

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
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("rows.csv", "a,b,x,y\n1,2,3,4\n,2,3,4\n");
    write("model.json", TARGETS);
    let config = "pipeline = { name = \"gaps-refused\" }\n\
                  dataset = { test = \"rows.csv\", label = [\"x\", \"y\"] }\n\
                  model = { source = \"import\", path = \"model.json\" }\n\
                  features = { a = { missing = \"nan\" } }\n\
                  target = { chip = \"nRF51822_xxAA\" }\n";
    let output = run(folder.path(), config, &UNTIL);
    assert_eq!(output.status.code(), Some(2));
    check(
        &output.stderr,
        folder.path(),
        "error",
        &expect![[r#"
        error: feature "a": found no reading in row 1, expected one, since the model was fitted without missing readings of it; fit it on rows with such gaps, or leave rows with gaps out
    "#]],
    );
}

/// A file may have sides that no row taught: a declaration makes them count. Without one, the refusal names
/// it.
#[test]
fn a_gap_takes_the_sides_of_a_file_where_it_is_declared() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = "pm_1h,pm_2h,pm_3h,dew_point,temperature,pressure,wind,rain,pm\n\
                23,20,23,-20,7,1014,143.48,0,24\n,106,92,-18,6,1013,21.9,0,58\n";
    std::fs::write(folder.path().join("rows.csv"), rows).expect("a temporary file");
    let declared = "features = { pm_1h = { missing = \"nan\" } }";
    let says = |more: &str, expected: &Expect| {
        let config = config("rows.csv", "pm", "air_targets", more);
        let both = config.replace("\"pm\"", "[\"pm\", \"temperature\"]");
        let output = run(folder.path(), &both, &UNTIL);
        let all = [output.stdout, output.stderr].concat();
        check(&all, folder.path(), "error", expected);
    };
    says(
        declared,
        &expect![[r#"
        error of "pm": Q15 is off float by at most 0.0027064 on the test rows, 0.0019449 on average; proven for every input: at most 0.010319
        error of "temperature": Q15 is off float by at most 0.0014559 on the test rows, 0.00099572 on average; proven for every input: at most 0.0095642
    "#]],
    );
    says(
        "",
        &expect![[r#"
        error: FOLDER/rows.csv: line 3, column "pm_1h": found "", expected a number (`missing = "nan"` in [features.NAME] sends it where the model does, if that has sides for it; `missing = "drop"` in [dataset] leaves such rows out)
    "#]],
    );
}

/// Features without names of their own are the columns in their order, whatever these are called and
/// wherever columns stand that are none.
#[test]
fn gaps_of_a_model_without_names_go_by_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = |missing: &str| {
        format!(
            r#"{{"format":"spinney-model","version":2,"kind":"regression-tree","feature_names":"positional",
            "features":[{{"name":"x0"}},{{"name":"x1"}}],"task":"regress","targets":["value"],
            "sum":{{"precision":"float64","base":[0.0]}},"link":{{"function":"identity"}},
            "trees":[{{"nodes":[{{"feature":1,"threshold":1.5{missing},"left":1,"right":2}},
            {{"value":[-1.0]}},{{"value":[4.0]}}]}}]}}"#
        )
    };
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("rows.csv", "y,b,day,a\n-1,2,mo,1\n4,3,tu,\n4,4,we,2\n");
    let says = |missing: &str, more: &str, expected: &Expect| {
        write("model.json", &model(missing));
        let config = format!(
            "pipeline = {{ name = \"gaps-places\" }}\n\
             dataset = {{ test = \"rows.csv\", label = \"y\", ignore = [\"day\"] }}\n\
             model = {{ source = \"import\", path = \"model.json\" }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n{more}"
        );
        let output = run(folder.path(), &config, &UNTIL);
        check(
            &[output.stdout, output.stderr].concat(),
            folder.path(),
            "r",
            expected,
        );
    };
    says(
        r#","missing":"right""#,
        "",
        &expect![[r#"
        gaps-places: regression-tree, 2 features, a value, 1 trees, 1 splits, depth 1
        error: Q15 is off float by at most 0 on the test rows, 0 on average; proven for every input: at most 1.7764e-14
        certificate: splits every-input
    "#]],
    );
    says(
        r#","missing":"left""#,
        "",
        &expect![[r#"
        gaps-places: regression-tree, 2 features, a value, 1 trees, 1 splits, depth 1
        error: Q15 is off float by at most 0 on the test rows, 0 on average; proven for every input: at most 1.7764e-14
        certificate: splits every-input
    "#]],
    );
    says(
        "",
        "",
        &expect![[r#"
        error: FOLDER/rows.csv: line 3, column "a": found "", expected a number (`missing = "nan"` in [features.NAME] sends it where the model does, if that has sides for it; `missing = "drop"` in [dataset] leaves such rows out)
    "#]],
    );
    says(
        "",
        "features = { x1 = { missing = \"nan\" } }\n",
        &expect![[r#"
            error: feature "x1": found no reading in row 1, expected one, since the model was fitted without missing readings of it; fit it on rows with such gaps, or leave rows with gaps out
        "#]],
    );
    says(
        "",
        "features = { a = { missing = \"nan\" } }\n",
        &expect![[r#"
            error: FOLDER/rows.csv: line 3, column "a": found "", expected a number (`missing = "nan"` in [features.NAME] sends it where the model does, if that has sides for it; `missing = "drop"` in [dataset] leaves such rows out)
        "#]],
    );
}

/// The same gaps are read by `pipeline run`, `predict` and `convert`: by names, and by places where the
/// model or the rows have no names.
#[test]
fn gaps_of_rows_with_labels_are_predicted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("named.csv", "b,y,a\n3,no,1\n3,no,\n3,yes,2\n");
    write("nameless.csv", "1,3,no\n,3,no\n2,3,yes\n");
    write("other.csv", "p,q,y\n1,3,no\n,3,no\n2,3,yes\n");
    for (naming, rows, dataset) in [
        ("given", "named.csv", "label = \"y\""),
        ("given", "nameless.csv", "label = \"2\", header = false"),
        ("positional", "other.csv", "label = \"y\""),
    ] {
        let model = format!(
            r#"{{"format":"spinney-model","version":2,"kind":"additive","feature_names":"{naming}",
            "features":[{{"name":"a"}},{{"name":"b"}}],"task":"classify","classes":["no","yes"],
            "sum":{{"precision":"float64","base":[0.0]}},"link":{{"function":"sigmoid"}},"threshold":0.0,
            "trees":[{{"nodes":[{{"feature":0,"threshold":1.5,"missing":"left","left":1,"right":2}},
            {{"value":[-1.0]}},{{"value":[4.0]}}]}}]}}"#
        );
        let model = match naming {
            "given" => model,
            _ => model.replace("\"a\"", "\"x0\"").replace("\"b\"", "\"x1\""),
        };
        write("model.json", &model);
        let config = format!(
            "pipeline = {{ name = \"gaps-labels\" }}\ndataset = {{ test = \"{rows}\", {dataset} }}\n\
             model = {{ source = \"import\", path = \"model.json\" }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n"
        );
        let output = run(folder.path(), &config, &UNTIL);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let input = folder.path().join(rows);
        let input = input.to_str().expect("a path of text");
        let output = run(folder.path(), &config, &["predict", "--input", input]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, "accuracy 1.0000 (3 of 3 rows)\n", "{output:?}");
        if !dataset.contains("header") {
            let mut convert = Command::new(env!("CARGO_BIN_EXE_xtask"));
            convert.args([
                "convert",
                "model.json",
                "--label",
                "y",
                "--c99",
                "m.h",
                "--rows",
            ]);
            let output = convert.arg(rows).current_dir(folder.path()).output();
            let output = output.expect("the program runs");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
        }
    }
}

#[test]
fn a_gap_that_always_goes_right_or_that_nothing_asks_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    let feature = |name: &str| format!("{{\"name\":\"{name}\",\"compare\":\"float32\"}}");
    let features = ["a", "b"].map(feature).join(",");
    write(
        "model.json",
        &format!(
            "{{\"format\":\"spinney-model\",\"version\":2,\"kind\":\"regression-tree\",\
             \"features\":[{features}],\"task\":\"regress\",\"targets\":[\"value\"],\
             \"sum\":{{\"precision\":\"float64\",\"base\":[0.0]}},\"link\":{{\"function\":\"identity\"}},\
             \"trees\":[{{\"nodes\":[{{\"feature\":0,\"threshold\":1.5,\"missing\":\"right\",\"left\":1,\
             \"right\":2}},{{\"value\":[-1.0]}},{{\"value\":[4.0]}}]}}]}}"
        ),
    );
    write("rows.csv", "a,b,y\n1,2,-1\n,3,4\n2,,4\n");
    for coding in ["affine", "rank"] {
        let config = format!(
            "pipeline = {{ name = \"gaps-right\" }}\ndataset = {{ test = \"rows.csv\", label = \"y\" }}\n\
             model = {{ source = \"import\", path = \"model.json\" }}\nquantize = {{ coding = \"{coding}\" }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n"
        );
        let output = run(folder.path(), &config, &UNTIL);
        check(
            &[output.stdout, output.stderr].concat(),
            folder.path(),
            "error",
            &expect![[r#"
                error: Q15 is off float by at most 0 on the test rows, 0 on average; proven for every input: at most 1.7764e-14
            "#]],
        );
    }
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

/// A tree that gives both targets, and one leaf for all.
const TARGETS: &str = r#"{"format":"spinney-model","version":2,"kind":"additive",
"features":[{"name":"a"},{"name":"b"}],"task":"regress","targets":["x","y"],
"sum":{"precision":"float64","base":[40.5,-1]},"link":{"function":"identity"},"trees":[
{"nodes":[{"feature":0,"threshold":2.5,"left":1,"right":2},{"value":[0.3,1]},{"value":[-2,2.7]}]},
{"nodes":[{"value":[0.5,0.1]}]}]}"#;

/// `convert` says of each target how far off its values may be.
#[test]
fn values_of_a_header_have_a_bound() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    write("model.json", &TARGETS.replace("40.5", "4e5"));
    write("rows.csv", "a,b\n1,2\n3,2\n");
    let mut convert = Command::new(env!("CARGO_BIN_EXE_xtask"));
    convert.args([
        "convert",
        "model.json",
        "--rows",
        "rows.csv",
        "--c99",
        "m.h",
    ]);
    let output = convert.current_dir(folder.path()).output();
    let output = output.expect("the program runs");
    check(
        &output.stdout,
        folder.path(),
        "",
        &expect![[r#"
        certificate: splits every-input
        error of "x": at most 4.883e-5 where splits decide as in float
        error of "y": at most 9.766e-5 where splits decide as in float
        c99: m.h (3 bytes per split, 22 bytes of tables)
    "#]],
    );
}

/// No split asks anything, so no reading matters, missing or not.
#[test]
fn a_model_that_asks_nothing_takes_gaps() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a temporary file");
    };
    let model = r#"{"format":"spinney-model","version":2,"kind":"regression-tree",
        "features":[{"name":"a"}],"task":"regress","targets":["value"],
        "sum":{"precision":"float64","base":[0.0]},"link":{"function":"identity"},
        "trees":[{"nodes":[{"value":[4.0]}]}]}"#;
    write("model.json", model);
    write("rows.csv", "a,y\n1,4\n,4\n");
    let config = "pipeline = { name = \"gaps-constant\" }\n\
                  dataset = { test = \"rows.csv\", label = \"y\" }\n\
                  model = { source = \"import\", path = \"model.json\" }\n\
                  target = { chip = \"nRF51822_xxAA\" }\n";
    let output = run(folder.path(), config, &UNTIL);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn every_target_is_judged_by_its_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = "y,a,b,x\n0.25,2,0,41\n1.5,3,0,39.5\n";
    std::fs::write(folder.path().join("rows.csv"), rows).expect("a temporary file");
    std::fs::write(folder.path().join("model.json"), TARGETS).expect("a temporary file");
    let config = |label: &str| {
        format!(
            "pipeline = {{ name = \"targets\" }}\n\
             dataset = {{ test = \"rows.csv\", label = {label} }}\n\
             model = {{ source = \"import\", path = \"model.json\" }}\n\
             quantize = {{ votes = \"8-bit\" }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n"
        )
    };
    let of = |label: &str, command: &[&str]| run(folder.path(), &config(label), command);
    let both = r#"["x", "y"]"#;
    let output = of(both, &UNTIL);
    let expected = expect![[r#"
        values of "x" float: MAE 0.4, RMSE 0.41231, R² 0.697778
        values of "x" Q15: MAE 0.39844, RMSE 0.41118, R² 0.699436
        error of "x": Q15 is off float by at most 0.003125 on the test rows, 0.0015625 on average; proven for every input: at most 0.003125
        values of "y" float: MAE 0.225, RMSE 0.23717, R² 0.856000
        values of "y" Q15: MAE 0.22656, RMSE 0.23722, R² 0.855938
        error of "y": Q15 is off float by at most 0.00625 on the test rows, 0.0046875 on average; proven for every input: at most 0.00625
    "#]];
    check(&output.stdout, folder.path(), "of \"", &expected);
    let input = folder.path().join("rows.csv").display().to_string();
    let output = of(both, &["predict", "--json", "--input", &input]);
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text.split_whitespace().collect();
    let until = words.iter().position(|word| *word == "\"seconds\":");
    let expected = expect![[
        r#"{ "rows": 2, "accuracy": null, "rows_right": null, "mean_absolute_error": [ 0.3984375, 0.2265625 ],"#
    ]];
    expected.assert_eq(&words[..until.expect("seconds")].join(" "));
    let output = of(both, &["explain", "--row", "1"]);
    let expected = expect![[r#"
        float says 39, 1.8000000000000003, Q15 says 39, 1.796875
    "#]];
    check(&output.stdout, folder.path(), "says", &expected);
    for (label, expected) in [
        (
            r#""x""#,
            expect![[r#"
            error: dataset.label: found 1 column, expected 2, one for each target of the model: x, y
        "#]],
        ),
        (
            r#"["y", "x"]"#,
            expect![[r#"
            error: dataset.label: found y, x in another order than the model's
        "#]],
        ),
        (
            r#"["x", "b", "y"]"#,
            expect![[r#"
            error: dataset.label: found 3 columns, expected 2, one for each target of the model: x, y
        "#]],
        ),
        (
            r#"["x", "y"], unit = ["K", "K", "mm"]"#,
            expect![[r#"
            error: dataset.unit: found 3 units for 2 targets
        "#]],
        ),
    ] {
        let output = of(label, &UNTIL);
        assert_eq!(output.status.code(), Some(2));
        check(&output.stderr, folder.path(), "error", &expected);
    }
}
