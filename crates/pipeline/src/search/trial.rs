//! A trial: one model grown, cut to each number of trees, sized by the encoders, and scored on rows
//! that its training did not see. It depends on config, seed and data alone.

use std::collections::BTreeMap;

use ndarray::ArrayView1;
use serde::{Deserialize, Serialize};
use spinney_codegen::{Options as Codegen, Walks};
use spinney_config::{Config, Model, ModelKind, Objective, Word};
use spinney_convert::{Conversion, forms_of, options_for};
use spinney_dataset::Dataset;
use spinney_evaluate::{Scorecard, ValueScore};
use spinney_model::{FloatModel, Sum, Voting};
use spinney_quantize::CodingChoice;

use super::Search;
use super::space::{self, CODING, Keys, LEAVES, N_TREES, kind_of, n_trees_of};
use crate::failure::{ExitReason, Failure};
use crate::stages::inputs::at_fault;
use crate::stages::quantized;
use crate::stages::select::{self, Fold};

/// What is to be tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number in the order in which a search draws.
    pub trial: usize,
    /// Digest of config, seed and data, which it is bound to.
    pub data: String,
    /// What is grown.
    pub keys: Keys,
    /// The folds that are held out, one after the other.
    pub folds: Vec<usize>,
    /// The most trees that are worth scoring, where sizes are known; without it they are found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n_trees_max: Option<usize>,
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// As in the trial.
    pub trial: usize,
    /// As in the trial.
    pub data: String,
    /// As in the trial.
    pub keys: Keys,
    /// Each form that may fit.
    pub points: Vec<Point>,
    /// Seconds of all processors.
    pub cpu_s: f64,
}

/// A model that could be built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Number of trees, votes and coding.
    pub keys: Keys,
    /// Bytes of all tables, by encoding; empty where sizes were not asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub table_bytes: BTreeMap<String, u64>,
    /// Splits that a row passes, on average over training rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<f64>,
    /// The score on each fold that was held out.
    pub scores: BTreeMap<usize, f64>,
}

/// Trees of so many bytes in a small forest are expected to take no less than this share of it in a
/// larger one, which shares leaves and codings among more trees.
const SHRINKS_TO: f64 = 0.7;

impl Search {
    /// Runs a trial.
    ///
    /// # Errors
    /// A trial of another search, rows that cannot be trained on, or keys that the config contradicts.
    pub fn run_trial(&self, trial: &Trial) -> Result<Scored, Failure> {
        self.check_data(&trial.data)?;
        let mut points = match trial.n_trees_max {
            None => self.sized(&trial.keys)?,
            Some(most) => self.points(&trial.keys, most),
        };
        for fold in &trial.folds {
            self.score(&trial.keys, *fold, &mut points)?;
        }
        Ok(Scored {
            trial: trial.trial,
            data: trial.data.clone(),
            keys: trial.keys.clone(),
            points,
            cpu_s: self.spent(),
        })
    }

    /// The points of what is grown, by votes, coding and number of trees, ascending.
    fn points(&self, keys: &Keys, n_trees_max: usize) -> Vec<Point> {
        let search = &self.config.pipeline.search;
        let kind = kind_of(keys);
        let is_forest = !matches!(kind, Some(ModelKind::DecisionTree | ModelKind::GaussianNb));
        let leaves: Vec<Option<Voting>> = match is_forest && !search.leaves.is_empty() {
            true => search.leaves.iter().copied().map(Some).collect(),
            false => vec![None],
        };
        let mut sizes: Vec<Option<u32>> = vec![None];
        if is_forest {
            sizes = search.n_trees.iter().copied().map(Some).collect();
            sizes.retain(|size| size.is_some_and(|size| size as usize <= n_trees_max));
        }
        // Naive Bayes has no thresholds to rank among.
        let codings = search
            .codings
            .iter()
            .filter(|coding| kind != Some(ModelKind::GaussianNb) || **coding != CodingChoice::Rank);
        let codings: Vec<CodingChoice> = codings.copied().collect();
        let is_given = codings == [self.config.pipeline.quantize.coding];
        let mut points = Vec::new();
        for coding in &codings {
            for leaves in &leaves {
                for size in &sizes {
                    let mut keys = Keys::new();
                    if !is_given {
                        keys.insert(CODING.to_owned(), coding.word().into());
                    }
                    if let Some(leaves) = leaves {
                        keys.insert(LEAVES.to_owned(), leaves.word().into());
                    }
                    if let Some(size) = size {
                        keys.insert(N_TREES.to_owned(), (*size).into());
                    }
                    points.push(Point {
                        keys,
                        table_bytes: BTreeMap::new(),
                        levels: None,
                        scores: BTreeMap::new(),
                    });
                }
            }
        }
        points
    }

