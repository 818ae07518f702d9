//! `shrink` of `[model]`: a smaller model in place of the original, by what is promised of it.

use spinney_codegen::Options as Codegen;
use spinney_config::{Config, Model, Promise, Training, Word};
use spinney_convert::forms_of;
use spinney_dataset::{Dataset, folds};
use spinney_evaluate::{Evaluation, Predictions, Scorecard};
use spinney_model::FloatModel;
use spinney_oracle::shrink::{Family, Shrunk, every_input, every_row};
use spinney_oracle::{ModelError, STEPS_PER_SECOND, Steps};
use spinney_quantize::{Options, QuantModel, Votes};
use spinney_report::{Shrink, Truth};

use super::inputs::{self, Inputs, PipelineRows, at_fault};
use super::quantized::{declared, fit_to_model};
use super::{Session, model};
use crate::failure::Failure;
use crate::progress::Progress;

/// What became of shrinking; null where it was not asked for.
pub const SHRINK: &str = "shrink.json";
/// The original of a smaller model, as its JSON; null where there is none.
pub const ORIGINAL: &str = "original.json";

/// Splits of the original by those of each smaller model that a score is measured of.
const RATIOS: [f64; 14] = [
    1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0,
];
/// Parts of the training rows, each of which is kept apart once.
const FOLDS: usize = 5;

/// The smaller model that the config asks for, if it does.
pub fn run(
    session: &Session,
    files: &Inputs,
    original: &FloatModel,
) -> Result<Option<(FloatModel, Shrink)>, Failure> {
    let config = &session.config;
    let Some(asked) = config.pipeline.shrink else {
        return Ok(None);
    };
    session.progress.doing("shrinking the model");
    let rows = inputs::rows(config, files, original.task(), Some(original))?;
    let rows = fit_to_model(rows, original, config)?;
    let mut shrink = Shrink {
        promise: asked.promise.word().to_owned(),
        splits_before: original.n_splits(),
        splits_after: 0,
        table_bytes: None,
        larger: None,
        trees_before: original.trees().len(),
        trees_after: 0,
        proven: None,
        rows: rows.train.as_ref().map_or(0, Dataset::n_rows),
        kept_apart: None,
        counterexamples: 0,
        unknown: 0,
        needed: None,
        score_before: None,
        score_after: None,
        test_rows_differing: 0,
    };
    let refused = |error: ModelError| refused(config, &error);
    let smaller = match asked.promise {
        Promise::Score => {
            let score = Score {
                config,
                original,
                train: train(config, &rows)?,
                rows: &rows,
            };
            let (model, kept_apart) = score.smallest(asked.max_score_loss)?;
            shrink.kept_apart = Some(kept_apart);
            model
        }
        Promise::EveryRow => {
            let train = rows_of(train(config, &rows)?);
            let small = every_row(original, &train).map_err(refused)?;
            shrink.proven = Some(Truth::Proven);
            small.model
        }
        Promise::EveryInput => {
            let values = rows.train.as_ref().map(|train| train.values().view());
            let declared = declared(config, original)?;
            let calibrations = spinney_quantize::calibrate(original, values, &declared)
                .map_err(|error| at_fault(config.path(), &error))?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a number above 0"
            )]
            let steps = Steps((asked.seconds * STEPS_PER_SECOND as f64) as u64);
            let train = rows.train.as_ref().map(rows_of).unwrap_or_default();
            let seed = config.pipeline.identity.seed;
            let small = every_input(original, &calibrations, &train, seed, steps);
            let Shrunk {
                model,
                n_counterexamples,
                n_unknown,
                n_needed,
            } = small.map_err(refused)?;
            (shrink.counterexamples, shrink.unknown) = (n_counterexamples, n_unknown);
            shrink.needed = Some(n_needed);
            shrink.proven = Some(Truth::Proven);
            model
        }
    };
    let bytes = |model: &FloatModel| table_bytes(config, &rows, model);
    let smaller = match (bytes(original), bytes(&smaller)) {
        _ if smaller.n_splits() >= original.n_splits() => original.clone(),
        (Some(before), Some(after)) if before <= after => {
            shrink.larger = Some([smaller.n_splits(), after]);
            original.clone()
        }
        _ => smaller,
    };
    shrink.table_bytes = bytes(original).zip(bytes(&smaller)).map(<[usize; 2]>::from);
    shrink.splits_after = smaller.n_splits();
    shrink.trees_after = smaller.trees().len();
    Ok(Some((smaller, shrink)))
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
    let original: Option<String> = made.read_json(ORIGINAL)?;
    let (Some(mut shrink), Some(original)) = (shrink, original) else {
        return Ok(None);
    };
    let original = FloatModel::from_json(original.as_bytes())
        .map_err(|error| at_fault(&made.path(ORIGINAL), &error))?;
    let classes = rows_of(&rows.test);
    let classes: Vec<usize> = classes.iter().map(|row| original.predict(row)).collect();
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

