//! A sum of trees as a file has it, before what stands before it is folded in.

use spinney_dataset::Budget;
use spinney_model::{
    AdditiveKind, Feature, ForestKind, Link, Naming, Node, Precision, Schema, Sum,
};

use crate::{ImportError, classes};

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

    /// What a user should know of the classes of a library that keeps no labels.
    pub(crate) fn note(self, library: &str) -> Option<String> {
        (self != Self::Values).then(|| {
            format!(
                "Classes are the numbers that {library} was fitted on; it keeps no other labels."
            )
        })
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
        Self::Classes(classes::named(Vec::new(), n))
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
    /// Where it stands in the file.
    pub place: String,
    /// The nodes, from the root on.
    pub nodes: Vec<Node>,
    /// The one output that leaves add to; without it they hold a number for each.
    pub output: Option<usize>,
}

impl DraftTree {
    pub(crate) fn new(place: impl Into<String>, nodes: Vec<Node>, output: Option<usize>) -> Self {
        let place = place.into();
        Self {
            place,
            nodes,
            output,
        }
    }

    /// Takes memory for the nodes of a tree.
    pub(crate) fn take(budget: &Budget, place: &str, n_nodes: usize) -> Result<(), ImportError> {
        Ok(budget.take_items(place, n_nodes, NODE_BYTES)?)
    }

    /// What the leaves hold.
    pub(crate) fn leaves_mut(&mut self) -> impl Iterator<Item = &mut Vec<f64>> {
        self.nodes.iter_mut().filter_map(|node| match node {
            Node::Leaf(values) => Some(values),
            Node::Split(_) => None,
        })
    }
}

/// What trees are together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A forest, whose leaves hold class proportions; their mean is delivered.
    Forest(ForestKind),
    /// Any other sum.
    Additive(AdditiveKind),
}

/// A sum of trees in terms of the features that its trees know.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Which estimator it is.
    pub kind: Kind,
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
    /// The sum in float64, from `base` on, as it is.
    pub(crate) fn new(
        kind: AdditiveKind,
        n_features: usize,
        outputs: Outputs,
        base: Vec<f64>,
        trees: Vec<DraftTree>,
    ) -> Self {
        Self {
            kind: Kind::Additive(kind),
            n_features,
            outputs,
            trees,
            sum: Sum::new(Precision::Float64, base, 1.0),
            link: Link::Identity,
            threshold: None,
        }
    }

    /// A forest of trees that vote for one of `classes`.
    pub(crate) fn votes(
        kind: ForestKind,
        n_features: usize,
        classes: Vec<String>,
        trees: Vec<DraftTree>,
    ) -> Self {
        let (base, n_trees) = (vec![0.0; classes.len()], trees.len());
        let outputs = Outputs::Classes(classes);
        let mut votes = Self::new(AdditiveKind::Voting, n_features, outputs, base, trees);
        votes.kind = Kind::Forest(kind);
        votes.take_mean(n_trees);
        votes
    }

    /// Number of raw values.
    pub(crate) fn n_outputs(&self) -> usize {
        self.sum.base.len()
    }

    /// The mean of so many trees, to which the base is added.
    pub(crate) fn take_mean(&mut self, n_trees: usize) {
        self.sum.divisor *= n_trees as f64;
        self.sum
            .base
            .iter_mut()
            .for_each(|it| *it *= n_trees as f64);
    }

    /// Adds in float32, the base behind the trees, as the order of additions counts then.
    pub(crate) fn add_singly(&mut self) {
        self.sum.precision = Precision::Float32;
        if self.sum.base.iter().any(|it| *it != 0.0) && self.trees.len() > 1 {
            let zeros = vec![0.0; self.n_outputs()];
            let base = vec![Node::Leaf(std::mem::replace(&mut self.sum.base, zeros))];
            self.trees.push(DraftTree::new("the base", base, None));
        }
    }
}
