//! Parameters do what scikit-learn's of the same name do, and are refused where it refuses them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::support::{accuracy, clusters, column, leaves, root_split};
use linfa::prelude::*;
use ndarray::{Array1, array};
use spinney_forest::{
    Bagged, DecisionTree, DecisionTreeParams, ExtraTrees, ForestError, ForestParams,
    ForestValidParams, MaxFeatures, MaxSamples, RandomForest, Watch,
};

#[test]
fn impossible_parameters_are_refused_by_name() {
    let data = clusters(20, 3, 2, 1);
    let tree = DecisionTree::params;
    let forest = RandomForest::params;
    let refused = [
        tree().max_depth(Some(0)).fit(&data).unwrap_err(),
        tree().min_samples_split(1).fit(&data).unwrap_err(),
        tree().min_samples_leaf(0).fit(&data).unwrap_err(),
        tree().max_leaf_nodes(Some(1)).fit(&data).unwrap_err(),
        tree()
            .max_features(MaxFeatures::Count(4))
            .fit(&data)
            .unwrap_err(),
        tree()
            .max_features(MaxFeatures::Fraction(1.5))
            .fit(&data)
            .unwrap_err(),
        tree()
            .min_impurity_decrease(f64::NAN)
            .fit(&data)
            .unwrap_err(),
        tree().ccp_alpha(-1.0).fit(&data).unwrap_err(),
        forest().n_trees(0).fit(&data).unwrap_err(),
        forest()
            .max_samples(MaxSamples::Fraction(0.0))
            .fit(&data)
            .unwrap_err(),
        forest()
            .max_samples(MaxSamples::Count(0))
            .fit(&data)
            .unwrap_err(),
        forest()
            .bootstrap(false)
            .max_samples(MaxSamples::Count(5))
            .fit(&data)
            .unwrap_err(),
        forest()
            .bootstrap(false)
            .oob_score(true)
            .fit(&data)
            .unwrap_err(),
    ];
    let found: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let expected = [
        "max_depth: found 0, expected at least 1, or None",
        "min_samples_split: found 1, expected at least 2",
        "min_samples_leaf: found 0, expected at least 1",
        "max_leaf_nodes: found 1, expected at least 2, or None",
        "max_features: found 4, expected no more than there are features",
        "max_features: found 1.5, expected a share above 0, at most 1",
        "min_impurity_decrease: found NaN, expected a finite number of at least 0",
        "ccp_alpha: found -1, expected a finite number of at least 0",
        "n_trees: found 0, expected at least 1",
        "max_samples: found 0, expected a finite share above 0",
        "max_samples: found 0, expected a count from 1 to 4294967295",
        "max_samples: found Count(5), expected MaxSamples::All where bootstrap is off",
        "oob_score: found true, expected false where bootstrap is off",
    ];
    assert_eq!(found, expected);
}

#[test]
fn defaults_are_scikit_learns() {
    let forest = RandomForest::params().check_unwrap();
    assert_eq!((forest.n_trees(), forest.bootstrap()), (100, true));
    assert_eq!(forest.max_features(), MaxFeatures::Sqrt);
    assert!(!ExtraTrees::params().check_unwrap().bootstrap());
    assert_eq!(
        DecisionTree::params().check_unwrap().max_features(),
        MaxFeatures::All
    );
}

#[test]
fn best_first_growth_makes_the_most_worthwhile_splits() {
    // Left of 10 a split is worth four rows, right of it one.
    let values = [
        0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 20.0, 21.0, 22.0, 23.0,
    ];
    let labels = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 0];
    let data = column(&values, &labels);
    let tree = DecisionTree::params()
        .max_leaf_nodes(Some(3))
        .fit(&data)
        .unwrap();
    assert_eq!(
        leaves(&tree),
        [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [1.0, 0.0, 3.0]]
    );
    let all = DecisionTree::params()
        .max_leaf_nodes(Some(50))
        .fit(&data)
        .unwrap();
    assert_eq!(all, DecisionTree::params().fit(&data).unwrap());
}

