//! What a model is asked for, the keys that belong to it, and what a feature's column may hold.

use expect_test::expect;
use spinney_config::{MaxFeatures, Model, Training};
use spinney_dataset::Missing;
use spinney_model::Task;

use crate::common::{MINIMAL, check, parse};

fn imported(model: &str, rest: &str) -> String {
    let trained = "kind = \"random-forest\"\nn_trees = 3\n";
    let model = format!("source = \"import\"\npath = \"model.json\"\n{model}");
    MINIMAL.replace(trained, &model) + rest
}

#[test]
fn a_regressor_and_a_detector() {
    let text = imported(
        "task = \"regress\"\n",
        "[accuracy]\nmax_error = 0.5\nmax_mae_growth = 0\nmin_r2 = -1\nrequire_certificate = \"every-input\"\n",
    );
    let text = text.replace("label = \"class\"", "label = \"power\"\nunit = \"MW\"");
    let pipeline = parse(&text).expect("a valid config").pipeline;
    assert!(matches!(
        pipeline.model,
        Model::Import {
            task: Some(Task::Regress),
            threshold: None,
            ..
        }
    ));
    assert_eq!(pipeline.accuracy.max_error, Some(0.5));
    assert_eq!(pipeline.accuracy.min_r2, Some(-1.0));
    assert!(!pipeline.accuracy.better_than_majority);

    let text = imported(
        "task = \"detect\"\nthreshold = -0.5\n",
        "[accuracy]\nmin_auc = 1\nmin_recall = { anomaly = 0.9 }\n",
    );
    let text = text.replace("label = \"class\"", "label = \"fault\"\nnormal = 0");
    let pipeline = parse(&text).expect("a valid config").pipeline;
    assert!(matches!(
        pipeline.model,
        Model::Import {
            task: Some(Task::Detect),
            threshold: Some(-0.5),
            ..
        }
    ));
    assert!(!pipeline.accuracy.better_than_majority);
}

#[test]
fn classes_of_an_imported_model_have_names() {
    let text = imported("classes = [\"low\", \"high\"]\n", "");
    let pipeline = parse(&text).expect("a valid config").pipeline;
    let Model::Import { classes, .. } = pipeline.model else {
        panic!("an imported model");
    };
    assert_eq!(classes, Some(vec!["low".to_owned(), "high".to_owned()]));
    let error = parse(&MINIMAL.replace("n_trees = 3", "classes = [\"low\", \"high\"]"));
    assert!(
        error.is_err(),
        "a model that is trained here has its rows' classes"
    );
}

