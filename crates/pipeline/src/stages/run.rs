//! Stage `run`: the images in the emulator, the choice among forms, and what ships.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spinney_evaluate::{DeviceRun, Predictions, RunContext, Splits, read_heard, read_outcomes};

use super::build::{Built, FOOTPRINTS, Footprints, build_one, product_elf, verify_elf};
use super::candidates::{self, Candidate, Figures, Form, choose};
use super::checked::{self, CHECKED};
use super::inputs::digests_of;
use super::order::artifact_of;
use super::quantize::{CANDIDATES, PREDICTIONS, ROWS, SAMPLES, SUMMARY, Summary};
use super::share::{self, DeviceRows};
use super::{FoundEmulator, Session, cycles, outliers, product, program_digest, signals};
use crate::emulator::Ended;
use crate::failure::{ExitReason, Failure};
use crate::flash::formats;
use crate::image::Transport;
use crate::log;
use crate::store::{self, Stage, Writer};

/// The outcome of a run, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RunResult {
    /// The rows ran.
    Ran(DeviceRun),
    /// The image does not fit the machine.
    NotRun(String),
    /// They did not, or not to the end.
    Failed(String),
    /// The config does without.
    NotRequired,
}

impl RunResult {
    /// What was measured, where the rows ran.
    pub fn ran(&self) -> Option<&DeviceRun> {
        match self {
            Self::Ran(run) => Some(run),
            Self::NotRun(_) | Self::Failed(_) | Self::NotRequired => None,
        }
    }

    /// Why this is no lasting result, if it is none: another time it may be another.
    fn failed(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            // Nobody knows whether the image or the emulator did that.
            Self::Ran(run) if !run.mismatches.is_empty() => {
                Some("the device's answers were not the host's")
            }
            _ => None,
        }
    }
}

/// What the emulated device did.
pub const DEVICE: &str = "device.json";
/// What `[reject]` costs, or null.
pub const REJECT_COST: &str = "reject-cost.json";
/// Which form ships, and why.
pub const CHOICE: &str = "choice.json";
/// The image that ships.
pub const PRODUCT_ELF: &str = "product.elf";
/// The same in other formats, without the ends of their names.
pub const PRODUCT: &str = "product";

/// The parts of a config that say what runs on the device.
pub(super) const DEVICE_PARTS: &[&str] = &["evaluate"];

/// What the stage `run` depends on.
pub fn inputs(session: &Session) -> Result<store::Inputs, Failure> {
    let pipeline = &session.config.pipeline;
    let mut key: store::Inputs = [
        // The checker at the end of the stage is part of the program.
        ("program".to_owned(), program_digest()?),
        // Its timing table, with the multiplier that it has.
        ("chip".to_owned(), pipeline.target.chip.name.clone()),
        (
            "deadline_s".to_owned(),
            pipeline.firmware.deadline_s.to_string(),
        ),
    ]
    .into();
    key.extend(digests_of(pipeline, &["budget"])?);
    key.extend(digests_of(pipeline, DEVICE_PARTS)?);
    // It measures, checks and hands on what they made, nearly all of it.
    for stage in ["model", "quantize", "build"] {
        let made = session.made(stage)?;
        // A folder is one thing that may have changed.
        let top = |path: &str| path.split_inclusive('/').next().map(str::to_owned);
        let artifacts: BTreeSet<String> =
            made.artifacts().keys().filter_map(|it| top(it)).collect();
        for artifact in artifacts {
            key.extend([artifact_of(session, stage, &artifact)?]);
        }
    }
    if let Some(emulator) = session.emulator()? {
        key.insert("emulator".to_owned(), emulator.version.clone());
        key.insert("machine".to_owned(), emulator.machine.name.to_owned());
    }
    Ok(key)
}

/// Runs the verify images and chooses among the candidates, unless nothing that this depends on
/// has changed.
pub fn run(session: &Session) -> Result<(), Failure> {
    session.pass("run", inputs(session)?, |stage| run_all(session, stage))
}

