//! `pipeline list`: the pipelines below a folder, and how their last runs ended.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use spinney_config::{Model, Pipeline, Training, file};
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
    terminal::answer(&lines, as_json, |lines| match &lines[..] {
        [] => format!(
            "no pipeline lies below {}; {} writes one\n",
            folder.display(),
            invocation::verb("new PATH")
        ),
        lines => table(lines),
    })
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
    file::read(path, file::CONFIG_BYTES_MAX).is_ok_and(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        text.trim_start_matches('\u{feff}').lines().any(is_header)
    })
}

/// Whether a line of TOML begins the table `[pipeline]`.
fn is_header(line: &str) -> bool {
    let name = line.trim_start().strip_prefix('[');
    let after = name.and_then(|it| it.trim_start().strip_prefix("pipeline"));
    let rest = after.and_then(|it| it.trim_start().strip_prefix(']'));
    rest.is_some_and(|it| matches!(it.trim_start().chars().next(), None | Some('#')))
}

fn line(path: &Path, progress: &Progress) -> Line {
    let config = spinney_config::load(path).ok();
    let pipeline = config.as_ref().map(|config| &config.pipeline);
    Line {
        config: path.to_owned(),
        name: pipeline.map(|it| it.identity.name.clone()),
        model: pipeline.map(model),
        chip: pipeline.map(|it| it.target.chip.name.clone()),
        last_run: config.map_or(Standing::Faulty, |config| standing(&config, progress)),
    }
}

fn model(pipeline: &Pipeline) -> String {
    match &pipeline.model {
        Model::Import { path, .. } => path.typed.clone(),
        Model::Train(Training::GaussianNb { .. }) => "gaussian-nb".to_owned(),
        Model::Train(Training::Forest(forest)) => forest.kind.as_str().to_owned(),
    }
}

fn table(lines: &[Line]) -> String {
    let or_dash = |cell: &Option<String>| cell.clone().unwrap_or("–".to_owned());
    let header = ["config", "name", "model", "chip", "last run"].map(str::to_owned);
    let mut rows = vec![header];
    rows.extend(lines.iter().map(|line| {
        [
            visible(&line.config.display().to_string()).into_owned(),
            or_dash(&line.name),
            or_dash(&line.model),
            or_dash(&line.chip),
            line.last_run.to_string(),
        ]
    }));
    terminal::columns(&rows, 5).join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_is_found_however_its_header_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        let is = |text: &str| {
            std::fs::write(&file, text).unwrap();
            has_pipeline(&file)
        };
        for text in [
            "[pipeline]\n",
            "a = 1\r\n[pipeline]\r\n",
            "[pipeline]  # mine\n",
            " [ pipeline ]#\n",
            "\u{feff}[pipeline]\n",
        ] {
            assert!(is(text), "{text:?}");
        }
        for text in [
            "[pipelines]",
            "[[pipeline]]",
            "# [pipeline]",
            "[pipeline.a]",
            "[pipeline] x",
        ] {
            assert!(!is(text), "{text:?}");
        }
    }
}
