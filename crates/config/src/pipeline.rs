//! What a config means: the checked pipeline, section by section.
//!
//! Each section serializes on its own, with its paths as they were typed, so that a stage can be
//! fingerprinted by the sections it depends on, wherever the config lies on disk.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use serde::Serialize;
use spinney_board::{Chip, Machine};
use spinney_dataset::{Decimal, Delimiter, Dialect, Missing};
use spinney_evaluate::{AccuracyLimits, PowerPlan, UplinkPlan};
use spinney_model::{ForestKind, Task, Voting};
use spinney_quantize::{CodeWidth, CodingChoice, Sensor, Votes};
use spinney_signal::{
    Measure, MelScale, Normalisation, SampleFilter, Spectral, Statistic, Trigger, Window,
};

use crate::choice::{
    AggregateOf, Criterion, Emulator, Encoding, Export, Gaps, LogLevel, ModelKind, Objective,
    Output, Prefer, Promise, Rates, Tabled, Trainer, as_word, as_word_if_given, as_words,
};
use crate::measured::Measured;

/// A config without fault.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pipeline {
    /// `[pipeline]`.
    pub identity: Identity,
    /// `[dataset]`.
    pub dataset: Dataset,
    /// Rows of `[dataset]` that neither train nor test; `None` without such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// `[model]`.
    pub model: Model,
    /// `shrink` of `[model]`; `None` where the model stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrink: Option<Shrink>,
    /// `[quantize]`.
    pub quantize: Quantize,
    /// `select` of `[features]`; `None` where a model is trained on all features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// `[features.NAME]`, by name.
    pub features: BTreeMap<String, Feature>,
    /// `[frontend]`; `None` where rows come as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontend: Option<Frontend>,
    /// `[scenes]`; `None` where recordings are taken as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenes: Option<Scenes>,
    /// `[codegen]`.
    pub codegen: Codegen,
    /// Each `[[property]]`.
    #[serde(rename = "property", skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    /// `[reject]`; `None` where a class is always given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<Reject>,
    /// `[accuracy]`.
    pub accuracy: AccuracyLimits,
    /// `[target]`.
    pub target: Target,
    /// `[evaluate]`.
    pub evaluate: Evaluate,
    /// `[firmware]`.
    pub firmware: Firmware,
    /// `[budget]`.
    pub budget: Budget,
    /// `[uplink]`, only beside `[power]`.
    pub uplink: Option<UplinkPlan>,
    /// `[power]`.
    pub power: Option<PowerPlan>,
    /// `[search]`; no stage depends on it.
    #[serde(skip)]
    pub search: Search,
}

/// A path as it was typed, and where it leads from the config's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPath {
    /// As typed; this alone is serialized.
    pub typed: String,
    /// Joined to the config's folder.
    pub full: PathBuf,
}

impl ConfigPath {
    pub(crate) fn new(folder: &Path, typed: String) -> Self {
        let full = folder.join(&typed);
        Self { typed, full }
    }
}

impl Serialize for ConfigPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.typed)
    }
}

/// Name and random choices of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// 1 to 64 letters, digits, `-` and `_`, a letter or `_` first.
    pub name: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The folder that holds a folder of reports per pipeline.
    pub reports: ConfigPath,
}

/// Which rows there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one per config")]
pub enum Dataset {
    /// One file, split by class.
    Split {
        /// The file.
        rows: DataFile,
        /// Share of the rows that only test, above 0 and below 1.
        test_fraction: f64,
    },
    /// A file for the test, and one for training unless the model is imported.
    Given {
        /// Rows for training and calibration.
        train: Option<DataFile>,
        /// Rows for the test.
        test: DataFile,
    },
}

impl Dataset {
    /// The file of the rows that test; where it is divided, of all rows.
    pub fn test(&self) -> &DataFile {
        match self {
            Self::Split { rows: test, .. } | Self::Given { test, .. } => test,
        }
    }

