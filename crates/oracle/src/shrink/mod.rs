//! Smaller models of the same trees: splits become leaves, trees go, and leaves are fitted anew, in
//! the integer grid, so that fixed point holds the result without rounding a vote.
//!
//! What is promised decides who is asked: rows ([`Family`], [`every_row`]), or all readings
//! ([`every_input`]), where a linear program over points proposes and the search over cells decides,
//! whose counterexamples are further points: so do Emine, Forel, Malek and Vidal, "Free lunch in the
//! forest" (AAAI 2025), with weights of whole trees.

mod exact;
mod fewest;
mod fit;
mod grid;
mod merge;
mod one;
mod program;
mod values;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use spinney_model::{FloatModel, ModelError, Node, Task, Test};
use spinney_quantize::Calibration;

use crate::search::{Answer, Steps};
use exact::Exact;
use fewest::Numbers;
use fit::{Fit, Target, Wanted};
use grid::Held;
pub use merge::{Alike, Merged, Proposal, merge};
use one::one_tree;
pub use program::Program;
pub use values::every_input_within;

/// A model that gave its classes to a smaller one.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smaller model; the original where none was found.
    pub model: FloatModel,
    /// One tree in place of all, with the class of the original for every input; it may have more
    /// splits. `None` where not all inputs could be asked.
    pub one_tree: Option<FloatModel>,
    /// Rows beside the given ones, at which a smaller model that was proposed gave another class.
    pub n_counterexamples: usize,
    /// Searches that ended without an answer; what they were about was not done.
    pub n_unknown: usize,
    /// Splits that any model with these classes for all readings has, as far as was found: pairs of
    /// neighbouring readings of a feature whose classes differ for some readings of the others. `None`
    /// where nobody counted.
    pub n_needed: Option<usize>,
    /// Steps that are left; none where nobody counted.
    pub steps: Steps,
}

/// Ever smaller models, fitted to rows.
#[derive(Debug, Clone)]
pub struct Family<'m> {
    original: &'m FloatModel,
    fit: Fit<'m>,
}

impl<'m> Family<'m> {
    /// Begins with all splits; leaves are fitted to a classifier's labels, or else to what the original
    /// gives.
    ///
    /// # Errors
    /// A model that does not classify by trees, or has no single value that is a sum of trees.
    ///
    /// # Panics
    /// If rows have another length than the model has features.
    pub fn new(
        original: &'m FloatModel,
        rows: &[Vec<f64>],
        labels: Option<&[usize]>,
    ) -> Result<Self, ModelError> {
        let wanted = rows.iter().enumerate().map(|(at, row)| match labels {
            Some(labels) => Wanted::Class(labels[at]),
            None => given(original, row),
        });
        Ok(Self {
            original,
            fit: begin(original, rows, wanted)?,
        })
    }

    /// The model with at most so many splits, which may not be more than before.
    ///
    /// # Errors
    /// Numbers that no model holds.
    pub fn at_most(&mut self, n_splits: usize) -> Result<FloatModel, ModelError> {
        self.fit.cut_to(n_splits);
        self.fit.refit(4);
        Held::new(self.original, &self.fit).model(self.original)
    }
}

/// The smallest model found that gives each of these rows the class of the original, or a value that is
/// off the original's by at most `within`, in the unit of the value.
///
/// # Errors
/// As of [`Family::new`].
///
/// # Panics
/// If rows have another length than the model has features.
pub fn every_row(
    original: &FloatModel,
    rows: &[Vec<f64>],
    within: f64,
) -> Result<Shrunk, ModelError> {
    let wanted = rows.iter().map(|row| given(original, row));
    let fit = begin(original, rows, wanted)?;
    let best = descend(fit, |fit| settle(original, fit, within));
    Ok(shrunk(original, best))
}

/// What a model gives a row.
fn given(model: &FloatModel, row: &[f64]) -> Wanted {
    match model.additive().filter(|_| model.task() == Task::Regress) {
        Some(sum) => Wanted::Value(sum.raw(row)[0]),
        None => Wanted::Class(model.predict(row)),
    }
}

