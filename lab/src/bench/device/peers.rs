//! A peer's source on one core: its image built, run on all test rows, an empty one subtracted.

use anyhow::{Context, anyhow};
use spinney_pipeline::emulator::Emulation;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::interrupt;

use super::super::{instructions, outcomes};
use super::model::{Model, Source};
use super::{Bench, Measured, Place, Ran};

/// Bytes of one outcome: class, ticks, stack, as `scripts/peers/harness/harness.c` writes them.
const OUTCOME_LEN: usize = 12;

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
    let rows = model.folder.join(format!("rows-{}.bin", source.reading));
    let rows = crate::read(rows).environment()?;
    let emulation = bench.emulation(place)?;
    let image = |is_empty: bool| -> Result<_, Failure> {
        let compiler = &bench.compiler;
        let (elf, footprint) = compiler.build(model, source, is_empty, place, folder.path())?;
        Ok((run(&emulation, &elf, &rows, model.n_rows)?, footprint))
    };
    let (without, empty) = image(true)?;
    let without = without
        .map_err(|reason| anyhow!("the image without a model: {reason}"))
        .environment()?;
    let (outcomes, with) = image(false)?;
    let ran = outcomes.map(|outcomes| ran(model, source, &outcomes, &without));
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

/// Runs an image on rows; the inner error says how a run ended early.
fn run(
    emulation: &Emulation<'_>,
    elf: &[u8],
    rows: &[u8],
    n_rows: usize,
) -> Result<Result<Vec<Outcome>, String>, Failure> {
    let bytes = match outcomes(emulation, elf, rows, [n_rows, OUTCOME_LEN])? {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(Err(reason.replace("not run: ", ""))),
    };
    let words = bytes.as_chunks::<4>().0;
    let of_rows = words.as_chunks::<3>().0.iter().map(|outcome| {
        let [class, ticks, stack_bytes] = outcome.map(u32::from_le_bytes);
        Ok(Outcome {
            class: class as usize,
            instructions: instructions(emulation.machine, ticks)?.round(),
            stack_bytes,
        })
    });
    of_rows.collect::<Result<_, Failure>>().map(Ok)
}
