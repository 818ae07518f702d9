//! Recordings of motion and slow sensors: CSV with a column of raw integers per channel.

use spinney_dataset::{Budget, DataError, Table, labels, unpacked};

use crate::Interval;

/// Most channels of a recording.
pub const CHANNELS_MAX: usize = 16;

/// Bytes that a recording takes beside its samples, labels and name.
const RECORDING_BYTES: u64 = 320;

/// Where a CSV file has what; other columns are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns<'a> {
    /// The channels, in the order of a sample's values: at least one.
    pub channels: &'a [String],
    /// The class of each sample, if that is a column.
    pub label: Option<&'a str>,
    /// The name of the recording that a sample belongs to; without, all are of one.
    pub recording: Option<&'a str>,
}

/// Samples of several channels in the order in which they were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MotionRecording {
    /// Its name; empty without a column of names.
    pub name: String,
    /// Sample by sample, the value of each channel.
    pub values: Vec<i16>,
    /// What its samples are, where that is a column: without gaps, in turn.
    pub labels: Vec<Interval>,
}

impl MotionRecording {
    /// How many samples of so many channels there are.
    #[must_use]
    pub fn n_samples(&self, n_channels: usize) -> usize {
        self.values.len() / n_channels.max(1)
    }

    /// The label of most samples, of equals the one that comes first.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        let mut lengths: Vec<(&str, usize)> = Vec::new();
        for interval in &self.labels {
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
}

/// Reads a CSV file with a header, gzipped or not: a row per sample, in turn. The rows of a recording
/// follow each other.
///
/// # Errors
/// What [`Table`] refuses, more than the file's [`Budget`] has, a missing column, a value that is no integer of 16 bits, an empty label
/// or name, a recording that is taken up again, or no rows. Each names the line.
pub fn read_motion(bytes: &[u8], columns: &Columns<'_>) -> Result<Vec<MotionRecording>, DataError> {
    let budget = &Budget::of(bytes.len());
    let bytes = unpacked(bytes, budget)?;
    let mut table = Table::open(&bytes, true)?;
    let column = |name: &str| {
        let names = table.names();
        let mut places = names.iter().enumerate().filter(|(_, it)| *it == name);
        match (places.next(), places.next()) {
            (Some((at, _)), None) => Ok(at),
            (found, _) => Err(DataError::new(
                "the header",
                match found {
                    Some(_) => format!("the column \"{name}\" twice"),
                    None => format!("the columns {}", names.join(", ")),
                },
                format!("one column \"{name}\""),
            )),
        }
    };
    let channels = (columns.channels.iter())
        .map(|name| column(name))
        .collect::<Result<Vec<_>, _>>()?;
    let label = columns.label.map(column).transpose()?;
    let name = columns.recording.map(column).transpose()?;
    let mut recordings: Vec<MotionRecording> = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    while table.advance()? {
        let this = match name {
            Some(at) => match table.field(at)? {
                "" => return Err(DataError::new(table.place(at), "nothing", "a name")),
                name => name,
            },
            None => "",
        };
        if recordings.last().is_none_or(|last| last.name != this) {
            if !names.insert(this.to_owned()) {
                return Err(DataError::new(
                    format!("line {}", table.line()),
                    format!("the recording \"{this}\" again"),
                    "the rows of a recording one after the other, in the order of time",
                ));
            }
            budget.take_text("the recordings", this)?;
            budget.take("the recordings", RECORDING_BYTES)?;
            recordings.push(MotionRecording {
                name: this.to_owned(),
                values: Vec::new(),
                labels: Vec::new(),
            });
        }
        let Some(recording) = recordings.last_mut() else {
            continue;
        };
        let start = recording.n_samples(channels.len());
        budget.take_items("the samples", channels.len(), size_of::<i16>() as u64)?;
        for at in &channels {
            let text = table.field(*at)?;
            let value = text.parse().map_err(|_| {
                DataError::new(
                    table.place(*at),
                    format!("\"{text}\""),
                    "an integer of −32768 to 32767, as the sensor delivers it",
                )
            })?;
            recording.values.push(value);
        }
        let Some(label) = label else {
            continue;
        };
        let text = table.field(label)?;
        labels::check(text, || table.place(label))?;
        let label = text;
        match recording.labels.last_mut() {
            Some(last) if last.label == label => last.end = start + 1,
            _ => {
                budget.take_text("the labels", label)?;
                recording.labels.push(Interval {
                    start,
                    end: start + 1,
                    label: label.to_owned(),
                });
            }
        }
    }
    if recordings.is_empty() {
        return Err(DataError::new(
            "after the header",
            "no rows",
            "a row per sample",
        ));
    }
    Ok(recordings)
}
