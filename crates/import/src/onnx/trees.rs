//! ONNX's `TreeEnsembleClassifier`, as far as it is a mean of trees with class proportions.

use std::collections::HashMap;

use spinney_dataset::Budget;
use spinney_model::{Compare, Forest, ForestKind, Node as TreeNode, Schema, Tree};

use super::fraction::{self, Fraction};
use super::graph::{Graph, Node, shown};
use super::proto;
use crate::ImportError;

/// Bytes that a node takes: its number among those of its tree, and in the model.
const NODE_BYTES: u64 = 160;
/// Bytes that the weight of a leaf for a class takes.
const WEIGHT_BYTES: u64 = 144;
/// Bytes that a leaf takes beside its proportions.
const LEAF_BYTES: u64 = 32;

/// What ONNX says of a `TreeEnsembleClassifier`, in all versions of the operator.
const ATTRIBUTES: [&str; 21] = [
    "base_values",
    "base_values_as_tensor",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
];

/// Reads the ensemble as a forest over `n_features` features that are compared as `cast`.
///
/// # Errors
/// Modes, transforms or weights that are no mean of class proportions, by name; lists of unequal
/// length; nodes that form no tree.
pub(super) fn read(
    graph: &Graph,
    node: &Node,
    n_features: usize,
    cast: Compare,
    budget: &Budget,
) -> Result<Forest, ImportError> {
    node.refuse_unknown(&ATTRIBUTES)?;
    let transform = node
        .attribute("post_transform")
        .map_or(b"NONE".as_slice(), |attribute| &attribute.s);
    if transform != b"NONE" {
        return Err(ImportError::refused(
            format!(
                "a TreeEnsembleClassifier with post_transform {}",
                shown(&String::from_utf8_lossy(transform))
            ),
            "boosted trees are not averaged; fit a RandomForestClassifier or ExtraTreesClassifier",
        ));
    }
    if node.floats("base_values").iter().any(|value| *value != 0.0) {
        return Err(ImportError::refused(
            "a TreeEnsembleClassifier with base_values",
            "boosted trees are not averaged; fit a RandomForestClassifier or ExtraTreesClassifier",
        ));
    }
    let schema = Schema::unnamed(n_features, classes(graph, node)?)?;
    let place = "TreeEnsembleClassifier";
    let n_nodes = node.integers("nodes_treeids").len();
    budget.take_items(place, n_nodes, NODE_BYTES)?;
    let n_weights = node.integers("class_treeids").len();
    budget.take_items(place, n_weights, WEIGHT_BYTES)?;
    let raw = RawNodes::read(node)?;
    let n_leaves = raw.modes.iter().filter(|mode| **mode == b"LEAF").count();
    let leaf_bytes = LEAF_BYTES + 8 * schema.n_classes() as u64;
    budget.take_items("the leaves", n_leaves, leaf_bytes)?;
    let weights = Weights::read(node, schema.n_classes())?;
    let groups = raw.by_tree();
    let n_trees = groups.len();
    let trees = groups
        .iter()
        .map(|(id, rows)| {
            raw.tree(*id, rows, &weights, n_trees, &schema, cast)
                .map_err(|error| error.within(&format!("tree {id}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let kind = if n_trees == 1 {
        ForestKind::DecisionTree
    } else {
        ForestKind::RandomForest
    };
    Ok(Forest::new(kind, schema, trees)?)
}

fn classes(graph: &Graph, node: &Node) -> Result<Vec<String>, ImportError> {
    let strings = node.texts("classlabels_strings");
    let integers = node.integers("classlabels_int64s");
    let is_bool = graph.outputs.iter().any(|output| {
        output
            .r#type
            .as_ref()
            .and_then(|kind| kind.tensor.as_ref())
            .is_some_and(|tensor| tensor.elem_type == proto::BOOL)
    });
    match (strings.is_empty(), integers) {
        (false, []) => Ok(strings),
        (true, [0, 1]) if is_bool => Ok(vec!["False".to_owned(), "True".to_owned()]),
        (true, [_, ..]) => Ok(integers.iter().map(i64::to_string).collect()),
        _ => Err(ImportError::broken(
            "TreeEnsembleClassifier",
            "no class labels, or two kinds",
            "classlabels_strings or classlabels_int64s",
        )),
    }
}

/// The node attributes, lists of equal length.
struct RawNodes<'n> {
    tree_ids: &'n [i64],
    node_ids: &'n [i64],
    features: &'n [i64],
    modes: Vec<&'n [u8]>,
    thresholds: Vec<f64>,
    true_ids: &'n [i64],
    false_ids: &'n [i64],
}

impl<'n> RawNodes<'n> {
    fn read(node: &'n Node) -> Result<Self, ImportError> {
        let raw = Self {
            tree_ids: node.integers("nodes_treeids"),
            node_ids: node.integers("nodes_nodeids"),
            features: node.integers("nodes_featureids"),
            modes: node.strings("nodes_modes").map(Vec::as_slice).collect(),
            thresholds: node.floats("nodes_values"),
            true_ids: node.integers("nodes_truenodeids"),
            false_ids: node.integers("nodes_falsenodeids"),
        };
        let n = raw.tree_ids.len();
        for (name, length) in [
            ("nodes_nodeids", raw.node_ids.len()),
            ("nodes_featureids", raw.features.len()),
            ("nodes_modes", raw.modes.len()),
            ("nodes_values", raw.thresholds.len()),
            ("nodes_truenodeids", raw.true_ids.len()),
            ("nodes_falsenodeids", raw.false_ids.len()),
        ] {
            if length != n {
                return Err(ImportError::broken(
                    format!("TreeEnsembleClassifier.{name}"),
                    format!("{length} entries"),
                    format!("one per node, {n}"),
                ));
            }
        }
        Ok(raw)
    }

    /// Rows of each tree, trees in the order in which they first appear.
    fn by_tree(&self) -> Vec<(i64, Vec<usize>)> {
        let mut groups: Vec<(i64, Vec<usize>)> = Vec::new();
        let mut group_of = HashMap::new();
        for (row, id) in self.tree_ids.iter().enumerate() {
            let group = *group_of.entry(*id).or_insert_with(|| {
                groups.push((*id, Vec::new()));
                groups.len() - 1
            });
            groups[group].1.push(row);
        }
        groups
    }

    fn tree(
        &self,
        id: i64,
        rows: &[usize],
        weights: &Weights,
        n_trees: usize,
        schema: &Schema,
        cast: Compare,
    ) -> Result<Tree, ImportError> {
        let mut index_of: HashMap<i64, u32> = HashMap::with_capacity(rows.len());
        let mut is_child = vec![false; rows.len()];
        for (index, row) in (0_u32..).zip(rows) {
            if index_of.insert(self.node_ids[*row], index).is_some() {
                return Err(ImportError::broken(
                    "nodes_nodeids",
                    format!("{} twice", self.node_ids[*row]),
                    "a number of its own",
                ));
            }
        }
        let find = |field: &str, id: i64| {
            index_of.get(&id).copied().ok_or_else(|| {
                ImportError::broken(field, id.to_string(), "the number of a node of the tree")
            })
        };
        let mut nodes = Vec::with_capacity(rows.len());
        for row in rows {
            let mode = self.modes[*row];
            if mode == b"LEAF" {
                let proportions =
                    weights.proportions((id, self.node_ids[*row]), n_trees, schema.n_classes())?;
                nodes.push(TreeNode::Leaf {
                    values: proportions,
                });
                continue;
            }
            let when_true = find("nodes_truenodeids", self.true_ids[*row])?;
            let when_false = find("nodes_falsenodeids", self.false_ids[*row])?;
            is_child[when_true as usize] = true;
            is_child[when_false as usize] = true;
            let value = self.thresholds[*row];
            // x < t is x <= the number before t, in the type of the comparison.
            let (threshold, left, right) = match mode {
                b"BRANCH_LEQ" => (value, when_true, when_false),
                b"BRANCH_LT" => (before(value, cast), when_true, when_false),
                b"BRANCH_GT" => (value, when_false, when_true),
                b"BRANCH_GTE" => (before(value, cast), when_false, when_true),
                _ => {
                    return Err(ImportError::refused(
                        format!("a split of mode {}", shown(&String::from_utf8_lossy(mode))),
                        "BRANCH_LEQ, BRANCH_LT, BRANCH_GT and BRANCH_GTE are",
                    ));
                }
            };
            nodes.push(TreeNode::Split {
                feature: u32::try_from(self.features[*row]).unwrap_or(u32::MAX),
                threshold,
                missing: None,
                left,
                right,
            });
        }
        // The root is the node that is nobody's child; it moves to the front.
        if let Some(root) = is_child.iter().position(|child| !child) {
            nodes.swap(0, root);
            let root = u32::try_from(root).expect("fewer nodes than ids");
            for node in &mut nodes {
                if let TreeNode::Split { left, right, .. } = node {
                    for child in [left, right] {
                        *child = match *child {
                            0 => root,
                            child if child == root => 0,
                            child => child,
                        };
                    }
                }
            }
        }
        Ok(Tree::new(nodes, schema)?)
    }
}

fn before(threshold: f64, cast: Compare) -> f64 {
    match cast {
        Compare::Float32 => {
            // The largest float32 below the threshold, which may itself be no float32.
            #[expect(clippy::cast_possible_truncation, reason = "rounded down below")]
            let single = threshold as f32;
            if f64::from(single) < threshold {
                f64::from(single)
            } else {
                f64::from(single.next_down())
            }
        }
        Compare::Float64 => threshold.next_down(),
    }
}

/// Weights of leaves, by tree and node.
struct Weights {
    of_leaf: HashMap<(i64, i64), Vec<(usize, f64)>>,
    /// Two classes, but only the second one's share is stored.
    is_binary: bool,
}

impl Weights {
    fn read(node: &Node, n_classes: usize) -> Result<Self, ImportError> {
        let tree_ids = node.integers("class_treeids");
        let node_ids = node.integers("class_nodeids");
        let class_ids = node.integers("class_ids");
        let weights = node.floats("class_weights");
        let n = tree_ids.len();
        if node_ids.len() != n || class_ids.len() != n || weights.len() != n {
            return Err(ImportError::broken(
                "TreeEnsembleClassifier.class_weights",
                format!(
                    "{} trees, {} nodes, {} classes, {} weights",
                    n,
                    node_ids.len(),
                    class_ids.len(),
                    weights.len()
                ),
                "as many of each",
            ));
        }
        let first = class_ids.first();
        let is_binary = n_classes == 2 && class_ids.iter().all(|class| Some(class) == first);
        let mut of_leaf: HashMap<(i64, i64), Vec<(usize, f64)>> = HashMap::new();
        for index in 0..n {
            let class = if is_binary { 1 } else { class_ids[index] };
            let class = usize::try_from(class)
                .ok()
                .filter(|class| *class < n_classes)
                .ok_or_else(|| {
                    ImportError::broken(
                        format!("TreeEnsembleClassifier.class_ids[{index}]"),
                        class_ids[index].to_string(),
                        format!("a class index below {n_classes}"),
                    )
                })?;
            of_leaf
                .entry((tree_ids[index], node_ids[index]))
                .or_default()
                .push((class, weights[index]));
        }
        Ok(Self { of_leaf, is_binary })
    }

    /// Class proportions of a leaf, whose weights are its share of the mean over `n_trees` trees.
    fn proportions(
        &self,
        leaf: (i64, i64),
        n_trees: usize,
        n_classes: usize,
    ) -> Result<Vec<f64>, ImportError> {
        let entries = self.of_leaf.get(&leaf).map_or(&[][..], Vec::as_slice);
        let mut weights = vec![0.0; n_classes];
        for (class, weight) in entries {
            weights[*class] += weight;
        }
        if self.is_binary {
            let share = Share::of(weights[1], n_trees);
            return check(vec![share.complement(), share.value()]);
        }
        check(
            weights
                .iter()
                .map(|weight| Share::of(*weight, n_trees).value())
                .collect(),
        )
    }
}

/// Refuses what is no set of proportions, before the model does in other words.
fn check(mut proportions: Vec<f64>) -> Result<Vec<f64>, ImportError> {
    let sum: f64 = proportions.iter().sum();
    let valid = |value: &f64| (-1e-5..=1.0 + 1e-5).contains(value);
    if !((sum - 1.0).abs() < 1e-5 && proportions.iter().all(valid)) {
        return Err(ImportError::refused(
            format!(
                "a TreeEnsembleClassifier with a leaf whose weights add up to {sum} of its share"
            ),
            "leaves must hold class proportions, as those of a DecisionTreeClassifier or \
             RandomForestClassifier; boosted trees do not",
        ));
    }
    // Float32 weights may miss a sum of 1 by more than the model admits.
    if (sum - 1.0).abs() > 1e-9 {
        for value in &mut proportions {
            *value = value.clamp(0.0, 1.0) / sum;
        }
    }
    Ok(proportions)
}

/// One class's proportion: recovered as a fraction, or as near as float32 had it.
enum Share {
    Fraction(Fraction),
    Number(f64),
}

impl Share {
    fn of(weight: f64, n_trees: usize) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "compared with the original"
        )]
        let single = weight as f32;
        let found = (f64::from(single) == weight)
            .then(|| fraction::simplest(single, n_trees))
            .flatten();
        found.map_or(Self::Number(weight * n_trees as f64), Self::Fraction)
    }

    fn value(&self) -> f64 {
        match self {
            Self::Fraction(fraction) => fraction.value(),
            Self::Number(number) => *number,
        }
    }

    fn complement(&self) -> f64 {
        match self {
            Self::Fraction(fraction) => fraction.complement().value(),
            Self::Number(number) => 1.0 - number,
        }
    }
}
