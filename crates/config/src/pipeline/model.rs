//! Which model, what is asked of it, and how it becomes integers.

use std::collections::BTreeMap;

use serde::Serialize;
use spinney_dataset::Missing;
use spinney_model::{ForestKind, Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Sensor, Votes};

use super::{ConfigPath, DataFile};
use crate::choice::{Criterion, Promise, Trainer, as_word};

/// What must hold for every input within some ranges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Property {
    /// What must hold.
    pub asks: Asks,
    /// Lowest and highest reading by feature name; others have their own ranges.
    pub within: BTreeMap<String, (f64, f64)>,
    /// What a search may take, in seconds of counted steps; above 0.
    pub seconds: f64,
}

/// What a property says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// A class is never given.
    Never(String),
    /// The value is at most this.
    AtMost(f64),
    /// The value is at least this.
    AtLeast(f64),
    /// As a feature's reading moves one way, the value does not fall, or the class stays.
    Monotone {
        /// The feature.
        feature: String,
        /// Whether its reading rises.
        rises: bool,
        /// The class; `None` of a value.
        class: Option<String>,
    },
    /// Float and fixed point give the same class.
    Agrees,
    /// Test rows keep their class while readings drift.
    Drift {
        /// By at most this share of each feature's range; above 0 and below 1.
        share: f64,
        /// At least this share of rows, 0 to 1.
        min_share: f64,
    },
}

/// When a classifier says that it does not know.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reject {
    /// The share of rows whose class is to be among those that the model cannot tell apart, above 0
    /// and below 1.
    pub coverage: f64,
    /// The share of rows that may be taken for unlike those of training, above 0 and below 1; `None`
    /// where nobody looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<f64>,
    /// The rows that the margin is calibrated on; they neither train nor test.
    pub rows: CalibrationRows,
}

/// Rows that calibrate when a class is unknown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one per config")]
pub enum CalibrationRows {
    /// This share of the training rows, which then train nothing; above 0 and below 1.
    Share(f64),
    /// Those of a file.
    File(DataFile),
    /// Those of [`Pipeline::validation`](super::Pipeline::validation).
    Validation,
}

/// Where the model comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Trained on the dataset.
    Train(Training),
    /// Read from a file.
    Import {
        /// The file; its content tells its format.
        path: ConfigPath,
        /// What it must be for; `None` for whatever it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        /// The score down to which a detector raises an alarm; `None` for its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        threshold: Option<f64>,
        /// The names of its classes; `None` for those of the file.
        #[serde(skip_serializing_if = "Option::is_none")]
        classes: Option<Vec<String>>,
    },
}

/// How many features a model is trained on: those with the highest importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// The fewest that lose no accuracy beyond chance on folds of the training rows.
    Auto,
    /// This many, at least 1.
    Best(u32),
}

/// How a model is made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shrink {
    /// What it promises.
    pub promise: Promise,
    /// The accuracy that a score may lose, above 0 and below 1.
    pub max_score_loss: f64,
    /// The probability that a further row changes its class, above 0 and below 1.
    pub alpha: f64,
    /// How far a value may be from the original's, in the unit of the labels, above 0; of a regressor.
    pub max_error: Option<f64>,
    /// What proofs may take, in seconds of counted steps; above 0.
    pub seconds: f64,
}

/// How a classifier is trained.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Training {
    /// Trees.
    Forest(ForestTraining),
    /// Gaussian naive Bayes, always by linfa.
    GaussianNb {
        /// Share of the largest variance that is added to all, above 0.
        var_smoothing: f64,
    },
}

impl Training {
    /// What is trained for: splits of numbers have a criterion of their own.
    pub fn task(&self) -> Task {
        match self {
            Self::Forest(forest) if forest.criterion == Criterion::SquaredError => Task::Regress,
            _ => Task::Classify,
        }
    }
}

/// How trees are trained, in scikit-learn's terms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForestTraining {
    /// Which ensemble.
    pub kind: ForestKind,
    /// Whose code trains.
    pub trainer: Trainer,
    /// Number of trees, at least 1; 1 for a decision tree.
    pub n_trees: u32,
    /// Most splits from root to leaf, at least 1; `None` for no limit.
    pub max_depth: Option<u32>,
    /// Fewest rows that a split may divide.
    pub min_samples_split: Count,
    /// Fewest rows that a leaf may hold.
    pub min_samples_leaf: Count,
    /// Most leaves of a tree, at least 2; `None` for no limit.
    pub max_leaf_nodes: Option<u32>,
    /// How many features a split chooses from.
    pub max_features: MaxFeatures,
    /// What a split is chosen by.
    pub criterion: Criterion,
    /// Whether each tree sees rows drawn with replacement; never so for a decision tree.
    pub bootstrap: bool,
    /// How many rows are drawn; `None` for as many as there are.
    pub max_samples: Option<Count>,
    /// How much a row of each class counts.
    pub class_weight: ClassWeight,
    /// Least gain of a split, at least 0.
    pub min_impurity_decrease: f64,
    /// Price of a leaf in pruning, at least 0.
    pub ccp_alpha: f64,
}

/// So many rows, or a share of all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// This many.
    Rows(u32),
    /// This share, above 0 and at most 1.
    Fraction(f64),
}

/// How many features a split chooses from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxFeatures {
    /// The square root of their number.
    Sqrt,
    /// The binary logarithm of their number.
    Log2,
    /// Every one.
    All,
    /// This many, at least 1.
    Features(u32),
    /// This share, above 0 and at most 1.
    Fraction(f64),
}

/// How much a row of each class counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeight {
    /// All the same.
    None,
    /// Inversely to the class's share of all rows.
    Balanced,
    /// Inversely to the class's share of a tree's rows.
    BalancedSubsample,
    /// These weights by class name, each above 0; a class not named counts 1.
    Given(BTreeMap<String, f64>),
}

/// How the float model becomes integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quantize {
    /// How trees are combined.
    pub leaves: Voting,
    /// Precision of soft votes.
    #[serde(serialize_with = "as_word")]
    pub votes: Votes,
    /// Width of the codes that trees compare.
    #[serde(serialize_with = "as_word")]
    pub codes: CodeWidth,
    /// How readings become codes, unless a feature says otherwise.
    #[serde(serialize_with = "as_word")]
    pub coding: CodingChoice,
}

/// What is known of one feature.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Feature {
    /// Lowest and highest reading.
    pub range: Option<ReadingRange>,
    /// Type of a reading.
    #[serde(rename = "type")]
    pub type_: Option<Sensor>,
    /// How readings become codes; `None` for what `[quantize]` says.
    pub coding: Option<CodingChoice>,
    /// What the sensor delivers where it has no reading; `None` where it always has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The words of the column, each once, 1 to 65,535 of them; a reading is the place of one.
    /// `None` for a feature that is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// Lowest and highest reading of a sensor; both finite, the lower first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ReadingRange {
    /// Lowest reading.
    pub low: f64,
    /// Highest reading.
    pub high: f64,
}
