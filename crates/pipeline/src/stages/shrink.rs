//! `shrink` of `[model]`: a smaller model in place of the original, by what is promised of it.

use spinney_checker::{Keeps, Kept, Part, Promise as Promised, keeps};
use spinney_codegen::Options as Codegen;
use spinney_config::{Config, Model, Promise, Training, Word};
use spinney_convert::forms_of;
use spinney_dataset::{Dataset, folds, permutation};
use spinney_evaluate::{Evaluation, Predictions, Scorecard, ValueScore};
use spinney_model::{FloatModel, Task};
#[cfg(test)]
use spinney_model::{Forest, Node, Tree};
use spinney_oracle::shrink::{
    Alike, Family, Merged, Shrunk, every_input, every_input_within, every_row, merge,
};
use spinney_oracle::{ModelError, STEPS_PER_SECOND, Steps};
use spinney_quantize::{Options, QuantModel, Votes};
use spinney_report::{Conformal, Shrink, Truth, ValueWithin};

use super::inputs::{self, Inputs, PipelineRows, at_fault};
use super::quantized::{declared, fit_to_model, wants_scores};
use super::{Session, model, select};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::store::{Finished, Writer};

/// What became of shrinking; null where it was not asked for.
pub const SHRINK: &str = "shrink.json";
/// The original of a smaller model, as its JSON; null where there is none.
pub const ORIGINAL: &str = "original.json";

/// What is promised, for the checker; null where nothing is.
pub const PROMISE: &str = "promise.json";
/// Rows of that promise, each with its label, as float64, little-endian.
pub const PROMISE_ROWS: &str = "promise-rows.bin";

/// Splits of the original by those of each smaller model that a score is measured of.
const RATIOS: [f64; 14] = [
    1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0,
];
/// Parts of the training rows, each of which is kept apart once.
const FOLDS: usize = 5;

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

