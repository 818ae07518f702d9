//! Recordings of motion and slow sensors: CSV with a column per channel, or samples of Edge
//! Impulse.

use std::collections::BTreeSet;

use spinney_dataset::{Budget, DataError, Dialect, Table, labels, unpacked};

use crate::{Interval, Pace, most, rate, sample};

/// Most channels of a recording.
pub const CHANNELS_MAX: usize = 16;

/// Bytes that a recording takes beside its samples, labels and name.
const RECORDING_BYTES: u64 = 320;

/// Where a file has what; other columns are passed over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Columns<'a> {
    /// The channels, in the order of a sample's values: at least one.
    pub channels: &'a [String],
    /// The class of each sample, if that is a column.
    pub label: Option<&'a str>,
    /// The name of the recording that a sample belongs to; without, an empty line ends one.
    pub recording: Option<&'a str>,
    /// The rows of each recording; `None` where something else ends it.
    pub rows: Option<usize>,
    /// The time of each sample; `None` for the first column that is called like it, if one is.
    pub time: Option<&'a str>,
    /// Samples per second that are expected, which tell units of times apart.
    pub rate_hz: f64,
    /// How a CSV file is written.
    pub dialect: Dialect,
}

impl<'a> Columns<'a> {
    /// These channels and nothing else, one sample per second.
    #[must_use]
    pub fn of(channels: &'a [String]) -> Self {
        Self {
            channels,
            label: None,
            recording: None,
            rows: None,
            time: None,
            rate_hz: 1.0,
            dialect: true.into(),
        }
    }
}

/// Samples of several channels in the order in which they were taken.
#[derive(Debug, Clone, PartialEq)]
pub struct MotionRecording<V = i16> {
    /// Its name; empty without a column of names.
    pub name: String,
    /// Sample by sample, the value of each channel.
    pub values: Vec<V>,
    /// What its samples are, where that is a column: without gaps, in turn.
    pub labels: Vec<Interval>,
    /// How often it was sampled, where something says so.
    pub pace: Option<Pace>,
}

impl<V> MotionRecording<V> {
    /// How many samples of so many channels there are.
    pub fn n_samples(&self, n_channels: usize) -> usize {
        self.values.len() / n_channels.max(1)
    }

    /// The label of most samples, of equals the one that comes first.
    pub fn label(&self) -> Option<&str> {
        most(&self.labels)
    }
}

impl MotionRecording<f64> {
    /// The same recording, whose samples of so many channels were taken `from_hz` times per
    /// second, as if taken `to_hz` times.
    ///
    /// # Errors
    /// As [`resampled`](crate::resampled).
    pub fn resampled(
        self,
        n_channels: usize,
        (from_hz, to_hz): (f64, f64),
        budget: &Budget,
    ) -> Result<Self, DataError> {
        let mut values = crate::resampled(&self.values, n_channels, (from_hz, to_hz), budget)?;
        // A sensor that delivers integers does so at any rate.
        if self.values.iter().all(|it| it.fract() == 0.0) {
            values.iter_mut().for_each(|it| *it = it.round());
        }
        let n = values.len() / n_channels.max(1);
        let labels = (self.labels.into_iter())
            .filter_map(|it| {
                let at =
                    |sample: usize| ((sample as f64 * to_hz / from_hz).round() as usize).min(n);
                let (start, end) = (at(it.start), at(it.end));
                (start < end).then_some(Interval { start, end, ..it })
            })
            .collect();
        Ok(Self {
            values,
            labels,
            ..self
        })
    }
}

