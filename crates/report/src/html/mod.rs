//! `report.html`: the report as one page that needs nothing else, neither network nor script.
//!
//! A pure function of the report. Text goes through the template's escaping; plots are SVG.

mod accuracy;
mod certificate;
mod features;
mod first;
mod front;
mod image;
mod made;
mod node;
mod parts;
mod plots;
mod task;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::Report;
pub use front::{FrontPoint, front_page};
use parts::name;

const STYLE: &str = include_str!("style.css");
/// What a browser may do with the page, whatever its text says: apply the style above, of this
/// SHA-256, and styles of single elements. It runs nothing, loads nothing and sends nothing. Browsers
/// that do not know `style-src-elem` go by `style-src`.
const POLICY: &str = include_str!("policy.txt");

/// A page of this body, which needs nothing else.
fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            (body)
        }
    };
    page.into_string() + "\n"
}

impl Report {
    /// The report as a page of HTML.
    pub fn to_html(&self) -> String {
        let title = format!("{}: {}", self.pipeline, self.outcome());
        page(&title, &self.body())
    }

    fn body(&self) -> Markup {
        html! {
            body {
                (self.header())
                main {
                    @for note in &self.notes { p.note { "Note: " (note) } }
                    (self.first())
                    @match (&self.values[..], &self.detect) {
                        ([], Some(detect)) => (self.detect_section(detect)),
                        ([], None) => (self.accuracy_section()),
                        (values, _) => (self.values_section(values)),
                    }
                    @if let Some(reject) = &self.reject {
                        section {
                            h2 #unknown { "Unknown" }
                            @for line in reject.lines(self.dataset.test_rows) { p { (line) "." } }
                        }
                    }
                    @if let Some(selection) = &self.selection {
                        section {
                            h2 #selection { "Selected features" }
                            @for line in selection.lines() { p { (line) "." } }
                        }
                    }
                    @if let Some(shrink) = &self.shrink {
                        section {
                            h2 #shrink { "Smaller model" }
                            @for line in shrink.lines(self.dataset.test_rows) { p { (line) "." } }
                        }
                    }
                    (self.margins_section())
                    (self.certificate_section())
                    @if !self.properties.is_empty() {
                        section {
                            h2 #properties { "Properties" }
                            ul { @for property in &self.properties { li { (property.line()) "." } } }
                        }
                    }
                    (self.features_section())
                    @match &self.footprint {
                        Some(footprint) => {
                            (self.image_section(footprint))
                            (self.device_section())
                        }
                        None => (self.forms_section()),
                    }
                    @if let Some(node) = &self.node { (node::section(node)) }
                    (self.made_section())
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let model = &self.model;
        let state = if self.passes() { "pass" } else { "fail" };
        html! {
            header {
                p.over { "Spinney report" }
                h1 { (name(&self.pipeline)) }
                @if !self.verdicts.is_empty() {
                    p class={ "outcome " (state) } { (parts::mark(self.passes())) " " (self.outcome()) }
                }
                p.lead {
                    (model.kind) ", " (model.n_features) " features, " (model.delivers())
                    @if model.n_trees > 0 {
                        ", " (model.n_trees) " trees, " (parts::grouped(model.n_splits as u64))
                        " splits, depth " (model.depth_max)
                    }
                    @if let Some(chip) = &self.chip { " · " (name(&chip.name)) " (" (chip.core) ")" }
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
