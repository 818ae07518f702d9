//! What `inspect` prints of three files, and the shipped example.

use std::path::Path;

use expect_test::{Expect, expect};
use spinney_import::{describe, import};

fn check(path: &str, expected: &Expect) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let imported = import(&std::fs::read(path).expect("a file")).expect("a model");
    expected.assert_eq(&describe(&imported).to_string());
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
