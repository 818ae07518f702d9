//! A model's rows through verify images on emulated machines, held against the host's bits.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Core, Machine, machine};
use spinney_codegen::{Identity, Options, Origin, SourceTree};
use spinney_dataset::Dataset;
use spinney_evaluate::{DeviceRun, Footprint, Predictions, RunContext, read_outcomes};
use spinney_quantize::QuantModel;

use spinney_pipeline::emulator::{self, Emulation, Ended};
use spinney_pipeline::environment::{self, Toolchain};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::image::{self, Image, Transport};
use spinney_pipeline::progress::Progress;
use spinney_pipeline::store;

/// A core and the machines that run its code, the preferred one first.
pub(crate) struct Device {
    /// The core.
    pub(crate) core: Core,
    machines: Vec<(&'static Machine, PathBuf)>,
    toolchain: Toolchain,
}

const DEADLINE_S: u32 = 3600;

impl Device {
    /// The device of `core` on the first of these machines that has enough memory.
    pub(crate) fn new(core: Core, machines: &[&str]) -> Result<Self, Failure> {
        let toolchain = environment::needed_toolchain(core.target(), &crate::target()?)?;
        let machines = machines
            .iter()
            .map(|name| {
                let machine = machine(name)
                    .with_context(|| format!("no machine {name}"))
                    .environment()?;
                let (program, _) = environment::needed_emulator(machine)?;
                Ok((machine, program))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            core,
            machines,
            toolchain,
        })
    }
}

/// How a job ended.
pub(crate) struct Ran {
    /// The machine that ran it, or was the last not to.
    pub(crate) machine: &'static Machine,
    /// What was measured, or why nothing was.
    pub(crate) result: Result<DeviceRun, String>,
    /// Why it ran on another machine than the first.
    pub(crate) note: Option<String>,
}

/// What a case takes to the devices.
pub(crate) struct Job {
    /// Of the case, fit for a folder and a package.
    name: String,
    model: SourceTree,
    rows: Vec<u8>,
    n_features: usize,
    has_probabilities: bool,
}

impl Job {
    /// A case: its model in one form, and the rows that are asked.
    ///
    /// # Errors
    /// The form does not hold the model.
    pub(crate) fn new(
        name: &str,
        kind: &str,
        quant: &QuantModel,
        form: &Options,
        rows: &Dataset,
    ) -> Result<Self, Failure> {
        let name = name.replace([' ', '_'], "-").to_lowercase();
        let identity = Identity {
            pipeline: &name,
            kind,
            fingerprint: &store::sha256(name.as_bytes())["sha256:".len()..],
            origin: Origin::Config,
        };
        let mut bytes = Vec::new();
        for row in rows.values().rows() {
            bytes.extend(quant.reading_bytes(&row.to_vec()));
        }
        Ok(Self {
            model: spinney_codegen::drop_in(identity, quant, form)
                .environment()?
                .files,
            rows: bytes,
            n_features: quant.schema().n_features(),
            has_probabilities: quant.probabilities().is_some(),
            name,
        })
    }

    /// Runs on `device`, on the first of its machines that holds the image, and compares with
    /// `predictions`; `folder` names this kind of jobs.
    pub(crate) fn run(
        &self,
        device: &Device,
        predictions: &Predictions,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Ran, Failure> {
        let mut refused = Err(anyhow!("a device without a machine")).environment();
        let mut note: Option<String> = None;
        for (machine, program) in &device.machines {
            let folder = folder.join(format!("{}-{}-{}", self.name, device.core, machine.name));
            let image = Image {
                model: &self.model,
                model_package: format!("{}-model", self.name),
                has_probabilities: self.has_probabilities,
                boot: Boot::Direct,
                memory: (machine.flash, machine.ram),
                core: device.core,
                log: "error",
                for_speed: false,
                transport: Transport::Verify,
                takes_samples: false,
                class_only: false,
            };
            let toolchain = &device.toolchain;
            let elf = image::build(&image, toolchain, &folder, progress)?;
            let footprint = Footprint::from_elf(&elf).environment()?;
            if let Some(reason) = emulator::does_not_fit(machine, &footprint) {
                note = Some(reason.replace("not run: ", ""));
                refused = Ok(Ran {
                    machine,
                    result: Err(reason),
                    note: None,
                });
                continue;
            }
            let emulation = Emulation {
                qemu: program,
                machine,
                deadline_s: DEADLINE_S,
                within: &std::env::temp_dir(),
            };
            let run = emulation.run(&elf, &self.rows)?;
            let context = RunContext::new(self.n_features, machine.timer, predictions);
            return Ok(Ran {
                machine,
                result: match run.ended {
                    Ended::NotRun(reason) | Ended::Failed(reason) => Err(reason),
                    Ended::Outcomes(bytes) => {
                        read_outcomes(&bytes, context).map_err(|error| error.to_string())
                    }
                },
                // What kept it from the first machine is why it ran on this one.
                note,
            });
        }
        refused
    }
}
