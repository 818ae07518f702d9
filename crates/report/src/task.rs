//! What a report has of regressors and detectors beside what it has of classifiers.

use serde::{Deserialize, Serialize};
use spinney_evaluate::{ClassScore, Detection, ValueEvaluation, ValueRow};
use spinney_model::{LinkWords, Task};

use crate::{Accuracy, Model, Report};

/// A regressor's values of a target on the test rows, in the unit of the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The target among several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The unit; `None` where the config names none.
    pub unit: Option<String>,
    /// Mean absolute error of the float model; `None` without labels.
    pub mae_float: Option<f64>,
    /// Mean absolute error of the quantized model; `None` without labels.
    pub mae_q15: Option<f64>,
    /// Root mean squared error of the float model; `None` without labels.
    pub rmse_float: Option<f64>,
    /// Root mean squared error of the quantized model; `None` without labels.
    pub rmse_q15: Option<f64>,
    /// R² of the float model; `None` without labels that differ.
    pub r2_float: Option<f64>,
    /// R² of the quantized model; `None` without labels that differ.
    pub r2_q15: Option<f64>,
    /// The largest difference between float and Q15 on any row.
    pub error_max: f64,
    /// The mean difference.
    pub error_mean: f64,
    /// The most that is proven of it for every input; `None` where nothing is.
    pub error_bound: Option<f64>,
    /// The largest bound that is proven for any of the rows; `None` where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_bound_max: Option<f64>,
    /// Rows that a split decides otherwise, so that nothing is proven of them.
    #[serde(default)]
    pub rows_parting: usize,
    /// Rows of the plots.
    #[serde(default)]
    pub sample: Vec<ValueRow>,
    /// What the model makes of the value that the device delivers; `None` where that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkWords>,
}

/// The class of a detector's alarms.
const ALARM: usize = 1;

impl Value {
    /// What evaluations found, one of each target; one unit is that of all.
    pub fn of_targets(units: &[String], evaluations: &[ValueEvaluation]) -> Vec<Self> {
        let several = evaluations.len() > 1;
        let unit = |target: usize| match units {
            [unit] => Some(unit),
            units => units.get(target),
        };
        let of_target = |(index, it): (usize, &ValueEvaluation)| Self {
            target: several.then(|| it.target.clone()),
            unit: unit(index).cloned(),
            mae_float: it.float.map(|score| score.mae),
            mae_q15: it.q15.map(|score| score.mae),
            rmse_float: it.float.map(|score| score.rmse),
            rmse_q15: it.q15.map(|score| score.rmse),
            r2_float: it.float.and_then(|score| score.r2),
            r2_q15: it.q15.and_then(|score| score.r2),
            error_max: it.error_max,
            error_mean: it.error_mean,
            error_bound: it.error_bound,
            row_bound_max: it.row_bound_max,
            rows_parting: it.rows_parting,
            sample: it.sample.clone(),
            link: it.link.clone(),
        };
        evaluations.iter().enumerate().map(of_target).collect()
    }

    /// A number with the unit.
    pub fn with_unit(&self, number: f64) -> String {
        with_unit(self.unit.as_deref(), number)
    }

    /// The figures for a terminal, a line each.
    pub fn lines(&self) -> Vec<String> {
        let of = |what: &str| match &self.target {
            Some(target) => format!("{what} of {target:?}"),
            None => what.to_owned(),
        };
        let scores = self.scores().into_iter().map(|[what, mae, rmse, r2]| {
            format!("{} {what}: MAE {mae}, RMSE {rmse}, R² {r2}", of("values"))
        });
        let device = self.link.as_ref().map(|link| {
            let LinkWords { function, formula } = link;
            format!(
                "{}: before {function}; the model predicts {formula}",
                of("device's value")
            )
        });
        scores
            .chain([format!("{}: {}", of("error"), self.error_in_words())])
            .chain(device)
            .collect()
    }

