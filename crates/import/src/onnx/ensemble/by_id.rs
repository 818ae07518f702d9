//! Ensembles of versions 1 and 3, whose nodes and leaves are named by tree and number.

use std::collections::HashMap;

use spinney_dataset::Budget;
use spinney_model::Compare;

use super::super::graph::Node;
use super::{Asked, Ensemble, LEAF_BYTES, NODE_BYTES, RawTree, index, unequal};
use crate::ImportError;
use crate::lower::RawNode;

/// Bytes that the weight of a leaf for an output takes.
const WEIGHT_BYTES: u64 = 144;

/// What leaves give to which outputs, by tree and node.
type WeightsByNode = HashMap<(i64, i64), Vec<(usize, f64)>>;

/// Reads an ensemble whose nodes are named by tree and number: versions 1 and 3.
pub(super) fn read(
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
    let asked = Asked::new(node, node.floats("nodes_values"), cast);
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
    asked.check_tracks(node, tree_ids.len())?;
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
                return Err(broken!(
                    format!("{place}, nodes_nodeids"); "{} twice", node_ids[*row];
                    "a number of its own"
                ));
            }
        }
        let mut is_child = vec![false; rows.len()];
        let mut find = |field: &str, id: i64| {
            let at = index_of.get(&id).copied().ok_or_else(
                || broken!(format!("{place}, {field}"); "{id}"; "the number of a node of the tree"),
            )?;
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
    Ensemble::new(node, trees, leaves, n_outputs)
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
        return Err(broken!(
            format!("{}.{leaf}_weights", node.op_type);
            "{n} trees, {} nodes, {} outputs, {} weights", node_ids.len(), ids.len(), weights.len();
            "as many of each"
        ));
    }
    let mut of_leaf = WeightsByNode::new();
    for at in 0..n {
        let place = || format!("{}.{leaf}_ids[{at}]", node.op_type);
        let output = index(ids[at], n_outputs, place)?;
        let weights_of = of_leaf.entry((tree_ids[at], node_ids[at]));
        weights_of.or_default().push((output, weights[at]));
    }
    Ok(of_leaf)
}
