//! `bench build`: what a cold build of `spinney` costs, held to a limit.

use std::time::Instant;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::supply;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{interrupt, process, store};

/// What users install, with its default features.
const PROGRAM: &str = "spinney";
/// A package of the build that stands for a machine's speed.
const YARDSTICK: &str = "clap";
/// How many times the yardstick's processor time a cold build may take; 33 when this was set, with the
/// yardstick built without optimization. Raise it in the commit that needs it, with the reason.
const MOST_YARDSTICKS: f64 = 36.0;

/// Builds the yardstick and then the program, each into an empty folder; writes
/// `reports/bench/build.md`. The ratio of the two is what a slow machine does not change much.
pub(crate) fn run() -> Result<(), Failure> {
    let shell = crate::shell()?;
    let yardstick = Cost::of(&shell, YARDSTICK)?;
    let program = Cost::of(&shell, PROGRAM)?;
    let ratio = program.processor_s / yardstick.processor_s;
    let text = format!(
        "# The cold build\n\n\
         Made by `cargo xtask bench build`: one build each into an empty folder, downloads not \
         counted, on a machine of {} processors. Seconds are this machine's; the ratio of the two \
         is held to a limit.\n\n\
         | build | processor time s | time s |\n\
         | --- | ---: | ---: |\n\
         | `cargo build -p {YARDSTICK}`, for comparison | {:.0} | {:.0} |\n\
         | `cargo build -p {PROGRAM}`, {} packages from registries | {:.0} | {:.0} |\n\n\
         Ratio of processor times: {ratio:.1}, limit {MOST_YARDSTICKS}.\n",
        std::thread::available_parallelism().map_or(1, usize::from),
        yardstick.processor_s,
        yardstick.wall_s,
        supply::packages()?.len(),
        program.processor_s,
        program.wall_s,
    );
    let path = super::reports().join("build.md");
    store::write_whole(&path, text.as_bytes()).environment()?;
    println!("{text}");
    if ratio > MOST_YARDSTICKS {
        eprintln!(
            "error: a cold build takes {ratio:.1} times the processor time of {YARDSTICK}'s, \
             expected {MOST_YARDSTICKS} at most; `cargo build -p {PROGRAM} --timings` shows which \
             packages take it, {} says when to raise the limit",
            file!()
        );
    }
    Failure::unless(ratio <= MOST_YARDSTICKS)
}

/// What a build took.
struct Cost {
    /// User and system time of all its processes.
    processor_s: f64,
    wall_s: f64,
}

impl Cost {
    /// Builds one package and what it needs, as the default build has it.
    fn of(shell: &Shell, package: &str) -> Result<Self, Failure> {
        let _busy = interrupt::busy();
        let folder = tempfile::tempdir().environment()?;
        let cargo = crate::cargo();
        let fetch = cmd!(shell, "{cargo} fetch --quiet --locked");
        process::show(fetch.into(), process::LONG).environment()?;
        eprintln!("bench: building {package} from nothing");
        let script = "\"$0\" build --quiet --locked --offline -p $1 && times";
        let started = Instant::now();
        let build = cmd!(shell, "sh -c {script} {cargo} {package}");
        let build = build.env("CARGO_TARGET_DIR", folder.path());
        let times = process::read(build.into(), process::LONG).environment()?;
        Ok(Self {
            processor_s: children(&times)
                .with_context(|| format!("`times` of sh printed {times:?}"))
                .environment()?,
            wall_s: started.elapsed().as_secs_f64(),
        })
    }
}

/// User and system seconds of a shell's children: the second line of what `times` prints.
fn children(times: &str) -> Option<f64> {
    let mut seconds = times.lines().nth(1)?.split_whitespace().map(|time| {
        let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    });
    Some(seconds.next()?? + seconds.next()??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_the_children_counts() {
        let times = "0m0.010s 0m0.020s\n7m33.659s 0m41.213s\n";
        let seconds = children(times).expect("two lines of two times");
        assert!((seconds - 494.872).abs() < 1e-9, "{seconds}");
        for text in ["", "0m0.010s 0m0.020s", "0m0.010s 0m0.020s\n1.5 2.5\n"] {
            assert_eq!(children(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_documentation_states_the_limit() {
        let page = include_str!("../../../docs/ci.md");
        let limit = format!("at most {MOST_YARDSTICKS} times");
        assert!(page.contains(&limit), "docs/ci.md does not say \"{limit}\"");
    }
}
