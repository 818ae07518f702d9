//! What a report has of a model that was made smaller.

use serde::{Deserialize, Serialize};
use spinney_evaluate::ValueScore;

use crate::Truth;
use crate::task::with_unit;

/// A smaller model, and what is promised of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shrink {
    /// What is promised: `score`, `every-row`, `in-distribution` or `every-input`.
    pub promise: String,
    /// Splits of the original.
    pub splits_before: usize,
    /// Splits of the model that ships.
    pub splits_after: usize,
    /// Bytes of the original's tables in their smallest form, and of those of the model that ships;
    /// `None` where fixed point does not hold them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_bytes: Option<[usize; 2]>,
    /// Splits and bytes of a model with fewer splits that was not taken, as its tables are no smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub larger: Option<[usize; 2]>,
    /// Trees of the original.
    pub trees_before: usize,
    /// Trees of the model that ships.
    pub trees_after: usize,
    /// How many trees went into others, one doing what two did.
    #[serde(default, skip_serializing_if = "is_none")]
    pub trees_merged: usize,
    /// What a probability rests on; of `in-distribution`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conformal: Option<Conformal>,
    /// Whether the promise holds; of `score` there is no proof, but rows that it was measured on.
    pub proven: Option<Truth>,
    /// Training rows that it was fitted to or measured on.
    pub rows: usize,
    /// Accuracy on rows that were kept apart, of the original and of the smaller model; of `score`. Of a
    /// regressor the mean absolute error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_apart: Option<[f64; 2]>,
    /// Whether rows kept apart are those for validation, and not training rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_validation: bool,
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
    /// Test rows that get another class, or value, than from the original.
    pub test_rows_differing: usize,
    /// What is promised of a regressor's values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueWithin>,
    /// What the checker found, which shares no code with what makes models smaller; absent before it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<SecondOpinion>,
}

fn is_none(n: &usize) -> bool {
    *n == 0
}

/// What the checker found of a promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecondOpinion {
    /// Whether it holds.
    pub found: Truth,
    /// What was looked at, or what refutes it; a sentence without its stop.
    pub how: String,
}

/// How far a regressor's values may be from the original's, and are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueWithin {
    /// What is promised, in the unit of the labels; `None` where a score was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_error: Option<f64>,
    /// That unit; `None` where the config names none.
    pub unit: Option<String>,
    /// The largest difference on the test rows.
    pub error_max: f64,
    /// How good the original is on the test rows; `None` without labels.
    pub before: Option<ValueScore>,
    /// How good the float model is that ships.
    pub after: Option<ValueScore>,
}

impl ValueWithin {
    /// What is proven for every input, a sentence without its stop; with what fixed point may be off the
    /// smaller model, if that is known.
    pub(crate) fn line(&self, fixed_point: Option<f64>) -> String {
        let mut line = format!(
            "The value is proven to be within {} of the original's for every input",
            self.within(0.0)
        );
        if let Some(error) = fixed_point {
            line += &format!("; that of fixed point, within {}", self.within(error));
        }
        line
    }

    /// What is promised, and so much more, with the unit.
    fn within(&self, more: f64) -> String {
        with_unit(self.unit.as_deref(), self.max_error.unwrap_or(0.0) + more)
    }
}

/// What split conformal calibration promises: a further row that is exchangeable with those kept apart
/// gets another class than from the original with probability at most `alpha`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// That probability.
    pub alpha: f64,
    /// Rows that were kept apart from the original's training and from the shrinking.
    pub rows: usize,
    /// How many of them got another class, from the model that ships or one with more splits.
    pub parted: usize,
    /// How many may, `⌊alpha · (rows + 1)⌋ − 1`.
    pub parted_max: usize,
}

