//! Canonical JSON: the documented file form of a model, float64 without loss.
//!
//! ```json
//! { "format": "spinney-model", "version": 1, "kind": "decision-tree",
//!   "features": [{"name": "x0", "compare": "float32"}],
//!   "classes": ["no", "yes"],
//!   "trees": [{"nodes": [
//!     {"feature": 0, "threshold": 2.5, "left": 1, "right": 2},
//!     {"value": [1.0, 0.0]},
//!     {"value": [0.25, 0.75]}]}] }
//! ```
//! Where the names of features only stand for positions, `"feature_names": "positional"` follows the
//! features; without it they are given, and columns of rows are found by them.
//! A split may say where a missing reading goes: `"missing": "left"` or `"right"`; and in place of a
//! `threshold` it may have `categories`, the readings that go left, as in `"categories": [0, 3]`. A
//! feature has `categories`, too, where rows hold words: a reading is the place of one in that list.
//! Gaussian naive Bayes has `log_priors`, `means` and `variances` instead of `trees`; and `inputs`,
//! the indices of the features that means and variances belong to, where those are not all.
//!
//! An ensemble that adds says what it is for, how it adds, and what the sums mean:
//!
//! ```json
//! { "format": "spinney-model", "version": 2, "kind": "xgboost",
//!   "features": [{"name": "x0", "compare": "float32"}],
//!   "task": "classify", "classes": ["no", "yes"],
//!   "sum": {"precision": "float32", "base": [0.0]}, "link": {"function": "sigmoid"},
//!   "threshold": 0.0,
//!   "trees": [{"output": 0, "nodes": [
//!     {"feature": 0, "threshold": 2.5, "missing": "left", "left": 1, "right": 2},
//!     {"value": [-0.5]},
//!     {"value": [0.25]}]}] }
//! ```
//! `task` is `classify` with `classes`, `regress` with `targets`, or `detect` with neither. A tree
//! without `output` has one number per output in its leaves. [`crate::Sum`], [`crate::Link`] and
//! [`crate::Additive`] say what sums, links and `threshold` mean.
//!
//! Version 2 is version 1 with such ensembles, `missing` and `categories`; what does without them is written as
//! version 1.

use serde::{Deserialize, Serialize};

use crate::{
    Additive, AdditiveKind, Feature, FloatModel, Forest, ForestKind, GaussianNb, Link, ModelError,
    Naming, Node, Schema, Side, Split, Sum, Task, Test, Tree,
};

/// The value of `format` in every model file.
pub const FORMAT: &str = "spinney-model";
/// The newest schema version; all from 1 on are read.
pub const VERSION: u32 = 2;

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    format: String,
    version: u32,
    kind: String,
    features: Vec<Feature>,
    #[serde(default, skip_serializing_if = "is_given")]
    feature_names: Naming,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Task>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<Sum>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "link"
    )]
    link: Option<Link>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<Vec<RawTree>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inputs: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_priors: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    means: Option<Vec<Vec<f64>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variances: Option<Vec<Vec<f64>>>,
}

/// Through a value, since a tagged enum could not otherwise tell a number in a build where some
/// dependency makes `serde_json` keep numbers as text.
fn link<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Link>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Link::deserialize(value)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

fn is_given(naming: &Naming) -> bool {
    *naming == Naming::Given
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTree {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<usize>,
    nodes: Vec<RawNode>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feature: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<Side>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    right: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Vec<f64>>,
}

impl FloatModel {
    /// Reads canonical JSON.
    ///
    /// # Errors
    /// Text that is not JSON of this schema (with line and column), or a model that
    /// [`Schema::new`], [`Tree::new`], [`Forest::new`], [`Additive::new`] or [`GaussianNb::new`]
    /// refuses (with the place, for example `trees[3].nodes[17].left`).
    pub fn from_json(text: &[u8]) -> Result<Self, ModelError> {
        let raw: RawModel = serde_json::from_slice(text).map_err(|error| {
            broken!(
                format!("line {}, column {}", error.line(), error.column()); "{error}";
                "a Spinney model in JSON"
            )
        })?;
        raw.check()
    }

    /// Writes canonical JSON: one line per node, the same bytes for the same model.
    pub fn to_json(&self) -> String {
        let schema = self.schema();
        let mut raw = RawModel {
            format: FORMAT.to_owned(),
            version: 1,
            kind: self.kind().to_owned(),
            features: schema.features().to_vec(),
            feature_names: schema.naming(),
            classes: (schema.task() == Task::Classify).then(|| schema.classes().to_vec()),
            ..RawModel::default()
        };
        match self {
            Self::Forest(forest) => raw.trees = Some(forest.trees().iter().map(lower).collect()),
            Self::Additive(sum) => raw.add(sum),
            Self::GaussianNb(bayes) => {
                let is_all = bayes.inputs().len() == schema.n_features();
                raw.inputs = (!is_all).then(|| bayes.inputs().to_vec());
                raw.log_priors = Some(bayes.log_priors().to_vec());
                raw.means = Some(bayes.means().to_vec());
                raw.variances = Some(bayes.variances().to_vec());
            }
        }
        raw.version = raw.oldest_version();
        let mut text = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, LinePerObject);
        raw.serialize(&mut serializer)
            .expect("finite numbers and string keys serialize");
        text.push(b'\n');
        let text = String::from_utf8(text).expect("serde_json writes UTF-8");
        text.trim_start().to_owned()
    }
}

