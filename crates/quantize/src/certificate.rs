//! The certificate: what is proven about agreement of float and Q15, and where it is not.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use spinney_dataset::Dataset;
use spinney_model::{FloatModel, Forest, Node, Voting, argmax};

use crate::calibrate::{Calibration, Sensor};
use crate::coding::{Coding, exp2};
use crate::forest::{Threshold, VoteWidth, code_threshold, seen_threshold};
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

/// A split that some readings pass differently in float and in Q15.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Index of the tree.
    pub tree: usize,
    /// Index of the node in the tree's preorder.
    pub node: usize,
    /// Index of the feature.
    pub feature: usize,
    /// The threshold in raw units.
    pub threshold: f64,
    /// Readings above it …
    pub above: f64,
    /// … and below it flip; `None` for no upper end.
    pub below: Option<f64>,
    /// Rows with such a reading.
    pub rows: Vec<usize>,
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
}

/// Certifies `quant` against the float model that it was made from, on the given rows.
///
/// `calibrations` are the ones that `quant` was made with. Row numbers in the result are indices
/// into `rows`.
///
/// # Panics
/// If `quant` was made from a model of another kind or shape.
#[must_use]
pub fn certify(
    model: &FloatModel,
    quant: &QuantModel,
    calibrations: &[Calibration],
    voting: Voting,
    rows: &Dataset,
) -> Certificate {
    match (model, quant.body()) {
        (FloatModel::Forest(forest), Body::Forest(body)) => {
            let flips = flips(forest, quant, calibrations, rows);
            let splits = if flips.is_empty() {
                Level::EveryInput
            } else if flips.iter().all(|flip| flip.rows.is_empty()) {
                Level::EveryRow
            } else {
                Level::Listed
            };
            let (votes, rows_at_risk) = certify_votes(forest, body.leaves(), voting, rows);
            Certificate {
                splits: Some(splits),
                votes,
                flips,
                rows_at_risk,
            }
        }
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => {
            let rows_at_risk: Vec<usize> = (0..rows.n_rows())
                .filter(|row| {
                    let readings = rows.values().row(*row).to_vec();
                    let codes = quant.codes(&readings);
                    let errors = body.score_errors(bayes, quant.codings(), &codes, &readings);
                    is_at_risk(&bayes.joint_log_likelihood(&readings), &errors)
                })
                .collect();
            Certificate {
                splits: None,
                votes: level_of_rows(&rows_at_risk),
                flips: Vec::new(),
                rows_at_risk,
            }
        }
        _ => panic!("a certificate compares a model with its own quantization"),
    }
}

fn level_of_rows(rows_at_risk: &[usize]) -> Level {
    if rows_at_risk.is_empty() {
        Level::EveryRow
    } else {
        Level::Listed
    }
}

/// Whether another class may overtake the winner within the errors; ties count as risk.
fn is_at_risk(scores: &[f64], errors: &[f64]) -> bool {
    let winner = argmax(scores);
    (0..scores.len()).any(|class| {
        class != winner && scores[winner] - scores[class] <= errors[winner] + errors[class]
    })
}

fn certify_votes(
    forest: &Forest,
    leaves: &Leaves,
    voting: Voting,
    rows: &Dataset,
) -> (Level, Vec<usize>) {
    let width = match leaves {
        Leaves::Classes => return (Level::EveryInput, Vec::new()),
        _ if voting == Voting::Hard => return (Level::EveryInput, Vec::new()),
        Leaves::Bytes(_) => VoteWidth::Bytes,
        Leaves::Words(_) => VoteWidth::Words,
    };
    if forest
        .trees()
        .iter()
        .flat_map(spinney_model::Tree::nodes)
        .all(|node| is_exact(node, width))
    {
        return (Level::EveryInput, Vec::new());
    }
    let at_risk = soft_rows_at_risk(forest, width, rows.values().view());
    (level_of_rows(&at_risk), at_risk)
}

