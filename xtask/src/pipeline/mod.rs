//! `pipeline`: every stage from config to report, and the gates.

mod baseline;
mod build;
mod candidates;
mod checked;
mod chip;
mod claim;
mod coded;
#[cfg(test)]
mod drawn;
mod exit;
mod faults;
mod folders;
mod graph;
mod hand_over;
mod hints;
mod inputs;
mod last_run;
mod list;
mod model;
mod motion;
mod moved;
mod node;
mod product;
mod quantize;
mod recordings;
mod report;
mod run;
mod session;
mod signals;
mod so_far;
mod stages;
mod summary;
mod verbs;
mod why;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::Machine;
use spinney_codegen::SourceTree;
use spinney_config::{Config, Emulator, Outputs, Prefer};
use spinney_report::Report;

use crate::environment::{self, Toolchain};
use crate::failure::{Blame, Failure};
use crate::places;
use crate::progress::Progress;
use crate::terminal;
pub(crate) use session::Session;
use stages::REPORT;
pub(crate) use verbs::{Talk, Verb, run as run_verb};

pub(crate) use build::product_image;
pub(crate) use candidates::options_for;
pub(crate) use faults::run as plant_faults;
use inputs::Inputs;
pub(crate) use inputs::{at_fault, matches, program_digest};
pub(crate) use moved::moved;
pub(crate) use quantize::{Quantized, forms};

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
    Ok(Tools {
        toolchain,
        emulator: found_emulator(config)?,
    })
}

/// The emulator that a config asks for, if it does, and if it is here.
fn found_emulator(config: &Config) -> Result<Option<FoundEmulator>, Failure> {
    let target = &config.pipeline.target;
    Ok(match target.board {
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
    })
}

/// What a run is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The last stage to run; all, if none is named.
    pub until: Option<&'a str>,
    /// Whether stages run even if nothing changed.
    pub force: bool,
    /// Whether the config may write outside of its own folder.
    pub allow_outside: bool,
    /// What stdout and stderr get to say.
    pub talk: Talk,
}

/// `pipeline run`.
pub(crate) fn run(path: &Path, asked: Asked<'_>) -> Result<(), Failure> {
    let mut session = Session::open(path)?;
    session.force = asked.force;
    session.progress = match asked.talk {
        Talk::Summary => Progress::new(),
        Talk::Quiet | Talk::Json => Progress::none(),
    };
    let wants = |stage: &str| {
        let position = |name: &str| stages::names().iter().position(|stage| *stage == name);
        asked
            .until
            .is_none_or(|until| position(stage) <= position(until))
    };
    // Whatever can fail cheaply fails before anything expensive starts.
    let grounds = places::grounds(path, asked.allow_outside)?;
    let outputs = session.config.outputs(&grounds)?;
    let tools = wants("build").then(|| tools(&session.config)).transpose()?;
    if wants(REPORT) {
        hand_over::check(&session.config, &outputs)?;
    }
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    if wants("quantize") {
        quantize::run(&session, &inputs)?;
    }
    let until = asked.until.unwrap_or(REPORT);
    let Some(tools) = tools else {
        return so_far::tell(&session, path, (&inputs, None), until, asked.talk);
    };
    build::run(&session, &tools)?;
    if wants("run") {
        run::run(&session, &tools)?;
    }
    if !wants(REPORT) {
        return so_far::tell(&session, path, (&inputs, Some(&tools)), until, asked.talk);
    }
    let from = last_run::MadeFrom::now(&session, &inputs, &tools)?;
    let report = report::of(&session, &from)?;
    let files = report::write(&session, &report, &outputs.reports)?;
    last_run::remember(&session, from, files)?;
    session.progress.clear();
    let outcome = conclude(&report, asked.talk);
    if asked.talk == Talk::Summary {
        hints::print(&session, path, &report.verdicts)?;
    }
    if outcome.is_ok() {
        hand_over::run(&session, &outputs)?;
    }
    if asked.talk == Talk::Summary {
        tell_files(&session, &report, &outputs, outcome.is_ok())?;
    }
    outcome
}

