//! A feature as a classifier sees it: a raw feature after some operations, and what its splits are in terms
//! of the raw one.

use std::rc::Rc;

use spinney_dataset::Budget;
use spinney_model::{Compare, Node, Side, Split, Test};

use crate::ImportError;
use crate::lower::{Question, RawNode, categories, opposite, side};

/// One float64 operation of a scaler on one feature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// Rounds to float32. After a float64 operation on two float32 values this gives the float32
    /// operation, since float64 has more than twice its digits.
    Single,
    Add(f64),
    Subtract(f64),
    Multiply(f64),
    Divide(f64),
    Clip {
        low: f64,
        high: f64,
    },
    /// Puts a number in the place of a missing reading.
    Impute(f64),
    /// The same of a word, for the encoder behind it.
    ImputeWord(Rc<str>),
    /// 1 above the bound, else 0.
    Above(f64),
    /// 1 from `low` on and below `high`, else 0.
    Within {
        low: f64,
        high: f64,
    },
    /// The number of these bounds, which ascend, that are at most the reading.
    Bin(Rc<[f64]>),
    /// 1 for a missing reading, else 0.
    IsMissing,
    /// Numbers in the place of categories.
    Encode(Rc<Encoder>),
}

impl Op {
    /// Checks the constant: finite, above 0 where it scales.
    ///
    /// # Errors
    /// A degenerate or negative scale, naming `step` and the feature.
    pub(crate) fn checked(self, step: &str, feature: usize) -> Result<Self, ImportError> {
        let fault = match &self {
            Self::Multiply(by) | Self::Divide(by) if !(by.is_finite() && *by > 0.0) => {
                format!("{step} with a scale of {by} for feature {feature}")
            }
            Self::Add(by) | Self::Subtract(by) if !by.is_finite() => {
                format!("{step} with an offset of {by} for feature {feature}")
            }
            Self::Impute(by) if !by.is_finite() => {
                format!("{step} that puts {by} in the place of a missing feature {feature}")
            }
            Self::Clip { low, high } if !(low <= high && low.is_finite() && high.is_finite()) => {
                format!("{step} that clips to {low}..{high}")
            }
            _ => return Ok(self),
        };
        Err(ImportError::refused(
            fault,
            "scales must be finite and above 0: drop constant features (VarianceThreshold) and fit again",
        ))
    }

    // Casts: the cast is the operation.
    fn apply(&self, x: f64) -> f64 {
        let one = |is_one: bool| f64::from(u8::from(is_one));
        match self {
            Self::Single => f64::from(x as f32),
            Self::Add(by) => x + by,
            Self::Subtract(by) => x - by,
            Self::Multiply(by) => x * by,
            Self::Divide(by) => x / by,
            Self::Clip { low, high } => x.clamp(*low, *high),
            Self::Impute(by) if x.is_nan() => *by,
            Self::Impute(_) | Self::ImputeWord(_) => x,
            Self::Above(_) | Self::Within { .. } | Self::Bin(_) if x.is_nan() => x,
            Self::Above(bound) => one(x > *bound),
            Self::Within { low, high } => one(*low <= x && x < *high),
            Self::Bin(bounds) => bounds.partition_point(|bound| *bound <= x) as f64,
            Self::IsMissing => one(x.is_nan()),
            Self::Encode(encoder) => encoder.apply(x),
        }
    }
}

/// What a classifier sees as one of its features: a raw feature, after some operations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    /// Index of the raw feature.
    pub raw: usize,
    /// Operations in their order.
    pub ops: Vec<Op>,
}

impl Input {
    /// Every raw feature as it is.
    pub(crate) fn all(n_features: usize) -> Vec<Self> {
        (0..n_features)
            .map(|raw| Self {
                raw,
                ops: Vec::new(),
            })
            .collect()
    }

    /// The same after one more operation.
    pub(crate) fn with(&self, op: Op) -> Self {
        let mut input = self.clone();
        input.ops.push(op);
        input
    }

    /// Whether nothing changes a reading between the raw feature and the classifier but a cast to
    /// float32.
    fn is_cast(&self) -> bool {
        let keeps = |op: &Op| matches!(op, Op::Single | Op::Impute(_));
        self.ops.iter().all(keeps)
    }

