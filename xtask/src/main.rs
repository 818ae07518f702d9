//! Spinney's verbs in its own repository: `cargo xtask …`. Those of its maintainers are the
//! laboratory's, a program that is built when one of them is first called.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use spinney_cli::{Door, More};

#[rustfmt::skip]
const LABORATORY: [More; 13] = [
    lab(&["bench"], "Compute the figures that are committed under reports/bench"),
    lab(&["c99"],
        "Prove that C headers give the quantized model's bits on host, Cortex-M0 and AVR"),
    lab(&["certificate", "faults"],
        "Plant faults in images and claims: the checker has to name each"),
    lab(&["chips", "update"], "Make crates/board/data/chips.csv anew from probe-rs' registry"),
    lab(&["ci"], "What CI runs, and all that CI runs: format, lints, tests, shipped pipelines"),
    lab(&["docs"],
        "Run the commands that README and docs show, and compare the output that they show"),
    lab(&["no-panic"], "Prove that neither a model nor the front end can panic on any core"),
    lab(&["packaged"],
        "Package every crate, and use nothing but the packages: a project, an installed program"),
    lab(&["parity"], "Prove that every emulated core computes the host's bits"),
    lab(&["reproduce"],
        "Prove that another clone gives the same images and reports, byte for byte"),
    lab(&["serial"],
        "Prove that predictions over a serial line survive noise, on every emulated UART"),
    lab(&["torture"],
        "Let everything go wrong around a small pipeline, and see that nothing wrong comes out"),
    lab(&["wheel"], "Build, install and test the Python wheel, as CI does"),
];

const fn lab(words: &'static [&'static str], about: &'static str) -> More {
    More {
        words,
        about,
        run: hand_over,
    }
}

fn main() -> ExitCode {
    spinney_cli::main(Door {
        name: "cargo xtask",
        more: &LABORATORY,
    })
}

/// Has the laboratory do a verb, in this program's place.
fn hand_over(arguments: &[OsString]) -> ExitCode {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--quiet", "--package", "spinney-lab", "--"])
        .args(arguments);
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    eprintln!("error: cannot run the laboratory: {error}");
    ExitCode::from(3)
}
