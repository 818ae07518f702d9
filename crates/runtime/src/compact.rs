//! Trees in three, four or six bytes per split, or bit-packed: the tables that ship.
//!
//! The splits of a tree stand in preorder. A child that is a leaf is written into the node itself,
//! and the child that follows a node in the table needs no pointer: the left one, or the right one
//! where the left one is a leaf. What remains, in a field called the *argument*, is either how many
//! nodes lie between a split and its right child, or a leaf's number, or both leaves side by side.

use crate::coding::Code;
use crate::packed::Packed;
use crate::votes::{Lanes, lead, lead_lanes, most};
use crate::{ShapeError, TableError, argmax, walk};

/// Tables of an ensemble, not yet checked.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'t> {
    /// Number of features, 1 to 65,535.
    pub n_features: usize,
    /// Number of classes, 1 to 255.
    pub n_classes: usize,
    /// Where each tree starts, in nodes, in bytes where a node takes three, or in bits where nodes
    /// are packed; it ends where the next one starts.
    pub starts: &'t [u32],
    /// The splits of all trees, tree after tree.
    pub nodes: Nodes<'t>,
    /// What a leaf's number means.
    pub leaves: Leaves<'t>,
}

/// Splits in one of the formats.
#[derive(Debug, Clone, Copy)]
pub enum Nodes<'t> {
    /// Argument 8 bits; two leaf marks below 6 bits of feature; threshold 8 bits.
    Three {
        /// One byte that is not used, then three per split.
        bytes: &'t [u8],
        /// Whether the core reads words from any address; then a split is one load.
        unaligned: bool,
    },
    /// From the low end: feature, argument, two leaf marks, threshold.
    Four {
        /// One word per split.
        words: &'t [u32],
        /// 8 for thresholds from 0 to 255, or 16 for signed ones.
        threshold_bits: u8,
        /// Bits of the feature's index, 1 to 14.
        feature_bits: u8,
    },
    /// A signed threshold, and the other fields in two halves of a word, the low one first.
    Six {
        /// Three halfwords per split.
        halves: &'t [[u16; 3]],
        /// Bits of the feature's index, 1 to 16.
        feature_bits: u8,
    },
    /// As many bits as the model needs.
    Packed(Packed<'t>),
}

/// When the remaining trees need not be asked any more.
#[derive(Debug, Clone, Copy)]
pub enum Enough<'t> {
    /// As soon as a class has so many votes; for leaves of classes.
    Votes(u32),
    /// As soon as the best class leads the second by more than the entry of the tree just asked;
    /// `u32::MAX`, or no entry, ends nothing. For leaves of votes.
    Leads(&'t [u32]),
}

/// What a leaf's number means.
#[derive(Debug, Clone, Copy)]
pub enum Leaves<'t> {
    /// The number is a class, which gets one vote.
    Classes,
    /// The number is a row of 8-bit votes, four classes to a word, lowest byte first; bytes beyond
    /// the last class are zero.
    Lanes(&'t [u32]),
    /// The number is a row of 16-bit votes, one per class.
    Words(&'t [u16]),
}

/// A split read out of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub feature: usize,
    pub left: Child,
    pub right: Child,
}

/// Where a split leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    /// So many nodes ahead.
    Ahead(usize),
    /// To a leaf with this number.
    Leaf(usize),
}

impl Nodes<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Three { bytes, .. } => bytes.len() / 3,
            Self::Four { words, .. } => words.len(),
            Self::Six { halves, .. } => halves.len(),
            Self::Packed(packed) => packed.len,
        }
    }

    const fn decode(&self, index: usize) -> Decoded {
        match self {
            Self::Three { bytes, .. } => {
                let argument = bytes[3 * index + 1];
                let feature = bytes[3 * index + 2];
                Decoded::new(
                    (feature >> 2) as usize,
                    feature & LEFT as u8 != 0,
                    feature & RIGHT as u8 != 0,
                    argument as usize,
                    4,
                )
            }
            Self::Four {
                words,
                threshold_bits,
                feature_bits,
            } => Layout::new(*threshold_bits, *feature_bits).decode(words[index]),
            Self::Six {
                halves,
                feature_bits,
            } => {
                let [_, low, high] = halves[index];
                Layout::new(0, *feature_bits).decode(low as u32 | (high as u32) << 16)
            }
            Self::Packed(packed) => packed.decode(index),
        }
    }
}

