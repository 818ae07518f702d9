//! `pipeline list`: the pipelines below a folder, and how their last runs ended.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use spinney_config::{Config, Model, Training, file};
use spinney_model::visible;

use super::last_run::{self, Doubt};
use super::{inputs, report, shown};
use crate::failure::{Blame, Failure};

/// Folders below the one that is asked for.
const DEPTH: usize = 3;

/// A pipeline in a line.
#[derive(Serialize)]
struct Line {
    config: PathBuf,
    /// Its name; `None` where the config has faults.
    name: Option<String>,
    model: Option<String>,
    chip: Option<String>,
    last_run: LastRun,
}

/// How the last run ended.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "why")]
pub(super) enum LastRun {
    /// All gates hold.
    Passes,
    /// A gate failed.
    Fails,
    /// There is none, or it is not of today's config and inputs.
    NotOfToday(String),
    /// Something of it is not what it was.
    Damaged(String),
    /// The config cannot be read.
    Faulty,
}

impl std::fmt::Display for LastRun {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Passes => "all gates hold",
            Self::Fails => "a gate failed",
            Self::NotOfToday(why) | Self::Damaged(why) => why,
            Self::Faulty => "the config has faults: `cargo xtask pipeline run` shows them",
        })
    }
}

pub(super) fn run(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let mut configs = Vec::new();
    find(folder, DEPTH, &mut configs)
        .with_context(|| format!("cannot read {}", folder.display()))
        .input()?;
    configs.sort_by_key(|path| (path.components().count(), path.clone()));
    let lines: Vec<Line> = configs.iter().map(|path| line(path)).collect();
    if as_json {
        crate::terminal::json(&lines).environment()?;
    } else if lines.is_empty() {
        println!(
            "no pipeline lies below {}; `cargo xtask new PATH` writes one",
            folder.display()
        );
    } else {
        print!("{}", table(&lines));
    }
    Ok(())
}

/// Collects the TOML files that have a table `[pipeline]`.
fn find(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            // A folder that may not be read has no pipeline of this user's.
            if depth > 0 {
                let _ = find(&path, depth - 1, found);
            }
        } else if name.ends_with(".toml") && has_pipeline(&path) {
            found.push(shown(&path));
        }
    }
    Ok(())
}

fn has_pipeline(path: &Path) -> bool {
    file::read(path, file::CONFIG_BYTES_MAX).is_ok_and(|text| {
        text.split(|byte| *byte == b'\n')
            .any(|line| line.trim_ascii() == b"[pipeline]")
    })
}

fn line(path: &Path) -> Line {
    match spinney_config::load(path) {
        Err(_) => Line {
            config: path.to_owned(),
            name: None,
            model: None,
            chip: None,
            last_run: LastRun::Faulty,
        },
        Ok(config) => Line {
            config: path.to_owned(),
            name: Some(config.pipeline.identity.name.clone()),
            model: Some(model(&config)),
            chip: Some(config.pipeline.target.chip.name.clone()),
            last_run: last_run(&config),
        },
    }
}

fn model(config: &Config) -> String {
    match &config.pipeline.model {
        Model::Import { path, .. } => path.typed.clone(),
        Model::Train(Training::GaussianNb { .. }) => "gaussian-nb".to_owned(),
        Model::Train(Training::Forest(forest)) => forest.kind.as_str().to_owned(),
    }
}

/// How the last run ended, from what it left behind.
pub(super) fn last_run(config: &Config) -> LastRun {
    let judged = || -> Result<bool, Doubt> {
        let session = super::Session::of(config.clone())?;
        let inputs = inputs::read(config)?;
        let from = last_run::find(&session, &inputs)?;
        last_run::check_reports(&session, &report::folder(config))?;
        Ok(report::of(&session, &from)?.passes())
    };
    match judged() {
        Ok(true) => LastRun::Passes,
        Ok(false) => LastRun::Fails,
        Err(Doubt::Failure(Failure::Gate | Failure::Config(_))) => LastRun::Faulty,
        Err(doubt) => {
            let words = doubt.in_words(config);
            match doubt.is_damage() {
                true => LastRun::Damaged(words),
                false => LastRun::NotOfToday(words),
            }
        }
    }
}

fn table(lines: &[Line]) -> String {
    let dash = || "–".to_owned();
    let header = ["config", "name", "model", "chip", "last run"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(header)
        .chain(lines.iter().map(|line| {
            [
                visible(&line.config.display().to_string()).into_owned(),
                line.name.clone().unwrap_or_else(dash),
                line.model.clone().unwrap_or_else(dash),
                line.chip.clone().unwrap_or_else(dash),
                line.last_run.to_string(),
            ]
        }))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    rows.iter()
        .map(|[config, name, model, chip, last]| {
            let [a, b, c, d] = widths;
            format!("{config:<a$}  {name:<b$}  {model:<c$}  {chip:<d$}  {last}\n")
        })
        .collect()
}
