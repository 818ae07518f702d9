//! What a device heard: features of each decision, compared with the host's bit by bit.

use serde::{Deserialize, Serialize};
use spinney_board::Timer;
use spinney_wire::Header;
use spinney_wire::heard::{SignalFeatures, Triggered};

use crate::Instructions;
use crate::device::{OutcomeError, instructions_of};

/// A run of samples through a front end on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalFeaturesRun {
    /// How many decisions there were.
    pub decisions: usize,
    /// Decisions of which any feature differs from the host's, or whose last sample is another.
    pub mismatches: Vec<usize>,
    /// From a decision's first sample to its features.
    pub instructions: Instructions,
    /// Bytes from the initial stack pointer to the deepest word that the front end touched.
    pub stack_bytes_max: u32,
    /// What quiet samples take, of which no decision is made; absent without a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
}

/// What samples take while nothing triggers a decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    /// How many were measured.
    pub samples: u64,
    /// Instructions of each, on average.
    pub instructions_per_sample: f64,
}

/// Reads a file of features and compares it with `rows`, the host's readings of all decisions;
/// `outcomes` is the same run's file of outcomes. With a trigger, `ends` has for each decision how many
/// samples of the file the host had heard by then.
///
/// # Errors
/// Fewer or more decisions than rows, or a measurement that the device could not make.
pub fn read_heard(
    bytes: &[u8],
    outcomes: &[u8],
    (rows, ends): (&[u8], Option<&[u64]>),
    n_rows: usize,
    timer: Timer,
) -> Result<SignalFeaturesRun, OutcomeError> {
    let error = |found: String, expected: String| OutcomeError { found, expected };
    let header = outcomes.get(..Header::LEN).and_then(Header::from_bytes);
    let row_len = rows.len() / n_rows.max(1);
    let told_len = ends.map_or(0, |_| Triggered::LEN);
    let record_len = SignalFeatures::LEN + told_len + row_len;
    let (Some(header), true) = (header, bytes.len() == n_rows * record_len) else {
        return Err(error(
            format!("{} bytes of features", bytes.len()),
            format!("{} bytes for {n_rows} decisions", n_rows * record_len),
        ));
    };
    let mut mismatches = Vec::new();
    let mut counts = Vec::with_capacity(n_rows);
    let mut stack_bytes_max = 0;
    let (mut quiet_ticks, mut n_quiet) = (0, 0);
    let records = bytes.chunks_exact(record_len);
    for (row, (record, expected)) in records.zip(rows.chunks_exact(row_len.max(1))).enumerate() {
        let (heard, rest) = record.split_at(SignalFeatures::LEN);
        let (told, features) = rest.split_at(told_len);
        let told = Triggered::from_bytes(told).unwrap_or_default();
        let heard = SignalFeatures::from_bytes(heard).expect("a slice of that length");
        if heard.ticks == u32::MAX || heard.stack_bytes == u32::MAX {
            return Err(error(
                format!("a decision beyond the timer or the watched stack, in row {row}"),
                "at most 2^32 − 2 ticks and 8 KiB of stack".to_owned(),
            ));
        }
        let ends_there = ends.is_none_or(|ends| ends.get(row) == Some(&told.n_samples.into()));
        if features != expected || !ends_there {
            mismatches.push(row);
        }
        let own = |ticks: u32, n_measured: u32| {
            let overhead = u64::from(header.overhead_ticks) * u64::from(n_measured);
            u64::from(ticks).saturating_sub(overhead)
        };
        let ticks = own(heard.ticks, heard.n_measured);
        quiet_ticks += own(told.quiet_ticks, told.n_quiet_measured);
        n_quiet += u64::from(told.n_quiet_samples);
        counts.push(instructions_of(ticks as f64, timer));
        stack_bytes_max = stack_bytes_max.max(heard.stack_bytes);
    }
    Ok(SignalFeaturesRun {
        decisions: n_rows,
        mismatches,
        instructions: Instructions::of(&counts),
        stack_bytes_max,
        quiet: (n_quiet > 0).then(|| Quiet {
            samples: n_quiet,
            instructions_per_sample: instructions_of(quiet_ticks as f64, timer) / n_quiet as f64,
        }),
    })
}
