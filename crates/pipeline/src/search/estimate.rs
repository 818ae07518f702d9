//! What an image will take, from the bytes of its tables and from images that were built and run.

use super::finalist::Measured;
use super::journal::{Journal, name};
use super::space::{ENCODING, Keys, LEAVES, kind_of, n_trees_of};
use super::trial::Point;
use spinney_config::{ModelKind, Objective};

/// A form of a model, with what is known of what it takes.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// All keys.
    pub keys: Keys,
    /// Its trial's number.
    pub trial: usize,
    /// Bytes of its tables.
    pub table_bytes: u64,
    /// Mean splits that a row passes.
    pub levels: f64,
    /// Mean of the folds' scores.
    pub score: f64,
    /// The same, the higher the better.
    pub rank: f64,
    /// Standard deviation of the folds' scores; 0 with one.
    pub score_sd: f64,
    /// Folds that were held out.
    pub n_folds: usize,
    /// Flash of the image.
    pub flash_bytes: u64,
    /// Mean instructions of an inference, where any image ran.
    pub instructions: Option<f64>,
    /// What was found of it, where it was built.
    pub measured: Option<Measured>,
}

/// The candidates of a growth that is described by `keys`.
pub(super) fn candidates(
    journal: &Journal,
    objective: Objective,
    trial: usize,
    keys: &Keys,
) -> Vec<Candidate> {
    let points = journal.grown(keys).map_or(&[][..], |grown| &grown.points);
    let forms = points
        .iter()
        .flat_map(|point| point.table_bytes.iter().map(move |form| (point, form)));
    forms
        .map(|(point, form)| candidate(journal, objective, (trial, keys), point, form))
        .collect()
}

fn candidate(
    journal: &Journal,
    objective: Objective,
    (trial, growth): (usize, &Keys),
    point: &Point,
    (encoding, table_bytes): (&String, &u64),
) -> Candidate {
    let mut keys: Keys = growth.clone();
    keys.extend(point.keys.clone());
    keys.insert(ENCODING.to_owned(), encoding.clone().into());
    let scores: Vec<f64> = point.scores.values().copied().collect();
    let n_folds = scores.len();
    let score = scores.iter().sum::<f64>() / n_folds.max(1) as f64;
    let squares: f64 = scores.iter().map(|it| (it - score) * (it - score)).sum();
    let levels = point.levels.unwrap_or(0.0);
    let measured = journal.measured.get(&name(&keys)).cloned();
    let flash_bytes = match &measured {
        Some(measured) => measured.flash_bytes,
        None => table_bytes + code_bytes(journal, &keys),
    };
    let instructions = match &measured {
        Some(measured) => measured.instructions,
        None => instructions(journal, &keys, levels),
    };
    Candidate {
        trial,
        table_bytes: *table_bytes,
        levels,
        score,
        rank: objective.rank(score),
        score_sd: (squares / (n_folds.max(2) - 1) as f64).sqrt(),
        n_folds,
        flash_bytes,
        instructions,
        measured,
        keys,
    }
}

/// Whether the same code walks both: the same encoding and votes of the same sort of model.
fn is_alike(one: &Keys, other: &Keys) -> bool {
    let sort = |keys: &Keys| {
        let kind = kind_of(keys);
        let is_single = n_trees_of(keys) == 1;
        (kind == Some(ModelKind::GaussianNb), is_single)
    };
    sort(one) == sort(other)
        && [LEAVES, ENCODING]
            .iter()
            .all(|key| one.get(*key) == other.get(*key))
}

/// Images that tell of a form: those of the same, else all.
fn known<'j>(journal: &'j Journal, keys: &Keys) -> Vec<&'j Measured> {
    let all = || journal.measured.values();
    let alike: Vec<&Measured> = all().filter(|it| is_alike(&it.keys, keys)).collect();
    match alike.is_empty() {
        true => all().collect(),
        false => alike,
    }
}

/// Flash besides the tables: the most of the images that tell of it; 0 before the first.
fn code_bytes(journal: &Journal, keys: &Keys) -> u64 {
    let besides = known(journal, keys).into_iter();
    let besides = besides.map(|it| it.flash_bytes.saturating_sub(it.table_bytes));
    besides.max().unwrap_or(0)
}

/// Instructions of a step that is always taken, of a level, and of a tree, before any image ran.
const PRIOR: [f64; 3] = [100.0, 7.0, 10.0];

/// Mean instructions of an inference by the images that ran: a sum of three terms, whose factors are
/// fitted by least squares and drawn to those of [`PRIOR`], scaled, where images are few.
fn instructions(journal: &Journal, keys: &Keys, levels: f64) -> Option<f64> {
    let terms = |keys: &Keys, levels: f64| {
        let of = [1.0, levels, n_trees_of(keys) as f64];
        [0, 1, 2].map(|term| of[term] * PRIOR[term])
    };
    let ran: Vec<([f64; 3], f64)> = known(journal, keys)
        .into_iter()
        .filter_map(|it| Some((terms(&it.keys, it.levels), it.instructions?)))
        .collect();
    if ran.is_empty() {
        return None;
    }
    let sum = |terms: &[f64; 3]| terms.iter().sum::<f64>();
    let scale = ran.iter().map(|(_, found)| found).sum::<f64>()
        / ran.iter().map(|(terms, _)| sum(terms)).sum::<f64>();
    // (AᵀA + w·I) f = Aᵀy + w·scale, with a weight that matters as long as images are alike.
    let weight = ran.iter().map(|(terms, _)| sum(terms)).sum::<f64>().powi(2) * 1e-4;
    let mut rows = [[0.0; 4]; 3];
    for (at, row) in rows.iter_mut().enumerate() {
        for (terms, found) in &ran {
            for (cell, term) in row.iter_mut().zip(terms) {
                *cell += terms[at] * term;
            }
            row[3] += terms[at] * found;
        }
        row[at] += weight;
        row[3] += weight * scale;
    }
    let factors = solved(rows);
    let of = terms(keys, levels);
    Some(
        (0..3)
            .map(|term| of[term] * factors[term])
            .sum::<f64>()
            .max(1.0)
            .round(),
    )
}

/// Solves three equations by elimination; the matrix is positive definite.
fn solved(mut rows: [[f64; 4]; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        let row = rows[pivot];
        for (at, other) in rows.iter_mut().enumerate() {
            if at != pivot {
                let factor = other[pivot] / row[pivot];
                for (cell, of_pivot) in other.iter_mut().zip(row) {
                    *cell -= factor * of_pivot;
                }
            }
        }
    }
    [0, 1, 2].map(|at| rows[at][3] / rows[at][at])
}

#[cfg(test)]
mod tests {
    use super::solved;

    #[test]
    fn three_equations() {
        let rows = [
            [4.0, 1.0, 0.0, 6.0],
            [1.0, 3.0, 1.0, 10.0],
            [0.0, 1.0, 2.0, 8.0],
        ];
        let found = solved(rows);
        for (found, expected) in found.into_iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-9, "{found}");
        }
    }
}
