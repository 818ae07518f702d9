//! Readings, cut where some split may decide otherwise: within a cell all readings decide alike.

use std::collections::BTreeSet;

use spinney_model::{FloatModel, Node as FloatNode, Test};
use spinney_quantize::{Calibration, Coding, QuantModel, Sensor, last_left};
use spinney_runtime::forest as runtime;

use crate::ModelError;
use crate::search::Node;

/// The model that questions are about, and what was known when it was made.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The float model.
    pub model: &'a FloatModel,
    /// What was made from it.
    pub quant: &'a QuantModel,
    /// One per feature; their inputs are the readings that count.
    pub calibrations: &'a [Calibration],
}

/// The cells of every feature.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub of: Vec<FeatureCells>,
}

/// The cells of a feature, by ascending reading; one for missing readings comes last.
#[derive(Debug, Clone)]
pub(crate) struct FeatureCells {
    sensor: Sensor,
    /// The place of the lowest reading that was seen, or that the model asks for.
    usual: i64,
    /// The places of the first reading of each cell, and one past the last.
    firsts: Vec<i64>,
    has_missing: bool,
    /// The cell of the number that stands for a missing reading, where it lies among readings.
    mark: Option<usize>,
}

impl FeatureCells {
    fn n_ordered(&self) -> usize {
        self.firsts.len() - 1
    }

    pub fn len(&self) -> usize {
        self.n_ordered() + usize::from(self.has_missing)
    }

    /// A reading of a cell, the lowest usual one if it has any; NaN for a missing one.
    pub fn reading(&self, cell: usize) -> f64 {
        let places = self.places(cell);
        places.map_or(f64::NAN, |[first, last]| {
            self.sensor.reading_at(self.usual.clamp(first, last))
        })
    }

    /// The lowest and the highest reading of a cell; `None` for a missing one.
    pub fn ends(&self, cell: usize) -> Option<[f64; 2]> {
        let places = self.places(cell)?;
        Some(places.map(|place| self.sensor.reading_at(place)))
    }

    fn places(&self, cell: usize) -> Option<[i64; 2]> {
        let is_there = cell < self.n_ordered() && self.mark != Some(cell);
        is_there.then(|| [self.firsts[cell], self.firsts[cell + 1] - 1])
    }

    /// The bits of the cells that `holds` says.
    pub fn bits(&self, holds: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut bits = vec![0; self.len().div_ceil(64)];
        for cell in (0..self.len()).filter(|cell| holds(*cell)) {
            bits[cell / 64] |= 1 << (cell % 64);
        }
        bits
    }

    pub fn all(&self) -> Vec<u64> {
        self.bits(|_| true)
    }
}

impl Cells {
    /// Cuts readings at the splits of both models, at the ends of `ranges` (feature, lowest, highest)
    /// and at the ends of each feature's own range.
    pub fn new(subject: &Subject<'_>, ranges: &[(usize, [f64; 2])]) -> Result<Self, ModelError> {
        let Subject {
            model,
            quant,
            calibrations,
        } = *subject;
        let forest = forest(quant)?;
        let last =
            |feature: usize, is_left: &dyn Fn(f64) -> bool| last(calibrations, feature, is_left);
        let mut cuts = cuts(model, calibrations);
        let asked: BTreeSet<(u16, i16)> = forest
            .splits()
            .iter()
            .map(|split| (split.feature, split.threshold))
            .collect();
        for (code, threshold) in asked {
            let input = &quant.inputs()[usize::from(code)];
            if !matches!(input.coding, Coding::Set { .. }) {
                let of = |reading| input.coding.code(quant.reading_type(), reading);
                cuts[input.feature].insert(last(input.feature, &|it| of(it) <= threshold));
            }
        }
        for input in quant.inputs() {
            let categories = input.coding.categories();
            cut_categories(&mut cuts, calibrations, input.feature, &categories);
        }
        for (feature, [low, high]) in ranges {
            cuts[*feature].insert(last(*feature, &|reading| reading < *low));
            cuts[*feature].insert(last(*feature, &|reading| reading <= *high));
        }
        Ok(Self::cut(&cuts, calibrations, &|feature, reading| {
            quant.is_missing(feature, reading)
        }))
    }

