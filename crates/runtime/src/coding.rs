//! From raw readings to 16-bit codes, with integer arithmetic alone.
//!
//! Every coding is monotone: a larger reading never gets a smaller code. NaN counts as larger than
//! any number, so that `x <= t` is false for it, as in IEEE 754.

/// A reading of some type, as the integers that codings work on.
pub trait Reading: Copy {
    /// `⌊reading · 2^shift⌋ − offset`, saturated to 16 bits.
    fn affine(self, shift: i8, offset: i32) -> i16;
    /// An integer that orders readings as their values do; NaN comes last, −0 equals +0.
    fn order(self) -> i32;
}

impl Reading for i16 {
    #[inline]
    fn affine(self, shift: i8, offset: i32) -> i16 {
        i32::from(self).affine(shift, offset)
    }
    #[inline]
    fn order(self) -> i32 {
        i32::from(self)
    }
}

impl Reading for i32 {
    #[inline]
    fn affine(self, shift: i8, offset: i32) -> i16 {
        let floor = if shift < 0 {
            // An arithmetic shift is a floor.
            i64::from(self >> shift.unsigned_abs().min(31))
        } else {
            i64::from(self) << shift.unsigned_abs().min(31)
        };
        saturate(floor - i64::from(offset))
    }
    #[inline]
    fn order(self) -> i32 {
        self
    }
}

/// The bits of an IEEE 754 single, so that no float type appears in this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SingleBits(pub u32);

const INFINITY: u32 = 0x7f80_0000;

impl Reading for SingleBits {
    #[inline]
    fn affine(self, shift: i8, offset: i32) -> i16 {
        let magnitude = self.0 & 0x7fff_ffff;
        let is_negative = self.0 >> 31 != 0;
        if magnitude > INFINITY {
            return i16::MAX;
        }
        // The value is significand · 2^exponent; subnormals have the exponent of the least normal.
        let biased = magnitude >> 23;
        let fraction = magnitude & 0x007f_ffff;
        let (significand, exponent) = match biased {
            0 => (fraction, -149),
            _ => (fraction | 0x0080_0000, biased.cast_signed() - 150),
        };
        let exponent = exponent + i32::from(shift);
        // A significand of 2^23 or more, shifted by 9, is beyond any offset, which is an i32.
        if magnitude == INFINITY || exponent > 8 {
            return if is_negative { i16::MIN } else { i16::MAX };
        }
        let floor = if exponent >= 0 {
            let scaled = i64::from(significand) << exponent.unsigned_abs().min(8);
            if is_negative { -scaled } else { scaled }
        } else {
            let signed = if is_negative {
                -significand.cast_signed()
            } else {
                significand.cast_signed()
            };
            i64::from(signed >> exponent.unsigned_abs().min(31))
        };
        saturate(floor - i64::from(offset))
    }

    #[inline]
    fn order(self) -> i32 {
        let magnitude = self.0 & 0x7fff_ffff;
        if magnitude > INFINITY {
            return i32::MAX;
        }
        if self.0 >> 31 == 0 {
            magnitude.cast_signed()
        } else {
            -magnitude.cast_signed()
        }
    }
}

#[inline]
fn saturate(value: i64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the range")]
    let code = value.clamp(i16::MIN as i64, i16::MAX as i64) as i16;
    code
}

/// `⌊reading · 2^shift⌋ − offset`, saturated. `shift` 0 and `offset` 0 is the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affine {
    /// Binary digits that the reading is scaled up by; negative scales down.
    pub shift: i8,
    /// Subtracted after scaling, in codes.
    pub offset: i32,
}

impl Affine {
    /// The code of a reading.
    #[inline]
    pub fn code<R: Reading>(&self, reading: R) -> i16 {
        reading.affine(self.shift, self.offset)
    }
}

/// The number of cuts below the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank<'t> {
    /// Cuts in ascending [`Reading::order`], at most 32,767.
    pub cuts: &'t [i32],
}

impl Rank<'_> {
    /// The code of a reading, by binary search.
    #[inline]
    pub fn code<R: Reading>(&self, reading: R) -> i16 {
        let order = reading.order();
        let below = self.cuts.partition_point(|cut| *cut < order);
        i16::try_from(below).unwrap_or(i16::MAX)
    }
}

/// How one feature is coded, where features differ in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding<'t> {
    /// Scaled and shifted.
    Affine(Affine),
    /// Ranked among cuts.
    Rank(Rank<'t>),
}

impl Coding<'_> {
    /// The code of a reading.
    #[inline]
    pub fn code<R: Reading>(&self, reading: R) -> i16 {
        match self {
            Self::Affine(affine) => affine.code(reading),
            Self::Rank(rank) => rank.code(reading),
        }
    }
}