/// Mark below the feature in [`Nodes::Three`], and above the argument elsewhere: the left child is a leaf.
pub const LEFT: u16 = 1;
/// As [`LEFT`], for the right child.
pub const RIGHT: u16 = 2;

impl Decoded {
    /// A split from its fields: leaves side by side in the argument, each `leaf_bits` wide.
    const fn new(
        feature: usize,
        is_left_leaf: bool,
        is_right_leaf: bool,
        argument: usize,
        leaf_bits: u32,
    ) -> Self {
        let low = argument & ((1 << leaf_bits) - 1);
        let high = argument >> leaf_bits;
        let left = if is_left_leaf { Some(low) } else { None };
        let right = if is_right_leaf { Some(high) } else { None };
        Self::with_leaves(feature, left, right, argument + 1)
    }

    /// A split whose children are leaves where they have a number; `n_ahead` counts if none is.
    pub(crate) const fn with_leaves(
        feature: usize,
        left: Option<usize>,
        right: Option<usize>,
        n_ahead: usize,
    ) -> Self {
        Self {
            feature,
            left: match left {
                Some(leaf) => Child::Leaf(leaf),
                None => Child::Ahead(1),
            },
            right: match (left, right) {
                (_, Some(leaf)) => Child::Leaf(leaf),
                (Some(_), None) => Child::Ahead(1),
                (None, None) => Child::Ahead(n_ahead),
            },
        }
    }
}

/// Widths within a word: feature, argument, leaf marks, threshold, from the low end.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    threshold_bits: u32,
    feature_bits: u32,
    argument_bits: u32,
}

impl Layout {
    /// The layout for a threshold of 8 or 16 bits in the word, or none, and this width of the
    /// feature; the argument gets what is left.
    #[inline(always)]
    #[must_use]
    pub const fn new(threshold_bits: u8, feature_bits: u8) -> Self {
        let threshold_bits = match threshold_bits {
            0 => 0,
            8 => 8,
            _ => 16,
        };
        let most = 30 - threshold_bits;
        let feature_bits = if (feature_bits as u32) < most {
            feature_bits as u32
        } else {
            most
        };
        Self {
            threshold_bits,
            feature_bits,
            argument_bits: most - feature_bits,
        }
    }

    const fn decode(self, word: u32) -> Decoded {
        Decoded::new(
            self.feature(word),
            self.is_left_leaf(word),
            self.is_right_leaf(word),
            self.argument(word),
            self.argument_bits / 2,
        )
    }

    /// Bits of the argument; a leaf's number gets half of them, rounded down.
    #[must_use]
    pub const fn argument_bits(self) -> u32 {
        self.argument_bits
    }

    /// The word of a split; `marks` are [`LEFT`] and [`RIGHT`], or neither.
    #[must_use]
    pub const fn word(self, feature: u32, threshold: i16, argument: u32, marks: u32) -> u32 {
        let rest = feature | argument << self.feature_bits | marks << (30 - self.threshold_bits);
        if self.threshold_bits == 0 {
            return rest;
        }
        rest | (threshold.cast_unsigned() as u32) << (32 - self.threshold_bits)
    }

    #[inline(always)]
    pub(crate) const fn feature(self, word: u32) -> usize {
        (word & ((1 << self.feature_bits) - 1)) as usize
    }

    #[inline(always)]
    pub(crate) const fn argument(self, word: u32) -> usize {
        ((word >> self.feature_bits) & ((1 << self.argument_bits) - 1)) as usize
    }

