//! Tree ensembles: blocks of rows go through one tree after the other, several rows at once.

use spinney_quantize::{Coding, Input, Place, QuantForest, QuantModel, ReadingType};
use spinney_runtime::votes::lead;

use crate::cut::cut;
use crate::reading::Reading;
use crate::reading::key::Key;
use crate::trees::{LANES, Tree};
use crate::votes::{GROUP, Votes};

/// Rows that go through a tree before the next tree's turn.
pub(crate) const BLOCK: usize = 64;

/// An ensemble laid out for readings of type `R`.
#[derive(Debug)]
pub(crate) struct Forest<R> {
    form: Form<R>,
    votes: Votes,
    /// What the sums of a row begin with.
    bases: Vec<[u32; GROUP]>,
}

/// What the trees compare.
#[derive(Debug)]
enum Form<R> {
    /// Bytes, to which readings of integers are truncated: a quarter of what is read over and over.
    Bytes(Trees<u8>),
    /// The readings themselves.
    Readings(Trees<R>),
    /// A key per code, where readings may be missing or are categories: the reading, or else an infinity
    /// to the side that is wanted of what is missing, or of a set.
    Codes(Trees<R>, Box<QuantModel>),
}

#[derive(Debug)]
struct Trees<K> {
    /// Of values, those first that change most.
    trees: Vec<Tree<K>>,
    /// The number of each in the model.
    order: Vec<usize>,
    /// By how much the trees from an index on may change the distance of two classes; 0 at the end.
    rest: Vec<u32>,
}

impl<R: Reading> Forest<R> {
    pub(crate) fn new(model: &QuantModel, forest: &QuantForest) -> Self {
        let votes = Votes::new(forest, model.n_scores());
        let inputs: Vec<usize> = model.inputs().iter().map(|input| input.feature).collect();
        let form = if takes_bytes(model) {
            Form::Bytes(Trees::new(forest, &inputs, &votes, |_, threshold| {
                u8::try_from(threshold).ok()
            }))
        } else if model.inputs().iter().any(is_odd) {
            let codes: Vec<usize> = (0..inputs.len()).collect();
            let mut known = std::collections::HashMap::new();
            let trees = Trees::new(forest, &codes, &votes, |code, threshold| {
                *known.entry((code, threshold)).or_insert_with(|| {
                    let input = &model.inputs()[usize::from(code)];
                    key_cut(input, model.reading_type(), threshold)
                })
            });
            Form::Codes(trees, Box::new(model.clone()))
        } else {
            let mut known = std::collections::HashMap::new();
            Form::Readings(Trees::new(forest, &inputs, &votes, |code, threshold| {
                *known.entry((code, threshold)).or_insert_with(|| {
                    let coding = &model.inputs()[usize::from(code)].coding;
                    cut(coding, model.reading_type(), threshold)
                })
            }))
        };
        let bases = votes.bases();
        Self { form, votes, bases }
    }

    /// The trees, where they compare readings.
    #[cfg(test)]
    pub(crate) fn of_readings(&self) -> Option<&[Tree<R>]> {
        match &self.form {
            Form::Readings(trees) => Some(&trees.trees),
            Form::Bytes(_) | Form::Codes(..) => None,
        }
    }

    /// Adds up the votes for a block of rows, of `n_features` readings each. If only the class
    /// counts, trees that cannot change it are left out.
    #[inline(always)]
    pub(crate) fn add_up(
        &self,
        rows: &[R],
        n_features: usize,
        only_class: bool,
        room: &mut Room<R>,
    ) {
        let Room {
            keys,
            readings,
            sums,
        } = room;
        sums.clear();
        for _ in 0..rows.len() / n_features {
            sums.extend_from_slice(&self.bases);
        }
        match &self.form {
            Form::Bytes(trees) => {
                keys.clear();
                keys.extend(rows.iter().map(|reading| reading.byte()));
                trees.add_up(keys, n_features, &self.votes, only_class, sums);
            }
            Form::Readings(trees) => {
                trees.add_up(rows, n_features, &self.votes, only_class, sums);
            }
            Form::Codes(trees, model) => {
                readings.clear();
                for row in rows.chunks_exact(n_features) {
                    readings.extend(model.inputs().iter().map(|input| key(model, input, row)));
                }
                trees.add_up(
                    readings,
                    model.inputs().len(),
                    &self.votes,
                    only_class,
                    sums,
                );
            }
        }
    }

    /// Whether votes of rows with such a reading are no votes: NaN that is compared, and infinities
    /// where those stand for what is missing.
    #[inline(always)]
    pub(crate) fn is_beyond(&self, reading: R) -> bool {
        match self.form {
            Form::Bytes(_) => false,
            Form::Readings(_) => reading.is_nan(),
            Form::Codes(..) => reading.widen().is_infinite(),
        }
    }

    /// The sums of each row of the last block, one per class.
    pub(crate) fn sums<'s>(&self, room: &'s Room<R>) -> impl Iterator<Item = &'s [u32]> {
        room.sums
            .chunks_exact(self.votes.n_groups())
            .map(|sums| self.votes.of_classes(sums))
    }
}

