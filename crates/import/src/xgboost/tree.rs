//! One tree of XGBoost: lists of a number per node, and sets of categories.
//!
//! A reading that is in a set goes *right*, as in a column of 0 and 1 for each category; what is no
//! category at all goes left.

use serde::Deserialize;
use serde::de::IgnoredAny;
use spinney_dataset::Budget;
use spinney_model::{Node, Side, Split, Test};

use super::size;
use crate::ImportError;
use crate::draft::DraftTree;
use crate::lower::side;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tree {
    default_left: Vec<Flag>,
    pub(super) left_children: Vec<i32>,
    right_children: Vec<i32>,
    /// Thresholds, and the values of leaves that hold one; none, or NaN, of a set of categories.
    split_conditions: Vec<Option<f32>>,
    split_indices: Vec<u32>,
    #[serde(default)]
    split_type: Vec<u8>,
    /// The values of leaves that hold several, leaf by leaf.
    leaf_weights: Option<Vec<f32>>,
    tree_param: TreeParam,
    #[serde(default, rename = "base_weights")]
    _base_weights: IgnoredAny,
    /// The categories of all sets, one behind the other.
    #[serde(default)]
    categories: Vec<u32>,
    /// The nodes that ask for sets, ascending.
    #[serde(default)]
    categories_nodes: Vec<usize>,
    /// Where the set of each of these begins.
    #[serde(default)]
    categories_segments: Vec<usize>,
    #[serde(default)]
    categories_sizes: Vec<usize>,
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    #[serde(default, rename = "loss_changes")]
    _loss_changes: IgnoredAny,
    #[serde(default, rename = "parents")]
    _parents: IgnoredAny,
    #[serde(default, rename = "sum_hessian")]
    _sum_hessian: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TreeParam {
    size_leaf_vector: Option<String>,
    #[serde(rename = "num_nodes")]
    _num_nodes: IgnoredAny,
    #[serde(default, rename = "num_deleted")]
    _num_deleted: IgnoredAny,
    #[serde(default, rename = "num_feature")]
    _num_feature: IgnoredAny,
}

/// A boolean, as some versions write it, or a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Number(u8),
    Boolean(bool),
}

impl Flag {
    fn is_set(&self) -> bool {
        match self {
            Self::Number(number) => *number != 0,
            Self::Boolean(flag) => *flag,
        }
    }
}

impl Tree {
    /// The categories that go to the right child at a node, if it asks for a set of them.
    fn set(&self, at: usize) -> Result<Option<Vec<u32>>, ImportError> {
        match self.split_type.get(at) {
            None | Some(0) => return Ok(None),
            Some(1) => {}
            Some(other) => {
                return Err(broken!(
                    format!("split_type[{at}]"); "{other}"; "0 of a threshold, or 1 of categories"
                ));
            }
        }
        let set = self.categories_nodes.binary_search(&at).ok();
        let set = set.and_then(|index| {
            let begin = *self.categories_segments.get(index)?;
            let end = begin.checked_add(*self.categories_sizes.get(index)?)?;
            self.categories.get(begin..end)
        });
        let mut set = set.map(<[u32]>::to_vec).ok_or_else(|| {
            broken!(
                format!("categories of node {at}"); "none, or a part that is not there";
                "a part of `categories`"
            )
        })?;
        set.sort_unstable();
        set.dedup();
        Ok(Some(set))
    }

