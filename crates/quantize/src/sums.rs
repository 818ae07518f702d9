//! Leaves of ensembles that add, as votes: unsigned integers in one power of two, so that whatever
//! sums votes sums them too.
//!
//! A value `v` of a leaf is held as `v · 2^shift`, rounded to the nearest, less each tree's lowest.
//! What that takes off comes back, with the base, as one constant per score.
//!
//! * Two classes with one output, and detectors: what decides is on which side of a threshold the
//!   sum lies. All trees add to the score of class 1, and the threshold, less what was taken off, is
//!   the score of class 0. Of a detector class 1 is the alarm, below the threshold; there values are
//!   negated.
//! * An output per class: only differences between classes count, so the lowest constant is taken
//!   off all.
//! * Values: the device adds the constant to a score.
//!
//! Where each tree adds to one output, a leaf is one vote, and scores of classes begin with their
//! constants. Where a leaf holds a value for each class, constants are added to the leaves of as
//! many trees as hold them.
//!
//! All of it is exact but for the roundings of leaves and of that constant, which is what the bound
//! adds up: per tree the worst leaf, not a worst case of all trees.

use std::collections::BTreeSet;

use spinney_model::{Additive, Link, Node, Precision, Task};

use crate::ModelError;
use crate::coding::exp2;

/// How the leaves of an ensemble that adds were made votes, and how far its sums are from float's.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Per tree and output, what is taken off leaves and what is added as an integer.
    trees: Vec<Vec<Shifted>>,
    /// Where a sum is held against a threshold: 1, or -1 where class 1 lies below it.
    side: Option<f64>,
    /// Whether each tree adds to one score.
    is_single: bool,
    /// Fractional bits.
    shift: i8,
    /// Whether the softmax of raw values is what float delivers.
    is_softmax: bool,
    /// What float makes of raw values.
    link: Link,
    /// What sums of float are divided by.
    divisor: f64,
    /// Per score, what comes to the sum of leaves; none where leaves hold it.
    bases: Vec<i64>,
    /// Per score, how far float's own sums are from exact ones, in units of a score.
    float_error: Vec<f64>,
    /// Per score, the lowest and highest error that the leaves of some path may add up to, in units
    /// of a score.
    errors: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Shifted {
    low: f64,
    extra: u32,
}

/// Fractional bits of scores that all sums are zero of.
const SHIFT_MAX: i8 = 62;
/// The fewest: what is beyond 2^100 is no reading.
const SHIFT_MIN: i8 = -100;

impl Sums {
    /// The finest votes of at most `most` each that hold a model.
    ///
    /// Where it takes no bit of them, the same is taken off all trees of an output if fewer distinct
    /// leaves are left then: those of isolation forests hold the same few depths.
    ///
    /// # Errors
    /// Values or sums beyond 32 bits in any power of two.
    pub(crate) fn new(model: &Additive, most: u32) -> Result<Self, ModelError> {
        let ranges = ranges(model);
        let sums = Self::of_ranges(model, &ranges, most)?;
        if !sums.is_single {
            return Ok(sums);
        }
        match Self::of_ranges(model, &with_common_lows(model, &ranges), most) {
            Ok(common)
                if common.shift == sums.shift && common.n_leaves(model) < sums.n_leaves(model) =>
            {
                Ok(common)
            }
            _ => Ok(sums),
        }
    }

    fn of_ranges(
        model: &Additive,
        ranges: &[Vec<(f64, f64)>],
        most: u32,
    ) -> Result<Self, ModelError> {
        let widths = ranges.iter().flatten().map(|(low, high)| high - low);
        let widest = widths.fold(0.0, f64::max);
        let mut shift = SHIFT_MAX;
        if widest > 0.0 {
            // Casts: clamped.
            let fits = (f64::from(most) / widest)
                .log2()
                .floor()
                .clamp(-120.0, 62.0) as i8;
            shift = fits;
        }
        while shift >= SHIFT_MIN {
            if let Some(sums) = Self::at(model, ranges, shift, most) {
                return Ok(sums);
            }
            shift -= 1;
        }
        Err(ModelError::new(
            "the trees",
            format!("values of leaves that are up to {widest:e} apart"),
            "sums of less than 2^100: train on labels in a larger unit",
        ))
    }

