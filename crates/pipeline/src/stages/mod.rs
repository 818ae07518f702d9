//! `pipeline`: every stage from config to report, and the gates.

mod apart;
pub mod baseline;
pub mod build;
pub mod candidates;
pub mod checked;
pub mod chip;
pub mod claim;
mod cycles;
#[cfg(test)]
#[path = "tests/drawn.rs"]
mod drawn;
mod exit;
mod features;
mod folders;
mod hand_over;
pub mod hints;
pub mod inputs;
mod labelled;
pub mod last_run;
pub mod model;
mod motion;
mod node;
mod opened;
pub mod order;
pub mod outliers;
mod product;
mod properties;
pub mod quantize;
pub mod quantized;
mod recordings;
pub mod report;
pub mod run;
pub mod seen;
pub(crate) mod select;
mod session;
mod share;
mod shrink;
mod signals;
pub mod so_far;
mod triggered;
pub mod unbuilt;
mod without;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::Machine;
use spinney_codegen::SourceTree;
use spinney_config::{Config, Emulator, Outputs};
use spinney_model::Task;
use spinney_report::Report;

use crate::emulator::Emulation;
use crate::environment::{self, Toolchain};
use crate::failure::{ExitReason, Failure};
use crate::invocation;
use crate::places;
use crate::progress::Progress;
use order::REPORT;
pub use session::Session;

pub use baseline::moved;
pub use build::product_image;
pub use hand_over::hand_over_crate;
use inputs::Inputs;
pub use inputs::{at_fault, program_digest};
pub use opened::columns;
pub use quantize::forms;
pub use quantized::Quantized;
pub use without::{FrontCosts, Spent, front_costs};

/// What is needed to build and run, found before anything expensive starts.
#[derive(Clone)]
pub struct Tools {
    /// The compiler and linker.
    pub toolchain: Toolchain,
    /// The emulator, if the config asks for one and it is here.
    pub emulator: Option<FoundEmulator>,
}

/// An emulator that is here.
#[derive(Clone)]
pub struct FoundEmulator {
    /// The machine that it is.
    pub machine: &'static Machine,
    /// Its program.
    pub program: PathBuf,
    /// What it says of its version.
    pub version: String,
}

impl FoundEmulator {
    /// The emulator as a session runs images.
    fn of<'a>(&'a self, session: &'a Session) -> Emulation<'a> {
        Emulation {
            qemu: &self.program,
            machine: self.machine,
            deadline_s: session.config.pipeline.firmware.deadline_s,
            within: session.artifacts(),
        }
    }
}

/// Finds what the config needs to build and run.
///
/// # Errors
/// Something is missing.
pub fn tools(config: &Config) -> Result<Tools, Failure> {
    let target = &config.pipeline.target;
    let folder = places::artifacts(config)?;
    let toolchain = environment::needed_toolchain(target.chip.core.target(), &folder)?;
    Ok(Tools {
        toolchain,
        emulator: found_emulator(config)?,
    })
}

/// The emulator that a config asks for, if it does, and if it is here.
fn found_emulator(config: &Config) -> Result<Option<FoundEmulator>, Failure> {
    let target = &config.pipeline.target;
    let Some(machine) = target.board else {
        return Ok(None);
    };
    match environment::emulator(machine)? {
        Some((program, version)) => Ok(Some(FoundEmulator {
            machine,
            program,
            version,
        })),
        None if target.emulator == Emulator::Optional => Ok(None),
        None => Err(Failure::Environment(anyhow!(
            "the emulator {} is not here; {} installs it, and `emulator = \"optional\"` in [target] \
             does without",
            machine.qemu,
            invocation::verb("setup")
        ))),
    }
}

/// What a run is asked for.
#[derive(Clone)]
pub struct Asked<'a> {
    /// The last stage to run; all, if none is named.
    pub until: Option<&'a str>,
    /// Whether stages run even if nothing changed.
    pub force: bool,
    /// Whether the config may write outside of its own folder.
    pub allow_outside: bool,
    /// Who is told how it goes.
    pub progress: Progress,
}

impl Asked<'_> {
    /// A run of every stage that has to run.
    #[must_use]
    pub fn all(progress: Progress) -> Self {
        Self {
            until: None,
            force: false,
            allow_outside: false,
            progress,
        }
    }

    fn wants(&self, stage: &str) -> bool {
        let position = |name: &str| order::names().iter().position(|stage| *stage == name);
        self.until
            .is_none_or(|until| position(stage) <= position(until))
    }
}

