//! Candidates that are built and run, as any pipeline is; and the winner, on the test rows.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spinney_config::{Config, Objective};
use spinney_report::Report;

use super::Search;
use super::estimate::Candidate;
use super::journal::name;
use super::space::{self, Keys};
use crate::failure::{ExitReason, Failure};
use crate::image;
use crate::stages::candidates::Choice;
use crate::stages::inputs::Inputs;
use crate::stages::last_run::MadeFrom;
use crate::stages::{Session, Tools, build, model, program_digest, quantize, report, run};
use crate::store::sha256;

/// What an image takes that was built and run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// All keys.
    pub keys: Keys,
    /// What it was built, run and judged by, as [`made_by`] says it; nothing where nobody noted it.
    #[serde(default)]
    pub made_by: String,
    /// Bytes of the model's tables.
    pub table_bytes: u64,
    /// Splits that a row passes.
    pub levels: f64,
    /// Flash of the product image.
    pub flash_bytes: u64,
    /// RAM of it.
    pub ram_bytes: u64,
    /// Mean instructions of an inference, where it ran.
    pub instructions: Option<f64>,
    /// The budgets that it misses.
    pub misses: Vec<String>,
}

/// The digest of all that figures of an image and their judgement depend on besides what growths do:
/// the budgets, too, as the form that ships was chosen by them. Where these alone are others, the stages
/// of an image build nothing again.
pub(super) fn made_by(config: &Config, tools: &Tools, folder: &Path) -> Result<String, Failure> {
    let (pipeline, toolchain) = (&config.pipeline, &tools.toolchain);
    let emulator = (tools.emulator.as_ref()).map(|it| (it.machine.name, &it.version));
    let target = pipeline.target.chip.core.target();
    let all = serde_json::to_string(&(
        (&pipeline.target, &pipeline.firmware, &pipeline.codegen),
        (&pipeline.budget, &pipeline.evaluate),
        (&toolchain.version, &toolchain.linker_version, emulator),
        image::firmware_sources(),
        image::settings(folder, target).environment()?,
        program_digest()?,
    ));
    Ok(sha256(all.environment()?.as_bytes()))
}

impl Search {
    /// Builds a candidate and runs it on training rows, and notes what it takes.
    pub(super) fn measure(&mut self, candidate: &Candidate) -> Result<(), Failure> {
        let session = self.staged(&candidate.keys, Inputs::blind)?;
        let choice: Choice = session.made("run")?.read_json(run::CHOICE)?;
        let chosen = choice.candidates.into_iter().find(|it| it.is_chosen);
        let chosen = chosen.expect("a form was chosen");
        self.journal.measure(Measured {
            keys: candidate.keys.clone(),
            made_by: self.made_by.clone(),
            table_bytes: candidate.table_bytes,
            levels: candidate.levels,
            flash_bytes: chosen.flash_bytes,
            ram_bytes: chosen.ram_bytes,
            instructions: chosen.instructions.map(|it| it.mean),
            misses: chosen.misses,
        })
    }

    /// The report of the winner, which alone sees the test rows.
    pub(super) fn judged(&mut self, keys: &Keys) -> Result<Report, Failure> {
        let session = self.staged(keys, Inputs::seeing)?;
        let from = MadeFrom::now(&session, &self.inputs)?;
        report::of(&session, &from)
    }

    /// A session of the config with these keys, all of its stages run.
    fn staged(&mut self, keys: &Keys, rows: fn(Inputs) -> Inputs) -> Result<Session, Failure> {
        let config = space::config_with(&self.config, keys)?;
        let folder = self
            .folder
            .join(sha256(name(keys).as_bytes())[..23].replace(':', "-"));
        let mut session = Session::within(config, folder, self.progress.clone())?;
        if let Some(tools) = &self.tools {
            session = session.with_tools(tools);
        }
        self.inputs = rows(std::mem::take(&mut self.inputs));
        model::run(&session, &self.inputs)?;
        quantize::run(&session, &self.inputs)?;
        build::run(&session)?;
        run::run(&session)?;
        Ok(session)
    }
}

/// What a report says of the objective of numbers.
pub(super) fn value_score(report: &Report, objective: Objective) -> Option<f64> {
    let value = report.values.first()?;
    match objective {
        Objective::Mae => value.mae_q15,
        Objective::Rmse => value.rmse_q15,
        Objective::R2 => value.r2_q15,
        Objective::Accuracy | Objective::BalancedAccuracy | Objective::F1Macro => None,
    }
}
