//! Features: how much the model asks them, how they are coded, and where readings are clamped.

use maud::{Markup, html};

use super::parts::{bar, grouped, name, scrolling};
use crate::markdown::SHOWN;
use crate::markdown::node::figure;
use crate::{FeatureCoding, Report};

/// Rows of the full table; more are in `report.json`.
const LISTED: usize = 256;

impl Report {
    pub(super) fn features_section(&self) -> Markup {
        let mut ranked: Vec<&FeatureCoding> = self.features.iter().collect();
        let share = |feature: &FeatureCoding| feature.share_of_comparisons.unwrap_or(0.0);
        let most = ranked.iter().map(|it| share(it)).fold(0.0, f64::max);
        // A stable sort: features that are asked alike stay in the model's order.
        ranked.sort_by(|a, b| share(b).total_cmp(&share(a)));
        let (first, rest) = ranked.split_at(SHOWN.min(ranked.len()));
        let listed = &rest[..rest.len().min(LISTED)];
        html! {
            section {
                h2 #features { "Features" }
                (self.features_in_words(most > 0.0))
                (scrolling("Features", &table(first, most)))
                @if !listed.is_empty() {
                    details {
                        summary { "The other " (listed.len()) }
                        (scrolling("Other features", &table(listed, most)))
                    }
                }
                @if listed.len() < rest.len() {
                    p.note { (rest.len() - listed.len()) " more are in " code { "report.json" } "." }
                }
            }
        }
    }

    fn features_in_words(&self, is_ranked: bool) -> Markup {
        let clamped: Vec<usize> = self
            .features
            .iter()
            .map(clamped)
            .filter(|n| *n > 0)
            .collect();
        html! {
            p {
                @if is_ranked {
                    "Importance is the share of all comparisons, over the test rows and all trees, that ask \
                     the feature. "
                    @let unused = self.features.iter().filter(|it| it.share_of_comparisons.is_none()).count();
                    @if unused > 0 {
                        (unused) " of " (self.features.len()) @if unused == 1 { " is" } @else { " are" }
                        " not asked by any test row. "
                    }
                } @else if self.model.n_trees == 0 {
                    "Naive Bayes reads every feature in every decision, so there is no importance to rank \
                     them by. "
                }
                @if let Some(bits) = self.encoding.code_bits { "Codes have " (bits) " bits. " }
                @if clamped.is_empty() { "No test reading is clamped." }
                @else {
                    "Test readings of " (clamped.len()) " features lie beyond the codes and are clamped, "
                    (clamped.iter().sum::<usize>()) " in all."
                }
            }
        }
    }
}

fn clamped(feature: &FeatureCoding) -> usize {
    feature
        .saturation
        .as_ref()
        .map_or(0, |it| it.below + it.above)
}

fn table(features: &[&FeatureCoding], most: f64) -> Markup {
    html! {
        table.features {
            thead { tr {
                th scope="col" { "feature" }
                @if most > 0.0 { th.n scope="col" { "importance" } th scope="col" { span.aside { "as a bar" } } }
                th scope="col" { "sensor" } th scope="col" { "range" } th scope="col" { "coding" }
                th.n scope="col" { "codes" } th.n scope="col" { "bits" } th.n scope="col" { "bytes" }
                th.n scope="col" { "clamped rows" }
            } }
            tbody {
                @for feature in features {
                    tr {
                        th scope="row" { (name(&feature.name)) }
                        @if most > 0.0 { (importance(feature.share_of_comparisons, most)) }
                        td { (feature.sensor) }
                        td.nowrap { (figure(feature.range.0)) " to " (figure(feature.range.1)) }
                        td.nowrap {
                            (feature.coding)
                            @if let (Some(bits), "affine") = (feature.code_bits_per_unit, feature.coding.as_str()) {
                                ", 2" sup { (bits) } " a unit"
                            }
                        }
                        (width(feature.codes))
                        td.n { (feature.table_bytes) }
                        td.n {
                            @match &feature.saturation {
                                Some(it) => {
                                    strong { (clamped(feature)) } " "
                                    span.note { "(" (it.below) " below, " (it.above) " above)" }
                                }
                                None => "0",
                            }
                        }
                    }
                }
            }
        }
    }
}

fn importance(share: Option<f64>, most: f64) -> Markup {
    html! {
        td.n { @if let Some(share) = share { (format!("{:.2} %", share * 100.0)) } @else { "–" } }
        td.bar { (bar(share.unwrap_or(0.0) / most, "")) }
    }
}

/// Codes that a range spans, and the bits that tell them apart.
fn width(codes: Option<u32>) -> Markup {
    html! {
        @if let Some(codes) = codes {
            td.n { (grouped(u64::from(codes))) }
            td.n { (u32::BITS - codes.saturating_sub(1).leading_zeros()) }
        } @else { td.n { "–" } td.n { "–" } }
    }
}
