//! What moved between two reports of a pipeline, as Markdown for a pull request.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use spinney_evaluate::{Detection, Verdict};

use crate::markdown::Table;
use crate::task::rounded;
use crate::{FootprintShare, Report, Value, markdown};

/// Two reports of one pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// What things were.
    pub before: &'a Report,
    /// What they are.
    pub after: &'a Report,
}

/// What is said of two reports that are the same.
const NOTHING: &str = "Nothing moved.\n\n";

/// A line of the table: what, before, after, and by how much it moved.
struct Line {
    what: Cow<'static, str>,
    before: String,
    after: String,
    moved: String,
}

impl Comparison<'_> {
    /// Whether sizes and instructions of the two mean the same: the same compiler, linker, target
    /// and emulator made them.
    pub fn is_comparable(&self) -> bool {
        let (before, after) = (&self.before.toolchain, &self.after.toolchain);
        (
            &before.rustc,
            &before.target,
            &before.linker,
            &before.emulator,
        ) == (&after.rustc, &after.target, &after.linker, &after.emulator)
    }

    /// What both images take; `None` where one was not built.
    pub(crate) fn footprints(&self) -> Option<(&FootprintShare, &FootprintShare)> {
        let before = self.before.footprint.as_ref();
        before.zip(self.after.footprint.as_ref())
    }

    /// What differs between the toolchains, as before and after.
    pub(crate) fn toolchains(&self) -> String {
        let (before, after) = (&self.before.toolchain, &self.after.toolchain);
        let none = || "none".to_owned();
        let emulators = [before, after].map(|it| it.emulator.clone().unwrap_or_else(none));
        [
            ("rustc", &before.rustc, &after.rustc),
            ("target", &before.target, &after.target),
            ("linker", &before.linker, &after.linker),
            ("emulator", &emulators[0], &emulators[1]),
        ]
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| format!("{what} {before}, now {after}"))
        .collect::<Vec<_>>()
        .join("; ")
    }

    /// The comparison for a reader: gates, those `against` the baseline last, then what moved, in
    /// tables.
    pub fn to_markdown(&self, against: &[Verdict]) -> String {
        let mut out = format!("## {}\n\n", markdown::escaped(&self.after.pipeline));
        let mut what_moved = String::new();
        self.totals(&mut what_moved);
        self.classes(&mut what_moved);
        self.features(&mut what_moved);
        self.trees(&mut what_moved);
        let verdicts: Vec<&Verdict> = self.after.verdicts.iter().chain(against).collect();
        let n_failed = verdicts.iter().filter(|verdict| !verdict.pass).count();
        let unjudged = match verdicts.iter().filter(|it| is_unjudged(it)).count() {
            0 => String::new(),
            n => format!(", {n} not judged"),
        };
        let _ = match n_failed {
            0 if !unjudged.is_empty() => {
                writeln!(
                    out,
                    "**Of {} gates none fails{unjudged}.**\n",
                    verdicts.len()
                )
            }
            0 => writeln!(out, "All {} gates hold.\n", verdicts.len()),
            1 => writeln!(out, "**1 of {} gates fails.**\n", verdicts.len()),
            n => writeln!(out, "**{n} of {} gates fail.**\n", verdicts.len()),
        };
        // Where all is as it was, one line says so, and the gates are there for who asks.
        let is_still = n_failed == 0 && what_moved == NOTHING;
        if is_still {
            out.push_str(NOTHING);
            out.push_str("<details><summary>gates</summary>\n\n");
        }
        self.gates(&mut out, &verdicts);
        out.push_str(if is_still {
            "</details>\n\n"
        } else {
            &what_moved
        });
        let prints = [&self.before.fingerprint, &self.after.fingerprint].map(|print| {
            let digits = print.trim_start_matches("sha256:");
            digits.get(..12).unwrap_or(digits)
        });
        let _ = writeln!(
            out,
            "<sub>{} against {}; instructions are counted by an emulator and are not cycles.</sub>",
            markdown::escaped(prints[1]),
            markdown::escaped(prints[0])
        );
        out
    }

    fn gates(&self, out: &mut String, verdicts: &[&Verdict]) {
        let mut table = Table::new("gate | limit: | found: | before: |");
        for verdict in verdicts {
            let found = |verdict: Option<&Verdict>| {
                verdict
                    .and_then(|verdict| verdict.found.as_ref())
                    .map_or("-".to_owned(), |it| markdown::escaped(&it.to_string()))
            };
            let before = self
                .before
                .verdicts
                .iter()
                .find(|before| before.gate == verdict.gate);
            let mut word = match verdict.pass {
                true if is_unjudged(verdict) => "**not judged**",
                true => "holds",
                false => "**fails**",
            }
            .to_owned();
            if before.is_some_and(|before| before.pass != verdict.pass) {
                word.push_str(if verdict.pass {
                    ", failed before"
                } else {
                    ", held before"
                });
            }
            if let Some(note) = &verdict.note {
                let _ = write!(word, ": {}", markdown::sentence(note));
            }
            table.row(&[
                &markdown::escaped(&verdict.gate),
                &markdown::escaped(&verdict.limit.to_string()),
                &found(Some(verdict)),
                &found(before),
                &word,
            ]);
        }
        let _ = writeln!(out, "{table}");
    }

    fn totals(&self, out: &mut String) {
        let share =
            |what, of: fn(&Report) -> Option<f64>| share(what, of(self.before), of(self.after));
        let count = |what, of: fn(&Report) -> usize| {
            count(what, of(self.before) as u64, of(self.after) as u64)
        };
        let word = |what, of: fn(&Report) -> &str| word(what, of(self.before), of(self.after));
        let mut lines = vec![
            share("accuracy in float", |it| it.accuracy.float),
            share("accuracy in Q15", |it| it.accuracy.q15),
            share("agreement", |it| Some(it.accuracy.agreement)),
            count("rows that disagree", |it| it.accuracy.disagreements),
            word("proven of splits", |it| {
                it.certificate
                    .splits
                    .map_or("-", spinney_quantize::Level::as_str)
            }),
            word("proven of votes", |it| it.certificate.votes.as_str()),
            count("trees", |it| it.model.n_trees),
            count("splits", |it| it.model.n_splits),
            word("form", |it| &it.encoding.chosen),
        ];
        lines.extend(self.values());
        if self.is_comparable() {
            lines.extend(self.sizes());
        }
        let lines: Vec<Line> = lines.into_iter().flatten().collect();
        if lines.is_empty() {
            out.push_str(NOTHING);
        } else {
            let mut table = Table::new("what moved | before: | after: | by:");
            for it in lines {
                table.row(&[&it.what, &it.before, &it.after, &it.moved]);
            }
            let _ = writeln!(out, "{table}");
        }
        if !self.is_comparable() {
            let _ = writeln!(
                out,
                "Sizes and instructions are not comparable: another toolchain made the baseline \
                 ({}).\n",
                markdown::escaped(&self.toolchains())
            );
        }
    }

    /// What moved of a regressor's or a detector's figures.
    fn values(&self) -> Vec<Option<Line>> {
        let (old, new) = (&self.before.values, &self.after.values);
        let mut targets = Vec::new();
        for value in old.iter().chain(new) {
            if !targets.contains(&&value.target) {
                targets.push(&value.target);
            }
        }
        let mut lines = Vec::new();
        for target in targets {
            let of = |figure: fn(&Value) -> Option<f64>| {
                let its = |values: &[Value]| {
                    let mut values = values.iter();
                    figure(values.find(|it| it.target == *target)?)
                };
                (its(old), its(new))
            };
            let figures = [
                ("MAE in float", of(|it| it.mae_float)),
                ("MAE in Q15", of(|it| it.mae_q15)),
                ("R² in Q15", of(|it| it.r2_q15)),
                ("error against float, largest", of(|it| Some(it.error_max))),
                ("error against float, proven", of(|it| it.error_bound)),
            ];
            lines.extend(figures.map(|(what, (before, after))| match target {
                Some(target) => {
                    let what = format!("{what}, {}", markdown::escaped(target));
                    figure(what, before, after)
                }
                None => figure(what, before, after),
            }));
        }
        let detector = |what, of: fn(&Detection) -> Option<f64>| {
            let its = |report: &Report| of(report.detect.as_ref()?);
            figure(what, its(self.before), its(self.after))
        };
        lines.extend([
            detector("area under the ROC curve in Q15", |it| it.auc_q15),
            detector("alarms in Q15", |it| Some(it.alarms as f64)),
        ]);
        lines
    }

    fn sizes(&self) -> Vec<Option<Line>> {
        let Some((before, after)) = self.footprints() else {
            return Vec::new();
        };
        let flash = |what, of: fn(&FootprintShare) -> u64| count(what, of(before), of(after));
        let mut lines = vec![
            flash("flash, bytes", |it| it.flash_bytes),
            flash("flash of the model, bytes", |it| {
                it.model_flash_bytes.max(0).cast_unsigned()
            }),
            flash("RAM, bytes", |it| it.ram_bytes),
        ];
        let (Some(old), Some(new)) = (&self.before.device, &self.after.device) else {
            return lines;
        };
        let [then, now] = [old, new].map(|it| it.instructions_per_inference);
        let [stack_then, stack_now] = [old, new].map(|it| it.stack_bytes_max.into());
        lines.extend([
            count("stack, bytes", stack_then, stack_now),
            number("instructions, mean", then.mean, now.mean),
            count("instructions, largest", then.max, now.max),
        ]);
        if let (Some(then), Some(now)) = (old.instructions_bound(), new.instructions_bound()) {
            lines.push(count("instructions, whatever the row", then, now));
        }
        lines
    }

    fn classes(&self, out: &mut String) {
        let (Some(before), Some(after)) = (
            &self.before.accuracy.q15_scores,
            &self.after.accuracy.q15_scores,
        ) else {
            return;
        };
        let of_class: HashMap<&String, _> = (self.before.model.classes.iter())
            .zip(&before.classes)
            .collect();
        let mut rows = String::new();
        for (class, after) in self.after.model.classes.iter().zip(&after.classes) {
            let Some(before) = of_class.get(class) else {
                let _ = writeln!(rows, "| {} | new | | |", markdown::escaped(class));
                continue;
            };
            if *before == after {
                continue;
            }
            let pair = |before: f64, after: f64| {
                if before == after {
                    format!("{after:.4}")
                } else {
                    format!("{before:.4} → {after:.4}")
                }
            };
            let _ = writeln!(
                rows,
                "| {} | {} | {} | {} |",
                markdown::escaped(class),
                pair(before.precision, after.precision),
                pair(before.recall, after.recall),
                pair(before.f1, after.f1)
            );
        }
        section(
            out,
            "class",
            "| precision | recall | F1 |",
            "| ---: | ---: | ---: |",
            &rows,
        );
    }

    fn features(&self, out: &mut String) {
        let mut rows = String::new();
        let coded = |feature: &crate::FeatureCoding| {
            let bits = feature
                .code_bits_per_unit
                .map_or(String::new(), |bits| format!(", 2^{bits} codes per unit"));
            let sensor = feature.sensor.as_str();
            markdown::escaped(&format!("{sensor}, {}{bits}", feature.coding))
        };
        let [old, new] = [self.before, self.after].map(|report| -> HashMap<&str, _> {
            let features = report.features.iter();
            features.map(|it| (it.name.as_str(), it)).collect()
        });
        for feature in &self.after.features {
            let before = old.get(feature.name.as_str()).map(|it| coded(it));
            let after = coded(feature);
            if before.as_deref() != Some(&after) {
                let _ = writeln!(
                    rows,
                    "| {} | {} | {after} |",
                    markdown::escaped(&feature.name),
                    before.unwrap_or_else(|| "not there".to_owned())
                );
            }
        }
        for old in &self.before.features {
            if !new.contains_key(old.name.as_str()) {
                let name = markdown::escaped(&old.name);
                let _ = writeln!(rows, "| {name} | {} | gone |", coded(old));
            }
        }
        section(
            out,
            "feature",
            "| coded before | after |",
            "| --- | --- |",
            &rows,
        );
    }

    fn trees(&self, out: &mut String) {
        let (before, after) = (&self.before.model.trees, &self.after.model.trees);
        if before.is_empty() {
            return;
        }
        let mut rows = String::new();
        for index in 0..before.len().max(after.len()) {
            let (old, new) = (before.get(index), after.get(index));
            if old == new {
                continue;
            }
            let shown = |tree: Option<&crate::TreeSize>| {
                tree.map_or("none".to_owned(), |tree| {
                    format!("{} splits, depth {}", tree.n_splits, tree.depth)
                })
            };
            let _ = writeln!(rows, "| {index} | {} | {} |", shown(old), shown(new));
        }
        section(out, "tree", "| before | after |", "| --- | --- |", &rows);
    }
}

