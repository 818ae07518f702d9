//! `bench train`: our training against scikit-learn's, in turns, in one run.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use crate::failure::{Blame, Failure};
use crate::{places, store};

/// What the other side runs on.
const PEERS: [&str; 2] = ["scikit-learn==1.9.1", "numpy==2.4.6"];

/// One comparison; lower is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    case: String,
    metric: String,
    ours: f64,
    peer: f64,
    peer_name: String,
    ratio: f64,
    goal: f64,
    met: bool,
}

/// Makes `reports/bench/train.json` and `train.md`; takes some minutes.
pub(crate) fn run() -> Result<(), Failure> {
    let repository = places::repository();
    let work = places::target()?.join("bench");
    std::fs::create_dir_all(&work).environment()?;
    let shell = Shell::new().environment()?;
    shell.change_dir(&repository);
    let python = python(&shell, &work.join("venv"))?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = work.join("target");
    cmd!(
        shell,
        "{cargo} build --quiet --release --package spinney-forest --example bench_train"
    )
    .env("CARGO_TARGET_DIR", &target)
    .run()
    .environment()?;
    let data = work.join("data");
    cmd!(shell, "{python} scripts/quality/datasets.py {data}")
        .run()
        .environment()?;
    let binary = target.join("release/examples/bench_train");
    let json = cmd!(
        shell,
        "{python} scripts/quality/bench_train.py pair {data} {binary} --rounds 5 --repeats 3"
    )
    .read()
    .environment()?;
    let lines: Vec<Line> = serde_json::from_str(&json)
        .context("the comparison printed no list of figures")
        .environment()?;
    if lines.is_empty() {
        return Err(Failure::Environment(anyhow!(
            "the comparison gave no figures"
        )));
    }
    let json = serde_json::to_string_pretty(&lines).environment()? + "\n";
    let folder = repository.join("reports/bench");
    for (name, text) in [("train.json", json), ("train.md", markdown(&lines))] {
        store::write_whole(&folder.join(name), text.as_bytes()).environment()?;
    }
    print!("{}", markdown(&lines));
    Ok(())
}

/// A Python with the peers in it, in an environment of its own.
fn python(shell: &Shell, environment: &Path) -> Result<std::path::PathBuf, Failure> {
    let python = environment.join("bin/python");
    if !python.is_file() {
        cmd!(shell, "python3 -m venv {environment}")
            .run()
            .context("python3 with its venv module is needed for the other side")
            .environment()?;
    }
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check {PEERS...}"
    )
    .run()
    .environment()?;
    Ok(python)
}

fn markdown(lines: &[Line]) -> String {
    let mut out = String::from(
        "# Training against scikit-learn\n\n\
         Made by `cargo xtask bench train`: both sides in turns on one machine, minima over five \
         rounds of three fits. Seconds are seconds per fit of float32 rows; peak_kib is the most \
         memory of the whole process; growth is what the first fit added for float64 and for \
         float32 rows, which scikit-learn need not copy. Lower is better.\n\n\
         | case | metric | ours | peer | ratio | goal | met |\n\
         | --- | --- | ---: | ---: | ---: | ---: | --- |\n",
    );
    for line in lines {
        let met = if line.met { "yes" } else { "**no**" };
        writeln!(
            out,
            "| {} | {} | {} | {} ({}) | {:.2} | {} | {met} |",
            line.case, line.metric, line.ours, line.peer, line.peer_name, line.ratio, line.goal
        )
        .expect("writing to a string");
    }
    out
}