/// A smaller model, what was promised of it, and the rows, with their labels, that it was measured on.
struct Made {
    model: Merged,
    keeps: Keeps,
    parts: Vec<Part>,
    rows: Vec<f64>,
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
    let mut shrink = Shrink {
        promise: asked.promise.word().to_owned(),
        rows: match (&asked.promise, &rows.validation) {
            (Promise::Score, Some(validation)) => validation.n_rows(),
            _ => rows.train.as_ref().map_or(0, Dataset::n_rows),
        },
        on_validation: rows.validation.is_some(),
        ..Shrink::default()
    };
    let refused = |error: ModelError| refused(config, &error);
    let max_error = max_error(config, given)?;
    if given.task() == Task::Regress {
        let file = config.pipeline.dataset.test();
        shrink.value = Some(ValueWithin {
            max_error,
            unit: file.unit.first().cloned(),
            error_max: 0.0,
            before: None,
            after: None,
        });
    }
    let mut original = given.clone();
    let made = match asked.promise {
        Promise::Score => {
            let score = Score {
                config,
                original: &original,
                train: train(config, &rows)?,
                rows: &rows,
            };
            let (made, kept_apart) = score.smallest(asked.max_score_loss)?;
            shrink.kept_apart = Some(kept_apart);
            made
        }
        Promise::EveryRow => {
            let train = train(config, &rows)?;
            let given = rows_of(train);
            let small = every_row(&original, &given, max_error.unwrap_or(0.0)).map_err(refused)?;
            shrink.proven = Some(Truth::Proven);
            Made {
                model: merged(config, Some(train), small.model, &given),
                keeps: Keeps::EveryRow,
                parts: vec![part(train, None, vec![None])],
                rows: labelled(train),
            }
        }
        Promise::InDistribution => {
            let score = Score {
                config,
                original: &original,
                train: train(config, &rows)?,
                rows: &rows,
            };
            let (like, made, conformal) =
                score.in_distribution(asked.alpha, max_error.unwrap_or(0.0))?;
            (original, shrink.conformal) = (like, Some(conformal));
            made
        }
        Promise::EveryInput => {
            let values = rows.train.as_ref().map(|train| train.values().view());
            let declared = declared(config, &original)?;
            let calibrations = spinney_quantize::calibrate(&original, values, &declared)
                .map_err(|error| at_fault(config.path(), &error))?;
            // Casts: a number above 0.
            let steps = Steps((asked.seconds * STEPS_PER_SECOND as f64) as u64);
            let small = match max_error {
                Some(max_error) => every_input_within(&original, &calibrations, max_error, steps),
                None => {
                    let train = rows.train.as_ref().map(rows_of).unwrap_or_default();
                    let seed = config.pipeline.identity.seed;
                    every_input(&original, &calibrations, &train, seed, steps)
                }
            };
            let Shrunk {
                model,
                one_tree,
                n_counterexamples,
                n_unknown,
                n_needed,
                steps,
            } = small.map_err(refused)?;
            (shrink.counterexamples, shrink.unknown) = (n_counterexamples, n_unknown);
            shrink.needed = n_needed;
            shrink.proven = Some(Truth::Proven);
            let readings = spinney_codegen::readings(original.schema(), &calibrations);
            let mut alike = Alike::new(&model, &calibrations, steps);
            let bytes = |it: &FloatModel| table_bytes(config, rows.train.as_ref(), it);
            let merged = merge(&model, bytes, |proposal| alike.is(proposal));
            // Its leaves are whole votes, which leave nothing to reject by, nor scores to deliver.
            let is_asked = config.pipeline.reject.is_none() && !wants_scores(config);
            let one_tree = one_tree.filter(|_| is_asked).map(|model| Merged {
                n_merged: original.trees().len() - 1,
                model,
            });
            let size = |it: &Merged| (bytes(&it.model).unwrap_or(usize::MAX), it.model.n_splits());
            let is_smaller =
                |it: &Merged| size(it) < size(&merged) && size(it).0 < size(&unmerged(&original)).0;
            Made {
                model: one_tree.filter(is_smaller).unwrap_or(merged),
                keeps: Keeps::EveryInput { readings },
                parts: Vec::new(),
                rows: Vec::new(),
            }
        }
    };
    let Merged {
        model: smaller,
        n_merged,
    } = made.model;
    let bytes = |model: &FloatModel| table_bytes(config, rows.train.as_ref(), model);
    let smaller = match (bytes(&original), bytes(&smaller)) {
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
    shrink.table_bytes = bytes(&original)
        .zip(bytes(&smaller))
        .map(<[usize; 2]>::from);
    shrink.splits_before = original.n_splits();
    shrink.trees_before = original.trees().len();
    shrink.splits_after = smaller.n_splits();
    shrink.trees_after = smaller.trees().len();
    let columns = rows.train.as_ref().unwrap_or(&rows.test).features();
    Ok(Some(Smaller {
        promise: Promised {
            keeps: made.keeps,
            within: max_error,
            columns: columns.to_vec(),
            parts: made.parts,
        },
        rows: made.rows,
        original,
        model: smaller,
        shrink,
    }))
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

/// A model whose trees are merged where that takes fewer bytes and changes the class of none of `given`;
/// rows size the codes.
fn merged(
    config: &Config,
    rows: Option<&Dataset>,
    model: FloatModel,
    given: &[Vec<f64>],
) -> Merged {
    let bytes = |it: &FloatModel| table_bytes(config, rows, it);
    merge(&model, bytes, |proposal| {
        let is_kept = |row: &Vec<f64>| model.predict(row) == proposal.model.predict(row);
        proposal.moved == 0.0 || given.iter().all(is_kept)
    })
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

fn refused(config: &Config, error: &ModelError) -> Failure {
    let message = format!("found {}, expected {}", error.found, error.expected);
    let help = "remove `shrink`, or take a classifier of trees, or a regressor of trees with one target and \
                no link";
    config.fault("model.shrink", message, Some(help)).into()
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

fn train<'r>(config: &Config, rows: &'r PipelineRows) -> Result<&'r Dataset, Failure> {
    rows.train.as_ref().ok_or_else(|| {
        let message = "found no training rows, expected some to fit leaves to";
        let help = "name them by `train` in [dataset], or write `shrink = \"every-input\"`";
        config.fault("model.shrink", message, Some(help)).into()
    })
}

/// The values of a regressor whose value is a sum of trees.
fn values_of(model: &FloatModel, rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = model.additive().expect("a value is a sum of trees");
    rows.iter().map(|row| sum.raw(row)[0]).collect()
}

/// How bad a model is on labelled rows: the share of rows with another class, or the mean absolute error.
fn loss(model: &FloatModel, dataset: &Dataset) -> f64 {
    let rows = rows_of(dataset);
    let n_rows = rows.len().max(1) as f64;
    match dataset.numbers() {
        Some(numbers) => {
            let values = values_of(model, &rows).into_iter();
            let errors = values.zip(numbers.column(0)).map(|(it, y)| (y - it).abs());
            errors.sum::<f64>() / n_rows
        }
        None => {
            let rows = rows.iter().zip(dataset.labels());
            let wrong = rows.filter(|(row, label)| model.predict(row) != **label);
            wrong.count() as f64 / n_rows
        }
    }
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

/// Losses of ever smaller models with their luck taken off: the nearest numbers, by least squares,
/// that never fall.
fn rising(losses: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for loss in losses {
        blocks.push((*loss, 1));
        while let [.., (before, n_before), (last, n_last)] = blocks[..]
            && before > last
        {
            let n = n_before + n_last;
            let mean = (before * n_before as f64 + last * n_last as f64) / n as f64;
            blocks.truncate(blocks.len() - 2);
            blocks.push((mean, n));
        }
    }
    let blocks = blocks.into_iter();
    blocks.flat_map(|(mean, n)| vec![mean; n]).collect()
}

/// Of rows kept apart, how many may change their class, so that a further one does with probability at
/// most `alpha`: `⌊alpha · (n + 1)⌋ − 1`; `None` where not even none may.
// Casts: a share of a number of rows.
fn n_may_change(alpha: f64, n_rows: usize) -> Option<usize> {
    ((alpha * (n_rows + 1) as f64) as usize).checked_sub(1)
}

/// Rows kept apart, and those that a model of its like is made of.
struct Fold {
    held: Dataset,
    kept: Dataset,
    /// Of each row of the latter what it belongs to.
    groups: Option<Vec<usize>>,
}

/// What a score is measured with.
struct Score<'a> {
    config: &'a Config,
    original: &'a FloatModel,
    train: &'a Dataset,
    rows: &'a PipelineRows,
}

impl Score<'_> {
    /// The model of the smallest tables whose like loses at most so much accuracy on rows that were kept apart, or
    /// has an error at most by that share larger, and the accuracies or errors there, of the original's like
    /// and its own.
    fn smallest(&self, max_loss: f64) -> Result<(Made, [f64; 2]), Failure> {
        let mut before = 0.0;
        let mut after = [0.0; RATIOS.len()];
        let mut n_rows = 0.0;
        let mut likes = Vec::new();
        for fold in self.kept_apart()? {
            let Fold { held, kept, groups } = fold;
            let n_held = held.n_rows() as f64;
            n_rows += n_held;
            let original = self.like(&kept, groups.as_deref())?;
            before += n_held * loss(&original, &held);
            let mut family = self.family(&original, &kept)?;
            let mut members = Vec::new();
            for (ratio, after) in RATIOS.iter().zip(&mut after) {
                members.push(self.member(&mut family, &original, &kept, *ratio)?.model);
                *after += n_held * loss(&members[members.len() - 1], &held);
            }
            likes.push((held, original, members));
        }
        let is_value = self.original.task() == Task::Regress;
        let unit = if is_value { before / n_rows } else { 1.0 };
        let losses = after.map(|after| (after - before) / n_rows / unit);
        let told = |loss: f64| {
            if is_value {
                loss / n_rows
            } else {
                1.0 - loss / n_rows
            }
        };
        let rising = rising(&losses);
        let is_within = |at: &usize| losses[*at].max(rising[*at]) <= max_loss + 1e-12;
        let mut family = self.family(self.original, self.train)?;
        let mut best: Option<((usize, usize), Merged, usize)> = None;
        for at in (0..RATIOS.len()).filter(is_within) {
            let member = self.member(&mut family, self.original, self.train, RATIOS[at])?;
            let size = (self.bytes(&member.model), member.model.n_splits());
            if best.as_ref().is_none_or(|(least, ..)| size <= *least) {
                best = Some((size, member, at));
            }
        }
        // The original itself loses nothing, and the checker is told of no rows.
        let (model, found, likes) = match best {
            Some((_, model, at)) => {
                let likes = likes
                    .into_iter()
                    .map(|(held, original, mut members)| (held, original, members.swap_remove(at)));
                (model, [told(before), told(after[at])], likes.collect())
            }
            None => (unmerged(self.original), [told(before); 2], Vec::new()),
        };
        let part = |(held, original, member): &(Dataset, FloatModel, FloatModel)| {
            let original = Some(original).filter(|it| *it != self.original);
            part(
                held,
                original,
                vec![Some(member).filter(|it| **it != model.model)],
            )
        };
        let of_parts = likes
            .iter()
            .map(|(held, ..)| held.n_rows() as f64 * loss(&model.model, held));
        let [before, after] = found;
        let keeps = Keeps::Score {
            max_loss,
            found: [before, after, told(of_parts.sum())],
        };
        let made = Made {
            parts: likes.iter().map(part).collect(),
            rows: likes.iter().flat_map(|(held, ..)| labelled(held)).collect(),
            keeps,
            model,
        };
        Ok((made, found))
    }

    /// The rows for validation beside those that train, else each fifth of the training rows.
    fn kept_apart(&self) -> Result<Vec<Fold>, Failure> {
        if let Some(validation) = &self.rows.validation {
            return Ok(vec![Fold {
                held: validation.clone(),
                kept: self.train.clone(),
                groups: None,
            }]);
        }
        let seed = self.config.pipeline.identity.seed;
        let fold_of = folds(self.train, self.rows.groups.as_deref(), FOLDS, seed)
            .map_err(|error| at_fault(self.config.path(), &error))?;
        let parts = (0..FOLDS).map(|fold| {
            let rows = 0..self.train.n_rows();
            let (held, kept): (Vec<usize>, Vec<usize>) = rows.partition(|it| fold_of[*it] == fold);
            let groups = self.rows.groups.as_ref();
            Fold {
                groups: groups.map(|of| kept.iter().map(|row| of[*row]).collect()),
                held: self.train.select(&held),
                kept: self.train.select(&kept),
            }
        });
        Ok(parts.collect())
    }

    /// A model like the original of four fifths of the training rows, and the smallest of its members by
    /// which a further row changes its class with probability at most `alpha`, if it is exchangeable
    /// with the rows of the last fifth.
    ///
    /// This is split conformal calibration (Papadopoulos and others, "Inductive confidence machines for
    /// regression", 2002; Lei and others, JASA 2018), the score of a row being how far the model may
    /// shrink before the row's class changes. Members are made without the rows kept apart.
    fn in_distribution(
        &self,
        alpha: f64,
        within: f64,
    ) -> Result<(FloatModel, Made, Conformal), Failure> {
        let fault = |message: String, help: &str| -> Failure {
            let place = "model.shrink";
            self.config.fault(place, message, Some(help)).into()
        };
        if self.rows.groups.is_some() {
            let message = "found training rows that belong together, expected exchangeable ones";
            let help = "write `shrink = \"score\"`, which keeps groups of rows apart";
            return Err(fault(message.to_owned(), help));
        }
        let (place, (apart, kept)) = match &self.rows.validation {
            Some(validation) => ("for validation", (validation.clone(), self.train.clone())),
            None => {
                let n_rows = self.train.n_rows();
                let order = permutation(n_rows, self.config.pipeline.identity.seed);
                let (apart, kept) = order.split_at((n_rows / FOLDS).max(1));
                if kept.is_empty() {
                    return Err(fault(
                        "found 1 training row, expected more".to_owned(),
                        "give more rows",
                    ));
                }
                let parts = (self.train.select(apart), self.train.select(kept));
                ("in a fifth of the training rows", parts)
            }
        };
        let Some(parted_max) = n_may_change(alpha, apart.n_rows()) else {
            let message = format!(
                "found {} rows {place}, expected at least {}, 1 / shrink_alpha - 1",
                apart.n_rows(),
                (1.0 / alpha).ceil() - 1.0
            );
            let help = "write a larger `shrink_alpha`, or give more rows";
            return Err(fault(message, help));
        };
        let original = self.like(&kept, None)?;
        let kept_rows = rows_of(&kept);
        let is_value = original.task() == Task::Regress;
        let mut family = Family::new(&original, &kept_rows, None)
            .map_err(|error| refused(self.config, &error))?;
        let members = RATIOS
            .iter()
            .map(|ratio| self.member(&mut family, &original, &kept, *ratio));
        let members: Vec<Merged> = members.collect::<Result<_, _>>()?;
        let given = |model: &FloatModel, row: &[f64]| match is_value {
            true => model.additive().map_or(0.0, |sum| sum.raw(row)[0]),
            false => model.predict(row) as f64,
        };
        let scores = rows_of(&apart).into_iter().map(|row| {
            let own = given(&original, &row);
            let parts = |it: &Merged| (given(&it.model, &row) - own).abs() > within;
            let parts = members.iter().position(parts);
            parts.unwrap_or(members.len())
        });
        let mut scores: Vec<usize> = scores.collect();
        scores.sort_unstable();
        let allowed = &members[..scores[parted_max]];
        let at = (0..allowed.len()).min_by_key(|at| {
            let model = &allowed[*at].model;
            (self.bytes(model), model.n_splits())
        });
        let parted = at.map_or(0, |at| scores.iter().filter(|it| **it <= at).count());
        let model = at.map_or_else(|| unmerged(&original), |at| members[at].clone());
        let larger = members[..at.unwrap_or(0)].iter().map(|it| Some(&it.model));
        let made = Made {
            keeps: Keeps::InDistribution { alpha, parted },
            parts: vec![part(&apart, None, larger.chain([None]).collect())],
            rows: labelled(&apart),
            model,
        };
        let conformal = Conformal {
            alpha,
            rows: apart.n_rows(),
            parted,
            parted_max,
        };
        Ok((original, made, conformal))
    }

    /// A model as the original is, of some rows; an imported one is what it is.
    fn like(&self, rows: &Dataset, groups: Option<&[usize]>) -> Result<FloatModel, Failure> {
        let training = match &self.config.pipeline.model {
            Model::Train(training @ Training::Forest(_)) if self.rows.validation.is_none() => {
                training
            }
            _ => return Ok(self.original.clone()),
        };
        let fills = inputs::fills_of(self.config, rows, &[self.train])?;
        let rows = select::Rows {
            rows,
            groups,
            fills: &fills,
        };
        let made = select::train(self.config, training, &rows, &Progress::none())?;
        Ok(made.0)
    }

    fn family<'m>(&self, original: &'m FloatModel, rows: &Dataset) -> Result<Family<'m>, Failure> {
        let labels = (original.task() == Task::Classify).then(|| rows.labels());
        Family::new(original, &rows_of(rows), labels).map_err(|error| refused(self.config, &error))
    }

    /// The member of a family with so many fewer splits, its trees merged by what `rows` say alone, from
    /// which the family was made.
    fn member(
        &self,
        family: &mut Family<'_>,
        original: &FloatModel,
        rows: &Dataset,
        ratio: f64,
    ) -> Result<Merged, Failure> {
        // Casts: a share of a number of splits.
        let n_splits = (original.n_splits() as f64 / ratio) as usize;
        let model = family
            .at_most(n_splits)
            .map_err(|error| at_fault(model::file_of(self.config), &error))?;
        Ok(merged(self.config, Some(rows), model, &rows_of(rows)))
    }

    fn bytes(&self, model: &FloatModel) -> usize {
        table_bytes(self.config, Some(self.train), model).unwrap_or(usize::MAX)
    }
}

