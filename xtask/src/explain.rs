//! `explain`: one row through float and Q15, side by side, and where they part.

use std::fmt::Write;
use std::path::Path;

use anyhow::anyhow;
use spinney_dataset::Dataset;
use spinney_model::{FloatModel, Forest, Node, Schema, Voting, argmax};
use spinney_quantize::{Body, Coding, Paths, QuantBayes, QuantModel, Step};

use crate::failure::{Blame, Failure};
use crate::pipeline::{self, Quantized};

/// Explains the row of this number in the source file, as `predictions.csv` numbers them.
pub(crate) fn run(config: &Path, row: usize) -> Result<(), Failure> {
    let quantized = pipeline::quantized(config)?;
    let test = &quantized.rows.test;
    let index = test
        .source_rows()
        .iter()
        .position(|source| *source == row)
        .ok_or_else(|| {
            let (first, last) = span(test);
            anyhow!(
                "row {row} is not among the {} test rows, whose numbers lie between {first} and \
                 {last}; predictions.csv names them",
                test.n_rows()
            )
        })
        .input()?;
    print!("{}", text(&quantized, row, index));
    Ok(())
}

fn span(rows: &Dataset) -> (usize, usize) {
    let rows = rows.source_rows();
    let first = rows.iter().min().copied().unwrap_or(0);
    (first, rows.iter().max().copied().unwrap_or(0))
}

fn text(quantized: &Quantized, row: usize, index: usize) -> String {
    let Quantized {
        model, quant, rows, ..
    } = quantized;
    let readings = rows.test.values().row(index).to_vec();
    let codes = quant.codes(&readings);
    let class = |index: usize| model.schema().classes()[index].as_str();
    let mut out = format!("row {row}");
    let mut n_parting = 0;
    if rows.has_labels {
        let _ = write!(out, ", labelled {}", class(rows.test.labels()[index]));
    }
    out.push_str("\n\n");
    write_codes(&mut out, quant, &model.inputs(), &readings, &codes);
    match (model, quant.body()) {
        (FloatModel::Forest(forest), Body::Forest(_)) => {
            n_parting = write_trees(&mut out, forest, quant, &readings, &codes);
        }
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => {
            write_margins(&mut out, bayes, body, quant, &readings, &codes);
        }
        _ => {}
    }
    let float_scores = match model {
        FloatModel::Forest(forest) => forest.scores(&readings, quantized.voting),
        FloatModel::GaussianNb(bayes) => bayes.joint_log_likelihood(&readings),
    };
    let scores = quant.scores(&codes);
    let unit = match quant.body() {
        Body::Forest(body) => {
            let n_trees = body.trees().len() as f64;
            1.0 / (f64::from(body.leaves().unit()) * n_trees)
        }
        Body::Bayes(body) => 2.0_f64.powi(-i32::from(body.score_bits())),
    };
    let _ = writeln!(
        out,
        "scores: class, float, Q15 in the same unit, the integer"
    );
    for (index, (float, q15)) in float_scores.iter().zip(&scores).enumerate() {
        let _ = writeln!(
            out,
            "  {:<12} {float:>16.8} {:>16.8} {q15:>14}",
            class(index),
            *q15 as f64 * unit
        );
    }
    let (float, q15) = (argmax(&float_scores), quant.predict(&readings));
    let _ = writeln!(
        out,
        "\nfloat says {}, Q15 says {}",
        class(float),
        class(q15)
    );
    let shipped = quantized.shipped();
    if let Some(exit) = quantized.exit(&shipped) {
        let stopped = exit.classify(&codes);
        let _ = writeln!(
            out,
            "the early exit says {}, after {} of {} trees",
            class(stopped.class),
            stopped.n_trees,
            exit.n_trees()
        );
    }
    let is_close =
        spinney_quantize::is_within_bound(model, quant, quantized.voting, &readings, &codes);
    out.push_str(if n_parting > 0 {
        "Paths part at splits, which no rounding of votes explains; docs/differs.md says what helps.\n"
    } else if is_close {
        "The decision lies within the proven error bound.\n"
    } else {
        "The margin is larger than the proven error bound: no rounding could change the class.\n"
    });
    if quantized.voting == Voting::Hard {
        let _ = writeln!(
            out,
            "scikit-learn's soft vote says {}",
            class(model.predict(&readings))
        );
    }
    out
}

fn write_codes(
    out: &mut String,
    quant: &QuantModel,
    used: &[usize],
    readings: &[f64],
    codes: &[i16],
) {
    out.push_str("readings: feature, reading, code, coding\n");
    let width = name_width(quant.schema());
    for (index, feature) in quant.schema().features().iter().enumerate() {
        let Some(code) = quant.code_of(index).filter(|_| used.contains(&index)) else {
            let _ = writeln!(
                out,
                "  {:<width$} {:>16} {:>7}  not used",
                feature.name, readings[index], "-"
            );
            continue;
        };
        let coding = match &quant.codings()[code] {
            &Coding::IDENTITY => "identity".to_owned(),
            Coding::Affine { shift, offset } => {
                let sign = if *offset < 0 { '+' } else { '-' };
                let offset = offset.unsigned_abs();
                let saturated = if is_saturated(quant, code, readings[index], codes[code]) {
                    ", saturated"
                } else {
                    ""
                };
                format!("affine: floor(reading * 2^{shift}) {sign} {offset}{saturated}")
            }
            Coding::Rank { cuts } => format!("rank among {} thresholds", cuts.len()),
        };
        let _ = writeln!(
            out,
            "  {:<width$} {:>16} {:>7}  {coding}",
            feature.name, readings[index], codes[code]
        );
    }
    out.push('\n');
}