    /// Distinct leaves, where each is one vote.
    fn n_leaves(&self, model: &Additive) -> usize {
        let trees = model.trees().iter().enumerate();
        let leaves = trees.flat_map(|(index, tree)| {
            let score = self.score_of(tree.output());
            let of_node =
                move |node: &Node| Some(self.votes(index, tree.output(), node.leaf()?)[score]);
            tree.nodes().iter().filter_map(of_node)
        });
        leaves.collect::<BTreeSet<u32>>().len()
    }

    /// Votes in this power of two; `None` if they do not fit.
    fn at(model: &Additive, ranges: &[Vec<(f64, f64)>], shift: i8, most: u32) -> Option<Self> {
        let sum = model.sum();
        let n_scores = model.schema().outputs().len();
        let shifted = |(low, _): &(f64, f64)| Shifted {
            low: *low,
            extra: 0,
        };
        let of_tree = |tree: &Vec<(f64, f64)>| tree.iter().map(shifted).collect();
        let mut sums = Self {
            trees: ranges.iter().map(of_tree).collect(),
            side: side(model),
            is_single: is_single(model),
            shift,
            is_softmax: is_softmax(model),
            link: model.link(),
            divisor: sum.divisor,
            bases: Vec::new(),
            float_error: vec![float_error(model) * exp2(shift); n_scores],
            errors: vec![(0.0, 0.0); n_scores],
        };
        let constants = sums.constants(model);
        for (known, (rounded, exact)) in sums.errors.iter_mut().zip(constants.iter().copied()) {
            let error = rounded - exact;
            *known = (error, error);
        }
        sums.errors = sums.halved(sums.errors.clone());
        let is_of_classes = model.schema().task() != Task::Regress;
        let mut bases = constants
            .iter()
            .map(|(rounded, _)| whole(*rounded))
            .collect::<Option<Vec<i64>>>()?;
        if is_of_classes {
            let least = bases.iter().min().copied().unwrap_or(0);
            bases.iter_mut().for_each(|base| *base -= least);
        }
        if is_of_classes && !sums.is_single {
            for (output, extra) in bases.into_iter().enumerate() {
                sums.spread(model, output, u64::try_from(extra).ok()?, most)?;
            }
        } else {
            sums.bases = bases;
        }
        let mut score_max = vec![0_i64; n_scores];
        for (index, tree) in model.trees().iter().enumerate() {
            let mut of_tree = vec![(f64::INFINITY, f64::NEG_INFINITY, 0_u32); n_scores];
            for values in tree.nodes().iter().filter_map(Node::leaf) {
                let leaf = sums.leaf(index, tree.output(), values);
                for (known, (vote, error)) in of_tree.iter_mut().zip(leaf) {
                    if !(0.0..=f64::from(most)).contains(&vote) {
                        return None;
                    }
                    known.0 = known.0.min(error);
                    known.1 = known.1.max(error);
                    known.2 = known.2.max(integer(vote));
                }
            }
            for (output, (low, high, vote)) in of_tree.into_iter().enumerate() {
                sums.errors[output].0 += low;
                sums.errors[output].1 += high;
                score_max[output] += i64::from(vote);
            }
        }
        let fits = |(base, most): (&i64, &i64)| {
            if is_of_classes {
                u32::try_from(base + most).is_ok()
            } else {
                i32::try_from(*base).is_ok() && i32::try_from(base + most).is_ok()
            }
        };
        sums.bases.iter().zip(&score_max).all(fits).then_some(sums)
    }

    /// Per score, what comes to the sum of leaves, in units of a score: rounded, and exact.
    fn constants(&self, model: &Additive) -> Vec<(f64, f64)> {
        let sum = model.sum();
        let lows = |output: usize| self.trees.iter().map(|tree| tree[output].low).sum::<f64>();
        let base = |output: usize| sum.base[output] / sum.divisor;
        let exact: Vec<f64> = match (self.side, model.threshold()) {
            (Some(side), Some(threshold)) => vec![0.0, side * (base(0) - threshold) + lows(0)],
            _ => (0..sum.base.len()).map(|it| base(it) + lows(it)).collect(),
        };
        let scaled = exact.into_iter().map(|exact| exact * exp2(self.shift));
        scaled.map(|exact| (exact.round(), exact)).collect()
    }

