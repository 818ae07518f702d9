//! The JSON of `dump_model`: trees as objects within objects.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use spinney_dataset::Budget;
use spinney_dataset::limits::JsonMark;

use super::text::linear;
use super::{EXPECTED, Missing, RawModel, RawTree, member, missing};
use crate::lower::RawNode;
use crate::{Format, ImportError, Imported, Unread};

/// What the JSON takes: nodes, lists, and the items of both.
const JSON_MARKS: &[JsonMark] = &[(b'{', 320), (b'[', 48), (b',', 16)];

#[derive(Deserialize)]
pub(super) struct FeatureInfo {
    /// The categories that occurred; none of a feature of numbers.
    #[serde(default)]
    values: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
pub(super) struct Tree {
    tree_structure: Node,
    tree_index: Unread,
    num_leaves: Unread,
    num_cat: Unread,
    shrinkage: Unread,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Node {
    split_feature: Option<u32>,
    /// A number, or of categories a text.
    threshold: Option<Value>,
    decision_type: Option<String>,
    default_left: Option<bool>,
    missing_type: Option<String>,
    left_child: Option<Box<Node>>,
    right_child: Option<Box<Node>>,
    leaf_value: Option<f64>,
    /// Of linear trees.
    leaf_const: Option<IgnoredAny>,
    leaf_features: Unread,
    leaf_coeff: Unread,
    leaf_index: Unread,
    leaf_weight: Unread,
    leaf_count: Unread,
    split_index: Unread,
    split_gain: Unread,
    internal_value: Unread,
    internal_weight: Unread,
    internal_count: Unread,
}

pub(crate) fn import_json(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    budget.take_json("the file", bytes, JSON_MARKS)?;
    let mut model: RawModel = serde_json::from_slice(bytes).map_err(|error| {
        let expected = match error.to_string().contains("recursion limit") {
            true => {
                "trees of a depth up to 60; model.txt, which save_model writes, knows no such \
                     limit"
            }
            false => EXPECTED,
        };
        ImportError::json(&error, expected)
    })?;
    let trees = std::mem::take(&mut model.tree_info);
    let trees = trees.into_iter().enumerate().map(|(index, tree)| {
        raw(tree.tree_structure).map_err(|error| error.within(&format!("tree_info[{index}]")))
    });
    model.trees = trees.collect::<Result<_, _>>()?;
    let is_of_categories = |name: &String| {
        let info = model.feature_infos.get(name);
        info.is_some_and(|info| !info.values.is_empty())
    };
    model.are_categories = model.feature_names.iter().map(is_of_categories).collect();
    model.check(Format::LightgbmJson, &budget)
}

/// A tree of nodes within nodes.
fn raw(root: Node) -> Result<RawTree, ImportError> {
    let mut tree = RawTree::default();
    // A node, and the split whose right child it is.
    let mut stack: Vec<(Node, Option<usize>)> = vec![(root, None)];
    while let Some((node, parent)) = stack.pop() {
        let new = tree.nodes.len();
        if let Some(RawNode::Split(split)) = parent.map(|parent| &mut tree.nodes[parent]) {
            split.children[1] = new;
        }
        if node.leaf_const.is_some() {
            return Err(linear());
        }
        let odd = |found: &str| {
            let expected = "either a leaf_value, or a split with two children";
            ImportError::broken(format!("node {new}"), found, expected)
        };
        let (left, right) = match (node.leaf_value, node.left_child, node.right_child) {
            (Some(value), None, None) => {
                tree.leaf(value);
                continue;
            }
            (None, Some(left), Some(right)) => (left, right),
            _ => return Err(odd("neither")),
        };
        let feature = node.split_feature.ok_or_else(|| odd("no split_feature"))?;
        let children = [new + 1, 0];
        let split = match (node.decision_type.as_deref(), node.threshold) {
            (Some("<="), Some(Value::Number(threshold))) => {
                let threshold = threshold.as_f64().unwrap_or(f64::NAN);
                let default_left = node.default_left.ok_or_else(|| odd("no default_left"))?;
                let missing = match node.missing_type.as_deref() {
                    Some("None") => Missing::None,
                    Some("Zero") => Missing::Zero,
                    Some("NaN") => Missing::Nan,
                    _ => return Err(odd("no missing_type of None, Zero or NaN")),
                };
                missing::split(feature, threshold, (missing, default_left), children)
            }
            (Some("=="), Some(Value::String(text))) => {
                let categories: Result<_, _> = text.split("||").map(str::parse).collect();
                let categories = categories.map_err(|_| odd("categories that are no numbers"))?;
                member(feature, categories, children)
            }
            _ => return Err(odd("a split without a threshold")),
        };
        tree.nodes.push(split);
        stack.push((*right, Some(new)));
        stack.push((*left, None));
    }
    Ok(tree)
}