/// Reads a file, gzipped or not: CSV with a row per sample, in turn, the rows of a recording
/// after each other; or a sample of Edge Impulse in JSON.
///
/// # Errors
/// What [`Table`] refuses, more than the file's [`Budget`] has, a missing column, a value that is
/// no finite number, an empty label or name, a recording that is taken up again, or no rows. Each
/// names the line.
pub fn read_motion(
    bytes: &[u8],
    columns: &Columns<'_>,
) -> Result<Vec<MotionRecording<f64>>, DataError> {
    let budget = &Budget::of(bytes.len());
    let bytes = unpacked(bytes, budget)?;
    if sample::is_sample(&bytes) {
        return of_sample(&bytes, columns, budget).map(|it| vec![it]);
    }
    let mut table = Table::open(&bytes, columns.dialect)?;
    let place = |name: &str| place_of(table.names(), name, "the header");
    let channels = (columns.channels.iter())
        .map(|name| place(name))
        .collect::<Result<Vec<_>, _>>()?;
    let label = columns.label.map(place).transpose()?;
    let name = columns.recording.map(place).transpose()?;
    let is_other = |at: &usize| !channels.contains(at) && label != Some(*at) && name != Some(*at);
    let time = match columns.time {
        Some(time) => Some(place(time)?),
        None => (0..table.names().len())
            .filter(is_other)
            .find(|at| rate::is_time(&table.names()[*at])),
    };
    let mut recordings: Vec<MotionRecording<f64>> = Vec::new();
    let mut times = Vec::new();
    let mut names = BTreeSet::new();
    while table.advance()? {
        let this = match name {
            Some(at) => match table.field(at)? {
                "" => return Err(DataError::new(table.place(at), "nothing", "a name")),
                name => name,
            },
            None => "",
        };
        let begins = match name {
            Some(_) => recordings.last().is_none_or(|last| last.name != this),
            None => recordings.last().is_none_or(|last| {
                let is_full = |rows| last.n_samples(channels.len()) >= rows;
                columns.rows.map_or_else(|| table.follows_gap(), is_full)
            }),
        };
        if begins {
            if name.is_some() && !names.insert(this.to_owned()) {
                return Err(DataError::new(
                    format!("line {}", table.line()),
                    format!("the recording \"{this}\" again"),
                    "the rows of a recording one after the other, in the order of time",
                ));
            }
            budget.take_text("the recordings", this)?;
            budget.take("the recordings", RECORDING_BYTES)?;
            set_pace(&mut recordings, &mut times, time, &table, columns);
            recordings.push(MotionRecording {
                name: this.to_owned(),
                values: Vec::new(),
                labels: Vec::new(),
                pace: None,
            });
        }
        let Some(recording) = recordings.last_mut() else {
            continue;
        };
        let start = recording.n_samples(channels.len());
        budget.take_items("the samples", channels.len() + 1, size_of::<f64>() as u64)?;
        for at in &channels {
            let text = table.field(*at)?;
            let value = text.parse().ok().filter(|value: &f64| value.is_finite());
            recording.values.push(value.ok_or_else(|| {
                let found = format!("\"{text}\"");
                DataError::new(
                    table.place(*at),
                    found,
                    "a finite number, as the sensor delivers it",
                )
            })?);
        }
        // Times that are no numbers, such as dates, say nothing about the rate.
        times.extend(time.and_then(|at| table.field(at).ok()?.parse::<f64>().ok()));
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
    set_pace(&mut recordings, &mut times, time, &table, columns);
    if recordings.is_empty() {
        return Err(DataError::new(
            "after the header",
            "no rows",
            "a row per sample",
        ));
    }
    Ok(recordings)
}

/// Says how often the last recording was sampled, whose times these are.
fn set_pace(
    recordings: &mut [MotionRecording<f64>],
    times: &mut Vec<f64>,
    time: Option<usize>,
    table: &Table<'_>,
    columns: &Columns<'_>,
) {
    let times = std::mem::take(times);
    if let (Some(recording), Some(at)) = (recordings.last_mut(), time) {
        recording.pace = rate::pace_of(&times, &table.names()[at], columns.rate_hz);
    }
}

/// The column of a name, which there must be once.
fn place_of(names: &[String], name: &str, place: &str) -> Result<usize, DataError> {
    let mut places = names.iter().enumerate().filter(|(_, it)| *it == name);
    match (places.next(), places.next()) {
        (Some((at, _)), None) => Ok(at),
        (found, _) => Err(DataError::new(
            place,
            match found {
                Some(_) => format!("the column \"{name}\" twice"),
                None => format!("the columns {}", names.join(", ")),
            },
            format!("one column \"{name}\""),
        )),
    }
}

/// A sample of Edge Impulse as a recording; its sensors are the columns.
fn of_sample(
    bytes: &[u8],
    columns: &Columns<'_>,
    budget: &Budget,
) -> Result<MotionRecording<f64>, DataError> {
    let sample = sample::read(bytes, budget)?;
    let others = [columns.label, columns.recording, columns.time];
    let names = (columns.channels.iter()).map(String::as_str);
    let places = names
        .chain(others.into_iter().flatten())
        .map(|name| place_of(&sample.names, name, "`payload.sensors`"))
        .collect::<Result<Vec<_>, _>>()?;
    let places = &places[..columns.channels.len()];
    let rows = sample.readings.chunks_exact(sample.names.len());
    Ok(MotionRecording {
        name: String::new(),
        values: rows
            .flat_map(|row| places.iter().map(|at| row[*at]))
            .collect(),
        labels: Vec::new(),
        pace: Some(sample.pace),
    })
}