#[test]
fn min_impurity_decrease_counts_the_share_of_the_rows() {
    // The root's split lowers the impurity from 1/2 to 0.
    let data = column(&[1.0, 2.0], &[0, 1]);
    let leaves = |least| {
        let params = DecisionTree::params().min_impurity_decrease(least);
        params.fit(&data).unwrap().n_leaves()
    };
    assert_eq!((leaves(0.5), leaves(0.500_001)), (2, 1));
}

#[test]
fn limits_beyond_the_data_are_harmless() {
    let data = clusters(30, 3, 2, 2);
    let most = usize::MAX;
    let tree = DecisionTree::params()
        .min_samples_leaf(most)
        .fit(&data)
        .unwrap();
    assert_eq!(tree.n_leaves(), 1);
    let tree = DecisionTree::params()
        .min_samples_split(most)
        .fit(&data)
        .unwrap();
    assert_eq!(tree.n_leaves(), 1);
    let params = DecisionTree::params()
        .max_depth(Some(most))
        .max_leaf_nodes(Some(most));
    assert_eq!(
        params.fit(&data).unwrap(),
        DecisionTree::params().fit(&data).unwrap()
    );
}

#[test]
fn pruning_cuts_the_weakest_link_first() {
    let values = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0];
    let labels = [0, 0, 0, 1, 2, 2, 2, 2];
    let data = column(&values, &labels);
    let n_leaves = |alpha| {
        let params = DecisionTree::params().ccp_alpha(alpha);
        params.fit(&data).unwrap().n_leaves()
    };
    // Costs: root 1 - (9 + 1 + 16) / 64 = 19/32; its left child 3/8 of half the rows = 3/16.
    assert_eq!((n_leaves(0.0), n_leaves(0.1874)), (3, 3));
    assert_eq!((n_leaves(0.1875), n_leaves(0.4062)), (2, 2));
    assert_eq!(n_leaves(0.40625), 1);
}

/// Rows of noise in which one feature alone tells two classes apart.
fn noise_but_one(n_rows: usize, n_features: usize, telling: usize) -> crate::support::Rows {
    let mut data = clusters(n_rows, n_features, 1, 4);
    data.targets = Array1::from_iter((0..n_rows).map(|row| row % 2));
    let labels = data.targets.mapv(|label| label as f64);
    data.records.column_mut(telling).assign(&labels);
    data
}

#[test]
fn feature_counts_follow_max_features() {
    // Only feature 0 tells the classes apart; with one feature drawn, others must be used as well.
    let data = noise_but_one(200, 16, 0);
    let roots = |max_features| {
        let params = RandomForest::params()
            .n_trees(200)
            .max_features(max_features);
        let forest = params.fit(&data).unwrap();
        let split = forest.trees().iter().filter_map(root_split);
        split.filter(|(feature, ..)| *feature == 0).count()
    };
    assert_eq!(roots(MaxFeatures::All), 200);
    let expected = [
        (MaxFeatures::Sqrt, 50),
        (MaxFeatures::Log2, 50),
        (MaxFeatures::Fraction(0.5), 100),
        (MaxFeatures::Count(12), 150),
    ];
    for (max_features, expected) in expected {
        let found = roots(max_features);
        assert!(found.abs_diff(expected) < 30, "{max_features:?}: {found}");
    }
}

#[test]
fn bootstraps_draw_as_many_rows_as_asked() {
    let data = clusters(100, 3, 2, 5);
    let drawn = |max_samples| -> f64 {
        let params = RandomForest::params().n_trees(1).max_samples(max_samples);
        leaves(&params.fit(&data).unwrap().trees()[0])
            .concat()
            .iter()
            .sum()
    };
    assert_eq!(drawn(MaxSamples::All), 100.0);
    assert_eq!(drawn(MaxSamples::Fraction(0.25)), 25.0);
    assert_eq!(drawn(MaxSamples::Count(250)), 250.0);
    assert_eq!(drawn(MaxSamples::Fraction(0.001)), 1.0);
}

