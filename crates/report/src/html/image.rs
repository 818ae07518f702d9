//! The form of the model, where the bytes of the image are, and the run.

use maud::{Markup, html};

use super::parts::{bar, grouped, grouped_signed, grouped_text, head, name, scrolling};
use super::plots;
use crate::markdown::SHOWN;
use crate::markdown::image::{FORMS, capital, early_exit, longest_in_words, timing_in_words};
use crate::{Candidate, FootprintShare, Report};

impl Report {
    /// What each form takes where nothing is built.
    pub(super) fn forms_section(&self) -> Markup {
        let table = html! {
            table {
                (head("form | (in words) | bytes of tables:"))
                tbody { @for it in &self.forms {
                    tr { th scope="row" { (it.name) } td { (it.form) } td.n { (grouped(it.table_bytes as u64)) } }
                } }
            }
        };
        html! {
            section {
                h2 #forms { "Forms" }
                p { (FORMS) }
                (scrolling("Forms", &table))
            }
        }
    }

    pub(super) fn image_section(&self, footprint: &FootprintShare) -> Markup {
        let encoding = &self.encoding;
        html! {
            section {
                h2 #image { "Image" }
                p {
                    (grouped(footprint.flash_bytes)) " bytes of flash, "
                    (grouped_signed(footprint.model_flash_bytes)) " of the model"
                    @if let Some(bytes) = encoding.bytes_per_split { " (" (bytes) " per split)" }
                    ", " (grouped_signed(footprint.frame_bytes())) " of the image around it"
                    "; " (grouped(footprint.ram_bytes)) " bytes of static RAM. Encoding: " (encoding.chosen)
                    @if let Some(form) = encoding.form.as_ref().filter(|form| **form != encoding.chosen) { " (" (form) ")" }
                    @if let Some(bits) = encoding.code_bits { ", codes of " (bits) " bits" }
                    @if let Some(leaves) = &encoding.leaves { ", leaves as " (leaves) }
                    "."
                    @if let Some(why) = &encoding.why { " " (capital(&encoding.chosen)) ": " (why) "." }
                }
                @if let Some(exit) = &encoding.early_exit {
                    p { (early_exit(exit, self.dataset.test_rows, self.accuracy.q15)) }
                }
                @for export in &self.exports {
                    p { "Exported as " (export.kind) ": " code { (export.path) } ", " (export.form) "."
                        @for note in &export.notes { " " (note) } }
                }
                (self.encodings())
                div.twins { (sections(footprint)) (self.parts(footprint)) }
            }
        }
    }

    fn encodings(&self) -> Markup {
        let candidates = &self.encoding.candidates;
        if candidates.len() < 2 {
            return html! {};
        }
        let measured = candidates
            .iter()
            .filter(|it| it.instructions.is_some())
            .count();
        html! {
            h3 { "Encodings" }
            @if measured > 1 {
                figure {
                    (plots::encodings(candidates, self.limit("flash"), self.limit("instructions")))
                    figcaption {
                        "Flash of the image against instructions per inference: lower and further left is \
                         better. ● ships; ○ is on the front, where no other form has less of one without more \
                         of the other; + is behind it. Budgets are dashed lines, where they are near enough."
                    }
                }
            }
            (scrolling("Encodings", &table(candidates)))
        }
    }

    /// Bytes per tree, or per class where there are no trees.
    fn parts(&self, footprint: &FootprintShare) -> Markup {
        let bytes = footprint.model_flash_bytes;
        if self.model.n_trees == 0 {
            let per_class = bytes as f64 / self.model.n_classes.max(1) as f64;
            return html! {
                div {
                    h3 { "Bytes per class" }
                    p { "Every class has the same parameters: " (format!("{per_class:.0}"))
                        " bytes each, the model’s code shared among them." }
                }
            };
        }
        let (Some(per_split), false) = (self.encoding.bytes_per_split, self.model.trees.is_empty())
        else {
            return html! {};
        };
        let estimate = |splits: usize| (per_split * splits as f64).round() as u64;
        let most = self
            .model
            .trees
            .iter()
            .map(|it| it.n_splits)
            .max()
            .unwrap_or(0)
            .max(1) as f64;
        let rows = |from: usize, to: usize| {
            html! {
                table {
                    (head("tree: | bytes: | (as a bar) | splits: | depth:"))
                    tbody { @for (index, tree) in self.model.trees.iter().enumerate().take(to).skip(from) {
                        tr {
                            th.n scope="row" { (index) }
                            td.n { (grouped(estimate(tree.n_splits))) }
                            td.bar { (bar(tree.n_splits as f64 / most, "")) }
                            td.n { (grouped(tree.n_splits as u64)) } td.n { (tree.depth) }
                        }
                    } }
                }
            }
        };
        let all = self.model.trees.len();
        html! {
            div {
                h3 { "Bytes per tree" }
                (rows(0, SHOWN))
                @if all > SHOWN { details { summary { "The other " (all - SHOWN) } (rows(SHOWN, all)) } }
                p.note { "Bytes are an estimate: the model’s flash by splits of the float tree." }
            }
        }
    }

