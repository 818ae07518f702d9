//! Adding up the votes of a block of rows, and which of its rows are decided.

use spinney_quantize::{Leaves, QuantForest, Values};

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

    /// Adds the votes of a tree's leaf to the sums of a row; at most 65,535 times.
    #[inline(always)]
    pub(crate) fn add(&self, tree: usize, leaf: u16, sums: &mut [[u32; GROUP]]) {
        if let Some(values) = &self.values {
            let score = usize::from(values.scores[tree]);
            let sum = &mut sums[score / GROUP][score % GROUP];
            *sum = sum.wrapping_add(values.numbers.get(leaf.into()));
            return;
        }
        let first = usize::from(leaf) * self.n_groups;
        for (sums, votes) in sums.iter_mut().zip(&self.rows[first..]) {
            let before = *sums;
            *sums =
                std::array::from_fn(|class| before[class].wrapping_add(u32::from(votes[class])));
        }
    }

    /// The sums of the classes.
    #[inline(always)]
    pub(crate) fn of_classes<'s>(&self, sums: &'s [[u32; GROUP]]) -> &'s [u32] {
        &sums.as_flattened()[..self.n_classes]
    }
}
