//! What the terminal shows at the end: the model in a few lines, and each gate in a row.
//!
//! Texts have colours in them; whoever prints leaves them out where they are not wanted.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use spinney_evaluate::{Node, Verdict};
use spinney_model::{Naming, visible};
use spinney_pipeline::invocation;
use spinney_pipeline::stages::so_far::QuantizedSoFar;
use spinney_report::{Accuracy, Device, Model, Report, Value, detector_lines};

use crate::terminal;

const NAME: Style = Style::new().bold();
const HEADER: Style = Style::new().dimmed();
const PASS: Style = AnsiColor::Green.on_default();
const FAIL: Style = AnsiColor::Red.on_default().bold();

/// Those of a pipeline's gates that failed, a line each; empty if all hold.
pub(crate) fn failures<'a>(name: &str, verdicts: impl IntoIterator<Item = &'a Verdict>) -> String {
    verdicts
        .into_iter()
        .filter(|verdict| !verdict.pass)
        .map(|verdict| {
            let (limit, found) = (&verdict.limit, found(verdict));
            let gate = visible(&verdict.gate);
            format!("{name}: {FAIL}{gate} failed{FAIL:#}: limit {limit}, found {found}\n")
        })
        .collect()
}

fn found(verdict: &Verdict) -> String {
    verdict
        .found
        .as_ref()
        .map_or("not measured".to_owned(), ToString::to_string)
}

/// What is known of a model before it is quantized.
pub(super) fn model_line(name: &str, model: &Model) -> String {
    let trees = match model.n_trees {
        0 => String::new(),
        n => format!(
            ", {n} trees, {} splits, depth {}",
            model.n_splits, model.depth_max
        ),
    };
    format!(
        "{NAME}{name}{NAME:#}: {}, {} features, {}{trees}\n",
        model.kind,
        model.n_features,
        model.delivers()
    )
}

/// What is known of a quantized model before it is built.
pub(super) fn quantized_lines(known: &QuantizedSoFar) -> String {
    let n_rows = known.dataset.test_rows;
    let mut lines = match (&known.values[..], &known.detect) {
        ([], Some(detect)) => detector_lines(detect, n_rows, &known.accuracy),
        ([], None) => accuracy_lines(&known.accuracy, n_rows),
        (values, _) => {
            let lines = values.iter().flat_map(Value::lines);
            lines.map(|line| visible(&line).into_owned()).collect()
        }
    };
    lines.extend(known.reject.iter().flat_map(|it| it.lines(n_rows)));
    let shrink = known.shrink.iter().flat_map(|it| it.lines(n_rows));
    lines.extend(shrink.map(|line| format!("shrink: {line}")));
    let properties = known.properties.iter();
    lines.extend(properties.map(|it| format!("property: {}", visible(&it.line()))));
    let certificate = &known.certificate;
    let splits = (certificate.splits).map(|it| format!("splits {}", it.as_str()));
    let votes = format!("votes {}", certificate.votes.as_str());
    // Of values, what is proven of splits says all.
    let votes = Some(votes).filter(|_| splits.is_none() || known.values.is_empty());
    let proven: Vec<String> = splits.into_iter().chain(votes).collect();
    lines.push(format!("certificate: {}\n", proven.join(", ")));
    lines.join("\n")
}

fn accuracy_lines(accuracy: &Accuracy, n_rows: usize) -> Vec<String> {
    let scores = match (accuracy.float, accuracy.q15) {
        (Some(float), Some(q15)) => format!("accuracy float {float:.4}, Q15 {q15:.4}; "),
        _ => String::new(),
    };
    let words = accuracy
        .in_words()
        .map(|words| format!("accuracy: {words}"));
    let agreement = format!(
        "{scores}agreement {:.4} ({} of {n_rows} rows differ)",
        accuracy.agreement, accuracy.disagreements
    );
    [agreement].into_iter().chain(words).collect()
}

pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    write_summary(report, &mut out).expect("writing to a string");
    out
}

