//! The device half of `bench agreement`: the rows of a case through its verify images, emulated.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use spinney_board::{Core, Machine, machine};
use spinney_codegen::{Identity, Options, SourceTree};
use spinney_dataset::Dataset;
use spinney_evaluate::{Footprint, Predictions, RunContext, read_outcomes};
use spinney_quantize::QuantModel;

use crate::emulator::{self, Ended};
use crate::environment::{self, Toolchain};
use crate::failure::{Blame, Failure};
use crate::image::{self, Image, Transport};
use crate::{places, store};

/// Host against device on all rows of a case, class and scores, bit for bit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parity {
    /// The core that the image was built for.
    pub core: String,
    /// The machine that ran it.
    pub machine: String,
    pub rows_compared: usize,
    /// Rows that differ; `None` if they did not run.
    pub mismatches: Option<usize>,
    /// Why they did not, or why they ran on another machine than the first.
    pub note: Option<String>,
}

/// A core and the machines that run its code, the preferred one first.
pub(super) struct Device {
    core: Core,
    machines: Vec<(&'static Machine, PathBuf)>,
    toolchain: Toolchain,
}

/// Larger machines execute the same instructions where the first has too little memory: the
/// Cortex-M3 of mps2-an385 has all of the Cortex-M0's.
const DEVICES: [(Core, [&str; 2]); 2] = [
    (Core::CortexM0, ["microbit", "mps2-an385"]),
    (Core::CortexM4F, ["netduinoplus2", "mps2-an386"]),
];

const DEADLINE_S: u32 = 3600;

/// The devices, or what this machine lacks for them.
pub(super) fn devices() -> Result<Vec<Device>, Failure> {
    DEVICES
        .iter()
        .map(|(core, names)| {
            let toolchain = environment::toolchain(core.target())
                .with_context(|| {
                    format!(
                        "no compiler for {}; `cargo xtask setup` installs one",
                        core.target()
                    )
                })
                .environment()?;
            let machines = names
                .iter()
                .map(|name| {
                    let machine = machine(name).with_context(|| format!("no machine {name}"))?;
                    let (program, _) = environment::emulator(machine).with_context(|| {
                        format!("no {}; `cargo xtask setup` installs it", machine.qemu)
                    })?;
                    Ok((machine, program))
                })
                .collect::<anyhow::Result<_>>()
                .environment()?;
            Ok(Device {
                core: *core,
                machines,
                toolchain,
            })
        })
        .collect()
}

/// What a case takes to the devices.
pub(super) struct Job {
    /// Of the case, fit for a folder and a package.
    name: String,
    model: SourceTree,
    firmware: SourceTree,
    rows: Vec<u8>,
    n_features: usize,
    n_classes: usize,
}

impl Job {
    pub(super) fn new(
        name: &str,
        kind: &str,
        quant: &QuantModel,
        rows: &Dataset,
    ) -> Result<Self, Failure> {
        let name = name.replace([' ', '_'], "-").to_lowercase();
        let identity = Identity {
            pipeline: &name,
            kind,
            fingerprint: &store::sha256(name.as_bytes())["sha256:".len()..],
        };
        let mut bytes = Vec::new();
        for row in rows.values().rows() {
            bytes.extend(quant.reading_bytes(&row.to_vec()));
        }
        Ok(Self {
            model: spinney_codegen::drop_in(identity, quant, &Options::plain())
                .environment()?
                .files,
            firmware: image::firmware_sources()?,
            rows: bytes,
            n_features: quant.schema().n_features(),
            n_classes: quant.schema().n_classes(),
            name,
        })
    }

    /// Runs on `device` and compares with `predictions`.
    pub(super) fn run(
        &self,
        device: &Device,
        predictions: &Predictions,
    ) -> Result<Parity, Failure> {
        let mut note = None;
        for (machine, program) in &device.machines {
            let folder = places::artifacts("bench-agreement")?
                .join(format!("{}-{}", self.name, machine.name));
            let image = Image {
                model: &self.model,
                model_package: &format!("{}-model", self.name),
                memory: (machine.flash, machine.ram),
                target: device.core.target(),
                log: "error",
                for_speed: false,
                transport: Transport::Verify,
                class_only: false,
            };
            let elf = image::build(&image, &self.firmware, &device.toolchain, &folder)?;
            let path = folder.join("verify.elf");
            store::write_whole(&path, &elf).environment()?;
            let footprint = Footprint::from_elf(&elf).environment()?;
            if let Some(reason) = emulator::does_not_fit(machine, &footprint) {
                note = Some(reason);
                continue;
            }
            let run = emulator::run(program, machine, &path, &footprint, &self.rows, DEADLINE_S)?;
            let parity = |mismatches: Option<usize>, note: Option<String>| Parity {
                core: device.core.as_str().to_owned(),
                machine: machine.name.to_owned(),
                rows_compared: mismatches.map_or(0, |_| predictions.q15.len()),
                mismatches,
                note,
            };
            let context = RunContext {
                n_features: self.n_features,
                n_classes: self.n_classes,
                timer: machine.timer,
                predictions,
            };
            return Ok(match run.ended {
                Ended::Failed(reason) => parity(None, Some(reason)),
                Ended::Outcomes(bytes) => match read_outcomes(&bytes, context) {
                    Ok(run) => {
                        // What kept it from the first machine is why it ran on this one.
                        let why = note.map(|note| note.replace("not run: ", ""));
                        parity(Some(run.mismatches.len()), why)
                    }
                    Err(error) => parity(None, Some(error.to_string())),
                },
            });
        }
        let (machine, _) = device
            .machines
            .last()
            .ok_or_else(|| Failure::Environment(anyhow!("a device without a machine")))?;
        Ok(Parity {
            core: device.core.as_str().to_owned(),
            machine: machine.name.to_owned(),
            rows_compared: 0,
            mismatches: None,
            note,
        })
    }
}
