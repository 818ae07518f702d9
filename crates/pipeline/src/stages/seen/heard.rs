//! What the recordings of a folder have in common, in words and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;

use super::Recording;
use crate::failure::Failure;

/// Most suspicious recordings that are named.
const NAMED_MAX: usize = 5;

/// What a folder of recordings holds, and a config's sections for it; its `Display` is what `data`
/// prints.
#[derive(Serialize)]
pub struct Folder {
    /// As it was typed.
    pub folder: String,
    /// Columns of readings, of motion.
    pub channels: Vec<String>,
    /// Classes of the test that nothing trains, whose recordings `dataset` leaves out.
    pub untrained: Vec<String>,
    /// `[dataset]`.
    pub dataset: String,
    /// `[frontend]`.
    pub frontend: String,
    /// What these read, by their paths below the folder.
    #[serde(skip)]
    pub files: Vec<(String, Vec<u8>)>,
    #[serde(flatten)]
    pub(super) heard: Heard,
}

/// Recordings by what is said of them, such as their rate.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Counts(pub(super) BTreeMap<String, usize>);

impl Counts {
    pub(super) fn add(&mut self, what: impl ToString) {
        *self.0.entry(what.to_string()).or_default() += 1;
    }

    pub(super) fn most(&self) -> Option<&str> {
        let most = self.0.iter().max_by_key(|(_, n)| **n)?;
        Some(most.0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(what, n)| format!("{what} ({n})"));
        f.write_str(&each.collect::<Vec<_>>().join(", "))
    }
}

/// What recordings have in common.
#[derive(Debug, Serialize)]
pub(super) struct Heard {
    pub(super) kind: &'static str,
    pub(super) n_recordings: usize,
    /// Of these.
    pub(super) n_read: usize,
    pub(super) labels: Counts,
    pub(super) rates: Counts,
    /// Of each that was read; once checked, in ascending order.
    pub(super) seconds: Vec<f64>,
    pub(super) suspicious: Vec<String>,
}

impl Heard {
    pub(super) fn of(kind: &'static str, all: &[(&Recording, &[u8])]) -> Self {
        let mut labels = Counts::default();
        for (it, _) in all {
            match (&it.class, &it.times) {
                (Some(class), _) => labels.add(class),
                (None, Some(times)) => times.labels.iter().for_each(|it| labels.add(&it.label)),
                (None, None) => {}
            }
        }
        Self {
            kind,
            n_recordings: all.len(),
            n_read: 0,
            labels,
            rates: Counts::default(),
            seconds: Vec::new(),
            suspicious: Vec::new(),
        }
    }

    /// That at least one could be read.
    pub(super) fn check(&mut self, folder: &Path) -> Result<(), Failure> {
        if self.seconds.is_empty() {
            return Err(Failure::Input(anyhow!(
                "{}: found {} recordings and none that can be read\n{}",
                folder.display(),
                self.n_recordings,
                self.named()
            )));
        }
        self.seconds.sort_by(f64::total_cmp);
        Ok(())
    }

    fn named(&self) -> String {
        let named = self.suspicious.iter().take(NAMED_MAX);
        named.map(|it| format!("    {it}\n")).collect()
    }

    pub(super) fn median_s(&self) -> f64 {
        let median = self.seconds.get(self.seconds.len() / 2);
        median.copied().unwrap_or(1.0)
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heard = &self.heard;
        let of = match heard.n_read == heard.n_recordings {
            true => String::new(),
            false => format!(", of which {} were read", heard.n_read),
        };
        let (folder, kind, n) = (&self.folder, heard.kind, heard.n_recordings);
        writeln!(f, "{folder}: {kind}, {n} recordings{of}")?;
        if !self.channels.is_empty() {
            writeln!(f, "  channels: {}", self.channels.join(", "))?;
        }
        if !heard.labels.0.is_empty() {
            writeln!(f, "  labels: {}", heard.labels)?;
        }
        if !heard.rates.0.is_empty() {
            writeln!(f, "  samples per second: {}", heard.rates)?;
        }
        if let (Some(low), Some(high)) = (heard.seconds.first(), heard.seconds.last()) {
            let all: f64 = heard.seconds.iter().sum();
            writeln!(f, "  seconds: {low:.3} to {high:.3}, {all:.1} in all")?;
        }
        if !self.untrained.is_empty() {
            let classes = self.untrained.join(", ");
            writeln!(
                f,
                "  left out of the test, since nothing trains these classes: {classes}"
            )?;
        }
        if !heard.suspicious.is_empty() {
            writeln!(f, "  suspicious: {}", heard.suspicious.len())?;
            f.write_str(&heard.named())?;
        }
        write!(f, "\n{}\n{}", self.dataset, self.frontend)
    }
}