#[test]
fn weighted_bootstraps_draw_by_weight() {
    let data = column(&[1.0, 2.0, 3.0], &[0, 1, 2]).with_weights(array![1.0, 0.0, 3.0]);
    let params = RandomForest::params()
        .n_trees(1)
        .max_samples(MaxSamples::Count(4000));
    let forest = params.fit(&data).unwrap();
    let tree = &forest.trees()[0];
    let totals = leaves(tree).concat();
    assert_eq!(totals.iter().sum::<f64>(), 4000.0);
    assert!((totals[0] - 1000.0).abs() < 120.0, "{totals:?}");
    assert_eq!(leaves(tree).iter().map(|leaf| leaf[1]).sum::<f64>(), 0.0);
}

#[test]
fn out_of_bag_accuracy_resembles_that_on_fresh_rows() {
    let data = clusters(600, 4, 3, 6);
    let fresh = clusters(600, 4, 3, 7);
    let params = RandomForest::params()
        .n_trees(60)
        .max_depth(Some(3))
        .oob_score(true);
    let forest = params.fit(&data).unwrap();
    let found = forest.oob_accuracy().unwrap();
    let expected = accuracy(&forest.predict(&fresh), &fresh.targets);
    assert!(
        (found - expected).abs() < 0.05,
        "{found} against {expected}"
    );
    // Chance labels: rows learnt by heart would show.
    let mut noise = data.clone();
    noise.targets = Array1::from_iter((0..600).map(|row| (row * row / 7) % 2));
    let forest = RandomForest::params().oob_score(true).fit(&noise).unwrap();
    assert!(forest.oob_accuracy().unwrap() < 0.7);
    assert_eq!(
        RandomForest::params()
            .n_trees(2)
            .fit(&data)
            .unwrap()
            .oob_accuracy(),
        None
    );
}

