//! Spinney's verbs, and what a terminal shows of them.
//!
//! A program that offers them is one line around [`main`]: `cargo xtask` in a project, or
//! `spinney` where it was installed.

#[macro_use]
pub mod terminal;

mod chips;
mod clean;
mod completions;
mod convert;
mod data;
mod explain;
mod features;
mod flash;
mod graph;
mod init;
mod inspect;
mod list;
mod misplaced;
pub mod new;
mod npy;
mod own_xtask;
mod predict;
mod report;
mod search;
pub mod setup;
mod sizes;
mod start;
mod summary;
mod verbs;
mod verify;
mod why;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use spinney_pipeline::failure::Failure;
pub use spinney_pipeline::invocation::state_file;
use spinney_pipeline::{interrupt, invocation};

/// From training data, or a finished model, to firmware on a microcontroller.
///
/// Start with `cargo xtask pipeline run --setup`; each verb's `--help` has examples.
///
/// Exit codes: 0 all gates hold, 1 a gate failed, 2 the config or an input is at fault, 3 the
/// environment lacks something or a tool failed, 129, 130 or 143 a signal ended it.
#[derive(Parser)]
#[command(name = "spinney", version)]
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
    Pipeline(verbs::Verb),
    /// What is proven of a pipeline's model, and the checker that doubts it.
    #[command(subcommand)]
    Certificate(CertificateVerb),
    /// Say what a model file holds, and what it would take in flash.
    Inspect {
        /// A file of skops, XGBoost, LightGBM, CatBoost, ONNX or treelite, a zipped folder of Spark, Spinney's JSON
        /// or a kept conversion.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what files of rows, or a folder of recordings, hold, and print the config's sections for them.
    #[command(after_help = "Examples:
  cargo xtask data log.csv                      columns, the likely label, what looks suspicious
  cargo xtask data train.csv test.csv           two sides
  cargo xtask data walk.csv run.csv             a file per class, where no column is the label
  cargo xtask data recordings                   a folder of sound or motion
  cargo xtask data log.csv --json | jq .columns for a program")]
    Data {
        /// Files of rows with the same columns, or a folder of recordings.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The column of the label, if it is known; its number where there is no header.
        #[arg(long, value_name = "COLUMN")]
        label: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write a finished model as one C99 header, proven, without a config or a toolchain.
    Convert(convert::Arguments),
    /// Say what becomes of a finished model in fixed point, on rows, as a page; nothing is built.
    Report(report::Arguments),
    /// Write a fresh project: a pipeline, an `xtask` of its own, and firmware around its model
    /// that builds as it is.
    New {
        /// Where; the last part names the project.
        #[arg(required_unless_present = "from")]
        path: Option<PathBuf>,
        /// The chip that it is for.
        #[arg(long, default_value = "STM32F405RGTx")]
        chip: String,
        /// Bring the firmware that is there to the chip that its pipeline.toml names.
        #[arg(long, conflicts_with_all = ["chip", "origin"])]
        update: bool,
        /// Rows, or a folder of recordings, to start from, copied into the project; `data` shows what is
        /// taken of them.
        #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "update")]
        from: Vec<PathBuf>,
        /// The column of their label, if it is not the likely one.
        #[arg(long, value_name = "COLUMN", requires = "from")]
        label: Option<String>,
        /// Where images start in the chip's flash, if behind a bootloader.
        #[arg(long, value_name = "0xADDRESS", value_parser = address)]
        origin: Option<u32>,
        /// The Spinney that its xtask is built from: a clone, a git repository's address, or a folder
        /// of unpacked packages. The clone that this program was built in, or this version, if it is
        /// not named.
        #[arg(long, value_name = "PATH", conflicts_with = "update")]
        spinney: Option<PathBuf>,
    },
    /// Add a pipeline and an `xtask` to a repository that is there; what is there stays as it is.
    #[command(
        after_help = "Adds what is missing of these, and says what it added: pipeline.toml with rows \
that stand in for yours, the model's crate, an xtask with its alias in .cargo/config.toml, a workflow for \
CI. What only its owner can do, it names."
    )]
    Init {
        /// The repository.
        #[arg(default_value = ".")]
        path: PathBuf,
        /// The pipeline's name; the folder's, if it is not named.
        #[arg(long)]
        name: Option<String>,
        /// The chip that the model is for.
        #[arg(long, default_value = "STM32F405RGTx")]
        chip: String,
        /// The Spinney that its xtask is built from, as for `new`.
        #[arg(long, value_name = "PATH")]
        spinney: Option<PathBuf>,
    },
    /// Find the model with the best cross-validated score that meets every budget.
    Search(search::Arguments),
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
    /// Write the features that a pipeline's front end makes of its recordings, as `.npy`; or measure
    /// what each of them costs.
    Features {
        /// The pipeline.
        #[arg(long, default_value = "pipeline.toml")]
        config: PathBuf,
        /// The folder for `train_X.npy`, `train_y.npy`, `test_X.npy` and `test_y.npy`.
        #[arg(long, required_unless_present = "costs")]
        output: Option<PathBuf>,
        /// Build and run the front end of the last run without each feature in turn: bytes and
        /// instructions that this saves, beside those of the model and the importance.
        #[arg(long, conflicts_with = "output")]
        costs: bool,
    },
    /// Predict a file of rows: on this machine, or by a device on a serial port.
    Predict(predict::Arguments),
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
}

