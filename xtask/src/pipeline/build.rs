//! Stages `build` and `run`: images and their footprint, and the verify image in the emulator.

use serde::{Deserialize, Serialize};
use spinney_board::Boot;
use spinney_codegen::SourceTree;
use spinney_config::{LogLevel, Pipeline, Prefer};
use spinney_evaluate::{
    DeviceRun, Footprint, Predictions, RunContext, Splits, read_heard, read_outcomes,
};

use super::candidates::{Candidate, Figures, choose};
use super::checked::{self, CHECKED};
use super::quantize::{CANDIDATES, EMPTY_CRATE, PREDICTIONS, ROWS, SAMPLES, SUMMARY, Summary};
use super::stages::artifact_of;
use super::{FoundEmulator, Session, Tools, product, program_digest};
use crate::emulator::{self, Ended};
use crate::failure::{Blame, Failure};
use crate::image::{self, Image, Transport};
use crate::store::{self, Stage, Writer, sha256};

/// Footprints of the images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Footprints {
    /// The image that would ship, per candidate; those not offered have none.
    pub products: Vec<Option<Footprint>>,
    /// The same image with an empty model.
    pub empty: Footprint,
}

/// The outcome of a run, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum RunResult {
    /// The rows ran.
    Ran(DeviceRun),
    /// They did not, or not to the end.
    Failed(String),
    /// The config does without.
    NotRequired,
}

pub(crate) const FOOTPRINTS: &str = "footprints.json";
pub(crate) const DEVICE: &str = "device.json";
pub(crate) const CHOICE: &str = "choice.json";
pub(super) const PRODUCT_ELF: &str = "product.elf";

fn product_elf(candidate: usize) -> String {
    format!("product-{candidate}.elf")
}

pub(super) fn verify_elf(candidate: usize) -> String {
    format!("verify-{candidate}.elf")
}

/// What the stage `build` depends on.
pub(crate) fn inputs(session: &Session, tools: &Tools) -> Result<store::Inputs, Failure> {
    let pipeline = &session.config.pipeline;
    let firmware = image::firmware_sources()?;
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let sections = serde_json::to_string(&(
        &pipeline.target,
        &pipeline.firmware,
        &pipeline.codegen,
        machine,
    ))
    .environment()?;
    let firmware_text = serde_json::to_string(&firmware).environment()?;
    let settings = image::settings(
        &session.scratch("firmware"),
        pipeline.target.chip.core.target(),
    )
    .environment()?;
    let mut key: store::Inputs = [
        ("firmware", sha256(firmware_text.as_bytes())),
        (
            "[target], [firmware], [codegen]",
            sha256(sections.as_bytes()),
        ),
        ("compiler", tools.toolchain.version.clone()),
        ("linker", tools.toolchain.linker_version.clone()),
        ("settings of cargo", sha256(settings.as_bytes())),
        ("name", pipeline.identity.name.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for artifact in [CANDIDATES, EMPTY_CRATE] {
        key.extend([artifact_of(session, "quantize", artifact)?]);
    }
    Ok(key)
}

/// Builds the images, unless nothing that they depend on has changed.
pub(crate) fn run(session: &Session, tools: &Tools) -> Result<(), Failure> {
    session.pass("build", inputs(session, tools)?, |stage| {
        build_all(session, tools, stage)
    })
}

fn build_all<'a>(
    session: &Session,
    tools: &Tools,
    stage: &'a Stage,
) -> Result<Writer<'a>, Failure> {
    let quantized = session.made("quantize")?;
    let firmware = image::firmware_sources()?;
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let candidates: Vec<Candidate> = quantized.read_json(CANDIDATES)?;
    let empty: SourceTree = quantized.read_json(EMPTY_CRATE)?;
    let build = |candidate: Option<&Candidate>, transport: Transport| {
        let name = match (candidate, transport) {
            (None, _) => "empty".to_owned(),
            (Some(candidate), transport) => format!("{} {}", candidate.name, transport.name()),
        };
        // Forms are measured from readings, and the one that ships from samples as well.
        let takes_samples = transport == Transport::Product;
        let files = candidate.map_or(&empty, |candidate| &candidate.files);
        build_one(
            session,
            tools,
            &firmware,
            candidate,
            Built {
                name,
                files,
                transport,
                takes_samples,
            },
        )
    };
    let mut writer = stage.begin().environment()?;
    let mut products = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let product = if candidate.is_offered {
            let product = build(Some(candidate), Transport::Product)?;
            writer.write(&product_elf(index), &product).environment()?;
            Some(Footprint::from_elf(&product).environment()?)
        } else {
            None
        };
        products.push(product);
        if machine.is_some() {
            let verify = build(Some(candidate), Transport::Verify)?;
            writer.write(&verify_elf(index), &verify).environment()?;
        }
    }
    let empty = build(None, Transport::Product)?;
    let footprints = Footprints {
        products,
        empty: Footprint::from_elf(&empty).environment()?,
    };
    writer.write_json(FOOTPRINTS, &footprints).environment()?;
    Ok(writer)
}