/// A run that came to the stage that was asked for.
pub struct Outcome {
    /// The pipeline, with its artifacts.
    pub session: Session,
    /// The inputs as they were read.
    pub inputs: Inputs,
    /// Where the config places what a run gives.
    pub outputs: Outputs,
    /// What was found and judged; `None` where the run stopped before the last stage.
    pub report: Option<Report>,
}

impl Outcome {
    /// Puts the crate and the header where the config wants them.
    ///
    /// # Errors
    /// Something lies there that Spinney did not write, or nothing can be written there.
    pub fn hand_over(&self) -> Result<(), Failure> {
        hand_over::run(&self.session, &self.outputs)
    }
}

/// Runs the pipeline at `path` and writes its reports. Gates that fail are no error here: the report
/// says so.
///
/// # Errors
/// The config or an input is at fault, the environment lacks something, or the image fails.
pub fn run(path: &Path, asked: &Asked<'_>) -> Result<Outcome, Failure> {
    let mut session = Session::open(path, asked.progress.clone())?;
    session.force = asked.force;
    // Whatever can fail cheaply fails before anything expensive starts.
    let grounds = places::grounds(path, asked.allow_outside)?;
    let outputs = session.config.outputs(&grounds)?;
    if asked.wants("build") {
        session.tools()?;
    }
    if asked.wants(REPORT) {
        hand_over::check(&session.config, &outputs)?;
    }
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    if asked.wants("quantize") {
        quantize::run(&session, &inputs)?;
    }
    if asked.wants("build") {
        build::run(&session)?;
    }
    if asked.wants("run") {
        run::run(&session)?;
    }
    let mut report = None;
    if asked.wants(REPORT) {
        let from = last_run::MadeFrom::now(&session, &inputs)?;
        let made = report::of(&session, &from)?;
        let files = report::write(&session, &made, &outputs.reports)?;
        last_run::remember(&session, from, files)?;
        report = Some(made);
    }
    session.progress.clear();
    Ok(Outcome {
        session,
        inputs,
        outputs,
        report,
    })
}

/// The folder of the reports of the pipeline at `path`.
pub fn reports_of(path: &Path) -> Result<PathBuf, Failure> {
    Ok(report::folder(&spinney_config::load(path)?))
}

/// What was last run, judged by today's gates.
pub struct Judged {
    /// The pipeline, with its artifacts.
    pub session: Session,
    /// What was found, and the gates that need no baseline.
    pub report: Report,
    /// What moved since the baseline, where there is one.
    pub moved: Option<baseline::Moved>,
}

/// Judges today's gates on what the pipeline at `path` last ran; runs nothing.
///
/// # Errors
/// There is no whole run of today's config and inputs, or the baseline is none.
pub fn check(path: &Path, baseline: Option<&Path>, progress: Progress) -> Result<Judged, Failure> {
    let session = Session::open(path, progress)?;
    let config = &session.config;
    baseline::is_there(config, baseline.is_some())?;
    let before = baseline
        .map(|baseline| baseline::read(baseline, &config.pipeline.identity.name))
        .transpose()?;
    let inputs = inputs::read(config)?;
    let report = report::judge_last(&session, &inputs)?;
    last_run::check_reports(&session, &report::folder(config))
        .map_err(|doubt| doubt.told(config))?;
    let moved = before.map(|before| baseline::compare(config, &before, &report));
    Ok(Judged {
        session,
        report,
        moved,
    })
}

/// Asks the checker about the last run's image: every split is decided anew from its bytes.
///
/// # Errors
/// There is no whole run of today's config and inputs, or the emulator is missing. What the checker
/// finds is no error here.
pub fn verify(path: &Path, progress: Progress) -> Result<(Session, checked::Checked), Failure> {
    let (session, inputs) = Session::with_inputs(path, progress)?;
    // Says so where there is no run, or one of another config.
    report::judge_last(&session, &inputs)?;
    let product = session.made("run")?.read(run::PRODUCT_ELF)?;
    let (index, candidates) = forms_of(&session)?;
    let shipped = candidates::form(&session, quantize::CANDIDATES, &candidates[index])?;
    let emulator = found_emulator(&session.config)?;
    let subject = checked::Subject {
        product: &product,
        index,
        candidates: &candidates,
        header: shipped.header.as_deref(),
        emulator: emulator.as_ref(),
    };
    let checked = checked::run(&session, &subject)?;
    session.progress.clear();
    Ok((session, checked))
}

