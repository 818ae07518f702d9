//! Shallow trees without walks: of a block of rows, all splits are compared, column by column, and
//! each split selects between what its two sides have selected, up to the root.
//!
//! That takes a few vector instructions per split for the whole block, and no time depends on where
//! rows go. What is selected is a leaf's word: what it adds, where that fits (`Votes::word`), or else
//! its number.

use std::cmp::Reverse;

use crate::forest::BLOCK;
use crate::reading::key::{Key, Lane};
use crate::trees::Nodes;
use crate::votes::{GROUP, Votes};

/// What is selected at once.
const PART: usize = 16;

/// So few rows do not pay for a whole block of them.
pub(crate) const ROWS_MIN: usize = BLOCK / 3;

/// What each row of a block has, in parts.
type Column<T> = [[T; PART]; BLOCK / PART];

/// Leaves of a tree; each has a cell of its own, and all cells are to stay near a processor.
const LEAVES_MAX: usize = 64;

/// Selects what stands in one cell or another.
#[derive(Debug, Clone, Copy)]
struct Step<K> {
    threshold: K,
    column: u16,
    /// The cells for keys up to the threshold and for the others, and the one to write.
    sides: [u16; 2],
    out: u16,
}

/// An ensemble of shallow trees.
#[derive(Debug)]
pub(crate) struct Select<K: Key> {
    /// Feature of each column.
    features: Vec<u16>,
    steps: Vec<Step<K>>,
    /// Of each tree: where its steps end, its first leaf, and the cell that has the result.
    trees: Vec<(usize, usize, u16)>,
    /// The word of each leaf of each tree.
    words: Vec<u32>,
    /// Of narrow keys, a cell with the number of each leaf; then those that steps write.
    cells: Vec<Column<K::Lane>>,
}

/// Columns, cells and sums of a block, for use over and over.
#[derive(Debug)]
pub(crate) struct Room<K: Key> {
    columns: Vec<Column<K>>,
    cells: Vec<Column<K::Lane>>,
    /// What words have added to each score.
    totals: Vec<[u32; BLOCK]>,
}

impl<K: Key> Default for Room<K> {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            cells: Vec::new(),
            totals: Vec::new(),
        }
    }
}

/// What writes the steps of trees.
struct Writer<'n, K: Key> {
    nodes: &'n Nodes<K>,
    select: Select<K>,
    votes: &'n Votes,
    /// The most cells that a tree's steps write at a time.
    n_written: usize,
}

impl<K: Key> Select<K> {
    /// The trees, if all of them are shallow enough to gain by it.
    pub(crate) fn new(nodes: &Nodes<K>, votes: &Votes) -> Option<Self> {
        let n_leaves = nodes.leaves_per_tree().max()?;
        let features = nodes.features();
        if n_leaves > LEAVES_MAX || features.is_empty() {
            return None;
        }
        let cell = |leaf: usize| splat::<K>(u32::try_from(leaf).expect("at most LEAVES_MAX"));
        let select = Self {
            features,
            steps: Vec::new(),
            trees: Vec::new(),
            words: Vec::new(),
            cells: (0..n_leaves).map(cell).collect(),
        };
        let mut writer = Writer {
            nodes,
            select,
            votes,
            n_written: 0,
        };
        let (_, roots) = nodes.roots().split_last()?;
        for root in roots {
            let first_leaf = writer.select.words.len();
            let result = writer.write(*root, first_leaf, 0);
            let end = writer.select.steps.len();
            writer.select.trees.push((end, first_leaf, result));
        }
        let Writer {
            mut select,
            n_written,
            ..
        } = writer;
        select.cells.resize(n_leaves + n_written, cell(0));
        Some(select)
    }

    /// Puts a block of rows of keys, of `n_features` each, into columns.
    #[inline(always)]
    pub(crate) fn turn(&self, keys: &[K], n_features: usize, votes: &Votes, room: &mut Room<K>) {
        room.cells.clone_from(&self.cells);
        room.totals.clear();
        room.totals.resize(votes.n_classes(), [0; BLOCK]);
        let empty = [[K::default(); PART]; BLOCK / PART];
        room.columns.resize(self.features.len(), empty);
        for (at, row) in keys.chunks_exact(n_features).enumerate() {
            for (column, feature) in room.columns.iter_mut().zip(&self.features) {
                column.as_flattened_mut()[at] = row[usize::from(*feature)];
            }
        }
    }

