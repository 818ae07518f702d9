//! Ensembles of trees, as `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of ai.onnx.ml 1 and 3 and
//! `TreeEnsemble` of 5 have them: nodes, and the weights that leaves give to outputs.

mod by_id;
mod flat;

use spinney_dataset::Budget;
use spinney_model::{Compare, limits};

use super::graph::{Graph, Node};
use super::inputs::elem_type;
use super::proto;
use crate::lower::{Question, RawNode, opposite, side};
use crate::{ImportError, shown};

/// Bytes that a node takes: its number among those of its tree, and in the model.
const NODE_BYTES: u64 = 160;
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
    /// Whether several ensembles were put together, whose sum is in no order of float32 then.
    pub(super) is_joint: bool,
    /// Whether leaves hold votes for a class.
    pub(super) has_votes: bool,
}

impl Ensemble {
    /// What a node says besides of its trees and leaves.
    fn new(
        node: &Node,
        trees: Vec<RawTree>,
        leaves: Vec<Vec<(usize, f64)>>,
        n_outputs: usize,
    ) -> Result<Self, ImportError> {
        Ok(Self {
            trees,
            leaves,
            n_outputs,
            base: node.floats("base_values"),
            transform: transform(node)?,
            is_mean: is_mean(node)?,
            classes: None,
            is_joint: false,
            has_votes: false,
        })
    }
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
            let mut ensemble = by_id::read(node, "class", classes.len(), cast, budget)?;
            ensemble.classes = Some(classes);
            Ok(ensemble)
        }
        "TreeEnsembleRegressor" => {
            node.refuse_unknown(&[&NODES[..], &REGRESSOR[..]].concat())?;
            by_id::read(node, "target", n_targets(node)?, cast, budget)
        }
        _ => {
            node.refuse_unknown(&FLAT)?;
            flat::read(node, cast, budget)
        }
    }
}

fn n_targets(node: &Node) -> Result<usize, ImportError> {
    let n = usize::try_from(node.integer("n_targets", 1)).unwrap_or(0);
    limits::TARGETS.check(format!("{}.n_targets", node.op_type), n)?;
    Ok(n)
}

fn classes(graph: &Graph, node: &Node) -> Result<Vec<String>, ImportError> {
    let strings = node.texts("classlabels_strings");
    let integers = node.integers("classlabels_int64s");
    let mut outputs = graph.outputs.iter();
    let is_bool = outputs.any(|output| elem_type(output) == proto::BOOL);
    match (strings.is_empty(), integers) {
        (false, []) => Ok(strings),
        (true, [0, 1]) if is_bool => Ok(vec!["False".to_owned(), "True".to_owned()]),
        (true, [_, ..]) => Ok(integers.iter().map(i64::to_string).collect()),
        _ => Err(broken!(
            "TreeEnsembleClassifier"; "no class labels, or two kinds";
            "classlabels_strings or classlabels_int64s"
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
    Ok(TRANSFORMS[word(node, "post_transform", &names, 0)?].1)
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

fn index(found: i64, n: usize, place: impl FnOnce() -> String) -> Result<usize, ImportError> {
    let index = usize::try_from(found).ok().filter(|index| *index < n);
    index.ok_or_else(|| broken!(place(); "{found}"; "an index below {n}"))
}

fn unequal(node: &Node, name: &str, found: usize, wanted: usize) -> Result<(), ImportError> {
    if found == wanted {
        return Ok(());
    }
    Err(broken!(format!("{}.{name}", node.op_type); "{found} entries"; "one per node, {wanted}"))
}

/// What splits say, list by list.
struct Asked<'n> {
    features: &'n [i64],
    thresholds: Vec<f64>,
    tracks: &'n [i64],
    has_tracks: bool,
    cast: Compare,
}

/// Where splits say which of them send missing readings where they are true.
const TRACKS: &str = "nodes_missing_value_tracks_true";

impl<'n> Asked<'n> {
    fn new(node: &'n Node, thresholds: Vec<f64>, cast: Compare) -> Self {
        let tracks = node.integers(TRACKS);
        Self {
            features: node.integers("nodes_featureids"),
            thresholds,
            tracks,
            has_tracks: tracks.iter().any(|it| *it != 0),
            cast,
        }
    }

    fn check_tracks(&self, node: &Node, n_nodes: usize) -> Result<(), ImportError> {
        match self.tracks.len() {
            0 => Ok(()),
            n => unequal(node, TRACKS, n, n_nodes),
        }
    }

    /// The split at `row`, with its children by index, first where it is true; `members` are those of a set.
    fn split(
        &self,
        row: usize,
        mode: &str,
        members: &[f64],
        mut children: [usize; 2],
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
                return Err(
                    refused!("a split of mode {}", shown(mode); "{} are", MODES.join(", ")),
                );
            }
        };
        let true_side = side(is_true_left);
        // A missing reading is in no order with a threshold, and equals nothing.
        let is_tracked = self.tracks.get(row).is_some_and(|it| *it != 0);
        let missing = match is_tracked || mode == "BRANCH_NEQ" {
            true => true_side,
            false => opposite(true_side),
        };
        if !is_true_left {
            children.reverse();
        }
        let is_said = self.has_tracks || missing == side(true);
        let feature = u32::try_from(self.features[row]).unwrap_or(u32::MAX);
        let missing = is_said.then_some(missing);
        Ok(RawNode::split(feature, question, missing, children))
    }
}
