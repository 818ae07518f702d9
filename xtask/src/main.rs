//! Spinney's verbs: `cargo xtask …`. The only host code that touches files, clock and processes.

#[macro_use]
mod terminal;

mod bench;
mod c99;
mod chips;
mod ci;
mod clean;
mod completions;
mod device_job;
mod disk;
mod docs;
mod emulator;
mod environment;
mod explain;
mod failure;
mod features;
mod flash;
mod front_end;
mod image;
mod inspect;
mod interrupt;
mod lock;
mod lock_file;
mod log;
mod misplaced;
mod new;
mod no_panic;
mod parity;
mod pipeline;
mod places;
mod predict;
mod probe;
mod process;
mod progress;
mod reproduce;
mod serial;
mod setup;
mod sizes;
mod store;
mod supply;
mod tidy;
#[cfg(unix)]
mod torture;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

/// From training data, or a finished model, to firmware on a microcontroller.
///
/// Start with `cargo xtask pipeline run --setup`; each verb's `--help` has examples.
///
/// Exit codes: 0 all gates hold, 1 a gate failed, 2 the config or an input is at fault, 3 the
/// environment lacks something or a tool failed, 129, 130 or 143 a signal ended it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Find what this machine lacks, say so, and install it.
    Setup {
        /// Only tell; change nothing.
        #[arg(long)]
        check: bool,
    },
    /// Train or import, quantize, prove, build, run and report.
    #[command(subcommand)]
    Pipeline(pipeline::Verb),
    /// What is proven of a pipeline's model, and the checker that doubts it.
    #[command(subcommand)]
    Certificate(CertificateVerb),
    /// Say what a model file holds, and what it would take in flash.
    Inspect {
        /// A skops, ONNX or Spinney JSON file.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a fresh project: a pipeline, and firmware around its model that builds as it is.
    New {
        /// Where; the last part names the project.
        path: PathBuf,
        /// The chip that it is for.
        #[arg(long, default_value = "STM32F405RGTx")]
        chip: String,
        /// Bring the firmware that is there to the chip that its pipeline.toml names.
        #[arg(long, conflicts_with = "chip")]
        update: bool,
    },
    /// The chips there are, and the table of them.
    #[command(subcommand)]
    Chips(ChipsVerb),
    /// Give back what builds left behind and can make again: the firmware cache, workspaces of images.
    #[command(after_help = "Examples:
  cargo xtask clean --dry-run                    what there is, and when it was last used
  cargo xtask clean --older 30d                  what nobody used for a month

Results of the last runs stay, so that `pipeline check` and `flash` go on working, and so does what a
run holds. The next build of an image compiles `core` anew.")]
    Clean {
        /// Only what was not used for so long, such as 30d or 12h.
        #[arg(long, value_name = "AGE", default_value = "0m", value_parser = clean::age)]
        older: Duration,
        /// Only tell; remove nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Program a board with the image of the last run, through a debug probe, and show its log.
    Flash(flash::Arguments),
    /// Prove that neither a model nor the front end can panic on any core, as CI does.
    NoPanic,
    /// Show one test row: readings, codes, paths and scores in float and in Q15.
    Explain {
        /// The row's number in the source file, as in predictions.csv.
        #[arg(long)]
        row: usize,
        /// The pipeline that it belongs to.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prove that C headers give the quantized model's bits on host, Cortex-M0 and AVR, and write
    /// reports/c99.md.
    C99 {
        /// Install missing compilers and simulators first.
        #[arg(long)]
        setup: bool,
    },
    /// Prove that every emulated core computes the host's bits, and write reports/parity.md.
    Parity,
    /// Write the features that a pipeline's front end makes of its recordings, as `.npy`.
    Features {
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// The folder for `train_X.npy`, `train_y.npy`, `test_X.npy` and `test_y.npy`.
        #[arg(long)]
        output: PathBuf,
    },
    /// Prove that predictions over a serial line survive noise, on every emulated UART.
    Serial,
    /// Run the commands that README and docs show, and compare the output that they show.
    Docs {
        /// Also those that need Python, the network or more than a minute; writes reports/docs.md.
        #[arg(long)]
        all: bool,
    },
    /// Predict a file of rows: on this machine, or by a device on a serial port.
    Predict(predict::Arguments),
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
    #[cfg(unix)]
    Torture(torture::Arguments),
    /// A shell's completions for these verbs, and a function `spinney` that stands for
    /// `cargo xtask`.
    #[command(after_help = "Put one of these where your shell starts:
  bash, zsh   source <(cargo xtask completions bash)
  fish        cargo xtask completions fish | source
  PowerShell  cargo xtask completions powershell | Out-String | Invoke-Expression

then `spinney pipeline <Tab>`, in this repository's folder.")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// What CI runs, and all that CI runs: format, lints, tests, shipped pipelines.
    Ci {
        /// Install what is missing first.
        #[arg(long)]
        setup: bool,
        /// Accept the shipped pipelines' reports as they come out now.
        #[arg(long)]
        bless: bool,
    },
}

#[derive(Subcommand)]
enum CertificateVerb {
    /// Plant faults in the images and claims of shipped pipelines, as CI does: the checker has to
    /// name each of them.
    Faults,
    /// Decide every split of the last run's image anew, from its bytes, with none of the prover's
    /// code.
    #[command(after_help = "Examples:
  cargo xtask certificate verify                         the pipeline.toml that lies here
  cargo xtask certificate verify --config my/model.toml --json | jq .image.decisions

It is also the last step of every `pipeline run`, as the gate `certificate`.")]
    Verify {
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum ChipsVerb {
    /// List the chips with this in their names: core, Rust target, flash and RAM.
    #[command(after_help = "Examples:
  cargo xtask chips search nrf52                 all with these letters in their names
  cargo xtask chips search stm32 --flash 16K     those of them with so much flash")]
    Search {
        /// Part of a name, in any case.
        #[arg(required_unless_present = "flash")]
        name: Option<String>,
        /// Only chips with just this flash, such as 16K or 1M.
        #[arg(long, value_name = "SIZE", value_parser = chips::size)]
        flash: Option<u32>,
    },
    /// Build a pipeline's firmware for chips, and say what it takes of each.
    Sizes {
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// Names of chips; a dozen well-known ones if none is given, which writes
        /// reports/chips.md.
        chips: Vec<String>,
    },
    /// Make crates/board/data/chips.csv anew from probe-rs' registry.
    Update,
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
    /// Our training against scikit-learn's; needs python3 with venv and pip.
    Train,
}

fn main() -> ExitCode {
    if let Err(error) = interrupt::watch() {
        eprintln!("error: cannot listen to signals: {error}");
        return ExitCode::from(3);
    }
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        match misplaced::correction(&Cli::command(), &error, std::env::args_os()) {
            Some(correction) => {
                eprintln!("error: {correction}");
                std::process::exit(2)
            }
            None => error.exit(),
        }
    });
    let result = match cli.verb {
        Verb::Setup { check } => setup::run(check),
        Verb::Pipeline(verb) => pipeline::run_verb(&verb),
        Verb::Certificate(CertificateVerb::Faults) => pipeline::plant_faults(),
        Verb::Certificate(CertificateVerb::Verify { config, json }) => {
            pipeline::verify(&config, json)
        }
        Verb::Inspect { file, json } => inspect::run(&file, json),
        Verb::New {
            path, update: true, ..
        } => new::update(&path),
        Verb::New { path, chip, .. } => new::run(&path, &chip),
        Verb::Chips(ChipsVerb::Search { name, flash }) => {
            chips::find(name.as_deref().unwrap_or_default(), flash)
        }
        Verb::Chips(ChipsVerb::Sizes { config, chips }) => sizes::run(&config, &chips),
        Verb::Chips(ChipsVerb::Update) => chips::update(),
        Verb::Clean { older, dry_run } => clean::run(older, dry_run),
        Verb::Flash(arguments) => flash::run(&arguments),
        Verb::NoPanic => no_panic::run(),
        Verb::Explain { row, config, json } => explain::run(&config, row, json),
        Verb::C99 { setup } => c99::run(setup),
        Verb::Bench(BenchVerb::Agreement { data, model }) => bench::agreement::run(&data, &model),
        Verb::Bench(BenchVerb::Device(arguments)) => bench::device::run(&arguments),
        Verb::Bench(BenchVerb::Build) => bench::build::run(),
        Verb::Parity => parity::run(),
        Verb::Bench(BenchVerb::Frontend { setup }) => bench::frontend::run(setup),
        Verb::Serial => serial::check(),
        Verb::Features { config, output } => features::run(&config, &output),
        Verb::Docs { all } => docs::run(all),
        Verb::Predict(arguments) => predict::run(&arguments),
        Verb::Bench(BenchVerb::Host) => bench::host::run(),
        Verb::Bench(BenchVerb::Train) => bench::train::run(),
        Verb::Reproduce { configs, all } => {
            let all = all.then(|| ci::PIPELINES.map(PathBuf::from).to_vec());
            reproduce::run(&all.unwrap_or(configs))
        }
        #[cfg(unix)]
        Verb::Torture(arguments) => torture::run(&arguments),
        Verb::Completions { shell } => {
            print!("{}", completions::script(Cli::command(), shell));
            Ok(())
        }
        Verb::Ci { setup, bless } => {
            let prepared = if setup { setup::run(false) } else { Ok(()) };
            prepared.and_then(|()| ci::run(bless))
        }
    };
    let result = result.and_then(|()| terminal::finish());
    interrupt::or_end(|| match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    })
}
