//! `torture`: everything that can go wrong around the program goes wrong, seeded and replayable, on
//! a small pipeline. After each fault: the bytes of an undisturbed run or a clear refusal, nothing
//! orphaned, and the next run gives those bytes.

mod bench;
mod crowd;
mod damage;
mod histories;
mod lies;
mod operations;
mod preload;
mod sandbox;
mod table;
mod times;

use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use clap::Args;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use bench::{Bench, Effect};
use spinney_pipeline::environment;
use spinney_pipeline::failure::{ExitReason, Failure};
use table::Line;

#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask torture --quick                           what CI runs
  cargo xtask torture                                   the whole once; writes reports/torture.md
  cargo xtask torture --hours 8                         again with fresh seeds, until then
  cargo xtask torture --class kill --class enospc       some classes of faults
  cargo xtask torture --case kill:budget:137 --seed 42  one case, as a failure names it

It needs gcc and Linux. Its clones and their firmware cache lie in the cache folder, in `torture`.")]
pub(crate) struct Arguments {
    /// A few cases of each class.
    #[arg(long)]
    quick: bool,
    /// Repeat with fresh seeds for so many hours.
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    hours: f64,
    /// What cases are drawn from.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// At most so many cases of a class.
    #[arg(long, value_name = "N", default_value_t = 200)]
    cases: usize,
    /// Only these classes; the figures of the others stay as they are in the report.
    #[arg(long, value_name = "CLASS", value_parser = CLASSES.map(|class| class.0))]
    class: Vec<String>,
    /// Only these cases.
    #[arg(long, value_name = "CASE", conflicts_with_all = ["class", "quick"])]
    case: Vec<String>,
}

/// A class of faults: its name, how many of its cases are quick, and what happens in them.
type Class = (&'static str, usize, &'static str);

/// Histories take a millisecond; other cases take seconds.
const HISTORIES_PER_CASE: usize = 500;

const CLASSES: [Class; 23] = [
    ("kill", 1, "SIGKILL at a write or a start"),
    ("term", 1, "SIGTERM at such a moment"),
    ("int", 1, "SIGINT at such a moment"),
    ("hup", 0, "SIGHUP at such a moment"),
    ("enospc", 1, "an operation that writes: ENOSPC"),
    ("full", 1, "it and all later ones do"),
    ("eio", 1, "an operation that changes: EIO"),
    ("unreadable", 1, "an operation that reads: EIO"),
    ("emfile", 0, "opening a file or a start: EMFILE"),
    ("eagain", 1, "a start of a process: EAGAIN"),
    ("short", 0, "half of a write"),
    ("flip", 2, "one bit of an artifact or report"),
    ("truncate", 1, "an artifact or report is cut off"),
    ("swap", 1, "two artifacts change places"),
    ("age", 1, "artifact or stage of an older model"),
    ("rot", 0, "one bit of a library in the cache"),
    ("crowd", 0, "two to four verbs in one clone"),
    ("clones", 0, "two clones, one cache, slow cargo"),
    ("lie", 1, "a tool crashes, hangs, floods, lies"),
    ("clock", 0, "the time jumps by ten years"),
    ("times", 0, "files of the future, of long ago"),
    ("vanish", 1, "a folder is gone"),
    ("histories", 1000, "sessions, faults, power cuts"),
];

/// The cases of a class, at most so many, each as what stands behind `class:`.
fn cases(bench: &Bench, class: &str, n: usize) -> anyhow::Result<Vec<String>> {
    Ok(match class {
        "flip" | "truncate" | "swap" | "age" => damage::cases(bench, class, n),
        "rot" | "crowd" | "clones" | "histories" => (0..n).map(|round| round.to_string()).collect(),
        "lie" => lies::cases(bench, class, n),
        "times" => times::cases(n),
        _ => operations::spread(bench, class, n)?,
    })
}

fn attempt(bench: &Bench, case: &str) -> anyhow::Result<Effect> {
    let mut parts = case.split(':');
    let case = Case {
        class: parts.next().unwrap_or_default(),
        parts: parts.collect(),
        seed: bench.seed_of(case),
    };
    match case.class {
        "flip" | "truncate" | "swap" | "age" => damage::play(bench, &case),
        "rot" => damage::rot(bench, &case),
        "crowd" => crowd::play(bench, &case),
        "clones" => crowd::play_clones(bench, &case),
        "lie" => lies::play(bench, &case),
        "times" => times::play(bench, &case),
        "vanish" => operations::play_vanish(bench, &case),
        "histories" => histories::play(case.seed),
        _ => operations::play(bench, &case),
    }
}

