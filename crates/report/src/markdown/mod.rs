//! `report.md`: the report for a reader, gates first.

mod escape;
pub(crate) mod image;
pub(crate) mod node;
mod table;
mod task;

use std::fmt::Write;

use spinney_evaluate::Scorecard;
use spinney_model::Task;
use spinney_quantize::{Flip, Level};

use crate::features::{or_none, points};
use crate::{Report, Value};
pub use escape::{code, escaped, sentence};
pub use table::Table;

/// Rows of a long table that are shown.
pub(crate) const SHOWN: usize = 20;

impl Report {
    /// The report as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("writing to a string");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let verdict = match (self.passes(), &self.verdicts[..]) {
            (_, []) => "not built",
            (true, _) => "all gates hold",
            (false, _) => "a gate fails",
        };
        writeln!(out, "# {}: {verdict}\n", escaped(&self.pipeline))?;
        self.write_summary(out)?;
        self.write_notes(out)?;
        if !self.verdicts.is_empty() {
            self.write_gates(out)?;
        }
        match (&self.values[..], &self.detect) {
            ([], Some(detect)) => self.write_detect(detect, out)?,
            ([], None) => self.write_accuracy(out)?,
            (values, _) => self.write_values(values, out)?,
        }
        if let Some(reject) = &self.reject {
            writeln!(out, "\n## Unknown\n")?;
            for line in reject.lines(self.dataset.test_rows) {
                writeln!(out, "{line}.")?;
            }
        }
        if let Some(selection) = &self.selection {
            writeln!(out, "\n## Selected features\n")?;
            for line in selection.lines() {
                writeln!(out, "{}", sentence(&line))?;
            }
        }
        if let Some(shrink) = &self.shrink {
            writeln!(out, "\n## Smaller model\n")?;
            for line in shrink.lines(self.dataset.test_rows) {
                writeln!(out, "{line}.")?;
            }
        }
        self.write_certificate(out)?;
        if !self.properties.is_empty() {
            writeln!(out, "\n## Properties\n")?;
            for property in &self.properties {
                writeln!(out, "- {}", sentence(&property.line()))?;
            }
        }
        self.write_features(out)?;
        match &self.footprint {
            Some(footprint) => self.write_image(footprint, out)?,
            None => self.write_forms(out)?,
        }
        if let Some(node) = &self.node {
            node::write(node, out)?;
        }
        writeln!(
            out,
            "\n## Made with\n\nSpinney {}, {}, {}{}. Fingerprint of config and inputs: `{}`.{}",
            escaped(&self.toolchain.spinney),
            escaped(&self.toolchain.rustc),
            escaped(&self.toolchain.linker),
            self.toolchain
                .emulator
                .as_ref()
                .map_or(String::new(), |emulator| format!(", {}", escaped(emulator))),
            escaped(&self.fingerprint),
            if self.reproducible {
                ""
            } else {
                " The trainer breaks ties at random: a second run may give another model."
            }
        )
    }

    fn write_summary(&self, out: &mut String) -> std::fmt::Result {
        let model = &self.model;
        write!(
            out,
            "{} with {} features and {}",
            escaped(&model.kind),
            model.n_features,
            model.delivers()
        )?;
        if model.n_trees > 0 {
            write!(
                out,
                "; {} trees, {} splits, depth {}",
                model.n_trees, model.n_splits, model.depth_max
            )?;
        }
        let (trained, tested) = (self.dataset.train_rows, self.dataset.test_rows);
        match model.source.as_str() {
            "import" => writeln!(out, "; imported. Tested on {tested} rows.\n")?,
            _ => writeln!(
                out,
                "; trained here. Trained on {trained} rows, tested on {tested}.\n"
            )?,
        }
        if let Some(validation) = &self.dataset.validation {
            writeln!(out, "{}.\n", validation.line())?;
        }
        let Some(origin) = &model.origin else {
            return Ok(());
        };
        writeln!(
            out,
            "Imported from {}: {}, {}{}.{}\n",
            code(&origin.file),
            escaped(&origin.estimator),
            escaped(origin.library.as_deref().unwrap_or("library not told")),
            if origin.steps.is_empty() {
                String::new()
            } else {
                format!(", folded: {}", sentence(&origin.steps.join(", ")))
            },
            origin
                .notes
                .iter()
                .map(|note| format!(" {}", sentence(note)))
                .collect::<String>()
        )
    }

    /// What a reader is to know before any figure.
    fn write_notes(&self, out: &mut String) -> std::fmt::Result {
        for note in &self.notes {
            writeln!(out, "**Note:** {}\n", sentence(note))?;
        }
        Ok(())
    }

    fn write_gates(&self, out: &mut String) -> std::fmt::Result {
        let mut table = Table::new("gate | limit: | found: | verdict");
        for verdict in &self.verdicts {
            let found = verdict.found.as_ref();
            let note = verdict.note.as_ref();
            let note = note.map_or(String::new(), |note| format!(": {}", sentence(note)));
            table.row(&[
                &escaped(&verdict.gate),
                &escaped(&verdict.limit.to_string()),
                &found.map_or("not measured".to_owned(), |it| escaped(&it.to_string())),
                &format_args!("{}{note}", if verdict.pass { "pass" } else { "**fail**" }),
            ]);
        }
        write!(out, "## Gates\n\n{table}")
    }

    fn write_accuracy(&self, out: &mut String) -> std::fmt::Result {
        let accuracy = &self.accuracy;
        writeln!(out, "\n## Accuracy\n")?;
        if let (Some(float), Some(q15), Some(drop)) = (accuracy.float, accuracy.q15, accuracy.drop)
        {
            writeln!(
                out,
                "Float {}, Q15 {}: a drop of {}.",
                percent(float),
                percent(q15),
                percent(drop)
            )?;
            if let Some(words) = accuracy.in_words() {
                writeln!(out, "{words}.")?;
            }
        } else {
            writeln!(out, "Test rows have no labels, so there is no accuracy.")?;
        }
        writeln!(
            out,
            "Float and Q15 agree on {} of the rows; they differ on {}.",
            percent(accuracy.agreement),
            accuracy.disagreements
        )?;
        if let (Some(found), Some(bound)) = (
            accuracy.probability_error_max,
            accuracy.probability_error_bound,
        ) {
            let parting = accuracy.probability_rows_parting.unwrap_or(0);
            writeln!(
                out,
                "Probabilities differ from float's by at most {found:.6}, where {bound:.6} is \
                 proven{}.",
                if parting == 0 {
                    String::new()
                } else {
                    format!("; left out are rows whose paths part: {parting}")
                }
            )?;
        }
        if let (Some(hard), Some(with_soft)) = (accuracy.float_hard, accuracy.agreement_with_soft) {
            writeln!(
                out,
                "Under hard votes float reaches {}; Q15 agrees with scikit-learn's soft vote on {}.",
                percent(hard),
                percent(with_soft)
            )?;
        }
        if let (Some(float), Some(q15)) = (&accuracy.float_scores, &accuracy.q15_scores) {
            self.write_classes(out, float, q15)?;
            self.write_confusion(out, "float", float)?;
            self.write_confusion(out, "Q15", q15)?;
        }
        Ok(())
    }

    fn write_classes(
        &self,
        out: &mut String,
        float: &Scorecard,
        q15: &Scorecard,
    ) -> std::fmt::Result {
        let mut table = Table::new(
            "class | rows: | precision float: | Q15: | recall float: | Q15: | F1 float: | Q15:",
        );
        let scores = float.classes.iter().zip(&q15.classes);
        for (class, (float, q15)) in self.model.classes.iter().zip(scores) {
            table.row(&[
                &escaped(class),
                &float.support,
                &format_args!("{:.4}", float.precision),
                &format_args!("{:.4}", q15.precision),
                &format_args!("{:.4}", float.recall),
                &format_args!("{:.4}", q15.recall),
                &format_args!("{:.4}", float.f1),
                &format_args!("{:.4}", q15.f1),
            ]);
        }
        write!(out, "\n{table}")
    }

    fn write_confusion(&self, out: &mut String, what: &str, card: &Scorecard) -> std::fmt::Result {
        let classes = &self.model.classes;
        if classes.len() > SHOWN {
            return writeln!(
                out,
                "\nThe confusion matrix of {} classes is in `report.json`.",
                classes.len()
            );
        }
        let header: Vec<String> = classes.iter().map(|class| escaped(class)).collect();
        writeln!(
            out,
            "\nConfusion, {what} (a row per label, a column per prediction):\n"
        )?;
        writeln!(out, "| | {} |", header.join(" | "))?;
        writeln!(out, "| --- |{}", " ---: |".repeat(classes.len()))?;
        for (class, counts) in header.iter().zip(&card.confusion) {
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            writeln!(out, "| **{class}** | {} |", counts.join(" | "))?;
        }
        Ok(())
    }

    fn write_certificate(&self, out: &mut String) -> std::fmt::Result {
        let certificate = &self.certificate;
        writeln!(out, "\n## Certificate\n")?;
        if let Some(splits) = self.splits_in_words() {
            writeln!(out, "{splits}")?;
        }
        writeln!(out, "{}", sentence(&self.votes_in_words()))?;
        if let Some(checked) = self.checked_in_words() {
            writeln!(out, "{checked}")?;
        }
        if let Some(promised) = self.promised() {
            writeln!(out, "Smaller model: {promised}.")?;
        }
        if !certificate.arithmetic.is_empty() {
            writeln!(out)?;
        }
        for line in &certificate.arithmetic {
            writeln!(out, "- {}", sentence(line))?;
        }
        if certificate.flips.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(
            "tree: | node: | feature | threshold: | readings that flip | test readings in it: | \
             test rows that part there:",
        );
        for flip in self.flips_by_rows().take(SHOWN) {
            let feature = self.features.get(flip.feature);
            table.row(&[
                &flip.tree,
                &flip.node,
                &feature.map_or(String::new(), |feature| escaped(&feature.name)),
                &flip.threshold,
                &interval(flip),
                &flip.readings,
                &flip.rows.len(),
            ]);
        }
        write!(out, "\n{table}")?;
        if certificate.flips.len() > SHOWN {
            writeln!(
                out,
                "\n{} more are in `report.json`.",
                certificate.flips.len() - SHOWN
            )?;
        }
        Ok(())
    }

    /// Splits at which most test rows part first; the others as the trees have them.
    pub(crate) fn flips_by_rows(&self) -> impl Iterator<Item = &Flip> {
        let mut flips: Vec<&Flip> = self.certificate.flips.iter().collect();
        flips.sort_by_key(|flip| std::cmp::Reverse(flip.rows.len()));
        flips.into_iter()
    }

    /// What is promised of the smaller model with a probability, or of its values; `None` where nothing is.
    pub(crate) fn promised(&self) -> Option<String> {
        let shrink = self.shrink.as_ref()?;
        if let Some(conformal) = &shrink.conformal {
            return Some(conformal.line(shrink.value.as_ref()));
        }
        let is_proven = shrink.promise == "every-input";
        let value = shrink.value.as_ref().filter(|_| is_proven)?;
        let fixed_point = self.values.first().and_then(|it| it.error_bound);
        (shrink.splits_after < shrink.splits_before).then(|| value.line(fixed_point))
    }

    /// What the checker did; `None` where it did not pass, or could not look at all of it.
    pub(crate) fn checked_in_words(&self) -> Option<&'static str> {
        let certificate = &self.certificate;
        certificate.checked.then_some(match certificate.splits {
            Some(_) => {
                "Checked: a program that shares no code with the proof decided every split of the \
                 shipped image anew."
            }
            None => {
                "Checked: a program that shares no code with the proof held every term of the \
                 shipped image to the model."
            }
        })
    }

    /// What is proven of splits; `None` for models without.
    pub(crate) fn splits_in_words(&self) -> Option<String> {
        let certificate = &self.certificate;
        Some(match certificate.splits? {
            Level::EveryInput => {
                "Splits: no reading that the sensors can deliver is decided differently.".to_owned()
            }
            Level::EveryRow => format!(
                "Splits: no test row is decided differently; {} splits have readings that would be.",
                certificate.flip_intervals
            ),
            Level::Listed => format!(
                "Splits: {} have readings that are decided differently, some of them in the test rows.",
                certificate.flip_intervals
            ),
        })
    }

    /// What is proven of votes or scores.
    pub(crate) fn votes_in_words(&self) -> String {
        let certificate = &self.certificate;
        let (what, class) = match self.model.task {
            Task::Classify => ("Votes", "class"),
            Task::Detect => ("Scores", "verdict"),
            Task::Regress => return self.values_in_words(),
        };
        match certificate.votes {
            Level::EveryInput => format!("{what}: integers give float's {class} on every input."),
            Level::EveryRow => {
                format!("{what}: no test row is decided within the proven error bound.")
            }
            Level::Listed => format!(
                "{what}: {} test {} decided within the proven error bound: {}.",
                certificate.rows_at_risk,
                if certificate.rows_at_risk == 1 {
                    "row is"
                } else {
                    "rows are"
                },
                list(&certificate.rows_at_risk_list)
            ),
        }
    }

    /// What is proven of a regressor's values.
    pub(crate) fn values_in_words(&self) -> String {
        let bound = |value: &Value| {
            let bound = value.with_unit(value.error_bound.or(value.row_bound_max)?);
            Some(match &value.target {
                Some(target) => format!("{bound} ({target})"),
                None => bound,
            })
        };
        let bounds: Option<Vec<String>> = self.values.iter().map(bound).collect();
        let bound = bounds.filter(|it| !it.is_empty()).map(|it| it.join(", "));
        let whose = match self.certificate.votes {
            Level::EveryInput => "on every input",
            Level::EveryRow => "on every test row",
            Level::Listed => "on the test rows that no split decides otherwise",
        };
        match bound {
            Some(bound) => format!("Values: integers are within {bound} of float's {whose}."),
            None => "Values: nothing is proven of their distance from float's.".to_owned(),
        }
    }

    fn write_features(&self, out: &mut String) -> std::fmt::Result {
        let ranked = self.ranked_features();
        let mut table = Table::new(
            "feature | importance: | comparisons: | splits: | bytes: | instructions: | sensor | range | coding | \
             saturated test readings:",
        );
        for feature in ranked.iter().take(SHOWN) {
            let bits = match feature.code_bits_per_unit {
                Some(bits) if feature.coding == "affine" => format!(", 2^{bits} codes per unit"),
                _ => String::new(),
            };
            let saturation = feature.saturation.as_ref();
            let (cost, has_splits) = (feature.cost, self.model.n_splits > 0);
            table.row(&[
                &escaped(&feature.name),
                &points(feature.permutation_importance),
                &or_none(
                    cost.and_then(|it| it.comparisons)
                        .map(|it| format!("{it:.2}")),
                ),
                &or_none(cost.map(|it| it.asked_by).filter(|_| has_splits)),
                &or_none(cost.map(|it| it.flash_bytes).or(
                    // Without an image, what its codes take is known.
                    (self.footprint.is_none()).then_some(feature.table_bytes as u64),
                )),
                &or_none(
                    cost.and_then(|it| it.instructions)
                        .map(|it| format!("{it:.1}")),
                ),
                &feature.sensor.as_str(),
                &format_args!("{} to {}", feature.range.0, feature.range.1),
                &(escaped(&feature.coding) + &bits),
                &saturation.map_or(0, |it| it.below + it.above),
            ]);
        }
        write!(out, "\n## Features\n\n{table}")?;
        let n_unused = self.features.iter().filter(|it| !it.is_used()).count();
        if n_unused > 0 {
            writeln!(
                out,
                "\nNot used: {n_unused} of {} features, part of the row but never read.",
                self.features.len(),
            )?;
        }
        if self.features.len() > SHOWN {
            writeln!(
                out,
                "\n{} more are in `report.json`.",
                self.features.len() - SHOWN
            )?;
        }
        let words: Vec<String> = (self.importance_in_words().into_iter())
            .chain(self.costs_in_words())
            .collect();
        match &words[..] {
            [] => Ok(()),
            words => writeln!(out, "\n{}", sentence(&words.join(" "))),
        }
    }
}

/// The readings that flip, in words.
pub(crate) fn interval(flip: &Flip) -> String {
    match (flip.above, flip.below) {
        (Some(above), Some(below)) => format!("above {above}, below {below}"),
        (Some(above), None) => format!("above {above}"),
        (None, Some(below)) => format!("below {below}"),
        (None, None) => "those that lose digits on the way to the device".to_owned(),
    }
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn list(rows: &[usize]) -> String {
    let shown: Vec<String> = rows.iter().take(SHOWN).map(ToString::to_string).collect();
    if rows.len() > SHOWN {
        format!("{} and {} more", shown.join(", "), rows.len() - SHOWN)
    } else {
        shown.join(", ")
    }
}
