//! Rows that ask an image about both sides of every split, where the model is code.

use spinney_model::{FloatModel, Node, Task, Voting, argmax};

use crate::claim::{Body, Claim};
use crate::coding::{Inputs, cast};
use crate::sums::Adding;
use crate::{Fault, Kind};

/// Rows and what has to come out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Edges {
    /// Readings as the device receives them.
    pub rows: Vec<Vec<f64>>,
    /// The class of each row; of values their bits, those of several folded into one word, as a device
    /// delivers them.
    pub classes: Vec<usize>,
    /// The votes of each row, one per class.
    pub scores: Vec<Vec<i64>>,
    /// Splits both of whose sides are asked.
    pub splits: usize,
    /// Splits one of whose sides no reading reaches.
    pub one_sided: usize,
    /// Splits that are left out, as there would be too many rows.
    pub left_out: usize,
}

/// For every split of every tree a row that reaches it with the threshold's code, and one with the
/// next code; at most `most` rows. `base` is a row of readings for what no split asks, and `outliers`
/// the detector whose claim stands in this one.
///
/// # Errors
/// Codings without an order.
pub fn edge_rows(
    model: &FloatModel,
    claim: &Claim,
    outliers: Option<&FloatModel>,
    base: &[f64],
    most: usize,
) -> Result<Edges, Fault> {
    let outliers = outliers.zip(claim.outliers.as_deref());
    let outliers = outliers
        .map(|(model, own)| Outliers::new(model, own, claim.inputs.len()))
        .transpose()?;
    let inputs = Inputs::new(model.schema(), claim)?;
    let base: Vec<f64> = base
        .iter()
        .map(|reading| cast(*reading, claim.reading))
        .collect();
    let adding =
        Adding::new(model, claim).map_err(|what| Fault::new(Kind::Stale, "the claim", what))?;
    let mut edges = Edges::default();
    for tree in model.trees() {
        // Nodes, each with the codes that reach it.
        let all = inputs.cells.iter().map(|cells| match cells.is_set() {
            true => (0, 1),
            false => (cells.lowest, cells.lowest + cells.cells.len() as i32 - 1),
        });
        let mut stack = vec![(0_usize, all.collect::<Vec<_>>())];
        while let Some((node, reach)) = stack.pop() {
            let node = &tree.nodes()[node];
            let Some((_, [left, right])) = node.split() else {
                continue;
            };
            let Some((input, code)) = inputs.asked(node, model.schema()) else {
                stack.extend([(left, reach.clone()), (right, reach)]);
                continue;
            };
            let (mut below, mut above) = (reach.clone(), reach);
            below[input].1 = below[input].1.min(code);
            above[input].0 = above[input].0.max(code + 1);
            let asked = [(&below, true), (&above, false)]
                .map(|(reach, is_last)| row(&inputs, &base, reach, (input, is_last)));
            match asked {
                _ if edges.rows.len() + 2 > most => edges.left_out += 1,
                [Some(left), Some(right)] => {
                    edges.splits += 1;
                    edges.rows.extend([left, right]);
                }
                _ => edges.one_sided += 1,
            }
            let sides = [(left, below), (right, above)];
            stack.extend(
                sides
                    .into_iter()
                    .filter(|(_, reach)| reach[input].0 <= reach[input].1),
            );
        }
    }
    for row in &edges.rows {
        let scores = votes((model, adding.as_ref()), claim, &inputs, row);
        let best = (0..scores.len()).rev().max_by_key(|class| scores[*class]);
        let value = adding.as_ref().and_then(|adding| adding.delivered(&scores));
        // Where none leads far enough, what is given is one beyond the last class.
        let class = best.filter(|best| {
            let mut others = (0..scores.len()).filter(|class| class != best);
            let leads = |class: usize, margin| scores[*best].abs_diff(scores[class]) > margin;
            claim
                .margin
                .is_none_or(|margin| others.all(|it| leads(it, margin)))
        });
        let is_odd = |outliers: &Outliers<'_>| outliers.has(&inputs.codes(row));
        let class = class.filter(|_| !outliers.as_ref().is_some_and(is_odd));
        edges.classes.push(value.or(class).unwrap_or(scores.len()));
        edges.scores.push(scores);
    }
    Ok(edges)
}

/// Rows of codes, one after the other, of rows of readings: what a detector beside a classifier sees.
///
/// # Errors
/// Codings without an order.
pub fn code_rows(model: &FloatModel, claim: &Claim, rows: &[f64]) -> Result<Vec<f64>, Fault> {
    let inputs = Inputs::new(model.schema(), claim)?;
    let rows = rows.chunks_exact(model.schema().n_features());
    let received =
        |row: &[f64]| -> Vec<f64> { row.iter().map(|it| cast(*it, claim.reading)).collect() };
    let codes = rows.flat_map(|row| inputs.codes(&received(row)));
    Ok(codes.map(f64::from).collect())
}

