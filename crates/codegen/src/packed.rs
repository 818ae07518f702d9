//! Bit-packed splits; the twin of the runtime's `packed.rs`.

use std::collections::BTreeMap;

use spinney_runtime::packed::{self as runtime, LEN_MAX, PADDING, SPLIT_BITS_MAX};

use crate::compact::{bits, number};
use crate::trees::{Child, Tree};

/// The runtime's packed splits, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub len: usize,
    pub bytes: Vec<u8>,
    pub feature_bits: u8,
    pub threshold_bits: u8,
    pub threshold_base: i16,
    pub argument_bits: u8,
    pub n_leaves: u16,
    pub pairs: Vec<[u16; 2]>,
}

impl Packed {
    /// Packs trees, each of which has a split; `None` if a split takes more bits than are read, or
    /// if there are more splits than a table holds.
    pub(crate) fn new(trees: &[Tree], n_codes: usize) -> Option<Self> {
        let splits = || trees.iter().flat_map(|tree| tree.splits.iter().enumerate());
        let mut pair_numbers: BTreeMap<[u16; 2], u32> = BTreeMap::new();
        let mut n_leaves = 0;
        let mut ahead_max = 2;
        for (at, split) in splits() {
            for child in split.children {
                if let Child::Leaf(leaf) = child {
                    n_leaves = n_leaves.max(u16::try_from(leaf + 1).ok()?);
                }
            }
            match split.children {
                [Child::Leaf(left), Child::Leaf(right)] => {
                    let pair = [u16::try_from(left).ok()?, u16::try_from(right).ok()?];
                    pair_numbers.insert(pair, 0);
                }
                [Child::Split(_), Child::Split(right)] => {
                    ahead_max = ahead_max.max(number(right - at));
                }
                _ => {}
            }
        }
        for (index, place) in (0..).zip(pair_numbers.values_mut()) {
            *place = index;
        }
        let pairs: Vec<[u16; 2]> = pair_numbers.keys().copied().collect();
        let first_left = number(pairs.len());
        let first_right = first_left + u32::from(n_leaves);
        let first_ahead = first_right + u32::from(n_leaves);
        let lowest = splits().map(|(_, split)| split.threshold).min()?;
        let highest = splits().map(|(_, split)| split.threshold).max()?;
        // Where it costs no bit, the base is zero, which saves the addition.
        let plain = u32::try_from(highest)
            .ok()
            .filter(|_| lowest >= 0)
            .map(bits);
        let spread = bits(u32::from(highest.abs_diff(lowest)));
        let (threshold_base, threshold_bits) = match plain {
            Some(plain) if plain <= spread => (0, plain),
            _ => (lowest, spread),
        };
        let mut packed = Self {
            len: splits().count(),
            bytes: Vec::new(),
            feature_bits: bits(number(n_codes - 1)),
            threshold_bits,
            threshold_base,
            argument_bits: bits(first_ahead + ahead_max - 2),
            n_leaves,
            pairs,
        };
        let width = usize::from(packed.feature_bits)
            + usize::from(packed.threshold_bits)
            + usize::from(packed.argument_bits);
        if width > SPLIT_BITS_MAX as usize || width == 0 || packed.len > LEN_MAX {
            return None;
        }
        packed.bytes = vec![0; (packed.len * width).div_ceil(8) + PADDING];
        for (index, (at, split)) in splits().enumerate() {
            let argument = match split.children {
                [Child::Leaf(left), Child::Leaf(right)] => {
                    let pair = [left, right].map(|leaf| u16::try_from(leaf).expect("checked"));
                    pair_numbers[&pair]
                }
                [Child::Leaf(left), Child::Split(_)] => first_left + number(left),
                [Child::Split(_), Child::Leaf(right)] => first_right + number(right),
                [Child::Split(_), Child::Split(right)] => first_ahead + number(right - at) - 2,
            };
            let threshold = split.threshold.abs_diff(threshold_base);
            let bits = u64::from(split.feature)
                | u64::from(threshold) << packed.feature_bits
                | u64::from(argument) << (packed.feature_bits + packed.threshold_bits);
            let first_bit = index * width;
            let place = &mut packed.bytes[first_bit / 8..][..8];
            let old = u64::from_le_bytes(place.try_into().expect("eight bytes"));
            place.copy_from_slice(&(old | bits << (first_bit % 8)).to_le_bytes());
        }
        Some(packed)
    }

    pub(crate) fn table_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(self.pairs.as_slice())
    }

    /// The runtime's view of the splits.
    pub(crate) fn runtime(&self) -> runtime::Packed<'_> {
        runtime::Packed {
            len: self.len,
            bytes: &self.bytes,
            feature_bits: self.feature_bits,
            threshold_bits: self.threshold_bits,
            threshold_base: self.threshold_base,
            argument_bits: self.argument_bits,
            n_leaves: self.n_leaves,
            pairs: &self.pairs,
        }
    }
}
