//! What Spinney's maintainers run: CI, benchmarks, proofs over all cores, torture.
//!
//! `cargo xtask` hands these verbs over to this program, which no user builds.

// What is printed goes through the one place that prints.
macro_rules! println {
    ($($text:tt)*) => { spinney_cli::println!($($text)*) };
}
macro_rules! print {
    ($($text:tt)*) => { spinney_cli::print!($($text)*) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { spinney_cli::eprintln!($($text)*) };
}

mod bench;
mod c99;
mod chips;
mod ci;
mod device_job;
mod docs;
mod faults;
mod front_end;
mod metadata;
mod new;
mod no_panic;
mod packaged;
mod parallel;
mod parity;
mod reproduce;
mod rtt;
mod serial;
mod supply;
#[cfg(test)]
#[path = "tests/tidy.rs"]
mod tidy;
mod torture;
mod wheel;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::{Parser, Subcommand};
use spinney_cli::terminal;
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{interrupt, invocation, process};
use spinney_report::Report;
use xshell::Shell;

/// What Spinney's maintainers run.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Prove that neither a model nor the front end can panic on any core, as CI does.
    NoPanic,
    /// Build, install and test the Python wheel, as CI does.
    Wheel {
        /// Make the environments that its tests need first.
        #[arg(long)]
        setup: bool,
    },
    /// Prove that C headers give the quantized model's bits on host, Cortex-M0 and AVR, and write
    /// reports/c99.md.
    C99 {
        /// Install missing compilers and simulators first.
        #[arg(long)]
        setup: bool,
    },
    /// Package every crate, and use nothing but the packages: a project of its own, an installed
    /// program, as CI does.
    Packaged,
    /// Prove that every emulated core computes the host's bits, and write reports/parity.md.
    Parity,
    /// Prove that predictions over a serial line survive noise, on every emulated UART.
    Serial,
    /// Run the commands that README and docs show, and compare the output that they show.
    Docs {
        /// Also those that need Python, the network or more than a minute; writes reports/docs.md.
        #[arg(long)]
        all: bool,
    },
    /// Compute the figures that are committed under reports/bench.
    #[command(subcommand)]
    Bench(BenchVerb),
    /// Prove that another clone gives the same images and reports, byte for byte.
    #[command(
        after_help = "The second clone has another path, user name, home, language, time \
zone, number of threads, flags and profiles for cargo, and firmware cache, another user where \
`unshare` may give one, and another date where the program `faketime` is there."
    )]
    Reproduce {
        /// The pipelines, by paths within this repository.
        #[arg(long = "config", default_value = "pipeline.toml")]
        configs: Vec<PathBuf>,
        /// Every pipeline that CI runs.
        #[arg(long, conflicts_with = "configs")]
        all: bool,
    },
    /// Let everything go wrong around a small pipeline, and see that nothing wrong comes out.
    Torture(torture::Arguments),
    /// What CI runs, and all that CI runs: format, lints, tests, shipped pipelines.
    Ci {
        /// Install what is missing first.
        #[arg(long)]
        setup: bool,
        /// Accept the shipped pipelines' reports as they come out now.
        #[arg(long)]
        bless: bool,
        /// Run one step alone; a name that is none lists them.
        #[arg(long, value_name = "NAME", conflicts_with = "setup")]
        step: Option<String>,
    },
    /// The table of chips.
    #[command(subcommand)]
    Chips(ChipsVerb),
    /// The checker that doubts certificates.
    #[command(subcommand)]
    Certificate(CertificateVerb),
}

#[derive(Subcommand)]
enum ChipsVerb {
    /// Make crates/board/data/chips.csv anew from probe-rs' registry.
    Update,
}

#[derive(Subcommand)]
enum CertificateVerb {
    /// Plant faults in the images and claims of shipped pipelines, as CI does: the checker has to
    /// name each of them.
    Faults,
}

