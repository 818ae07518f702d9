//! Stage `quantize`: calibrate, quantize, certify, predict on the host, and write the sources.

use serde::{Deserialize, Serialize};
use spinney_codegen::{Encoding, Identity, Origin, SourceTree, add_front_end};
use spinney_config::Config;
use spinney_convert::options_for;
use spinney_dataset::Dataset;
use spinney_evaluate::{
    Detection, Margins, Predictions, Reject, Rejection, Shuffled, ValueEvaluation,
};
use spinney_model::Task;
use spinney_quantize::{Certificate, Leaves, Level, QuantForest, QuantModel, Votes};
use spinney_report::{EarlyExit, FeatureCoding, Shrink, Validation};

use super::candidates::{self, Form};
use super::claim;
use super::exit::{Passed, n_right, stop_early};
use super::inputs::{Inputs, ROW_PARTS};
use super::order::artifact_of;
use super::properties::{self, PROPERTIES};
use super::quantized::{Quantized, prepare};
use super::shrink::{self, ORIGINAL, SHRINK};
use super::triggered::Triggered;
use super::{Session, hints, model};
use crate::failure::{ExitReason, Failure};
use crate::store::{self, Stage, Writer};

/// What later stages need to know of the quantized model and the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows that the model was trained on, 0 where it was imported.
    pub train_rows: usize,
    /// What rows for validation say; `None` without such.
    pub validation: Option<Validation>,
    /// The test rows, by their numbers in the source file.
    pub source_rows: Vec<usize>,
    /// Class index per test row; `None` for rows without labels, and none where they are numbers.
    pub labels: Option<Vec<usize>>,
    /// The numbers that test rows have for labels, target by target; none for rows without.
    pub numbers: Vec<Vec<f64>>,
    /// Errors of a regressor's values, target by target; none of other models.
    pub values: Vec<ValueEvaluation>,
    /// What a detector's scores are worth; `None` of other models.
    pub detection: Option<Detection>,
    /// When the device says that it does not know, and what that does to the test rows, where they
    /// have labels.
    pub reject: Option<(Reject, Option<Rejection>)>,
    /// The share of rows that may be taken for unlike those of training, and the trees and splits that
    /// tell; `None` where nobody looks.
    pub outliers: Option<(f64, usize, usize)>,
    /// Splits over all trees.
    pub n_splits: usize,
    /// What leaves hold; `None` for naive Bayes.
    pub leaves: Option<String>,
    /// Bytes of the votes of leaves, as they are held for the proofs.
    pub votes_bytes: u64,
    /// Of those, bytes of one leaf's.
    pub leaf_votes_bytes: u64,
    /// Bits of a code.
    pub code_bits: u8,
    /// What an early exit does to the test rows, where one is taken.
    pub exit: Option<EarlyExit>,
    /// Splits that the test rows pass; `None` for models without splits.
    pub passed: Option<Passed>,
    /// How each feature is coded.
    pub features: Vec<FeatureCoding>,
    /// What their importances were found on.
    pub shuffled: Option<Shuffled>,
    /// How far the winners lead; rows are numbered as in the file they were read from.
    pub margins: Option<Margins>,
    /// Widths and roundings, worked out for this model.
    pub arithmetic: Vec<String>,
    /// The float model's digest.
    pub model_digest: String,
    /// What is odd about the rows, a sentence each.
    pub notes: Vec<String>,
    /// What a trigger does to the test recordings; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered: Option<Triggered>,
}