impl Conformal {
    /// The promise, a sentence without its stop; of a regressor with what is said of its value.
    pub(crate) fn line(&self, value: Option<&ValueWithin>) -> String {
        let (keeps, changed) = match value {
            None => ("keeps the original's class".to_owned(), "changed theirs"),
            Some(value) => (
                format!(
                    "gets a value within {} of the original's",
                    value.within(0.0)
                ),
                "did not",
            ),
        };
        format!(
            "A further row {keeps} with probability at least {}, if it is exchangeable \
             with the {} rows that were kept apart from training and shrinking; {} of these \
             {changed} on the way, where {} may",
            // As it is typed, without what binary fractions leave over.
            ((1.0 - self.alpha) * 1e9).round() / 1e9,
            self.rows,
            self.parted,
            self.parted_max
        )
    }
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
            trees_merged,
            rows,
            ..
        } = self;
        let bytes = self.table_bytes.map_or(String::new(), |[before, after]| {
            format!(", and {before} bytes of tables {after}")
        });
        let mut lines = vec![format!(
            "{splits_before} splits in {trees_before} trees became {splits_after} in \
             {trees_after}{bytes}"
        )];
        match trees_merged {
            0 => {}
            _ if *trees_after == 1 => lines.push("All trees were merged into one".to_owned()),
            1 => lines.push("1 tree was merged into another one".to_owned()),
            n => lines.push(format!("{n} trees were merged into others")),
        }
        if let Some([splits, bytes]) = self.larger {
            lines.push(format!(
                "A model of {splits} splits was not taken: leaves that are fitted anew differ from each \
                 other, and its tables take {bytes} bytes"
            ));
        }
        lines.push(match (self.promise.as_str(), self.kept_apart) {
            ("in-distribution", _) => match &self.conformal {
                Some(conformal) => conformal.line(self.value.as_ref()),
                None => "The original ships, as no smaller model keeps the promise in fewer bytes"
                    .to_owned(),
            },
            ("every-input", _) => self.every_input(),
            ("every-row", _) => match &self.value {
                None => format!("The class is the original's for all {rows} training rows"),
                Some(value) => format!(
                    "The value is within {} of the original's for all {rows} training rows",
                    value.within(0.0)
                ),
            },
            (_, Some(scores)) => {
                let place = match self.on_validation {
                    true => format!("On {rows} rows for validation"),
                    false => format!("On training rows that were kept apart, {rows} in all"),
                };
                let [what, before, after] = match &self.value {
                    None => {
                        let [before, after] = scores.map(|it| format!("{it:.4}"));
                        ["accuracy".to_owned(), before, after]
                    }
                    Some(value) => {
                        let [before, after] = scores.map(|it| with_unit(value.unit.as_deref(), it));
                        ["the mean absolute error".to_owned(), before, after]
                    }
                };
                format!("{place}, {what} was {before} before and {after} after")
            }
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
        let differing = self.test_rows_differing;
        let mut tested = match &self.value {
            None => format!(
                "{differing} of {n_test_rows} test rows get another class than from the original"
            ),
            Some(value) => format!(
                "{differing} of {n_test_rows} test rows get another value than from the original, off by at \
                 most {}",
                with_unit(value.unit.as_deref(), value.error_max)
            ),
        };
        if let (Some(before), Some(after)) = (self.score_before, self.score_after) {
            tested += &format!("; accuracy there is {after:.4}, and was {before:.4}");
        }
        let scores = |it: &ValueWithin| {
            let [before, after] = [it.before?, it.after?];
            Some([before, after].map(|score| with_unit(it.unit.as_deref(), score.mae)))
        };
        if let Some([before, after]) = self.value.as_ref().and_then(scores) {
            tested += &format!("; the mean absolute error there is {after}, and was {before}");
        }
        lines.push(tested);
        lines.extend(
            self.checked
                .iter()
                .map(|it| format!("Checked anew: {}", it.how)),
        );
        lines
    }

    /// What became of a proof for every input, a sentence without its stop.
    fn every_input(&self) -> String {
        let is_smaller = self.splits_after < self.splits_before || self.trees_merged > 0;
        let what = if self.value.is_some() {
            "values"
        } else {
            "classes"
        };
        match &self.value {
            Some(value) if is_smaller => value.line(None),
            None if is_smaller => {
                "The class is proven to be the original's for every input".to_owned()
            }
            _ if self.larger.is_some() => {
                format!("The original ships, whose {what} are its own")
            }
            Some(value) => format!(
                "No smaller model was proven to be within {} of the original's value for every input",
                value.within(0.0)
            ),
            None => "No smaller model was proven to give the original's class for every input"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_probability_is_told_as_it_was_typed() {
        let conformal = Conformal {
            alpha: 0.07,
            rows: 99,
            parted: 2,
            parted_max: 6,
        };
        let line = conformal.line(None);
        assert!(line.contains("at least 0.93, if"), "{line}");
        assert!(line.ends_with("2 of these changed theirs on the way, where 6 may"));
    }

    fn large() -> Shrink {
        Shrink {
            promise: "every-input".to_owned(),
            splits_before: 379,
            splits_after: 379,
            table_bytes: Some([763, 763]),
            larger: Some([345, 3329]),
            trees_before: 50,
            trees_after: 50,
            proven: Some(Truth::Proven),
            rows: 112,
            unknown: 1,
            needed: Some(11),
            score_before: Some(1.0),
            score_after: Some(1.0),
            ..Shrink::default()
        }
    }

    #[test]
    fn a_value_is_told_with_its_unit_and_with_what_fixed_point_adds() {
        let score = ValueScore::new(&[1.0, 2.0], &[2.0, 1.5]);
        let mut shrink = Shrink {
            splits_after: 100,
            larger: None,
            needed: None,
            unknown: 0,
            test_rows_differing: 38,
            score_before: None,
            score_after: None,
            value: Some(ValueWithin {
                max_error: Some(0.5),
                unit: Some("mm".to_owned()),
                error_max: 0.25,
                before: score,
                after: score,
            }),
            ..large()
        };
        expect![[r#"
            379 splits in 50 trees became 100 in 50, and 763 bytes of tables 763
            The value is proven to be within 0.5 mm of the original's for every input
            38 of 38 test rows get another value than from the original, off by at most 0.25 mm; the mean absolute error there is 0.75 mm, and was 0.75 mm"#]].assert_eq(&shrink.lines(38).join("\n"));
        let line = shrink.value.as_ref().expect("a value").line(Some(0.125));
        assert!(
            line.ends_with("for every input; that of fixed point, within 0.625 mm"),
            "{line}"
        );
        shrink.splits_after = shrink.splits_before;
        assert_eq!(
            shrink.lines(38)[1],
            "No smaller model was proven to be within 0.5 mm of the original's value for every input"
        );
    }

    #[test]
    fn what_was_not_taken_is_told() {
        let shrink = large();
        expect![[r#"
            379 splits in 50 trees became 379 in 50, and 763 bytes of tables 763
            A model of 345 splits was not taken: leaves that are fitted anew differ from each other, and its tables take 3329 bytes
            The original ships, whose classes are its own
            Any model with these classes for every input has at least 11 splits, since so many neighbouring readings are told apart
            1 searches took all their steps; what they were about was not done
            0 of 38 test rows get another class than from the original; accuracy there is 1.0000, and was 1.0000"#]].assert_eq(&shrink.lines(38).join("\n"));
    }
}
