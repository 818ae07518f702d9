//! Files of another time.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail, ensure};

use super::Case;
use super::bench::{Bench, Effect, RUN};
use spinney_pipeline::disk;

const TEN_YEARS: Duration = Duration::from_secs(315_576_000);

pub(super) fn cases(n: usize) -> Vec<String> {
    let of = |what| ["future", "past", "epoch"].map(|time| format!("{what}:{time}"));
    let all = ["artifacts", "project", "cache", "program"].map(of);
    all.into_iter().flatten().take(n).collect()
}

pub(super) fn play(bench: &Bench, case: &Case<'_>) -> Result<Effect> {
    let [what, time] = case.parts[..] else {
        bail!("expected times:WHAT:TIME");
    };
    bench.restore("budget")?;
    let folder = match what {
        "artifacts" => bench.sandbox.artifacts(),
        "project" => bench.sandbox.project(),
        "program" => bench.sandbox.path("target/debug"),
        _ => bench.sandbox.cache().join("firmware"),
    };
    let time = match time {
        "future" => SystemTime::now() + TEN_YEARS,
        "past" => SystemTime::now() - TEN_YEARS,
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
