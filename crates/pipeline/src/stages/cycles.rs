//! Cycles of the form that ships: its verify image once more, while the emulator logs what it executes.

use spinney_evaluate::{Cost, Cycles, DeviceRun, Trace};
use spinney_wire::heard::{SignalFeatures, Triggered};

use super::{FoundEmulator, Session};
use crate::failure::{ExitReason, Failure};

/// The most instructions that are logged; with more, a share of the rows is, evenly spaced.
const INSTRUCTIONS_MAX: f64 = 1e6;

/// The cycles of rows on the verify image `elf`; `None` where nothing is known of the core's time, or
/// the log could not be followed.
pub(super) fn of_rows(
    session: &Session,
    emulator: &FoundEmulator,
    elf: &[u8],
    rows: &[u8],
    run: &DeviceRun,
) -> Result<Option<Cycles>, Failure> {
    let n_rows = run.classes.len();
    let Some(mut trace) = trace(session, elf)?.filter(|_| n_rows > 0) else {
        return Ok(None);
    };
    let per_row = 2.0 * run.instructions.mean.max(1.0);
    let step = (n_rows as f64 * per_row / INSTRUCTIONS_MAX).ceil().max(1.0) as usize;
    let row_len = rows.len() / n_rows;
    let chosen: Vec<u8> = rows
        .chunks(row_len.max(1))
        .step_by(step)
        .flatten()
        .copied()
        .collect();
    session.progress.doing("weighing what the image executes");
    let filter = trace.filter();
    let outcomes = emulator.of(session).trace(elf, &chosen, &filter, |line| {
        trace.line(line);
        true
    })?;
    let timer = emulator.machine.timer;
    let n_chosen = n_rows.div_ceil(step);
    Ok(outcomes.and_then(|outcomes| trace.of_rows(n_chosen, &outcomes, timer)))
}

/// The cost of the first decision's front end on the listening image `elf`, of which `heard` tells.
pub(super) fn of_front(
    session: &Session,
    emulator: &FoundEmulator,
    elf: &[u8],
    samples: &[u8],
    (heard, is_triggered): (&[u8], bool),
) -> Result<Option<Cost>, Failure> {
    let first = heard
        .get(..SignalFeatures::LEN)
        .and_then(SignalFeatures::from_bytes);
    let n_quiet = heard
        .get(SignalFeatures::LEN..SignalFeatures::LEN + Triggered::LEN)
        .and_then(Triggered::from_bytes)
        .filter(|_| is_triggered)
        .map_or(0, |told| told.n_quiet_measured);
    let (Some(mut trace), Some(first)) = (trace(session, elf)?, first) else {
        return Ok(None);
    };
    let n_stretches = first.n_measured.saturating_add(n_quiet) as usize;
    session
        .progress
        .doing("weighing what the front end executes");
    let filter = trace.filter();
    emulator.of(session).trace(elf, samples, &filter, |line| {
        trace.line(line);
        trace.n_measured() < 1 + n_stretches
    })?;
    Ok(trace.of_front(n_stretches))
}

fn trace(session: &Session, elf: &[u8]) -> Result<Option<Trace>, Failure> {
    Trace::new(&session.config.pipeline.target.chip, elf).environment()
}
