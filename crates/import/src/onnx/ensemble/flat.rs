//! Ensembles of version 5, whose nodes and leaves are lists of their own.

use std::collections::HashMap;

use spinney_dataset::Budget;
use spinney_model::Compare;

use super::super::graph::{Node, integers, numbers};
use super::{Asked, Ensemble, LEAF_BYTES, MODES, NODE_BYTES, RawTree, index, n_targets, unequal};
use crate::ImportError;
use crate::lower::RawNode;

/// Reads an ensemble whose nodes and leaves are lists of their own: version 5.
pub(super) fn read(node: &Node, cast: Compare, budget: &Budget) -> Result<Ensemble, ImportError> {
    let place = node.op_type.as_str();
    let odd = |name: &str, expected: &str| {
        ImportError::broken(format!("{place}.{name}"), "another list, or none", expected)
    };
    let modes = node.tensor("nodes_modes");
    let modes = modes
        .and_then(integers)
        .ok_or_else(|| odd("nodes_modes", "a tensor of integers"))?;
    let n_nodes = modes.len();
    budget.take_items(place, n_nodes, NODE_BYTES)?;
    let floats = |name: &str| {
        let numbers = node.tensor(name).and_then(numbers);
        numbers.ok_or_else(|| odd(name, "a tensor of float or double"))
    };
    let asked = Asked::new(node, floats("nodes_splits")?, cast);
    let weights = floats("leaf_weights")?;
    let n_outputs = n_targets(node)?;
    budget.take_items(
        "the leaves",
        weights.len(),
        LEAF_BYTES + 16 * n_outputs as u64,
    )?;
    let leaves = leaves(node, &weights, n_outputs)?;
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
    asked.check_tracks(node, n_nodes)?;
    let sets = sets(node, &modes, budget)?;
    let mut lists = Lists {
        asked,
        modes,
        children,
        sets,
        n_leaves: leaves.len(),
        is_taken: vec![false; n_nodes],
    };
    let mut trees = Vec::new();
    for root in node.integers("tree_roots") {
        let place = format!("the tree at {root}");
        budget.take_items(&place, 1, NODE_BYTES)?;
        let start = index(*root, n_nodes, || format!("{}.tree_roots", node.op_type))?;
        trees.push(lists.tree(start, place)?);
    }
    Ensemble::new(node, trees, leaves, n_outputs)
}

/// What each leaf gives to which output.
fn leaves(
    node: &Node,
    weights: &[f64],
    n_outputs: usize,
) -> Result<Vec<Vec<(usize, f64)>>, ImportError> {
    let targets = node.integers("leaf_targetids");
    unequal(node, "leaf_targetids", targets.len(), weights.len())?;
    let leaves = targets.iter().zip(weights).enumerate();
    let leaves = leaves.map(|(at, (target, weight))| {
        let place = || format!("{}.leaf_targetids[{at}]", node.op_type);
        Ok(vec![(index(*target, n_outputs, place)?, *weight)])
    });
    leaves.collect()
}

/// What a file says of its nodes, list by list.
struct Lists<'n> {
    asked: Asked<'n>,
    modes: Vec<i64>,
    /// Of what is true and what is false: numbers of children, and which of these are leaves.
    children: [(&'n [i64], &'n [i64]); 2],
    sets: HashMap<usize, Vec<f64>>,
    n_leaves: usize,
    is_taken: Vec<bool>,
}

impl Lists<'_> {
    /// A child: a split of the file, or the leaf of this number.
    fn child(&self, at: usize, which: usize, place: &str) -> Result<(usize, bool), ImportError> {
        let (ids, are_leaves) = self.children[which];
        let is_leaf = are_leaves[at] != 0;
        let n = if is_leaf {
            self.n_leaves
        } else {
            self.modes.len()
        };
        let id = index(ids[at], n, || format!("{place}, a child of node {at}"))?;
        Ok((id, is_leaf))
    }

    /// The tree whose root this is.
    fn tree(&mut self, start: usize, place: String) -> Result<RawTree, ImportError> {
        // A root whose children are one leaf stands for that leaf.
        let (when_true, when_false) =
            (self.child(start, 0, &place)?, self.child(start, 1, &place)?);
        if when_true == when_false && when_true.1 {
            return Ok(RawTree {
                place,
                nodes: vec![RawNode::Leaf(when_true.0)],
                root: 0,
            });
        }
        let mut nodes = vec![RawNode::Leaf(0)];
        let mut stack = vec![(start, 0)];
        while let Some((at, slot)) = stack.pop() {
            if std::mem::replace(&mut self.is_taken[at], true) {
                return Err(broken!(
                    place; "the node {at} twice"; "a node with one parent, and no cycle"
                ));
            }
            let mut slots = [0; 2];
            for (which, slot) in slots.iter_mut().enumerate() {
                let (id, is_leaf) = self.child(at, which, &place)?;
                *slot = nodes.len();
                nodes.push(RawNode::Leaf(if is_leaf { id } else { 0 }));
                if !is_leaf {
                    stack.push((id, *slot));
                }
            }
            let mode = usize::try_from(self.modes[at]).ok();
            let mode = mode.and_then(|it| MODES.get(it)).copied();
            let mode = mode.unwrap_or("of another number");
            let members = self.sets.get(&at).map_or(&[][..], Vec::as_slice);
            nodes[slot] = self.asked.split(at, mode, members, slots)?;
        }
        Ok(RawTree {
            place,
            nodes,
            root: 0,
        })
    }
}

/// The members of each set that a node asks for, ascending: one list in the order of the nodes, with a NaN
/// behind each set.
fn sets(
    node: &Node,
    modes: &[i64],
    budget: &Budget,
) -> Result<HashMap<usize, Vec<f64>>, ImportError> {
    let values = node.tensor("membership_values").and_then(numbers);
    let values = values.unwrap_or_default();
    budget.take_items("membership_values", values.len(), 32)?;
    let mut rest = values.split(|value| value.is_nan());
    let mut sets = HashMap::new();
    for (at, mode) in modes.iter().enumerate() {
        if usize::try_from(*mode).ok() != Some(MODES.len() - 1) {
            continue;
        }
        budget.take_items("membership_values", 1, NODE_BYTES)?;
        let members = rest.next().ok_or_else(|| {
            broken!(
                "TreeEnsemble.membership_values"; "fewer sets";
                "one for each node of mode BRANCH_MEMBER"
            )
        })?;
        let mut members = members.to_vec();
        members.sort_by(f64::total_cmp);
        members.dedup();
        sets.insert(at, members);
    }
    Ok(sets)
}
