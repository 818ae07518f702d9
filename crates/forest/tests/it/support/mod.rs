//! Datasets for the tests, and a slow but plain account of what a tree does.
#![allow(dead_code)]

use linfa::Dataset;
use ndarray::{Array1, Array2, Ix1};
use spinney_forest::{DecisionTree, Node};

pub type Rows = Dataset<f64, usize, Ix1>;

/// A dataset from rows and labels.
pub fn dataset(rows: &[Vec<f64>], labels: &[usize]) -> Rows {
    let n_features = rows[0].len();
    let flat: Vec<f64> = rows.concat();
    let records = Array2::from_shape_vec((rows.len(), n_features), flat).unwrap();
    Dataset::new(records, Array1::from(labels.to_vec()))
}

/// A dataset with one feature.
pub fn column(values: &[f64], labels: &[usize]) -> Rows {
    let rows: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    dataset(&rows, labels)
}

/// Numbers in `0..bound` from a small generator, the same on every run.
pub fn numbers(seed: u64, bound: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x5851_F42D_4C95_7F2D) + 1;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % bound
    }
}

/// Clusters with overlap: `n_rows` rows of `n_features` values for `n_classes` classes.
pub fn clusters(n_rows: usize, n_features: usize, n_classes: usize, seed: u64) -> Rows {
    let mut number = numbers(seed, 1000);
    let labels: Vec<usize> = (0..n_rows).map(|row| row % n_classes).collect();
    let rows: Vec<Vec<f64>> = labels
        .iter()
        .map(|label| {
            let centre = |feature: usize| ((label * 7 + feature * 3) % 11) as f64;
            let noise = (0..n_features).map(|feature| centre(feature) + number() as f64 / 150.0);
            noise.collect()
        })
        .collect();
    dataset(&rows, &labels)
}

/// Share of rows whose class is found.
pub fn accuracy(found: &Array1<usize>, labels: &Array1<usize>) -> f64 {
    let right = found.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / labels.len() as f64
}

/// A row as the trees see it.
pub fn float32(data: &Rows, row: usize) -> Vec<f32> {
    data.records.row(row).iter().map(|x| *x as f32).collect()
}

/// The leaves' class weights, recounted by sending each row down the tree.
pub fn recount(tree: &DecisionTree, data: &Rows, weights: &[f64]) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0.0; tree.n_classes()]; tree.n_leaves()];
    for (row, weight) in weights.iter().enumerate() {
        counts[tree.leaf_of(&float32(data, row)) as usize][data.targets[row]] += weight;
    }
    counts
}

/// All leaf weights of a tree.
pub fn leaves(tree: &DecisionTree) -> Vec<Vec<f64>> {
    let n_leaves = u32::try_from(tree.n_leaves()).unwrap();
    (0..n_leaves)
        .map(|leaf| tree.leaf_weights(leaf).to_vec())
        .collect()
}

/// Feature, threshold and improvement of the root's split.
pub fn root_split(tree: &DecisionTree) -> Option<(usize, f64, f64)> {
    match tree.nodes()[0] {
        Node::Leaf { .. } => None,
        Node::Split {
            feature,
            threshold,
            improvement,
            ..
        } => Some((feature as usize, threshold, improvement)),
    }
}

/// Gini impurity or entropy of class weights.
pub fn impurity(classes: &[f64], entropy: bool) -> f64 {
    let total: f64 = classes.iter().sum();
    let shares = classes.iter().map(|weight| weight / total);
    if entropy {
        -shares
            .filter(|p| *p > 0.0)
            .map(|p| p * p.log2())
            .sum::<f64>()
    } else {
        1.0 - shares.map(|p| p * p).sum::<f64>()
    }
}

/// What a cut of all rows would gain; `None` where it leaves fewer than `leaf_min` on a side.
pub fn gain(
    data: &Rows,
    weights: &[f64],
    (feature, threshold): (usize, f64),
    entropy: bool,
    leaf_min: usize,
) -> Option<f64> {
    let n_classes = 1 + data.targets.iter().max().unwrap();
    let mut sides = [vec![0.0; n_classes], vec![0.0; n_classes]];
    let mut sizes = [0, 0];
    for (row, weight) in weights.iter().enumerate() {
        let value = f64::from(data.records[(row, feature)] as f32);
        let side = usize::from(value > threshold);
        sides[side][data.targets[row]] += weight;
        sizes[side] += 1;
    }
    if sizes.iter().any(|size| *size < leaf_min) {
        return None;
    }
    let both: Vec<f64> = sides[0].iter().zip(&sides[1]).map(|(a, b)| a + b).collect();
    let total: f64 = both.iter().sum();
    let cost = |side: &Vec<f64>| impurity(side, entropy) * side.iter().sum::<f64>() / total;
    Some(impurity(&both, entropy) - cost(&sides[0]) - cost(&sides[1]))
}

/// The largest gain of any cut, found by trying them all.
pub fn best_gain(data: &Rows, weights: &[f64], entropy: bool, leaf_min: usize) -> Option<f64> {
    let mut best: Option<f64> = None;
    for feature in 0..data.records.ncols() {
        let mut values: Vec<f64> = (0..data.records.nrows())
            .map(|row| f64::from(data.records[(row, feature)] as f32))
            .collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        for threshold in values.iter().take(values.len() - 1) {
            if let Some(gain) = gain(data, weights, (feature, *threshold), entropy, leaf_min) {
                best = Some(best.map_or(gain, |best| best.max(gain)));
            }
        }
    }
    best
}
