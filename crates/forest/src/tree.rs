//! A trained decision tree: its nodes in preorder, the class weights of its leaves, prediction.

use linfa::Float;
use linfa::traits::PredictInplace;
use ndarray::{Array1, Array2, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use crate::{DecisionTreeParams, ForestError, rows};

/// One node of a [`DecisionTree`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A row goes left where its `feature`, cast to float32, is at most `threshold`; else, NaN
    /// included, right.
    Split {
        /// Index of the feature.
        feature: u32,
        /// The threshold; it need not be a float32 value.
        threshold: f64,
        /// Index of the left child, which is always the next node.
        left: u32,
        /// Index of the right child.
        right: u32,
        /// By how much the split lowers the impurity, times the node's share of the tree's weight.
        improvement: f64,
    },
    /// The end of a path.
    Leaf {
        /// Index of the leaf, counted from left to right.
        leaf: u32,
    },
}

/// A decision tree classifier, alone or within a forest.
///
/// ```
/// use linfa::prelude::*;
/// use ndarray::array;
/// use spinney_forest::DecisionTree;
///
/// let rows = array![[1.0, 0.2], [1.5, 0.1], [4.0, 0.3], [4.5, 0.2]];
/// let dataset = Dataset::new(rows, array![0_usize, 0, 1, 1]);
/// let tree = DecisionTree::params().max_depth(Some(3)).fit(&dataset)?;
///
/// assert_eq!(tree.predict(&dataset), array![0, 0, 1, 1]);
/// assert_eq!(tree.n_leaves(), 2);
/// # Ok::<(), spinney_forest::ForestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawTree")]
pub struct DecisionTree {
    n_features: usize,
    n_classes: usize,
    nodes: Vec<Node>,
    leaf_weights: Vec<f64>,
}

/// A tree as it was read, before any check.
#[derive(Deserialize)]
struct RawTree {
    n_features: usize,
    n_classes: usize,
    nodes: Vec<Node>,
    leaf_weights: Vec<f64>,
}

impl DecisionTree {
    /// The parameters of a tree, with scikit-learn's defaults.
    #[must_use]
    pub fn params() -> DecisionTreeParams {
        DecisionTreeParams::default()
    }

    /// Takes over nodes in preorder, which the caller has built so.
    pub(crate) fn from_parts(
        n_features: usize,
        n_classes: usize,
        nodes: Vec<Node>,
        leaf_weights: Vec<f64>,
    ) -> Self {
        debug_assert!(check(n_features, n_classes, &nodes, &leaf_weights).is_ok());
        Self {
            n_features,
            n_classes,
            nodes,
            leaf_weights,
        }
    }

    /// Number of columns of the training rows.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Number of classes: the largest training label plus one.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The nodes in preorder: the root first, a split's left child right behind it.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Number of leaves.
    #[must_use]
    pub fn n_leaves(&self) -> usize {
        self.leaf_weights.len() / self.n_classes
    }

    /// The weight of each class among the training rows of a leaf: `n_classes` numbers, not
    /// normalized.
    ///
    /// # Panics
    /// If `leaf` is not below [`n_leaves`](Self::n_leaves).
    #[must_use]
    pub fn leaf_weights(&self, leaf: u32) -> &[f64] {
        let start = leaf as usize * self.n_classes;
        &self.leaf_weights[start..start + self.n_classes]
    }

    /// Number of splits on the longest path.
    #[must_use]
    pub fn depth(&self) -> usize {
        depth(&self.nodes)
    }

    /// The leaf that a row of float32 values, `n_features` of them, ends in.
    ///
    /// # Panics
    /// If the row is too short.
    #[must_use]
    pub fn leaf_of(&self, row: &[f32]) -> u32 {
        leaf_of(&self.nodes, row)
    }

    /// Adds the class proportions of the row's leaf to `sums`, which has `n_classes` entries.
    pub(crate) fn add_proportions(&self, row: &[f32], sums: &mut [f64]) {
        let weights = self.leaf_weights(self.leaf_of(row));
        let total: f64 = weights.iter().sum();
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += weight / total;
        }
    }

    /// Class probabilities: one row per row of `records`, one column per class.
    ///
    /// # Errors
    /// [`ForestError::Columns`] where `records` has another number of columns than the training
    /// rows.
    pub fn predict_proba<F: Float, D: Data<Elem = F>>(
        &self,
        records: &ArrayBase<D, Ix2>,
    ) -> Result<Array2<f64>, ForestError> {
        rows::check_columns(records, self.n_features)?;
        Ok(rows::proportions(
            records.view(),
            std::slice::from_ref(self),
            self.n_classes,
        ))
    }

    /// How much each feature's splits lower the impurity, as shares that add up to 1; all zero for
    /// a tree without splits.
    ///
    /// Features with many distinct values tend to get more than they deserve.
    #[must_use]
    pub fn feature_importances(&self) -> Vec<f64> {
        importances(&self.nodes, self.n_features)
    }
}

