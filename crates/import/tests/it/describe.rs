//! What `inspect` prints of three files, and the shipped example.

use std::path::Path;

use expect_test::{Expect, expect};
use spinney_import::{describe, import};

fn check(path: &str, expected: &Expect) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let imported = import(&std::fs::read(path).expect("a file")).expect("a model");
    expected.assert_eq(&describe(&imported).to_string());
}

fn check_member(archive: &str, member: &str, expected: &Expect) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(archive);
    let bytes = std::fs::read(path).expect("an archive");
    let budget = spinney_dataset::Budget::of(bytes.len());
    let members = spinney_dataset::archive::unpack(&bytes, &budget).expect("an archive");
    let imported = import(&members[member]).expect("a model");
    expected.assert_eq(&describe(&imported).to_string());
}

#[test]
fn sums_of_trees() {
    for (member, expected) in [
        (
            "hgb_missing.skops",
            expect![[r#"
            format      skops
            estimator   HistGradientBoostingRegressor (hist-gradient-boosting)
            library     scikit-learn 1.9.1
            targets     1: y
            features    10: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
                        6 of them used, 10 compared as float64
            trees       8, 48 splits, depth 4 at most, 3.6 in the mean
            leaves      56, from -5.904061 to 8.985336
            sum         in float64, from 152.133484
            missing     48 of 48 splits have a side for missing readings
            thresholds  5 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
        "#]],
        ),
        (
            "rf_two_outputs.skops",
            expect![[r#"
            format      skops
            estimator   RandomForestRegressor (random-forest-regressor)
            library     scikit-learn 1.9.1
            targets     2: y0, y1
            features    10: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
                        9 of them used, 0 compared as float64
            trees       4, 57 splits, depth 4 at most, 4.0 in the mean
            leaves      61, from -4.752285 to 346.000000
            sum         in float64, from 0.000000, 0.000000, divided by 4.000000
            thresholds  11 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
        "#]],
        ),
        (
            "gb_exponential.skops",
            expect![[r#"
            format      skops
            estimator   GradientBoostingClassifier (gradient-boosting)
            library     scikit-learn 1.9.1
            classes     2: 0, 1
            features    30: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
                        10 of them used, 0 compared as float64
            trees       4, 28 splits, depth 3 at most, 3.0 in the mean
            leaves      32, from -0.100000 to 0.100000
            sum         in float64, from 0.260575, through a sigmoid of 2 times it
            thresholds  4 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
        "#]],
        ),
        (
            "iso_contamination.skops",
            expect![[r#"
            format      skops
            estimator   IsolationForest (isolation-forest)
            library     scikit-learn 1.9.1
            classes     2: normal, alarm
            features    30: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
                        26 of them used, 0 compared as float64
            trees       5, 122 splits, depth 6 at most, 6.0 in the mean
            leaves      127, from 2.000000 to 10.116889
            sum         in float64, from 0.000000, divided by 32.657773; an alarm where the score -2^-sum is below -0.5804571506731043
            thresholds  10 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
        "#]],
        ),
    ] {
        check_member("1.9.1/additive.zip", member, &expected);
    }
}

#[test]
fn a_pipeline() {
    check(
        "tests/fixtures/1.9.1/pipe_named_all.skops",
        &expect![[r#"
            format      skops
            estimator   RandomForestClassifier (random-forest)
            library     scikit-learn 1.9.1
            folded in   VarianceThreshold, MinMaxScaler, StandardScaler, SelectKBest
            classes     3: class_0, class_1, class_2
            features    13: alcohol, malic_acid, ash, alcalinity_of_ash, magnesium, total_phenols, flavanoids, nonflavanoid_phenols, …
                        5 of them used, 5 compared as float64
            trees       4, 49 splits, depth 6 at most, 5.5 in the mean
            leaves      53, 53 pure, 3 distinct, 3 of 3 classes win one
            thresholds  12 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
            note        Scaled features are compared in float64, as scikit-learn scales float64 rows before it casts them.
        "#]],
    );
}

#[test]
fn an_older_tree() {
    check(
        "tests/fixtures/1.1.3/dt_one_leaf_bool.skops",
        &expect![[r#"
            format      skops
            estimator   DecisionTreeClassifier (decision-tree)
            library     scikit-learn 1.1.3
            classes     2: False, True
            features    4: x0, x1, x2, x3 (without names)
                        0 of them used, 0 compared as float64
            trees       1, 0 splits, depth 0 at most, 0.0 in the mean
            leaves      1, 0 pure, 1 distinct, 1 of 2 classes win one
            thresholds  0 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
            note        Leaves hold class counts; they were turned into proportions.
        "#]],
    );
}

#[test]
fn a_naive_bayes_graph() {
    check(
        "tests/fixtures/1.9.1/nb_min_max_k_best.f32.onnx",
        &expect![[r#"
            format      ONNX
            estimator   GaussianNB (gaussian-nb)
            library     skl2onnx 1.20.0
            folded in   Mul, Add, ArrayFeatureExtractor
            classes     3: 0, 1, 2
            priors      0.3315, 0.3989, 0.2697
            features    13: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
            note        The parameters are float32: probabilities follow scikit-learn's to 1e-4. A skops file keeps them all.
        "#]],
    );
}

#[test]
fn the_example() {
    check(
        "../../examples/models/digits_rf.skops",
        &expect![[r#"
            format      skops
            estimator   RandomForestClassifier (random-forest)
            library     scikit-learn 1.9.1
            classes     10: 0, 1, 2, 3, 4, 5, 6, 7, …
            features    64: x0, x1, x2, x3, x4, x5, x6, x7, … (without names)
                        55 of them used, 0 compared as float64
            trees       10, 1002 splits, depth 8 at most, 8.0 in the mean
            leaves      1012, 791 pure, 219 distinct, 10 of 10 classes win one
            thresholds  22 per feature at most: ranks of 8 bits would lose nothing, at four bytes a threshold
                        all on whole or half numbers, as on integer features
        "#]],
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let model = std::fs::read(root.join("examples/models/digits_rf.skops")).expect("the model");
    let model = import(&model).expect("a model").model;
    let rows = std::fs::read(root.join("data/digits_test.csv")).expect("the rows");
    let rows = spinney_dataset::csv::read(&rows, "digit")
        .expect("a data set")
        .with_classes(model.schema().classes())
        .expect("the model's classes");
    let n_right = rows
        .values()
        .rows()
        .into_iter()
        .zip(rows.labels())
        .filter(|(row, label)| model.predict(&row.to_vec()) == **label)
        .count();
    // scikit-learn's own score is 0.9311.
    assert_eq!((n_right, rows.n_rows()), (419, 450));
}
