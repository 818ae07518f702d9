//! A selection of features, by folds of the training rows: those that a model rests on are kept, and the
//! model is trained on them alone. Its rows stay as they are; what is dropped, it does not ask.

use spinney_config::{Config, ForestTraining, MaxFeatures, Select, Training};
use spinney_dataset::{Dataset, Fills, folds};
use spinney_evaluate::permutation_importance;
use spinney_model::{Feature, FloatModel, Schema};
use spinney_report::{OfSize, Ranked, Selection};

use super::features::six_digits;
use super::inputs::fills_of;
use super::model::train_model;
use super::quantized;
use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;

/// What was selected, within the stage of the model.
pub const SELECTION: &str = "selection.json";

/// Folds that rows are divided into.
const FOLDS: usize = 5;
/// Folds of what is left of rows where one is held out, to rank features by.
const INNER_FOLDS: usize = 3;

/// Rows that are held out, and all others.
pub(crate) struct Fold {
    pub held: Dataset,
    pub kept: Dataset,
}

impl Fold {
    pub(crate) fn of(rows: &Dataset, fold_of: &[usize], fold: usize) -> Self {
        let (held, kept): (Vec<usize>, Vec<usize>) =
            (0..fold_of.len()).partition(|row| fold_of[*row] == fold);
        Self {
            held: rows.select(&held),
            kept: rows.select(&kept),
        }
    }
}

/// As [`train`], in silence, on some of `all` training rows.
pub(crate) fn train_on(
    config: &Config,
    training: &Training,
    rows: &Dataset,
    all: &Dataset,
) -> Result<FloatModel, Failure> {
    let fills = fills_of(config, rows, &[all])?;
    Ok(train(config, training, rows, &fills, &Progress::none())?.0)
}

/// Trains on the features that `select` keeps, and on all without one; `fills` take the place of missing
/// readings.
///
/// # Errors
/// As [`train_model`]; rows that cannot be divided into folds, or more features than there are.
pub(crate) fn train(
    config: &Config,
    training: &Training,
    rows: &Dataset,
    fills: &Fills,
    progress: &Progress,
) -> Result<(FloatModel, Option<Selection>), Failure> {
    let Some(select) = config.pipeline.select else {
        let model = train_model(config, training, rows, fills, progress)?;
        return Ok((model, None));
    };
    let n_features = rows.features().len();
    if let Select::Best(n) = select
        && n as usize > n_features
    {
        let message =
            format!("found {n}, expected at most the {n_features} features that there are");
        return config.refuse("features.select", message, None);
    }
    let selecting = Selecting {
        config,
        training,
        rows,
        fills,
        progress,
    };
    let (ranked, sizes) = selecting.ranked(select == Select::Auto)?;
    let n_kept = match select {
        Select::Best(n) => n as usize,
        Select::Auto => fewest(&sizes),
    };
    let order: Vec<usize> = ranked.iter().map(|it| it.0).collect();
    let model = selecting.trained(rows, &order[..n_kept])?;
    let mut ranked = ranked.into_iter().map(|(feature, importance)| Ranked {
        name: rows.features()[feature].clone(),
        importance,
    });
    let selection = Selection {
        folds: FOLDS,
        kept: ranked.by_ref().take(n_kept).collect(),
        dropped: ranked.collect(),
        sizes,
    };
    Ok((model, Some(selection)))
}

/// The fewest features whose accuracy is within a standard error of the best one: Breiman and others,
/// *Classification and Regression Trees* (1984), section 3.4.3.
fn fewest(sizes: &[OfSize]) -> usize {
    let best = sizes.iter().max_by(|one, other| {
        let accuracy = one.accuracy.total_cmp(&other.accuracy);
        accuracy.then(other.features.cmp(&one.features))
    });
    let least = best.map_or(0.0, |best| best.accuracy - best.standard_error);
    let within = sizes.iter().filter(|it| it.accuracy >= least);
    within.map(|it| it.features).min().unwrap_or(1)
}

/// Numbers of features that are tried: all, and ever three quarters of those before.
fn numbers(n_features: usize) -> Vec<usize> {
    let mut numbers = vec![n_features];
    while let Some(last) = numbers.last().filter(|last| **last > 1) {
        numbers.push(last * 3 / 4);
    }
    numbers
}

/// Features by their indices, each with its importance, the highest first.
type ByImportance = Vec<(usize, f64)>;

struct Selecting<'a> {
    config: &'a Config,
    training: &'a Training,
    rows: &'a Dataset,
    fills: &'a Fills,
    progress: &'a Progress,
}