/// A [`Summary`].
pub const SUMMARY: &str = "summary.json";
/// The classes of all test rows, in float and fixed point.
pub const PREDICTIONS: &str = "predictions.json";
/// What is proven.
pub const CERTIFICATE: &str = "certificate.json";
/// The metrics, where rows have labels.
pub const EVALUATION: &str = "evaluation.json";
/// The test rows as the device takes them.
pub const ROWS: &str = "rows.bin";
/// The test rows in float64, where the device gets fewer digits; else empty.
pub const EXACT_ROWS: &str = "exact-rows.bin";
/// What each form claims to the checker.
pub const CLAIMS: &str = "claims.json";
/// The samples behind the test rows, stretch by stretch, as a verify image reads them.
pub const SAMPLES: &str = "samples.bin";
/// What is known of every form of the model; sources lie in the folder of this name.
pub const CANDIDATES: &str = "candidates.json";
/// The same forms without `[reject]`, for what it costs; none without it.
pub const WITHOUT_REJECT: &str = "without-reject.json";
/// The detector beside the classifier, or null.
pub const OUTLIERS: &str = "outliers.json";
/// The folder of a crate without a model, for what an image takes besides.
pub const EMPTY_CRATE: &str = "empty-crate";

/// The key that decides how many bits values have, among what the stage depends on.
pub(super) const MAX_ERROR: &str = "accuracy.max_error";

/// The parts of a config that the stage depends on.
pub(super) fn parts() -> Vec<&'static str> {
    [
        &ROW_PARTS[..],
        &["quantize", "features", "codegen", "property"],
    ]
    .concat()
}

/// What the stage depends on.
pub fn inputs(session: &Session, inputs: &Inputs) -> Result<store::Inputs, Failure> {
    let config = &session.config;
    let mut key = inputs.base(config)?;
    key.extend(inputs.of_config(config, &parts())?);
    // What is said of a smaller model stands in the summary.
    for artifact in [model::MODEL, SHRINK, ORIGINAL] {
        key.extend([artifact_of(session, "model", artifact)?]);
    }
    let core = config.pipeline.target.chip.core;
    key.insert("core".to_owned(), core.as_str().to_owned());
    key.insert("name".to_owned(), config.pipeline.identity.name.clone());
    // It decides how many bits values have.
    if let (Votes::Auto, Some(limit)) = (
        config.pipeline.quantize.votes,
        config.pipeline.accuracy.max_error,
    ) {
        key.insert(MAX_ERROR.to_owned(), limit.to_string());
    }
    Ok(key)
}

/// Quantizes, unless nothing that this depends on has changed.
pub fn run(session: &Session, files: &Inputs) -> Result<(), Failure> {
    session.pass("quantize", inputs(session, files)?, |stage| {
        make(session, files, stage)
    })
}

