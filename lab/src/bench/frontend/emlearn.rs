//! The other side: emlearn's headers, built by the C compiler around the same frames.

use std::fmt::Write;

use super::{BANK, Bench, Measured};
use crate::bench::device::Place;
use crate::bench::instructions;
use spinney_pipeline::failure::{ExitReason, Failure};

/// Bytes of one outcome: ticks, stack, logarithms, as `scripts/frontend/emlearn.c` writes them.
const OUTCOME_LEN: usize = 8 + 4 * BANK.n_bands;

/// A way to use emlearn.
pub(super) struct Form {
    pub name: &'static str,
    flags: &'static [&'static str],
    /// Whether it computes what we do.
    pub is_comparable: bool,
}

/// As its own function does it, and as fast as its parts allow.
pub(super) const FORMS: [&Form; 2] = [
    &Form {
        name: "emlearn eml_audio",
        flags: &["-DAS_PUBLISHED"],
        // The power of real parts alone, and other edges.
        is_comparable: false,
    },
    &Form {
        name: "emlearn eml_fft, sparse filterbank",
        flags: &[],
        is_comparable: true,
    },
];

/// Builds and runs one form.
pub(super) fn measure(bench: &Bench, form: &Form, place: &Place) -> Result<Measured, Failure> {
    let machine = place.machine()?;
    let source = crate::repository().join("scripts/frontend/emlearn.c");
    std::fs::write(bench.work.join("tables.h"), tables()).environment()?;
    let compiler = &bench.compiler;
    let (elf, footprint) = compiler.build_program(&source, &bench.work, form.flags, place)?;
    let mut counts = Vec::new();
    let mut stack_bytes = 0;
    let mut logs = Vec::new();
    for words in bench
        .outcomes(machine, &elf, OUTCOME_LEN)?
        .chunks_exact(OUTCOME_LEN)
    {
        let words = words.as_chunks().0;
        if let [ticks, stack, energies @ ..] = words {
            counts.push(instructions(machine, u32::from_le_bytes(*ticks))?);
            stack_bytes = stack_bytes.max(u32::from_le_bytes(*stack));
            let energies = energies.iter();
            logs.push(
                energies
                    .map(|log| f64::from(f32::from_le_bytes(*log)))
                    .collect(),
            );
        }
    }
    Ok(Measured {
        instructions: counts.iter().sum::<f64>() / counts.len().max(1) as f64,
        instructions_max: counts.iter().copied().fold(0.0, f64::max),
        flash_bytes: footprint.flash_bytes,
        ram_bytes: footprint.ram_bytes + u64::from(stack_bytes),
        logs,
        ..Measured::default()
    })
}

/// Tables that a user of emlearn would have beforehand: window, twiddle factors, sparse filters.
fn tables() -> String {
    let n = BANK.n_points;
    let turn = |at: usize| std::f64::consts::TAU * at as f64 / n as f64;
    let spacing = BANK.sample_rate_hz / n as f64;
    let (mut starts, mut stops, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for edges in BANK.edges_hz().windows(3) {
        let weight = |bin: &usize| {
            let hz = *bin as f64 * spacing;
            let rising = (hz - edges[0]) / (edges[1] - edges[0]);
            let falling = (edges[2] - hz) / (edges[2] - edges[1]);
            rising.min(falling)
        };
        let bins: Vec<usize> = (0..=n / 2).filter(|bin| weight(bin) > 0.0).collect();
        starts.push(bins.first().copied().unwrap_or(0).to_string());
        stops.push(bins.last().copied().unwrap_or(0).to_string());
        weights.extend(bins.iter().map(|bin| number(weight(bin))));
    }
    let mut out = format!(
        "enum {{ N_POINTS = {n}, N_BANDS = {}, SAMPLE_RATE = {}, F_MIN = {}, F_MAX = {} }};\n",
        BANK.n_bands, BANK.sample_rate_hz, BANK.f_min_hz, BANK.f_max_hz
    );
    let table = |of: fn(f64) -> f64, n_values: usize| -> Vec<String> {
        (0..n_values).map(|at| number(of(turn(at)))).collect()
    };
    for (name, kind, values) in [
        ("sines", "float", table(f64::sin, n / 2)),
        ("cosines", "float", table(f64::cos, n / 2)),
        ("window", "float", table(|turn| 0.5 - 0.5 * turn.cos(), n)),
        ("starts", "int", starts),
        ("stops", "int", stops),
        ("weights", "float", weights),
    ] {
        let (n_values, values) = (values.len(), values.join(", "));
        let _ = writeln!(
            out,
            "static const {kind} {name}[{n_values}] = {{{values}}};"
        );
    }
    out
}

fn number(value: f64) -> String {
    format!("{value:e}f")
}