    /// Errors of both scores, where the error of one is that of their difference: half each.
    fn halved(&self, mut errors: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
        if self.side.is_some() {
            let (low, high) = errors[1];
            errors = vec![(-high / 2.0, -low / 2.0), (low / 2.0, high / 2.0)];
        }
        errors
    }

    /// Adds a constant to the leaves of as many trees as hold it; `None` if all do not.
    fn spread(&mut self, model: &Additive, output: usize, mut extra: u64, most: u32) -> Option<()> {
        for (index, tree) in model.trees().iter().enumerate() {
            if extra == 0 {
                break;
            }
            let leaves = tree.nodes().iter().filter_map(|node| {
                Some(self.leaf(index, tree.output(), node.leaf()?).nth(output)?.0)
            });
            let highest = leaves.fold(0.0, f64::max);
            if highest > f64::from(most) {
                return None;
            }
            let given = extra.min((most - integer(highest)).into());
            self.trees[index][output].extra = u32::try_from(given).expect("at most `most`");
            extra -= given;
        }
        (extra == 0).then_some(())
    }

    /// The vote of a leaf for each score, a whole number, and by how much it is above what float
    /// adds; in units of a score.
    fn leaf(
        &self,
        tree: usize,
        output: Option<usize>,
        values: &[f64],
    ) -> impl Iterator<Item = (f64, f64)> {
        let scale = exp2(self.shift);
        let shifted = &self.trees[tree];
        let of_output = |index: usize, value: f64| {
            let Shifted { low, extra } = shifted[index];
            let exact = (self.side.unwrap_or(1.0) * value / self.divisor - low) * scale;
            (exact.round() + f64::from(extra), exact.round() - exact)
        };
        let outputs: Vec<(f64, f64)> = if self.side.is_some() {
            let (vote, error) = of_output(0, values[0]);
            // Of the error of a difference, both sides have half.
            vec![(0.0, -error / 2.0), (vote, error / 2.0)]
        } else {
            let of_output = |index: usize| match output {
                None => of_output(index, values[index]),
                Some(output) if output == index => of_output(index, values[0]),
                Some(_) => (shifted[index].extra.into(), 0.0),
            };
            (0..shifted.len()).map(of_output).collect()
        };
        outputs.into_iter()
    }

    /// The votes of a leaf, one per score.
    pub(crate) fn votes(&self, tree: usize, output: Option<usize>, values: &[f64]) -> Vec<u32> {
        let votes = self.leaf(tree, output, values);
        votes.map(|(vote, _)| integer(vote)).collect()
    }

    /// Whether each tree adds to one score.
    pub fn is_single(&self) -> bool {
        self.is_single
    }

    /// The score that a tree of an output adds to, where each adds to one.
    pub(crate) fn score_of(&self, output: Option<usize>) -> usize {
        match self.side {
            Some(_) => 1,
            None => output.unwrap_or(0),
        }
    }

    /// Fractional bits of scores.
    pub fn shift(&self) -> i8 {
        self.shift
    }

    /// What float makes of raw values, and a device does not.
    pub fn link(&self) -> Link {
        self.link
    }

    /// Fractional bits of scores whose softmax is what float delivers; `None` where it is not.
    pub(crate) fn softmax_bits(&self) -> Option<u8> {
        let bits = u8::try_from(self.shift).ok()?;
        (self.is_softmax && bits <= 57).then_some(bits)
    }

    /// Per tree and output, what is taken off leaves, in raw units; below a threshold that class 1
    /// lies below, of the negated values.
    pub fn lows(&self) -> Vec<Vec<f64>> {
        let lows = |tree: &Vec<Shifted>| tree.iter().map(|it| it.low).collect();
        self.trees.iter().map(lows).collect()
    }

