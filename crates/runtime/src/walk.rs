//! The walks down a tree: the one place where indices are not checked, and the proof why.
#![allow(unsafe_code)]

use crate::coding::Code;
use crate::compact::{self, LEFT, Layout, Nodes, RIGHT};
use crate::forest::{LEAF, Tables};
use crate::packed::Packed;

/// Calls `visit` with the number of the leaf that each tree sends the row to, tree after tree.
///
/// `tables` must come out of [`Forest`](crate::forest::Forest), whose only constructor checks
/// them, and `codes` must hold `tables.n_features` codes; both callers see to that.
#[inline]
pub(crate) fn each_leaf(tables: &Tables<'_>, codes: &[i16], mut visit: impl FnMut(usize)) {
    debug_assert!(codes.len() == tables.n_features);
    for tree in tables.trees {
        let first = tree.first_split as usize;
        let mut child = tree.root;
        while child & LEAF == 0 {
            // SAFETY: `Forest::new` has checked that a root or child without `LEAF` is the number
            // of a split of its own tree, counted from `first_split`, and that the tree's splits
            // lie within `splits`; so the sum is below `splits.len()`.
            let split = unsafe { tables.splits.get_unchecked(first + child as usize) };
            // SAFETY: `Forest::new` has checked that each split's feature is below `n_features`,
            // which is the length of `codes`.
            let code = unsafe { *codes.get_unchecked(split.feature as usize) };
            // Children are later splits, so the loop ends.
            child = split.children[usize::from(code > split.threshold)];
        }
        visit((child ^ LEAF) as usize);
    }
}

/// As [`each_leaf`] over the compact formats, until `visit` returns `false`.
///
/// `tables` must come out of [`compact::Forest`], whose only constructor checks them, and `codes`
/// must hold `tables.n_features` codes; its one caller sees to that.
#[inline(always)]
pub(crate) fn each_compact_leaf<C: Code>(
    tables: &compact::Tables<'_>,
    codes: &[C],
    mut visit: impl FnMut(usize) -> bool,
) {
    debug_assert!(codes.len() == tables.n_features);
    for start in tables.starts {
        let start = *start as usize;
        // SAFETY, of all four: `compact::Forest::new` has decoded every node by the rules that the
        // walks follow and has checked that starts lie within the nodes, that features are below
        // `n_features`, the length of `codes`, and that what lies ahead is a later node of the
        // same tree. So a walk never leaves the tree's nodes, and ends.
        let leaf = match tables.nodes {
            Nodes::Three { bytes, unaligned } => unsafe {
                let node = bytes.as_ptr().add(start);
                if unaligned {
                    three_by_words(node, codes)
                } else {
                    three(node, codes)
                }
            },
            Nodes::Four {
                words,
                threshold_bits,
                feature_bits,
            } => unsafe {
                let layout = Layout::new(threshold_bits, feature_bits);
                four(layout, words.as_ptr().add(start), codes)
            },
            Nodes::Six {
                halves,
                feature_bits,
            } => unsafe {
                let layout = Layout::new(0, feature_bits);
                six(layout, halves.as_ptr().add(start), codes)
            },
            Nodes::Packed(ref packed) => unsafe { bits(packed, start, codes) },
        };
        if matches!(tables.leaves, compact::Leaves::Classes) {
            // SAFETY: the same check has held every leaf's number against the number of classes.
            unsafe { core::hint::assert_unchecked(leaf < tables.n_classes) };
        }
        if !visit(leaf) {
            return;
        }
    }
}

/// # Safety
/// `node` points to the byte before a node of checked tables for rows of `codes.len()` features.
#[inline(always)]
unsafe fn three<C: Code>(mut node: *const u8, codes: &[C]) -> usize {
    loop {
        // SAFETY: as the caller promises, and as the check of tables keeps it for each next node.
        unsafe {
            let here = node;
            node = here.add(3);
            let feature = *here.add(2);
            let threshold = *here.add(3);
            let code = *codes.get_unchecked((feature >> 2) as usize);
            if code.widen() <= i32::from(threshold) {
                if feature & LEFT as u8 != 0 {
                    return (*here.add(1) & 0xf) as usize;
                }
            } else {
                if feature & RIGHT as u8 != 0 {
                    return (*here.add(1) >> 4) as usize;
                }
                if feature & LEFT as u8 == 0 {
                    node = node.add(3 * *here.add(1) as usize);
                }
            }
        }
    }
}