    /// Adds up what a tree gives to the rows in the columns: to totals, or by numbers of leaves to the
    /// sums of rows. `number` is the tree's in the model.
    #[inline(always)]
    pub(crate) fn add(
        &self,
        (tree, number): (usize, usize),
        votes: &Votes,
        room: &mut Room<K>,
        sums: &mut [[u32; GROUP]],
    ) {
        let first = tree.checked_sub(1).map_or(0, |before| self.trees[before].0);
        let (end, first_leaf, result) = self.trees[tree];
        let mut words = [0; LEAVES_MAX];
        for (word, of_leaf) in words.iter_mut().zip(&self.words[first_leaf..]) {
            *word = *of_leaf;
        }
        if K::Lane::IS_WIDE {
            // One leaf more than splits.
            let cells = room.cells.iter_mut().take(end - first + 1);
            for (cell, word) in cells.zip(words) {
                *cell = splat::<K>(word);
            }
        }
        for step in &self.steps[first..end] {
            select(*step, &room.columns, &mut room.cells);
        }
        let mut reached = [0; BLOCK];
        let cell = room.cells[usize::from(result)].as_flattened();
        for (reached, lane) in reached.iter_mut().zip(cell) {
            *reached = lane.word();
            if !K::Lane::IS_WIDE {
                *reached = words[*reached as usize % LEAVES_MAX];
            }
        }
        votes.add_words(number, &reached, &mut room.totals, sums);
    }

    /// Moves totals to the sums of rows.
    #[inline(always)]
    pub(crate) fn flush(votes: &Votes, room: &mut Room<K>, sums: &mut [[u32; GROUP]]) {
        for (class, total) in room.totals.iter_mut().enumerate() {
            for (sums, total) in sums.chunks_exact_mut(votes.n_groups()).zip(&*total) {
                let sum = &mut sums[class / GROUP][class % GROUP];
                *sum = sum.wrapping_add(*total);
            }
            *total = [0; BLOCK];
        }
    }
}

/// A cell that has a word for every row.
#[inline(always)]
fn splat<K: Key>(word: u32) -> Column<K::Lane> {
    [[K::Lane::of(word); PART]; BLOCK / PART]
}

#[inline(always)]
fn select<K: Key>(step: Step<K>, columns: &[Column<K>], cells: &mut [Column<K::Lane>]) {
    let column = &columns[usize::from(step.column)];
    let [low, high, out] = [step.sides[0], step.sides[1], step.out].map(usize::from);
    for (part, keys) in column.iter().enumerate() {
        // Copies, as the cell to write may be one of the two.
        let (low, high) = (cells[low][part], cells[high][part]);
        cells[out][part] = std::array::from_fn(|row| {
            K::Lane::select(keys[row] > step.threshold, low[row], high[row])
        });
    }
}

impl<K: Key> Writer<'_, K> {
    /// Writes the steps below a node and returns the cell that has the result; `n_taken` cells that
    /// steps write are taken.
    fn write(&mut self, at: usize, first_leaf: usize, n_taken: usize) -> u16 {
        let number = |cell: usize| u16::try_from(cell).expect("few cells");
        let (feature, threshold, left) = match self.nodes.stands(at) {
            Err(leaf) => {
                self.select.words.push(self.votes.word(leaf));
                return number(self.select.words.len() - 1 - first_leaf);
            }
            Ok(split) => split,
        };
        // The side that takes more cells comes first, so that a tree of n leaves takes log2 n.
        let mut sides = [0, 1];
        sides.sort_by_key(|side| Reverse(self.cells(left + side)));
        let n_leaves = self.select.cells.len();
        let mut cells = [0; 2];
        let mut taken = n_taken;
        for side in sides {
            cells[side] = self.write(left + side, first_leaf, taken);
            taken += usize::from(usize::from(cells[side]) >= n_leaves);
        }
        let out = number(n_leaves + n_taken);
        self.n_written = self.n_written.max(n_taken + 1);
        let column = self
            .select
            .features
            .binary_search(&feature)
            .expect("is listed");
        self.select.steps.push(Step {
            threshold,
            column: number(column),
            sides: cells,
            out,
        });
        out
    }

    /// How many cells the steps below a node write at a time at least.
    fn cells(&self, at: usize) -> usize {
        let Ok((_, _, left)) = self.nodes.stands(at) else {
            return 0;
        };
        let mut sides = [self.cells(left), self.cells(left + 1)];
        sides.sort_unstable();
        let [fewer, more] = sides;
        more.max(fewer + usize::from(more > 0)).max(1)
    }
}
