//! CatBoost's models, as `save_model(…, format="json")` writes them; the writer is
//! `catboost/libs/model/model_export/json_model_helpers.cpp` of its repository.
//!
//! A split asks `x > border` in float32, or whether a category is one of a value, and its answer is a bit.
//! In an oblivious tree all nodes of a depth ask the same, and the bits, the first the lowest, are the
//! index of the leaf. CatBoost adds in float64.

mod questions;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use spinney_dataset::Budget;
use spinney_dataset::limits::JsonMark;
use spinney_model::{AdditiveKind, Compare, Link, limits};

use crate::draft::{Draft, DraftTree, Outputs, SIGMOID, Target};
use crate::fold::Feed;
use crate::lower::{RawNode, lower};
use crate::{Format, ImportError, Imported, Origin, Unread, classes, shown};
use questions::Questions;

/// What the JSON takes: nodes, lists, and the items of both.
const JSON_MARKS: &[JsonMark] = &[(b'{', 480), (b'[', 48), (b',', 40)];

const EXPECTED: &str = "a model as CatBoost 1 writes it with format=\"json\"";

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Model {
    features_info: Features,
    #[serde(default)]
    oblivious_trees: Vec<Oblivious>,
    #[serde(default)]
    trees: Vec<Node>,
    /// A list of biases since 0.26.
    scale_and_bias: (f64, Numbers),
    #[serde(default)]
    model_info: Info,
    /// Of ctr features, which are refused where a split asks for one.
    ctr_data: Unread,
}

/// A number for each output, of which one may stand by itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(f64),
    Each(Vec<f64>),
}

impl From<Numbers> for Vec<f64> {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::One(number) => vec![number],
            Numbers::Each(numbers) => numbers,
        }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Features {
    #[serde(default)]
    float_features: Vec<Feature>,
    #[serde(default)]
    categorical_features: Vec<Feature>,
    /// The texts of categories, where the rows were at hand when the model was saved.
    cat_features_hash: Option<Vec<Hashed>>,
    #[serde(default)]
    text_features: Vec<IgnoredAny>,
    #[serde(default)]
    embedding_features: Vec<IgnoredAny>,
    ctrs: Unread,
}

/// A feature, with its name in one place where the rows were at hand when the model was saved, and in another
/// where not, in which a feature without a name is empty.
#[derive(Deserialize)]
struct Feature {
    flat_feature_index: usize,
    feature_name: Option<String>,
    feature_id: Option<String>,
    /// Of floats alone.
    nan_value_treatment: Option<String>,
}

