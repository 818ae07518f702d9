//! `bench host`, `train` and `python`: against libraries of Python, which have an environment of their
//! own, in turns, in one run; and the table that is committed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;
use spinney_report::Table;

/// One comparison; lower is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub case: String,
    pub metric: String,
    pub ours: f64,
    pub peer: f64,
    pub peer_name: String,
    pub ratio: f64,
    pub goal: f64,
    pub met: bool,
}

/// How many rows a peer decides differently.
#[derive(Deserialize)]
struct Apart {
    case: String,
    rows: usize,
    peer_name: String,
    apart: usize,
}

/// `bench host`: batches on this machine against other libraries; takes some minutes.
pub(crate) fn host() -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Found {
        lines: Vec<Line>,
        apart: Vec<Apart>,
    }
    let peers = ["-r", "scripts/host/requirements.txt"];
    let sides = Sides::prepare("host-venv", &peers, "spinney-batch", "bench_host")?;
    let printed = sides.measure(&["scripts/host/host.py"], &[])?;
    // Libraries print notes before the figures.
    let found: Found = figures(
        printed
            .find("{\n \"lines\"")
            .map_or("", |at| &printed[at..]),
    )?;
    let mut apart = Table::new("case | peer | rows: | apart:");
    for line in &found.apart {
        apart.row(&[&line.case, &line.peer_name, &line.rows, &line.apart]);
    }
    let markdown = format!(
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
        table(&found.lines, false)
    );
    commit("host", &found.lines, &markdown)
}

/// `bench train`: our training against scikit-learn's; takes some minutes.
pub(crate) fn train() -> Result<(), Failure> {
    let peers = ["scikit-learn==1.9.1", "numpy==2.4.6"];
    let sides = Sides::prepare("venv", &peers, "spinney-forest", "bench_train")?;
    let script = ["scripts/quality/bench_train.py", "pair"];
    let printed = sides.measure(&script, &["--rounds", "5", "--repeats", "3"])?;
    let lines: Vec<Line> = figures(&printed)?;
    let markdown = format!(
        "# Training against scikit-learn\n\n\
         Made by `cargo xtask bench train`: both sides in turns on one machine, minima over five \
         rounds of three fits. Seconds are seconds per fit of float32 rows; peak_kib is the most \
         memory of the whole process; growth is what the first fit added for float64 and for \
         float32 rows, which scikit-learn need not copy. Lower is better.\n\n{}",
        table(&lines, true)
    );
    commit("train", &lines, &markdown)
}

/// `bench python`: the wheel as pip builds it, against other libraries from Python, and on clusters;
/// takes some minutes, and Java for Spark.
pub(crate) fn wheel() -> Result<(), Failure> {
    let work = work()?;
    let shell = crate::shell()?;
    let peers = ["-r", "python/bench/requirements.txt"];
    let python = environment_with(&shell, &work.join("python-venv"), &peers)?;
    let install = cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check ./python"
    );
    let install = install.env("CARGO_TARGET_DIR", work.join("target"));
    process::show(install.into(), process::LONG).environment()?;
    let all = std::thread::available_parallelism().environment()?;
    let mut lines: Vec<Line> = Vec::new();
    for what in ["1".to_owned(), all.to_string(), "clusters".to_owned()] {
        // Away from the sources, whose package has no library beside it.
        let measure = cmd!(shell, "{python} -P python/bench/throughput.py {what}");
        let printed = process::read(measure.into(), PATIENCE).environment()?;
        let found: Vec<Line> = figures(printed.lines().last().unwrap_or_default())?;
        lines.extend(found);
    }
    let markdown = format!(
        "# The wheel against other libraries, from Python\n\n\
         Made by `cargo xtask bench python`: the wheel as `pip install ./python` builds it, float32 rows \
         of MNIST in memory in, a class per row out, a forest of a hundred trees with soft votes on all \
         sides. Sides take turns in one process, which may use as many processors as the case says, and \
         the figure is the least of all calls, in nanoseconds per row; lower is better. On a cluster it is \
         that of the one call of `python/examples` for each side, two worker processes on this machine, \
         transport of rows and classes included, and every class is that of one process.\n\n{}",
        table(&lines, false)
    );
    commit("python", &lines, &markdown)
}

