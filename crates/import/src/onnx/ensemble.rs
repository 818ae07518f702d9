//! Ensembles of trees, as `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of ai.onnx.ml 1 and 3 and
//! `TreeEnsemble` of 5 have them: nodes, and the weights that leaves give to outputs.

use std::collections::HashMap;

use spinney_dataset::Budget;
use spinney_model::{Compare, limits};

use super::graph::{Graph, Node, integers, numbers, shown};
use super::proto;
use crate::ImportError;
use crate::lower::{Question, RawNode, opposite, side};

/// Bytes that a node takes: its number among those of its tree, and in the model.
const NODE_BYTES: u64 = 160;
/// Bytes that the weight of a leaf for an output takes.
const WEIGHT_BYTES: u64 = 144;
/// Bytes that a leaf takes beside its numbers.
const LEAF_BYTES: u64 = 32;

/// The operators, newest last.
const OPERATORS: [&str; 3] = [
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
    "TreeEnsemble",
];

/// What ONNX says of nodes in versions 1 and 3.
const NODES: [&str; 15] = [
    "base_values",
    "base_values_as_tensor",
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
    "aggregate_function",
];
const CLASSIFIER: [&str; 7] = [
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
];
const REGRESSOR: [&str; 6] = [
    "n_targets",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "target_weights_as_tensor",
];
/// What it says of all of version 5.
const FLAT: [&str; 16] = [
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
];

/// What a node asks, in the order of version 5's numbers.
const MODES: [&str; 7] = [
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
    "BRANCH_MEMBER",
];
/// What is made of scores, in the order of version 5's numbers.
const TRANSFORMS: [(&str, Transform); 5] = [
    ("NONE", Transform::None),
    ("SOFTMAX", Transform::Softmax),
    ("LOGISTIC", Transform::Logistic),
    ("SOFTMAX_ZERO", Transform::SoftmaxZero),
    ("PROBIT", Transform::Probit),
];
const AGGREGATES: [&str; 4] = ["AVERAGE", "SUM", "MIN", "MAX"];

/// What is made of scores.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    /// A softmax in which a score of 0 stays a probability of 0.
    SoftmaxZero,
    Probit,
}

impl Transform {
    pub(super) fn name(self) -> &'static str {
        let found = TRANSFORMS.iter().find(|it| it.1 == self);
        found.expect("each has a name").0
    }
}

/// What leaves give to which outputs, by tree and node.
type WeightsByNode = HashMap<(i64, i64), Vec<(usize, f64)>>;

/// One tree: nodes, and which of them is the root.
pub(super) struct RawTree {
    pub(super) place: String,
    pub(super) nodes: Vec<RawNode>,
    pub(super) root: usize,
}

/// An ensemble as its operator has it.
pub(super) struct Ensemble {
    pub(super) trees: Vec<RawTree>,
    /// What each leaf gives to which outputs.
    pub(super) leaves: Vec<Vec<(usize, f64)>>,
    pub(super) n_outputs: usize,
    pub(super) base: Vec<f64>,
    pub(super) transform: Transform,
    /// Whether the mean of the trees counts, not their sum.
    pub(super) is_mean: bool,
    /// Labels, if the operator classifies.
    pub(super) classes: Option<Vec<String>>,
}

/// The nodes of a graph that are ensembles.
pub(super) fn find(graph: &Graph) -> Vec<&Node> {
    let is_ensemble = |node: &&Node| OPERATORS.contains(&node.op_type.as_str());
    graph.nodes.iter().filter(is_ensemble).collect()
}

/// Reads an ensemble whose splits compare as `cast`.
///
/// # Errors
/// Modes, transforms or aggregates that no float model knows, by name; lists of unequal length; nodes that
/// form no tree.
pub(super) fn read(
    graph: &Graph,
    node: &Node,
    cast: Compare,
    budget: &Budget,
) -> Result<Ensemble, ImportError> {
    match node.op_type.as_str() {
        "TreeEnsembleClassifier" => {
            node.refuse_unknown(&[&NODES[..], &CLASSIFIER[..]].concat())?;
            let classes = classes(graph, node)?;
            limits::CLASSES.check(node.shown(), classes.len())?;
            let mut ensemble = by_id(node, "class", classes.len(), cast, budget)?;
            ensemble.classes = Some(classes);
            Ok(ensemble)
        }
        "TreeEnsembleRegressor" => {
            node.refuse_unknown(&[&NODES[..], &REGRESSOR[..]].concat())?;
            by_id(node, "target", n_targets(node)?, cast, budget)
        }
        _ => {
            node.refuse_unknown(&FLAT)?;
            flat(node, cast, budget)
        }
    }
}