#[test]
fn importances_name_the_feature_that_matters() {
    let data = noise_but_one(300, 5, 3);
    let importances = DecisionTree::params()
        .fit(&data)
        .unwrap()
        .feature_importances();
    assert_eq!(importances, [0.0, 0.0, 0.0, 1.0, 0.0]);
    let importances = RandomForest::params()
        .fit(&data)
        .unwrap()
        .feature_importances();
    assert!(importances.iter().all(|share| *share <= importances[3]));
    assert!((importances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn a_watch_hears_of_every_tree() {
    let data = clusters(50, 3, 2, 9);
    let heard = Mutex::new(Vec::new());
    let tell = |done, total| heard.lock().unwrap().push((done, total));
    let params = RandomForest::params().n_trees(8).check_unwrap();
    let watched = params
        .fit_watched(&data, &Watch::new().on_tree(&tell))
        .unwrap();
    let mut heard = heard.into_inner().unwrap();
    heard.sort_unstable();
    assert_eq!(heard, (1..=8).map(|done| (done, 8)).collect::<Vec<_>>());
    assert_eq!(watched, params.fit(&data).unwrap());
}

#[test]
fn a_watch_stops_the_fit() {
    let data = clusters(50, 3, 2, 9);
    let stop = AtomicBool::new(false);
    let n_heard = AtomicUsize::new(0);
    let tell = |_, _| {
        n_heard.fetch_add(1, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
    };
    let watch = Watch::new().on_tree(&tell).cancel(&stop);
    let params = RandomForest::params().n_trees(5000).check_unwrap();
    let found = params.fit_watched(&data, &watch);
    assert!(matches!(found, Err(ForestError::Cancelled)));
    assert!(n_heard.load(Ordering::Relaxed) < 100);
    let found = DecisionTree::params()
        .check_unwrap()
        .fit_watched(&data, &watch);
    assert!(matches!(found, Err(ForestError::Cancelled)));
}

#[test]
fn models_survive_json() {
    let data = clusters(80, 4, 3, 10);
    let forest = RandomForest::params()
        .n_trees(4)
        .oob_score(true)
        .fit(&data)
        .unwrap();
    let json = serde_json::to_string(&forest).unwrap();
    assert_eq!(serde_json::from_str::<RandomForest>(&json).unwrap(), forest);
    let tree = DecisionTree::params().fit(&data).unwrap();
    let json = serde_json::to_string(&tree).unwrap();
    assert_eq!(serde_json::from_str::<DecisionTree>(&json).unwrap(), tree);
}

#[test]
fn parameters_survive_json_and_stay_checked() {
    let params = RandomForest::params()
        .max_features(MaxFeatures::Fraction(0.5))
        .max_depth(Some(3));
    let json = serde_json::to_string(&params).unwrap();
    let read: ForestParams<Bagged> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, params);
    let checked: ForestValidParams<Bagged> = serde_json::from_str(&json).unwrap();
    assert_eq!(checked, params.check().unwrap());
    let broken = json.replace("\"max_depth\":3", "\"max_depth\":0");
    assert!(serde_json::from_str::<ForestParams<Bagged>>(&broken).is_ok());
    let error = serde_json::from_str::<ForestValidParams<Bagged>>(&broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_depth: found 0, expected at least 1, or None"
    );
    let params = DecisionTree::params().seed(5);
    let json = serde_json::to_string(&params.clone().check().unwrap()).unwrap();
    assert_eq!(
        serde_json::from_str::<DecisionTreeParams>(&json).unwrap(),
        params
    );
    assert!(serde_json::from_str::<DecisionTreeParams>(&json.replace("seed", "sed")).is_err());
}

#[test]
fn broken_models_are_refused() {
    let good = r#"{"n_features":1,"n_classes":2,"nodes":[
        {"split":{"feature":0,"threshold":1.5,"left":1,"right":2,"improvement":0.5}},
        {"leaf":{"leaf":0}},{"leaf":{"leaf":1}}],"leaf_weights":[1.0,0.0,0.0,1.0]}"#;
    assert!(serde_json::from_str::<DecisionTree>(good).is_ok());
    let check = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from));
        let json = good.replacen(from, to, 1);
        let error = serde_json::from_str::<DecisionTree>(&json).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let feature = "nodes[0].feature: found 1, expected less than the 1 features";
    check(r#""feature":0"#, r#""feature":1"#, feature);
    check(
        r#""left":1"#,
        r#""left":0"#,
        "nodes[0].left: found 0, expected 1, the next node",
    );
    let right =
        "nodes[2]: found the end of a left subtree, expected the right child that starts at 1";
    check(r#""right":2"#, r#""right":1"#, right);
    let leaf = "nodes[2].leaf: found 0, expected 1, counted from the left";
    check(r#"{"leaf":1}"#, r#"{"leaf":0}"#, leaf);
    check(
        r#",{"leaf":{"leaf":1}}"#,
        "",
        "nodes: found the end, expected a node at index 2",
    );
    check(
        "[1.0,0.0,0.0,1.0]",
        "[1.0,0.0]",
        "leaf_weights: found 2 numbers, expected one for each of 2 leaves and 2 classes",
    );
    check(
        "[1.0,0.0,",
        "[0.0,0.0,",
        "leaf_weights[0]: found [0.0, 0.0], expected finite numbers of at least 0, not all 0",
    );
    let forest = format!(r#"{{"trees":[{good},{good}],"oob_accuracy":null}}"#);
    assert!(serde_json::from_str::<RandomForest>(&forest).is_ok());
    let none = r#"{"trees":[],"oob_accuracy":null}"#;
    let error = serde_json::from_str::<ExtraTrees>(none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trees: found none, expected at least one"
    );
}
