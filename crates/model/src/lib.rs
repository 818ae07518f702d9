//! The float model that every trainer and importer ends in, and that quantization starts from.
//!
//! The types here are *checked*: a [`Tree`] is a tree, every index is in range, every number is
//! finite. They predict with scikit-learn's semantics, which makes them the reference that Q15 is
//! compared with; no library's own `predict` is.
//!
//! This crate must not know where a model came from, nor anything of fixed point or devices.
//!
//! ```
//! use spinney_model::FloatModel;
//!
//! let tree = FloatModel::from_json(br#"{"format": "spinney-model", "version": 1,
//!     "kind": "decision-tree", "features": [{"name": "a"}], "classes": ["low", "high"],
//!     "trees": [{"nodes": [{"feature": 0, "threshold": 1.5, "left": 1, "right": 2},
//!                          {"value": [0.75, 0.25]}, {"value": [0, 1]}]}]}"#)?;
//! assert_eq!(tree.predict(&[1.5]), 0);
//! assert_eq!(tree.probabilities(&[1.5]), [0.75, 0.25]);
//! assert_eq!(tree.predict(&[1.6]), 1);
//! # Ok::<(), spinney_model::ModelError>(())
//! ```

/// The error with this place, and formats of what was found and what is expected.
macro_rules! broken {
    ($place:expr; $found:literal $(, $of_found:expr)*; $expected:literal $(, $of_expected:expr)*) => {
        $crate::ModelError::new(
            $place,
            format!($found $(, $of_found)*),
            format!($expected $(, $of_expected)*),
        )
    };
}

mod additive;
mod bayes;
mod forest;
mod json;
pub mod limits;
mod link;
mod schema;
mod tree;
mod visible;

pub use additive::{Additive, AdditiveKind, Precision, Sum};
pub use bayes::GaussianNb;
pub use forest::{Forest, ForestKind, Voting};
pub use json::{FORMAT, VERSION};
pub use limits::Limit;
pub use link::{Link, LinkWords};
pub use schema::{Compare, Feature, Naming, Output, Schema, Task, UNKNOWN};
pub use tree::{Node, Side, Split, Test, Tree};
pub use visible::{is_obeyed, visible, visible_lines};

/// A checked model in float64, with the semantics of the library that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum FloatModel {
    /// A decision tree, random forest or extra-trees ensemble.
    Forest(Forest),
    /// Trees that add: boosting, regression, isolation.
    Additive(Additive),
    /// Gaussian naive Bayes.
    GaussianNb(GaussianNb),
}

impl FloatModel {
    /// Names of features and outputs.
    pub fn schema(&self) -> &Schema {
        match self {
            Self::Forest(forest) => forest.schema(),
            Self::Additive(sum) => sum.schema(),
            Self::GaussianNb(bayes) => bayes.schema(),
        }
    }

    /// Indices of the features that the model uses, ascending: those that some split asks, or that
    /// naive Bayes has means of. No reading of another feature changes anything.
    pub fn inputs(&self) -> Vec<usize> {
        match self {
            Self::Forest(_) | Self::Additive(_) => {
                tree::inputs(self.trees(), self.schema().n_features())
            }
            Self::GaussianNb(bayes) => bayes.inputs().to_vec(),
        }
    }

    /// The same model with other names for its classes, in their order.
    ///
    /// # Errors
    /// Another number of names, one that is empty or used twice, or a model that does not classify.
    pub fn with_classes(self, names: Vec<String>) -> Result<Self, ModelError> {
        let old = self.schema();
        if old.task() != Task::Classify || names.len() != old.n_classes() {
            return Err(ModelError::new(
                "classes",
                format!("{} names", names.len()),
                match old.task() {
                    Task::Classify => {
                        format!(
                            "one per class, {}: {}",
                            old.n_classes(),
                            old.classes().join(", ")
                        )
                    }
                    _ => "none, since the model does not name classes".to_owned(),
                },
            ));
        }
        let schema = Schema::new(old.features().to_vec(), old.naming(), names)?;
        self.with_schema(schema)
    }