    #[inline(always)]
    pub(crate) const fn low_leaf(self, word: u32) -> usize {
        ((word >> self.feature_bits) & ((1 << (self.argument_bits / 2)) - 1)) as usize
    }

    #[inline(always)]
    pub(crate) const fn high_leaf(self, word: u32) -> usize {
        self.argument(word) >> (self.argument_bits / 2)
    }

    #[inline(always)]
    pub(crate) const fn is_left_leaf(self, word: u32) -> bool {
        word & (1 << (30 - self.threshold_bits)) != 0
    }

    #[inline(always)]
    pub(crate) const fn is_right_leaf(self, word: u32) -> bool {
        word & (1 << (31 - self.threshold_bits)) != 0
    }

    #[inline(always)]
    pub(crate) const fn threshold(self, word: u32) -> i32 {
        if self.threshold_bits == 8 {
            (word >> 24).cast_signed()
        } else {
            word.cast_signed() >> 16
        }
    }
}

/// A checked ensemble. Its walks stay within the tables and end after at most as many steps as a
/// tree has splits.
#[derive(Debug, Clone, Copy)]
pub struct Forest<'t> {
    tables: Tables<'t>,
}

impl<'t> Forest<'t> {
    /// Checks tables, at compile time in a generated crate; linear in their length.
    ///
    /// # Errors
    /// The first thing found that a walk could stumble over.
    pub const fn new(tables: Tables<'t>) -> Result<Self, TableError> {
        let n_nodes = tables.nodes.len();
        if tables.n_features == 0
            || tables.n_features > 65_535
            || tables.n_classes == 0
            || tables.n_classes > 255
            || tables.starts.is_empty()
            || tables.starts.len() > 65_535
            || n_nodes > u32::MAX as usize
        {
            return Err(TableError::Count);
        }
        if let Nodes::Four {
            threshold_bits,
            feature_bits,
            ..
        } = tables.nodes
            && ((threshold_bits != 8 && threshold_bits != 16)
                || feature_bits == 0
                || feature_bits > 14)
        {
            return Err(TableError::Count);
        }
        if let Nodes::Six { feature_bits, .. } = tables.nodes
            && (feature_bits == 0 || feature_bits > 16)
        {
            return Err(TableError::Count);
        }
        if let Nodes::Three { bytes, .. } = tables.nodes
            && bytes.len() % 3 != 1
        {
            return Err(TableError::Count);
        }
        if let Nodes::Packed(packed) = &tables.nodes
            && !packed.is_sound()
        {
            return Err(TableError::Count);
        }
        let n_leaves = match tables.leaves {
            Leaves::Classes => tables.n_classes,
            Leaves::Lanes(rows) => {
                // Sums of 8-bit votes stay within lanes of 16 bits.
                let n_words = tables.n_classes.div_ceil(4);
                if rows.len() % n_words != 0 || tables.starts.len() > 257 {
                    return Err(TableError::Leaf);
                }
                // A class that does not exist must not win.
                let unused = u32::MAX.wrapping_shl(8 * (tables.n_classes as u32 % 4));
                let mut last = n_words - 1;
                while last < rows.len() && !tables.n_classes.is_multiple_of(4) {
                    if rows[last] & unused != 0 {
                        return Err(TableError::Leaf);
                    }
                    last += n_words;
                }
                rows.len() / n_words
            }
            Leaves::Words(rows) if rows.len() % tables.n_classes == 0 => {
                rows.len() / tables.n_classes
            }
            Leaves::Words(_) => return Err(TableError::Leaf),
        };
        let unit = match tables.nodes {
            Nodes::Three { .. } => 3,
            Nodes::Packed(packed) => packed.split_bits(),
            _ => 1,
        };
        let mut tree = 0;
        while tree < tables.starts.len() {
            let first = tables.starts[tree] as usize / unit;
            if !(tables.starts[tree] as usize).is_multiple_of(unit) {
                return Err(TableError::TreeRange);
            }
            let end = if tree + 1 < tables.starts.len() {
                tables.starts[tree + 1] as usize / unit
            } else {
                n_nodes
            };
            if first >= end || end > n_nodes {
                return Err(TableError::TreeRange);
            }
            let mut at = first;
            while at < end {
                let split = tables.nodes.decode(at);
                if split.feature >= tables.n_features {
                    return Err(TableError::Feature);
                }
                let mut side = 0;
                while side < 2 {
                    match if side == 0 { split.left } else { split.right } {
                        Child::Leaf(leaf) => {
                            if leaf >= n_leaves {
                                return Err(TableError::Leaf);
                            }
                        }
                        Child::Ahead(n_ahead) => {
                            if n_ahead == 0 || n_ahead >= end - at {
                                return Err(TableError::Child);
                            }
                        }
                    }
                    side += 1;
                }
                at += 1;
            }
            tree += 1;
        }
        Ok(Self { tables })
    }

