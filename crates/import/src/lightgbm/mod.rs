//! LightGBM's models: `model.txt` (`save_model`) and the JSON of `dump_model`, versions 3 and 4; the
//! format is that of `src/io/gbdt_model_text.cpp` and `src/io/tree.cpp` of its repository.
//!
//! LightGBM compares and adds in float64, and its leaves hold the learning rate. A split says what a
//! missing reading is to it: zero (*None*), nothing but a missing one (*NaN*), or what is zero (*Zero*).

mod json;
mod missing;
mod text;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use spinney_dataset::Budget;
use spinney_model::{AdditiveKind, Compare, Link, Node, Side, limits};

use crate::draft::{Draft, DraftTree, SIGMOID, Target};
use crate::error::quoted;
use crate::fold::Feed;
use crate::lower::{Question, RawNode, lower};
use crate::{Format, ImportError, Imported, Origin, Unread, classes, shown};
pub(crate) use json::import_json;
pub(crate) use text::import_text;

const EXPECTED: &str = "a model as LightGBM 3 and 4 write it";

/// A model as both forms have it, and what each has besides.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
struct RawModel {
    version: String,
    num_class: usize,
    num_tree_per_iteration: usize,
    max_feature_idx: usize,
    objective: Option<String>,
    /// Whether sums are divided by the number of rounds, as random forests do.
    #[serde(default)]
    average_output: bool,
    feature_names: Vec<String>,
    tree_info: Vec<json::Tree>,
    name: Unread,
    label_index: Unread,
    monotone_constraints: Unread,
    #[serde(default)]
    feature_infos: BTreeMap<String, json::FeatureInfo>,
    feature_importances: Unread,
    /// The categories of a data frame's columns of them, one list after the other, in order.
    pandas_categorical: Option<Vec<Vec<Value>>>,
    /// Whether each feature is one of categories, as the file tells it.
    #[serde(skip)]
    are_categories: Vec<bool>,
    #[serde(skip)]
    trees: Vec<RawTree>,
}

/// A tree; the root is the first node.
#[derive(Default)]
struct RawTree {
    nodes: Vec<RawNode>,
    /// What each leaf adds, by the number that its node has.
    leaves: Vec<f64>,
}

impl RawTree {
    fn leaf(&mut self, value: f64) {
        self.nodes.push(RawNode::Leaf(self.leaves.len()));
        self.leaves.push(value);
    }

    /// The nodes in preorder.
    ///
    /// # Errors
    /// No tree, or one that missing readings of zero would make too large.
    fn lower(&self, budget: &Budget, place: &str) -> Result<Vec<Node>, ImportError> {
        budget.take_items(place, self.nodes.len(), 96)?;
        lower(&self.nodes, 0, false, budget, place, |leaf| {
            Ok(vec![self.leaves[leaf]])
        })
    }
}

/// A split whose left child these categories, ascending, go to; all others, and what is missing, go right.
fn member(feature: u32, categories: Vec<u32>, children: [usize; 2]) -> RawNode {
    let question = Question::Among(categories);
    RawNode::split(feature, question, Some(Side::Right), children)
}

/// What a missing reading is to a split.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Missing {
    /// Zero.
    None,
    /// Missing, like any reading that is zero.
    Zero,
    /// Missing.
    Nan,
}

/// What an objective of this name delivers, and through which link: `src/objective` of LightGBM.
fn named(objective: &str) -> Option<(Target, Link)> {
    Some(match objective {
        "binary" => (Target::Binary, SIGMOID),
        "multiclass" => (Target::Multi, Link::Softmax),
        "multiclassova" => (Target::Multi, SIGMOID),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => {
            (Target::Values, Link::Identity)
        }
        "poisson" | "gamma" | "tweedie" => (Target::Values, Link::Exp),
        "cross_entropy" => (Target::Values, SIGMOID),
        _ => return None,
    })
}

/// An objective: what it delivers, and through which link.
fn objective(text: Option<&str>) -> Result<(Target, Link), ImportError> {
    let refused = |what: String| {
        Err(ImportError::refused(
            what,
            "binary, multiclass, multiclassova, regression, poisson and others of LightGBM's own \
             that deliver classes or values are read",
        ))
    };
    let Some(text) = text else {
        return refused("a LightGBM model without an objective".to_owned());
    };
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let Some((target, mut link)) = named(name) else {
        return refused(format!("LightGBM's objective {}", quoted(name)));
    };
    for word in words {
        match (word.split_once(':'), &mut link) {
            (Some(("num_class", _)), _) => {}
            (Some(("sigmoid", value)), Link::Sigmoid { scale }) => {
                *scale = value.parse().map_err(|_| {
                    ImportError::broken("objective", quoted(text), "a sigmoid that is a number")
                })?;
            }
            _ => return refused(format!("LightGBM's objective {name} with {}", quoted(word))),
        }
    }
    Ok((target, link))
}

