//! Gates: each limit of the config against what was found, and what to do where it fails.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spinney_quantize::{Certificate, Level};

use crate::accuracy_gates::accuracy;
use crate::reject_gates::reject;
use crate::value_gates::values;
use crate::{
    ChipRam, Detection, DeviceRun, Evaluation, Footprint, PerInference, ProbabilityError,
    RejectCost, Rejection, Shape, ValueEvaluation,
};

/// Limits of a pipeline; `None` is no gate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Limits {
    /// Most bytes of flash.
    pub flash_bytes: u64,
    /// Most bytes of RAM.
    pub ram_bytes: u64,
    /// The chip's RAM, which static data, stack and interrupts share.
    pub chip_ram: Option<ChipRam>,
    /// Most bytes of stack.
    pub stack_bytes: Option<u64>,
    /// Most instructions per inference, on average.
    pub instructions_mean: Option<u64>,
    /// Most instructions of any inference.
    pub instructions_max: Option<u64>,
    /// Most instructions of an inference along the longest paths.
    pub instructions_bound: Option<u64>,
    /// Most microseconds of any inference, with what turns cycles into them.
    pub latency: Option<LatencyLimit>,
    /// Limits on what the model is worth.
    pub accuracy: AccuracyLimits,
    /// Most bytes of flash that the answer *unknown* adds.
    pub reject_flash: Option<u64>,
    /// Most instructions that it adds to an inference, on average.
    pub reject_instructions: Option<u64>,
}

/// Limits on what the model is worth, and on what Q15 may cost; `None` is no gate.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AccuracyLimits {
    /// Whether accuracy must be above the most frequent class's share; never without labels.
    pub better_than_majority: bool,
    /// Least accuracy of Q15, 0 to 1.
    pub min_accuracy: Option<f64>,
    /// Least mean recall of Q15 over the classes, 0 to 1.
    pub min_balanced_accuracy: Option<f64>,
    /// Least recall of Q15 by class name, each 0 to 1.
    pub min_recall: BTreeMap<String, f64>,
    /// Most accuracy of Q15 lost since a baseline, 0 to 1.
    pub max_accuracy_loss: Option<f64>,
    /// Most accuracy lost against float, 0 to 1.
    pub max_drop: Option<f64>,
    /// Least share of rows that agree, 0 to 1.
    pub min_agreement: Option<f64>,
    /// Most rows that disagree.
    pub max_disagreements: Option<u32>,
    /// Most that a value of Q15 may be off float's, in the label's unit, at least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_error: Option<f64>,
    /// Most by which Q15's mean absolute error may exceed float's, as a share of it, at least 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mae_growth: Option<f64>,
    /// Least R² of Q15, at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_r2: Option<f64>,
    /// Least area under the ROC curve of Q15, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_auc: Option<f64>,
    /// The least share of rows whose label is among the classes that lie within the margin.
    pub min_coverage: Option<f64>,
    /// The least share of answers other than *unknown* that are right.
    pub min_accuracy_accepted: Option<f64>,
    /// The largest share of answers of *unknown*.
    pub max_unknown: Option<f64>,
    /// Largest share of test rows that `outliers` flags though their class leads.
    pub max_false_alarms: Option<f64>,
    /// How far the proof must reach.
    pub require_certificate: Option<Level>,
}

/// A limit on time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatencyLimit {
    /// The most microseconds.
    pub us: f64,
    /// MHz of the core.
    pub clock_mhz: f64,
    /// For how many cycles flash keeps an access waiting at that clock, at the most.
    pub wait_states: u32,
    /// As measured on a board, where it was.
    pub cycles_per_instruction: Option<f64>,
}

/// What gates judge.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// Accuracy and agreement; `None` where test rows have no labels, and of values.
    pub evaluation: Option<&'a Evaluation>,
    /// Errors of a regressor's values, target by target; none of other models.
    pub values: &'a [ValueEvaluation],
    /// What a detector's scores are worth; `None` of other models.
    pub detection: Option<&'a Detection>,
    /// Rows of unknown class, rows there are, and what that is worth where they have labels; `None` where
    /// a class is always given.
    pub reject: Option<(usize, usize, Option<&'a Rejection>)>,
    /// What the answer *unknown* costs; `None` where nothing was built.
    pub reject_cost: Option<RejectCost>,
    /// Rows on which float and Q15 disagree, and rows there are.
    pub disagreements: (usize, usize),
    /// The proof.
    pub certificate: &'a Certificate,
    /// How far probabilities are off; `None` if there are none.
    pub probability_error: Option<ProbabilityError>,
    /// Names of the features.
    pub features: &'a [&'a str],
    /// Names of the classes.
    pub classes: &'a [String],
    /// The forest, for estimates of what would fit; `None` for other models.
    pub shape: Option<&'a Shape>,
    /// The product image.
    pub footprint: &'a Footprint,
    /// The run.
    pub device: RunOutcome<'a>,
}