fn make<'a>(session: &Session, inputs: &Inputs, stage: &'a Stage) -> Result<Writer<'a>, Failure> {
    let config = &session.config;
    session.progress.doing("quantizing and proving");
    let quantized = prepare(session, inputs)?;
    let digest = model::digest(session)?;
    let shipped = quantized.shipped();
    let exit = quantized.exit(&shipped);
    if exit.is_none() && quantized.is_approximate() {
        let message = "no row of this model is ever decided before its last tree";
        let help = "remove it; with one tree, and with naive Bayes, there is nothing to leave out";
        return config.refuse("codegen.exit_margin", message, Some(help));
    }
    let Quantized {
        model,
        rows,
        calibrations,
        quant,
        voting,
        ..
    } = &quantized;
    let voting = *voting;
    let mut certificate = spinney_quantize::certify(model, quant, calibrations, voting, &rows.test);
    let properties = properties::run(config, &quantized, &session.progress)?;
    if properties::prove_agreement(config, &properties) {
        certificate.votes = Level::EveryInput;
        certificate.rows_at_risk.clear();
    }
    session.progress.doing("evaluating");
    let mut predictions = spinney_evaluate::predict(model, quant, voting, &rows.test);
    let passed = Passed::new(&shipped, exit.as_ref(), &rows.test);
    let exit = exit.map(|exit| stop_early(&quantized, &exit, &mut predictions, &mut certificate));
    let mut evaluation = (rows.has_labels && model.task() != Task::Regress)
        .then(|| spinney_evaluate::evaluate(&predictions, voting, &rows.test));
    let shrink = shrink::tested(session, &predictions, rows, evaluation.as_mut())?;
    let identity = Identity {
        pipeline: &config.pipeline.identity.name,
        kind: model.kind(),
        fingerprint: &digest["sha256:".len()..],
        origin: Origin::Config,
    };
    let forms = forms(config, &shipped, identity)?;
    let without_reject = match quantized.reject {
        Some(_) => {
            let mut pipeline = config.pipeline.clone();
            pipeline.codegen.early_exit = false;
            let always = shipped.clone().without_margin();
            candidates::generate(&pipeline, &always, identity)?
        }
        None => Vec::new(),
    };
    let abouts = forms.iter().map(|form| &form.about);
    let claims = claim::claims(&quantized, &certificate, &digest, abouts).environment()?;
    let results = Results {
        config,
        quantized: &quantized,
        certificate: &certificate,
        predictions: &predictions,
        shrink: shrink.as_ref(),
    };
    let summary = results.summary(&digest, exit, passed);
    let core = config.pipeline.target.chip.core;
    let options = options_for(core, quant, Encoding::Table, false);
    let mut empty: SourceTree = spinney_codegen::empty(identity, quant, &options);
    with_front_end(config, quant, [&mut empty])?;
    let detector = quantized.outliers.as_ref().map(|it| it.model.to_json());
    let mut writer = stage.begin().environment()?;
    writer.write_json(SUMMARY, &summary)?;
    writer.write_json(PREDICTIONS, &predictions)?;
    writer.write_json(CERTIFICATE, &certificate)?;
    writer.write_json(EVALUATION, &evaluation)?;
    writer.write_json(OUTLIERS, &detector)?;
    writer.write_json(PROPERTIES, &properties)?;
    writer.write_json(SHRINK, &shrink)?;
    writer.write_json(CLAIMS, &claims)?;
    candidates::write(&mut writer, CANDIDATES, &forms)?;
    candidates::write(&mut writer, WITHOUT_REJECT, &without_reject)?;
    writer.write_tree(EMPTY_CRATE, &empty)?;
    writer.write(SAMPLES, &samples_file(&rows.test_samples))?;
    let readings = rows.test.values();
    let received = readings.rows().into_iter();
    let received = received.flat_map(|row| quant.reading_bytes(&row.to_vec()));
    writer.write(ROWS, &received.collect::<Vec<u8>>())?;
    let reading_type = quant.reading_type();
    let is_received = |reading: &f64| reading_type.received(*reading) == *reading;
    let exact: Vec<u8> = match readings.iter().all(is_received) {
        true => Vec::new(),
        false => readings.iter().flat_map(|it| it.to_le_bytes()).collect(),
    };
    writer.write(EXACT_ROWS, &exact)?;
    Ok(writer)
}

/// The forms of a model that the config leaves open, the front end's code in each.
pub fn forms(
    config: &Config,
    shipped: &QuantModel,
    identity: Identity<'_>,
) -> Result<Vec<Form>, Failure> {
    let mut forms = candidates::generate(&config.pipeline, shipped, identity)?;
    let crates = forms.iter_mut().map(|form| &mut form.files);
    with_front_end(config, shipped, crates)?;
    Ok(forms)
}

/// Adds the front end's code to crates of a model, if the config has one.
fn with_front_end<'f>(
    config: &Config,
    model: &QuantModel,
    crates: impl IntoIterator<Item = &'f mut SourceTree>,
) -> Result<(), Failure> {
    let Some(front_end) = super::signals::front_end(config)? else {
        return Ok(());
    };
    let is_asked = front_end.asked(&model.schema().feature_names()).input()?;
    for files in crates {
        add_front_end(&front_end, &is_asked, files).input()?;
    }
    Ok(())
}

/// What float and device say of rows for validation.
fn validated(quantized: &Quantized, rows: &Dataset) -> Validation {
    let Quantized {
        model,
        quant,
        voting,
        ..
    } = quantized;
    let predictions = spinney_evaluate::predict(model, quant, *voting, rows);
    let stopped = quantized.stopped_early(rows.values().view());
    let right = |classes: &[usize]| n_right(classes, rows) as f64 / rows.n_rows() as f64;
    Validation {
        rows: rows.n_rows(),
        float: right(&predictions.float),
        q15: right(&stopped.unwrap_or(predictions.q15)),
    }
}

