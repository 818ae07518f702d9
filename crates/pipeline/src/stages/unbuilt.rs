//! The report of a finished model and rows that belong to no pipeline: nothing is built.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use spinney_model::Voting;
use spinney_quantize::Sensor;
use spinney_report::{Encoding, Report, SCHEMA, TableForm, Toolchain};

use super::quantize::{SUMMARY, Summary};
use super::seen::quoted;
use super::{Session, candidates, inputs, model, quantize, report, so_far};
use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::store::sha256;

/// A model, rows, and what is known of the sensors.
pub struct Unbuilt<'a> {
    /// A file of any format that is imported.
    pub model: &'a Path,
    /// Rows to judge the model on.
    pub test: &'a Path,
    /// Rows that choose how readings are coded.
    pub train: Option<&'a Path>,
    /// The column of the class, or that of each value, if rows have such.
    pub labels: &'a [String],
    /// Of a detector's rows, the label of those that are no anomalies.
    pub normal: Option<&'a str>,
    /// What sensors deliver, by the features' names or patterns.
    pub sensors: &'a [(String, Sensor)],
    /// How trees vote.
    pub voting: Voting,
}

impl Unbuilt<'_> {
    /// The config of a pipeline that would start with these.
    fn config(&self) -> String {
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut out = format!(
            "[pipeline]\nname = \"report\"\n\n[dataset]\ntest = {}\n",
            path(self.test)
        );
        if let Some(train) = self.train {
            let _ = writeln!(out, "train = {}", path(train));
        }
        let labels: Vec<String> = self.labels.iter().map(|it| quoted(it)).collect();
        let _ = match labels.as_slice() {
            [] => Ok(()),
            [one] => writeln!(out, "label = {one}"),
            several => writeln!(out, "label = [{}]", several.join(", ")),
        };
        if let Some(normal) = self.normal {
            let _ = writeln!(out, "normal = {}", quoted(normal));
        }
        let leaves = match self.voting {
            Voting::Hard => "hard",
            Voting::Soft => "soft",
        };
        let _ = writeln!(
            out,
            "\n[model]\nsource = \"import\"\npath = {}\n\n[quantize]\nleaves = \"{leaves}\"\n\n[target]\n\
             chip = \"STM32F405RGTx\"",
            path(self.model)
        );
        for (pattern, sensor) in self.sensors {
            let (pattern, sensor) = (quoted(pattern), sensor.as_str());
            let _ = writeln!(out, "\n[features.{pattern}]\ntype = \"{sensor}\"");
        }
        out
    }

    /// All of a report that needs neither a compiler nor an emulator.
    ///
    /// # Errors
    /// A file is at fault, or it and the rest do not belong together.
    pub fn report(&self, progress: Progress) -> Result<Report, Failure> {
        let named = Path::new("the arguments, as a pipeline.toml");
        let config =
            spinney_config::parse(&self.config(), named, &Path::exists).map_err(Failure::Config)?;
        let artifacts = tempfile::tempdir()
            .context("cannot make a temporary folder")
            .environment()?;
        let session = Session::within(config, artifacts.path().to_owned(), progress)?;
        let files = inputs::read(&session.config)?;
        model::run(&session, &files)?;
        quantize::run(&session, &files)?;
        session.progress.clear();
        self.of(&session, &files)
    }

    fn of(&self, session: &Session, files: &inputs::Inputs) -> Result<Report, Failure> {
        let config = &session.config;
        let (float, digest) = (model::load(session)?, model::digest(session)?);
        let origin = session.made("model")?.read_json(model::ORIGIN)?;
        let quantized = session.made("quantize")?;
        let summary: Summary = quantized.read_json(SUMMARY)?;
        let known = so_far::quantized(session)?;
        let mut forms: Vec<TableForm> = (candidates::of(session)?.into_iter())
            .filter(|it| it.is_offered && !it.is_code() && !it.early_exit)
            .map(|it| TableForm {
                name: it.name,
                form: it.form,
                table_bytes: it.table_bytes,
            })
            .collect();
        forms.sort_by_key(|it| it.table_bytes);
        let sections = ["dataset", "model", "quantize", "features"];
        let key = serde_json::to_string(&files.of_config(config, &sections)?).environment()?;
        let name = self.model.file_stem().unwrap_or_default();
        Ok(Report {
            schema: SCHEMA,
            pipeline: name.to_string_lossy().into_owned(),
            fingerprint: sha256(key.as_bytes()),
            reproducible: true,
            model: report::model_facts(config, &float, digest, origin),
            dataset: known.dataset,
            accuracy: known.accuracy,
            values: known.values,
            detect: known.detect,
            reject: None,
            selection: None,
            shrink: None,
            certificate: known.certificate,
            properties: Vec::new(),
            margins: summary.margins,
            features: known.features,
            shuffled: summary.shuffled,
            encoding: Encoding {
                chosen: forms.first().map_or_else(String::new, |it| it.name.clone()),
                form: forms.first().map(|it| it.form.clone()),
                code_bits: Some(summary.code_bits),
                leaves: summary.leaves,
                ..Encoding::default()
            },
            chip: None,
            footprint: None,
            forms,
            device: None,
            exports: Vec::new(),
            node: None,
            verdicts: Vec::new(),
            notes: summary.notes,
            flow: Vec::new(),
            toolchain: Toolchain {
                spinney: env!("CARGO_PKG_VERSION").to_owned(),
                rustc: "no compiler".to_owned(),
                target: "no target".to_owned(),
                linker: "no linker".to_owned(),
                emulator: None,
            },
        })
    }
}
