//! Smaller models of the same trees: splits become leaves, trees go, and leaves are fitted anew, in
//! the integer grid, so that fixed point holds the result without rounding a vote.
//!
//! What is promised decides who is asked: rows ([`Family`], [`every_row`]), or all readings
//! ([`every_input`]), where the rows propose and the search over cells decides.

mod exact;
mod fit;
mod grid;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use spinney_model::{FloatModel, ModelError, Task};
use spinney_quantize::Calibration;

use crate::OracleError;
use crate::search::{Answer, Steps};
use exact::Exact;
use fit::{Aim, Fit};
use grid::Held;

/// A model that gave its classes to a smaller one.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smaller model; the original where none was found.
    pub model: FloatModel,
    /// Rows beside the given ones, at which a smaller model that was proposed gave another class.
    pub n_counterexamples: usize,
    /// Searches that ended without an answer; what they were about was not done.
    pub n_unknown: usize,
}

/// Ever smaller models, fitted to labelled rows.
#[derive(Debug, Clone)]
pub struct Family<'m> {
    original: &'m FloatModel,
    fit: Fit<'m>,
}

impl<'m> Family<'m> {
    /// Begins with all splits.
    ///
    /// # Errors
    /// A model that does not classify by trees.
    ///
    /// # Panics
    /// If rows have another length than the model has features.
    pub fn new(
        original: &'m FloatModel,
        rows: &[Vec<f64>],
        classes: &[usize],
    ) -> Result<Self, OracleError> {
        Ok(Self {
            original,
            fit: begin(original, rows, classes.iter().copied(), Aim::Class)?,
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

/// The smallest model found that gives each of these rows the class of the original.
///
/// # Errors
/// As of [`Family::new`].
///
/// # Panics
/// If rows have another length than the model has features.
pub fn every_row(original: &FloatModel, rows: &[Vec<f64>]) -> Result<Shrunk, OracleError> {
    let classes = rows.iter().map(|row| original.predict(row));
    let fit = begin(original, rows, classes, Aim::Class)?;
    let best = descend(fit, |fit| (settle(original, fit), Vec::new()));
    Ok(shrunk(original, best.map(|(_, held)| held), 0, 0))
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
) -> Result<Shrunk, OracleError> {
    let mut prover = Prover {
        original,
        exact: Exact::new(original, calibrations),
        steps,
        n_counterexamples: 0,
        n_unknown: 0,
    };
    let mut points = rows.to_vec();
    points.extend(prover.drawn(rows, seed));
    let classes: Vec<usize> = points.iter().map(|row| original.predict(row)).collect();
    let fit = begin(original, &points, classes.into_iter(), Aim::Scores)?;
    let same = Held::new(original, &fit);
    let refined = descend(fit.clone(), |fit| prover.accept(fit));
    let best = match refined {
        Some(best) => Some(best),
        None => prover.is_proven(&same).then_some((fit, same)),
    };
    let best = best.map(|(fit, held)| prover.cut_leaf_by_leaf(&fit, held));
    let best = best.filter(|held| held.n_splits(original) < original.n_splits());
    Ok(shrunk(
        original,
        best,
        prover.n_counterexamples,
        prover.n_unknown,
    ))
}

fn begin<'m>(
    original: &'m FloatModel,
    rows: &[Vec<f64>],
    classes: impl Iterator<Item = usize>,
    aim: Aim,
) -> Result<Fit<'m>, OracleError> {
    if original.task() != Task::Classify || original.trees().is_empty() {
        return Err(OracleError {
            place: "the model".to_owned(),
            found: original.kind().to_owned(),
            expected: "a classifier of trees".to_owned(),
        });
    }
    let mut fit = Fit::new(original, rows, aim);
    for (row, class) in rows.iter().zip(classes) {
        fit.push(row, class);
    }
    Ok(fit)
}

fn shrunk(
    original: &FloatModel,
    best: Option<Held>,
    n_counterexamples: usize,
    n_unknown: usize,
) -> Shrunk {
    let model = best.and_then(|held| held.model(original).ok());
    Shrunk {
        model: model.unwrap_or_else(|| original.clone()),
        n_counterexamples,
        n_unknown,
    }
}

/// Cuts as long as `accept` takes what is left, by ever smaller steps. What was found in vain counts
/// from then on.
fn descend<'m>(
    mut fit: Fit<'m>,
    mut accept: impl FnMut(&mut Fit<'m>) -> (Option<Held>, Vec<Vec<f64>>),
) -> Option<(Fit<'m>, Held)> {
    let mut best = None;
    let mut share = 2;
    while fit.n_splits() > 0 {
        let mut next = fit.clone();
        next.cut_to(fit.n_splits() - fit.n_splits().div_ceil(share));
        match accept(&mut next) {
            (Some(held), _) => {
                best = Some((next.clone(), held));
                fit = next;
            }
            (None, _) if share >= 32 => break,
            (None, found) => {
                share *= 4;
                for row in found {
                    let class = fit.model.predict(&row);
                    fit.push(&row, class);
                }
            }
        }
    }
    best
}

/// Fits until all rows have their classes; rows that do not weigh more from round to round.
fn settle(original: &FloatModel, fit: &mut Fit<'_>) -> Option<Held> {
    const ROUNDS: usize = 16;
    for _ in 0..ROUNDS {
        fit.refit(2);
        let held = Held::new(original, fit);
        let misses = fit.misses(&held);
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
    /// A point for each combination of cells where these are few; else some, drawn around the rows.
    fn drawn(&self, rows: &[Vec<f64>], seed: u64) -> Vec<Vec<f64>> {
        const ALL: usize = 1 << 14;
        const DRAWN: usize = 1 << 11;
        let n_cells = self.exact.cells.n_cells();
        let n_points = n_cells
            .iter()
            .try_fold(1, |product: usize, n| product.checked_mul(*n));
        if let Some(n_points) = n_points.filter(|n_points| *n_points <= ALL) {
            let point = |mut index: usize| {
                let cells = n_cells.iter().map(|n| {
                    let cell = index % n;
                    index /= n;
                    cell
                });
                self.exact.cells.row(&cells.collect::<Vec<_>>())
            };
            return (0..n_points).map(point).collect();
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
        (0..DRAWN).map(|_| point()).collect()
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
        let mut steps = Steps(self.steps.0 / part);
        let before = steps.0;
        let answer = self.exact.differs(held, within, &mut steps);
        self.steps.0 -= before - steps.0;
        answer
    }

    /// Counts what is done beside the search.
    fn spend(&mut self, steps: u64) {
        self.steps.0 = self.steps.0.saturating_sub(steps);
    }

    /// Fits to rows and counterexamples in turns, until there is none.
    fn accept(&mut self, fit: &mut Fit<'_>) -> (Option<Held>, Vec<Vec<f64>>) {
        const ROUNDS: usize = 200;
        let mut found = Vec::new();
        let everything = self.exact.cells.everything();
        for _ in 0..ROUNDS {
            if self.steps.0 == 0 {
                break;
            }
            let settled = settle(self.original, fit);
            self.spend(std::mem::take(&mut fit.work));
            let Some(held) = settled else {
                break;
            };
            match self.ask(&held, &everything, 8) {
                Answer::None => return (Some(held), found),
                Answer::Unknown => {
                    self.n_unknown += 1;
                    break;
                }
                Answer::Found(point) => {
                    self.n_counterexamples += 1;
                    let row = self.exact.cells.row(&point);
                    let class = self.original.predict(&row);
                    fit.push(&row, class);
                    found.push(row);
                }
            }
        }
        (None, found)
    }

    /// Makes leaves of splits, one by one, where that changes no class below the split.
    fn cut_leaf_by_leaf(&mut self, fit: &Fit<'_>, mut held: Held) -> Held {
        const PART: u64 = 64;
        let mut rows: Vec<Vec<f64>> = fit.targets().iter().map(|it| it.row.clone()).collect();
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
                            |row: &&Vec<f64>| cut.comes_to(self.original, tree, row) == node;
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
