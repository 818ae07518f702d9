//! An explanation for a reader.

use std::fmt::Write;

use spinney_model::visible;

use super::{Answer, Certainty, CodingShown, Explanation, Margins, Reading, StepShown, TreeWalk};

/// Room for short names as much as for others.
const NAME_WIDTH: usize = 24;

impl Explanation {
    /// The explanation in lines of text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("writing to a string");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "row {}", self.row)?;
        if let Some(label) = &self.label {
            write!(out, ", labelled {}", visible(label))?;
        }
        out.push_str("\n\n");
        let names = self.readings.iter().map(|it| visible(&it.feature));
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let width = width.max(NAME_WIDTH);
        write_readings(out, &self.readings, width)?;
        for (index, tree) in self.trees.iter().enumerate() {
            writeln!(out, "tree {index}")?;
            write_tree(out, tree, width)?;
        }
        match (self.trees.len(), self.n_parting) {
            (0, _) => {}
            (_, 0) => writeln!(out, "\nThe paths are the same in all trees.\n")?,
            (_, 1) => writeln!(out, "\nThe paths part in 1 tree.\n")?,
            (_, n) => writeln!(out, "\nThe paths part in {n} trees.\n")?,
        }
        if let Some(margins) = &self.margins {
            write_margins(out, margins)?;
        }
        writeln!(
            out,
            "scores: class, float, Q15 in the same unit, the integer"
        )?;
        for score in &self.scores {
            let class = visible(&score.class);
            writeln!(
                out,
                "  {class:<12} {:>16.8} {:>16.8} {:>14}",
                score.float, score.q15, score.integer
            )?;
        }
        let (float, q15) = (visible(&self.float), visible(&self.q15));
        writeln!(out, "\nfloat says {float}, Q15 says {q15}")?;
        if let Some(answer) = &self.answer {
            let Answer {
                class,
                lead,
                margin,
                is_outlier,
            } = answer;
            writeln!(
                out,
                "the device answers {}: the likeliest class leads by {lead}, and must by more than {margin}{}",
                visible(class),
                if *is_outlier {
                    "; the row is unlike those of training"
                } else {
                    ""
                }
            )?;
        }
        if let Some(exit) = &self.early_exit {
            writeln!(
                out,
                "the early exit says {}, after {} of {} trees",
                visible(&exit.class),
                exit.trees_asked,
                exit.n_trees
            )?;
        }
        out.push_str(match self.certainty {
            Certainty::PathsPart => "Paths part at splits, which no rounding of votes explains; docs/differs.md says what helps.\n",
            Certainty::Near => "The values are no further apart than is proven.\n",
            Certainty::WithinBound => "The decision lies within the proven error bound.\n",
            Certainty::BeyondBound => "The margin is larger than the proven error bound: no rounding could change the class.\n",
        });
        if let Some(soft) = &self.soft_vote {
            writeln!(out, "scikit-learn's soft vote says {}", visible(soft))?;
        }
        Ok(())
    }
}

fn write_readings(out: &mut String, readings: &[Reading], width: usize) -> std::fmt::Result {
    writeln!(out, "readings: feature, reading, code, coding")?;
    for reading in readings {
        let coding = match &reading.coding {
            CodingShown::Identity => "identity".to_owned(),
            CodingShown::Affine { shift, offset } => {
                let sign = if *offset < 0 { '+' } else { '-' };
                let offset = offset.unsigned_abs();
                let saturated = if reading.saturated { ", saturated" } else { "" };
                format!("affine: floor(reading * 2^{shift}) {sign} {offset}{saturated}")
            }
            CodingShown::Rank { thresholds } => format!("rank among {thresholds} thresholds"),
            CodingShown::Set { sets } => format!("member of {sets} sets of categories, or not"),
            CodingShown::NotUsed => "not used".to_owned(),
        };
        let name = visible(&reading.feature);
        let code = reading.code.map_or("-".to_owned(), |code| code.to_string());
        let shown = shown(reading.reading);
        writeln!(out, "  {name:<width$} {shown:>16} {code:>7}  {coding}")?;
    }
    writeln!(out)
}

fn write_tree(out: &mut String, tree: &TreeWalk, width: usize) -> std::fmt::Result {
    for step in &tree.path {
        write_step(out, step, width)?;
    }
    if let Some(cause) = &tree.parts {
        writeln!(out, "    ^ float and Q15 part here: {cause}")?;
        writeln!(out, "  Q15 goes on:")?;
        for step in &tree.q15_path {
            write_step(out, step, width)?;
        }
        writeln!(out, "  leaf in float {}", leaf(&tree.leaf_float))?;
    }
    writeln!(out, "  leaf {}", leaf(&tree.leaf_q15))
}

fn write_step(out: &mut String, step: &StepShown, width: usize) -> std::fmt::Result {
    let sign = |is_left: bool| if is_left { "<=" } else { ">" };
    let q15 = match step.threshold_code {
        Some(threshold) => format!("{} {} {threshold}", step.code, sign(step.q15_left)),
        None => "always right".to_owned(),
    };
    let name = visible(&step.feature);
    let float = match step.threshold {
        _ if step.reading.is_nan() => {
            let side = if step.float_left { "left" } else { "right" };
            format!("missing goes {side}")
        }
        Some(threshold) => format!("{} {} {threshold}", step.reading, sign(step.float_left)),
        None => {
            let sign = if step.float_left { "in" } else { "not in" };
            format!("{} {sign} {:?}", step.reading, step.categories)
        }
    };
    writeln!(
        out,
        "  node {:<5} {name:<width$} float {float}, Q15 {q15}",
        step.node
    )
}

/// A reading, or that there is none.
fn shown(reading: f64) -> String {
    match reading.is_nan() {
        true => "missing".to_owned(),
        false => reading.to_string(),
    }
}

fn leaf(proportions: &[f64]) -> String {
    let shown: Vec<String> = proportions.iter().map(|p| format!("{p:.4}")).collect();
    format!("[{}]", shown.join(", "))
}

fn write_margins(out: &mut String, margins: &Margins) -> std::fmt::Result {
    writeln!(
        out,
        "margins of {} in nats: over class, float, Q15, proven bound of their difference",
        visible(&margins.winner)
    )?;
    for margin in &margins.over {
        let class = visible(&margin.class);
        writeln!(
            out,
            "  {class:<12} {:>16.6} {:>16.6} {:>14.6}",
            margin.float, margin.q15, margin.bound
        )?;
    }
    writeln!(out)
}
