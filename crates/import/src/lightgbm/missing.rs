//! LightGBM's splits as splits of the float model, which know a threshold and a side for NaN.
//!
//! With *Zero*, what lies within 1e-35 of zero takes the default side, wherever the threshold is. Where
//! that is another side than the threshold's, the split becomes up to three, which part what is below
//! zero, about zero and above: `Tree::NumericalDecision` in `include/LightGBM/tree.h`. What a path knows
//! of a feature already is not asked again, so that a tree grows by a few nodes and not with its depth.

use spinney_dataset::Budget;
use spinney_model::{Node, Side};

use super::{Missing, RawNode};
use crate::ImportError;
use crate::draft::DraftTree;

/// What LightGBM takes for zero reaches from the negative of this number to it: 1e-35 in float32.
const ZERO: f64 = 1e-35_f32 as f64;

/// Most nodes that one node may become, on average.
const NODES_PER_NODE: usize = 8;

/// Where a path knows a reading to be.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Below,
    Zero,
    Above,
}

/// A node that is still to be made.
#[derive(Clone)]
enum Task {
    /// This node of the file.
    Raw(usize),
    /// A split at a threshold, a side for NaN, and what follows on either side.
    Split {
        feature: u32,
        threshold: f64,
        missing: Side,
        left: Box<(Task, Option<Place>)>,
        right: Box<(Task, Option<Place>)>,
    },
}

/// A task, what its path knows, and the split whose right child it is.
struct Job {
    task: Task,
    known: Vec<(u32, Place)>,
    parent: Option<usize>,
}

/// The nodes of a tree, in preorder.
///
/// # Errors
/// No tree, or one that missing readings of zero would make too large.
pub(super) fn lower(
    raw: &[RawNode],
    budget: &Budget,
    place: &str,
) -> Result<Vec<Node>, ImportError> {
    let n_max = raw.len().saturating_mul(NODES_PER_NODE).max(64);
    DraftTree::take(budget, place, raw.len())?;
    let mut nodes: Vec<Node> = Vec::with_capacity(raw.len());
    let mut jobs = vec![Job {
        task: Task::Raw(0),
        known: Vec::new(),
        parent: None,
    }];
    let mut n_steps = 0;
    while let Some(Job {
        mut task,
        known,
        parent,
    }) = jobs.pop()
    {
        // Splits whose side is known give way to that side.
        let made = loop {
            n_steps += 1;
            let Task::Raw(at) = task else {
                break task;
            };
            if n_steps > n_max.saturating_mul(2) {
                return Err(too_large(raw, place));
            }
            let node = raw.get(at).ok_or_else(|| {
                ImportError::broken(
                    place,
                    format!("a child {at}"),
                    format!("a node index below {}", raw.len()),
                )
            })?;
            match split(*node, &known) {
                Step::Task(next) => task = next,
                Step::Leaf(value) => {
                    let leaf = Node::Leaf {
                        values: vec![value],
                    };
                    attach(&mut nodes, parent, leaf);
                    break Task::Raw(usize::MAX);
                }
            }
        };
        let Task::Split {
            feature,
            threshold,
            missing,
            left,
            right,
        } = made
        else {
            continue;
        };
        if nodes.len() >= n_max {
            return Err(too_large(raw, place));
        }
        let new = nodes.len();
        let with = |place: Option<Place>| {
            let mut known = known.clone();
            known.extend(place.map(|place| (feature, place)));
            known
        };
        jobs.push(Job {
            known: with(right.1),
            task: right.0,
            parent: Some(new),
        });
        jobs.push(Job {
            known: with(left.1),
            task: left.0,
            parent: None,
        });
        let node = Node::Split {
            feature,
            threshold,
            missing: Some(missing),
            left: u32::try_from(new + 1).unwrap_or(u32::MAX),
            right: 0,
        };
        attach(&mut nodes, parent, node);
    }
    Ok(nodes)
}

fn too_large(raw: &[RawNode], place: &str) -> ImportError {
    let takes_zero = |node: &RawNode| {
        let RawNode::Split { missing, .. } = node else {
            return false;
        };
        *missing == Missing::Zero
    };
    if raw.iter().any(takes_zero) {
        return ImportError::refused(
            format!("{place} of a LightGBM model, which takes zero for missing too often,"),
            "fit with zero_as_missing=false, and NaN for what is missing",
        );
    }
    ImportError::broken(
        place,
        "a node within itself, or below several others",
        "a tree",
    )
}

