//! How much a model rests on each feature, over rows that stand for what the device will see: how
//! often it asks, and what it loses without.

use spinney_dataset::{Dataset, permutation};
use spinney_model::FloatModel;
use spinney_quantize::{Paths, QuantModel};

use crate::metrics::ratio;
use crate::predictions::best;

/// The comparisons with each feature that the float trees make over all of `rows`, one count per
/// feature; `None` for models without splits.
///
/// A split counts once for each row that passes it, so a feature that is asked near the root
/// counts for more than one that is asked near the leaves.
///
/// # Panics
/// If model, quantization and rows differ in their number of features.
#[must_use]
pub fn comparisons(model: &FloatModel, quant: &QuantModel, rows: &Dataset) -> Option<Vec<u64>> {
    let FloatModel::Forest(forest) = model else {
        return None;
    };
    let paths = Paths::new(forest, quant);
    let mut counts = vec![0_u64; forest.schema().n_features()];
    for row in rows.values().rows() {
        let row = row.to_vec();
        for tree in 0..forest.trees().len() {
            for step in paths.float(tree, &row).0 {
                counts[step.feature] += 1;
            }
        }
    }
    Some(counts)
}

/// The share of `rows` that the quantized model decides right, less what is left of it once a
/// feature's readings are shuffled among the rows: one figure per feature, the mean over
/// `n_shuffles`; below 0 where chance helps. All trees vote, and all features get the same shuffles.
///
/// Permutation importance: Breiman, *Random Forests*, Machine Learning 45 (2001), section 10.
///
/// # Panics
/// If the model and the rows differ in their number of features.
#[must_use]
pub fn permutation_importance(
    quant: &QuantModel,
    rows: &Dataset,
    seed: u64,
    n_shuffles: u32,
) -> Vec<f64> {
    let scorer = quant.scorer();
    let mut codes: Vec<Vec<i16>> = rows
        .values()
        .rows()
        .into_iter()
        .map(|row| quant.codes(&row.to_vec()))
        .collect();
    let labels = rows.labels();
    let is_right = |codes: &[i16], row: usize| best(&scorer.scores(codes)) == labels[row];
    let before: Vec<bool> = codes
        .iter()
        .enumerate()
        .map(|(row, codes)| is_right(codes, row))
        .collect();
    let shuffles: Vec<Vec<usize>> = (0..n_shuffles)
        .map(|shuffle| permutation(codes.len(), seed.wrapping_add(shuffle.into())))
        .collect();
    (0..quant.schema().n_features())
        .map(|feature| {
            let column: Vec<i16> = codes.iter().map(|codes| codes[feature]).collect();
            let (mut lost, mut won) = (0, 0);
            for from in &shuffles {
                for (row, from) in from.iter().enumerate() {
                    // The same code is the same decision.
                    if column[*from] != column[row] {
                        codes[row][feature] = column[*from];
                        let is_right = is_right(&codes[row], row);
                        codes[row][feature] = column[row];
                        lost += usize::from(before[row] && !is_right);
                        won += usize::from(!before[row] && is_right);
                    }
                }
            }
            let n_decisions = before.len() * shuffles.len();
            ratio(lost, n_decisions) - ratio(won, n_decisions)
        })
        .collect()
}
