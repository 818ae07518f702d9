//! Trees: a checked arena of nodes, walked by the rule of scikit-learn; what forests that vote and
//! ensembles that add are made of.

use crate::{ModelError, Schema, limits};

/// A child of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The child of readings up to the threshold.
    Left,
    /// The child of readings above it.
    Right,
}

/// One node of a [`Tree`].
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Goes left where `x[feature] <= threshold`, else right; NaN, a missing reading, goes to the
    /// side of `missing`, and right where there is none.
    Split {
        /// Index of the feature compared.
        feature: u32,
        /// Threshold in float64, finite.
        threshold: f64,
        /// Where a missing reading goes; `None` where the model was fitted without any.
        missing: Option<Side>,
        /// Index of the node taken when the comparison holds.
        left: u32,
        /// Index of the node taken when it does not.
        right: u32,
    },
    /// Goes left where the reading is one of some categories, else right, as a category does that is
    /// not known; NaN, a missing reading, goes to the side of `missing`, and right where there is none.
    Member {
        /// Index of the feature; its readings are the places of categories, 0 and on. What lies
        /// between two places counts as the lower one.
        feature: u32,
        /// The categories that go left, at least one, ascending, each below [`limits::CATEGORIES`].
        categories: Vec<u32>,
        /// Where a missing reading goes; `None` where the model was fitted without any.
        missing: Option<Side>,
        /// Index of the node taken by these categories.
        left: u32,
        /// Index of the node taken by all others.
        right: u32,
    },
    /// Ends a path.
    Leaf {
        /// In a voting forest class proportions, one per class, each in `0.0..=1.0`, with a sum of 1
        /// up to rounding. In an additive ensemble what the tree adds, finite: one number for one
        /// output, or one for each.
        values: Vec<f64>,
    },
}

impl Node {
    /// The feature that is asked, and the children to the left and to the right; `None` of a leaf.
    pub fn split(&self) -> Option<(usize, [usize; 2])> {
        match self {
            Self::Split {
                feature,
                left,
                right,
                ..
            }
            | Self::Member {
                feature,
                left,
                right,
                ..
            } => Some((*feature as usize, [*left as usize, *right as usize])),
            Self::Leaf { .. } => None,
        }
    }

    /// Where a missing reading goes, if the node says so.
    pub fn missing(&self) -> Option<Side> {
        match self {
            Self::Split { missing, .. } | Self::Member { missing, .. } => *missing,
            Self::Leaf { .. } => None,
        }
    }

    /// Whether a reading, as the split sees it, goes left; `false` at a leaf.
    pub fn sends_left(&self, reading: f64) -> bool {
        match self {
            Self::Split { missing, .. } | Self::Member { missing, .. } if reading.is_nan() => {
                *missing == Some(Side::Left)
            }
            Self::Split { threshold, .. } => reading <= *threshold,
            Self::Member { categories, .. } => {
                let place = reading.floor();
                let found =
                    categories.binary_search_by(|it| f64::from(*it).total_cmp(&(place + 0.0)));
                found.is_ok()
            }
            Self::Leaf { .. } => false,
        }
    }
}

/// A decision tree in preorder: node 0 is the root, a split's left child follows it directly.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    output: Option<usize>,
    n_splits: usize,
    depth: usize,
}

impl Tree {
    /// Checks that `nodes` form one tree of a voting forest, rooted at node 0, and puts them into
    /// preorder.
    ///
    /// Takes time and memory linear in the number of nodes, whatever the nodes say.
    ///
    /// # Errors
    /// No nodes, or more splits than [`limits::TREE_SPLITS`]; a child or feature index out of range;
    /// a node reached twice (a cycle, or a shared child) or never; a threshold that is not finite;
    /// leaf proportions that are not one finite number in `0..=1` per class, adding up to 1 within
    /// 1e-6.
    pub fn new(nodes: Vec<Node>, schema: &Schema) -> Result<Self, ModelError> {
        Self::checked(nodes, schema.n_features(), None, |values| {
            check_proportions(values, schema.n_classes())
        })
    }

