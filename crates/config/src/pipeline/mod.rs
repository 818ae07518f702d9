//! What a config means: the checked pipeline, section by section.
//!
//! Each section serializes on its own, with its paths as they were typed, so that a stage can be
//! fingerprinted by the sections it depends on, wherever the config lies on disk.

mod front_end;
mod model;
mod rows;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::Serialize;
use spinney_board::{Chip, Machine};
use spinney_evaluate::{AccuracyLimits, PowerPlan, UplinkPlan};
use spinney_model::Voting;
use spinney_quantize::CodingChoice;

use crate::choice::{
    Emulator, Encoding, Export, LogLevel, ModelKind, Objective, Output, Prefer, Tabled, as_words,
};
use crate::measured::Measured;

pub use front_end::{AudioFrontend, Frontend, MotionFrontend, Scenes};
pub use model::{
    Asks, CalibrationRows, ClassWeight, Count, Feature, ForestTraining, MaxFeatures, Model,
    Property, Quantize, ReadingRange, Reject, Select, Shrink, Training,
};
pub use rows::{DataFile, Dataset, FilesOf, LABEL, Labels, Recorded, Validation};

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
