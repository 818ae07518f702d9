//! What a device answered: outcomes of the test rows, compared with the host's bit by bit.

use serde::{Deserialize, Serialize};
use spinney_board::Timer;
use spinney_model::limits;
use spinney_quantize::argmax;
use spinney_wire::{Header, Outcome};

use crate::Predictions;

/// A run of test rows on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceRun {
    /// The places among the test rows of those that ran, in order; `None` where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Vec<usize>>,
    /// Class per row that ran.
    pub classes: Vec<usize>,
    /// Scores of a model that gives values, of each target row by row that ran; none of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<i64>,
    /// Test rows whose class, or any score or probability that the image delivers, differs from the
    /// host's.
    pub mismatches: Vec<usize>,
    /// From raw readings to class.
    pub instructions: Instructions,
    /// From codes to class.
    pub instructions_from_codes: Instructions,
    /// The cycles of these; `None` where nothing is known of the core's time, or nobody asked.
    pub cycles: Option<Box<crate::Cycles>>,
    /// Bytes from the initial stack pointer to the deepest word that any prediction touched.
    pub stack_bytes_max: u32,
    /// What no row can exceed; `None` for models without splits.
    pub worst_case: Option<WorstCase>,
    /// What the front end heard of the samples behind the rows; `None` without one.
    pub heard: Option<Box<crate::SignalFeaturesRun>>,
}

/// The longest paths of all trees, and what they would take at the measured cost of a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WorstCase {
    /// Splits on the longest path of every tree, added up: no row passes more.
    pub splits: u64,
    /// The most splits that any row of the run passed.
    pub splits_measured: u64,
    /// Instructions from codes to class per split passed, over all rows: all that is not walking
    /// included.
    pub instructions_per_split: f64,
    /// Instructions from readings to class: the most of any row, had it passed all of `splits` at
    /// this cost each.
    pub instructions: u64,
}

impl DeviceRun {
    /// Where a test row is among those that ran, if it is.
    pub fn place(&self, row: usize) -> Option<usize> {
        match &self.drawn {
            None => Some(row),
            Some(drawn) => drawn.binary_search(&row).ok(),
        }
    }

    /// From raw readings to class, with what no row exceeds where that is known.
    pub fn instructions_per_inference(&self) -> Instructions {
        let longest = self.cycles.as_ref().and_then(|cycles| cycles.longest);
        let bound = longest.map(|longest| longest.instructions);
        Instructions {
            // A row beyond it would make it void.
            bound: bound.filter(|bound| *bound >= self.instructions.max),
            ..self.instructions
        }
    }

    /// The instructions that no inference should exceed: those of the longest way through the image, else
    /// the worst case of trees by the measured cost of a split, else the most that was measured.
    pub fn instructions_bound(&self) -> u64 {
        let estimate = || self.worst_case.map(|worst| worst.instructions);
        let bound = self.instructions_per_inference().bound.or_else(estimate);
        bound.unwrap_or(self.instructions.max)
    }
}

/// Splits that the rows of a run pass.
#[derive(Debug, Clone, Copy)]
pub struct Splits<'a> {
    /// Per row.
    pub passed: &'a [u64],
    /// At the most, whatever the row.
    pub most: u64,
}

/// Executed instructions per inference; not cycles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Instructions {
    /// Mean over the rows.
    pub mean: f64,
    /// The most that any row took.
    pub max: u64,
    /// The most that any row can take, by the image's own code and tables; `None` where that does not
    /// follow from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<u64>,
}

/// What the host knows of a run when it reads the answer.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    /// Number of features of the model in the image.
    pub n_features: usize,
    /// Number of classes of the model in the image.
    pub n_classes: usize,
    /// Whether the image was built to deliver no scores.
    pub class_only: bool,
    /// What the emulated timer counts.
    pub timer: Timer,
    /// What the host predicted for all test rows.
    pub predictions: &'a Predictions,
    /// The places of the rows that ran, in order; `None` where all did.
    pub drawn: Option<&'a [usize]>,
    /// Splits that the test rows pass; `None` for models without splits.
    pub splits: Option<Splits<'a>>,
}

impl<'a> RunContext<'a> {
    /// What is known of a run of all test rows, whose image gives scores; the classes are those that
    /// the host has scores of, and nothing is told of splits.
    pub fn new(n_features: usize, timer: Timer, predictions: &'a Predictions) -> Self {
        Self {
            n_features,
            n_classes: predictions.scores.first().map_or(0, Vec::len),
            class_only: false,
            timer,
            predictions,
            drawn: None,
            splits: None,
        }
    }
}