/// The smallest model found that gives the class of the original for all readings within their
/// features' ranges, one calibration per feature. Rows and `seed` decide what is proposed; what is
/// taken was proven.
///
/// # Errors
/// As of [`Family::new`].
///
/// # Panics
/// If rows have another length than the model has features.
pub fn every_input(
    original: &FloatModel,
    calibrations: &[Calibration],
    rows: &[Vec<f64>],
    seed: u64,
    steps: Steps,
) -> Result<Shrunk, ModelError> {
    let mut prover = Prover {
        original,
        exact: Exact::new(original, calibrations),
        steps,
        n_counterexamples: 0,
        n_unknown: 0,
    };
    let (drawn, is_whole) = prover.drawn(rows, seed);
    let points: Vec<Vec<f64>> = rows.iter().cloned().chain(drawn).collect();
    let classes = points
        .iter()
        .map(|row| Wanted::Class(original.predict(row)));
    let mut fit = begin(original, &points, classes)?;
    let n_needed = prover.needed(&points, seed);
    let of_cells = fit.targets()[rows.len()..].iter();
    let of_cells: Vec<usize> = of_cells.map(Target::class).collect();
    let one_tree = match is_whole {
        true => one_tree(&prover.exact, original, &of_cells, &mut prover.steps),
        false => None,
    };
    let mut points = rows.to_vec();
    let best = prover.fewest(&mut fit, is_whole, &mut points).or_else(|| {
        let same = Held::new(original, &fit);
        let is_proven = (is_whole && fit.keeps(&same)) || prover.is_proven(&same);
        is_proven.then_some(same)
    });
    let best = best.map(|held| prover.cut_leaf_by_leaf(points, held));
    let best = best.filter(|held| held.n_splits(original) < original.n_splits());
    Ok(Shrunk {
        one_tree,
        n_counterexamples: prover.n_counterexamples,
        n_unknown: prover.n_unknown,
        n_needed: Some(n_needed),
        steps: prover.steps,
        ..shrunk(original, best)
    })
}

fn begin<'m>(
    original: &'m FloatModel,
    rows: &[Vec<f64>],
    wanted: impl Iterator<Item = Wanted>,
) -> Result<Fit<'m>, ModelError> {
    match original.task() {
        Task::Regress => drop(values::added(original)?),
        Task::Classify if !original.trees().is_empty() => {}
        _ => {
            return Err(ModelError::new(
                "the model",
                original.kind(),
                "a classifier of trees",
            ));
        }
    }
    let mut fit = Fit::new(original, rows);
    for (row, wanted) in rows.iter().zip(wanted) {
        fit.push(row, wanted);
    }
    if original.task() == Task::Regress {
        fit.centre();
    }
    Ok(fit)
}

fn shrunk(original: &FloatModel, best: Option<Held>) -> Shrunk {
    let model = best.and_then(|held| held.model(original).ok());
    Shrunk {
        model: model.unwrap_or_else(|| original.clone()),
        one_tree: None,
        n_counterexamples: 0,
        n_unknown: 0,
        n_needed: None,
        steps: Steps(0),
    }
}

/// Cuts as long as `accept` takes what is left, by ever smaller steps.
fn descend<'m>(mut fit: Fit<'m>, accept: impl Fn(&mut Fit<'m>) -> Option<Held>) -> Option<Held> {
    let mut best = None;
    let mut share = 2;
    while fit.n_splits() > 0 {
        let mut next = fit.clone();
        next.cut_to(fit.n_splits() - fit.n_splits().div_ceil(share));
        match accept(&mut next) {
            Some(held) => {
                best = Some(held);
                fit = next;
            }
            None if share >= 32 => break,
            None => share *= 4,
        }
    }
    best
}

/// Fits until all rows have their classes, or values; rows that do not weigh more from round to round.
fn settle(original: &FloatModel, fit: &mut Fit<'_>, within: f64) -> Option<Held> {
    const ROUNDS: usize = 16;
    for _ in 0..ROUNDS {
        fit.refit(2);
        let held = Held::new(original, fit);
        let misses = fit.misses(&held, within);
        if misses.is_empty() {
            return Some(held);
        }
        for target in misses {
            fit.stress(target, 2.0);
        }
    }
    None
}

/// Asks the search, while there are steps.
struct Prover<'m> {
    original: &'m FloatModel,
    exact: Exact<'m>,
    steps: Steps,
    n_counterexamples: usize,
    n_unknown: usize,
}

