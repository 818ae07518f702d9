//! Rows of a pipeline for motion: CSV recordings of several channels, through the device's own
//! code.

use std::cell::OnceCell;

use anyhow::anyhow;
use spinney_config::{Config, DataFile, Labels, MotionFrontend};
use spinney_dataset::{Budget, DataError, Note};
use spinney_frontend::motion::Measures;
use spinney_signal::{
    Columns, FrontEnd, Interval, MotionFront, MotionRecording, check_within, fitting_rate_hz,
    hear_motion, labels_of_windows, read_intervals, read_motion, scales,
};

use super::folders::Recording;
use super::inputs::{Inputs, PipelineRows, at_fault};
use super::recordings::{self, Divided, Heard, Recordings, Resampled, Side, division};
use crate::failure::{ExitReason, Failure};

pub(super) fn front(frontend: &MotionFrontend) -> MotionFront {
    MotionFront {
        sample_rate_hz: frontend.sample_rate_hz,
        channels: frontend.channels.clone(),
        n_axes: frontend.n_axes as usize,
        filter: frontend.filter,
        n_samples: frontend.n_samples,
        hop: frontend.hop,
        measures: frontend
            .statistics
            .iter()
            .fold(Measures::NONE, |all, measure| all.and(measure.set())),
        n_bands: frontend.n_bands as usize,
        window: frontend.window,
        f_min_hz: frontend.f_min_hz,
        f_max_hz: frontend.f_max_hz,
        trigger: frontend.trigger,
    }
}

/// Rows of features for training and test, and the samples behind the test rows.
pub(super) fn rows(
    config: &Config,
    inputs: &Inputs,
    frontend: &MotionFrontend,
) -> Result<PipelineRows, Failure> {
    let front = front(frontend);
    let sides = Sides {
        config,
        inputs,
        frontend,
        front: &front,
        scales: OnceCell::new(),
    };
    recordings::rows(config, inputs, &sides)
}

struct Sides<'a> {
    config: &'a Config,
    inputs: &'a Inputs,
    frontend: &'a MotionFrontend,
    front: &'a MotionFront,
    /// What readings are multiplied by, channel by channel, once the first side is read.
    scales: OnceCell<Vec<f64>>,
}

impl Recordings for Sides<'_> {
    type Recording = MotionRecording;

    /// Recordings divided so that each is on one side only, by the labels that most of their
    /// samples have.
    fn divided(
        &self,
        file: &DataFile,
        test_fraction: f64,
    ) -> Result<Divided<MotionRecording>, Failure> {
        let (all, mut notes) = self.readings(file, "path")?;
        if all.len() < 2 {
            let help = "name the column of recordings as `recording`, how many rows each has as \
            `recording_rows`, put an empty line between them, or name a folder with a folder of recordings per class, or `train` and `test`";
            let message = format!("{} is one recording, which is not divided", file.path.typed);
            return self.config.refuse("dataset.path", message, Some(help));
        }
        let background = self.frontend.background.as_str();
        let label = |it: &MotionRecording<f64>| it.label().unwrap_or(background).to_owned();
        let (train, test) = division(self.config, file, &all, label, test_fraction)?;
        let train = self.scaled(file, train, &mut notes);
        let test = self.scaled(file, test, &mut notes);
        Ok((train, test, notes))
    }

    fn side(&self, file: &DataFile, side: &str) -> Result<Side<MotionRecording>, Failure> {
        let (all, mut notes) = self.readings(file, side)?;
        let is_first = self.scales.get().is_none();
        let scaled = self.scaled(file, all, &mut notes);
        let mut scales = self.scales.get().into_iter().flatten();
        if side == "test"
            && is_first
            && file.recorded.scales.is_none()
            && scales.any(|scale| *scale != 1.0)
        {
            let message = "no readings train that would tell the scale of these, which are no \
            integers of 16 bits";
            let help = "`scale` in [dataset] as the model was trained with";
            return self.config.refuse("dataset.test", message, Some(help));
        }
        Ok((scaled, notes))
    }

    fn front(&self) -> FrontEnd {
        FrontEnd::Motion(self.front.clone())
    }

    fn heard(&self, recording: &MotionRecording) -> Result<Heard, Failure> {
        let decisions = self.front.decisions(&recording.values);
        let background = &self.frontend.background;
        Ok(Heard {
            rows: hear_motion(self.front, &recording.values).input()?,
            labels: labels_of_windows(&decisions, &recording.labels, background),
            decisions,
        })
    }

    fn samples(recording: &MotionRecording) -> &[i16] {
        &recording.values
    }
}