impl Selecting<'_> {
    /// Features with their importance, the highest first; and, where asked for, how well each number of
    /// the best decides rows that neither ranked nor trained.
    fn ranked(&self, with_sizes: bool) -> Result<(ByImportance, Vec<OfSize>), Failure> {
        let all = self.rows;
        let n_features = all.features().len();
        let fold_of = self.folds(all, FOLDS)?;
        let numbers = numbers(n_features);
        let mut sums = vec![0.0; n_features];
        let mut accuracies = vec![Vec::new(); numbers.len()];
        for fold in 0..FOLDS {
            self.progress
                .doing(&format!("selecting features: fold {} of {FOLDS}", fold + 1));
            let Fold { held, kept } = Fold::of(all, &fold_of, fold);
            let importance = self.importance(&kept)?;
            for (sum, lost) in sums.iter_mut().zip(&importance) {
                *sum += lost;
            }
            if !with_sizes {
                continue;
            }
            let order = by_importance(&importance);
            for (accuracies, number) in accuracies.iter_mut().zip(&numbers) {
                let model = self.trained(&kept, &order[..*number])?;
                accuracies.push(accuracy(&model, &held.filled(self.fills)));
            }
        }
        let ranked = by_importance(&sums).into_iter();
        let ranked = ranked.map(|feature| (feature, six_digits(sums[feature] / FOLDS as f64)));
        let sizes = (numbers.iter().zip(&accuracies))
            .filter(|_| with_sizes)
            .map(|(features, accuracies)| sized(*features, accuracies));
        Ok((ranked.collect(), sizes.collect()))
    }

    /// What a model of some of the rows loses on the others, feature by feature.
    fn importance(&self, rows: &Dataset) -> Result<Vec<f64>, Failure> {
        let fold_of = self.folds(rows, INNER_FOLDS)?;
        let Fold { held, kept } = Fold::of(rows, &fold_of, 0);
        let all: Vec<usize> = (0..rows.features().len()).collect();
        let model = self.trained(&kept, &all)?;
        let declared = quantized::declared(self.config, &model)?;
        let made = quantized::converted(self.config, model, Some(&kept), &declared)?;
        let seed = self.config.pipeline.identity.seed;
        let held = held.filled(self.fills);
        Ok(permutation_importance(&made.quant, &held, seed).lost)
    }

    fn folds(&self, rows: &Dataset, n_folds: usize) -> Result<Vec<usize>, Failure> {
        let groups = rows.groups();
        let seed = self.config.pipeline.identity.seed;
        let what = if groups.is_some() { "groups" } else { "rows" };
        folds(rows, groups, n_folds, seed).map_err(|error| {
            let message = format!("{}: found {}", error.place, error.found);
            let help = format!(
                "features are selected by {FOLDS} folds of the training rows, and {INNER_FOLDS} of what \
                 they leave: each class needs {INNER_FOLDS} {what}, and all together {FOLDS}; give more, \
                 leave the class out, or remove `select`"
            );
            let fault = self.config.fault("features.select", message, Some(&help));
            fault.into()
        })
    }

    /// A model of rows with all features, trained on some of them.
    fn trained(&self, rows: &Dataset, features: &[usize]) -> Result<FloatModel, Failure> {
        let mut features = features.to_vec();
        features.sort_unstable();
        let fills = self.fills;
        let of_kept = match fills.is_empty() {
            true => Fills::new(),
            false => features.iter().map(|feature| fills[*feature]).collect(),
        };
        let kept = rows.with_columns(&features);
        let progress = Progress::none();
        let training = among(self.training, features.len(), rows.features().len());
        let model = train_model(self.config, &training, &kept, &of_kept, &progress)?;
        if features.len() == rows.features().len() {
            return Ok(model);
        }
        let schema = model.schema();
        let like = &schema.features()[0];
        let all = rows.features().iter().map(|name| Feature {
            name: name.clone(),
            ..like.clone()
        });
        let (naming, classes) = (schema.naming(), schema.classes().to_vec());
        let schema = Schema::new(all.collect(), naming, classes).input()?;
        model.among(schema, &features).input()
    }
}

/// The same training of some of the features: a split chooses from no more than there are left.
fn among(training: &Training, n_kept: usize, n_features: usize) -> Training {
    let mut training = training.clone();
    if let Training::Forest(ForestTraining {
        max_features: MaxFeatures::Features(count),
        ..
    }) = &mut training
        && (*count as usize) <= n_features
    {
        *count = u32::try_from(n_kept).unwrap_or(u32::MAX).min(*count);
    }
    training
}

/// Features by importance, the highest first; of equal ones the lower index.
fn by_importance(importance: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..importance.len()).collect();
    order.sort_by(|one, other| importance[*other].total_cmp(&importance[*one]));
    order
}

