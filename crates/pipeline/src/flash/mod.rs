//! `flash`: the product image of a pipeline's last run onto a board, then its log.

mod copy;
mod follow;
pub(crate) mod formats;
mod plan;
#[cfg(test)]
mod tests;
pub mod verify;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, anyhow};
use spinney_board::{Chip, Event, Geometry, Job, Segment, find};
use spinney_evaluate::{Loaded, loaded, symbol};

pub use self::copy::copy;
pub use self::follow::Screen;
use self::follow::{Until, cpuid_parts, follow, told};
use self::verify::ProbeLink;
use crate::failure::{ExitReason, Failure};
use crate::process::{self, Guarded};
use crate::progress::Progress;
use crate::stages::{self, Product};
use crate::{invocation, probe, store};

/// Where defmt-rtt has its control block.
const RTT_SYMBOL: &str = "_SEGGER_RTT";

/// A pipeline's image, ready to be programmed.
pub struct Flash {
    product: Product,
    elf: Vec<u8>,
    /// What is programmed, stretch by stretch.
    image: Vec<Loaded>,
    program: PathBuf,
}

impl Flash {
    /// Prepares the image that the pipeline at `config` last ran, or with `answers` one that answers
    /// rows with the same model.
    ///
    /// # Errors
    /// There is no whole run, nobody can start the chip, the image does not fit, or the probe's
    /// program does not build.
    pub fn prepare(config: &Path, answers: bool, progress: &Progress) -> Result<Self, Failure> {
        let product = stages::product(config, progress.clone())?;
        refuse_start(&product)?;
        let chip = &product.config.pipeline.target.chip;
        if find(&chip.name).is_err() {
            let message = format!(
                "{} is not in the registry of the probe's program",
                chip.name
            );
            let help = "product.bin and product.hex beside the image are for another programmer";
            return product.config.refuse("target.chip", message, Some(help));
        }
        let elf = match answers {
            true => verify::image(&product, progress)?,
            false => product.elf.clone(),
        };
        let image = plan::prepare(chip, loaded(&elf).environment()?).map_err(Failure::Image)?;
        let program = probe::built(progress)?;
        Ok(Self {
            product,
            elf,
            image,
            program,
        })
    }

    /// The chip that the config names.
    pub fn chip(&self) -> &Chip {
        &self.product.config.pipeline.target.chip
    }

    /// Which sectors would be erased and programmed, in words; needs no probe.
    ///
    /// # Errors
    /// The probe's program does not know the chip's flash.
    pub fn plan(&self) -> Result<String, Failure> {
        let geometry = geometry(&self.program, self.chip(), &self.image)?;
        let sectors = plan::sectors(&self.image, &geometry).environment()?;
        Ok(plan::text(self.chip(), &sectors, &geometry))
    }

    /// Programs the board, and shows its log on `screen` until a signal ends it.
    ///
    /// # Errors
    /// The probe, the board or its flash fails.
    pub fn program(self, probe: Option<String>, screen: &mut dyn Screen) -> Result<(), Failure> {
        self.follow(probe, screen, false).map(|_| ())
    }

    /// Programs the image that answers rows, and sends it all test rows of the pipeline at
    /// `config`, whose bits are held against the host's.
    ///
    /// # Errors
    /// As [`Self::program`], or the board answers otherwise than a device of this image would.
    pub fn verify(
        self,
        config: &Path,
        probe: Option<String>,
        screen: &mut dyn Screen,
        progress: &Progress,
    ) -> Result<verify::Verified, Failure> {
        let class_only = self.product.form.about.early_exit;
        let (last_config, instructions) = (self.product.config.clone(), self.product.instructions);
        // From here on the wire carries answers.
        let Process {
            child: _child,
            mut lines,
            stdin,
        } = self.follow(probe, screen, true)?;
        let events = verify::events(move || read_event(&mut lines));
        let mut link = ProbeLink::new(events, stdin);
        let outcome = verify::judge(config, class_only, &mut link, progress);
        screen.note(&verify::left_behind());
        let mut found = outcome?;
        found.kept = verify::keep(&last_config, &found, instructions)?;
        Ok(found)
    }

