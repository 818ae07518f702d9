//! Trees of Spark: a row per node of all trees.

use std::collections::BTreeMap;

use spinney_dataset::Budget;
use spinney_dataset::parquet::{Cell, Column};
use spinney_model::Side;

use super::Categories;
use crate::ImportError;
use crate::lower::{Question, RawNode};

/// What is read of nodes.
pub(super) const COLUMNS: [&str; 9] = [
    "treeID",
    "id",
    "prediction",
    "impurityStats",
    "leftChild",
    "rightChild",
    "featureIndex",
    "leftCategoriesOrThreshold",
    "numCategories",
];

/// A node of a tree.
pub(super) struct Node {
    pub(super) tree: i64,
    pub(super) id: i64,
    pub(super) prediction: f64,
    /// Of a classifier the weights of classes.
    pub(super) stats: Vec<f64>,
    pub(super) children: [i64; 2],
    pub(super) feature: i64,
    pub(super) left_categories_or_threshold: Vec<f64>,
    pub(super) n_categories: i64,
}

pub(super) fn n_rows(columns: &[Column]) -> usize {
    columns.iter().map(Column::n_rows).max().unwrap_or(0)
}

pub(super) fn nodes(columns: &[Column]) -> Result<Vec<Node>, ImportError> {
    let column = |name: &str| {
        let is_below = |path: &[String]| path.iter().any(|it| it == name);
        columns.iter().find(|column| is_below(&column.path))
    };
    let cells = |name: &str, row: usize| column(name).map_or(&[][..], |column| column.row(row));
    let odd =
        |name: &str| ImportError::broken(format!("data, {name}"), "no number", "one for each node");
    let integer = |name: &str, row: usize| match cells(name, row) {
        [Cell::Integer(integer)] => Ok(*integer),
        _ => Err(odd(name)),
    };
    let numbers = |name: &str, row: usize| {
        let numbers = cells(name, row).iter().map(|cell| match cell {
            Cell::Number(number) => Ok(*number),
            _ => Err(odd(name)),
        });
        numbers.collect::<Result<Vec<_>, _>>()
    };
    let has_trees = column("treeID").is_some();
    (0..n_rows(columns))
        .map(|row| {
            let prediction = numbers("prediction", row)?;
            Ok(Node {
                tree: if has_trees {
                    integer("treeID", row)?
                } else {
                    0
                },
                id: integer("id", row)?,
                prediction: *prediction.first().ok_or_else(|| odd("prediction"))?,
                stats: numbers("impurityStats", row)?,
                children: [integer("leftChild", row)?, integer("rightChild", row)?],
                feature: integer("featureIndex", row)?,
                left_categories_or_threshold: numbers("leftCategoriesOrThreshold", row)?,
                n_categories: integer("numCategories", row)?,
            })
        })
        .collect()
}

/// Trees by number, the nodes of each by theirs.
pub(super) fn by_tree(mut nodes: Vec<Node>) -> Vec<(i64, Vec<Node>)> {
    nodes.sort_by_key(|node| (node.tree, node.id));
    let mut trees: Vec<(i64, Vec<Node>)> = Vec::new();
    for node in nodes {
        match trees.last_mut().filter(|tree| tree.0 == node.tree) {
            Some(tree) => tree.1.push(node),
            None => trees.push((node.tree, vec![node])),
        }
    }
    trees
}

/// The nodes of a tree by index; the root is that of the lowest number.
pub(super) fn raw(
    nodes: &[Node],
    maps: &Categories,
    budget: &Budget,
) -> Result<Vec<RawNode>, ImportError> {
    let find = |id: i64| {
        nodes
            .binary_search_by_key(&id, |node| node.id)
            .map_err(|_| {
                ImportError::broken("a child", id.to_string(), "the id of a node of the tree")
            })
    };
    nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            if node.children[0] < 0 {
                return Ok(RawNode::Leaf(at));
            }
            let mut children = [find(node.children[0])?, find(node.children[1])?];
            let feature = u32::try_from(node.feature).unwrap_or(u32::MAX);
            let odd =
                |found: &str| ImportError::broken("a split", found, "a threshold, or categories");
            if node.n_categories < 0 {
                let [threshold] = node.left_categories_or_threshold[..] else {
                    return Err(odd("several thresholds, or none"));
                };
                let question = Question::at_most(threshold);
                return Ok(RawNode::split(feature, question, None, children));
            }
            // Spark keeps the smaller side of the categories; what is in neither goes to the other.
            let n = usize::try_from(node.n_categories).unwrap_or(usize::MAX);
            budget.take_items("categories", n, 24)?;
            let mut listed = node.left_categories_or_threshold.clone();
            listed.sort_by(f64::total_cmp);
            listed.dedup();
            if node.left_categories_or_threshold.len() > n / 2 {
                let is_listed =
                    |it: &f64| listed.binary_search_by(|other| other.total_cmp(it)).is_ok();
                let rest = (0..n).map(|it| it as f64).filter(|it| !is_listed(it));
                listed = rest.collect();
                children.reverse();
            }
            let listed = match maps.get(&node.feature) {
                Some(values) => readings(&listed, values)?,
                None => listed,
            };
            let question = Question::among(&listed);
            Ok(RawNode::split(
                feature,
                question,
                Some(Side::Right),
                children,
            ))
        })
        .collect()
}

/// The readings that a `VectorIndexerModel` makes these categories of.
fn readings(categories: &[f64], values: &BTreeMap<i64, f64>) -> Result<Vec<f64>, ImportError> {
    let mut readings = Vec::with_capacity(categories.len());
    for category in categories {
        // Casts: an index, or none of the map.
        let value = values.get(&(*category as i64));
        readings.push(*value.ok_or_else(
            || broken!("a split"; "the category {category}"; "one of the VectorIndexerModel"),
        )?);
    }
    readings.sort_by(f64::total_cmp);
    Ok(readings)
}

impl Node {
    /// Class proportions of a leaf.
    pub(super) fn proportions(&self, n_classes: usize) -> Result<Vec<f64>, ImportError> {
        let sum: f64 = self.stats.iter().sum();
        if self.stats.len() != n_classes || !(sum.is_finite() && sum > 0.0) {
            return Err(ImportError::broken(
                format!("impurityStats of node {}", self.id),
                format!("{} numbers that add up to {sum}", self.stats.len()),
                format!("a weight for each of {n_classes} classes"),
            ));
        }
        Ok(self.stats.iter().map(|weight| weight / sum).collect())
    }
}