/// A detector over codes.
struct Outliers<'a> {
    model: &'a FloatModel,
    claim: &'a Claim,
    inputs: Inputs,
    adding: Option<Adding<'a>>,
}

impl<'a> Outliers<'a> {
    fn new(model: &'a FloatModel, claim: &'a Claim, n_codes: usize) -> Result<Self, Fault> {
        let stale = |what| Fault::new(Kind::Stale, "the claim of outliers", what);
        let schema = model.schema();
        if schema.task() != Task::Detect || schema.n_features() != n_codes {
            return Err(stale("it is of no detector over these codes"));
        }
        Ok(Self {
            inputs: Inputs::new(model.schema(), claim)?,
            adding: Adding::new(model, claim).map_err(stale)?,
            model,
            claim,
        })
    }

    /// Whether it raises an alarm at these codes.
    fn has(&self, codes: &[i32]) -> bool {
        let row: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
        let model = (self.model, self.adding.as_ref());
        let scores = votes(model, self.claim, &self.inputs, &row);
        scores[1] > scores[0]
    }
}

/// A row of readings within reach, one input at its last or first code there; others move as little
/// as they have to.
fn row(
    inputs: &Inputs,
    base: &[f64],
    reach: &[(i32, i32)],
    (input, is_last): (usize, bool),
) -> Option<Vec<f64>> {
    let mut row = base.to_vec();
    for (feature, of_feature) in inputs.of_feature.iter().enumerate() {
        let lies_within = |reading: f64| {
            of_feature.iter().all(|at| {
                let (low, high) = reach[*at];
                (low..=high).contains(&inputs.cells[*at].code(reading))
            })
        };
        if !of_feature.contains(&input) && lies_within(row[feature]) {
            continue;
        }
        let Some(first) = of_feature.first().map(|at| &inputs.cells[*at]) else {
            continue;
        };
        let missing = first.missing_reading().filter(|it| lies_within(*it));
        let found = if of_feature.iter().any(|at| inputs.cells[*at].is_set()) {
            let all = first.categories(&[]);
            all.into_iter().find(|reading| lies_within(*reading))
        } else {
            // Codes of readings that are there are the same in all of them.
            let of_numbers = of_feature.iter().map(|at| reach[*at]);
            let (low, high) = of_numbers.reduce(|(a, b), (c, d)| (a.max(c), b.min(d)))?;
            let is_last = match of_feature.contains(&input) {
                true => is_last,
                false => first.code(row[feature]) > high,
            };
            let cell = |code: i32| first.cells[(code - first.lowest) as usize];
            let has_reading = |code: &i32| cell(*code).0 <= cell(*code).1;
            let mut codes = low..=high;
            let key = match is_last {
                true => codes.rfind(has_reading).map(|code| cell(code).1),
                false => codes.find(has_reading).map(|code| cell(code).0),
            };
            let reading = key.map(|key| first.value(key));
            // What stands for a missing reading is none, and others move out of its way.
            reading.filter(|reading| lies_within(*reading))
        };
        row[feature] = found.or(missing)?;
    }
    Some(row)
}

/// The votes of float's trees, thresholds as codes and leaves rounded.
fn votes(
    (model, adding): (&FloatModel, Option<&Adding<'_>>),
    claim: &Claim,
    inputs: &Inputs,
    row: &[f64],
) -> Vec<i64> {
    let codes = inputs.codes(row);
    let mut scores = match adding {
        Some(adding) => adding.begin(),
        None => vec![0; model.schema().outputs().len()],
    };
    for (index, tree) in model.trees().iter().enumerate() {
        let mut node = 0;
        while let Some((_, [left, right])) = tree.nodes()[node].split() {
            let asked = inputs.asked(&tree.nodes()[node], model.schema());
            let goes_left = asked.is_none_or(|(input, code)| codes[input] <= code);
            node = if goes_left { left } else { right };
        }
        let Node::Leaf(proportions) = &tree.nodes()[node] else {
            unreachable!("a node splits or is a leaf");
        };
        if let Some(adding) = adding {
            for (score, vote) in scores.iter_mut().zip(adding.votes(index, proportions)) {
                *score += vote;
            }
            continue;
        }
        let leader = argmax(proportions);
        match &claim.body {
            Body::Forest {
                leaves: Some(table),
                ..
            } if claim.voting == Voting::Soft => {
                let vote = |p: &f64| (p.min(1.0) * f64::from(table.unit)).round() as i64;
                let votes: Vec<i64> = proportions.iter().map(vote).collect();
                scores
                    .iter_mut()
                    .zip(&votes)
                    .for_each(|(score, vote)| *score += vote);
                // A leader that would tie gets one more.
                scores[leader] +=
                    i64::from(votes[..leader].iter().any(|vote| *vote >= votes[leader]));
            }
            _ => scores[leader] += 1,
        }
    }
    scores
}