/// Number of splits on the longest path.
pub(crate) fn depth(nodes: &[Node]) -> usize {
    let mut depths = vec![0_usize; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        if let Node::Split { left, right, .. } = node {
            depths[*left as usize] = depths[index] + 1;
            depths[*right as usize] = depths[index] + 1;
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

/// The leaf that a row ends in.
pub(crate) fn leaf_of(nodes: &[Node], row: &[f32]) -> u32 {
    let mut index = 0;
    loop {
        match nodes[index] {
            Node::Leaf { leaf } => return leaf,
            Node::Split {
                feature,
                threshold,
                left,
                right,
                ..
            } => {
                let goes_left = f64::from(row[feature as usize]) <= threshold;
                index = if goes_left { left } else { right } as usize;
            }
        }
    }
}

/// Each feature's share of all improvements.
pub(crate) fn importances(nodes: &[Node], n_features: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_features];
    for node in nodes {
        if let Node::Split {
            feature,
            improvement,
            ..
        } = node
        {
            sums[*feature as usize] += improvement;
        }
    }
    normalize(&mut sums);
    sums
}

/// Scales what is not all zero to a sum of 1.
pub(crate) fn normalize(sums: &mut [f64]) {
    let total: f64 = sums.iter().sum();
    if total > 0.0 {
        for sum in sums {
            *sum /= total;
        }
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>>
    for DecisionTree
{
    /// Writes the most probable class of each row; the lowest index among equals.
    ///
    /// # Panics
    /// If `x` has another number of columns than the training rows, or `y` another length.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<usize>) {
        let trees = std::slice::from_ref(self);
        rows::classify(x.view(), trees, self.n_features, self.n_classes, y);
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(x.nrows())
    }
}

impl TryFrom<RawTree> for DecisionTree {
    type Error = ForestError;

    fn try_from(raw: RawTree) -> Result<Self, ForestError> {
        check(raw.n_features, raw.n_classes, &raw.nodes, &raw.leaf_weights)?;
        Ok(Self {
            n_features: raw.n_features,
            n_classes: raw.n_classes,
            nodes: raw.nodes,
            leaf_weights: raw.leaf_weights,
        })
    }
}

/// Checks that the nodes are one tree in preorder, and that each leaf has its weights.
fn check(
    n_features: usize,
    n_classes: usize,
    nodes: &[Node],
    leaf_weights: &[f64],
) -> Result<(), ForestError> {
    let fault = |place: String, found: String, expected: String| ForestError::Model {
        place,
        found,
        expected,
    };
    // The subtrees that are still to come, as the index where each has to start.
    let mut due: Vec<usize> = vec![0];
    let mut n_leaves = 0_usize;
    for (index, node) in nodes.iter().enumerate() {
        let at = |field: &str| format!("nodes[{index}]{field}");
        match due.pop() {
            Some(start) if start == index => {}
            Some(start) => {
                let expected = format!("the right child that starts at {start}");
                return Err(fault(at(""), "the end of a left subtree".into(), expected));
            }
            None => {
                let expected = "the end: all children are there".into();
                return Err(fault(at(""), "a node".into(), expected));
            }
        }
        match *node {
            Node::Leaf { leaf } => {
                if leaf as usize != n_leaves {
                    let expected = format!("{n_leaves}, counted from the left");
                    return Err(fault(at(".leaf"), leaf.to_string(), expected));
                }
                n_leaves += 1;
            }
            Node::Split {
                feature,
                threshold,
                left,
                right,
                improvement,
            } => {
                if feature as usize >= n_features {
                    let expected = format!("less than the {n_features} features");
                    return Err(fault(at(".feature"), feature.to_string(), expected));
                }
                if !threshold.is_finite() || !improvement.is_finite() {
                    let found = format!("{threshold} and {improvement}");
                    let expected = "a finite threshold and improvement".into();
                    return Err(fault(at(""), found, expected));
                }
                if left as usize != index + 1 {
                    let expected = format!("{}, the next node", index + 1);
                    return Err(fault(at(".left"), left.to_string(), expected));
                }
                due.push(right as usize);
                due.push(index + 1);
            }
        }
    }
    if let Some(start) = due.pop() {
        let expected = format!("a node at index {start}");
        return Err(fault("nodes".into(), "the end".into(), expected));
    }
    if n_classes == 0 || leaf_weights.len() != n_leaves * n_classes {
        return Err(fault(
            "leaf_weights".into(),
            format!("{} numbers", leaf_weights.len()),
            format!("one for each of {n_leaves} leaves and {n_classes} classes"),
        ));
    }
    for (leaf, weights) in leaf_weights.chunks_exact(n_classes).enumerate() {
        let total: f64 = weights.iter().sum();
        let negative = weights.iter().any(|weight| *weight < 0.0);
        if negative || !total.is_finite() || total <= 0.0 {
            return Err(fault(
                format!("leaf_weights[{leaf}]"),
                format!("{weights:?}"),
                "finite numbers of at least 0, not all 0".into(),
            ));
        }
    }
    Ok(())
}