/// Whether a leaf's votes are its proportions, and float sums of such proportions are exact.
fn is_exact(node: &Node, width: VoteWidth) -> bool {
    const FLOAT_BITS: i8 = 20;
    match node {
        Node::Split { .. } => true,
        Node::Leaf { proportions } => proportions.iter().all(|p| {
            let scaled = p * exp2(FLOAT_BITS);
            scaled == scaled.round() && f64::from(width.vote(*p)) == p * width.unit()
        }),
    }
}

/// Rows whose winner another class may overtake once votes are rounded to `width`.
///
/// The bound is the sum of the actual rounding errors of the leaves that the row reaches, and the
/// rounding of the float sum itself.
pub(crate) fn soft_rows_at_risk(
    forest: &Forest,
    width: VoteWidth,
    rows: ArrayView2<'_, f64>,
) -> Vec<usize> {
    let n_classes = forest.schema().n_classes();
    let n_trees = forest.trees().len() as f64;
    let float_error = n_trees * f64::EPSILON;
    (0..rows.nrows())
        .filter(|row| {
            let readings = rows.row(*row).to_vec();
            let mut errors = vec![float_error; n_classes];
            for leaf in forest.leaves(&readings) {
                for (error, p) in errors.iter_mut().zip(leaf) {
                    *error += (f64::from(width.vote(*p)) / width.unit() - p).abs() / n_trees;
                }
            }
            is_at_risk(&forest.scores(&readings, Voting::Soft), &errors)
        })
        .collect()
}

/// The flip intervals of all splits: readings that a sensor can deliver and that float and Q15
/// send different ways.
///
/// Codes are monotone and a split's code is that of its threshold, so readings up to the threshold
/// go left on both sides; those above it flip as long as they share its code.
fn flips(
    forest: &Forest,
    quant: &QuantModel,
    calibrations: &[Calibration],
    rows: &Dataset,
) -> Vec<Flip> {
    let mut flips = Vec::new();
    for (tree_idx, tree) in forest.trees().iter().enumerate() {
        for (node_idx, node) in tree.nodes().iter().enumerate() {
            let Node::Split {
                feature, threshold, ..
            } = node
            else {
                continue;
            };
            let feature = *feature as usize;
            let compare = forest.schema().features()[feature].compare;
            let coding = &quant.codings()[feature];
            let code = code_threshold(*threshold, compare, coding, quant.reading_type());
            let Threshold::Code(code) = code else {
                continue;
            };
            let seen = seen_threshold(*threshold, compare);
            let Some(below) = flip_end(seen, code, coding, &calibrations[feature]) else {
                continue;
            };
            let column = rows.values().column(feature);
            let concerned = column.iter().enumerate().filter(|(_, reading)| {
                let is_left = coding.code(quant.reading_type(), **reading) <= code;
                (compare.seen(**reading) <= *threshold) != is_left
            });
            flips.push(Flip {
                tree: tree_idx,
                node: node_idx,
                feature,
                threshold: *threshold,
                above: seen,
                below: below.is_finite().then_some(below),
                rows: concerned.map(|(row, _)| row).collect(),
            });
        }
    }
    flips
}

/// The end of the interval above `seen` whose readings share its code, exclusive; `None` if the
/// sensor delivers none of them.
fn flip_end(seen: f64, code: i16, coding: &Coding, calibration: &Calibration) -> Option<f64> {
    let Coding::Affine { shift, offset } = coding else {
        // A rank changes right above each threshold.
        return None;
    };
    let (low, high) = calibration
        .sensor
        .integers()
        .map_or(calibration.range, |integers| {
            (
                calibration.range.0.max(integers.0),
                calibration.range.1.min(integers.1),
            )
        });
    let end = if code == i16::MAX {
        f64::INFINITY
    } else {
        (f64::from(code) + 1.0 + f64::from(*offset)) * exp2(-*shift)
    };
    let next = match calibration.sensor {
        Sensor::F32 => {
            let at = crate::coding::round_down(seen);
            f64::from(at.next_up()).max(low)
        }
        _ => (seen.floor() + 1.0).max(low),
    };
    (next < end && next <= high).then_some(end)
}
