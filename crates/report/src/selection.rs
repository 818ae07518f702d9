//! What a report has of a selection of features.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Which features a model was trained on, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Folds of the training rows that it was found on.
    pub folds: usize,
    /// The features that were kept, by importance.
    pub kept: Vec<Ranked>,
    /// Those that were dropped, by importance.
    pub dropped: Vec<Ranked>,
    /// Accuracies that their number was chosen by, from all features on; none where it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<OfSize>,
}

/// A feature, and what a model loses without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Permutation importance on rows that the model did not see, mean of all folds.
    pub importance: f64,
}

/// How well models of the best so many features decide rows that they did not see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OfSize {
    /// How many features.
    pub features: usize,
    /// Mean accuracy on the folds.
    pub accuracy: f64,
    /// Standard error of that mean.
    pub standard_error: f64,
}

/// Features of which a line names no more.
const NAMED: usize = 40;

impl Selection {
    /// What there is to say, a sentence each.
    pub fn lines(&self) -> Vec<String> {
        let (kept, all) = (self.kept.len(), self.kept.len() + self.dropped.len());
        let mut lines = vec![format!(
            "The model was trained on {kept} of {all} features, by their permutation importance on {} folds \
             of the training rows",
            self.folds
        )];
        let chosen = self.sizes.iter().find(|it| it.features == kept);
        let best = (self.sizes.iter()).reduce(|best, it| match it.accuracy > best.accuracy {
            true => it,
            false => best,
        });
        if let (Some(chosen), Some(best)) = (chosen, best) {
            lines.push(format!(
                "Accuracy on folds: {:.4} with {} features, and {:.4} ± {:.4}, the best, with {}",
                chosen.accuracy, chosen.features, best.accuracy, best.standard_error, best.features
            ));
        }
        for (what, ranked) in [("Kept", &self.kept), ("Dropped", &self.dropped)] {
            if ranked.is_empty() {
                continue;
            }
            let mut line = format!("{what}: ");
            for (index, it) in ranked.iter().take(NAMED).enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                let _ = write!(line, "{comma}{} {:.4}", it.name, it.importance);
            }
            if ranked.len() > NAMED {
                let _ = write!(line, " and {} more", ranked.len() - NAMED);
            }
            lines.push(line);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_was_kept_and_dropped_is_said() {
        let ranked = |name: &str, importance| Ranked {
            name: name.to_owned(),
            importance,
        };
        let sized = |features, accuracy| OfSize {
            features,
            accuracy,
            standard_error: 0.01,
        };
        let selection = Selection {
            folds: 5,
            kept: vec![ranked("ax_mean", 0.3)],
            dropped: vec![ranked("ay_mean", 0.004), ranked("az_mean", -0.001)],
            sizes: vec![sized(3, 0.955), sized(2, 0.96), sized(1, 0.9512)],
        };
        expect![[r#"
            The model was trained on 1 of 3 features, by their permutation importance on 5 folds of the training rows
            Accuracy on folds: 0.9512 with 1 features, and 0.9600 ± 0.0100, the best, with 2
            Kept: ax_mean 0.3000
            Dropped: ay_mean 0.0040, az_mean -0.0010"#]]
        .assert_eq(&selection.lines().join("\n"));
    }
}
