//! What a report has of a model that was made smaller.

use serde::{Deserialize, Serialize};

use crate::Truth;

/// A smaller model, and what is promised of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shrink {
    /// What is promised: `score`, `every-row` or `every-input`.
    pub promise: String,
    /// Splits of the original.
    pub splits_before: usize,
    /// Splits of the model that ships.
    pub splits_after: usize,
    /// Trees of the original.
    pub trees_before: usize,
    /// Trees of the model that ships.
    pub trees_after: usize,
    /// Whether the promise holds; of `score` there is no proof, but rows that it was measured on.
    pub proven: Option<Truth>,
    /// Training rows that it was fitted to or measured on.
    pub rows: usize,
    /// Accuracy on rows that were kept apart, of the original and of the smaller model; of `score`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_apart: Option<[f64; 2]>,
    /// Inputs at which a smaller model that was proposed would have changed a class; of `every-input`.
    pub counterexamples: usize,
    /// Steps that were not taken, as the search ended without an answer.
    pub unknown: usize,
    /// Splits that any model has that gives the original's class for every input, as far as was found;
    /// of `every-input`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<usize>,
    /// The original's accuracy on the test rows; `None` without labels.
    pub score_before: Option<f64>,
    /// That of the float model that ships.
    pub score_after: Option<f64>,
    /// Test rows that get another class than from the original.
    pub test_rows_differing: usize,
}

impl Shrink {
    /// What became of it, a sentence each, without its stop.
    #[must_use]
    pub fn lines(&self, n_test_rows: usize) -> Vec<String> {
        let Self {
            splits_before,
            splits_after,
            trees_before,
            trees_after,
            rows,
            ..
        } = self;
        let mut lines = vec![format!(
            "{splits_before} splits in {trees_before} trees became {splits_after} in {trees_after}"
        )];
        lines.push(match (self.promise.as_str(), self.kept_apart) {
            ("every-input", _) if self.splits_after < self.splits_before => {
                "The class is proven to be the original's for every input".to_owned()
            }
            ("every-input", _) => {
                "No smaller model was proven to give the original's class for every input".to_owned()
            }
            ("every-row", _) => {
                format!("The class is the original's for all {rows} training rows")
            }
            (_, Some([before, after])) => format!(
                "On training rows that were kept apart, {rows} in all, accuracy was {before:.4} before \
                 and {after:.4} after"
            ),
            (_, None) => format!("It was fitted to {rows} training rows"),
        });
        if let Some(needed) = self.needed {
            lines.push(format!(
                "Any model with these classes for every input has at least {needed} splits, since so many \
                 neighbouring readings are told apart"
            ));
        }
        if self.unknown > 0 {
            lines.push(format!(
                "{} searches took all their steps; what they were about was not done",
                self.unknown
            ));
        }
        let mut tested = format!(
            "{} of {n_test_rows} test rows get another class than from the original",
            self.test_rows_differing
        );
        if let (Some(before), Some(after)) = (self.score_before, self.score_after) {
            tested += &format!("; accuracy there is {after:.4}, and was {before:.4}");
        }
        lines.push(tested);
        lines
    }
}
