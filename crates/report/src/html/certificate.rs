//! What is proven: levels, arithmetic, and the splits that some reading passes differently.

use maud::{Markup, html};

use super::parts::{head, name, scrolling};
use crate::Report;
use crate::markdown::{SHOWN, interval};

impl Report {
    pub(super) fn certificate_section(&self) -> Markup {
        let certificate = &self.certificate;
        html! {
            section {
                h2 #certificate { "Certificate" }
                @if let Some(splits) = self.splits_in_words() { p { (splits) } }
                p { (self.votes_in_words()) }
                @if let Some(checked) = self.checked_in_words() { p { (checked) } }
                @if let Some(promised) = self.promised() { p { "Smaller model: " (promised) "." } }
                @if !certificate.arithmetic.is_empty() {
                    ul.small { @for line in &certificate.arithmetic { li { (line) } } }
                }
                @if !certificate.flips.is_empty() { (self.flips()) }
            }
        }
    }

    fn flips(&self) -> Markup {
        let flips = &self.certificate.flips;
        let table = html! {
            table {
                caption { "Splits that some reading passes differently" }
                (head("tree: | node: | feature | threshold: | readings that flip | \
                    test readings in it: | test rows that part there:"))
                tbody {
                    @for flip in self.flips_by_rows().take(SHOWN) {
                        tr {
                            td.n { (flip.tree) } td.n { (flip.node) }
                            td { @if let Some(feature) = self.features.get(flip.feature) { (name(&feature.name)) } }
                            td.n { (flip.threshold) } td { (interval(flip)) }
                            td.n { (flip.readings) } td.n { (flip.rows.len()) }
                        }
                    }
                }
            }
        };
        html! {
            (scrolling("Splits that some reading passes differently", &table))
            @if flips.len() > SHOWN { p.note { (flips.len() - SHOWN) " more are in " code { "report.json" } "." } }
        }
    }
}