fn n_targets(node: &Node) -> Result<usize, ImportError> {
    let n = node.attribute("n_targets").map_or(1, |n| n.i);
    let n = usize::try_from(n).unwrap_or(0);
    limits::TARGETS.check(format!("{}.n_targets", node.op_type), n)?;
    Ok(n)
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

/// A word among those of a list, from text or from a number of version 5.
fn word(
    node: &Node,
    name: &str,
    words: &[&'static str],
    default: usize,
) -> Result<usize, ImportError> {
    let Some(attribute) = node.attribute(name) else {
        return Ok(default);
    };
    let found = if attribute.s.is_empty() {
        usize::try_from(attribute.i)
            .ok()
            .filter(|index| *index < words.len())
    } else {
        words.iter().position(|word| word.as_bytes() == attribute.s)
    };
    found.ok_or_else(|| {
        let text = match attribute.s.is_empty() {
            true => attribute.i.to_string(),
            false => shown(&String::from_utf8_lossy(&attribute.s)),
        };
        ImportError::broken(
            format!("{}.{name}", node.op_type),
            text,
            format!("one of {}", words.join(", ")),
        )
    })
}

fn transform(node: &Node) -> Result<Transform, ImportError> {
    let names = TRANSFORMS.map(|it| it.0);
    let transform = TRANSFORMS[word(node, "post_transform", &names, 0)?].1;
    match transform {
        Transform::Probit => Err(ImportError::refused(
            format!("a {} with post_transform PROBIT", node.op_type),
            "NONE, LOGISTIC and SOFTMAX are",
        )),
        _ => Ok(transform),
    }
}

/// Whether the mean of the trees counts.
fn is_mean(node: &Node) -> Result<bool, ImportError> {
    let aggregate = AGGREGATES[word(node, "aggregate_function", &AGGREGATES, 1)?];
    match aggregate {
        "MIN" | "MAX" => Err(ImportError::refused(
            format!("a {} with aggregate_function {aggregate}", node.op_type),
            "it is no sum of trees; SUM and AVERAGE are",
        )),
        _ => Ok(aggregate == "AVERAGE"),
    }
}

fn unequal(node: &Node, name: &str, found: usize, wanted: usize) -> Result<(), ImportError> {
    if found == wanted {
        return Ok(());
    }
    Err(ImportError::broken(
        format!("{}.{name}", node.op_type),
        format!("{found} entries"),
        format!("one per node, {wanted}"),
    ))
}

/// What splits say, list by list.
struct Asked<'n> {
    features: &'n [i64],
    thresholds: Vec<f64>,
    tracks: &'n [i64],
    has_tracks: bool,
    cast: Compare,
}

impl Asked<'_> {
    /// The split at `row`, with its children by index; `members` are those of a set.
    fn split(
        &self,
        row: usize,
        mode: &str,
        members: &[f64],
        [when_true, when_false]: [usize; 2],
    ) -> Result<RawNode, ImportError> {
        let value = self.thresholds[row];
        let finite = |value: f64| value.clamp(-f64::MAX, f64::MAX);
        // Left is where readings up to a threshold go, and of sets what is in them.
        let (question, is_true_left) = match mode {
            "BRANCH_LEQ" => (Question::at_most(finite(value)), true),
            "BRANCH_LT" => (Question::below(finite(value), self.cast), true),
            "BRANCH_GT" => (Question::at_most(finite(value)), false),
            "BRANCH_GTE" => (Question::below(finite(value), self.cast), false),
            "BRANCH_EQ" => (Question::one_of(&[finite(value)], self.cast), true),
            "BRANCH_NEQ" => (Question::one_of(&[finite(value)], self.cast), false),
            "BRANCH_MEMBER" => (Question::one_of(members, self.cast), true),
            _ => {
                return Err(ImportError::refused(
                    format!("a split of mode {}", shown(mode)),
                    format!("{} are", MODES.join(", ")),
                ));
            }
        };
        let true_side = side(is_true_left);
        // A missing reading is in no order with a threshold, and equals nothing.
        let is_tracked = self.tracks.get(row).is_some_and(|it| *it != 0);
        let missing = match is_tracked || mode == "BRANCH_NEQ" {
            true => true_side,
            false => opposite(true_side),
        };
        let (left, right) = match is_true_left {
            true => (when_true, when_false),
            false => (when_false, when_true),
        };
        let is_said = self.has_tracks || missing == side(true);
        Ok(RawNode::Split {
            feature: u32::try_from(self.features[row]).unwrap_or(u32::MAX),
            question,
            missing: is_said.then_some(missing),
            left,
            right,
        })
    }
}

