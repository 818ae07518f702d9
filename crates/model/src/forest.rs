//! Tree ensembles: a checked arena of nodes per tree, evaluated as scikit-learn does.

use crate::{ModelError, Schema, argmax, limits};

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
    #[must_use]
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

/// One node of a [`Tree`].
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Goes left where `x[feature] <= threshold`, else (NaN included) right.
    Split {
        /// Index of the feature compared.
        feature: u32,
        /// Threshold in float64, finite.
        threshold: f64,
        /// Index of the node taken when the comparison holds.
        left: u32,
        /// Index of the node taken when it does not.
        right: u32,
    },
    /// Ends a path.
    Leaf {
        /// Class proportions, one per class, each in `0.0..=1.0`, with a sum of 1 up to rounding.
        proportions: Vec<f64>,
    },
}

/// A decision tree in preorder: node 0 is the root, a split's left child follows it directly.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    n_splits: usize,
    depth: usize,
}

impl Tree {
    /// Checks that `nodes` form one tree rooted at node 0 and puts them into preorder.
    ///
    /// Takes time and memory linear in the number of nodes, whatever the nodes say.
    ///
    /// # Errors
    /// No nodes, or more splits than [`limits::TREE_SPLITS`]; a child or feature index out of range;
    /// a node reached twice (a cycle, or a shared child) or never; a threshold that is not finite;
    /// leaf proportions that are not one finite number in `0..=1` per class, adding up to 1 within
    /// 1e-6.
    pub fn new(nodes: Vec<Node>, schema: &Schema) -> Result<Self, ModelError> {
        if nodes.is_empty() {
            return Err(ModelError::new("nodes", "none", "at least one"));
        }
        // Half of all nodes split, in a tree; whether these are one is what follows.
        limits::TREE_SPLITS.check("nodes", nodes.len() / 2)?;
        for (index, node) in nodes.iter().enumerate() {
            check_node(index, node, nodes.len(), schema)?;
        }
        let order = preorder(&nodes)?;
        let mut position = vec![0_u32; nodes.len()];
        for (new, old) in (0_u32..).zip(&order) {
            position[old.index] = new;
        }
        let depth = order.iter().map(|visit| visit.depth).max().unwrap_or(0);
        let mut taken: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        let mut n_splits = 0;
        let nodes = order
            .iter()
            .map(|visit| {
                let mut node = taken[visit.index]
                    .take()
                    .expect("each node is visited once");
                if let Node::Split { left, right, .. } = &mut node {
                    n_splits += 1;
                    *left = position[*left as usize];
                    *right = position[*right as usize];
                }
                node
            })
            .collect();
        Ok(Self {
            nodes,
            n_splits,
            depth,
        })
    }

    /// The nodes in preorder.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// As [`Tree::nodes`], for who makes another tree of them.
    #[must_use]
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// Number of splits; leaves are one more.
    #[must_use]
    pub fn n_splits(&self) -> usize {
        self.n_splits
    }

    /// Largest number of splits on a path; 0 for a tree that is one leaf.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Class proportions of the leaf that a row reaches, given each reading as a split sees it.
    fn leaf(&self, seen: impl Fn(usize) -> f64) -> &[f64] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf { proportions } => return proportions,
                Node::Split {
                    feature,
                    threshold,
                    left,
                    right,
                } => {
                    let goes_left = seen(*feature as usize) <= *threshold;
                    at = if goes_left { *left } else { *right } as usize;
                }
            }
        }
    }
}

fn check_node(
    index: usize,
    node: &Node,
    n_nodes: usize,
    schema: &Schema,
) -> Result<(), ModelError> {
    let place = |field: &str| format!("nodes[{index}].{field}");
    match node {
        Node::Split {
            feature,
            threshold,
            left,
            right,
        } => {
            if *feature as usize >= schema.n_features() {
                return Err(ModelError::new(
                    place("feature"),
                    feature.to_string(),
                    format!("a feature index below {}", schema.n_features()),
                ));
            }
            if !threshold.is_finite() {
                return Err(ModelError::new(
                    place("threshold"),
                    threshold.to_string(),
                    "a finite number",
                ));
            }
            for (field, child) in [("left", left), ("right", right)] {
                if *child as usize >= n_nodes {
                    return Err(ModelError::new(
                        place(field),
                        child.to_string(),
                        format!("a node index below {n_nodes}"),
                    ));
                }
            }
        }
        Node::Leaf { proportions } => {
            if proportions.len() != schema.n_classes() {
                return Err(ModelError::new(
                    place("value"),
                    format!("{} numbers", proportions.len()),
                    format!("one per class, {}", schema.n_classes()),
                ));
            }
            // Proportions that another library rounded may leave 0..=1 by an ulp.
            if let Some(bad) = proportions
                .iter()
                .find(|value| !(0.0..=1.0 + 1e-6).contains(*value))
            {
                return Err(ModelError::new(
                    place("value"),
                    bad.to_string(),
                    "class proportions in 0..=1",
                ));
            }
            let sum: f64 = proportions.iter().sum();
            if (sum - 1.0).abs() > 1e-6 {
                return Err(ModelError::new(
                    place("value"),
                    format!("proportions that add up to {sum}"),
                    "a sum of 1",
                ));
            }
        }
    }
    Ok(())
}

