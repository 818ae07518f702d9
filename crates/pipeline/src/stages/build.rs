//! Stage `build`: images and their footprint.

use serde::{Deserialize, Serialize};
use spinney_board::Boot;
use spinney_codegen::SourceTree;
use spinney_config::{LogLevel, Pipeline, Prefer};
use spinney_evaluate::Footprint;

use super::candidates::{self, Candidate};
use super::order::artifact_of;
use super::quantize::{CANDIDATES, EMPTY_CRATE};
use super::{Session, Tools};
use crate::failure::{ExitReason, Failure};
use crate::image::{self, Image, Transport};
use crate::store::{self, Stage, Writer, sha256};

/// Footprints of the images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprints {
    /// The image that would ship, per candidate; those not offered have none.
    pub products: Vec<Option<Footprint>>,
    /// The same image with an empty model.
    pub empty: Footprint,
}

/// What every image takes.
pub const FOOTPRINTS: &str = "footprints.json";

pub(super) fn product_elf(candidate: usize) -> String {
    format!("product-{candidate}.elf")
}

pub(super) fn verify_elf(candidate: usize) -> String {
    format!("verify-{candidate}.elf")
}

/// What the stage `build` depends on.
pub fn inputs(session: &Session, tools: &Tools) -> Result<store::Inputs, Failure> {
    let pipeline = &session.config.pipeline;
    let firmware = image::firmware_sources();
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
pub fn run(session: &Session, tools: &Tools) -> Result<(), Failure> {
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
    let firmware = image::firmware_sources();
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let candidates = candidates::of(session)?;
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
    let firmware = image::firmware_sources();
    build_one(session, tools, &firmware, Some(candidate), built)
}

/// An image to build.
pub(super) struct Built<'a> {
    pub name: String,
    pub files: &'a SourceTree,
    pub transport: Transport,
    pub takes_samples: bool,
}

pub(super) fn build_one(
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
        &session.progress,
    )
}

/// The image of a form as it ships on the config's chip; of no form, with an empty model.
pub fn product_image<'a>(
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