fn write_trees(
    out: &mut String,
    forest: &Forest,
    quant: &QuantModel,
    readings: &[f64],
    codes: &[i16],
) -> usize {
    let paths = Paths::new(forest, quant);
    let mut n_parting = 0;
    for (index, tree) in forest.trees().iter().enumerate() {
        let _ = writeln!(out, "tree {index}");
        let (float, float_leaf) = paths.float(index, readings);
        let (q15, q15_leaf) = paths.q15(index, codes);
        let parting = paths.parting(index, readings, codes);
        for step in &float {
            let code_goes_left = step.code.is_some_and(|code| codes[step.input] <= code);
            write_step(out, forest, step, readings, codes);
            if code_goes_left != step.goes_left {
                let cause = cause(quant, forest, step, readings, codes);
                let _ = writeln!(out, "    ^ float and Q15 part here: {cause}");
                break;
            }
        }
        if parting.is_err() {
            n_parting += 1;
            out.push_str("  Q15 goes on:\n");
            let after = q15.iter().skip_while(|step| parting != Err(step.node));
            for step in after.skip(1) {
                write_step(out, forest, step, readings, codes);
            }
            let _ = writeln!(out, "  leaf in float {}", leaf(&tree.nodes()[float_leaf]));
        }
        let _ = writeln!(out, "  leaf {}", leaf(&tree.nodes()[q15_leaf]));
    }
    let _ = match n_parting {
        0 => writeln!(out, "\nThe paths are the same in all trees.\n"),
        1 => writeln!(out, "\nThe paths part in 1 tree.\n"),
        n => writeln!(out, "\nThe paths part in {n} trees.\n"),
    };
    n_parting
}

/// Why a reading and its code are on different sides of a split.
fn cause(
    quant: &QuantModel,
    forest: &Forest,
    step: &Step,
    readings: &[f64],
    codes: &[i16],
) -> String {
    let (reading, code) = (readings[step.feature], codes[step.input]);
    let received = quant.reading_type().received(reading);
    let compare = forest.schema().features()[step.feature].compare;
    if (compare.seen(received) <= step.threshold) != step.goes_left {
        return format!("the device gets {received}, with fewer digits than the row has");
    }
    match &quant.codings()[step.input] {
        Coding::Affine { .. } if is_saturated(quant, step.input, reading, code) => {
            "the reading is beyond what codes reach; a `range` that holds it, or none, helps"
                .to_owned()
        }
        Coding::Affine { shift, offset } => {
            let unit = 2.0_f64.powi(-i32::from(*shift));
            let low = (f64::from(code) + f64::from(*offset)) * unit;
            format!(
                "all readings from {low} to {} have the code {code}",
                low + unit
            )
        }
        Coding::Rank { .. } => "the threshold is between two readings of the sensor".to_owned(),
    }
}

/// Whether an affine code is not what its formula says, since 8 or 16 bits end before.
fn is_saturated(quant: &QuantModel, input: usize, reading: f64, code: i16) -> bool {
    match &quant.codings()[input] {
        Coding::Affine { shift, offset } => {
            let scaled = quant.reading_type().received(reading) * 2.0_f64.powi(i32::from(*shift));
            let exact = scaled.floor() - f64::from(*offset);
            (exact - f64::from(code)).abs() > 0.5
        }
        Coding::Rank { .. } => false,
    }
}

/// Room for the longest name, and for short ones as much as for others.
fn name_width(schema: &Schema) -> usize {
    let widths = schema.features().iter().map(|it| it.name.chars().count());
    widths.max().unwrap_or(0).max(24)
}

fn write_step(out: &mut String, forest: &Forest, step: &Step, readings: &[f64], codes: &[i16]) {
    let sign = |is_left: bool| if is_left { "<=" } else { ">" };
    let q15 = match step.code {
        Some(code) => {
            let reading = codes[step.input];
            format!("{reading} {} {code}", sign(reading <= code))
        }
        None => "always right".to_owned(),
    };
    let width = name_width(forest.schema());
    let _ = writeln!(
        out,
        "  node {:<5} {:<width$} float {} {} {}, Q15 {q15}",
        step.node,
        forest.schema().features()[step.feature].name,
        readings[step.feature],
        sign(
            forest.schema().features()[step.feature]
                .compare
                .seen(readings[step.feature])
                <= step.threshold
        ),
        step.threshold,
    );
}

fn leaf(node: &Node) -> String {
    match node {
        Node::Leaf { proportions } => {
            let shown: Vec<String> = proportions.iter().map(|p| format!("{p:.4}")).collect();
            format!("[{}]", shown.join(", "))
        }
        Node::Split { .. } => String::new(),
    }
}

fn write_margins(
    out: &mut String,
    bayes: &spinney_model::GaussianNb,
    body: &QuantBayes,
    quant: &QuantModel,
    readings: &[f64],
    codes: &[i16],
) {
    let exact = bayes.joint_log_likelihood(readings);
    let scores = quant.scores(codes);
    let winner = argmax(&exact);
    let classes = quant.schema().classes();
    let unit = 2.0_f64.powi(-i32::from(body.score_bits()));
    let _ = writeln!(
        out,
        "margins of {} in nats: over class, float, Q15, proven bound of their difference",
        classes[winner]
    );
    for class in (0..classes.len()).filter(|class| *class != winner) {
        let bound = body.margin_bound(bayes, codes, readings, [winner, class]);
        let _ = writeln!(
            out,
            "  {:<12} {:>16.6} {:>16.6} {bound:>14.6}",
            classes[class],
            exact[winner] - exact[class],
            (scores[winner] - scores[class]) as f64 * unit,
        );
    }
    out.push('\n');
}