    /// The points whose tables are no larger than the budget, and of each votes and coding at least
    /// the smallest, with the bytes of models of all training rows.
    fn sized(&self, keys: &Keys) -> Result<Vec<Point>, Failure> {
        let budget = u64::from(self.config.pipeline.budget.flash);
        let points = self.points(keys, usize::MAX);
        let Some(first) = points.iter().map(|point| n_trees_of(&point.keys)).min() else {
            return Ok(Vec::new());
        };
        let grown = self.grow(keys, first, &self.train)?;
        let mut most = first;
        for point in points.iter().filter(|it| n_trees_of(&it.keys) == first) {
            let (bytes, _) = self.size(keys, point, &grown)?;
            let smallest = bytes.values().min().copied().unwrap_or(0).max(1);
            let per_tree = smallest as f64 / first as f64 * SHRINKS_TO;
            let fits = |n: &usize| *n as f64 * per_tree <= budget as f64;
            let sizes = points.iter().map(|point| n_trees_of(&point.keys));
            most = most.max(sizes.filter(fits).max().unwrap_or(first));
        }
        let grown = match most > first {
            true => self.grow(keys, most, &self.train)?,
            false => grown,
        };
        let mut kept: Vec<Point> = Vec::new();
        let mut is_full = false;
        for mut point in points {
            let size = n_trees_of(&point.keys);
            if size == first {
                is_full = false;
            }
            if is_full || size > most {
                continue;
            }
            let (bytes, levels) = self.size(keys, &point, &grown)?;
            is_full = bytes.values().all(|bytes| *bytes > budget);
            if is_full && size > first {
                continue;
            }
            (point.table_bytes, point.levels) = (bytes, Some(levels));
            kept.push(point);
        }
        Ok(kept)
    }

    /// Bytes of tables by encoding, and mean levels, of a point of a model that was grown on all
    /// training rows.
    fn size(
        &self,
        keys: &Keys,
        point: &Point,
        grown: &FloatModel,
    ) -> Result<(BTreeMap<String, u64>, f64), Failure> {
        let size = n_trees_of(&point.keys);
        let quantized = self.quantized(keys, point, &cut(grown, size)?, &self.train)?;
        let core = self.config.pipeline.target.chip.core;
        let quant = &quantized.quant;
        let options = options_for(core, quant, spinney_codegen::Encoding::Table, false);
        let wanted = &self.config.pipeline.search.encodings;
        let is_wanted = |name: &str| wanted.iter().any(|encoding| encoding.word() == name);
        let forms = forms_of(quant, &Codegen { ..options });
        let is_only = forms.len() == 1;
        let bytes = forms.into_iter().filter_map(|form| {
            let bytes = (form.table_bytes + form.coding_bytes) as u64;
            (is_only || is_wanted(form.encoding)).then(|| (form.encoding.to_owned(), bytes))
        });
        let levels = Walks::new(quant).map_or(0.0, |walks| {
            let rows = self.stand_ins.values().rows();
            let passed = rows.into_iter().map(|row| {
                let codes = quant.codes(&row.to_vec());
                walks.splits(&codes)
            });
            passed.sum::<usize>() as f64 / self.stand_ins.n_rows() as f64
        });
        Ok((bytes.collect(), (levels * 100.0).round() / 100.0))
    }

    /// Scores points on a fold, by models of the others.
    fn score(&self, keys: &Keys, fold: usize, points: &mut [Point]) -> Result<(), Failure> {
        if !self.fold_of.contains(&fold) {
            return Err(Failure::Input(anyhow::anyhow!(
                "found fold {fold} of a trial, expected one below {}",
                self.config.pipeline.search.folds
            )));
        }
        let Fold { held, kept } = match &self.validation {
            // Folds are of these.
            Some(validation) => Fold {
                kept: self.train.clone(),
                ..Fold::of(validation, &self.fold_of, fold)
            },
            None => Fold::of(&self.train, &self.fold_of, fold),
        };
        let most = points.iter().map(|point| n_trees_of(&point.keys)).max();
        let grown = self.grow(keys, most.unwrap_or(1), &kept)?;
        if let Some(numbers) = held.numbers() {
            let truth = numbers.column(0).to_vec();
            for point in points {
                let cut = cut(&grown, n_trees_of(&point.keys))?;
                let converted = self.quantized(keys, point, &cut, &kept)?;
                let score = self.value_score(&converted, &held, &truth);
                point.scores.insert(fold, score);
            }
            return Ok(());
        }
        let n_classes = self.train.classes().len();
        // Points of one votes and coding follow each other, with ever more trees.
        let same = |one: &Point, other: &Point| {
            [CODING, LEAVES].map(|key| one.keys.get(key))
                == [CODING, LEAVES].map(|key| other.keys.get(key))
        };
        for points in points.chunk_by_mut(same) {
            let sizes: Vec<usize> = points.iter().map(|it| n_trees_of(&it.keys)).collect();
            let largest = &points[points.len() - 1];
            let cut = cut(&grown, n_trees_of(&largest.keys))?;
            let quantized = self.quantized(keys, largest, &cut, &kept)?;
            let quant = &quantized.quant;
            let walks = Walks::new(quant);
            let mut classes = vec![Vec::with_capacity(held.n_rows()); points.len()];
            for row in held.values().rows() {
                let row = row.to_vec();
                match &walks {
                    Some(walks) => {
                        let prefixes = walks.prefixes(&quant.codes(&row), &sizes);
                        for (classes, prefix) in classes.iter_mut().zip(prefixes) {
                            classes.push(prefix.class);
                        }
                    }
                    None => classes[0].push(quant.predict(&row)),
                }
            }
            for (point, classes) in points.iter_mut().zip(classes) {
                let card = Scorecard::new(held.labels(), &classes, n_classes);
                let score = match self.config.pipeline.search.objective {
                    Objective::Accuracy => card.accuracy,
                    Objective::BalancedAccuracy => card.balanced_accuracy().unwrap_or(0.0),
                    Objective::F1Macro => {
                        let f1 = card.classes.iter().map(|class| class.f1);
                        f1.sum::<f64>() / n_classes as f64
                    }
                    Objective::Mae | Objective::Rmse | Objective::R2 => {
                        unreachable!("of numbers, which have no classes")
                    }
                };
                point.scores.insert(fold, score);
            }
        }
        Ok(())
    }

