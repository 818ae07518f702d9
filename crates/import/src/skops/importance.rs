//! Feature importances, which `SelectFromModel` computes anew from its fitted estimator.

use super::estimator::RawTree;
use super::object::Object;
use crate::ImportError;

/// The importance of each of `n_features` features in a fitted estimator: the norm of its
/// coefficients, or the impurity that its trees' splits remove.
///
/// # Errors
/// An estimator that has neither.
pub(super) fn importances(
    estimator: &Object,
    n_features: usize,
    norm_order: f64,
) -> Result<Vec<f64>, ImportError> {
    if let Some(coefficients) = estimator.find("coef_") {
        return coefficient_norms(&coefficients, n_features, norm_order);
    }
    let class = estimator.class_name();
    let known = estimator.is_sklearn()
        && (class.starts_with("DecisionTree")
            || class.starts_with("ExtraTree")
            || class.starts_with("RandomForest"));
    if !known {
        return Err(ImportError::refused(
            format!("SelectFromModel around {}", estimator.shown_class()),
            "select with a tree, a forest or a linear model, or with SelectKBest",
        ));
    }
    let importances = match estimator.find("estimators_") {
        None => tree_importances(&RawTree::read(estimator)?, n_features)?,
        Some(members) => {
            let mut sums = vec![0.0; n_features];
            let mut n_trees = 0.0;
            for member in members.items()? {
                let tree = RawTree::read(&member)?;
                if tree.len() < 2 {
                    continue;
                }
                n_trees += 1.0;
                for (sum, value) in sums.iter_mut().zip(tree_importances(&tree, n_features)?) {
                    *sum += value;
                }
            }
            if n_trees == 0.0 {
                return Ok(sums);
            }
            for sum in &mut sums {
                *sum /= n_trees;
            }
            let total = pairwise_sum(&sums);
            sums.iter().map(|sum| sum / total).collect()
        }
    };
    Ok(importances.iter().map(|value: &f64| value.abs()).collect())
}

fn coefficient_norms(
    coefficients: &Object,
    n_features: usize,
    norm_order: f64,
) -> Result<Vec<f64>, ImportError> {
    let shape = coefficients.array()?.shape().to_vec();
    let n_rows = match shape[..] {
        [columns] if columns == n_features => 1,
        [rows, columns] if columns == n_features => rows,
        _ => return Err(coefficients.odd("coefficients of every feature")),
    };
    let numbers = coefficients.numbers(n_rows * n_features)?;
    let column = |feature: usize| (0..n_rows).map(move |row| row * n_features + feature);
    (0..n_features)
        .map(|feature| {
            let values = column(feature).map(|at| numbers[at].abs());
            if norm_order == 1.0 {
                Ok(values.sum())
            } else if norm_order == 2.0 {
                Ok(values.map(|value| value * value).sum::<f64>().sqrt())
            } else if norm_order == f64::INFINITY {
                Ok(values.fold(0.0, f64::max))
            } else {
                Err(refused!(
                    "SelectFromModel with norm_order={norm_order}"; "norm_order=1, 2 or inf"
                ))
            }
        })
        .collect()
}

/// Share of the weighted impurity that each feature's splits remove, with a sum of 1.
fn tree_importances(tree: &RawTree, n_features: usize) -> Result<Vec<f64>, ImportError> {
    let mut importances = vec![0.0; n_features];
    let removed = |index: usize| tree.weight[index] * tree.impurity[index];
    for index in (0..tree.len()).filter(|index| !tree.is_leaf(*index)) {
        let [left, right] = tree.children(index)?;
        let feature = usize::try_from(tree.feature[index]).ok();
        let importance = feature.and_then(|feature| importances.get_mut(feature));
        *importance.ok_or_else(|| {
            broken!(
                format!("{}, nodes[{index}].feature", tree.place()); "{}", tree.feature[index];
                "an index below {n_features}"
            )
        })? += removed(index) - removed(left) - removed(right);
    }
    for value in &mut importances {
        *value /= tree.weight[0];
    }
    let total = pairwise_sum(&importances);
    if total > 0.0 {
        for value in &mut importances {
            *value /= total;
        }
    }
    Ok(importances)
}

/// Adds as NumPy adds a contiguous array: in order below eight items, in eight lanes up to 128,
/// halves of a multiple of eight above.
pub(super) fn pairwise_sum(values: &[f64]) -> f64 {
    match values.len() {
        0..8 => values.iter().fold(0.0, |sum, value| sum + value),
        8..=128 => {
            let mut lanes: [f64; 8] = std::array::from_fn(|lane| values[lane]);
            let chunks = values[8..].chunks_exact(8);
            let rest = chunks.remainder();
            for chunk in chunks {
                for (lane, value) in lanes.iter_mut().zip(chunk) {
                    *lane += value;
                }
            }
            let [a, b, c, d, e, f, g, h] = lanes;
            let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
            rest.iter().fold(sum, |sum, value| sum + value)
        }
        n => {
            let half = n / 2 - n / 2 % 8;
            pairwise_sum(&values[..half]) + pairwise_sum(&values[half..])
        }
    }
}