#[derive(Subcommand)]
enum CertificateVerb {
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
}

/// The program that offers the verbs.
#[derive(Debug, Clone, Copy)]
pub struct Door {
    /// How it is called: `cargo xtask`, or `spinney`.
    pub name: &'static str,
    /// Verbs that another program does.
    pub more: &'static [More],
}

impl Door {
    /// `cargo xtask` in a user's own project.
    pub const XTASK: Self = Self {
        name: "cargo xtask",
        more: &[],
    };
}

/// A verb that another program does, which is told here and handed over.
#[derive(Debug, Clone, Copy)]
pub struct More {
    /// Its words: `bench`, or `chips update`.
    pub words: &'static [&'static str],
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Does it, with all arguments of this program after its name; how it ended.
    pub run: fn(&[OsString]) -> ExitCode,
}

/// Does what was typed; the exit code says how it ended.
pub fn main(door: Door) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let is_typed = |more: &&More| {
        let typed = arguments.iter().skip(1).take(more.words.len());
        typed.eq(more.words)
    };
    if let Some(more) = door.more.iter().find(is_typed) {
        invocation::state(door.name);
        return (more.run)(&arguments[1..]);
    }
    ExitCode::from(main_with(door, &arguments))
}

/// As [`main`], of a program that gets its arguments from elsewhere, the first of them its name: the
/// number of the exit code. Verbs of [`Door::more`] are told, not done. What clap itself says, such as
/// help, ends the process.
pub fn main_with(door: Door, arguments: &[OsString]) -> u8 {
    invocation::state(door.name);
    if let Err(error) = interrupt::watch(terminal::interrupted) {
        eprintln!("error: cannot listen to signals: {error}");
        return 3;
    }
    let parsed = command(door)
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = parsed.unwrap_or_else(|error| {
        let typed = arguments.iter().cloned();
        match misplaced::correction(&command(door), &error, typed) {
            Some(correction) => {
                eprintln!("error: {correction}");
                std::process::exit(2)
            }
            None => error.exit(),
        }
    });
    ended(|| run(cli.verb, door))
}

/// What is wrong with a command line, its first word the program's name.
pub fn parse_error(words: &[&str]) -> Option<clap::Error> {
    Cli::try_parse_from(words).err()
}

/// Does a program's work; its exit code, once all that it printed got there.
pub fn finish(work: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    ExitCode::from(ended(work))
}

fn ended(work: impl FnOnce() -> Result<(), Failure>) -> u8 {
    let result = work().and_then(|()| terminal::finish());
    interrupt::or_end(|| match result {
        Ok(()) => 0,
        Err(failure) => {
            terminal::tell(&failure);
            failure.exit_code()
        }
    })
}