    /// How good the values are: a line of figures per model, float first; none without labels.
    pub(crate) fn scores(&self) -> Vec<[String; 4]> {
        let line = |what: &str, mae: Option<f64>, rmse: Option<f64>, r2: Option<f64>| {
            let r2 = r2.map_or("-".to_owned(), |r2| format!("{r2:.6}"));
            let [mae, rmse] = [mae?, rmse?].map(|it| self.with_unit(it));
            Some([what.to_owned(), mae, rmse, r2])
        };
        [
            line("float", self.mae_float, self.rmse_float, self.r2_float),
            line("Q15", self.mae_q15, self.rmse_q15, self.r2_q15),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// How far Q15 is off float, found and proven.
    pub fn error_in_words(&self) -> String {
        let mut words = format!(
            "Q15 is off float by at most {} on the test rows, {} on average; ",
            self.with_unit(self.error_max),
            self.with_unit(self.error_mean)
        );
        words += &match (self.error_bound, self.row_bound_max) {
            (Some(bound), _) => {
                format!("proven for every input: at most {}", self.with_unit(bound))
            }
            (None, Some(bound)) => format!(
                "proven for these rows: at most {}, and for every input nothing",
                self.with_unit(bound)
            ),
            (None, None) => "nothing is proven".to_owned(),
        };
        if self.rows_parting > 0 && self.row_bound_max.is_some() {
            words += &format!(
                "; nothing is proven of rows that a split decides otherwise: {}",
                self.rows_parting
            );
        }
        words
    }
}

/// A detector's figures for a terminal, a line each; `accuracy` has those at the threshold.
pub fn detector_lines(detect: &Detection, n_rows: usize, accuracy: &Accuracy) -> Vec<String> {
    let mut lines = vec![alarms_in_words(detect, n_rows)];
    if let (Some(float), Some(q15)) = (detect.auc_float, detect.auc_q15) {
        lines.push(format!(
            "area under the ROC curve: float {float:.4}, Q15 {q15:.4}"
        ));
    }
    let at_threshold = at_threshold(accuracy);
    lines.extend(at_threshold.iter().map(|(what, score, false_alarms)| {
        format!(
            "at the threshold, {what}: precision {:.4}, recall {:.4}, {false_alarms} false alarms",
            score.precision, score.recall
        )
    }));
    lines
}

/// How many alarms there are.
pub(crate) fn alarms_in_words(detect: &Detection, n_rows: usize) -> String {
    format!(
        "Alarms at scores down to {}: {} of {n_rows} test rows in Q15, {} in float",
        rounded(detect.threshold),
        detect.alarms,
        detect.alarms_float
    )
}

/// Precision, recall and their like at the threshold: float, then Q15; none without labels.
pub(crate) fn at_threshold(accuracy: &Accuracy) -> Vec<(&'static str, ClassScore, usize)> {
    [
        ("float", &accuracy.float_scores),
        ("Q15", &accuracy.q15_scores),
    ]
    .into_iter()
    .filter_map(|(what, card)| {
        let card = card.as_ref()?;
        let false_alarms = *card.confusion.first()?.get(ALARM)?;
        Some((what, *card.classes.get(ALARM)?, false_alarms))
    })
    .collect()
}

impl Model {
    /// What it delivers, in a few words.
    pub fn delivers(&self) -> String {
        match self.task {
            Task::Classify => format!("{} classes", self.n_classes),
            Task::Regress => match self.targets.len() {
                0 => "a value".to_owned(),
                n => format!("{n} values"),
            },
            Task::Detect => "an alarm".to_owned(),
        }
    }
}

impl Report {
    /// The heading of what the model is worth.
    pub(crate) fn worth(&self) -> &'static str {
        match self.model.task {
            Task::Classify => "Accuracy",
            Task::Regress => "Values",
            Task::Detect => "Alarms",
        }
    }
}

/// In JSON one target is an object, and several are a list.
pub(crate) mod one_or_all {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Value;

    /// Writes values of one target, or of several.
    ///
    /// # Errors
    /// As the serializer's.
    pub fn serialize<S: Serializer>(values: &[Value], to: S) -> Result<S::Ok, S::Error> {
        match values {
            [value] => value.serialize(to),
            values => values.serialize(to),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Value>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrAll {
            One(Box<Value>),
            All(Vec<Value>),
        }
        Ok(match OneOrAll::deserialize(from)? {
            OneOrAll::One(value) => vec![*value],
            OneOrAll::All(values) => values,
        })
    }
}

/// Whether a model needs no word on its task.
pub(crate) fn is_classify(task: &Task) -> bool {
    *task == Task::Classify
}

pub(crate) fn classify() -> Task {
    Task::Classify
}

/// A number with its unit, if it has one.
pub(crate) fn with_unit(unit: Option<&str>, number: f64) -> String {
    let number = rounded(number);
    match unit {
        Some(unit) => format!("{number} {unit}"),
        None => number,
    }
}

/// Five digits, which say enough of a figure of the data.
pub(crate) fn rounded(number: f64) -> String {
    let rounded: f64 = format!("{number:.4e}").parse().unwrap_or(number);
    if rounded != 0.0 && !(1e-4..1e9).contains(&rounded.abs()) {
        return format!("{rounded:e}");
    }
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn figures_have_five_digits() {
        for (number, text) in [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1.0 / 3.0, "0.33333"),
            (123_456.7, "123460"),
            (1e-7 / 3.0, "3.3333e-8"),
            (9.999_999e8, "1e9"),
            (2.5e12, "2.5e12"),
        ] {
            assert_eq!(rounded(number), text);
        }
    }
}
