//! The form of the model, the image and the run, as Markdown.

use std::fmt::Write;

use spinney_evaluate::{PerInference, WorstCase};

use super::{Table, code, escaped, list, percent, sentence};
use crate::{Device, EarlyExit, FootprintShare, Report, TimingBasis};

/// What the figures of forms are, where nothing is built.
pub(crate) const FORMS: &str = "Bytes of the model's tables, exact without a compiler. The code that \
    walks them comes on top; a build tells its bytes, and those of branches, which are code.";

impl Report {
    /// The forms that were weighed; nothing where there was but one.
    fn write_candidates(&self, out: &mut String) -> std::fmt::Result {
        let candidates = &self.encoding.candidates;
        if candidates.len() < 2 {
            return Ok(());
        }
        let mut table =
            Table::new("form | | flash: | RAM: | stack: | instructions, mean: | max: | misses |");
        for it in candidates {
            let or_not = |text: Option<String>| text.unwrap_or_else(|| "not run".to_owned());
            table.row(&[
                &escaped(&it.name),
                &escaped(&it.form),
                &it.flash_bytes,
                &it.ram_bytes,
                &or_not(it.stack_bytes_max.map(|bytes| bytes.to_string())),
                &or_not(it.instructions.map(|count| format!("{:.1}", count.mean))),
                &or_not(it.instructions.map(|count| count.max.to_string())),
                &escaped(&it.misses.join(", ")),
                match (it.is_chosen, it.is_on_front) {
                    (true, _) => &"**ships**",
                    (false, true) => &"on the front",
                    (false, false) => &"",
                },
            ]);
        }
        writeln!(
            out,
            "{table}\nA form is on the front if no other takes less flash without more instructions, or \
             fewer instructions without more flash. Figures are those of the whole image.\n"
        )
    }

    /// What each form takes where nothing is built.
    pub(super) fn write_forms(&self, out: &mut String) -> std::fmt::Result {
        let mut table = Table::new("form | | bytes of tables:");
        for it in &self.forms {
            table.row(&[&escaped(&it.name), &escaped(&it.form), &it.table_bytes]);
        }
        write!(out, "\n## Forms\n\n{FORMS}\n\n{table}")
    }

    pub(super) fn write_image(
        &self,
        footprint: &FootprintShare,
        out: &mut String,
    ) -> std::fmt::Result {
        writeln!(
            out,
            "\n## Image\n\n{} bytes of flash, {} of the model{}, {} of the image around it; {} bytes of static RAM, {} of the model. \
             Encoding: {}{}{}.\n",
            footprint.flash_bytes,
            footprint.model_flash_bytes,
            self.encoding
                .bytes_per_split
                .map_or(String::new(), |bytes| format!(" ({bytes} per split)")),
            footprint.frame_bytes(),
            footprint.ram_bytes,
            footprint.model_ram_bytes,
            self.encoding
                .form
                .as_ref()
                .filter(|form| **form != self.encoding.chosen)
                .map_or(escaped(&self.encoding.chosen), |form| {
                    format!("{} ({})", escaped(&self.encoding.chosen), escaped(form))
                }),
            self.encoding
                .code_bits
                .map_or(String::new(), |bits| format!(", codes of {bits} bits")),
            self.encoding
                .leaves
                .as_ref()
                .map_or(String::new(), |leaves| format!(
                    ", leaves as {}",
                    escaped(leaves)
                ))
        )?;
        if let Some(why) = &self.encoding.why {
            let chosen = escaped(&capital(&self.encoding.chosen));
            writeln!(out, "{chosen}: {}.\n", sentence(why))?;
        }
        if let Some(exit) = &self.encoding.early_exit {
            writeln!(
                out,
                "{}\n",
                early_exit(exit, self.dataset.test_rows, self.accuracy.q15)
            )?;
        }
        for export in &self.exports {
            let notes = export
                .notes
                .iter()
                .map(|note| format!(" {}", sentence(note)));
            writeln!(
                out,
                "Exported as {}: {}, {}.{}\n",
                escaped(&export.kind),
                code(&export.path),
                escaped(&export.form),
                notes.collect::<String>()
            )?;
        }
        self.write_candidates(out)?;
        let mut table = Table::new("section | flash: | RAM:");
        for it in &footprint.sections {
            table.row(&[&code(&it.name), &it.flash_bytes, &it.ram_bytes]);
        }
        writeln!(out, "{table}\n## Device\n")?;
        let Some(device) = &self.device else {
            return writeln!(out, "Not run: the config does not require the emulator.");
        };
        writeln!(
            out,
            "{} ({}{}): {} rows{}, {} of them computed differently from the host. Instructions per \
             inference from raw readings: {} on average, {} at most; from codes: {} and {}.{} These \
             are instructions, not cycles. Stack: {} bytes at most; with static data and {} bytes for \
             interrupts, {} bytes of RAM are taken.",
            escaped(&device.board),
            escaped(&device.core),
            if device.emulated { ", emulated" } else { "" },
            device.rows,
            device.share(),
            device.parity_mismatches,
            device.instructions_per_inference.mean,
            device.instructions_per_inference.max,
            device.instructions_from_codes.mean,
            device.instructions_from_codes.max,
            device
                .instructions_of_coding
                .map_or(String::new(), |coding| format!(
                    " Making the codes takes the difference, {coding}: {:.1} per feature.",
                    coding
                        / self
                            .features
                            .iter()
                            .filter(|it| it.is_used())
                            .count()
                            .max(1) as f64
                )),
            device.stack_bytes_max,
            device.interrupt_bytes,
            device.ram_and_stack_bytes
        )?;
        if let (Some(cycles), Some(timing)) = (&device.cycles_per_inference, &device.timing) {
            writeln!(
                out,
                "\n{}",
                escaped(&timing_in_words(device, cycles, timing))
            )?;
        }
        if let Some(heard) = &device.heard {
            let model = device.instructions_per_inference.mean;
            writeln!(
                out,
                "\nFrom samples: {} decisions, the features of {} of them computed differently from \
                 the host. Instructions per decision from samples to features: {} on average, {} at \
                 most; to the class {:.1} on average, of which the model takes {model}. {}Stack of the \
                 front end: {} bytes at most.",
                heard.decisions,
                heard.mismatches.len(),
                heard.instructions.mean,
                heard.instructions.max,
                heard.instructions.mean + model,
                heard.quiet.map_or(String::new(), |quiet| format!(
                    "Without a decision a sample takes {:.1}, mean of {}. ",
                    quiet.instructions_per_sample, quiet.samples
                )),
                heard.stack_bytes_max
            )?;
        }
        let Some(worst) = &device.worst_case else {
            return Ok(());
        };
        writeln!(
            out,
            "\nA row passes at most {} splits, the longest paths of all trees; the rows passed {} \
             at most. {}",
            worst.splits,
            worst.splits_measured,
            longest_in_words(device, worst)
        )
    }
}

