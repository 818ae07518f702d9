//! Labels with times: a CSV with `start`, `end` and `label`, in seconds, a label track of Audacity, or a
//! list of recordings.

use std::fmt::Write;

use spinney_dataset::profile::LABELS;
use spinney_dataset::{Budget, DataError, Delimiter, Dialect, Table, labels};

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

/// A label from one time to another, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// When it begins, from 0 on.
    pub start_s: f64,
    /// When it ends, later.
    pub end_s: f64,
    /// What is heard.
    pub label: String,
}

impl Timed {
    /// The samples that it covers, one at least.
    pub fn at(&self, sample_rate_hz: f64) -> Interval {
        // At most 2^53; a cast of more saturates.
        let sample = |seconds: f64| (seconds * sample_rate_hz).round() as usize;
        let start = sample(self.start_s);
        Interval {
            start,
            end: sample(self.end_s).max(start.saturating_add(1)),
            label: self.label.clone(),
        }
    }
}

/// What a list says of a recording, or of a part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The recording's file.
    pub file: String,
    /// What is heard.
    pub label: String,
    /// When, unless it is heard all the time.
    pub times: Option<Timed>,
}

/// Names of the column that has the recordings of a list.
const FILES: [&str; 8] = [
    "file",
    "filename",
    "file_name",
    "fname",
    "path",
    "recording",
    "audio",
    "name",
];

/// Reads the labels of a recording of so many samples per second; see [`read_times`].
///
/// # Errors
/// As [`read_times`].
pub fn read_intervals(bytes: &[u8], sample_rate_hz: f64) -> Result<Vec<Interval>, DataError> {
    let times = read_times(bytes)?;
    Ok(times.iter().map(|it| it.at(sample_rate_hz)).collect())
}

/// Reads the labels of a recording. Columns are found by name, their order is free, and others are
/// passed over; Audacity's have none, and are separated by tabs.
///
/// # Errors
/// What [`Table`] refuses, a missing column, times that are no seconds from 0 on, or that do not
/// rise, a label that is missing.
pub fn read_times(bytes: &[u8]) -> Result<Vec<Timed>, DataError> {
    let budget = Budget::of(bytes.len());
    let is_track = is_track(bytes);
    let mut table = match is_track {
        true => Table::open(bytes, TRACK)?,
        false => Table::open(bytes, true)?,
    };
    let columns = if is_track {
        if table.names().len() < 3 {
            return Err(DataError::new(
                "the label track",
                "times without labels",
                "two times and a label on each line, separated by tabs",
            ));
        }
        [0, 1, 2]
    } else {
        let of = |name| column(&table, name);
        [of("start")?, of("end")?, of("label")?]
    };
    let mut all = Vec::new();
    while table.advance()? {
        // Audacity's second line of a label has frequencies.
        if !is_track || table.field(0)? != "\\" {
            all.push(timed(&table, columns, &budget)?);
        }
    }
    Ok(all)
}

/// How Audacity writes label tracks.
const TRACK: Dialect = Dialect {
    has_header: false,
    delimiter: Some(Delimiter::Tab),
    decimal: None,
};

/// Whether the first line has two times and a label, separated by tabs.
fn is_track(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| b"\r\n".contains(byte)).next();
    let line = std::str::from_utf8(line.unwrap_or_default()).unwrap_or_default();
    let mut fields = line.split('\t').map(str::trim);
    let mut is_time = || {
        let field = fields.next().map(|it| it.replacen(',', ".", 1));
        field.is_some_and(|it| it.parse::<f64>().is_ok())
    };
    is_time() && is_time() && fields.next().is_some()
}

fn column(table: &Table<'_>, name: &str) -> Result<usize, DataError> {
    let names = table.names();
    names.iter().position(|it| it == name).ok_or_else(|| {
        DataError::new(
            "the label file",
            format!("the columns {}", names.join(", ")),
            format!("a column `{name}`: labels have `start`, `end` and `label`"),
        )
    })
}