fn run_all<'a>(session: &Session, stage: &'a Stage) -> Result<Writer<'a>, Failure> {
    let (pipeline, emulator) = (&session.config.pipeline, session.emulator()?);
    let built = session.made("build")?;
    let quantized = session.made("quantize")?;
    let candidates = candidates::of(session)?;
    let predictions: Predictions = quantized.read_json(PREDICTIONS)?;
    let all_rows = quantized.read(ROWS)?;
    let rows = DeviceRows::new(session, &all_rows, &predictions);
    if let Some(emulator) = emulator {
        let elf = built.read(&verify_elf(0))?;
        let n_rows = (rows.drawn.as_ref()).map_or(predictions.q15.len(), Vec::len);
        let size = (n_rows, candidates.len());
        share::forewarn(session, emulator, &elf, &rows, size)?;
    }
    let footprints: Footprints = built.read_json(FOOTPRINTS)?;
    let mut results = Vec::new();
    let mut logs = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let (result, log) = match emulator {
            None => (RunResult::NotRequired, String::new()),
            Some(emulator) => {
                session.progress.doing(&format!(
                    "running the test rows through {} on the emulated {}",
                    candidate.name, emulator.machine.name
                ));
                let verify = built.read(&verify_elf(index))?;
                let image = (&verify[..], candidate.early_exit);
                run_candidate(session, emulator, image, &rows, &predictions)?
            }
        };
        results.push(result);
        logs.push(log);
    }
    for (index, candidate) in candidates.iter().enumerate() {
        if let Some(scores_from) = candidate.scores_from {
            results[index] = with_scores(&results[index], &results[scores_from]);
        }
    }
    let figures: Vec<(&Candidate, Figures<'_>)> = candidates
        .iter()
        .zip(footprints.products.iter().zip(&results))
        .map(|(candidate, (product, result))| {
            let (product, run) = (product.as_ref(), result.ran());
            let product = product.unwrap_or(&footprints.empty);
            (candidate, Figures { product, run })
        })
        .collect();
    let choice = choose(pipeline, &figures);
    let chosen = &candidates::form(session, CANDIDATES, &candidates[choice.chosen])?;
    if let (Some(emulator), RunResult::Ran(run)) = (emulator, &mut results[choice.chosen]) {
        let elf = built.read(&verify_elf(choice.chosen))?;
        run.cycles = cycles::of_rows(session, emulator, &elf, &rows.bytes, run)?.map(Box::new);
    }
    if pipeline.frontend.is_some()
        && let Some(emulator) = emulator
        && let RunResult::Ran(run) = &results[choice.chosen]
    {
        let told = (&all_rows[..], &predictions);
        results[choice.chosen] = listen(session, emulator, chosen, told, run)?;
    }
    let product = built.read(&product_elf(choice.chosen))?;
    let samples = quantized.read(SAMPLES)?;
    let product_run = match (emulator, &results[choice.chosen]) {
        (Some(emulator), RunResult::Ran(_)) => {
            let subject = product::Subject {
                product: &product,
                chosen,
                rows: &all_rows,
                samples: &samples,
                predictions: &predictions,
            };
            product::run(session, emulator, &subject)?
        }
        _ => None,
    };
    let device = product::with_product(&results[choice.chosen], product_run.as_ref());
    let footprint = footprints.products[choice.chosen].as_ref();
    let of_chosen = (footprint, &results[choice.chosen]);
    let cost = outliers::cost(session, chosen, of_chosen, (&predictions, &rows))?;
    let subject = checked::Subject {
        product: &product,
        index: choice.chosen,
        candidates: &candidates,
        header: chosen.header.as_deref(),
        emulator,
    };
    let checked = checked::run(session, &subject)?;
    let mut writer = stage.begin().environment()?;
    let mut ran = results.iter().chain([&device]);
    if let Some(why) = ran.find_map(RunResult::failed).or(checked.failed()) {
        writer.fail(why);
    }
    writer.write_json(CHECKED, &checked)?;
    writer.write_json(REJECT_COST, &cost)?;
    writer.write_json(CHOICE, &choice)?;
    writer.write_json(product::PRODUCT_RUN, &product_run)?;
    writer.write_json(DEVICE, &device)?;
    if !logs[choice.chosen].is_empty() {
        writer.write("log.txt", logs[choice.chosen].as_bytes())?;
    }
    writer.write(PRODUCT_ELF, &product)?;
    for (format, bytes) in formats::files(&pipeline.target.chip, &product) {
        writer.write(&format!("{PRODUCT}.{format}"), &bytes)?;
    }
    let folder = format!("{}-model", pipeline.identity.name);
    writer.write_tree(&folder, &chosen.files)?;
    if let (Some(header), Some(text)) = (&chosen.about.header, &chosen.header) {
        writer.write(&header.path, text.as_bytes())?;
    }
    Ok(writer)
}

fn run_candidate(
    session: &Session,
    emulator: &FoundEmulator,
    (verify, early_exit): (&[u8], bool),
    rows: &DeviceRows,
    predictions: &Predictions,
) -> Result<(RunResult, String), Failure> {
    let run = emulator.of(session).run(verify, &rows.bytes)?;
    let summary: Summary = session.made("quantize")?.read_json(SUMMARY)?;
    let passed = summary.passed;
    let result = match run.ended {
        Ended::NotRun(reason) => RunResult::NotRun(reason),
        Ended::Failed(reason) => RunResult::Failed(reason),
        Ended::Outcomes(bytes) => {
            let context = RunContext {
                class_only: early_exit,
                drawn: rows.drawn.as_deref(),
                splits: passed.as_ref().map(|passed| Splits {
                    passed: if early_exit {
                        &passed.early
                    } else {
                        &passed.all
                    },
                    most: passed.most,
                }),
                ..RunContext::new(summary.features.len(), emulator.machine.timer, predictions)
            };
            read_outcomes(&bytes, context)
                .map_or_else(|error| RunResult::Failed(error.to_string()), RunResult::Ran)
        }
    };
    // An image that works says nothing that its outcomes do not.
    let log = match &result {
        RunResult::Failed(_) => {
            log::lines(verify, &run.log, session.artifacts(), &session.progress)
                .unwrap_or_else(|error| format!("(the log cannot be decoded: {error:#})\n"))
        }
        _ => String::new(),
    };
    Ok((result, log))
}

