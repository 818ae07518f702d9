//! Bit-packed splits: per model, each field is as wide as its largest value needs.
//!
//! A split is `feature | threshold | argument`, from the low end, and splits follow each other
//! without a gap. The argument is one number that says what both children are: the first values
//! stand for pairs of leaves, listed in a table; then, per leaf, values for that leaf on the left
//! and a split on the right, and values for that leaf on the right and a split on the left; the
//! rest for two splits, of which the right one lies so many splits ahead, two at the least.

use crate::compact::Decoded;

/// Bytes after the last split that a read may touch.
pub const PADDING: usize = 7;
/// Most bits of one split: with up to 7 bits before it they fit a word of 64.
pub const SPLIT_BITS_MAX: u32 = 57;

/// Most splits of a table.
pub const LEN_MAX: usize = (u32::MAX >> 6) as usize;

/// Bit-packed splits and the widths of their fields.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'t> {
    /// Number of splits, at most [`LEN_MAX`].
    pub len: usize,
    /// The splits, low bits first, followed by [`PADDING`] bytes.
    pub bytes: &'t [u8],
    /// Bits of the feature's index.
    pub feature_bits: u8,
    /// Bits of the threshold.
    pub threshold_bits: u8,
    /// Added to the threshold field.
    pub threshold_base: i16,
    /// Bits of the argument.
    pub argument_bits: u8,
    /// Number of distinct leaves.
    pub n_leaves: u16,
    /// Pairs of leaves, left and right.
    pub pairs: &'t [[u16; 2]],
}

impl Packed<'_> {
    /// Bits of one split.
    #[inline(always)]
    #[must_use]
    pub const fn split_bits(&self) -> usize {
        self.feature_bits as usize + self.threshold_bits as usize + self.argument_bits as usize
    }

    /// Whether every read lies within the bytes.
    pub(crate) const fn is_sound(&self) -> bool {
        self.feature_bits <= 16
            && self.threshold_bits <= 16
            && self.argument_bits <= 32
            && self.split_bits() > 0
            && self.split_bits() <= SPLIT_BITS_MAX as usize
            // The bits of all splits are then fewer than 2^32, whatever the width of `usize`.
            && self.len <= LEN_MAX
            && self.bytes.len() >= (self.len * self.split_bits()).div_ceil(8) + PADDING
    }

    /// The bits of a split, at the low end; what follows it may stand above them.
    pub(crate) const fn bits(&self, index: usize) -> u64 {
        let at = index * self.split_bits();
        let mut bits = 0;
        let mut byte = 0;
        while byte < 8 {
            bits |= (self.bytes[at / 8 + byte] as u64) << (8 * byte);
            byte += 1;
        }
        bits >> (at % 8)
    }

    /// The threshold, from the bits of a split.
    #[inline(always)]
    pub(crate) const fn threshold(&self, bits: u64) -> i32 {
        let field = (bits >> self.feature_bits) & ((1 << self.threshold_bits) - 1);
        self.threshold_base as i32 + field as i32
    }

    #[inline(always)]
    pub(crate) const fn feature(&self, bits: u64) -> usize {
        (bits & ((1 << self.feature_bits) - 1)) as usize
    }

    #[inline(always)]
    pub(crate) const fn argument(&self, bits: u64) -> usize {
        let shifted = bits >> (self.feature_bits + self.threshold_bits);
        (shifted & ((1 << self.argument_bits) - 1)) as usize
    }

    pub(crate) const fn decode(&self, index: usize) -> Decoded {
        let bits = self.bits(index);
        let argument = self.argument(bits);
        let n_leaves = self.n_leaves as usize;
        let n_pairs = self.pairs.len();
        let (left, right, ahead) = if argument < n_pairs {
            let [left, right] = self.pairs[argument];
            (Some(left as usize), Some(right as usize), 0)
        } else if argument < n_pairs + n_leaves {
            (Some(argument - n_pairs), None, 0)
        } else if argument < n_pairs + 2 * n_leaves {
            (None, Some(argument - n_pairs - n_leaves), 0)
        } else {
            (None, None, argument - n_pairs - 2 * n_leaves + 2)
        };
        Decoded::with_leaves(self.feature(bits), left, right, ahead)
    }
}
