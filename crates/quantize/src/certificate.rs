//! The certificate: what is proven about agreement of float and Q15, and where it is not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use spinney_dataset::Dataset;
use spinney_model::{FloatModel, Forest, Node, Task, Test, Voting, argmax};

use crate::calibrate::{Calibration, Sensor, is_among_readings};
use crate::coding::{Coding, exp2};
use crate::flip::{Flip, Interval};
use crate::forest::VoteWidth;
use crate::paths::Paths;
use crate::thresholds::{code_threshold, readings, thresholds};
use crate::{Body, Leaves, QuantModel};

/// How far a proof reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Exceptions are listed.
    Listed,
    /// No row given is concerned by an exception.
    EveryRow,
    /// There is no exception, for any input that the sensors can deliver.
    EveryInput,
}

impl Level {
    /// The level as reports and `pipeline.toml` spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EveryInput => "every-input",
            Self::EveryRow => "every-row",
            Self::Listed => "listed",
        }
    }
}

/// What is proven about agreement between float and Q15.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// For the splits of trees; `None` for naive Bayes.
    pub splits: Option<Level>,
    /// For votes or scores.
    pub votes: Level,
    /// Splits that some reading passes differently.
    pub flips: Vec<Flip>,
    /// Rows whose decision lies within the proven error bound of votes or scores.
    pub rows_at_risk: Vec<usize>,
    /// What would remove the flips, per feature that has any; the most rows first.
    #[serde(default)]
    pub remedies: Vec<Remedy>,
}

/// The smallest change that keeps a feature's splits from sending rows different ways.
/// `coding = "rank"` always does, and leaves no flip at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// Index of the feature.
    pub feature: usize,
    /// Its splits that flip.
    pub n_flips: usize,
    /// Rows whose paths part at one of them.
    pub n_rows: usize,
    /// A range that spans thresholds and rows, if codes that fine part no row.
    pub range: Option<(f64, f64)>,
    /// Whether the feature has affine codes of 8 bits, so that 16 come before a range.
    #[serde(default)]
    pub is_narrow: bool,
}

/// Certifies `quant` against the float model that it was made from, on the given rows.
///
/// `calibrations` are the ones that `quant` was made with. Row numbers in the result are indices
/// into `rows`.
///
/// # Panics
/// If `quant` was made from a model of another kind or shape.
pub fn certify(
    model: &FloatModel,
    quant: &QuantModel,
    calibrations: &[Calibration],
    voting: Voting,
    rows: &Dataset,
) -> Certificate {
    match model {
        FloatModel::Forest(_) | FloatModel::Additive(_) => {
            let flips = flips(model, quant, calibrations, rows);
            let splits = if flips.is_empty() {
                Level::EveryInput
            } else if flips.iter().all(|flip| flip.rows.is_empty()) {
                Level::EveryRow
            } else {
                Level::Listed
            };
            let (votes, rows_at_risk) = if are_exact(model, quant, voting) {
                (Level::EveryInput, Vec::new())
            } else {
                certify_rows(model, quant, voting, rows)
            };
            Certificate {
                splits: Some(splits),
                votes,
                remedies: remedies(model, quant, calibrations, &flips, rows),
                flips,
                rows_at_risk,
            }
        }
        FloatModel::GaussianNb(_) => {
            let (votes, rows_at_risk) = certify_rows(model, quant, voting, rows);
            Certificate {
                splits: None,
                votes,
                flips: Vec::new(),
                rows_at_risk,
                remedies: Vec::new(),
            }
        }
    }
}

impl Certificate {
    /// Rows that are listed, as their paths part or their decision lies within the error bound;
    /// ascending. On all others float and Q15 agree.
    pub fn listed_rows(&self) -> BTreeSet<usize> {
        let parting = self.flips.iter().flat_map(|flip| &flip.rows);
        parting.chain(&self.rows_at_risk).copied().collect()
    }
}

fn certify_rows(
    model: &FloatModel,
    quant: &QuantModel,
    voting: Voting,
    rows: &Dataset,
) -> (Level, Vec<usize>) {
    let rows_at_risk: Vec<usize> = (0..rows.n_rows())
        .filter(|row| {
            let row = rows.values().row(*row).to_vec();
            may_be_overtaken(model, quant, voting, &row, &quant.codes(&row))
        })
        .collect();
    let level = if rows_at_risk.is_empty() {
        Level::EveryRow
    } else {
        Level::Listed
    };
    (level, rows_at_risk)
}

/// Whether the decision on one row lies within the proven error bound of votes or scores: another
/// class may then overtake the winner. Paths through trees are taken to be float's.
///
/// # Panics
/// If `quant` was made from a model of another kind or shape.
pub fn is_within_bound(
    model: &FloatModel,
    quant: &QuantModel,
    voting: Voting,
    row: &[f64],
    codes: &[i16],
) -> bool {
    !are_exact(model, quant, voting) && may_be_overtaken(model, quant, voting, row, codes)
}