    /// The same model with other names for its targets, in their order.
    ///
    /// # Errors
    /// Another number of names, or one that is empty or used twice.
    pub fn with_targets(self, names: Vec<String>) -> Result<Self, ModelError> {
        let old = self.schema();
        if names.len() != old.targets().len() {
            return Err(broken!(
                "targets"; "{} names", names.len(); "one per target, {}", old.targets().len()
            ));
        }
        let schema = Schema::of_targets(old.features().to_vec(), old.naming(), names)?;
        self.with_schema(schema)
    }

    fn with_schema(self, schema: Schema) -> Result<Self, ModelError> {
        Ok(match self {
            Self::Forest(forest) => {
                let kind = forest.kind();
                Self::Forest(Forest::new(kind, schema, forest.into_trees())?)
            }
            Self::Additive(sum) => Self::Additive(Additive::new(
                sum.kind(),
                schema,
                sum.trees().to_vec(),
                sum.sum().clone(),
                sum.link(),
                sum.threshold().filter(|_| sum.n_outputs() == 1),
            )?),
            Self::GaussianNb(bayes) => Self::GaussianNb(GaussianNb::of_inputs(
                schema,
                bayes.inputs().to_vec(),
                bayes.log_priors().to_vec(),
                bayes.means().to_vec(),
                bayes.variances().to_vec(),
            )?),
        })
    }

    /// The same model of rows that have further features, or fewer, which it does not use: `places` says
    /// for each of its features, in ascending order, which of `schema` that is; for one that it does not
    /// use it may be any. A sum of trees stays as it is.
    ///
    /// # Errors
    /// A place that `schema` does not have.
    ///
    /// # Panics
    /// If a feature has no place.
    pub fn among(self, schema: Schema, places: &[usize]) -> Result<Self, ModelError> {
        Ok(match self {
            Self::Forest(forest) => {
                let trees = forest.trees().iter().map(|tree| {
                    let mut nodes = tree.nodes().to_vec();
                    for node in &mut nodes {
                        if let Node::Split(split) = node {
                            let place = places[split.feature as usize];
                            split.feature = u32::try_from(place).unwrap_or(u32::MAX);
                        }
                    }
                    Tree::new(nodes, &schema)
                });
                let trees = trees.collect::<Result<_, _>>()?;
                Self::Forest(Forest::new(forest.kind(), schema, trees)?)
            }
            Self::GaussianNb(bayes) => Self::GaussianNb(GaussianNb::of_inputs(
                schema,
                bayes.inputs().iter().map(|input| places[*input]).collect(),
                bayes.log_priors().to_vec(),
                bayes.means().to_vec(),
                bayes.variances().to_vec(),
            )?),
            Self::Additive(sum) => Self::Additive(sum),
        })
    }