/// A verify image of a form that no stage built.
pub(super) fn verify_image(
    session: &Session,
    tools: &Tools,
    candidate: &Candidate,
    name: &str,
) -> Result<Vec<u8>, Failure> {
    let built = Built {
        name: name.to_owned(),
        files: &candidate.files,
        transport: Transport::Verify,
        takes_samples: false,
    };
    let firmware = image::firmware_sources()?;
    build_one(session, tools, &firmware, Some(candidate), built)
}

/// An image to build.
struct Built<'a> {
    name: String,
    files: &'a SourceTree,
    transport: Transport,
    takes_samples: bool,
}

fn build_one(
    session: &Session,
    tools: &Tools,
    firmware: &SourceTree,
    candidate: Option<&Candidate>,
    built: Built<'_>,
) -> Result<Vec<u8>, Failure> {
    let pipeline = &session.config.pipeline;
    let chip = &pipeline.target.chip;
    session.progress.doing(&format!(
        "building the {} image for {}",
        built.name, chip.name
    ));
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let package = format!("{}-model", pipeline.identity.name);
    let mut image = product_image(pipeline, &package, built.files, candidate);
    image.transport = built.transport;
    image.takes_samples = built.takes_samples;
    if let (Transport::Verify, Some(machine)) = (built.transport, machine) {
        image.memory = (machine.flash, machine.ram);
        image.boot = Boot::Direct;
    }
    image::build(
        &image,
        firmware,
        &tools.toolchain,
        &session
            .scratch("firmware")
            .join(built.name.replace([' ', ','], "-")),
    )
}

/// The image of a form as it ships on the config's chip; of no form, with an empty model.
pub(crate) fn product_image<'a>(
    pipeline: &'a Pipeline,
    package: &'a str,
    files: &'a SourceTree,
    form: Option<&Candidate>,
) -> Image<'a> {
    let chip = &pipeline.target.chip;
    Image {
        model: files,
        model_package: package,
        memory: (chip.flash, chip.ram),
        boot: chip.boot,
        core: chip.core,
        log: log_level(pipeline.firmware.log),
        // Branches hardly shrink where they are optimized for size, and slow down a lot.
        for_speed: pipeline.codegen.prefer == Prefer::Speed || form.is_some_and(Candidate::is_code),
        transport: Transport::Product,
        takes_samples: true,
        class_only: form.is_some_and(|form| form.early_exit),
    }
}

fn log_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Off => image::LOG_OFF,
    }
}

/// What the stage `run` depends on.
pub(crate) fn inputs_of_run(session: &Session, tools: &Tools) -> Result<store::Inputs, Failure> {
    let pipeline = &session.config.pipeline;
    let budgets = serde_json::to_string(&pipeline.budget).environment()?;
    let mut key: store::Inputs = [
        // The checker at the end of the stage is part of the program.
        ("program".to_owned(), program_digest()?),
        ("[budget]".to_owned(), sha256(budgets.as_bytes())),
        (
            "deadline_s".to_owned(),
            pipeline.firmware.deadline_s.to_string(),
        ),
    ]
    .into();
    // It measures, checks and hands on what they made, nearly all of it.
    for stage in ["model", "quantize", "build"] {
        for artifact in session.made(stage)?.artifacts().keys() {
            key.extend([artifact_of(session, stage, artifact)?]);
        }
    }
    if let Some(emulator) = &tools.emulator {
        key.insert("emulator".to_owned(), emulator.version.clone());
        key.insert("machine".to_owned(), emulator.machine.name.to_owned());
    }
    Ok(key)
}