    /// Cuts readings at the splits of a float model, and at the ends of each feature's range.
    pub fn of_model(model: &FloatModel, calibrations: &[Calibration]) -> Self {
        let mut cuts = cuts(model, calibrations);
        for node in model.trees().iter().flat_map(|tree| tree.nodes()) {
            if let FloatNode::Split(split) = node
                && let Test::Among(categories) = &split.test
            {
                cut_categories(&mut cuts, calibrations, split.feature as usize, categories);
            }
        }
        Self::cut(&cuts, calibrations, &|feature, reading| {
            let missing = calibrations[feature]
                .missing
                .map(|missing| missing.reading());
            reading.is_nan() || missing == Some(reading)
        })
    }

    fn cut(
        cuts: &[BTreeSet<i64>],
        calibrations: &[Calibration],
        is_missing: &dyn Fn(usize, f64) -> bool,
    ) -> Self {
        let cells = cuts.iter().zip(calibrations).enumerate();
        let cells = cells.map(|(feature, (cuts, calibration))| {
            let (low, high) = calibration.inputs();
            let first = last(calibrations, feature, &|reading| reading < low) + 1;
            let end = last(calibrations, feature, &|reading| reading <= high) + 1;
            let mut firsts = vec![first];
            firsts.extend(
                cuts.iter()
                    .map(|cut| cut + 1)
                    .filter(|it| (first + 1..end).contains(it)),
            );
            firsts.push(end.max(first + 1));
            let mut cells = FeatureCells {
                sensor: calibration.sensor,
                usual: last(calibrations, feature, &|reading| {
                    reading < calibration.range.0
                }) + 1,
                firsts,
                has_missing: calibration.is_missing(),
                mark: None,
            };
            cells.mark =
                (0..cells.n_ordered()).find(|cell| is_missing(feature, cells.reading(*cell)));
            cells
        });
        Self {
            of: cells.collect(),
        }
    }

    pub fn n_cells(&self) -> Vec<usize> {
        self.of.iter().map(FeatureCells::len).collect()
    }

    /// All cells of all features.
    pub fn everything(&self) -> Vec<Vec<u64>> {
        self.of.iter().map(FeatureCells::all).collect()
    }

    /// A reading of each of these cells, NaN where it is missing.
    pub fn row(&self, cells: &[usize]) -> Vec<f64> {
        let cells = self.of.iter().zip(cells);
        cells
            .map(|(feature, cell)| feature.reading(*cell))
            .collect()
    }

    /// The trees of the quantized model; leaves hold what they add to each score.
    pub fn quant_trees(&self, quant: &QuantModel) -> Result<Trees, ModelError> {
        let forest = forest(quant)?;
        let n_scores = quant.n_scores();
        let mut all_leaves = Vec::new();
        let mut leaf_of = |tree: usize, leaf: usize| {
            let mut scores = vec![0; n_scores];
            let add = |score: usize, vote: u32| scores[score] += i64::from(vote);
            forest.leaves().each_vote(tree, leaf, n_scores, add);
            all_leaves.push(scores);
            Node::Leaf(all_leaves.len() - 1)
        };
        let trees = forest.trees().iter().enumerate().map(|(index, tree)| {
            let first = tree.first_split as usize;
            let end = forest.trees().get(index + 1);
            let end = end.map_or(forest.splits().len(), |next| next.first_split as usize);
            let splits = &forest.splits()[first..end];
            if tree.root & runtime::LEAF != 0 {
                return vec![leaf_of(index, usize::from(tree.root ^ runtime::LEAF))];
            }
            let mut nodes = Vec::with_capacity(2 * splits.len() + 1);
            let mut leaves = Vec::new();
            for split in splits {
                let input = &quant.inputs()[usize::from(split.feature)];
                let cells = &self.of[input.feature];
                let children = split.children.map(|child| {
                    if child & runtime::LEAF == 0 {
                        return usize::from(child);
                    }
                    leaves.push(leaf_of(index, usize::from(child ^ runtime::LEAF)));
                    splits.len() + leaves.len() - 1
                });
                let left = cells.bits(|cell| {
                    let received = quant.received(input.feature, cells.reading(cell));
                    input.code(quant.reading_type(), received) <= split.threshold
                });
                nodes.push(Node::Split {
                    variable: input.feature,
                    left,
                    children,
                });
            }
            nodes.extend(leaves);
            nodes
        });
        let trees = trees.collect();
        Ok(Trees {
            trees,
            leaves: all_leaves,
        })
    }
}