    /// The file of the rows that train, if any do; where it is divided, of all rows.
    pub fn train(&self) -> Option<&DataFile> {
        match self {
            Self::Split { rows, .. } => Some(rows),
            Self::Given { train, .. } => train.as_ref(),
        }
    }

    /// Every file, that for training first.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        let train = self.train().filter(|_| matches!(self, Self::Given { .. }));
        train.into_iter().chain([self.test()])
    }
}

/// Rows that choices are made on: they neither train nor test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "there is one per config")]
pub enum Validation {
    /// This share of the training rows, which then train nothing; above 0 and below 1.
    Share(f64),
    /// Those of a file.
    File(DataFile),
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataFile {
    /// The file, or a folder of recordings; of several, all that was typed, and the first.
    pub path: ConfigPath,
    /// Several files, or patterns of them; empty where `path` is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub several: Vec<FilesOf>,
    /// The column whose rows of one name are all on one side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Where its labels are.
    pub labels: Labels,
    /// The column of labels in a list of recordings, where it has not a name of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_label: Option<String>,
    /// Whether the first line of a CSV file names its columns.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub header: bool,
    /// What separates the columns of a CSV file; `None` where its content tells.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_word_if_given"
    )]
    pub delimiter: Option<Delimiter>,
    /// What marks decimals in a CSV file; `None` where its content tells.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_word_if_given"
    )]
    pub decimal: Option<Decimal>,
    /// The column that names recordings, of a CSV file of motion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// How samples were recorded.
    #[serde(skip_serializing_if = "Recorded::is_plain")]
    pub recorded: Recorded,
    /// What becomes of readings that are missing, where the feature says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Gaps>,
    /// Columns that are neither features nor label; `*` stands for any text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The unit of a regressor's numbers, or that of each target.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_all")]
    pub unit: Vec<String>,
    /// The label of rows that are no anomalies; of a detector whose rows have labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal: Option<String>,
}

impl DataFile {
    /// Whether this is a folder, or several files.
    pub fn is_many(&self) -> bool {
        !self.several.is_empty() || self.path.full.is_dir()
    }

    /// What is known of how a CSV file is written.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            has_header: self.header,
            delimiter: self.delimiter,
            decimal: self.decimal,
        }
    }
}

/// How samples were recorded, and what is made of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Recorded {
    /// What readings are multiplied by, channel by channel; `None` where they tell.
    pub scales: Option<Vec<f64>>,
    /// The rows of each recording; `None` where something ends it.
    pub rows: Option<u32>,
    /// The column of times; `None` for one that is called so.
    pub time: Option<String>,
    /// What becomes of other rates; `None` for what depends on what says them.
    pub rates: Option<Rates>,
    /// Whether what is shorter than a window is padded, not left out.
    pub is_padded: bool,
}

impl Recorded {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// What stands for the class in a pattern of files.
pub const LABEL: &str = "{label}";

/// Files of rows: one, or all whose names a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilesOf {
    /// The file; `*` stands for any text in a name, and [`LABEL`] for the class.
    pub path: ConfigPath,
    /// The class of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
}

/// Where the labels of a file of rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// In these columns of the same CSV file, one for each target, or this array of the same archive; a
    /// column's number where the file has no header.
    #[serde(rename = "column", serialize_with = "one_or_all")]
    Columns(Vec<String>),
    /// In a file of their own.
    File(ConfigPath),
    /// In the names of the folders that recordings lie in, or in the config, which has files by class.
    Folders,
    /// Nowhere: an imported model is run, and no accuracy is measured.
    None,
}

/// One name as it is, several as a list.
fn one_or_all<S: serde::Serializer>(names: &[String], to: S) -> Result<S::Ok, S::Error> {
    match names {
        [name] => name.serialize(to),
        names => names.serialize(to),
    }
}

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
    /// Those of [`Pipeline::validation`].
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

/// How features are made of samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Frontend {
    /// Of sound.
    Audio(AudioFrontend),
    /// Of motion and slow sensors.
    Motion(MotionFrontend),
}

const fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// How features are made of windows of several channels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MotionFrontend {
    /// Samples per second, above 0.
    pub sample_rate_hz: f64,
    /// The columns of the channels, in the order of a sample's values; at most 16.
    pub channels: Vec<String>,
    /// Channels in turn that are one vector, which divides their number; at most 3, 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub n_axes: u32,
    /// What the samples of each channel go through first.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub filter: Option<SampleFilter>,
    /// Samples per window: even, at most 2,048, and a power of two from 64 on where there are
    /// bands.
    pub n_samples: u16,
    /// Samples from one window's start to the next one's.
    pub hop: NonZeroU16,
    /// What opens a window, wherever `hop` would have the next begin; `None` where they follow each other.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub trigger: Option<Trigger>,
    /// What is kept in the time domain, each once, in the order of the enum.
    #[serde(serialize_with = "as_words")]
    pub statistics: Vec<Measure>,
    /// Number of bands of the same width, 0 to 128.
    pub n_bands: u32,
    /// What a window is multiplied by before its spectrum is taken.
    #[serde(serialize_with = "as_word")]
    pub window: Window,
    /// The lowest edge.
    pub f_min_hz: f64,
    /// The highest edge, at most half of the sample rate.
    pub f_max_hz: f64,
    /// The class of samples that no label belongs to.
    pub background: String,
}

fn as_text<S: serde::Serializer, T: ToString>(it: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    it.as_ref().map(ToString::to_string).serialize(to)
}

/// How features are made of sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioFrontend {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per frame: 64 to 2,048, a power of two.
    pub n_points: u16,
    /// Samples from one frame's start to the next one's.
    pub hop: NonZeroU16,
    /// What samples go through before frames.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub filter: Option<SampleFilter>,
    /// What a frame is multiplied by.
    #[serde(serialize_with = "as_word")]
    pub window: Window,
    /// Number of bands, 1 to 128.
    pub n_bands: u32,
    /// Where the bands lie.
    #[serde(serialize_with = "as_word")]
    pub scale: MelScale,
    /// What their weights are multiplied by.
    #[serde(serialize_with = "as_word")]
    pub normalisation: Normalisation,
    /// The lowest edge.
    pub f_min_hz: f64,
    /// The highest edge, at most half of the sample rate.
    pub f_max_hz: f64,
    /// What is kept of a band over the frames of a decision: at least one, each once.
    #[serde(serialize_with = "as_words")]
    pub aggregates: Vec<Statistic>,
    /// What they are statistics of.
    pub aggregate_of: AggregateOf,
    /// Cepstral coefficients in place of the bands; 0 for the bands.
    pub n_cepstra: u32,
    /// What is kept of the shape of a frame's spectrum, each once, in the order of the enum.
    #[serde(serialize_with = "as_words", skip_serializing_if = "Vec::is_empty")]
    pub spectral: Vec<Spectral>,
    /// Frames on either side of a delta; 0 for no deltas.
    pub n_delta_frames: u32,
    /// Frames per decision.
    pub n_frames_per_decision: NonZeroU32,
    /// Frames from one decision's start to the next one's, which divide those of a decision; `None` where
    /// none overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_frames_per_step: Option<NonZeroU32>,
    /// What opens a decision; `None` where one follows the other.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub trigger: Option<Trigger>,
    /// Samples per second of the microphone itself, for data rates; at least the sample rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone_rate_hz: Option<u32>,
    /// Seconds per decision of a second column of data rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ladder_s: Option<f64>,
    /// The class of a decision that no label belongs to.
    pub background: String,
}

/// Long recordings rendered from short ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenes {
    /// Decisions to train on.
    pub train_decisions: u32,
    /// Decisions for the test.
    pub test_decisions: u32,
    /// Lowest and highest signal-to-noise ratio in dB.
    pub snr_db: (i32, i32),
    /// Share of decisions with an event, above 0 and below 1.
    pub event_share: f64,
    /// Most seconds of an event.
    pub event_s: f64,
}