/// Reads an ensemble whose nodes are named by tree and number: versions 1 and 3.
fn by_id(
    node: &Node,
    leaf: &str,
    n_outputs: usize,
    cast: Compare,
    budget: &Budget,
) -> Result<Ensemble, ImportError> {
    let place = node.op_type.as_str();
    let tree_ids = node.integers("nodes_treeids");
    budget.take_items(place, tree_ids.len(), NODE_BYTES)?;
    let mut of_leaf = weights(node, leaf, n_outputs, budget)?;
    let node_ids = node.integers("nodes_nodeids");
    let true_ids = node.integers("nodes_truenodeids");
    let false_ids = node.integers("nodes_falsenodeids");
    let modes: Vec<&[u8]> = node.strings("nodes_modes").map(Vec::as_slice).collect();
    let tracks = node.integers("nodes_missing_value_tracks_true");
    let asked = Asked {
        features: node.integers("nodes_featureids"),
        thresholds: node.floats("nodes_values"),
        tracks,
        has_tracks: tracks.iter().any(|it| *it != 0),
        cast,
    };
    for (name, length) in [
        ("nodes_nodeids", node_ids.len()),
        ("nodes_featureids", asked.features.len()),
        ("nodes_modes", modes.len()),
        ("nodes_values", asked.thresholds.len()),
        ("nodes_truenodeids", true_ids.len()),
        ("nodes_falsenodeids", false_ids.len()),
    ] {
        unequal(node, name, length, tree_ids.len())?;
    }
    if !tracks.is_empty() {
        unequal(
            node,
            "nodes_missing_value_tracks_true",
            tracks.len(),
            tree_ids.len(),
        )?;
    }
    let n_leaves = modes.iter().filter(|mode| **mode == b"LEAF").count();
    let leaf_bytes = LEAF_BYTES + 16 * n_outputs as u64;
    budget.take_items("the leaves", n_leaves, leaf_bytes)?;
    let mut leaves = Vec::with_capacity(n_leaves);
    let mut trees = Vec::new();
    for (id, rows) in by_tree(tree_ids) {
        let place = format!("tree {id}");
        let mut index_of: HashMap<i64, usize> = HashMap::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            if index_of.insert(node_ids[*row], index).is_some() {
                return Err(ImportError::broken(
                    format!("{place}, nodes_nodeids"),
                    format!("{} twice", node_ids[*row]),
                    "a number of its own",
                ));
            }
        }
        let mut is_child = vec![false; rows.len()];
        let mut find = |field: &str, id: i64| {
            let at = index_of.get(&id).copied().ok_or_else(|| {
                ImportError::broken(
                    format!("{place}, {field}"),
                    id.to_string(),
                    "the number of a node of the tree",
                )
            })?;
            is_child[at] = true;
            Ok::<usize, ImportError>(at)
        };
        let mut nodes = Vec::with_capacity(rows.len());
        for row in &rows {
            if modes[*row] == b"LEAF" {
                let weights = of_leaf.remove(&(id, node_ids[*row]));
                nodes.push(RawNode::Leaf(leaves.len()));
                leaves.push(weights.unwrap_or_default());
                continue;
            }
            let children = [
                find("nodes_truenodeids", true_ids[*row])?,
                find("nodes_falsenodeids", false_ids[*row])?,
            ];
            let mode = String::from_utf8_lossy(modes[*row]);
            if mode == "BRANCH_MEMBER" {
                return Err(ImportError::refused(
                    format!("a {} with a split of mode BRANCH_MEMBER", node.op_type),
                    "only TreeEnsemble of ai.onnx.ml 5 has sets",
                ));
            }
            nodes.push(asked.split(*row, &mode, &[], children)?);
        }
        // The root is the node that is nobody's child.
        let root = is_child.iter().position(|child| !child).unwrap_or(0);
        trees.push(RawTree { place, nodes, root });
    }
    Ok(Ensemble {
        trees,
        leaves,
        n_outputs,
        base: node.floats("base_values"),
        transform: transform(node)?,
        is_mean: is_mean(node)?,
        classes: None,
    })
}

