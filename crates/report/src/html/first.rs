//! The first screen: verdicts, accuracy, memories, instructions, the certificate in a sentence.

use maud::{Markup, html};
use spinney_evaluate::{Quantity, Verdict};
use spinney_model::Task;
use spinney_quantize::Level;

use super::parts::{bar, grouped, grouped_signed, grouped_text, head, mark, share};
use super::task::values_tile;
use crate::Report;

impl Report {
    pub(super) fn first(&self) -> Markup {
        html! {
            section.first aria-label="Summary" {
                div.tiles {
                    @match (&self.values[..], &self.detect) {
                        ([], Some(detect)) => (self.detect_tile(detect)),
                        ([], None) => (self.accuracy_tile()),
                        (values, _) => (values_tile(values)),
                    }
                    @if let Some(footprint) = &self.footprint {
                        (self.instructions_tile())
                        (self.time_tile())
                        (self.memory_tile("Flash", "flash", footprint.flash_bytes,
                            footprint.model_flash_bytes, self.chip.as_ref().map(|it| it.flash_bytes)))
                        (self.memory_tile("RAM", "ram", footprint.ram_bytes,
                            footprint.model_ram_bytes, self.chip.as_ref().map(|it| it.ram_bytes)))
                    }
                }
                p.certificate { strong { "Certificate. " } (self.certificate_in_a_sentence()) }
                @if !self.verdicts.is_empty() { (self.gates()) }
            }
        }
    }

    fn accuracy_tile(&self) -> Markup {
        let accuracy = &self.accuracy;
        html! {
            div.tile {
                h2 { "Accuracy" }
                @match (accuracy.float, accuracy.q15) {
                    (Some(float), Some(q15)) => {
                        dl.pair {
                            div { dt { "float" } dd { (share(float)) } }
                            div { dt { "Q15" } dd.big { (share(q15)) } }
                        }
                    }
                    _ => { p.big { "no labels" } p.note { "The test rows have none." } }
                }
                @if let (Some((low, high)), Some(majority)) = (accuracy.interval, accuracy.majority) {
                    p.note {
                        "95 % interval of Q15 " (share(low)) " to " (share(high))
                        "; naming the most frequent class: " (share(majority)) "."
                    }
                }
                p.note {
                    "They agree on " (share(accuracy.agreement)) " of "
                    (grouped(self.dataset.test_rows as u64)) " test rows."
                }
            }
        }
    }

    fn instructions_tile(&self) -> Markup {
        html! {
            div.tile {
                h2 { "Instructions per inference" }
                @if let Some(device) = &self.device {
                    p.big { (grouped_text(&device.instructions_per_inference.mean.to_string())) }
                    p.note {
                        "on average; " (grouped(device.instructions_per_inference.max)) " at most. "
                        "Counted on " (device.board)
                        @if device.emulated { " (" (device.core) ", emulated)" }
                        "; not cycles."
                    }
                } @else {
                    p.big { "not run" }
                    p.note { "The config does not require the emulator." }
                }
            }
        }
    }

    /// Cycles and, where the clock is known, microseconds; nothing of a core without a timing table.
    fn time_tile(&self) -> Markup {
        let device = self.device.as_ref();
        let Some((device, cycles)) =
            device.and_then(|device| Some((device, device.cycles_per_inference?)))
        else {
            return html! {};
        };
        html! {
            div.tile {
                h2 { "Time per inference" }
                @if let Some(latency) = device.latency_us {
                    p.big { (grouped_text(&latency.mean.to_string())) " " span.unit { "µs" } }
                    p.note { "on average; " (grouped_text(&latency.max.to_string())) " at most." }
                } @else {
                    p.big { (grouped_text(&cycles.mean.to_string())) " " span.unit { "cycles" } }
                }
                p.note {
                    (grouped_text(&cycles.mean.to_string())) " cycles"
                    @if cycles.low != cycles.high {
                        ", between " (grouped_text(&cycles.low.to_string())) " and "
                        (grouped_text(&cycles.high.to_string()))
                    }
                    @if let Some(bound) = cycles.bound {
                        ", for no row more than " (grouped_text(&bound.to_string()))
                    }
                    @if let Some(uj) = device.energy_uj { "; " (uj) " µJ" }
                    "; by the core’s timing table."
                }
            }
        }
    }

