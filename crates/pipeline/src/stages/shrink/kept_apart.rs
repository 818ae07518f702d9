//! What a smaller model loses on rows that were kept apart from it, and the smallest that loses no more than
//! the config allows.

use spinney_checker::Keeps;
use spinney_config::{Model, Training};
use spinney_dataset::{Dataset, folds, permutation};
use spinney_model::{FloatModel, Task};
use spinney_oracle::shrink::{Family, Merged};
use spinney_report::{Conformal, Shrink};

use super::{Made, Shrinking, labelled, part, rows_of, values_of};
use crate::failure::Failure;
use crate::stages::inputs::at_fault;
use crate::stages::model;
use crate::stages::select::{self, Fold};

/// Splits of the original by those of each smaller model that a score is measured of.
const RATIOS: [f64; 14] = [
    1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0,
];
/// Parts of the training rows, each of which is kept apart once.
const FOLDS: usize = 5;

impl Shrinking<'_> {
    /// The model of the smallest tables whose like loses at most so much accuracy on rows that were kept apart, or
    /// has an error at most by that share larger, and the accuracies or errors there, of the original's like
    /// and its own.
    pub(super) fn smallest(&self, max_loss: f64) -> Result<Made, Failure> {
        let train = self.train()?;
        let mut before = 0.0;
        let mut after = [0.0; RATIOS.len()];
        let mut n_rows = 0.0;
        let mut likes = Vec::new();
        for fold in self.kept_apart()? {
            let Fold { held, kept } = fold;
            let n_held = held.n_rows() as f64;
            n_rows += n_held;
            let original = self.like(&kept)?;
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
        let mut family = self.family(self.original, train)?;
        let mut best: Option<((usize, usize), Merged, usize)> = None;
        for at in (0..RATIOS.len()).filter(is_within) {
            let member = self.member(&mut family, self.original, train, RATIOS[at])?;
            let size = self.size(&member.model);
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
            let smaller = Some(member).filter(|it| **it != model.model);
            part(held, original, vec![smaller])
        };
        let of_parts = likes
            .iter()
            .map(|(held, ..)| held.n_rows() as f64 * loss(&model.model, held));
        let [before, after] = found;
        let keeps = Keeps::Score {
            max_loss,
            found: [before, after, told(of_parts.sum())],
        };
        Ok(Made {
            original: self.original.clone(),
            parts: likes.iter().map(part).collect(),
            rows: likes.iter().flat_map(|(held, ..)| labelled(held)).collect(),
            keeps,
            model,
            told: Shrink {
                kept_apart: Some(found),
                ..Shrink::default()
            },
        })
    }

    /// The rows for validation beside those that train, else each fifth of the training rows.
    fn kept_apart(&self) -> Result<Vec<Fold>, Failure> {
        let train = self.train()?;
        if let Some(validation) = &self.rows.validation {
            return Ok(vec![Fold {
                held: validation.clone(),
                kept: train.clone(),
            }]);
        }
        let seed = self.config.pipeline.identity.seed;
        let fold_of = folds(train, train.groups(), FOLDS, seed)
            .map_err(|error| at_fault(self.config.path(), &error))?;
        let parts = (0..FOLDS).map(|fold| Fold::of(train, &fold_of, fold));
        Ok(parts.collect())
    }

    /// A model like the original of four fifths of the training rows, and the smallest of its members by
    /// which a further row changes its class with probability at most `alpha`, if it is exchangeable
    /// with the rows of the last fifth.
    ///
    /// This is split conformal calibration (Papadopoulos and others, "Inductive confidence machines for
    /// regression", 2002; Lei and others, JASA 2018), the score of a row being how far the model may
    /// shrink before the row's class changes. Members are made without the rows kept apart.
    pub(super) fn in_distribution(&self, alpha: f64) -> Result<Made, Failure> {
        let train = self.train()?;
        let within = self.max_error.unwrap_or(0.0);
        let refuse =
            |message: &str, help: &str| self.config.refuse("model.shrink", message, Some(help));
        if train.groups().is_some() {
            let message = "found training rows that belong together, expected exchangeable ones";
            let help = "write `shrink = \"score\"`, which keeps groups of rows apart";
            return refuse(message, help);
        }
        let (place, (apart, kept)) = match &self.rows.validation {
            Some(validation) => ("for validation", (validation.clone(), train.clone())),
            None => {
                let n_rows = train.n_rows();
                let order = permutation(n_rows, self.config.pipeline.identity.seed);
                let (apart, kept) = order.split_at((n_rows / FOLDS).max(1));
                if kept.is_empty() {
                    return refuse("found 1 training row, expected more", "give more rows");
                }
                let parts = (train.select(apart), train.select(kept));
                ("in a fifth of the training rows", parts)
            }
        };
        let Some(parted_max) = n_may_change(alpha, apart.n_rows()) else {
            let message = format!(
                "found {} rows {place}, expected at least {}, 1 / shrink_alpha - 1",
                apart.n_rows(),
                (1.0 / alpha).ceil() - 1.0
            );
            return refuse(&message, "write a larger `shrink_alpha`, or give more rows");
        };
        let original = self.like(&kept)?;
        let kept_rows = rows_of(&kept);
        let is_value = original.task() == Task::Regress;
        let mut family =
            Family::new(&original, &kept_rows, None).map_err(|error| self.refused(&error))?;
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
        let at = (0..allowed.len()).min_by_key(|at| self.size(&allowed[*at].model));
        let parted = at.map_or(0, |at| scores.iter().filter(|it| **it <= at).count());
        let model = at.map_or_else(|| unmerged(&original), |at| members[at].clone());
        let larger = members[..at.unwrap_or(0)].iter().map(|it| Some(&it.model));
        let conformal = Conformal {
            alpha,
            rows: apart.n_rows(),
            parted,
            parted_max,
        };
        Ok(Made {
            keeps: Keeps::InDistribution { alpha, parted },
            parts: vec![part(&apart, None, larger.chain([None]).collect())],
            rows: labelled(&apart),
            model,
            told: Shrink {
                conformal: Some(conformal),
                ..Shrink::default()
            },
            original,
        })
    }

    /// A model as the original is, of some rows; an imported one is what it is.
    fn like(&self, rows: &Dataset) -> Result<FloatModel, Failure> {
        let training = match &self.config.pipeline.model {
            Model::Train(training @ Training::Forest(_)) if self.rows.validation.is_none() => {
                training
            }
            _ => return Ok(self.original.clone()),
        };
        select::train_on(self.config, training, rows, self.train()?)
    }

    fn family<'m>(&self, original: &'m FloatModel, rows: &Dataset) -> Result<Family<'m>, Failure> {
        let labels = (original.task() == Task::Classify).then(|| rows.labels());
        Family::new(original, &rows_of(rows), labels).map_err(|error| self.refused(&error))
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
        Ok(self.merged(rows, model, &rows_of(rows)))
    }

    /// Bytes of tables, then splits.
    fn size(&self, model: &FloatModel) -> (usize, usize) {
        (self.bytes(model).unwrap_or(usize::MAX), model.n_splits())
    }
}

fn unmerged(model: &FloatModel) -> Merged {
    Merged {
        model: model.clone(),
        n_merged: 0,
    }
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

/// Losses of ever smaller models with their luck taken off: the nearest numbers, by least squares,
/// that never fall.
pub(super) fn rising(losses: &[f64]) -> Vec<f64> {
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
pub(super) fn n_may_change(alpha: f64, n_rows: usize) -> Option<usize> {
    ((alpha * (n_rows + 1) as f64) as usize).checked_sub(1)
}