    /// The score of a regressor in fixed point on rows whose numbers are known. R² of numbers that are
    /// all the same is 0.
    fn value_score(&self, converted: &Conversion, held: &Dataset, truth: &[f64]) -> f64 {
        let (quant, float) = (&converted.quant, converted.model.additive());
        let (sums, float) = quant.sums().zip(float).expect("trees over numbers");
        let value = |row: ArrayView1<'_, f64>| {
            let scores = quant.scores(&quant.codes(&row.to_vec()));
            float.linked(&sums.values(&scores))[0]
        };
        let found: Vec<f64> = held.values().rows().into_iter().map(value).collect();
        let score = ValueScore::new(truth, &found).expect("a fold has rows");
        match self.config.pipeline.search.objective {
            Objective::Rmse => score.rmse,
            Objective::R2 => score.r2.unwrap_or(0.0),
            _ => score.mae,
        }
    }

    /// Trains what is grown, with so many trees.
    fn grow(&self, keys: &Keys, n_trees: usize, rows: &Dataset) -> Result<FloatModel, Failure> {
        let mut keys = keys.clone();
        if !matches!(
            kind_of(&keys),
            Some(ModelKind::DecisionTree | ModelKind::GaussianNb)
        ) {
            keys.insert(N_TREES.to_owned(), n_trees.into());
        }
        let config = space::config_with(&self.config, &keys)?;
        match &config.pipeline.model {
            Model::Train(training) => select::train_on(&config, training, rows, &self.train),
            Model::Import { .. } => unreachable!("a search trains"),
        }
    }

    fn quantized(
        &self,
        keys: &Keys,
        point: &Point,
        model: &FloatModel,
        rows: &Dataset,
    ) -> Result<Conversion, Failure> {
        let all = keys.iter().chain(&point.keys);
        let mut config: Config = self.config.clone();
        let word = |key: &str| all.clone().find(|(it, _)| *it == key)?.1.as_str();
        let quantize = &mut config.pipeline.quantize;
        quantize.leaves = word(LEAVES)
            .and_then(Voting::from_word)
            .unwrap_or(quantize.leaves);
        quantize.coding = word(CODING)
            .and_then(CodingChoice::from_word)
            .unwrap_or(quantize.coding);
        let declared = quantized::declared(&config, model)?;
        quantized::converted(&config, model.clone(), Some(rows), &declared)
    }

    pub(super) fn check_data(&self, data: &str) -> Result<(), Failure> {
        if data == self.data {
            return Ok(());
        }
        let found = format!(
            "found a trial of {data}, expected one of {}, the digest of this config, seed and data; \
             `search --ask` writes such",
            self.data
        );
        Err(at_fault(self.config.path(), &found))
    }
}

/// The first trees of a forest; other models as they are.
fn cut(model: &FloatModel, n_trees: usize) -> Result<FloatModel, Failure> {
    if model.trees().len() <= n_trees {
        return Ok(model.clone());
    }
    let trees = model.trees()[..n_trees].iter();
    let trees = trees.map(|tree| (tree.nodes().to_vec(), tree.output()));
    let mean = model.additive().map(|it| {
        let sum = it.sum();
        Sum::new(sum.precision, sum.base.clone(), n_trees as f64)
    });
    model.with_trees(trees.collect(), mean).input()
}