fn run(verb: Verb, door: Door) -> Result<(), Failure> {
    match verb {
        Verb::Setup { check } => setup::run(check),
        Verb::Pipeline(verb) => verbs::run(&verb),
        Verb::Certificate(CertificateVerb::Verify { config, json }) => verify::run(&config, json),
        Verb::Convert(arguments) => convert::run(&arguments),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Inspect { file, json } => inspect::run(&file, json),
        Verb::Data { files, label, json } => data::run(&files, label.as_deref(), json),
        Verb::New {
            path: Some(path),
            update: true,
            ..
        } => new::update(&path),
        Verb::New {
            path,
            chip,
            origin,
            spinney,
            from,
            label,
            ..
        } => {
            let (path, from) = new::place(path, from)?;
            let start = match from[..] {
                [] => new::Start::default(),
                _ => new::Start::from(&from, label.as_deref())?,
            };
            let chip = new::chip_named(&chip, origin)?;
            new::run(&path, &chip, spinney.as_deref(), &start)
        }
        Verb::Init {
            path,
            name,
            chip,
            spinney,
        } => init::run(&path, name.as_deref(), &chip, spinney.as_deref()),
        Verb::Search(arguments) => search::run(&arguments),
        Verb::Chips(ChipsVerb::Search { name, flash }) => {
            chips::find(name.as_deref().unwrap_or_default(), flash)
        }
        Verb::Chips(ChipsVerb::Sizes { config, chips }) => sizes::run(&config, &chips),
        Verb::Clean { older, dry_run } => clean::run(older, dry_run),
        Verb::Flash(arguments) => flash::run(arguments),
        Verb::Explain { row, config, json } => explain::run(&config, row, json),
        Verb::Features { config, output, .. } => match output {
            Some(output) => features::run(&config, &output),
            None => features::costs(&config),
        },
        Verb::Predict(arguments) => predict::run(&arguments),
        Verb::Completions { shell } => {
            print!("{}", completions::script(command(door), shell));
            Ok(())
        }
    }
}

/// An address as a config states it.
fn address(typed: &str) -> Result<u32, String> {
    let digits = typed.strip_prefix("0x");
    digits
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| "expected an address such as 0x26000".to_owned())
}

/// The verbs of a program, its name in every example.
fn command(door: Door) -> clap::Command {
    let mut command = named(Cli::command(), door.name).name(door.name);
    command = command.bin_name(door.name);
    for more in door.more {
        let verb = |name: &'static str| {
            let rest = clap::Arg::new("ARGUMENTS")
                .num_args(0..)
                .trailing_var_arg(true);
            clap::Command::new(name).about(more.about).arg(rest)
        };
        command = match more.words {
            [name] => command.subcommand(verb(name)),
            [parent, name] => command.mut_subcommand(parent, |it| it.subcommand(verb(name))),
            words => unreachable!("{words:?}: a verb has one word or two"),
        };
    }
    command
}

/// A command whose examples name the program as it is called.
fn named(command: clap::Command, name: &str) -> clap::Command {
    const WRITTEN: &str = "cargo xtask";
    if name == WRITTEN {
        return command;
    }
    let told = |text: &clap::builder::StyledStr| text.to_string().replace(WRITTEN, name);
    let after = command.get_after_help().map(told);
    let about = command.get_long_about().map(told);
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let mut command = match after {
        Some(after) => command.after_help(after),
        None => command,
    };
    if let Some(about) = about {
        command = command.long_about(about);
    }
    verbs.into_iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |verb| named(verb, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: Door = Door {
        name: "spinney",
        more: &[
            More {
                words: &["bench"],
                about: "Measure.",
                run: |_| ExitCode::SUCCESS,
            },
            More {
                words: &["chips", "update"],
                about: "Make the table anew.",
                run: |_| ExitCode::SUCCESS,
            },
        ],
    };

    #[test]
    fn help_names_the_program_as_it_is_called() {
        let mut open = vec![command(DOOR)];
        let mut n_seen = 0;
        while let Some(mut verb) = open.pop() {
            let help = verb.render_long_help().to_string();
            // Completions tell of both.
            assert!(
                !help
                    .replace("stands for `cargo xtask`", "")
                    .contains("cargo xtask"),
                "{help}"
            );
            n_seen += 1;
            open.extend(verb.get_subcommands().cloned());
        }
        assert!(n_seen > 20, "{n_seen}");
        command(DOOR).debug_assert();
    }

    #[test]
    fn verbs_of_another_program_are_told() {
        let mut command = command(DOOR);
        let help = command.render_long_help().to_string();
        assert!(
            help.contains("bench") && help.contains("Measure."),
            "{help}"
        );
        let chips = command.find_subcommand_mut("chips").expect("a verb");
        assert!(
            chips
                .render_long_help()
                .to_string()
                .contains("Make the table anew.")
        );
    }
}