/// Appends a node; where it is some split's right child, that split learns where it is.
fn attach(nodes: &mut Vec<Node>, parent: Option<usize>, node: Node) {
    let new = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    if let Some(Node::Split { right, .. }) = parent.map(|parent| &mut nodes[parent]) {
        *right = new;
    }
    nodes.push(node);
}

enum Step {
    Task(Task),
    Leaf(f64),
}

/// What a node of a file becomes on a path that knows so much.
fn split(node: RawNode, known: &[(u32, Place)]) -> Step {
    let RawNode::Split {
        feature,
        threshold,
        default_left,
        missing,
        left,
        right,
    } = node
    else {
        let RawNode::Leaf(value) = node else {
            unreachable!("a node splits or is a leaf");
        };
        return Step::Leaf(value);
    };
    let [left, right] = [left, right].map(Task::Raw);
    let side = |is_left: bool| if is_left { Side::Left } else { Side::Right };
    let part = |threshold: f64, missing: Side, left: (Task, _), right: (Task, _)| Task::Split {
        feature,
        threshold,
        missing,
        left: Box::new(left),
        right: Box::new(right),
    };
    let plain = |missing: Side| {
        let (left, right) = (left.clone(), right.clone());
        part(threshold, missing, (left, None), (right, None))
    };
    Step::Task(match missing {
        Missing::None => plain(side(0.0 <= threshold)),
        Missing::Nan => plain(side(default_left)),
        Missing::Zero => {
            let place = known.iter().find(|it| it.0 == feature).map(|it| it.1);
            match place {
                Some(Place::Zero) => return Step::Task(if default_left { left } else { right }),
                // NaN does not come here.
                Some(Place::Below | Place::Above) => plain(Side::Right),
                // The threshold's side is the default side, once it does not part zero.
                None if default_left && threshold >= -ZERO => {
                    let threshold = threshold.max(ZERO);
                    part(threshold, Side::Left, (left, None), (right, None))
                }
                None if !default_left && threshold <= ZERO => {
                    let threshold = threshold.min((-ZERO).next_down());
                    part(threshold, Side::Right, (left, None), (right, None))
                }
                None => {
                    let zero = if default_left { &left } else { &right };
                    let zero = (zero.clone(), Some(Place::Zero));
                    let ends = |place| {
                        part(
                            threshold,
                            Side::Right,
                            (left.clone(), place),
                            (right.clone(), place),
                        )
                    };
                    let (below, above) = if default_left {
                        // Below zero the threshold parts; what is above zero is right of it.
                        let below = ends(Some(Place::Below));
                        (
                            (below, Some(Place::Below)),
                            (right.clone(), Some(Place::Above)),
                        )
                    } else {
                        let above = ends(Some(Place::Above));
                        (
                            (left.clone(), Some(Place::Below)),
                            (above, Some(Place::Above)),
                        )
                    };
                    let rest = part(ZERO, Side::Left, zero, above);
                    part((-ZERO).next_down(), Side::Right, below, (rest, None))
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `Tree::NumericalDecision`, to the leaf.
    fn decided(nodes: &[RawNode], row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match nodes[at] {
                RawNode::Leaf(value) => return value,
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

    fn walked(nodes: &[Node], row: &[f64]) -> f64 {
        let mut at = 0;
        loop {
            match &nodes[at] {
                Node::Leaf { values } => return values[0],
                Node::Split {
                    feature,
                    threshold,
                    missing,
                    left,
                    right,
                } => {
                    let reading = row[*feature as usize];
                    let goes_left = match reading.is_nan() {
                        true => *missing == Some(Side::Left),
                        false => reading <= *threshold,
                    };
                    at = if goes_left { *left } else { *right } as usize;
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
                    prop_assert_eq!(walked(&lowered, &row), decided(&nodes, &row), "{:?}", row);
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
            vec![split(1, 2), leaf],
            vec![split(0, 1), leaf],
            vec![split(1, 2), split(0, 2), leaf],
        ] {
            assert!(lower(&nodes, &Budget::of(0), "here").is_err());
        }
        // Two parents of one leaf make two leaves.
        let nodes = [split(1, 1), leaf];
        assert_eq!(
            lower(&nodes, &Budget::of(0), "here").expect("a tree").len(),
            3
        );
    }
}
