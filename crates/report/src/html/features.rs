//! Features: how much the model asks them, how they are coded, and where readings are clamped.

use maud::{Markup, html};

use super::parts::{bar, grouped, grouped_text, name, scrolling};
use crate::features::{Rank, or_none, points};
use crate::markdown::SHOWN;
use crate::markdown::node::figure;
use crate::{FeatureCoding, Report};

/// Rows of the full table; more are in `report.json`.
const LISTED: usize = 256;

/// What the columns of a table need to know of all features.
struct Columns {
    rank: Rank,
    /// The highest figure of the rank.
    most: f64,
    /// Whether there are splits that ask features.
    are_asked: bool,
    /// Whether it is known what the model spends on them.
    have_costs: bool,
}

impl Report {
    pub(super) fn features_section(&self) -> Markup {
        let ranked = self.ranked_features();
        let rank = Rank::of(&self.features);
        let columns = Columns {
            rank,
            most: ranked.iter().map(|it| rank.figure(it)).fold(0.0, f64::max),
            are_asked: ranked.iter().any(|it| it.share_of_comparisons.is_some()),
            have_costs: ranked.iter().any(|it| it.cost.is_some()),
        };
        let (first, rest) = ranked.split_at(SHOWN.min(ranked.len()));
        let listed = &rest[..rest.len().min(LISTED)];
        html! {
            section {
                h2 #features { "Features" }
                (self.features_in_words(&columns))
                (scrolling("Features", &columns.table(first)))
                @if !listed.is_empty() {
                    details {
                        summary { "The other " (listed.len()) }
                        (scrolling("Other features", &columns.table(listed)))
                    }
                }
                @if listed.len() < rest.len() {
                    p.note { (rest.len() - listed.len()) " more are in " code { "report.json" } "." }
                }
            }
        }
    }

    fn features_in_words(&self, columns: &Columns) -> Markup {
        let clamped: Vec<usize> = self
            .features
            .iter()
            .map(clamped)
            .filter(|n| *n > 0)
            .collect();
        html! {
            p {
                @if let Some(words) = self.importance_in_words() { (words) " " }
                @if columns.are_asked {
                    "Asked is a feature’s share of all comparisons, over the test rows and all trees. "
                    @let unused = self.features.iter().filter(|it| it.share_of_comparisons.is_none()).count();
                    @if unused > 0 {
                        (unused) " of " (self.features.len()) @if unused == 1 { " is" } @else { " are" }
                        " not asked by any test row. "
                    }
                }
                @let unused = self.features.iter().filter(|it| !it.is_used()).count();
                @if unused > 0 {
                    "Not used: " (unused) " of " (self.features.len())
                    " features, part of the row but never read. "
                }
                @if let Some(bits) = self.encoding.code_bits { "Codes have " (bits) " bits. " }
                @if clamped.is_empty() { "No test reading is clamped." }
                @else {
                    "Test readings of " (clamped.len()) @if clamped.len() == 1 { " feature" } @else { " features" }
                    " lie beyond the codes and are clamped, "
                    (clamped.iter().sum::<usize>()) " in all."
                }
            }
            @let costs = self.costs_in_words();
            @if !costs.is_empty() { p { (costs.join(" ")) } }
        }
    }
}

fn clamped(feature: &FeatureCoding) -> usize {
    feature
        .saturation
        .as_ref()
        .map_or(0, |it| it.below + it.above)
}

impl Columns {
    fn table(&self, features: &[&FeatureCoding]) -> Markup {
        html! {
            table.features {
                thead { tr {
                    th scope="col" { "feature" }
                    @match self.rank {
                        Rank::Lost => { th.n scope="col" { "importance" } }
                        Rank::Asked => { th.n scope="col" { "asked" } }
                        Rank::Order => {}
                    }
                    @if self.rank != Rank::Order { th scope="col" { span.aside { "as a bar" } } }
                    @if self.rank == Rank::Lost && self.are_asked { th.n scope="col" { "asked" } }
                    @if self.have_costs {
                        @if self.are_asked { th.n scope="col" { "comparisons" } th.n scope="col" { "splits" } }
                        th.n scope="col" { "bytes" } th.n scope="col" { "instructions" }
                    }
                    th scope="col" { "sensor" } th scope="col" { "range" } th scope="col" { "coding" }
                    th.n scope="col" { "codes" } th.n scope="col" { "bits" }
                    @if !self.have_costs { th.n scope="col" { "bytes" } }
                    th.n scope="col" { "clamped rows" }
                } }
                tbody {
                    @for feature in features {
                        tr {
                            th scope="row" { (name(&feature.name)) }
                            (self.weight(feature))
                            (self.cost(feature))
                            td { (feature.sensor.as_str()) }
                            td.nowrap { (figure(feature.range.0)) " to " (figure(feature.range.1)) }
                            td.nowrap {
                                (feature.coding)
                                @if let (Some(bits), "affine") = (feature.code_bits_per_unit, feature.coding.as_str()) {
                                    ", 2" sup { (bits) } " a unit"
                                }
                            }
                            (width(feature.codes))
                            @if !self.have_costs { td.n { (feature.table_bytes) } }
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

    fn weight(&self, feature: &FeatureCoding) -> Markup {
        let asked = || {
            feature
                .share_of_comparisons
                .map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", share * 100.0))
        };
        let bar = || {
            bar(
                (self.rank.figure(feature) / self.most.max(1e-9)).max(0.0),
                "",
            )
        };
        html! {
            @match self.rank {
                Rank::Lost => { td.n { (points(feature.permutation_importance)) } td.bar { (bar()) } }
                Rank::Asked => { td.n { (asked()) } td.bar { (bar()) } }
                Rank::Order => {}
            }
            @if self.rank == Rank::Lost && self.are_asked { td.n { (asked()) } }
        }
    }

    fn cost(&self, feature: &FeatureCoding) -> Markup {
        let cost = feature.cost;
        let number = |figure: Option<String>| html! { td.n { (or_none(figure)) } };
        let count = |figure: Option<u64>| number(figure.map(grouped));
        html! {
            @if self.have_costs {
                @if self.are_asked {
                    (number(cost.and_then(|it| it.comparisons).map(|it| format!("{it:.2}"))))
                    (count(cost.map(|it| it.asked_by as u64)))
                }
                (count(cost.map(|it| it.flash_bytes)))
                (number(cost.and_then(|it| it.instructions).map(|it| grouped_text(&format!("{it:.1}")))))
            }
        }
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