    /// The type in which the raw feature is compared if nothing else is made of it; `cast` is the
    /// classifier's own.
    pub(super) fn compare(&self, cast: Compare) -> Compare {
        match self.is_cast() {
            true if self.ops.contains(&Op::Single) => Compare::Float32,
            true => cast,
            false => Compare::Float64,
        }
    }

    /// Whether the raw feature is asked for categories that are whole numbers.
    pub(super) fn is_of_categories(&self) -> bool {
        self.ops.iter().any(|op| match op {
            Op::Encode(encoder) => {
                let raw: Vec<f64> = encoder.raw.iter().map(|(raw, _)| *raw).collect();
                categories(&raw).is_some()
            }
            _ => false,
        })
    }

    fn apply(&self, x: f64) -> f64 {
        self.ops.iter().fold(x, |x, op| op.apply(x))
    }

    /// A split of this feature as one of the raw feature, which is compared as `of_raw`.
    pub(super) fn fold(
        &self,
        node: &Node,
        split: &Split,
        cast: Compare,
        of_raw: Compare,
        budget: &Budget,
    ) -> Result<RawNode, ImportError> {
        let feature = u32::try_from(self.raw).expect("schemas are small");
        let children = split.children.map(|child| child as usize);
        let goes_left = |x: f64| node.sends_left(cast.seen(self.apply(x)));
        // What is still missing has no side where the split has none.
        let is_open = node.missing().is_none() && cast.seen(self.apply(f64::NAN)).is_nan();
        let missing = (!is_open).then(|| side(goes_left(f64::NAN)));
        let is_step = |(_, op): &(usize, &Op)| matches!(op, Op::Encode(_) | Op::Within { .. });
        let question = match (&split.test, self.ops.iter().enumerate().find(is_step)) {
            (_, Some((_, Op::Encode(encoder)))) => {
                budget.work("the pipeline", encoder.raw.len() as u64)?;
                return Ok(encoder.fold(feature, goes_left, missing, children));
            }
            (_, Some((at, Op::Within { low, high }))) => {
                let before = Self {
                    raw: self.raw,
                    ops: self.ops[..at].to_vec(),
                };
                // Up to the last reading below either bound, and beyond.
                let ends = [*low, *high].map(|bound| before.largest(|seen| seen < bound));
                let ends: Vec<f64> = ends
                    .into_iter()
                    .flatten()
                    .filter(|it| *it < f64::MAX)
                    .collect();
                let beyond = ends[..]
                    .iter()
                    .map(|end| (*end, side(goes_left(end.next_up()))));
                Question::of_sides(side(goes_left(-f64::MAX)), beyond)
            }
            (Test::AtMost(threshold), _) if self.is_cast() && self.compare(cast) == of_raw => {
                Question::at_most(*threshold)
            }
            (Test::AtMost(threshold), _) => {
                match self.largest(|seen| cast.seen(seen) <= *threshold) {
                    Some(largest) => Question::at_most(largest),
                    None => Question::cut(Vec::new(), Side::Right),
                }
            }
            (Test::Among(categories), _) if self.is_cast() => Question::Among(categories.clone()),
            _ => {
                return Err(refused!(
                    "feature {} both scaled and a feature of categories", self.raw;
                    "leave the scaler out: trees need none"
                ));
            }
        };
        Ok(RawNode::split(feature, question, missing, children))
    }

    /// The largest float64 that, after the operations, is as wanted; see [`largest`].
    fn largest(&self, is_wanted: impl Fn(f64) -> bool) -> Option<f64> {
        largest(|x| is_wanted(self.apply(x)))
    }
}

/// The largest float64 that is as wanted; `None` if there is none. What is wanted ends where numbers
/// rise.
pub(crate) fn largest(is_wanted: impl Fn(f64) -> bool) -> Option<f64> {
    let is_wanted = |key: i64| is_wanted(from_key(key));
    let mut left = key(-f64::MAX);
    let mut right = key(f64::MAX);
    if !is_wanted(left) {
        return None;
    }
    if is_wanted(right) {
        return Some(f64::MAX);
    }
    while left + 1 < right {
        let middle = left.midpoint(right);
        if is_wanted(middle) {
            left = middle;
        } else {
            right = middle;
        }
    }
    Some(from_key(left))
}