/// Compact JSON but for a line break before each object, so that a model can be compared by line.
struct LinePerObject;

impl serde_json::ser::Formatter for LinePerObject {
    fn begin_object<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b"\n{")
    }
}

fn lower(tree: &Tree) -> RawTree {
    let nodes = tree
        .nodes()
        .iter()
        .map(|node| {
            let mut raw = RawNode::default();
            match node {
                Node::Split(split) => {
                    match &split.test {
                        Test::AtMost(threshold) => raw.threshold = Some(*threshold),
                        Test::Among(categories) => raw.categories = Some(categories.clone()),
                    }
                    (raw.feature, raw.missing) = (Some(split.feature), split.missing);
                    [raw.left, raw.right] = split.children.map(Some);
                }
                Node::Leaf(values) => raw.value = Some(values.clone()),
            }
            raw
        })
        .collect();
    RawTree {
        output: tree.output(),
        nodes,
    }
}

impl RawModel {
    /// The parts of an ensemble that adds.
    fn add(&mut self, model: &Additive) {
        let schema = model.schema();
        self.task = Some(schema.task());
        self.targets = (schema.task() == Task::Regress).then(|| schema.targets().to_vec());
        self.sum = Some(model.sum().clone());
        self.link = Some(model.link());
        let is_derived = matches!(model.link(), Link::Isolation { .. });
        self.threshold = model.threshold().filter(|_| !is_derived);
        let mut trees: Vec<RawTree> = model.trees().iter().map(lower).collect();
        if model.n_outputs() == 1 {
            for tree in &mut trees {
                tree.output = None;
            }
        }
        self.trees = Some(trees);
    }

    /// The first version that can say what is said.
    fn oldest_version(&self) -> u32 {
        let is_new_node = |node: &RawNode| node.missing.is_some() || node.categories.is_some();
        let has_new = |tree: &RawTree| tree.nodes.iter().any(is_new_node);
        let has_words = |feature: &Feature| !feature.categories.is_empty();
        let is_new = self.task.is_some()
            || self.trees.iter().flatten().any(has_new)
            || self.features.iter().any(has_words);
        if is_new { 2 } else { 1 }
    }

    fn check(self) -> Result<FloatModel, ModelError> {
        if self.format != FORMAT || !(1..=VERSION).contains(&self.version) {
            return Err(broken!(
                "format and version"; "\"{}\" {}", self.format, self.version;
                "\"{FORMAT}\" 1 to {VERSION}"
            ));
        }
        let oldest = self.oldest_version();
        if self.version < oldest {
            return Err(broken!(
                "version"; "{} with keys of version {oldest}", self.version; "{oldest}"
            ));
        }
        let kind = match self.kind.as_str() {
            "decision-tree" => ForestKind::DecisionTree,
            "random-forest" => ForestKind::RandomForest,
            "extra-trees" => ForestKind::ExtraTrees,
            "gaussian-nb" => return self.check_bayes(),
            other => {
                let Some(kind) = AdditiveKind::of(other) else {
                    return Err(broken!(
                        "kind"; "\"{other}\"";
                        "decision-tree, random-forest, extra-trees, gaussian-nb, or of sums {}",
                        AdditiveKind::NAMES.join(", ")
                    ));
                };
                return self.check_additive(kind);
            }
        };
        self.refuse("a voting forest", &[Part::Bayes, Part::Additive])?;
        let schema = self
            .classes
            .ok_or_else(|| nothing("classes", "a list of names"));
        let schema = Schema::new(self.features, self.feature_names, schema?)?;
        let trees = check_trees(self.trees, |tree| {
            if let Some(output) = tree.output {
                return Err(broken!("output"; "{output}"; "none in a voting forest"));
            }
            Tree::new(tree.nodes()?, &schema)
        })?;
        Ok(FloatModel::Forest(Forest::new(kind, schema, trees)?))
    }

