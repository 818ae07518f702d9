//! What a pipeline's chip has, for its gates and its report, and what it does not do.

use spinney_config::{Config, Pipeline};
use spinney_evaluate::ChipRam;
use spinney_report::ChipMemory;

use super::quantize::Summary;

pub(super) fn memory(config: &Config) -> ChipMemory {
    let chip = &config.pipeline.target.chip;
    ChipMemory {
        name: chip.name.clone(),
        core: chip.core.report_name().to_owned(),
        flash_bytes: u64::from(chip.flash.len),
        ram_bytes: u64::from(chip.ram.len),
    }
}

/// The RAM that data, stack and interrupts share.
pub(super) fn ram(config: &Pipeline) -> ChipRam {
    let chip = &config.target.chip;
    ChipRam {
        bytes: u64::from(chip.ram.len),
        interrupt_bytes: chip.core.interrupt_bytes(),
    }
}

/// What is odd about rows and model, and what the chip does not do with the image.
pub fn notes(config: &Config, summary: &Summary) -> Vec<String> {
    let chip = &config.pipeline.target.chip;
    let notes = summary.notes.iter().cloned();
    notes.chain(chip.cannot_start()).collect()
}