/// Runs the verify images and chooses among the candidates, unless nothing that this depends on
/// has changed.
pub(crate) fn execute(session: &Session, tools: &Tools) -> Result<(), Failure> {
    session.pass("run", inputs_of_run(session, tools)?, |stage| {
        run_all(session, tools, stage)
    })
}

fn run_all<'a>(session: &Session, tools: &Tools, stage: &'a Stage) -> Result<Writer<'a>, Failure> {
    let pipeline = &session.config.pipeline;
    let built = session.made("build")?;
    let quantized = session.made("quantize")?;
    let candidates: Vec<Candidate> = quantized.read_json(CANDIDATES)?;
    let predictions: Predictions = quantized.read_json(PREDICTIONS)?;
    let rows = quantized.read(ROWS)?;
    let footprints: Footprints = built.read_json(FOOTPRINTS)?;
    let mut results = Vec::new();
    let mut logs = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let (result, log) = match &tools.emulator {
            None => (RunResult::NotRequired, String::new()),
            Some(emulator) => {
                session.progress.doing(&format!(
                    "running the test rows through {} on the emulated {}",
                    candidate.name, emulator.machine.name
                ));
                run_candidate(
                    session,
                    emulator,
                    index,
                    candidate.early_exit,
                    &rows,
                    &predictions,
                )?
            }
        };
        results.push(result);
        logs.push(log);
    }
    for (index, candidate) in candidates.iter().enumerate() {
        if let Some(scores_from) = candidate.scores_from {
            results[index] = with_scores(&results[index], &results[scores_from]);
        }
    }
    let figures: Vec<(&Candidate, Figures<'_>)> = candidates
        .iter()
        .zip(footprints.products.iter().zip(&results))
        .map(|(candidate, (product, result))| {
            let run = match result {
                RunResult::Ran(run) => Some(run),
                _ => None,
            };
            let product = product.as_ref().unwrap_or(&footprints.empty);
            (candidate, Figures { product, run })
        })
        .collect();
    let choice = choose(pipeline, &figures);
    let chosen = &candidates[choice.chosen];
    if pipeline.frontend.is_some()
        && let Some(emulator) = &tools.emulator
    {
        let context = Listening {
            session,
            tools,
            emulator,
            rows: &rows,
            predictions: &predictions,
        };
        results[choice.chosen] = listen(&context, chosen, &results[choice.chosen])?;
    }
    let product = built.read(&product_elf(choice.chosen))?;
    let samples = quantized.read(SAMPLES)?;
    let product_run = match (&tools.emulator, &results[choice.chosen]) {
        (Some(emulator), RunResult::Ran(_)) => {
            let subject = product::Subject {
                product: &product,
                chosen,
                rows: &rows,
                samples: &samples,
                predictions: &predictions,
            };
            product::run(session, tools, emulator, &subject)?
        }
        _ => None,
    };
    let device = product::with_product(&results[choice.chosen], product_run.as_ref());
    let checked = checked::run(
        session,
        &checked::Subject {
            product: &product,
            index: choice.chosen,
            candidates: &candidates,
            emulator: tools.emulator.as_ref(),
        },
    )?;
    let mut writer = stage.begin().environment()?;
    writer.write_json(CHECKED, &checked).environment()?;
    writer.write_json(CHOICE, &choice).environment()?;
    writer
        .write_json(product::PRODUCT_RUN, &product_run)
        .environment()?;
    writer.write_json(DEVICE, &device).environment()?;
    writer
        .write("log.txt", logs[choice.chosen].as_bytes())
        .environment()?;
    writer.write(PRODUCT_ELF, &product).environment()?;
    for (path, text) in &chosen.files {
        let path = format!("{}-model/{path}", pipeline.identity.name);
        writer.write(&path, text.as_bytes()).environment()?;
    }
    if let Some(header) = &chosen.header {
        writer
            .write(&header.path, header.text.as_bytes())
            .environment()?;
    }
    Ok(writer)
}