#[derive(Deserialize)]
struct Hashed {
    hash: u32,
    value: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Oblivious {
    /// Leaf by leaf, a number per output.
    leaf_values: Vec<f64>,
    /// None of a tree that is one leaf.
    splits: Option<Vec<Split>>,
    leaf_weights: Unread,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is not read is named, and all else refused")]
#[serde(deny_unknown_fields)]
struct Node {
    split: Option<Split>,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
    value: Option<Numbers>,
    weight: Unread,
}

#[derive(Deserialize, Clone)]
struct Split {
    split_type: String,
    float_feature_index: Option<usize>,
    border: Option<f64>,
    cat_feature_index: Option<usize>,
    /// The hash of a category, in as many bits, with or without a sign.
    value: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Info {
    catboost_version_info: Option<String>,
    class_params: Option<ClassParams>,
    binclass_probability_threshold: Option<String>,
    #[serde(default)]
    params: Params,
}

#[derive(Deserialize, Default)]
struct Params {
    loss_function: Option<Loss>,
}

#[derive(Deserialize)]
struct Loss {
    #[serde(rename = "type")]
    name: String,
}

#[derive(Deserialize)]
struct ClassParams {
    class_label_type: Option<String>,
    #[serde(default)]
    class_names: Vec<Value>,
}

/// What a loss delivers, and what `predict` makes of raw values; `None` of one that is not read.
fn loss(name: &str) -> Option<(Target, Link)> {
    Some(match name {
        "Logloss" | "Focal" | "CrossEntropy" => (Target::Binary, SIGMOID),
        "MultiClass" => (Target::Multi, Link::Softmax),
        "MultiClassOneVsAll" => (Target::Multi, SIGMOID),
        "RMSE" | "MultiRMSE" | "MAE" | "Quantile" | "MultiQuantile" | "LogLinQuantile"
        | "Expectile" | "MAPE" | "Huber" | "LogCosh" | "Lq" => (Target::Values, Link::Identity),
        "Poisson" | "Tweedie" => (Target::Values, Link::Exp),
        _ => return None,
    })
}

pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    budget.take_json("the file", bytes, JSON_MARKS)?;
    let model: Model =
        serde_json::from_slice(bytes).map_err(|error| ImportError::json(&error, EXPECTED))?;
    model.check(&budget)
}

impl Model {
    fn check(self, budget: &Budget) -> Result<Imported, ImportError> {
        let loss = self.model_info.params.loss_function;
        let loss = loss.ok_or_else(|| {
            ImportError::broken("model_info.params", "no loss_function", EXPECTED)
        })?;
        let Some((target, link)) = self::loss(&loss.name) else {
            return Err(ImportError::refused(
                format!("CatBoost's loss {}", shown(&loss.name)),
                "Logloss, MultiClass, RMSE, Quantile, Poisson and others that deliver classes or values \
                 are read",
            ));
        };
        let (scale, biases) = self.scale_and_bias;
        let base = Vec::from(biases);
        let n = base.len();
        limits::TARGETS.check("scale_and_bias", n)?;
        let labels = match &self.model_info.class_params {
            Some(params) => params.labels()?,
            None => Vec::new(),
        };
        let (outputs, wanted) = match target {
            Target::Values => (Outputs::targets(n), n),
            Target::Binary => (Outputs::Classes(classes::named(labels, 2)), 1),
            Target::Multi => {
                limits::CLASSES.check("scale_and_bias", n)?;
                (Outputs::Classes(classes::named(labels, n)), n)
            }
        };
        if n != wanted {
            return Err(broken!("scale_and_bias"; "{n} biases"; "{wanted}"));
        }
        let threshold = match (target, &self.model_info.binclass_probability_threshold) {
            (Target::Binary, Some(text)) => Some(logit(text)?),
            _ => None,
        };
        let questions = Questions::of(&self.features_info)?;
        let levels = self.oblivious_trees.into_iter().enumerate();
        let levels = levels.map(|(index, tree)| {
            let raw = oblivious(tree, n, &questions, budget);
            (format!("oblivious_trees[{index}]"), raw)
        });
        let others = self.trees.into_iter().enumerate();
        let others =
            others.map(|(index, tree)| (format!("trees[{index}]"), nested(tree, n, &questions)));
        let trees = levels.chain(others).map(|(place, raw)| {
            let (raw, leaves) = raw.map_err(|error| error.within(&place))?;
            let leaf = |leaf: usize| Ok(leaves[leaf].iter().map(|value| scale * value).collect());
            let nodes = lower(&raw, 0, true, budget, &place, leaf)?;
            Ok(DraftTree::new(place, nodes, (n == 1).then_some(0)))
        });
        let trees = trees.collect::<Result<_, ImportError>>()?;
        let n_features = questions.n_features;
        let draft = Draft {
            link,
            threshold,
            ..Draft::new(AdditiveKind::CatBoost, n_features, outputs, base, trees)
        };
        let mut feed = Feed::raw(questions.names, n_features);
        if !questions.words.is_empty() {
            let n_words = questions.words.len() * questions.categories.len();
            budget.take_items("cat_features_hash", n_words, 64)?;
            let words = |feature: &u32| (*feature as usize, questions.words.clone());
            feed.words = questions.categories.iter().map(words).collect();
        }
        let version = self.model_info.catboost_version_info.unwrap_or_default();
        let version = version.lines().find(|line| line.contains("Tag"));
        let version = version.and_then(|line| line.rsplit(['/', ' ', 'v']).next());
        Ok(Imported {
            model: feed.fold(draft, Compare::Float32, budget)?,
            origin: Origin {
                format: Format::Catboost,
                estimator: loss.name,
                library: Some(match version {
                    Some(version) => format!("CatBoost {}", shown(version)),
                    None => "CatBoost".to_owned(),
                }),
                steps: Vec::new(),
                notes: Vec::new(),
            },
        })
    }
}

/// The raw value above which a probability is above that of a text.
fn logit(text: &str) -> Result<f64, ImportError> {
    let probability = text.parse().ok().filter(|it| (0.0..1.0).contains(it));
    match probability.filter(|it: &f64| *it > 0.0) {
        Some(probability) => Ok(-libm::log(1.0 / probability - 1.0)),
        None => Err(ImportError::broken(
            "model_info.binclass_probability_threshold",
            shown(text),
            "a number between 0 and 1",
        )),
    }
}

impl ClassParams {
    fn labels(&self) -> Result<Vec<String>, ImportError> {
        let is_float = self.class_label_type.as_deref() == Some("Float");
        let labels = self.class_names.iter().map(|label| {
            // A whole number is written without its point.
            let whole = label.as_f64().filter(|_| is_float).map(Value::from);
            classes::name(whole.as_ref().unwrap_or(label)).ok_or_else(|| {
                broken!(
                    "model_info.class_params.class_names"; "something else";
                    "numbers, booleans or texts"
                )
            })
        });
        labels.collect()
    }
}

type RawTree = (Vec<RawNode>, Vec<Vec<f64>>);

/// An oblivious tree as nodes: those of a depth, from the highest bit on, one behind the other.
fn oblivious(
    tree: Oblivious,
    n: usize,
    questions: &Questions,
    budget: &Budget,
) -> Result<RawTree, ImportError> {
    let splits = tree.splits.unwrap_or_default();
    let depth = splits.len();
    if depth > 16 || tree.leaf_values.len() != n << depth {
        return Err(broken!(
            "leaf_values"; "{} numbers behind {depth} splits", tree.leaf_values.len();
            "{n} for each leaf, and at most 16 splits"
        ));
    }
    let n_leaves = 1_usize << depth;
    budget.take_items("leaf_values", n_leaves, 240 + 16 * n as u64)?;
    let mut nodes = Vec::with_capacity(2 * n_leaves);
    for (above, split) in splits.iter().rev().enumerate() {
        let node = questions.split(split, 0, 0)?;
        for _ in 0..1_usize << above {
            let at = nodes.len();
            let mut node = node.clone();
            if let RawNode::Split(asked) = &mut node {
                asked.children = [2 * at + 1, 2 * at + 2];
                // A one-hot split has its children the other way round.
                if split.split_type == "OneHotFeature" {
                    asked.children.reverse();
                }
            }
            nodes.push(node);
        }
    }
    nodes.extend((0..n_leaves).map(RawNode::Leaf));
    let leaves = tree.leaf_values.chunks(n).map(<[f64]>::to_vec);
    Ok((nodes, leaves.collect()))
}

/// A tree of nodes within nodes.
fn nested(root: Node, n: usize, questions: &Questions) -> Result<RawTree, ImportError> {
    let (mut nodes, mut leaves) = (vec![RawNode::Leaf(0)], Vec::new());
    let mut stack = vec![(root, 0)];
    while let Some((node, at)) = stack.pop() {
        match (node.split, node.left, node.right, node.value) {
            (Some(split), Some(left), Some(right), None) => {
                let next = nodes.len();
                nodes[at] = questions.split(&split, next, next + 1)?;
                nodes.extend([RawNode::Leaf(0), RawNode::Leaf(0)]);
                stack.extend([(*left, next), (*right, next + 1)]);
            }
            (None, None, None, Some(leaf)) => {
                let values = Vec::from(leaf);
                if values.len() != n {
                    return Err(broken!("a leaf"; "{} numbers", values.len(); "{n}"));
                }
                nodes[at] = RawNode::Leaf(leaves.len());
                leaves.push(values);
            }
            _ => {
                return Err(broken!("a node"; "neither"; "a split with two children, or a value"));
            }
        }
    }
    Ok((nodes, leaves))
}
