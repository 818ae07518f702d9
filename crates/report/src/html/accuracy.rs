//! Confusion matrices side by side, scores per class, and the histogram of margins.

use maud::{Markup, html};
use spinney_evaluate::{MarginUnit, Margins, Scorecard};

use super::parts::{head, name, scrolling, share};
use super::plots;
use crate::Report;
use crate::markdown::SHOWN;

impl Report {
    pub(super) fn accuracy_section(&self) -> Markup {
        let accuracy = &self.accuracy;
        html! {
            section {
                h2 #accuracy { "Accuracy" }
                p {
                    @if let (Some(float), Some(q15), Some(drop)) = (accuracy.float, accuracy.q15, accuracy.drop) {
                        "Float " (share(float)) ", Q15 " (share(q15)) ": a drop of " (share(drop)) ". "
                        @if let Some(words) = accuracy.in_words() { (words) ". " }
                    } @else { "Test rows have no labels, so there is no accuracy. " }
                    "Float and Q15 differ on " (accuracy.disagreements) " of " (self.dataset.test_rows) " rows."
                    @if let (Some(hard), Some(soft)) = (accuracy.float_hard, accuracy.agreement_with_soft) {
                        " Under hard votes float reaches " (share(hard))
                        "; Q15 agrees with scikit-learn’s soft vote on " (share(soft)) "."
                    }
                }
                @if let (Some(found), Some(bound)) = (accuracy.probability_error_max, accuracy.probability_error_bound) {
                    p {
                        "Probabilities differ from float’s by at most " (format!("{found:.6}")) ", where "
                        (format!("{bound:.6}")) " is proven"
                        @if let Some(parting @ 1..) = accuracy.probability_rows_parting {
                            "; left out are rows whose paths part: " (parting)
                        }
                        "."
                    }
                }
                @if let (Some(float), Some(q15)) = (&accuracy.float_scores, &accuracy.q15_scores) {
                    (self.confusions(float, q15))
                    (self.classes(float, q15))
                }
            }
        }
    }

    fn confusions(&self, float: &Scorecard, q15: &Scorecard) -> Markup {
        let differing = pairs(float, q15).filter(|(a, b)| a != b).count();
        html! {
            h3 { "Confusion" }
            p.note {
                "A row per label, a column per prediction; rows of the data set in each cell. "
                @if differing == 0 { "The two are the same." }
                @else { "Cells that differ have a frame, and how much." }
            }
            @if self.model.classes.len() > SHOWN {
                p { "The confusion matrix of " (self.model.classes.len()) " classes is in " code { "report.json" } "." }
            } @else {
                div.twins {
                    (self.confusion("Float", float, None))
                    (self.confusion("Q15", q15, Some(float)))
                }
            }
        }
    }

    fn confusion(&self, title: &str, card: &Scorecard, beside: Option<&Scorecard>) -> Markup {
        let classes = &self.model.classes;
        let table = html! {
            table.confusion {
                caption { (title) ", " (share(card.accuracy)) " right" }
                thead { tr {
                    th scope="col" { span.aside { "label" } }
                    @for class in classes { th.n scope="col" title=(class) { (name(class)) } }
                } }
                tbody {
                    @for (label, counts) in card.confusion.iter().enumerate() {
                        tr {
                            th scope="row" { @if let Some(class) = classes.get(label) { (name(class)) } }
                            @for (predicted, count) in counts.iter().enumerate() {
                                (cell(card, label, predicted, *count, beside))
                            }
                        }
                    }
                }
            }
        };
        scrolling(&format!("Confusion, {title}"), &table)
    }

    fn classes(&self, float: &Scorecard, q15: &Scorecard) -> Markup {
        let three = |a: f64, b: f64| {
            html! {
                td.n { (format!("{a:.4}")) }
                td.n.moved[format!("{a:.4}") != format!("{b:.4}")] { (format!("{b:.4}")) }
            }
        };
        let table = html! {
            table {
                thead {
                    tr {
                        th rowspan="2" scope="col" { "class" } th.n rowspan="2" scope="col" { "rows" }
                        th.group colspan="2" scope="colgroup" { "precision" }
                        th.group colspan="2" scope="colgroup" { "recall" }
                        th.group colspan="2" scope="colgroup" { "F1" }
                    }
                    tr { @for _ in 0..3 { th.n scope="col" { "float" } th.n scope="col" { "Q15" } } }
                }
                tbody {
                    @for (class, (a, b)) in self.model.classes.iter().zip(float.classes.iter().zip(&q15.classes)) {
                        tr {
                            th scope="row" { (name(class)) }
                            td.n { (a.support) }
                            (three(a.precision, b.precision)) (three(a.recall, b.recall)) (three(a.f1, b.f1))
                        }
                    }
                }
            }
        };
        html! { h3 { "Per class" } (scrolling("Scores per class", &table)) }
    }

