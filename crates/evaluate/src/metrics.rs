//! Accuracy, confusion, and precision, recall and F1 per class.

use serde::{Deserialize, Serialize};

/// How one set of predictions compares with the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Share of rows predicted right, `0.0..=1.0`.
    pub accuracy: f64,
    /// Scores per class.
    pub classes: Vec<ClassScore>,
    /// `confusion[label][predicted]` counts rows.
    pub confusion: Vec<Vec<usize>>,
}

/// How well one class is told apart; a ratio whose denominator is zero is 0, as scikit-learn's
/// `zero_division=0`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Share of the rows predicted as the class that are of it.
    pub precision: f64,
    /// Share of the class's rows that are predicted as it.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Rows of the class.
    pub support: usize,
}

impl Scorecard {
    /// Scores `predicted` against `labels`, both class indices below `n_classes`, row by row.
    ///
    /// # Panics
    /// If the two have different lengths, or an index is out of range.
    #[must_use]
    pub fn new(labels: &[usize], predicted: &[usize], n_classes: usize) -> Self {
        assert_eq!(labels.len(), predicted.len(), "one prediction per label");
        let mut confusion = vec![vec![0_usize; n_classes]; n_classes];
        for (label, predicted) in labels.iter().zip(predicted) {
            confusion[*label][*predicted] += 1;
        }
        let right: usize = (0..n_classes).map(|class| confusion[class][class]).sum();
        let classes = (0..n_classes)
            .map(|class| {
                let hits = confusion[class][class];
                let support: usize = confusion[class].iter().sum();
                let claimed: usize = confusion.iter().map(|row| row[class]).sum();
                ClassScore {
                    precision: ratio(hits, claimed),
                    recall: ratio(hits, support),
                    f1: ratio(2 * hits, support + claimed),
                    support,
                }
            })
            .collect();
        Self {
            accuracy: ratio(right, labels.len()),
            classes,
            confusion,
        }
    }
}

/// `part / whole`, or 0 of nothing.
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
