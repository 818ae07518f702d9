//! Early exit: when a forest may stop, and the class that it then gives.

use spinney_model::Task;
use spinney_quantize::{Leaves, QuantModel, Values};

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
    leaves: Leaves,
    n_classes: usize,
}

/// What the first trees of a forest say of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The class index.
    pub class: usize,
    /// How many splits were passed.
    pub n_splits: usize,
}

impl Walks {
    /// The trees of `model` as every encoding has them; `None` for naive Bayes.
    pub fn new(model: &QuantModel) -> Option<Self> {
        let forest = model.forest()?;
        Some(Self {
            trees: trees(forest),
            leaves: forest.leaves().clone(),
            n_classes: model.n_scores(),
        })
    }

    /// Splits on the longest path of every tree, added up: no row passes more.
    pub fn splits_max(&self) -> usize {
        self.trees.iter().map(Tree::depth).sum()
    }

    /// Splits that a row passes.
    ///
    /// # Panics
    /// If `codes` has fewer codes than the model features.
    pub fn splits(&self, codes: &[i16]) -> usize {
        self.trees.iter().map(|tree| tree.walk(codes).1).sum()
    }

    /// Tells `asked` of each code that a split on the row's way compares.
    ///
    /// # Panics
    /// As [`Walks::splits`].
    pub fn walk(&self, codes: &[i16], mut asked: impl FnMut(usize)) {
        for tree in &self.trees {
            tree.walk_by(codes, &mut asked);
        }
    }

    /// What the first trees say, for each number of them in `sizes`, ascending and no more than there
    /// are: what forests of so many of these trees would.
    ///
    /// # Panics
    /// As [`Walks::splits`].
    pub fn prefixes(&self, codes: &[i16], sizes: &[usize]) -> Vec<Prefix> {
        let mut sums = vec![0_u32; self.n_classes];
        let mut n_splits = 0;
        let mut asked = 0;
        let prefixes = sizes.iter().map(|size| {
            for tree in &self.trees[asked..*size] {
                let (leaf, passed) = tree.walk(codes);
                n_splits += passed;
                let votes = votes(&self.leaves, tree, leaf, self.n_classes);
                for (sum, vote) in sums.iter_mut().zip(votes) {
                    *sum += vote;
                }
            }
            asked = *size;
            Prefix {
                class: spinney_runtime::argmax(&sums),
                n_splits,
            }
        });
        prefixes.collect()
    }
}

