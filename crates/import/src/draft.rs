//! A sum of trees as a file has it, before what stands before it is folded in.

use spinney_dataset::Budget;
use spinney_model::{AdditiveKind, Feature, Link, Naming, Node, Schema, Sum};

use crate::ImportError;

/// Bytes that a node takes: as it is read, in a tree, and in the tree that is folded.
const NODE_BYTES: u64 = 200;

/// What the objective of boosted trees delivers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// One of two classes, by one raw value.
    Binary,
    /// One of several classes, each with a raw value.
    Multi,
    /// Values.
    Values,
}

impl Target {
    /// What a model delivers, and of how many raw values, that has so many classes or targets.
    pub(crate) fn outputs(self, n_classes: usize, n_targets: usize) -> (Outputs, usize) {
        match self {
            Self::Binary => (Outputs::numbered(2), 1),
            Self::Multi => (Outputs::numbered(n_classes), n_classes),
            Self::Values => (Outputs::targets(n_targets), n_targets),
        }
    }
}

/// The usual way from a raw value to the probability of the second class.
pub(crate) const SIGMOID: Link = Link::Sigmoid { scale: 1.0 };

/// What a model delivers, by name.
#[derive(Debug, Clone)]
pub(crate) enum Outputs {
    /// One of these classes.
    Classes(Vec<String>),
    /// A number for each of these targets.
    Targets(Vec<String>),
    /// An alarm or none.
    Detector,
}

impl Outputs {
    /// Targets of libraries that do not know their names: `y`, or `y0`, `y1`, ….
    pub(crate) fn targets(n: usize) -> Self {
        Self::Targets(match n {
            1 => vec!["y".to_owned()],
            _ => (0..n).map(|index| format!("y{index}")).collect(),
        })
    }

    /// Classes of libraries that keep no labels: the numbers from 0 on.
    pub(crate) fn numbered(n: usize) -> Self {
        Self::Classes((0..n).map(|index| index.to_string()).collect())
    }

    /// The schema of a model with these features.
    pub(crate) fn schema(
        self,
        features: Vec<Feature>,
        naming: Naming,
    ) -> Result<Schema, ImportError> {
        Ok(match self {
            Self::Classes(classes) => Schema::new(features, naming, classes)?,
            Self::Targets(targets) => Schema::of_targets(features, naming, targets)?,
            Self::Detector => Schema::of_detector(features, naming)?,
        })
    }
}

/// One tree as a file has it; nothing of it is checked.
#[derive(Debug)]
pub(crate) struct DraftTree {
    /// The nodes, from the root on.
    pub nodes: Vec<Node>,
    /// The one output that leaves add to; without it they hold a number for each.
    pub output: Option<usize>,
}

impl DraftTree {
    pub(crate) fn new(nodes: Vec<Node>, output: Option<usize>) -> Self {
        Self { nodes, output }
    }

    /// Takes memory for the nodes of a tree.
    pub(crate) fn take(budget: &Budget, place: &str, n_nodes: usize) -> Result<(), ImportError> {
        Ok(budget.take_items(place, n_nodes, NODE_BYTES)?)
    }
}

/// A sum of trees in terms of the features that its trees know.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Which estimator it is.
    pub kind: AdditiveKind,
    /// Number of features that the trees know.
    pub n_features: usize,
    /// What it delivers.
    pub outputs: Outputs,
    /// The trees, in the order of additions.
    pub trees: Vec<DraftTree>,
    /// How leaves are added.
    pub sum: Sum,
    /// From raw values to what is delivered.
    pub link: Link,
    /// See [`spinney_model::Additive::threshold`].
    pub threshold: Option<f64>,
}

impl Draft {
    /// Number of raw values.
    pub(crate) fn n_outputs(&self) -> usize {
        self.sum.base.len()
    }
}