    pub(super) fn device_section(&self) -> Markup {
        html! {
            section {
                h2 #device { "Device" }
                @if let Some(device) = &self.device {
                    p {
                        (device.board) " (" (device.core) @if device.emulated { ", emulated" } "): "
                        (grouped(device.rows as u64)) " rows" (device.share()) ", " (device.parity_mismatches)
                        " of them computed differently from the host."
                    }
                    table {
                        (head("instructions, not cycles | mean: | max:"))
                        tbody {
                            @for (what, count) in [
                                ("from raw readings to class", device.instructions_per_inference),
                                ("from codes to class", device.instructions_from_codes),
                            ] {
                                tr { th scope="row" { (what) } td.n { (grouped_text(&count.mean.to_string())) } td.n { (grouped(count.max)) } }
                            }
                            @if let Some(heard) = &device.heard {
                                tr {
                                    th scope="row" { "from samples to features" }
                                    td.n { (grouped_text(&heard.instructions.mean.to_string())) } td.n { (grouped(heard.instructions.max)) }
                                }
                            }
                            @if let Some(quiet) = device.heard.as_ref().and_then(|it| it.quiet) {
                                tr {
                                    th scope="row" { "per sample without a decision" }
                                    td.n { (grouped_text(&format!("{:.1}", quiet.instructions_per_sample))) } td.n { "–" }
                                }
                            }
                            @if let Some(most) = device.instructions_bound() {
                                tr { th scope="row" { "whatever the row" } td.n { "–" } td.n { (grouped(most)) } }
                            }
                        }
                    }
                    @if let (Some(cycles), Some(timing)) = (&device.cycles_per_inference, &device.timing) {
                        p { (timing_in_words(device, cycles, timing)) }
                    }
                    p {
                        "Stack: " (grouped(u64::from(device.stack_bytes_max))) " bytes at most; with static data and "
                        (device.interrupt_bytes) " bytes for interrupts, "
                        (grouped(device.ram_and_stack_bytes)) " bytes of RAM are taken."
                        @if let Some(heard) = &device.heard {
                            " From samples: " (heard.decisions) " decisions, the features of " (heard.mismatches.len())
                            " of them computed differently from the host; stack of the front end "
                            (grouped(u64::from(heard.stack_bytes_max))) " bytes at most."
                        }
                        @if let Some(worst) = &device.worst_case {
                            " A row passes at most " (grouped(worst.splits)) " splits; the rows passed "
                            (grouped(worst.splits_measured)) " at most. " (longest_in_words(device, worst))
                        }
                    }
                } @else { p { "Not run: the config does not require the emulator." } }
            }
        }
    }
}

fn sections(footprint: &FootprintShare) -> Markup {
    let sections = &footprint.sections;
    let most = sections
        .iter()
        .map(|it| it.flash_bytes)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    html! {
        div {
            h3 { "Bytes per section" }
            table {
                (head("section | flash: | (as a bar) | RAM:"))
                tbody { @for section in sections {
                    tr {
                        th scope="row" { code { (name(&section.name)) } }
                        td.n { (grouped(section.flash_bytes)) }
                        td.bar { (bar(section.flash_bytes as f64 / most, "")) }
                        td.n { (grouped(section.ram_bytes)) }
                    }
                } }
            }
        }
    }
}

fn table(candidates: &[Candidate]) -> Markup {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "not run".to_owned());
    html! {
        table {
            (head("form | (standing) | flash: | RAM: | stack: | instructions, mean: | max: | misses"))
            tbody { @for it in candidates {
                tr.chosen[it.is_chosen] {
                    th scope="row" { (it.name) @if it.form != it.name { br; span.note { (it.form) } } }
                    td.nowrap { @match (it.is_chosen, it.is_on_front) {
                        (true, _) => { strong { "● ships" } } (false, true) => "○ on the front", (false, false) => "+",
                    } }
                    td.n { (grouped(it.flash_bytes)) } td.n { (grouped(it.ram_bytes)) }
                    td.n { (or_dash(it.stack_bytes_max.map(|bytes| grouped(u64::from(bytes))))) }
                    td.n { (or_dash(it.instructions.map(|count| grouped_text(&format!("{:.1}", count.mean))))) }
                    td.n { (or_dash(it.instructions.map(|count| grouped(count.max)))) }
                    td { @if it.misses.is_empty() { "–" } @else { (it.misses.join(", ")) } }
                }
            } }
        }
    }
}