/// The label of a row, and its times.
fn timed(
    table: &Table<'_>,
    [start, end, label]: [usize; 3],
    budget: &Budget,
) -> Result<Timed, DataError> {
    let place = || format!("line {}", table.line());
    let seconds = |at: usize| {
        let text = table.field(at)?;
        let seconds: Option<f64> = text.parse().ok();
        let seconds = seconds.filter(|seconds| (0.0..1e9).contains(seconds));
        let fault = || {
            DataError::new(
                place(),
                format!("the time \"{text}\""),
                "seconds, from 0 on",
            )
        };
        seconds.ok_or_else(fault)
    };
    let text = table.field(label)?;
    labels::check(text, || table.place(label))?;
    budget.take_text("the labels", text)?;
    let (start_s, end_s) = (seconds(start)?, seconds(end)?);
    if end_s <= start_s {
        return Err(DataError::new(
            place(),
            format!("\"{}\" to \"{}\"", table.field(start)?, table.field(end)?),
            "an end after the start",
        ));
    }
    Ok(Timed {
        start_s,
        end_s,
        label: text.to_owned(),
    })
}

/// Reads a list of recordings: a CSV file with a column of files and one of labels, which `label`
/// names, else its own name; and of times, where it has `start` and `end`.
///
/// # Errors
/// What [`Table`] refuses, a missing column, a label that is missing, times as in [`read_times`].
pub fn read_list(bytes: &[u8], label: Option<&str>) -> Result<Vec<Listed>, DataError> {
    let budget = Budget::of(bytes.len());
    let mut table = Table::open(bytes, true)?;
    let names = table.names();
    let called = |wanted: &[&str]| {
        let at = |name: &&str| names.iter().position(|it| it.eq_ignore_ascii_case(name));
        wanted.iter().find_map(at).ok_or_else(|| {
            DataError::new(
                "the list of recordings",
                format!("the columns {}", names.join(", ")),
                format!(
                    "one that is called `{}`; `label` in [dataset] names that of the classes",
                    wanted.join("`, `")
                ),
            )
        })
    };
    let file = called(&FILES)?;
    let label = match &label {
        Some(label) => called(std::slice::from_ref(label))?,
        None => called(&LABELS)?,
    };
    let times = called(&["start"]).and_then(|start| Ok((start, called(&["end"])?)));
    let times = times.ok();
    let mut all = Vec::new();
    while table.advance()? {
        let text = table.field(label)?;
        labels::check(text, || table.place(label))?;
        budget.take_text("the labels", text)?;
        budget.take_text("the files", table.field(file)?)?;
        all.push(Listed {
            file: table.field(file)?.to_owned(),
            label: text.to_owned(),
            times: match times {
                Some((start, end)) => Some(timed(&table, [start, end, label], &budget)?),
                None => None,
            },
        });
    }
    Ok(all)
}

/// The label that most samples have, of equals the first.
pub fn most(intervals: &[Interval]) -> Option<&str> {
    let mut lengths: Vec<(&str, usize)> = Vec::new();
    for interval in intervals {
        let length = interval.end - interval.start;
        match lengths
            .iter_mut()
            .find(|(label, _)| *label == interval.label)
        {
            Some((_, so_far)) => *so_far += length,
            None => lengths.push((&interval.label, length)),
        }
    }
    let most = lengths.iter().map(|(_, length)| *length).max()?;
    lengths
        .into_iter()
        .find(|(_, length)| *length == most)
        .map(|(label, _)| label)
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
pub fn fitting_rate_hz(intervals: &[Interval], n_samples: usize, sample_rate_hz: f64) -> f64 {
    let end = intervals.iter().map(|it| it.end).max().unwrap_or(0).max(1);
    let rate = sample_rate_hz * n_samples as f64 / end as f64;
    // A number of four digits reads back.
    format!("{rate:.3e}").parse().unwrap_or(rate)
}

/// Labels as a file that [`read_intervals`] reads back: times to the microsecond.
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
