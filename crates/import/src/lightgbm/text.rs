//! `model.txt`: lines of keys and values, first of the model, then of each tree.

use spinney_dataset::Budget;
use spinney_dataset::limits::JSON_VALUES;

use super::{EXPECTED, Missing, RawModel, RawTree, member, missing};
use crate::error::{check_lengths, quoted};
use crate::{Format, ImportError, Imported};

/// Keys of the model that change nothing of what it says.
const UNREAD: [&str; 4] = ["label_index", "monotone_constraints", "tree_sizes", "tree"];
/// Keys of a tree that change nothing of what it says.
const TREE_UNREAD: [&str; 8] = [
    "num_cat",
    "split_gain",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "shrinkage",
];

/// A key that stands in a file, in quotes, and the line that it stands in.
fn unknown(line: usize, key: &str) -> ImportError {
    ImportError::refused(
        format!("line {line} of a LightGBM model with {}", quoted(key)),
        "this key is none that LightGBM 3 and 4 write, and it may change what the model says",
    )
}

pub(crate) fn import_text(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ImportError::broken("the file", error.to_string(), "text in UTF-8"))?;
    let mut lines = (1..).zip(text.lines());
    let mut model = RawModel::default();
    let mut tree: Option<Lists> = None;
    let mut is_complete = false;
    for (at, line) in &mut lines {
        let line = line.trim_end();
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let size = || {
            value.parse().map_err(|_| {
                ImportError::broken(
                    format!("line {at}, {key}"),
                    quoted(value),
                    "an integer of at least 0",
                )
            })
        };
        match (&mut tree, key) {
            (_, "") => {}
            (_, "Tree" | "end of trees") => {
                if let Some(tree) = tree.take() {
                    let place = format!("trees[{}]", model.trees.len());
                    budget.take_items(&place, 1, 64)?;
                    let tree = tree.raw(&budget, &place);
                    let tree = tree.map_err(|error| error.within(&place))?;
                    model.trees.push(tree);
                }
                if key != "Tree" {
                    is_complete = true;
                    break;
                }
                tree = Some(Lists::default());
            }
            (None, "version") => value.clone_into(&mut model.version),
            (None, "num_class") => model.num_class = size()?,
            (None, "num_tree_per_iteration") => model.num_tree_per_iteration = size()?,
            (None, "max_feature_idx") => model.max_feature_idx = size()?,
            (None, "objective") => model.objective = Some(value.to_owned()),
            (None, "average_output") => model.average_output = true,
            (None, "feature_names") => {
                for name in value.split_ascii_whitespace() {
                    budget.take_text("feature_names", name)?;
                    model.feature_names.push(name.to_owned());
                }
            }
            // Of numbers the span, as in `[-1:2.5]`, of categories those that occurred, as in `1:0`; `none`
            // of what is never asked.
            (None, "feature_infos") => {
                let are = value.split_ascii_whitespace();
                let are = are.map(|it| !it.starts_with('[') && it != "none");
                model.are_categories = are.collect();
            }
            (None, _) if UNREAD.contains(&key) => {}
            (Some(tree), _) => tree.line(at, key, value, &budget)?,
            _ => return Err(unknown(at, key)),
        }
    }
    if !is_complete {
        return Err(broken!("the file"; "no \"end of trees\""; "{EXPECTED}"));
    }
    for line in lines.map(|(_, line)| line) {
        if let Some(lists) = line.strip_prefix("pandas_categorical:") {
            budget.take_json("pandas_categorical", lists.as_bytes(), JSON_VALUES)?;
            model.pandas_categorical = serde_json::from_str(lists)
                .map_err(|error| broken!("pandas_categorical"; "{error}"; "lists of categories"))?;
        }
    }
    model.check(Format::Lightgbm, &budget)
}

/// The lists of a tree.
#[derive(Default)]
struct Lists {
    n_leaves: usize,
    feature: Vec<u32>,
    threshold: Vec<f64>,
    decision: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaf: Vec<f64>,
    /// Sets of categories, as bits: where each begins, and the bits.
    set_begins: Vec<usize>,
    set_bits: Vec<u32>,
}

