//! The JSON of `dump_model`: trees as objects within objects.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use spinney_dataset::Budget;
use spinney_dataset::limits::JsonMark;

use super::text::linear;
use super::{EXPECTED, Missing, RawModel, RawTree, member, missing};
use crate::lower::RawNode;
use crate::{Format, ImportError, Imported};

/// What the JSON takes: nodes, lists, and the items of both.
const JSON_MARKS: &[JsonMark] = &[(b'{', 320), (b'[', 48), (b',', 16)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    version: String,
    num_class: usize,
    num_tree_per_iteration: usize,
    max_feature_idx: usize,
    objective: Option<String>,
    #[serde(default)]
    average_output: bool,
    feature_names: Vec<String>,
    tree_info: Vec<Tree>,
    #[serde(default, rename = "name")]
    _name: IgnoredAny,
    #[serde(default, rename = "label_index")]
    _label_index: IgnoredAny,
    #[serde(default, rename = "monotone_constraints")]
    _monotone_constraints: IgnoredAny,
    #[serde(default)]
    feature_infos: BTreeMap<String, FeatureInfo>,
    #[serde(default, rename = "feature_importances")]
    _feature_importances: IgnoredAny,
    pandas_categorical: Option<Vec<Vec<Value>>>,
}

#[derive(Deserialize)]
struct FeatureInfo {
    /// The categories that occurred; none of a feature of numbers.
    #[serde(default)]
    values: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    tree_structure: Node,
    #[serde(default, rename = "tree_index")]
    _tree_index: IgnoredAny,
    #[serde(default, rename = "num_leaves")]
    _num_leaves: IgnoredAny,
    #[serde(default, rename = "num_cat")]
    _num_cat: IgnoredAny,
    #[serde(default, rename = "shrinkage")]
    _shrinkage: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    split_feature: Option<u32>,
    /// A number, or of categories a text.
    threshold: Option<Threshold>,
    decision_type: Option<String>,
    default_left: Option<bool>,
    missing_type: Option<String>,
    left_child: Option<Box<Node>>,
    right_child: Option<Box<Node>>,
    leaf_value: Option<f64>,
    /// Of linear trees.
    leaf_const: Option<IgnoredAny>,
    #[serde(default, rename = "leaf_features")]
    _leaf_features: IgnoredAny,
    #[serde(default, rename = "leaf_coeff")]
    _leaf_coeff: IgnoredAny,
    #[serde(default, rename = "leaf_index")]
    _leaf_index: IgnoredAny,
    #[serde(default, rename = "leaf_weight")]
    _leaf_weight: IgnoredAny,
    #[serde(default, rename = "leaf_count")]
    _leaf_count: IgnoredAny,
    #[serde(default, rename = "split_index")]
    _split_index: IgnoredAny,
    #[serde(default, rename = "split_gain")]
    _split_gain: IgnoredAny,
    #[serde(default, rename = "internal_value")]
    _internal_value: IgnoredAny,
    #[serde(default, rename = "internal_weight")]
    _internal_weight: IgnoredAny,
    #[serde(default, rename = "internal_count")]
    _internal_count: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Threshold {
    Number(f64),
    Text(String),
}

/// Reads the JSON.
pub(crate) fn import_json(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    budget.take_json("the file", bytes, JSON_MARKS)?;
    let model: Model = serde_json::from_slice(bytes).map_err(|error| {
        let expected = match error.to_string().contains("recursion limit") {
            true => {
                "trees of a depth up to 60; model.txt, which save_model writes, knows no such \
                     limit"
            }
            false => EXPECTED,
        };
        ImportError::json(&error, expected)
    })?;
    let trees = model
        .tree_info
        .into_iter()
        .enumerate()
        .map(|(index, tree)| {
            raw(tree.tree_structure).map_err(|error| error.within(&format!("tree_info[{index}]")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let infos = &model.feature_infos;
    let is_of_categories = |name| {
        let info = infos.get(name);
        info.is_some_and(|info: &FeatureInfo| !info.values.is_empty())
    };
    let are_categories = model.feature_names.iter().map(is_of_categories).collect();
    let model = RawModel {
        version: model.version,
        num_class: model.num_class,
        num_tree_per_iteration: model.num_tree_per_iteration,
        max_feature_idx: model.max_feature_idx,
        objective: model.objective,
        average_output: model.average_output,
        feature_names: model.feature_names,
        pandas_categorical: model.pandas_categorical,
        are_categories,
        trees,
    };
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
        tree.nodes
            .push(match (node.decision_type.as_deref(), node.threshold) {
                (Some("<="), Some(Threshold::Number(threshold))) => {
                    let default_left = node.default_left.ok_or_else(|| odd("no default_left"))?;
                    let missing = match node.missing_type.as_deref() {
                        Some("None") => Missing::None,
                        Some("Zero") => Missing::Zero,
                        Some("NaN") => Missing::Nan,
                        _ => return Err(odd("no missing_type of None, Zero or NaN")),
                    };
                    missing::split(feature, threshold, (missing, default_left), children)
                }
                (Some("=="), Some(Threshold::Text(text))) => {
                    let categories: Result<_, _> = text.split("||").map(str::parse).collect();
                    let categories =
                        categories.map_err(|_| odd("categories that are no numbers"))?;
                    member(feature, categories, children)
                }
                _ => return Err(odd("a split without a threshold")),
            });
        stack.push((*right, Some(new)));
        stack.push((*left, None));
    }
    Ok(tree)
}
