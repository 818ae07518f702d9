//! `flash`: the product image of a pipeline's last run onto a board, then its log.

mod follow;
mod plan;
mod terminal;
#[cfg(test)]
mod tests;
mod verify;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, anyhow};
use defmt_decoder::Table;
use spinney_board::{Chip, Event, Geometry, Job, Segment, find};
use spinney_evaluate::{Loaded, loaded, symbol};

use self::follow::{Until, Wire, cpuid_parts, follow, told};
use self::terminal::Terminal;
use self::verify::ProbeLink;
use crate::failure::{Blame, Failure};
use crate::log::Log;
use crate::process::{self, Guarded};
use crate::{pipeline, probe};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The pipeline whose last run's image is programmed.
    #[arg(long, default_value = "pipeline.toml")]
    config: PathBuf,
    /// Only show which sectors would be erased and programmed; needs no probe.
    #[arg(long)]
    dry_run: bool,
    /// Run the test rows on the board and compare every bit: programs an image that answers them.
    #[arg(long, conflicts_with = "dry_run")]
    verify: bool,
    /// The debug probe, where several are connected.
    #[arg(long, value_name = "VID:PID[:SERIAL]")]
    probe: Option<String>,
}

/// Where defmt-rtt has its control block.
const RTT_SYMBOL: &str = "_SEGGER_RTT";

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let product = pipeline::product(&arguments.config)?;
    let chip = &product.config.pipeline.target.chip;
    if let Some(message) = chip.cannot_start() {
        let help = "`cargo xtask pipeline run` gives its sizes, and docs/hardware.md what it takes";
        return Err(product
            .config
            .fault("target.chip", message, Some(help))
            .into());
    }
    let elf = if arguments.verify {
        verify::image(&product.chosen, chip)?
    } else {
        product.elf
    };
    let image = plan::prepare(chip, loaded(&elf).environment()?).map_err(|error| {
        eprintln!("error: {error:#}");
        Failure::Gate
    })?;
    let program = probe::built()?;
    if arguments.dry_run {
        let geometry = geometry(&program, chip, &image)?;
        let sectors = plan::sectors(&image, &geometry).environment()?;
        print!("{}", plan::text(chip, &sectors, &geometry));
        return Ok(());
    }
    let log_at = symbol(&elf, RTT_SYMBOL).environment()?;
    let mut job = job(chip, image, arguments.probe.clone(), log_at);
    job.answers = arguments.verify;
    let table = Table::parse(&elf).environment()?;
    let mut wire = Process::start(&program, &job).environment()?;
    let log = table.as_ref().map(Log::new);
    let screen = &mut Terminal::default();
    if !arguments.verify {
        return follow(&mut wire, log, screen, Until::Interrupted);
    }
    follow(&mut wire, log, screen, Until::Running)?;
    // From here on the wire carries answers.
    let Process {
        child,
        lines,
        stdin,
    } = wire;
    let _child = child;
    let mut lines = lines;
    let events = verify::events(move || read_event(&mut lines));
    let mut link = ProbeLink::new(events, stdin);
    let class_only = product.chosen.early_exit;
    let outcome = verify::judge(&arguments.config, chip, class_only, &mut link);
    eprintln!("{}", verify::LEFT_BEHIND);
    outcome
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

impl Wire for Process {
    fn next(&mut self) -> std::io::Result<Option<Event>> {
        read_event(&mut self.lines)
    }
}

/// The event on the next line.
fn read_event(lines: &mut impl BufRead) -> std::io::Result<Option<Event>> {
    const BYTES_MAX: u64 = 1 << 24;
    let mut line = String::new();
    if lines.take(BYTES_MAX).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
