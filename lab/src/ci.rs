//! `ci`: what CI runs, and all that CI runs.

use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Runs every step, fails at the first that fails, and says how many passed. With `bless`, reports
/// that moved are accepted instead.
pub(crate) fn run(bless: bool) -> Result<(), Failure> {
    // The tests build this program anew, in place of the file that runs.
    stages::program_digest()?;
    let repository = crate::repository();
    let (shell, cargo) = (crate::shell()?, &crate::cargo());
    let firmware = repository.join("firmware").join("Cargo.toml");
    let probe = repository.join("tools").join("probe").join("Cargo.toml");
    let features = "spinney-signal/compressed-audio,spinney-dataset/lz4,spinney-dataset/zstd";
    #[rustfmt::skip]
    let of_packed =
        ["--package", "spinney-signal", "--package", "spinney-dataset", "--features", features];
    // Other tests of these packages read nothing that is packed.
    let of_packed_tests = ["--test", "compressed", "--test", "column_files"];
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
            cmd!(shell, "{cargo} test --quiet --workspace").env("PROPTEST_RNG_SEED", "1809")),
        ("tests of packed sound and rows",
            cmd!(shell, "{cargo} test --quiet {of_packed...} --lib {of_packed_tests...}")),
        ("lints of packed sound and rows",
            cmd!(shell, "{cargo} clippy --quiet {of_packed...} --all-targets -- --deny warnings")),
        ("documentation", cmd!(shell, "{cargo} doc --quiet --workspace --no-deps")
            .env("RUSTDOCFLAGS", "--deny warnings")),
    ];
    let mut steps: Vec<(String, Step)> = Vec::new();
    let mut add = |name: &str, step: Step| steps.push((name.to_owned(), step));
    for (name, command) in commands {
        let command: Command = command.into();
        add(
            name,
            Box::new(move || process::show(command, process::LONG).input()),
        );
    }
    add("supply chain", Box::new(supply::check));
    add("no panics", Box::new(no_panic::run));
    add("C99 headers", Box::new(c99::check));
    add(
        "parity on every core",
        Box::new(move || parity::check(bless)),
    );
    add("a new project", Box::new(new::check));
    add("packages without a clone", Box::new(packaged::check));
    add("the Python wheel", Box::new(wheel::check));
    add(
        "commands of the documentation",
        Box::new(|| docs::run(false)),
    );
    add("chips and probes", Box::new(chips::check));
    add("serial sessions with noise", Box::new(serial::check));
    for config in PIPELINES {
        let config = repository.join(config);
        let name = format!("pipeline {}", name_of(&config));
        add(&name, Box::new(move || shipped(&config, bless)));
    }
    add("planted faults", Box::new(faults::run));
    add(
        "two clones, one image",
        Box::new(|| {
            eprintln!(
                "two clones: left out: all pipelines but the first; `cargo xtask reproduce --all` has them"
            );
            reproduce::run(&[PathBuf::from(PIPELINES[0])])
        }),
    );
    add("torture, quick", Box::new(torture::check));
    let n_steps = steps.len();
    for (number, (name, step)) in steps.into_iter().enumerate() {
        eprintln!("ci: {} of {n_steps}: {name}", number + 1);
        let started = Instant::now();
        if let Err(failure) = step() {
            eprintln!("ci: {name} failed");
            println!("ci: {number} passed, 1 failed");
            return Err(failure);
        }
        eprintln!("ci: {name} took {} s", started.elapsed().as_secs());
    }
    println!("ci: {n_steps} passed, 0 failed");
    Ok(())
}

type Step = Box<dyn FnOnce() -> Result<(), Failure>>;

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
