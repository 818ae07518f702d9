//! Clocks that jump, files of another time, and folders that are suddenly gone.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use rand::seq::SliceRandom;

use super::Case;
use super::bench::{Bench, Effect, RUN};
use super::preload::{CHANGES, Fault, What};
use spinney_pipeline::disk;

const TEN_YEARS_S: u64 = 315_576_000;
const ARTIFACTS: &str = "target/pipeline/tiny";
/// What can be gone, below a clone; the cache lies beside it.
const FOLDERS: [&str; 9] = [
    "project/reports",
    "project/reports/tiny",
    "tmp",
    "target/pipeline",
    "target/pipeline/tiny",
    "target/pipeline/tiny/model",
    "target/pipeline/tiny/quantize",
    "target/pipeline/tiny/firmware",
    "../cache/firmware",
];

pub(super) fn play_clock(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let sign = if case.seed.is_multiple_of(2) { 1 } else { -1 };
    let seconds = i64::try_from(TEN_YEARS_S)? * sign;
    disturb(bench, case, What::Clock(seconds), None)
}

/// A folder that vanishes comes back in the end only if it is the cache, which takes long to fill.
pub(super) fn play_vanish(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let folder = FOLDERS.choose(&mut case.dice()).context("no folders")?;
    let full = match folder.strip_prefix("../") {
        Some(beside) => bench.folder.join(beside),
        None => bench.sandbox.path(folder),
    };
    let aside = bench.sandbox.path("vanished");
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    let back = folder.starts_with("..").then_some(full.as_path());
    disturb(bench, case, What::Vanish(full.clone()), back).with_context(|| (*folder).to_owned())
}

fn disturb(bench: &Bench, case: &Case<'_>, what: What, back: Option<&Path>) -> Result<Effect> {
    let (base, at) = case.operation()?;
    let fault = Fault {
        kinds: CHANGES,
        at,
        what,
    };
    let disturbed = bench.disturbed(base, &fault, Duration::from_secs(1));
    let aside = bench.sandbox.path("vanished");
    if let (Some(folder), true) = (back, aside.exists()) {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::rename(&aside, folder)?;
    }
    // Without it, no program has a place for temporary files.
    std::fs::create_dir_all(bench.sandbox.path("tmp"))?;
    let (ended, at) = disturbed?;
    bench.healed(&at, || {
        let effect = if ended.code == Some(0) && bench.sandbox.reports()? != bench.reports {
            // Reports that vanished after they were written.
            ensure!(aside.exists(), "not the bytes of an undisturbed run");
            Effect::Same
        } else if aside.exists() && !bench.sandbox.project().join("reports/tiny").exists() {
            ensure!(ended.code == Some(0) || ended.is_refusal(), "{ended}");
            Effect::Refused
        } else {
            bench.effect(base, &ended)?
        };
        bench.checked()?;
        Ok(effect)
    })
}

pub(super) fn times(n: usize) -> Vec<String> {
    let mut all = Vec::new();
    for what in ["artifacts", "project", "cache", "program"] {
        for time in ["future", "past", "epoch"] {
            all.push(format!("{what}:{time}"));
        }
    }
    all.truncate(n);
    all
}

pub(super) fn play_times(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let [what, time] = case.parts[..] else {
        bail!("expected times:WHAT:TIME");
    };
    bench.restore("budget")?;
    let folder = match what {
        "artifacts" => bench.sandbox.path(ARTIFACTS),
        "project" => bench.sandbox.project(),
        "program" => bench.sandbox.path("target/debug"),
        _ => bench.sandbox.cache().join("firmware"),
    };
    let ten_years = Duration::from_secs(TEN_YEARS_S);
    let time = match time {
        "future" => SystemTime::now() + ten_years,
        "past" => SystemTime::now() - ten_years,
        _ => SystemTime::UNIX_EPOCH,
    };
    set_times(&folder, time)?;
    let ended = bench.sandbox.run(&RUN, None)?;
    ended.is_sane()?;
    let effect = bench.effect("budget", &ended)?;
    ensure!(effect == Effect::Same, "{ended}");
    bench.heals()?;
    set_times(&folder, SystemTime::now())?;
    Ok(effect)
}

fn set_times(folder: &Path, time: SystemTime) -> Result<()> {
    for file in disk::files_below(folder)? {
        // A program that runs cannot be opened to write.
        let _ = std::fs::File::open(folder.join(file)).and_then(|it| it.set_modified(time));
    }
    Ok(())
}
