//! One tree of a checkpoint: lists of a number per node, and of categories and vectors a part per node.

use spinney_dataset::Budget;
use spinney_model::{Compare, Node as TreeNode};

use super::{Bytes, NODE_BYTES};
use crate::ImportError;
use crate::error::check_lengths;
use crate::lower::{Question, RawNode, lower, side};

/// The lists of a tree, a number per node.
pub(super) struct RawTree {
    kind: Vec<u8>,
    left: Vec<i32>,
    right: Vec<i32>,
    feature: Vec<i32>,
    default_left: Vec<u8>,
    leaf: Vec<f64>,
    threshold: Vec<f64>,
    operator: Vec<u8>,
    is_right: Vec<u8>,
    vectors: Segments<f64>,
    categories: Segments<u32>,
}

/// A list of which each node has a part.
struct Segments<T> {
    items: Vec<T>,
    begin: Vec<u64>,
    end: Vec<u64>,
}

impl<T> Segments<T> {
    fn of(&self, at: usize) -> Option<&[T]> {
        let end = usize::try_from(*self.end.get(at)?).ok()?;
        let begin = usize::try_from(*self.begin.get(at)?).ok()?;
        self.items.get(begin..end)
    }
}

impl RawTree {
    pub(super) fn read(bytes: &mut Bytes, is_double: bool) -> Result<Self, ImportError> {
        let n = bytes.count("num_nodes")?;
        bytes.one::<u8>("has_categorical_split")?;
        let tree = Self {
            kind: bytes.list("node_type")?,
            left: bytes.list("cleft")?,
            right: bytes.list("cright")?,
            feature: bytes.list("split_index")?,
            default_left: bytes.list("default_left")?,
            leaf: bytes.floats("leaf_value", is_double)?,
            threshold: bytes.floats("threshold", is_double)?,
            operator: bytes.list("cmp")?,
            is_right: bytes.list("category_list_right_child")?,
            vectors: Segments {
                items: bytes.floats("leaf_vector", is_double)?,
                begin: bytes.list("leaf_vector_begin")?,
                end: bytes.list("leaf_vector_end")?,
            },
            categories: Segments {
                items: bytes.list("category_list")?,
                begin: bytes.list("category_list_begin")?,
                end: bytes.list("category_list_end")?,
            },
        };
        // What is known of the rows of each node.
        bytes.list::<u64>("data_count")?;
        bytes.list::<u8>("data_count_present")?;
        bytes.list::<f64>("sum_hess")?;
        bytes.list::<u8>("sum_hess_present")?;
        bytes.list::<f64>("gain")?;
        bytes.list::<u8>("gain_present")?;
        bytes.nothing("num_opt_field_per_tree")?;
        bytes.nothing("num_opt_field_per_node")?;
        let lists = [
            ("node_type", tree.kind.len()),
            ("cleft", tree.left.len()),
            ("cright", tree.right.len()),
            ("split_index", tree.feature.len()),
            ("default_left", tree.default_left.len()),
            ("leaf_value", tree.leaf.len()),
            ("threshold", tree.threshold.len()),
            ("cmp", tree.operator.len()),
            ("category_list_right_child", tree.is_right.len()),
        ];
        check_lengths(&lists, n, "one per node, ")?;
        Ok(tree)
    }

    pub(super) fn nodes(
        &self,
        width: usize,
        cast: Compare,
        budget: &Budget,
        place: &str,
    ) -> Result<Vec<TreeNode>, ImportError> {
        budget.take_items(place, self.kind.len(), NODE_BYTES)?;
        let raw = (0..self.kind.len())
            .map(|at| {
                self.node(at, cast, budget)
                    .map_err(|error| error.within(place))
            })
            .collect::<Result<Vec<_>, _>>()?;
        lower(&raw, 0, false, budget, place, |at| {
            let odd = || broken!(format!("the leaf {at}"); "another number of values"; "{width}");
            let vector = self.vectors.of(at).unwrap_or(&[]);
            let values = match (vector, width) {
                ([], 1) => vec![self.leaf[at]],
                (vector, _) if vector.len() == width => vector.to_vec(),
                _ => return Err(odd()),
            };
            budget.take_items(place, values.len(), 8)?;
            Ok(values)
        })
    }

    fn node(&self, at: usize, cast: Compare, budget: &Budget) -> Result<RawNode, ImportError> {
        let child = |what: &str, child: i32| {
            usize::try_from(child).map_err(|_| {
                ImportError::broken(format!("{what}[{at}]"), child.to_string(), "a node index")
            })
        };
        if self.kind[at] == 0 {
            return Ok(RawNode::Leaf(at));
        }
        let left = child("cleft", self.left[at])?;
        let mut children = [left, child("cright", self.right[at])?];
        let threshold = self.threshold[at].clamp(-f64::MAX, f64::MAX);
        let is_set = self.kind[at] == 2;
        // Whether what the question has on its left follows the left child.
        let is_left = match (is_set, self.operator[at]) {
            (true, _) => self.is_right[at] == 0,
            (false, operator) => operator < 4,
        };
        if !is_left {
            children.reverse();
        }
        let question = match (self.kind[at], self.operator[at]) {
            (2, _) => match self.list(at, budget)? {
                // Nothing is in it.
                list if list.is_empty() => Question::among(&[]),
                list => Question::Among(list),
            },
            (1, 1) => Question::one_of(&[threshold], cast),
            (1, 2 | 5) => Question::below(threshold, cast),
            (1, 3 | 4) => Question::at_most(threshold),
            (kind, operator) => {
                return Err(broken!(
                    format!("node_type[{at}]"); "{kind} with the operator {operator}";
                    "0 to 2, and an operator of 1 to 5"
                ));
            }
        };
        let feature = u32::try_from(self.feature[at]).unwrap_or(u32::MAX);
        let missing = side((self.default_left[at] != 0) == is_left);
        Ok(RawNode::split(feature, question, Some(missing), children))
    }

    /// The list of a node: a reading counts without what is behind its point.
    fn list(&self, at: usize, budget: &Budget) -> Result<Vec<u32>, ImportError> {
        let list = self.categories.of(at).ok_or_else(|| {
            broken!(format!("category_list of node {at}"); "no such part"; "a list of categories")
        })?;
        budget.take_items("category_list", list.len(), 8)?;
        let mut list = list.to_vec();
        list.sort_unstable();
        list.dedup();
        Ok(list)
    }
}
