//! The data that users meet: constant columns, contradictions, few rows, many classes, close values.

use crate::support::{accuracy, clusters, column, dataset, leaves, root_split};
use linfa::prelude::*;
use ndarray::{Array1, Array2, array};
use spinney_forest::{ClassWeight, DecisionTree, ExtraTrees, ForestError, Node, RandomForest};

fn params() -> spinney_forest::ForestParams<spinney_forest::Bagged> {
    RandomForest::params().n_trees(15).seed(1)
}

#[test]
fn constant_features_are_never_split() {
    let mut data = clusters(60, 5, 3, 1);
    for feature in [0, 2, 4] {
        data.records.column_mut(feature).fill(7.5);
    }
    let forest = params().fit(&data).unwrap();
    let extra = ExtraTrees::params().n_trees(15).fit(&data).unwrap();
    for importances in [forest.feature_importances(), extra.feature_importances()] {
        for feature in [0, 2, 4] {
            assert_eq!(importances[feature], 0.0);
        }
        assert!((importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    assert_eq!(accuracy(&forest.predict(&data), &data.targets), 1.0);
}

#[test]
fn only_constant_features_give_one_leaf() {
    let data = dataset(&vec![vec![1.0, 2.0]; 5], &[0, 1, 1, 2, 1]);
    let tree = DecisionTree::params().fit(&data).unwrap();
    assert_eq!(leaves(&tree), [[1.0, 3.0, 1.0]]);
    assert_eq!(tree.predict(&data), array![1, 1, 1, 1, 1]);
    assert_eq!(tree.feature_importances(), [0.0, 0.0]);
    let extra = ExtraTrees::params().n_trees(3).fit(&data).unwrap();
    assert_eq!(extra.feature_importances(), [0.0, 0.0]);
}

#[test]
fn duplicate_rows_with_different_labels_share_a_leaf() {
    let data = column(&[1.0, 1.0, 1.0, 2.0], &[0, 0, 1, 1]);
    let tree = DecisionTree::params().fit(&data).unwrap();
    assert_eq!(leaves(&tree), [[2.0, 1.0], [0.0, 1.0]]);
    let chances = tree.predict_proba(data.records()).unwrap();
    assert_eq!(chances.row(0), array![2.0 / 3.0, 1.0 / 3.0]);
    assert_eq!(tree.predict(&data), array![0, 0, 0, 1]);
    // A tie goes to the lowest class.
    let tied = column(&[1.0, 1.0], &[1, 0]);
    let tree = DecisionTree::params().fit(&tied).unwrap();
    assert_eq!(tree.predict(&tied), array![0, 0]);
}

#[test]
fn one_row_per_class() {
    let data = column(&[3.0, 1.0, 2.0, 5.0], &[0, 1, 2, 3]);
    let tree = DecisionTree::params().fit(&data).unwrap();
    assert_eq!(tree.predict(&data), data.targets);
    assert_eq!(tree.n_leaves(), 4);
    assert_eq!(params().fit(&data).unwrap().n_classes(), 4);
    let extra = ExtraTrees::params().n_trees(9).fit(&data).unwrap();
    assert_eq!(extra.predict(&data), data.targets);
}

#[test]
fn one_row_and_one_class() {
    let data = column(&[3.0], &[0]);
    for nodes in [
        DecisionTree::params().fit(&data).unwrap().nodes().len(),
        params().fit(&data).unwrap().trees()[0].nodes().len(),
        ExtraTrees::params().fit(&data).unwrap().trees()[0]
            .nodes()
            .len(),
    ] {
        assert_eq!(nodes, 1);
    }
    let only_two = column(&[3.0, 4.0], &[2, 2]);
    let tree = DecisionTree::params().fit(&only_two).unwrap();
    assert_eq!((tree.n_classes(), tree.n_leaves()), (3, 1));
    assert_eq!(tree.predict(&only_two), array![2, 2]);
}

#[test]
fn more_features_than_rows() {
    let data = clusters(12, 500, 3, 2);
    let tree = DecisionTree::params().fit(&data).unwrap();
    assert_eq!(accuracy(&tree.predict(&data), &data.targets), 1.0);
    let forest = params().n_trees(60).fit(&data).unwrap();
    assert_eq!(accuracy(&forest.predict(&data), &data.targets), 1.0);
    let extra = ExtraTrees::params().n_trees(15).fit(&data).unwrap();
    assert_eq!(accuracy(&extra.predict(&data), &data.targets), 1.0);
}

#[test]
fn heavy_imbalance_is_balanced_on_demand() {
    // Ten of a thousand rows are rare, and each has nine common rows at its place.
    let values: Vec<f64> = (0..1000).map(|row| f64::from(row / 10)).collect();
    let labels: Vec<usize> = (0..1000)
        .map(|row| usize::from(row % 10 == 0 && row >= 900))
        .collect();
    let data = column(&values, &labels);
    let rare = |classes: Array1<usize>| classes.iter().filter(|class| **class == 1).count();
    let shallow = DecisionTree::params().max_depth(Some(1));
    assert_eq!(rare(shallow.clone().fit(&data).unwrap().predict(&data)), 0);
    let balanced = shallow
        .class_weight(ClassWeight::Balanced)
        .fit(&data)
        .unwrap();
    assert_eq!(rare(balanced.predict(&data)), 100);
    let total: f64 = leaves(&balanced).concat().iter().sum();
    assert!(
        (total - 1000.0).abs() < 1e-9,
        "balancing keeps the total: {total}"
    );
    let forest = params()
        .max_depth(Some(1))
        .class_weight(ClassWeight::Balanced);
    assert_eq!(rare(forest.fit(&data).unwrap().predict(&data)), 100);
    let extra = ExtraTrees::params().class_weight(ClassWeight::Balanced);
    assert!(rare(extra.fit(&data).unwrap().predict(&data)) >= 100);
}

#[test]
fn values_one_ulp_apart_are_separated() {
    for low in [
        1.0_f32,
        -1.0,
        0.0,
        1e-45,
        -1e-45,
        0.1,
        3e38,
        16_777_216.0,
        1e-20,
    ] {
        let high = low.next_up();
        let data = column(
            &[low.into(), high.into(), low.into(), high.into()],
            &[0, 1, 0, 1],
        );
        let tree = DecisionTree::params().fit(&data).unwrap();
        let (_, threshold, _) = root_split(&tree).expect("the values differ");
        assert!(f64::from(low) <= threshold && threshold < f64::from(high));
        assert_eq!(tree.predict(&data), data.targets, "{low}");
        let extra = ExtraTrees::params().n_trees(50).fit(&data).unwrap();
        assert_eq!(extra.predict(&data), data.targets, "{low}");
        assert!(extra.trees().iter().all(|tree| tree.n_leaves() == 2));
        let rows: Array2<f32> = array![[low], [high], [low], [high]];
        let narrow = Dataset::new(rows, data.targets.clone());
        assert_eq!(DecisionTree::params().fit(&narrow).unwrap(), tree);
    }
}

#[test]
fn values_that_float32_cannot_tell_apart_are_equal() {
    let data = column(&[1.0, 1.0 + 1e-9, 1.0, 1.0 - 1e-9], &[0, 1, 0, 1]);
    assert_eq!(DecisionTree::params().fit(&data).unwrap().n_leaves(), 1);
    let zeros = column(&[0.0, -0.0, 0.0, -0.0], &[0, 1, 0, 1]);
    assert_eq!(DecisionTree::params().fit(&zeros).unwrap().n_leaves(), 1);
}

#[test]
fn many_classes() {
    for n_classes in [255, 300] {
        let data = clusters(4 * n_classes, 6, n_classes, 3);
        let tree = DecisionTree::params().fit(&data).unwrap();
        assert_eq!(tree.n_classes(), n_classes);
        assert_eq!(accuracy(&tree.predict(&data), &data.targets), 1.0);
        let forest = params().fit(&data).unwrap();
        assert!(accuracy(&forest.predict(&data), &data.targets) > 0.9);
        let extra = ExtraTrees::params().n_trees(9).fit(&data).unwrap();
        assert_eq!(accuracy(&extra.predict(&data), &data.targets), 1.0);
    }
}

#[test]
fn a_class_without_rows_is_never_found() {
    let data = column(&[1.0, 2.0, 3.0], &[0, 3, 3]);
    let tree = DecisionTree::params()
        .class_weight(ClassWeight::Balanced)
        .fit(&data)
        .unwrap();
    assert_eq!(tree.n_classes(), 4);
    assert_eq!(leaves(&tree), [[1.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.5]]);
    assert_eq!(tree.predict(&data), data.targets);
}

#[test]
fn an_exclusive_or_is_learnt_although_no_first_split_gains() {
    let corners = [
        vec![0.0, 0.0],
        vec![0.0, 1.0],
        vec![1.0, 0.0],
        vec![1.0, 1.0],
    ];
    let data = dataset(&corners, &[0, 1, 1, 0]);
    let tree = DecisionTree::params().fit(&data).unwrap();
    assert_eq!(tree.predict(&data), data.targets);
    assert_eq!(tree.depth(), 2);
}

#[test]
fn extreme_values_have_finite_thresholds() {
    let data = column(&[f64::from(f32::MIN), f64::from(f32::MAX)], &[0, 1]);
    let extra = ExtraTrees::params().n_trees(20).fit(&data).unwrap();
    for tree in extra.trees() {
        assert!(matches!(tree.nodes()[0], Node::Split { threshold, .. } if threshold.is_finite()));
    }
    assert_eq!(
        DecisionTree::params().fit(&data).unwrap().predict(&data),
        data.targets
    );
}

#[test]
fn rows_of_weight_zero_count_nowhere() {
    let data = column(&[1.0, 2.0, 3.0, 4.0], &[0, 1, 0, 1]);
    let weighted = data.clone().with_weights(array![1.0, 0.0, 1.0, 2.5]);
    let tree = DecisionTree::params().fit(&weighted).unwrap();
    assert_eq!(leaves(&tree), [[2.0, 0.0], [0.0, 2.5]]);
    // A weight that vanishes beside the others is no reason for a strange split.
    let tiny = data.with_weights(array![1e30, 1e-30, 1e30, 1e-30]);
    let tree = DecisionTree::params().fit(&tiny).unwrap();
    assert!(
        leaves(&tree)
            .concat()
            .iter()
            .all(|weight| weight.is_finite())
    );
}

#[test]
fn impossible_data_is_an_error() {
    let check = |data: &crate::support::Rows, expected: &str| {
        let errors = [
            DecisionTree::params().fit(data).unwrap_err(),
            params().fit(data).unwrap_err(),
            ExtraTrees::params().fit(data).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), expected);
        }
    };
    let none = Dataset::new(Array2::zeros((0, 3)), Array1::zeros(0));
    check(
        &none,
        "the records have 0 rows and 3 columns, expected 1 to 2147483648 of each",
    );
    let narrow = Dataset::new(Array2::zeros((3, 0)), Array1::zeros(3));
    check(
        &narrow,
        "the records have 3 rows and 0 columns, expected 1 to 2147483648 of each",
    );
    let short = Dataset::new(Array2::zeros((3, 1)), Array1::zeros(2));
    check(
        &short,
        "found 2 labels, expected one for each of the 3 rows",
    );
    let finite = "expected a number that is finite in float32";
    let rows = [
        vec![0.0, 1.0],
        vec![f64::INFINITY, f64::NAN],
        vec![f64::NAN, 0.0],
    ];
    check(
        &dataset(&rows, &[0, 1, 0]),
        &format!("row 1, column 0: found inf, {finite}"),
    );
    check(
        &column(&[0.0, f64::NAN], &[0, 1]),
        &format!("row 1, column 0: found NaN, {finite}"),
    );
    let wide = format!("row 0, column 0: found 1{}, {finite}", "0".repeat(39));
    check(&column(&[1e39, 0.0], &[0, 1]), &wide);
    let label = "row 1: found label 65536, expected a class index of at most 65535";
    check(&column(&[1.0, 2.0], &[0, 65_536]), label);
    let weighed = |weights| column(&[1.0, 2.0], &[0, 1]).with_weights(weights);
    let weight = "expected a finite number of at least 0";
    check(
        &weighed(array![1.0, -1.0]),
        &format!("row 1: found weight -1, {weight}"),
    );
    check(
        &weighed(array![f32::NAN, 1.0]),
        &format!("row 0: found weight NaN, {weight}"),
    );
    check(
        &weighed(array![0.0, 0.0]),
        "found no row with a weight above 0, expected at least one",
    );
    check(
        &weighed(array![1.0]),
        "found 1 weights, expected one for each of the 2 rows",
    );
}

#[test]
fn rows_of_another_width_are_an_error() {
    let data = column(&[1.0, 2.0], &[0, 1]);
    let error = params()
        .fit(&data)
        .unwrap()
        .predict_proba(&array![[1.0, 2.0]]);
    assert!(matches!(
        error,
        Err(ForestError::Columns {
            found: 2,
            expected: 1
        })
    ));
    let tree = DecisionTree::params().fit(&data).unwrap();
    let error = tree.predict_proba(&array![[1.0, 2.0]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the rows have 2 columns, expected the 1 that the model was trained on"
    );
}
