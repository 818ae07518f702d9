//! Features: how much the model asks them, how they are coded, and where readings are clamped.

use maud::{Markup, html};

use super::parts::{bar, grouped, name, scrolling};
use crate::markdown::SHOWN;
use crate::markdown::node::figure;
use crate::{FeatureCoding, Report};

/// Rows of the full table; more are in `report.json`.
const LISTED: usize = 256;

/// What features are ranked by.
#[derive(Clone, Copy, PartialEq)]
enum Rank {
    /// Accuracy lost once their readings are shuffled.
    Lost,
    /// Share of comparisons, where rows have no labels.
    Asked,
    /// Nothing is known.
    Order,
}

impl Rank {
    fn of(features: &[FeatureCoding]) -> Self {
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

    fn figure(self, feature: &FeatureCoding) -> f64 {
        let figure = match self {
            Self::Lost => feature.permutation_importance,
            Self::Asked => feature.share_of_comparisons,
            Self::Order => None,
        };
        figure.unwrap_or(0.0)
    }
}

/// What the columns of a table need to know of all features.
struct Columns {
    rank: Rank,
    /// The highest figure of the rank.
    most: f64,
    /// Whether there are splits that ask features.
    are_asked: bool,
}

impl Report {
    pub(super) fn features_section(&self) -> Markup {
        let mut ranked: Vec<&FeatureCoding> = self.features.iter().collect();
        let rank = Rank::of(&self.features);
        let columns = Columns {
            rank,
            most: ranked.iter().map(|it| rank.figure(it)).fold(0.0, f64::max),
            are_asked: ranked.iter().any(|it| it.share_of_comparisons.is_some()),
        };
        // A stable sort: features that weigh alike stay in the model's order.
        let asked = |it: &FeatureCoding| it.share_of_comparisons.unwrap_or(0.0);
        ranked.sort_by(|a, b| {
            let figures = rank.figure(b).total_cmp(&rank.figure(a));
            figures.then(asked(b).total_cmp(&asked(a)))
        });
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
                @if columns.rank == Rank::Lost {
                    "Importance is the accuracy that Q15 loses once a feature’s readings are shuffled among "
                    @match &self.shuffled {
                        _ if self.dataset.validation.is_some() => "rows for validation, "
                        Some(it) if it.rows < self.dataset.test_rows => {
                            (grouped(it.rows as u64)) " of the test rows, evenly spaced, "
                        }
                        _ => "the test rows, ",
                    }
                    "in percentage points"
                    @if let Some(it) = &self.shuffled { ", the mean of " (it.shuffles) " shuffles" }
                    "; features that say the same stand in for each other and seem less important. "
                }
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
                    th scope="col" { "sensor" } th scope="col" { "range" } th scope="col" { "coding" }
                    th.n scope="col" { "codes" } th.n scope="col" { "bits" } th.n scope="col" { "bytes" }
                    th.n scope="col" { "clamped rows" }
                } }
                tbody {
                    @for feature in features {
                        tr {
                            th scope="row" { (name(&feature.name)) }
                            (self.weight(feature))
                            td { (feature.sensor.as_str()) }
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
}

/// A share in percentage points, with the sign that a loss below 0 has.
fn points(share: Option<f64>) -> String {
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

/// Codes that a range spans, and the bits that tell them apart.
fn width(codes: Option<u32>) -> Markup {
    html! {
        @if let Some(codes) = codes {
            td.n { (grouped(u64::from(codes))) }
            td.n { (u32::BITS - codes.saturating_sub(1).leading_zeros()) }
        } @else { td.n { "–" } td.n { "–" } }
    }
}
