//! What a device heard: features of each decision, compared with the host's bit by bit.

use serde::{Deserialize, Serialize};
use spinney_board::Timer;
use spinney_wire::Header;
use spinney_wire::heard::SignalFeatures;

use crate::Instructions;
use crate::device::{OutcomeError, instructions_of};

/// A run of samples through a front end on a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalFeaturesRun {
    /// How many decisions there were.
    pub decisions: usize,
    /// Decisions of which any feature differs from the host's.
    pub mismatches: Vec<usize>,
    /// From a decision's first sample to its features.
    pub instructions: Instructions,
    /// Bytes from the initial stack pointer to the deepest word that the front end touched.
    pub stack_bytes_max: u32,
}

/// Reads a file of features and compares it with `rows`, the host's readings of all decisions;
/// `outcomes` is the same run's file of outcomes.
///
/// # Errors
/// Fewer or more decisions than rows, or a measurement that the device could not make.
pub fn read_heard(
    bytes: &[u8],
    outcomes: &[u8],
    rows: &[u8],
    n_rows: usize,
    timer: Timer,
) -> Result<SignalFeaturesRun, OutcomeError> {
    let error = |found: String, expected: String| OutcomeError { found, expected };
    let header = outcomes.get(..Header::LEN).and_then(Header::from_bytes);
    let row_len = rows.len() / n_rows.max(1);
    let record_len = SignalFeatures::LEN + row_len;
    let (Some(header), true) = (header, bytes.len() == n_rows * record_len) else {
        return Err(error(
            format!("{} bytes of features", bytes.len()),
            format!("{} bytes for {n_rows} decisions", n_rows * record_len),
        ));
    };
    let mut mismatches = Vec::new();
    let mut counts = Vec::with_capacity(n_rows);
    let mut stack_bytes_max = 0;
    let records = bytes.chunks_exact(record_len);
    for (row, (record, expected)) in records.zip(rows.chunks_exact(row_len.max(1))).enumerate() {
        let (heard, features) = record.split_at(SignalFeatures::LEN);
        let heard = SignalFeatures::from_bytes(heard).expect("a slice of that length");
        if heard.ticks == u32::MAX || heard.stack_bytes == u32::MAX {
            return Err(error(
                format!("a decision beyond the timer or the watched stack, in row {row}"),
                "at most 2^32 − 2 ticks and 8 KiB of stack".to_owned(),
            ));
        }
        if features != expected {
            mismatches.push(row);
        }
        let overhead = u64::from(header.overhead_ticks) * u64::from(heard.n_measured);
        let ticks = u64::from(heard.ticks).saturating_sub(overhead);
        counts.push(instructions_of(ticks as f64, timer));
        stack_bytes_max = stack_bytes_max.max(heard.stack_bytes);
    }
    Ok(SignalFeaturesRun {
        decisions: n_rows,
        mismatches,
        instructions: Instructions::of(&counts),
        stack_bytes_max,
    })
}
