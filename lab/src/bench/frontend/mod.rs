//! `bench frontend`: log-mel energies of a frame, ours and emlearn's, on the same cores in one run.

mod emlearn;
mod markdown;
mod ours;

use std::path::PathBuf;

use anyhow::anyhow;
use serde::Serialize;
use spinney_board::Machine;
use spinney_cli::terminal;
use spinney_signal::{MelBank, MelScale, Normalisation};

use super::device::compiler::{self, Compiler};
use super::device::{PLACES, Place, python};
use super::{DEADLINE_S, outcomes};
use spinney_pipeline::emulator::Emulation;
use spinney_pipeline::environment;
use spinney_pipeline::failure::{ExitReason, Failure};

/// Both sides' bank: HTK's scale without normalisation is what emlearn has.
const BANK: MelBank = MelBank {
    sample_rate_hz: 16_000.0,
    n_points: 1024,
    n_bands: 64,
    scale: MelScale::Htk,
    normalisation: Normalisation::None,
    f_min_hz: 100.0,
    f_max_hz: 8_000.0,
};
/// Signals of the fixtures, of each of which the first frame is taken.
const FRAME_STRIDE: usize = 8192;
/// Bands are compared above this: 60 dB under a full-scale sine, whose power is 2^46 in its bin.
const COMPARED_BITS: f64 = 26.0;
/// RAM of the front end in bytes, at the most.
const RAM_GOAL: f64 = 8192.0;
/// Of emlearn's instructions, on the cores without a floating point unit.
const RATIO_GOAL: f64 = 0.05;

/// Steps that not every front end has, each with what it is measured by.
const STEPS: [&str; 4] = [
    "13 cepstra of 64 bands, per frame",
    "their deltas over 5 frames with maxima, per frame",
    "a filter of samples, per section and sample",
    "a closed gate, per sample",
];

/// One comparison, as in the other reports.
#[derive(Debug, Default, Serialize)]
struct Line {
    case: String,
    metric: &'static str,
    ours: f64,
    peer: Option<f64>,
    peer_name: Option<&'static str>,
    ratio: Option<f64>,
    goal: Option<f64>,
    /// Whether the goal is for the ratio, not for our figure.
    goal_is_ratio: bool,
    met: Option<bool>,
}

/// What one side needs for a frame: the mean over all frames, the largest where it says so.
#[derive(Default)]
struct Measured {
    instructions: f64,
    instructions_max: f64,
    flash_bytes: u64,
    /// Static data and the deepest stack, buffers included.
    ram_bytes: u64,
    /// log2 of the energies of each frame, in units of squared samples or any other.
    logs: Vec<Vec<f64>>,
    /// Ours alone: window and transform; filters and logarithms; framing; aggregation.
    parts: [f64; 4],
    /// Ours alone: [`STEPS`].
    steps: [f64; 4],
}

/// What both sides share.
struct Bench {
    work: PathBuf,
    qemu: PathBuf,
    compiler: Compiler,
    /// The samples of all frames, little-endian.
    frames: Vec<u8>,
}

impl Bench {
    fn n_frames(&self) -> usize {
        self.frames.len() / (2 * BANK.n_points)
    }

    /// The outcomes that an image leaves of all frames, `len` bytes each.
    fn outcomes(&self, machine: &Machine, elf: &[u8], len: usize) -> Result<Vec<u8>, Failure> {
        let emulation = Emulation {
            qemu: &self.qemu,
            machine,
            deadline_s: DEADLINE_S,
            within: &self.work,
        };
        outcomes(&emulation, elf, &self.frames, [self.n_frames(), len])?
            .map_err(|reason| anyhow!("on {}: {reason}", machine.name))
            .environment()
    }
}