/// Says where the files are that a run wrote.
fn tell_files(
    session: &Session,
    report: &Report,
    outputs: &Outputs,
    passes: bool,
) -> Result<(), Failure> {
    for file in ["report.md", "report.html"] {
        println!("report: {}", shown(&outputs.reports).join(file).display());
    }
    let pipeline = &session.config.pipeline;
    for gate in baseline::gates(&session.config) {
        let (_, key) = gate.rsplit_once('.').unwrap_or(("", gate));
        println!(
            "{key}: for {} to judge",
            typed(&session.config, "pipeline check", " --baseline FILE")
        );
    }
    let made = session.made("run")?;
    let chip = &pipeline.target.chip;
    let elf = shown(&made.path(run::PRODUCT_ELF));
    println!("firmware: {}, an ELF for the {}", elf.display(), chip.name);
    if passes && chip.boot.missing().is_none() {
        let flash = typed(&session.config, "flash", " --dry-run");
        println!("next: {flash} says what would be written; without --dry-run, a probe writes it");
    }
    if let Some(note) = crate::new::other_chip(&session.config) {
        println!("note: {note}");
    }
    if let (true, Some(folder)) = (passes, &outputs.crate_folder) {
        println!("crate: {}", shown(folder).display());
    }
    if let (true, Some(header)) = (passes, &outputs.header) {
        println!("header: {}", shown(header).display());
    }
    for export in &report.exports {
        let path = shown(&made.path(&export.path));
        println!("{}: {} ({})", export.kind, path.display(), export.form);
        for note in &export.notes {
            println!("{}: {note}", export.kind);
        }
    }
    Ok(())
}