impl Prover<'_> {
    /// A point for each combination of cells, and `true`, where these are few; else some, drawn around
    /// the rows.
    fn drawn(&self, rows: &[Vec<f64>], seed: u64) -> (Vec<Vec<f64>>, bool) {
        const VISITS: usize = 1 << 24;
        const DRAWN: usize = 1 << 13;
        let n_cells = self.exact.cells.n_cells();
        let n_points = n_cells
            .iter()
            .try_fold(1, |product: usize, n| product.checked_mul(*n));
        if let Some(n_points) =
            n_points.filter(|it| it.saturating_mul(self.original.trees().len()) <= VISITS)
        {
            let point = |mut index: usize| {
                let cells = n_cells.iter().map(|n| {
                    let cell = index % n;
                    index /= n;
                    cell
                });
                self.exact.cells.row(&cells.collect::<Vec<_>>())
            };
            return ((0..n_points).map(point).collect(), true);
        }
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut below = |n: usize| (random.next_u64() % n as u64) as usize;
        let mut point = || {
            let cells: Vec<usize> = n_cells.iter().map(|n| below(*n)).collect();
            let mut drawn = self.exact.cells.row(&cells);
            if !rows.is_empty() {
                let row = &rows[below(rows.len())];
                for (drawn, reading) in drawn.iter_mut().zip(row) {
                    if below(2) == 0 {
                        *drawn = *reading;
                    }
                }
            }
            drawn
        };
        ((0..DRAWN).map(|_| point()).collect(), false)
    }

    /// Neighbouring cells of features that are told apart somewhere; a split tells one pair apart,
    /// unless it asks for categories.
    fn needed(&self, points: &[Vec<f64>], seed: u64) -> usize {
        const TRIES: usize = 256;
        let mut n_left = (1_usize << 24) / self.original.trees().len();
        let nodes = || self.original.trees().iter().flat_map(|tree| tree.nodes());
        let asks_for_categories = |feature: usize| {
            nodes().any(|node| match node {
                Node::Split(split) => {
                    split.feature as usize == feature && matches!(split.test, Test::Among(_))
                }
                Node::Leaf(_) => false,
            })
        };
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut is_told_apart = |feature: usize, pair: [f64; 2]| {
            let n_tries = TRIES.min(n_left);
            (0..n_tries).any(|_| {
                n_left -= 1;
                let at = random.next_u64() % points.len() as u64;
                let mut row = points[at as usize].clone();
                let [one, other] = pair.map(|reading| {
                    row[feature] = reading;
                    self.original.predict(&row)
                });
                one != other
            })
        };
        let mut n_needed = 0;
        for (feature, cells) in self.exact.cells.of.iter().enumerate() {
            if points.is_empty() || asks_for_categories(feature) {
                continue;
            }
            for cell in 1..cells.len() {
                if let (Some([one, _]), Some([other, _])) = (cells.ends(cell - 1), cells.ends(cell))
                {
                    n_needed += usize::from(is_told_apart(feature, [one, other]));
                }
            }
        }
        n_needed
    }

    fn is_proven(&mut self, held: &Held) -> bool {
        if self.exact.is_same(held) {
            return true;
        }
        let everything = self.exact.cells.everything();
        match self.ask(held, &everything, 4) {
            Answer::None => true,
            Answer::Found(_) => {
                self.n_counterexamples += 1;
                false
            }
            Answer::Unknown => {
                self.n_unknown += 1;
                false
            }
        }
    }

    /// Searches with a part of the steps that are left.
    fn ask(&mut self, held: &Held, within: &[Vec<u64>], part: u64) -> Answer {
        let differs = |steps: &mut Steps| self.exact.differs(held, within, steps);
        self.steps.part(part, differs)
    }

    /// Counts what is done beside the search.
    fn spend(&mut self, steps: u64) {
        self.steps.0 = self.steps.0.saturating_sub(steps);
    }

    /// The fewest splits that a linear program finds for ever more of the points, all of them if
    /// `is_whole`, with half of the steps. Those that decided are added to `points`.
    fn fewest(
        &mut self,
        fit: &mut Fit<'_>,
        is_whole: bool,
        points: &mut Vec<Vec<f64>>,
    ) -> Option<Held> {
        const ROUNDS: usize = 6;
        let numbers = Numbers::new(fit);
        let mut costs = numbers.costs(fit, None);
        let mut leads = Vec::new();
        let mut best: Option<Held> = None;
        let kept = self.steps.0 / 2;
        self.steps.0 -= kept;
        for _ in 0..ROUNDS {
            let found = self.cheapest(fit, &numbers, &costs, &mut leads, is_whole);
            let Some((found, held)) = found else { break };
            costs = numbers.costs(fit, Some(&found));
            let n_splits = |held: &Held| held.n_splits(self.original);
            if best
                .as_ref()
                .is_none_or(|best| n_splits(&held) < n_splits(best))
            {
                best = Some(held);
            }
        }
        points.extend(
            leads
                .iter()
                .map(|(target, _)| fit.targets()[*target].row.clone()),
        );
        best
    }

    /// What costs least and keeps the class of every point, and what it is in the grid; `leads`, of
    /// points over rivals, are what decided.
    fn cheapest(
        &mut self,
        fit: &mut Fit<'_>,
        numbers: &Numbers,
        costs: &[f64],
        leads: &mut Vec<(usize, usize)>,
        is_whole: bool,
    ) -> Option<(Vec<f64>, Held)> {
        const LARGEST: usize = 1 << 24;
        let everything = self.exact.cells.everything();
        let mut program = Program::new(costs.to_vec());
        for lead in leads.iter() {
            program.require(&numbers.lead(fit, *lead));
        }
        loop {
            let found = match costs.len() * leads.len() <= LARGEST {
                true => program.solve(&mut self.steps),
                false => None,
            };
            let Some(found) = found else {
                self.n_unknown += 1;
                return None;
            };
            self.spend((fit.targets().len() * fit.trees.len()) as u64);
            let broken = numbers.broken(fit, &found);
            if broken.is_empty() {
                let held = Held::new(self.original, &numbers.pruned(fit, &found));
                // What rounding to the grid loses is not won back.
                if !fit.keeps(&held) {
                    return None;
                }
                let answer = match is_whole {
                    true => Answer::None,
                    false => self.ask(&held, &everything, 8),
                };
                match answer {
                    Answer::None => return Some((found, held)),
                    Answer::Unknown => {
                        self.n_unknown += 1;
                        return None;
                    }
                    Answer::Found(point) => {
                        self.n_counterexamples += 1;
                        for row in self.around(&point) {
                            let class = self.original.predict(&row);
                            fit.push(&row, Wanted::Class(class));
                        }
                    }
                }
            }
            for lead in broken {
                program.require(&numbers.lead(fit, lead));
                leads.push(lead);
            }
        }
    }

    /// A point's readings, and those of its neighbours in one feature.
    fn around(&self, point: &[usize]) -> Vec<Vec<f64>> {
        let mut rows = vec![self.exact.cells.row(point)];
        for (feature, n_cells) in self.exact.cells.n_cells().into_iter().enumerate() {
            for cell in [point[feature].wrapping_sub(1), point[feature] + 1] {
                if cell < n_cells {
                    let mut point = point.to_vec();
                    point[feature] = cell;
                    rows.push(self.exact.cells.row(&point));
                }
            }
        }
        rows
    }

    /// Makes leaves of splits, one by one, where that changes no class below the split.
    fn cut_leaf_by_leaf(&mut self, mut rows: Vec<Vec<f64>>, mut held: Held) -> Held {
        const PART: u64 = 64;
        let mut is_changed = true;
        while std::mem::take(&mut is_changed) && self.steps.0 > 0 {
            for tree in 0..held.trees.len() {
                let index = held.trees[tree].index;
                for node in (0..self.original.trees()[index].nodes().len()).rev() {
                    for cut in held.cuts(self.original, tree, node) {
                        if self.steps.0 == 0 {
                            return held;
                        }
                        let Some(within) = self.exact.below(index, node) else {
                            held = cut;
                            is_changed = true;
                            break;
                        };
                        let comes =
                            |row: &&Vec<f64>| cut.trees[tree].leaf_of(self.original, row) == node;
                        let below: Vec<&Vec<f64>> = rows.iter().filter(comes).collect();
                        let is_kept = |row: &&Vec<f64>| {
                            cut.predict(self.original, row) == self.original.predict(row)
                        };
                        let are_kept = below.iter().all(is_kept);
                        self.spend((rows.len() + 2 * below.len() * held.trees.len()) as u64);
                        if !are_kept {
                            continue;
                        }
                        match self.ask(&cut, &within, PART) {
                            Answer::None => {
                                held = cut;
                                is_changed = true;
                                break;
                            }
                            Answer::Unknown => self.n_unknown += 1,
                            Answer::Found(point) => {
                                self.n_counterexamples += 1;
                                rows.push(self.exact.cells.row(&point));
                            }
                        }
                    }
                }
            }
        }
        held
    }
}