fn unmerged(model: &FloatModel) -> Merged {
    Merged {
        model: model.clone(),
        n_merged: 0,
    }
}

/// Whichever of exchangeable rows is the further one, each is with the same probability: so of all
/// choices of it, at most the share alpha may change its class.
#[test]
fn a_further_row_keeps_its_class_with_its_probability() {
    let mut n_tight = 0;
    for seed in 0..300_u64 {
        let n_rows = 4 + (seed % 60) as usize;
        let order = permutation(n_rows, seed);
        let n_scores = 1 + (seed / 7 % 20) as usize;
        let scores: Vec<usize> = order.iter().map(|it| it % n_scores).collect();
        for alpha in [0.02, 0.05, 0.1, 0.25, 0.5] {
            let changes = |further: &usize| {
                let others = (0..n_rows).filter(|at| at != further);
                let mut others: Vec<usize> = others.map(|at| scores[at]).collect();
                others.sort_unstable();
                let n_may = n_may_change(alpha, others.len());
                assert_eq!(n_may.is_none(), (n_rows as f64) < 1.0 / alpha);
                // Members up to the one before that score may ship.
                n_may.is_some_and(|n_may| scores[*further] < others[n_may])
            };
            let n_changed = (0..n_rows).filter(changes).count();
            assert!(n_changed as f64 <= alpha * n_rows as f64, "{seed}, {alpha}");
            n_tight += usize::from(n_changed as f64 + 1.0 > alpha * n_rows as f64);
        }
    }
    assert!(n_tight > 100, "{n_tight}");
}