fn accuracy(model: &FloatModel, rows: &Dataset) -> f64 {
    let readings = rows.values().rows().into_iter();
    let right = readings
        .zip(rows.labels())
        .filter(|(row, label)| model.predict(&row.to_vec()) == **label);
    right.count() as f64 / rows.n_rows() as f64
}

fn sized(features: usize, accuracies: &[f64]) -> OfSize {
    let n = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / n;
    let squares = accuracies.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
    OfSize {
        features,
        accuracy: six_digits(mean),
        standard_error: six_digits((squares / (n - 1.0) / n).sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose class is that of `f1` and `f4` together, among six features of chance.
    fn rows() -> Dataset {
        let mut text = String::from("f0,f1,f2,f3,f4,f5,class\n");
        let mut state = 7_u32;
        for _ in 0..240 {
            let readings: Vec<u32> = (0..6)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state >> 24
                })
                .collect();
            for reading in &readings {
                text.push_str(&format!("{reading},"));
            }
            text.push_str(&format!(
                "c{}\n",
                u8::from(readings[1] > 90) + u8::from(readings[4] > 150)
            ));
        }
        spinney_dataset::csv::read(text.as_bytes(), "class").expect("a table")
    }

    fn trained(kind: &str, select: &str) -> Result<(FloatModel, Option<Selection>), Failure> {
        let text = format!(
            "[pipeline]\nname = \"p\"\n[dataset]\npath = \"rows.csv\"\nlabel = \"class\"\n[model]\n{kind}\n\
             [features]\nselect = {select}\n[target]\nchip = \"STM32F405RGTx\"\n"
        );
        let file = std::path::Path::new("select/pipeline.toml");
        let config = spinney_config::parse(&text, file, &|_| true).expect("a valid config");
        let spinney_config::Model::Train(training) = &config.pipeline.model else {
            panic!("a model is trained");
        };
        train(&config, training, &rows(), &Fills::new(), &Progress::none())
    }

    #[test]
    fn what_the_class_rests_on_is_kept_and_nothing_else_is_asked() {
        for kind in [
            "kind = \"random-forest\"\nn_trees = 20",
            // More than are left in the end.
            "kind = \"random-forest\"\nn_trees = 20\nmax_features = 5",
            "kind = \"gaussian-nb\"",
        ] {
            for select in ["\"auto\"", "2"] {
                let (model, selection) = trained(kind, select).expect("a model");
                let selection = selection.expect("a selection");
                assert_eq!(model.inputs(), [1, 4], "{kind}, {select}: {selection:?}");
                // Rows stay as they are.
                assert_eq!(model.schema().feature_names(), rows().features());
                let mut kept: Vec<&str> = selection.kept.iter().map(|it| &*it.name).collect();
                kept.sort_unstable();
                assert_eq!((kept, selection.dropped.len()), (vec!["f1", "f4"], 4));
                let again = trained(kind, select).expect("a model");
                assert_eq!(again, (model, Some(selection)));
            }
        }
    }

    #[test]
    fn more_features_than_there_are_are_a_fault() {
        for (kind, select, expected) in [
            (
                "kind = \"decision-tree\"",
                "7",
                "found 7, expected at most the 6 features",
            ),
            (
                "kind = \"random-forest\"\nmax_features = 7",
                "2",
                "model.max_features: found 7, expected no more than there are features",
            ),
        ] {
            let fault = trained(kind, select).expect_err("six features");
            let text = format!("{fault:?}");
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn every_number_down_to_one_is_smaller_than_the_one_before() {
        assert_eq!(numbers(30), [30, 22, 16, 12, 9, 6, 4, 3, 2, 1]);
        assert_eq!(numbers(1), [1]);
    }

    #[test]
    fn the_fewest_within_a_standard_error_of_the_best_are_kept() {
        let of = |sizes: &[(usize, f64, f64)]| -> Vec<OfSize> {
            let sized = |&(features, accuracy, standard_error)| OfSize {
                features,
                accuracy,
                standard_error,
            };
            sizes.iter().map(sized).collect()
        };
        let sizes = of(&[
            (4, 0.95, 0.005),
            (3, 0.96, 0.02),
            (2, 0.94, 0.0),
            (1, 0.93, 0.5),
        ]);
        assert_eq!(fewest(&sizes), 2);
        // What is as good with fewer features is the best.
        assert_eq!(fewest(&of(&[(2, 1.0, 0.0), (1, 1.0, 0.0)])), 1);
        assert_eq!(fewest(&of(&[(2, 1.0, 0.0), (1, 0.9, 0.2)])), 2);
    }
}