impl Sides<'_> {
    /// The recordings of a file or a folder, each with what its samples are.
    fn readings(&self, file: &DataFile, side: &str) -> Result<Side<MotionRecording<f64>>, Failure> {
        let n_channels = self.frontend.channels.len();
        let mut all: Vec<(String, MotionRecording<f64>)> = Vec::new();
        let mut resampled = Resampled::to(self.frontend.sample_rate_hz, 0.02, file.recorded.rates);
        let mut read = |path: &str, bytes: &[u8], label: Option<&str>| {
            let columns = Columns {
                channels: &self.frontend.channels,
                label,
                recording: file.recording.as_deref(),
                rows: file.recorded.rows.map(|rows| rows as usize),
                time: file.recorded.time.as_deref(),
                rate_hz: self.frontend.sample_rate_hz,
                dialect: file.dialect(),
            };
            let recordings = read_motion(bytes, &columns).map_err(|error| blame(path, &error))?;
            let at_rate = |it: MotionRecording<f64>| {
                let change = match &it.pace {
                    Some(pace) => resampled.change(path, pace)?,
                    None => None,
                };
                let it = match change {
                    Some(change) => it
                        .resampled(n_channels, change, &Budget::of(bytes.len()))
                        .map_err(|error| blame(path, &error))?,
                    None => it,
                };
                Ok((path.to_owned(), it))
            };
            recordings
                .into_iter()
                .map(at_rate)
                .collect::<Result<Vec<_>, Failure>>()
        };
        let is_folder = file.is_many();
        let bytes = self.inputs.bytes(&file.path);
        match &file.labels {
            Labels::Columns(labels) if !is_folder => {
                all = read(&file.path.typed, bytes, labels.first().map(String::as_str))?;
            }
            Labels::File(labels) if !is_folder => {
                all = read(&file.path.typed, bytes, None)?;
                let rate = self.frontend.sample_rate_hz;
                let intervals = read_intervals(self.inputs.bytes(labels), rate)
                    .map_err(|error| at_fault(&labels.full, &error))?;
                for (_, recording) in &mut all {
                    self.check_labels(&intervals, recording.n_samples(n_channels))
                        .map_err(|error| at_fault(&labels.full, &error))?;
                    recording.labels.clone_from(&intervals);
                }
            }
            labels if is_folder => {
                let label = match labels {
                    Labels::Columns(labels) => labels.first().map(String::as_str),
                    _ => None,
                };
                for (it, bytes) in self.inputs.below(&file.path) {
                    let mut found = read(&it.path.typed, bytes, label)?;
                    if it.times.is_some() && found.len() > 1 {
                        let fault = "found several recordings, parted by empty lines, expected one, since its \
                                     labels have times";
                        return Err(at_fault(&it.path.full, &fault));
                    }
                    if label.is_none() {
                        for (_, recording) in &mut found {
                            recording.labels =
                                self.labels_of(it, recording.n_samples(n_channels))?;
                        }
                    }
                    all.extend(found);
                }
                if all.is_empty() {
                    return Err(self.inputs.no_recordings(&file.path, ".csv"));
                }
            }
            _ => {
                let message = format!("{} has no labels", file.path.typed);
                let help = format!(
                    "name the column of the class as `label`, a CSV with `start` and `end` in \
                     seconds and `label` as `{side}_labels`, or a folder with a folder per class"
                );
                let place = format!("dataset.{side}");
                return self.config.refuse(&place, message, Some(&help));
            }
        }
        let (all, mut notes) = self.long_enough(file, all)?;
        notes.extend(resampled.note());
        Ok((all, notes))
    }

    /// Readings as the integers that a device delivers.
    fn scaled(
        &self,
        file: &DataFile,
        all: Vec<MotionRecording<f64>>,
        notes: &mut Vec<Note>,
    ) -> Vec<MotionRecording> {
        let channels = &self.frontend.channels;
        let scales = self.scales.get_or_init(|| {
            if let Some(given) = &file.recorded.scales {
                return given.clone();
            }
            let scales = scales(channels, &all);
            if scales.iter().any(|scale| *scale != 1.0) {
                let by_channel = channels.iter().zip(&scales);
                let listed: Vec<String> = by_channel
                    .map(|(name, scale)| format!("{} = {scale}", toml_key(name)))
                    .collect();
                let text = format!(
                    "readings are multiplied and rounded to integers, and firmware has to deliver \
                     them so: `scale = {{ {} }}` in [dataset] says the same",
                    listed.join(", ")
                );
                notes.push(Note::new("scaled", text));
            }
            scales
        });
        let n_broken = (all.iter().flat_map(|it| &it.values))
            .filter(|reading| reading.fract() != 0.0)
            .count();
        if n_broken > 0 && scales.iter().all(|scale| *scale == 1.0) {
            let text = format!(
                "{n_broken} readings are no integers and rounded to such; `scale` in [dataset] \
                 multiplies them first"
            );
            notes.push(Note::new("scaled", text));
        }
        let n_values: usize = all.iter().map(|it| it.values.len()).sum();
        let (scaled, n_beyond): (Vec<_>, Vec<_>) =
            all.into_iter().map(|it| it.scaled(scales)).unzip();
        let n_beyond: usize = n_beyond.into_iter().sum();
        if n_beyond > 0 {
            let text = format!(
                "{n_beyond} of {n_values} readings are beyond 16 bits once they are multiplied, \
                 and become the largest integer there is; a smaller `scale` in [dataset] keeps them apart"
            );
            notes.push(Note::new("scaled", text));
        }
        scaled
    }

    /// The labels of a recording of so many samples, by its class where no file has them.
    fn labels_of(&self, it: &Recording, n_samples: usize) -> Result<Vec<Interval>, Failure> {
        let slack = usize::from(self.frontend.n_samples);
        match it.intervals(n_samples, slack, self.frontend.sample_rate_hz) {
            Some(intervals) => intervals,
            None => Ok(vec![Interval {
                start: 0,
                end: n_samples,
                label: it.class()?.to_owned(),
            }]),
        }
    }

    /// Labels end with their recording, give or take a window.
    fn check_labels(&self, intervals: &[Interval], n_samples: usize) -> Result<(), DataError> {
        let (rate, slack) = (
            self.frontend.sample_rate_hz,
            usize::from(self.frontend.n_samples),
        );
        check_within(intervals, n_samples, slack, rate).map_err(|error| DataError {
            expected: format!(
                "{}; `sample_rate = {}` in [frontend] would make both end together",
                error.expected,
                fitting_rate_hz(intervals, n_samples, rate)
            ),
            ..error
        })
    }

    /// The recordings that a window fits into, those that are padded among them, and what there
    /// is to say of others.
    fn long_enough(
        &self,
        file: &DataFile,
        mut all: Vec<(String, MotionRecording<f64>)>,
    ) -> Result<Side<MotionRecording<f64>>, Failure> {
        let n_channels = self.frontend.channels.len();
        let length = usize::from(self.front.n_samples);
        let (n_all, path) = (all.len(), &file.path.typed);
        let is_short = |it: &MotionRecording<f64>| it.n_samples(n_channels) < length;
        let n_short = all.iter().filter(|(_, it)| is_short(it)).count();
        let Some((place, first)) = all.iter().find(|(_, it)| is_short(it)) else {
            return Ok((all.into_iter().map(|(_, it)| it).collect(), Vec::new()));
        };
        let n_samples = first.n_samples(n_channels);
        let first = match first.name.as_str() {
            "" => format!("{place} with {n_samples} samples"),
            name => format!("{place}, \"{name}\", with {n_samples} samples"),
        };
        let what = if file.recorded.is_padded {
            for (_, it) in all.iter_mut().filter(|(_, it)| is_short(it)) {
                pad(it, n_channels, length);
            }
            "padded with their last sample"
        } else if n_short == n_all {
            return Err(Failure::Input(anyhow!(
                "{path}: found {n_all} recordings, all shorter than a window, such as {first}, \
                 expected {length} samples, the `frame` of [frontend]; a shorter `frame` helps, or `short = \"pad\"` \
                 in [dataset]"
            )));
        } else {
            all.retain(|(_, it)| !is_short(it));
            "left out"
        };
        let text = format!(
            "{n_short} of {n_all} recordings are shorter than a window of {length} samples and \
             {what}, such as {first}"
        );
        let notes = vec![Note::new("short-recording", text)];
        Ok((all.into_iter().map(|(_, it)| it).collect(), notes))
    }
}

/// Fills a recording up with its last sample, which has the label that it had.
fn pad(recording: &mut MotionRecording<f64>, n_channels: usize, length: usize) {
    let n = recording.n_samples(n_channels);
    let last = recording.values[recording.values.len() - n_channels..].to_vec();
    while recording.n_samples(n_channels) < length {
        recording.values.extend_from_slice(&last);
    }
    for label in recording.labels.iter_mut().filter(|label| label.end == n) {
        label.end = length;
    }
}

fn toml_key(name: &str) -> String {
    match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => name.to_owned(),
        false => format!("{name:?}"),
    }
}

fn blame(path: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{path}: {error}"))
}
