//! Tree ensembles: blocks of rows go through one tree after the other, several rows at once.

use std::ops::Range;

use spinney_quantize::{Coding, Input, Place, QuantForest, QuantModel, ReadingType};

use crate::cut::cut;
use crate::ranks::Ranks;
use crate::reading::Reading;
use crate::reading::key::Key;
use crate::select::{self, Select};
use crate::trees::{LANES, Nodes, Tree};
use crate::votes::{GROUP, Votes, lead};

/// Rows that go through a tree before the next tree's turn.
pub(crate) const BLOCK: usize = 128;

/// Trees between two looks at which rows are open, where columns are compared.
const SELECT_TREES: usize = 4 * LANES;

/// An ensemble laid out for readings of type `R`.
#[derive(Debug)]
pub(crate) struct Forest<R: Reading> {
    form: Form<R>,
    votes: Votes,
    /// What the sums of a row begin with.
    bases: Vec<[u32; GROUP]>,
}

/// What the trees compare.
#[derive(Debug)]
enum Form<R: Reading> {
    /// Bytes, to which readings of integers are truncated: a quarter of what is read over and over.
    Bytes(Trees<u8>),
    /// The readings themselves.
    Readings(Floats<R>),
    /// A key per code, where readings may be missing or are categories: the reading, or else an infinity
    /// to the side that is wanted of what is missing, or of a set.
    Codes(Floats<R>, Box<QuantModel>),
}

/// Trees that compare floats.
#[derive(Debug)]
struct Floats<R: Reading> {
    trees: Trees<R>,
    /// For blocks of rows the same trees of bytes, a quarter of what is compared for every split.
    ranked: Option<(Ranks<R>, Trees<u8>)>,
}