/// Readings that stand for categories, as numbers: what an encoder does, or the column that a one-hot
/// encoder makes of one category.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encoder {
    /// The readings, each with what it becomes: ascending where they are numbers.
    pub raw: Vec<(f64, f64)>,
    /// What all other readings become.
    pub unknown: f64,
    /// What a missing one becomes.
    pub missing: f64,
}

impl Encoder {
    /// The places of categories from what the rows hold, as categories are the places of themselves
    /// in a file.
    pub(crate) fn places(raw: impl IntoIterator<Item = f64>) -> Self {
        let mut raw: Vec<(f64, f64)> = raw.into_iter().zip((0..).map(f64::from)).collect();
        raw.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self {
            raw,
            unknown: -1.0,
            missing: f64::NAN,
        }
    }

    fn apply(&self, x: f64) -> f64 {
        if x.is_nan() {
            return self.missing;
        }
        let found = self
            .raw
            .binary_search_by(|(raw, _)| raw.total_cmp(&(x + 0.0)));
        found.map_or(self.unknown, |at| self.raw[at].1)
    }

    /// A split as a set of readings: a set of categories, if they are whole numbers from 0 on.
    fn fold(
        &self,
        feature: u32,
        goes_left: impl Fn(f64) -> bool,
        missing: Option<Side>,
        [left, right]: [usize; 2],
    ) -> RawNode {
        // What is not known goes right in a set, whose sides change if it is to go left.
        let unknown = self.raw.last().map_or(0.0, |last| last.0.next_up());
        let is_turned = goes_left(unknown);
        let readings = self.raw.iter().map(|(raw, _)| *raw);
        let members: Vec<f64> = readings
            .filter(|raw| goes_left(*raw) != is_turned)
            .collect();
        let (children, missing) = match is_turned {
            true => ([right, left], missing.map(opposite)),
            false => ([left, right], missing),
        };
        RawNode::split(feature, Question::among(&members), missing, children)
    }
}

/// Maps float64 to integers that keep the order; neighbours stay neighbours, and zero is one.
fn key(value: f64) -> i64 {
    let magnitude = i64::try_from(value.abs().to_bits()).expect("the sign bit is clear");
    if value.is_sign_negative() {
        -magnitude
    } else {
        magnitude
    }
}

fn from_key(key: i64) -> f64 {
    let magnitude = f64::from_bits(key.unsigned_abs());
    if key < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_keep_order_and_neighbours() {
        for value in [
            0.0,
            1.0,
            -1.0,
            f64::MIN_POSITIVE,
            -f64::MAX,
            f64::MAX,
            1e-320,
            -3.7,
        ] {
            assert_eq!(from_key(key(value)), value);
            assert_eq!(key(value.next_up()), key(value) + 1, "{value}");
        }
        assert_eq!(key(-0.0), key(0.0));
    }

    fn op() -> impl Strategy<Value = Op> {
        let scale = (-30..30_i32, 1.0..2.0).prop_map(|(exponent, m)| m * 2.0_f64.powi(exponent));
        prop_oneof![
            Just(Op::Single),
            (-1e6..1e6).prop_map(Op::Add),
            (-1e6..1e6).prop_map(Op::Subtract),
            scale.clone().prop_map(Op::Multiply),
            scale.prop_map(Op::Divide),
        ]
    }

    proptest! {
        #[test]
        fn the_largest_left_value_is_the_largest(
            ops in prop::collection::vec(op(), 0..6),
            threshold in -1e7..1e7,
            double in any::<bool>(),
        ) {
            let cast = if double { Compare::Float64 } else { Compare::Float32 };
            let input = Input { raw: 0, ops };
            let x = input.largest(|seen| cast.seen(seen) <= threshold).expect("some value goes left");
            prop_assert!(cast.seen(input.apply(x)) <= threshold);
            if x < f64::MAX {
                prop_assert!(cast.seen(input.apply(x.next_up())) > threshold);
            }
        }
    }

    #[test]
    fn a_clipped_value_below_every_reading_is_never_left() {
        let input = Input {
            raw: 0,
            ops: vec![Op::Clip {
                low: 0.0,
                high: 1.0,
            }],
        };
        assert_eq!(input.largest(|seen| seen <= -0.5), None);
        assert_eq!(input.largest(|seen| seen <= 1.0), Some(f64::MAX));
    }
}
