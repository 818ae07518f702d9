//! Label files: a CSV with `start`, `end` and `label`, in seconds.

use std::fmt::Write;

use crate::SignalError;

/// A labelled stretch of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// Its first sample.
    pub start: usize,
    /// The sample after its last.
    pub end: usize,
    /// What is heard.
    pub label: String,
}

/// Reads the labels of a recording of so many samples per second. Columns are found by name, their
/// order is free, and others are passed over.
///
/// # Errors
/// A missing column, times that are no seconds from 0 on, or that do not rise.
pub fn read_intervals(bytes: &[u8], sample_rate_hz: f64) -> Result<Vec<Interval>, SignalError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let damaged = |error: csv::Error| {
        SignalError::new("the label file", error.to_string(), "CSV with a header")
    };
    let header = reader.headers().map_err(damaged)?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| {
                SignalError::new(
                    "the label file",
                    format!(
                        "the columns {}",
                        header.iter().collect::<Vec<_>>().join(", ")
                    ),
                    format!("a column `{name}`: labels have `start`, `end` and `label`"),
                )
            })
    };
    let (start, end, label) = (column("start")?, column("end")?, column("label")?);
    let mut intervals = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(damaged)?;
        let place = || format!("the label file, data row {row}");
        let text = |at: usize| record.get(at).unwrap_or_default();
        let sample = |at: usize| {
            let seconds: Option<f64> = text(at).parse().ok();
            seconds
                .filter(|seconds| (0.0..1e9).contains(seconds))
                // At most 2^53; a cast of more saturates.
                .map(|seconds| (seconds * sample_rate_hz).round() as usize)
                .ok_or_else(|| {
                    SignalError::new(
                        place(),
                        format!("the time \"{}\"", text(at)),
                        "seconds, from 0 on",
                    )
                })
        };
        let interval = Interval {
            start: sample(start)?,
            end: sample(end)?,
            label: text(label).to_owned(),
        };
        if interval.end <= interval.start || interval.label.is_empty() {
            return Err(SignalError::new(
                place(),
                format!(
                    "\"{}\" to \"{}\", label \"{}\"",
                    text(start),
                    text(end),
                    text(label)
                ),
                "an end after the start, and a label",
            ));
        }
        intervals.push(interval);
    }
    Ok(intervals)
}

/// Labels as a file that [`read_intervals`] reads back: times to the microsecond.
#[must_use]
pub fn intervals_csv(intervals: &[Interval], sample_rate_hz: u32) -> String {
    let mut out = "start,end,label\n".to_owned();
    let seconds = |sample: usize| {
        let micros = (sample as u128 * 1_000_000 + u128::from(sample_rate_hz) / 2)
            / u128::from(sample_rate_hz.max(1));
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    };
    for interval in intervals {
        let (start, end) = (seconds(interval.start), seconds(interval.end));
        let _ = writeln!(out, "{start},{end},{}", interval.label);
    }
    out
}
