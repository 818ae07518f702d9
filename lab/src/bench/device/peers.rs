//! A peer's source on one core: its image built, run on all test rows, an empty one subtracted.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, anyhow};
use spinney_board::{Machine, Timer};
use spinney_evaluate::Footprint;

use super::super::{NS_PER_INSTRUCTION, counting};
use super::model::{Model, Source};
use super::{Bench, DEADLINE_S, Measured, Place, Ran};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{interrupt, process};

/// Bytes of one outcome: class, ticks, stack, as `scripts/peers/harness/harness.c` writes them.
const OUTCOME_LEN: usize = 12;
/// Room that the harness and a prediction need at the least.
const STACK_BYTES_MIN: u64 = 1024;

/// One row of a run.
struct Outcome {
    /// Or the bits of a value as a single.
    class: usize,
    instructions: f64,
    stack_bytes: u32,
}

/// Builds and runs `source`.
pub(super) fn measure(
    bench: &Bench,
    model: &Model,
    source: &Source,
    place: &Place,
) -> Result<Measured, Failure> {
    let _busy = interrupt::busy();
    let folder = tempfile::tempdir_in(&bench.work)
        .context("cannot create a temporary folder")
        .environment()?;
    let machine = place.machine()?;
    let build = |is_empty: bool| {
        bench
            .compiler
            .build(model, source, is_empty, place, folder.path())
    };
    let rows = model.folder.join(format!("rows-{}.bin", source.reading));
    std::fs::copy(&rows, folder.path().join("rows.bin"))
        .with_context(|| format!("cannot copy {}", rows.display()))
        .environment()?;
    let (elf, empty) = build(true)?;
    let without = run(bench, machine, &elf, folder.path(), model.n_rows)?
        .map_err(|reason| anyhow!("the image without a model: {reason}"))
        .environment()?;
    let (elf, with) = build(false)?;
    let ran = match does_not_fit(machine, &with) {
        Some(reason) => Err(reason),
        None => run(bench, machine, &elf, folder.path(), model.n_rows)?
            .map(|outcomes| ran(model, source, &outcomes, &without)),
    };
    Ok(Measured {
        model: model.name.clone(),
        core: place.name.to_owned(),
        by: source.peer.clone(),
        form: source.name(),
        voting: source.voting.clone(),
        flash_bytes: with.flash_bytes.saturating_sub(empty.flash_bytes),
        ram_bytes: with.ram_bytes.saturating_sub(empty.ram_bytes),
        ran,
        from_readings: None,
    })
}

fn ran(model: &Model, source: &Source, outcomes: &[Outcome], without: &[Outcome]) -> Ran {
    let counts: Vec<f64> = outcomes
        .iter()
        .zip(without)
        .map(|(with, without)| with.instructions - without.instructions)
        .collect();
    let deepest = |outcomes: &[Outcome]| {
        let depths = outcomes.iter().map(|outcome| outcome.stack_bytes);
        u64::from(depths.max().unwrap_or(0))
    };
    let classes: Vec<usize> = outcomes.iter().map(|outcome| outcome.class).collect();
    Ran {
        instructions: counts.iter().sum::<f64>() / counts.len().max(1) as f64,
        instructions_max: counts.iter().copied().fold(0.0, f64::max),
        stack_bytes: deepest(outcomes).saturating_sub(deepest(without)),
        disagreements: model.disagreements(&classes, &source.voting),
        error_max: model.error_max(
            classes
                .iter()
                .map(|bits| f64::from(f32::from_bits(u32::try_from(*bits).expect("a word")))),
        ),
        rows: classes.len(),
    }
}

fn does_not_fit(machine: &Machine, footprint: &Footprint) -> Option<String> {
    let checks = [
        ("flash", footprint.flash_bytes, machine.flash.len),
        (
            "RAM",
            footprint.ram_bytes + STACK_BYTES_MIN,
            machine.ram.len,
        ),
    ];
    checks
        .into_iter()
        .find(|(_, needed, there)| *needed > u64::from(*there))
        .map(|(memory, needed, there)| {
            format!(
                "needs {needed} bytes of {memory} and the {} has {there}",
                machine.name
            )
        })
}

/// Runs an image on the rows in `folder`; the inner error says how a run ended early.
fn run(
    bench: &Bench,
    machine: &Machine,
    elf: &Path,
    folder: &Path,
    n_rows: usize,
) -> Result<Result<Vec<Outcome>, String>, Failure> {
    let mut command = counting(&bench.qemu, machine, elf, folder);
    let finished = process::run(&mut command, Duration::from_secs(u64::from(DEADLINE_S)))
        .with_context(|| format!("cannot run {}", bench.qemu.display()))
        .environment()?;
    let reason = match finished.status.as_ref().map(ExitStatus::code) {
        Ok(Some(0)) => None,
        Err(killed) => Some(killed.to_string()),
        Ok(Some(2)) => Some("could not read rows or write outcomes".to_owned()),
        Ok(Some(4)) => Some("ran into a fault".to_owned()),
        Ok(Some(5)) => Some("a prediction takes more than the timer counts".to_owned()),
        Ok(Some(6)) => Some("a prediction takes more stack than is watched".to_owned()),
        Ok(_) => Some(format!("the emulator {}", finished.told())),
    };
    if let Some(reason) = reason {
        return Ok(Err(reason));
    }
    let bytes = std::fs::read(folder.join("outcomes.bin")).environment()?;
    if bytes.len() != n_rows * OUTCOME_LEN {
        return Ok(Err(format!(
            "left {} bytes of outcomes for {n_rows} rows",
            bytes.len()
        )));
    }
    let Timer::SystickHz(hz) = machine.timer else {
        return Ok(Err("has no SysTick".to_owned()));
    };
    let words = bytes.as_chunks::<4>().0;
    Ok(Ok(words
        .as_chunks::<3>()
        .0
        .iter()
        .map(|outcome| {
            let [class, ticks, stack_bytes] = outcome.map(u32::from_le_bytes);
            Outcome {
                class: class as usize,
                instructions: (f64::from(ticks) * 1e9 / f64::from(hz) / NS_PER_INSTRUCTION).round(),
                stack_bytes,
            }
        })
        .collect()))
}
