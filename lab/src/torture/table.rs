//! What came of each class of faults: a table for the terminal and `reports/torture.md`.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use spinney_pipeline::store;
use spinney_report::Table;

const JSON: &str = "reports/torture.json";
const MARKDOWN: &str = "reports/torture.md";

/// The figures of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    class: String,
    what: String,
    /// The first of the seeds that cases were drawn from.
    seed: u64,
    pub cases: u64,
    pub same: u64,
    pub refused: u64,
    pub failures: u64,
}

impl Line {
    pub(super) fn new(class: &str, what: &str, seed: u64) -> Self {
        Self {
            class: class.to_owned(),
            what: what.to_owned(),
            seed,
            ..Self::default()
        }
    }
}

/// Adds up the figures of a class.
pub(super) fn add(lines: &mut Vec<Line>, line: Line) {
    match lines.iter_mut().find(|it| it.class == line.class) {
        Some(it) => {
            it.cases += line.cases;
            it.same += line.same;
            it.refused += line.refused;
            it.failures += line.failures;
        }
        None => lines.push(line),
    }
}

/// Writes the report; classes that did not run keep their figures.
pub(super) fn write(lines: &[Line]) -> Result<()> {
    let repository = crate::repository();
    let json = repository.join(JSON);
    let mut all: Vec<Line> = match std::fs::read(&json) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).with_context(|| format!("{JSON} is damaged"))?
        }
        Err(_) => Vec::new(),
    };
    for line in lines {
        match all.iter_mut().find(|it| it.class == line.class) {
            Some(it) => it.clone_from(line),
            None => all.push(line.clone()),
        }
    }
    store::write_whole(&json, &serde_json::to_vec_pretty(&all)?)?;
    store::write_whole(&repository.join(MARKDOWN), text(&all).as_bytes())
}

pub(super) fn text(lines: &[Line]) -> String {
    let mut table = Table::new(
        "class | what happens | seed: | cases: | same bytes: | clear refusal: | failures:",
    );
    for it in lines {
        table.row(&[
            &it.class,
            &it.what,
            &it.seed,
            &it.cases,
            &it.same,
            &it.refused,
            &it.failures,
        ]);
    }
    format!(
        "# Torture\n\nWritten by `cargo xtask torture`, which lets everything go wrong around a \
         small pipeline. A case passes only if the run gave the bytes of an undisturbed one or \
         refused in words, nothing was left running, and the next run gave those bytes and left no \
         temporary file. The seed is that of the first round; `--hours` adds rounds with those that \
         follow. `cargo xtask torture --case CLASS:… --seed N` replays one.\n\n{table}"
    )
}