/// Whether a gate holds only because there was nothing to judge it by.
fn is_unjudged(verdict: &Verdict) -> bool {
    verdict.pass && verdict.found.is_none()
}

/// How many rows of a folded table are shown: what a pull request's comment may hold has an end.
const ROWS_MAX: usize = 30;

/// A folded table, where there are any rows.
fn section(out: &mut String, what: &str, columns: &str, rule: &str, rows: &str) {
    let n_rows = rows.lines().count();
    if n_rows == 0 {
        return;
    }
    let plural = match (what, n_rows) {
        (what, 1) => what.to_owned(),
        ("class", _) => "classes".to_owned(),
        (what, _) => format!("{what}s"),
    };
    let shown: String = rows.split_inclusive('\n').take(ROWS_MAX).collect();
    let _ = write!(
        out,
        "<details><summary>{n_rows} {plural} moved</summary>\n\n\
         | {what} {columns}\n| --- {rule}\n{shown}\n"
    );
    if n_rows > ROWS_MAX {
        let _ = write!(
            out,
            "The first {ROWS_MAX}; the two `report.json` have all.\n\n"
        );
    }
    out.push_str("</details>\n\n");
}

fn word(what: &'static str, before: &str, after: &str) -> Option<Line> {
    (before != after).then(|| Line {
        what: what.into(),
        before: markdown::escaped(before),
        after: markdown::escaped(after),
        moved: String::new(),
    })
}

