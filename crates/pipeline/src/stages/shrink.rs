//! `shrink` of `[model]`: a smaller model in place of the original, by what is promised of it.

mod kept_apart;
#[cfg(test)]
mod tests;

use spinney_checker::{Keeps, Kept, Part, Promise as Promised, keeps};
use spinney_codegen::Options as Codegen;
use spinney_config::{Config, Promise, Word};
use spinney_convert::forms_of;
use spinney_dataset::Dataset;
use spinney_evaluate::{Evaluation, Predictions, Scorecard, ValueScore};
use spinney_model::{FloatModel, Task};
use spinney_oracle::shrink::{Alike, Merged, every_input, every_input_within, every_row, merge};
use spinney_oracle::{ModelError, STEPS_PER_SECOND, Steps};
use spinney_quantize::{Options, QuantModel, Votes};
use spinney_report::{Shrink, Truth, ValueWithin};

use super::Session;
use super::inputs::{self, Inputs, PipelineRows, at_fault};
use super::quantized::{declared, fit_to_model, wants_scores};
use crate::failure::Failure;
use crate::store::{Finished, Writer};

/// What became of shrinking; null where it was not asked for.
pub const SHRINK: &str = "shrink.json";
/// The original of a smaller model, as its JSON; null where there is none.
pub const ORIGINAL: &str = "original.json";

/// What is promised, for the checker; null where nothing is.
pub const PROMISE: &str = "promise.json";
/// Rows of that promise, each with its label, as float64, little-endian.
pub const PROMISE_ROWS: &str = "promise-rows.bin";

/// A smaller model.
pub struct Smaller {
    /// What it was made of: the given model, or one like it of fewer rows.
    pub original: FloatModel,
    /// The model that ships.
    pub model: FloatModel,
    /// What is said of both.
    pub shrink: Shrink,
    /// What the checker is told.
    pub promise: Promised,
    /// The rows of that, each with its label.
    pub rows: Vec<f64>,
}

/// What is made smaller, and by what.
struct Shrinking<'a> {
    config: &'a Config,
    original: &'a FloatModel,
    rows: &'a PipelineRows,
    /// How far a value may be from the original's; `None` of a classifier, and where a score is measured.
    max_error: Option<f64>,
}

/// A smaller model, and the rows, with their labels, that it was measured on.
struct Made {
    /// What it was made of.
    original: FloatModel,
    model: Merged,
    keeps: Keeps,
    parts: Vec<Part>,
    rows: Vec<f64>,
    /// What its promise alone says of it.
    told: Shrink,
}

/// The smaller model that the config asks for, if it does.
pub fn run(
    session: &Session,
    files: &Inputs,
    given: &FloatModel,
) -> Result<Option<Smaller>, Failure> {
    let config = &session.config;
    let Some(asked) = config.pipeline.shrink else {
        return Ok(None);
    };
    session.progress.doing("shrinking the model");
    let rows = inputs::rows(config, files, given.task(), Some(given))?;
    let rows = fit_to_model(rows, given, config)?;
    let shrinking = Shrinking {
        config,
        original: given,
        rows: &rows,
        max_error: max_error(config, given)?,
    };
    let made = match asked.promise {
        Promise::Score => shrinking.smallest(asked.max_score_loss),
        Promise::EveryRow => shrinking.every_row(),
        Promise::InDistribution => shrinking.in_distribution(asked.alpha),
        Promise::EveryInput => shrinking.every_input(asked.seconds),
    };
    Ok(Some(shrinking.taken(made?, asked.promise)))
}

