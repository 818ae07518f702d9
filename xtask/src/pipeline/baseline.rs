//! `pipeline check --baseline`: what moved since a report that was kept.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use spinney_config::Config;
use spinney_evaluate::Verdict;
use spinney_report::{Comparison, Report};

use super::Talk;
use crate::failure::{Blame, Failure};

/// GitHub's name for the file that a job's summary is appended to.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Reads the baseline of the pipeline `name`.
pub(super) fn read(path: &Path, name: &str) -> Result<Report, Failure> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("--baseline: cannot read {}", path.display()))
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

/// A gate on growth has nothing to grow from without a baseline.
pub(super) fn is_there(config: &Config, baseline: Option<&Path>) -> Result<(), Failure> {
    if config.pipeline.budget.max_flash_growth.is_some() && baseline.is_none() {
        let help = "`cargo xtask pipeline check --baseline report.json` gives it one";
        return Err(config
            .fault(
                "budget.max_flash_growth",
                "there is no baseline to judge this gate by",
                Some(help),
            )
            .into());
    }
    Ok(())
}

/// Prints what moved, tells it to GitHub's job summary where there is one, and judges the growth.
pub(super) fn compare(
    config: &Config,
    before: &Report,
    after: &Report,
    talk: Talk,
) -> Result<Option<Verdict>, Failure> {
    let comparison = Comparison { before, after };
    let growth = config
        .pipeline
        .budget
        .max_flash_growth
        .map(|limit| comparison.flash_growth(limit.into()));
    let text = comparison.to_markdown(growth.as_ref());
    match talk {
        Talk::Summary => println!("\n{text}"),
        Talk::Quiet | Talk::Json => {
            if let Some(growth) = growth.as_ref().filter(|growth| !growth.pass) {
                eprintln!(
                    "{}: {} failed: limit {}, found {}",
                    config.pipeline.identity.name,
                    growth.gate,
                    growth.limit,
                    growth
                        .found
                        .as_ref()
                        .map_or("not measured".to_owned(), ToString::to_string)
                );
            }
        }
    }
    if let Some(path) = std::env::var_os(JOB_SUMMARY) {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("{JOB_SUMMARY}: cannot append to {}", path.display()))
            .environment()?;
        file.write_all(text.as_bytes()).environment()?;
    }
    Ok(growth)
}