#[derive(Debug)]
struct Trees<K: Key> {
    /// Of values, those trees first that change most.
    nodes: Nodes<K>,
    /// The same trees where all are shallow.
    select: Option<Select<K>>,
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
            Form::Codes(Floats::new(trees, &votes), Box::new(model.clone()))
        } else {
            let mut known = std::collections::HashMap::new();
            let trees = Trees::new(forest, &inputs, &votes, |code, threshold| {
                *known.entry((code, threshold)).or_insert_with(|| {
                    let coding = &model.inputs()[usize::from(code)].coding;
                    cut(coding, model.reading_type(), threshold)
                })
            });
            Form::Readings(Floats::new(trees, &votes))
        };
        let bases = votes.bases();
        Self { form, votes, bases }
    }

    /// The trees, where they compare readings.
    #[cfg(test)]
    pub(crate) fn of_readings(&self) -> Option<&Nodes<R>> {
        match &self.form {
            Form::Readings(floats) => Some(&floats.trees.nodes),
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
        let sums = &mut room.sums;
        sums.clear();
        for _ in 0..rows.len() / n_features {
            sums.extend_from_slice(&self.bases);
        }
        let (keys, turned_keys) = (&mut room.keys, &mut room.turned_keys);
        let (readings, turned) = (&mut room.readings, &mut room.turned);
        let (floats, rows, n_features) = match &self.form {
            Form::Bytes(trees) => {
                keys.clear();
                keys.extend(rows.iter().map(|reading| reading.byte()));
                trees.add_up(keys, n_features, &self.votes, only_class, turned_keys, sums);
                return;
            }
            Form::Readings(floats) => (floats, rows, n_features),
            Form::Codes(floats, model) => {
                readings.clear();
                for row in rows.chunks_exact(n_features) {
                    readings.extend(model.inputs().iter().map(|input| key(model, input, row)));
                }
                (floats, readings.as_slice(), model.inputs().len())
            }
        };
        match &floats.ranked {
            Some((ranks, trees)) if rows.len() >= select::ROWS_MIN * n_features => {
                ranks.rank(rows, n_features, keys);
                let n_columns = ranks.n_columns();
                trees.add_up(keys, n_columns, &self.votes, only_class, turned_keys, sums);
            }
            _ => {
                let trees = &floats.trees;
                trees.add_up(rows, n_features, &self.votes, only_class, turned, sums);
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
pub(crate) struct Room<R: Reading> {
    keys: Vec<u8>,
    readings: Vec<R>,
    turned_keys: select::Room<u8>,
    turned: select::Room<R>,
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

impl<R: Reading> Floats<R> {
    fn new(trees: Trees<R>, votes: &Votes) -> Self {
        let ranked = trees.select.as_ref().and_then(|_| Ranks::new(&trees.nodes));
        let ranked = ranked.filter(|(ranks, nodes)| ranks.pay_for(nodes));
        let ranked = ranked.map(|(ranks, nodes)| {
            let bytes = Trees {
                select: Select::new(&nodes, votes),
                nodes,
                order: trees.order.clone(),
                rest: trees.rest.clone(),
            };
            (ranks, bytes)
        });
        Self { trees, ranked }
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
        let order = trees.iter().map(|(_, index, _)| *index).collect();
        let nodes = Nodes::new(trees.into_iter().map(|(_, _, tree)| tree));
        let select = Select::new(&nodes, votes);
        Self {
            nodes,
            select,
            order,
            rest,
        }
    }

    #[inline(always)]
    fn add_up(
        &self,
        keys: &[K],
        n_features: usize,
        votes: &Votes,
        only_class: bool,
        turned: &mut select::Room<K>,
        sums: &mut [[u32; GROUP]],
    ) {
        let n_groups = votes.n_groups();
        let n_rows = keys.len() / n_features;
        let select = self.select.as_ref().filter(|_| n_rows >= select::ROWS_MIN);
        if let Some(select) = select {
            select.turn(keys, n_features, votes, turned);
        }
        // The rows that are not decided yet.
        let mut open: Vec<usize> = (0..n_rows).collect();
        for first in (0..self.order.len()).step_by(LANES) {
            let trees = first..self.order.len().min(first + LANES);
            let period = if select.is_some() {
                SELECT_TREES
            } else {
                LANES
            };
            if only_class && first > 0 && first % period == 0 {
                if select.is_some() {
                    Select::flush(votes, turned, sums);
                }
                // Not `retain`, whose closure would be compiled for any machine.
                let mut n_open = 0;
                for at in 0..open.len() {
                    let row = open[at];
                    open[n_open] = row;
                    let lead = lead(&sums[row * n_groups..(row + 1) * n_groups]);
                    n_open += usize::from(lead <= self.rest[first]);
                }
                open.truncate(n_open);
            }
            // Of a row that is decided, further votes change nothing.
            let select = select.filter(|_| open.len() >= select::ROWS_MIN);
            if let Some(select) = select {
                for tree in trees {
                    select.add((tree, self.order[tree]), votes, turned, sums);
                }
                continue;
            }
            // A row that goes through several trees at once stays near the processor.
            if trees.len() > LANES / 2 || open.len() < LANES / 2 {
                self.pass::<LANES>(trees, &open, keys, n_features, votes, sums);
            } else {
                self.pass::<1>(trees, &open, keys, n_features, votes, sums);
            }
        }
        if select.is_some() {
            Select::flush(votes, turned, sums);
        }
    }

    /// Sends the open rows through trees, `T` of them at once.
    #[inline(always)]
    fn pass<const T: usize>(
        &self,
        trees: Range<usize>,
        open: &[usize],
        keys: &[K],
        n_features: usize,
        votes: &Votes,
        sums: &mut [[u32; GROUP]],
    ) {
        let n_groups = votes.n_groups();
        for first in trees.clone().step_by(T) {
            let n_trees = T.min(trees.end - first);
            let roots = &self.nodes.roots()[first..first + n_trees];
            for rows in open.chunks(LANES / T) {
                // Idle lanes walk the last tree or row once more.
                let at = std::array::from_fn(|lane| roots[(lane % T).min(n_trees - 1)]);
                let last = rows.len() - 1;
                let starts =
                    std::array::from_fn(|lane| (rows[(lane / T).min(last)] - rows[0]) * n_features);
                let keys = &keys[rows[0] * n_features..(rows[last] + 1) * n_features];
                let leaves = self.nodes.walk(keys, at, &starts);
                for (row, leaves) in rows.iter().zip(leaves.chunks(T)) {
                    let sums = &mut sums[row * n_groups..(row + 1) * n_groups];
                    votes.add(&self.order[first..], &leaves[..n_trees], sums);
                }
            }
        }
    }
}