fn write_summary(report: &Report, out: &mut String) -> std::fmt::Result {
    *out += &model_line(&report.pipeline, &report.model);
    *out += &quantized_lines(&QuantizedSoFar::of(report));
    // What a reader should look at before believing the accuracy.
    let is_imported = report.model.source == "import";
    if is_imported && report.model.feature_names == Naming::Positional {
        writeln!(
            out,
            "features: the model has no names for them; the columns of the rows are taken in their order"
        )?;
    }
    if let Some(it) = &report.footprint {
        writeln!(
            out,
            "image: {} B flash ({} the model), {} B RAM ({} the model)",
            it.flash_bytes, it.model_flash_bytes, it.ram_bytes, it.model_ram_bytes
        )?;
    }
    if let Some(device) = &report.device {
        writeln!(
            out,
            "device: {} ({}, emulated), {} rows{}, {} instructions per inference on average, {} at \
             most, {} B stack",
            device.board,
            device.core,
            device.rows,
            device.share(),
            device.instructions_per_inference.mean,
            device.instructions_per_inference.max,
            device.stack_bytes_max
        )?;
        write_time(device, out)?;
    }
    if let Some(node) = &report.node {
        write_node(node, out)?;
    }
    writeln!(out)?;
    write_gates(report, out)
}

/// The cycles of an inference, and the time that they take, where they are known.
fn write_time(device: &Device, out: &mut String) -> std::fmt::Result {
    let Some(cycles) = &device.cycles_per_inference else {
        return Ok(());
    };
    write!(
        out,
        "time: {} cycles per inference on average, {} at most",
        cycles.mean, cycles.max
    )?;
    if let Some(latency) = device.latency_us {
        let (mean, max) = (latency.mean, latency.max);
        write!(out, "; {mean} µs on average, {max} µs at most")?;
    }
    writeln!(out)
}

/// A line on what is sent, and one on what it all takes.
fn write_node(node: &Node, out: &mut String) -> std::fmt::Result {
    let chosen = node
        .uplink
        .iter()
        .flat_map(|uplink| &uplink.alternatives)
        .find(|it| it.is_chosen);
    if let (Some(uplink), Some(it)) = (&node.uplink, chosen) {
        writeln!(
            out,
            "uplink: {} ({}) over {}, {} B in {} messages a day, {:.2} s of airtime",
            it.send,
            it.summary,
            uplink.radio,
            it.bytes_per_day,
            it.messages_per_day,
            it.airtime_s_per_day
        )?;
    }
    let Some(decision) = &node.power.decision else {
        return writeln!(out, "energy: not known, since nothing was run");
    };
    let (what, joules, days) = chosen.map_or(
        (
            "without radio",
            decision.energy_j_per_day,
            decision.battery_days,
        ),
        |it| {
            let joules = it.node_j_per_day.unwrap_or(decision.energy_j_per_day);
            ("with the radio", joules, it.battery_days)
        },
    );
    write!(
        out,
        "energy: {:.1} µs and {:.2} µJ per decision, {joules:.3} J a day {what}",
        decision.time_us, decision.energy_uj
    )?;
    if let Some(days) = days {
        write!(out, ", {days:.0} days of battery")?;
    }
    writeln!(out, " (estimated from instructions, not cycles)")
}

fn write_gates(report: &Report, out: &mut String) -> std::fmt::Result {
    let header = ["gate", "limit", "found"].map(str::to_owned);
    let gates = report.verdicts.iter().map(|verdict| {
        let gate = visible(&verdict.gate).into_owned();
        [gate, verdict.limit.to_string(), found(verdict)]
    });
    let rows: Vec<[String; 3]> = [header].into_iter().chain(gates).collect();
    let lines = terminal::columns(&rows, 1);
    let (header, gates) = lines.split_first().expect("the header");
    writeln!(out, "{HEADER}{header}  verdict{HEADER:#}")?;
    for (cells, verdict) in gates.iter().zip(&report.verdicts) {
        match verdict.pass {
            true => writeln!(out, "{cells}  {PASS}pass{PASS:#}")?,
            false => writeln!(out, "{cells}  {FAIL}FAIL{FAIL:#}")?,
        }
    }
    for verdict in &report.verdicts {
        if let Some(note) = &verdict.note {
            writeln!(
                out,
                "{}: {}",
                visible(&verdict.gate),
                visible(&invocation::as_typed(note))
            )?;
        }
    }
    Ok(())
}
