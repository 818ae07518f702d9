//! Oblivious trees, level by level; the twin of the runtime's `levels.rs`.

use spinney_quantize::{Leaves, Numbers, Values};
use spinney_runtime::levels::{self as runtime, DEPTH_MAX};

use crate::trees::{Child, Tree};

/// Most places for leaves, so that a leaf's number takes 16 bits.
const PLACES_MAX: usize = 1 << 16;

/// The runtime's levels, owned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Levels {
    pub depth: u8,
    pub asked: Asked,
    pub order: Order,
}

/// A feature and a threshold for each level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Bytes(Vec<[u8; 2]>),
    Halves(Vec<[u16; 2]>),
}

/// How places lead to leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// These stand in the order of places.
    Leaves(Leaves),
    /// By the number of one of the distinct leaves.
    Numbers(Numbers),
}

/// What a level asks.
type Level = (u16, i16);

impl Levels {
    /// The levels of trees, each of which has a split, as many for each as the deepest has; `None`
    /// where a tree has none, or where they take more places than are numbered.
    pub(crate) fn new(
        trees: &[Tree],
        leaves: &Leaves,
        n_classes: usize,
        wide_thresholds: bool,
    ) -> Option<Self> {
        let of_trees: Vec<Vec<Level>> = trees.iter().map(levels).collect::<Option<_>>()?;
        let depth = of_trees.iter().map(Vec::len).max()?;
        if trees.len() << depth > PLACES_MAX {
            return None;
        }
        let mut asked = Vec::new();
        let mut places = Vec::new();
        for (tree, levels) in trees.iter().zip(of_trees) {
            // A tree with fewer levels asks its last one again.
            let last = levels[levels.len() - 1];
            let padding = depth - levels.len();
            places
                .extend((0..1 << depth).map(|place: usize| leaf(tree, &levels, place >> padding)));
            asked.extend(levels.into_iter().chain(std::iter::repeat_n(last, padding)));
        }
        let is_byte = |(feature, threshold): &Level| {
            u8::try_from(*feature).is_ok() && u8::try_from(*threshold).is_ok()
        };
        let asked = if !wide_thresholds && asked.iter().all(is_byte) {
            let low = |number: u16| number.to_le_bytes()[0];
            let level =
                |(feature, threshold): Level| [low(feature), low(threshold.cast_unsigned())];
            Asked::Bytes(asked.into_iter().map(level).collect())
        } else {
            let level = |(feature, threshold): Level| [feature, threshold.cast_unsigned()];
            Asked::Halves(asked.into_iter().map(level).collect())
        };
        Some(Self {
            depth: u8::try_from(depth).ok()?,
            asked,
            order: Order::new(&places, leaves, n_classes),
        })
    }

    pub(crate) fn table_bytes(&self) -> usize {
        let asked = match &self.asked {
            Asked::Bytes(asked) => size_of_val(asked.as_slice()),
            Asked::Halves(asked) => size_of_val(asked.as_slice()),
        };
        let numbers = self.numbers().map(|it| it.n_bytes() * it.len());
        asked + numbers.unwrap_or(0)
    }

    /// The code that each level asks.
    pub(crate) fn asked(&self) -> Vec<usize> {
        match &self.asked {
            Asked::Bytes(asked) => asked.iter().map(|level| level[0].into()).collect(),
            Asked::Halves(asked) => asked.iter().map(|level| level[0].into()).collect(),
        }
    }

    /// Leaves in the order of places, where they stand so.
    pub(crate) fn leaves(&self) -> Option<&Leaves> {
        match &self.order {
            Order::Leaves(leaves) => Some(leaves),
            Order::Numbers(_) => None,
        }
    }

    pub(crate) fn numbers(&self) -> Option<&Numbers> {
        match &self.order {
            Order::Numbers(numbers) => Some(numbers),
            Order::Leaves(_) => None,
        }
    }

