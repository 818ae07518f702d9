//! What is typed after `pipeline`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::{graph, list, new, setup, summary, terminal, why};
use anyhow::Context;
use spinney_evaluate::Verdict;
use spinney_model::visible;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::invocation;
use spinney_pipeline::places::shown;
use spinney_pipeline::progress::Progress;
use spinney_pipeline::stages::baseline::{self, Moved};
use spinney_pipeline::stages::run::{PRODUCT, PRODUCT_ELF};
use spinney_pipeline::stages::{self, Asked, Outcome, Session, hints, order, so_far};
use spinney_report::Report;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Run every stage; unchanged ones are reused.
    #[command(after_help = "Examples:
  cargo xtask pipeline run                         the pipeline.toml that lies here
  cargo xtask pipeline run --setup                 install what is missing first
  cargo xtask pipeline run --config my/model.toml  another one, anywhere on disk
  cargo xtask pipeline run --until quantize        accuracy and certificate, without firmware
  cargo xtask pipeline run --json | jq .accuracy   the report for a program

A stage runs again if anything that it depends on changed: `cargo xtask pipeline why STAGE`.")]
    Run {
        /// The pipeline to run.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// Install what is missing first.
        #[arg(long)]
        setup: bool,
        /// Stop after this stage.
        #[arg(long, value_name = "STAGE", value_parser = order::names())]
        until: Option<String>,
        /// Run every stage anew.
        #[arg(long)]
        force: bool,
        /// Let the config write outside of its own folder; for one that you trust.
        #[arg(long)]
        allow_outside: bool,
        #[command(flatten)]
        verbosity: Verbosity,
    },
    /// Judge the gates on what was last run; run nothing.
    #[command(after_help = "Examples:
  cargo xtask pipeline check                                  today's budgets, the last run
  git show main:reports/digits/report.json > before.json
  cargo xtask pipeline check --baseline before.json           and what moved, in Markdown