    /// Checks that `nodes` form one tree of an additive ensemble with `n_outputs` outputs, and puts
    /// them into preorder. Leaves hold one number that is added to `output`, or without it one for
    /// each output.
    ///
    /// # Errors
    /// As [`Tree::new`], but for leaves: those must hold so many finite numbers; an output that there
    /// is not.
    pub fn additive(
        nodes: Vec<Node>,
        schema: &Schema,
        n_outputs: usize,
        output: Option<usize>,
    ) -> Result<Self, ModelError> {
        if let Some(beyond) = output.filter(|it| *it >= n_outputs) {
            return Err(broken!("output"; "{beyond}"; "an output index below {n_outputs}"));
        }
        // One number of one output is both.
        let output = output.or((n_outputs == 1).then_some(0));
        let n_values = if output.is_some() { 1 } else { n_outputs };
        Self::checked(nodes, schema.n_features(), output, |values| {
            check_addends(values, n_values)
        })
    }

    fn checked(
        nodes: Vec<Node>,
        n_features: usize,
        output: Option<usize>,
        check_leaf: impl Fn(&[f64]) -> Result<(), ModelError>,
    ) -> Result<Self, ModelError> {
        if nodes.is_empty() {
            return Err(ModelError::new("nodes", "none", "at least one"));
        }
        // Half of all nodes split, in a tree; whether these are one is what follows.
        limits::TREE_SPLITS.check("nodes", nodes.len() / 2)?;
        for (index, node) in nodes.iter().enumerate() {
            check_node(index, node, nodes.len(), n_features, &check_leaf)?;
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
                if let Node::Split { left, right, .. } | Node::Member { left, right, .. } =
                    &mut node
                {
                    n_splits += 1;
                    *left = position[*left as usize];
                    *right = position[*right as usize];
                }
                node
            })
            .collect();
        Ok(Self {
            nodes,
            output,
            n_splits,
            depth,
        })
    }

    /// Sends missing readings where the splits send what takes their place.
    pub(crate) fn fill(&mut self, fills: &[Option<f64>]) {
        for node in &mut self.nodes {
            let fill = node.split().and_then(|(feature, _)| fills[feature]);
            // Casts: as the split compares it.
            let is_left = fill.map(|fill| node.sends_left(f64::from(fill as f32)));
            if let (Some(is_left), Node::Split { missing, .. } | Node::Member { missing, .. }) =
                (is_left, node)
            {
                *missing = Some(if is_left { Side::Left } else { Side::Right });
            }
        }
    }

    /// The nodes in preorder.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// As [`Tree::nodes`], for who makes another tree of them.
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// The one output that leaves of an additive tree add to; `None` where they hold a number for
    /// each output, or for each class.
    pub fn output(&self) -> Option<usize> {
        self.output
    }

    /// Number of splits; leaves are one more.
    pub fn n_splits(&self) -> usize {
        self.n_splits
    }

    /// Largest number of splits on a path; 0 for a tree that is one leaf.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The values of the leaf that a row reaches, given each reading as a split sees it.
    pub(crate) fn leaf(&self, seen: impl Fn(usize) -> f64) -> &[f64] {
        let mut at = 0;
        loop {
            let node = &self.nodes[at];
            let Some((feature, [left, right])) = node.split() else {
                let Node::Leaf { values } = node else {
                    unreachable!("a node splits or is a leaf");
                };
                return values;
            };
            at = if node.sends_left(seen(feature)) {
                left
            } else {
                right
            };
        }
    }
}

fn check_node(
    index: usize,
    node: &Node,
    n_nodes: usize,
    n_features: usize,
    check_leaf: impl Fn(&[f64]) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let place = |field: &str| format!("nodes[{index}].{field}");
    if let Some((feature, children)) = node.split() {
        if feature >= n_features {
            return Err(broken!(
                place("feature"); "{feature}"; "a feature index below {n_features}"
            ));
        }
        for (field, child) in ["left", "right"].into_iter().zip(children) {
            if child >= n_nodes {
                return Err(broken!(place(field); "{child}"; "a node index below {n_nodes}"));
            }
        }
    }
    match node {
        Node::Split { threshold, .. } if !threshold.is_finite() => Err(broken!(
            place("threshold"); "{threshold}"; "a finite number"
        )),
        Node::Split { .. } => Ok(()),
        Node::Member { categories, .. } => check_categories(categories, &place("categories")),
        Node::Leaf { values } => check_leaf(values).map_err(|error| ModelError {
            place: place(&error.place),
            ..error
        }),
    }
}

/// Categories are a set, ascending, of places that 16 bits hold.
fn check_categories(categories: &[u32], place: &str) -> Result<(), ModelError> {
    let n_places = categories.last().map_or(0, |last| *last as usize + 1);
    limits::CATEGORIES.check(place, n_places)?;
    if categories.is_sorted_by(|one, other| one < other) {
        return Ok(());
    }
    Err(broken!(place; "{categories:?}"; "places of categories, ascending, each once"))
}

