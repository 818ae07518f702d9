//! Splits by other questions than `x <= t` as splits of the float model, which know a threshold, or a
//! set of categories, and a side for missing readings.
//!
//! Any question of one feature parts its readings at some ascending cuts, and what lies between them goes
//! left and right by turns: `x <= t` has one cut, `x == v` has the number before `v` and `v`, a category
//! has an interval, and what takes zero for missing has one about zero. A question of several cuts becomes
//! a small tree of splits whose leaves are its two children, over and over. What a path knows of the
//! feature already is not asked again, so that a chain of such questions grows by a few nodes and not with
//! its depth.

mod question;

use spinney_dataset::Budget;
use spinney_model::{Node, Side, Split, Test};

use crate::ImportError;
use crate::draft::DraftTree;
pub(crate) use question::{Question, RawNode, RawSplit, categories, opposite, side};

/// Most nodes that one node may become, on average, where a tree asks questions of several cuts.
const NODES_PER_NODE: usize = 8;
/// What a tree may grow to whatever it was.
const NODES_MIN: usize = 256;

/// What a path knows of the readings of one feature: `low < x <= high`, or missing.
#[derive(Clone, Copy)]
struct Known {
    feature: u32,
    low: f64,
    high: f64,
    has_numbers: bool,
    has_missing: bool,
}

/// A node that is still to be made, what its path knows, and the split whose right child it is.
struct Job {
    at: usize,
    /// What was last learnt of a feature, among all that was learnt.
    known: Option<usize>,
    parent: Option<usize>,
}

/// What becomes of a node on a path.
enum Step {
    /// One child alone can follow.
    Child(usize),
    /// A split with a side for what is missing: the nodes that follow, which may be the node itself, and
    /// what they know of its feature, of which a set of categories tells a path nothing.
    Split(Test, Option<Side>, [(usize, Option<Known>); 2]),
}

