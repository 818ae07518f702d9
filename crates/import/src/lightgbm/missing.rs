//! What a missing reading, and one that is zero, is to LightGBM's splits: `Tree::NumericalDecision` in
//! `include/LightGBM/tree.h`.
//!
//! What lies within 1e-35 of zero is zero to its `predict`; with *Zero* it takes the default side, wherever
//! the threshold is.

use spinney_dataset::Budget;
use spinney_model::{Node, Side};

use super::{Missing, RawNode};
use crate::ImportError;
use crate::lower::{self, Question};

/// What LightGBM takes for zero reaches from the negative of this number to it: 1e-35 in float32.
const ZERO: f64 = 1e-35_f32 as f64;

/// The nodes of a tree, in preorder.
///
/// # Errors
/// No tree, or one that missing readings of zero would make too large.
pub(super) fn lower(
    raw: &[RawNode],
    budget: &Budget,
    place: &str,
) -> Result<Vec<Node>, ImportError> {
    budget.take_items(place, raw.len(), 96)?;
    let mut values = Vec::new();
    let nodes: Vec<lower::RawNode> = raw
        .iter()
        .map(|node| match *node {
            RawNode::Member {
                feature,
                ref categories,
                left,
                right,
            } => lower::RawNode::Member {
                feature,
                categories: categories.clone(),
                missing: Some(Side::Right),
                left,
                right,
            },
            RawNode::Leaf(value) => {
                values.push(value);
                lower::RawNode::Leaf(values.len() - 1)
            }
            RawNode::Split {
                feature,
                threshold,
                default_left,
                missing,
                left,
                right,
            } => lower::RawNode::Split {
                feature,
                question: question(threshold, default_left, missing),
                missing: Some(lower::side(match missing {
                    Missing::None => 0.0 <= threshold,
                    Missing::Zero | Missing::Nan => default_left,
                })),
                left,
                right,
            },
        })
        .collect();
    lower::lower(&nodes, 0, false, budget, place, |leaf| {
        Ok(vec![values[leaf]])
    })
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

    use super::*;
    use crate::lower::tests::leaf;

    /// `Tree::NumericalDecision`, to the leaf, of a row that `RowPairFunctionFromDenseMatric` handed on.
    fn decided(nodes: &[RawNode], row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match nodes[at] {
                RawNode::Leaf(value) => return value,
                RawNode::Member { .. } => unreachable!("no set of categories is made"),
                RawNode::Split {
                    feature,
                    threshold,
                    default_left,
                    missing,
                    left,
                    right,
                } => {
                    let mut reading = row[feature as usize];
                    if reading.is_nan() && missing != Missing::Nan {
                        reading = 0.0;
                    }
                    let is_zero = (-ZERO..=ZERO).contains(&reading);
                    if is_zero {
                        reading = 0.0;
                    }
                    let is_missing = missing == Missing::Zero && is_zero
                        || missing == Missing::Nan && reading.is_nan();
                    let goes_left = if is_missing {
                        default_left
                    } else {
                        reading <= threshold
                    };
                    at = if goes_left { left } else { right };
                }
            }
        }
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
            let mut nodes = Vec::new();
            for (index, (feature, threshold, default_left, missing)) in splits.into_iter().enumerate() {
                let next = if index + 1 < n { index + 1 } else { 2 * n };
                let (left, right) = if index % 3 == 2 { (next, n + index) } else { (n + index, next) };
                nodes.push(RawNode::Split {
                    feature,
                    threshold,
                    default_left,
                    missing: [Missing::None, Missing::Zero, Missing::Nan][missing],
                    left,
                    right,
                });
            }
            nodes.extend((0..=n).map(|leaf| RawNode::Leaf(leaf as f64)));
            let lowered = lower(&nodes, &Budget::of(0), "here").expect("a small tree");
            for mut row in rows {
                for gap in [None, Some(0), Some(1)] {
                    if let Some(gap) = gap {
                        row[gap] = f64::NAN;
                    }
                    prop_assert_eq!(leaf(&lowered, &row), decided(&nodes, &row), "{:?}", row);
                }
            }
        }
    }

    #[test]
    fn a_tree_that_is_none_is_refused() {
        let split = |left, right| RawNode::Split {
            feature: 0,
            threshold: 1.0,
            default_left: true,
            missing: Missing::Nan,
            left,
            right,
        };
        let leaf = RawNode::Leaf(0.0);
        for nodes in [
            vec![],
            vec![split(1, 2), leaf.clone()],
            vec![split(0, 1), leaf.clone()],
            vec![split(1, 2), split(0, 2), leaf.clone()],
            vec![split(1, 1), leaf],
        ] {
            assert!(lower(&nodes, &Budget::of(0), "here").is_err());
        }
    }
}