    /// What an image takes of one memory, against the budget and the chip.
    fn memory_tile(
        &self,
        title: &str,
        gate: &str,
        used: u64,
        model: i64,
        chip: Option<u64>,
    ) -> Markup {
        let budget = self.limit(gate).filter(|budget| Some(*budget) != chip);
        html! {
            div.tile {
                h2 { (title) }
                p.big { (grouped(used)) " " span.unit { "bytes" } }
                @if let Some(budget) = budget { (meter("budget", used, budget)) }
                @if let Some(chip) = chip { (meter("chip", used, chip)) }
                p.note { @if model == 0 { "none" } @else { (grouped_signed(model)) } " of them the model’s." }
            }
        }
    }

    /// The limit of a gate that is a count.
    pub(super) fn limit(&self, gate: &str) -> Option<u64> {
        let verdict = self.verdicts.iter().find(|it| it.gate == gate)?;
        match verdict.limit {
            Quantity::Count(limit) => Some(limit),
            _ => None,
        }
    }

    fn certificate_in_a_sentence(&self) -> String {
        let certificate = &self.certificate;
        let splits = match certificate.splits {
            None => "",
            Some(Level::EveryInput) => {
                "every split is proven to decide as float does for every reading that the sensors can \
                 deliver, and "
            }
            Some(Level::EveryRow) => "every split decides as float does on every test row, and ",
            Some(Level::Listed) => "the splits that may decide differently are listed, and ",
        };
        let (what, class) = match (self.model.task, certificate.splits) {
            (Task::Detect, _) => ("scores", "verdict"),
            (_, Some(_)) => ("votes", "class"),
            (_, None) => ("scores", "class"),
        };
        let votes = match certificate.votes {
            _ if self.model.task == Task::Regress => self
                .values_in_words()
                .replacen("Values: ", "", 1)
                .replace('\'', "’"),
            Level::EveryInput => format!("{what} give float’s {class} on every input."),
            Level::EveryRow => format!("{what} give float’s {class} on every test row."),
            Level::Listed => match certificate.rows_at_risk {
                1 => {
                    format!("the one test row that {what} decide within the error bound is named.")
                }
                n => format!(
                    "the {n} test rows that {what} decide within the error bound are named."
                ),
            },
        };
        super::super::markdown::image::capital(&format!("{splits}{votes}"))
    }

    fn gates(&self) -> Markup {
        html! {
            h2 #gates { "Gates" }
            table.gates {
                caption.aside { "Every limit of the config, and what was found" }
                (head("gate | limit: | found: | verdict"))
                tbody { @for verdict in &self.verdicts { (gate(verdict)) } }
            }
        }
    }
}

fn gate(verdict: &Verdict) -> Markup {
    let state = match (verdict.pass, &verdict.found) {
        (true, Some(_)) => "pass",
        (true, None) => "open",
        (false, _) => "fail",
    };
    html! {
        tr class=(state) {
            th scope="row" { (breakable(&verdict.gate)) }
            td.n { (quantity(&verdict.limit)) }
            td.n { @match &verdict.found { Some(found) => (quantity(found)), None => "not measured" } }
            td {
                span class={ "verdict " (state) } {
                    (mark(verdict.pass)) " " @if verdict.pass { "pass" } @else { "fail" }
                }
                @if let Some(note) = &verdict.note { p.note { (note) } }
            }
        }
    }
}

/// A key of the config, which may be broken after an underscore.
fn breakable(key: &str) -> Markup {
    html! { @for part in key.split_inclusive('_') { (part) @if part.ends_with('_') { wbr; } } }
}

fn quantity(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Count(count) => grouped(*count),
        Quantity::Number(_) => grouped_text(&quantity.to_string()),
        Quantity::Word(word) => word.clone(),
    }
}

/// How much of a limit is used, as a bar and in words.
fn meter(what: &str, used: u64, limit: u64) -> Markup {
    let used_share = used as f64 / limit.max(1) as f64;
    html! {
        div.meter {
            (bar(used_share, if used_share > 1.0 { "over" } else { "" }))
            p {
                span { "of the " (what) ", " (grouped(limit)) }
                span.n {
                    @if used_share > 1.0 { strong { "over by " (grouped(used - limit)) } }
                    @else { (share(used_share)) }
                }
            }
        }
    }
}
