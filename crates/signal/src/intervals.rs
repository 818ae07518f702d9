//! Label files: a CSV with `start`, `end` and `label`, in seconds.

use std::fmt::Write;

use spinney_dataset::{Budget, DataError, Table, labels};

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
/// What [`Table`] refuses, a missing column, times that are no seconds from 0 on, or that do not
/// rise, a label that is missing.
pub fn read_intervals(bytes: &[u8], sample_rate_hz: f64) -> Result<Vec<Interval>, DataError> {
    let budget = Budget::of(bytes.len());
    let mut table = Table::open(bytes, true)?;
    let column = |name: &str| {
        let names = table.names();
        names.iter().position(|it| it == name).ok_or_else(|| {
            DataError::new(
                "the label file",
                format!("the columns {}", names.join(", ")),
                format!("a column `{name}`: labels have `start`, `end` and `label`"),
            )
        })
    };
    let (start, end, label) = (column("start")?, column("end")?, column("label")?);
    let mut intervals = Vec::new();
    while table.advance()? {
        let place = || format!("line {}", table.line());
        let sample = |at: usize| {
            let text = table.field(at)?;
            let seconds: Option<f64> = text.parse().ok();
            seconds
                .filter(|seconds| (0.0..1e9).contains(seconds))
                // At most 2^53; a cast of more saturates.
                .map(|seconds| (seconds * sample_rate_hz).round() as usize)
                .ok_or_else(|| {
                    DataError::new(
                        place(),
                        format!("the time \"{text}\""),
                        "seconds, from 0 on",
                    )
                })
        };
        let text = table.field(label)?;
        labels::check(text, || table.place(label))?;
        let interval = Interval {
            start: sample(start)?,
            end: sample(end)?,
            label: text.to_owned(),
        };
        if interval.end <= interval.start {
            return Err(DataError::new(
                place(),
                format!("\"{}\" to \"{}\"", table.field(start)?, table.field(end)?),
                "an end after the start",
            ));
        }
        budget.take_text("the labels", &interval.label)?;
        intervals.push(interval);
    }
    Ok(intervals)
}

/// Refuses labels that end later than a recording of `n_samples`, by more than `slack` samples.
///
/// # Errors
/// Such labels; names their end and the recording's.
pub fn check_within(
    intervals: &[Interval],
    n_samples: usize,
    slack: usize,
    sample_rate_hz: f64,
) -> Result<(), DataError> {
    let end = intervals.iter().map(|it| it.end).max().unwrap_or(0);
    if end <= n_samples.saturating_add(slack) {
        return Ok(());
    }
    let n_beyond = intervals.iter().filter(|it| it.start >= n_samples).count();
    Err(DataError::new(
        "the label file",
        format!(
            "labels up to {:.3} s, {n_beyond} of {} wholly beyond the end of the recording",
            end as f64 / sample_rate_hz,
            intervals.len()
        ),
        format!(
            "none after {:.3} s, where its {n_samples} samples end at {sample_rate_hz} per second",
            n_samples as f64 / sample_rate_hz
        ),
    ))
}

/// The samples per second at which `n_samples` would last as long as the labels do, to four digits.
#[must_use]
pub fn fitting_rate_hz(intervals: &[Interval], n_samples: usize, sample_rate_hz: f64) -> f64 {
    let end = intervals.iter().map(|it| it.end).max().unwrap_or(0).max(1);
    let rate = sample_rate_hz * n_samples as f64 / end as f64;
    // A number of four digits reads back.
    format!("{rate:.3e}").parse().unwrap_or(rate)
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