#[test]
fn luck_is_taken_off_losses() {
    assert_eq!(rising(&[0.0, 0.75, 0.25, 1.0]), [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(rising(&[0.75, 0.5, 0.25]), [0.5; 3]);
    assert_eq!(rising(&[]), [0.0; 0]);
}

/// The checker is given what the stage wrote: each promise holds, and that of a model whose leaves were
/// turned does not.
#[test]
fn the_checker_holds_a_smaller_model_to_its_promise() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = crate::places::clone()
        .expect("a clone")
        .join("data/iris.csv");
    for (promise, more) in [
        ("score", ""),
        ("every-row", ""),
        ("in-distribution", ", shrink_alpha = 0.2"),
        ("every-input", ""),
    ] {
        let text = format!(
            "pipeline = {{ name = \"kept\" }}\ndataset = {{ path = {data:?}, label = \"species\" }}\n\
             model = {{ kind = \"random-forest\", n_trees = 50, max_depth = 2, shrink = \"{promise}\"{more} }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n"
        );
        let path = folder.path().join("p.toml");
        std::fs::write(&path, text).expect("a file");
        let config = spinney_config::load(&path).expect("a config");
        let files = inputs::read(&config).expect("rows");
        let session = Session::within(config, folder.path().join(promise), Progress::none());
        let session = session.expect("a session");
        model::run(&session, &files).expect("a model");
        let smaller = model::load(&session).expect("a model");
        let found = |model: &FloatModel| {
            let kept = kept(&session, model)
                .expect("artifacts")
                .expect("a promise");
            assert_ne!(kept.how, spinney_checker::How::Same, "{promise}");
            kept.found
        };
        assert_eq!(found(&smaller).faults, [], "{promise}");
        let FloatModel::Forest(forest) = &smaller else {
            panic!("a forest");
        };
        let turned = forest.trees().iter().map(|tree| {
            let mut nodes = tree.nodes().to_vec();
            for node in &mut nodes {
                if let Node::Leaf(values) = node {
                    values.rotate_left(1);
                }
            }
            Tree::new(nodes, forest.schema()).expect("a tree")
        });
        let turned = Forest::new(forest.kind(), forest.schema().clone(), turned.collect());
        let turned = FloatModel::Forest(turned.expect("a forest"));
        assert!(!found(&turned).holds(), "{promise}");
    }
}

/// Where the original ships, the score that is told is its own, not that of what was not taken.
#[test]
fn a_model_that_was_not_taken_leaves_no_score() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = crate::places::clone()
        .expect("a clone")
        .join("data/wine.csv");
    let (mut n_larger, mut n_told) = (0, 0);
    for n_trees in [3, 4, 5, 7, 10] {
        let text = format!(
            "pipeline = {{ name = \"kept\" }}\ndataset = {{ path = {data:?}, label = \"cultivar\" }}\n\
             model = {{ kind = \"random-forest\", n_trees = {n_trees}, shrink = \"score\", \
             max_score_loss = 0.01 }}\ntarget = {{ chip = \"nRF51822_xxAA\" }}\n"
        );
        let path = folder.path().join("p.toml");
        std::fs::write(&path, text).expect("a file");
        let config = spinney_config::load(&path).expect("a config");
        let files = inputs::read(&config).expect("rows");
        let folder = folder.path().join(n_trees.to_string());
        let session = Session::within(config, folder, Progress::none()).expect("a session");
        model::run(&session, &files).expect("a model");
        let made = session.made("model").expect("artifacts");
        let shrink: Option<Shrink> = made.read_json(SHRINK).expect("what became of it");
        let shrink = shrink.expect("it was asked for");
        let promise: Option<Promised> = made.read_json(PROMISE).expect("a promise");
        let Some(Keeps::Score { found, .. }) = promise.map(|it| it.keeps) else {
            panic!("a score");
        };
        let [before, after, _] = found;
        if shrink.larger.is_some() {
            assert_eq!(shrink.kept_apart, Some([before; 2]), "{n_trees}");
            assert_eq!(shrink.trees_merged, 0, "{n_trees}");
            n_larger += usize::from(before != after);
        } else {
            assert_eq!(shrink.kept_apart, Some([before, after]), "{n_trees}");
            n_told += 1;
        }
    }
    assert!(n_larger > 0 && n_told > 0, "{n_larger}, {n_told}");
}

