//! What comparisons with Python libraries share: an environment of their own, our program, the data
//! sets, and the table that is committed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;
use spinney_report::Table;

/// One comparison; lower is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub case: String,
    pub metric: String,
    pub ours: f64,
    pub peer: f64,
    pub peer_name: String,
    pub ratio: f64,
    pub goal: f64,
    pub met: bool,
}

/// Both sides, ready to run in turns.
pub(super) struct Sides {
    /// Works in the repository.
    pub shell: Shell,
    /// The Python that has the peers.
    pub python: PathBuf,
    /// Our program.
    pub binary: PathBuf,
    /// The folder of data sets.
    pub data: PathBuf,
}

/// Within which a comparison is over.
pub(super) const PATIENCE: Duration = Duration::from_secs(24 * 3600);

impl Sides {
    /// Installs the peers that pip's arguments name into the environment of this name, builds the
    /// example of the package, and writes the data sets.
    pub(super) fn prepare(
        environment: &str,
        peers: &[&str],
        package: &str,
        example: &str,
    ) -> Result<Self, Failure> {
        let work = crate::target()?.join("bench");
        std::fs::create_dir_all(&work).environment()?;
        let shell = crate::shell()?;
        let python = environment_with(&shell, &work.join(environment), peers)?;
        let cargo = crate::cargo();
        let target = work.join("target");
        let build = cmd!(
            shell,
            "{cargo} build --quiet --release --package {package} --example {example}"
        )
        .env("CARGO_TARGET_DIR", &target);
        process::show(build.into(), process::LONG).environment()?;
        let data = work.join("data");
        let write = cmd!(shell, "{python} scripts/quality/datasets.py {data}");
        process::show(write.into(), process::LONG).environment()?;
        Ok(Self {
            shell,
            python,
            binary: target.join("release/examples").join(example),
            data,
        })
    }
}

/// A Python with what pip's arguments name, in an environment of its own.
pub(super) fn environment_with(
    shell: &Shell,
    environment: &Path,
    peers: &[&str],
) -> Result<PathBuf, Failure> {
    let python = environment.join("bin/python");
    if !python.is_file() {
        let make = cmd!(shell, "python3 -m venv {environment}");
        process::show(make.into(), process::LONG)
            .context("python3 with its venv module is needed for the other side")
            .environment()?;
    }
    let install = cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check {peers...}"
    );
    process::show(install.into(), process::LONG).environment()?;
    Ok(python)
}

/// The lines as a table of Markdown, with the metric where `has_metric`.
pub(super) fn table(lines: &[Line], has_metric: bool) -> Table {
    let metric = if has_metric { "| metric " } else { "" };
    let mut table = Table::new(&format!(
        "case {metric}| ours: | peer: | ratio: | goal: | met"
    ));
    for line in lines {
        let peer = format!("{} ({})", line.peer, line.peer_name);
        let ratio = format!("{:.2}", line.ratio);
        let met = if line.met { "yes" } else { "**no**" };
        let mut cells: Vec<&dyn Display> = vec![&line.case];
        if has_metric {
            cells.push(&line.metric);
        }
        cells.extend([&line.ours as &dyn Display, &peer, &ratio, &line.goal, &met]);
        table.row(&cells);
    }
    table
}

/// Writes `reports/bench/NAME.json` and `NAME.md`, and prints the latter.
pub(super) fn commit(name: &str, lines: &[Line], markdown: &str) -> Result<(), Failure> {
    if lines.is_empty() {
        return Err(Failure::Environment(anyhow!(
            "the comparison gave no figures"
        )));
    }
    super::write(&super::reports(), name, &lines, markdown)?;
    print!("{markdown}");
    Ok(())
}
