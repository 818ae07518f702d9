//! What a model file holds, for `cargo xtask inspect`.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;
use spinney_model::{Compare, FloatModel, Forest, Naming, Node, argmax, visible};

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
    /// Class names, in the order of scores.
    pub classes: Vec<String>,
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
    /// The leaves; `None` for naive Bayes.
    pub leaves: Option<LeafDescription>,
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

/// Describes an imported model.
#[must_use]
pub fn describe(imported: &Imported) -> Description {
    let schema = imported.model.schema();
    let mut description = Description {
        origin: imported.origin.clone(),
        kind: imported.model.kind().to_owned(),
        classes: schema.classes().to_vec(),
        features: schema
            .features()
            .iter()
            .map(|feature| FeatureDescription {
                name: feature.name.clone(),
                compare: feature.compare,
                n_splits: 0,
                n_thresholds: 0,
                threshold_min: None,
                threshold_max: None,
            })
            .collect(),
        features_named: schema.naming() == Naming::Given,
        n_trees: 0,
        n_splits: 0,
        depth_max: 0,
        depth_mean: 0.0,
        priors: match &imported.model {
            FloatModel::GaussianNb(bayes) => bayes.log_priors().iter().map(|it| it.exp()).collect(),
            FloatModel::Forest(_) | FloatModel::Additive(_) => Vec::new(),
        },
        leaves: None,
        thresholds_max: 0,
        ranks_fit_8_bits: false,
        thresholds_on_integers: false,
    };
    if let FloatModel::Forest(forest) = &imported.model {
        describe_forest(forest, &mut description);
    }
    description
}

fn describe_forest(forest: &Forest, description: &mut Description) {
    // Thresholds as bits that sort as the numbers do.
    let sortable = |value: f64| {
        let bits = (value + 0.0).to_bits();
        if bits >> 63 == 0 {
            bits ^ (1 << 63)
        } else {
            !bits
        }
    };
    let mut thresholds = vec![BTreeSet::new(); forest.schema().n_features()];
    let mut distinct: HashSet<Vec<u64>> = HashSet::new();
    let mut winners = BTreeSet::new();
    let (mut n_leaves, mut n_pure) = (0, 0);
    let mut on_integers = true;
    for node in forest.trees().iter().flat_map(|tree| tree.nodes()) {
        match node {
            Node::Split {
                feature, threshold, ..
            } => {
                let index = *feature as usize;
                thresholds[index].insert(sortable(*threshold));
                on_integers &= (threshold * 2.0).fract() == 0.0;
                let feature = &mut description.features[index];
                feature.n_splits += 1;
                let least = feature.threshold_min.unwrap_or(f64::INFINITY);
                feature.threshold_min = Some(least.min(*threshold));
                let most = feature.threshold_max.unwrap_or(f64::NEG_INFINITY);
                feature.threshold_max = Some(most.max(*threshold));
            }
            Node::Leaf {
                values: proportions,
            } => {
                n_leaves += 1;
                n_pure +=
                    usize::from(proportions.iter().filter(|value| **value > 0.0).count() == 1);
                winners.insert(argmax(proportions));
                distinct.insert(proportions.iter().map(|value| value.to_bits()).collect());
            }
        }
    }
    for (feature, thresholds) in description.features.iter_mut().zip(&thresholds) {
        feature.n_thresholds = thresholds.len();
    }
    description.n_trees = forest.trees().len();
    description.n_splits = forest.n_splits();
    description.depth_max = forest.depth();
    let depths: usize = forest.trees().iter().map(|tree| tree.depth()).sum();
    description.depth_mean = depths as f64 / forest.trees().len() as f64;
    description.thresholds_max = thresholds.iter().map(BTreeSet::len).max().unwrap_or(0);
    description.ranks_fit_8_bits = description.thresholds_max <= RANKS_MAX;
    description.thresholds_on_integers = on_integers && description.n_splits > 0;
    description.leaves = Some(LeafDescription {
        n_leaves,
        n_pure,
        n_distinct: distinct.len(),
        n_winning_classes: winners.len(),
    });
}

impl fmt::Display for Description {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = &self.origin;
        writeln!(out, "format      {}", origin.format.as_str())?;
        let library = origin.library.as_deref().unwrap_or("not told");
        writeln!(
            out,
            "estimator   {} ({})",
            visible(&origin.estimator),
            self.kind
        )?;
        writeln!(out, "library     {library}")?;
        if !origin.steps.is_empty() {
            writeln!(out, "folded in   {}", visible(&origin.steps.join(", ")))?;
        }
        writeln!(
            out,
            "classes     {}: {}",
            self.classes.len(),
            few(&self.classes)
        )?;
        if !self.priors.is_empty() {
            let priors: Vec<String> = self.priors.iter().map(|it| format!("{it:.4}")).collect();
            writeln!(out, "priors      {}", few(&priors))?;
        }
        let names: Vec<String> = self
            .features
            .iter()
            .map(|feature| feature.name.clone())
            .collect();
        let unnamed = if self.features_named {
            ""
        } else {
            " (without names)"
        };
        writeln!(out, "features    {}: {}{unnamed}", names.len(), few(&names))?;
        let used = self
            .features
            .iter()
            .filter(|feature| feature.n_splits > 0)
            .count();
        let double = self
            .features
            .iter()
            .filter(|feature| feature.compare == Compare::Float64)
            .count();
        if let Some(leaves) = &self.leaves {
            writeln!(
                out,
                "            {used} of them used, {double} compared as float64"
            )?;
            writeln!(
                out,
                "trees       {}, {} splits, depth {} at most, {:.1} in the mean",
                self.n_trees, self.n_splits, self.depth_max, self.depth_mean
            )?;
            writeln!(
                out,
                "leaves      {}, {} pure, {} distinct, {} of {} classes win one",
                leaves.n_leaves,
                leaves.n_pure,
                leaves.n_distinct,
                leaves.n_winning_classes,
                self.classes.len()
            )?;
            let ranks = if self.ranks_fit_8_bits {
                "ranks of 8 bits would lose nothing, at four bytes a threshold"
            } else {
                "more than ranks of 8 bits hold"
            };
            writeln!(
                out,
                "thresholds  {} per feature at most: {ranks}",
                self.thresholds_max
            )?;
            if self.thresholds_on_integers {
                writeln!(
                    out,
                    "            all on whole or half numbers, as on integer features"
                )?;
            }
        }
        for note in &origin.notes {
            writeln!(out, "note        {}", visible(note))?;
        }
        Ok(())
    }
}

/// The first names of a list, for one line.
fn few(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(8).map(|name| visible(name)).collect();
    let more = if names.len() > shown.len() {
        ", …"
    } else {
        ""
    };
    shown.join(", ") + more
}
