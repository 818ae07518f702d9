//! Stages `build` and `run`: images and their footprint, and the verify image in the emulator.

use serde::{Deserialize, Serialize};
use spinney_board::Region;
use spinney_codegen::SourceTree;
use spinney_config::{LogLevel, Prefer};
use spinney_evaluate::{DeviceRun, Footprint, Predictions, RunContext, read_outcomes};

use super::quantize::{EMPTY_CRATE, MODEL_CRATE, PREDICTIONS, ROWS};
use super::{Session, Tools};
use crate::emulator::{self, Ended};
use crate::failure::{Blame, Failure};
use crate::image::{self, Image, Transport};
use crate::store::{self, sha256};

/// Footprints of the images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Footprints {
    /// The image that ships.
    pub product: Footprint,
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
const PRODUCT_ELF: &str = "product.elf";
const VERIFY_ELF: &str = "verify.elf";

/// Builds the images, unless nothing that they depend on has changed.
pub(crate) fn run(session: &Session, tools: &Tools) -> Result<(), Failure> {
    let pipeline = &session.config.pipeline;
    let stage = session.stage("build");
    let quantized = session.stage("quantize");
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
    let key: store::Inputs = [
        (
            "model crate",
            sha256(&quantized.read(MODEL_CRATE).environment()?),
        ),
        ("firmware", sha256(firmware_text.as_bytes())),
        (
            "[target], [firmware], [codegen]",
            sha256(sections.as_bytes()),
        ),
        ("compiler", tools.toolchain.version.clone()),
        ("linker", tools.toolchain.linker.version()),
        ("name", pipeline.identity.name.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if session.reusable(&stage, &key) {
        return Ok(());
    }
    let model: SourceTree = quantized.read_json(MODEL_CRATE).environment()?;
    let empty: SourceTree = quantized.read_json(EMPTY_CRATE).environment()?;
    let package = format!("{}-model", pipeline.identity.name);
    let chip = (pipeline.target.chip.flash, pipeline.target.chip.ram);
    let build = |model: &SourceTree, memory: (Region, Region), transport: Transport, name: &str| {
        session.progress.doing(&format!(
            "building the {name} image for {}",
            pipeline.target.chip.name
        ));
        image::build(
            &Image {
                model,
                model_package: &package,
                memory,
                target: pipeline.target.chip.core.target(),
                log: log_level(pipeline.firmware.log),
                for_speed: pipeline.codegen.prefer == Prefer::Speed,
                transport,
            },
            &firmware,
            &tools.toolchain,
            &session.scratch("firmware").join(name),
        )
    };
    let product = build(&model, chip, Transport::Product, "product")?;
    let empty = build(&empty, chip, Transport::Product, "empty")?;
    let verify = machine
        .map(|machine| {
            build(
                &model,
                (machine.flash, machine.ram),
                Transport::Verify,
                "verify",
            )
        })
        .transpose()?;
    let footprints = Footprints {
        product: Footprint::from_elf(&product).environment()?,
        empty: Footprint::from_elf(&empty).environment()?,
    };
    let mut writer = stage.begin().environment()?;
    writer.write(PRODUCT_ELF, &product).environment()?;
    if let Some(verify) = &verify {
        writer.write(VERIFY_ELF, verify).environment()?;
    }
    writer.write_json(FOOTPRINTS, &footprints).environment()?;
    writer.finish(key).environment()?;
    Ok(())
}

fn log_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Off => "off",
    }
}

/// Runs the verify image, unless nothing that the run depends on has changed.
pub(crate) fn execute(session: &Session, tools: &Tools) -> Result<(), Failure> {
    let pipeline = &session.config.pipeline;
    let stage = session.stage("run");
    let built = session.stage("build");
    let quantized = session.stage("quantize");
    let predictions_bytes = quantized.read(PREDICTIONS).environment()?;
    let rows = quantized.read(ROWS).environment()?;
    let mut key: store::Inputs = [
        ("predictions".to_owned(), sha256(&predictions_bytes)),
        ("rows".to_owned(), sha256(&rows)),
        (
            "deadline_s".to_owned(),
            pipeline.firmware.deadline_s.to_string(),
        ),
    ]
    .into();
    if let Some(emulator) = &tools.emulator {
        let verify = built.read(VERIFY_ELF).environment()?;
        key.insert("image".to_owned(), sha256(&verify));
        key.insert("emulator".to_owned(), emulator.version.clone());
        key.insert("machine".to_owned(), emulator.machine.name.to_owned());
    }
    if session.reusable(&stage, &key) {
        return Ok(());
    }
    let (result, log) = match &tools.emulator {
        None => (RunResult::NotRequired, String::new()),
        Some(emulator) => {
            session.progress.doing(&format!(
                "running the test rows on the emulated {}",
                emulator.machine.name
            ));
            let verify = built.read(VERIFY_ELF).environment()?;
            let run = emulator::run(
                &emulator.program,
                emulator.machine,
                &built.path(VERIFY_ELF),
                &Footprint::from_elf(&verify).environment()?,
                &rows,
                pipeline.firmware.deadline_s,
            )?;
            let predictions: Predictions =
                serde_json::from_slice(&predictions_bytes).environment()?;
            let summary: super::quantize::Summary = quantized
                .read_json(super::quantize::SUMMARY)
                .environment()?;
            let result = match run.ended {
                Ended::Failed(reason) => RunResult::Failed(reason),
                Ended::Outcomes(bytes) => {
                    let context = RunContext {
                        n_features: summary.features.len(),
                        n_classes: predictions.scores.first().map_or(0, Vec::len),
                        timer: emulator.machine.timer,
                        predictions: &predictions,
                    };
                    read_outcomes(&bytes, context)
                        .map_or_else(|error| RunResult::Failed(error.to_string()), RunResult::Ran)
                }
            };
            (result, run.log)
        }
    };
    let mut writer = stage.begin().environment()?;
    writer.write_json(DEVICE, &result).environment()?;
    writer.write("log.txt", log.as_bytes()).environment()?;
    writer.finish(key).environment()?;
    Ok(())
}