/// A tree of whole classes has no scores, and takes the place of all trees only where none are asked for.
#[test]
fn one_tree_ships_where_no_scores_are_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = crate::places::clone()
        .expect("a clone")
        .join("data/iris.csv");
    for (more, is_one) in [
        ("", true),
        ("codegen = { outputs = [\"class\", \"scores\"] }\n", false),
        ("reject = { coverage = 0.9 }\n", false),
    ] {
        let text = format!(
            "pipeline = {{ name = \"one\" }}\ndataset = {{ path = {data:?}, label = \"species\" }}\n\
             model = {{ kind = \"random-forest\", n_trees = 50, max_depth = 1, shrink = \"every-input\" }}\n\
             target = {{ chip = \"nRF51822_xxAA\" }}\n{more}"
        );
        let path = folder.path().join("p.toml");
        std::fs::write(&path, text).expect("a file");
        let config = spinney_config::load(&path).expect("a config");
        let files = inputs::read(&config).expect("rows");
        let folder = folder.path().join(more.len().to_string());
        let session = Session::within(config, folder, Progress::none()).expect("a session");
        model::run(&session, &files).expect("a model");
        let smaller = model::load(&session).expect("a model");
        assert_eq!(smaller.trees().len() == 1, is_one, "{more}");
    }
}
