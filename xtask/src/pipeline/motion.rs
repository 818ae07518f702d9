//! Rows of a pipeline for motion: CSV recordings of several channels, through the device's own code.

use anyhow::anyhow;
use spinney_codegen::{Measure, MotionFront};
use spinney_config::{Config, DataFile, Labels, Measure as Word, MotionFrontend};
use spinney_dataset::{Dataset, Rows, gunzip};
use spinney_frontend::motion::Measures;
use spinney_signal::{
    Columns, Interval, MotionRecording, hear_motion, labels_of_windows, read_intervals, read_motion,
};

use super::inputs::{Inputs, PipelineRows, at_fault};
use super::recordings::{self, Divided, Recordings, division};
use super::signals::window;
use crate::failure::{Blame, Failure};

/// The front end of a config for motion.
pub(super) fn front(frontend: &MotionFrontend) -> MotionFront {
    let set = |word: &Word| match word {
        Word::Mean => Measure::Mean,
        Word::Variance => Measure::Variance,
        Word::Deviation => Measure::Deviation,
        Word::Min => Measure::Minimum,
        Word::Max => Measure::Maximum,
        Word::Range => Measure::Range,
        Word::Rms => Measure::Rms,
        Word::MeanCrossings => Measure::MeanCrossings,
        Word::ZeroCrossings => Measure::ZeroCrossings,
    };
    MotionFront {
        sample_rate_hz: frontend.sample_rate_hz,
        channels: frontend.channels.clone(),
        n_samples: frontend.n_samples,
        hop: frontend.hop,
        measures: frontend
            .statistics
            .iter()
            .fold(Measures::NONE, |all, word| all.and(set(word).set())),
        n_bands: frontend.n_bands as usize,
        window: window(frontend.window),
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
    recordings::rows(&config.pipeline.dataset, &sides)
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
        let all = self.side(file, "path")?;
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
        Ok((of(&parts.train), of(&parts.test)))
    }

    /// The recordings of a file or a folder, each with what its samples are.
    fn side(&self, file: &DataFile, side: &str) -> Result<Vec<MotionRecording>, Failure> {
        let read = |path: &str, bytes: &[u8], label: Option<&str>| {
            let bytes = gunzip(bytes).map_err(|error| blame(path, &error))?;
            let columns = Columns {
                channels: &self.frontend.channels,
                label,
                recording: file.recording.as_deref(),
            };
            let recordings = read_motion(&bytes, &columns).map_err(|error| blame(path, &error))?;
            for recording in &recordings {
                self.long_enough(path, recording)?;
            }
            Ok::<_, Failure>(recordings)
        };
        let bytes = self.inputs.bytes(&file.path);
        match &file.labels {
            Labels::Column(label) if !file.path.full.is_dir() => {
                read(&file.path.typed, bytes, Some(label))
            }
            Labels::File(labels) => {
                let mut recordings = read(&file.path.typed, bytes, None)?;
                let rate = self.frontend.sample_rate_hz;
                let intervals = read_intervals(self.inputs.bytes(labels), rate)
                    .map_err(|error| at_fault(&labels.full, &error))?;
                for recording in &mut recordings {
                    recording.labels.clone_from(&intervals);
                }
                Ok(recordings)
            }
            _ if file.path.full.is_dir() => {
                let mut all = Vec::new();
                for (path, bytes) in self.inputs.below(&file.path) {
                    let class = path.rsplit('/').nth(1).unwrap_or_default();
                    for mut recording in read(path, bytes, None)? {
                        recording.labels = vec![Interval {
                            start: 0,
                            end: recording.n_samples(self.frontend.channels.len()),
                            label: class.to_owned(),
                        }];
                        all.push(recording);
                    }
                }
                if all.is_empty() {
                    let found =
                        "found no recordings, expected a folder per class with `.csv` files";
                    return Err(at_fault(&file.path.full, &found));
                }
                Ok(all)
            }
            _ => {
                let message = format!("{} has no labels", file.path.typed);
                let help = format!(
                    "name the column of the class as `label`, a CSV with `start` and `end` in \
                     seconds and `label` as `{side}_labels`, or a folder with a folder per class"
                );
                let place = format!("dataset.{side}");
                Err(self.config.fault(&place, message, Some(&help)).into())
            }
        }
    }

    fn rows(&self, recordings: &[MotionRecording]) -> Result<Dataset, Failure> {
        let features = self.front.feature_names();
        let mut values = Vec::new();
        let mut labels = Vec::new();
        for recording in recordings {
            let rows = hear_motion(self.front, &recording.values).input()?;
            let background = &self.frontend.background;
            let of_rows = labels_of_windows(self.front, &recording.labels, rows.len(), background);
            labels.extend(of_rows);
            values.extend(rows.into_iter().flatten().map(f64::from));
        }
        let values = ndarray::Array2::from_shape_vec((labels.len(), features.len()), values)
            .environment()?;
        let rows = Rows {
            features,
            is_named: true,
            values,
        };
        Dataset::new(rows, &labels).input()
    }

    fn samples(recording: MotionRecording) -> Vec<i16> {
        recording.values
    }
}

impl Sides<'_> {
    fn long_enough(&self, path: &str, recording: &MotionRecording) -> Result<(), Failure> {
        let n_samples = recording.n_samples(self.frontend.channels.len());
        if self.front.n_windows(n_samples) > 0 {
            return Ok(());
        }
        let name = match recording.name.as_str() {
            "" => String::new(),
            name => format!(", recording \"{name}\""),
        };
        Err(Failure::Input(anyhow!(
            "{path}{name}: found {n_samples} samples, expected at least {}, the `frame` of \
             [frontend]; a shorter `frame`, or without this recording",
            self.front.n_samples
        )))
    }
}

fn blame(path: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{path}: {error}"))
}