/// Whether there was a run on a device.
#[derive(Debug, Clone, Copy)]
pub enum RunOutcome<'a> {
    /// All rows ran.
    Ran(&'a DeviceRun),
    /// They did not, for this reason: nothing on the device could be measured.
    Failed(&'a str),
    /// The config does without.
    NotRequired,
}

/// A number or word of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    /// A count.
    Count(u64),
    /// A share or mean.
    Number(f64),
    /// A level.
    Word(String),
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{}", (number * 1e6).round() / 1e6),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl From<u64> for Quantity {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Quantity {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Level> for Quantity {
    fn from(level: Level) -> Self {
        Self::Word(level.as_str().to_owned())
    }
}

/// What to do about a failed gate.
pub type Advice = String;

/// One gate's judgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The gate's name, as its key in `pipeline.toml`.
    pub gate: String,
    /// The most, or the least, that is allowed.
    pub limit: Quantity,
    /// What was found; `None` for what was not measured, as the config allows.
    pub found: Option<Quantity>,
    /// Whether the gate holds.
    pub pass: bool,
    /// What to do, or why there is no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Advice>,
}

impl Verdict {
    /// A gate that was judged; where it does not hold, with what to do.
    pub fn new(
        gate: &str,
        limit: impl Into<Quantity>,
        found: impl Into<Quantity>,
        pass: bool,
        advice: impl FnOnce() -> Advice,
    ) -> Self {
        Self {
            gate: gate.to_owned(),
            limit: limit.into(),
            found: Some(found.into()),
            pass,
            note: (!pass).then(advice),
        }
    }

    /// A gate of which nothing was measured.
    pub fn without_figure(gate: &str, limit: impl Into<Quantity>, pass: bool, why: String) -> Self {
        Self {
            gate: gate.to_owned(),
            limit: limit.into(),
            found: None,
            pass,
            note: Some(why),
        }
    }
}

/// What the log's buffer takes of RAM, unless there is no log.
const LOG_BYTES: u64 = 1024;

