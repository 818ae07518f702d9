//! `pipeline check --baseline`: what moved since a report that was kept.

use std::path::Path;

use anyhow::{Context, anyhow};
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
        return config.refuse(
            gate,
            "there is no baseline to judge this gate by",
            Some(&help),
        );
    }
    Ok(())
}

/// Reads the baseline of the pipeline `name`.
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
