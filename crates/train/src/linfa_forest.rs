//! Decision trees by linfa-trees and forests by linfa-ensemble.
//!
//! Two fits of the same rows may differ, since linfa breaks ties by the order of a hash map. Its
//! forests draw features once per tree. A leaf of linfa holds a label only, so class proportions
//! are counted anew from the training rows.

use linfa::ParamGuard;
use linfa::traits::Fit;
use linfa_ensemble::EnsembleLearnerParams;
use linfa_trees::{DecisionTree, SplitQuality, TreeNode};
use ndarray::{Array1, Array2};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use spinney_dataset::Dataset;
use spinney_model::{Compare, FloatModel, Forest, ForestKind, Node, Schema, Tree};

use crate::{TrainError, schema_of};

/// Parameters that linfa's trees and forests take, under scikit-learn's names.
#[derive(Debug, Clone, PartialEq)]
pub struct LinfaForest {
    /// `None` for one tree on all rows and features.
    pub ensemble: Option<LinfaEnsemble>,
    /// Most splits from root to leaf.
    pub max_depth: Option<usize>,
    /// Fewest rows that a split may divide.
    pub min_samples_split: f32,
    /// Fewest rows that a leaf may hold.
    pub min_samples_leaf: f32,
    /// Least gain of a split.
    pub min_impurity_decrease: f64,
    /// Entropy instead of Gini's impurity.
    pub entropy: bool,
}

/// What makes a forest of trees.
#[derive(Debug, Clone, PartialEq)]
pub struct LinfaEnsemble {
    /// Number of trees, at least 1.
    pub n_trees: usize,
    /// Share of the features that each tree sees, above 0 and at most 1.
    pub feature_fraction: f64,
    /// Share of the rows that are drawn, with replacement, for each tree.
    pub row_fraction: f64,
    /// Seed of the draws.
    pub seed: u64,
}

/// Fits a decision tree or a random forest.
///
/// # Errors
/// Fewer than two classes, parameters that linfa refuses, or a tree that is none.
pub fn linfa_forest(rows: &Dataset, params: &LinfaForest) -> Result<FloatModel, TrainError> {
    let schema = schema_of(rows)?;
    // A split sees float32; thresholds between those values separate them in our trees too.
    let seen = rows.values().mapv(|reading| Compare::Float32.seen(reading));
    let dataset = linfa::Dataset::new(seen.clone(), Array1::from(rows.labels().to_vec()));
    let tree_params = DecisionTree::params()
        .max_depth(params.max_depth)
        .min_weight_split(params.min_samples_split)
        .min_weight_leaf(params.min_samples_leaf)
        // linfa asks for more than 0, where scikit-learn's default is 0.
        .min_impurity_decrease(params.min_impurity_decrease.max(1e-12))
        .split_quality(if params.entropy {
            SplitQuality::Entropy
        } else {
            SplitQuality::Gini
        });
    tree_params
        .check()
        .map_err(|error| TrainError::Library(error.to_string()))?;
    let library = |error: linfa::Error| TrainError::Library(error.to_string());
    let (kind, fitted, features) = match &params.ensemble {
        None => {
            let tree = tree_params.fit(&dataset).map_err(library)?;
            (ForestKind::DecisionTree, vec![tree], None)
        }
        Some(ensemble) => {
            let rng = Xoshiro256PlusPlus::seed_from_u64(ensemble.seed);
            let forest = EnsembleLearnerParams::new_fixed_rng(tree_params, rng)
                .ensemble_size(ensemble.n_trees)
                .bootstrap_proportion(ensemble.row_fraction)
                .feature_proportion(ensemble.feature_fraction)
                .fit(&dataset)
                .map_err(library)?;
            (
                ForestKind::RandomForest,
                forest.models,
                Some(forest.model_features),
            )
        }
    };
    let trees = fitted
        .iter()
        .enumerate()
        .map(|(index, tree)| {
            let features = features.as_ref().map(|features| features[index].as_slice());
            convert(tree.root_node(), features, &seen, rows.labels(), &schema)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(FloatModel::Forest(Forest::new(kind, schema, trees)?))
}

/// A tree in our form; `features` maps the tree's own feature indices to those of a row.
fn convert(
    root: &TreeNode<f64, usize>,
    features: Option<&[usize]>,
    seen: &Array2<f64>,
    labels: &[usize],
    schema: &Schema,
) -> Result<Tree, TrainError> {
    let mut nodes = Vec::new();
    // Nodes to convert, each with its number and the training rows that reach it.
    let mut stack = vec![(root, 0, (0..labels.len()).collect::<Vec<_>>())];
    nodes.push(None);
    while let Some((node, number, rows)) = stack.pop() {
        let children = node.children();
        let (Some(left), Some(right)) = (
            children.first().and_then(|child| child.as_deref()),
            children.get(1).and_then(|child| child.as_deref()),
        ) else {
            nodes[number] = Some(leaf(node, &rows, labels, schema));
            continue;
        };
        let (feature, threshold, _) = node.split();
        let feature = features.map_or(feature, |features| features[feature]);
        // linfa's fit sends x <= threshold to the left, which is our rule too.
        let (left_rows, right_rows) = rows
            .into_iter()
            .partition(|row| seen[[*row, feature]] <= threshold);
        let first = nodes.len();
        nodes.extend([None, None]);
        let children = [index(first)?, index(first + 1)?];
        nodes[number] = Some(Node::at_most(index(feature)?, threshold, None, children));
        stack.push((left, first, left_rows));
        stack.push((right, first + 1, right_rows));
    }
    let nodes = nodes
        .into_iter()
        .map(|node| node.expect("every node pushed is converted"))
        .collect();
    Ok(Tree::new(nodes, schema)?)
}

fn index(value: usize) -> Result<u32, TrainError> {
    u32::try_from(value).map_err(|_| TrainError::Library(format!("a tree with {value} nodes")))
}

/// The class proportions of the rows in a leaf; a leaf that no row reaches keeps linfa's label.
fn leaf(node: &TreeNode<f64, usize>, rows: &[usize], labels: &[usize], schema: &Schema) -> Node {
    let mut counts = vec![0.0; schema.n_classes()];
    for row in rows {
        counts[labels[*row]] += 1.0;
    }
    if rows.is_empty() {
        counts[node.prediction().unwrap_or(0)] = 1.0;
    }
    let total: f64 = counts.iter().sum();
    Node::Leaf(counts.iter().map(|count| count / total).collect())
}
