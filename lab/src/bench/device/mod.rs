//! `bench device`: our forms and the peers' on the same models, cores and rows, in one run.

pub(super) mod compiler;
mod goals;
mod lines;
mod markdown;
mod model;
mod ours;
mod peers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spinney_board::{Core, Machine, machine};
use spinney_cli::terminal;
use xshell::cmd;

use super::DEADLINE_S;
use super::python::environment_with;
use crate::parallel;
use spinney_pipeline::emulator::Emulation;
use spinney_pipeline::environment::{self, Toolchain};
use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::process;
use spinney_pipeline::progress::Progress;

use compiler::Compiler;
use model::Model;

/// The models, in the order of the reports; `scripts/peers/peers.py` fits them.
const MODELS: [&str; 13] = [
    "iris_dt4",
    "digits_rf10",
    "digits_et30",
    "bc_rf20",
    "mnist_rf10",
    "digits_nb",
    "wine_nb",
    "bc_nb",
    "air_rf20",
    "air_gb30",
    "bc_xgb30",
    "digits_xgb8",
    "bc_cat50",
];

/// A report, and how many of the models that are left it is about; all of its figures are of one run.
const REPORTS: [(&str, usize); 3] = [("device", 8), ("device-additive", 4), ("device-levels", 1)];

/// A core, the machine that both sides run on, and what the C compiler is told of it.
pub(super) struct Place {
    /// Its name in the report.
    pub(super) name: &'static str,
    pub(super) core: Core,
    machine: &'static str,
    gcc: &'static [&'static str],
}

#[rustfmt::skip]
pub(super) const PLACES: [Place; 3] = [
    Place { name: "m0", core: Core::CortexM0, machine: "microbit",
        gcc: &["-mcpu=cortex-m0", "-mfloat-abi=soft"] },
    Place { name: "m3", core: Core::CortexM3, machine: "mps2-an385",
        gcc: &["-mcpu=cortex-m3", "-mfloat-abi=soft"] },
    Place { name: "m4f", core: Core::CortexM4F, machine: "mps2-an386",
        gcc: &["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"] },
];

impl Place {
    pub(super) fn machine(&self) -> Result<&'static Machine, Failure> {
        machine(self.machine)
            .with_context(|| format!("no machine is called {}", self.machine))
            .environment()
    }
}

/// What is asked for on the command line.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only these models; a committed report about others, too, stays as it is.
    #[arg(long, value_delimiter = ',', value_name = "MODEL", value_parser = MODELS)]
    models: Vec<String>,
    /// Only these cores; the committed reports stay as they are.
    #[arg(long, value_delimiter = ',', value_name = "CORE", value_parser = ["m0", "m3", "m4f"])]
    cores: Vec<String>,
    /// Install what is missing first.
    #[arg(long)]
    setup: bool,
}

/// One model in one form on one core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    model: String,
    core: String,
    /// `spinney`, or the peer's name.
    by: String,
    /// The form's name.
    form: String,
    /// `hard` or `soft`, or `sum` of trees that add.
    voting: String,
    /// Bytes of flash over an image without a model, soft-float helpers included, test rows not;
    /// ours takes codes, emlearn's trees int16, the other peers floats.
    flash_bytes: u64,
    /// Bytes of static RAM over an image without a model.
    ram_bytes: u64,
    /// What running it gave, or why it did not run.
    ran: Result<Ran, String>,
    /// The same with the conversion of raw readings; ours alone.
    from_readings: Option<FromReadings>,
}

/// What running a form on all test rows gave, an empty predict subtracted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Ran {
    instructions: f64,
    instructions_max: f64,
    stack_bytes: u64,
    /// Rows on which the class is another than scikit-learn's under the same vote.
    disagreements: usize,
    /// How far a value is off scikit-learn's at the most; of regressors, which disagree on no row.
    error_max: Option<f64>,
    rows: usize,
}

/// What conversion from raw readings adds up to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FromReadings {
    flash_bytes: u64,
    instructions: f64,
    instructions_max: f64,
}

/// Everything that jobs share.
struct Bench {
    work: PathBuf,
    models: Vec<Model>,
    places: Vec<&'static Place>,
    compiler: Compiler,
    toolchains: BTreeMap<&'static str, Toolchain>,
    qemu: PathBuf,
    qemu_version: String,
}

impl Bench {
    fn emulation(&self, place: &Place) -> Result<Emulation<'_>, Failure> {
        Ok(Emulation {
            qemu: &self.qemu,
            machine: place.machine()?,
            deadline_s: DEADLINE_S,
            within: &self.work,
        })
    }
}

