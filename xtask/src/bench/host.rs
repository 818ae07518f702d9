//! `bench host`: batches on this machine against other libraries, in turns, in one run.

use std::fmt::Write;

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use crate::failure::{Blame, Failure};
use crate::{places, store};

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
    let repository = places::repository();
    let work = places::target()?.join("bench");
    std::fs::create_dir_all(&work).environment()?;
    let shell = Shell::new().environment()?;
    shell.change_dir(&repository);
    let environment = work.join("host-venv");
    let python = environment.join("bin/python");
    if !python.is_file() {
        cmd!(shell, "python3 -m venv {environment}")
            .run()
            .context("python3 with its venv module is needed for the other side")
            .environment()?;
    }
    cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check -r scripts/host/requirements.txt"
    )
    .run()
    .environment()?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let target = work.join("target");
    cmd!(
        shell,
        "{cargo} build --quiet --release --package spinney-batch --example bench_host"
    )
    .env("CARGO_TARGET_DIR", &target)
    .run()
    .environment()?;
    let data = work.join("data");
    cmd!(shell, "{python} scripts/quality/datasets.py {data}")
        .run()
        .environment()?;
    let binary = target.join("release/examples/bench_host");
    let json = cmd!(shell, "{python} scripts/host/host.py {data} {binary}")
        .read()
        .environment()?;
    // Libraries print notes before the figures.
    let json = json.find("{\n \"lines\"").map_or("", |at| &json[at..]);
    let found: Found = serde_json::from_str(json)
        .context("the comparison printed no figures")
        .environment()?;
    if found.lines.is_empty() {
        return Err(Failure::Environment(anyhow!(
            "the comparison gave no figures"
        )));
    }
    let json = serde_json::to_string_pretty(&found.lines).environment()? + "\n";
    let folder = repository.join("reports/bench");
    let markdown = markdown(&found);
    for (name, text) in [("host.json", &json), ("host.md", &markdown)] {
        store::write_whole(&folder.join(name), text.as_bytes()).environment()?;
    }
    print!("{markdown}");
    Ok(())
}

fn markdown(found: &Found) -> String {
    let mut out = String::from(
        "# Batches on the host against other libraries\n\n\
         Made by `cargo xtask bench host`: float32 rows in memory in, a class per row out, so that \
         quantization counts; soft votes on all sides. Sides take turns on one machine, and the \
         figure is the least of all calls, in nanoseconds per row; lower is better. Where the other \
         side is \"spinney, 1 thread / n\", the ratio is 1 if n threads are n times as fast. \
         tl2cgen takes part up to 5,000 \
         splits: gcc had not compiled its C of mnist_rf100 after 17 minutes.\n\n\
         | case | ours | peer | ratio | goal | met |\n\
         | --- | ---: | ---: | ---: | ---: | --- |\n",
    );
    for line in &found.lines {
        let met = if line.met { "yes" } else { "**no**" };
        writeln!(
            out,
            "| {} | {} | {} ({}) | {:.2} | {} | {met} |",
            line.case, line.ours, line.peer, line.peer_name, line.ratio, line.goal
        )
        .expect("writing to a string");
    }
    out.push_str(
        "\nOur class equals that of the quantized model, and so a device's, on every row: the run \
         ends with an error otherwise. The others add up float votes; rows on which they decide \
         differently:\n\n\
         | case | peer | rows | apart |\n| --- | --- | ---: | ---: |\n",
    );
    for line in &found.apart {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            line.case, line.peer_name, line.rows, line.apart
        )
        .expect("writing to a string");
    }
    out
}