/// What a comparison printed.
fn figures<T: DeserializeOwned>(json: &str) -> Result<T, Failure> {
    serde_json::from_str(json)
        .context("the comparison printed no figures")
        .environment()
}

/// Both sides, ready to run in turns.
struct Sides {
    /// The Python that has the peers.
    python: PathBuf,
    /// Our program.
    binary: PathBuf,
    /// The folder of data sets.
    data: PathBuf,
}

/// Within which a comparison is over.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

impl Sides {
    /// Installs the peers that pip's arguments name into the environment of this name, builds the
    /// example of the package, and writes the data sets.
    fn prepare(
        environment: &str,
        peers: &[&str],
        package: &str,
        example: &str,
    ) -> Result<Self, Failure> {
        let work = work()?;
        let shell = crate::shell()?;
        let python = environment_with(&shell, &work.join(environment), peers)?;
        let cargo = crate::cargo();
        let target = work.join("target");
        let build = cmd!(
            shell,
            "{cargo} build --quiet --release --package {package} --example {example}"
        )
        .env("CARGO_TARGET_DIR", &target);
        process::show(build.into(), process::LONG).environment()?;
        let data = work.join("data");
        let write = cmd!(shell, "{python} scripts/quality/datasets.py {data}");
        process::show(write.into(), process::LONG).environment()?;
        Ok(Self {
            python,
            binary: target.join("release/examples").join(example),
            data,
        })
    }

    /// What a script prints of the data sets and our program.
    fn measure(&self, script: &[&str], options: &[&str]) -> Result<String, Failure> {
        let Self {
            python,
            binary,
            data,
        } = self;
        let shell = crate::shell()?;
        let measure = cmd!(shell, "{python} {script...} {data} {binary} {options...}");
        process::read(measure.into(), PATIENCE).environment()
    }
}

fn work() -> Result<PathBuf, Failure> {
    let work = crate::target()?.join("bench");
    std::fs::create_dir_all(&work).environment()?;
    Ok(work)
}

/// A Python with what pip's arguments name, in an environment of its own.
pub(super) fn environment_with(
    shell: &Shell,
    folder: &Path,
    peers: &[&str],
) -> Result<PathBuf, Failure> {
    let python = environment(folder)?;
    let install = cmd!(
        shell,
        "{python} -m pip install --quiet --disable-pip-version-check {peers...}"
    );
    process::show(install.into(), process::LONG).environment()?;
    Ok(python)
}

/// The Python of an environment in a folder, which is made unless it is there.
pub(crate) fn environment(folder: &Path) -> Result<PathBuf, Failure> {
    let programs = folder.join("bin");
    if !programs.join("pip").is_file() {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(folder);
        process::show(make, process::LONG)
            .context("python3 with venv is needed; on Debian, `apt-get install python3-venv` helps")
            .environment()?;
    }
    Ok(programs.join("python"))
}

/// The lines as a table of Markdown, with the metric where `has_metric`.
fn table(lines: &[Line], has_metric: bool) -> Table {
    let metric = if has_metric { "| metric " } else { "" };
    let mut table = Table::new(&format!(
        "case {metric}| ours: | peer: | ratio: | goal: | met"
    ));
    for line in lines {
        let peer = format!("{} ({})", line.peer, line.peer_name);
        let ratio = format!("{:.2}", line.ratio);
        let met = if line.met { "yes" } else { "**no**" };
        let mut cells: Vec<&dyn Display> = vec![&line.case];
        if has_metric {
            cells.push(&line.metric);
        }
        cells.extend([&line.ours as &dyn Display, &peer, &ratio, &line.goal, &met]);
        table.row(&cells);
    }
    table
}

/// Writes `reports/bench/NAME.json` and `NAME.md`, and prints the latter.
pub(super) fn commit(name: &str, lines: &[Line], markdown: &str) -> Result<(), Failure> {
    if lines.is_empty() {
        return Err(anyhow!("the comparison gave no figures")).environment();
    }
    super::write(&super::reports(), name, &lines, markdown)?;
    print!("{markdown}");
    Ok(())
}
