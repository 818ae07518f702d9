//! Ensembles whose leaves hold class proportions, as forests that vote.

use spinney_dataset::Budget;
use spinney_model::ForestKind;

use super::ensemble::{Ensemble, Transform};
use super::fraction;
use crate::ImportError;
use crate::draft::{Draft, DraftTree};
use crate::lower;

/// Makes a forest over `n_features` features of an ensemble; `None` if its leaves are no proportions, or
/// something is added to or made of their sum.
///
/// # Errors
/// Nodes that form no tree.
pub(super) fn read(
    ensemble: &Ensemble,
    n_features: usize,
    budget: &Budget,
) -> Result<Option<Draft>, ImportError> {
    let Some(classes) = &ensemble.classes else {
        return Ok(None);
    };
    let adds = ensemble.transform != Transform::None
        || ensemble.is_mean
        || ensemble.base.iter().any(|value| *value != 0.0);
    let n_trees = ensemble.trees.len();
    let only = only_output(ensemble);
    let proportions: Option<Vec<Vec<f64>>> = (ensemble.leaves.iter())
        .map(|weights| proportions(weights, only, n_trees, classes.len()))
        .collect();
    let (false, Some(proportions)) = (adds, proportions) else {
        return Ok(None);
    };
    let trees = ensemble.trees.iter().map(|tree| {
        let leaf = |leaf: usize| Ok(proportions[leaf].clone());
        let nodes = lower::lower(&tree.nodes, tree.root, false, budget, &tree.place, leaf)?;
        Ok(DraftTree::new(&tree.place, nodes, None))
    });
    let trees = trees.collect::<Result<Vec<_>, ImportError>>()?;
    let kind = match n_trees {
        1 => ForestKind::DecisionTree,
        _ => ForestKind::RandomForest,
    };
    Ok(Some(Draft::votes(kind, n_features, classes.clone(), trees)))
}

/// The one output that all weights are for; two classes may do with one, which is that of the second.
pub(super) fn only_output(ensemble: &Ensemble) -> Option<usize> {
    let mut outputs = ensemble.leaves.iter().flatten().map(|weight| weight.0);
    let first = outputs.next()?;
    outputs.all(|output| output == first).then_some(first)
}

/// Class proportions of a leaf, whose weights are its share of the mean over `n_trees` trees.
fn proportions(
    weights: &[(usize, f64)],
    only: Option<usize>,
    n_trees: usize,
    n_classes: usize,
) -> Option<Vec<f64>> {
    let mut sums = vec![0.0; n_classes];
    for (class, weight) in weights {
        sums[*class] += weight;
    }
    if let Some(only) = only.filter(|_| n_classes == 2) {
        return check(shares(sums[only], n_trees).to_vec());
    }
    check(sums.iter().map(|it| shares(*it, n_trees)[1]).collect())
}

/// Passes what is a set of proportions.
fn check(mut proportions: Vec<f64>) -> Option<Vec<f64>> {
    let sum: f64 = proportions.iter().sum();
    let valid = |value: &f64| (-1e-5..=1.0 + 1e-5).contains(value);
    if !((sum - 1.0).abs() < 1e-5 && proportions.iter().all(valid)) {
        return None;
    }
    // Float32 weights may miss a sum of 1 by more than the model admits.
    if (sum - 1.0).abs() > 1e-9 {
        for value in &mut proportions {
            *value = value.clamp(0.0, 1.0) / sum;
        }
    }
    Some(proportions)
}

/// What is left to others of a class of this weight, and its own proportion: recovered as a fraction, or as
/// near as float32 had it.
fn shares(weight: f64, n_trees: usize) -> [f64; 2] {
    // Casts: compared with the original.
    let single = weight as f32;
    let is_single = f64::from(single) == weight;
    match fraction::simplest(single, n_trees).filter(|_| is_single) {
        Some(fraction) => [fraction.complement().value(), fraction.value()],
        None => [1.0 - weight * n_trees as f64, weight * n_trees as f64],
    }
}
