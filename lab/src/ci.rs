//! `ci`: what CI runs, and all that CI runs.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, anyhow};
use spinney_cli::terminal;
use spinney_report::Report;
use xshell::cmd;

use crate::torture;
use crate::{
    c99, chips, docs, faults, new, no_panic, packaged, parity, reproduce, serial, supply, wheel,
};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process::Ended;
use spinney_pipeline::{process, stages};

/// Pipelines that ship, each with committed reports; all of their gates hold.
pub(crate) const PIPELINES: [&str; 16] = [
    "pipeline.toml",
    "examples/iris-tree.toml",
    "examples/wine-bayes.toml",
    "examples/digits-skops.toml",
    "examples/digits-extra-trees.toml",
    "examples/mnist-forest.toml",
    "examples/acoustic-events.toml",
    "examples/spoken-digits.toml",
    "examples/key-clicks.toml",
    "examples/motion-exercises.toml",
    "examples/air-forest.toml",
    "examples/air-regression.toml",
    "examples/air-targets.toml",
    "examples/air-boosting.toml",
    "examples/mote-anomaly.toml",
    "examples/digits-unknown.toml",
];

/// The file of predictions beside a report.
const PREDICTIONS: &str = "predictions.csv";

/// Steps that wait for each other. A lane works them off one by one, beside the other lane, since most
/// steps leave a core idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// What builds this workspace.
    Host,
    /// What builds images, from the one cache that they share.
    Device,
    /// What waits for nothing: that lane works it off which has done its own.
    Either,
}

struct Step {
    name: String,
    lane: Lane,
    work: Box<dyn FnOnce() -> Result<(), Failure>>,
}

/// All that CI runs, after what it needs if that is asked for. With `bless`, reports that moved are
/// accepted.
fn steps(with_setup: bool, bless: bool) -> Result<Vec<Step>, Failure> {
    let repository = crate::repository();
    let (shell, cargo) = (crate::shell()?, &crate::cargo());
    let firmware = repository.join("firmware").join("Cargo.toml");
    let probe = repository.join("tools").join("probe").join("Cargo.toml");
    #[rustfmt::skip]
    let commands = [
        ("format", cmd!(shell, "{cargo} fmt --all --check")),
        ("format of the firmware",
            cmd!(shell, "{cargo} fmt --all --check --manifest-path {firmware}")),
        ("format of the probe's program", cmd!(shell, "{cargo} fmt --check --manifest-path {probe}")),
        ("lints",
            cmd!(shell, "{cargo} clippy --quiet --workspace --all-targets -- --deny warnings")),
        // The same cases on every run: a change breaks CI, chance does not.
        ("tests",
            cmd!(shell, "{cargo} test --quiet --workspace --tests").env("PROPTEST_RNG_SEED", "1809")),
        ("examples of the documentation", cmd!(shell, "{cargo} test --quiet --workspace --doc")),
        ("documentation", cmd!(shell, "{cargo} doc --quiet --workspace --no-deps")
            .env("RUSTDOCFLAGS", "--deny warnings")),
    ];
    let mut steps = Vec::new();
    let mut add = |lane, name: &str, work| {
        let name = name.to_owned();
        steps.push(Step { name, lane, work });
    };
    if with_setup {
        add(
            Lane::Host,
            "environments of the wheel",
            Box::new(wheel::setup),
        );
    }
    for (name, command) in commands {
        let command: Command = command.into();
        let work = move || process::show(command, process::LONG).input();
        add(Lane::Host, name, Box::new(work));
    }
    add(Lane::Host, "supply chain", Box::new(supply::check));
    add(Lane::Host, "the Python wheel", Box::new(wheel::check));
    add(Lane::Host, "chips and probes", Box::new(chips::check));
    add(
        Lane::Host,
        "packages without a clone",
        Box::new(packaged::check),
    );
    add(Lane::Device, "no panics", Box::new(no_panic::run));
    add(Lane::Device, "C99 headers", Box::new(c99::check));
    let parity = move || parity::check(bless);
    add(Lane::Device, "parity on every core", Box::new(parity));
    add(
        Lane::Device,
        "serial sessions with noise",
        Box::new(serial::check),
    );
    for config in PIPELINES {
        let config = repository.join(config);
        let name = format!("pipeline {}", name_of(&config));
        add(
            Lane::Device,
            &name,
            Box::new(move || shipped(&config, bless)),
        );
    }
    add(Lane::Device, "planted faults", Box::new(faults::run));
    add(Lane::Device, "a new project", Box::new(new::check));
    let two_clones = || {
        eprintln!(
            "two clones: left out: all pipelines but the first; `cargo xtask reproduce --all` has them"
        );
        reproduce::run(&[PathBuf::from(PIPELINES[0])])
    };
    add(Lane::Device, "two clones, one image", Box::new(two_clones));
    let documented = || docs::run(false);
    add(
        Lane::Either,
        "commands of the documentation",
        Box::new(documented),
    );
    add(Lane::Either, "torture, quick", Box::new(torture::check));
    Ok(steps)
}