    /// The name under which `pipeline.toml` and the report know this kind of model.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Forest(forest) => forest.kind().as_str(),
            Self::Additive(sum) => sum.kind().as_str(),
            Self::GaussianNb(_) => "gaussian-nb",
        }
    }

    /// What the model is for.
    pub fn task(&self) -> Task {
        self.schema().task()
    }

    /// The trees, in the order in which they vote or add; none of naive Bayes.
    pub fn trees(&self) -> &[Tree] {
        match self {
            Self::Forest(forest) => forest.trees(),
            Self::Additive(sum) => sum.trees(),
            Self::GaussianNb(_) => &[],
        }
    }

    /// The same kind of ensemble of other trees over the same features: nodes of each, and the score that
    /// its leaves add to if they hold one number. Additive trees are added as `sum` says, or as before;
    /// where there are none, nothing is added.
    ///
    /// # Errors
    /// As of [`Tree::new`], [`Tree::additive`], [`Forest::new`] and [`Additive::new`]; naive Bayes, which
    /// has no trees.
    pub fn with_trees(
        &self,
        trees: Vec<(Vec<Node>, Option<usize>)>,
        sum: Option<Sum>,
    ) -> Result<Self, ModelError> {
        match self {
            Self::Forest(forest) => forest.with_trees(trees).map(Self::Forest),
            Self::Additive(of) => {
                let sum = sum.unwrap_or_else(|| of.sum().clone());
                of.with_trees(trees, sum).map(Self::Additive)
            }
            Self::GaussianNb(_) => Err(broken!("trees"; "naive Bayes"; "a model of trees")),
        }
    }

    /// The same model, whose splits send a missing reading where they send the one of `fills`, one per
    /// feature or none at all, that takes its place. Readings are compared as singles.
    #[must_use]
    pub fn filled(mut self, fills: &[Option<f64>]) -> Self {
        let trees = match &mut self {
            Self::Forest(forest) => &mut forest.trees,
            Self::Additive(sum) => &mut sum.trees,
            Self::GaussianNb(_) => return self,
        };
        for tree in trees {
            tree.fill(fills);
        }
        self
    }

    /// The ensemble, if its trees add.
    pub fn additive(&self) -> Option<&Additive> {
        match self {
            Self::Additive(sum) => Some(sum),
            Self::Forest(_) | Self::GaussianNb(_) => None,
        }
    }

    /// Number of splits over all trees.
    pub fn n_splits(&self) -> usize {
        tree::n_splits(self.trees())
    }

    /// Depth of the deepest tree.
    pub fn depth(&self) -> usize {
        tree::depth(self.trees())
    }

    /// Number of splits of all trees at each depth, from the roots at depth 0 on.
    pub fn splits_by_depth(&self) -> Vec<usize> {
        tree::splits_by_depth(self.trees())
    }

    /// What the model delivers for one row, as its library's `predict` does.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn output(&self, row: &[f64]) -> Output {
        match self {
            Self::Additive(sum) => sum.output(&sum.raw(row)),
            Self::Forest(_) | Self::GaussianNb(_) => Output::Class(self.predict(row)),
        }
    }

    /// Class probabilities of one row, as scikit-learn's `predict_proba` gives them; of an additive
    /// ensemble as [`Additive::probabilities`].
    ///
    /// `row` holds `n_features` raw readings; the result has `n_classes` entries in `0.0..=1.0`.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features, or the model delivers values.
    pub fn probabilities(&self, row: &[f64]) -> Vec<f64> {
        match self {
            Self::Forest(forest) => forest.scores(row, Voting::Soft),
            Self::Additive(sum) => sum.probabilities(&sum.raw(row)),
            Self::GaussianNb(bayes) => bayes.probabilities(row),
        }
    }

    /// As [`Self::probabilities`]; where trees vote, by that vote: with hard ones, each class's share.
    ///
    /// # Panics
    /// As [`Self::probabilities`].
    pub fn probabilities_by(&self, voting: Voting, row: &[f64]) -> Vec<f64> {
        match self {
            Self::Forest(forest) => forest.scores(row, voting),
            Self::Additive(_) | Self::GaussianNb(_) => self.probabilities(row),
        }
    }

    /// As [`Self::predict`]; where trees vote, by that vote.
    ///
    /// # Panics
    /// As [`Self::predict`].
    pub fn predict_by(&self, voting: Voting, row: &[f64]) -> usize {
        match self {
            Self::Forest(forest) => argmax(&forest.scores(row, voting)),
            Self::Additive(_) | Self::GaussianNb(_) => self.predict(row),
        }
    }

    /// The class index that the library's `predict` gives for one row; among several outputs, ties
    /// go to the lowest. Of a detector, 1 is the alarm.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features, or the model delivers values.
    pub fn predict(&self, row: &[f64]) -> usize {
        match self {
            Self::Forest(forest) => argmax(&forest.scores(row, Voting::Soft)),
            Self::Additive(sum) => sum.class(&sum.raw(row)),
            Self::GaussianNb(bayes) => argmax(&bayes.joint_log_likelihood(row)),
        }
    }
}

/// Index of the largest value; the lowest index among equals, as numpy's `argmax`.
///
/// # Panics
/// If `values` is empty.
pub fn argmax(values: &[f64]) -> usize {
    assert!(!values.is_empty(), "argmax of nothing");
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// What is wrong with a model, or with what is asked of it: which part, what was found, what was
/// expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct ModelError {
    /// The part of the model, for example `trees[3].nodes[17].left`.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

impl ModelError {
    /// Builds the error from its three parts.
    pub fn new(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}
