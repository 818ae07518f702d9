//! Adding up the votes of a block of rows, and which of its rows are decided.

use spinney_quantize::{Leaves, QuantForest, Values};

use crate::forest::BLOCK;

/// Classes are added up in groups of so many; a row of votes is padded to whole groups.
pub(crate) const GROUP: usize = 8;

/// The votes that each leaf gives, a padded row each.
#[derive(Debug, Clone)]
pub(crate) struct Votes {
    n_classes: usize,
    n_groups: usize,
    rows: Vec<[u16; GROUP]>,
    /// In place of rows, where each tree adds to one score.
    values: Option<Values>,
}

impl Votes {
    pub(crate) fn new(forest: &QuantForest, n_classes: usize) -> Self {
        let n_groups = n_classes.div_ceil(GROUP);
        let mut values = None;
        let flat: Vec<u16> = match forest.leaves() {
            // Leaf `c` gives a vote to class `c`.
            Leaves::Classes => (0..n_classes * n_classes)
                .map(|at| u16::from(at / n_classes == at % n_classes))
                .collect(),
            Leaves::Bytes(votes) => votes.iter().map(|vote| u16::from(*vote)).collect(),
            Leaves::Words(votes) => votes.clone(),
            Leaves::Values(of_leaves) => {
                values = Some(of_leaves.clone());
                Vec::new()
            }
        };
        let mut rows = vec![[0; GROUP]; flat.len() / n_classes * n_groups];
        for (padded, row) in rows.chunks_mut(n_groups).zip(flat.chunks_exact(n_classes)) {
            for (class, vote) in row.iter().enumerate() {
                padded[class / GROUP][class % GROUP] = *vote;
            }
        }
        Self {
            n_classes,
            n_groups,
            rows,
            values,
        }
    }

    /// Whether each tree adds to one score.
    pub(crate) fn is_of_values(&self) -> bool {
        self.values.is_some()
    }

    /// Groups of a row of sums.
    pub(crate) fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// By how much a leaf's vote for one class may exceed that for another.
    pub(crate) fn span(&self, leaf: u16) -> u32 {
        if let Some(values) = &self.values {
            return values.numbers.get(leaf.into());
        }
        let first = usize::from(leaf) * self.n_groups;
        let row = self.rows[first..first + self.n_groups].as_flattened();
        let votes = &row[..self.n_classes];
        let most = votes.iter().max().copied().unwrap_or(0);
        let least = votes.iter().min().copied().unwrap_or(0);
        u32::from(most - least)
    }

    /// The sums of a row that has asked no tree, padded.
    pub(crate) fn bases(&self) -> Vec<[u32; GROUP]> {
        let mut sums = vec![[0; GROUP]; self.n_groups];
        if let Some(values) = &self.values {
            for (class, base) in values.bases.iter().enumerate() {
                sums[class / GROUP][class % GROUP] = *base;
            }
        }
        sums
    }

    /// Adds the votes of leaves, each of the tree beside it, to the sums of a row; at most 65,535
    /// leaves to a row.
    #[inline(always)]
    pub(crate) fn add(&self, trees: &[usize], leaves: &[u16], sums: &mut [[u32; GROUP]]) {
        if let Some(values) = &self.values {
            for (tree, leaf) in trees.iter().zip(leaves) {
                let score = usize::from(values.scores[*tree]);
                let sum = &mut sums[score / GROUP][score % GROUP];
                *sum = sum.wrapping_add(values.numbers.get((*leaf).into()));
            }
            return;
        }
        for (group, sums) in sums.iter_mut().enumerate() {
            let mut sum = *sums;
            for leaf in leaves {
                let votes = &self.rows[usize::from(*leaf) * self.n_groups + group];
                sum = std::array::from_fn(|class| sum[class].wrapping_add(votes[class].into()));
            }
            *sums = sum;
        }
    }

    /// Scores of a row.
    pub(crate) fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// What a leaf adds, in a word: its number for one score, or its votes for two classes; or else
    /// the leaf's own number.
    pub(crate) fn word(&self, leaf: u16) -> u32 {
        match &self.values {
            Some(values) => values.numbers.get(leaf.into()),
            None if self.n_classes == 2 => {
                let [first, second, ..] = self.rows[usize::from(leaf)];
                u32::from(first) | u32::from(second) << 16
            }
            None => leaf.into(),
        }
    }

    /// Adds the words of a tree's leaves that the rows of a block reach: to the totals of scores, or
    /// where they are numbers of leaves to the sums of rows.
    #[inline(always)]
    pub(crate) fn add_words(
        &self,
        tree: usize,
        words: &[u32; BLOCK],
        totals: &mut [[u32; BLOCK]],
        sums: &mut [[u32; GROUP]],
    ) {
        match (&self.values, totals) {
            (Some(values), totals) => {
                let totals = &mut totals[usize::from(values.scores[tree])];
                for (total, word) in totals.iter_mut().zip(words) {
                    *total = total.wrapping_add(*word);
                }
            }
            (None, [first, second]) => {
                for (total, word) in first.iter_mut().zip(words) {
                    *total = total.wrapping_add(word & 0xffff);
                }
                for (total, word) in second.iter_mut().zip(words) {
                    *total = total.wrapping_add(word >> 16);
                }
            }
            (None, _) => {
                for (sums, word) in sums.chunks_exact_mut(self.n_groups).zip(words) {
                    let leaf = u16::try_from(*word).unwrap_or_default();
                    self.add(&[tree], &[leaf], sums);
                }
            }
        }
    }

    /// The sums of the classes.
    #[inline(always)]
    pub(crate) fn of_classes<'s>(&self, sums: &'s [[u32; GROUP]]) -> &'s [u32] {
        &sums.as_flattened()[..self.n_classes]
    }
}

/// By how much the largest of a row's padded sums leads the second largest; 0 if they are equal. It
/// is the runtime's `lead` for several classes at once.
#[inline(always)]
pub(crate) fn lead(sums: &[[u32; GROUP]]) -> u32 {
    let (mut first, mut second) = ([0; GROUP], [0; GROUP]);
    // What pads a group is 0, as the largest begin.
    for sums in sums {
        for ((first, second), sum) in first.iter_mut().zip(&mut second).zip(sums) {
            *second = (*second).max((*first).min(*sum));
            *first = (*first).max(*sum);
        }
    }
    // The halves of what is left, until it is one.
    let mut width = GROUP;
    while width > 1 {
        width /= 2;
        for at in 0..width {
            let other = at + width;
            let less = first[at].min(first[other]);
            second[at] = second[at].max(second[other]).max(less);
            first[at] = first[at].max(first[other]);
        }
    }
    first[0] - second[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spinney_runtime::votes::lead;

    use super::*;

    proptest! {
        #[test]
        fn a_lead_is_the_runtimes(sums in prop::collection::vec(0_u32..9, 1..40)) {
            let mut padded = vec![[0; GROUP]; sums.len().div_ceil(GROUP)];
            padded.as_flattened_mut()[..sums.len()].copy_from_slice(&sums);
            prop_assert_eq!(super::lead(&padded), lead(&sums));
        }
    }
}