impl RawModel {
    fn check(self, format: Format, budget: &Budget) -> Result<Imported, ImportError> {
        let (target, link) = objective(self.objective.as_deref())?;
        let n_features = self.max_feature_idx.saturating_add(1);
        limits::FEATURES.check("max_feature_idx", n_features)?;
        let n_outputs = self.num_tree_per_iteration;
        if target == Target::Multi {
            limits::CLASSES.check("num_class", self.num_class)?;
        }
        let (outputs, wanted) = target.outputs(self.num_class, 1);
        if n_outputs != wanted {
            return Err(broken!("num_tree_per_iteration"; "{n_outputs}"; "{wanted}"));
        }
        let n_trees = self.trees.len();
        if !n_trees.is_multiple_of(n_outputs) {
            return Err(broken!(
                "the trees"; "{n_trees} of them";
                "a multiple of {n_outputs}, one per output and round"
            ));
        }
        let trees = self.trees.iter().enumerate().map(|(index, tree)| {
            let place = format!("trees[{index}]");
            let nodes = tree.lower(budget, &place)?;
            Ok(DraftTree::new(place, nodes, Some(index % n_outputs)))
        });
        let trees = trees.collect::<Result<Vec<_>, ImportError>>()?;
        let names = names(self.feature_names, n_features)?;
        let mut feed = Feed::raw(names, n_features);
        let base = vec![0.0; n_outputs];
        let mut draft = Draft::new(AdditiveKind::LightGbm, n_features, outputs, base, trees);
        draft.link = link;
        if self.average_output {
            draft.take_mean(n_trees / n_outputs);
        }
        encode(
            &mut feed,
            &self.are_categories,
            self.pandas_categorical,
            budget,
        )?;
        Ok(Imported {
            model: feed.fold(draft, Compare::Float64, budget)?,
            origin: Origin {
                format,
                estimator: self.objective.unwrap_or_default(),
                library: Some(format!(
                    "LightGBM, model {}",
                    shown(&self.version).trim_matches('"')
                )),
                steps: Vec::new(),
                notes: target.note("LightGBM").into_iter().collect(),
            },
        })
    }
}

/// What the places of categories stand for, where the model was fitted on a data frame.
fn encode(
    feed: &mut Feed,
    are_categories: &[bool],
    lists: Option<Vec<Vec<Value>>>,
    budget: &Budget,
) -> Result<(), ImportError> {
    let lists = lists.unwrap_or_default();
    let features = (0..feed.n_raw).filter(|index| are_categories.get(*index) == Some(&true));
    // A column whose categories are all unused is none to LightGBM: then nobody knows whose a list is.
    if !lists.is_empty() && features.clone().count() != lists.len() {
        return Err(ImportError::refused(
            "a LightGBM model whose pandas_categorical is not one list for each feature of categories",
            "leave out columns of one category, and fit again",
        ));
    }
    for (feature, list) in features.collect::<Vec<_>>().into_iter().zip(lists) {
        budget.take_items("pandas_categorical", list.len(), 64)?;
        let numbers = list
            .iter()
            .map(|it| it.as_f64().filter(|it| it.fract() == 0.0));
        if let Some(numbers) = numbers.collect::<Option<Vec<f64>>>() {
            feed.encode(feature, numbers);
            continue;
        }
        let words = list.iter().map(classes::name);
        let words = words.collect::<Option<Vec<String>>>().ok_or_else(|| {
            ImportError::broken("pandas_categorical", "something else", "numbers, or texts")
        })?;
        feed.words.insert(feature, words);
    }
    Ok(())
}

/// The names of features, unless they are those that LightGBM makes up: `Column_0`, `Column_1`, ….
fn names(names: Vec<String>, n_features: usize) -> Result<Option<Vec<String>>, ImportError> {
    if names.len() != n_features {
        return Err(broken!(
            "feature_names"; "{} names", names.len(); "one per feature, {n_features}"
        ));
    }
    let are_made_up = names
        .iter()
        .enumerate()
        .all(|(index, name)| *name == format!("Column_{index}"));
    Ok((!are_made_up).then_some(names))
}
