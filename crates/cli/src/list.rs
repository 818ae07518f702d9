//! `pipeline list`: the pipelines below a folder, and how their last runs ended.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use spinney_config::{Config, Model, Training, file};
use spinney_model::visible;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::invocation;
use spinney_pipeline::places::shown;
use spinney_pipeline::progress::Progress;
use spinney_pipeline::stages::last_run::{Standing, standing};

use crate::terminal;

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
    last_run: Standing,
}

pub(crate) fn run(folder: &Path, as_json: bool) -> Result<(), Failure> {
    let progress = terminal::notes();
    let mut configs = Vec::new();
    find(folder, DEPTH, &mut configs)
        .with_context(|| format!("cannot read {}", folder.display()))
        .input()?;
    configs.sort_by_key(|path| (path.components().count(), path.clone()));
    let lines: Vec<Line> = configs.iter().map(|path| line(path, &progress)).collect();
    if as_json {
        terminal::json(&lines).environment()?;
    } else if lines.is_empty() {
        println!(
            "no pipeline lies below {}; {} writes one",
            folder.display(),
            invocation::verb("new PATH")
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

fn line(path: &Path, progress: &Progress) -> Line {
    match spinney_config::load(path) {
        Err(_) => Line {
            config: path.to_owned(),
            name: None,
            model: None,
            chip: None,
            last_run: Standing::Faulty,
        },
        Ok(config) => Line {
            config: path.to_owned(),
            name: Some(config.pipeline.identity.name.clone()),
            model: Some(model(&config)),
            chip: Some(config.pipeline.target.chip.name.clone()),
            last_run: standing(&config, progress),
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
    terminal::columns(&rows, 5).join("\n") + "\n"
}