/// Whether no decision depends on how leaves were rounded: of values, which have a bound instead of a
/// decision, and as [`votes_are_exact`].
fn are_exact(model: &FloatModel, quant: &QuantModel, voting: Voting) -> bool {
    match model {
        FloatModel::Forest(forest) => votes_are_exact(forest, quant, voting),
        FloatModel::Additive(sum) => sum.schema().task() == Task::Regress,
        FloatModel::GaussianNb(_) => false,
    }
}

/// The same of votes that are not exact, which all rows have in common.
fn may_be_overtaken(
    model: &FloatModel,
    quant: &QuantModel,
    voting: Voting,
    row: &[f64],
    codes: &[i16],
) -> bool {
    match (model, quant.body()) {
        (FloatModel::Forest(forest), Body::Forest(_)) => {
            vote_width(quant, voting).is_some_and(|width| is_soft_row_at_risk(forest, width, row))
        }
        (FloatModel::Additive(sum), Body::Forest(body)) => {
            body.sums().is_some_and(|sums| sums.is_at_risk(sum, row))
        }
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => body.is_at_risk(bayes, codes, row),
        _ => panic!("a certificate compares a model with its own quantization"),
    }
}

/// The width of soft votes; `None` where each tree has one vote.
fn vote_width(quant: &QuantModel, voting: Voting) -> Option<VoteWidth> {
    let body = quant.forest()?;
    match body.leaves() {
        _ if voting == Voting::Hard => None,
        Leaves::Classes | Leaves::Values(_) => None,
        Leaves::Bytes(_) => Some(VoteWidth::Bytes),
        Leaves::Words(_) => Some(VoteWidth::Words),
    }
}

/// Whether integer votes name float's class for every combination of leaves: hard votes, a single
/// tree, whose leaves keep their leader, and leaves that are held exactly.
fn votes_are_exact(forest: &Forest, quant: &QuantModel, voting: Voting) -> bool {
    let Some(width) = vote_width(quant, voting) else {
        return true;
    };
    forest.trees().len() == 1
        || forest
            .trees()
            .iter()
            .flat_map(spinney_model::Tree::nodes)
            .all(|node| is_exact(node, width))
}

/// Whether a leaf's votes are its proportions, and float sums of such proportions are exact.
fn is_exact(node: &Node, width: VoteWidth) -> bool {
    const FLOAT_BITS: i8 = 20;
    node.leaf().is_none_or(|proportions| {
        let votes = width.votes(proportions);
        proportions.iter().zip(votes).all(|(p, vote)| {
            let scaled = p * exp2(FLOAT_BITS);
            scaled == scaled.round() && f64::from(vote) == p * width.unit()
        })
    })
}

/// Whether another class may overtake a row's winner once votes are rounded to `width`.
///
/// The bound on a margin is the rounding errors of the leaves that the row reaches, added up with
/// their signs for every pair of classes, and the rounding of the float sums themselves.
pub(crate) fn is_soft_row_at_risk(forest: &Forest, width: VoteWidth, row: &[f64]) -> bool {
    let n_classes = forest.schema().n_classes();
    let n_trees = forest.trees().len() as f64;
    // Each addition and the division round by half an ulp of at most n_trees, for two classes.
    let float_error = n_trees * n_trees * f64::EPSILON * 2.0;
    let mut sums = vec![0.0; n_classes];
    let mut errors = vec![0.0; n_classes];
    let mut votes = Vec::with_capacity(n_classes);
    for leaf in forest.leaves(row) {
        width.write_votes(leaf, &mut votes);
        for class in 0..n_classes {
            sums[class] += leaf[class];
            errors[class] += f64::from(votes[class]) / width.unit() - leaf[class];
        }
    }
    // What the forest's own scores are.
    let scores: Vec<f64> = sums.iter().map(|sum| sum / n_trees).collect();
    let winner = argmax(&scores);
    (0..n_classes).any(|class| {
        let bound = (errors[class] - errors[winner]).abs() + float_error;
        class != winner && sums[winner] - sums[class] <= bound
    })
}

