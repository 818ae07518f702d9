//! The shape of a frame's spectrum in three numbers, from the powers of all bins that the filters
//! reach: where its weight lies, where its upper end is, and how flat it is.

use core::ops::Range;

use crate::chain::Measured;
use crate::log2::log2;
use crate::mel::Filters;
use crate::spectrum::Spectrum;

/// What is kept of a spectrum's shape: a set, in the order of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape(u8);

impl Shape {
    /// The mean frequency, each bin weighed with its power, in units of `2^−16` of the sample rate,
    /// floored; 0 of silence.
    pub const CENTROID: Self = Self(1);
    /// The lowest frequency up to which there are 85 % of the power, in units of `2^−16` of the
    /// sample rate; the lowest one of silence.
    pub const ROLL_OFF: Self = Self(1 << 1);
    /// The mean of the logarithms of powers less that of their mean, in units of `2^−9`: 0 where all
    /// bins are alike, as of silence, and the lower the more some stand out. A power of 0 counts as 1.
    pub const FLATNESS: Self = Self(1 << 2);
    /// How many members there are.
    pub const N_ALL: u32 = 3;

    /// The set of these bits; others than those of the members are left out.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & ((1 << Self::N_ALL) - 1))
    }

    /// With the members of another set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// A bit for each member.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// How many are kept.
    #[must_use]
    pub const fn n(self) -> usize {
        self.0.count_ones() as usize
    }

    const fn has(self, member: Self) -> bool {
        self.0 & member.0 == member.0
    }

    /// Writes what is kept of these bins, none of which is bin 0 or beyond `M`. What `out` has no room
    /// for is left out.
    #[inline(always)]
    pub fn write<const M: usize>(
        self,
        spectrum: &Spectrum<M>,
        bins: Range<usize>,
        out: &mut [i16],
    ) {
        let first = bins.start;
        let here = spectrum.packed().get(bins).unwrap_or_default();
        let mut places = out.iter_mut();
        let mut keep = |value: i16| {
            if let Some(place) = places.next() {
                *place = value;
            }
        };
        if self.has(Self::CENTROID) || self.has(Self::ROLL_OFF) {
            let sums = Sums::of(here);
            if self.has(Self::CENTROID) {
                keep(in_rate::<M>(centroid(sums, first, here.len())));
            }
            if self.has(Self::ROLL_OFF) {
                let bin = first.wrapping_add(roll_off(sums, here)) as u64;
                keep(in_rate::<M>((bin, 1)));
            }
        }
        if self.has(Self::FLATNESS) {
            keep(flatness(here));
        }
    }
}

/// Values of another measure, 16 bits each, and behind them the shape of the spectrum, `KEPT` being
/// the bits of its [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithShape<F, const INNER: usize, const KEPT: u8>(pub F);

impl<F, const INNER: usize, const KEPT: u8, const N: usize> Measured<N>
    for WithShape<F, INNER, KEPT>
where
    F: Measured<INNER, Value = i16>,
{
    type Value = i16;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [i16; N] {
        let shape = const {
            let shape = Shape::from_bits(KEPT);
            assert!(
                N == INNER + shape.n(),
                "values, and what is kept of the shape"
            );
            shape
        };
        let mut values = [0; N];
        let inner = self.0.measure(filters, spectrum);
        for (place, value) in values.iter_mut().zip(inner) {
            *place = value;
        }
        let rest = values.get_mut(INNER..).unwrap_or_default();
        shape.write(spectrum, filters.bins(), rest);
        values
    }
}

/// Sums over the powers of bins that are shifted together, as those of a segment are.
#[derive(Clone, Copy)]
struct Sums {
    /// By how many bits.
    shift: u32,
    /// Of powers, at most 2^41.
    sum: u64,
    /// Of powers, each times the number of bins behind it: at most 2^51.
    running: u64,
}

impl Sums {
    #[inline(always)]
    fn of(bins: &[[i32; 2]]) -> Self {
        let mut magnitudes = 0;
        for [re, im] in bins {
            magnitudes |= (re ^ (re >> 31)) | (im ^ (im >> 31));
        }
        let mut sums = Self {
            // The largest part keeps 15 bits and a sign.
            shift: 17_u32.saturating_sub(magnitudes.leading_zeros()),
            sum: 0,
            running: 0,
        };
        for bin in bins {
            sums.running = sums.running.wrapping_add(sums.sum);
            sums.sum = sums.sum.wrapping_add(sums.power(*bin));
        }
        sums
    }

    /// The power of one of the bins, at most 2^31.
    #[inline(always)]
    fn power(self, bin: [i32; 2]) -> u64 {
        let [re, im] = bin.map(|part| part >> (self.shift & 31));
        let power = re.wrapping_mul(re).wrapping_add(im.wrapping_mul(im));
        u64::from(power.cast_unsigned())
    }
}

/// A frequency of `numerator / denominator` bins in units of 2^−16 of the sample rate, floored: below
/// half of it, 2^15.
fn in_rate<const M: usize>((numerator, denominator): (u64, u64)) -> i16 {
    // 2^16 by 2 M points; at most 2^52 for 2,048 of them, and each halving of these takes two bits.
    let raised = numerator << (15_u32.saturating_sub(M.trailing_zeros()) & 63);
    raised.checked_div(denominator).unwrap_or(0).min(0x7fff) as i16
}

/// `Σ k p[k]`, and `Σ p[k]` to divide it by: at most 2^52 and 2^41.
fn centroid(sums: Sums, first: usize, n: usize) -> (u64, u64) {
    // The last place of all, less how far each bin is before it.
    let last = first.wrapping_add(n).wrapping_sub(1) as u64;
    let weighed = sums.sum.wrapping_mul(last).wrapping_sub(sums.running);
    (weighed, sums.sum)
}

/// How many bins come before the one with which 85 % are reached: 17 of 20 parts.
fn roll_off(sums: Sums, bins: &[[i32; 2]]) -> usize {
    let wanted = sums.sum.wrapping_mul(17);
    let mut so_far = 0_u64;
    let below = bins.iter().position(|bin| {
        so_far = so_far.wrapping_add(sums.power(*bin));
        so_far.wrapping_mul(20) >= wanted
    });
    below.unwrap_or(0)
}

/// Powers are at most 2^61, their sum 2^59 but for one each, as that of an energy is, and at most 2^10
/// logarithms of 15 bits are added up.
#[inline(never)]
fn flatness(bins: &[[i32; 2]]) -> i16 {
    let (mut logs, mut total) = (0_i32, 0_u64);
    for parts in bins {
        let [re, im] = parts.map(|part| u64::from(part.unsigned_abs()));
        let power = re.wrapping_mul(re).wrapping_add(im.wrapping_mul(im)).max(1);
        total = total.wrapping_add(power);
        logs = logs.wrapping_add(i32::from(log2(power)));
    }
    let n = bins.len();
    // To the nearest, halves upwards.
    let doubled = logs.wrapping_mul(2).wrapping_add(n as i32);
    let mean = doubled.checked_div(2 * n as i32).unwrap_or(0);
    let log_of_mean = i32::from(log2(total)) - i32::from(log2(n as u64));
    (mean - log_of_mean) as i16
}
