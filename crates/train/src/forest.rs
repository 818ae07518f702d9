//! Trees and forests by spinney-forest: the same bytes for the same seed, with class proportions, or
//! with means where rows have numbers.

use linfa::DatasetBase;
use linfa::ParamGuard;
use ndarray::{Array1, Array2};
use spinney_dataset::Dataset;
use spinney_forest::{
    ClassWeight, Criterion, DecisionTree, ExtraTrees, ForestError, MaxFeatures, MaxSamples, Node,
    RandomForest, Regressor, Watch,
};
use spinney_model::{
    Additive, AdditiveKind, FloatModel, Forest, ForestKind, Link, Precision, Schema, Sum, Tree,
};

use crate::{TrainError, features_of, schema_of};

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

/// Fits a tree or a forest, of classes or of the one number that each row has; `on_tree(done, total)`
/// hears of each finished tree.
///
/// # Errors
/// Fewer than two classes, several numbers a row, or parameters out of range.
pub fn forest(
    rows: &Dataset,
    params: &ForestParams,
    on_tree: &(dyn Fn(usize, usize) + Sync),
) -> Result<FloatModel, TrainError> {
    if let Some(numbers) = rows.numbers() {
        return regressor(rows, numbers, params, on_tree);
    }
    let schema = schema_of(rows)?;
    let mut dataset = DatasetBase::new(rows.values().view(), Array1::from(rows.labels().to_vec()));
    if let Some(weights) = &params.class_weights {
        let weights = rows.labels().iter().map(|label| weights[*label]).collect();
        dataset = dataset.with_weights(weights);
    }
    let watch = Watch::new().on_tree(on_tree);
    let library = |error| at_fault(error, rows);
    let trees = match params.kind {
        ForestKind::DecisionTree => {
            let tree = shared!(DecisionTree::params(), params)
                .check()
                .and_then(|valid| valid.fit_watched(&dataset, &watch))
                .map_err(library)?;
            convert_all(std::slice::from_ref(&tree), &schema)?
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

/// What kind of regressor a kind of forest is with numbers in its leaves.
fn regressor_kind(kind: ForestKind) -> AdditiveKind {
    match kind {
        ForestKind::DecisionTree => AdditiveKind::RegressionTree,
        ForestKind::RandomForest => AdditiveKind::RandomForestRegressor,
        ForestKind::ExtraTrees => AdditiveKind::ExtraTreesRegressor,
    }
}

/// The mean of trees over numbers, as scikit-learn adds it.
fn regressor(
    rows: &Dataset,
    numbers: &Array2<f64>,
    params: &ForestParams,
    on_tree: &(dyn Fn(usize, usize) + Sync),
) -> Result<FloatModel, TrainError> {
    if numbers.ncols() != 1 {
        return Err(TrainError::Rows {
            found: format!("{} numbers for each row", numbers.ncols()),
            expected: "one: a regressor with several targets can be imported".to_owned(),
        });
    }
    let (features, naming) = features_of(rows);
    let schema = Schema::of_targets(features, naming, vec!["value".to_owned()])?;
    let dataset = DatasetBase::new(rows.values().view(), numbers.column(0).to_owned());
    let watch = Watch::new().on_tree(on_tree);
    let fitted = match params.kind {
        ForestKind::DecisionTree => shared!(DecisionTree::params(), params)
            .check()
            .and_then(|valid| valid.fit_numbers(&dataset, &watch)),
        ForestKind::RandomForest => ensemble!(RandomForest::params(), params)
            .check()
            .and_then(|valid| valid.fit_numbers(&dataset, &watch)),
        ForestKind::ExtraTrees => ensemble!(ExtraTrees::params(), params)
            .check()
            .and_then(|valid| valid.fit_numbers(&dataset, &watch)),
    };
    let trees = fitted.as_ref().map(Regressor::trees);
    let trees = trees.map_err(|error| at_fault(error.clone(), rows))?;
    let sum = Sum::new(Precision::Float64, vec![0.0], trees.len() as f64);
    let trees = trees.iter().map(|tree| {
        let value = |leaf: u32| vec![tree.values()[leaf as usize]];
        Tree::additive(convert(tree.nodes(), value), &schema, 1, Some(0))
    });
    let trees = trees.collect::<Result<_, _>>()?;
    let kind = regressor_kind(params.kind);
    let model = Additive::new(kind, schema, trees, sum, Link::Identity, None);
    Ok(FloatModel::Additive(model?))
}

/// What is at fault, in the words of `rows`.
fn at_fault(error: ForestError, rows: &Dataset) -> TrainError {
    let place = |row: usize| format!("in data row {}", rows.source_rows()[row]);
    match error {
        ForestError::Parameter {
            name,
            found,
            expected,
        } => TrainError::Parameter {
            name,
            found,
            expected,
        },
        ForestError::Number { row, found } => TrainError::Rows {
            found: format!("the label {found:e} {}", place(row)),
            expected: "numbers of at most 1e100 in size; leave the row out, or take another unit"
                .to_owned(),
        },
        ForestError::NotFinite { row, column, found } => TrainError::Rows {
            found: format!(
                "{found:e} in \"{}\" {}",
                rows.features()[column],
                place(row)
            ),
            expected: "readings that float32 holds".to_owned(),
        },
        error => TrainError::Library(error.to_string()),
    }
}

fn convert_all(trees: &[DecisionTree], schema: &Schema) -> Result<Vec<Tree>, TrainError> {
    let convert = |tree: &DecisionTree| {
        let shares = |leaf: u32| {
            let weights = tree.leaf_weights(leaf);
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        };
        Ok(Tree::new(convert(tree.nodes(), shares), schema)?)
    };
    trees.iter().map(convert).collect()
}

/// The nodes as the float model has them; `values` tells what a leaf holds.
fn convert(nodes: &[Node], values: impl Fn(u32) -> Vec<f64>) -> Vec<spinney_model::Node> {
    let convert = |node: &Node| match node {
        Node::Split {
            feature,
            threshold,
            left,
            right,
            ..
        } => spinney_model::Node::at_most(*feature, *threshold, None, [*left, *right]),
        Node::Leaf { leaf } => spinney_model::Node::Leaf(values(*leaf)),
    };
    nodes.iter().map(convert).collect()
}