/// What a leaf of a voting forest may hold; `place` is the leaf's key.
fn check_proportions(proportions: &[f64], n_classes: usize) -> Result<(), ModelError> {
    if proportions.len() != n_classes {
        return Err(
            broken!("value"; "{} numbers", proportions.len(); "one per class, {n_classes}"),
        );
    }
    // Proportions that another library rounded may leave 0..=1 by an ulp.
    if let Some(bad) = proportions
        .iter()
        .find(|value| !(0.0..=1.0 + 1e-6).contains(*value))
    {
        return Err(broken!("value"; "{bad}"; "class proportions in 0..=1"));
    }
    let sum: f64 = proportions.iter().sum();
    if (sum - 1.0).abs() > 1e-6 {
        return Err(broken!("value"; "proportions that add up to {sum}"; "a sum of 1"));
    }
    Ok(())
}

/// What a leaf of an additive ensemble may hold; `place` is the leaf's key.
fn check_addends(values: &[f64], n_values: usize) -> Result<(), ModelError> {
    if values.len() != n_values {
        return Err(ModelError::new(
            "value",
            format!("{} numbers", values.len()),
            match n_values {
                1 => "one, for the tree's output".to_owned(),
                _ => format!("one per output, {n_values}"),
            },
        ));
    }
    match values.iter().find(|value| !value.is_finite()) {
        Some(bad) => Err(ModelError::new("value", bad.to_string(), "a finite number")),
        None => Ok(()),
    }
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
        if let Some((_, [left, right])) = nodes[visit.index].split() {
            for (field, child) in [("left", left), ("right", right)] {
                let known = if child == 0 {
                    Some("the root".to_owned())
                } else {
                    parent_of[child].map(|parent| format!("a child of nodes[{parent}]"))
                };
                if let Some(known) = known {
                    return Err(broken!(
                        format!("nodes[{}].{field}", visit.index);
                        "{child}, which is already {known}"; "a node with one parent, and no cycle"
                    ));
                }
                parent_of[child] = Some(visit.index);
            }
            let depth = visit.depth + 1;
            stack.push(Visit {
                index: right,
                depth,
            });
            stack.push(Visit { index: left, depth });
        }
        order.push(visit);
    }
    if let Some(lost) = (1..nodes.len()).find(|index| parent_of[*index].is_none()) {
        return Err(broken!(
            format!("nodes[{lost}]"); "a node that no split leads to";
            "every node below the root to be somebody's child"
        ));
    }
    Ok(order)
}

/// Number of splits over all trees.
pub(crate) fn n_splits(trees: &[Tree]) -> usize {
    trees.iter().map(Tree::n_splits).sum()
}

/// Depth of the deepest tree.
pub(crate) fn depth(trees: &[Tree]) -> usize {
    trees.iter().map(Tree::depth).max().unwrap_or(0)
}

/// Indices of the features that some split asks, ascending.
pub(crate) fn inputs(trees: &[Tree], n_features: usize) -> Vec<usize> {
    let mut is_asked = vec![false; n_features];
    for node in trees.iter().flat_map(Tree::nodes) {
        if let Some((feature, _)) = node.split() {
            is_asked[feature] = true;
        }
    }
    (0..n_features)
        .filter(|feature| is_asked[*feature])
        .collect()
}

/// Number of splits of all trees at each depth, from the roots at depth 0 on.
pub(crate) fn splits_by_depth(trees: &[Tree]) -> Vec<usize> {
    let mut counts = vec![0; depth(trees)];
    for tree in trees {
        // Children stand behind their split.
        let mut depths = vec![0; tree.nodes.len()];
        for (index, node) in tree.nodes.iter().enumerate() {
            if let Some((_, [left, right])) = node.split() {
                counts[depths[index]] += 1;
                depths[left] = depths[index] + 1;
                depths[right] = depths[index] + 1;
            }
        }
    }
    counts
}

/// The values of the leaf that a row reaches in each tree, in order.
pub(crate) fn leaves<'f>(
    trees: &'f [Tree],
    schema: &'f Schema,
    row: &'f [f64],
) -> impl Iterator<Item = &'f [f64]> {
    assert_eq!(row.len(), schema.n_features(), "length of the row");
    let features = schema.features();
    trees
        .iter()
        .map(move |tree| tree.leaf(|feature| features[feature].compare.seen(row[feature])))
}
