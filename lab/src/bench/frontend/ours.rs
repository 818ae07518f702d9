//! Our side: the firmware around the front end, built with and without it.

use std::collections::BTreeMap;

use anyhow::anyhow;
use spinney_cli::terminal;
use spinney_codegen::memory_x;
use spinney_evaluate::Footprint;
use spinney_frontend::{log2, mel::Filters, spectrum::Spectrum, window::Window};

use super::{BANK, Bench, Measured, outcomes};
use crate::bench::device::Place;
use crate::front_end;
use spinney_pipeline::environment::Toolchain;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{image, store};

const PACKAGE: &str = "spinney-frontend-bench";
/// Half the points of a frame, as types count them.
const M: usize = 512;
const N_PARTS: usize = 4;
/// Ticks of the parts, stack, logarithms.
const OUTCOME_LEN: usize = 4 * (N_PARTS + 1) + 2 * BANK.n_bands;

/// One frame of a run.
struct Outcome {
    parts: [f64; N_PARTS],
    stack_bytes: u32,
    logs: Vec<i16>,
}

/// Builds and runs both images; the device's features must be the host's.
pub(super) fn measure(
    bench: &Bench,
    place: &Place,
    toolchain: &Toolchain,
) -> Result<Measured, Failure> {
    let (footprint, frames) = run(bench, place, toolchain, false)?;
    let (empty, idle) = run(bench, place, toolchain, true)?;
    let host = on_host(bench)?;
    if frames.iter().map(|frame| &frame.logs).ne(&host) {
        return Err(Failure::Environment(anyhow!(
            "features on {} are not the host's",
            place.name
        )));
    }
    let without = |frame: &Outcome, part: usize| {
        let counting = idle.first().map_or(0.0, |idle| idle.parts[part]);
        frame.parts[part] - counting
    };
    let mean = |of: &dyn Fn(&Outcome) -> f64| {
        frames.iter().map(of).sum::<f64>() / frames.len().max(1) as f64
    };
    let whole = |frame: &Outcome| without(frame, 0) + without(frame, 1);
    let stack = frames.iter().map(|frame| frame.stack_bytes).max();
    let unit = f64::from(1 << log2::FRACTION);
    Ok(Measured {
        instructions: mean(&whole),
        instructions_max: frames.iter().map(whole).fold(0.0, f64::max),
        flash_bytes: footprint.flash_bytes.saturating_sub(empty.flash_bytes),
        ram_bytes: footprint.ram_bytes + u64::from(stack.unwrap_or(0)),
        logs: host
            .iter()
            .map(|logs| logs.iter().map(|log| f64::from(*log) / unit).collect())
            .collect(),
        parts: std::array::from_fn(|part| mean(&|frame| without(frame, part))),
    })
}

/// The features of every frame, by the same code on this machine.
fn on_host(bench: &Bench) -> Result<Vec<Vec<i16>>, Failure> {
    let bytes = std::fs::read(bench.work.join("rows.bin")).environment()?;
    let table = BANK.table().environment()?;
    let filters: Filters<'_, M> = table
        .filters()
        .map_err(|error| anyhow!("the filters are refused: {error:?}"))
        .environment()?;
    let window = Window::hann();
    let mut spectrum = Spectrum::new();
    let samples = bytes.as_chunks().0.iter();
    let samples: Vec<i16> = samples.map(|bytes| i16::from_le_bytes(*bytes)).collect();
    let pairs = samples.as_chunks::<2>().0;
    Ok(pairs
        .as_chunks::<M>()
        .0
        .iter()
        .map(|frame| {
            let mut logs = vec![0; BANK.n_bands];
            spectrum.transform(frame, &window);
            filters.log_energies(&spectrum, &mut logs);
            logs
        })
        .collect())
}

