//! The walk down a tree: the one place where indices are not checked, and the proof why.
#![allow(unsafe_code)]

use crate::forest::{LEAF, Tables};

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
