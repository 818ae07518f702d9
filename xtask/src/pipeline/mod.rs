//! `pipeline`: every stage from config to report, and the gates.

mod baseline;
mod build;
mod candidates;
mod exit;
mod hand_over;
mod inputs;
mod model;
mod moved;
mod node;
mod quantize;
mod report;
mod signals;
mod summary;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::Machine;
use spinney_codegen::SourceTree;
use spinney_config::{Config, Emulator, Prefer};
use spinney_report::Report;

use crate::environment::{self, Toolchain};
use crate::failure::{Blame, Failure};
use crate::progress::Progress;
use crate::store::Stage;
use crate::{places, store};

pub(crate) use candidates::options_for;
pub(crate) use inputs::{at_fault, program_digest};
pub(crate) use moved::moved;
pub(crate) use quantize::Quantized;

/// The stages, in the order of the flow.
pub(crate) const STAGES: [&str; 5] = ["model", "quantize", "build", "run", "report"];

/// One pipeline at work.
pub(crate) struct Session {
    pub config: Config,
    pub force: bool,
    pub progress: Progress,
    artifacts: PathBuf,
    /// Held for as long as the session lives, so that two runs do not mix their artifacts.
    _lock: File,
}

impl Session {
    fn open(path: &Path, force: bool) -> Result<Self, Failure> {
        let config = spinney_config::load(path)?;
        let artifacts = places::artifacts(&config.pipeline.identity.name)?;
        std::fs::create_dir_all(&artifacts)
            .with_context(|| format!("cannot create {}", artifacts.display()))
            .environment()?;
        let lock = File::create(artifacts.join("lock")).environment()?;
        lock.lock().environment()?;
        Ok(Self {
            config,
            force,
            progress: Progress::new(),
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

    /// The stage's last results if they were made from the same inputs.
    pub(crate) fn reusable(&self, stage: &Stage, inputs: &store::Inputs) -> bool {
        !self.force && stage.stamp().is_some_and(|stamp| stamp.inputs == *inputs)
    }
}

/// What is needed to build and run, found before anything expensive starts.
pub(crate) struct Tools {
    pub toolchain: Toolchain,
    pub emulator: Option<FoundEmulator>,
}

pub(crate) struct FoundEmulator {
    pub machine: &'static Machine,
    pub program: PathBuf,
    pub version: String,
}

fn tools(config: &Config) -> Result<Tools, Failure> {
    let target = &config.pipeline.target;
    let triple = target.chip.core.target();
    let toolchain = environment::toolchain(triple)
        .with_context(|| {
            format!("no compiler for {triple} is here; `cargo xtask setup` installs one")
        })
        .environment()?;
    let emulator = match target.board {
        None => None,
        Some(machine) => match environment::emulator(machine) {
            Some((program, version)) => Some(FoundEmulator {
                machine,
                program,
                version,
            }),
            None if target.emulator == Emulator::Optional => None,
            None => {
                return Err(Failure::Environment(anyhow!(
                    "the emulator {} is not here; `cargo xtask setup` installs it, and \
                     `emulator = \"optional\"` in [target] does without",
                    machine.qemu
                )));
            }
        },
    };
    Ok(Tools {
        toolchain,
        emulator,
    })
}

/// `pipeline run`.
pub(crate) fn run(path: &Path, until: Option<&str>, force: bool) -> Result<(), Failure> {
    let session = Session::open(path, force)?;
    let wants = |stage: &str| {
        let position = |name: &str| STAGES.iter().position(|stage| *stage == name);
        until.is_none_or(|until| position(stage) <= position(until))
    };
    // Whatever can fail cheaply fails before anything expensive starts.
    let tools = wants("build").then(|| tools(&session.config)).transpose()?;
    let reports = report::folder(&session.config);
    if wants("report") {
        report::check_writable(&reports)?;
    }
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    if wants("quantize") {
        quantize::run(&session, &inputs)?;
    }
    let Some(tools) = tools else {
        return Ok(());
    };
    build::run(&session, &tools)?;
    if wants("run") {
        build::execute(&session, &tools)?;
    }
    if !wants("report") {
        return Ok(());
    }
    let report = report::assemble(&session, &inputs, Some(&tools))?;
    report::write(&session, &report, &reports)?;
    session.progress.clear();
    let outcome = conclude(&report, Some(&reports));
    if session.config.pipeline.budget.max_flash_growth.is_some() {
        println!("max_flash_growth: for `cargo xtask pipeline check --baseline FILE` to judge");
    }
    if let (Ok(()), Some(folder)) = (&outcome, &session.config.pipeline.codegen.crate_folder) {
        hand_over::crate_to(&session, &folder.full)?;
        println!("crate: {}", shown(&folder.full).display());
    }
    let made = session.stage("run");
    for export in &report.exports {
        let path = shown(&made.path(&export.path));
        println!("{}: {} ({})", export.kind, path.display(), export.form);
        for note in &export.notes {
            println!("{}: {note}", export.kind);
        }
    }
    outcome
}

/// The folder of the reports of the pipeline at `path`.
pub(crate) fn reports_of(path: &Path) -> Result<PathBuf, Failure> {
    Ok(report::folder(&spinney_config::load(path)?))
}

/// `pipeline check`.
pub(crate) fn check(path: &Path, baseline: Option<&Path>) -> Result<(), Failure> {
    let session = Session::open(path, false)?;
    let config = &session.config;
    baseline::is_there(config, baseline)?;
    let before = baseline
        .map(|path| baseline::read(path, &config.pipeline.identity.name))
        .transpose()?;
    let inputs = inputs::read(config)?;
    let report = report::judge_last(&session, &inputs)?;
    let outcome = conclude(&report, None);
    if let Some(before) = before {
        let growth = baseline::compare(config, &before, &report)?;
        if growth.is_some_and(|growth| !growth.pass) {
            return Err(Failure::Gate);
        }
    }
    outcome
}

/// The image that ships, of a run that today's config and inputs would make again.
pub(crate) struct Product {
    pub config: Config,
    pub elf: Vec<u8>,
}

/// The image of the last run of the pipeline at `path`; says so if gates do not hold for it.
pub(crate) fn product(path: &Path) -> Result<Product, Failure> {
    let session = Session::open(path, false)?;
    let inputs = inputs::read(&session.config)?;
    let report = report::judge_last(&session, &inputs)?;
    if !report.passes() {
        eprintln!(
            "note: not all gates hold for this image; `cargo xtask pipeline check` shows them"
        );
    }
    let elf = session
        .stage("run")
        .read(build::PRODUCT_ELF)
        .environment()?;
    Ok(Product {
        config: session.config,
        elf,
    })
}

/// What the last run chose to ship.
pub(crate) struct Chosen {
    /// The pipeline's name.
    pub name: String,
    pub files: SourceTree,
    /// Whether trees are left out once the class is certain.
    pub early_exit: bool,
    /// Whether it is optimized for speed.
    pub is_fast: bool,
    /// A folder that no stage owns.
    pub scratch: PathBuf,
}

/// The crate that the last run of the pipeline at `path` chose.
pub(crate) fn chosen(path: &Path) -> Result<Chosen, Failure> {
    let session = Session::open(path, false)?;
    let choice: candidates::Choice = session
        .stage("run")
        .read_json(build::CHOICE)
        .environment()?;
    let candidates: Vec<candidates::Candidate> = session
        .stage("quantize")
        .read_json(quantize::CANDIDATES)
        .environment()?;
    let candidate = candidates
        .into_iter()
        .nth(choice.chosen)
        .context("the last run chose a form that is not there")
        .environment()?;
    Ok(Chosen {
        name: session.config.pipeline.identity.name.clone(),
        early_exit: candidate.early_exit,
        is_fast: session.config.pipeline.codegen.prefer == Prefer::Speed || candidate.is_code(),
        files: candidate.files,
        scratch: session.scratch("firmware"),
    })
}

/// The model of the pipeline at `path`, trained if it is not yet, and its quantization.
pub(crate) fn quantized(path: &Path) -> Result<Quantized, Failure> {
    let session = Session::open(path, false)?;
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    let quantized = quantize::prepare(&session, &inputs)?;
    session.progress.clear();
    Ok(quantized)
}

/// The rows that the front end of the pipeline at `path` makes of its recordings.
pub(crate) fn features_of(path: &Path) -> Result<inputs::PipelineRows, Failure> {
    let session = Session::open(path, false)?;
    if session.config.pipeline.frontend.is_none() {
        return Err(Failure::Input(anyhow!(
            "{}: found no [frontend], expected one: it is what features are made by",
            path.display()
        )));
    }
    let inputs = inputs::read(&session.config)?;
    inputs::rows(&session.config, &inputs)
}

/// The plainest crate of the model of the pipeline at `path`.
pub(crate) fn crate_of(path: &Path) -> Result<SourceTree, Failure> {
    let session = Session::open(path, false)?;
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    quantize::run(&session, &inputs)?;
    session.progress.clear();
    let candidates: Vec<candidates::Candidate> = session
        .stage("quantize")
        .read_json(quantize::CANDIDATES)
        .environment()?;
    candidates
        .into_iter()
        .find(|candidate| candidate.is_offered)
        .map(|candidate| candidate.files)
        .context("the model has no form")
        .environment()
}

/// The fingerprint that images of the pipeline at `path` tell, once its model is trained.
pub(crate) fn fingerprint(path: &Path) -> Result<String, Failure> {
    let session = Session::open(path, false)?;
    let frozen = session.stage("model").read(model::MODEL).environment()?;
    Ok(store::sha256(&frozen)["sha256:".len()..].to_owned())
}

fn conclude(report: &Report, reports: Option<&Path>) -> Result<(), Failure> {
    print!("{}", summary::text(report));
    if let Some(reports) = reports {
        println!("report: {}", shown(reports).join("report.md").display());
    }
    if report.passes() {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}

/// A path as a reader would type it: relative to where they are, if it lies below.
fn shown(path: &Path) -> PathBuf {
    let mut full = PathBuf::new();
    for part in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .components()
    {
        match part {
            std::path::Component::ParentDir => {
                full.pop();
            }
            part => full.push(part),
        }
    }
    std::env::current_dir()
        .ok()
        .and_then(|here| full.strip_prefix(here).ok().map(Path::to_path_buf))
        .unwrap_or(full)
}
