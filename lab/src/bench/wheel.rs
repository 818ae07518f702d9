//! `bench python`: the wheel as pip builds it, against other libraries from Python, and on clusters.

use anyhow::Context;
use xshell::cmd;

use super::python::{self, Line};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;

/// Makes `reports/bench/python.json` and `python.md`; takes some minutes, and Java for Spark.
pub(crate) fn run() -> Result<(), Failure> {
    let work = crate::target()?.join("bench");
    std::fs::create_dir_all(&work).environment()?;
    let shell = crate::shell()?;
    let peers = ["-r", "python/bench/requirements.txt"];
    let python = python::environment_with(&shell, &work.join("python-venv"), &peers)?;
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
        let json = process::read(measure.into(), python::PATIENCE).environment()?;
        let found: Vec<Line> = serde_json::from_str(json.lines().last().unwrap_or_default())
            .context("the comparison printed no figures")
            .environment()?;
        lines.extend(found);
    }
    python::commit("python", &lines, &markdown(&lines))
}

fn markdown(lines: &[Line]) -> String {
    format!(
        "# The wheel against other libraries, from Python\n\n\
         Made by `cargo xtask bench python`: the wheel as `pip install ./python` builds it, float32 rows \
         of MNIST in memory in, a class per row out, a forest of a hundred trees with soft votes on all \
         sides. Sides take turns in one process, which may use as many processors as the case says, and \
         the figure is the least of all calls, in nanoseconds per row; lower is better. On a cluster it is \
         that of the one call of `python/examples` for each side, two worker processes on this machine, \
         transport of rows and classes included, and every class is that of one process.\n\n{}",
        python::table(lines, false)
    )
}