    /// The runtime's view of the levels.
    pub(crate) fn runtime(&self) -> runtime::Levels<'_> {
        runtime::Levels {
            depth: self.depth,
            asked: match &self.asked {
                Asked::Bytes(asked) => runtime::Asked::Bytes(asked),
                Asked::Halves(asked) => runtime::Asked::Halves(asked),
            },
            numbers: self.numbers().map(Numbers::runtime),
        }
    }
}

impl Order {
    /// Whichever takes fewer bytes.
    fn new(places: &[usize], leaves: &Leaves, n_classes: usize) -> Self {
        let n_distinct = places.iter().max().map_or(0, |leaf| leaf + 1);
        let number_bytes = if n_distinct <= 256 { 1 } else { 2 };
        let row_bytes = match leaves {
            Leaves::Classes => 0,
            Leaves::Bytes(_) => n_classes,
            Leaves::Words(_) => 2 * n_classes,
            Leaves::Values(values) => values.numbers.n_bytes(),
        };
        let rows = || {
            places
                .iter()
                .flat_map(|it| it * n_classes..(it + 1) * n_classes)
        };
        let in_order = match leaves {
            _ if row_bytes * places.len()
                > number_bytes * places.len() + row_bytes * n_distinct =>
            {
                None
            }
            // A class is a number.
            Leaves::Classes => None,
            Leaves::Bytes(votes) => Some(Leaves::Bytes(rows().map(|at| votes[at]).collect())),
            Leaves::Words(votes) => Some(Leaves::Words(rows().map(|at| votes[at]).collect())),
            Leaves::Values(values) => Some(Leaves::Values(Values {
                numbers: values.numbers.in_order(places),
                ..values.clone()
            })),
        };
        if let Some(leaves) = in_order {
            return Self::Leaves(leaves);
        }
        Self::Numbers(match number_bytes {
            1 => Numbers::Bytes(
                places
                    .iter()
                    .map(|it| u8::try_from(*it).expect("below 256"))
                    .collect(),
            ),
            _ => Numbers::Halves(
                places
                    .iter()
                    .map(|it| u16::try_from(*it).expect("`limits::LEAVES`"))
                    .collect(),
            ),
        })
    }
}

/// What a tree asks, each before all that is asked below it; `None` where that is no order, or where
/// its bits would have far more places than the tree has leaves.
fn levels(tree: &Tree) -> Option<Vec<Level>> {
    let level = |at: usize| (tree.splits[at].feature, tree.splits[at].threshold);
    let mut waiting: Vec<Level> = Vec::new();
    let mut edges = Vec::new();
    for (at, split) in tree.splits.iter().enumerate() {
        if !waiting.contains(&level(at)) {
            waiting.push(level(at));
            if waiting.len() > DEPTH_MAX {
                return None;
            }
        }
        for child in split.children {
            if let Child::Split(child) = child {
                edges.push((level(at), level(child)));
            }
        }
    }
    if 1 << waiting.len() > 8 * (tree.splits.len() + 1) {
        return None;
    }
    let mut levels = Vec::new();
    while !waiting.is_empty() {
        let is_below = |level: &Level| {
            let above = edges.iter().filter(|(_, below)| below == level);
            above.into_iter().any(|(above, _)| waiting.contains(above))
        };
        let next = waiting.iter().position(|level| !is_below(level))?;
        levels.push(waiting.remove(next));
    }
    Some(levels)
}

/// The leaf that bits of levels lead to, the first level's being the highest.
fn leaf(tree: &Tree, levels: &[Level], bits: usize) -> usize {
    let mut child = tree.root;
    loop {
        let split = match child {
            Child::Leaf(leaf) => return leaf,
            Child::Split(at) => &tree.splits[at],
        };
        let level = levels
            .iter()
            .position(|level| *level == (split.feature, split.threshold))
            .expect("a level for each split");
        child = split.children[bits >> (levels.len() - 1 - level) & 1];
    }
}
