//! A regressor's errors and a detector's alarms, for a reader.

use std::fmt::Write;

use spinney_evaluate::Detection;

use super::{Table, escaped, sentence};
use crate::{Report, Value, task};

impl Report {
    pub(super) fn write_values(&self, values: &[Value], out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n## {}", self.worth())?;
        for value in values {
            if let Some(target) = &value.target {
                writeln!(out, "\n### {}", escaped(target))?;
            }
            write_value(value, out)?;
        }
        Ok(())
    }
    pub(super) fn write_detect(&self, detect: &Detection, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n## {}\n", self.worth())?;
        writeln!(
            out,
            "{}.",
            task::alarms_in_words(detect, self.dataset.test_rows)
        )?;
        if let (Some(float), Some(q15)) = (detect.auc_float, detect.auc_q15) {
            writeln!(
                out,
                "Area under the ROC curve: float {float:.4}, Q15 {q15:.4}."
            )?;
        }
        let at_threshold = task::at_threshold(&self.accuracy);
        if at_threshold.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(
            "at the threshold | anomalies: | found: | precision: | recall: | F1: | false alarms:",
        );
        for (what, score, false_alarms) in at_threshold {
            table.row(&[
                &what,
                &score.support,
                &(score.recall * score.support as f64).round(),
                &format_args!("{:.4}", score.precision),
                &format_args!("{:.4}", score.recall),
                &format_args!("{:.4}", score.f1),
                &false_alarms,
            ]);
        }
        write!(out, "\n{table}")
    }
}

/// The errors of a target.
fn write_value(value: &Value, out: &mut String) -> std::fmt::Result {
    writeln!(out)?;
    let scores = value.scores();
    if scores.is_empty() {
        writeln!(
            out,
            "Test rows have no labels, so there is no error against them.\n"
        )?;
    } else {
        let mut table = Table::new("| MAE: | RMSE: | R²:");
        for [what, mae, rmse, r2] in &scores {
            table.row(&[what, &escaped(mae), &escaped(rmse), r2]);
        }
        writeln!(out, "{table}")?;
    }
    writeln!(out, "{}.", sentence(&value.error_in_words()))?;
    if let Some(link) = &value.link {
        writeln!(
            out,
            "\nThe device delivers the value before {}: the model predicts `{}`.",
            link.function, link.formula
        )?;
    }
    Ok(())
}