/// The place of the last reading of a feature's sensor that goes left.
fn last(calibrations: &[Calibration], feature: usize, is_left: &dyn Fn(f64) -> bool) -> i64 {
    let sensor = calibrations[feature].sensor;
    last_left(sensor.places(), |place| is_left(sensor.reading_at(place)))
}

/// Cuts readings at the ends of categories, each of which holds those up to the next one.
fn cut_categories(
    cuts: &mut [BTreeSet<i64>],
    calibrations: &[Calibration],
    feature: usize,
    categories: &[u32],
) {
    let ends = categories.iter().flat_map(|it| [*it, it + 1]);
    let places = ends
        .map(f64::from)
        .map(|end| last(calibrations, feature, &|reading| reading < end));
    cuts[feature].extend(places);
}

/// Where the thresholds of a float model cut readings, and around what stands for a missing one,
/// which is by itself.
fn cuts(model: &FloatModel, calibrations: &[Calibration]) -> Vec<BTreeSet<i64>> {
    let features = model.schema().features();
    let mut cuts: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); features.len()];
    for node in model.trees().iter().flat_map(|tree| tree.nodes()) {
        if let FloatNode::Split(split) = node
            && matches!(split.test, Test::AtMost(_))
        {
            let feature = split.feature as usize;
            let compare = features[feature].compare;
            let is_left = |reading: f64| node.sends_left(compare.seen(reading));
            cuts[feature].insert(last(calibrations, feature, &is_left));
        }
    }
    for (feature, calibration) in calibrations.iter().enumerate() {
        let mark = calibration.missing.map(|missing| missing.reading());
        if let Some(mark) = mark.filter(|mark| !mark.is_nan()) {
            // The device receives singles rounded, where float may not.
            let received = match calibration.sensor {
                Sensor::F32 => f64::from(mark as f32),
                _ => mark,
            };
            for mark in [mark, received] {
                let place = last(calibrations, feature, &|reading| reading <= mark);
                cuts[feature].extend([place - 1, place]);
            }
        }
    }
    cuts
}

/// Trees over cells, and the numbers of their leaves.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    pub trees: Vec<Vec<Node>>,
    pub leaves: Vec<Vec<i64>>,
}

impl Trees {
    /// These trees and others, whose leaves have other numbers: each leaf is padded by zeros to hold
    /// those of both.
    pub fn beside(mut self, other: Self) -> Self {
        let of = |trees: &Self| trees.leaves.first().map_or(0, Vec::len);
        let (n_own, n_other) = (of(&self), of(&other));
        let n_leaves = self.leaves.len();
        for leaf in &mut self.leaves {
            leaf.extend(std::iter::repeat_n(0, n_other));
        }
        for leaf in other.leaves {
            let padded = std::iter::repeat_n(0, n_own).chain(leaf);
            self.leaves.push(padded.collect());
        }
        for mut tree in other.trees {
            for node in &mut tree {
                if let Node::Leaf(leaf) = node {
                    *leaf += n_leaves;
                }
            }
            self.trees.push(tree);
        }
        self
    }

    /// The same with another variable in place of one, in all trees.
    pub fn renamed(mut self, from: usize, to: usize) -> Self {
        for node in self.trees.iter_mut().flatten() {
            if let Node::Split { variable, .. } = node
                && *variable == from
            {
                *variable = to;
            }
        }
        self
    }
}

/// The trees of a quantized model.
pub(crate) fn forest(quant: &QuantModel) -> Result<&spinney_quantize::QuantForest, ModelError> {
    quant.forest().ok_or_else(|| {
        ModelError::new(
            "the model",
            "naive Bayes, whose scores are no sums over boxes",
            "a model of trees",
        )
    })
}
