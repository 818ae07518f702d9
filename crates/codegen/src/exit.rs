//! Early exit: when a forest may stop, and the class that it then gives.

use spinney_model::Task;
use spinney_quantize::{Body, Leaves, QuantModel};

use crate::compact::number;
use crate::trees::{Child, Tree, trees, votes};

/// How a forest stops before its last tree, computed on the host tree by tree: the reference for
/// every form of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    trees: Vec<Tree>,
    leaves: Leaves,
    n_classes: usize,
    enough: Enough,
}

/// What a forest that stops early says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The class index.
    pub class: usize,
    /// How many trees were asked.
    pub n_trees: usize,
    /// How many splits were passed.
    pub n_splits: usize,
}

/// The paths of rows through a forest's trees, all of them asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Walks {
    trees: Vec<Tree>,
}

impl Walks {
    /// The trees of `model` as every encoding has them; `None` for naive Bayes.
    #[must_use]
    pub fn new(model: &QuantModel) -> Option<Self> {
        match model.body() {
            Body::Forest(forest) => Some(Self {
                trees: trees(forest),
            }),
            Body::Bayes(_) => None,
        }
    }

    /// Splits on the longest path of every tree, added up: no row passes more.
    #[must_use]
    pub fn splits_max(&self) -> usize {
        self.trees.iter().map(Tree::depth).sum()
    }

    /// Splits that a row passes.
    ///
    /// # Panics
    /// If `codes` has fewer codes than the model features.
    #[must_use]
    pub fn splits(&self, codes: &[i16]) -> usize {
        self.trees.iter().map(|tree| tree.walk(codes).1).sum()
    }
}

impl Exit {
    /// The exit of `model` with this share of the certain votes or lead, above 0 and at most 1;
    /// `None` if no row is ever decided before the last tree.
    #[must_use]
    pub fn new(model: &QuantModel, margin: f64) -> Option<Self> {
        let Body::Forest(forest) = model.body() else {
            return None;
        };
        if model.task() == Task::Regress || model.margin().is_some() {
            return None;
        }
        let trees = trees(forest);
        let n_classes = model.n_scores();
        let enough = enough(&trees, forest.leaves(), n_classes, margin);
        enough.can_stop(trees.len()).then(|| Self {
            leaves: forest.leaves().clone(),
            trees,
            n_classes,
            enough,
        })
    }

    /// How many trees the forest has.
    #[must_use]
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Asks tree after tree until there is enough; `codes` has one code per feature.
    ///
    /// # Panics
    /// If `codes` has fewer codes than the model features.
    #[must_use]
    pub fn classify(&self, codes: &[i16]) -> Stopped {
        let mut sums = vec![0_u32; self.n_classes];
        let mut n_splits = 0;
        let last = self.trees.len() - 1;
        for (index, tree) in self.trees.iter().enumerate() {
            let (leaf, passed) = tree.walk(codes);
            n_splits += passed;
            for (sum, vote) in sums
                .iter_mut()
                .zip(votes(&self.leaves, leaf, self.n_classes))
            {
                *sum += vote;
            }
            if index == last || self.enough.is_reached(index, &sums) {
                return Stopped {
                    class: spinney_runtime::argmax(&sums),
                    n_trees: index + 1,
                    n_splits,
                };
            }
        }
        unreachable!("the last tree returns")
    }
}

/// What is enough after each tree, if trees are asked until nothing can change, or little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enough {
    /// A majority of all trees, or the configured share of it.
    Votes(u32),
    /// Per tree, the lead that the trees after it cannot make up for, or the configured share of
    /// it; `None` where no lead that the trees so far can build is as large.
    Leads(Vec<Option<u32>>),
}

impl Enough {
    /// Whether some row of codes may be decided before the last of `n_trees` trees.
    pub(crate) fn can_stop(&self, n_trees: usize) -> bool {
        match self {
            Self::Votes(votes) => (*votes as usize) < n_trees,
            Self::Leads(leads) => leads.iter().any(Option::is_some),
        }
    }

    /// Whether there is enough after tree `index`.
    fn is_reached(&self, index: usize, sums: &[u32]) -> bool {
        match self {
            Self::Votes(votes) => sums.iter().any(|sum| sum >= votes),
            Self::Leads(leads) => {
                leads[index].is_some_and(|needed| spinney_runtime::votes::lead(sums) > needed)
            }
        }
    }

    /// Whether there may be enough after tree `index`, with trees left to save.
    pub(crate) fn may_be_reached(&self, index: usize, n_trees: usize) -> bool {
        match self {
            Self::Votes(votes) => index + 1 >= *votes as usize && index + 1 < n_trees,
            Self::Leads(leads) => leads[index].is_some(),
        }
    }
}

/// A majority of `n_trees` votes.
pub(crate) fn majority(n_trees: usize) -> u32 {
    number(n_trees / 2 + 1)
}

/// Works out the bounds: what a tree can give a rival over the leader is the largest difference
/// between two votes of one of its leaves. A `margin` below 1 is content with that share of the
/// certain votes, rounded up, or of the certain lead, rounded down.
pub(crate) fn enough(trees: &[Tree], leaves: &Leaves, n_classes: usize, margin: f64) -> Enough {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of 32 bits is one"
    )]
    let share = |certain: u32, round: fn(f64) -> f64| round(f64::from(certain) * margin) as u32;
    if *leaves == Leaves::Classes {
        return Enough::Votes(share(majority(trees.len()), f64::ceil).max(1));
    }
    let swings: Vec<u32> = trees
        .iter()
        .map(|tree| {
            let children = tree.splits.iter().flat_map(|split| split.children);
            children
                .chain([tree.root])
                .filter_map(|child| match child {
                    Child::Leaf(leaf) => {
                        let votes = votes(leaves, leaf, n_classes);
                        let highest = votes.iter().max().copied().unwrap_or(0);
                        let lowest = votes.iter().min().copied().unwrap_or(0);
                        Some(highest - lowest)
                    }
                    Child::Split(_) => None,
                })
                .max()
                .unwrap_or(0)
        })
        .collect();
    let total: u32 = swings.iter().sum();
    let mut before = 0;
    let leads = swings
        .iter()
        .enumerate()
        .map(|(tree, swing)| {
            before += swing;
            let after = share(total - before, f64::floor);
            // The last tree ends the walk anyway.
            (before > after && tree + 1 < swings.len()).then_some(after)
        })
        .collect();
    Enough::Leads(leads)
}