fn run(
    bench: &Bench,
    place: &Place,
    toolchain: &Toolchain,
    is_empty: bool,
) -> Result<(Footprint, Vec<Outcome>), Failure> {
    let machine = place.machine()?;
    let files = workspace(place)?;
    let folder = bench.work.join(format!("firmware-{}", place.name));
    let features: &[&str] = if is_empty {
        &["--features", "empty"]
    } else {
        &[]
    };
    let bytes = image::compile(&image::Job {
        folder: &folder,
        files: Some(&files),
        binary: PACKAGE,
        arguments: features,
        target: place.core.target(),
        log: "off",
        keeps_libraries: false,
        toolchain,
        progress: &terminal::notes(),
    })?;
    let elf = bench.work.join(format!("{}.elf", place.name));
    store::write_whole(&elf, &bytes).environment()?;
    let footprint = Footprint::from_elf(&bytes).environment()?;
    let found = outcomes(bench, machine, &elf)?;
    if found.len() != OUTCOME_LEN * bench.n_frames {
        return Err(Failure::Environment(anyhow!(
            "{} bytes of outcomes for {} frames",
            found.len(),
            bench.n_frames
        )));
    }
    let outcomes = found
        .chunks_exact(OUTCOME_LEN)
        .map(|bytes| {
            let (words, logs) = bytes.split_at(4 * (N_PARTS + 1));
            let words: Vec<u32> = words
                .as_chunks()
                .0
                .iter()
                .map(|bytes| u32::from_le_bytes(*bytes))
                .collect();
            let mut parts = [0.0; N_PARTS];
            for (part, ticks) in parts.iter_mut().zip(&words) {
                *part = super::instructions(machine, *ticks)?;
            }
            Ok(Outcome {
                parts,
                stack_bytes: words.get(N_PARTS).copied().unwrap_or(0),
                logs: logs
                    .as_chunks()
                    .0
                    .iter()
                    .map(|bytes| i16::from_le_bytes(*bytes))
                    .collect(),
            })
        })
        .collect::<Result<_, Failure>>()?;
    Ok((footprint, outcomes))
}

/// The workspace of the image: the bench's firmware, what it shares with the app, the front end.
fn workspace(place: &Place) -> Result<BTreeMap<String, String>, Failure> {
    let machine = place.machine()?;
    let repository = crate::repository();
    let read = |path: &str| crate::read_text(repository.join(path)).environment();
    let mut files = BTreeMap::new();
    for (from, to) in [
        ("firmware/Cargo.lock", "Cargo.lock"),
        ("firmware/app/src/counter.rs", "app/src/counter.rs"),
        ("firmware/app/src/stack.rs", "app/src/stack.rs"),
        (
            "firmware/frontend-bench/build.rs",
            "frontend-bench/build.rs",
        ),
        (
            "firmware/frontend-bench/Cargo.toml",
            "frontend-bench/Cargo.toml",
        ),
        (
            "firmware/frontend-bench/src/main.rs",
            "frontend-bench/src/main.rs",
        ),
    ] {
        files.insert(to.to_owned(), read(from)?);
    }
    let table = BANK.table().environment()?;
    let filters = spinney_codegen::filters(&table, BANK.n_points);
    files.insert("frontend-bench/src/filters.rs".to_owned(), filters);
    let memory = memory_x(
        machine.core,
        spinney_board::Boot::Direct,
        machine.flash,
        machine.ram,
    );
    files.insert("frontend-bench/memory.x".to_owned(), memory);
    files.extend(front_end::sources()?);
    let manifest = read("firmware/Cargo.toml")?;
    let profile = manifest.find("[profile").map_or("", |at| &manifest[at..]);
    files.insert(
        "Cargo.toml".to_owned(),
        format!(
            "[workspace]\nresolver = \"3\"\nmembers = [\"frontend-bench\"]\n\n{profile}\n\
             [profile.release.package.spinney-frontend]\nopt-level = 3\n"
        ),
    );
    let all: String = files.values().map(String::as_str).collect();
    // Cargo's target folder is shared, and must not take one state's artifacts for another's.
    let digest = &store::sha256(all.as_bytes())["sha256:".len()..][..12];
    for path in ["frontend/Cargo.toml", "frontend-bench/Cargo.toml"] {
        let text = files.entry(path.to_owned()).or_default();
        *text = text.replace(
            "version = \"0.1.0\"\nedition",
            &format!("version = \"0.1.0+h{digest}\"\nedition"),
        );
    }
    image::lock(&mut files)?;
    Ok(files)
}