/// Measures both sides and writes `reports/bench/frontend.{json,md}`.
pub(crate) fn run(wants_setup: bool) -> Result<(), Failure> {
    compiler::needed(wants_setup)?;
    let progress = terminal::progress();
    let toolchains = PLACES
        .iter()
        .map(|place| environment::needed_toolchain(place.core.target(), &crate::repository()))
        .collect::<Result<Vec<_>, _>>()?;
    let (qemu, qemu_version) = environment::needed_emulator(PLACES[0].machine()?)?;
    progress.doing("looking for emlearn");
    // The peers of `bench device`, in its environment.
    let peers = crate::target()?.join("bench/device");
    let work = crate::target()?.join("bench/frontend");
    for folder in [&peers, &work] {
        std::fs::create_dir_all(folder).environment()?;
    }
    let compiler = Compiler::new(&python(&peers)?)?;
    let bench = Bench {
        frames: frames()?,
        work,
        qemu,
        compiler,
    };
    let mut lines = Vec::new();
    let mut parts = Vec::new();
    let mut logs: Option<Vec<Vec<f64>>> = None;
    for (place, toolchain) in PLACES.iter().zip(&toolchains) {
        progress.doing(&format!("ours on {}", place.name));
        let ours = ours::measure(&bench, place, toolchain)?;
        if logs.get_or_insert_with(|| ours.logs.clone()) != &ours.logs {
            return Err(Failure::Environment(anyhow!(
                "{} gives other features than the host",
                place.name
            )));
        }
        for form in emlearn::FORMS {
            progress.doing(&format!("{} on {}", form.name, place.name));
            let peer = emlearn::measure(&bench, form, place)?;
            if form.is_comparable {
                check_same(&ours, &peer)?;
            }
            lines.extend(against(place, &ours, form.name, &peer));
        }
        lines.extend(alone(place, &ours));
        parts.push((place.name, ours.parts));
    }
    progress.clear();
    let rustc = toolchains.first().map_or("", |one| one.version.as_str());
    let tools = [rustc, &bench.compiler.version, &qemu_version];
    let text = markdown::markdown(&lines, &parts, bench.n_frames(), tools);
    super::write(&super::reports(), "frontend", &lines, &text)?;
    println!("report: {}", super::reports().join("frontend.md").display());
    Ok(())
}

/// The first frame of each signal of the front end's fixtures, little-endian.
fn frames() -> Result<Vec<u8>, Failure> {
    let bytes = crate::read(crate::repository().join("crates/frontend/tests/fixtures/signals.i16"))
        .environment()?;
    Ok(bytes
        .chunks(2 * FRAME_STRIDE)
        .filter_map(|signal| signal.get(..2 * BANK.n_points))
        .flatten()
        .copied()
        .collect())
}

/// Both sides must have computed the same thing: within 0.1 dB where a band is not too quiet.
fn check_same(ours: &Measured, peer: &Measured) -> Result<(), Failure> {
    for (frame, (ours, peer)) in ours.logs.iter().zip(&peer.logs).enumerate() {
        for (band, (ours, peer)) in ours.iter().zip(peer).enumerate() {
            let decibels = (ours - peer).abs() * 10.0 * std::f64::consts::LOG10_2;
            if *ours > COMPARED_BITS && decibels > 0.1 {
                return Err(Failure::Environment(anyhow!(
                    "band {band} of frame {frame} is {ours:.3} for us and {peer:.3} for emlearn, in \
                     bits: the sides compute different things"
                )));
            }
        }
    }
    Ok(())
}

fn case(place: &Place) -> String {
    format!(
        "{} points, {} mels {}",
        BANK.n_points, BANK.n_bands, place.name
    )
}

fn against(place: &Place, ours: &Measured, name: &'static str, peer: &Measured) -> Vec<Line> {
    let goal = (place.name != "m4f").then_some(RATIO_GOAL);
    let of = |it: &Measured| [it.instructions, it.flash_bytes as f64, it.ram_bytes as f64];
    let ([instructions, flash, ram], peer) = (of(ours), of(peer));
    [
        ("instructions", instructions, peer[0], goal),
        ("flash_bytes", flash, peer[1], None),
        ("ram_bytes", ram, peer[2], None),
    ]
    .into_iter()
    .map(|(metric, ours, peer, goal)| Line {
        case: case(place),
        metric,
        ours: ours.round(),
        peer: Some(peer.round()),
        peer_name: Some(name),
        ratio: Some((ours / peer * 1e4).round() / 1e4),
        goal,
        goal_is_ratio: true,
        met: goal.map(|goal| ours <= goal * peer),
    })
    .collect()
}

/// What is asked of us whatever others do.
fn alone(place: &Place, ours: &Measured) -> Vec<Line> {
    let instructions = match place.name {
        "m0" => Some(350_000.0),
        "m4f" => Some(90_000.0),
        _ => None,
    };
    let whole = [
        ("instructions_max", ours.instructions_max, instructions),
        ("ram_bytes", ours.ram_bytes as f64, Some(RAM_GOAL)),
    ];
    let whole = whole.map(|(metric, ours, goal)| (case(place), metric, ours.round(), goal));
    let steps = STEPS.into_iter().zip(ours.steps).map(|(step, ours)| {
        let case = format!("{step} {}", place.name);
        (case, "instructions", (ours * 10.0).round() / 10.0, None)
    });
    (whole.into_iter().chain(steps))
        .map(|(case, metric, ours, goal)| Line {
            case,
            metric,
            ours,
            goal,
            met: goal.map(|goal| ours <= goal),
            ..Line::default()
        })
        .collect()
}
