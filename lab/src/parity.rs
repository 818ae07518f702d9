//! `parity`: a forest, naive Bayes, boosted trees and values on every emulated core, all test rows, bit
//! for bit.

use spinney_board::Core;
use spinney_cli::terminal;
use spinney_codegen::{Encoding, Options};
use spinney_config::Pipeline;
use spinney_report::Table;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::{stages, store};

use crate::device_job::{Device, Job, Ran};
use crate::parallel;

/// Pipelines whose models go to every core, and the forms that they take.
const MODELS: [(&str, &[Encoding]); 4] = [
    ("pipeline.toml", &[Encoding::Packed, Encoding::Branches]),
    ("examples/wine-bayes.toml", &[Encoding::Table]),
    ("examples/air-boosting.toml", &[Encoding::Table]),
    ("examples/air-targets.toml", &[Encoding::Branches]),
];

/// A core of each instruction set; their machines are all that Spinney emulates, but for those
/// that have a core twice.
const CORES: [Core; 9] = [
    Core::CortexM0,
    Core::CortexM3,
    Core::CortexM4,
    Core::CortexM4F,
    Core::CortexM7F,
    Core::CortexM23,
    Core::CortexM33F,
    Core::Rv32imc,
    Core::Rv32imac,
];

const COMMITTED: &str = "reports/parity.md";

/// A model on a core.
struct Line {
    pipeline: String,
    form: &'static str,
    core: Core,
    n_rows: usize,
    ran: Ran,
}

/// `parity`: runs and writes the table.
pub(crate) fn run() -> Result<(), Failure> {
    let lines = compare()?;
    let path = crate::repository().join(COMMITTED);
    store::write_whole(&path, markdown(&lines).as_bytes()).environment()?;
    println!("report: {COMMITTED}");
    judge(&lines)
}

/// What CI runs: the same, held against the committed table.
pub(crate) fn check(bless: bool) -> Result<(), Failure> {
    let lines = compare()?;
    judge(&lines)?;
    let path = crate::repository().join(COMMITTED);
    let text = markdown(&lines);
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if bless {
        return store::write_whole(&path, text.as_bytes()).environment();
    }
    let moved: Vec<&str> = text
        .lines()
        .filter(|line| !committed.lines().any(|old| old == *line))
        .collect();
    if moved.is_empty() && committed.lines().count() == text.lines().count() {
        return Ok(());
    }
    Err(Failure::Input(anyhow::anyhow!(
        "{COMMITTED} is not what this run gives, which has\n{}\nif that is meant, `cargo xtask \
         parity` writes it anew",
        moved.join("\n")
    )))
}

fn compare() -> Result<Vec<Line>, Failure> {
    let progress = terminal::progress();
    let devices = CORES
        .iter()
        .map(|core| Device::new(*core, &[core.machine().name]))
        .collect::<Result<Vec<_>, _>>()?;
    let folder = crate::target()?.join("pipeline/parity");
    let mut lines = Vec::new();
    for (config, forms) in MODELS {
        progress.doing(&format!("parity: the model of {config}"));
        let config = crate::repository().join(config);
        let Pipeline { identity, .. } = spinney_config::load(&config)?.pipeline;
        let quantized = stages::quantized_anew(&config, progress.clone())?;
        let rows = &quantized.rows.test;
        let (model, quant) = (&quantized.model, &quantized.quant);
        let predictions = spinney_evaluate::predict(model, quant, quantized.voting, rows);
        for encoding in forms {
            lines.extend(parallel::each(&devices, |device| {
                progress.doing(&format!(
                    "parity: {} as {} on the {}",
                    identity.name,
                    encoding.name(),
                    device.core
                ));
                let form: Options =
                    spinney_convert::options_for(device.core, quant, *encoding, false);
                let name = format!("{}-{}", identity.name, encoding.name());
                let job = Job::new(&name, model.kind(), quant, &form, rows)?;
                Ok(Line {
                    pipeline: identity.name.clone(),
                    form: encoding.name(),
                    core: device.core,
                    n_rows: rows.n_rows(),
                    ran: job.run(device, &predictions, &folder, &progress)?,
                })
            })?);
        }
    }
    progress.clear();
    Ok(lines)
}

/// Prints the sum, and each model that is not as it must be.
fn judge(lines: &[Line]) -> Result<(), Failure> {
    let mut n_rows = 0;
    let mut faults = 0;
    for line in lines {
        let fault = match &line.ran.result {
            Err(reason) => reason.clone(),
            Ok(run) if !run.mismatches.is_empty() => format!(
                "{} of {} rows differ, the first is row {}",
                run.mismatches.len(),
                line.n_rows,
                run.mismatches[0]
            ),
            Ok(run) => {
                n_rows += run.classes.len();
                continue;
            }
        };
        faults += 1;
        println!("parity: {} on {}: {fault}", line.pipeline, line.core);
    }
    println!(
        "parity: {} models on {} cores, {n_rows} rows equal bit for bit, {faults} faults",
        lines.len() / CORES.len(),
        CORES.len()
    );
    Failure::unless(faults == 0)
}

fn markdown(lines: &[Line]) -> String {
    let out = String::from(
        "# The same bits on every core\n\n\
         Made by `cargo xtask parity`; CI makes it anew and compares. All test rows of a pipeline \
         run through its model on each emulated core: class, scores and probabilities equal the \
         host's, bit for bit. Instructions are per inference from raw readings, counted by the \
         emulator; they are not cycles.\n\n",
    );
    let mut table = Table::new(
        "model | form | code for | machine | its core | rows: | mismatches: | instructions, mean: | \
         max: | stack, bytes:",
    );
    for line in lines {
        let machine = line.ran.machine;
        let found = match &line.ran.result {
            Ok(run) => format!(
                "{} | {:.1} | {} | {}",
                run.mismatches.len(),
                run.instructions.mean,
                run.instructions.max,
                run.stack_bytes_max
            ),
            Err(reason) => format!("{reason} | | |"),
        };
        table.row(&[
            &line.pipeline,
            &line.form,
            &line.core,
            &machine.name,
            &machine.core,
            &line.n_rows,
            &found,
        ]);
    }
    out + &table.to_string()
}
