//! A regressor's errors with their plots, and a detector's curves.

use maud::{Markup, html};
use spinney_evaluate::{ClassScore, Detection};

use super::parts::{head, share};
use super::plots;
use crate::{Report, Value, task};

pub(super) fn values_tile(values: &[Value]) -> Markup {
    html! {
        div.tile {
            h2 { "Mean absolute error" }
            @for value in values {
                @if let Some(target) = &value.target { h3 { (target) } }
                @match (value.mae_float, value.mae_q15) {
                    (Some(float), Some(q15)) => {
                        dl.pair {
                            div { dt { "float" } dd { (value.with_unit(float)) } }
                            div { dt { "Q15" } dd.big { (value.with_unit(q15)) } }
                        }
                    }
                    _ => { p.big { "no labels" } p.note { "The test rows have none." } }
                }
                @if let (Some(float), Some(q15)) = (value.r2_float, value.r2_q15) {
                    p.note { "R² " (format!("{float:.4}")) " in float, " (format!("{q15:.4}")) " in Q15." }
                }
                @if let Some(bound) = value.error_bound {
                    p.note { "Q15 is within " (value.with_unit(bound)) " of float on every input." }
                }
            }
        }
    }
}

impl Report {
    pub(super) fn detect_tile(&self, detect: &Detection) -> Markup {
        html! {
            div.tile {
                h2 { "Area under the ROC curve" }
                @match (detect.auc_float, detect.auc_q15) {
                    (Some(float), Some(q15)) => {
                        dl.pair {
                            div { dt { "float" } dd { (format!("{float:.4}")) } }
                            div { dt { "Q15" } dd.big { (format!("{q15:.4}")) } }
                        }
                    }
                    _ => { p.big { "no labels" } p.note { "The test rows have none, or of one kind." } }
                }
                p.note { (task::alarms_in_words(detect, self.dataset.test_rows)) "." }
            }
        }
    }

    pub(super) fn values_section(&self, values: &[Value]) -> Markup {
        html! {
            section {
                h2 #accuracy { (self.worth()) }
                @for value in values {
                    @if let Some(target) = &value.target { h3 { (target) } }
                    (errors(value))
                }
            }
        }
    }

    pub(super) fn detect_section(&self, detect: &Detection) -> Markup {
        let at_threshold = task::at_threshold(&self.accuracy);
        let now = at_threshold
            .last()
            .map(|(_, score, false_alarms)| (*score, *false_alarms));
        html! {
            section {
                h2 #accuracy { (self.worth()) }
                p { (task::alarms_in_words(detect, self.dataset.test_rows)) "." }
                @if !at_threshold.is_empty() {
                    table {
                        caption.aside { "Alarms at the threshold" }
                        (head("model | anomalies: | precision: | recall: | F1: | false alarms:"))
                        tbody { @for (what, score, false_alarms) in &at_threshold {
                            tr { th scope="row" { (what) } td.n { (score.support) } td.n { (share(score.precision)) }
                                td.n { (share(score.recall)) } td.n { (format!("{:.4}", score.f1)) } td.n { (false_alarms) } }
                        } }
                    }
                }
                @if !detect.curve.is_empty() {
                    div.twins {
                        figure {
                            (plots::roc(detect, now.map(|it| self.rates(it))))
                            figcaption { "ROC of Q15: anomalies that are found, over normal rows that raise an alarm. The mark is the threshold." }
                        }
                        figure {
                            (plots::precision_recall(detect, now.map(|(score, _)| (score.recall, score.precision))))
                            figcaption { "Precision of Q15's alarms, over anomalies that are found. The mark is the threshold." }
                        }
                    }
                }
            }
        }
    }

    /// False alarm rate and recall at the threshold.
    fn rates(&self, (score, false_alarms): (ClassScore, usize)) -> (f64, f64) {
        let n_normal = self.dataset.test_rows.saturating_sub(score.support);
        (false_alarms as f64 / n_normal.max(1) as f64, score.recall)
    }
}

/// The errors of a target, with their plots.
fn errors(value: &Value) -> Markup {
    let scores = value.scores();
    let has_labels = value.sample.iter().any(|row| row.label.is_some());
    html! {
        @if scores.is_empty() {
            p { "Test rows have no labels, so there is no error against them." }
        } @else {
            table {
                caption.aside { "Errors against the labels" }
                (head("model | MAE: | RMSE: | R²:"))
                tbody { @for [what, mae, rmse, r2] in &scores {
                    tr { th scope="row" { (what) } td.n { (mae) } td.n { (rmse) } td.n { (r2) } }
                } }
            }
        }
        p { (value.error_in_words()) "." }
        @if let Some(link) = &value.link {
            p { "The device delivers the value before " (link.function) ": the model predicts " code { (link.formula) } "." }
        }
        @if has_labels {
            figure {
                (plots::residuals(value))
                figcaption { "Residuals: label less the value of Q15, over that value; " (value.sample.len()) " of the test rows." }
            }
        }
        @if !value.sample.is_empty() {
            figure {
                (plots::errors(value))
                figcaption {
                    "Q15 less float, over the value of float; " (value.sample.len()) " of the test rows."
                    @if value.error_bound.or(value.row_bound_max).is_some() {
                        " The dashed lines are the bound that is proven"
                        @if value.error_bound.is_some() { " for every input." } @else { " for these rows." }
                    }
                }
            }
        }
    }
}
