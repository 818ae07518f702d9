//! Twiddle factors in Q15 and the product with one, to the same bits with and without a wide
//! multiplication.

use crate::trigonometry::{cosine, sine};

/// A complex number: real part, imaginary part.
pub(crate) type Complex = [i32; 2];

/// `−e^(−iφ)` in Q15: the negative cosine above, the negative sine below.
///
/// Negated, since 16 bits hold −1 but not 1, and no product needs it the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twiddle(u32);

impl Twiddle {
    /// The factor of `turn / of` of a turn, clockwise; off by at most 2^−16 in each part.
    pub(crate) const fn new(turn: usize, of: usize) -> Self {
        let (cosine, sine) = (cosine(turn, of, 15), sine(turn, of, 15));
        Self(((-cosine) << 16 | (-sine & 0xffff)).cast_unsigned())
    }

    /// `−x · e^(−iφ) / 2`, each part floored: `x` within ±2^30.
    #[inline(always)]
    pub(crate) fn turn(self, x: Complex) -> Complex {
        if HAS_WIDE_MULTIPLY {
            self.turn_wide(x)
        } else {
            self.turn_by_halves(x)
        }
    }

    #[inline(always)]
    fn turn_wide(self, [re, im]: Complex) -> Complex {
        let cosine = i64::from((self.0 & 0xffff_0000).cast_signed());
        let sine = i64::from((self.0 << 16).cast_signed());
        let (re, im) = (i64::from(re), i64::from(im));
        [
            ((re * cosine + im * sine) >> 32) as i32,
            ((im * cosine + -re * sine) >> 32) as i32,
        ]
    }

    /// With `x = 2^16 h + l`, `l` signed: `⌊x c / 2^16⌋ = h c + ⌊l c / 2^16⌋`, and so for a sum of
    /// two such products, of which the lower halves together fit 32 bits.
    #[inline(always)]
    fn turn_by_halves(self, [re, im]: Complex) -> Complex {
        let cosine = self.0.cast_signed() >> 16;
        let sine = i32::from(self.0 as i16);
        let split = |x: i32| {
            let low = i32::from(x as i16);
            (x.wrapping_sub(low) >> 16, low)
        };
        let ((re_high, re_low), (im_high, im_low)) = (split(re), split(im));
        let times = i32::wrapping_mul;
        let low = times(re_low, cosine).wrapping_add(times(im_low, sine)) >> 16;
        let high = times(re_high, cosine).wrapping_add(times(im_high, sine));
        let cross_low = times(im_low, cosine).wrapping_sub(times(re_low, sine)) >> 16;
        let cross_high = times(im_high, cosine).wrapping_sub(times(re_high, sine));
        [high.wrapping_add(low), cross_high.wrapping_add(cross_low)]
    }
}

/// Whether the core multiplies 32 bits to 64 in an instruction. Of the Arm cores those without
/// atomic exchanges do not, and stable Rust tells these apart.
pub(crate) const HAS_WIDE_MULTIPLY: bool =
    cfg!(any(not(target_arch = "arm"), target_has_atomic = "32"));

#[cfg(test)]
mod tests {
    use super::*;

    /// Values up to the limits of the widths, and a generator's (D. Knuth's multiplier).
    fn values() -> impl Iterator<Item = i32> {
        let ends = [
            0,
            1,
            -1,
            0x7fff,
            0x8000,
            -0x8000,
            -0x8001,
            0xffff,
            1 << 30,
            -(1 << 30),
        ];
        let mut state = 1_u64;
        let others = core::iter::repeat_with(move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let shift = state >> 59;
            (state.cast_signed() >> 33 >> shift) as i32
        });
        ends.into_iter().chain(others.take(300))
    }

    #[test]
    fn halves_give_the_bits_of_the_wide_product() {
        for turn in 0..2048 {
            let factor = Twiddle::new(turn, 2048);
            let mut before = 1 << 30;
            for value in values() {
                for x in [[value, before], [before, value]] {
                    assert_eq!(
                        factor.turn_wide(x),
                        factor.turn_by_halves(x),
                        "{turn} {x:?}"
                    );
                }
                before = value;
            }
        }
    }

    #[test]
    fn the_widest_sums_of_halves_fit() {
        // |cos| + |sin| is largest at an eighth of a turn, and the lower halves at -2^15.
        for turn in (256..2048).step_by(512) {
            let factor = Twiddle::new(turn, 2048);
            for x in [[-0x8000, -0x8000], [-0x8000, 0x7fff], [0x7fff, -0x8000]] {
                assert_eq!(factor.turn_wide(x), factor.turn_by_halves(x));
            }
        }
    }
}
