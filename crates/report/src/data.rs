//! `report.json`, schema 1: fields may be added, none renamed.

use serde::{Deserialize, Serialize};
use spinney_evaluate::{
    Detection, FeatureCost, Instructions, Margins, Node, PerInference, Saturation, Scorecard,
    Section, Shuffled, SignalFeaturesRun, Verdict, WorstCase,
};
use spinney_model::{Naming, Task};
use spinney_quantize::{Flip, Level, Sensor};

use crate::{Property, Reject, Selection, Shrink, Value, task};

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// Everything a run found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// Digest of config and inputs.
    pub fingerprint: String,
    /// Whether a second run would give the same bytes.
    pub reproducible: bool,
    /// The model.
    pub model: Model,
    /// The rows.
    pub dataset: Dataset,
    /// Float against Q15, in classes; of values, only how many rows are as near as is proven.
    pub accuracy: Accuracy,
    /// A regressor's errors, target by target; absent of other models.
    #[serde(
        default,
        rename = "value",
        skip_serializing_if = "Vec::is_empty",
        with = "task::one_or_all"
    )]
    pub values: Vec<Value>,
    /// A detector's alarms; absent of other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detection>,
    /// When the answer is *unknown*; absent where it always is a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject: Option<Reject>,
    /// Which features the model was trained on; absent where on all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// What is promised of a model that was made smaller; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrink: Option<Shrink>,
    /// What is proven.
    pub certificate: Certified,
    /// What the config says must hold for every input; none in most pipelines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    /// How far the winners lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margins: Option<Margins>,
    /// How readings become codes.
    pub features: Vec<FeatureCoding>,
    /// The test rows that `permutation_importance` was found on; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffled: Option<Shuffled>,
    /// The form of the model in flash.
    pub encoding: Encoding,
    /// The chip that the image is built for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chip: Option<ChipMemory>,
    /// The product image; absent where none was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footprint: Option<FootprintShare>,
    /// What the tables of each form take, where no image was built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<TableForm>,
    /// The run; `None` if there was none.
    pub device: Option<Device>,
    /// Further forms of the model, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Export>,
    /// What leaves the node and what it takes, where the config says how often it decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// Every gate.
    pub verdicts: Vec<Verdict>,
    /// What is odd about the rows, a sentence each; most pipelines have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The stages that made it, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow: Vec<FlowStage>,
    /// What built and ran the image.
    pub toolchain: Toolchain,
}

/// The memories of a chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChipMemory {
    /// Its name.
    pub name: String,
    /// Its core.
    pub core: String,
    /// Bytes of flash.
    pub flash_bytes: u64,
    /// Bytes of RAM.
    pub ram_bytes: u64,
}

/// One stage of the flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStage {
    /// Its name.
    pub name: String,
    /// What it does, in a few words.
    pub does: String,
    /// The stages whose results it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What it makes.
    pub makes: String,
}

/// What kind of model, and how large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// As in `pipeline.toml`.
    pub kind: String,
    /// What it is for; absent of classifiers.
    #[serde(default = "task::classify", skip_serializing_if = "task::is_classify")]
    pub task: Task,
    /// `train` or `import`.
    pub source: String,
    /// Number of features.
    pub n_features: usize,
    /// Whether columns were found by the features' names, or taken in order.
    #[serde(default)]
    pub feature_names: Naming,
    /// Number of classes; 0 of a regressor.
    pub n_classes: usize,
    /// Number of trees; 0 for naive Bayes.
    pub n_trees: usize,
    /// Number of splits; 0 for naive Bayes.
    pub n_splits: usize,
    /// Splits on the longest path; 0 for naive Bayes.
    pub depth_max: usize,
    /// Each tree of a forest, in the model's own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<TreeSize>,
    /// Class names.
    pub classes: Vec<String>,
    /// Names of several targets; none of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Digest of the frozen model.
    pub digest: String,
    /// What an imported file said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// One tree of a forest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeSize {
    /// Number of splits.
    pub n_splits: usize,
    /// Splits on the longest path.
    pub depth: usize,
}

