//! `chips sizes`: what a pipeline's firmware takes on each of several chips.

use std::path::Path;

use anyhow::Context;
use spinney_board::Chip;
use spinney_codegen::{Identity, Origin};
use spinney_config::{Config, Encoding as Asked};
use spinney_evaluate::Footprint;
use spinney_model::FloatModel;
use spinney_report::Table;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image;
use spinney_pipeline::progress::Progress;
use spinney_pipeline::stages::{self, Quantized};
use spinney_pipeline::{environment, places, store};

use crate::{new, terminal};

/// Chips that most engineers have met, of every instruction set that there is code for.
const WELL_KNOWN: [&str; 12] = [
    "STM32F030C8",
    "STM32F103C8",
    "STM32F405RG",
    "STM32G071RB",
    "STM32L476RG",
    "STM32H743ZI",
    "STM32U575ZI",
    "nRF52832_xxAA",
    "nRF52840_xxAA",
    "RP2040",
    "ESP32-C3",
    "ESP32-C6",
];

const COMMITTED: &str = "reports/chips.md";

struct Line {
    chip: Chip,
    form: String,
    footprint: Footprint,
}

/// Builds the product image for each chip, prints what it takes, and writes the table of the
/// well-known ones if no chip is named.
pub(crate) fn run(config: &Path, chips: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = if chips.is_empty() {
        WELL_KNOWN.to_vec()
    } else {
        chips.iter().map(String::as_str).collect()
    };
    // Whatever is wrong with a name shows before anything is built.
    let chips = names.into_iter().map(new::known_chip);
    let chips: Vec<Chip> = chips.collect::<anyhow::Result<_>>().input()?;
    let progress = terminal::progress();
    let mut loaded = spinney_config::load(config)?;
    let quantized = stages::quantized_anew(config, progress.clone())?;
    let fingerprint = quantized.fingerprint();
    // Nothing is run here that could tell which form is the best, and packed takes the least.
    let is_forest = matches!(quantized.model, FloatModel::Forest(_));
    let codegen = &mut loaded.pipeline.codegen;
    if is_forest && codegen.encoding == Asked::Auto {
        codegen.encoding = Asked::Packed;
    }
    let mut lines = Vec::new();
    for chip in chips {
        let name = &loaded.pipeline.identity.name;
        progress.doing(&format!("sizes: {name} for {}", chip.name));
        loaded.pipeline.target.chip = chip;
        lines.push(line(&loaded, &quantized, &fingerprint, &progress)?);
    }
    progress.clear();
    let text = table(&lines);
    print!("{text}");
    let clone = places::clone().filter(|_| config == Path::new("pipeline.toml"));
    let built = lines.iter().map(|line| line.chip.name.as_str());
    if let (Some(clone), true) = (clone, built.eq(WELL_KNOWN)) {
        let page = format!(
            "# One pipeline, a dozen chips\n\n\
             Made by `cargo xtask chips sizes`. The product image of `{}`, built with nothing \
             changed but the chip's name: code, tables, start-up and log. Images for an RP2040 hold \
             its second stage; an ESP32 needs a bootloader besides, which Spinney does not \
             supply.\n\n{text}",
            loaded.pipeline.identity.name
        );
        let path = clone.join(COMMITTED);
        store::write_whole(&path, page.as_bytes()).environment()?;
        println!("\nreport: {COMMITTED}");
    }
    Ok(())
}

/// The smallest of the product images that a run would build for this chip.
fn line(
    config: &Config,
    quantized: &Quantized,
    fingerprint: &str,
    progress: &Progress,
) -> Result<Line, Failure> {
    let pipeline = &config.pipeline;
    let chip = &pipeline.target.chip;
    let artifacts = places::artifacts_named(config.path(), "chips-sizes")?;
    let toolchain = environment::needed_toolchain(chip.core.target(), &artifacts)?;
    let identity = Identity {
        pipeline: &pipeline.identity.name,
        kind: quantized.model.kind(),
        fingerprint,
        origin: Origin::Config,
    };
    let mut smallest: Option<Line> = None;
    let forms = stages::forms(config, &quantized.shipped(), identity)?;
    for form in forms.iter().filter(|form| form.about.is_offered) {
        let image = stages::product_image(pipeline, form);
        let folder = artifacts.join(format!(
            "{}-{}-{}",
            identity.pipeline,
            chip.name,
            form.about.name.replace([' ', ','], "-")
        ));
        let elf = image::build(&image, &toolchain, &folder, progress)?;
        let footprint = Footprint::from_elf(&elf).environment()?;
        if smallest
            .as_ref()
            .is_none_or(|line| footprint.flash_bytes < line.footprint.flash_bytes)
        {
            smallest = Some(Line {
                chip: chip.clone(),
                form: form.about.form.clone(),
                footprint,
            });
        }
    }
    smallest.context("the model has no form").environment()
}

fn table(lines: &[Line]) -> Table {
    let mut table =
        Table::new("chip | core | form | flash: | of the chip's: | RAM: | of the chip's: | fits");
    for line in lines {
        let (chip, footprint) = (&line.chip, &line.footprint);
        let (flash, ram) = (u64::from(chip.flash.len), u64::from(chip.ram.len));
        let share = |bytes: u64, all: u64| format!("{:.1} %", bytes as f64 * 100.0 / all as f64);
        let fits = footprint.flash_bytes <= flash && footprint.ram_bytes < ram;
        table.row(&[
            &chip.name,
            &chip.core,
            &line.form,
            &footprint.flash_bytes,
            &share(footprint.flash_bytes, flash),
            &footprint.ram_bytes,
            &share(footprint.ram_bytes, ram),
            if fits { &"yes" } else { &"**no**" },
        ]);
    }
    table
}
