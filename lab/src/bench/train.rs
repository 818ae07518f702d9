//! `bench train`: our training against scikit-learn's, in turns, in one run.

use anyhow::Context;
use xshell::cmd;

use super::python::{self, Line, Sides};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;

/// What the other side runs on.
const PEERS: [&str; 2] = ["scikit-learn==1.9.1", "numpy==2.4.6"];

/// Makes `reports/bench/train.json` and `train.md`; takes some minutes.
pub(crate) fn run() -> Result<(), Failure> {
    let sides = Sides::prepare("venv", &PEERS, "spinney-forest", "bench_train")?;
    let Sides {
        shell,
        python,
        binary,
        data,
    } = &sides;
    let command = cmd!(
        shell,
        "{python} scripts/quality/bench_train.py pair {data} {binary} --rounds 5 --repeats 3"
    );
    let json = process::read(command.into(), python::PATIENCE).environment()?;
    let lines: Vec<Line> = serde_json::from_str(&json)
        .context("the comparison printed no list of figures")
        .environment()?;
    python::commit("train", &lines, &markdown(&lines))
}

fn markdown(lines: &[Line]) -> String {
    format!(
        "# Training against scikit-learn\n\n\
         Made by `cargo xtask bench train`: both sides in turns on one machine, minima over five \
         rounds of three fits. Seconds are seconds per fit of float32 rows; peak_kib is the most \
         memory of the whole process; growth is what the first fit added for float64 and for \
         float32 rows, which scikit-learn need not copy. Lower is better.\n\n{}",
        python::table(lines, true)
    )
}