    /// Calls `visit` with the number of the leaf that each tree sends the row to, tree after tree,
    /// until it returns `false`.
    ///
    /// # Errors
    /// A row of another length than the model's.
    #[inline(always)]
    pub fn each_leaf<C: Code>(
        &self,
        codes: &[C],
        visit: impl FnMut(usize) -> bool,
    ) -> Result<(), ShapeError> {
        if codes.len() != self.tables.n_features {
            return Err(ShapeError);
        }
        walk::each_compact_leaf(&self.tables, codes, visit);
        Ok(())
    }

    /// The votes of all trees: `scores[class]`.
    ///
    /// # Errors
    /// A row or a number of classes `N` other than the model's.
    #[inline(always)]
    pub fn scores<const N: usize, C: Code>(&self, codes: &[C]) -> Result<[u32; N], ShapeError> {
        let mut scores = [0_u32; N];
        if N != self.tables.n_classes {
            return Err(ShapeError);
        }
        self.each_leaf(codes, |leaf| {
            match self.tables.leaves {
                Leaves::Classes => {
                    if let Some(score) = scores.get_mut(leaf) {
                        *score = score.wrapping_add(1);
                    }
                }
                Leaves::Lanes(rows) => {
                    let row = rows.get(leaf * N.div_ceil(4)..).unwrap_or(&[]);
                    for (scores, word) in scores.chunks_mut(4).zip(row) {
                        for (score, vote) in scores.iter_mut().zip(word.to_le_bytes()) {
                            *score = score.wrapping_add(u32::from(vote));
                        }
                    }
                }
                Leaves::Words(rows) => add(&mut scores, rows.get(leaf * N..)),
            }
            true
        })?;
        Ok(scores)
    }

    /// The class with most votes, the lowest among equals. `W` is the number of classes divided by
    /// four, rounded up.
    ///
    /// # Errors
    /// A row, a number of classes `N` or of words `W` other than the model's.
    #[inline(always)]
    pub fn classify<const N: usize, const W: usize, C: Code>(
        &self,
        codes: &[C],
    ) -> Result<usize, ShapeError> {
        if N != self.tables.n_classes || W != N.div_ceil(4) {
            return Err(ShapeError);
        }
        match self.tables.leaves {
            Leaves::Classes => self.majority::<N, C>(codes, u32::MAX),
            Leaves::Lanes(rows) => {
                let mut lanes = Lanes::<W>::new();
                self.each_leaf(codes, |leaf| {
                    lanes.add(rows, leaf);
                    true
                })?;
                Ok(lanes.argmax(N))
            }
            Leaves::Words(rows) => {
                let mut sums = [0_u32; N];
                self.each_leaf(codes, |leaf| {
                    add(&mut sums, rows.get(leaf * N..));
                    true
                })?;
                Ok(argmax(&sums))
            }
        }
    }

