//! Operations on the disk and starts of processes that fail.

use std::time::Duration;

use anyhow::Result;

use super::Case;
use super::bench::{Bench, Effect};
use super::preload::{CHANGES, Fault, What};

/// The operations that a class is about, and how they fail.
pub(super) fn about(class: &str) -> (&'static str, What) {
    match class {
        "enospc" => ("owrms", What::Error(28)),
        "full" => ("owrms", What::Errors(28)),
        "eio" => ("owrsumc", What::Error(5)),
        "unreadable" => ("qi", What::Error(5)),
        "emfile" => ("oqp", What::Error(24)),
        "eagain" => ("p", What::Error(11)),
        "short" => ("w", What::Short),
        _ => (CHANGES, What::Trace),
    }
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let (base, at) = case.operation()?;
    let (kinds, what) = about(case.class);
    let fault = Fault { kinds, at, what };
    let (ended, at) = bench.disturbed(base, &fault, Duration::from_secs(1))?;
    bench.healed(&at, || {
        let effect = bench.effect(base, &ended)?;
        bench.checked()?;
        Ok(effect)
    })
}
