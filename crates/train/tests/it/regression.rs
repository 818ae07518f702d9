//! Trees over numbers: the splits and leaves of scikit-learn's, and means of trees.

use serde_json::Value;
use spinney_dataset::{Columns, Dataset, LabelsAre, LabelsIn, Source, csv, split};
use spinney_model::{Additive, FloatModel, ForestKind, Node, Output, Test};
use spinney_train::{Criterion, ForestParams, MaxFeatures, TrainError, forest};

/// What `scripts/fixtures/regressors.py` made.
const GROWN: &str = include_str!("../regressors.json");

fn numbers(rows: &[u8], labels: &[&str]) -> Dataset {
    let source = Source::open(rows, LabelsIn::Columns(labels.to_vec()), true).unwrap();
    let source = source.with(LabelsAre::Numbers, Columns::new());
    source.read(&|_| true).unwrap()
}

fn air() -> Dataset {
    let rows = include_bytes!("../../../../data/air_regression.csv");
    numbers(rows, &["pm"])
}

fn params(kind: ForestKind, n_trees: usize) -> ForestParams {
    ForestParams {
        criterion: Criterion::SquaredError,
        max_features: MaxFeatures::All,
        ..ForestParams::new(kind, n_trees, 7)
    }
}

fn grown(rows: &Dataset, params: &ForestParams) -> Additive {
    match forest(rows, params, &|_, _| {}) {
        Ok(FloatModel::Additive(sum)) => sum,
        other => panic!("a regressor, not {other:?}"),
    }
}

/// As [`ForestParams`], with the parameters of a case that scikit-learn was given.
fn params_of(case: &Value) -> ForestParams {
    let mut params = params(ForestKind::DecisionTree, 1);
    for (name, value) in case.as_object().expect("parameters") {
        let count = || usize::try_from(value.as_u64().expect("a count")).expect("a small count");
        match name.as_str() {
            "max_depth" => params.max_depth = Some(count()),
            "min_samples_leaf" => params.min_samples_leaf = count(),
            "min_samples_split" => params.min_samples_split = count(),
            "max_leaf_nodes" => params.max_leaf_nodes = Some(count()),
            "min_impurity_decrease" => params.min_impurity_decrease = value.as_f64().unwrap(),
            "ccp_alpha" => params.ccp_alpha = value.as_f64().unwrap(),
            other => panic!("{other}"),
        }
    }
    params
}

#[test]
fn trees_are_those_of_scikit_learn() {
    let rows = air();
    let cases: Vec<Value> = serde_json::from_str(GROWN).expect("cases");
    assert!(cases.len() >= 8, "{}", cases.len());
    let mut n_splits = 0;
    for case in &cases {
        let model = grown(&rows, &params_of(&case["params"]));
        let nodes = model.trees()[0].nodes();
        let expected: Vec<Vec<f64>> = serde_json::from_value(case["nodes"].clone()).unwrap();
        assert_eq!(nodes.len(), expected.len(), "{}", case["params"]);
        for (at, (node, expected)) in nodes.iter().zip(&expected).enumerate() {
            let place = format!("{}, node {at}", case["params"]);
            match (node, &expected[..]) {
                (Node::Split(split), [its_feature, its_threshold]) => {
                    assert_eq!(f64::from(split.feature), *its_feature, "{place}");
                    assert_eq!(split.test, Test::AtMost(*its_threshold), "{place}");
                    n_splits += 1;
                }
                (Node::Leaf(values), [value]) => {
                    assert!(
                        (values[0] - value).abs() < 1e-9,
                        "{place}: {values:?}, {value}"
                    );
                }
                other => panic!("{place}: {other:?}"),
            }
        }
    }
    assert!(n_splits > 200, "{n_splits}");
}

