//! Signals at operations of a run.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::Rng;

use super::Case;
use super::bench::{BASES, Bench, Effect};
use super::preload::{CHANGES, Fault, What};

const SIGKILL: i32 = 9;

/// `n` operations of these kinds, spread over a run from each state; most from the one that costs least.
pub(super) fn spread(
    bench: &Bench,
    class: &str,
    kinds: &str,
    n_cases: usize,
) -> Result<Vec<String>> {
    let mut dice = bench.dice(class);
    let mut cases = Vec::new();
    for (base, share) in BASES.into_iter().zip([6, 2, 2]) {
        if cases.len() >= n_cases {
            break;
        }
        let n_operations = bench.n_operations(base, kinds)?;
        let n = (n_cases * share).div_ceil(10).min(n_operations);
        for part in 0..n {
            let (from, to) = (part * n_operations / n, (part + 1) * n_operations / n);
            cases.push(format!("{base}:{}", dice.gen_range(from..to) + 1));
        }
    }
    cases.truncate(n_cases);
    Ok(cases)
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let (base, at) = case.operation()?;
    let signal = match case.class {
        "kill" => SIGKILL,
        "term" => 15,
        "int" => 2,
        _ => 1,
    };
    let fault = Fault {
        kinds: CHANGES,
        at,
        what: What::Signal(signal, case.dice().gen_range(0..400)),
    };
    if base == "fresh" {
        bench.sandbox.forget_images()?;
    }
    // Who is killed cannot end its children; they end by themselves.
    let patience = if signal == SIGKILL { 30 } else { 1 };
    let (ended, at) = bench.disturbed(base, &fault, Duration::from_secs(patience))?;
    let told = ended.code == Some(128 + signal) || ended.signal == Some(signal);
    // A signal that comes with the last operation may come too late.
    ensure!(told || ended.code == Some(0), "at `{at}`: {ended}");
    if signal != SIGKILL {
        bench.nothing_left().with_context(|| at.clone())?;
    }
    bench.healed(&at, || bench.checked())
}
