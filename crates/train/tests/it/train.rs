//! Training on the shipped data sets: shapes, accuracy, and rows that teach nothing.

use spinney_dataset::{Dataset, csv, split};
use spinney_model::{FloatModel, ForestKind};
use spinney_train::{
    ForestParams, LinfaEnsemble, LinfaForest, TrainError, forest, gaussian_nb, linfa_forest,
};

const IRIS: &[u8] = include_bytes!("../../../../data/iris.csv");
const WINE: &[u8] = include_bytes!("../../../../data/wine.csv");

const TREE: LinfaForest = LinfaForest {
    ensemble: None,
    max_depth: Some(4),
    min_samples_split: 2.0,
    min_samples_leaf: 1.0,
    min_impurity_decrease: 0.0,
    entropy: false,
};

fn accuracy(model: &FloatModel, rows: &Dataset) -> f64 {
    let right = (0..rows.n_rows())
        .filter(|row| model.predict(&rows.values().row(*row).to_vec()) == rows.labels()[*row])
        .count();
    right as f64 / rows.n_rows() as f64
}

#[test]
fn a_tree_and_a_forest_learn_iris() {
    let parts = split(&csv::read(IRIS, "species").unwrap(), 0.25, 42).unwrap();
    let tree = linfa_forest(&parts.train, &TREE).unwrap();
    assert!(accuracy(&tree, &parts.test) > 0.85);
    let FloatModel::Forest(forest) = &tree else {
        panic!("a tree is a forest of one");
    };
    assert!(forest.depth() <= 4);
    let ensemble = Some(LinfaEnsemble {
        n_trees: 10,
        feature_fraction: 0.75,
        row_fraction: 1.0,
        seed: 1,
    });
    let forest = linfa_forest(&parts.train, &LinfaForest { ensemble, ..TREE }).unwrap();
    assert_eq!(forest.kind(), "random-forest");
    assert!(accuracy(&forest, &parts.test) > 0.85);
}

#[test]
fn bayes_learns_wine_the_same_way_each_time() {
    let parts = split(&csv::read(WINE, "cultivar").unwrap(), 0.25, 42).unwrap();
    let model = gaussian_nb(&parts.train, 1e-9).unwrap();
    assert!(accuracy(&model, &parts.test) > 0.9);
    assert_eq!(model, gaussian_nb(&parts.train, 1e-9).unwrap());
    let FloatModel::GaussianNb(bayes) = &model else {
        panic!("naive Bayes");
    };
    // The mean of the first class's first feature, by hand.
    let members: Vec<f64> = (0..parts.train.n_rows())
        .filter(|row| parts.train.labels()[*row] == 0)
        .map(|row| parts.train.values()[[row, 0]])
        .collect();
    let mean = members.iter().sum::<f64>() / members.len() as f64;
    assert!((bayes.means()[0][0] - mean).abs() < 1e-9);
    let share = members.len() as f64 / parts.train.n_rows() as f64;
    assert!((bayes.log_priors()[0] - share.ln()).abs() < 1e-12);
}

#[test]
fn one_class_teaches_nothing() {
    let rows = csv::read(b"a,y\n1,x\n2,x\n", "y").unwrap();
    for result in [linfa_forest(&rows, &TREE), gaussian_nb(&rows, 1e-9)] {
        let error = result.expect_err("one class");
        assert!(matches!(error, TrainError::Rows { .. }), "{error}");
    }
}

#[test]
fn constant_columns_teach_naive_bayes_nothing() {
    let constant = csv::read(b"f,g,y\n1,2,x\n1,2,z\n1,2,x\n", "y").unwrap();
    let error = gaussian_nb(&constant, 1e-9).expect_err("nothing varies");
    assert_eq!(
        error.to_string(),
        "the training rows: found the same reading in every row of each column: f, g, expected a \
         column whose readings differ"
    );
    let one_varies = csv::read(b"f,g,y\n1,2,x\n1,3,z\n1,2,x\n", "y").unwrap();
    assert!(gaussian_nb(&one_varies, 1e-9).is_ok());
}

#[test]
fn a_missing_reading_is_decided_as_what_takes_its_place() {
    let rows = csv::read(IRIS, "species").unwrap();
    let fills = [Some(5.8), None, Some(4.35), Some(1.3)];
    let params = ForestParams::new(ForestKind::RandomForest, 10, 1);
    let plain = forest(&rows, &params, &|_, _| {}).unwrap();
    let filled = plain.clone().filled(&fills);
    let mut n_moved = 0;
    for row in rows.values().rows() {
        for gaps in 1..16_usize {
            let (mut with_gaps, mut without) = (row.to_vec(), row.to_vec());
            for feature in (0..4).filter(|it| gaps >> it & 1 == 1) {
                let Some(fill) = fills[feature] else { continue };
                (with_gaps[feature], without[feature]) = (f64::NAN, fill);
            }
            assert_eq!(filled.predict(&with_gaps), plain.predict(&without));
            n_moved += usize::from(filled.predict(&with_gaps) != plain.predict(&row.to_vec()));
        }
        assert_eq!(filled.predict(&row.to_vec()), plain.predict(&row.to_vec()));
    }
    assert!(n_moved > 100, "gaps are seen: {n_moved}");
}
