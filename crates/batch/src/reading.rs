//! The types of readings that rows may hold, and the order in which all their values lie.

use std::ops::RangeInclusive;

use spinney_quantize::QuantModel;

use crate::engine::{Engine, Results};

/// A type of readings: `f32` or `f64`.
pub trait Reading: key::Key + std::fmt::Debug + 'static {
    /// Places of all values but NaN, minus infinity first, plus infinity last; −0 comes right
    /// before +0.
    #[doc(hidden)]
    const PLACES: RangeInclusive<i64>;
    /// The value at a place.
    #[doc(hidden)]
    fn at(place: i64) -> Self;
    /// The same number in double precision.
    #[doc(hidden)]
    fn widen(self) -> f64;
    /// Whether the reading is no number.
    #[doc(hidden)]
    fn is_nan(self) -> bool;
    /// The reading as a byte: truncated and saturated, 0 for NaN.
    #[doc(hidden)]
    fn byte(self) -> u8;
    /// The model laid out for such readings.
    #[doc(hidden)]
    fn engine(model: &QuantModel) -> Engine<Self>;
    /// Predicts rows, one after the other.
    #[doc(hidden)]
    fn fill(
        engine: &Engine<Self>,
        pool: Option<&rayon::ThreadPool>,
        rows: &[Self],
        results: Results<'_>,
    );
}

/// Kept from users' sight, which also keeps them from adding types of readings.
pub(crate) mod key {
    /// What a split compares: a reading, or a byte.
    pub trait Key: Copy + PartialOrd + Default + Send + Sync {
        /// No key is below it.
        const LOWEST: Self;
        /// No key is above it.
        const HIGHEST: Self;
        /// A number as wide as a key, so that a comparison of keys selects among numbers.
        type Lane: Lane;
    }

    /// A word, or the number of one of few leaves, as wide as a key.
    pub trait Lane: Copy + std::fmt::Debug + Send + Sync {
        /// Whether all words of 32 bits are told apart.
        const IS_WIDE: bool;
        /// The lowest bits of a word.
        fn of(word: u32) -> Self;
        /// The word again, if it was that narrow.
        fn word(self) -> u32;
        /// One more, if it is counted.
        fn counted(self, is_counted: bool) -> Self;
        /// One of two words. Without a choice between places in memory, into which compilers turn an
        /// `if`.
        fn select(is_high: bool, low: Self, high: Self) -> Self;
    }

    macro_rules! lane {
        ($type:ty) => {
            #[expect(clippy::allow_attributes, reason = "each holds for some types")]
            #[allow(
                clippy::cast_lossless,
                clippy::cast_possible_truncation,
                clippy::unnecessary_cast,
                reason = "words keep their lowest bits"
            )]
            impl Lane for $type {
                const IS_WIDE: bool = size_of::<Self>() >= size_of::<u32>();

                #[inline(always)]
                fn of(word: u32) -> Self {
                    word as Self
                }

                #[inline(always)]
                fn word(self) -> u32 {
                    self as u32
                }

                #[inline(always)]
                fn counted(self, is_counted: bool) -> Self {
                    self + Self::from(is_counted)
                }

                #[inline(always)]
                fn select(is_high: bool, low: Self, high: Self) -> Self {
                    low ^ ((low ^ high) & Self::from(is_high).wrapping_neg())
                }
            }
        };
    }
    lane!(u8);
    lane!(u32);
    lane!(u64);

    impl Key for u8 {
        type Lane = u8;
        const LOWEST: Self = Self::MIN;
        const HIGHEST: Self = Self::MAX;
    }

    impl Key for f32 {
        type Lane = u32;
        const LOWEST: Self = Self::NEG_INFINITY;
        const HIGHEST: Self = Self::INFINITY;
    }

    impl Key for f64 {
        type Lane = u64;
        const LOWEST: Self = Self::NEG_INFINITY;
        const HIGHEST: Self = Self::INFINITY;
    }
}

/// A type of readings with the type of its bits, the place of infinity, and a number so large that one
/// added to it is rounded to an integer, which ends its bits.
macro_rules! reading {
    ($type:ty, $bits:ty, $last:literal, $large:literal) => {
        impl Reading for $type {
            const PLACES: RangeInclusive<i64> = -1 - $last..=$last;

            fn at(place: i64) -> Self {
                // Casts: places lie within the bits.
                match place {
                    0.. => Self::from_bits(place as $bits),
                    _ => -Self::from_bits((-1 - place) as $bits),
                }
            }

            #[inline(always)]
            fn widen(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                Self::is_nan(self)
            }

            #[inline(always)]
            fn byte(self) -> u8 {
                // `as u8`, in steps that compilers have vector instructions for: NaN is above nothing.
                let kept = if self > 0.0 { self } else { 0.0 };
                let kept = if kept < 255.0 { kept } else { 255.0 };
                let sum = kept + $large;
                let is_rounded_up = sum - $large > kept;
                sum.to_bits().to_le_bytes()[0].wrapping_sub(u8::from(is_rounded_up))
            }

            fn engine(model: &QuantModel) -> Engine<Self> {
                Engine::new(model)
            }

            fn fill(
                engine: &Engine<Self>,
                pool: Option<&rayon::ThreadPool>,
                rows: &[Self],
                results: Results<'_>,
            ) {
                engine.fill(pool, rows, results);
            }
        }
    };
}
reading!(f32, u32, 0x7f80_0000, 8_388_608.0);
reading!(f64, u64, 0x7ff0_0000_0000_0000, 4_503_599_627_370_496.0);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<R: Reading>() {
        let (first, last) = (*R::PLACES.start(), *R::PLACES.end());
        assert_eq!(R::at(first).widen(), f64::NEG_INFINITY);
        assert_eq!(R::at(last).widen(), f64::INFINITY);
        assert!(R::at(0).widen().is_sign_positive() && R::at(0).widen() == 0.0);
        assert!(R::at(-1).widen().is_sign_negative() && R::at(-1).widen() == 0.0);
        let step = last / 10_007;
        for place in (0..last - 1).step_by(usize::try_from(step).unwrap()) {
            assert!(R::at(place) < R::at(place + 1));
            assert!(R::at(-2 - place) < R::at(-1 - place));
            assert_eq!(R::at(-1 - place).widen(), -R::at(place).widen());
        }
    }

    #[test]
    fn a_byte_is_truncated_and_saturated() {
        // Casts: is meant.
        fn check(single: f32) {
            let double = f64::from(single);
            assert_eq!(single.byte(), single as u8, "{single}");
            for double in [double.next_down(), double, double.next_up()] {
                assert_eq!(double.byte(), double as u8, "{double}");
            }
        }
        for single in [
            f32::NAN,
            -f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -0.0,
            f32::MAX,
        ] {
            check(single);
        }
        // Every 64th float there is, and all that are near a byte.
        for bits in (0..=u32::MAX).step_by(64) {
            check(f32::from_bits(bits));
        }
        for sixteenth in -32_i16..16 * 260 {
            let at = f32::from(sixteenth) / 16.0;
            for single in [at.next_down(), at, at.next_up()] {
                check(single);
            }
        }
    }

    #[test]
    fn places_are_in_order() {
        check::<f32>();
        check::<f64>();
    }
}