    pub(super) fn margins_section(&self) -> Markup {
        let Some(margins) = &self.margins else {
            return html! {};
        };
        html! {
            section {
                h2 #margins { "Decision margins" }
                p {
                    @match margins.unit {
                        MarginUnit::ShareOfVotes => "How far the winning class leads the next one, as a share of all votes.",
                        MarginUnit::Nats => "How far the winning class leads the next one: the natural logarithm of how many times likelier it is.",
                    }
                    " A small margin is a close call: only there can rounding change a class."
                    @if self.encoding.early_exit.is_some() {
                        " Here all trees vote; the device stops asking them once its early exit lets it."
                    }
                }
                figure {
                    (plots::margins(margins))
                    figcaption {
                        "Test rows per margin of the quantized model."
                        @if margins.bins.iter().any(|bin| bin.wrong.is_some()) { " The lower part of a bar, in another shade, is rows whose class is wrong." }
                        @if self.accuracy.disagreements > 0 { " ▼ marks bars with rows on which float and Q15 disagree." }
                        @else { " Float and Q15 disagree on no row." }
                    }
                }
                @if !margins.differing.is_empty() { (self.differing(margins)) }
                (bins(margins))
            }
        }
    }

    fn differing(&self, margins: &Margins) -> Markup {
        let class = |index: usize| match self.model.classes.get(index) {
            Some(class) => name(class),
            None => html! { "(no such class)" },
        };
        let table = html! {
            table {
                caption { "Rows on which float and Q15 disagree" }
                (head("row: | float | Q15 | margin:"))
                tbody {
                    @for row in margins.differing.iter().take(SHOWN) {
                        tr { th.n scope="row" { (row.row) } td { (class(row.float)) } td { (class(row.q15)) } td.n { (row.margin) } }
                    }
                }
            }
        };
        html! {
            (scrolling("Rows on which float and Q15 disagree", &table))
            @if self.accuracy.disagreements > SHOWN { p.note { "All are in " code { "predictions.csv" } "." } }
        }
    }
}

/// One number of a matrix, with its share of the label's rows as a tint.
fn cell(
    card: &Scorecard,
    label: usize,
    predicted: usize,
    count: usize,
    beside: Option<&Scorecard>,
) -> Markup {
    let support = card.classes.get(label).map_or(0, |class| class.support);
    let tint = format!("--s:{:.2}", (count as f64 / support.max(1) as f64).sqrt());
    let other = beside.and_then(|card| card.confusion.get(label)?.get(predicted).copied());
    let moved = other.map_or(0, |other| count.cast_signed() - other.cast_signed());
    let kind = match (label == predicted, count) {
        (_, 0) => "n zero",
        (true, _) => "n hit",
        (false, _) => "n miss",
    };
    html! {
        td class=(kind) style=(tint) {
            @if moved == 0 { (count) } @else { span.differs { (count) " " sup { (format!("{moved:+}")) } } }
        }
    }
}

fn pairs<'a>(a: &'a Scorecard, b: &'a Scorecard) -> impl Iterator<Item = (&'a usize, &'a usize)> {
    a.confusion
        .iter()
        .flatten()
        .zip(b.confusion.iter().flatten())
}

fn bins(margins: &Margins) -> Markup {
    let edge = |index: usize| format!("{}", (index as f64 * margins.bin_width * 1e6).round() / 1e6);
    html! {
        details {
            summary { "The numbers" }
            table {
                (head("margin | rows: | wrong: | disagree:"))
                tbody {
                    @for (index, bin) in margins.bins.iter().enumerate() {
                        tr {
                            th scope="row" { (edge(index)) " to " (edge(index + 1)) }
                            td.n { (bin.rows) }
                            td.n { @if let Some(wrong) = bin.wrong { (wrong) } @else { "–" } }
                            td.n { (bin.differing) }
                        }
                    }
                }
            }
        }
    }
}