    /// Per tree and output, what is then added to leaves, in votes.
    pub fn extras(&self) -> Vec<Vec<u32>> {
        let extras = |tree: &Vec<Shifted>| tree.iter().map(|it| it.extra).collect();
        self.trees.iter().map(extras).collect()
    }

    /// What comes to the sum of leaves: scores of classes begin with it, and the device adds it to
    /// the score of a target; none where leaves hold it.
    pub fn bases(&self) -> &[i64] {
        &self.bases
    }

    /// The raw value of each target, from scores.
    pub fn values(&self, scores: &[i64]) -> Vec<f64> {
        let values = scores.iter().zip(&self.bases);
        values
            .map(|(score, base)| (score + base) as f64 * exp2(-self.shift))
            .collect()
    }

    /// How far each raw value, or the margin of each class, may be from float's on any input that
    /// takes the same paths: a proven bound, in raw units.
    pub fn bounds(&self) -> Vec<f64> {
        let bounds = self.errors.iter().zip(&self.float_error);
        bounds
            .map(|((low, high), float)| self.unscaled(high.max(-low), *float))
            .collect()
    }

    /// The same for one row: the errors of the leaves that it reaches, added up with their signs.
    ///
    /// # Panics
    /// If `row` has another length than the model has features.
    pub fn bounds_of(&self, model: &Additive, row: &[f64]) -> Vec<f64> {
        let errors = self.errors_of(model, row);
        let bounds = errors.iter().zip(&self.float_error);
        bounds
            .map(|(error, float)| self.unscaled(error.abs(), *float))
            .collect()
    }

    /// A bound in raw units; where a difference of two scores is the sum, both have half its error.
    fn unscaled(&self, error: f64, float_error: f64) -> f64 {
        let parts = if self.side.is_some() { 2.0 } else { 1.0 };
        (parts * error + float_error) * exp2(-self.shift)
    }

    /// Per score, the error of the leaves that a row reaches, in units of a score.
    fn errors_of(&self, model: &Additive, row: &[f64]) -> Vec<f64> {
        let constants = self.constants(model).into_iter();
        let of_constants = constants.map(|(rounded, exact)| (rounded - exact, rounded - exact));
        let mut errors: Vec<f64> = self
            .halved(of_constants.collect())
            .into_iter()
            .map(|(error, _)| error)
            .collect();
        for (index, (tree, leaf)) in model.trees().iter().zip(model.leaves(row)).enumerate() {
            for (error, (_, of_leaf)) in
                errors.iter_mut().zip(self.leaf(index, tree.output(), leaf))
            {
                *error += of_leaf;
            }
        }
        errors
    }

    pub(crate) fn arithmetic(&self, n_trees: usize) -> Vec<String> {
        let shift = -self.shift;
        let mut lines = vec![format!(
            "Sums: {n_trees} trees, in units of 2^{shift} of a raw value, add up within 32 bits."
        )];
        let worst = self.bounds().into_iter().fold(0.0, f64::max);
        lines.push(format!(
            "Votes: a value of a leaf is rounded to the nearest 2^{shift}; per tree the worst leaf, and \
             the roundings of float's own sums, add up to at most {worst:.3e}."
        ));
        lines
    }

    /// Whether another class may overtake a row's winner.
    pub(crate) fn is_at_risk(&self, model: &Additive, row: &[f64]) -> bool {
        let errors = self.errors_of(model, row);
        let raw = model.raw(row);
        let winner = model.class(&raw);
        let margin = |class: usize| match model.threshold() {
            Some(threshold) => (raw[0] - threshold).abs(),
            None => raw[winner] - raw[class],
        };
        (0..errors.len()).any(|class| {
            let bound = (errors[class] - errors[winner]).abs()
                + self.float_error[class]
                + self.float_error[winner];
            class != winner && margin(class) * exp2(self.shift) <= bound
        })
    }
}

