//! What holds for every tree over numbers: leaves are means of their rows, and the best split is found.

use linfa::prelude::*;
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use spinney_forest::{
    Criterion, DecisionTree, ExtraTrees, MaxFeatures, Node, RandomForest, RegressionTree,
    Regressor, Watch,
};

type Numbers = linfa::Dataset<f64, f64, ndarray::Ix1>;

/// Rows of few and of many values, weighed or not, with whole numbers for targets.
fn any_rows() -> impl Strategy<Value = Numbers> {
    let shapes = prop_oneof![
        Just((2, 3)),
        Just((40, 4)),
        Just((60, 1000)),
        Just((250, 300))
    ];
    (shapes, 1..4_usize, any::<bool>(), any::<u64>()).prop_map(
        |((n_rows, n_values), n_features, is_weighed, seed)| {
            let mut number = crate::support::numbers(seed, n_values);
            let cells = (0..n_rows * n_features).map(|_| number() as f64).collect();
            let records = Array2::from_shape_vec((n_rows, n_features), cells).unwrap();
            let mut number = crate::support::numbers(seed ^ 1, 50);
            let targets: Array1<f64> = (0..n_rows).map(|_| number() as f64 - 20.0).collect();
            let weights = (0..n_rows).map(|_| {
                if is_weighed {
                    (number() % 4 + 1) as f32
                } else {
                    1.0
                }
            });
            linfa::Dataset::new(records, targets).with_weights(weights.collect())
        },
    )
}

/// The rows that end in each leaf.
fn members(tree: &RegressionTree, data: &Numbers) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); tree.values().len()];
    for (index, row) in data.records.rows().into_iter().enumerate() {
        let mut at = 0;
        let leaf = loop {
            match tree.nodes()[at] {
                Node::Leaf { leaf } => break leaf,
                Node::Split {
                    feature,
                    threshold,
                    left,
                    right,
                    ..
                } => {
                    at = if row[feature as usize] <= threshold {
                        left
                    } else {
                        right
                    } as usize;
                }
            }
        };
        members[leaf as usize].push(index);
    }
    members
}

fn weight_of(rows: &[usize], data: &Numbers) -> f64 {
    rows.iter().map(|row| f64::from(data.weights[*row])).sum()
}

/// Weighted mean, and weighted sum of squared distances from it.
fn spread(rows: &[usize], data: &Numbers) -> (f64, f64) {
    let weighed = |of: &dyn Fn(f64) -> f64| -> f64 {
        rows.iter()
            .map(|row| f64::from(data.weights[*row]) * of(data.targets[*row]))
            .sum()
    };
    let mean = weighed(&|it| it) / weight_of(rows, data);
    (mean, weighed(&|it| (it - mean).powi(2)))
}

/// The least sum of squares that any one cut of all rows leaves.
fn best_cut(data: &Numbers) -> f64 {
    let all: Vec<usize> = (0..data.targets.len()).collect();
    let mut best = spread(&all, data).1;
    for column in data.records.columns() {
        for cut in column {
            let (left, right): (Vec<usize>, Vec<usize>) =
                all.iter().partition(|row| column[**row] <= *cut);
            if !right.is_empty() {
                best = best.min(spread(&left, data).1 + spread(&right, data).1);
            }
        }
    }
    best
}

fn tree(data: &Numbers, depth: Option<usize>, leaf_min: usize) -> Regressor {
    let params = DecisionTree::params().criterion(Criterion::SquaredError);
    let valid = params
        .max_depth(depth)
        .min_samples_leaf(leaf_min)
        .check()
        .unwrap();
    valid.fit_numbers(data, &Watch::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn leaves_are_means_of_their_rows(data in any_rows(), leaf_min in 1..5_usize) {
        let grown = tree(&data, None, leaf_min);
        let tree = &grown.trees()[0];
        for (rows, value) in members(tree, &data).iter().zip(tree.values()) {
            prop_assert!(rows.len() >= leaf_min || tree.nodes().len() == 1);
            let (mean, squares) = spread(rows, &data);
            prop_assert!((mean - value).abs() < 1e-9, "{mean}, {value}");
            // What can be told apart and may be is told apart.
            let first = data.records.row(rows[0]);
            let is_alike = rows.iter().all(|row| data.records.row(*row) == first);
            prop_assert!(leaf_min > 1 || squares < 1e-9 || is_alike);
        }
        prop_assert_eq!(grown.predict(&data).len(), data.targets.len());
    }

    #[test]
    fn the_first_split_is_the_best(data in any_rows()) {
        let stump = tree(&data, Some(1), 1);
        let rows = members(&stump.trees()[0], &data);
        let left: f64 = rows.iter().map(|rows| spread(rows, &data).1).sum();
        let best = best_cut(&data);
        prop_assert!((left - best).abs() <= 1e-9 * best.max(1.0), "{left}, {best}");
    }

    #[test]
    fn numbers_may_be_moved_and_scaled(data in any_rows(), power in -40..40_i32) {
        let scale = 2_f64.powi(power);
        let moved = data.targets.mapv(|it| (it + 1000.0) * scale);
        let moved = linfa::Dataset::new(data.records.clone(), moved).with_weights(data.weights.clone());
        let (one, other) = (tree(&data, None, 1), tree(&moved, None, 1));
        let cuts = |it: &Regressor| -> Vec<Option<(u32, f64)>> {
            let cut = |node: &Node| match *node {
                Node::Split { feature, threshold, .. } => Some((feature, threshold)),
                Node::Leaf { .. } => None,
            };
            it.trees()[0].nodes().iter().map(cut).collect()
        };
        prop_assert_eq!(cuts(&one), cuts(&other));
    }
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let mut number = crate::support::numbers(3, 1000);
    let records = Array2::from_shape_fn((200, 5), |_| number() as f64);
    let targets = records
        .rows()
        .into_iter()
        .map(|row| row[0] + row[1] * 0.5)
        .collect();
    let data: Numbers = linfa::Dataset::new(records, targets);
    let grow = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let bagged = RandomForest::params().criterion(Criterion::SquaredError);
            let bagged = bagged.n_trees(12).max_features(MaxFeatures::All).seed(seed);
            let extra = ExtraTrees::params().criterion(Criterion::SquaredError);
            let extra = extra.n_trees(12).seed(seed);
            let watch = Watch::new();
            let bagged = bagged.check().unwrap().fit_numbers(&data, &watch).unwrap();
            (
                bagged,
                extra.check().unwrap().fit_numbers(&data, &watch).unwrap(),
            )
        })
    };
    assert_eq!(grow(1, 5), grow(4, 5));
    assert_ne!(grow(1, 5), grow(1, 6));
}

/// A number far from all others takes a leaf of its own, and the others are told apart as without it.
#[test]
fn one_number_far_away_stops_no_other_split() {
    let records = Array2::from_shape_fn((41, 1), |(row, _)| row as f64);
    let near = |row: usize| f64::from(u8::try_from(row % 40 / 5).unwrap());
    for far in [1e3, 1e9, 1e14] {
        let targets = Array1::from_shape_fn(41, |row| if row == 40 { far } else { near(row) });
        let data = linfa::Dataset::new(records.clone(), targets);
        let tree = tree(&data, None, 1);
        assert_eq!(tree.predict(&data), data.targets, "{far}");
    }
}