struct Visit {
    index: usize,
    depth: usize,
}

/// Walks from the root, left before right, without recursion, and proves that it is a tree.
fn preorder(nodes: &[Node]) -> Result<Vec<Visit>, ModelError> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut parent_of: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut stack = vec![Visit { index: 0, depth: 0 }];
    while let Some(visit) = stack.pop() {
        if let Node::Split { left, right, .. } = &nodes[visit.index] {
            for (field, child) in [("left", *left), ("right", *right)] {
                let child = child as usize;
                let known = if child == 0 {
                    Some("the root".to_owned())
                } else {
                    parent_of[child].map(|parent| format!("a child of nodes[{parent}]"))
                };
                if let Some(known) = known {
                    return Err(ModelError::new(
                        format!("nodes[{}].{field}", visit.index),
                        format!("{child}, which is already {known}"),
                        "a node with one parent, and no cycle",
                    ));
                }
                parent_of[child] = Some(visit.index);
            }
            let depth = visit.depth + 1;
            stack.push(Visit {
                index: *right as usize,
                depth,
            });
            stack.push(Visit {
                index: *left as usize,
                depth,
            });
        }
        order.push(visit);
    }
    if let Some(lost) = (1..nodes.len()).find(|index| parent_of[*index].is_none()) {
        return Err(ModelError::new(
            format!("nodes[{lost}]"),
            "a node that no split leads to",
            "every node below the root to be somebody's child",
        ));
    }
    Ok(order)
}

/// A checked ensemble of at least one tree; a decision tree has exactly one.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    kind: ForestKind,
    schema: Schema,
    trees: Vec<Tree>,
}

impl Forest {
    /// Puts checked trees together; their order is the order in which votes are added.
    ///
    /// The trees must have been checked against the same `schema`.
    ///
    /// # Errors
    /// No tree, several in a decision tree, or more trees or splits than [`limits`] allow.
    ///
    /// # Panics
    /// If a tree was checked against a schema with other counts.
    pub fn new(kind: ForestKind, schema: Schema, trees: Vec<Tree>) -> Result<Self, ModelError> {
        limits::TREES.check("trees", trees.len())?;
        let n_splits = trees.iter().map(Tree::n_splits).sum();
        limits::SPLITS.check("trees", n_splits)?;
        if kind == ForestKind::DecisionTree && trees.len() != 1 {
            return Err(ModelError::new(
                "trees",
                format!("{} of them", trees.len()),
                "exactly one",
            ));
        }
        for node in trees.iter().flat_map(Tree::nodes) {
            match node {
                Node::Split { feature, .. } => {
                    assert!((*feature as usize) < schema.n_features());
                }
                Node::Leaf { proportions } => {
                    assert_eq!(proportions.len(), schema.n_classes());
                }
            }
        }
        Ok(Self {
            kind,
            schema,
            trees,
        })
    }

    /// Which estimator this is.
    #[must_use]
    pub fn kind(&self) -> ForestKind {
        self.kind
    }

    /// The trees, for who makes another forest of them.
    #[must_use]
    pub fn into_trees(self) -> Vec<Tree> {
        self.trees
    }

    /// Names of features and classes.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The trees, in voting order.
    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Number of splits over all trees.
    #[must_use]
    pub fn n_splits(&self) -> usize {
        self.trees.iter().map(Tree::n_splits).sum()
    }

    /// Indices of the features that some split asks, ascending.
    #[must_use]
    pub fn inputs(&self) -> Vec<usize> {
        let mut is_asked = vec![false; self.schema.n_features()];
        for node in self.trees.iter().flat_map(Tree::nodes) {
            if let Node::Split { feature, .. } = node {
                is_asked[*feature as usize] = true;
            }
        }
        (0..is_asked.len())
            .filter(|feature| is_asked[*feature])
            .collect()
    }

    /// Number of splits of all trees at each depth, from the roots at depth 0 on.
    #[must_use]
    pub fn splits_by_depth(&self) -> Vec<usize> {
        let mut counts = vec![0; self.depth()];
        for tree in &self.trees {
            // Children stand behind their split.
            let mut depths = vec![0; tree.nodes.len()];
            for (index, node) in tree.nodes.iter().enumerate() {
                if let Node::Split { left, right, .. } = node {
                    counts[depths[index]] += 1;
                    depths[*left as usize] = depths[index] + 1;
                    depths[*right as usize] = depths[index] + 1;
                }
            }
        }
        counts
    }

    /// Depth of the deepest tree.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.trees.iter().map(Tree::depth).max().unwrap_or(0)
    }

    /// The class proportions of the leaf that a row reaches in each tree, in voting order.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn leaves<'f>(&'f self, row: &'f [f64]) -> impl Iterator<Item = &'f [f64]> {
        assert_eq!(row.len(), self.schema.n_features(), "length of the row");
        let features = self.schema.features();
        self.trees
            .iter()
            .map(move |tree| tree.leaf(|feature| features[feature].compare.seen(row[feature])))
    }

    /// Mean vote per class over the trees, each in `0.0..=1.0`.
    ///
    /// Soft votes are added in tree order and divided once, as scikit-learn's `predict_proba`.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    #[must_use]
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
