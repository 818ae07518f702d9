//! Oblivious trees: all splits of a level compare the same, so that a level is one comparison and
//! says one bit of where in the tree's row of leaves the reading ends.
//!
//! Every tree has `depth` levels, the first one giving the highest bit, and `2^depth` places for
//! leaves. Place `i` of tree `t` is `t << depth | i`. What stands there is a leaf's number; without
//! a table of numbers, leaves themselves stand in that order.

use crate::TableError;
use crate::values::Values;

/// Most levels of a tree.
pub const DEPTH_MAX: usize = 15;

/// Levels of all trees, tree after tree, and the leaves that their bits lead to.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'t> {
    /// Levels of each tree, 1 to [`DEPTH_MAX`].
    pub depth: u8,
    /// What levels compare.
    pub asked: Asked<'t>,
    /// The leaf's number at each place; `None` where it is the place.
    pub numbers: Option<Values<'t>>,
}

/// A feature and the threshold that its code is above, for a bit that is set.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'t> {
    /// Features below 256, thresholds from 0 to 255.
    Bytes(&'t [[u8; 2]]),
    /// Signed thresholds.
    Halves(&'t [[u16; 2]]),
}

impl Asked<'_> {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Bytes(levels) => levels.len(),
            Self::Halves(levels) => levels.len(),
        }
    }

    pub(crate) const fn feature(&self, level: usize) -> usize {
        match self {
            Self::Bytes(levels) => levels[level][0] as usize,
            Self::Halves(levels) => levels[level][0] as usize,
        }
    }
}

impl Levels<'_> {
    /// Checks that levels and places of so many trees exist, and all that they lead to.
    pub(crate) const fn check(
        &self,
        starts: &[u32],
        n_features: usize,
        n_leaves: usize,
    ) -> Result<(), TableError> {
        let depth = self.depth as usize;
        if depth == 0 || depth > DEPTH_MAX || self.asked.len() != starts.len() * depth {
            return Err(TableError::Count);
        }
        let mut tree = 0;
        while tree < starts.len() {
            if starts[tree] as usize != tree {
                return Err(TableError::TreeRange);
            }
            tree += 1;
        }
        let mut level = 0;
        while level < self.asked.len() {
            if self.asked.feature(level) >= n_features {
                return Err(TableError::Feature);
            }
            level += 1;
        }
        let n_places = starts.len() << depth;
        let Some(numbers) = self.numbers else {
            return if n_places <= n_leaves {
                Ok(())
            } else {
                Err(TableError::Leaf)
            };
        };
        if numbers.len() != n_places {
            return Err(TableError::Leaf);
        }
        let mut place = 0;
        while place < n_places {
            let leaf = match numbers {
                Values::Bytes(leaves) => leaves[place] as usize,
                Values::Halves(leaves) => leaves[place] as usize,
                Values::Words(leaves) => leaves[place] as usize,
            };
            if leaf >= n_leaves {
                return Err(TableError::Leaf);
            }
            place += 1;
        }
        Ok(())
    }
}
