//! Accuracy and how sure it is, confusion, and precision, recall and F1 per class.

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

    /// Rows that were scored.
    pub fn n_rows(&self) -> usize {
        self.classes.iter().map(|class| class.support).sum()
    }

    /// Rows predicted right.
    pub fn n_right(&self) -> usize {
        (0..self.confusion.len())
            .map(|class| self.confusion[class][class])
            .sum()
    }

    /// The class of most rows, the lowest of several, and how many rows it has: naming it every
    /// time is right so often. `None` without rows.
    pub fn majority(&self) -> Option<(usize, usize)> {
        let supports = self.classes.iter().map(|class| class.support);
        supports
            .enumerate()
            .rev()
            .max_by_key(|(_, support)| *support)
            .filter(|(_, support)| *support > 0)
    }

    /// The mean recall of the classes that have rows, `0.0..=1.0`, as scikit-learn's
    /// `balanced_accuracy_score`; `None` without rows.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = self
            .classes
            .iter()
            .filter(|class| class.support > 0)
            .map(|class| class.recall)
            .collect();
        let n_classes = recalls.len();
        (n_classes > 0).then(|| recalls.iter().sum::<f64>() / n_classes as f64)
    }

    /// The 95 % interval of the accuracy: [`wilson_interval`] of the rows.
    pub fn interval(&self) -> (f64, f64) {
        wilson_interval(self.n_right(), self.n_rows())
    }
}

/// The 95 % score interval of a share of which `n_right` of `n_rows` independent draws were seen:
/// `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)` with `p = n_right / n_rows`, `n = n_rows`
/// and `z` the normal distribution's 97.5th percentile. Unlike `p ± z·√(p(1 − p)/n)` it stays
/// within 0 and 1, and has a width where none or all are right. Of no rows it is all there is, 0
/// to 1.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
/// of the American Statistical Association 22 (1927), 209–212; why this one for small `n`:
/// L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion",
/// Statistical Science 16 (2001), 101–133.
pub fn wilson_interval(n_right: usize, n_rows: usize) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054;
    if n_rows == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (n_rows as f64, ratio(n_right, n_rows));
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    // The ends are exact where none or all are right, whatever the roundings say.
    let low = if n_right == 0 {
        0.0
    } else {
        (centre - half) / whole
    };
    let high = if n_right == n_rows {
        1.0
    } else {
        (centre + half) / whole
    };
    (low, high)
}

/// `part / whole`, or 0 of nothing.
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
