//! Our side: the firmware around the front end, built with and without it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use anyhow::anyhow;
use spinney_cli::terminal;
use spinney_codegen::memory_x;
use spinney_evaluate::Footprint;
use spinney_frontend::aggregate::{Aggregate, Maximum};
use spinney_frontend::biquad::{Filter, Filtered};
use spinney_frontend::cepstra::Cepstra;
use spinney_frontend::chain::Summary as _;
use spinney_frontend::deltas::Deltas;
use spinney_frontend::{log2, mel::Filters, spectrum::Spectrum, window::Window};
use spinney_signal::{Biquads, Pass, SampleFilter, cosines};

use super::{BANK, Bench, Measured};
use crate::bench::device::Place;
use crate::bench::instructions;
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

/// What samples go through before the steps that not every front end has.
const FILTER: SampleFilter = SampleFilter {
    pass: Pass::Band(200.0, 4_000.0),
    order: 2,
};
const N_SECTIONS: usize = 2;
const N_CEPSTRA: usize = 13;

/// One frame of a run.
struct Outcome {
    parts: [f64; N_PARTS],
    stack_bytes: u32,
    logs: Vec<i16>,
}

/// Builds and runs the images of the whole front end, of none, and of steps that not every one has; the
/// device's features must be the host's.
pub(super) fn measure(
    bench: &Bench,
    place: &Place,
    toolchain: &Toolchain,
) -> Result<Measured, Failure> {
    let (footprint, frames) = run(bench, place, toolchain, &[])?;
    let (empty, idle) = run(bench, place, toolchain, &["--features", "empty"])?;
    let (_, steps) = run(bench, place, toolchain, &["--features", "steps"])?;
    let samples = integers(&bench.frames);
    let (host, host_steps) = (logs_of(&samples)?, steps_on_host(&samples)?);
    for (frames, host) in [(&frames, &host), (&steps, &host_steps)] {
        if frames.iter().map(|frame| &frame.logs).ne(host) {
            return Err(Failure::Environment(anyhow!(
                "features on {} are not the host's",
                place.name
            )));
        }
    }
    let without = |frame: &Outcome, part: usize| {
        let counting = idle.first().map_or(0.0, |idle| idle.parts[part]);
        frame.parts[part] - counting
    };
    let mean_of = |frames: &[Outcome], of: &dyn Fn(&Outcome) -> f64| {
        frames.iter().map(of).sum::<f64>() / frames.len().max(1) as f64
    };
    let mean = |of: &dyn Fn(&Outcome) -> f64| mean_of(&frames, of);
    // A filter and a gate count at each sample, as the third part of the image without a front end.
    let counting = idle.first().map_or([0.0; N_PARTS], |idle| {
        let [frame, other, sample, _] = idle.parts;
        [frame, other, sample, sample]
    });
    let n_samples = BANK.n_points as f64;
    let per = [1.0, 1.0, n_samples * N_SECTIONS as f64, n_samples];
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
        steps: std::array::from_fn(|part| {
            mean_of(&steps, &|frame| frame.parts[part] - counting[part]) / per[part]
        }),
    })
}

fn integers(bytes: &[u8]) -> Vec<i16> {
    let halves = bytes.as_chunks().0.iter();
    halves.map(|bytes| i16::from_le_bytes(*bytes)).collect()
}