/// Runs one step, by its name.
pub(crate) fn run_step(name: &str, bless: bool) -> Result<(), Failure> {
    let steps = steps(true, bless)?;
    let names: Vec<String> = steps.iter().map(|step| step.name.clone()).collect();
    let Some(step) = steps.into_iter().find(|step| step.name == name) else {
        return Err(Failure::Input(anyhow!(
            "found no step {name:?}, expected one of: {}",
            names.join(", ")
        )));
    };
    (step.work)()
}

/// Runs every step, those of the two lanes beside each other, ends at the first that fails, and says
/// how many passed. What a step prints is shown once it is over.
pub(crate) fn run(with_setup: bool, bless: bool) -> Result<(), Failure> {
    // The tests build this program anew, in place of the file that runs.
    let program = Arc::new(copy_of_program().environment()?);
    let steps = steps(with_setup, bless)?;
    let n_steps = steps.len();
    let (sender, results) = channel();
    let left: Vec<(Lane, String)> = (steps.into_iter())
        .map(|step| (step.lane, step.name))
        .collect();
    let left = Arc::new(Mutex::new(left));
    for lane in [Lane::Host, Lane::Device] {
        let (sender, program, left) = (sender.clone(), Arc::clone(&program), Arc::clone(&left));
        std::thread::spawn(move || {
            while let Some(name) = next(lane, &left) {
                eprintln!("ci: begins: {name}");
                let started = Instant::now();
                let result = in_process(&program, &name, bless);
                let has_failed = !matches!(result, Ok((Ok(status), _)) if status.success());
                if sender.send((name, started.elapsed(), result)).is_err() || has_failed {
                    return;
                }
            }
        });
    }
    drop(sender);
    for (n_passed, (name, took, result)) in results.into_iter().enumerate() {
        let (ended, said) = result.with_context(|| name.clone()).environment()?;
        eprintln!(
            "ci: {} of {n_steps}: {name}\n{}",
            n_passed + 1,
            said.trim_end()
        );
        let how = match ended {
            Ok(status) if status.success() => {
                eprintln!("ci: {name} took {} s", took.as_secs());
                continue;
            }
            Ok(status) => format!("ended with {status}"),
            Err(killed) => killed.to_string(),
        };
        process::end_all();
        println!("ci: {n_passed} passed, 1 failed");
        let error = anyhow!("{name} {how}; `cargo xtask ci --step {name:?}` runs it alone");
        return Err(match ended.map(|status| status.code()) {
            Ok(Some(1)) => Failure::Image(error),
            Ok(Some(2)) => Failure::Input(error),
            _ => Failure::Environment(error),
        });
    }
    println!("ci: {n_steps} passed, 0 failed");
    Ok(())
}

