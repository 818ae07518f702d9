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
    /// Goes on to one of two children.
    Split(Split),
    /// Ends a path. In a voting forest class proportions, one per class, each in `0.0..=1.0`, with a
    /// sum of 1 up to rounding. In an additive ensemble what the tree adds, finite: one number for one
    /// output, or one for each.
    Leaf(Vec<f64>),
}

/// A node with two children: goes left where the reading of a feature passes a test, else right; NaN, a
/// missing reading, goes to the side of `missing`, and right where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Index of the feature.
    pub feature: u32,
    /// What its reading is asked.
    pub test: Test,
    /// Where a missing reading goes; `None` where the model was fitted without any.
    pub missing: Option<Side>,
    /// Indices of the nodes to the left and to the right.
    pub children: [u32; 2],
}

/// What a split asks of a reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Whether it is at most this threshold, which is finite.
    AtMost(f64),
    /// Whether it is one of these categories, at least one, ascending, each below
    /// [`limits::CATEGORIES`]. Readings are the places of categories, 0 and on; what lies between two
    /// places counts as the lower one. A category that is not known is none of them.
    Among(Vec<u32>),
}

impl Node {
    /// A split at a threshold.
    pub fn at_most(
        feature: u32,
        threshold: f64,
        missing: Option<Side>,
        children: [u32; 2],
    ) -> Self {
        Self::Split(Split {
            feature,
            test: Test::AtMost(threshold),
            missing,
            children,
        })
    }

    /// The feature that is asked, and the children to the left and to the right; `None` of a leaf.
    pub fn split(&self) -> Option<(usize, [usize; 2])> {
        match self {
            Self::Split(split) => Some((
                split.feature as usize,
                split.children.map(|child| child as usize),
            )),
            Self::Leaf(_) => None,
        }
    }

    /// What a leaf holds; `None` of a split.
    pub fn leaf(&self) -> Option<&[f64]> {
        match self {
            Self::Split(_) => None,
            Self::Leaf(values) => Some(values),
        }
    }

    /// Where a missing reading goes, if the node says so.
    pub fn missing(&self) -> Option<Side> {
        match self {
            Self::Split(split) => split.missing,
            Self::Leaf(_) => None,
        }
    }

    /// Whether a reading, as the split sees it, goes left; `false` at a leaf.
    pub fn sends_left(&self, reading: f64) -> bool {
        let Self::Split(split) = self else {
            return false;
        };
        match &split.test {
            _ if reading.is_nan() => split.missing == Some(Side::Left),
            Test::AtMost(threshold) => reading <= *threshold,
            Test::Among(categories) => {
                let place = reading.floor() + 0.0;
                categories
                    .binary_search_by(|it| f64::from(*it).total_cmp(&place))
                    .is_ok()
            }
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
                if let Node::Split(split) = &mut node {
                    n_splits += 1;
                    split.children = split.children.map(|child| position[child as usize]);
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
            let fill = node.split().and_then(|(feature, _)| *fills.get(feature)?);
            // Casts: as the split compares it.
            let is_left = fill.map(|fill| node.sends_left(f64::from(fill as f32)));
            if let (Some(is_left), Node::Split(split)) = (is_left, node) {
                split.missing = Some(if is_left { Side::Left } else { Side::Right });
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

    /// How far from 0 a number of its leaves is at most.
    pub fn largest(&self) -> f64 {
        let values = self.nodes.iter().filter_map(Node::leaf).flatten();
        values.fold(0.0, |most, it| most.max(it.abs()))
    }

    /// The values of the leaf that a row reaches, given each reading as a split sees it.
    pub(crate) fn leaf(&self, seen: impl Fn(usize) -> f64) -> &[f64] {
        let mut at = 0;
        loop {
            let node = &self.nodes[at];
            let split = match node {
                Node::Split(split) => split,
                Node::Leaf(values) => return values,
            };
            let is_right = !node.sends_left(seen(split.feature as usize));
            at = split.children[usize::from(is_right)] as usize;
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
    let test = match node {
        Node::Split(split) => &split.test,
        Node::Leaf(values) => {
            return check_leaf(values).map_err(|error| ModelError {
                place: place(&error.place),
                ..error
            });
        }
    };
    match test {
        Test::AtMost(threshold) if !threshold.is_finite() => {
            Err(broken!(place("threshold"); "{threshold}"; "a finite number"))
        }
        Test::AtMost(_) => Ok(()),
        Test::Among(categories) => check_categories(categories, &place("categories")),
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