#[derive(Subcommand)]
enum BenchVerb {
    /// Float against Q15 on every data set, on host and emulated devices, and attempts to refute
    /// the certificates.
    Agreement {
        /// Compute the cases of these data sets anew, and keep the others as they are committed.
        #[arg(long, value_name = "NAME", value_parser = bench::agreement::DATA)]
        data: Vec<String>,
        /// Compute the cases of these kinds of model anew, and keep the others.
        #[arg(long, value_name = "KIND", value_parser = bench::agreement::MODELS)]
        model: Vec<String>,
    },
    /// A cold build of this program against that of one package, held to a limit.
    Build,
    /// Cycles, by its core's timing table, of an image that measures itself, such as a benchmark's.
    Cycles(bench::cycles::Arguments),
    /// Our forms against emlearn, m2cgen and micromlgen on M0, M3 and M4F; needs python3 with venv
    /// and pip, arm-none-eabi-gcc and newlib.
    Device(bench::device::Arguments),
    /// Log-mel energies of a frame against emlearn's on M0, M3 and M4F; needs what `device` needs.
    Frontend {
        /// Install what is missing first.
        #[arg(long)]
        setup: bool,
    },
    /// Batches of rows on this machine against scikit-learn, onnxruntime, treelite and tl2cgen;
    /// needs python3 with venv and pip, and gcc.
    Host,
    /// The Python wheel against scikit-learn and onnxruntime, and on Dask, Spark and Ray; needs python3
    /// with venv and pip, and Java.
    Python,
    /// Forests made smaller under each promise.
    Shrink,
    /// Our training against scikit-learn's; needs python3 with venv and pip.
    Train,
}

/// The bytes of a file.
fn read(path: impl AsRef<Path>) -> anyhow::Result<Vec<u8>> {
    let path = path.as_ref();
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The text of a file.
fn read_text(path: impl AsRef<Path>) -> anyhow::Result<String> {
    let path = path.as_ref();
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A report.
fn report(path: &Path) -> Result<Report, Failure> {
    Report::from_json(&read(path).input()?)
        .with_context(|| format!("{} is no report", path.display()))
        .input()
}

/// The clone whose laboratory this is.
fn repository() -> PathBuf {
    // Cargo says where the package is now, which counts if the clone was moved since the build.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target folder, where this program lies.
fn target() -> Result<PathBuf, Failure> {
    spinney_pipeline::places::target_around(&repository())
}

/// The cargo that called this program.
fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A shell in this repository.
fn shell() -> Result<Shell, Failure> {
    let shell = Shell::new().environment()?;
    shell.change_dir(repository());
    Ok(shell)
}

/// The program of `cargo xtask`, as the sources have it now.
fn program() -> Result<PathBuf, Failure> {
    let mut build = Command::new(cargo());
    build.current_dir(repository());
    build.args(["build", "--quiet", "--locked", "--package", "xtask"]);
    process::show(build, process::LONG).input()?;
    Ok(target()?.join("debug").join("xtask"))
}

fn main() -> ExitCode {
    invocation::state("cargo xtask");
    if let Err(error) = interrupt::watch(terminal::interrupted) {
        eprintln!("error: cannot listen to signals: {error}");
        return ExitCode::from(3);
    }
    let cli = Cli::parse();
    spinney_cli::finish(|| run(cli.verb))
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::NoPanic => no_panic::run(),
        Verb::Wheel { setup } => wheel::run(setup),
        Verb::C99 { setup } => c99::run(setup),
        Verb::Packaged => packaged::check(),
        Verb::Parity => parity::run(),
        Verb::Serial => serial::check(),
        Verb::Docs { all } => docs::run(all),
        Verb::Bench(BenchVerb::Agreement { data, model }) => bench::agreement::run(&data, &model),
        Verb::Bench(BenchVerb::Build) => bench::build::run(),
        Verb::Bench(BenchVerb::Cycles(arguments)) => bench::cycles::run(&arguments),
        Verb::Bench(BenchVerb::Device(arguments)) => bench::device::run(&arguments),
        Verb::Bench(BenchVerb::Frontend { setup }) => bench::frontend::run(setup),
        Verb::Bench(BenchVerb::Host) => bench::python::host(),
        Verb::Bench(BenchVerb::Python) => bench::python::wheel(),
        Verb::Bench(BenchVerb::Shrink) => bench::shrink::run(),
        Verb::Bench(BenchVerb::Train) => bench::python::train(),
        Verb::Reproduce { configs, all } => {
            let all = all.then(|| ci::PIPELINES.map(PathBuf::from).to_vec());
            reproduce::run(&all.unwrap_or(configs))
        }
        Verb::Torture(arguments) => torture::run(&arguments),
        Verb::Ci {
            step: Some(step),
            bless,
            ..
        } => ci::run_step(&step, bless),
        Verb::Ci { setup, bless, .. } => {
            if setup {
                spinney_cli::setup::run(false)?;
            }
            ci::run(setup, bless)
        }
        Verb::Chips(ChipsVerb::Update) => chips::update(),
        Verb::Certificate(CertificateVerb::Faults) => faults::run(),
    }
}
