//! What holds for every tree, whatever the data: rows are counted, the best split is found, and the
//! three ways to search for it agree with trying every cut.

use crate::support::{
    Rows, accuracy, best_gain, column, dataset, gain, impurity, leaves, recount, root_split,
};
use linfa::prelude::*;
use ndarray::Array1;
use proptest::prelude::*;
use spinney_forest::{
    Criterion, DecisionTree, DecisionTreeParams, ExtraTrees, MaxFeatures, Node, RandomForest,
};

/// Rows of integers below `values`, with labels below `classes`.
fn rows(
    n_rows: std::ops::Range<usize>,
    values: i32,
    classes: usize,
) -> impl Strategy<Value = Rows> {
    (n_rows, 1..5_usize).prop_flat_map(move |(n_rows, n_features)| {
        let row = prop::collection::vec((0..values).prop_map(f64::from), n_features);
        let rows = prop::collection::vec(row, n_rows);
        let labels = prop::collection::vec(0..classes, n_rows);
        (rows, labels).prop_map(|(rows, labels)| dataset(&rows, &labels))
    })
}

/// Any of the shapes that the search treats differently: few and many values, rows and classes.
fn any_rows() -> impl Strategy<Value = Rows> {
    prop_oneof![
        rows(1..12, 4, 3),
        rows(20..150, 3, 2),
        rows(20..150, 17, 5),
        rows(20..150, 1000, 4),
        rows(300..400, 400, 3),
    ]
}

