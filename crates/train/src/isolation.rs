//! Isolation forests over rows of codes: detectors of rows that are unlike those.

use spinney_forest::{IsolationNode, isolation_trees};
use spinney_model::{
    Additive, AdditiveKind, Compare, Feature, Link, ModelError, Naming, Node, Precision, Schema,
    Sum, Tree,
};

/// Rows of a tree: as many as its authors found to be enough.
const N_SAMPLES: usize = 256;

/// Trains `n_trees` isolation trees on rows of whole numbers. A row's raw value is its mean depth, the
/// lower the odder; up to `threshold` the detector raises an alarm.
///
/// # Errors
/// More trees or features than a model may have.
///
/// # Panics
/// If there is no row, or rows differ in length.
pub fn isolation_forest(
    rows: &[Vec<i16>],
    n_trees: usize,
    seed: u64,
    threshold: f64,
) -> Result<Additive, ModelError> {
    let features = (0..rows.first().map_or(0, Vec::len))
        .map(|code| Feature {
            name: format!("code_{code}"),
            compare: Compare::Float32,
            categories: Vec::new(),
        })
        .collect();
    let schema = Schema::of_detector(features, Naming::Positional)?;
    let trees = isolation_trees(rows, n_trees, N_SAMPLES, seed);
    let trees = trees
        .iter()
        .map(|nodes| Tree::additive(nodes.iter().map(node).collect(), &schema, 1, Some(0)))
        .collect::<Result<_, _>>()?;
    let sum = Sum::new(Precision::Float64, vec![0.0], n_trees as f64);
    Additive::new(
        AdditiveKind::IsolationForest,
        schema,
        trees,
        sum,
        Link::Identity,
        Some(threshold),
    )
}

fn node(node: &IsolationNode) -> Node {
    let index = |index: usize| u32::try_from(index).expect("nodes of few rows");
    match *node {
        IsolationNode::Split {
            feature,
            threshold,
            left,
            right,
        } => {
            let children = [left, right].map(index);
            Node::at_most(index(feature), threshold.into(), None, children)
        }
        IsolationNode::Leaf { depth, n_rows } => {
            Node::Leaf(vec![depth as f64 + depth_below(n_rows)])
        }
    }
}

/// Mean depth of a leaf in a tree of random splits over `n` rows: c(n) of Liu, Ting and Zhou,
/// `2 H(n − 1) − 2 (n − 1) / n`, where H are harmonic numbers.
pub fn depth_below(n: usize) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let harmonic: f64 = (1..n).map(|it| 1.0 / it as f64).sum();
    2.0 * harmonic - 2.0 * (n as f64 - 1.0) / n as f64
}