fn run_candidate(
    session: &Session,
    emulator: &FoundEmulator,
    index: usize,
    early_exit: bool,
    rows: &[u8],
    predictions: &Predictions,
) -> Result<(RunResult, String), Failure> {
    let verify = session.made("build")?.read(&verify_elf(index))?;
    let run = emulator::run(
        &emulator.program,
        emulator.machine,
        &verify,
        &Footprint::from_elf(&verify).environment()?,
        rows,
        session.config.pipeline.firmware.deadline_s,
    )?;
    let summary: Summary = session.made("quantize")?.read_json(SUMMARY)?;
    let passed = summary.passed;
    let result = match run.ended {
        Ended::Failed(reason) => RunResult::Failed(reason),
        Ended::Outcomes(bytes) => {
            let context = RunContext {
                n_features: summary.features.len(),
                n_classes: predictions.scores.first().map_or(0, Vec::len),
                timer: emulator.machine.timer,
                predictions,
                splits: passed.as_ref().map(|passed| Splits {
                    passed: if early_exit {
                        &passed.early
                    } else {
                        &passed.all
                    },
                    most: passed.most,
                }),
            };
            read_outcomes(&bytes, context)
                .map_or_else(|error| RunResult::Failed(error.to_string()), RunResult::Ran)
        }
    };
    Ok((result, run.log))
}

struct Listening<'a> {
    session: &'a Session,
    tools: &'a Tools,
    emulator: &'a FoundEmulator,
    rows: &'a [u8],
    predictions: &'a Predictions,
}

/// The run of the chosen form, with what the same form makes of the samples behind the rows.
fn listen(
    context: &Listening<'_>,
    chosen: &Candidate,
    from_readings: &RunResult,
) -> Result<RunResult, Failure> {
    let RunResult::Ran(from_readings) = from_readings else {
        return Ok(from_readings.clone());
    };
    let (session, machine) = (context.session, context.emulator.machine);
    let built = Built {
        name: "listening".to_owned(),
        files: &chosen.files,
        transport: Transport::Verify,
        takes_samples: true,
    };
    let firmware = image::firmware_sources()?;
    let elf = build_one(session, context.tools, &firmware, Some(chosen), built)?;
    let samples = session.made("quantize")?.read(SAMPLES)?;
    session.progress.doing(&format!(
        "listening to the test samples on the emulated {}",
        machine.name
    ));
    let run = emulator::run(
        &context.emulator.program,
        machine,
        &elf,
        &Footprint::from_elf(&elf).environment()?,
        &samples,
        session.config.pipeline.firmware.deadline_s,
    )?;
    let outcomes = match run.ended {
        Ended::Failed(reason) => {
            return Ok(RunResult::Failed(format!("from samples: {reason}")));
        }
        Ended::Outcomes(outcomes) => outcomes,
    };
    let summary: Summary = session.made("quantize")?.read_json(SUMMARY)?;
    let run_context = RunContext {
        n_features: summary.features.len(),
        n_classes: context.predictions.scores.first().map_or(0, Vec::len),
        timer: machine.timer,
        predictions: context.predictions,
        splits: None,
    };
    let n_rows = context.predictions.q15.len();
    let heard = run.heard.unwrap_or_default();
    let both = read_outcomes(&outcomes, run_context).and_then(|classes| {
        read_heard(&heard, &outcomes, context.rows, n_rows, machine.timer)
            .map(|heard| (classes, heard))
    });
    Ok(match both {
        Err(error) => RunResult::Failed(format!("from samples: {error}")),
        Ok((classes, heard)) => {
            let mut run = from_readings.clone();
            run.mismatches.extend(&classes.mismatches);
            run.mismatches.extend(&heard.mismatches);
            run.mismatches.sort_unstable();
            run.mismatches.dedup();
            run.stack_bytes_max = run
                .stack_bytes_max
                .max(classes.stack_bytes_max)
                .max(heard.stack_bytes_max);
            run.heard = Some(heard);
            RunResult::Ran(run)
        }
    })
}

/// A run that stops early, held also to the scores of the run of the same tables that does not.
fn with_scores(early: &RunResult, all: &RunResult) -> RunResult {
    match (early, all) {
        (RunResult::Ran(early), RunResult::Ran(all)) => {
            let mut run = early.clone();
            run.mismatches.extend(&all.mismatches);
            run.mismatches.sort_unstable();
            run.mismatches.dedup();
            RunResult::Ran(run)
        }
        (RunResult::Ran(_), RunResult::Failed(reason)) => {
            RunResult::Failed(format!("the image that gives the scores: {reason}"))
        }
        _ => early.clone(),
    }
}