Where GITHUB_STEP_SUMMARY is set, the comparison goes to the job's summary, too.")]
    Check {
        /// The pipeline to judge.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// A report.json that was kept: say what moved since, in Markdown, and judge the growth.
        #[arg(long, value_name = "FILE")]
        baseline: Option<PathBuf>,
        /// Append what moved to this file as well, for a comment on a pull request.
        #[arg(long, value_name = "FILE", requires = "baseline")]
        markdown: Option<PathBuf>,
        #[command(flatten)]
        verbosity: Verbosity,
    },
    /// The pipelines below this folder, and how their last runs ended.
    List {
        /// Where to look.
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// How the stages hang together: what each reads and makes.
    #[command(after_help = "Examples:
  cargo xtask pipeline graph                             for the terminal
  cargo xtask pipeline graph --format mermaid            for a Markdown page")]
    Graph {
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// How it is drawn.
        #[arg(long, value_enum, default_value_t)]
        format: graph::Format,
    },
    /// Why a stage last ran, and whether it would run again now.
    Why {
        /// The stage.
        #[arg(value_parser = order::names())]
        stage: String,
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

// What stdout and stderr get to say; without a flag, progress and a summary. No doc comment, which clap
// would take for the verb's.
#[derive(Args, Clone, Copy)]
pub(crate) struct Verbosity {
    /// Say nothing but which gates failed, and errors.
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    /// Write the report to stdout as JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

impl Verbosity {
    fn is_summary(self) -> bool {
        !self.quiet && !self.json
    }

    /// Who is told of progress.
    fn progress(self) -> Progress {
        match self.is_summary() {
            true => terminal::progress(),
            false => terminal::notes(),
        }
    }
}

pub(crate) fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Run {
            config,
            setup,
            until,
            force,
            allow_outside,
            verbosity,
        } => {
            if *setup {
                // Its faults are told before anything is installed.
                spinney_config::load(config)?;
                setup::run(false)?;
            }
            let asked = Asked {
                until: until.as_deref(),
                force: *force,
                allow_outside: *allow_outside,
                progress: verbosity.progress(),
            };
            run_and_tell(config, &asked, *verbosity)
        }
        Verb::Check {
            config,
            baseline,
            markdown,
            verbosity,
        } => check(config, baseline.as_deref(), markdown.as_deref(), *verbosity),
        Verb::List { folder, json } => list::run(folder, *json),
        Verb::Graph { config, format } => graph::run(config, *format),
        Verb::Why {
            stage,
            config,
            json,
        } => why::run(config, stage, *json),
    }
}

pub(crate) fn run_and_tell(
    path: &Path,
    asked: &Asked<'_>,
    verbosity: Verbosity,
) -> Result<(), Failure> {
    let outcome = stages::run(path, asked)?;
    let Some(report) = &outcome.report else {
        return tell_so_far(&outcome, path, asked.until.unwrap_or_default(), verbosity);
    };
    conclude(report, verbosity);
    if verbosity.is_summary() {
        tell_notes(&outcome.session, path, &report.verdicts)?;
    }
    if report.passes() {
        outcome.hand_over()?;
    }
    if verbosity.is_summary() {
        tell_files(&outcome, report)?;
    }
    Failure::unless(report.passes())
}

/// Tells what a run that stopped after stage `until` has found.
fn tell_so_far(
    outcome: &Outcome,
    path: &Path,
    until: &str,
    verbosity: Verbosity,
) -> Result<(), Failure> {
    if verbosity.quiet {
        return Ok(());
    }
    let so_far = so_far::of(outcome, until)?;
    if verbosity.json {
        return terminal::json(&so_far);
    }
    terminal::styled(&summary::model_line(&so_far.pipeline, &so_far.model));
    let Some(quantized) = &so_far.quantized else {
        return Ok(());
    };
    terminal::styled(&summary::quantized_lines(quantized));
    tell_notes(&outcome.session, path, &[])
}

/// Tells how it went.
fn conclude(report: &Report, verbosity: Verbosity) {
    match verbosity {
        Verbosity { quiet: true, .. } => {
            terminal::styled(&summary::failures(&report.pipeline, &report.verdicts));
        }
        Verbosity { json: true, .. } => terminal::json_text(&report.to_json()),
        _ => terminal::styled(&summary::text(report)),
    }
}

/// Prints a line for whatever is odd.
pub(crate) fn tell_notes(
    session: &Session,
    path: &Path,
    verdicts: &[Verdict],
) -> Result<(), Failure> {
    for note in hints::notes(session, path, verdicts)? {
        println!("note: {}", visible(&note));
    }
    Ok(())
}

/// GitHub's name for the file that a job's summary is appended to.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// `pipeline check`; `markdown` gets what moved since the baseline.
fn check(
    path: &Path,
    baseline: Option<&Path>,
    markdown: Option<&Path>,
    verbosity: Verbosity,
) -> Result<(), Failure> {
    let mut judged = stages::check(path, baseline, verbosity.progress())?;
    // JSON is one object, so that it waits for the gates against the baseline.
    if !verbosity.json {
        conclude(&judged.report, verbosity);
    }
    if verbosity.is_summary() {
        tell_notes(&judged.session, path, &judged.report.verdicts)?;
    }
    if let Some(moved) = judged.moved {
        tell_moved(&judged.report.pipeline, &moved, markdown, verbosity)?;
        judged.report.verdicts.extend(moved.verdicts);
    }
    if verbosity.json {
        conclude(&judged.report, verbosity);
    }
    Failure::unless(judged.report.passes())
}

/// Tells what moved, on stdout, in the file asked for and in GitHub's job summary where there is one.
fn tell_moved(
    pipeline: &str,
    moved: &Moved,
    markdown: Option<&Path>,
    verbosity: Verbosity,
) -> Result<(), Failure> {
    let verdicts = moved.verdicts.iter();
    for verdict in verdicts.filter(|it| it.pass && it.found.is_none()) {
        let note = verdict.note.as_deref().unwrap_or_default();
        eprintln!("{}: not judged: {note}", verdict.gate);
    }
    if verbosity.is_summary() {
        println!("\n{}", moved.markdown);
    } else if verbosity.quiet {
        terminal::styled(&summary::failures(pipeline, &moved.verdicts));
    }
    if let Some(path) = markdown {
        append(path, &moved.markdown)
            .with_context(|| format!("--markdown: cannot append to {}", path.display()))
            .input()?;
    }
    if let Some(path) = std::env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()) {
        let path = Path::new(&path);
        append(path, &moved.markdown)
            .with_context(|| format!("{JOB_SUMMARY}: cannot append to {}", path.display()))
            .environment()?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

/// Says where the files are that a run wrote.
fn tell_files(outcome: &Outcome, report: &Report) -> Result<(), Failure> {
    let Outcome {
        session, outputs, ..
    } = outcome;
    let passes = report.passes();
    for file in ["report.md", "report.html"] {
        println!("report: {}", shown(&outputs.reports).join(file).display());
    }
    let pipeline = &session.config.pipeline;
    for gate in baseline::gates(&session.config) {
        let (_, key) = gate.rsplit_once('.').unwrap_or(("", gate));
        println!(
            "{key}: for {} to judge",
            invocation::verb_for(&session.config, "pipeline check", " --baseline FILE")
        );
    }
    let made = session.made("run")?;
    let chip = &pipeline.target.chip;
    let elf = shown(&made.path(PRODUCT_ELF));
    let beside: Vec<String> = ["bin", "hex", "uf2"]
        .into_iter()
        .filter(|format| {
            made.artifacts()
                .contains_key(&format!("{PRODUCT}.{format}"))
        })
        .map(|format| format!(", .{format}"))
        .collect();
    let (elf, chip_name) = (elf.display(), &chip.name);
    println!("firmware: {elf}{}, for the {chip_name}", beside.concat());
    if passes && chip.boot.missing().is_none() {
        let flash = invocation::verb_for(&session.config, "flash", " --dry-run");
        println!("next: {flash} says what would be written; without --dry-run, a probe writes it");
    }
    if let Some(note) = new::other_chip(&session.config) {
        println!("note: {note}");
    }
    if let (true, Some(folder)) = (passes, &outputs.crate_folder) {
        println!("crate: {}", shown(folder).display());
    }
    if let (true, Some(header)) = (passes, &outputs.header) {
        println!("header: {}", shown(header).display());
    }
    for export in &report.exports {
        let path = shown(&made.path(&export.path));
        println!("{}: {} ({})", export.kind, path.display(), export.form);
        for note in &export.notes {
            println!("{}: {note}", export.kind);
        }
    }
    Ok(())
}
