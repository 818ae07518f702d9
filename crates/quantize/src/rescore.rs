//! Scores of rows that differ from one row in a single code: only what looks at that code is asked
//! again.

use spinney_runtime::bayes::square_wide;
use spinney_runtime::forest::{LEAF, Split};

use crate::{Body, QuantBayes, QuantForest, QuantModel, Scorer};

/// Scores a row, and then that row with one code replaced.
#[derive(Debug, Clone)]
pub struct Rescorer<'m> {
    scorer: Scorer<'m>,
    codes: Vec<i16>,
    scores: Vec<i64>,
    changed: Vec<i64>,
    body: Looks<'m>,
}

/// What looks at a code.
#[derive(Debug, Clone)]
enum Looks<'m> {
    Forest {
        forest: &'m QuantForest,
        /// Whose paths read each code, each tree once.
        readers: Vec<Vec<Reader>>,
        /// The leaf that the row reaches in each tree.
        leaves: Vec<u16>,
    },
    Bayes(&'m QuantBayes),
}

/// A tree whose path reads a code.
#[derive(Debug, Clone, Copy)]
struct Reader {
    tree: u32,
    /// The first split that reads it.
    first: u16,
    /// With these codes the path stays as it is.
    stays: (i16, i16),
}

impl QuantModel {
    /// A rescorer of this model's rows.
    pub fn rescorer(&self) -> Rescorer<'_> {
        Rescorer {
            scorer: self.scorer(),
            codes: Vec::new(),
            scores: Vec::new(),
            changed: Vec::new(),
            body: match &self.body {
                Body::Forest(forest) => Looks::Forest {
                    forest,
                    readers: vec![Vec::new(); self.inputs().len()],
                    leaves: Vec::with_capacity(forest.trees().len()),
                },
                Body::Bayes(bayes) => Looks::Bayes(bayes),
            },
        }
    }
}

impl Rescorer<'_> {
    /// Takes a row of codes, and gives its scores, one per class.
    ///
    /// # Panics
    /// If `codes` has another length than the model has inputs.
    pub fn take(&mut self, codes: &[i16]) -> &[i64] {
        self.codes.clear();
        self.codes.extend_from_slice(codes);
        self.scores = self.scorer.scores(codes);
        if let Looks::Forest {
            forest,
            readers,
            leaves,
        } = &mut self.body
        {
            readers.iter_mut().for_each(Vec::clear);
            leaves.clear();
            for tree in 0..forest.trees().len() {
                let index = u32::try_from(tree).expect("at most 65,535 trees");
                let root = forest.trees()[tree].root;
                leaves.push(leaf(forest, tree, root, codes, |at, split, goes_left| {
                    let readers = &mut readers[usize::from(split.feature)];
                    if readers.last().is_none_or(|reader| reader.tree != index) {
                        readers.push(Reader {
                            tree: index,
                            first: at,
                            stays: (i16::MIN, i16::MAX),
                        });
                    }
                    if let Some(Reader { stays, .. }) = readers.last_mut() {
                        if goes_left {
                            stays.1 = stays.1.min(split.threshold);
                        } else {
                            // A code that is above some threshold is above the least code.
                            stays.0 = stays.0.max(split.threshold.saturating_add(1));
                        }
                    }
                }));
            }
        }
        &self.scores
    }

    /// The scores of the row that was taken, with `code` in place of its code number `input`.
    ///
    /// # Panics
    /// If no row was taken, or there is no such code.
    pub fn with(&mut self, input: usize, code: i16) -> &[i64] {
        let old = std::mem::replace(&mut self.codes[input], code);
        self.changed.clone_from(&self.scores);
        match &self.body {
            Looks::Forest {
                forest,
                readers,
                leaves,
            } => {
                for reader in &readers[input] {
                    if (reader.stays.0..=reader.stays.1).contains(&code) {
                        continue;
                    }
                    let tree = reader.tree as usize;
                    let before = leaves[tree];
                    let after = leaf(forest, tree, reader.first, &self.codes, |_, _, _| ());
                    if before != after {
                        add(forest, tree, before, -1, &mut self.changed);
                        add(forest, tree, after, 1, &mut self.changed);
                    }
                }
            }
            Looks::Bayes(bayes) => {
                let terms = bayes.terms().chunks_exact(self.codes.len());
                for (terms, score) in terms.zip(&mut self.changed) {
                    let square = |code| square_wide(terms[input].deviation(code)).cast_signed();
                    *score += square(old) - square(code);
                }
            }
        }
        self.codes[input] = old;
        &self.changed
    }
}

/// The number of the leaf that a row of codes reaches in a tree, from its root or one of its splits
/// on; `visit` is told each split on the way, and whether the row goes left there.
pub(crate) fn leaf(
    forest: &QuantForest,
    tree: usize,
    from: u16,
    codes: &[i16],
    mut visit: impl FnMut(u16, &Split, bool),
) -> u16 {
    let splits = &forest.splits()[forest.trees()[tree].first_split as usize..];
    let mut child = from;
    while child & LEAF == 0 {
        let split = &splits[usize::from(child)];
        let goes_left = codes[usize::from(split.feature)] <= split.threshold;
        visit(child, split, goes_left);
        child = split.children[usize::from(!goes_left)];
    }
    child ^ LEAF
}

/// Adds the votes of a tree's leaf, so many times, to the scores.
fn add(forest: &QuantForest, tree: usize, leaf: u16, times: i64, scores: &mut [i64]) {
    let leaves = forest.leaves();
    leaves.each_vote(tree, leaf.into(), scores.len(), |score, vote| {
        scores[score] += times * i64::from(vote);
    });
}