/// Judges every gate, in a fixed order: parity, sizes, speed, accuracy, certificate.
pub fn judge(limits: &Limits, measured: Measured<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![parity(measured.device)];
    let footprint = measured.footprint;
    verdicts.push(at_most(
        "flash",
        limits.flash_bytes,
        footprint.flash_bytes,
        |over| match measured.shape {
            Some(shape) => shape.for_flash(limits.flash_bytes, footprint.flash_bytes),
            None => {
                format!("{over} bytes over; fewer features or classes, or a chip with more flash")
            }
        },
    ));
    verdicts.push(at_most("ram", limits.ram_bytes, footprint.ram_bytes, |over| {
        format!("{over} bytes over; the model's tables are in flash, so look at the firmware's own data")
    }));
    let on_device = |gate: &str,
                     limit: Option<u64>,
                     found: &dyn Fn(&DeviceRun) -> f64,
                     advice: &dyn Fn(u64, f64) -> String|
     -> Option<Verdict> {
        let limit = limit?;
        let RunOutcome::Ran(run) = measured.device else {
            return Some(not_measured(gate, limit, measured.device));
        };
        let found = found(run);
        let pass = found <= limit as f64;
        Some(Verdict::new(gate, limit, found, pass, || {
            advice(limit, found)
        }))
    };
    let slower = |limit: u64, found: f64| match measured.shape {
        Some(shape) => shape.for_instructions(limit, found),
        None => "`prefer = \"speed\"` in [codegen], fewer features, or a faster core".to_owned(),
    };
    verdicts.extend(on_device(
        "stack",
        limits.stack_bytes,
        &|run| f64::from(run.stack_bytes_max),
        &|_, _| {
            "a row of readings and its codes lie on the stack: fewer features, or integer readings"
                .to_owned()
        },
    ));
    if let Some(ram) = limits.chip_ram {
        verdicts.extend(on_device(
            "ram_and_stack",
            Some(ram.bytes),
            &|run| ram.taken(footprint, run) as f64,
            &|limit, found| {
                let static_bytes = footprint.ram_bytes;
                let stack = found - static_bytes as f64 - f64::from(ram.interrupt_bytes);
                format!(
                    "static data and the stack would meet: {static_bytes} bytes of data, {stack} of \
                     stack and {} for interrupts are {} more than the chip has; {}",
                    ram.interrupt_bytes,
                    found - limit as f64,
                    if static_bytes > LOG_BYTES {
                        "`log = \"off\"` in [firmware] saves the log's buffer of 1024 bytes"
                    } else {
                        "fewer features take a smaller stack"
                    }
                )
            },
        ));
    }
    verdicts.extend(on_device(
        "instructions",
        limits.instructions_mean,
        &|run| run.instructions.mean,
        &slower,
    ));
    verdicts.extend(on_device(
        "instructions_max",
        limits.instructions_max,
        &|run| run.instructions.max as f64,
        &slower,
    ));
    verdicts.extend(on_device(
        "instructions_bound",
        limits.instructions_bound,
        &|run| run.instructions_bound() as f64,
        &|_, _| {
            "a row may take that many: a smaller `max_depth`, fewer trees, or \
             `prefer = \"speed\"` in [codegen]"
                .to_owned()
        },
    ));
    verdicts.extend(limits.latency.map(|limit| latency(limit, measured.device)));
    verdicts.extend(accuracy(&limits.accuracy, measured));
    verdicts.extend(reject(limits, measured));
    verdicts.extend(values(&limits.accuracy, measured));
    verdicts.extend(measured.probability_error.map(probability_error));
    let required = limits.accuracy.require_certificate;
    verdicts.extend(required.map(|required| certificate(required, measured)));
    verdicts
}

fn parity(device: RunOutcome<'_>) -> Verdict {
    let RunOutcome::Ran(run) = device else {
        return not_measured("parity", 0, device);
    };
    let mut verdict = at_most("parity", 0, run.mismatches.len() as u64, |_| {
        format!(
            "test row {} is the first that host and device compute differently; this is a fault of \
             Spinney",
            run.mismatches[0]
        )
    });
    if let (true, Some(drawn)) = (verdict.pass, &run.drawn) {
        let share = format!("a share of the test rows ran, {} of them", drawn.len());
        verdict.note = Some(share);
    }
    verdict
}

fn latency(limit: LatencyLimit, device: RunOutcome<'_>) -> Verdict {
    let gate = "latency_us_max";
    let RunOutcome::Ran(run) = device else {
        return not_measured(gate, limit.us, device);
    };
    let cycles = match limit.cycles_per_instruction {
        Some(measured) => Some(PerInference::measured(run, measured)),
        None => PerInference::of(run, limit.wait_states),
    };
    let Some(cycles) = cycles else {
        let why = "no timing table of this core is known, or its code was not followed: `flash \
                   --verify` measures on a board";
        return Verdict::without_figure(gate, limit.us, false, why.to_owned());
    };
    let us = (cycles.max as f64 / limit.clock_mhz * 10.0).ceil() / 10.0;
    Verdict::new(gate, limit.us, us, us <= limit.us, || {
        "the slowest row where flash keeps every access waiting; a faster clock, `prefer = \"speed\"` in \
         [codegen], or a smaller model"
            .to_owned()
    })
}

/// A gate that could not be measured fails, unless the config does without a device.
pub(crate) fn not_measured(
    gate: &str,
    limit: impl Into<Quantity>,
    device: RunOutcome<'_>,
) -> Verdict {
    let (pass, note) = match device {
        RunOutcome::Failed(reason) => (false, reason.to_owned()),
        RunOutcome::Ran(_) | RunOutcome::NotRequired => (
            true,
            "not measured: the config does not require the emulator".to_owned(),
        ),
    };
    Verdict::without_figure(gate, limit, pass, note)
}