/// Takes the next step of a lane.
fn next(lane: Lane, left: &Mutex<Vec<(Lane, String)>>) -> Option<String> {
    let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
    let mut places = [lane, Lane::Either].into_iter();
    let place = places.find_map(|lane| left.iter().position(|(of, _)| *of == lane))?;
    Some(left.remove(place).1)
}

/// This program, where no build replaces it.
fn copy_of_program() -> anyhow::Result<PathBuf> {
    let folder = crate::target()
        .map_err(|_| anyhow!("found no target folder"))?
        .join("ci");
    std::fs::create_dir_all(&folder)?;
    let copy = folder.join("spinney-lab");
    // A copy that still runs could not be written to.
    let _ = std::fs::remove_file(&copy);
    std::fs::copy(std::env::current_exe()?, &copy)
        .with_context(|| format!("cannot write {}", copy.display()))?;
    Ok(copy)
}

/// Runs a step in a process of its own: how it ended, and what it printed.
fn in_process(program: &Path, name: &str, bless: bool) -> std::io::Result<(Ended, String)> {
    let mut said = tempfile::tempfile()?;
    let mut command = Command::new(program);
    command.args(["ci", "--step", name]);
    command.args(bless.then_some("--bless"));
    command.stdout(said.try_clone()?).stderr(said.try_clone()?);
    let ended = process::ended(&mut command, process::LONG)?;
    said.rewind()?;
    let mut bytes = Vec::new();
    said.read_to_end(&mut bytes)?;
    Ok((ended, String::from_utf8_lossy(&bytes).into_owned()))
}

fn name_of(config: &Path) -> String {
    config
        .file_stem()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Runs a shipped pipeline and compares its report with the committed one.
fn shipped(config: &Path, bless: bool) -> Result<(), Failure> {
    let folder = stages::reports_of(config)?;
    let path = folder.join("report.json");
    let before = read(&path)?;
    let kept = keep(&folder)?;
    let outcome = stages::run(config, &stages::Asked::all(terminal::progress()));
    let after = read(&path)?;
    let predictions = folder.join(PREDICTIONS);
    let predicted_anew = std::fs::read(&predictions).ok();
    if !bless {
        restore(&folder, &kept)?;
    }
    outcome?;
    let (Some(before), Some(after)) = (before, after) else {
        return if bless {
            Ok(())
        } else {
            Err(Failure::Input(anyhow!(
                "{}: no committed report; `cargo xtask ci --bless` makes one",
                path.display()
            )))
        };
    };
    let mut moved = stages::moved(&before, &after);
    let committed = kept.iter().find(|(path, _)| *path == predictions);
    if committed.map(|(_, bytes)| bytes) != predicted_anew.as_ref() {
        moved.push(format!("{PREDICTIONS} changed"));
    }
    if moved.is_empty() || bless {
        return Ok(());
    }
    Err(Failure::Input(anyhow!(
        "{} is not what this run gives: {}; if that is meant, `cargo xtask ci --bless` accepts it",
        path.display(),
        moved.join("; ")
    )))
}

fn read(path: &PathBuf) -> Result<Option<Report>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(
            Report::from_json(&bytes)
                .with_context(|| format!("{} is no report", path.display()))
                .input()?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error)
            .with_context(|| format!("cannot read {}", path.display()))
            .input(),
    }
}

/// The files of a folder of reports.
pub(crate) fn keep(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    entries
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let path = entry.path();
            let bytes = std::fs::read(&path).input()?;
            Ok((path, bytes))
        })
        .collect()
}

/// Puts committed reports back, so that CI leaves the tree as it was.
pub(crate) fn restore(folder: &Path, kept: &[(PathBuf, Vec<u8>)]) -> Result<(), Failure> {
    for (path, _) in keep(folder)? {
        if !kept.iter().any(|(old, _)| *old == path) {
            std::fs::remove_file(&path).input()?;
        }
    }
    for (path, bytes) in kept {
        spinney_pipeline::store::write_whole(path, bytes).input()?;
    }
    Ok(())
}