/// R² of a model on rows.
fn r2(model: &Additive, rows: &Dataset) -> f64 {
    let truth = rows.numbers().expect("numbers").column(0).to_vec();
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let (mut apart, mut spread) = (0.0, 0.0);
    for (row, truth) in rows.values().rows().into_iter().zip(truth) {
        let value = model.raw(&row.to_vec())[0];
        apart += (truth - value).powi(2);
        spread += (truth - mean).powi(2);
    }
    1.0 - apart / spread
}

#[test]
fn forests_are_means_that_learn_more_than_a_tree() {
    let parts = split(&air(), 0.25, 42).unwrap();
    let tree = r2(
        &grown(&parts.train, &params(ForestKind::DecisionTree, 1)),
        &parts.test,
    );
    for (kind, name) in [
        (ForestKind::RandomForest, "random-forest-regressor"),
        (ForestKind::ExtraTrees, "extra-trees-regressor"),
    ] {
        let model = grown(&parts.train, &params(kind, 40));
        assert_eq!(model.kind().as_str(), name);
        assert_eq!(model, grown(&parts.train, &params(kind, 40)));
        let found = r2(&model, &parts.test);
        assert!(
            found > 0.9 && found > tree,
            "{name}: {found}, a tree: {tree}"
        );
        let row = parts.test.values().row(0).to_vec();
        let mean = model.leaves(&row).map(|leaf| leaf[0]).sum::<f64>() / 40.0;
        assert_eq!(
            FloatModel::Additive(model).output(&row),
            Output::Values(vec![mean])
        );
    }
}

#[test]
fn a_number_that_is_always_the_same_is_one_leaf() {
    let model = grown(
        &numbers(b"a,y\n1,0.1\n2,0.1\n3,0.1\n", &["y"]),
        &params(ForestKind::DecisionTree, 1),
    );
    assert_eq!(model.trees()[0].nodes(), [Node::Leaf(vec![0.1])]);
}

#[test]
fn what_is_not_for_numbers_is_refused() {
    let error = |rows: &Dataset, params: &ForestParams| match forest(rows, params, &|_, _| {}) {
        Err(error) => error,
        Ok(_) => panic!("trained"),
    };
    let rows = air();
    let gini = ForestParams {
        criterion: Criterion::Gini,
        ..params(ForestKind::RandomForest, 3)
    };
    let found = error(&rows, &gini).to_string();
    assert_eq!(
        found,
        "the trainer: criterion: found Gini, expected SquaredError for numbers"
    );
    let classes = csv::read(b"a,y\n1,x\n2,z\n", "y").unwrap();
    let found = error(&classes, &params(ForestKind::RandomForest, 3)).to_string();
    let expected =
        "the trainer: criterion: found SquaredError, expected Gini or Entropy for classes";
    assert_eq!(found, expected);
    let two = numbers(b"a,y,z\n1,2,3\n2,3,4\n", &["y", "z"]);
    let found = error(&two, &params(ForestKind::DecisionTree, 1));
    assert!(matches!(found, TrainError::Rows { .. }), "{found}");
    // Rows and columns are those of the file, not those that are left to train on.
    let tree = params(ForestKind::DecisionTree, 1);
    let large = numbers(b"a,y\n1,4\n2,3\n3,2e200\n", &["y"]).select(&[1, 2]);
    assert_eq!(
        error(&large, &tree).to_string(),
        "the training rows: found the label 2e200 in data row 2, expected numbers of at most 1e100 in size; \
         leave the row out, or take another unit"
    );
    let large = numbers(b"a,b,y\n1,1,4\n2,-1e39,3\n3,1,2\n", &["y"]).select(&[1, 2]);
    assert_eq!(
        error(&large, &tree).to_string(),
        "the training rows: found -1e39 in \"b\" in data row 1, expected readings that float32 holds"
    );
    let three = ForestParams {
        max_features: MaxFeatures::Count(3),
        ..tree
    };
    assert_eq!(
        error(&numbers(b"a,b,y\n1,1,4\n2,1,3\n", &["y"]), &three).to_string(),
        "the trainer: max_features: found 3, expected no more than there are features"
    );
}