/// # Safety
/// As of [`three`].
#[inline(always)]
unsafe fn three_by_words<C: Code>(mut node: *const u8, codes: &[C]) -> usize {
    loop {
        // SAFETY: as the caller promises, and as the check of tables keeps it for each next node;
        // the four bytes from the one before a node are that byte and the node's three.
        unsafe {
            let word = u32::from_le_bytes(*node.cast::<[u8; 4]>());
            node = node.add(3);
            let code = *codes.get_unchecked(((word >> 18) & 0x3f) as usize);
            if code.widen() <= (word >> 24).cast_signed() {
                if word & u32::from(LEFT) << 16 != 0 {
                    return (word >> 8 & 0xf) as usize;
                }
            } else {
                if word & u32::from(RIGHT) << 16 != 0 {
                    return (word >> 12 & 0xf) as usize;
                }
                if word & u32::from(LEFT) << 16 == 0 {
                    node = node.add(3 * (word >> 8 & 0xff) as usize);
                }
            }
        }
    }
}

/// # Safety
/// `node` points to a node of checked tables for rows of `codes.len()` features.
#[inline(always)]
unsafe fn four<C: Code>(layout: Layout, mut node: *const u32, codes: &[C]) -> usize {
    loop {
        // SAFETY: as the caller promises, and as the check of tables keeps it for each next node.
        unsafe {
            let word = *node;
            node = node.add(1);
            let code = *codes.get_unchecked(layout.feature(word));
            if code.widen() <= layout.threshold(word) {
                if layout.is_left_leaf(word) {
                    return layout.low_leaf(word);
                }
            } else {
                if layout.is_right_leaf(word) {
                    return layout.high_leaf(word);
                }
                if !layout.is_left_leaf(word) {
                    node = node.add(layout.argument(word));
                }
            }
        }
    }
}

/// # Safety
/// `node` points to a node of checked tables for rows of `codes.len()` features.
#[inline(always)]
unsafe fn six<C: Code>(layout: Layout, mut node: *const [u16; 3], codes: &[C]) -> usize {
    loop {
        // SAFETY: as the caller promises, and as the check of tables keeps it for each next node.
        unsafe {
            let [threshold, low, high] = *node;
            node = node.add(1);
            let word = u32::from(low) | u32::from(high) << 16;
            let code = *codes.get_unchecked(layout.feature(word));
            if code.widen() <= i32::from(threshold.cast_signed()) {
                if layout.is_left_leaf(word) {
                    return layout.low_leaf(word);
                }
            } else {
                if layout.is_right_leaf(word) {
                    return layout.high_leaf(word);
                }
                if !layout.is_left_leaf(word) {
                    node = node.add(layout.argument(word));
                }
            }
        }
    }
}

/// # Safety
/// `start` is the index of a split of checked tables for rows of `codes.len()` features.
#[inline(always)]
unsafe fn bits<C: Code>(packed: &Packed<'_>, start: usize, codes: &[C]) -> usize {
    let width = packed.split_bits();
    let n_pairs = packed.pairs.len();
    let n_leaves = packed.n_leaves as usize;
    let mut at = start * width;
    loop {
        // SAFETY: `Packed::is_sound` has checked that 8 bytes can be read at every split, and the
        // check of tables keeps `at` at the first bit of one; features are below `codes.len()`,
        // and an argument below `n_pairs` is an index into `pairs`.
        unsafe {
            let byte = packed.bytes.as_ptr().add(at / 8);
            // Where a split and the bits before it fit 32 bits, a long shift would be wasted.
            let bits = if width <= 25 {
                u64::from(u32::from_le_bytes(*byte.cast::<[u8; 4]>()) >> (at % 8))
            } else {
                u64::from_le_bytes(*byte.cast::<[u8; 8]>()) >> (at % 8)
            };
            let code = *codes.get_unchecked(packed.feature(bits));
            let argument = packed.argument(bits);
            let is_left = code.widen() <= packed.threshold(bits);
            at += width;
            if argument >= n_pairs + 2 * n_leaves {
                if !is_left {
                    at += (argument - n_pairs - 2 * n_leaves + 1) * width;
                }
            } else if argument < n_pairs {
                let pair = packed.pairs.get_unchecked(argument);
                return pair[usize::from(!is_left)] as usize;
            } else {
                let leaf = argument - n_pairs;
                let (has_left, leaf) = if leaf < n_leaves {
                    (true, leaf)
                } else {
                    (false, leaf - n_leaves)
                };
                if has_left == is_left {
                    return leaf;
                }
            }
        }
    }
}
