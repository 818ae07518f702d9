//! What pipelines of recordings have in common: sides of recordings, the rows behind them, and rates that
//! are not the device's.

use std::collections::HashSet;
use std::ops::Range;

use anyhow::anyhow;
use spinney_config::{Config, DataFile, Dataset as RowsConfig, Rates, Validation};
use spinney_dataset::{Dataset, Note, Rows, split};
use spinney_signal::{FrontEnd, Pace};

use super::inputs::{Inputs, PipelineRows, at_fault, check_sides};
use super::triggered::Triggered;
use crate::failure::{ExitReason, Failure};

/// Recordings, and what there is to say of them.
pub(super) type Side<R> = (Vec<R>, Vec<Note>);

/// Recordings for training, those for the test, and what there is to say of them.
pub(super) type Divided<R> = (Vec<R>, Vec<R>, Vec<Note>);

/// What a device makes of a recording.
pub(super) struct Heard {
    /// A row of features per decision.
    pub(super) rows: Vec<Vec<i32>>,
    /// The class of each.
    pub(super) labels: Vec<String>,
    /// The samples of each.
    pub(super) decisions: Vec<Range<usize>>,
}

/// Stretches of one recording whose decisions overlap, which folds are made of.
const STRETCHES: usize = 50;

/// Rows of a side's recordings.
struct SideRows {
    /// Of each the group is its recording, or its stretch of the only one.
    rows: Dataset,
    /// What a trigger does to them; `None` without one.
    triggered: Option<Triggered>,
}

/// A kind of recordings, as a config's front end hears them.
pub(super) trait Recordings {
    /// Samples in one piece, with what they are.
    type Recording;

    /// The recordings of one file or folder, divided into training and test.
    fn divided(
        &self,
        file: &DataFile,
        test_fraction: f64,
    ) -> Result<Divided<Self::Recording>, Failure>;

    /// The recordings of a side that is given for itself, `train` or `test`.
    fn side(&self, file: &DataFile, side: &str) -> Result<Side<Self::Recording>, Failure>;

    fn front(&self) -> FrontEnd;

    /// What a device makes of a recording.
    fn heard(&self, recording: &Self::Recording) -> Result<Heard, Failure>;

    /// The samples that a device would hear.
    fn samples(recording: &Self::Recording) -> &[i16];
}

/// Rows of features for training and test, and the samples behind the test rows.
pub(super) fn rows<R: Recordings>(
    config: &Config,
    inputs: &Inputs,
    kind: &R,
) -> Result<PipelineRows, Failure> {
    let mut notes: Vec<Note> = inputs.folder_notes().cloned().collect();
    let (train, test) = match &config.pipeline.dataset {
        RowsConfig::Split {
            rows,
            test_fraction,
        } => {
            let (train, test, found) = kind.divided(rows, *test_fraction)?;
            notes.extend(found);
            (Some(train), test)
        }
        RowsConfig::Given { train: None, test } => {
            let (test, found) = kind.side(test, "test")?;
            notes.extend(found);
            (None, test)
        }
        RowsConfig::Given {
            train: Some(train),
            test,
        } => {
            let (training, found) = kind.side(train, "train")?;
            notes.extend(found);
            let (testing, found) = kind.side(test, "test")?;
            notes.extend(found);
            check_sides(config, train, test)?;
            (Some(training), testing)
        }
    };
    let unheard = "they say nothing about recordings that the model has not heard";
    let twice = (train.as_ref()).and_then(|train| {
        let note = heard_twice::<R>(("for training", train), ("test", &test), unheard);
        Some(Note::new("test-rows-train", note?))
    });
    notes.extend(twice);
    // After the others, which say the scale of motion.
    let mut validation = match &config.pipeline.validation {
        Some(Validation::File(file)) => {
            let (side, found) = kind.side(file, "validation")?;
            notes.extend(found);
            let aside = ("validation", side.as_slice());
            let chosen = "what is chosen on them is chosen on the test";
            let known = train.as_deref().map(|it| ("for training", it, unheard));
            let known = known
                .into_iter()
                .chain([("for the test", &test[..], chosen)]);
            let twice = known.filter_map(|(name, of_side, then)| {
                let note = heard_twice::<R>((name, of_side), aside, then);
                Some(Note::new("validation-rows", note?))
            });
            notes.extend(twice);
            let aside = side_rows(kind, &side, "validation", &mut notes)?;
            Some((aside.rows, file))
        }
        _ => None,
    };
    let train = match &train {
        None => None,
        Some(train) => Some(side_rows(kind, train, "training", &mut notes)?.rows),
    };
    let of_test = side_rows(kind, &test, "test", &mut notes)?;
    if let Some(triggered) = &of_test.triggered {
        notes.push(triggered.note(kind.front().sample_rate_hz()));
    }
    let mut test_rows = of_test.rows;
    if let Some(train) = &train {
        notes.extend_from_slice(train.notes());
        let like = |rows: Dataset, file: &DataFile| {
            let rows = rows.with_classes(train.classes());
            rows.map_err(|error| at_fault(&file.path.full, &error))
        };
        validation = match validation {
            Some((rows, file)) => Some((like(rows, file)?, file)),
            None => None,
        };
        test_rows = like(test_rows, config.pipeline.dataset.test())?;
    }
    Ok(PipelineRows {
        validation: validation.map(|it| it.0),
        test_samples: test.iter().map(|it| R::samples(it).to_vec()).collect(),
        triggered: of_test.triggered,
        notes,
        ..PipelineRows::new(train, test_rows, true)
    })
}

