//! `pipeline check --baseline`: what moved since a report that was kept.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use spinney_config::{Config, Pipeline, file};
use spinney_dataset::Budget;
use spinney_dataset::limits::JSON_VALUES;
use spinney_evaluate::Verdict;
use spinney_report::{Comparison, Report};

use super::{Talk, summary};
use crate::failure::{Blame, Failure};
use crate::terminal;

/// GitHub's name for the file that a job's summary is appended to.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Most bytes of a baseline; a report of 65,535 features has some ten million.
const BYTES_MAX: u64 = 64 << 20;

/// What the last run is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Against<'a> {
    /// A report.json that was kept.
    pub baseline: &'a Path,
    /// A file that gets what moved, in Markdown.
    pub markdown: Option<&'a Path>,
}

/// The gates of a config that are judged against a baseline, as `SECTION.KEY`.
pub(super) fn gates(config: &Config) -> impl Iterator<Item = &'static str> {
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
            super::typed(config, "pipeline check", " --baseline report.json")
        );
        return Err(config
            .fault(
                gate,
                "there is no baseline to judge this gate by",
                Some(&help),
            )
            .into());
    }
    Ok(())
}

impl Against<'_> {
    /// Reads the baseline of the pipeline `name`.
    pub(super) fn read(self, name: &str) -> Result<Report, Failure> {
        let path = self.baseline;
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

    /// Tells what moved, on stdout, in the file asked for and in GitHub's job summary where there
    /// is one, and gives the gates against the baseline.
    pub(super) fn compare(
        self,
        config: &Config,
        before: &Report,
        after: &Report,
        talk: Talk,
    ) -> Result<Vec<Verdict>, Failure> {
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
        let text = comparison.to_markdown(&verdicts);
        for verdict in verdicts.iter().filter(|it| it.pass && it.found.is_none()) {
            let note = verdict.note.as_deref().unwrap_or_default();
            eprintln!("{}: not judged: {note}", verdict.gate);
        }
        match talk {
            Talk::Summary => println!("\n{text}"),
            Talk::Quiet => {
                terminal::styled(&summary::failures(&after.pipeline, &verdicts));
            }
            Talk::Json => {}
        }
        if let Some(path) = self.markdown {
            append(path, &text)
                .with_context(|| format!("--markdown: cannot append to {}", path.display()))
                .input()?;
        }
        if let Some(path) = std::env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()) {
            let path = Path::new(&path);
            append(path, &text)
                .with_context(|| format!("{JOB_SUMMARY}: cannot append to {}", path.display()))
                .environment()?;
        }
        Ok(verdicts)
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}