/// The run of the chosen form, with what the same form makes of the samples behind the rows.
fn listen(
    session: &Session,
    emulator: &FoundEmulator,
    chosen: &Form,
    (rows, predictions): (&[u8], &Predictions),
    from_readings: &DeviceRun,
) -> Result<RunResult, Failure> {
    let machine = emulator.machine;
    let built = Built {
        name: "listening".to_owned(),
        folder: &chosen.about.name,
        form: chosen,
        transport: Transport::Verify,
        takes_samples: true,
    };
    let elf = build_one(session, built)?;
    let samples = session.made("quantize")?.read(SAMPLES)?;
    session.progress.doing(&format!(
        "listening to the test samples on the emulated {}",
        machine.name
    ));
    let run = emulator.of(session).run(&elf, &samples)?;
    let outcomes = match run.ended {
        Ended::NotRun(reason) => {
            return Ok(RunResult::NotRun(format!("from samples: {reason}")));
        }
        Ended::Failed(reason) => {
            return Ok(RunResult::Failed(format!("from samples: {reason}")));
        }
        Ended::Outcomes(outcomes) => outcomes,
    };
    let summary: Summary = session.made("quantize")?.read_json(SUMMARY)?;
    let run_context = RunContext {
        class_only: chosen.about.early_exit,
        ..RunContext::new(summary.features.len(), machine.timer, predictions)
    };
    let n_rows = predictions.q15.len();
    let heard = run.heard.unwrap_or_default();
    let front_end = signals::front_end(&session.config)?;
    let ends = front_end.and_then(|it| product::ends(&it, &samples));
    let front = cycles::of_front(session, emulator, &elf, &samples, (&heard, ends.is_some()))?;
    let told = (rows, ends.as_deref());
    let both = read_outcomes(&outcomes, run_context).and_then(|classes| {
        let heard = read_heard(&heard, &outcomes, told, n_rows, machine.timer)?;
        Ok((classes, heard))
    });
    Ok(match both {
        Err(error) => RunResult::Failed(format!("from samples: {error}")),
        Ok((classes, heard)) => {
            let mismatches = classes.mismatches.iter().chain(&heard.mismatches);
            let mut run = with_mismatches(from_readings, mismatches.copied());
            run.stack_bytes_max = run
                .stack_bytes_max
                .max(classes.stack_bytes_max)
                .max(heard.stack_bytes_max);
            run.heard = Some(Box::new(heard));
            if let Some(cycles) = &mut run.cycles {
                cycles.front = front;
            }
            RunResult::Ran(run)
        }
    })
}

/// A run of which these rows differ from the host's, too.
pub(super) fn with_mismatches(run: &DeviceRun, rows: impl Iterator<Item = usize>) -> DeviceRun {
    let mut run = run.clone();
    run.mismatches.extend(rows);
    run.mismatches.sort_unstable();
    run.mismatches.dedup();
    run
}

/// A run that stops early, held also to the scores of the run of the same tables that does not.
fn with_scores(early: &RunResult, all: &RunResult) -> RunResult {
    match (early, all) {
        (RunResult::Ran(early), RunResult::Ran(all)) => {
            RunResult::Ran(with_mismatches(early, all.mismatches.iter().copied()))
        }
        (RunResult::Ran(_), RunResult::NotRun(reason)) => {
            RunResult::NotRun(format!("the image that gives the scores: {reason}"))
        }
        (RunResult::Ran(_), RunResult::Failed(reason)) => {
            RunResult::Failed(format!("the image that gives the scores: {reason}"))
        }
        _ => early.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run of no rows that answered these otherwise.
    pub(in crate::stages) fn ran(mismatches: &[usize]) -> DeviceRun {
        let count = r#"{"mean":1.0,"max":1}"#;
        let text = format!(
            r#"{{"classes":[],"mismatches":{mismatches:?},"instructions":{count},
            "instructions_from_codes":{count},"stack_bytes_max":0}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn answers_that_differ_are_not_reused() {
        let failed = |run: &RunResult| run.failed().map(str::to_owned);
        assert_eq!(failed(&RunResult::Ran(ran(&[]))), None);
        let why = "the device's answers were not the host's".to_owned();
        assert_eq!(failed(&RunResult::Ran(ran(&[3]))), Some(why));
        assert_eq!(
            RunResult::Failed("it hung".to_owned()).failed(),
            Some("it hung")
        );
        assert_eq!(RunResult::NotRun("too big".to_owned()).failed(), None);
    }
}
