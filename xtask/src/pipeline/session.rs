//! One pipeline at work: its config, its artifacts, its progress.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use spinney_config::Config;

use super::stages::{Reason, reason};
use crate::failure::{Blame, Failure};
use crate::lock::{self, Held};
use crate::progress::Progress;
use crate::store::{Stage, Writer, write_whole};
use crate::{places, store};

/// Seconds that each stage took when it last ran; never part of a report.
const TIMINGS: &str = "timings.json";

/// One pipeline at work.
pub(crate) struct Session {
    pub config: Config,
    pub force: bool,
    pub progress: Progress,
    artifacts: PathBuf,
    /// Held for as long as the session lives, so that two runs do not mix their artifacts.
    _lock: Held,
}

impl Session {
    /// Opens the pipeline at `path`, to look at what it made; waits while another run is at work.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Self::of(spinney_config::load(path)?)
    }

    /// Opens the pipeline of a config.
    pub(super) fn of(config: Config) -> Result<Self, Failure> {
        let artifacts = places::artifacts(&config.pipeline.identity.name)?;
        let progress = Progress::new();
        let lock = lock::hold(&artifacts.join("lock")).environment()?;
        Ok(Self {
            config,
            force: false,
            progress,
            artifacts,
            _lock: lock,
        })
    }

    /// The folder of a stage.
    pub(crate) fn stage(&self, name: &str) -> Stage {
        Stage::new(self.artifacts.join(name))
    }

    /// A folder that no stage owns.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.artifacts.join(name)
    }

    /// Makes a stage's results, unless those of its last run are as good. Where `make` fails, the
    /// last results stay what they are.
    pub(crate) fn pass(
        &self,
        name: &str,
        inputs: store::Inputs,
        make: impl for<'a> FnOnce(&'a Stage) -> Result<Writer<'a>, Failure>,
    ) -> Result<(), Failure> {
        let stage = self.stage(name);
        let reason = if self.force {
            Some(Reason::Forced)
        } else {
            reason(&stage.state(), &inputs)
        };
        let Some(reason) = reason else {
            self.progress.reused(name);
            return Ok(());
        };
        let started = Instant::now();
        let writer = make(&stage)?;
        writer.finish(inputs).environment()?;
        let seconds = started.elapsed().as_secs_f64();
        self.remember(name, &reason, seconds).environment()?;
        self.progress.done(name, seconds, &reason.to_string());
        Ok(())
    }

    /// Keeps why a stage ran, for `pipeline why`, and how long it took.
    fn remember(&self, name: &str, reason: &Reason, seconds: f64) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(reason)?;
        write_whole(&self.reason_file(name), &text)?;
        let path = self.scratch(TIMINGS);
        let mut timings: BTreeMap<String, f64> = std::fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        timings.insert(name.to_owned(), (seconds * 1000.0).round() / 1000.0);
        write_whole(&path, &serde_json::to_vec_pretty(&timings)?)
    }

    /// Why a stage ran when it last did.
    pub(super) fn remembered(&self, name: &str) -> Option<Reason> {
        let text = std::fs::read(self.reason_file(name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn reason_file(&self, name: &str) -> PathBuf {
        self.scratch("why").join(format!("{name}.json"))
    }
}
