//! What a search has found out so far, line by line in a file that outlives its process.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::finalist::Measured;
use super::space::Keys;
use super::trial::{Point, Scored};
use crate::disk;
use crate::failure::{ExitReason, Failure};

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Scored(Scored),
    Measured(Measured),
}

/// The journal of one search.
#[derive(Default)]
pub(super) struct Journal {
    /// Where lines go; `None` before it is opened.
    file: Option<Mutex<File>>,
    /// What each growth gave, by its keys.
    grown: BTreeMap<String, Grown>,
    /// What was built and run, by its keys.
    pub measured: BTreeMap<String, Measured>,
    /// Processor seconds of all trials, those of other processes too.
    pub cpu_s: f64,
}

/// What is known of one growth.
#[derive(Debug, Clone, Default)]
pub(super) struct Grown {
    /// Its points, with the scores of all folds so far.
    pub points: Vec<Point>,
}

impl Journal {
    /// Opens the journal at `path`; a line that was cut short is left out.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let text = match disk::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::new(),
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file
            .with_context(|| format!("cannot write {}", path.display()))
            .environment()?;
        let journal = Self {
            file: Some(Mutex::new(file)),
            ..Self::default()
        };
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let journal = lines.fold(journal, |mut journal, line| {
            journal.take(line);
            journal
        });
        // What was cut short must not run into what follows.
        if !text.is_empty() && !text.ends_with('\n') {
            journal.append("\n")?;
        }
        Ok(journal)
    }

    fn append(&self, text: &str) -> Result<(), Failure> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut file = file.lock().expect("no thread panics in between");
        let written = file.write_all(text.as_bytes());
        written
            .context("cannot write the search's journal")
            .environment()
    }

    fn write(&self, line: &Line) -> Result<(), Failure> {
        self.append(&(serde_json::to_string(line).environment()? + "\n"))
    }

    /// Writes down what a trial found, for [`Journal::learn`] to take.
    pub fn note(&self, scored: &Scored) -> Result<(), Failure> {
        self.write(&Line::Scored(scored.clone()))
    }

    /// Takes what a trial found.
    pub fn learn(&mut self, scored: Scored) {
        self.take(Line::Scored(scored));
    }

    /// Writes down and takes what was measured.
    pub fn measure(&mut self, measured: Measured) -> Result<(), Failure> {
        let line = Line::Measured(measured);
        self.write(&line)?;
        self.take(line);
        Ok(())
    }

    /// Forgets what was measured by other means than these, or judged by other budgets.
    pub fn keep_made_by(&mut self, made_by: &str) {
        self.measured.retain(|_, it| it.made_by == made_by);
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Measured(measured) => {
                self.measured.insert(name(&measured.keys), measured);
            }
            Line::Scored(scored) => {
                self.cpu_s += scored.cpu_s;
                let grown = self.grown.entry(name(&scored.keys)).or_default();
                for point in scored.points {
                    match grown.points.iter_mut().find(|it| it.keys == point.keys) {
                        Some(known) => {
                            known.scores.extend(point.scores);
                            known.levels = point.levels.or(known.levels);
                            known.table_bytes.extend(point.table_bytes);
                        }
                        // Points without sizes may be cut from more trees than fit.
                        None if point.table_bytes.is_empty() => {}
                        None => grown.points.push(point),
                    }
                }
            }
        }
    }

    /// What is known of a growth.
    pub fn grown(&self, keys: &Keys) -> Option<&Grown> {
        self.grown.get(&name(keys))
    }
}

impl Grown {
    /// Whether a fold was held out.
    pub fn has(&self, fold: usize) -> bool {
        self.points
            .iter()
            .all(|point| point.scores.contains_key(&fold))
    }
}

/// Keys as one word.
pub(super) fn name(keys: &Keys) -> String {
    serde_json::to_string(keys).expect("keys are words and numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(fold: usize, has_sizes: bool) -> Scored {
        Scored {
            trial: 0,
            data: "d".to_owned(),
            keys: Keys::from([("model.kind".to_owned(), "gaussian-nb".into())]),
            points: vec![Point {
                keys: Keys::new(),
                table_bytes: has_sizes
                    .then(|| ("table".to_owned(), 100))
                    .into_iter()
                    .collect(),
                levels: None,
                scores: BTreeMap::from([(fold, 0.5)]),
            }],
            cpu_s: 1.0,
        }
    }

    #[test]
    fn what_was_cut_short_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        journal.note(&scored(0, true)).unwrap();
        journal.note(&scored(1, false)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();

        let mut journal = Journal::open(&path).unwrap();
        let keys = scored(0, true).keys;
        let has = |journal: &Journal| [0, 1].map(|fold| journal.grown(&keys).unwrap().has(fold));
        assert_eq!(has(&journal), [true, false]);
        journal.note(&scored(1, false)).unwrap();
        journal.learn(scored(1, false));
        assert_eq!(has(&journal), [true, true]);
        assert_eq!(has(&Journal::open(&path).unwrap()), [true, true]);
    }
}
