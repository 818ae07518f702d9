//! Statistics over the frames of a decision, band by band: of logarithms, or of energies whose
//! logarithm is taken afterwards. Several at once are a pair of statistics, or pairs of pairs.
//!
//! A mean of logarithms is that of a geometric mean, a mean of energies that of an arithmetic one;
//! so a pipeline says which it means. For maximum and minimum the order makes no difference.

use core::num::NonZeroU32;

use crate::log2::{FRACTION, log2};

/// A running statistic of values of one kind.
pub trait Statistic<V>: Copy {
    /// What it comes to.
    type Result: Outcome;
    /// How many features that is.
    const N: usize = 1;
    /// Before the first value.
    const EMPTY: Self;
    /// Takes one more value.
    fn add(&mut self, value: V);
    /// Takes all values of another one.
    fn merge(&mut self, other: &Self);
    /// The result over `n` values.
    fn result(&self, n: NonZeroU32) -> Self::Result;
}

/// Two statistics of the same values, the first of which has the first features.
impl<V: Copy, A: Statistic<V>, B: Statistic<V>> Statistic<V> for (A, B) {
    type Result = (A::Result, B::Result);
    const N: usize = A::N + B::N;
    const EMPTY: Self = (A::EMPTY, B::EMPTY);

    #[inline]
    fn add(&mut self, value: V) {
        self.0.add(value);
        self.1.add(value);
    }

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
        self.1.merge(&other.1);
    }

    #[inline]
    fn result(&self, n: NonZeroU32) -> Self::Result {
        (self.0.result(n), self.1.result(n))
    }
}

/// What a statistic comes to, as features.
pub trait Outcome: Copy {
    /// Puts a feature into each of the next places; of energies, their logarithm with `offset`, the
    /// normalisation of their band.
    fn put<'o, R: Feature>(self, offset: i16, places: &mut impl Iterator<Item = &'o mut R>);
}

/// A logarithm.
impl Outcome for i16 {
    #[inline]
    fn put<'o, R: Feature>(self, offset: i16, places: &mut impl Iterator<Item = &'o mut R>) {
        i32::from(self).put(offset, places);
    }
}

/// A variance of logarithms, at most 2^30.
impl Outcome for u32 {
    #[inline]
    fn put<'o, R: Feature>(self, offset: i16, places: &mut impl Iterator<Item = &'o mut R>) {
        self.cast_signed().put(offset, places);
    }
}

/// The logarithm of a variance of energies, which has no normalisation.
impl Outcome for i32 {
    #[inline]
    fn put<'o, R: Feature>(self, _offset: i16, places: &mut impl Iterator<Item = &'o mut R>) {
        if let Some(place) = places.next() {
            *place = R::of(self);
        }
    }
}

/// An energy.
impl Outcome for u64 {
    #[inline]
    fn put<'o, R: Feature>(self, offset: i16, places: &mut impl Iterator<Item = &'o mut R>) {
        log2(self).saturating_add(offset).put(0, places);
    }
}

impl<A: Outcome, B: Outcome> Outcome for (A, B) {
    #[inline]
    fn put<'o, R: Feature>(self, offset: i16, places: &mut impl Iterator<Item = &'o mut R>) {
        self.0.put(offset, places);
        self.1.put(offset, places);
    }
}

/// A number that features are kept in.
pub trait Feature: Copy + 'static {
    /// Before a feature is known.
    const ZERO: Self;
    /// Of a feature that fits.
    fn of(feature: i32) -> Self;
}

impl Feature for i32 {
    const ZERO: Self = 0;

    #[inline]
    fn of(feature: i32) -> Self {
        feature
    }
}

/// Of all but variances.
impl Feature for i16 {
    const ZERO: Self = 0;

    #[inline]
    fn of(feature: i32) -> Self {
        feature as Self
    }
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.add(other.0);
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.add(other.0);
    }

    fn result(&self, _n: NonZeroU32) -> V {
        self.0
    }
}

/// The ends of a kind of value.
pub trait Bounded: Outcome + Ord {
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = self.squares.wrapping_add(other.squares);
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

    #[inline]
    fn merge(&mut self, other: &Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = self.squares.wrapping_add(other.squares);
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

/// A statistic, or several, of each of `N` values over the frames of a decision.
#[derive(Debug, Clone)]
pub struct Aggregate<S, const N: usize>([S; N]);

impl<S, const N: usize> Aggregate<S, N> {
    /// Before the first frame.
    #[must_use]
    pub const fn new<V>() -> Self
    where
        S: Statistic<V>,
    {
        Self([S::EMPTY; N])
    }

    /// Takes the next frame's values.
    #[inline]
    pub fn add<V: Copy>(&mut self, frame: &[V; N])
    where
        S: Statistic<V>,
    {
        for (statistic, value) in self.0.iter_mut().zip(frame) {
            statistic.add(*value);
        }
    }

    /// Takes all frames of another one.
    #[inline]
    pub fn merge<V>(&mut self, other: &Self)
    where
        S: Statistic<V>,
    {
        for (statistic, of_other) in self.0.iter_mut().zip(&other.0) {
            statistic.merge(of_other);
        }
    }

    /// Writes what `n` frames come to: a statistic of all values, then the next one, each of energies
    /// with the offset of its band. What `out` has no room for is left out.
    pub fn write<V, R>(&self, n: NonZeroU32, offset: impl Fn(usize) -> i16, out: &mut [R])
    where
        S: Statistic<V>,
        R: Feature,
    {
        const { assert!(N > 0, "a frame has values") };
        for (at, statistic) in self.0.iter().enumerate() {
            let rest = out.get_mut(at..).unwrap_or_default();
            let mut places = rest.iter_mut().step_by(N);
            statistic.result(n).put(offset(at), &mut places);
        }
    }
}