/// All splits with readings that a sensor can deliver, or a row has, and that float and Q15 send
/// different ways.
fn flips(
    model: &FloatModel,
    quant: &QuantModel,
    calibrations: &[Calibration],
    rows: &Dataset,
) -> Vec<Flip> {
    let paths = Paths::new(model, quant);
    let partings = partings(model, quant, &paths, rows);
    let mut flips = Vec::new();
    for (tree_idx, tree) in model.trees().iter().enumerate() {
        for (node_idx, node) in tree.nodes().iter().enumerate() {
            let Node::Split(split) = node else { continue };
            let feature = split.feature as usize;
            let compare = model.schema().features()[feature].compare;
            let calibration = &calibrations[feature];
            let input = &quant.inputs()[quant.code_of(node).expect("a split's code")];
            let code = paths.code(tree_idx, node_idx);
            let sends_left =
                |reading: f64| code.sends_left(input.code(quant.reading_type(), reading));
            let (threshold, interval) = match &split.test {
                Test::AtMost(threshold) => {
                    // What stands for a missing reading is none, so that codes have an order.
                    let coding = &input.coding;
                    let interval = Interval::between(
                        calibration.sensor,
                        |reading| compare.seen(reading) <= *threshold,
                        |reading| code.sends_left(coding.code(quant.reading_type(), reading)),
                    );
                    (*threshold, interval)
                }
                // A set is a table of all that a sensor can deliver.
                Test::Among(categories) => (f64::from(categories[0]), None),
            };
            let parting = partings.get(&(tree_idx, node_idx));
            let parts_missing = |row: &usize| rows.values()[[*row, feature]].is_nan();
            let missing = match calibration.missing {
                Some(missing) => sends_left(missing.reading()) != node.sends_left(f64::NAN),
                None => parting.is_some_and(|rows| rows.iter().any(parts_missing)),
            };
            let is_reached = interval.is_some_and(|interval| interval.is_reached(calibration));
            if !is_reached && !missing && parting.is_none() {
                continue;
            }
            let (above, below) = match interval {
                Some(interval) => interval.ends(),
                // No number lies between.
                None if missing => (Some(threshold), Some(threshold)),
                None => (None, None),
            };
            let mut flip = Flip {
                tree: tree_idx,
                node: node_idx,
                feature,
                threshold,
                above,
                below,
                missing,
                readings: 0,
                rows: parting.cloned().unwrap_or_default(),
            };
            let column = rows.values().column(feature);
            let flipping = column.iter().filter(|reading| flip.holds(**reading));
            flip.readings = flipping.count();
            flips.push(flip);
        }
    }
    flips
}

fn remedies(
    model: &FloatModel,
    quant: &QuantModel,
    calibrations: &[Calibration],
    flips: &[Flip],
    rows: &Dataset,
) -> Vec<Remedy> {
    let mut of_feature: BTreeMap<usize, Vec<&Flip>> = BTreeMap::new();
    for flip in flips {
        of_feature.entry(flip.feature).or_default().push(flip);
    }
    let thresholds = thresholds(model);
    let mut remedies: Vec<Remedy> = of_feature
        .into_iter()
        .map(|(feature, flips)| {
            let column = readings(rows, feature);
            let known = thresholds[feature]
                .iter()
                .filter(|threshold| is_among_readings(**threshold));
            let readings = column.iter().chain(known);
            let range = readings.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| {
                (low.min(*at), high.max(*at))
            });
            let max_shift = if calibrations[feature].sensor == Sensor::F32 {
                100
            } else {
                0
            };
            let finer = Coding::affine_within(range, max_shift);
            let compare = model.schema().features()[feature].compare;
            let parts_none = flips.iter().all(|flip| {
                let code =
                    code_threshold(flip.threshold, compare, &finer, quant.reading_type(), None);
                flip.rows.iter().all(|row| {
                    let reading = rows.values()[[*row, feature]];
                    let goes_left = code.sends_left(finer.code(quant.reading_type(), reading));
                    goes_left == (compare.seen(reading) <= flip.threshold)
                })
            });
            let parting: BTreeSet<usize> =
                flips.iter().flat_map(|flip| &flip.rows).copied().collect();
            Remedy {
                feature,
                n_flips: flips.len(),
                n_rows: parting.len(),
                range: (parts_none && !parting.is_empty()).then_some(range),
                is_narrow: quant.code_bits() == 8
                    && (quant.input_of(feature))
                        .is_some_and(|input| matches!(input.coding, Coding::Affine { .. })),
            }
        })
        .collect();
    remedies.sort_by_key(|remedy| std::cmp::Reverse((remedy.n_rows, remedy.n_flips)));
    remedies
}

/// The rows whose paths part, by tree and node of the split where they do.
fn partings(
    model: &FloatModel,
    quant: &QuantModel,
    paths: &Paths<'_>,
    rows: &Dataset,
) -> BTreeMap<(usize, usize), Vec<usize>> {
    let mut partings: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.values().rows().into_iter().enumerate() {
        let row = row.to_vec();
        let codes = quant.codes(&row);
        for tree in 0..model.trees().len() {
            if let Err(node) = paths.parting(tree, &row, &codes) {
                partings.entry((tree, node)).or_default().push(index);
            }
        }
    }
    partings
}