fn count(what: &'static str, before: u64, after: u64) -> Option<Line> {
    (before != after).then(|| Line {
        what: what.into(),
        before: before.to_string(),
        after: after.to_string(),
        moved: moved(
            format!("{:+}", i128::from(after) - i128::from(before)),
            before as f64,
            after as f64,
        ),
    })
}

fn number(what: &'static str, before: f64, after: f64) -> Option<Line> {
    (before != after).then(|| Line {
        what: what.into(),
        before: before.to_string(),
        after: after.to_string(),
        moved: moved(format!("{:+.1}", after - before), before, after),
    })
}

/// A figure of the data, in its own unit.
fn figure(
    what: impl Into<Cow<'static, str>>,
    before: Option<f64>,
    after: Option<f64>,
) -> Option<Line> {
    let shown = |figure: Option<f64>| figure.map_or("-".to_owned(), rounded);
    (before != after).then(|| Line {
        what: what.into(),
        before: shown(before),
        after: shown(after),
        moved: match (before, after) {
            (Some(before), Some(after)) => {
                let by = after - before;
                let sign = if by < 0.0 { "" } else { "+" };
                moved(format!("{sign}{}", rounded(by)), before, after)
            }
            _ => String::new(),
        },
    })
}

/// A difference, and what it is of what was.
fn moved(by: String, before: f64, after: f64) -> String {
    if before == 0.0 {
        return by;
    }
    format!("{by} ({:+.1} %)", (after - before) * 100.0 / before)
}

fn share(what: &'static str, before: Option<f64>, after: Option<f64>) -> Option<Line> {
    let shown = |share: Option<f64>| share.map_or("-".to_owned(), markdown::percent);
    (before != after).then(|| Line {
        what: what.into(),
        before: shown(before),
        after: shown(after),
        moved: match (before, after) {
            (Some(before), Some(after)) => format!("{:+.2} points", (after - before) * 100.0),
            _ => String::new(),
        },
    })
}