/// An answer that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the device's outcomes: found {found}, expected {expected}")]
pub struct OutcomeError {
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

/// Virtual nanoseconds that the emulator lets pass per instruction: `-icount shift=8`.
const NS_PER_INSTRUCTION: f64 = 256.0;
/// Size of one score.
const SCORE_LEN: usize = 8;
/// Size of one probability.
const PROBABILITY_LEN: usize = 2;

/// Reads a file of outcomes and compares it with the host's predictions.
///
/// # Errors
/// Another model's header, fewer or more outcomes than rows, or a measurement that the device
/// could not make.
pub fn read_outcomes(bytes: &[u8], context: RunContext<'_>) -> Result<DeviceRun, OutcomeError> {
    let error = |found: String, expected: String| OutcomeError { found, expected };
    let host = context.predictions;
    let n_rows = context.drawn.map_or(host.q15.len(), <[usize]>::len);
    let place = |row: usize| context.drawn.map_or(row, |drawn| drawn[row]);
    let outputs = Outputs {
        n_features: context.n_features,
        n_classes: context.n_classes,
        class_only: context.class_only,
        n_probabilities: host.probabilities.first().map_or(0, Vec::len),
    };
    let (header, rows) = outputs.answers(bytes, n_rows)?;
    // An empty stretch executes a few instructions, each of which must have counted in full.
    let is_whole = f64::from(header.overhead_ticks) % NS_PER_INSTRUCTION == 0.0;
    if context.timer == Timer::McycleNs && !is_whole {
        return Err(error(
            format!(
                "mcycle advancing {} over an empty stretch",
                header.overhead_ticks
            ),
            format!("a multiple of {NS_PER_INSTRUCTION}: this emulator counts it otherwise"),
        ));
    }
    let instructions = |ticks: u32, row: usize| -> Result<f64, OutcomeError> {
        if ticks == u32::MAX {
            return Err(error(
                format!("an inference beyond the timer, in row {row}"),
                "at most 2^32 − 2 ticks".to_owned(),
            ));
        }
        let ticks = f64::from(ticks) - f64::from(header.overhead_ticks);
        Ok(instructions_of(ticks, context.timer))
    };
    let mut classes = Vec::with_capacity(n_rows);
    let mut mismatches = Vec::new();
    let mut kept = Vec::new();
    let mut from_readings = Vec::with_capacity(n_rows);
    let mut from_codes = Vec::with_capacity(n_rows);
    let mut stack_bytes_max = 0;
    for (index, answer) in rows.enumerate() {
        let row = place(index);
        let Answer {
            outcome,
            scores,
            probabilities,
        } = answer;
        let class = outcome.class as usize;
        // An image that delivers scores asks all trees, whatever the product leaves out.
        // Values are delivered as they are.
        let expected = match &host.answers {
            Some(answers) => answers[row],
            None if context.class_only || !host.values.is_empty() => host.q15[row],
            None => argmax(&host.scores[row]),
        };
        if class != expected
            || (!context.class_only && scores != host.scores[row])
            || host
                .probabilities
                .get(row)
                .is_some_and(|host| *host != probabilities)
        {
            mismatches.push(row);
        }
        if outcome.stack_bytes == u32::MAX {
            return Err(error(
                format!("a prediction beyond the watched stack, in row {row}"),
                format!(
                    "at most 8 KiB of stack below the main loop, where a row's codes lie too; {}",
                    limits::FEATURES.way_out
                ),
            ));
        }
        if !host.values.is_empty() {
            kept.extend(scores);
        }
        classes.push(class);
        from_readings.push(instructions(outcome.ticks, row)?);
        from_codes.push(instructions(outcome.ticks_from_codes, row)?);
        stack_bytes_max = stack_bytes_max.max(outcome.stack_bytes);
    }
    Ok(DeviceRun {
        heard: None,
        worst_case: context.splits.and_then(|splits| {
            let passed: Vec<u64> = (0..n_rows).map(|row| splits.passed[place(row)]).collect();
            let passed = &passed;
            WorstCase::new(Splits { passed, ..splits }, &from_readings, &from_codes)
        }),
        drawn: context.drawn.map(<[usize]>::to_vec),
        classes,
        scores: kept,
        mismatches,
        instructions: Instructions::of(&from_readings),
        instructions_from_codes: Instructions::of(&from_codes),
        cycles: None,
        stack_bytes_max,
    })
}

/// What an image was built to answer, whatever its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outputs {
    /// Number of features of the model in it.
    pub n_features: usize,
    /// Number of classes of the model in it.
    pub n_classes: usize,
    /// Whether it delivers no scores; else one per class.
    pub class_only: bool,
    /// Probabilities per row.
    pub n_probabilities: usize,
}

