//! What a missing reading, and one that is zero, is to LightGBM's splits: `Tree::NumericalDecision` in
//! `include/LightGBM/tree.h`.
//!
//! What lies within 1e-35 of zero is zero to its `predict`; with *Zero* it takes the default side, wherever
//! the threshold is.

use spinney_model::Side;

use super::Missing;
use crate::lower::{Question, RawNode, side};

/// What LightGBM takes for zero reaches from the negative of this number to it: 1e-35 in float32.
const ZERO: f64 = 1e-35_f32 as f64;

/// A split that readings up to its threshold go left at, and missing ones, as it has them, by default.
pub(super) fn split(
    feature: u32,
    threshold: f64,
    (missing, default_left): (Missing, bool),
    children: [usize; 2],
) -> RawNode {
    let question = question(threshold, default_left, missing);
    let is_left = match missing {
        Missing::None => 0.0 <= threshold,
        Missing::Zero | Missing::Nan => default_left,
    };
    RawNode::split(feature, question, Some(side(is_left)), children)
}

fn question(threshold: f64, default_left: bool, missing: Missing) -> Question {
    let below_zero = (-ZERO).next_down();
    match (missing, default_left) {
        (Missing::None | Missing::Nan, _) if (-ZERO..0.0).contains(&threshold) => {
            Question::at_most(below_zero)
        }
        (Missing::None | Missing::Nan, _) if (0.0..ZERO).contains(&threshold) => {
            Question::at_most(ZERO)
        }
        (Missing::None | Missing::Nan, _) => Question::at_most(threshold),
        // The threshold's side is the default side, once it does not part zero.
        (Missing::Zero, true) if threshold >= -ZERO => Question::at_most(threshold.max(ZERO)),
        (Missing::Zero, false) if threshold <= ZERO => Question::at_most(threshold.min(below_zero)),
        (Missing::Zero, true) => Question::cut(vec![threshold, below_zero, ZERO], Side::Left),
        (Missing::Zero, false) => Question::cut(vec![below_zero, ZERO, threshold], Side::Left),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spinney_dataset::Budget;

    use super::super::RawTree;
    use super::*;
    use crate::lower::tests::leaf;

    /// A split as a file has it: feature, threshold, what is missing, whether that goes left, and children.
    type Split = (u32, f64, Missing, bool, [usize; 2]);

    fn tree(splits: &[Split]) -> RawTree {
        let nodes = splits
            .iter()
            .map(|&(feature, threshold, missing, default_left, children)| {
                split(feature, threshold, (missing, default_left), children)
            });
        RawTree {
            nodes: nodes.collect(),
            leaves: Vec::new(),
        }
    }

    /// `Tree::NumericalDecision`, to the leaf behind the splits, of a row that
    /// `RowPairFunctionFromDenseMatric` handed on.
    fn decided(splits: &[Split], row: &[f64]) -> f64 {
        let mut at = 0;
        while let Some(&(feature, threshold, missing, default_left, children)) = splits.get(at) {
            let mut reading = row[feature as usize];
            if reading.is_nan() && missing != Missing::Nan {
                reading = 0.0;
            }
            let is_zero = (-ZERO..=ZERO).contains(&reading);
            if is_zero {
                reading = 0.0;
            }
            let is_missing =
                missing == Missing::Zero && is_zero || missing == Missing::Nan && reading.is_nan();
            let goes_left = if is_missing {
                default_left
            } else {
                reading <= threshold
            };
            at = children[usize::from(!goes_left)];
        }
        (at - splits.len()) as f64
    }

    /// Numbers at and about zero, where it parts.
    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(-0.0),
            Just(ZERO),
            Just(-ZERO),
            Just(ZERO.next_up()),
            Just((-ZERO).next_down()),
            -2.0..2.0,
        ]
    }

    proptest! {
        #[test]
        fn a_lowered_tree_decides_as_lightgbm(
            splits in prop::collection::vec((0..2_u32, number(), any::<bool>(), 0..3_usize), 1..8),
            rows in prop::collection::vec([number(), number()], 30),
        ) {
            // A chain whose left children are leaves, but for every third, where right ones are.
            let n = splits.len();
            let splits: Vec<Split> = (0..).zip(splits).map(|(index, split)| {
                let (feature, threshold, default_left, missing) = split;
                let next = if index + 1 < n { index + 1 } else { 2 * n };
                let children = if index % 3 == 2 { [next, n + index] } else { [n + index, next] };
                let missing = [Missing::None, Missing::Zero, Missing::Nan][missing];
                (feature, threshold, missing, default_left, children)
            }).collect();
            let mut tree = tree(&splits);
            (0..=n).for_each(|leaf| tree.leaf(leaf as f64));
            let lowered = tree.lower(&Budget::of(0), "here").expect("a small tree");
            for mut row in rows {
                for gap in [None, Some(0), Some(1)] {
                    if let Some(gap) = gap {
                        row[gap] = f64::NAN;
                    }
                    prop_assert_eq!(leaf(&lowered, &row), decided(&splits, &row), "{:?}", row);
                }
            }
        }
    }

    #[test]
    fn a_tree_that_is_none_is_refused() {
        for (children, n_leaves) in [
            (&[][..], 0),
            (&[[1, 2]], 1),
            (&[[0, 1]], 1),
            (&[[1, 2], [0, 2]], 1),
            (&[[1, 1]], 1),
        ] {
            let split = |children: &[usize; 2]| (0, 1.0, Missing::Nan, true, *children);
            let mut tree = tree(&children.iter().map(split).collect::<Vec<_>>());
            (0..n_leaves).for_each(|_| tree.leaf(0.0));
            assert!(tree.lower(&Budget::of(0), "here").is_err());
        }
    }
}