/// Measures everything and writes `reports/bench/device.{json,md}`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    compiler::needed(arguments.setup)?;
    let progress = terminal::progress();
    let bench = prepare(arguments, &progress)?;
    let jobs = jobs(&bench);
    let measured = work_off(&bench, &jobs, &progress)?;
    progress.clear();
    let mut names = MODELS.as_slice();
    for (report, n_models) in REPORTS {
        let of_report: &[&str];
        (of_report, names) = names.split_at(n_models);
        write(&bench, &measured, report, of_report)?;
    }
    Ok(())
}

/// Writes the report about these models, and commits to it if all of it was measured.
fn write(
    bench: &Bench,
    measured: &[Measured],
    report: &str,
    names: &[&str],
) -> Result<(), Failure> {
    let is_of = |model: &&Model| names.contains(&&*model.name);
    let models: Vec<&Model> = bench.models.iter().filter(is_of).collect();
    if models.is_empty() {
        return Ok(());
    }
    let lines = lines::lines(&models, measured);
    let text = markdown::markdown(bench, &models, measured, &lines);
    let is_whole = models.len() == names.len() && bench.places.len() == PLACES.len();
    let folder = if is_whole {
        super::reports()
    } else {
        bench.work.join("partial")
    };
    super::write(&folder, report, &lines, &text)?;
    println!("report: {}", folder.join(format!("{report}.md")).display());
    Ok(())
}

/// Finds the tools, before anything expensive, and has the peers write their sources.
fn prepare(arguments: &Arguments, progress: &Progress) -> Result<Bench, Failure> {
    let places: Vec<&Place> = PLACES
        .iter()
        .filter(|place| is_asked_for(place.name, &arguments.cores))
        .collect();
    let mut toolchains = BTreeMap::new();
    for place in &places {
        let target = place.core.target();
        let toolchain = environment::needed_toolchain(target, &crate::repository())?;
        toolchains.insert(place.name, toolchain);
    }
    let (qemu, qemu_version) = environment::needed_emulator(PLACES[0].machine()?)?;
    let work = crate::target()?.join("bench/device");
    std::fs::create_dir_all(&work).environment()?;
    progress.doing("fitting the models and writing the peers' sources");
    let names: Vec<&str> = MODELS
        .into_iter()
        .filter(|name| is_asked_for(name, &arguments.models))
        .collect();
    let python = python(&work)?;
    let (folder, listed) = (work.join("models"), names.join(","));
    let shell = crate::shell()?;
    let write = cmd!(
        shell,
        "{python} scripts/peers/peers.py {folder} --models {listed}"
    );
    process::show(write.into(), process::LONG).environment()?;
    let models = names.iter().map(|name| Model::read(&folder.join(name)));
    let models = models.collect::<Result<Vec<_>, _>>()?;
    let compiler = Compiler::new(&python)?;
    Ok(Bench {
        work,
        models,
        places,
        compiler,
        toolchains,
        qemu,
        qemu_version,
    })
}

fn is_asked_for(name: &str, asked: &[String]) -> bool {
    asked.is_empty() || asked.iter().any(|one| one == name)
}

/// A Python with the peers in it, in an environment of its own.
pub(super) fn python(work: &Path) -> Result<PathBuf, Failure> {
    let peers = ["-r", "scripts/peers/requirements.txt"];
    environment_with(&crate::shell()?, &work.join("venv"), &peers)
}

/// One thing to build and run: a peer's source, or our forms.
type Job<'b> = (&'b Model, Option<&'b model::Source>, &'static Place);

/// All jobs, so that a worker which builds with cargo has company that does not.
fn jobs(bench: &Bench) -> Vec<Job<'_>> {
    let mut jobs = Vec::new();
    for model in &bench.models {
        for place in &bench.places {
            let sources = model.sources.iter().filter(|it| it.refused.is_none());
            let sources = std::iter::once(None).chain(sources.map(Some));
            jobs.extend(sources.map(|source| (model, source, *place)));
        }
    }
    jobs
}

fn work_off(
    bench: &Bench,
    jobs: &[Job<'_>],
    progress: &Progress,
) -> Result<Vec<Measured>, Failure> {
    let n_begun = AtomicUsize::new(0);
    let measured = parallel::each(jobs, |(model, source, place)| {
        let form = source.map_or_else(String::new, |source| format!(" {}", source.name()));
        let number = n_begun.fetch_add(1, Ordering::Relaxed) + 1;
        let (of, name, place_name) = (jobs.len(), &model.name, place.name);
        progress.doing(&format!("{number} of {of}: {name}{form} on {place_name}"));
        match source {
            Some(source) => Ok(vec![peers::measure(bench, model, source, place)?]),
            None => ours::measure(bench, model, place),
        }
    })?;
    Ok(measured.into_iter().flatten().collect())
}
