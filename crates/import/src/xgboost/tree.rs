//! One tree of XGBoost: lists of a number per node, and sets of categories.
//!
//! A reading that is in a set goes *right*, as in a column of 0 and 1 for each category; what is no
//! category at all goes left.

use serde::Deserialize;
use serde::de::IgnoredAny;
use spinney_dataset::Budget;
use spinney_model::Side;

use super::size;
use crate::draft::DraftTree;
use crate::error::check_lengths;
use crate::lower::{Question, RawNode, lower, side};
use crate::{ImportError, Unread};

/// Bytes that a node takes beside those of the tree that is made of it.
const RAW_BYTES: u64 = 96;

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
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
    base_weights: Unread,
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
    id: Unread,
    loss_changes: Unread,
    parents: Unread,
    sum_hessian: Unread,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct TreeParam {
    size_leaf_vector: Option<String>,
    num_nodes: IgnoredAny,
    num_deleted: Unread,
    num_feature: Unread,
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
        &self,
        place: String,
        (info, weight): (i32, f32),
        n_outputs: usize,
        is_of_1_6: bool,
        budget: &Budget,
    ) -> Result<DraftTree, ImportError> {
        let within = |error: ImportError| error.within(&place);
        let (width, output) = self.outputs(info, n_outputs).map_err(within)?;
        budget.take_items(&place, self.left_children.len(), RAW_BYTES)?;
        let raw = self.raw(is_of_1_6, budget).map_err(within)?;
        let nodes = lower(&raw, 0, false, budget, &place, |at| {
            let values = self.leaf(at, width)?;
            Ok(values.iter().map(|it| f64::from(weight * it)).collect())
        })?;
        Ok(DraftTree::new(place, nodes, output))
    }

    /// Numbers of a leaf, and the one output that all leaves add to, if there is one.
    fn outputs(&self, info: i32, n_outputs: usize) -> Result<(usize, Option<usize>), ImportError> {
        let lists = [
            ("right_children", self.right_children.len()),
            ("split_conditions", self.split_conditions.len()),
            ("split_indices", self.split_indices.len()),
            ("default_left", self.default_left.len()),
        ];
        check_lengths(&lists, self.left_children.len(), "one per node, ")?;
        let width = match &self.tree_param.size_leaf_vector {
            Some(width) => size("tree_param.size_leaf_vector", width)?.max(1),
            None => 1,
        };
        if width == 1 {
            let output = usize::try_from(info);
            let output = output.map_err(|_| broken!("tree_info"; "{info}"; "an output index"))?;
            return Ok((1, Some(output)));
        }
        if width != n_outputs || self.leaf_weights.is_none() {
            return Err(ImportError::refused(
                "XGBoost's multi_output_tree of this version",
                "fit with XGBoost 3.2, or with multi_strategy=\"one_output_per_tree\"",
            ));
        }
        Ok((width, None))
    }

    /// The nodes; those that were pruned stay where they were, without a split that leads to them.
    fn raw(&self, is_of_1_6: bool, budget: &Budget) -> Result<Vec<RawNode>, ImportError> {
        let n_nodes = self.left_children.len();
        let mut is_taken = vec![false; n_nodes];
        *is_taken
            .first_mut()
            .ok_or_else(|| ImportError::broken("left_children", "no node", "at least one"))? = true;
        let mut child = |name: &str, at: usize, child: i32| {
            let index = usize::try_from(child).ok();
            let is_taken = index.and_then(|index| is_taken.get_mut(index));
            let is_taken = is_taken.ok_or_else(
                || broken!(format!("{name}[{at}]"); "{child}"; "a node index below {n_nodes}"),
            )?;
            match std::mem::replace(is_taken, true) {
                false => Ok(index.unwrap_or(0)),
                true => Err(broken!(
                    "left_children and right_children"; "the node {child} twice";
                    "a node with one parent, and no cycle"
                )),
            }
        };
        let nodes = (0..n_nodes).map(|at| {
            let (left, right) = (self.left_children[at], self.right_children[at]);
            if left == -1 {
                return Ok(RawNode::Leaf(at));
            }
            let mut children = [
                child("left_children", at, left)?,
                child("right_children", at, right)?,
            ];
            let is_left = self.default_left[at].is_set();
            let (question, missing) = match self.set(at)? {
                // 1.6 sends what lies beyond the words of a set's bits to the side of what is missing.
                Some(categories) if is_of_1_6 && !is_left => {
                    let end = categories
                        .last()
                        .map_or(0, |last| (last | 31).saturating_add(1));
                    budget.take_items("categories", end as usize, 8)?;
                    let is_other = |it: &u32| categories.binary_search(it).is_err();
                    let others = (0..end).filter(is_other).collect();
                    (Question::Among(others), Side::Right)
                }
                // What is in the set goes right here, and left in the model.
                Some(categories) => {
                    budget.take_items("categories", categories.len(), 8)?;
                    children.reverse();
                    (Question::Among(categories), side(!is_left))
                }
                None => {
                    let threshold = self.split_conditions[at].unwrap_or(f32::NAN).next_down();
                    if !threshold.is_finite() {
                        return Err(broken!(
                            format!("split_conditions[{at}]"); "{threshold}"; "a finite number"
                        ));
                    }
                    (Question::at_most(threshold.into()), side(is_left))
                }
            };
            let feature = self.split_indices[at];
            Ok(RawNode::split(feature, question, Some(missing), children))
        });
        nodes.collect()
    }

    /// The numbers of a leaf.
    fn leaf(&self, at: usize, width: usize) -> Result<Vec<f32>, ImportError> {
        let Some(all) = self.leaf_weights.as_ref().filter(|_| width > 1) else {
            return Ok(vec![self.split_conditions[at].unwrap_or(f32::NAN)]);
        };
        let right = self.right_children[at];
        let first = usize::try_from(right).ok();
        let first = first.and_then(|leaf| leaf.checked_mul(width));
        let leaf = first.and_then(|first| all.get(first..first + width));
        leaf.map(<[f32]>::to_vec).ok_or_else(
            || broken!(format!("right_children[{at}]"); "{right}"; "the index of a leaf's weights"),
        )
    }
}