impl Shrinking<'_> {
    /// The smaller model, where its tables are smaller, else the original.
    fn taken(&self, made: Made, promise: Promise) -> Smaller {
        let Made {
            original,
            model,
            told,
            ..
        } = made;
        let (smaller, n_merged) = (model.model, model.n_merged);
        let rows = self.rows;
        let unit = &self.config.pipeline.dataset.test().unit;
        let mut shrink = Shrink {
            promise: promise.word().to_owned(),
            rows: match (promise, &rows.validation) {
                (Promise::Score, Some(validation)) => validation.n_rows(),
                _ => rows.train.as_ref().map_or(0, Dataset::n_rows),
            },
            on_validation: rows.validation.is_some(),
            value: (original.task() == Task::Regress).then(|| ValueWithin {
                max_error: self.max_error,
                unit: unit.first().cloned(),
                error_max: 0.0,
                before: None,
                after: None,
            }),
            ..told
        };
        let smaller = match (self.bytes(&original), self.bytes(&smaller)) {
            _ if n_merged == 0 && smaller.n_splits() >= original.n_splits() => original.clone(),
            (Some(before), Some(after)) if before <= after => {
                shrink.larger = Some([smaller.n_splits(), after]);
                original.clone()
            }
            _ => smaller,
        };
        match smaller == original {
            true => as_the_original_ships(&mut shrink),
            false => shrink.trees_merged = n_merged,
        }
        let bytes = self.bytes(&original).zip(self.bytes(&smaller));
        shrink.table_bytes = bytes.map(<[usize; 2]>::from);
        shrink.splits_before = original.n_splits();
        shrink.trees_before = original.trees().len();
        shrink.splits_after = smaller.n_splits();
        shrink.trees_after = smaller.trees().len();
        let columns = rows.train.as_ref().unwrap_or(&rows.test).features();
        Smaller {
            promise: Promised {
                keeps: made.keeps,
                within: self.max_error,
                columns: columns.to_vec(),
                parts: made.parts,
            },
            rows: made.rows,
            original,
            model: smaller,
            shrink,
        }
    }

    fn every_row(&self) -> Result<Made, Failure> {
        let train = self.train()?;
        let given = rows_of(train);
        let small = every_row(self.original, &given, self.max_error.unwrap_or(0.0));
        let small = small.map_err(|error| self.refused(&error))?;
        Ok(Made {
            original: self.original.clone(),
            model: self.merged(train, small.model, &given),
            keeps: Keeps::EveryRow,
            parts: vec![part(train, None, vec![None])],
            rows: labelled(train),
            told: Shrink {
                proven: Some(Truth::Proven),
                ..Shrink::default()
            },
        })
    }

    fn every_input(&self, seconds: f64) -> Result<Made, Failure> {
        let (config, original) = (self.config, self.original);
        let train = self.rows.train.as_ref();
        let declared = declared(config, original)?;
        let values = train.map(|train| train.values().view());
        let calibrations = spinney_quantize::calibrate(original, values, &declared)
            .map_err(|error| at_fault(config.path(), &error))?;
        // Casts: a number above 0.
        let steps = Steps((seconds * STEPS_PER_SECOND as f64) as u64);
        let small = match self.max_error {
            Some(max_error) => every_input_within(original, &calibrations, max_error, steps),
            None => {
                let train = train.map(rows_of).unwrap_or_default();
                let seed = config.pipeline.identity.seed;
                every_input(original, &calibrations, &train, seed, steps)
            }
        };
        let small = small.map_err(|error| self.refused(&error))?;
        let readings = spinney_codegen::readings(original.schema(), &calibrations);
        let mut alike = Alike::new(&small.model, &calibrations, small.steps);
        let bytes = |it: &FloatModel| self.bytes(it);
        let merged = merge(&small.model, bytes, |proposal| alike.is(proposal));
        // Its leaves are whole votes, which leave nothing to reject by, nor scores to deliver.
        let is_asked = config.pipeline.reject.is_none() && !wants_scores(config);
        let one_tree = small.one_tree.filter(|_| is_asked);
        let size = |it: &FloatModel| (bytes(it).unwrap_or(usize::MAX), it.n_splits());
        let is_smaller =
            |it: &FloatModel| size(it) < size(&merged.model) && size(it).0 < size(original).0;
        let model = match one_tree.filter(is_smaller) {
            Some(model) => Merged {
                n_merged: original.trees().len() - 1,
                model,
            },
            None => merged,
        };
        Ok(Made {
            original: original.clone(),
            model,
            keeps: Keeps::EveryInput { readings },
            parts: Vec::new(),
            rows: Vec::new(),
            told: Shrink {
                counterexamples: small.n_counterexamples,
                unknown: small.n_unknown,
                needed: small.n_needed,
                proven: Some(Truth::Proven),
                ..Shrink::default()
            },
        })
    }

    fn train(&self) -> Result<&Dataset, Failure> {
        let Some(train) = &self.rows.train else {
            let message = "found no training rows, expected some to fit leaves to";
            let help = "name them by `train` in [dataset], or write `shrink = \"every-input\"`";
            return self.config.refuse("model.shrink", message, Some(help));
        };
        Ok(train)
    }

    fn refused(&self, error: &ModelError) -> Failure {
        let message = format!("found {}, expected {}", error.found, error.expected);
        let help = "remove `shrink`, or take a classifier of trees, or a regressor of trees with one target and \
                    no link";
        let fault = self.config.fault("model.shrink", message, Some(help));
        fault.into()
    }

    /// A model whose trees are merged where that takes fewer bytes and changes the class of none of `given`;
    /// rows size the codes.
    fn merged(&self, rows: &Dataset, model: FloatModel, given: &[Vec<f64>]) -> Merged {
        let bytes = |it: &FloatModel| table_bytes(self.config, Some(rows), it);
        merge(&model, bytes, |proposal| {
            let is_kept = |row: &Vec<f64>| model.predict(row) == proposal.model.predict(row);
            proposal.moved == 0.0 || given.iter().all(is_kept)
        })
    }

    fn bytes(&self, model: &FloatModel) -> Option<usize> {
        table_bytes(self.config, self.rows.train.as_ref(), model)
    }
}

