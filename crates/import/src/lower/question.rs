//! What a split may ask, and the splits that ask it, as files have them.

use spinney_model::{Compare, Side, limits};

/// A node as a file has it.
#[derive(Debug, Clone)]
pub(crate) enum RawNode {
    Split(RawSplit),
    /// The leaf of this number.
    Leaf(usize),
}

/// A node with two children, by index.
#[derive(Debug, Clone)]
pub(crate) struct RawSplit {
    pub feature: u32,
    pub question: Question,
    /// Where a missing reading goes; `None` where that is never asked.
    pub missing: Option<Side>,
    /// To the left and to the right.
    pub children: [usize; 2],
}

impl RawNode {
    pub(crate) fn split(
        feature: u32,
        question: Question,
        missing: Option<Side>,
        children: [usize; 2],
    ) -> Self {
        Self::Split(RawSplit {
            feature,
            question,
            missing,
            children,
        })
    }
}

/// What a split asks of a reading that is not missing.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    Cuts(Cuts),
    /// Left iff the reading is one of these categories, as [`spinney_model::Test::Among`] has it.
    Among(Vec<u32>),
}

/// What lies between cuts goes left and right by turns.
#[derive(Debug, Clone)]
pub(crate) struct Cuts {
    /// Ascending; a reading lies above the last that is below it, and at most at the next.
    pub(super) at: Vec<f64>,
    /// Where readings up to the first cut go.
    pub(super) first: Side,
}

impl Question {
    /// What lies between these cuts, which ascend, goes left and right by turns, from `first` on.
    pub(crate) fn cut(at: Vec<f64>, first: Side) -> Self {
        Self::Cuts(Cuts { at, first })
    }

    /// Left iff `x <= threshold`.
    pub(crate) fn at_most(threshold: f64) -> Self {
        Self::cut(vec![threshold], Side::Left)
    }

    /// Left iff `x < threshold`, as the type of the comparison has it.
    pub(crate) fn below(threshold: f64, compare: Compare) -> Self {
        Self::at_most(before(threshold, compare))
    }

    /// Readings go to `first` up to the first of these cuts, which ascend, and behind each to the side
    /// that stands beside it.
    pub(crate) fn of_sides(first: Side, cuts: impl IntoIterator<Item = (f64, Side)>) -> Self {
        let mut last = first;
        let turns = |(_, side): &(f64, Side)| std::mem::replace(&mut last, *side) != *side;
        let cuts = cuts.into_iter().filter(turns).map(|(cut, _)| cut);
        Self::cut(cuts.collect(), first)
    }

    /// Left iff `x` lies in one of the intervals `low < x <= high`, which ascend without overlap; those
    /// that meet become one.
    pub(crate) fn within(intervals: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut cuts: Vec<f64> = Vec::new();
        for (low, high) in intervals {
            if cuts.last().is_some_and(|last| *last >= low) {
                cuts.pop();
                cuts.push(high);
            } else {
                cuts.extend([low, high]);
            }
        }
        Self::cut(cuts, Side::Right)
    }

    /// Left iff `x` is one of these numbers, which ascend.
    pub(crate) fn one_of(values: &[f64], compare: Compare) -> Self {
        Self::within(values.iter().map(|value| (before(*value, compare), *value)))
    }

    /// Left iff the reading is one of these numbers, which ascend: categories, if they are whole numbers
    /// from 0 on, and else numbers that a reading equals.
    pub(crate) fn among(numbers: &[f64]) -> Self {
        match categories(numbers) {
            Some(categories) if !categories.is_empty() => Self::Among(categories),
            _ => Self::one_of(numbers, Compare::Float64),
        }
    }
}

/// Numbers as categories, if they are whole, from 0 on, and 16 bits hold them.
pub(crate) fn categories(numbers: &[f64]) -> Option<Vec<u32>> {
    let most = limits::CATEGORIES.max as f64;
    let category = |number: &f64| {
        // Casts: checked to be a whole number of 16 bits.
        let category = *number as u32;
        (number.fract() == 0.0 && (0.0..most).contains(number)).then_some(category)
    };
    numbers.iter().map(category).collect()
}

/// The side that is taken.
pub(crate) fn side(is_left: bool) -> Side {
    if is_left { Side::Left } else { Side::Right }
}

/// The other side.
pub(crate) fn opposite(side: Side) -> Side {
    match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
    }
}

/// The largest number below a threshold in the type of the comparison; a threshold may be none of them.
pub(crate) fn before(threshold: f64, compare: Compare) -> f64 {
    match compare {
        Compare::Float32 => {
            // Casts: rounded down below.
            let single = threshold as f32;
            if f64::from(single) < threshold {
                f64::from(single)
            } else {
                f64::from(single.next_down())
            }
        }
        Compare::Float64 => threshold.next_down(),
    }
}