/// What an imported file said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, as the config names it.
    pub file: String,
    /// The estimator, for example `RandomForestClassifier`.
    pub estimator: String,
    /// The library that fitted or wrote it, with its version.
    pub library: Option<String>,
    /// Steps of a pipeline that were folded into the model.
    pub steps: Vec<String>,
    /// What a user should know, a sentence each.
    pub notes: Vec<String>,
}

/// How many rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Rows for training; 0 for an imported model without any.
    pub train_rows: usize,
    /// Rows for the test.
    pub test_rows: usize,
    /// Rows that neither train nor test; absent without such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// Rows that choices were made on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// How many.
    pub rows: usize,
    /// Accuracy of the float model on them.
    pub float: f64,
    /// Accuracy of the quantized model.
    pub q15: f64,
}

impl Validation {
    /// In words, without a full stop.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { rows, float, q15 } = self;
        format!(
            "On {rows} rows for validation, accuracy is {float:.4} in float and {q15:.4} in Q15"
        )
    }
}

/// Float against Q15 on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Accuracy of the float model, as scikit-learn votes; `None` without labels.
    pub float: Option<f64>,
    /// Accuracy of the quantized model; `None` without labels.
    pub q15: Option<f64>,
    /// Accuracy lost; `None` without labels.
    pub drop: Option<f64>,
    /// The 95 % interval of `q15` ([`spinney_evaluate::wilson_interval`]); absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
    /// Share of the test rows that are of the most frequent class: the accuracy of naming it
    /// every time; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub majority: Option<f64>,
    /// Mean recall of Q15 over the classes that have test rows; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced: Option<f64>,
    /// Share of rows on which both agree, under the same vote.
    pub agreement: f64,
    /// Rows on which they do not.
    pub disagreements: usize,
    /// Accuracy of the float model under hard votes, if those are configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float_hard: Option<f64>,
    /// Agreement of Q15 with the float model's soft vote, if hard votes are configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement_with_soft: Option<f64>,
    /// Scores of the float model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float_scores: Option<Scorecard>,
    /// Scores of the quantized model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q15_scores: Option<Scorecard>,
    /// The largest difference between the device's probabilities and float's under the same vote,
    /// if they were asked for; of rows whose paths do not part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_error_max: Option<f64>,
    /// The largest bound that is proven for any of these rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_error_bound: Option<f64>,
    /// Rows whose paths part, so that their probabilities have no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability_rows_parting: Option<usize>,
}

/// What is proven about agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// For splits; absent for naive Bayes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub splits: Option<Level>,
    /// For votes or scores.
    pub votes: Level,
    /// Number of splits that some reading passes differently.
    pub flip_intervals: usize,
    /// Number of test rows decided within the error bound.
    pub rows_at_risk: usize,
    /// Those splits.
    pub flips: Vec<Flip>,
    /// Those rows, as numbers in the file they were read from.
    pub rows_at_risk_list: Vec<usize>,
    /// Widths and roundings, worked out for this model.
    #[serde(default)]
    pub arithmetic: Vec<String>,
    /// Whether the checker decided every split of the shipped image anew and found no fault.
    #[serde(default)]
    pub checked: bool,
}

/// How one feature is coded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureCoding {
    /// Its name.
    pub name: String,
    /// What the sensor delivers.
    pub sensor: Sensor,
    /// Lowest and highest reading that is coded without saturation.
    pub range: (f64, f64),
    /// `identity`, `affine` or `rank`; [`FeatureCoding::NOT_USED`] for a feature that the model does
    /// not use, of which the device reads nothing.
    pub coding: String,
    /// Codes per unit of the reading, as a power of two; absent for ranks and where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_bits_per_unit: Option<i8>,
    /// Codes that the range spans; 1 where it is a single reading, absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codes: Option<u32>,
    /// Share of the float trees' comparisons, over all test rows, that ask this feature,
    /// `0.0..=1.0`; absent for models without splits and for features that none asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of_comparisons: Option<f64>,
    /// Accuracy that Q15 loses on the test rows once this feature's readings are shuffled among
    /// them, `-1.0..=1.0`, the mean over [`Report::shuffled`]; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permutation_importance: Option<f64>,
    /// Flash that scale and offset, or a rank's cuts, take where features differ in them.
    #[serde(default)]
    pub table_bytes: usize,
    /// What the model spends on it; absent where it does not use it, and where no image was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<FeatureCost>,
    /// Test readings beyond the range of codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturation: Option<Saturation>,
}