impl Exit {
    /// The exit of `model` with this share of the certain votes or lead, above 0 and at most 1;
    /// `None` if no row is ever decided before the last tree.
    pub fn new(model: &QuantModel, margin: f64) -> Option<Self> {
        let forest = model.forest()?;
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
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Asks tree after tree until there is enough; `codes` has one code per feature.
    ///
    /// # Panics
    /// If `codes` has fewer codes than the model features.
    pub fn classify(&self, codes: &[i16]) -> Stopped {
        self.walk(codes, |_| ())
    }

    /// As [`Exit::classify`]; `asked` hears of each code that a split on the row's way compares.
    ///
    /// # Panics
    /// As there.
    pub fn walk(&self, codes: &[i16], mut asked: impl FnMut(usize)) -> Stopped {
        let mut n_splits = 0;
        let counted = |code: usize| {
            n_splits += 1;
            asked(code);
        };
        let stopped = match (&self.leaves, &self.enough) {
            (Leaves::Values(values), Enough::Leads(rests)) => {
                self.by_score(values, rests, codes, counted)
            }
            _ => self.by_votes(codes, counted),
        };
        Stopped {
            n_splits,
            ..stopped
        }
    }

    fn by_votes(&self, codes: &[i16], mut asked: impl FnMut(usize)) -> Stopped {
        let mut sums = vec![0_u32; self.n_classes];
        let last = self.trees.len() - 1;
        for (index, tree) in self.trees.iter().enumerate() {
            let leaf = tree.walk_by(codes, &mut asked);
            for (sum, vote) in sums
                .iter_mut()
                .zip(votes(&self.leaves, tree, leaf, self.n_classes))
            {
                *sum += vote;
            }
            if index == last || self.enough.is_reached(index, &sums) {
                return Stopped {
                    class: spinney_runtime::argmax(&sums),
                    n_trees: index + 1,
                    n_splits: 0,
                };
            }
        }
        unreachable!("the last tree returns")
    }

    /// The same where each tree adds to one score: a score is given up once the rest of its trees
    /// cannot raise it above the best before it, and the last has won once it is above that.
    fn by_score(
        &self,
        values: &Values,
        rests: &[Option<u32>],
        codes: &[i16],
        mut asked: impl FnMut(usize),
    ) -> Stopped {
        let mut stopped = Stopped {
            class: 0,
            n_trees: 0,
            n_splits: 0,
        };
        let mut best = 0;
        for (score, base) in values.bases.iter().enumerate() {
            let mut sum = *base;
            let trees = self.trees.iter().zip(rests);
            for (tree, rest) in trees.filter(|(tree, _)| tree.score == score) {
                let leaf = tree.walk_by(codes, &mut asked);
                stopped.n_trees += 1;
                sum += values.numbers.get(leaf);
                let has_won = sum > best && score + 1 == self.n_classes;
                if has_won || rest.is_some_and(|rest| sum <= best && best - sum >= rest) {
                    break;
                }
            }
            if sum > best {
                (stopped.class, best) = (score, sum);
            }
        }
        stopped
    }
}

/// What is enough after each tree, if trees are asked until nothing can change, or little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enough {
    /// A majority of all trees, or the configured share of it.
    Votes(u32),
    /// Per tree, the lead that the trees after it cannot make up for, or the configured share of
    /// it; `None` where no lead that the trees so far can build is as large. Where each tree adds to
    /// one score, what the trees of that score after it can add, or that share of it; `None` where
    /// no score before can be as far ahead.
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
    // Casts: a share of a number of 32 bits is one.
    let share = |certain: u32, round: fn(f64) -> f64| round(f64::from(certain) * margin) as u32;
    if *leaves == Leaves::Classes {
        return Enough::Votes(share(majority(trees.len()), f64::ceil).max(1));
    }
    let swings = swings(trees, leaves, n_classes);
    if let Leaves::Values(values) = leaves {
        let scores_max = scores_max(values, trees, &swings);
        let mut leads = vec![None; trees.len()];
        let mut rest = 0;
        for index in (0..trees.len()).rev() {
            let score = trees[index].score;
            let is_last = trees.get(index + 1).is_none_or(|next| next.score != score);
            rest = if is_last { 0 } else { rest + swings[index + 1] };
            let lead = share(rest, f64::floor);
            let best = scores_max[..score].iter().max().copied();
            let can_fall_back = best >= Some(values.bases[score].saturating_add(lead));
            leads[index] = (can_fall_back && !is_last).then_some(lead);
        }
        return Enough::Leads(leads);
    }
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

/// What each tree can add to its one score, or give a rival over the leader.
fn swings(trees: &[Tree], leaves: &Leaves, n_classes: usize) -> Vec<u32> {
    trees
        .iter()
        .map(|tree| {
            let children = tree.splits.iter().flat_map(|split| split.children);
            children
                .chain([tree.root])
                .filter_map(|child| match child {
                    Child::Leaf(leaf) => {
                        if let Leaves::Values(values) = leaves {
                            return Some(values.numbers.get(leaf));
                        }
                        let votes = votes(leaves, tree, leaf, n_classes);
                        let highest = votes.iter().max().copied().unwrap_or(0);
                        let lowest = votes.iter().min().copied().unwrap_or(0);
                        Some(highest - lowest)
                    }
                    Child::Split(_) => None,
                })
                .max()
                .unwrap_or(0)
        })
        .collect()
}

/// The highest sum that some score may come to.
pub(crate) fn score_max(leaves: &Leaves, values: &Values, trees: &[Tree]) -> u32 {
    let swings = swings(trees, leaves, values.bases.len());
    let scores_max = scores_max(values, trees, &swings);
    scores_max.into_iter().max().unwrap_or(0)
}

/// The highest sum of each score; `swings` has the highest value of each tree.
fn scores_max(values: &Values, trees: &[Tree], swings: &[u32]) -> Vec<u32> {
    let mut sums = values.bases.clone();
    for (tree, swing) in trees.iter().zip(swings) {
        sums[tree.score] += swing;
    }
    sums
}
