//! Models at the limits of fixed point, whose headers only a host has room for.

use std::ops::Range;

use spinney_codegen::Options as Form;
use spinney_model::limits::{TREE_SPLITS, TREES};
use spinney_model::{Node, Voting};
use spinney_quantize::limits::{CUTS, LEAVES};
use spinney_quantize::{CodingChoice, Sensor, Votes};

use super::cases::{Case, early, forest_of, quantize, sensors};
use super::synthetic::hostile;
use spinney_pipeline::failure::Failure;

/// One case per limit, with readings at the last thresholds.
pub(super) fn cases() -> Result<Vec<Case>, Failure> {
    let (affine, rank) = (CodingChoice::Affine, CodingChoice::Rank);
    let (hard, soft) = (Voting::Hard, Voting::Soft);
    let halves = |n: usize| [0..n / 2, n / 2..n];
    let one = std::iter::once(0..TREE_SPLITS.max);
    let stumps = (0..TREES.max).map(|tree| tree % 2..1 + tree % 2);
    // Two trees have two leaves more than thresholds, and share one.
    let leaves = halves(LEAVES.max - 1);
    let (f32, i32) = (Sensor::F32, Sensor::I32);
    let of = |trees: &mut dyn Iterator<Item = Range<usize>>, leaf: Leaf| {
        forest_of(1, N_CLASSES as u64, trees.map(|tree| nodes(tree, leaf)))
    };
    #[rustfmt::skip]
    let limits = [
        ("limit-cuts-f32", f32, rank, hard, of(&mut halves(CUTS.max).into_iter(), pure)?),
        ("limit-cuts-i32", i32, rank, hard, of(&mut halves(CUTS.max).into_iter(), pure)?),
        ("limit-splits", i32, affine, hard, of(&mut one.into_iter(), pure)?),
        ("limit-trees-hard", f32, affine, hard, of(&mut stumps.clone(), pure)?),
        ("limit-trees-soft", f32, affine, soft, of(&mut stumps.clone(), pure)?),
        ("limit-leaves", i32, affine, soft, of(&mut leaves.into_iter(), distinct)?),
    ];
    let case = |(name, sensor, coding, voting, model): (&str, _, _, _, _)| {
        let declared = sensors(sensor, (0.0, 32_770.0), coding, 1);
        let form = early(Form::plain());
        let quant = quantize(&model, &declared, voting, Votes::Q15, form, None)?;
        let near = (0..20).chain(16_370..16_400).chain(32_740..32_772);
        let mut rows: Vec<Vec<f64>> = near.map(|reading| vec![f64::from(reading)]).collect();
        let n_test_rows = rows.len();
        rows.extend(hostile(quant.reading_type(), 1));
        Ok(Case {
            name: name.to_owned(),
            quant,
            form,
            rows,
            n_test_rows,
        })
    };
    limits.into_iter().map(case).collect()
}

const N_CLASSES: usize = 3;

/// The leaf of a number.
type Leaf = fn(usize) -> Vec<f64>;

/// A balanced tree over thresholds `k + 0.5`; `leaf(k)` is that of the readings up to it.
fn nodes(thresholds: Range<usize>, leaf: Leaf) -> Vec<Node> {
    let of_leaf = |at: usize| Node::Leaf(leaf(at));
    let mut nodes = vec![of_leaf(thresholds.start)];
    let mut open = vec![(0, thresholds)];
    while let Some((at, within)) = open.pop() {
        if within.is_empty() {
            nodes[at] = of_leaf(within.start);
            continue;
        }
        let middle = usize::midpoint(within.start, within.end - 1);
        let left = nodes.len();
        let children = [left, left + 1].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        nodes[at] = Node::at_most(0, middle as f64 + 0.5, None, children);
        nodes.extend([of_leaf(middle), of_leaf(middle)]);
        open.extend([
            (left, within.start..middle),
            (left + 1, middle + 1..within.end),
        ]);
    }
    nodes
}

/// All of a leaf for one class.
fn pure(number: usize) -> Vec<f64> {
    let share = |class: usize| f64::from(u8::from(class == number % N_CLASSES));
    (0..N_CLASSES).map(share).collect()
}

/// Proportions that no other number gives, and that Q15 holds exactly.
fn distinct(number: usize) -> Vec<f64> {
    let (one, other) = (number % 128, number / 128);
    let parts = [one, other, 512 - one - other];
    parts.map(|part| part as f64 / 512.0).to_vec()
}