/// What is generated for the device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Codegen {
    /// Form of the model in flash.
    pub encoding: Encoding,
    /// Preference among forms that meet the budgets.
    pub prefer: Prefer,
    /// What is computed for a row, in the order of the enum, each once; the class always.
    pub outputs: Vec<Output>,
    /// Whether a forest stops once its class is certain.
    pub early_exit: bool,
    /// The share of the certain votes or lead at which it stops, above 0 and at most 1; below 1
    /// the class may differ from that of all trees.
    pub exit_margin: f64,
    /// Where the generated crate goes besides, once all gates hold.
    pub crate_folder: Option<ConfigPath>,
    /// Further forms of the model, in the order of the enum, each once.
    pub export: Vec<Export>,
    /// Where the C99 header goes besides, once all gates hold; only with that export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<ConfigPath>,
}

/// Where the verb `search` looks, and for how long; lists have no value twice, and only those of
/// depths and leaves may be empty, for no limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Search {
    /// What is to be best.
    pub objective: Objective,
    /// How many models are drawn and trained.
    #[serde(skip)]
    pub trials: u32,
    /// Seconds after which no trial starts.
    #[serde(skip)]
    pub time_s: Option<u64>,
    /// Parts of the training rows, each held out once; 2 to 20.
    pub folds: u32,
    /// Kinds of model.
    pub kinds: Vec<ModelKind>,
    /// Numbers of trees, ascending.
    pub n_trees: Vec<u32>,
    /// Most leaves of a tree.
    pub max_leaf_nodes: Vec<u32>,
    /// Most splits from root to leaf.
    pub max_depth: Vec<u32>,
    /// How many features a split of a forest chooses from.
    pub max_features: Vec<MaxFeatures>,
    /// How trees are combined; empty where they add numbers.
    #[serde(serialize_with = "as_words")]
    pub leaves: Vec<Voting>,
    /// How readings become codes.
    #[serde(serialize_with = "as_words")]
    pub codings: Vec<CodingChoice>,
    /// Forms in flash.
    pub encodings: Vec<Tabled>,
}

/// The chip, and what stands in for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// The chip, with the memories that the config gives it.
    pub chip: Chip,
    /// How fast the core runs, in MHz, above 0; `None` where nothing says so.
    pub clock_mhz: Option<f64>,
    /// What a board took; `None` where the core's timing table is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// Whether rows must be run in the emulator.
    pub emulator: Emulator,
    /// The emulated machine; `None` where the emulator is off, or optional and without a machine
    /// for the core.
    pub board: Option<&'static Machine>,
}

/// How much of the test the emulated device takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluate {
    /// Test rows that run in the emulator; all of them unless typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_rows: Option<NonZeroU32>,
}

/// How the firmware behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Firmware {
    /// Least severe message logged.
    pub log: LogLevel,
    /// Seconds that the run in the emulator may take, 1 to 86,400.
    pub deadline_s: u32,
}

/// Gates on what the device may spend; `None` for no gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Budget {
    /// Most bytes of flash; the chip's flash unless typed.
    pub flash: u32,
    /// Most bytes of RAM; the chip's RAM unless typed.
    pub ram: u32,
    /// Most bytes of stack.
    pub stack: Option<u32>,
    /// Most instructions per inference, on average.
    pub instructions: Option<u64>,
    /// Most instructions of any one inference.
    pub instructions_max: Option<u64>,
    /// Most instructions of an inference along the longest path of every tree.
    pub instructions_bound: Option<u64>,
    /// Most bytes of flash that `[reject]` adds; only where there is one.
    pub reject_flash: Option<u32>,
    /// Most instructions that `[reject]` adds to an inference, on average; only where there is one.
    pub reject_instructions: Option<u64>,
    /// Most bytes of flash added since a baseline.
    pub max_flash_growth: Option<u32>,
    /// Most microseconds of any inference; only where there is a clock.
    pub latency_us_max: Option<f64>,
    /// Least days that the battery must last; only where there is a battery.
    pub battery_life_min_days: Option<f64>,
}
