//! Forests that vote: trees whose leaves hold class proportions, evaluated as scikit-learn does.

use crate::{ModelError, Node, Schema, Tree, argmax, limits, tree};

/// Which estimator a forest is; all three predict alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForestKind {
    /// One tree.
    DecisionTree,
    /// Bagged trees on random feature subsets.
    RandomForest,
    /// Trees with random thresholds.
    ExtraTrees,
}

impl ForestKind {
    /// The kind's name in `pipeline.toml`, reports and model files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DecisionTree => "decision-tree",
            Self::RandomForest => "random-forest",
            Self::ExtraTrees => "extra-trees",
        }
    }
}

/// How trees are combined into one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Voting {
    /// Class proportions of the leaves reached are averaged, as scikit-learn does.
    Soft,
    /// Each tree gives one vote to its leaf's most frequent class.
    Hard,
}

/// A checked ensemble of at least one tree; a decision tree has exactly one.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    kind: ForestKind,
    schema: Schema,
    pub(crate) trees: Vec<Tree>,
}

impl Forest {
    /// Puts checked trees together; their order is the order in which votes are added.
    ///
    /// The trees must have been checked against the same `schema`.
    ///
    /// # Errors
    /// No tree, several in a decision tree, a schema without classes, or more trees or splits than [`limits`] allow.
    ///
    /// # Panics
    /// If a tree was checked against a schema with other counts.
    pub fn new(kind: ForestKind, schema: Schema, trees: Vec<Tree>) -> Result<Self, ModelError> {
        limits::TREES.check("trees", trees.len())?;
        limits::SPLITS.check("trees", tree::n_splits(&trees))?;
        schema.must_classify()?;
        if kind == ForestKind::DecisionTree && trees.len() != 1 {
            return Err(broken!("trees"; "{} of them", trees.len(); "exactly one"));
        }
        for node in trees.iter().flat_map(Tree::nodes) {
            match node {
                Node::Split(split) => assert!((split.feature as usize) < schema.n_features()),
                Node::Leaf(values) => assert_eq!(values.len(), schema.n_classes()),
            }
        }
        Ok(Self {
            kind,
            schema,
            trees,
        })
    }

    /// The same kind of forest of other trees over the same features.
    pub(crate) fn with_trees(
        &self,
        trees: Vec<(Vec<Node>, Option<usize>)>,
    ) -> Result<Self, ModelError> {
        let of = |(nodes, _)| Tree::new(nodes, &self.schema);
        let trees = trees.into_iter().map(of).collect::<Result<_, _>>()?;
        Self::new(self.kind, self.schema.clone(), trees)
    }

    /// Which estimator this is.
    pub fn kind(&self) -> ForestKind {
        self.kind
    }

    /// The trees, for who makes another forest of them.
    pub fn into_trees(self) -> Vec<Tree> {
        self.trees
    }

    /// Names of features and classes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The trees, in voting order.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Number of splits over all trees.
    pub fn n_splits(&self) -> usize {
        tree::n_splits(&self.trees)
    }

    /// Indices of the features that some split asks, ascending.
    pub fn inputs(&self) -> Vec<usize> {
        tree::inputs(&self.trees, self.schema.n_features())
    }

    /// Number of splits of all trees at each depth, from the roots at depth 0 on.
    pub fn splits_by_depth(&self) -> Vec<usize> {
        tree::splits_by_depth(&self.trees)
    }

    /// Depth of the deepest tree.
    pub fn depth(&self) -> usize {
        tree::depth(&self.trees)
    }

    /// The class proportions of the leaf that a row reaches in each tree, in voting order.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn leaves<'f>(&'f self, row: &'f [f64]) -> impl Iterator<Item = &'f [f64]> {
        tree::leaves(&self.trees, &self.schema, row)
    }

    /// Mean vote per class over the trees, each in `0.0..=1.0`.
    ///
    /// Soft votes are added in tree order and divided once, as scikit-learn's `predict_proba`.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn scores(&self, row: &[f64], voting: Voting) -> Vec<f64> {
        let mut scores = vec![0.0; self.schema.n_classes()];
        for leaf in self.leaves(row) {
            match voting {
                Voting::Soft => {
                    for (score, proportion) in scores.iter_mut().zip(leaf) {
                        *score += proportion;
                    }
                }
                Voting::Hard => scores[argmax(leaf)] += 1.0,
            }
        }
        let n_trees = self.trees.len() as f64;
        for score in &mut scores {
            *score /= n_trees;
        }
        scores
    }
}
