//! What a model file holds, for `cargo xtask inspect`.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;
use spinney_model::{
    Additive, Compare, Feature, FloatModel, Link, Naming, Node, Precision, Task, Test, Tree,
    argmax, visible,
};

use crate::{Imported, Origin};

/// Most distinct thresholds that a rank code of eight bits can tell apart.
const RANKS_MAX: usize = 255;

/// What a model file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// What the file said of itself.
    pub origin: Origin,
    /// The kind of model, as `pipeline.toml` names it.
    pub kind: String,
    /// What the model is for.
    pub task: Task,
    /// Class names, in the order of scores; none where values are delivered.
    pub classes: Vec<String>,
    /// Names of the targets; none but where values are delivered.
    pub targets: Vec<String>,
    /// The raw features, in the order of a row.
    pub features: Vec<FeatureDescription>,
    /// Whether the features' names were given; else they stand for positions.
    pub features_named: bool,
    /// Number of trees; 0 for naive Bayes.
    pub n_trees: usize,
    /// Number of splits over all trees.
    pub n_splits: usize,
    /// Depth of the deepest tree.
    pub depth_max: usize,
    /// Mean of the trees' depths.
    pub depth_mean: f64,
    /// How likely each class is before a reading; empty for trees.
    pub priors: Vec<f64>,
    /// The leaves of trees that vote; `None` for other models.
    pub leaves: Option<LeafDescription>,
    /// How trees add; `None` for other models.
    pub sum: Option<SumDescription>,
    /// Most distinct thresholds of a feature.
    pub thresholds_max: usize,
    /// Whether 8-bit rank codes hold every feature without loss: at most 255 thresholds each.
    pub ranks_fit_8_bits: bool,
    /// Whether there are thresholds, and each is a whole number or halfway between two, as on
    /// integer features.
    pub thresholds_on_integers: bool,
}

/// One raw feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureDescription {
    /// Its name.
    pub name: String,
    /// The type in which it is compared.
    pub compare: Compare,
    /// Number of splits that use it.
    pub n_splits: usize,
    /// Number of different thresholds among them.
    pub n_thresholds: usize,
    /// The lowest threshold, if there is one.
    pub threshold_min: Option<f64>,
    /// The highest threshold, if there is one.
    pub threshold_max: Option<f64>,
}

/// The leaves of a forest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeafDescription {
    /// All leaves.
    pub n_leaves: usize,
    /// Leaves with samples of one class only.
    pub n_pure: usize,
    /// Different leaves.
    pub n_distinct: usize,
    /// Classes that are the most frequent of some leaf.
    pub n_winning_classes: usize,
}

/// How trees add.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SumDescription {
    /// The type of each addition.
    pub precision: Precision,
    /// What the sum of each output starts at.
    pub base: Vec<f64>,
    /// What sums are divided by at the end.
    pub divisor: f64,
    /// From raw values to what is delivered.
    pub link: Link,
    /// The raw value above which one output means class 1 of two, or no alarm.
    pub threshold: Option<f64>,
    /// All leaves.
    pub n_leaves: usize,
    /// The lowest number of a leaf.
    pub leaf_min: f64,
    /// The highest number of a leaf.
    pub leaf_max: f64,
    /// Splits that say where a missing reading goes.
    pub n_missing: usize,
}