    fn follow(
        self,
        probe: Option<String>,
        screen: &mut dyn Screen,
        answers: bool,
    ) -> Result<Process, Failure> {
        let log_at = symbol(&self.elf, RTT_SYMBOL).environment()?;
        let chip = &self.product.config.pipeline.target.chip;
        let mut job = job(chip, self.image, probe, log_at);
        job.answers = answers;
        let elf = self.product.scratch.join("flashed.elf");
        store::write_whole(&elf, &self.elf).environment()?;
        job.elf = Some(elf);
        let mut wire = Process::start(&self.program, &job).environment()?;
        let until = match answers {
            true => Until::Running,
            false => Until::Interrupted,
        };
        follow(|| read_event(&mut wire.lines), screen, until)?;
        Ok(wire)
    }
}

/// Refuses a chip that would not start the image.
fn refuse_start(product: &Product) -> Result<(), Failure> {
    let Some(message) = product.config.pipeline.target.chip.cannot_start() else {
        return Ok(());
    };
    let help = format!(
        "{} gives its sizes, and docs/hardware.md what it takes",
        invocation::verb("pipeline run")
    );
    product.config.refuse("target.chip", message, Some(&help))
}

/// What the probe's program is asked for.
fn job(chip: &Chip, image: Vec<Loaded>, probe: Option<String>, log_at: Option<u64>) -> Job {
    // A core that a config names in place of the table's is not the one that is there.
    let is_own = find(&chip.name).is_ok_and(|listing| listing.core == Some(chip.core));
    Job {
        chip: chip.name.clone(),
        cpuid_parts: match is_own {
            true => cpuid_parts(chip.core).to_vec(),
            false => Vec::new(),
        },
        probe,
        segments: image
            .into_iter()
            .map(|stretch| Segment {
                address: u64::from(stretch.address),
                bytes: stretch.bytes,
            })
            .collect(),
        log_at,
        elf: None,
        answers: false,
    }
}

/// How the chip's flash is erased, where the image starts.
fn geometry(program: &PathBuf, chip: &Chip, image: &[Loaded]) -> Result<Geometry, Failure> {
    let address = image
        .first()
        .map_or(chip.flash.origin, |first| first.address);
    let mut command = Command::new(program);
    command.args(["geometry", &chip.name, &address.to_string()]);
    let output = process::run(&mut command, process::SHORT)
        .with_context(|| format!("cannot run {}", program.display()))
        .environment()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if let Ok(Event::Failed(fault)) = serde_json::from_str(&text) {
        return Err(Failure::Environment(told(&fault)));
    }
    serde_json::from_str(&text)
        .map_err(|error| {
            let (name, told) = (program.display(), output.told());
            anyhow!("{name} {told}; it says {text:?}: {error}")
        })
        .environment()
}

/// spinney-probe at work; it dies with its owner.
struct Process {
    child: Guarded,
    lines: BufReader<ChildStdout>,
    stdin: ChildStdin,
}

impl Process {
    fn start(program: &PathBuf, job: &Job) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("run")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut guarded = Guarded::spawn(&mut command)
            .with_context(|| format!("cannot run {}", program.display()))?;
        let child = &mut guarded.child;
        let mut stdin = child.stdin.take().context("no way to its stdin")?;
        let stdout = child.stdout.take().context("no way to its stdout")?;
        writeln!(stdin, "{}", serde_json::to_string(job)?)?;
        Ok(Self {
            child: guarded,
            lines: BufReader::new(stdout),
            stdin,
        })
    }
}

fn read_event(lines: &mut impl BufRead) -> std::io::Result<Option<Event>> {
    const BYTES_MAX: u64 = 1 << 24;
    let mut line = String::new();
    if lines.take(BYTES_MAX).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