pub(crate) fn at_most(
    gate: &str,
    limit: u64,
    found: u64,
    advice: impl FnOnce(u64) -> Advice,
) -> Verdict {
    Verdict::new(gate, limit, found, found <= limit, || advice(found - limit))
}

/// A gate on the least of something that a run tells.
pub(crate) fn at_least(
    gate: &str,
    limit: f64,
    found: Option<f64>,
    device: RunOutcome<'_>,
    advice: impl FnOnce() -> Advice,
) -> Verdict {
    let Some(found) = found else {
        return not_measured(gate, limit, device);
    };
    // Digits beyond the sixth say nothing, and would fill the table.
    let shown: f64 = format!("{found:.5e}").parse().unwrap_or(found);
    Verdict::new(gate, limit, shown, found >= limit, advice)
}

/// Not a limit of the config: a row beyond its own bound refutes the proof of it.
fn probability_error(error: ProbabilityError) -> Verdict {
    let n = error.rows_beyond;
    let (limit, found) = (error.bound_max, error.found_max);
    Verdict::new("probability_error", limit, found, n == 0, || {
        format!("rows beyond their proven bound: {n}; this is a fault of Spinney")
    })
}

fn certificate(required: Level, measured: Measured<'_>) -> Verdict {
    let found = measured.certificate;
    let level = found
        .splits
        .map_or(found.votes, |splits| splits.min(found.votes));
    let pass = level >= required;
    Verdict::new("require_certificate", required, level, pass, || {
        at_fault(measured.certificate, measured.features)
    })
}

fn counted(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

/// Names the features, splits and rows at fault, and the smallest change that would mend them.
///
/// `features` are the features' names.
pub fn at_fault(certificate: &Certificate, features: &[&str]) -> Advice {
    const SHOWN: usize = 3;
    let mut parts = Vec::new();
    for remedy in certificate.remedies.iter().take(SHOWN) {
        let name = features.get(remedy.feature).unwrap_or(&"?");
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let section = if name.chars().all(is_bare) {
            format!("[features.{name}]")
        } else {
            format!("[features.{name:?}]")
        };
        let splits: Vec<String> = certificate
            .flips
            .iter()
            .filter(|flip| flip.feature == remedy.feature)
            .take(SHOWN)
            .map(|flip| format!("tree {} node {} ({})", flip.tree, flip.node, flip.threshold))
            .collect();
        let loses_digits = certificate
            .flips
            .iter()
            .filter(|flip| flip.feature == remedy.feature && !flip.rows.is_empty())
            .any(|flip| flip.above.is_none() && flip.below.is_none());
        let change = match remedy.range {
            _ if loses_digits => "its readings in the file have more digits than the device gets; \
                                  round them to float32, or to what the sensor delivers"
                .to_owned(),
            Some(_) if remedy.is_narrow => format!(
                "`codes = \"16-bit\"` in [quantize] makes codes fine enough for these rows, \
                 `coding = \"rank\"` in {section} for every input"
            ),
            Some((low, high)) => format!(
                "`range = [{low}, {high}]` in {section} makes codes fine enough for these \
                 rows, `coding = \"rank\"` for every input"
            ),
            None => format!("`coding = \"rank\"` in {section} holds for every input"),
        };
        parts.push(format!(
            "feature \"{name}\": readings flip at {}, {}, and {} there; {change}",
            counted(remedy.n_flips, "split", "splits"),
            splits.join(", "),
            counted(remedy.n_rows, "row parts", "rows part")
        ));
    }
    if certificate.remedies.len() > SHOWN {
        let more = certificate.remedies.len() - SHOWN;
        parts.push(format!(
            "{} such splits",
            counted(more, "more feature has", "more features have")
        ));
    }
    if let Some(row) = certificate.rows_at_risk.first() {
        let change = match certificate.splits {
            Some(_) => {
                "`votes = \"q15\"` in [quantize] narrows the bound, `leaves = \"hard\"` has none"
            }
            None => "a narrower `range` in [features] makes the codes of naive Bayes finer",
        };
        parts.push(format!(
            "{} decided within the error bound, test row {row} first: {change}",
            counted(certificate.rows_at_risk.len(), "row is", "rows are")
        ));
    }
    if parts.is_empty() {
        parts.push("no split and no row is at fault; the level asked for needs single trees, hard votes or leaves held exactly".to_owned());
    }
    parts.join("; ")
}