struct Results<'a> {
    config: &'a Config,
    quantized: &'a Quantized,
    certificate: &'a Certificate,
    predictions: &'a Predictions,
    shrink: Option<&'a Shrink>,
}

impl Results<'_> {
    fn summary(&self, digest: &str, exit: Option<EarlyExit>, passed: Option<Passed>) -> Summary {
        let Quantized {
            model, rows, quant, ..
        } = self.quantized;
        let test = &rows.test;
        let forest = quant.forest();
        let leaves = forest.map(QuantForest::leaves);
        let seed = self.config.pipeline.identity.seed;
        let (features, shuffled) = self.quantized.features(self.predictions, seed);
        let is_known = rows.has_labels;
        let numbers = test.numbers().filter(|_| is_known).into_iter();
        let columns = numbers.flat_map(|numbers| numbers.columns().into_iter());
        let numbers: Vec<Vec<f64>> = columns.map(|column| column.to_vec()).collect();
        let labels = (is_known && test.numbers().is_none()).then(|| test.labels());
        Summary {
            train_rows: rows.train.as_ref().map_or(0, Dataset::n_rows),
            validation: (rows.validation.as_ref()).map(|it| validated(self.quantized, it)),
            source_rows: test.source_rows().to_vec(),
            labels: labels.map(<[usize]>::to_vec),
            values: (self.predictions.values.iter().enumerate())
                .map(|(target, values)| {
                    let labels = numbers.get(target).map(Vec::as_slice);
                    let splits = self.certificate.splits;
                    let mut evaluation = ValueEvaluation::new(values, labels, splits);
                    // What shrinking lost counts, too.
                    let before = self.shrink.and_then(|it| it.value.as_ref()?.before);
                    evaluation.float = before.or(evaluation.float);
                    evaluation
                })
                .collect(),
            numbers,
            detection: self.predictions.detector.as_ref().map(|scores| {
                let alarms = (&*self.predictions.float, &*self.predictions.q15);
                Detection::new(scores, alarms, labels)
            }),
            reject: self.quantized.reject.map(|reject| {
                let outliers = self.predictions.outliers.as_deref();
                let judged =
                    labels.map(|labels| reject.judge(&self.predictions.scores, labels, outliers));
                (reject, judged)
            }),
            outliers: quant.outliers().and_then(|detector| {
                let share = self.config.pipeline.reject.as_ref()?.outliers?;
                let forest = detector.forest()?;
                Some((share, forest.trees().len(), forest.splits().len()))
            }),
            n_splits: forest.map_or(0, |forest| forest.splits().len()),
            leaves: leaves.map(|leaves| leaves.name().to_owned()),
            votes_bytes: leaves.map_or(0, Leaves::table_bytes) as u64,
            leaf_votes_bytes: leaves.map_or(0, |it| it.leaf_bytes(quant.n_scores())) as u64,
            code_bits: quant.code_bits(),
            exit,
            passed,
            features,
            shuffled,
            margins: self.margins(),
            arithmetic: quant.arithmetic(),
            model_digest: digest.to_owned(),
            notes: hints::of_rows(self.config, model, rows),
            triggered: rows.triggered,
        }
    }

    fn margins(&self) -> Option<Margins> {
        let Quantized { rows, quant, .. } = self.quantized;
        let test = &rows.test;
        let labels = rows.has_labels.then(|| test.labels());
        let mut margins = spinney_evaluate::margins(self.predictions, quant, labels)?;
        for differing in &mut margins.differing {
            differing.row = test.source_rows()[differing.row];
        }
        Some(margins)
    }
}

fn samples_file(stretches: &[Vec<i16>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for samples in stretches {
        let n_samples = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        bytes.extend(n_samples.to_le_bytes());
        bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    bytes
}