/// Writes what is known of a smaller model, for [`tested`] and [`kept`].
pub fn write(writer: &mut Writer<'_>, smaller: Option<&Smaller>) -> Result<(), Failure> {
    writer.write_json(ORIGINAL, &smaller.map(|it| it.original.to_json()))?;
    writer.write_json(SHRINK, &smaller.map(|it| &it.shrink))?;
    writer.write_json(PROMISE, &smaller.map(|it| &it.promise))?;
    let rows = smaller.into_iter().flat_map(|it| &it.rows);
    let rows: Vec<u8> = rows.flat_map(|it| it.to_le_bytes()).collect();
    writer.write(PROMISE_ROWS, &rows)
}

/// What was said of a smaller model is not said of the original, which ships instead.
fn as_the_original_ships(shrink: &mut Shrink) {
    shrink.conformal = None;
    if let Some([before, after]) = &mut shrink.kept_apart {
        *after = *before;
    }
}

/// What became of shrinking, with what the test rows say of it; float's score is the original's.
pub fn tested(
    session: &Session,
    predictions: &Predictions,
    rows: &PipelineRows,
    evaluation: Option<&mut Evaluation>,
) -> Result<Option<Shrink>, Failure> {
    let made = session.made("model")?;
    let shrink: Option<Shrink> = made.read_json(SHRINK)?;
    let (Some(mut shrink), Some(original)) = (shrink, original(&made)?) else {
        return Ok(None);
    };
    let test = rows_of(&rows.test);
    if let (Some(value), [target]) = (&mut shrink.value, &predictions.values[..]) {
        let before = values_of(&original, &test);
        let errors = before.iter().zip(&target.float);
        let errors: Vec<f64> = errors.map(|(one, other)| (one - other).abs()).collect();
        shrink.test_rows_differing = errors.iter().filter(|error| **error > 0.0).count();
        value.error_max = errors.into_iter().fold(0.0, f64::max);
        let labels = rows.test.numbers().filter(|_| rows.has_labels);
        if let Some(labels) = labels.map(|labels| labels.column(0).to_vec()) {
            value.before = ValueScore::new(&labels, &before);
            value.after = ValueScore::new(&labels, &target.float);
        }
        return Ok(Some(shrink));
    }
    let classes: Vec<usize> = test.iter().map(|row| original.predict(row)).collect();
    let both = classes.iter().zip(&predictions.float);
    shrink.test_rows_differing = both.filter(|(one, other)| one != other).count();
    if let Some(evaluation) = evaluation {
        let n_classes = rows.test.classes().len();
        shrink.score_after = Some(evaluation.float.accuracy);
        evaluation.float = Scorecard::new(rows.test.labels(), &classes, n_classes);
        evaluation.drop = evaluation.float.accuracy - evaluation.q15.accuracy;
        shrink.score_before = Some(evaluation.float.accuracy);
    }
    Ok(Some(shrink))
}