/// Describes an imported model.
pub fn describe(imported: &Imported) -> Description {
    let model = &imported.model;
    let (schema, trees) = (model.schema(), model.trees());
    let mut thresholds: Vec<Vec<f64>> = vec![Vec::new(); schema.n_features()];
    for node in trees.iter().flat_map(|tree| tree.nodes()) {
        if let Node::Split(split) = node
            && let Test::AtMost(threshold) = split.test
        {
            thresholds[split.feature as usize].push(threshold);
        }
    }
    let on_integers = thresholds
        .iter()
        .flatten()
        .all(|it| (it * 2.0).fract() == 0.0);
    let described = |(feature, thresholds): (&Feature, &mut Vec<f64>)| {
        let n_splits = thresholds.len();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        FeatureDescription {
            name: feature.name.clone(),
            compare: feature.compare,
            n_splits,
            n_thresholds: thresholds.len(),
            threshold_min: thresholds.first().copied(),
            threshold_max: thresholds.last().copied(),
        }
    };
    let features = schema.features().iter().zip(&mut thresholds);
    let features: Vec<FeatureDescription> = features.map(described).collect();
    let thresholds_max = features.iter().map(|it| it.n_thresholds).max();
    let thresholds_max = thresholds_max.unwrap_or(0);
    let depths: usize = trees.iter().map(Tree::depth).sum();
    let (mut priors, mut of_leaves, mut sum) = (Vec::new(), None, None);
    match model {
        FloatModel::Forest(forest) => of_leaves = Some(leaves(forest.trees())),
        FloatModel::Additive(model) => sum = Some(additions(model)),
        FloatModel::GaussianNb(bayes) => {
            priors = bayes.log_priors().iter().map(|it| it.exp()).collect();
        }
    }
    Description {
        origin: imported.origin.clone(),
        kind: model.kind().to_owned(),
        task: schema.task(),
        classes: schema.classes().to_vec(),
        targets: schema.targets().to_vec(),
        features,
        features_named: schema.naming() == Naming::Given,
        n_trees: trees.len(),
        n_splits: model.n_splits(),
        depth_max: model.depth(),
        depth_mean: depths as f64 / trees.len().max(1) as f64,
        priors,
        leaves: of_leaves,
        sum,
        thresholds_max,
        ranks_fit_8_bits: thresholds_max <= RANKS_MAX,
        thresholds_on_integers: on_integers && model.n_splits() > 0,
    }
}

/// The leaves of trees that vote.
fn leaves(trees: &[Tree]) -> LeafDescription {
    let mut distinct: HashSet<Vec<u64>> = HashSet::new();
    let mut winners = BTreeSet::new();
    let (mut n_leaves, mut n_pure) = (0, 0);
    for values in trees.iter().flat_map(Tree::nodes).filter_map(Node::leaf) {
        n_leaves += 1;
        n_pure += usize::from(values.iter().filter(|value| **value > 0.0).count() == 1);
        winners.insert(argmax(values));
        distinct.insert(values.iter().map(|value| value.to_bits()).collect());
    }
    LeafDescription {
        n_leaves,
        n_pure,
        n_distinct: distinct.len(),
        n_winning_classes: winners.len(),
    }
}

fn additions(model: &Additive) -> SumDescription {
    let mut sum = SumDescription {
        precision: model.sum().precision,
        base: model.sum().base.clone(),
        divisor: model.sum().divisor,
        link: model.link(),
        threshold: model.threshold(),
        n_leaves: 0,
        leaf_min: f64::INFINITY,
        leaf_max: f64::NEG_INFINITY,
        n_missing: 0,
    };
    for node in model.trees().iter().flat_map(|tree| tree.nodes()) {
        match node {
            Node::Split(split) => sum.n_missing += usize::from(split.missing.is_some()),
            Node::Leaf(values) => {
                sum.n_leaves += 1;
                sum.leaf_min = values.iter().copied().fold(sum.leaf_min, f64::min);
                sum.leaf_max = values.iter().copied().fold(sum.leaf_max, f64::max);
            }
        }
    }
    sum
}

