//! `bench host`: batches on this machine against other libraries, in turns, in one run.

use anyhow::Context;
use serde::Deserialize;
use xshell::cmd;

use super::python::{self, Line, Sides};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;
use spinney_report::Table;

/// How many rows a peer decides differently.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Apart {
    case: String,
    rows: usize,
    peer_name: String,
    apart: usize,
}

#[derive(Debug, Deserialize)]
struct Found {
    lines: Vec<Line>,
    apart: Vec<Apart>,
}

/// Makes `reports/bench/host.json` and `host.md`; takes some minutes.
pub(crate) fn run() -> Result<(), Failure> {
    let peers = ["-r", "scripts/host/requirements.txt"];
    let sides = Sides::prepare("host-venv", &peers, "spinney-batch", "bench_host")?;
    let Sides {
        shell,
        python,
        binary,
        data,
    } = &sides;
    let command = cmd!(shell, "{python} scripts/host/host.py {data} {binary}");
    let json = process::read(command.into(), python::PATIENCE).environment()?;
    // Libraries print notes before the figures.
    let json = json.find("{\n \"lines\"").map_or("", |at| &json[at..]);
    let found: Found = serde_json::from_str(json)
        .context("the comparison printed no figures")
        .environment()?;
    python::commit("host", &found.lines, &markdown(&found))
}

fn markdown(found: &Found) -> String {
    let mut apart = Table::new("case | peer | rows: | apart:");
    for line in &found.apart {
        apart.row(&[&line.case, &line.peer_name, &line.rows, &line.apart]);
    }
    format!(
        "# Batches on the host against other libraries\n\n\
         Made by `cargo xtask bench host`: float32 rows in memory in, a class per row out, so that \
         quantization counts; forests have soft votes on all sides, and of `gaps` a tenth of the \
         readings is missing. Sides take turns on one machine, and the \
         figure is the least of all calls, in nanoseconds per row; lower is better. Where the other \
         side is \"spinney, 1 thread / n\", the ratio is 1 if n threads are n times as fast. \
         tl2cgen takes part up to 5,000 \
         splits: gcc had not compiled its C of mnist_rf100 after 17 minutes.\n\n{}\n\
         Our class equals that of the quantized model, and so a device's, on every row: the run \
         ends with an error otherwise. The others add up float votes; rows on which they decide \
         differently:\n\n{apart}",
        python::table(&found.lines, false)
    )
}