/// Rows of each tree, trees in the order in which they first appear.
fn by_tree(tree_ids: &[i64]) -> Vec<(i64, Vec<usize>)> {
    let mut groups: Vec<(i64, Vec<usize>)> = Vec::new();
    let mut group_of = HashMap::new();
    for (row, id) in tree_ids.iter().enumerate() {
        let group = *group_of.entry(*id).or_insert_with(|| {
            groups.push((*id, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(row);
    }
    groups
}

/// Weights of leaves, by tree and node.
fn weights(
    node: &Node,
    leaf: &str,
    n_outputs: usize,
    budget: &Budget,
) -> Result<WeightsByNode, ImportError> {
    let list = |name: &str| node.integers(&format!("{leaf}_{name}"));
    let (tree_ids, node_ids, ids) = (list("treeids"), list("nodeids"), list("ids"));
    budget.take_items(&node.op_type, tree_ids.len(), WEIGHT_BYTES)?;
    let weights = node.floats(&format!("{leaf}_weights"));
    let n = tree_ids.len();
    if [node_ids.len(), ids.len(), weights.len()] != [n; 3] {
        return Err(ImportError::broken(
            format!("{}.{leaf}_weights", node.op_type),
            format!(
                "{} trees, {} nodes, {} outputs, {} weights",
                n,
                node_ids.len(),
                ids.len(),
                weights.len()
            ),
            "as many of each",
        ));
    }
    let mut of_leaf = WeightsByNode::new();
    for index in 0..n {
        let output = usize::try_from(ids[index])
            .ok()
            .filter(|output| *output < n_outputs)
            .ok_or_else(|| {
                ImportError::broken(
                    format!("{}.{leaf}_ids[{index}]", node.op_type),
                    ids[index].to_string(),
                    format!("an index below {n_outputs}"),
                )
            })?;
        let weights_of = of_leaf.entry((tree_ids[index], node_ids[index]));
        weights_of.or_default().push((output, weights[index]));
    }
    Ok(of_leaf)
}

/// Reads an ensemble whose nodes and leaves are lists of their own: version 5.
fn flat(node: &Node, cast: Compare, budget: &Budget) -> Result<Ensemble, ImportError> {
    let place = node.op_type.as_str();
    let tensor = |name: &str| node.attribute(name).and_then(|it| it.t.as_ref());
    let odd = |name: &str, expected: &str| {
        ImportError::broken(format!("{place}.{name}"), "another list, or none", expected)
    };
    let modes = tensor("nodes_modes")
        .and_then(integers)
        .ok_or_else(|| odd("nodes_modes", "a tensor of integers"))?;
    let n_nodes = modes.len();
    budget.take_items(place, n_nodes, NODE_BYTES)?;
    let tracks = node.integers("nodes_missing_value_tracks_true");
    let asked = Asked {
        features: node.integers("nodes_featureids"),
        thresholds: tensor("nodes_splits")
            .and_then(numbers)
            .ok_or_else(|| odd("nodes_splits", "a tensor of float or double"))?,
        tracks,
        has_tracks: tracks.iter().any(|it| *it != 0),
        cast,
    };
    let weights = tensor("leaf_weights")
        .and_then(numbers)
        .ok_or_else(|| odd("leaf_weights", "a tensor of float or double"))?;
    let n_outputs = n_targets(node)?;
    budget.take_items(
        "the leaves",
        weights.len(),
        LEAF_BYTES + 16 * n_outputs as u64,
    )?;
    let targets = node.integers("leaf_targetids");
    unequal(node, "leaf_targetids", targets.len(), weights.len())?;
    let leaves = targets
        .iter()
        .zip(&weights)
        .enumerate()
        .map(|(index, (target, weight))| {
            let target = usize::try_from(*target).ok().filter(|it| *it < n_outputs);
            let target = target.ok_or_else(|| {
                ImportError::broken(
                    format!("{place}.leaf_targetids[{index}]"),
                    targets[index].to_string(),
                    format!("an index below {n_outputs}"),
                )
            })?;
            Ok(vec![(target, *weight)])
        })
        .collect::<Result<Vec<_>, ImportError>>()?;
    let children = [
        (
            node.integers("nodes_truenodeids"),
            node.integers("nodes_trueleafs"),
        ),
        (
            node.integers("nodes_falsenodeids"),
            node.integers("nodes_falseleafs"),
        ),
    ];
    for (name, length) in [
        ("nodes_splits", asked.thresholds.len()),
        ("nodes_featureids", asked.features.len()),
        ("nodes_truenodeids", children[0].0.len()),
        ("nodes_trueleafs", children[0].1.len()),
        ("nodes_falsenodeids", children[1].0.len()),
        ("nodes_falseleafs", children[1].1.len()),
    ] {
        unequal(node, name, length, n_nodes)?;
    }
    if !tracks.is_empty() {
        unequal(
            node,
            "nodes_missing_value_tracks_true",
            tracks.len(),
            n_nodes,
        )?;
    }
    let sets = sets(node, &modes, budget)?;
    let mut trees = Vec::new();
    let mut is_taken = vec![false; n_nodes];
    for root in node.integers("tree_roots") {
        let place = format!("the tree at {root}");
        budget.take_items(&place, 1, NODE_BYTES)?;
        // A child: a split of the file, or the leaf of this number.
        let child = |at: usize, which: usize| {
            let (ids, are_leaves) = children[which];
            let is_leaf = are_leaves[at] != 0;
            let n = if is_leaf { leaves.len() } else { n_nodes };
            let id = usize::try_from(ids[at]).ok().filter(|id| *id < n);
            let id = id.ok_or_else(|| {
                ImportError::broken(
                    format!("{place}, a child of node {at}"),
                    ids[at].to_string(),
                    format!("an index below {n}"),
                )
            })?;
            Ok::<_, ImportError>((id, is_leaf))
        };
        let start = usize::try_from(*root).ok().filter(|it| *it < n_nodes);
        let start = start.ok_or_else(|| {
            ImportError::broken(
                format!("{}.tree_roots", node.op_type),
                root.to_string(),
                format!("an index below {n_nodes}"),
            )
        })?;
        // A root whose children are one leaf stands for that leaf.
        let (when_true, when_false) = (child(start, 0)?, child(start, 1)?);
        if when_true == when_false && when_true.1 {
            let nodes = vec![RawNode::Leaf(when_true.0)];
            trees.push(RawTree {
                place,
                nodes,
                root: 0,
            });
            continue;
        }
        let mut nodes = vec![RawNode::Leaf(0)];
        let mut stack = vec![(start, 0)];
        while let Some((at, slot)) = stack.pop() {
            if std::mem::replace(&mut is_taken[at], true) {
                return Err(ImportError::broken(
                    place,
                    format!("the node {at} twice"),
                    "a node with one parent, and no cycle",
                ));
            }
            let mut slots = [0; 2];
            for (which, slot) in slots.iter_mut().enumerate() {
                let (id, is_leaf) = child(at, which)?;
                *slot = nodes.len();
                nodes.push(RawNode::Leaf(if is_leaf { id } else { 0 }));
                if !is_leaf {
                    stack.push((id, *slot));
                }
            }
            let mode = usize::try_from(modes[at]).ok().and_then(|it| MODES.get(it));
            let mode = mode.copied().unwrap_or("of another number");
            let members = sets.get(&at).map_or(&[][..], Vec::as_slice);
            nodes[slot] = asked.split(at, mode, members, slots)?;
        }
        trees.push(RawTree {
            place,
            nodes,
            root: 0,
        });
    }
    Ok(Ensemble {
        trees,
        leaves,
        n_outputs,
        base: Vec::new(),
        transform: transform(node)?,
        is_mean: is_mean(node)?,
        classes: None,
    })
}

/// The members of each set that a node asks for, ascending: one list in the order of the nodes, with a NaN
/// behind each set.
fn sets(
    node: &Node,
    modes: &[i64],
    budget: &Budget,
) -> Result<HashMap<usize, Vec<f64>>, ImportError> {
    let values = node
        .attribute("membership_values")
        .and_then(|it| it.t.as_ref())
        .and_then(numbers)
        .unwrap_or_default();
    budget.take_items("membership_values", values.len(), 32)?;
    let mut rest = values.split(|value| value.is_nan());
    let mut sets = HashMap::new();
    for (at, mode) in modes.iter().enumerate() {
        if usize::try_from(*mode).ok() != Some(MODES.len() - 1) {
            continue;
        }
        budget.take_items("membership_values", 1, NODE_BYTES)?;
        let members = rest.next().ok_or_else(|| {
            ImportError::broken(
                "TreeEnsemble.membership_values",
                "fewer sets",
                "one for each node of mode BRANCH_MEMBER",
            )
        })?;
        let mut members = members.to_vec();
        members.sort_by(f64::total_cmp);
        members.dedup();
        sets.insert(at, members);
    }
    Ok(sets)
}