    /// As [`Forest::classify`], and stops as soon as there is `enough`.
    ///
    /// The class is that of [`Forest::classify`] if `enough` is a majority of all trees, or, tree
    /// by tree, a lead that the remaining trees cannot make up for.
    ///
    /// # Errors
    /// A row, a number of classes `N` or of words `W` other than the model's.
    #[inline(always)]
    pub fn classify_early<const N: usize, const W: usize, C: Code>(
        &self,
        codes: &[C],
        enough: Enough<'_>,
    ) -> Result<usize, ShapeError> {
        if N != self.tables.n_classes || W != N.div_ceil(4) {
            return Err(ShapeError);
        }
        let mut leads = match enough {
            Enough::Leads(leads) => leads.iter(),
            Enough::Votes(_) => [].iter(),
        };
        match self.tables.leaves {
            Leaves::Classes => {
                let Enough::Votes(votes) = enough else {
                    return self.classify::<N, W, C>(codes);
                };
                self.majority::<N, C>(codes, votes)
            }
            Leaves::Lanes(rows) => {
                let mut lanes = Lanes::<W>::new();
                self.each_leaf(codes, |leaf| {
                    lanes.add(rows, leaf);
                    match leads.next().copied() {
                        None | Some(u32::MAX) => true,
                        Some(needed) => lead_lanes(&lanes, N) <= needed,
                    }
                })?;
                Ok(lanes.argmax(N))
            }
            Leaves::Words(rows) => {
                let mut sums = [0_u32; N];
                self.each_leaf(codes, |leaf| {
                    add(&mut sums, rows.get(leaf * N..));
                    match leads.next().copied() {
                        None | Some(u32::MAX) => true,
                        Some(needed) => lead(&sums) <= needed,
                    }
                })?;
                Ok(argmax(&sums))
            }
        }
    }
}

impl Forest<'_> {
    #[inline(always)]
    fn majority<const N: usize, C: Code>(
        &self,
        codes: &[C],
        enough: u32,
    ) -> Result<usize, ShapeError> {
        if self.tables.starts.len() <= 255 {
            self.count::<N, C, u8>(codes, enough)
        } else {
            self.count::<N, C, u16>(codes, enough)
        }
    }

    #[inline(always)]
    fn count<const N: usize, C: Code, V: Count>(
        &self,
        codes: &[C],
        enough: u32,
    ) -> Result<usize, ShapeError> {
        let mut counts = [V::default(); N];
        let mut decided = None;
        // 256 times a count less its class: the largest such key belongs to the class with most
        // votes, the lowest among equals. With few trees keeping it up to date is cheaper than
        // looking at all classes in the end.
        let keeps_key = self.tables.starts.len() <= N;
        let mut key = 0;
        self.each_leaf(codes, |leaf| {
            if let Some(count) = counts.get_mut(leaf) {
                let votes = (*count).into() + 1;
                *count = V::of(votes);
                if votes >= enough {
                    decided = Some(leaf);
                    return false;
                }
                if keeps_key {
                    key = key.max((votes << 8).wrapping_sub(leaf as u32));
                }
            }
            true
        })?;
        Ok(decided.unwrap_or_else(|| {
            if keeps_key {
                (key.wrapping_neg() & 0xff) as usize
            } else {
                most(&counts)
            }
        }))
    }
}

/// A count of votes, in the narrowest type that holds the number of trees.
trait Count: Copy + Default + PartialOrd + Into<u32> {
    /// A count of votes, at most the number of trees.
    fn of(votes: u32) -> Self;
}

impl Count for u8 {
    #[inline(always)]
    fn of(votes: u32) -> Self {
        votes.to_le_bytes()[0]
    }
}

impl Count for u16 {
    #[inline(always)]
    fn of(votes: u32) -> Self {
        votes as Self
    }
}

/// At most 65,535 trees of at most 65,535 each: the sums fit 32 bits.
#[inline(always)]
fn add(sums: &mut [u32], votes: Option<&[u16]>) {
    for (sum, vote) in sums.iter_mut().zip(votes.unwrap_or(&[])) {
        *sum = sum.wrapping_add(u32::from(*vote));
    }
}
