//! Keys whose value is wrong, or missing, on its own.

use expect_test::expect;
use spinney_config::Dataset;

use crate::common::{MINIMAL, check, faults, parse};

#[test]
fn wrong_types() {
    check(
        &MINIMAL.replace("n_trees = 3", "n_trees = \"3\""),
        &expect![[r#"
            error: model.n_trees: found a string, expected an integer of 1 to 10000
              --> folder/pipeline.toml:10:11
               |
            10 | n_trees = "3"
               |           ^^^
               |
               = help: write it without quotes: `n_trees = 3`
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "n_trees = 3.5"),
        &expect![[r#"
            error: model.n_trees: found a number with a fraction, expected an integer of 1 to 10000
              --> folder/pipeline.toml:10:11
               |
            10 | n_trees = 3.5
               |           ^^^
        "#]],
    );
    check(
        &MINIMAL.replace("name = \"a\"", "name = 1979-05-27"),
        &expect![[r#"
            error: pipeline.name: found a date or time, expected a name of 1 to 64 letters, digits, `-` and `_`, a letter or `_` first
             --> folder/pipeline.toml:2:8
              |
            2 | name = 1979-05-27
              |        ^^^^^^^^^^
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "bootstrap = \"true\""),
        &expect![[r#"
            error: model.bootstrap: found a string, expected `true` or `false`
              --> folder/pipeline.toml:10:13
               |
            10 | bootstrap = "true"
               |             ^^^^^^
               |
               = help: write it without quotes: `bootstrap = true`
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "max_features = [1]"),
        &expect![[r#"
            error: model.max_features: found a list, expected `"sqrt"`, `"log2"` or `"all"`, an integer of at least 1, or a fraction above 0 and at most 1
              --> folder/pipeline.toml:10:16
               |
            10 | max_features = [1]
               |                ^^^
        "#]],
    );
    check(
        "pipeline = 3\n[[dataset]]\n[model]\nkind = \"gaussian-nb\"\n[target]\nchip = \"RP2040\"\n",
        &expect![[r#"
            error: pipeline: found an integer, expected a table
             --> folder/pipeline.toml:1:12
              |
            1 | pipeline = 3
              |            ^
              |
              = help: write `[pipeline]`

            error: dataset: found a list, expected a table
             --> folder/pipeline.toml:2:1
              |
            2 | [[dataset]]
              | ^^^^^^^^^^^
              |
              = help: write `[dataset]`
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\noutputs = \"class\"\n"),
        &expect![[r#"
            error: codegen.outputs: found a string, expected a list of `"class"`, `"scores"` or `"probabilities"`
              --> folder/pipeline.toml:14:11
               |
            14 | outputs = "class"
               |           ^^^^^^^
               |
               = help: write it in brackets: `outputs = ["class"]`
        "#]],
    );
    check(
        &format!("{MINIMAL}[features]\nhue = [0, 1]\n"),
        &expect![[r#"
            error: features.hue: found a list, expected a table
              --> folder/pipeline.toml:14:7
               |
            14 | hue = [0, 1]
               |       ^^^^^^
               |
               = help: write `[features.hue]`
        "#]],
    );
}

#[test]
fn missing_keys() {
    check(
        "[pipeline]\n[dataset]\n[model]\n[target]\n",
        &expect![[r#"
            error: pipeline.name: found nothing, expected a name of 1 to 64 letters, digits, `-` and `_`, a letter or `_` first
             --> folder/pipeline.toml:1:1
              |
            1 | [pipeline]
              | ^^^^^^^^^^
              |
              = help: Names the pipeline, and the folder of its reports.

            error: dataset: found no rows, expected `path`, or `train` and `test`
             --> folder/pipeline.toml:2:1
              |
            2 | [dataset]
              | ^^^^^^^^^

            error: model.kind: found nothing, expected `"decision-tree"`, `"random-forest"`, `"extra-trees"` or `"gaussian-nb"`
             --> folder/pipeline.toml:3:1
              |
            3 | [model]
              | ^^^^^^^
              |
              = help: The model to train.

            error: target.chip: found nothing, expected the name of a chip
             --> folder/pipeline.toml:4:1
              |
            4 | [target]
              | ^^^^^^^^
              |
              = help: The microcontroller, in any case.
        "#]],
    );
    check(
        "[pipeline]\nname = \"a\"\n[dataset]\ntest = \"t.csv\"\n[model]\nkind = \"gaussian-nb\"\n[target]\nchip = \"RP2040\"\n",
        &expect![[r#"
            error: dataset.train: found nothing, expected the path of a file or a folder, a list of paths, or a table of them by class; `*` stands for any text in a name, `{label}` for the class
             --> folder/pipeline.toml:3:1
              |
            3 | [dataset]
              | ^^^^^^^^^
              |
              = help: A file of rows that are all for training.

            error: dataset.label: found nothing, expected a string, an integer of at least 0, or a list of them, each once
             --> folder/pipeline.toml:3:1
              |
            3 | [dataset]
              | ^^^^^^^^^
              |
              = help: The column of a CSV file that holds the class, or a regressor's number, or the columns of several numbers; all others are features.
        "#]],
    );
    check(
        &MINIMAL.replace(
            "kind = \"random-forest\"\nn_trees = 3",
            "source = \"import\"",
        ),
        &expect![[r#"
            error: model.path: found nothing, expected the path of a file
             --> folder/pipeline.toml:8:1
              |
            8 | [model]
              | ^^^^^^^
              |
              = help: The model file to import: skops, XGBoost, LightGBM, CatBoost, ONNX, treelite, Spark or Spinney's JSON.
        "#]],
    );
}

#[test]
fn impossible_values() {
    check(
        &MINIMAL.replace("n_trees = 3", "n_trees = 0"),
        &expect![[r#"
        error: model.n_trees: found `0`, expected an integer of 1 to 10000
          --> folder/pipeline.toml:10:11
           |
        10 | n_trees = 0
           |           ^
    "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "max_depth = -1"),
        &expect![[r#"
            error: model.max_depth: found `-1`, expected an integer of 1 to 1000
              --> folder/pipeline.toml:10:13
               |
            10 | max_depth = -1
               |             ^^
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "max_depth = 99999999999999999999"),
        &expect![[r#"
            error: model.max_depth: found `99999999999999999999`, expected an integer of 1 to 1000
              --> folder/pipeline.toml:10:13
               |
            10 | max_depth = 99999999999999999999
               |             ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        &MINIMAL.replace("n_trees = 3", "min_samples_leaf = 1.5"),
        &expect![[r#"
            error: model.min_samples_leaf: found `1.5`, expected an integer of at least 1, or a fraction above 0 and at most 1
              --> folder/pipeline.toml:10:20
               |
            10 | min_samples_leaf = 1.5
               |                    ^^^
        "#]],
    );
    check(
        &MINIMAL.replace("label", "test_fraction = 1.0\nlabel"),
        &expect![[r#"
            error: dataset.test_fraction: found `1.0`, expected a number above 0 and below 1
             --> folder/pipeline.toml:7:17
              |
            7 | test_fraction = 1.0
              |                 ^^^
        "#]],
    );
    check(
        &MINIMAL.replace("label", "test_fraction = nan\nlabel"),
        &expect![[r#"
            error: dataset.test_fraction: found `nan`, expected a number above 0 and below 1
             --> folder/pipeline.toml:7:17
              |
            7 | test_fraction = nan
              |                 ^^^
        "#]],
    );
    check(
        &MINIMAL.replace("random-forest", "random-forrest"),
        &expect![[r#"
            error: model.kind: found `"random-forrest"`, expected `"decision-tree"`, `"random-forest"`, `"extra-trees"` or `"gaussian-nb"`
             --> folder/pipeline.toml:9:8
              |
            9 | kind = "random-forrest"
              |        ^^^^^^^^^^^^^^^^
              |
              = help: did you mean `"random-forest"`?
        "#]],
    );
    check(
        &MINIMAL.replace("name = \"a\"", "name = \"../a\""),
        &expect![[r#"
            error: pipeline.name: found `"../a"`, expected a name of 1 to 64 letters, digits, `-` and `_`, a letter or `_` first
             --> folder/pipeline.toml:2:8
              |
            2 | name = "../a"
              |        ^^^^^^
        "#]],
    );
    check(
        &MINIMAL.replace(
            "n_trees = 3",
            "class_weight = { setosa = 0 }\ntrainer = \"linfa\"",
        ),
        &expect![[r#"
            error: model.class_weight: found `{ setosa = 0 }`, expected none, since `trainer = "linfa"` does not know it
              --> folder/pipeline.toml:10:16
               |
            10 | class_weight = { setosa = 0 }
               |                ^^^^^^^^^^^^^^
            11 | trainer = "linfa"
               |           ------- because of this
               |
               = help: remove `class_weight`, or change `model.trainer`

            error: model.class_weight.setosa: found `0`, expected a number above 0
              --> folder/pipeline.toml:10:27
               |
            10 | class_weight = { setosa = 0 }
               |                           ^
        "#]],
    );
    check(
        &format!("{MINIMAL}[features.hue]\nrange = [3, 1]\n"),
        &expect![[r#"
            error: features.hue.range: found `[3, 1]`, expected a list of two numbers, the lower first
              --> folder/pipeline.toml:14:9
               |
            14 | range = [3, 1]
               |         ^^^^^^
        "#]],
    );
    check(
        &format!("{MINIMAL}[features.hue]\nrange = [-3, 1]\ntype = \"u8\"\n"),
        &expect![[r#"
            error: features.hue.range: found [-3, 1], expected no more than `type = "u8"` holds, 0 to 255
              --> folder/pipeline.toml:14:9
               |
            14 | range = [-3, 1]
               |         ^^^^^^^
            15 | type = "u8"
               |        ---- because of this
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\noutputs = [\"scores\", \"scores\", \"classes\"]\n"),
        &expect![[r#"
            error: codegen.outputs: found `"scores"` twice, expected it once
              --> folder/pipeline.toml:14:22
               |
            14 | outputs = ["scores", "scores", "classes"]
               |            --------  ^^^^^^^^
               |            |
               |            the first

            error: codegen.outputs: found `"classes"`, expected `"class"`, `"scores"` or `"probabilities"`
              --> folder/pipeline.toml:14:32
               |
            14 | outputs = ["scores", "scores", "classes"]
               |                                ^^^^^^^^^
               |
               = help: did you mean `"class"`?
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\noutputs = [\"scores\"]\n"),
        &expect![[r#"
            error: codegen.outputs: found no `"class"`, expected it among the outputs
              --> folder/pipeline.toml:14:11
               |
            14 | outputs = ["scores"]
               |           ^^^^^^^^^^
        "#]],
    );
}

#[test]
fn sizes() {
    check(
        &format!("{MINIMAL}[budget]\nflash = \"16 KiBs\"\n"),
        &expect![[r#"
            error: budget.flash: found `"16 KiBs"`, expected a size, such as `"16K"`
              --> folder/pipeline.toml:14:9
               |
            14 | flash = "16 KiBs"
               |         ^^^^^^^^^
               |
               = help: a size is a number of bytes (`16384` or `"16384"`), or has a unit: `"16K"`, `"1M"`; 1K is 1024 bytes
        "#]],
    );
    check(
        &format!("{MINIMAL}[budget]\nflash = 0\n"),
        &expect![[r#"
        error: budget.flash: found `0`, expected a size, such as `"16K"`
          --> folder/pipeline.toml:14:9
           |
        14 | flash = 0
           |         ^
           |
           = help: zero bytes hold nothing
    "#]],
    );
    check(
        &format!("{MINIMAL}[budget]\nram = \"5000M\"\n"),
        &expect![[r#"
            error: budget.ram: found `"5000M"`, expected a size, such as `"16K"`
              --> folder/pipeline.toml:14:7
               |
            14 | ram = "5000M"
               |       ^^^^^^^
               |
               = help: addresses have 32 bits: below 4096M
        "#]],
    );
    check(
        &format!("{MINIMAL}[budget]\nflash = \"2M\"\nstack = 1.5\n"),
        &expect![[r#"
            error: budget.flash: found `"2M"` (2097152 bytes), expected no more than the 1048576 bytes of flash that STM32F405RGTx has
              --> folder/pipeline.toml:14:9
               |
            12 | chip = "STM32F405RGTx"
               |        --------------- because of this
            13 | [budget]
            14 | flash = "2M"
               |         ^^^^

            error: budget.stack: found a number with a fraction, expected a size, such as `"16K"`
              --> folder/pipeline.toml:15:9
               |
            15 | stack = 1.5
               |         ^^^
        "#]],
    );
}

#[test]
fn missing_files() {
    check(
        &MINIMAL.replace("rows.csv", "missing.csv"),
        &expect![[r#"
            error: dataset.path: found `"missing.csv"`, expected a file or folder that exists
             --> folder/pipeline.toml:6:8
              |
            6 | path = "missing.csv"
              |        ^^^^^^^^^^^^^
              |
              = help: there is no file or folder folder/missing.csv; paths are relative to the config's folder
        "#]],
    );
}

#[test]
fn a_name_that_no_crate_may_have() {
    for name in ["8votes", "-votes"] {
        let rendered = faults(&MINIMAL.replace("name = \"a\"", &format!("name = \"{name}\"")));
        assert_eq!(rendered.len(), 1, "{name}");
    }
    assert!(faults(&MINIMAL.replace("name = \"a\"", "name = \"_8\"")).is_empty());
}

#[test]
fn columns_to_ignore() {
    let ignore = |value: &str| MINIMAL.replace("label =", &format!("ignore = {value}\nlabel ="));
    let config = parse(&ignore("[\"id\", \"t_*\"]")).expect("a good config");
    let Dataset::Split { rows, .. } = &config.pipeline.dataset else {
        panic!("one file, split");
    };
    assert_eq!(rows.ignore, ["id", "t_*"]);
    check(
        &ignore("\"id\""),
        &expect![[r#"
        error: dataset.ignore: found a string, expected a list of 1 to 65535 names, each once
         --> folder/pipeline.toml:7:10
          |
        7 | ignore = "id"
          |          ^^^^
          |
          = help: write it in brackets: `ignore = ["id"]`
    "#]],
    );
    let listened = format!(
        "{}[frontend]\nsample_rate = 16000\ndecision_s = 1\n",
        ignore("[\"id\"]")
    );
    let listened = listened.replace("label = \"class\"\n", "");
    check(
        &listened,
        &expect![[r#"
        error: dataset.ignore: found `["id"]`, expected none, since only what the front end makes of samples is a feature
          --> folder/pipeline.toml:7:10
           |
         7 | ignore = ["id"]
           |          ^^^^^^
        ...
        14 | sample_rate = 16000
           |               ----- because of this
           |
           = help: remove `ignore`, or change `frontend.sample_rate`
    "#]],
    );
}
