//! Trees and forests by spinney-forest: the same bytes for the same seed, with class proportions.

use linfa::DatasetBase;
use linfa::ParamGuard;
use ndarray::Array1;
use spinney_dataset::Dataset;
use spinney_forest::{
    ClassWeight, Criterion, DecisionTree, ExtraTrees, ForestError, MaxFeatures, MaxSamples, Node,
    RandomForest, Watch,
};
use spinney_model::{FloatModel, Forest, ForestKind, Schema, Tree};

use crate::{TrainError, schema_of};

/// How a forest is trained, in scikit-learn's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestParams {
    /// Which ensemble.
    pub kind: ForestKind,
    /// Number of trees, at least 1; ignored for a decision tree.
    pub n_trees: usize,
    /// Most splits from root to leaf.
    pub max_depth: Option<usize>,
    /// Fewest rows that a split may divide.
    pub min_samples_split: usize,
    /// Fewest rows that a leaf may hold.
    pub min_samples_leaf: usize,
    /// Most leaves of a tree.
    pub max_leaf_nodes: Option<usize>,
    /// How many features a split chooses from.
    pub max_features: MaxFeatures,
    /// What a split is chosen by.
    pub criterion: Criterion,
    /// Whether each tree sees rows drawn with replacement; ignored for a decision tree.
    pub bootstrap: bool,
    /// How many rows are drawn.
    pub max_samples: MaxSamples,
    /// Whether classes weigh inversely to their frequency.
    pub class_weight: ClassWeight,
    /// A weight per class, above 0, on top of that.
    pub class_weights: Option<Vec<f32>>,
    /// Least gain of a split.
    pub min_impurity_decrease: f64,
    /// Price of a leaf in pruning.
    pub ccp_alpha: f64,
    /// Seed of every draw.
    pub seed: u64,
}

impl ForestParams {
    /// scikit-learn's defaults for this kind: trees of any size, all features for a decision tree
    /// and the square root of their number for forests, bootstrap for random forests alone.
    #[must_use]
    pub fn new(kind: ForestKind, n_trees: usize, seed: u64) -> Self {
        Self {
            kind,
            n_trees,
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_leaf_nodes: None,
            max_features: match kind {
                ForestKind::DecisionTree => MaxFeatures::All,
                ForestKind::RandomForest | ForestKind::ExtraTrees => MaxFeatures::Sqrt,
            },
            criterion: Criterion::Gini,
            bootstrap: kind == ForestKind::RandomForest,
            max_samples: MaxSamples::All,
            class_weight: ClassWeight::Uniform,
            class_weights: None,
            min_impurity_decrease: 0.0,
            ccp_alpha: 0.0,
            seed,
        }
    }
}

/// Sets the parameters that all three estimators share.
macro_rules! shared {
    ($estimator:expr, $params:expr) => {
        $estimator
            .max_depth($params.max_depth)
            .min_samples_split($params.min_samples_split)
            .min_samples_leaf($params.min_samples_leaf)
            .max_leaf_nodes($params.max_leaf_nodes)
            .max_features($params.max_features)
            .criterion($params.criterion)
            .class_weight($params.class_weight)
            .min_impurity_decrease($params.min_impurity_decrease)
            .ccp_alpha($params.ccp_alpha)
            .seed($params.seed)
    };
}

/// Sets the parameters that only ensembles have.
macro_rules! ensemble {
    ($estimator:expr, $params:expr) => {
        shared!($estimator, $params)
            .n_trees($params.n_trees)
            .bootstrap($params.bootstrap)
            .max_samples($params.max_samples)
    };
}

/// Fits a tree or a forest; `on_tree(done, total)` hears of each finished tree.
///
/// # Errors
/// Fewer than two classes, or parameters out of range.
pub fn forest(
    rows: &Dataset,
    params: &ForestParams,
    on_tree: &(dyn Fn(usize, usize) + Sync),
) -> Result<FloatModel, TrainError> {
    let schema = schema_of(rows)?;
    let mut dataset = DatasetBase::new(rows.values().view(), Array1::from(rows.labels().to_vec()));
    if let Some(weights) = &params.class_weights {
        let weights = rows.labels().iter().map(|label| weights[*label]).collect();
        dataset = dataset.with_weights(weights);
    }
    let watch = Watch::new().on_tree(on_tree);
    let library = |error: ForestError| TrainError::Library(error.to_string());
    let trees = match params.kind {
        ForestKind::DecisionTree => {
            let tree = shared!(DecisionTree::params(), params)
                .check()
                .and_then(|valid| valid.fit_watched(&dataset, &watch))
                .map_err(library)?;
            vec![convert(&tree, &schema)?]
        }
        ForestKind::RandomForest => {
            let forest = ensemble!(RandomForest::params(), params)
                .check()
                .and_then(|valid| valid.fit_watched(&dataset, &watch))
                .map_err(library)?;
            convert_all(forest.trees(), &schema)?
        }
        ForestKind::ExtraTrees => {
            let forest = ensemble!(ExtraTrees::params(), params)
                .check()
                .and_then(|valid| valid.fit_watched(&dataset, &watch))
                .map_err(library)?;
            convert_all(forest.trees(), &schema)?
        }
    };
    Ok(FloatModel::Forest(Forest::new(params.kind, schema, trees)?))
}

fn convert_all(trees: &[DecisionTree], schema: &Schema) -> Result<Vec<Tree>, TrainError> {
    trees.iter().map(|tree| convert(tree, schema)).collect()
}

fn convert(tree: &DecisionTree, schema: &Schema) -> Result<Tree, TrainError> {
    let nodes = tree
        .nodes()
        .iter()
        .map(|node| match node {
            Node::Split {
                feature,
                threshold,
                left,
                right,
                ..
            } => spinney_model::Node::Split {
                feature: *feature,
                threshold: *threshold,
                missing: None,
                left: *left,
                right: *right,
            },
            Node::Leaf { leaf } => {
                let weights = tree.leaf_weights(*leaf);
                let total: f64 = weights.iter().sum();
                spinney_model::Node::Leaf {
                    values: weights.iter().map(|weight| weight / total).collect(),
                }
            }
        })
        .collect();
    Ok(Tree::new(nodes, schema)?)
}