/// Groups, where there are several: one recording has no other to be judged by.
fn several(groups: Vec<usize>) -> Option<Vec<usize>> {
    Some(groups).filter(|groups| groups.iter().any(|group| *group > 0))
}

/// The rows of a side's recordings, `name` being what they are for.
fn side_rows<R: Recordings>(
    kind: &R,
    recordings: &[R::Recording],
    name: &str,
    notes: &mut Vec<Note>,
) -> Result<SideRows, Failure> {
    let front = kind.front();
    let features = front.feature_names();
    let (mut values, mut labels, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
    let mut triggered = Triggered::default();
    for recording in recordings {
        let heard = kind.heard(recording)?;
        triggered.add(R::samples(recording).len(), &heard.decisions);
        labels.extend(heard.labels);
        values.extend(heard.rows.into_iter().flatten().map(f64::from));
        decisions.push(heard.decisions);
    }
    let triggered = match front.trigger() {
        None => None,
        Some(trigger) => {
            let loudest = recordings
                .iter()
                .filter_map(|it| front.loudest(R::samples(it)));
            triggered.check(&trigger, name, loudest.max(), notes)?;
            Some(triggered.per_channel(front.n_channels()))
        }
    };
    let shape = (labels.len(), features.len());
    let rows = Rows {
        features,
        is_named: true,
        values: ndarray::Array2::from_shape_vec(shape, values).environment()?,
    };
    let rows = Dataset::new(rows, &labels).input()?;
    Ok(SideRows {
        rows: rows.with_groups(several(groups(&decisions))),
        triggered,
    })
}

/// For each decision of these recordings what it is judged together with: the others of its recording
/// or, of the only one, if decisions overlap, those of its stretch, so that all but a few which share
/// samples are on one side of a fold.
fn groups(recordings: &[Vec<Range<usize>>]) -> Vec<usize> {
    match recordings {
        [only] if only.windows(2).any(|it| it[1].start < it[0].end) => {
            let n = only.len();
            (0..n).map(|at| at * STRETCHES / n).collect()
        }
        several => {
            let each = several.iter().enumerate();
            each.flat_map(|(at, it)| std::iter::repeat_n(at, it.len()))
                .collect()
        }
    }
}

/// How many recordings of a side are copies of known ones; `None` where none is.
fn heard_twice<R: Recordings>(
    (known_as, known): (&str, &[R::Recording]),
    (name, side): (&str, &[R::Recording]),
    then: &str,
) -> Option<String> {
    let known: HashSet<&[i16]> = known.iter().map(R::samples).collect();
    let is_known = |it: &&R::Recording| known.contains(R::samples(it));
    let n_twice = side.iter().filter(is_known).count();
    let n = side.len();
    let text = format!(
        "{n_twice} of {n} {name} recordings equal one {known_as}, sample by sample; {then}"
    );
    (n_twice > 0).then_some(text)
}

/// Recordings with these labels, divided into training and test.
pub(super) fn division<R: Clone>(
    config: &Config,
    file: &DataFile,
    recordings: &[R],
    label: impl Fn(&R) -> String,
    test_fraction: f64,
) -> Result<(Vec<R>, Vec<R>), Failure> {
    let labels: Vec<String> = recordings.iter().map(label).collect();
    let rows = Rows {
        features: vec!["recording".to_owned()],
        is_named: true,
        values: ndarray::Array2::zeros((labels.len(), 1)),
    };
    let seed = config.pipeline.identity.seed;
    let parts = Dataset::new(rows, &labels)
        .and_then(|rows| split(&rows, test_fraction, seed))
        .map_err(|error| at_fault(&file.path.full, &error))?;
    let of = |side: &Dataset| {
        let rows = side.source_rows().iter();
        rows.map(|row| recordings[*row].clone()).collect()
    };
    Ok((of(&parts.train), of(&parts.test)))
}

/// What becomes of other rates, and of how many recordings it did.
pub(super) struct Resampled {
    to_hz: f64,
    /// The share by which a rate may differ.
    slack: f64,
    rates: Option<Rates>,
    n: usize,
    lowest: f64,
    highest: f64,
    source: String,
}

impl Resampled {
    pub(super) fn to(to_hz: f64, slack: f64, rates: Option<Rates>) -> Self {
        Self {
            to_hz,
            slack,
            rates,
            n: 0,
            lowest: f64::MAX,
            highest: 0.0,
            source: String::new(),
        }
    }

    /// The rates from and to which a recording is to be resampled, if it is.
    pub(super) fn change(
        &mut self,
        path: &str,
        pace: &Pace,
    ) -> Result<Option<(f64, f64)>, Failure> {
        let (rate, to_hz) = (pace.rate_hz, self.to_hz);
        if (rate / to_hz - 1.0).abs() <= self.slack {
            return Ok(None);
        }
        match self.rates {
            Some(Rates::Ignore) => return Ok(None),
            Some(Rates::Resample) => {}
            None if pace.is_stated => {}
            Some(Rates::Refuse) | None => {
                let (rate, by) = (in_short(rate), &pace.source);
                let ignore = if pace.is_stated {
                    ""
                } else {
                    ", `rates = \"ignore\"` where they are no times"
                };
                return Err(Failure::Input(anyhow!(
                    "{path}: found {rate} samples per second by {by}, expected {to_hz}, the \
                     `sample_rate` of [frontend]; `sample_rate = {rate}` takes them as they are, `rates = \"resample\"` in \
                     [dataset] resamples{ignore}"
                )));
            }
        }
        self.n += 1;
        self.lowest = self.lowest.min(rate);
        self.highest = self.highest.max(rate);
        if self.n == 1 {
            self.source.clone_from(&pace.source);
        }
        Ok(Some((rate, to_hz)))
    }

    /// What there is to say of recordings that were resampled.
    pub(super) fn note(&self) -> Option<Note> {
        let (low, high) = (in_short(self.lowest), in_short(self.highest));
        let from = match low == high {
            true => low,
            false => format!("{low} to {high}"),
        };
        (self.n > 0).then(|| {
            let text = format!(
                "{} recordings of {from} samples per second by {} are resampled to {}, the \
                 `sample_rate` of [frontend]",
                self.n, self.source, self.to_hz
            );
            Note::new("resampled", text)
        })
    }
}

/// A number of four digits.
pub(super) fn in_short(rate: f64) -> String {
    let rate: f64 = format!("{rate:.3e}").parse().unwrap_or(rate);
    rate.to_string()
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn what_shares_samples_is_in_one_group() {
        let decisions =
            |n: usize, step: usize| (0..n).map(|at| at * step..at * step + 10).collect();
        assert_eq!(groups(&[decisions(2, 5), decisions(3, 5)]), [0, 0, 1, 1, 1]);
        assert_eq!(groups(&[decisions(3, 10)]), [0; 3]);
        let stretches = groups(&[decisions(500, 9)]);
        assert_eq!(
            (stretches[..11].to_vec(), stretches[499]),
            (vec![0; 10].into_iter().chain([1]).collect(), 49)
        );
        assert_eq!(groups(&[decisions(2, 9)]), [0, 25]);
        assert!(groups(&[]).is_empty() && groups(&[vec![]]).is_empty());
    }
}
