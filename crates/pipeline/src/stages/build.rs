//! Stage `build`: images and their footprint.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use spinney_board::Boot;
use spinney_config::{Pipeline, Prefer, Word};
use spinney_evaluate::Footprint;

use super::candidates::{self, Form, sources_of};
use super::order::artifact_of;
use super::quantize::{CANDIDATES, EMPTY_CRATE, SUMMARY, Summary};
use super::{Session, model, report};
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

/// Flash of an image without a model, about, where none was built yet.
const BASE_FLASH_BYTES: u64 = 2048;

/// What every image takes.
pub const FOOTPRINTS: &str = "footprints.json";

pub(super) fn product_elf(candidate: usize) -> String {
    format!("product-{candidate}.elf")
}

pub(super) fn verify_elf(candidate: usize) -> String {
    format!("verify-{candidate}.elf")
}

/// What the stage `build` depends on.
pub fn inputs(session: &Session) -> Result<store::Inputs, Failure> {
    let (pipeline, tools) = (&session.config.pipeline, session.tools()?);
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let sections = serde_json::to_string(&(
        &pipeline.target,
        &pipeline.firmware,
        &pipeline.codegen,
        machine,
    ))
    .environment()?;
    let firmware = serde_json::to_string(&image::firmware_sources()).environment()?;
    let target = pipeline.target.chip.core.target();
    let settings = image::settings(&session.scratch("firmware"), target).environment()?;
    let mut key: store::Inputs = [
        ("firmware", sha256(firmware.as_bytes())),
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
    key.extend(of_forms(session)?);
    Ok(key)
}

/// What images hold of the model.
pub(super) fn of_forms(session: &Session) -> Result<store::Inputs, Failure> {
    let empty = format!("{EMPTY_CRATE}/");
    let artifacts = [CANDIDATES, &sources_of(CANDIDATES), &empty];
    let named = |artifact| artifact_of(session, "quantize", artifact);
    artifacts.map(named).into_iter().collect()
}

/// Builds the images, unless nothing that they depend on has changed.
pub fn run(session: &Session) -> Result<(), Failure> {
    refuse_what_no_image_holds(session)?;
    session.pass("build", inputs(session)?, |stage| build_all(session, stage))
}

/// Refuses a model all of whose forms have tables that are larger than the chip's flash: a compiler
/// would take minutes over each.
fn refuse_what_no_image_holds(session: &Session) -> Result<(), Failure> {
    let chip = &session.config.pipeline.target.chip;
    let limit = u64::from(chip.flash.len);
    let candidates = candidates::of(session)?;
    let offered = candidates.iter().filter(|it| it.is_offered);
    let Some(least) = offered.min_by_key(|it| it.table_bytes) else {
        return Ok(());
    };
    let found = least.table_bytes as u64;
    if found <= limit {
        return Ok(());
    }
    let summary: Summary = session.made("quantize")?.read_json(SUMMARY)?;
    let model = model::load(session)?;
    let shape = report::shape(&session.config, &model, &summary, BASE_FLASH_BYTES);
    let ways_out = shape.map(|it| format!("; {}", it.ways_out(limit, found + BASE_FLASH_BYTES)));
    Err(Failure::Image(anyhow!(
        "found {found} bytes of tables in the smallest form of the model, {}, expected at most {limit}, \
         the flash of {}: {} bytes over, so no image was built{}",
        least.name,
        chip.name,
        found - limit,
        ways_out.unwrap_or_default()
    )))
}

fn build_all<'a>(session: &Session, stage: &'a Stage) -> Result<Writer<'a>, Failure> {
    let has_emulator = session.emulator()?.is_some();
    let candidates = candidates::of(session)?;
    let build = |form: &Form, transport: Transport| {
        let built = Built {
            name: format!("{} {}", form.about.name, transport.name()),
            folder: &form.about.name,
            form,
            transport,
            // Forms are measured from readings, and the one that ships from samples as well.
            takes_samples: transport == Transport::Product,
        };
        build_one(session, built)
    };
    let mut writer = stage.begin().environment()?;
    let mut products = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let form = candidates::form(session, CANDIDATES, candidate)?;
        products.push(None);
        if candidate.is_offered {
            let product = build(&form, Transport::Product)?;
            writer.write(&product_elf(index), &product)?;
            products[index] = Some(Footprint::from_elf(&product).environment()?);
        }
        if has_emulator {
            let verify = build(&form, Transport::Verify)?;
            writer.write(&verify_elf(index), &verify)?;
        }
    }
    let has_probabilities = candidates.iter().any(|it| it.has_probabilities);
    let empty = candidates::empty(session, has_probabilities)?;
    let empty = build(&empty, Transport::Product)?;
    let footprints = Footprints {
        products,
        empty: Footprint::from_elf(&empty).environment()?,
    };
    writer.write_json(FOOTPRINTS, &footprints)?;
    Ok(writer)
}

pub(super) struct Built<'a> {
    pub name: String,
    /// Where it is built; images of one form share what is compiled there.
    pub folder: &'a str,
    pub form: &'a Form,
    pub transport: Transport,
    pub takes_samples: bool,
}

pub(super) fn build_one(session: &Session, built: Built<'_>) -> Result<Vec<u8>, Failure> {
    let (pipeline, tools) = (&session.config.pipeline, session.tools()?);
    let chip = &pipeline.target.chip;
    session.progress.doing(&format!(
        "building the {} image for {}",
        built.name, chip.name
    ));
    let machine = tools.emulator.as_ref().map(|emulator| emulator.machine);
    let mut image = product_image(pipeline, built.form);
    image.transport = built.transport;
    image.takes_samples = built.takes_samples;
    if let (Transport::Verify, Some(machine)) = (built.transport, machine) {
        image.memory = (machine.flash, machine.ram);
        image.boot = Boot::Direct;
    }
    let folder = session.scratch("firmware").join(folder_of(built.folder));
    image::build(&image, &tools.toolchain, &folder, &session.progress)
}

/// A form's name as one of a folder.
pub(super) fn folder_of(form: &str) -> String {
    form.replace([' ', ','], "-")
}

/// The image of a form as it ships on the config's chip.
pub fn product_image<'a>(pipeline: &Pipeline, form: &'a Form) -> Image<'a> {
    let chip = &pipeline.target.chip;
    Image {
        model: &form.files,
        model_package: format!("{}-model", pipeline.identity.name),
        has_probabilities: form.about.has_probabilities,
        memory: (chip.flash, chip.ram),
        boot: chip.boot,
        core: chip.core,
        log: pipeline.firmware.log.word(),
        // Branches hardly shrink where they are optimized for size, and slow down a lot.
        for_speed: pipeline.codegen.prefer == Prefer::Speed || form.about.is_code(),
        transport: Transport::Product,
        takes_samples: true,
        class_only: form.about.early_exit,
    }
}
