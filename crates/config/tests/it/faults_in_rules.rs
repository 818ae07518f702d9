//! Keys that are wrong beside another key, or too early for this version.

use expect_test::expect;

use crate::common::{MINIMAL, check, faults};

#[test]
fn a_share_of_rows_needs_rows_in_an_emulator() {
    check(
        &format!("{MINIMAL}emulator = \"off\"\n[evaluate]\ndevice_rows = 9\n"),
        &expect![[r#"
            error: evaluate.device_rows: found `9`, expected none, since no row runs in the emulator
              --> folder/pipeline.toml:15:15
               |
            13 | emulator = "off"
               |            ----- because of this
            14 | [evaluate]
            15 | device_rows = 9
               |               ^
               |
               = help: remove `device_rows`, or change `target.emulator`
        "#]],
    );
    check(
        "[pipeline]\nname = \"a\"\n[dataset]\npath = \"recordings\"\n[model]\n\
         kind = \"random-forest\"\n[frontend]\nsample_rate = 16000\ndecision_s = 1\n\
         [evaluate]\ndevice_rows = 9\n[target]\nchip = \"STM32F405RGTx\"\n",
        &expect![[r#"
            error: evaluate.device_rows: found `[frontend]` beside it, expected rows from a table: the device hears recordings from their start to their end
              --> folder/pipeline.toml:11:15
               |
             7 | [frontend]
               | ---------- rows are cut from recordings
            ...
            11 | device_rows = 9
               |               ^
               |
               = help: remove `device_rows`, or name fewer recordings for the test
        "#]],
    );
}

#[test]
fn contradictions() {
    let model = "kind = \"random-forest\"\nn_trees = 3";
    let with = |keys: &str| MINIMAL.replace(model, keys);
    check(
        &with("source = \"import\"\npath = \"m.json\"\nkind = \"random-forest\"\nn_trees = 3"),
        &expect![[r#"
            error: model.kind: found `"random-forest"`, expected none, since an imported model is trained already
              --> folder/pipeline.toml:11:8
               |
             9 | source = "import"
               |          -------- because of this
            10 | path = "m.json"
            11 | kind = "random-forest"
               |        ^^^^^^^^^^^^^^^
               |
               = help: remove `kind`, or change `model.source`

            error: model.n_trees: found `3`, expected none, since an imported model is trained already
              --> folder/pipeline.toml:12:11
               |
             9 | source = "import"
               |          -------- because of this
            ...
            12 | n_trees = 3
               |           ^
               |
               = help: remove `n_trees`, or change `model.source`
        "#]],
    );
    check(
        &with("path = \"m.json\"\nkind = \"random-forest\""),
        &expect![[r#"
            error: model.path: found `"m.json"`, expected none, since the model is trained here
             --> folder/pipeline.toml:9:8
              |
            9 | path = "m.json"
              |        ^^^^^^^^
              |
              = help: to import the file, write `source = "import"`
        "#]],
    );
    check(
        &with("source = \"import\"\npath = \"rows.csv\""),
        &expect![[r#"
            no fault
        "#]],
    );
    check(
        &with("kind = \"decision-tree\"\nn_trees = 3\nmax_features = \"sqrt\""),
        &expect![[r#"
            error: model.n_trees: found `3`, expected none, since a decision tree is one tree, of all rows
              --> folder/pipeline.toml:10:11
               |
             9 | kind = "decision-tree"
               |        --------------- because of this
            10 | n_trees = 3
               |           ^
               |
               = help: remove `n_trees`, or change `model.kind`
        "#]],
    );
    check(
        &with("kind = \"gaussian-nb\"\nn_trees = 3\nmax_depth = 3"),
        &expect![[r#"
            error: model.n_trees: found `3`, expected none, since naive Bayes has no trees
              --> folder/pipeline.toml:10:11
               |
             9 | kind = "gaussian-nb"
               |        ------------- because of this
            10 | n_trees = 3
               |           ^
               |
               = help: remove `n_trees`, or change `model.kind`

            error: model.max_depth: found `3`, expected none, since naive Bayes has no trees
              --> folder/pipeline.toml:11:13
               |
             9 | kind = "gaussian-nb"
               |        ------------- because of this
            10 | n_trees = 3
            11 | max_depth = 3
               |             ^
               |
               = help: remove `max_depth`, or change `model.kind`
        "#]],
    );
    check(
        &with("kind = \"random-forest\"\nvar_smoothing = 1e-9"),
        &expect![[r#"
            error: model.var_smoothing: found `1e-9`, expected none, since trees have no variances
              --> folder/pipeline.toml:10:17
               |
             9 | kind = "random-forest"
               |        --------------- because of this
            10 | var_smoothing = 1e-9
               |                 ^^^^
               |
               = help: remove `var_smoothing`, or change `model.kind`
        "#]],
    );
    check(
        &with("kind = \"random-forest\"\nbootstrap = false\nmax_samples = 0.5"),
        &expect![[r#"
            error: model.max_samples: found `0.5`, expected none, since each tree sees all rows unless `bootstrap` is on
              --> folder/pipeline.toml:11:15
               |
            10 | bootstrap = false
               |             ----- because of this
            11 | max_samples = 0.5
               |               ^^^
               |
               = help: remove `max_samples`, or change `model.bootstrap`
        "#]],
    );
    check(
        &with("kind = \"extra-trees\"\ntrainer = \"linfa\""),
        &expect![[r#"
            error: model.kind: found `"extra-trees"`, expected another kind, since `trainer = "linfa"` has none of these
              --> folder/pipeline.toml:9:8
               |
             9 | kind = "extra-trees"
               |        ^^^^^^^^^^^^^
            10 | trainer = "linfa"
               |           ------- because of this
        "#]],
    );
    check(
        &with("kind = \"extra-trees\""),
        &expect![[r#"
            no fault
        "#]],
    );
    check(
        &with("kind = \"random-forest\"\nmax_leaf_nodes = 9"),
        &expect![[r#"
            no fault
        "#]],
    );
    check(
        &with("kind = \"decision-tree\"\nclass_weight = \"balanced_subsample\""),
        &expect![[r#"
            error: model.class_weight: found `"balanced_subsample"`, expected `"balanced"` for a decision tree, which has no subsample
              --> folder/pipeline.toml:10:16
               |
             9 | kind = "decision-tree"
               |        --------------- because of this
            10 | class_weight = "balanced_subsample"
               |                ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        &MINIMAL.replace("label", "test = \"t.csv\"\nlabel"),
        &expect![[r#"
            error: dataset.test: found `"t.csv"`, expected none, since `path` is split into both
             --> folder/pipeline.toml:7:8
              |
            6 | path = "rows.csv"
              |        ---------- because of this
            7 | test = "t.csv"
              |        ^^^^^^^
              |
              = help: remove `test`, or change `dataset.path`
        "#]],
    );
    check(
        &MINIMAL.replace(
            "path = \"rows.csv\"",
            "train = \"rows.csv\"\ntest = \"t.csv\"\ntest_fraction = 0.5",
        ),
        &expect![[r#"
            error: dataset.test_fraction: found `0.5`, expected none, since `test` is the test set
             --> folder/pipeline.toml:8:17
              |
            7 | test = "t.csv"
              |        ------- because of this
            8 | test_fraction = 0.5
              |                 ^^^
              |
              = help: remove `test_fraction`, or change `dataset.test`
        "#]],
    );
    check(
        &MINIMAL.replace("label", "path_labels = \"l.idx\"\nlabel"),
        &expect![[r#"
            error: dataset.label: found `"class"`, expected none, since the labels have files of their own
             --> folder/pipeline.toml:8:9
              |
            7 | path_labels = "l.idx"
              |               ------- because of this
            8 | label = "class"
              |         ^^^^^^^
              |
              = help: remove `label`, or change `dataset.path_labels`
        "#]],
    );
    check(
        &MINIMAL.replace("label", "train_labels = \"l.idx\"\nlabel"),
        &expect![[r#"
            error: dataset.train_labels: found labels without rows, expected `train` too
             --> folder/pipeline.toml:7:16
              |
            7 | train_labels = "l.idx"
              |                ^^^^^^^
        "#]],
    );
    check(
        &format!(
            "{MINIMAL}emulator = \"off\"\nboard = \"netduinoplus2\"\n[budget]\ninstructions = 9\n"
        ),
        &expect![[r#"
            error: target.board: found `"netduinoplus2"`, expected none, since the emulator is off
              --> folder/pipeline.toml:14:9
               |
            13 | emulator = "off"
               |            ----- because of this
            14 | board = "netduinoplus2"
               |         ^^^^^^^^^^^^^^^
               |
               = help: remove `board`, or change `target.emulator`

            error: budget.instructions: found `9`, expected none, since nothing is run that could be measured
              --> folder/pipeline.toml:16:16
               |
            13 | emulator = "off"
               |            ----- because of this
            ...
            16 | instructions = 9
               |                ^
               |
               = help: remove `instructions`, or change `target.emulator`
        "#]],
    );
    check(
        &format!(
            "{}[quantize]\nleaves = \"hard\"\ncoding = \"rank\"\n",
            with("kind = \"gaussian-nb\"")
        ),
        &expect![[r#"
            error: quantize.leaves: found `"hard"`, expected none, since naive Bayes has no leaves
              --> folder/pipeline.toml:13:10
               |
             9 | kind = "gaussian-nb"
               |        ------------- because of this
            ...
            13 | leaves = "hard"
               |          ^^^^^^
               |
               = help: remove `leaves`, or change `model.kind`

            error: quantize.coding: found `"rank"`, expected none, since naive Bayes has no thresholds to rank among
              --> folder/pipeline.toml:14:10
               |
             9 | kind = "gaussian-nb"
               |        ------------- because of this
            ...
            14 | coding = "rank"
               |          ^^^^^^
               |
               = help: remove `coding`, or change `model.kind`
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\nexit_margin = 0.8\n"),
        &expect![[r#"
            error: codegen.exit_margin: found `0.8`, expected none, since nothing exits early
              --> folder/pipeline.toml:14:15
               |
            14 | exit_margin = 0.8
               |               ^^^
               |
               = help: remove `exit_margin`, or set `codegen.early_exit`
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\nearly_exit = true\nexit_margin = 0\n"),
        &expect![[r#"
            error: codegen.exit_margin: found `0`, expected a number above 0 and at most 1
              --> folder/pipeline.toml:15:15
               |
            15 | exit_margin = 0
               |               ^
        "#]],
    );
    check(
        &format!("{MINIMAL}[codegen]\noutputs = [\"class\", \"scores\"]\nearly_exit = true\n"),
        &expect![[r#"
            error: codegen.early_exit: found `true`, expected none, since scores need every tree
              --> folder/pipeline.toml:15:14
               |
            14 | outputs = ["class", "scores"]
               |           ------------------- because of this
            15 | early_exit = true
               |              ^^^^
               |
               = help: remove `early_exit`, or change `codegen.outputs`
        "#]],
    );
    check(
        &format!(
            "{}[accuracy]\nmax_drop = 0.1\n",
            with("source = \"import\"\npath = \"m.json\"")
                .replace("path = \"rows.csv\"\nlabel = \"class\"", "test = \"t.csv\"")
        ),
        &expect![[r#"
            error: accuracy.max_drop: found `0.1`, expected none, since rows without labels have no accuracy
              --> folder/pipeline.toml:13:12
               |
             6 | test = "t.csv"
               |        ------- because of this
            ...
            13 | max_drop = 0.1
               |            ^^^
               |
               = help: remove `max_drop`, or change `dataset.test`
        "#]],
    );
}

#[test]
fn not_supported_yet() {
    check(
        &format!(
            "{}[features.hue]\ncoding = \"rank\"\n[codegen]\nencoding = \"packed\"\nearly_exit = true\n\
             outputs = [\"class\", \"probabilities\"]\nexport = [\"c99\"]\n[quantize]\ncoding = \"rank\"\n",
            MINIMAL.replace("n_trees = 3", "trainer = \"spinney\"")
        ),
        &expect![[r#"
            error: codegen.early_exit: found `true`, expected none, since scores need every tree
              --> folder/pipeline.toml:17:14
               |
            17 | early_exit = true
               |              ^^^^
            18 | outputs = ["class", "probabilities"]
               |           -------------------------- because of this
               |
               = help: remove `early_exit`, or change `codegen.outputs`
        "#]],
    );
    check(
        &MINIMAL.replace(
            "kind = \"random-forest\"\nn_trees = 3",
            "source = \"import\"\npath = \"m.skops\"",
        ),
        &expect![[r#"
            no fault
        "#]],
    );
}

#[test]
fn gaps_that_no_device_can_fill() {
    let missing = |word: &str, model: &str| {
        (MINIMAL.replace("label =", &format!("missing = \"{word}\"\nlabel =")))
            .replace("kind = \"random-forest\"\nn_trees = 3", model)
    };
    check(
        &missing("median", "kind = \"gaussian-nb\""),
        &expect![[r#"
            error: dataset.missing: found `"median"`, expected none, since only trees can fill a gap on the device, at their splits; `"drop"` leaves rows out
              --> folder/pipeline.toml:7:11
               |
             7 | missing = "median"
               |           ^^^^^^^^
            ...
            10 | kind = "gaussian-nb"
               |        ------------- because of this
               |
               = help: remove `missing`, or change `model.kind`
        "#]],
    );
    check(
        &missing("median", "source = \"import\"\npath = \"m.json\""),
        &expect![[r#"
            error: dataset.missing: found `"median"`, expected none, since an imported model says itself what a missing reading does
              --> folder/pipeline.toml:7:11
               |
             7 | missing = "median"
               |           ^^^^^^^^
            ...
            10 | source = "import"
               |          -------- because of this
               |
               = help: remove `missing`, or change `model.source`
        "#]],
    );
    for (word, model) in [
        ("median", "kind = \"decision-tree\""),
        ("drop", "kind = \"gaussian-nb\""),
        ("drop", "source = \"import\"\npath = \"m.json\""),
    ] {
        check(
            &missing(word, model),
            &expect![[r#"
                no fault
            "#]],
        );
    }
}

#[test]
fn several_files() {
    let path = |paths: &str| MINIMAL.replace("path = \"rows.csv\"", &format!("path = {paths}"));
    let no_label = |paths: &str| path(paths).replace("label = \"class\"\n", "");
    let good = expect![[r#"
        no fault
    "#]];
    for paths in [
        "[\"a.csv\"]",
        "\"missing*.csv\"",
        "[\"a.csv\", \"logs/*.csv\"]",
    ] {
        check(&path(paths), &good);
    }
    check(&no_label("{ x = \"a.csv\", y = [\"b*\"] }"), &good);
    check(
        &path("[\"a.csv\", \"missing.csv\", 3]"),
        &expect![[r#"
            error: dataset.path: found `"missing.csv"`, expected a file or folder that exists
             --> folder/pipeline.toml:6:18
              |
            6 | path = ["a.csv", "missing.csv", 3]
              |                  ^^^^^^^^^^^^^
              |
              = help: there is no file or folder folder/missing.csv; paths are relative to the config's folder

            error: dataset.path: found an integer, expected the path of a file or a folder, a list of paths, or a table of them by class; `*` stands for any text in a name, `{label}` for the class
             --> folder/pipeline.toml:6:33
              |
            6 | path = ["a.csv", "missing.csv", 3]
              |                                 ^
        "#]],
    );
    for empty in ["[]", "{}", "{ x = [] }"] {
        assert_eq!(faults(&path(empty)).len(), 1, "{empty}");
    }
    check(
        &path("{ x = \"a.csv\", y = \"b.csv\" }"),
        &expect![[r#"
        error: dataset.label: found `"class"`, expected none, since each file has a class
         --> folder/pipeline.toml:7:9
          |
        6 | path = { x = "a.csv", y = "b.csv" }
          |        ---------------------------- because of this
        7 | label = "class"
          |         ^^^^^^^
          |
          = help: remove `label`, or change `dataset.path`
    "#]],
    );
    check(
        &no_label("[\"a.csv\"]\npath_labels = \"b.idx\""),
        &expect![[r#"
            error: dataset.path_labels: found `"b.idx"`, expected none, since several files have their labels in a column, or a class each
             --> folder/pipeline.toml:7:15
              |
            6 | path = ["a.csv"]
              |        --------- because of this
            7 | path_labels = "b.idx"
              |               ^^^^^^^
              |
              = help: remove `path_labels`, or change `dataset.path`
        "#]],
    );
    check(
        &(MINIMAL.replace("label =", "group = \"who\"\nlabel =") + "[reject]\ncoverage = 0.9\n"),
        &expect![[r#"
            error: reject: found `group` in [dataset] beside it, expected `rows`, a file of groups of its own: rows of groups that train say little about new ones
              --> folder/pipeline.toml:14:1
               |
             7 | group = "who"
               |         ----- rows are alike in groups
            ...
            14 | [reject]
               | ^^^^^^^^
        "#]],
    );
}