/// Memory for one block, used over and over.
#[derive(Debug, Default)]
pub(crate) struct Room<R> {
    keys: Vec<u8>,
    readings: Vec<R>,
    sums: Vec<[u32; GROUP]>,
}

/// Whether each code is `reading as i16`, and each threshold one of 8 bits: then a reading may be
/// compared as `reading as u8`. Both conversions truncate, saturate, and give 0 for NaN; clamping
/// codes into 0 to 255 changes no decision where thresholds lie in 0 to 254.
fn takes_bytes(model: &QuantModel) -> bool {
    let is_integer = model.reading_type() != ReadingType::F32;
    let mut inputs = model.inputs().iter();
    let is_plain = |input: &Input| input.coding == Coding::IDENTITY && !is_odd(input);
    is_integer && model.code_bits() == 8 && inputs.all(is_plain)
}

/// Whether a code is not just that of a number.
fn is_odd(input: &Input) -> bool {
    input.place.is_some() || matches!(input.coding, Coding::Set { .. })
}

/// What is compared in place of a code, for readings that are finite or NaN.
#[inline(always)]
fn key<R: Reading>(model: &QuantModel, input: &Input, row: &[R]) -> R {
    let reading = row[input.feature];
    let end = |is_left: bool| if is_left { R::LOWEST } else { R::HIGHEST };
    if matches!(input.coding, Coding::Set { .. }) {
        let received = model.received(input.feature, reading.widen());
        return end(input.code(model.reading_type(), received) == 0);
    }
    match input.place {
        Some(place) if model.is_missing(input.feature, reading.widen()) => {
            end(place == Place::Below)
        }
        _ if !reading.is_nan() => reading,
        // Of integers NaN is 0.
        _ if model.reading_type() == ReadingType::F32 => R::HIGHEST,
        _ => R::default(),
    }
}

/// Where keys are parted: an infinity is on its side of every cut.
fn key_cut<R: Reading>(input: &Input, reading_type: ReadingType, threshold: i16) -> Option<R> {
    if matches!(input.coding, Coding::Set { .. }) {
        return Some(R::default());
    }
    let cut = cut::<R>(&input.coding, reading_type, threshold);
    match (cut, input.place) {
        (None, Some(Place::Below)) => Some(R::LOWEST),
        (Some(cut), Some(Place::Above)) if cut == R::HIGHEST => Some(R::at(*R::PLACES.end() - 1)),
        (cut, _) => cut,
    }
}

impl<K: Key> Trees<K> {
    fn new(
        forest: &QuantForest,
        inputs: &[usize],
        votes: &Votes,
        key: impl FnMut(u16, i16) -> Option<K>,
    ) -> Self {
        let trees = Tree::all(forest, inputs, key).into_iter().enumerate();
        let span = |tree: &Tree<K>| tree.leaves().map(|leaf| votes.span(leaf)).max();
        let mut trees: Vec<(u32, usize, Tree<K>)> = trees
            .map(|(index, tree)| (span(&tree).unwrap_or(0), index, tree))
            .collect();
        if votes.is_of_values() {
            trees.sort_by_key(|(span, _, _)| std::cmp::Reverse(*span));
        }
        let mut rest = vec![0_u32];
        for (span, _, _) in trees.iter().rev() {
            rest.push(rest[rest.len() - 1].saturating_add(*span));
        }
        rest.reverse();
        let (order, trees) = trees
            .into_iter()
            .map(|(_, index, tree)| (index, tree))
            .unzip();
        Self { trees, order, rest }
    }

    #[inline(always)]
    fn add_up(
        &self,
        keys: &[K],
        n_features: usize,
        votes: &Votes,
        only_class: bool,
        sums: &mut [[u32; GROUP]],
    ) {
        let n_groups = votes.n_groups();
        // The rows that are not decided yet.
        let mut open: Vec<usize> = (0..keys.len() / n_features).collect();
        let span = |row: usize| row * n_groups..(row + 1) * n_groups;
        for (group, trees) in self.trees.chunks(LANES).enumerate() {
            let index = group * LANES;
            let order = &self.order[index..];
            if only_class && index > 0 {
                open.retain(|row| lead(votes.of_classes(&sums[span(*row)])) <= self.rest[index]);
            }
            if open.len() < LANES / 2 {
                // Few rows go through several trees at once. Idle lanes walk the last tree once more.
                let last = trees.len() - 1;
                for row in &open {
                    let starts = [row * n_features; LANES];
                    let leaves = Tree::walk(keys, |lane| &trees[lane.min(last)], &starts);
                    for (tree, leaf) in order.iter().zip(leaves).take(trees.len()) {
                        votes.add(*tree, leaf, &mut sums[span(*row)]);
                    }
                }
                continue;
            }
            for (tree, number) in trees.iter().zip(order) {
                for rows in open.chunks(LANES) {
                    // Idle lanes walk the last row once more.
                    let last = rows.len() - 1;
                    let starts = std::array::from_fn(|lane| rows[lane.min(last)] * n_features);
                    let leaves = Tree::walk(keys, |_| tree, &starts);
                    for (row, leaf) in rows.iter().zip(leaves) {
                        votes.add(*number, leaf, &mut sums[span(*row)]);
                    }
                }
            }
        }
    }
}
