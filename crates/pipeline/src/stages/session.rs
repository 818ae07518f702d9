//! One pipeline at work: its config, its artifacts, its progress.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use anyhow::anyhow;
use spinney_config::Config;

use super::inputs::{self, Inputs};
use super::order::{Reason, reuse};
use super::{FoundEmulator, Tools, tools};
use crate::failure::{ExitReason, Failure};
use crate::lock::{self, Held};
use crate::progress::Progress;
use crate::store::{Finished, Kept, Stage, State, Writer, write_whole};
use crate::{disk, places, store};

/// Seconds that each stage took when it last ran; never part of a report.
const TIMINGS: &str = "timings.json";
/// What each stage was made anew for.
const WHY: &str = "why";

/// One pipeline at work.
pub struct Session {
    /// The config.
    pub config: Config,
    /// Whether stages run even if nothing changed.
    pub force: bool,
    /// Who is told how it goes.
    pub progress: Progress,
    artifacts: PathBuf,
    /// The stages whose results this session made, found to be as good, or found in the last run.
    made: RefCell<BTreeMap<String, Rc<Finished>>>,
    /// Found when first asked for.
    tools: OnceCell<Tools>,
    /// Held for as long as the session lives, so that two runs do not mix their artifacts.
    _lock: Held,
}

impl Session {
    /// Opens the pipeline at `path`, to look at what it made; waits while another run is at work.
    pub fn open(path: &Path, progress: Progress) -> Result<Self, Failure> {
        Self::of(spinney_config::load(path)?, progress)
    }

    /// As [`Self::open`], and reads every file that its config names.
    pub(super) fn with_inputs(path: &Path, progress: Progress) -> Result<(Self, Inputs), Failure> {
        let session = Self::open(path, progress)?;
        let inputs = inputs::read(&session.config)?;
        Ok((session, inputs))
    }

    /// Opens the pipeline of a config.
    pub fn of(config: Config, progress: Progress) -> Result<Self, Failure> {
        let artifacts = places::artifacts(&config)?;
        Self::within(config, artifacts, progress)
    }

    /// Opens the pipeline of a config, with a folder of its own for its artifacts.
    pub fn within(config: Config, artifacts: PathBuf, progress: Progress) -> Result<Self, Failure> {
        let lock = lock::hold(&artifacts.join("lock"), &progress).environment()?;
        disk::sweep(&artifacts);
        disk::sweep(&artifacts.join(WHY));
        Ok(Self {
            config,
            force: false,
            progress,
            artifacts,
            made: RefCell::default(),
            tools: OnceCell::new(),
            _lock: lock,
        })
    }

    /// The same, with what was found for another config of this chip.
    #[must_use]
    pub fn with_tools(self, tools: &Tools) -> Self {
        Self {
            tools: tools.clone().into(),
            ..self
        }
    }

    /// What is needed to build and run.
    ///
    /// # Errors
    /// Something is missing.
    pub fn tools(&self) -> Result<&Tools, Failure> {
        if let Some(tools) = self.tools.get() {
            return Ok(tools);
        }
        let found = tools(&self.config)?;
        Ok(self.tools.get_or_init(|| found))
    }

    /// The emulator, if the config asks for one and it is here.
    pub(super) fn emulator(&self) -> Result<Option<&FoundEmulator>, Failure> {
        Ok(self.tools()?.emulator.as_ref())
    }

    fn stage(&self, name: &str) -> Stage {
        Stage::new(self.artifacts.join(name))
    }

    /// What is left of a stage's last run.
    pub(super) fn state(&self, name: &str) -> Result<State, Failure> {
        self.stage(name).state().environment()
    }

    /// The results of a stage, which this session has made or vouches for.
    ///
    /// # Errors
    /// It has not, which is a fault of this program.
    pub fn made(&self, name: &str) -> Result<Rc<Finished>, Failure> {
        let made = self.made.borrow().get(name).cloned();
        made.ok_or_else(|| Failure::Environment(anyhow!("stage {name} is read before it is made")))
    }

    pub(super) fn vouch(&self, name: &str, finished: Finished) {
        let mut made = self.made.borrow_mut();
        made.insert(name.to_owned(), Rc::new(finished));
    }

    /// Takes the results of a stage's last run if they are as good as those of another run on these
    /// inputs; else says why not.
    pub fn reuse(&self, name: &str, inputs: &store::Inputs) -> Result<Option<Reason>, Failure> {
        Ok(match reuse(self.state(name)?, inputs) {
            Ok(finished) => {
                self.vouch(name, finished);
                None
            }
            Err(reason) => Some(reason),
        })
    }

    pub(super) fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// A folder that no stage owns.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.artifacts.join(name)
    }

    /// Makes a stage's results, unless those of its last run are as good. Where `make` fails, the
    /// last results stay what they are.
    pub fn pass(
        &self,
        name: &str,
        inputs: store::Inputs,
        make: impl for<'a> FnOnce(&'a Stage) -> Result<Writer<'a>, Failure>,
    ) -> Result<(), Failure> {
        let stage = self.stage(name);
        let reason = match self.force {
            true => Some(Reason::Forced),
            false => self.reuse(name, &inputs)?,
        };
        let Some(reason) = reason else {
            self.progress.reused(name);
            return Ok(());
        };
        let started = Instant::now();
        let writer = make(&stage)?;
        self.vouch(name, writer.finish(inputs).environment()?);
        let seconds = started.elapsed().as_secs_f64();
        self.remember(name, &reason, seconds).environment()?;
        self.progress.done(name, seconds, &reason.to_string());
        Ok(())
    }

    /// Keeps why a stage ran, for `pipeline why`, and how long it took.
    fn remember(&self, name: &str, reason: &Reason, seconds: f64) -> anyhow::Result<()> {
        store::write_sealed(&self.reason_file(name), reason)?;
        let path = self.scratch(TIMINGS);
        let mut timings: BTreeMap<String, f64> = std::fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        timings.insert(name.to_owned(), (seconds * 1000.0).round() / 1000.0);
        write_whole(&path, &serde_json::to_vec_pretty(&timings)?)
    }

    /// Why a stage ran when it last did.
    pub fn remembered(&self, name: &str) -> Option<Reason> {
        match store::read_sealed(&self.reason_file(name)).ok()? {
            Kept::Whole(reason) => Some(reason),
            Kept::Missing | Kept::Damaged => None,
        }
    }

    fn reason_file(&self, name: &str) -> PathBuf {
        self.scratch(WHY).join(format!("{name}.json"))
    }
}