impl Lists {
    fn line(
        &mut self,
        at: usize,
        key: &str,
        value: &str,
        budget: &Budget,
    ) -> Result<(), ImportError> {
        match key {
            "num_leaves" => {
                self.n_leaves = list::<usize>(at, key, value, budget)?
                    .first()
                    .copied()
                    .unwrap_or(0);
            }
            "split_feature" => self.feature = list(at, key, value, budget)?,
            "threshold" => self.threshold = list(at, key, value, budget)?,
            "decision_type" => self.decision = list(at, key, value, budget)?,
            "left_child" => self.left = list(at, key, value, budget)?,
            "right_child" => self.right = list(at, key, value, budget)?,
            "leaf_value" => self.leaf = list(at, key, value, budget)?,
            "is_linear" if value != "0" => return Err(linear()),
            "is_linear" => {}
            "cat_boundaries" => self.set_begins = list(at, key, value, budget)?,
            "cat_threshold" => self.set_bits = list(at, key, value, budget)?,
            _ if TREE_UNREAD.contains(&key) => {}
            _ => return Err(unknown(at, key)),
        }
        Ok(())
    }

    fn raw(&self, budget: &Budget, place: &str) -> Result<RawTree, ImportError> {
        let n_splits = self.n_leaves.saturating_sub(1);
        check_lengths(&[("leaf_value", self.leaf.len())], self.n_leaves.max(1), "")?;
        let lists = [
            ("split_feature", self.feature.len()),
            ("threshold", self.threshold.len()),
            ("decision_type", self.decision.len()),
            ("left_child", self.left.len()),
            ("right_child", self.right.len()),
        ];
        check_lengths(&lists, n_splits, "")?;
        budget.take_items(place, n_splits + self.leaf.len(), 48)?;
        // Leaves stand behind splits; a child below 0 is the leaf of the number's complement.
        let child = |what: &str, index: usize, child: i64| {
            let (n, behind) = match child {
                ..0 => (self.leaf.len(), n_splits),
                _ => (n_splits, 0),
            };
            let at = usize::try_from(child.max(!child)).ok().filter(|it| *it < n);
            at.map(|at| at + behind).ok_or_else(|| {
                broken!(
                    format!("{what}[{index}]"); "{child}";
                    "a split below {n_splits}, or a leaf from -{} to -1", self.leaf.len()
                )
            })
        };
        let mut tree = RawTree {
            nodes: Vec::with_capacity(n_splits + self.leaf.len()),
            ..RawTree::default()
        };
        for index in 0..n_splits {
            let decision = self.decision[index];
            let feature = self.feature[index];
            let left = child("left_child", index, self.left[index])?;
            let children = [left, child("right_child", index, self.right[index])?];
            if decision & 1 != 0 {
                let categories = self.set(index, budget)?;
                tree.nodes.push(member(feature, categories, children));
                continue;
            }
            let missing = match decision >> 2 {
                0 => Missing::None,
                1 => Missing::Zero,
                2 => Missing::Nan,
                _ => {
                    return Err(broken!(
                        format!("decision_type[{index}]"); "{decision}";
                        "a missing type of 0 to 2"
                    ));
                }
            };
            let missing = (missing, decision & 2 != 0);
            let split = missing::split(feature, self.threshold[index], missing, children);
            tree.nodes.push(split);
        }
        self.leaf.iter().for_each(|value| tree.leaf(*value));
        Ok(tree)
    }

    /// The categories that go left at a split; its threshold is the number of their set.
    fn set(&self, index: usize, budget: &Budget) -> Result<Vec<u32>, ImportError> {
        // Casts: an index, or none that there is.
        let set = self.threshold[index] as usize;
        let end = set.checked_add(1).and_then(|end| self.set_begins.get(end));
        let ends = self.set_begins.get(set).zip(end);
        let words = ends.and_then(|(begin, end)| self.set_bits.get(*begin..*end));
        let words = words.ok_or_else(|| {
            broken!(
                format!("threshold[{index}]"); "{}", self.threshold[index];
                "the number of a set in cat_boundaries"
            )
        })?;
        budget.take_items("cat_threshold", words.len(), 32 * 8)?;
        let bits = (0..).zip(words).flat_map(|(word, bits)| {
            let set = (0..32).filter(move |bit| bits >> bit & 1 == 1);
            set.map(move |bit| 32 * word + bit)
        });
        Ok(bits.collect())
    }
}

/// Refuses trees with linear models in their leaves.
pub(super) fn linear() -> ImportError {
    refused!("a LightGBM model with linear trees"; "fit with linear_tree=false")
}

/// Numbers with blanks between them.
fn list<T: std::str::FromStr>(
    at: usize,
    key: &str,
    text: &str,
    budget: &Budget,
) -> Result<Vec<T>, ImportError> {
    let n = text.split_ascii_whitespace().count();
    budget.take_items(key, n, size_of::<T>() as u64)?;
    let mut numbers = Vec::with_capacity(n);
    for word in text.split_ascii_whitespace() {
        numbers.push(word.parse().map_err(|_| {
            ImportError::broken(format!("line {at}, {key}"), quoted(word), "a number")
        })?);
    }
    Ok(numbers)
}