/// What the checker finds of the promise of a smaller model, if there is one.
pub fn kept(session: &Session, smaller: &FloatModel) -> Result<Option<Kept>, Failure> {
    let made = session.made("model")?;
    let promise: Option<Promised> = made.read_json(PROMISE)?;
    let (Some(promise), Some(original)) = (promise, original(&made)?) else {
        return Ok(None);
    };
    session
        .progress
        .doing("holding the smaller model to its promise");
    let bytes = made.read(PROMISE_ROWS)?;
    let rows = bytes.as_chunks().0.iter();
    let rows: Vec<f64> = rows.map(|it| f64::from_le_bytes(*it)).collect();
    Ok(Some(keeps(&original, smaller, &promise, &rows)))
}

/// The original of a smaller model, if there is one.
fn original(made: &Finished) -> Result<Option<FloatModel>, Failure> {
    let text: Option<String> = made.read_json(ORIGINAL)?;
    let model = text.map(|text| FloatModel::from_json(text.as_bytes()));
    let model = model.transpose();
    model.map_err(|error| at_fault(&made.path(ORIGINAL), &error))
}

/// Bytes of a model's tables in their smallest form, with what makes codes of readings.
fn table_bytes(config: &Config, rows: Option<&Dataset>, model: &FloatModel) -> Option<usize> {
    let quantize = &config.pipeline.quantize;
    let declared = declared(config, model).ok()?;
    let values = rows.map(|rows| rows.values().view());
    let calibrations = spinney_quantize::calibrate(model, values, &declared).ok()?;
    let options = Options {
        voting: quantize.leaves,
        votes: match quantize.votes {
            Votes::Auto => Votes::Q15,
            given => given,
        },
        codes: quantize.codes,
        wants_scores: false,
    };
    let quant = QuantModel::new(model, &calibrations, options, None).ok()?;
    let forms = forms_of(&quant, &Codegen::plain());
    forms
        .iter()
        .map(|it| it.table_bytes + it.coding_bytes)
        .min()
}

/// How far the value may be from the original's; `None` of a classifier, and where a score is measured.
fn max_error(config: &Config, original: &FloatModel) -> Result<Option<f64>, Failure> {
    let asked = config.pipeline.shrink.as_ref();
    let given = asked.and_then(|asked| asked.max_error);
    let is_score = asked.is_some_and(|asked| asked.promise == Promise::Score);
    let (place, message, help) = match (original.task(), given) {
        (Task::Regress, None) if !is_score => (
            "model.shrink",
            "found no `shrink_error`, expected one, since the model is a regressor",
            "write how far a value may be from the original's, in the unit of the labels",
        ),
        (Task::Classify | Task::Detect, Some(_)) => (
            "model.shrink_error",
            "found a bound of values, expected none, since the model gives none",
            "remove `shrink_error`; a classifier keeps its classes",
        ),
        _ => return Ok(given),
    };
    config.refuse(place, message.to_owned(), Some(help))
}

/// The values of a regressor whose value is a sum of trees.
fn values_of(model: &FloatModel, rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = model.additive().expect("a value is a sum of trees");
    rows.iter().map(|row| sum.raw(row)[0]).collect()
}

fn rows_of(rows: &Dataset) -> Vec<Vec<f64>> {
    let rows = rows.values().rows().into_iter();
    rows.map(|row| row.to_vec()).collect()
}

/// Rows, each with its label: the number of a class, or a value.
fn labelled(dataset: &Dataset) -> Vec<f64> {
    let label = |row: usize| match dataset.numbers() {
        Some(numbers) => numbers[[row, 0]],
        None => dataset.labels()[row] as f64,
    };
    let rows = rows_of(dataset).into_iter().enumerate();
    rows.flat_map(|(at, row)| row.into_iter().chain([label(at)]))
        .collect()
}

/// Rows for the checker, and what they were given to, but where that is the original or what ships.
fn part(rows: &Dataset, original: Option<&FloatModel>, smaller: Vec<Option<&FloatModel>>) -> Part {
    Part {
        n_rows: rows.n_rows(),
        original: original.map(FloatModel::to_json),
        smaller: smaller
            .into_iter()
            .map(|it| it.map(FloatModel::to_json))
            .collect(),
    }
}
