//! The flow, and what the report was made with and from.

use maud::{Markup, html};

use super::parts::name;
use crate::Report;

impl Report {
    pub(super) fn made_section(&self) -> Markup {
        let toolchain = &self.toolchain;
        let facts = [
            ("Spinney", Some(toolchain.spinney.as_str())),
            ("compiler", Some(toolchain.rustc.as_str())),
            ("target", Some(toolchain.target.as_str())),
            ("linker", Some(toolchain.linker.as_str())),
            ("emulator", toolchain.emulator.as_deref()),
            ("config and inputs", Some(self.fingerprint.as_str())),
            ("model", Some(self.model.digest.as_str())),
            ("image", self.footprint.as_ref().map(|it| it.image.as_str())),
        ];
        html! {
            section {
                h2 #made { "Made with" }
                @if !self.flow.is_empty() {
                    ol.flow { @for stage in &self.flow {
                        li {
                            strong { (stage.name) } p { (stage.does) }
                            p.note { "→ " (stage.makes) }
                        }
                    } }
                }
                p {
                    @match self.model.source.as_str() { "import" => "Imported", _ => "Trained here" }
                    @if self.dataset.train_rows > 0 { ", on " (super::parts::grouped(self.dataset.train_rows as u64)) " rows" }
                    "; tested on " (super::parts::grouped(self.dataset.test_rows as u64)) "."
                    @if let Some(it) = &self.dataset.validation { " " (it.line()) "." }
                    @if let Some(origin) = &self.model.origin {
                        " From " code { (name(&origin.file)) } ": " (origin.estimator) ", "
                        (origin.library.as_deref().unwrap_or("library not told"))
                        @if !origin.steps.is_empty() { ", folded: " (origin.steps.join(", ")) }
                        "." @for note in &origin.notes { " " (note) }
                    }
                    @if !self.reproducible {
                        " The trainer breaks ties at random: a second run may give another model."
                    }
                }
                dl.facts { @for (what, value) in facts {
                    @if let Some(value) = value { div { dt { (what) } dd { code { (value) } } } }
                } }
            }
        }
    }
}
