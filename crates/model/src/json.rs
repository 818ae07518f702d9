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
//! Gaussian naive Bayes has `log_priors`, `means` and `variances` instead of `trees`; and `inputs`,
//! the indices of the features that means and variances belong to, where those are not all.

use serde::{Deserialize, Serialize};

use crate::{
    Feature, FloatModel, Forest, ForestKind, GaussianNb, ModelError, Naming, Node, Schema, Tree,
};

/// The value of `format` in every model file.
pub const FORMAT: &str = "spinney-model";
/// The schema version this code writes and reads.
pub const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    format: String,
    version: u32,
    kind: String,
    features: Vec<Feature>,
    #[serde(default, skip_serializing_if = "is_given")]
    feature_names: Naming,
    classes: Vec<String>,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_given(naming: &Naming) -> bool {
    *naming == Naming::Given
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTree {
    nodes: Vec<RawNode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    feature: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
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
    /// [`Schema::new`], [`Tree::new`], [`Forest::new`] or [`GaussianNb::new`] refuses (with the
    /// place, for example `trees[3].nodes[17].left`).
    pub fn from_json(text: &[u8]) -> Result<Self, ModelError> {
        let raw: RawModel = serde_json::from_slice(text).map_err(|error| {
            ModelError::new(
                format!("line {}, column {}", error.line(), error.column()),
                error.to_string(),
                "a Spinney model in JSON",
            )
        })?;
        raw.check()
    }

    /// Writes canonical JSON: one line per node, the same bytes for the same model.
    #[must_use]
    pub fn to_json(&self) -> String {
        let schema = self.schema();
        let mut raw = RawModel {
            format: FORMAT.to_owned(),
            version: VERSION,
            kind: self.kind().to_owned(),
            features: schema.features().to_vec(),
            feature_names: schema.naming(),
            classes: schema.classes().to_vec(),
            trees: None,
            inputs: None,
            log_priors: None,
            means: None,
            variances: None,
        };
        match self {
            Self::Forest(forest) => raw.trees = Some(forest.trees().iter().map(lower).collect()),
            Self::GaussianNb(bayes) => {
                let is_all = bayes.inputs().len() == schema.n_features();
                raw.inputs = (!is_all).then(|| bayes.inputs().to_vec());
                raw.log_priors = Some(bayes.log_priors().to_vec());
                raw.means = Some(bayes.means().to_vec());
                raw.variances = Some(bayes.variances().to_vec());
            }
        }
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
        .map(|node| match node {
            Node::Split {
                feature,
                threshold,
                left,
                right,
            } => RawNode {
                feature: Some(*feature),
                threshold: Some(*threshold),
                left: Some(*left),
                right: Some(*right),
                value: None,
            },
            Node::Leaf { proportions } => RawNode {
                feature: None,
                threshold: None,
                left: None,
                right: None,
                value: Some(proportions.clone()),
            },
        })
        .collect();
    RawTree { nodes }
}

impl RawModel {
    fn check(self) -> Result<FloatModel, ModelError> {
        if self.format != FORMAT || self.version != VERSION {
            return Err(ModelError::new(
                "format and version",
                format!("\"{}\" {}", self.format, self.version),
                format!("\"{FORMAT}\" {VERSION}"),
            ));
        }
        let kind = match self.kind.as_str() {
            "decision-tree" => ForestKind::DecisionTree,
            "random-forest" => ForestKind::RandomForest,
            "extra-trees" => ForestKind::ExtraTrees,
            "gaussian-nb" => return self.check_bayes(),
            other => {
                return Err(ModelError::new(
                    "kind",
                    format!("\"{other}\""),
                    "decision-tree, random-forest, extra-trees or gaussian-nb",
                ));
            }
        };
        for (key, present) in [
            ("inputs", self.inputs.is_some()),
            ("log_priors", self.log_priors.is_some()),
            ("means", self.means.is_some()),
            ("variances", self.variances.is_some()),
        ] {
            if present {
                return Err(ModelError::new(key, "a value", "none in a tree model"));
            }
        }
        let schema = Schema::new(self.features, self.feature_names, self.classes)?;
        let trees = self
            .trees
            .ok_or_else(|| ModelError::new("trees", "nothing", "a list of trees"))?
            .into_iter()
            .enumerate()
            .map(|(index, tree)| {
                tree.check(&schema).map_err(|error| ModelError {
                    place: format!("trees[{index}].{}", error.place),
                    ..error
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(FloatModel::Forest(Forest::new(kind, schema, trees)?))
    }

    fn check_bayes(self) -> Result<FloatModel, ModelError> {
        if self.trees.is_some() {
            return Err(ModelError::new(
                "trees",
                "a value",
                "none in a naive Bayes model",
            ));
        }
        let missing = |key: &str| ModelError::new(key, "nothing", "a list of numbers");
        let schema = Schema::new(self.features, self.feature_names, self.classes)?;
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

impl RawTree {
    fn check(self, schema: &Schema) -> Result<Tree, ModelError> {
        let nodes = self
            .nodes
            .into_iter()
            .enumerate()
            .map(|(index, node)| node.check(index))
            .collect::<Result<Vec<_>, _>>()?;
        Tree::new(nodes, schema)
    }
}

impl RawNode {
    fn check(self, index: usize) -> Result<Node, ModelError> {
        match (
            self.feature,
            self.threshold,
            self.left,
            self.right,
            self.value,
        ) {
            (Some(feature), Some(threshold), Some(left), Some(right), None) => Ok(Node::Split {
                feature,
                threshold,
                left,
                right,
            }),
            (None, None, None, None, Some(proportions)) => Ok(Node::Leaf { proportions }),
            _ => Err(ModelError::new(
                format!("nodes[{index}]"),
                "a mixture of keys",
                "either feature, threshold, left and right, or value alone",
            )),
        }
    }
}