impl FeatureCoding {
    /// The coding of a feature that the model does not use.
    pub const NOT_USED: &str = "not used";

    /// Whether the model uses the feature.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.coding != Self::NOT_USED
    }
}

/// The form of the model in flash.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Encoding {
    /// Its name.
    pub chosen: String,
    /// The model's flash per split of the quantized model; `None` without splits.
    pub bytes_per_split: Option<f64>,
    /// Bits of a code that the model tells apart: 8 or 16; `None` where readings are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_bits: Option<u8>,
    /// Whether splits are code rather than a table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_code: bool,
    /// How leaves are held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<String>,
    /// The width of a split, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// What an early exit does, where one is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_exit: Option<EarlyExit>,
    /// Why it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The forms that were built and measured.
    pub candidates: Vec<Candidate>,
}

/// What stopping before the last tree does to the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyExit {
    /// The share of the certain votes or lead at which it stops; 1 changes no class.
    pub margin: f64,
    /// Trees of the forest.
    pub n_trees: usize,
    /// Trees asked per row, on average.
    pub trees_mean: f64,
    /// Test rows whose class is not that of all trees.
    pub rows_changed: usize,
    /// Those rows, as numbers in the file they were read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows_changed_list: Vec<usize>,
    /// Accuracy that the quantized model has with all trees; absent without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q15_all_trees: Option<f64>,
}

/// A further form of the model that was written beside the crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// As `pipeline.toml` names it.
    pub kind: String,
    /// Where it lies, below the stage `run` of the pipeline's artifacts.
    pub path: String,
    /// The width of a split, in words.
    pub form: String,
    /// What was asked for and is not in it, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A form of the model, as it was measured on the target core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// The width of a split, in words.
    pub form: String,
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Static RAM of the image.
    pub ram_bytes: u64,
    /// Deepest stack of any prediction; `None` if nothing ran.
    pub stack_bytes_max: Option<u32>,
    /// From raw readings to class; not cycles; `None` if nothing ran.
    pub instructions: Option<Instructions>,
    /// Budgets that it misses.
    pub misses: Vec<String>,
    /// Whether no other form has less flash without more instructions, or the reverse.
    pub is_on_front: bool,
    /// Whether it ships.
    pub is_chosen: bool,
}

/// A form of the model whose bytes are known without a compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableForm {
    /// Its name.
    pub name: String,
    /// The width of a split, in words.
    pub form: String,
    /// Bytes of the model's tables; code comes on top.
    pub table_bytes: usize,
}

/// Bytes of the product image, and the model's share of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FootprintShare {
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Static RAM of the image.
    pub ram_bytes: u64,
    /// Flash of the image less that of the same image with an empty model.
    pub model_flash_bytes: i64,
    /// RAM of the image less that of the same image with an empty model.
    pub model_ram_bytes: i64,
    /// Digest of what is programmed.
    pub image: String,
    /// The image's sections.
    pub sections: Vec<Section>,
}

impl FootprintShare {
    /// Flash of the same image with an empty model: start-up, vectors, the loop and the log.
    pub(crate) fn frame_bytes(&self) -> i64 {
        i64::try_from(self.flash_bytes)
            .unwrap_or(i64::MAX)
            .saturating_sub(self.model_flash_bytes)
    }
}

/// Microseconds of an inference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// On average, where flash never keeps the core waiting.
    pub mean: f64,
    /// Of the slowest row, where flash keeps every access waiting.
    pub max: f64,
}