/// Bytes of a model's tables in their smallest form, with what makes codes of readings.
fn table_bytes(config: &Config, rows: &PipelineRows, model: &FloatModel) -> Option<usize> {
    let quantize = &config.pipeline.quantize;
    let declared = declared(config, model).ok()?;
    let values = rows.train.as_ref().map(|train| train.values().view());
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
    let help = "remove `shrink`, or take a classifier of trees";
    config.fault("model.shrink", message, Some(help)).into()
}

fn train<'r>(config: &Config, rows: &'r PipelineRows) -> Result<&'r Dataset, Failure> {
    rows.train.as_ref().ok_or_else(|| {
        let message = "found no training rows, expected some to fit leaves to";
        let help = "name them by `train` in [dataset], or write `shrink = \"every-input\"`";
        config.fault("model.shrink", message, Some(help)).into()
    })
}

fn rows_of(rows: &Dataset) -> Vec<Vec<f64>> {
    let rows = rows.values().rows().into_iter();
    rows.map(|row| row.to_vec()).collect()
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

/// What a score is measured with.
struct Score<'a> {
    config: &'a Config,
    original: &'a FloatModel,
    train: &'a Dataset,
    rows: &'a PipelineRows,
}

impl Score<'_> {
    /// The model of the smallest tables whose like loses at most so much accuracy on rows that were kept apart, and
    /// the accuracies there, of the original's like and its own.
    fn smallest(&self, max_loss: f64) -> Result<(FloatModel, [f64; 2]), Failure> {
        let seed = self.config.pipeline.identity.seed;
        let fold_of = folds(self.train, self.rows.groups.as_deref(), FOLDS, seed)
            .map_err(|error| at_fault(self.config.path(), &error))?;
        let mut before = 0;
        let mut after = [0; RATIOS.len()];
        for fold in 0..FOLDS {
            let rows = 0..self.train.n_rows();
            let (held, kept): (Vec<usize>, Vec<usize>) = rows.partition(|it| fold_of[*it] == fold);
            let (held, kept) = (self.train.select(&held), self.train.select(&kept));
            let held_rows = rows_of(&held);
            let hits = |model: &FloatModel| {
                let rows = held_rows.iter().zip(held.labels());
                rows.filter(|(row, label)| model.predict(row) == **label)
                    .count()
            };
            let original = self.like(&kept)?;
            before += hits(&original);
            let mut family = self.family(&original, &kept)?;
            for (ratio, after) in RATIOS.iter().zip(&mut after) {
                *after += hits(&self.member(&mut family, &original, *ratio)?);
            }
        }
        let share = |hits: usize| hits as f64 / self.train.n_rows() as f64;
        let losses = after.map(|hits| share(before) - share(hits));
        let rising = rising(&losses);
        let is_within = |at: &usize| losses[*at].max(rising[*at]) <= max_loss + 1e-12;
        let mut family = self.family(self.original, self.train)?;
        let mut best: Option<((usize, usize), FloatModel, usize)> = None;
        for at in (0..RATIOS.len()).filter(is_within) {
            let model = self.member(&mut family, self.original, RATIOS[at])?;
            let bytes = table_bytes(self.config, self.rows, &model).unwrap_or(usize::MAX);
            let size = (bytes, model.n_splits());
            if best.as_ref().is_none_or(|(least, ..)| size <= *least) {
                best = Some((size, model, at));
            }
        }
        Ok(match best {
            Some((_, model, at)) => (model, [share(before), share(after[at])]),
            None => (self.original.clone(), [share(before); 2]),
        })
    }

    /// A model as the original is, of some rows; an imported one is what it is.
    fn like(&self, rows: &Dataset) -> Result<FloatModel, Failure> {
        let training = match &self.config.pipeline.model {
            Model::Train(training @ Training::Forest(_)) => training,
            _ => return Ok(self.original.clone()),
        };
        let fills = inputs::fills_of(self.config, rows, &[self.train])?;
        model::train_model(self.config, training, rows, &fills, &Progress::none())
    }

    fn family<'m>(&self, original: &'m FloatModel, rows: &Dataset) -> Result<Family<'m>, Failure> {
        Family::new(original, &rows_of(rows), rows.labels())
            .map_err(|error| refused(self.config, &error))
    }

    fn member(
        &self,
        family: &mut Family<'_>,
        original: &FloatModel,
        ratio: f64,
    ) -> Result<FloatModel, Failure> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a number of splits"
        )]
        let n_splits = (original.n_splits() as f64 / ratio) as usize;
        let model = family.at_most(n_splits);
        model.map_err(|error| at_fault(model::file_of(self.config), &error))
    }
}

#[test]
fn luck_is_taken_off_losses() {
    assert_eq!(rising(&[0.0, 0.75, 0.25, 1.0]), [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(rising(&[0.75, 0.5, 0.25]), [0.5; 3]);
    assert_eq!(rising(&[]), [0.0; 0]);
}