/// The nodes of a tree, in preorder, from node `root` on. `prunes` leaves out what no reading comes to.
///
/// # Errors
/// Nodes that are no tree, or one that questions of several cuts would make too large; what `leaf` does
/// not know.
pub(crate) fn lower(
    raw: &[RawNode],
    root: usize,
    prunes: bool,
    budget: &Budget,
    place: &str,
    mut leaf: impl FnMut(usize) -> Result<Vec<f64>, ImportError>,
) -> Result<Vec<Node>, ImportError> {
    let splits = raw.iter().filter_map(|node| match node {
        RawNode::Split(split) => match &split.question {
            Question::Cuts(cuts) => Some((split.feature, cuts.at.len())),
            Question::Among(_) => None,
        },
        RawNode::Leaf(_) => None,
    });
    let has_sets = splits.clone().any(|split| split.1 > 1);
    // Only what some question cuts more than once needs to be known.
    let tracked = splits.filter(|split| prunes || split.1 > 1);
    let mut tracked: Vec<u32> = tracked.map(|split| split.0).collect();
    tracked.sort_unstable();
    tracked.dedup();
    let n_max = match has_sets {
        true => raw.len().saturating_mul(NODES_PER_NODE).max(NODES_MIN),
        false => raw.len(),
    };
    // What paths know, and what they knew before.
    let mut learnt: Vec<(Known, Option<usize>)> = Vec::new();
    DraftTree::take(budget, place, raw.len())?;
    let mut nodes: Vec<Node> = Vec::with_capacity(raw.len());
    let mut jobs = vec![Job {
        at: root,
        known: None,
        parent: None,
    }];
    let mut n_steps = 0_usize;
    while let Some(Job {
        mut at,
        known,
        parent,
    }) = jobs.pop()
    {
        let new = nodes.len();
        let node = loop {
            n_steps += 1;
            if new >= n_max || n_steps > n_max.saturating_mul(4) {
                return Err(too_large(place, has_sets));
            }
            let node = raw.get(at).ok_or_else(
                || broken!(place; "the child {at}"; "a node index below {}", raw.len()),
            )?;
            let split = match node {
                RawNode::Split(split) => split,
                RawNode::Leaf(number) => {
                    break Node::Leaf(leaf(*number).map_err(|error| error.within(place))?);
                }
            };
            let (test, missing, [low, high]) =
                match step(at, split, of_path(split, &learnt, known, budget, place)?) {
                    Step::Child(child) => {
                        at = child;
                        continue;
                    }
                    Step::Split(test, missing, sides) => (test, missing, sides),
                };
            let feature = split.feature;
            let is_tracked = low.1.is_some() && tracked.binary_search(&feature).is_ok();
            if let Test::Among(categories) = &test {
                budget.take_items(place, categories.len(), 4)?;
            } else if is_tracked {
                let n_bytes = 2 * size_of::<(Known, Option<usize>)>() as u64;
                budget.take_items(place, 2, n_bytes)?;
            }
            for ((at, side), parent) in [(high, Some(new)), (low, None)] {
                let mut job = Job { at, known, parent };
                if let Some(side) = side.filter(|_| is_tracked) {
                    job.known = Some(learnt.len());
                    learnt.push((side, known));
                }
                jobs.push(job);
            }
            break Node::Split(Split {
                feature,
                test,
                missing,
                children: [index(new + 1), 0],
            });
        };
        if new >= raw.len() {
            DraftTree::take(budget, place, 1)?;
        }
        if let Some(Node::Split(split)) = parent.map(|parent| &mut nodes[parent]) {
            split.children[1] = index(new);
        }
        nodes.push(node);
    }
    Ok(nodes)
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn too_large(place: &str, has_questions: bool) -> ImportError {
    if has_questions {
        return ImportError::refused(
            format!("{place}, which asks for single values or categories too often,"),
            "code categories as numbers before fit, one column of 0 and 1 for each category",
        );
    }
    broken!(place; "a node within itself, or below several others"; "a tree")
}

/// What a path knows of the feature that a node asks for, by what it learnt last.
fn of_path(
    split: &RawSplit,
    learnt: &[(Known, Option<usize>)],
    mut last: Option<usize>,
    budget: &Budget,
    place: &str,
) -> Result<Option<Known>, ImportError> {
    if matches!(split.question, Question::Among(_)) {
        return Ok(None);
    }
    let mut n_steps = 0;
    let mut found = None;
    while let Some(at) = last.filter(|_| found.is_none()) {
        let (known, before) = learnt[at];
        n_steps += 1;
        found = (known.feature == split.feature).then_some(known);
        last = before;
    }
    budget.work(place, n_steps)?;
    Ok(found)
}

fn step(at: usize, split: &RawSplit, known: Option<Known>) -> Step {
    let (missing, [left, right]) = (split.missing, split.children);
    let question = match &split.question {
        Question::Cuts(cuts) => cuts,
        Question::Among(categories) => {
            let test = Test::Among(categories.clone());
            return Step::Split(test, missing, [(left, None), (right, None)]);
        }
    };
    let child = |side: Side| match side {
        Side::Left => left,
        Side::Right => right,
    };
    let all = Known {
        feature: split.feature,
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        has_numbers: true,
        has_missing: true,
    };
    let known = known.unwrap_or(all);
    // Readings that are never asked for where they are missing go along with any others.
    let missing = missing.filter(|_| known.has_missing);
    let start = question.at.partition_point(|cut| *cut <= known.low);
    let end = question.at.partition_point(|cut| *cut < known.high);
    let side_of = |n_cuts: usize| {
        if n_cuts.is_multiple_of(2) {
            question.first
        } else {
            opposite(question.first)
        }
    };
    let below = side_of(start);
    if !known.has_numbers {
        return Step::Child(child(missing.unwrap_or(below)));
    }
    if start >= end {
        if missing.is_none_or(|side| side == below) {
            return Step::Child(child(below));
        }
        // Every number goes one way, and what is missing the other.
        let numbers = Known {
            has_missing: false,
            ..known
        };
        let nothing = Known {
            has_numbers: false,
            ..known
        };
        let sides = [
            (child(below), Some(numbers)),
            (child(opposite(below)), Some(nothing)),
        ];
        let test = Test::AtMost(known.high.min(f64::MAX));
        return Step::Split(test, Some(Side::Right), sides);
    }
    let middle = start.midpoint(end);
    let threshold = question.at[middle];
    // What is missing goes to a half that has its side, and best to one that is nothing else.
    let side = missing.map(|side| {
        let is_right = middle + 1 == end && side_of(end) == side;
        if !is_right && (middle > start || below == side) {
            Side::Left
        } else {
            Side::Right
        }
    });
    let half = |low: f64, high: f64, of: Side| {
        Some(Known {
            low,
            high,
            has_missing: known.has_missing && side.is_none_or(|side| side == of),
            ..known
        })
    };
    let next = if start + 1 == end {
        [child(below), child(opposite(below))]
    } else {
        [at, at]
    };
    let halves = [
        (next[0], half(known.low, threshold, Side::Left)),
        (next[1], half(threshold, known.high, Side::Right)),
    ];
    Step::Split(Test::AtMost(threshold), side, halves)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use spinney_model::Compare;

    use super::*;

    /// Where a reading goes by the nodes as a file has them.
    fn raw_leaf(raw: &[RawNode], reading: [f64; 2]) -> usize {
        let mut at = 0;
        loop {
            let split = match &raw[at] {
                RawNode::Leaf(number) => return *number,
                RawNode::Split(split) => split,
            };
            let Question::Cuts(cuts) = &split.question else {
                unreachable!("no set of categories is made")
            };
            let x = reading[split.feature as usize];
            let n_below = cuts.at.iter().filter(|cut| x > **cut).count();
            let taken = if x.is_nan() {
                split.missing.unwrap_or(Side::Right)
            } else if n_below % 2 == 0 {
                cuts.first
            } else {
                opposite(cuts.first)
            };
            at = split.children[usize::from(taken == Side::Right)];
        }
    }

    /// The value of the leaf that a row reaches.
    pub(crate) fn leaf(nodes: &[Node], row: &[f64]) -> f64 {
        let mut node = &nodes[0];
        while let Some((feature, [left, right])) = node.split() {
            let goes_left = node.sends_left(row[feature]);
            node = &nodes[if goes_left { left } else { right }];
        }
        let Node::Leaf(values) = node else {
            unreachable!("what does not split is a leaf")
        };
        values[0]
    }

    fn question() -> impl Strategy<Value = Question> {
        let number = (-3..4_i32).prop_map(f64::from);
        let sorted = |mut numbers: Vec<f64>| {
            numbers.sort_by(f64::total_cmp);
            numbers.dedup();
            numbers
        };
        prop_oneof![
            number.clone().prop_map(Question::at_most),
            number
                .clone()
                .prop_map(|it| Question::below(it, Compare::Float64)),
            number
                .clone()
                .prop_map(|it| Question::below(it, Compare::Float32)),
            prop::collection::vec(number.clone(), 1..4)
                .prop_map(move |it| Question::one_of(&sorted(it), Compare::Float64)),
            prop::collection::vec(number, 1..4)
                .prop_map(move |it| Question::within(sorted(it).iter().map(|it| (it - 1.0, *it)))),
        ]
    }

    /// A tree in preorder, from questions until they are used up.
    fn raw() -> impl Strategy<Value = Vec<RawNode>> {
        let split = (0..2_u32, question(), any::<bool>(), any::<bool>());
        prop::collection::vec(split, 1..7).prop_map(|splits| {
            let n = splits.len();
            let mut raw: Vec<RawNode> = Vec::new();
            for (index, (feature, mut question, is_left, is_opposite)) in
                splits.into_iter().enumerate()
            {
                if let Question::Cuts(cuts) = &mut question
                    && is_opposite
                {
                    cuts.first = opposite(cuts.first);
                }
                // Chains, with a leaf on the one side or the other.
                let next = if index + 1 == n {
                    n + index + 1
                } else {
                    index + 1
                };
                let leaf = n + index;
                let leaf = if index + 1 == n { n + n } else { leaf };
                let next = if index + 1 == n { n + n - 1 } else { next };
                let children = if is_left { [next, leaf] } else { [leaf, next] };
                let missing = Some(side(is_left == is_opposite));
                raw.push(RawNode::split(feature, question, missing, children));
            }
            raw.extend((0..=n).map(RawNode::Leaf));
            raw
        })
    }

    proptest! {
        #[test]
        fn every_reading_comes_to_its_leaf(raw in raw(), prunes in any::<bool>()) {
            let nodes = match lower(&raw, 0, prunes, &Budget::of(1 << 16), "tree", |it| Ok(vec![it as f64])) {
                Ok(nodes) => nodes,
                // Several sets of one feature after the other may grow too large.
                Err(ImportError::Refused { .. }) => return Ok(()),
                Err(error) => panic!("{error}"),
            };
            let mut readings = vec![f64::NAN, -1e9, 1e9];
            for whole in -4..5_i32 {
                let it = f64::from(whole);
                readings.extend([it.next_down(), it, it.next_up(), it + 0.5]);
            }
            for x in &readings {
                for y in &readings {
                    let expected = raw_leaf(&raw, [*x, *y]) as f64;
                    prop_assert_eq!(leaf(&nodes, &[*x, *y]), expected, "{} {} {:?}", x, y, nodes);
                }
            }
        }
    }

    #[test]
    fn a_chain_of_categories_does_not_double() {
        let n = 30;
        let mut raw: Vec<RawNode> = (0..n)
            .map(|index| {
                let question = Question::one_of(&[index as f64], Compare::Float32);
                RawNode::split(0, question, Some(Side::Right), [n + 1 + index, index + 1])
            })
            .collect();
        raw.extend((0..=n).map(RawNode::Leaf));
        let nodes = lower(&raw, 0, false, &Budget::of(1 << 16), "tree", |it| {
            Ok(vec![it as f64])
        });
        assert!(nodes.expect("few nodes").len() < 5 * n);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let split = |left, right| RawNode::split(0, Question::at_most(0.0), None, [left, right]);
        for raw in [
            vec![split(0, 1), RawNode::Leaf(0)],
            vec![split(1, 1), split(2, 2), RawNode::Leaf(0)],
            vec![split(1, 7), RawNode::Leaf(0)],
        ] {
            lower(&raw, 0, false, &Budget::of(1 << 16), "tree", |_| {
                Ok(vec![0.0])
            })
            .expect_err("no tree");
        }
    }
}