/// A verb as it is to be typed for the pipeline of `config`.
fn typed(config: &Config, verb: &str, flags: &str) -> String {
    let path = shown(config.path());
    let named = if path == Path::new("pipeline.toml") {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    format!("`cargo xtask {verb}{named}{flags}`")
}

/// The folder of the reports of the pipeline at `path`.
pub(crate) fn reports_of(path: &Path) -> Result<PathBuf, Failure> {
    Ok(report::folder(&spinney_config::load(path)?))
}

/// `pipeline check`.
pub(crate) fn check(
    path: &Path,
    against: Option<baseline::Against<'_>>,
    talk: Talk,
) -> Result<(), Failure> {
    let session = Session::open(path)?;
    let config = &session.config;
    baseline::is_there(config, against.is_some())?;
    let before = against
        .map(|against| against.read(&config.pipeline.identity.name))
        .transpose()?;
    let inputs = inputs::read(config)?;
    let mut report = report::judge_last(&session, &inputs)?;
    last_run::check_reports(&session, &report::folder(config))
        .map_err(|doubt| doubt.told(config))?;
    // JSON is one object, so that it waits for the gates against the baseline.
    if talk != Talk::Json {
        let _ = conclude(&report, talk);
    }
    if talk == Talk::Summary {
        hints::print(&session, path, &report.verdicts)?;
    }
    if let (Some(against), Some(before)) = (against, before) {
        let verdicts = against.compare(config, &before, &report, talk)?;
        report.verdicts.extend(verdicts);
    }
    if talk == Talk::Json {
        terminal::json_text(&report.to_json());
    }
    if report.passes() {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}

/// `certificate verify`: the checker on the last run's image.
pub(crate) fn verify(path: &Path, json: bool) -> Result<(), Failure> {
    let session = Session::open(path)?;
    let inputs = inputs::read(&session.config)?;
    // Says so where there is no run, or one of another config.
    report::judge_last(&session, &inputs)?;
    let product = session.made("run")?.read(run::PRODUCT_ELF)?;
    let (index, candidates) = forms_of(&session)?;
    let checked = checked::run(
        &session,
        &checked::Subject {
            product: &product,
            index,
            candidates: &candidates,
            emulator: found_emulator(&session.config)?.as_ref(),
        },
    )?;
    session.progress.clear();
    if json {
        terminal::json(&checked).environment()?;
    } else {
        print!("{}", checked.text(&session.config.pipeline.identity.name));
    }
    if checked.passes() {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}

/// What ships, of a run that today's config and inputs would make again.
pub(crate) struct Product {
    pub config: Config,
    pub elf: Vec<u8>,
    pub chosen: Chosen,
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

/// What the last run of the pipeline at `path` ships; says so if gates do not hold for it.
pub(crate) fn product(path: &Path) -> Result<Product, Failure> {
    let session = Session::open(path)?;
    let inputs = inputs::read(&session.config)?;
    let report = report::judge_last(&session, &inputs)?;
    if !report.passes() {
        eprintln!(
            "note: not all gates hold for this image; `cargo xtask pipeline check` shows them"
        );
    }
    let elf = session.made("run")?.read(run::PRODUCT_ELF)?;
    let candidate = shipped(&session)?;
    let chosen = Chosen {
        name: session.config.pipeline.identity.name.clone(),
        early_exit: candidate.early_exit,
        is_fast: session.config.pipeline.codegen.prefer == Prefer::Speed || candidate.is_code(),
        files: candidate.files,
        scratch: session.scratch("firmware"),
    };
    Ok(Product {
        config: session.config,
        elf,
        chosen,
    })
}

/// The forms of the model, and which of them ships.
fn forms_of(session: &Session) -> Result<(usize, Vec<candidates::Candidate>), Failure> {
    let choice: candidates::Choice = session.made("run")?.read_json(run::CHOICE)?;
    let candidates: Vec<_> = session.made("quantize")?.read_json(quantize::CANDIDATES)?;
    Ok((choice.chosen, candidates))
}

/// The form that ships.
fn shipped(session: &Session) -> Result<candidates::Candidate, Failure> {
    let (chosen, mut candidates) = forms_of(session)?;
    Ok(candidates.swap_remove(chosen))
}

/// The model of the last run of the pipeline at `path` and its quantization; where there is no run of
/// today's config, the model is trained if it is not yet.
pub(crate) fn quantized(path: &Path) -> Result<Quantized, Failure> {
    quantized_by(path, last_run::is_there)
}

/// As [`quantized`], by this program, whatever the last run was made by.
pub(crate) fn quantized_anew(path: &Path) -> Result<Quantized, Failure> {
    quantized_by(path, |_, _| Ok(false))
}

fn quantized_by(
    path: &Path,
    has_model: impl FnOnce(&Session, &Inputs) -> Result<bool, Failure>,
) -> Result<Quantized, Failure> {
    let session = Session::open(path)?;
    let inputs = inputs::read(&session.config)?;
    if !has_model(&session, &inputs)? {
        model::run(&session, &inputs)?;
    }
    let quantized = quantize::prepare(&session, &inputs)?;
    session.progress.clear();
    Ok(quantized)
}

/// The rows that the front end of the pipeline at `path` makes of its recordings.
pub(crate) fn features_of(path: &Path) -> Result<inputs::PipelineRows, Failure> {
    let session = Session::open(path)?;
    if session.config.pipeline.frontend.is_none() {
        return Err(Failure::Input(anyhow!(
            "{}: found no [frontend], expected one: it is what features are made by",
            path.display()
        )));
    }
    let inputs = inputs::read(&session.config)?;
    inputs::rows(&session.config, &inputs, None)
}

/// The plainest crate of the model of the pipeline at `path`.
pub(crate) fn crate_of(path: &Path) -> Result<SourceTree, Failure> {
    let session = Session::open(path)?;
    let inputs = inputs::read(&session.config)?;
    model::run(&session, &inputs)?;
    quantize::run(&session, &inputs)?;
    session.progress.clear();
    let candidates: Vec<candidates::Candidate> =
        session.made("quantize")?.read_json(quantize::CANDIDATES)?;
    candidates
        .into_iter()
        .find(|candidate| candidate.is_offered)
        .map(|candidate| candidate.files)
        .context("the model has no form")
        .environment()
}

/// Tells how it went, and whether all gates hold.
fn conclude(report: &Report, talk: Talk) -> Result<(), Failure> {
    match talk {
        Talk::Summary => terminal::styled(&summary::text(report)),
        Talk::Quiet => {
            terminal::styled(&summary::failures(&report.pipeline, &report.verdicts));
        }
        Talk::Json => terminal::json_text(&report.to_json()),
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
