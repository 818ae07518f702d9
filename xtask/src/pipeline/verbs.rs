//! What is typed after `pipeline`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::baseline::Against;
use super::{Asked, graph, list, stages, why};
use crate::failure::Failure;
use crate::setup;

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
        #[arg(long, value_name = "STAGE", value_parser = stages::names())]
        until: Option<String>,
        /// Run every stage anew.
        #[arg(long)]
        force: bool,
        /// Let the config write outside of its own folder; for one that you trust.
        #[arg(long)]
        allow_outside: bool,
        #[command(flatten)]
        talk: TalkFlags,
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
        talk: TalkFlags,
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
  cargo xtask pipeline graph --format mermaid            for a Markdown page
  cargo xtask pipeline graph --format dot | dot -Tsvg    for Graphviz")]
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
        #[arg(value_parser = stages::names())]
        stage: String,
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What stdout and stderr get to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Talk {
    /// Progress on a terminal's stderr, a summary on stdout.
    #[default]
    Summary,
    /// Gates that failed, and errors.
    Quiet,
    /// report.json on stdout, and errors.
    Json,
}

#[derive(Args)]
pub(crate) struct TalkFlags {
    /// Say nothing but which gates failed, and errors.
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    /// Write the report to stdout as JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

impl TalkFlags {
    fn talk(&self) -> Talk {
        match (self.quiet, self.json) {
            (true, _) => Talk::Quiet,
            (_, true) => Talk::Json,
            _ => Talk::Summary,
        }
    }
}

/// Does what was typed.
pub(crate) fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Run {
            config,
            setup,
            until,
            force,
            allow_outside,
            talk,
        } => {
            if *setup {
                setup::run(false)?;
            }
            let asked = Asked {
                until: until.as_deref(),
                force: *force,
                allow_outside: *allow_outside,
                talk: talk.talk(),
            };
            super::run(config, asked)
        }
        Verb::Check {
            config,
            baseline,
            markdown,
            talk,
        } => {
            let against = baseline.as_deref().map(|baseline| Against {
                baseline,
                markdown: markdown.as_deref(),
            });
            super::check(config, against, talk.talk())
        }
        Verb::List { folder, json } => list::run(folder, *json),
        Verb::Graph { config, format } => graph::run(config, *format),
        Verb::Why {
            stage,
            config,
            json,
        } => why::run(config, stage, *json),
    }
}