#[test]
fn what_is_trained_here_is_no_detector() {
    let is_regressor = |keys: &str| MINIMAL.replace("n_trees = 3", keys);
    let given = parse(&is_regressor("task = \"regress\"")).expect("a valid config");
    let Model::Train(training @ Training::Forest(forest)) = &given.pipeline.model else {
        panic!("a forest");
    };
    assert_eq!(training.task(), Task::Regress);
    assert_eq!(forest.max_features, MaxFeatures::All);
    check(
        &is_regressor("task = \"detect\""),
        &expect![[r#"
            error: model.task: found `"detect"`, expected `"classify"` or `"regress"`, since no detector is trained here
              --> folder/pipeline.toml:10:8
               |
            10 | task = "detect"
               |        ^^^^^^^^
               |
               = help: train it with scikit-learn, XGBoost or LightGBM and import the file: `source = "import"`, `path = "…"`
        "#]],
    );
    check(
        &is_regressor("task = \"regress\"\ncriterion = \"gini\"\nclass_weight = \"balanced\""),
        &expect![[r#"
            error: model.criterion: found `"gini"`, expected `"squared_error"`, which numbers have
              --> folder/pipeline.toml:11:13
               |
            11 | criterion = "gini"
               |             ^^^^^^
               |
               = help: `task = "regress"` in [model] is for labels that are numbers

            error: model.class_weight: found `"balanced"`, expected none, since only classes are weighed against one another
              --> folder/pipeline.toml:12:16
               |
            10 | task = "regress"
               |        --------- because of this
            11 | criterion = "gini"
            12 | class_weight = "balanced"
               |                ^^^^^^^^^^
               |
               = help: remove `class_weight`, or change `model.task`
        "#]],
    );
    check(
        &is_regressor("criterion = \"squared_error\""),
        &expect![[r#"
            error: model.criterion: found `"squared_error"`, expected `"gini"` or `"entropy"`, which classes have
              --> folder/pipeline.toml:10:13
               |
            10 | criterion = "squared_error"
               |             ^^^^^^^^^^^^^^^
               |
               = help: `task = "regress"` in [model] is for labels that are numbers
        "#]],
    );
    check(
        &is_regressor("task = \"regress\"\ntrainer = \"linfa\""),
        &expect![[r#"
            error: model.task: found `"regress"`, expected `"classify"`, since `trainer = "linfa"` trains classifiers
              --> folder/pipeline.toml:10:8
               |
            10 | task = "regress"
               |        ^^^^^^^^^
               |
               = help: remove `trainer`
        "#]],
    );
    check(
        &is_regressor("task = \"regress\"").replace("random-forest", "gaussian-nb"),
        &expect![[r#"
            error: model.task: found `"regress"`, expected `"classify"`, since naive Bayes tells classes apart
              --> folder/pipeline.toml:10:8
               |
            10 | task = "regress"
               |        ^^^^^^^^^
               |
               = help: `kind` is `"decision-tree"`, `"random-forest"` or `"extra-trees"`
        "#]],
    );
    check(
        &format!("{MINIMAL}[accuracy]\nmin_r2 = 0.5\nmin_auc = 0.5\n"),
        &expect![[r#"
            error: accuracy.min_r2: found `0.5`, expected none, since only a regressor's numbers have an error
              --> folder/pipeline.toml:14:10
               |
            14 | min_r2 = 0.5
               |          ^^^
               |
               = help: remove `min_r2`, or set `model.task`

            error: accuracy.min_auc: found `0.5`, expected none, since only a detector's scores have an ROC curve
              --> folder/pipeline.toml:15:11
               |
            15 | min_auc = 0.5
               |           ^^^
               |
               = help: remove `min_auc`, or set `model.source`
        "#]],
    );
}

#[test]
fn keys_of_other_tasks() {
    check(
        &imported(
            "task = \"regress\"\nthreshold = 1\n",
            "[accuracy]\nbetter_than_majority = true\nmin_agreement = 1\nmin_auc = 0.5\n",
        ),
        &expect![[r#"
            error: model.threshold: found `1`, expected none, since only a detector compares a score with a threshold
              --> folder/pipeline.toml:12:13
               |
            11 | task = "regress"
               |        --------- because of this
            12 | threshold = 1
               |             ^
               |
               = help: remove `threshold`, or change `model.task`

            error: accuracy.better_than_majority: found `true`, expected none, since only classes are held to the most frequent one
              --> folder/pipeline.toml:16:24
               |
            11 | task = "regress"
               |        --------- because of this
            ...
            16 | better_than_majority = true
               |                        ^^^^
               |
               = help: remove `better_than_majority`, or change `model.task`

            error: accuracy.min_agreement: found `1`, expected none, since a number is not right or wrong, only near or far
              --> folder/pipeline.toml:17:17
               |
            11 | task = "regress"
               |        --------- because of this
            ...
            17 | min_agreement = 1
               |                 ^
               |
               = help: remove `min_agreement`, or change `model.task`

            error: accuracy.min_auc: found `0.5`, expected none, since only a detector's scores have an ROC curve
              --> folder/pipeline.toml:18:11
               |
            11 | task = "regress"
               |        --------- because of this
            ...
            18 | min_auc = 0.5
               |           ^^^
               |
               = help: remove `min_auc`, or change `model.task`
        "#]],
    );
    check(
        &imported(
            "task = \"detect\"\n",
            "[accuracy]\nbetter_than_majority = true\nmax_error = 1\nmin_r2 = 1.5\n",
        ),
        &expect![[r#"
            error: dataset.normal: found nothing, expected a string, or an integer of at least 0
             --> folder/pipeline.toml:5:1
              |
            5 | [dataset]
              | ^^^^^^^^^
              |
              = help: The label of rows that are no anomalies; a detector's rows with any other are.

            error: accuracy.better_than_majority: found `true`, expected none, since only classes are held to the most frequent one
              --> folder/pipeline.toml:15:24
               |
            11 | task = "detect"
               |        -------- because of this
            ...
            15 | better_than_majority = true
               |                        ^^^^
               |
               = help: remove `better_than_majority`, or change `model.task`

            error: accuracy.max_error: found `1`, expected none, since only a regressor's numbers have an error
              --> folder/pipeline.toml:16:13
               |
            11 | task = "detect"
               |        -------- because of this
            ...
            16 | max_error = 1
               |             ^
               |
               = help: remove `max_error`, or change `model.task`

            error: accuracy.min_r2: found `1.5`, expected a number of at most 1
              --> folder/pipeline.toml:17:10
               |
            17 | min_r2 = 1.5
               |          ^^^
        "#]],
    );
    check(
        &imported("task = \"cluster\"\n", ""),
        &expect![[r#"
        error: model.task: found `"cluster"`, expected `"classify"`, `"regress"` or `"detect"`
          --> folder/pipeline.toml:11:8
           |
        11 | task = "cluster"
           |        ^^^^^^^^^
    "#]],
    );
}

#[test]
fn the_model_says_what_it_is() {
    let text = imported("", "[accuracy]\nmin_accuracy = 0.9\nmax_error = 1\n");
    let config = parse(&text).expect("nothing is known of the model");
    assert!(config.pipeline.accuracy.better_than_majority);
    let faults = config
        .check_task(Task::Regress)
        .expect_err("a gate of classes");
    expect![[r#"
        error: accuracy.min_accuracy: found `0.9`, expected none, since a number is not right or wrong, only near or far
          --> folder/pipeline.toml:14:16
           |
        10 | path = "model.json"
           |        ------------ the model
        ...
        14 | min_accuracy = 0.9
           |                ^^^"#]].assert_eq(&faults.to_string());
    let config = parse(
        &imported("task = \"detect\"\n", "")
            .replace("label = \"class\"", "label = \"class\"\nnormal = \"ok\""),
    );
    let config = config.expect("a valid config");
    assert!(config.check_task(Task::Detect).is_ok());
    let undeclared = parse(&imported("", "")).expect("a valid config");
    let faults = undeclared
        .check_task(Task::Detect)
        .expect_err("which label is normal?");
    assert!(
        faults.to_string().contains("dataset.normal: found nothing"),
        "{faults}"
    );
    let faults = config.check_task(Task::Classify).expect_err("another task");
    expect![[r#"
        error: model.task: found `"detect"`, expected `"classify"`, which the model is
          --> folder/pipeline.toml:12:8
           |
        12 | task = "detect"
           |        ^^^^^^^^"#]]
    .assert_eq(&faults.to_string());
}

#[test]
fn what_a_column_may_hold() {
    let text = format!(
        "{MINIMAL}[features.a]\nmissing = \"nan\"\n[features.b]\nmissing = nan\ntype = \"f32\"\n\
         [features.c]\ntype = \"i16\"\nrange = [-400, 1250]\nmissing = -32768\n\
         [features.d]\ncategories = [\"red\", \"green\"]\ntype = \"u8\"\nmissing = 255\n"
    );
    let features = parse(&text).expect("a valid config").pipeline.features;
    let missing: Vec<Option<Missing>> = features.values().map(|it| it.missing).collect();
    assert_eq!(
        missing,
        [
            Some(Missing::Nan),
            Some(Missing::Nan),
            Some(Missing::Number(-32_768.0)),
            Some(Missing::Number(255.0)),
        ]
    );
    assert_eq!(
        features["d"].categories.as_deref(),
        Some(&["red".to_owned(), "green".to_owned()][..])
    );
    check(
        &format!(
            "{MINIMAL}[features.a]\nmissing = \"none\"\n[features.b]\nmissing = \"nan\"\ntype = \"u8\"\n\
             [features.c]\ntype = \"i16\"\nmissing = -32769\n\
             [features.d]\nrange = [0, 10]\nmissing = 5\n\
             [features.e]\ncategories = []\n[features.f]\ncategories = [\"a\", \"a\"]\n\
             [features.g]\ncategories = [\"a\"]\nrange = [0, 1]\ncoding = \"rank\"\n"
        ),
        &expect![[r#"
            error: features.a.missing: found `"none"`, expected `"nan"` or a number
              --> folder/pipeline.toml:14:11
               |
            14 | missing = "none"
               |           ^^^^^^

            error: features.b.missing: found `"nan"`, expected an integer, since `type = "u8"` has no NaN
              --> folder/pipeline.toml:16:11
               |
            16 | missing = "nan"
               |           ^^^^^
            17 | type = "u8"
               |        ---- because of this

            error: features.c.missing: found -32769, expected an integer that `type = "i16"` holds, -32768 to 32767
              --> folder/pipeline.toml:20:11
               |
            19 | type = "i16"
               |        ----- because of this
            20 | missing = -32769
               |           ^^^^^^

            error: features.d.missing: found 5, expected a number outside of `range`, 0 to 10, since it would be a reading like any other
              --> folder/pipeline.toml:23:11
               |
            22 | range = [0, 10]
               |         ------- because of this
            23 | missing = 5
               |           ^

            error: features.e.categories: found `[]`, expected a list of 1 to 65535 names, each once
              --> folder/pipeline.toml:25:14
               |
            25 | categories = []
               |              ^^

            error: features.f.categories: found `"a"` twice, expected it once
              --> folder/pipeline.toml:27:20
               |
            27 | categories = ["a", "a"]
               |               ---  ^^^
               |               |
               |               the first

            error: features.g.range: found `[0, 1]`, expected none, since a category is a word, and its reading the word's place in the list
              --> folder/pipeline.toml:30:9
               |
            29 | categories = ["a"]
               |              ----- because of this
            30 | range = [0, 1]
               |         ^^^^^^
               |
               = help: remove `range`, or change `features.g.categories`

            error: features.g.coding: found `"rank"`, expected none, since a category is a word, and its reading the word's place in the list
              --> folder/pipeline.toml:31:10
               |
            29 | categories = ["a"]
               |              ----- because of this
            30 | range = [0, 1]
            31 | coding = "rank"
               |          ^^^^^^
               |
               = help: remove `coding`, or change `features.g.categories`
        "#]],
    );
}

#[test]
fn a_value_takes_all_trees() {
    check(
        &imported("task = \"regress\"\n", "[codegen]\nearly_exit = true\n"),
        &expect![[r#"
            error: codegen.early_exit: found `true`, expected none, since a value is the sum of all trees
              --> folder/pipeline.toml:15:14
               |
            11 | task = "regress"
               |        --------- because of this
            ...
            15 | early_exit = true
               |              ^^^^
               |
               = help: remove `early_exit`, or change `model.task`
        "#]],
    );
}

#[test]
fn what_does_not_go_with_unknown() {
    let reject = "[reject]\ncoverage = 0.9\n";
    check(
        &format!("{MINIMAL}{reject}[codegen]\nearly_exit = true\n"),
        &expect![[r#"
            error: codegen.early_exit: found `true`, expected none, since how far a class leads takes every tree
              --> folder/pipeline.toml:16:14
               |
            14 | coverage = 0.9
               |            --- because of this
            15 | [codegen]
            16 | early_exit = true
               |              ^^^^
               |
               = help: remove `early_exit`, or change `reject.coverage`
        "#]],
    );
    check(
        &format!("{MINIMAL}[accuracy]\nmax_unknown = 0.1\n"),
        &expect![[r#"
            error: accuracy.max_unknown: found a gate on answers of *unknown*, expected `[reject]`, without which every answer is a class
              --> folder/pipeline.toml:14:15
               |
            14 | max_unknown = 0.1
               |               ^^^
               |
               = help: add `[reject]` with `coverage`, such as `coverage = 0.95`
        "#]],
    );
    check(
        &format!("{MINIMAL}[budget]\nreject_flash = \"2K\"\n"),
        &expect![[r#"
            error: budget.reject_flash: found a gate on answers of *unknown*, expected `[reject]`, without which every answer is a class
              --> folder/pipeline.toml:14:16
               |
            14 | reject_flash = "2K"
               |                ^^^^
               |
               = help: add `[reject]` with `coverage`, such as `coverage = 0.95`
        "#]],
    );
    check(
        &format!("{MINIMAL}{reject}[accuracy]\nmax_false_alarms = 0.1\n"),
        &expect![[r#"
            error: accuracy.max_false_alarms: found a gate on rows unlike those of training, expected `outliers` in [reject], without which nobody looks
              --> folder/pipeline.toml:16:20
               |
            16 | max_false_alarms = 0.1
               |                    ^^^
               |
               = help: add `outliers`, such as `outliers = 0.01`
        "#]],
    );
    let odd = format!("{reject}rows = \"held.csv\"\noutliers = 0.01\n");
    check(
        &imported("", &odd).replace("\npath = \"rows.csv\"", "\ntest = \"rows.csv\""),
        &expect![[r#"
            error: reject.outliers: found no training rows, expected some, which say what is like them
              --> folder/pipeline.toml:16:12
               |
            16 | outliers = 0.01
               |            ^^^^
               |
               = help: name the rows that the model was fitted on: `train` in [dataset]
        "#]],
    );
    check(
        &format!("{MINIMAL}[reject]\nshare = 0.5\n"),
        &expect![[r#"
        error: reject.coverage: found nothing, expected a number above 0 and below 1
          --> folder/pipeline.toml:13:1
           |
        13 | [reject]
           | ^^^^^^^^
           |
           = help: The share of rows whose class is, by a proven promise, among those that the margin cannot tell apart.
    "#]],
    );
    check(
        &format!("{MINIMAL}{reject}rows = \"rows.csv\"\nshare = 0.5\n"),
        &expect![[r#"
            error: reject.share: found `0.5`, expected none, since the rows have a file of their own
              --> folder/pipeline.toml:16:9
               |
            15 | rows = "rows.csv"
               |        ---------- because of this
            16 | share = 0.5
               |         ^^^
               |
               = help: remove `share`, or change `reject.rows`
        "#]],
    );
    check(
        &imported("", reject),
        &expect![[r#"
        error: reject.rows: found nothing, expected the path of a file
          --> folder/pipeline.toml:13:1
           |
        13 | [reject]
           | ^^^^^^^^
           |
           = help: Rows that calibrate the margin, in the format of the test rows; an imported model must not have been trained on them.
    "#]],
    );
    let rows = "rows = \"rows.csv\"\n";
    check(
        &imported("task = \"regress\"\n", &format!("{reject}{rows}")),
        &expect![[r#"
            error: reject.coverage: found `0.9`, expected none, since only a classifier may not know which class it is
              --> folder/pipeline.toml:15:12
               |
            11 | task = "regress"
               |        --------- because of this
            ...
            15 | coverage = 0.9
               |            ^^^
               |
               = help: remove `coverage`, or change `model.task`
        "#]],
    );
}