/// What a device answered to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Class and measurements.
    pub outcome: Outcome,
    /// Per class, unless the image was built without.
    pub scores: Vec<i64>,
    /// Per class, if the model has them.
    pub probabilities: Vec<u16>,
}

impl Outputs {
    /// The answers to `n_rows` rows in a file of outcomes.
    ///
    /// # Errors
    /// Another shape in the header than what was built, or other than `n_rows` whole answers.
    pub fn answers(
        self,
        bytes: &[u8],
        n_rows: usize,
    ) -> Result<(Header, impl Iterator<Item = Answer>), OutcomeError> {
        let error = |found: String, expected: String| OutcomeError { found, expected };
        let header = bytes
            .get(..Header::LEN)
            .and_then(Header::from_bytes)
            .ok_or_else(|| {
                error(
                    "no header".to_owned(),
                    "the answer of a verify image".to_owned(),
                )
            })?;
        let shape = (header.n_features as usize, header.n_classes as usize);
        if shape != (self.n_features, self.n_classes) {
            return Err(error(
                format!("a model of {} features and {} classes", shape.0, shape.1),
                format!(
                    "{} features and {} classes",
                    self.n_features, self.n_classes
                ),
            ));
        }
        let n_scores = if self.class_only { 0 } else { self.n_classes };
        for (found, expected, what) in [
            (
                header.n_probabilities,
                self.n_probabilities,
                "probabilities",
            ),
            (header.n_scores, n_scores, "scores"),
        ] {
            if found as usize != expected {
                return Err(error(
                    format!("{found} {what} per row"),
                    format!("{expected}, as the image was built"),
                ));
            }
        }
        let records = &bytes[Header::LEN..];
        let scores_len = SCORE_LEN * n_scores;
        let record_len = Outcome::LEN + scores_len + PROBABILITY_LEN * self.n_probabilities;
        if records.len() != n_rows * record_len {
            return Err(error(
                format!(
                    "{} bytes, outcomes of {} rows",
                    records.len(),
                    records.len() / record_len
                ),
                format!("{} bytes for {n_rows} rows", n_rows * record_len),
            ));
        }
        let answer = move |record: &[u8]| {
            let (outcome, rest) = record.split_at(Outcome::LEN);
            let (scores, probabilities) = rest.split_at(scores_len);
            let (scores, probabilities) = (scores.as_chunks().0, probabilities.as_chunks().0);
            Answer {
                outcome: Outcome::from_bytes(outcome).expect("a slice of that length"),
                scores: scores.iter().copied().map(i64::from_le_bytes).collect(),
                probabilities: probabilities
                    .iter()
                    .copied()
                    .map(u16::from_le_bytes)
                    .collect(),
            }
        };
        Ok((header, records.chunks_exact(record_len).map(answer)))
    }
}

/// Instructions of so many ticks, to the nearest.
pub(crate) fn instructions_of(ticks: f64, timer: Timer) -> f64 {
    match timer {
        Timer::SystickHz(hz) => (ticks * 1e9 / f64::from(hz) / NS_PER_INSTRUCTION)
            .round()
            .max(0.0),
        Timer::McycleNs => (ticks / NS_PER_INSTRUCTION).round().max(0.0),
    }
}

impl WorstCase {
    fn new(splits: Splits<'_>, from_readings: &[f64], from_codes: &[f64]) -> Option<Self> {
        let passed: u64 = splits.passed.iter().sum();
        if passed == 0 {
            return None;
        }
        let per_split = from_codes.iter().sum::<f64>() / passed as f64;
        let most = from_readings
            .iter()
            .zip(splits.passed)
            .map(|(instructions, passed)| {
                instructions + splits.most.saturating_sub(*passed) as f64 * per_split
            })
            .fold(0.0, f64::max);
        Some(Self {
            splits: splits.most,
            splits_measured: splits.passed.iter().max().copied().unwrap_or(0),
            instructions_per_split: (per_split * 100.0).round() / 100.0,
            // Casts: a sum of counts, not negative, below 2^53.
            instructions: most.ceil() as u64,
        })
    }
}

impl Instructions {
    pub(crate) fn of(counts: &[f64]) -> Self {
        let mean = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
        // Casts: rounded, not negative, below 2^53.
        let max = counts.iter().copied().fold(0.0, f64::max) as u64;
        Self {
            mean: (mean * 10.0).round() / 10.0,
            max,
            bound: None,
        }
    }
}