/// What cycles rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimingBasis {
    /// The timing table, or what was measured.
    pub source: String,
    /// Rows that were traced and weighed, or measured.
    pub rows: usize,
    /// Whether a board measured them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_measured: bool,
    /// MHz of the core; absent where nothing says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_mhz: Option<f64>,
    /// Wait states of flash at that clock, and what hides them; absent where they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<String>,
}

/// A run of the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// The emulated board, or the chip.
    pub board: String,
    /// Its core.
    pub core: String,
    /// Whether it was emulated.
    pub emulated: bool,
    /// Rows run.
    pub rows: usize,
    /// How many test rows there are, where a share of them ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_rows: Option<usize>,
    /// Rows whose class or scores differ from the host's.
    pub parity_mismatches: usize,
    /// From raw readings to class; not cycles.
    pub instructions_per_inference: Instructions,
    /// From codes to class; not cycles.
    pub instructions_from_codes: Instructions,
    /// What making the codes of a row takes on average: the difference of the two; not cycles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions_of_coding: Option<f64>,
    /// Cycles by the core's timing table; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycles_per_inference: Option<PerInference>,
    /// Microseconds of these at the clock; absent without either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Microjoules of an inference on average; absent where the current is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_uj: Option<f64>,
    /// What these rest on; absent without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<TimingBasis>,
    /// Deepest stack of any prediction.
    pub stack_bytes_max: u32,
    /// What is kept for interrupts: two exception frames of the chip's core.
    #[serde(default)]
    pub interrupt_bytes: u32,
    /// Static data, the deepest stack and what is kept for interrupts: the RAM that is taken.
    #[serde(default)]
    pub ram_and_stack_bytes: u64,
    /// The longest paths and what they would take; absent for models without splits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_case: Option<WorstCase>,
    /// What the front end heard of the samples behind the rows; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<SignalFeaturesRun>,
}

impl Device {
    /// The instructions that no row should exceed: by the image's own code, else along the longest paths
    /// of all trees; `None` for models without either.
    #[must_use]
    pub fn instructions_bound(&self) -> Option<u64> {
        let estimate = || self.worst_case.map(|worst| worst.instructions);
        self.instructions_per_inference.bound.or_else(estimate)
    }

    /// That the rows are a share of the test rows, behind their number; nothing where all ran.
    #[must_use]
    pub fn share(&self) -> String {
        match self.of_rows {
            None => String::new(),
            Some(all) => format!(" of {all}, a share of each class"),
        }
    }
}

/// What built and ran the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// This project's version.
    pub spinney: String,
    /// The compiler of the image.
    pub rustc: String,
    /// The Rust target of the image.
    pub target: String,
    /// The linker.
    pub linker: String,
    /// The emulator.
    pub emulator: Option<String>,
}

impl Accuracy {
    /// How sure the accuracy is and what it is worth, in words; `None` without labels.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let ((low, high), majority) = (self.interval?, self.majority?);
        Some(format!(
            "95 % interval of Q15 {low:.4} to {high:.4}; naming the most frequent class: {majority:.4}"
        ))
    }
}

impl Report {
    /// The report as JSON, indented, with a line break at its end.
    ///
    /// # Panics
    /// Never; a report has string keys and finite numbers.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("string keys and finite numbers") + "\n"
    }

    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    /// Text that is no report of this schema.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        // Through a value, since a quantity could not otherwise be told to be a number in a build
        // where some dependency makes serde_json keep numbers as text.
        let report: Self = serde_json::from_value(serde_json::from_slice(text)?)?;
        match report.schema {
            SCHEMA => Ok(report),
            other => Err(serde::de::Error::custom(format!(
                "found schema {other}, expected {SCHEMA}, which this version of Spinney reads"
            ))),
        }
    }

    /// How it went, in a few words.
    pub(crate) fn outcome(&self) -> String {
        let failed = self.verdicts.iter().filter(|it| !it.pass).count();
        match (failed, self.verdicts.len()) {
            (_, 0) => "not built".to_owned(),
            (0, all) => format!("all {all} gates hold"),
            (failed, all) => format!("{failed} of {all} gates fail"),
        }
    }

    /// Whether every gate holds.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.pass)
    }
}
