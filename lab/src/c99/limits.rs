//! Models at the limits of fixed point, whose headers only a host has room for.

use spinney_codegen::{CodeType, Encoding, Options as Form};
use spinney_model::limits::{TREE_SPLITS, TREES};
use spinney_model::{FloatModel, Forest, ForestKind, Node, Schema, Tree, Voting};
use spinney_quantize::limits::{CUTS, LEAVES};
use spinney_quantize::{CodingChoice, Sensor, Votes};

use super::cases::{Case, quantize, sensors};
use super::synthetic::hostile;
use spinney_pipeline::failure::{ExitReason, Failure};

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
    let of = |trees: &mut dyn Iterator<Item = std::ops::Range<usize>>, leaf| forest(trees, leaf);
    #[rustfmt::skip]
    let limits = [
        ("limit-cuts-f32", f32, rank, hard, of(&mut halves(CUTS.max).into_iter(), &pure)?),
        ("limit-cuts-i32", i32, rank, hard, of(&mut halves(CUTS.max).into_iter(), &pure)?),
        ("limit-splits", i32, affine, hard, of(&mut one.into_iter(), &pure)?),
        ("limit-trees-hard", f32, affine, hard, of(&mut stumps.clone(), &pure)?),
        ("limit-trees-soft", f32, affine, soft, of(&mut stumps.clone(), &pure)?),
        ("limit-leaves", i32, affine, soft, of(&mut leaves.into_iter(), &distinct)?),
    ];
    let case = |(name, sensor, coding, voting, model): (&str, _, _, _, _)| {
        let declared = sensors(sensor, (0.0, 32_770.0), coding, 1);
        let form = Form {
            encoding: Encoding::Table,
            code_type: CodeType::I16,
            early_exit: true,
            ..Form::plain()
        };
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

/// A forest of balanced trees over thresholds `k + 0.5`; `leaf(k)` is that of the readings up to it.
fn forest(
    trees: &mut dyn Iterator<Item = std::ops::Range<usize>>,
    leaf: &dyn Fn(usize) -> Vec<f64>,
) -> Result<FloatModel, Failure> {
    let classes = (0..N_CLASSES).map(|class| format!("c{class}"));
    let schema = Schema::unnamed(1, classes.collect()).input()?;
    let trees = trees
        .map(|thresholds| Tree::new(nodes(thresholds, leaf), &schema).input())
        .collect::<Result<Vec<_>, _>>()?;
    let forest = Forest::new(ForestKind::RandomForest, schema.clone(), trees).input()?;
    Ok(FloatModel::Forest(forest))
}

fn nodes(thresholds: std::ops::Range<usize>, leaf: &dyn Fn(usize) -> Vec<f64>) -> Vec<Node> {
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
        nodes[at] = Node::at_most(
            0,
            middle as f64 + 0.5,
            None,
            [
                u32::try_from(left).unwrap_or(u32::MAX),
                u32::try_from(left + 1).unwrap_or(u32::MAX),
            ],
        );
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
