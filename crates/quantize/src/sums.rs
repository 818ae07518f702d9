//! Leaves of ensembles that add, as votes: unsigned integers in one power of two, so that whatever
//! sums votes sums them too.
//!
//! A value `v` of a leaf is held as `v · 2^shift`, rounded to the nearest.
//!
//! * Two classes with one output, and detectors: what decides is on which side of the threshold the
//!   sum lies. Each tree's share of base and threshold is taken off its leaves, and a leaf then votes
//!   for one side by as much as it is above zero, or for the other by as much as it is below. The
//!   difference of both scores is the sum.
//! * An output per class: only differences between classes count. Each tree's lowest value of an
//!   output is taken off; what that and the base leave between classes is added to the leaves of as
//!   many trees as hold it.
//! * Values: each tree's lowest value is taken off, and what was taken off and the base come back as
//!   one constant per target, which the device adds to the score.
//!
//! All of it is exact but for the roundings of leaves and of that constant, which is what the bound
//! adds up: per tree the worst leaf, not a worst case of all trees.

use spinney_model::{Additive, Link, Node, Precision, Task};

use crate::QuantizeError;
use crate::coding::exp2;

/// How the leaves of an ensemble that adds were made votes, and how far its sums are from float's.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    form: Form,
    /// Fractional bits.
    shift: i8,
    /// Whether the softmax of raw values is what float delivers.
    is_softmax: bool,
    /// What sums of float are divided by.
    divisor: f64,
    /// Per target, what is added to a score.
    bases: Vec<i64>,
    /// Per score, how far float's own sums are from exact ones, in units of a score.
    float_error: Vec<f64>,
    /// Per score, the lowest and highest error that the leaves of some path may add up to, in units
    /// of a score.
    errors: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// What is taken off each leaf, and the class of what is above zero.
    Sides { share: f64, above: usize },
    /// Per tree and output, what is taken off and what is added as an integer.
    Outputs { trees: Vec<Vec<Shifted>> },
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
    /// # Errors
    /// Values or sums beyond 32 bits in any power of two.
    pub(crate) fn new(model: &Additive, most: u16) -> Result<Self, QuantizeError> {
        let ranges = Ranges::of(model);
        let widest = ranges.widest(model);
        let mut shift = SHIFT_MAX;
        if widest > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "clamped")]
            let fits = (f64::from(most) / widest)
                .log2()
                .floor()
                .clamp(-120.0, 62.0) as i8;
            shift = fits;
        }
        while shift >= SHIFT_MIN {
            if let Some(sums) = Self::at(model, &ranges, shift, most) {
                return Ok(sums);
            }
            shift -= 1;
        }
        Err(QuantizeError {
            place: "the trees".to_owned(),
            found: format!("values of leaves that are up to {widest:e} apart"),
            expected: "sums of less than 2^100".to_owned(),
        })
    }

    /// Votes in this power of two; `None` if they do not fit.
    fn at(model: &Additive, ranges: &Ranges, shift: i8, most: u16) -> Option<Self> {
        let sum = model.sum();
        let n_scores = model.schema().outputs().len();
        let mut sums = Self {
            form: ranges.form(model),
            shift,
            is_softmax: is_softmax(model),
            divisor: sum.divisor,
            bases: Vec::new(),
            float_error: vec![float_error(model) * exp2(shift); n_scores],
            errors: vec![(0.0, 0.0); n_scores],
        };
        if let Form::Outputs { trees } = &sums.form {
            let constants: Vec<f64> = (0..n_scores)
                .map(|output| {
                    let lows: f64 = trees.iter().map(|tree| tree[output].low).sum();
                    (sum.base[output] / sum.divisor + lows) * exp2(shift)
                })
                .collect();
            let rounded: Vec<f64> = constants.iter().map(|it| it.round()).collect();
            for (error, (rounded, exact)) in
                sums.errors.iter_mut().zip(rounded.iter().zip(&constants))
            {
                *error = (rounded - exact, rounded - exact);
            }
            if model.schema().task() == Task::Regress {
                sums.bases = rounded.iter().map(|it| whole(*it)).collect::<Option<_>>()?;
            } else {
                let least = rounded.iter().copied().fold(f64::INFINITY, f64::min);
                for (output, rounded) in rounded.into_iter().enumerate() {
                    let extra = u64::try_from(whole(rounded - least)?).ok()?;
                    sums.spread(model, output, extra, most)?;
                }
            }
        }
        let mut score_max = vec![0_i64; n_scores];
        for (index, tree) in model.trees().iter().enumerate() {
            let mut of_tree = vec![(f64::INFINITY, f64::NEG_INFINITY, 0_u32); n_scores];
            for node in tree.nodes() {
                let Node::Leaf { values } = node else {
                    continue;
                };
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
            i32::try_from(*base).is_ok() && i32::try_from(base + most).is_ok()
        };
        sums.bases.iter().zip(&score_max).all(fits).then_some(sums)
    }

    /// Adds a constant to the leaves of as many trees as hold it; `None` if all do not.
    fn spread(&mut self, model: &Additive, output: usize, mut extra: u64, most: u16) -> Option<()> {
        for (index, tree) in model.trees().iter().enumerate() {
            if extra == 0 {
                break;
            }
            let leaves = tree.nodes().iter().filter_map(|node| match node {
                Node::Leaf { values } => {
                    Some(self.leaf(index, tree.output(), values).nth(output)?.0)
                }
                Node::Split { .. } => None,
            });
            let highest = leaves.fold(0.0, f64::max);
            if highest > f64::from(most) {
                return None;
            }
            let given = extra.min((u32::from(most) - integer(highest)).into());
            if let Form::Outputs { trees } = &mut self.form {
                trees[index][output].extra = u32::try_from(given).expect("at most 16 bits");
            }
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
        let scaled = |value: f64| value / self.divisor * scale;
        let (trees, sides) = match &self.form {
            Form::Sides { share, above } => {
                let exact = scaled(values[0]) - share * scale;
                let (vote, error) = (exact.round(), exact.round() - exact);
                // Of the error of a difference, both sides have half.
                let side = |class: usize| {
                    if class == *above {
                        (vote.max(0.0), error / 2.0)
                    } else {
                        ((-vote).max(0.0), -error / 2.0)
                    }
                };
                (None, Some([side(0), side(1)]))
            }
            Form::Outputs { trees } => (Some(&trees[tree]), None),
        };
        let of_output = move |index: usize, shifted: &Shifted| {
            let value = match output {
                None => values[index],
                Some(output) if output == index => values[0],
                Some(_) => return (shifted.extra.into(), 0.0),
            };
            let exact = scaled(value) - shifted.low * scale;
            (
                exact.round() + f64::from(shifted.extra),
                exact.round() - exact,
            )
        };
        let outputs: Vec<(f64, f64)> = match (trees, sides) {
            (Some(trees), _) => trees
                .iter()
                .enumerate()
                .map(|(at, it)| of_output(at, it))
                .collect(),
            (None, sides) => sides.into_iter().flatten().collect(),
        };
        outputs.into_iter()
    }

    /// The votes of a leaf, one per score.
    pub(crate) fn votes(&self, tree: usize, output: Option<usize>, values: &[f64]) -> Vec<u16> {
        let votes = self.leaf(tree, output, values);
        votes
            .map(|(vote, _)| u16::try_from(integer(vote)).expect("votes that fit"))
            .collect()
    }

    /// Fractional bits of scores.
    #[must_use]
    pub fn shift(&self) -> i8 {
        self.shift
    }

    /// Fractional bits of scores whose softmax is what float delivers; `None` where it is not.
    pub(crate) fn softmax_bits(&self) -> Option<u8> {
        let bits = u8::try_from(self.shift).ok()?;
        (self.is_softmax && bits <= 57).then_some(bits)
    }

    /// Per tree and output, what is taken off leaves, in raw units; one output where two sides have
    /// one.
    #[must_use]
    pub fn lows(&self, n_trees: usize) -> Vec<Vec<f64>> {
        match &self.form {
            Form::Sides { share, .. } => vec![vec![*share]; n_trees],
            Form::Outputs { trees } => {
                let lows = |tree: &Vec<Shifted>| tree.iter().map(|it| it.low).collect();
                trees.iter().map(lows).collect()
            }
        }
    }

    /// Per tree and output, what is then added to leaves, in votes.
    #[must_use]
    pub fn extras(&self, n_trees: usize) -> Vec<Vec<u32>> {
        match &self.form {
            Form::Sides { .. } => vec![vec![0]; n_trees],
            Form::Outputs { trees } => {
                let extras = |tree: &Vec<Shifted>| tree.iter().map(|it| it.extra).collect();
                trees.iter().map(extras).collect()
            }
        }
    }

    /// What is added to the score of each target; none where there are classes.
    #[must_use]
    pub fn bases(&self) -> &[i64] {
        &self.bases
    }

    /// The raw value of each target, from scores.
    #[must_use]
    pub fn values(&self, scores: &[i64]) -> Vec<f64> {
        let values = scores.iter().zip(&self.bases);
        values
            .map(|(score, base)| (score + base) as f64 * exp2(-self.shift))
            .collect()
    }

    /// How far each raw value, or the margin of each class, may be from float's on any input that
    /// takes the same paths: a proven bound, in raw units.
    #[must_use]
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
    #[must_use]
    pub fn bounds_of(&self, model: &Additive, row: &[f64]) -> Vec<f64> {
        let errors = self.errors_of(model, row);
        let bounds = errors.iter().zip(&self.float_error);
        bounds
            .map(|(error, float)| self.unscaled(error.abs(), *float))
            .collect()
    }

    /// A bound in raw units; where a difference of two scores is the sum, both have half its error.
    fn unscaled(&self, error: f64, float_error: f64) -> f64 {
        let error = match self.form {
            Form::Sides { .. } => 2.0 * error,
            Form::Outputs { .. } => error,
        };
        (error + float_error) * exp2(-self.shift)
    }

    /// Per score, the error of the leaves that a row reaches, in units of a score.
    fn errors_of(&self, model: &Additive, row: &[f64]) -> Vec<f64> {
        let mut errors = match &self.form {
            Form::Sides { .. } => vec![0.0; 2],
            Form::Outputs { trees } => {
                let sum = model.sum();
                let constant = |output: usize| {
                    let lows: f64 = trees.iter().map(|tree| tree[output].low).sum();
                    let exact = (sum.base[output] / sum.divisor + lows) * exp2(self.shift);
                    exact.round() - exact
                };
                (0..self.errors.len()).map(constant).collect()
            }
        };
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
            "Sums: {n_trees} trees of at most 65535 votes each, in units of 2^{shift} of a raw value, \
             add up within 32 bits."
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

/// What the leaves of each tree hold, divided: per tree and output the lowest and the highest.
struct Ranges {
    trees: Vec<Vec<(f64, f64)>>,
}

impl Ranges {
    fn of(model: &Additive) -> Self {
        let divisor = model.sum().divisor;
        let of_tree = |tree: &spinney_model::Tree| {
            let mut ranges = vec![None; model.n_outputs()];
            let first = tree.output().unwrap_or(0);
            for node in tree.nodes() {
                let Node::Leaf { values } = node else {
                    continue;
                };
                for (range, value) in ranges[first..].iter_mut().zip(values) {
                    let value = value / divisor;
                    let (low, high) = range.unwrap_or((value, value));
                    *range = Some((f64::min(low, value), f64::max(high, value)));
                }
            }
            ranges
                .into_iter()
                .map(|it| it.unwrap_or((0.0, 0.0)))
                .collect()
        };
        Self {
            trees: model.trees().iter().map(of_tree).collect(),
        }
    }

    /// The largest number that a vote has to hold.
    fn widest(&self, model: &Additive) -> f64 {
        let form = self.form(model);
        let widths = self.trees.iter().flatten().map(|(low, high)| match form {
            Form::Sides { share, .. } => (low - share).abs().max((high - share).abs()),
            Form::Outputs { .. } => high - low,
        });
        widths.fold(0.0, f64::max)
    }

    fn form(&self, model: &Additive) -> Form {
        let sum = model.sum();
        match model.threshold() {
            Some(threshold) => Form::Sides {
                share: (threshold - sum.base[0] / sum.divisor) / model.trees().len() as f64,
                // Of a detector, what is above the threshold is normal.
                above: usize::from(model.schema().task() != Task::Detect),
            },
            None => {
                let shifted = |(low, _): &(f64, f64)| Shifted {
                    low: *low,
                    extra: 0,
                };
                let of_tree = |tree: &Vec<(f64, f64)>| tree.iter().map(shifted).collect();
                Form::Outputs {
                    trees: self.trees.iter().map(of_tree).collect(),
                }
            }
        }
    }
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
        let leaves = tree.nodes().iter().filter_map(|node| match node {
            Node::Leaf { values } => values.iter().map(|it| it.abs()).reduce(f64::max),
            Node::Split { .. } => None,
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
            Link::Identity | Link::Exp | Link::Isolation { .. } => false,
        }
}

/// A whole number of 53 bits as an integer.
fn whole(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked")]
    (value.abs() < 9.0e15).then_some(value as i64)
}

/// A whole number of at most 17 bits, not negative.
fn integer(vote: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number in range, or one that is refused"
    )]
    let vote = vote as u32;
    vote
}