/// The logarithms of frames that touch, by the same code on this machine.
fn logs_of(samples: &[i16]) -> Result<Vec<Vec<i16>>, Failure> {
    let table = BANK.table().environment()?;
    let filters: Filters<'_, M> = table
        .filters()
        .map_err(|error| anyhow!("the filters are refused: {error:?}"))
        .environment()?;
    let window = Window::hann();
    let mut spectrum = Spectrum::new();
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

/// What the image of the steps gives for every frame: cepstra, the maxima of their deltas, the last
/// sample that was filtered.
fn steps_on_host(samples: &[i16]) -> Result<Vec<Vec<i16>>, Failure> {
    let biquads = FILTER.biquads(BANK.sample_rate_hz);
    let sections = biquads.sections.try_into();
    let sections = sections.map_err(|_| anyhow!("{FILTER} has other sections"));
    let filter = Filter::<N_SECTIONS>::new(sections.environment()?, biquads.shift)
        .map_err(|error| anyhow!("{FILTER} is refused: {error:?}"))
        .environment()?;
    let mut filtered = Filtered::<1, N_SECTIONS>::new(&filter);
    let samples: Vec<i16> = (samples.iter())
        .map(|sample| filtered.push([*sample])[0])
        .collect();
    let weights = cosines(BANK.n_bands);
    let cepstra = Cepstra::<{ BANK.n_bands }>::new(&weights);
    let mut deltas = Deltas::<_, N_CEPSTRA, 5>::new(2, Aggregate::<Maximum<i16>, N_CEPSTRA>::new());
    let frames = logs_of(&samples)?
        .into_iter()
        .zip(samples.chunks(BANK.n_points));
    Ok(frames
        .map(|(logs, samples)| {
            let (mut coefficients, mut maxima) = ([0; N_CEPSTRA], [0; N_CEPSTRA]);
            cepstra.transform(&logs, &mut coefficients);
            deltas.add(&coefficients);
            deltas.write(NonZeroU32::MIN, |_| 0, &mut maxima);
            let mut found = [coefficients, maxima].concat();
            found.extend(samples.last());
            found.resize(BANK.n_bands, 0);
            found
        })
        .collect())
}

/// Source of the tables that the steps have beside the filters of bands.
fn tables() -> String {
    let Biquads {
        sections, shift, ..
    } = FILTER.biquads(BANK.sample_rate_hz);
    let sections: String = (sections.iter())
        .map(|it| format!("    Section {{ b: {:?}, a: {:?} }},\n", it.b, it.a))
        .collect();
    let cosines = cosines(BANK.n_bands);
    format!(
        "use spinney_frontend::biquad::{{Filter, Section}};\n\n\
         pub const N_SECTIONS: usize = {N_SECTIONS};\npub const N_CEPSTRA: usize = {N_CEPSTRA};\n\n\
         pub static FILTER: Filter<N_SECTIONS> = match Filter::new([\n{sections}], {shift}) {{\n    \
         Ok(filter) => filter,\n    Err(error) => error.refuse(),\n}};\n\n\
         pub static COSINES: [i16; {}] = {cosines:?};\n",
        cosines.len()
    )
}

fn run(
    bench: &Bench,
    place: &Place,
    toolchain: &Toolchain,
    features: &[&str],
) -> Result<(Footprint, Vec<Outcome>), Failure> {
    let machine = place.machine()?;
    let files = workspace(place)?;
    let folder = bench.work.join(format!("firmware-{}", place.name));
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
    let footprint = Footprint::from_elf(&bytes).environment()?;
    let found = bench.outcomes(machine, &bytes, OUTCOME_LEN)?;
    let outcomes = found
        .chunks_exact(OUTCOME_LEN)
        .map(|bytes| {
            let (words, logs) = bytes.split_at(4 * (N_PARTS + 1));
            let words = words.as_chunks().0.iter();
            let words: Vec<u32> = words.map(|bytes| u32::from_le_bytes(*bytes)).collect();
            let mut parts = [0.0; N_PARTS];
            for (part, ticks) in parts.iter_mut().zip(&words) {
                *part = instructions(machine, *ticks)?;
            }
            Ok(Outcome {
                parts,
                stack_bytes: words.get(N_PARTS).copied().unwrap_or(0),
                logs: integers(logs),
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
    for path in [
        "Cargo.lock",
        "app/src/arm/counter.rs",
        "app/src/stack.rs",
        "frontend-bench/build.rs",
        "frontend-bench/Cargo.toml",
        "frontend-bench/src/empty.rs",
        "frontend-bench/src/front_end.rs",
        "frontend-bench/src/main.rs",
        "frontend-bench/src/steps.rs",
    ] {
        files.insert(path.to_owned(), read(&format!("firmware/{path}"))?);
    }
    let table = BANK.table().environment()?;
    let filters = spinney_codegen::filters(&table, BANK.n_points);
    files.insert("frontend-bench/src/filters.rs".to_owned(), filters);
    files.insert("frontend-bench/src/tables.rs".to_owned(), tables());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::device::PLACES;

    #[test]
    fn images_have_every_file_that_they_name() {
        for place in &PLACES {
            let files = workspace(place).unwrap();
            let mut n_named = 0;
            for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".rs")) {
                for rest in text.split("path = \"").skip(1) {
                    let (named, _) = rest.split_once('"').unwrap();
                    let folder = path.rsplit_once('/').unwrap().0;
                    // Of the workspace's folder, or of the file's own.
                    let whole = match named.strip_prefix("../../") {
                        Some(named) => named.to_owned(),
                        None => format!("{folder}/{named}"),
                    };
                    assert!(files.contains_key(&whole), "{path} names {named}");
                    n_named += 1;
                }
            }
            assert_eq!(n_named, 4, "the counter, the stack, and two front ends");
        }
    }
}
