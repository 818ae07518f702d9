//! How much a model rests on each feature, over rows that stand for what the device will see: how
//! often it asks, and what it loses without.

use serde::{Deserialize, Serialize};
use spinney_dataset::{Dataset, permutation};
use spinney_model::FloatModel;
use spinney_quantize::{Paths, QuantModel, argmax};

use crate::metrics::ratio;

/// The comparisons with each feature that the float trees make over all of `rows`, one count per
/// feature; `None` for models without splits.
///
/// A split counts once for each row that passes it, so a feature that is asked near the root
/// counts for more than one that is asked near the leaves.
///
/// # Panics
/// If model, quantization and rows differ in their number of features.
pub fn comparisons(model: &FloatModel, quant: &QuantModel, rows: &Dataset) -> Option<Vec<u64>> {
    if model.trees().is_empty() {
        return None;
    }
    let paths = Paths::new(model, quant);
    let mut counts = vec![0_u64; model.schema().n_features()];
    for row in rows.values().rows() {
        let row = row.to_vec();
        for tree in 0..model.trees().len() {
            for step in paths.float(tree, &row).0 {
                counts[step.feature] += 1;
            }
        }
    }
    Some(counts)
}

/// Shuffles of a feature that its importance is the mean of.
const N_SHUFFLES: usize = 5;
/// Rows that are scored again at the most, over all features and shuffles: some seconds of a large
/// forest.
const MOST_SCORED: usize = 2_000_000;

/// What a model loses without each feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Accuracy lost, one figure per feature, from −1 to 1.
    pub lost: Vec<f64>,
    /// What it was found on.
    pub found_on: Shuffled,
}

/// Rows whose readings were shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shuffled {
    /// How many, all or evenly spaced ones.
    pub rows: usize,
    /// How often.
    pub shuffles: usize,
}

/// The share of `rows` that the quantized model decides right, less what is left of it once a
/// feature's readings are shuffled among the rows: one figure per feature, the mean over five
/// shuffles; below 0 where chance helps, and 0 for features that the model does not use. All trees vote, and all features get the same shuffles. Of
/// so many rows and features that it would take long, evenly spaced rows are taken.
///
/// Permutation importance: Breiman, *Random Forests*, Machine Learning 45 (2001), section 10.
///
/// # Panics
/// If the model and the rows differ in their number of features.
pub fn permutation_importance(quant: &QuantModel, rows: &Dataset, seed: u64) -> Importance {
    let n_features = quant.schema().n_features();
    let step = (rows.n_rows() * quant.inputs().len() * N_SHUFFLES).div_ceil(MOST_SCORED);
    let (codes, labels): (Vec<Vec<i16>>, Vec<usize>) = rows
        .values()
        .rows()
        .into_iter()
        .zip(rows.labels())
        .step_by(step.max(1))
        .map(|(row, label)| (quant.codes(&row.to_vec()), *label))
        .unzip();
    let shuffles: Vec<Vec<usize>> = (0..N_SHUFFLES)
        .map(|shuffle| permutation(codes.len(), seed.wrapping_add(shuffle as u64)))
        .collect();
    // The codes of each feature, which change together.
    let mut codes_of = vec![Vec::new(); n_features];
    for (code, input) in quant.inputs().iter().enumerate() {
        codes_of[input.feature].push(code);
    }
    // Decisions lost and won, by feature.
    let mut moved = vec![(0, 0); n_features];
    let scorer = quant.scorer();
    let mut rescorer = quant.rescorer();
    for (row, (own, label)) in codes.iter().zip(&labels).enumerate() {
        let was_right = argmax(rescorer.take(own)) == *label;
        for from in &shuffles {
            let other = &codes[from[row]];
            for (of_feature, (lost, won)) in codes_of.iter().zip(&mut moved) {
                // The same codes are the same decision.
                if of_feature.iter().all(|code| own[*code] == other[*code]) {
                    continue;
                }
                let is_right = match of_feature[..] {
                    [code] => argmax(rescorer.with(code, other[code])) == *label,
                    _ => {
                        let mut shuffled = own.clone();
                        for code in of_feature {
                            shuffled[*code] = other[*code];
                        }
                        argmax(&scorer.scores(&shuffled)) == *label
                    }
                };
                *lost += usize::from(was_right && !is_right);
                *won += usize::from(!was_right && is_right);
            }
        }
    }
    let n_decisions = codes.len() * N_SHUFFLES;
    let lost = (0..n_features)
        .map(|feature| {
            let (lost, won) = moved[feature];
            ratio(lost, n_decisions) - ratio(won, n_decisions)
        })
        .collect();
    let found_on = Shuffled {
        rows: codes.len(),
        shuffles: N_SHUFFLES,
    };
    Importance { lost, found_on }
}
