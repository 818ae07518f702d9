//! What a report has of a classifier that may say that it does not know.

use serde::{Deserialize, Serialize};
use spinney_evaluate::{Reject as Rule, Rejection};
pub use spinney_model::UNKNOWN;

/// When the answer is *unknown*, and what that does to the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    /// Share of rows whose class is within the margin, as promised.
    pub coverage_promised: f64,
    /// Rows that the margin was calibrated on.
    pub calibration_rows: usize,
    /// A class is given where its score is above every other one by more than this.
    pub margin: u64,
    /// Share of test rows whose class is within the margin; `None` without labels.
    pub coverage: Option<f64>,
    /// Test rows whose answer is *unknown*.
    pub flagged: usize,
    /// Share of the other rows that are right; `None` without labels, and where there are none.
    pub accuracy_accepted: Option<f64>,
    /// Test rows that get a wrong class; `None` without labels.
    pub wrong_accepted: Option<usize>,
    /// Share of the rows of unknown class whose likeliest class is right; `None` without labels, and
    /// where there are none.
    pub accuracy_flagged: Option<f64>,
    /// What flags rows that are unlike those of training; `None` where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Outliers>,
    /// Flash that the answer *unknown* adds to the image; `None` where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<i64>,
    /// Mean instructions that it adds to an inference; `None` where nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<f64>,
}

/// An isolation forest beside the classifier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Outliers {
    /// Share of rows that may be flagged, as promised.
    pub share_promised: f64,
    /// Its trees.
    pub n_trees: usize,
    /// Their splits.
    pub n_splits: usize,
    /// Test rows that are flagged.
    pub flagged: usize,
    /// Of these, rows whose class leads far enough; `None` without labels.
    pub false_alarms: Option<usize>,
}

impl Reject {
    /// What was found with `rule`, which flags so many rows.
    #[must_use]
    pub fn new(rule: &Rule, found: Option<&Rejection>, flagged: usize) -> Self {
        Self {
            coverage_promised: rule.coverage,
            calibration_rows: rule.n_rows,
            margin: rule.margin,
            coverage: found.map(|it| it.coverage),
            flagged,
            accuracy_accepted: found.and_then(|it| it.accuracy_accepted),
            wrong_accepted: found.map(|it| it.wrong_accepted),
            accuracy_flagged: found.and_then(|it| it.accuracy_flagged),
            outliers: None,
            flash_bytes: None,
            instructions: None,
        }
    }

    /// What it comes to on `n_rows` test rows, a sentence each, without their stops.
    pub fn lines(&self, n_rows: usize) -> Vec<String> {
        let percent = 100.0 * (1.0 - self.coverage_promised);
        let mut lines = vec![
            format!(
                "The answer is unknown for {} of {n_rows} test rows: no class leads every other one by \
                 more than {} in its score{}",
                self.flagged,
                self.margin,
                match self.outliers {
                    Some(_) => ", or the row is unlike those of training",
                    None => "",
                }
            ),
            format!(
                "Promised, for rows that come as the {} calibration rows did: the right class is within \
                 that margin of the likeliest one with a probability of at least {}, so at most {} % of \
                 rows get a wrong class (split conformal prediction)",
                self.calibration_rows,
                self.coverage_promised,
                (percent * 1e6).round() / 1e6
            ),
        ];
        if let (Some(coverage), Some(wrong)) = (self.coverage, self.wrong_accepted) {
            let accepted = n_rows - self.flagged;
            let mut found = format!(
                "Found on the test rows: within the margin {coverage:.4}; {wrong} rows get a wrong class"
            );
            if let Some(right) = self.accuracy_accepted {
                found += &format!(", and of the {accepted} that get one, {right:.4} are right");
            }
            if let Some(right) = self.accuracy_flagged {
                found += &format!("; of those of unknown class, {right:.4} would have been right");
            }
            lines.push(found);
        }
        if let Some(outliers) = &self.outliers {
            lines.push(format!(
                "Rows unlike those of training are of unknown class, too: {} isolation trees with {} splits \
                 flag {} test rows{}. Promised, for rows that come as the calibration rows did: at most \
                 {} of them are flagged",
                outliers.n_trees,
                outliers.n_splits,
                outliers.flagged,
                outliers.false_alarms.map_or(String::new(), |n| format!(
                    ", of {n} of which some class leads far enough"
                )),
                outliers.share_promised
            ));
        }
        if let Some(flash) = self.flash_bytes {
            let instructions = self.instructions.map_or(String::new(), |it| {
                format!(", and {it:+.1} instructions to an inference")
            });
            lines.push(format!(
                "Against the same form that always gives a class, this adds {flash:+} bytes of flash\
                 {instructions}"
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_and_what_was_found() {
        let rule = Rule {
            coverage: 0.95,
            n_rows: 270,
            margin: 4021,
        };
        let found = Rejection {
            coverage: 0.96,
            flagged: 61,
            accuracy_accepted: Some(0.984_576),
            wrong_accepted: 6,
            accuracy_flagged: Some(0.5902),
            false_alarms: 3,
        };
        expect_test::expect![[r#"
            The answer is unknown for 61 of 450 test rows: no class leads every other one by more than 4021 in its score
            Promised, for rows that come as the 270 calibration rows did: the right class is within that margin of the likeliest one with a probability of at least 0.95, so at most 5 % of rows get a wrong class (split conformal prediction)
            Found on the test rows: within the margin 0.9600; 6 rows get a wrong class, and of the 389 that get one, 0.9846 are right; of those of unknown class, 0.5902 would have been right"#]]
        .assert_eq(&Reject::new(&rule, Some(&found), 61).lines(450).join("\n"));
        assert_eq!(Reject::new(&rule, None, 3).lines(9).len(), 2);
        let odd = Reject {
            outliers: Some(Outliers {
                share_promised: 0.02,
                n_trees: 20,
                n_splits: 1495,
                flagged: 5,
                false_alarms: Some(3),
            }),
            flash_bytes: Some(5144),
            instructions: Some(2099.71),
            ..Reject::new(&rule, None, 42)
        };
        let lines = odd.lines(450);
        assert!(lines[0].ends_with("score, or the row is unlike those of training"));
        expect_test::expect![[r#"
            Rows unlike those of training are of unknown class, too: 20 isolation trees with 1495 splits flag 5 test rows, of 3 of which some class leads far enough. Promised, for rows that come as the calibration rows did: at most 0.02 of them are flagged
            Against the same form that always gives a class, this adds +5144 bytes of flash, and +2099.7 instructions to an inference"#]]
        .assert_eq(&lines[2..].join("\n"));
    }
}