/// Per tree and output, the lowest and the highest value of its leaves, divided; negated where
/// class 1 lies below a threshold.
fn ranges(model: &Additive) -> Vec<Vec<(f64, f64)>> {
    let factor = side(model).unwrap_or(1.0);
    let of_tree = |tree: &spinney_model::Tree| {
        let mut ranges = vec![None; model.n_outputs()];
        let first = tree.output().unwrap_or(0);
        for values in tree.nodes().iter().filter_map(Node::leaf) {
            for (range, value) in ranges[first..].iter_mut().zip(values) {
                let value = factor * value / model.sum().divisor;
                let (low, high) = range.unwrap_or((value, value));
                *range = Some((f64::min(low, value), f64::max(high, value)));
            }
        }
        let ranges = ranges.into_iter();
        ranges.map(|it| it.unwrap_or((0.0, 0.0))).collect()
    };
    model.trees().iter().map(of_tree).collect()
}

/// The same ranges, from the lowest value of all trees of an output on.
fn with_common_lows(model: &Additive, ranges: &[Vec<(f64, f64)>]) -> Vec<Vec<(f64, f64)>> {
    let mut lows = vec![f64::INFINITY; model.n_outputs()];
    let output = |tree: &spinney_model::Tree| tree.output().unwrap_or(0);
    for (tree, ranges) in model.trees().iter().zip(ranges) {
        lows[output(tree)] = lows[output(tree)].min(ranges[output(tree)].0);
    }
    let trees = model.trees().iter().zip(ranges.to_vec());
    trees
        .map(|(tree, mut ranges)| {
            ranges[output(tree)].0 = lows[output(tree)];
            ranges
        })
        .collect()
}

/// Where a sum is held against a threshold: 1, or -1 where class 1 lies below it, as an alarm does.
fn side(model: &Additive) -> Option<f64> {
    let is_below = model.schema().task() == Task::Detect;
    model.threshold().map(|_| if is_below { -1.0 } else { 1.0 })
}

/// Whether each tree adds to one score.
pub(crate) fn is_single(model: &Additive) -> bool {
    model.n_outputs() == 1 || model.trees().iter().all(|tree| tree.output().is_some())
}

/// How far a raw value of float may be from the exact sum, and what is computed here from that.
///
/// Each of the n additions rounds by half an ulp of at most the sum of all magnitudes, and so does
/// taking base and leaves as numbers of the precision.
fn float_error(model: &Additive) -> f64 {
    let sum = model.sum();
    let mut magnitude = sum
        .base
        .iter()
        .fold(0.0, |most: f64, base| most.max(base.abs()));
    for tree in model.trees() {
        let leaves = tree.nodes().iter().filter_map(|node| {
            let values = node.leaf()?.iter();
            values.map(|it| it.abs()).reduce(f64::max)
        });
        magnitude += leaves.fold(0.0, f64::max);
    }
    let n_roundings = model.trees().len() as f64 + 4.0;
    let half_ulp = match sum.precision {
        Precision::Float32 => f64::from(f32::EPSILON) / 2.0,
        Precision::Float64 => 0.0,
    };
    // What is computed here rounds a few times per tree, as does a sum of float64.
    n_roundings * magnitude * (half_ulp + 4.0 * f64::EPSILON) / sum.divisor
}

/// Thresholds up to which the difference of two sides stands for the raw value itself.
const NEARLY_ZERO: f64 = 1e-6;

/// Whether float's probabilities are the softmax of raw values, or the sigmoid of one, which is that
/// of a difference.
fn is_softmax(model: &Additive) -> bool {
    let is_plain = |scale: f64| (1.0..=1.0).contains(&scale);
    model.schema().task() == Task::Classify
        && match model.link() {
            Link::Softmax => true,
            // A library that breaks ties otherwise decides a hair beside 0.
            Link::Sigmoid { scale } => {
                let is_zero = |threshold: f64| threshold.abs() < NEARLY_ZERO;
                is_plain(scale) && model.threshold().is_some_and(is_zero)
            }
            Link::Identity | Link::Exp | Link::Probit | Link::Isolation { .. } => false,
        }
}

/// A whole number of 53 bits as an integer.
fn whole(value: f64) -> Option<i64> {
    // Casts: checked.
    (value.abs() < 9.0e15).then_some(value as i64)
}

/// A whole number of at most 32 bits, not negative.
fn integer(vote: f64) -> u32 {
    // Casts: a whole number in range, or one that is refused.
    vote as u32
}
