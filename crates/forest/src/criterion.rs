//! How pure a set of rows is, and how pure two sides of a split would be.
//!
//! Row weights come in two types. Counts (`u32`, summed in `u64`) are what a bootstrap or an
//! unweighted fit uses: their sums are exact, so squares may be updated row by row. Given weights
//! (`f64`) are summed in `f64`, and everything is computed afresh for each candidate.

use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

use crate::Criterion;
use crate::item::{Item, Totals};

/// The weight of one row.
pub(crate) trait Weight: Copy + Default + AddAssign + Send + Sync {
    /// What many weights add up to.
    type Sum: Sum;
    /// The weight as a sum of one.
    fn widen(self) -> Self::Sum;
}

/// A sum of weights.
pub(crate) trait Sum:
    Copy
    + Default
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + SubAssign
    + Send
    + Sync
{
    /// Whether adding and subtracting never rounds.
    const EXACT: bool;
    /// The sum as a float.
    fn float(self) -> f64;
    /// `x log2 x`, looked up in `table` where it can be.
    fn x_log2_x(self, table: &[f64]) -> f64;
}

impl Weight for u32 {
    type Sum = u64;
    fn widen(self) -> u64 {
        u64::from(self)
    }
}

impl Weight for f64 {
    type Sum = f64;
    fn widen(self) -> f64 {
        self
    }
}

impl Sum for u64 {
    const EXACT: bool = true;
    fn float(self) -> f64 {
        self as f64
    }
    fn x_log2_x(self, table: &[f64]) -> f64 {
        match table.get(self as usize) {
            Some(known) => *known,
            None => x_log2_x(self as f64),
        }
    }
}

impl Sum for f64 {
    const EXACT: bool = false;
    fn float(self) -> f64 {
        self
    }
    fn x_log2_x(self, _: &[f64]) -> f64 {
        x_log2_x(self)
    }
}

/// A criterion with its table of logarithms.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) criterion: Criterion,
    logs: Vec<f64>,
}

impl Measure {
    /// The measure for sums of up to `weight_max` counts; larger ones are computed.
    pub(crate) fn new(criterion: Criterion, weight_max: usize) -> Self {
        let n_logs = match criterion {
            Criterion::Gini | Criterion::SquaredError => 0,
            Criterion::Entropy => weight_max.min(1 << 16) + 1,
        };
        Self {
            criterion,
            logs: (0..n_logs).map(|x| x_log2_x(x as f64)).collect(),
        }
    }

    /// Impurity of a node of these rows: Gini in `0..1`, entropy in bits, or variance.
    pub(crate) fn impurity<I: Item>(
        &self,
        items: &[I],
        totals: &Totals<<I::Weight as Weight>::Sum>,
    ) -> f64 {
        let weight = totals.weight.float();
        match self.criterion {
            Criterion::Gini => 1.0 - squares(&totals.sums).float() / (weight * weight),
            Criterion::SquaredError => I::variance(items, totals),
            Criterion::Entropy => -totals
                .sums
                .iter()
                .map(|class| class.float() / weight)
                .map(x_log2_x)
                .sum::<f64>(),
        }
    }

    /// What ranks the candidates of one node, larger is purer: the weighted impurity of both sides,
    /// negated, less what is the same for all of them.
    pub(crate) fn purity<S: Sum>(&self, left: &[S], left_total: S, sums: &[S], total: S) -> f64 {
        let right_total = total - left_total;
        match self.criterion {
            Criterion::Gini | Criterion::SquaredError => {
                let mut right_squares = S::default();
                for (left, both) in left.iter().zip(sums) {
                    let right = *both - *left;
                    right_squares += right * right;
                }
                square_purity(squares(left), left_total, right_squares, right_total)
            }
            Criterion::Entropy => {
                let logs = &self.logs;
                let mut sum = 0.0;
                for (left, both) in left.iter().zip(sums) {
                    sum += left.x_log2_x(logs) + (*both - *left).x_log2_x(logs);
                }
                sum - left_total.x_log2_x(logs) - right_total.x_log2_x(logs)
            }
        }
    }
}

/// The purity of a split by Gini's criterion or by squared errors, from its sides' squared sums.
///
/// A side that weighs next to nothing may round to no weight, or less; it then has no say.
#[inline]
pub(crate) fn square_purity<S: Sum>(left_squares: S, left: S, right_squares: S, right: S) -> f64 {
    let side = |squares: S, weight: S| {
        if S::EXACT || weight.float() > 0.0 {
            squares.float() / weight.float()
        } else {
            0.0
        }
    };
    side(left_squares, left) + side(right_squares, right)
}

/// The sum of squared sums.
pub(crate) fn squares<S: Sum>(sums: &[S]) -> S {
    let mut sum = S::default();
    for it in sums {
        sum += *it * *it;
    }
    sum
}

fn x_log2_x(x: f64) -> f64 {
    if x > 0.0 { x * libm::log2(x) } else { 0.0 }
}
