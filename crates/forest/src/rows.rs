//! Rows to predict: casting, walking the trees and taking the most probable class, in parallel.

use linfa::Float;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Axis, Data, Ix2};
use rayon::prelude::*;

use crate::codes::as_f32;
use crate::{DecisionTree, ForestError};

/// How many rows one task predicts.
const CHUNK: usize = 64;

/// Refuses rows of another width than the model's.
pub(crate) fn check_columns<F, D: Data<Elem = F>>(
    records: &ArrayBase<D, Ix2>,
    expected: usize,
) -> Result<(), ForestError> {
    match records.ncols() {
        found if found == expected => Ok(()),
        found => Err(ForestError::Columns { found, expected }),
    }
}

/// Casts a row to float32, into `buffer`.
pub(crate) fn cast<F: Float>(row: ArrayView1<'_, F>, buffer: &mut Vec<f32>) {
    buffer.clear();
    buffer.extend(row.iter().map(|value| as_f32(*value)));
}

/// The mean of the trees' class proportions, per row.
pub(crate) fn proportions<F: Float>(
    records: ArrayView2<'_, F>,
    trees: &[DecisionTree],
    n_classes: usize,
) -> Array2<f64> {
    let mut means = Array2::zeros((records.nrows(), n_classes));
    let chunks = means.axis_chunks_iter_mut(Axis(0), CHUNK).into_par_iter();
    let rows = records.axis_chunks_iter(Axis(0), CHUNK).into_par_iter();
    chunks.zip(rows).for_each(|(mut means, rows)| {
        let mut buffer = Vec::with_capacity(rows.ncols());
        for (mut mean, row) in means.rows_mut().into_iter().zip(rows.rows()) {
            cast(row, &mut buffer);
            let mean = mean.as_slice_mut().expect("a fresh array is contiguous");
            average(&buffer, trees, mean);
        }
    });
    means
}

/// The most probable class per row; the lowest index among equals.
///
/// # Panics
/// If `records` has not `n_features` columns, or `classes` another length.
pub(crate) fn classify<F: Float>(
    records: ArrayView2<'_, F>,
    trees: &[DecisionTree],
    n_features: usize,
    n_classes: usize,
    classes: &mut Array1<usize>,
) {
    assert_eq!(
        records.ncols(),
        n_features,
        "rows to predict have as many columns as the training rows"
    );
    assert_eq!(
        records.nrows(),
        classes.len(),
        "there is one target for each row"
    );
    let targets = classes.axis_chunks_iter_mut(Axis(0), CHUNK).into_par_iter();
    let rows = records.axis_chunks_iter(Axis(0), CHUNK).into_par_iter();
    targets.zip(rows).for_each(|(mut targets, rows)| {
        let mut buffer = Vec::with_capacity(n_features);
        let mut means = vec![0.0; n_classes];
        for (target, row) in targets.iter_mut().zip(rows.rows()) {
            cast(row, &mut buffer);
            average(&buffer, trees, &mut means);
            *target = argmax(&means);
        }
    });
}

fn average(row: &[f32], trees: &[DecisionTree], means: &mut [f64]) {
    means.fill(0.0);
    for tree in trees {
        tree.add_proportions(row, means);
    }
    for mean in means {
        *mean /= trees.len() as f64;
    }
}

/// Index of the largest value; the lowest among equals.
pub(crate) fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
