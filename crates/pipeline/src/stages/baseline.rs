//! What moved between two reports of one pipeline, and `pipeline check --baseline`: since one that was
//! kept.

use std::path::Path;

use anyhow::{Context, anyhow};
use serde::Serialize;
use serde_json::Value;
use spinney_config::{Config, Pipeline, file};
use spinney_dataset::Budget;
use spinney_dataset::limits::JSON_VALUES;
use spinney_evaluate::Verdict;
use spinney_report::{Comparison, Report};

use crate::failure::{ExitReason, Failure};
use crate::invocation;

/// Most bytes of a baseline; a report of 65,535 features has some ten million.
const BYTES_MAX: u64 = 64 << 20;

/// What moved since a baseline.
pub struct Moved {
    /// The gates that are judged against it.
    pub verdicts: Vec<Verdict>,
    /// What moved, in Markdown.
    pub markdown: String,
}

/// The gates of a config that are judged against a baseline, as `SECTION.KEY`.
pub fn gates(config: &Config) -> impl Iterator<Item = &'static str> {
    let Pipeline {
        accuracy, budget, ..
    } = &config.pipeline;
    let loss = accuracy
        .max_accuracy_loss
        .map(|_| "accuracy.max_accuracy_loss");
    let growth = budget.max_flash_growth.map(|_| "budget.max_flash_growth");
    loss.into_iter().chain(growth)
}

/// A gate on what moved has nothing to move from without a baseline.
pub(super) fn is_there(config: &Config, has_baseline: bool) -> Result<(), Failure> {
    if let (Some(gate), false) = (gates(config).next(), has_baseline) {
        let help = format!(
            "{} gives it one: a report.json of an earlier run, such as the one that git has",
            invocation::verb_for(config, "pipeline check", " --baseline report.json")
        );
        let message = "there is no baseline to judge this gate by";
        return config.refuse(gate, message, Some(&help));
    }
    Ok(())
}

pub(super) fn read(path: &Path, name: &str) -> Result<Report, Failure> {
    let bytes = file::read(path, BYTES_MAX)
        .with_context(|| format!("--baseline: cannot read {}", path.display()))
        .input()?;
    Budget::of(bytes.len())
        .take_json("--baseline", &bytes, JSON_VALUES)
        .input()?;
    let report = Report::from_json(&bytes)
        .with_context(|| {
            format!(
                "--baseline: found {}, expected a report.json of an earlier run",
                path.display()
            )
        })
        .input()?;
    if report.pipeline != name {
        return Err(Failure::Input(anyhow!(
            "--baseline: {} is the report of the pipeline \"{}\", expected one of \"{name}\"",
            path.display(),
            report.pipeline
        )));
    }
    Ok(report)
}

/// What moved, and the gates against the baseline.
pub(super) fn compare(config: &Config, before: &Report, after: &Report) -> Moved {
    let comparison = Comparison { before, after };
    let Pipeline {
        accuracy, budget, ..
    } = &config.pipeline;
    let loss = accuracy
        .max_accuracy_loss
        .map(|limit| comparison.accuracy_loss(limit));
    let growth = budget
        .max_flash_growth
        .map(|limit| comparison.flash_growth(limit.into()));
    let verdicts: Vec<Verdict> = loss.into_iter().chain(growth).collect();
    Moved {
        markdown: comparison.to_markdown(&verdicts),
        verdicts,
    }
}

/// What differs, a phrase each.
///
/// Model, accuracy and certificate must match always. Sizes and instructions are compared only if
/// both reports were made by the same toolchain.
pub fn moved(before: &Report, after: &Report) -> Vec<String> {
    let with_sizes = before.toolchain == after.toolchain;
    parts(before, with_sizes)
        .into_iter()
        .zip(parts(after, with_sizes))
        .filter(|(before, after)| before != after)
        .map(
            |((what, before), (_, after))| match (before.as_f64(), after.as_f64()) {
                (Some(before), Some(after)) => format!("{what} from {before} to {after}"),
                _ => format!("{what} changed"),
            },
        )
        .collect()
}

/// What must match of a report.
fn parts(report: &Report, with_sizes: bool) -> Vec<(&'static str, Value)> {
    let mut parts = vec![
        ("the model", json(&report.model)),
        ("accuracy in float", json(&report.accuracy.float)),
        ("accuracy in Q15", json(&report.accuracy.q15)),
        ("agreement", json(&report.accuracy.agreement)),
        ("the certificate", json(&report.certificate)),
    ];
    if with_sizes && let Some(footprint) = &report.footprint {
        parts.extend([
            ("flash", json(&footprint.flash_bytes)),
            ("RAM", json(&footprint.ram_bytes)),
            ("the image", json(&footprint.image)),
            ("the device run", json(&report.device)),
        ]);
    }
    parts
}

fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}