/// One case.
struct Case<'a> {
    class: &'a str,
    /// What stands behind the class, between colons.
    parts: Vec<&'a str>,
    /// What chance is drawn from: the seed and the case itself.
    seed: u64,
}

impl Case<'_> {
    fn dice(&self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.seed)
    }

    /// The state that it starts from, and the number of the operation that something happens to.
    fn operation(&self) -> anyhow::Result<(&str, usize)> {
        match self.parts[..] {
            [base, at] => Ok((base, at.parse()?)),
            _ => bail!("expected {}:STATE:OPERATION", self.class),
        }
    }
}

/// `torture`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let started = Instant::now();
    let bench = Bench::new(arguments.seed).environment()?;
    eprintln!(
        "torture: undisturbed runs took {:.0} s",
        started.elapsed().as_secs_f64()
    );
    if !arguments.case.is_empty() {
        return replay(&bench, &arguments.case);
    }
    let until = started + Duration::from_secs_f64(arguments.hours * 3600.0);
    let mut lines = Vec::new();
    loop {
        for class in &CLASSES {
            if arguments.class.is_empty() || arguments.class.iter().any(|it| it == class.0) {
                let n_cases = match class.0 {
                    _ if arguments.quick => class.1,
                    "histories" => arguments.cases * HISTORIES_PER_CASE,
                    _ => arguments.cases,
                };
                table::add(&mut lines, play(&bench, class, n_cases).environment()?);
                if !arguments.quick {
                    table::write(&lines).environment()?;
                }
            }
        }
        if Instant::now() >= until {
            break;
        }
        bench.reseed();
    }
    print!("{}", table::text(&lines));
    conclude(lines.iter().map(|line| line.failures).sum::<u64>())
}

/// `torture --quick`, as CI runs it, where it can.
pub(crate) fn check() -> Result<(), Failure> {
    if cfg!(not(target_os = "linux")) || environment::find_program("gcc").is_none() {
        eprintln!("torture: left out: it needs Linux and gcc");
        return Ok(());
    }
    run(&Arguments {
        quick: true,
        hours: 0.0,
        seed: 42,
        cases: 0,
        class: Vec::new(),
        case: Vec::new(),
    })
}

fn replay(bench: &Bench, cases: &[String]) -> Result<(), Failure> {
    let mut failures = 0;
    for case in cases {
        let name = case.split(':').next().unwrap_or_default();
        if CLASSES.iter().all(|class| class.0 != name) {
            let error = anyhow!("{case}: there is no class \"{name}\"");
            return Err(Failure::Input(error));
        }
        match attempt(bench, case) {
            Ok(effect) => println!("{case}: {effect}"),
            Err(error) => {
                println!("{case}: {error:#}");
                failures += 1;
            }
        }
    }
    conclude(failures)
}

fn conclude(failures: u64) -> Result<(), Failure> {
    if failures == 0 {
        return Ok(());
    }
    Err(Failure::Input(anyhow!(
        "{failures} cases of torture failed; each was named with the command that replays it"
    )))
}

fn play(bench: &Bench, (class, _, what): &Class, n_cases: usize) -> anyhow::Result<Line> {
    let started = Instant::now();
    let mut line = Line::new(class, what, bench.seed());
    for parts in cases(bench, class, n_cases)? {
        let case = format!("{class}:{parts}");
        let outcome = attempt(bench, &case);
        line.cases += u64::from(!matches!(outcome, Ok(Effect::Nothing)));
        match outcome {
            Ok(Effect::Same) => line.same += 1,
            Ok(Effect::Refused) => line.refused += 1,
            Ok(Effect::Nothing) => {}
            Err(error) => {
                line.failures += 1;
                let seed = bench.seed();
                eprintln!(
                    "torture: {case}: {error:#}\n  replay: cargo xtask torture --case {case} --seed {seed}"
                );
            }
        }
    }
    eprintln!(
        "torture: {class}: {} cases, {} failed, {:.0} s",
        line.cases,
        line.failures,
        started.elapsed().as_secs_f64()
    );
    Ok(line)
}