impl fmt::Display for Description {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        row(out, "format", origin.format.as_str())?;
        let library = origin.library.as_deref().unwrap_or("not told");
        let estimator = visible(&origin.estimator);
        row(
            out,
            "estimator",
            format_args!("{estimator} ({})", self.kind),
        )?;
        row(out, "library", library)?;
        if !origin.steps.is_empty() {
            row(out, "folded in", visible(&origin.steps.join(", ")))?;
        }
        let (what, names) = match self.task {
            Task::Regress => ("targets", &self.targets),
            Task::Classify | Task::Detect => ("classes", &self.classes),
        };
        row(out, what, format_args!("{}: {}", names.len(), few(names)))?;
        if !self.priors.is_empty() {
            let priors: Vec<String> = self.priors.iter().map(|it| format!("{it:.4}")).collect();
            row(out, "priors", few(&priors))?;
        }
        let features = self.features.iter();
        let names: Vec<String> = features.clone().map(|it| it.name.clone()).collect();
        let unnamed = ["", " (without names)"][usize::from(!self.features_named)];
        row(
            out,
            "features",
            format_args!("{}: {}{unnamed}", names.len(), few(&names)),
        )?;
        let used = features.clone().filter(|it| it.n_splits > 0).count();
        let double = features.filter(|it| it.compare == Compare::Float64).count();
        if self.n_trees > 0 {
            row(
                out,
                "",
                format_args!("{used} of them used, {double} compared as float64"),
            )?;
            row(
                out,
                "trees",
                format_args!(
                    "{}, {} splits, depth {} at most, {:.1} in the mean",
                    self.n_trees, self.n_splits, self.depth_max, self.depth_mean
                ),
            )?;
        }
        if let Some(leaves) = &self.leaves {
            row(
                out,
                "leaves",
                format_args!(
                    "{}, {} pure, {} distinct, {} of {} classes win one",
                    leaves.n_leaves,
                    leaves.n_pure,
                    leaves.n_distinct,
                    leaves.n_winning_classes,
                    self.classes.len()
                ),
            )?;
        }
        if let Some(sum) = &self.sum {
            sum.fmt(out)?;
            if sum.n_missing > 0 {
                row(
                    out,
                    "missing",
                    format_args!(
                        "{} of {} splits have a side for missing readings",
                        sum.n_missing, self.n_splits
                    ),
                )?;
            }
        }
        if self.n_trees > 0 {
            let ranks = if self.ranks_fit_8_bits {
                "ranks of 8 bits would lose nothing, at four bytes a threshold"
            } else {
                "more than ranks of 8 bits hold"
            };
            row(
                out,
                "thresholds",
                format_args!("{} per feature at most: {ranks}", self.thresholds_max),
            )?;
            if self.thresholds_on_integers {
                row(
                    out,
                    "",
                    format_args!("all on whole or half numbers, as on integer features"),
                )?;
            }
        }
        for note in &origin.notes {
            row(out, "note", visible(note))?;
        }
        Ok(())
    }
}

impl fmt::Display for SumDescription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(
            out,
            "leaves",
            format_args!(
                "{}, from {:.6} to {:.6}",
                self.n_leaves, self.leaf_min, self.leaf_max
            ),
        )?;
        let precision = match self.precision {
            Precision::Float32 => "float32",
            Precision::Float64 => "float64",
        };
        let bases: Vec<String> = self.base.iter().map(|it| format!("{it:.6}")).collect();
        write!(out, "sum         in {precision}, from {}", few(&bases))?;
        if self.divisor != 1.0 {
            write!(out, ", divided by {:.6}", self.divisor)?;
        }
        match self.link {
            Link::Identity => writeln!(out)?,
            Link::Sigmoid { scale } if scale != 1.0 => {
                writeln!(out, ", through a sigmoid of {scale} times it")?;
            }
            Link::Sigmoid { .. } => writeln!(out, ", through a sigmoid")?,
            Link::Softmax => writeln!(out, ", through a softmax")?,
            Link::Exp => writeln!(out, ", through the exponential function")?,
            Link::Probit => writeln!(out, ", through ONNX Runtime's probit")?,
            Link::Isolation { offset } => {
                writeln!(out, "; an alarm where the score -2^-sum is below {offset}")?;
            }
        }
        Ok(())
    }
}

/// A line of a description.
fn row(out: &mut fmt::Formatter<'_>, name: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(out, "{name:<12}{text}")
}

/// The first names of a list, for one line.
fn few(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(8).map(|name| visible(name)).collect();
    let more = ["", ", …"][usize::from(names.len() > shown.len())];
    shown.join(", ") + more
}
