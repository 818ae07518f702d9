//! Features in the order of what the model rests on, and what their figures mean.

use crate::{FeatureCoding, Report};

/// What features are ranked by.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rank {
    /// Accuracy lost once their readings are shuffled.
    Lost,
    /// Share of comparisons, where rows have no labels.
    Asked,
    /// Nothing is known.
    Order,
}

impl Rank {
    pub(crate) fn of(features: &[FeatureCoding]) -> Self {
        if features
            .iter()
            .any(|it| it.permutation_importance.is_some())
        {
            Self::Lost
        } else if features.iter().any(|it| it.share_of_comparisons.is_some()) {
            Self::Asked
        } else {
            Self::Order
        }
    }

    pub(crate) fn figure(self, feature: &FeatureCoding) -> f64 {
        let figure = match self {
            Self::Lost => feature.permutation_importance,
            Self::Asked => feature.share_of_comparisons,
            Self::Order => None,
        };
        figure.unwrap_or(0.0)
    }
}

impl Report {
    /// The feature that the model rests on most first; those that weigh alike in the model's order.
    pub(crate) fn ranked_features(&self) -> Vec<&FeatureCoding> {
        let rank = Rank::of(&self.features);
        let mut ranked: Vec<&FeatureCoding> = self.features.iter().collect();
        let asked = |it: &FeatureCoding| it.share_of_comparisons.unwrap_or(0.0);
        ranked.sort_by(|a, b| {
            let figures = rank.figure(b).total_cmp(&rank.figure(a));
            figures.then(asked(b).total_cmp(&asked(a)))
        });
        ranked
    }

    /// What importance is, in a sentence; `None` where there is none.
    pub(crate) fn importance_in_words(&self) -> Option<String> {
        if Rank::of(&self.features) != Rank::Lost {
            return None;
        }
        let among = match &self.shuffled {
            _ if self.dataset.validation.is_some() => "rows for validation".to_owned(),
            Some(it) if it.rows < self.dataset.test_rows => {
                format!("{} of the test rows, evenly spaced", it.rows)
            }
            _ => "the test rows".to_owned(),
        };
        let mean = (self.shuffled.as_ref()).map_or(String::new(), |it| {
            format!(", the mean of {} shuffles", it.shuffles)
        });
        Some(format!(
            "Importance is the accuracy that Q15 loses once a feature’s readings are shuffled among {among}, in \
             percentage points{mean}; features that say the same stand in for each other and seem less \
             important."
        ))
    }

    /// What bytes and instructions of features are, and which of them are estimates; none where no image
    /// was built.
    pub(crate) fn costs_in_words(&self) -> Vec<String> {
        let costs = || self.features.iter().filter_map(|it| it.cost);
        let Some(footprint) = self.footprint.as_ref().filter(|_| costs().next().is_some()) else {
            return Vec::new();
        };
        let is_bayes = self.model.n_splits == 0;
        let model = footprint.model_flash_bytes;
        let rest = model - costs().map(|it| it.flash_bytes.cast_signed()).sum::<i64>();
        let mut words = Vec::new();
        if !is_bayes {
            words.push(
                "Splits and comparisons are counted: those of the trees that ship, and how often an \
                 inference compares the feature, the mean over the test rows."
                    .to_owned(),
            );
        }
        let detector = match self.reject.as_ref().and_then(|it| it.outliers) {
            Some(_) => ", trees that flag outliers",
            None => "",
        };
        let what = if is_bayes { "terms" } else { "splits" };
        words.push(match self.encoding.is_code {
            false => format!(
                "Bytes are exact: those of its {what} and of the tables that make its codes. The other {rest} \
                 of the model’s {model} bytes, leaves{detector} and code, are no feature’s."
            ),
            true => format!(
                "Bytes are an estimate: splits are code, which is shared out by their number, leaves among \
                 it; tables that make codes are exact. Shared out are all of the model’s {model} bytes{}.",
                match rest {
                    _ if self.reject.is_none() => String::new(),
                    rest => format!(" but {rest}, which telling what is unknown takes"),
                }
            ),
        });
        if let Some(device) = &self.device {
            let mean = device.instructions_per_inference.mean;
            let by = if is_bayes { "terms" } else { "comparisons" };
            let unknown = (self.reject.as_ref().and_then(|it| it.instructions))
                .map_or(String::new(), |it| {
                    format!(", less the {it:.1} that telling what is unknown takes")
                });
            words.push(format!(
                "Instructions are an estimate: the {mean} measured of an inference{unknown}, shared out by {by}, and \
                 what makes codes by the steps that each takes."
            ));
            if let Some(heard) = &device.heard {
                words.push(format!(
                    "The {} instructions of the front end are not in it; the verb “features --costs” measures what it \
                     spends on each feature.",
                    heard.instructions.mean
                ));
            }
        }
        words
    }
}

/// A share in percentage points, with the sign that a loss below 0 has.
pub(crate) fn points(share: Option<f64>) -> String {
    let Some(share) = share else {
        return "–".to_owned();
    };
    let points = format!("{:.2}", share * 100.0);
    match points.strip_prefix('-') {
        Some("0.00") => "0.00".to_owned(),
        Some(gained) => format!("−{gained}"),
        None => points,
    }
}

/// A figure, or that there is none.
pub(crate) fn or_none(figure: Option<impl std::fmt::Display>) -> String {
    figure.map_or_else(|| "–".to_owned(), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use spinney_evaluate::FeatureCost;

    use crate::html::tests::committed;

    #[test]
    fn bytes_of_features_never_exceed_the_models() {
        for name in [
            "digits",
            "wine-bayes",
            "motion-exercises",
            "air-boosting",
            "iris-tree",
        ] {
            let report = committed(name);
            let costs: Vec<FeatureCost> = report.features.iter().filter_map(|it| it.cost).collect();
            assert!(!costs.is_empty(), "{name}");
            let bytes: u64 = costs.iter().map(|it| it.flash_bytes).sum();
            let model = report
                .footprint
                .as_ref()
                .expect("an image")
                .model_flash_bytes;
            // Shares of code are rounded.
            let slack = costs.len() as i64 / 2;
            assert!(
                bytes.cast_signed() <= model + slack,
                "{name}: {bytes} of {model}"
            );
            let instructions: f64 = costs.iter().filter_map(|it| it.instructions).sum();
            let mean = report
                .device
                .as_ref()
                .expect("a run")
                .instructions_per_inference
                .mean;
            let slack = costs.len() as f64 * 0.05 + 0.1;
            assert!(
                (instructions - mean).abs() <= slack,
                "{name}: {instructions} of {mean}"
            );
        }
    }

    #[test]
    fn what_is_exact_and_what_is_not_is_said() {
        let mut report = committed("wine-bayes");
        let words = report.costs_in_words().join(" ");
        assert!(
            words.starts_with("Bytes are exact: those of its terms"),
            "{words}"
        );
        assert!(words.contains("Instructions are an estimate"), "{words}");
        report.footprint = None;
        assert!(report.costs_in_words().is_empty());
        let report = committed("iris-tree");
        let words = report.costs_in_words().join(" ");
        assert!(
            words.contains("Bytes are an estimate: splits are code"),
            "{words}"
        );
    }
}
