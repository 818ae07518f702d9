//! Something happens at an operation of a run: it fails, a signal comes, the clock jumps, a folder is gone.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::Rng;
use rand::seq::SliceRandom;

use super::Case;
use super::bench::{BASES, Bench, Effect};
use super::preload::{CHANGES, Fault, What};

const TEN_YEARS_S: i64 = 315_576_000;
const SIGKILL: i32 = 9;
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

/// At most so many cases of a class, spread over a run from each state; most from the one that costs least.
pub(super) fn spread(bench: &Bench, class: &str, n_cases: usize) -> Result<Vec<String>> {
    let mut dice = bench.dice(class);
    let mut cases = Vec::new();
    for (base, share) in BASES.into_iter().zip([6, 2, 2]) {
        if cases.len() >= n_cases {
            break;
        }
        let n_operations = bench.n_operations(base, kinds(class))?;
        let n = (n_cases * share).div_ceil(10).min(n_operations);
        for part in 0..n {
            let (from, to) = (part * n_operations / n, (part + 1) * n_operations / n);
            cases.push(format!("{base}:{}", dice.gen_range(from..to) + 1));
        }
    }
    cases.truncate(n_cases);
    Ok(cases)
}

/// The operations that a class is about.
fn kinds(class: &str) -> &'static str {
    match class {
        "enospc" | "full" => "owrms",
        "eio" => "owrsumc",
        "unreadable" => "qi",
        "emfile" => "oqp",
        "eagain" => "p",
        "short" => "w",
        _ => CHANGES,
    }
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let signal = match case.class {
        "kill" => Some(SIGKILL),
        "term" => Some(15),
        "int" => Some(2),
        "hup" => Some(1),
        _ => None,
    };
    let what = match (case.class, signal) {
        (_, Some(signal)) => What::Signal(signal, case.dice().gen_range(0..400)),
        ("enospc", _) => What::Error(28),
        ("full", _) => What::Errors(28),
        ("emfile", _) => What::Error(24),
        ("eagain", _) => What::Error(11),
        ("short", _) => What::Short,
        ("clock", _) if case.seed.is_multiple_of(2) => What::Clock(TEN_YEARS_S),
        ("clock", _) => What::Clock(-TEN_YEARS_S),
        _ => What::Error(5),
    };
    let (base, fault) = fault(case, what)?;
    if signal.is_some() && base == "fresh" {
        bench.sandbox.forget_images()?;
    }
    // Who is killed cannot end its children; they end by themselves.
    let patience = if signal == Some(SIGKILL) { 30 } else { 1 };
    let (ended, at) = bench.disturbed(base, &fault, Duration::from_secs(patience))?;
    if let Some(signal) = signal {
        let told = ended.code == Some(128 + signal) || ended.signal == Some(signal);
        // A signal that comes with the last operation may come too late.
        ensure!(told || ended.code == Some(0), "at `{at}`: {ended}");
        if signal != SIGKILL {
            bench.nothing_left().with_context(|| at.clone())?;
        }
        return bench.healed(&at, || bench.checked());
    }
    bench.healed(&at, || {
        let effect = bench.effect(base, &ended)?;
        bench.checked()?;
        Ok(effect)
    })
}

/// The state that a case starts from, and what happens to its run.
fn fault<'a>(case: &'a Case<'_>, what: What) -> Result<(&'a str, Fault)> {
    let (base, at) = case.operation()?;
    let kinds = kinds(case.class);
    Ok((base, Fault { kinds, at, what }))
}

/// A folder that vanishes comes back in the end only if it is the cache, which takes long to fill.
pub(super) fn play_vanish(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let folder = FOLDERS.choose(&mut case.dice()).context("no folders")?;
    let (full, comes_back) = match folder.strip_prefix("../") {
        Some(beside) => (bench.folder.join(beside), true),
        None => (bench.sandbox.path(folder), false),
    };
    vanished(bench, case, &full, comes_back).with_context(|| (*folder).to_owned())
}

fn vanished(bench: &Bench, case: &Case<'_>, folder: &PathBuf, comes_back: bool) -> Result<Effect> {
    let aside = bench.sandbox.path("vanished");
    if aside.exists() {
        std::fs::remove_dir_all(&aside)?;
    }
    let (base, fault) = fault(case, What::Vanish(folder.clone()))?;
    let disturbed = bench.disturbed(base, &fault, Duration::from_secs(1));
    if comes_back && aside.exists() {
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
