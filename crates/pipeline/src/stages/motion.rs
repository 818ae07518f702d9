//! Rows of a pipeline for motion: CSV recordings of several channels, through the device's own code.

use anyhow::anyhow;
use spinney_config::{Config, DataFile, Labels, MotionFrontend};
use spinney_dataset::{DataError, Dataset, Note, Rows};
use spinney_frontend::motion::Measures;
use spinney_signal::{
    Columns, Interval, MotionFront, MotionRecording, check_within, fitting_rate_hz, hear_motion,
    labels_of_windows, read_intervals, read_motion,
};

use super::inputs::{Inputs, PipelineRows, at_fault};
use super::recordings::{self, Divided, Recordings, Side, division};
use crate::failure::{ExitReason, Failure};

/// The front end of a config for motion.
pub(super) fn front(frontend: &MotionFrontend) -> MotionFront {
    MotionFront {
        sample_rate_hz: frontend.sample_rate_hz,
        channels: frontend.channels.clone(),
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
    };
    recordings::rows(config, inputs, &sides)
}

struct Sides<'a> {
    config: &'a Config,
    inputs: &'a Inputs,
    frontend: &'a MotionFrontend,
    front: &'a MotionFront,
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
        let (all, notes) = self.side(file, "path")?;
        if all.len() < 2 {
            let help = "name the column of recordings as `recording`, a folder with a folder of \
                        recordings per class, or `train` and `test`";
            let message = format!("{} is one recording, which is not divided", file.path.typed);
            return Err(self
                .config
                .fault("dataset.path", message, Some(help))
                .into());
        }
        let background = self.frontend.background.as_str();
        let labels: Vec<String> = all
            .iter()
            .map(|recording| recording.label().unwrap_or(background).to_owned())
            .collect();
        let parts = division(self.config, file, &labels, test_fraction)?;
        let of = |side: &Dataset| -> Vec<MotionRecording> {
            let rows = side.source_rows().iter();
            rows.map(|row| all[*row].clone()).collect()
        };
        Ok((of(&parts.train), of(&parts.test), notes))
    }

    /// The recordings of a file or a folder, each with what its samples are.
    fn side(&self, file: &DataFile, side: &str) -> Result<Side<MotionRecording>, Failure> {
        let n_channels = self.frontend.channels.len();
        let mut all: Vec<(String, MotionRecording)> = Vec::new();
        let read = |path: &str, bytes: &[u8], label: Option<&str>| {
            let columns = Columns {
                channels: &self.frontend.channels,
                label,
                recording: file.recording.as_deref(),
            };
            let recordings = read_motion(bytes, &columns).map_err(|error| blame(path, &error))?;
            let recordings = recordings.into_iter().map(|it| (path.to_owned(), it));
            Ok::<_, Failure>(recordings.collect::<Vec<_>>())
        };
        let is_folder = file.is_many();
        let bytes = self.inputs.bytes(&file.path);
        match &file.labels {
            Labels::Column(label) if !is_folder => {
                all = read(&file.path.typed, bytes, Some(label))?;
            }
            Labels::File(labels) => {
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
                    Labels::Column(label) => Some(label.as_str()),
                    _ => None,
                };
                let mut classes = Vec::new();
                for (it, bytes) in self.inputs.below(&file.path) {
                    let n_before = all.len();
                    all.extend(read(&it.path.typed, bytes, label)?);
                    let class = if label.is_none() { it.class()? } else { "" };
                    classes.resize(classes.len() + all.len() - n_before, class);
                }
                if label.is_none() {
                    for ((_, recording), class) in all.iter_mut().zip(classes) {
                        recording.labels = vec![Interval {
                            start: 0,
                            end: recording.n_samples(n_channels),
                            label: class.to_owned(),
                        }];
                    }
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
                return Err(self.config.fault(&place, message, Some(&help)).into());
            }
        }
        self.long_enough(&file.path.typed, all)
    }

    fn rows(&self, recordings: &[MotionRecording]) -> Result<(Dataset, Vec<usize>), Failure> {
        let features = self.front.feature_names();
        let mut values = Vec::new();
        let mut labels = Vec::new();
        let mut groups = Vec::new();
        for (group, recording) in recordings.iter().enumerate() {
            let rows = hear_motion(self.front, &recording.values).input()?;
            let background = &self.frontend.background;
            let of_rows = labels_of_windows(self.front, &recording.labels, rows.len(), background);
            labels.extend(of_rows);
            groups.resize(labels.len(), group);
            values.extend(rows.into_iter().flatten().map(f64::from));
        }
        let values = ndarray::Array2::from_shape_vec((labels.len(), features.len()), values)
            .environment()?;
        let rows = Rows {
            features,
            is_named: true,
            values,
        };
        Ok((Dataset::new(rows, &labels).input()?, groups))
    }

    fn samples(recording: &MotionRecording) -> &[i16] {
        &recording.values
    }
}

impl Sides<'_> {
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

    /// The recordings that a window fits into, and what there is to say of others.
    fn long_enough(
        &self,
        path: &str,
        all: Vec<(String, MotionRecording)>,
    ) -> Result<Side<MotionRecording>, Failure> {
        let n_samples = |it: &MotionRecording| it.n_samples(self.frontend.channels.len());
        let n_all = all.len();
        let (long, short): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(_, it)| self.front.n_windows(n_samples(it)) > 0);
        let Some((place, first)) = short.first() else {
            return Ok((long.into_iter().map(|(_, it)| it).collect(), Vec::new()));
        };
        let first = match first.name.as_str() {
            "" => format!("{place} with {} samples", n_samples(first)),
            name => format!("{place}, \"{name}\", with {} samples", n_samples(first)),
        };
        let length = self.front.n_samples;
        if long.is_empty() {
            return Err(Failure::Input(anyhow!(
                "{path}: found {n_all} recordings, all shorter than a window, such as {first}, \
                 expected {length} samples, the `frame` of [frontend]; a shorter `frame` helps"
            )));
        }
        let text = format!(
            "{} of {n_all} recordings are shorter than a window of {length} samples and left out, \
             such as {first}",
            short.len()
        );
        let notes = vec![Note::new("short-recording", text)];
        Ok((long.into_iter().map(|(_, it)| it).collect(), notes))
    }
}

fn blame(path: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{path}: {error}"))
}