    pub(super) fn draft(
        self,
        info: i32,
        weight: f32,
        n_outputs: usize,
        is_of_1_6: bool,
        budget: &Budget,
    ) -> Result<DraftTree, ImportError> {
        let n_nodes = self.left_children.len();
        for (what, found) in [
            ("right_children", self.right_children.len()),
            ("split_conditions", self.split_conditions.len()),
            ("split_indices", self.split_indices.len()),
            ("default_left", self.default_left.len()),
        ] {
            if found != n_nodes {
                return Err(broken!(what; "{found} numbers"; "one per node, {n_nodes}"));
            }
        }
        let width = match &self.tree_param.size_leaf_vector {
            Some(width) => size("tree_param.size_leaf_vector", width)?.max(1),
            None => 1,
        };
        if width > 1 && (width != n_outputs || self.leaf_weights.is_none()) {
            return Err(ImportError::refused(
                "XGBoost's multi_output_tree of this version",
                "fit with XGBoost 3.2, or with multi_strategy=\"one_output_per_tree\"",
            ));
        }
        let output = if width > 1 {
            None
        } else {
            let output = usize::try_from(info).map_err(|_| {
                ImportError::broken("tree_info", info.to_string(), "an output index")
            })?;
            Some(output)
        };
        // Nodes that were pruned stay where they were, without a split that leads to them.
        let mut nodes: Vec<Node> = Vec::with_capacity(n_nodes);
        let mut is_taken = vec![false; n_nodes];
        let mut stack: Vec<(usize, Option<usize>)> = vec![(0, None)];
        while let Some((at, parent)) = stack.pop() {
            let is_taken = is_taken
                .get_mut(at)
                .ok_or_else(|| ImportError::broken("left_children", "no node", "at least one"))?;
            if std::mem::replace(is_taken, true) {
                return Err(broken!(
                    "left_children and right_children"; "the node {at} twice";
                    "a node with one parent, and no cycle"
                ));
            }
            let new = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            if let Some(Node::Split(split)) = parent.map(|parent| &mut nodes[parent]) {
                split.children[1] = new;
            }
            let (left, right) = (self.left_children[at], self.right_children[at]);
            if left == -1 {
                let values = match &self.leaf_weights {
                    Some(all) if width > 1 => {
                        let first = usize::try_from(right)
                            .ok()
                            .and_then(|leaf| leaf.checked_mul(width));
                        let leaf = first.and_then(|first| all.get(first..first + width));
                        leaf.ok_or_else(|| {
                            broken!(
                                format!("right_children[{at}]"); "{right}";
                                "the index of a leaf's weights"
                            )
                        })?
                    }
                    _ => &[self.split_conditions[at].unwrap_or(f32::NAN)],
                };
                let values = values.iter().map(|it| f64::from(weight * it)).collect();
                nodes.push(Node::Leaf(values));
                continue;
            }
            let child = |name: &str, child: i32| {
                usize::try_from(child)
                    .ok()
                    .filter(|child| *child < n_nodes)
                    .ok_or_else(|| {
                        broken!(format!("{name}[{at}]"); "{child}"; "a node index below {n_nodes}")
                    })
            };
            let mut children = [
                child("left_children", left)?,
                child("right_children", right)?,
            ];
            let is_left = self.default_left[at].is_set();
            let (test, missing) = match self.set(at)? {
                // 1.6 sends what lies beyond the words of a set's bits to the side of what is missing.
                Some(categories) if is_of_1_6 && !is_left => {
                    let end = categories
                        .last()
                        .map_or(0, |last| (last | 31).saturating_add(1));
                    budget.take_items("categories", end as usize, 8)?;
                    let is_other = |it: &u32| categories.binary_search(it).is_err();
                    let others = (0..end).filter(is_other).collect();
                    (Test::Among(others), Side::Right)
                }
                // What is in the set goes right here, and left in the model.
                Some(categories) => {
                    budget.take_items("categories", categories.len(), 8)?;
                    children.reverse();
                    (Test::Among(categories), side(!is_left))
                }
                None => {
                    let threshold = self.split_conditions[at].unwrap_or(f32::NAN);
                    (Test::AtMost(threshold.next_down().into()), side(is_left))
                }
            };
            stack.push((children[1], Some(nodes.len())));
            stack.push((children[0], None));
            nodes.push(Node::Split(Split {
                feature: self.split_indices[at],
                test,
                missing: Some(missing),
                children: [new.saturating_add(1), 0],
            }));
        }
        Ok(DraftTree::new(nodes, output))
    }
}