/// What an inference takes at most, in a sentence.
pub(crate) fn longest_in_words(device: &Device, worst: &WorstCase) -> String {
    match device.instructions_per_inference.bound {
        Some(bound) => format!(
            "By the image's own code and tables, no row takes more than {bound} instructions."
        ),
        None => format!(
            "At {} instructions per split, all else included, an inference takes at most {}.",
            worst.instructions_per_split, worst.instructions
        ),
    }
}

/// Cycles, time and energy of an inference and what they rest on, in a paragraph.
pub(crate) fn timing_in_words(
    device: &Device,
    cycles: &PerInference,
    timing: &TimingBasis,
) -> String {
    let between = match cycles.low == cycles.high {
        true => String::new(),
        false => format!(" (between {} and {})", cycles.low, cycles.high),
    };
    let clock = timing
        .clock_mhz
        .map_or(String::new(), |mhz| format!(" at {mhz} MHz"));
    let time = device.latency_us.map_or(String::new(), |latency| {
        let energy = device
            .energy_uj
            .map_or(String::new(), |uj| format!(", {uj} µJ on average"));
        format!(
            " That is {} µs on average and {} at most{energy}.",
            latency.mean, latency.max
        )
    });
    if timing.is_measured {
        return format!(
            "Cycles per inference from raw readings{clock}: {} on average, {} at most.{time} Instructions by \
             the cycles of each on {}, over {} rows; its flash is in them.",
            cycles.mean, cycles.max, timing.source, timing.rows
        );
    }
    let bound = cycles.bound.map_or(String::new(), |bound| {
        format!(", for no row more than {bound} by the image's own code and tables")
    });
    let flash = match &timing.flash {
        Some(states) => format!(
            "Wait states of flash{clock}: {states}; averages are without them, \
                                 the upper figures with all of them."
        ),
        None => "Wait states of flash are not in it.".to_owned(),
    };
    format!(
        "Cycles per inference from raw readings{clock}: {} on average{between}, {} at most{bound}.{time} From \
         {} traced rows, by {}. {flash}",
        cycles.mean, cycles.max, timing.rows, timing.source
    )
}

/// What an early exit saves and costs, in a paragraph.
pub(crate) fn early_exit(exit: &EarlyExit, n_rows: usize, q15: Option<f64>) -> String {
    let asked = format!(
        "The early exit asks {} of {} trees on average",
        exit.trees_mean, exit.n_trees
    );
    if exit.rows_changed == 0 {
        return format!("{asked} and changes no class.");
    }
    let accuracy = match (exit.q15_all_trees, q15) {
        (Some(all), Some(some)) => format!(
            ": {} of them are right, {} would be with all trees",
            percent(some),
            percent(all)
        ),
        _ => String::new(),
    };
    format!(
        "{asked}, as it stops at {} of what is certain, and changes the class of {} of {n_rows} \
         rows ({}){accuracy}.",
        exit.margin,
        exit.rows_changed,
        list(&exit.rows_changed_list)
    )
}

/// A name at the start of a sentence.
pub(crate) fn capital(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
