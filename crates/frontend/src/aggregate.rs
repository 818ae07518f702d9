//! Statistics over the frames of a decision, band by band: of logarithms, or of energies whose
//! logarithm is taken afterwards.
//!
//! A mean of logarithms is that of a geometric mean, a mean of energies that of an arithmetic one;
//! so a pipeline says which it means. For maximum and minimum the order makes no difference.

use core::num::NonZeroU32;

use crate::log2::{FRACTION, log2};

/// A running statistic of values of one kind.
pub trait Statistic<V>: Copy {
    /// What it comes to.
    type Result: Copy;
    /// Before the first value.
    const EMPTY: Self;
    /// Takes one more value.
    fn add(&mut self, value: V);
    /// The result over `n` values.
    fn result(&self, n: NonZeroU32) -> Self::Result;
}

/// The largest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maximum<V>(V);

/// The smallest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimum<V>(V);

/// The mean. Of logarithms to the nearest, halves upwards; of energies floored, and off by at most
/// 2^−31 of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mean<S>(S);

/// The variance, of the values as a population.
///
/// Of logarithms floored, in units of 2^−18 bits²; of energies its logarithm, in units of 2^−9 and
/// off by at most 0.004 bits, which is 0 below a variance of 2^48 square units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variance<S, Q> {
    sum: S,
    squares: Q,
}

impl<V: Bounded> Statistic<V> for Maximum<V> {
    type Result = V;
    const EMPTY: Self = Self(V::LEAST);

    #[inline]
    fn add(&mut self, value: V) {
        self.0 = self.0.max(value);
    }

    fn result(&self, _n: NonZeroU32) -> V {
        self.0
    }
}

impl<V: Bounded> Statistic<V> for Minimum<V> {
    type Result = V;
    const EMPTY: Self = Self(V::MOST);

    #[inline]
    fn add(&mut self, value: V) {
        self.0 = self.0.min(value);
    }

    fn result(&self, _n: NonZeroU32) -> V {
        self.0
    }
}

/// The ends of a kind of value.
pub trait Bounded: Copy + Ord {
    /// The smallest there is.
    const LEAST: Self;
    /// The largest there is.
    const MOST: Self;
}

impl Bounded for i16 {
    const LEAST: Self = Self::MIN;
    const MOST: Self = Self::MAX;
}

impl Bounded for u64 {
    const LEAST: Self = Self::MIN;
    const MOST: Self = Self::MAX;
}

impl Statistic<i16> for Mean<i64> {
    type Result = i16;
    const EMPTY: Self = Self(0);

    #[inline]
    fn add(&mut self, value: i16) {
        self.0 = self.0.wrapping_add(i64::from(value));
    }

    fn result(&self, n: NonZeroU32) -> i16 {
        // From 0 on, so that the quotient is floored; 2^15 · 2^32 fit.
        let n = u64::from(n.get());
        let raised = self.0.wrapping_add((n << 15).cast_signed()).cast_unsigned();
        let mean = raised.wrapping_add(n / 2).checked_div(n).unwrap_or(0);
        (mean.min(0xffff) as i32 - (1 << 15)) as i16
    }
}

impl Statistic<u64> for Mean<u128> {
    type Result = u64;
    const EMPTY: Self = Self(0);

    #[inline]
    fn add(&mut self, value: u64) {
        self.0 = self.0.wrapping_add(u128::from(value));
    }

    fn result(&self, n: NonZeroU32) -> u64 {
        // 64 significant bits, of which a divisor of 32 leaves 32.
        let shift = 64_u32.saturating_sub(self.0.leading_zeros());
        let mean = ((self.0 >> (shift & 127)) as u64) / u64::from(n.get());
        mean << (shift & 63)
    }
}

impl Statistic<i16> for Variance<i64, u64> {
    type Result = u32;
    const EMPTY: Self = Self { sum: 0, squares: 0 };

    #[inline]
    fn add(&mut self, value: i16) {
        let value = i32::from(value);
        self.sum = self.sum.wrapping_add(i64::from(value));
        let square = value.wrapping_mul(value).cast_unsigned();
        self.squares = self.squares.wrapping_add(u64::from(square));
    }

    fn result(&self, n: NonZeroU32) -> u32 {
        // 2^62 by 2^32 in 128 bits; a variance is at most 2^30.
        let sum = u128::from(self.sum.unsigned_abs());
        let scaled = u128::from(self.squares) * u128::from(n.get());
        let square = u128::from(n.get()) * u128::from(n.get());
        (scaled.wrapping_sub(sum * sum).checked_div(square)).unwrap_or(0) as u32
    }
}

/// Low bits of an energy that its variance leaves out: what is left of 2^59 is squared, multiplied
/// by the number of frames and added up in 128 bits, for as many as 2^28 of them.
const LEFT_OUT: u32 = 24;

impl Statistic<u64> for Variance<u64, u128> {
    type Result = i32;
    const EMPTY: Self = Self { sum: 0, squares: 0 };

    #[inline]
    fn add(&mut self, value: u64) {
        let value = value >> LEFT_OUT;
        self.sum = self.sum.wrapping_add(value);
        self.squares = (self.squares).wrapping_add(u128::from(value).wrapping_mul(value.into()));
    }

    fn result(&self, n: NonZeroU32) -> i32 {
        let sum = u128::from(self.sum);
        let scaled = self.squares.wrapping_mul(n.get().into());
        let numerator = scaled.wrapping_sub(sum.wrapping_mul(sum));
        if numerator == 0 {
            return 0;
        }
        let shift = 64_u32.saturating_sub(numerator.leading_zeros());
        let log = i32::from(log2((numerator >> (shift & 127)) as u64));
        let others = (shift + 2 * LEFT_OUT) << FRACTION;
        (log + others.cast_signed() - 2 * i32::from(log2(n.get().into()))).max(0)
    }
}

/// A statistic of each of `BANDS` bands over the frames of a decision.
#[derive(Debug, Clone)]
pub struct Aggregate<S, const BANDS: usize> {
    statistics: [S; BANDS],
    n_frames: u32,
    n_frames_per_decision: NonZeroU32,
}

impl<S, const BANDS: usize> Aggregate<S, BANDS> {
    /// Over so many frames per decision.
    #[must_use]
    pub const fn new<V>(n_frames_per_decision: NonZeroU32) -> Self
    where
        S: Statistic<V>,
    {
        Self {
            statistics: [S::EMPTY; BANDS],
            n_frames: 0,
            n_frames_per_decision,
        }
    }

    /// Takes the next frame's values; with the last one of a decision returns its results, and the
    /// next decision begins.
    pub fn add<V: Copy>(&mut self, frame: &[V; BANDS]) -> Option<[S::Result; BANDS]>
    where
        S: Statistic<V>,
    {
        for (statistic, value) in self.statistics.iter_mut().zip(frame) {
            statistic.add(*value);
        }
        self.n_frames += 1;
        if self.n_frames < self.n_frames_per_decision.get() {
            return None;
        }
        let n = self.n_frames_per_decision;
        let results = self.statistics.map(|statistic| statistic.result(n));
        self.statistics = [S::EMPTY; BANDS];
        self.n_frames = 0;
        Some(results)
    }
}