    /// Refuses keys that belong to models of other kinds.
    fn refuse(&self, model: &str, parts: &[Part]) -> Result<(), ModelError> {
        for (part, key, is_present) in [
            (Part::Bayes, "inputs", self.inputs.is_some()),
            (Part::Bayes, "log_priors", self.log_priors.is_some()),
            (Part::Bayes, "means", self.means.is_some()),
            (Part::Bayes, "variances", self.variances.is_some()),
            (Part::Additive, "task", self.task.is_some()),
            (Part::Additive, "targets", self.targets.is_some()),
            (Part::Additive, "sum", self.sum.is_some()),
            (Part::Additive, "link", self.link.is_some()),
            (Part::Additive, "threshold", self.threshold.is_some()),
            (Part::Trees, "trees", self.trees.is_some()),
        ] {
            if is_present && parts.contains(&part) {
                let expected = format!("none in {model}");
                return Err(ModelError::new(key, "a value", expected));
            }
        }
        Ok(())
    }

    fn check_additive(self, kind: AdditiveKind) -> Result<FloatModel, ModelError> {
        self.refuse("an ensemble that adds", &[Part::Bayes])?;
        let (features, naming) = (self.features, self.feature_names);
        let task = self
            .task
            .ok_or_else(|| nothing("task", "classify, regress or detect"))?;
        let schema = match (task, self.classes, self.targets) {
            (Task::Classify, Some(classes), None) => Schema::new(features, naming, classes)?,
            (Task::Regress, None, Some(targets)) => Schema::of_targets(features, naming, targets)?,
            (Task::Detect, None, None) => Schema::of_detector(features, naming)?,
            (_, classes, targets) => {
                return Err(ModelError::new(
                    "task",
                    match (classes, targets) {
                        (Some(_), Some(_)) => "classes and targets",
                        (Some(_), None) => "classes",
                        (None, Some(_)) => "targets",
                        (None, None) => "neither classes nor targets",
                    },
                    "classes to classify, targets to regress, neither to detect",
                ));
            }
        };
        let sum = self
            .sum
            .ok_or_else(|| nothing("sum", "precision and base"))?;
        let link = self.link.ok_or_else(|| nothing("link", "a function"))?;
        let trees = check_trees(self.trees, |tree| {
            let output = tree.output;
            Tree::additive(tree.nodes()?, &schema, sum.base.len(), output)
        })?;
        Ok(FloatModel::Additive(Additive::new(
            kind,
            schema,
            trees,
            sum,
            link,
            self.threshold,
        )?))
    }

    fn check_bayes(self) -> Result<FloatModel, ModelError> {
        self.refuse("a naive Bayes model", &[Part::Additive, Part::Trees])?;
        let missing = |key: &str| nothing(key, "a list of numbers");
        let schema = self
            .classes
            .ok_or_else(|| nothing("classes", "a list of names"));
        let schema = Schema::new(self.features, self.feature_names, schema?)?;
        let inputs = self
            .inputs
            .unwrap_or_else(|| (0..schema.n_features()).collect());
        Ok(FloatModel::GaussianNb(GaussianNb::of_inputs(
            schema,
            inputs,
            self.log_priors.ok_or_else(|| missing("log_priors"))?,
            self.means.ok_or_else(|| missing("means"))?,
            self.variances.ok_or_else(|| missing("variances"))?,
        )?))
    }
}

/// Which kinds of models a key belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Bayes,
    Additive,
    Trees,
}

fn nothing(key: &str, expected: &str) -> ModelError {
    ModelError::new(key, "nothing", expected)
}

fn check_trees(
    trees: Option<Vec<RawTree>>,
    check: impl Fn(RawTree) -> Result<Tree, ModelError>,
) -> Result<Vec<Tree>, ModelError> {
    trees
        .ok_or_else(|| nothing("trees", "a list of trees"))?
        .into_iter()
        .enumerate()
        .map(|(index, tree)| {
            check(tree).map_err(|error| ModelError {
                place: format!("trees[{index}].{}", error.place),
                ..error
            })
        })
        .collect()
}

impl RawTree {
    fn nodes(self) -> Result<Vec<Node>, ModelError> {
        self.nodes
            .into_iter()
            .enumerate()
            .map(|(index, node)| node.check(index))
            .collect()
    }
}

impl RawNode {
    fn check(self, index: usize) -> Result<Node, ModelError> {
        let missing = self.missing;
        let asked = (self.feature, self.left, self.right);
        let test = match (self.threshold, self.categories) {
            (Some(threshold), None) => Some(Test::AtMost(threshold)),
            (None, Some(categories)) => Some(Test::Among(categories)),
            (None, None) => None,
            _ => return Err(mixture(index)),
        };
        match (asked, test, self.value) {
            ((Some(feature), Some(left), Some(right)), Some(test), None) => {
                Ok(Node::Split(Split {
                    feature,
                    test,
                    missing,
                    children: [left, right],
                }))
            }
            ((None, None, None), None, Some(values)) if missing.is_none() => Ok(Node::Leaf(values)),
            _ => Err(mixture(index)),
        }
    }
}

fn mixture(index: usize) -> ModelError {
    broken!(
        format!("nodes[{index}]"); "a mixture of keys";
        "either feature, threshold or categories, left and right, or value alone"
    )
}