fn any_params() -> impl Strategy<Value = DecisionTreeParams> {
    let limits = (0..4_usize, 1..6_usize, 2..9_usize, 0..3_usize, any::<u64>());
    limits.prop_map(|(depth, leaf_min, split_min, leaves, seed)| {
        let some = |limit: usize| (limit > 0).then_some(limit);
        DecisionTree::params()
            .max_depth(some(depth))
            .min_samples_leaf(leaf_min)
            .min_samples_split(split_min)
            .max_leaf_nodes(some(leaves * 2))
            .max_features([MaxFeatures::All, MaxFeatures::Sqrt][leaves % 2])
            .criterion([Criterion::Gini, Criterion::Entropy][depth % 2])
            .seed(seed)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_row_lands_in_a_leaf_that_counts_it(data in any_rows(), params in any_params()) {
        let tree = params.fit(&data).unwrap();
        let ones = vec![1.0; data.targets.len()];
        prop_assert_eq!(recount(&tree, &data, &ones), leaves(&tree));
        let total: f64 = leaves(&tree).concat().iter().sum();
        prop_assert_eq!(total, ones.len() as f64);
    }

    #[test]
    fn limits_are_kept(data in any_rows(), params in any_params()) {
        let checked = params.clone().check().unwrap();
        let tree = params.fit(&data).unwrap();
        prop_assert!(tree.depth() <= checked.max_depth().unwrap_or(usize::MAX));
        prop_assert!(tree.n_leaves() <= checked.max_leaf_nodes().unwrap_or(usize::MAX));
        if tree.n_leaves() > 1 {
            let least = checked.min_samples_leaf() as f64;
            prop_assert!(leaves(&tree).iter().all(|leaf| leaf.iter().sum::<f64>() >= least));
        }
    }

    #[test]
    fn weights_add_up_in_the_leaves(
        (data, weights) in any_rows().prop_flat_map(|data| {
            let n_rows = data.targets.len();
            (Just(data), prop::collection::vec(0.25_f32..4.0, n_rows))
        })
    ) {
        let weighted = data.clone().with_weights(Array1::from(weights.clone()));
        let tree = DecisionTree::params().fit(&weighted).unwrap();
        let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
        for (found, counted) in leaves(&tree).iter().zip(recount(&tree, &data, &weights)) {
            for (found, counted) in found.iter().zip(counted) {
                prop_assert!((found - counted).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_root_split_is_the_best_there_is(
        data in any_rows(), entropy: bool, leaf_min in 1..4_usize, by_weight: bool, seed: u64,
    ) {
        let weights: Vec<f32> = (0..data.targets.len())
            .map(|row| if by_weight { 0.5 + (row % 7) as f32 } else { 1.0 })
            .collect();
        let wide: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let weighted = data.clone().with_weights(Array1::from(weights));
        let criterion = if entropy { Criterion::Entropy } else { Criterion::Gini };
        let params = DecisionTree::params().max_depth(Some(1)).criterion(criterion);
        let tree = params.min_samples_leaf(leaf_min).seed(seed).fit(&weighted).unwrap();
        let best = best_gain(&data, &wide, entropy, leaf_min);
        match root_split(&tree) {
            Some((feature, threshold, improvement)) => {
                let made = gain(&data, &wide, (feature, threshold), entropy, leaf_min).unwrap();
                let best = best.unwrap();
                prop_assert!((made - best).abs() < 1e-9, "made {made}, best {best}");
                prop_assert!((improvement - best).abs() < 1e-9);
            }
            None => {
                let pure = data.targets.iter().all(|label| *label == data.targets[0]);
                prop_assert!(pure || best.is_none());
            }
        }
    }

    #[test]
    fn distinct_rows_are_learnt_by_heart(
        values in prop::collection::btree_set(-500..500_i32, 2..120),
        seed: u64,
    ) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let labels: Vec<usize> = (0..values.len()).map(|row| row * row % 5 % 3).collect();
        let data = column(&values, &labels);
        let tree = DecisionTree::params().seed(seed).fit(&data).unwrap();
        prop_assert_eq!(accuracy(&tree.predict(&data), &data.targets), 1.0);
        let forest = RandomForest::params().n_trees(3).bootstrap(false).seed(seed);
        let forest = forest.fit(&data).unwrap();
        prop_assert_eq!(accuracy(&forest.predict(&data), &data.targets), 1.0);
        let extra = ExtraTrees::params().n_trees(3).seed(seed).fit(&data).unwrap();
        prop_assert_eq!(accuracy(&extra.predict(&data), &data.targets), 1.0);
    }

    #[test]
    fn random_thresholds_separate(data in any_rows(), seed: u64) {
        let extra = ExtraTrees::params().n_trees(2).seed(seed).fit(&data).unwrap();
        let ones = vec![1.0; data.targets.len()];
        for tree in extra.trees() {
            let counted = recount(tree, &data, &ones);
            prop_assert!(counted.iter().all(|leaf| leaf.iter().sum::<f64>() > 0.0));
            prop_assert_eq!(counted, leaves(tree));
        }
    }

    #[test]
    fn pruning_finds_the_least_cost(data in any_rows(), alpha in 0.0..0.2_f64) {
        let params = DecisionTree::params();
        let full = params.clone().fit(&data).unwrap();
        let pruned = params.ccp_alpha(alpha).fit(&data).unwrap();
        prop_assert!(pruned.n_leaves() <= full.n_leaves());
        let ones = vec![1.0; data.targets.len()];
        prop_assert_eq!(recount(&pruned, &data, &ones), leaves(&pruned));
        let n_rows = ones.len() as f64;
        let cost = |leaf: &[f64]| impurity(leaf, false) * leaf.iter().sum::<f64>() / n_rows + alpha;
        let found: f64 = leaves(&pruned).iter().map(|leaf| cost(leaf)).sum();
        let (_, least) = least_cost(&full, 0, &cost);
        prop_assert!((found - least).abs() < 1e-9, "found {found}, least {least}");
    }
}

/// Class weights below a node, and the least cost of any pruning of it.
fn least_cost(tree: &DecisionTree, node: u32, cost: &dyn Fn(&[f64]) -> f64) -> (Vec<f64>, f64) {
    match tree.nodes()[node as usize] {
        Node::Leaf { leaf } => {
            let weights = tree.leaf_weights(leaf).to_vec();
            let cost = cost(&weights);
            (weights, cost)
        }
        Node::Split { left, right, .. } => {
            let (mut weights, left) = least_cost(tree, left, cost);
            let (more, right) = least_cost(tree, right, cost);
            for (weight, more) in weights.iter_mut().zip(more) {
                *weight += more;
            }
            let cost = cost(&weights).min(left + right);
            (weights, cost)
        }
    }
}