/// What ships, of a run that today's config and inputs would make again.
pub struct Product {
    /// The config.
    pub config: Config,
    /// The product image.
    pub elf: Vec<u8>,
    /// The form of the model that it holds.
    pub form: candidates::Form,
    /// Instructions of a prediction from readings, on average; `None` where it did not run.
    pub instructions: Option<f64>,
    /// A folder that no stage owns.
    pub scratch: PathBuf,
}

/// What the last run of the pipeline at `path` ships; says so if gates do not hold for it.
pub fn product(path: &Path, progress: Progress) -> Result<Product, Failure> {
    let (session, inputs) = Session::with_inputs(path, progress)?;
    let report = report::judge_last(&session, &inputs)?;
    if !report.passes() {
        session.progress.note(&format!(
            "not all gates hold for this image; {} shows them",
            invocation::verb("pipeline check")
        ));
    }
    let elf = session.made("run")?.read(run::PRODUCT_ELF)?;
    let result: run::RunResult = session.made("run")?.read_json(run::DEVICE)?;
    Ok(Product {
        elf,
        form: shipped(&session)?,
        instructions: result.ran().map(|run| run.instructions.mean),
        scratch: session.scratch("firmware"),
        config: session.config,
    })
}

/// The forms of the model, and which of them ships.
fn forms_of(session: &Session) -> Result<(usize, Vec<candidates::Candidate>), Failure> {
    let choice: candidates::Choice = session.made("run")?.read_json(run::CHOICE)?;
    Ok((choice.chosen, candidates::of(session)?))
}

fn shipped(session: &Session) -> Result<candidates::Form, Failure> {
    let (chosen, candidates) = forms_of(session)?;
    candidates::form(session, quantize::CANDIDATES, &candidates[chosen])
}

/// The model of the last run of the pipeline at `path` and its quantization; where there is no run of
/// today's config, the model is trained if it is not yet.
pub fn quantized(path: &Path, progress: Progress) -> Result<Quantized, Failure> {
    quantized_by(path, progress, last_run::is_there)
}

/// As [`quantized()`], by this program, whatever the last run was made by.
pub fn quantized_anew(path: &Path, progress: Progress) -> Result<Quantized, Failure> {
    quantized_by(path, progress, |_, _| Ok(false))
}

fn quantized_by(
    path: &Path,
    progress: Progress,
    has_model: impl FnOnce(&Session, &Inputs) -> Result<bool, Failure>,
) -> Result<Quantized, Failure> {
    let (session, inputs) = Session::with_inputs(path, progress)?;
    if !has_model(&session, &inputs)? {
        model::run(&session, &inputs)?;
    }
    let quantized = quantized::prepare(&session, &inputs)?;
    session.progress.clear();
    Ok(quantized)
}

/// The rows that the front end of the pipeline at `path` makes of its recordings.
pub fn features_of(path: &Path, progress: Progress) -> Result<inputs::PipelineRows, Failure> {
    let session = Session::open(path, progress)?;
    if session.config.pipeline.frontend.is_none() {
        return Err(Failure::Input(anyhow!(
            "{}: found no [frontend], expected one: it is what features are made by",
            path.display()
        )));
    }
    let inputs = inputs::read(&session.config)?;
    inputs::rows(&session.config, &inputs, Task::Classify, None)
}

/// The plainest crate of the model of the pipeline at `path`.
pub fn crate_of(path: &Path, progress: Progress) -> Result<SourceTree, Failure> {
    let (session, inputs) = Session::with_inputs(path, progress)?;
    model::run(&session, &inputs)?;
    quantize::run(&session, &inputs)?;
    session.progress.clear();
    let candidates = candidates::of(&session)?;
    let plainest = candidates.iter().find(|candidate| candidate.is_offered);
    let plainest = plainest.context("the model has no form").environment()?;
    Ok(candidates::form(&session, quantize::CANDIDATES, plainest)?.files)
}
