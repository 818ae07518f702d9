//! Stage `quantize`: calibrate, quantize, certify, predict on the host, and write the sources.

use serde::{Deserialize, Serialize};
use spinney_codegen::{Identity, SourceTree, add_front_end};
use spinney_config::{Codegen, Config, Missing, Model, Output};
use spinney_convert::{Conversion, matches, options_for};
use spinney_dataset::{Dataset, csv};
use spinney_evaluate::{
    Detection, Evaluation, Margins, Predictions, Reject, Rejection, Shuffled, ValueEvaluation,
    value_bound,
};
use spinney_import::{Format, sniff};
use spinney_model::{FloatModel, Naming, Task, Voting};
use spinney_quantize::{
    Body, Calibration, Certificate, CodeWidth, CodingChoice, Declared, Leaves, Level, Options,
    QuantModel, QuantizeError, Sensor, Votes,
};
use spinney_report::{EarlyExit, FeatureCoding, Property};

use super::candidates::{self, Form};
use super::claim::{self, Claims};
use super::coded::Decided;
use super::exit::{Passed, stop_early};
use super::inputs::{self, Inputs, PipelineRows, at_fault};
use super::order::artifact_of;
use super::outliers::{Outliers, with_outliers};
use super::properties::{self, PROPERTIES};
use super::{Session, hints, model};
use crate::failure::{ExitReason, Failure};
use crate::store::{self, Stage, Writer, sha256};

/// What later stages need to know of the quantized model and the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows that the model was trained on, 0 where it was imported.
    pub train_rows: usize,
    /// The test rows, by their numbers in the source file.
    pub source_rows: Vec<usize>,
    /// Class index per test row; `None` for rows without labels, and none where they are numbers.
    pub labels: Option<Vec<usize>>,
    /// The number that each test row has for a label; `None` for rows without.
    pub numbers: Option<Vec<f64>>,
    /// Errors of a regressor's values; `None` of other models.
    pub values: Option<ValueEvaluation>,
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

/// What the stage depends on.
pub fn inputs(session: &Session, inputs: &Inputs) -> Result<store::Inputs, Failure> {
    let config = &session.config;
    let mut key = inputs.base(config)?;
    key.extend(inputs.of_config(config, &["quantize", "features", "codegen", "property"])?);
    key.extend([artifact_of(session, "model", model::MODEL)?]);
    let core = config.pipeline.target.chip.core;
    key.insert("core".to_owned(), core.as_str().to_owned());
    key.insert("name".to_owned(), config.pipeline.identity.name.clone());
    // It decides how many bits values have.
    if let (Votes::Auto, Some(limit)) = (
        config.pipeline.quantize.votes,
        config.pipeline.accuracy.max_error,
    ) {
        key.insert("accuracy.max_error".to_owned(), limit.to_string());
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
        let help = "remove it; with one tree, and with naive Bayes, there is nothing to leave out";
        return Err(Failure::Config(config.fault(
            "codegen.exit_margin",
            "no row of this model is ever decided before its last tree",
            Some(help),
        )));
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
    let evaluation = (rows.has_labels && model.task() != Task::Regress)
        .then(|| spinney_evaluate::evaluate(&predictions, voting, &rows.test));
    let identity = Identity {
        pipeline: &config.pipeline.identity.name,
        kind: model.kind(),
        fingerprint: &digest["sha256:".len()..],
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
    let front_end = super::signals::front_end(config)?;
    let abouts = forms.iter().map(|form| &form.about);
    let claims = claim::claims(&quantized, &certificate, &digest, abouts).environment()?;
    let results = Results {
        claims: &claims,
        candidates: &forms,
        without_reject: &without_reject,
        outliers: quantized.outliers.as_ref(),
        front_end,
        identity,
        config,
        model,
        rows,
        calibrations,
        quant,
        exit,
        reject: quantized.reject,
        passed,
        properties: &properties,
        certificate: &certificate,
        predictions: &predictions,
        evaluation: evaluation.as_ref(),
        model_digest: digest.clone(),
    };
    let mut writer = stage.begin().environment()?;
    results.write(&mut writer).environment()?;
    Ok(writer)
}

/// A frozen model with its rows and its quantization.
pub struct Quantized {
    /// The float model.
    pub model: FloatModel,
    /// The rows.
    pub rows: PipelineRows,
    /// What is known of each feature.
    pub calibrations: Vec<Calibration>,
    /// The model in fixed point.
    pub quant: QuantModel,
    /// How trees vote.
    pub voting: Voting,
    /// What the config asks of generated code.
    pub codegen: Codegen,
    /// When a class is unknown, if it may be.
    pub reject: Option<Reject>,
    /// What flags rows that are unlike those of training, if anything does.
    pub outliers: Option<Outliers>,
}

impl Quantized {
    /// What images of this model tell: the digest of the frozen model.
    pub fn fingerprint(&self) -> String {
        sha256(self.model.to_json().as_bytes())["sha256:".len()..].to_owned()
    }
}

/// The forms of a model that the config leaves open, the front end's code in each.
pub fn forms(
    config: &Config,
    shipped: &QuantModel,
    identity: Identity<'_>,
) -> Result<Vec<Form>, Failure> {
    let mut forms = candidates::generate(&config.pipeline, shipped, identity)?;
    if let Some(front_end) = super::signals::front_end(config)? {
        for form in &mut forms {
            add_front_end(&front_end, &mut form.files).input()?;
        }
    }
    Ok(forms)
}

/// Calibrates and quantizes the frozen model.
pub fn prepare(session: &Session, inputs: &Inputs) -> Result<Quantized, Failure> {
    let model = model::load(session)?;
    let rows = inputs::rows(&session.config, inputs, model.task(), Some(&model))?;
    let kept = kept(&session.config, inputs, &model)?;
    quantized_from(&session.config, model, rows, kept)
}

/// The quantization that the imported file holds, if it is of a quantized model.
fn kept(
    config: &Config,
    inputs: &Inputs,
    model: &FloatModel,
) -> Result<Option<Conversion>, Failure> {
    let Model::Import { path, classes, .. } = &config.pipeline.model else {
        return Ok(None);
    };
    let bytes = inputs.bytes(path);
    if sniff(bytes) != Ok(Format::Conversion) {
        return Ok(None);
    }
    let kept = Conversion::from_bytes(bytes).map_err(|error| at_fault(&path.full, &error))?;
    let decided = &config.pipeline.quantize;
    let asked = [
        ("features", !config.pipeline.features.is_empty()),
        ("quantize.votes", decided.votes != Votes::Q15),
        ("quantize.codes", decided.codes != CodeWidth::Auto),
        ("quantize.coding", decided.coding != CodingChoice::Auto),
        ("model.classes", classes.is_some()),
        ("model.threshold", kept.model != *model),
        ("reject", config.pipeline.reject.is_some()),
    ];
    if let Some((key, _)) = asked.iter().find(|(_, is_asked)| *is_asked) {
        let message = format!(
            "found this beside {}, which is quantized already",
            path.typed
        );
        let help = "remove it, or name the float model, which is quantized anew";
        return Err(config.fault(key, message, Some(help)).into());
    }
    if kept.options.voting != decided.leaves {
        let message = format!("found other leaves than {} was quantized with", path.typed);
        let help = match kept.options.voting {
            Voting::Soft => "remove `leaves`",
            Voting::Hard => "write `leaves = \"hard\"`",
        };
        return Err(config.fault("quantize.leaves", message, Some(help)).into());
    }
    let wants_scores = wants_scores(config);
    if kept.options.wants_scores != wants_scores {
        let message = format!("found other outputs than {} was quantized for", path.typed);
        let help = match wants_scores {
            true => "remove `outputs`, or quantize the model for scores",
            false => "write `outputs = [\"class\", \"scores\"]`",
        };
        return Err(config.fault("codegen.outputs", message, Some(help)).into());
    }
    Ok(Some(kept))
}

/// Whether the device delivers more than classes.
fn wants_scores(config: &Config) -> bool {
    let outputs = &config.pipeline.codegen.outputs;
    outputs.iter().any(|output| *output != Output::Class)
}

/// Calibrates and quantizes a model as the config says.
pub(super) fn quantized_from(
    config: &Config,
    model: FloatModel,
    rows: PipelineRows,
    kept: Option<Conversion>,
) -> Result<Quantized, Failure> {
    let rows = fit_to_model(rows, &model, config)?;
    let declared = declared(config, &model)?;
    let in_model = |error| at_fault(model::file_of(config), &error);
    let mut converted = match kept {
        Some(kept) => kept,
        None => converted(config, model, rows.train.as_ref(), &declared)?,
    };
    for of_rows in [&rows.test].into_iter().chain(&rows.calibration) {
        check_readings(
            &converted.model,
            of_rows,
            &converted.calibrations,
            &declared,
        )?;
    }
    let outputs = &config.pipeline.codegen.outputs;
    if outputs.contains(&Output::Probabilities) {
        converted = converted.with_probabilities().map_err(in_model)?;
    }
    let Conversion {
        model,
        calibrations,
        mut quant,
        options,
    } = converted;
    let reject = (config.pipeline.reject.as_ref())
        .zip(rows.calibration.as_ref())
        .map(|(reject, calibration)| calibrated(&quant, calibration, reject.coverage));
    if let Some(reject) = &reject {
        quant = quant.with_margin(reject.margin);
    }
    let mut outliers = None;
    if let (Some(share), Some(train), Some(calibration)) = (
        config.pipeline.reject.as_ref().and_then(|it| it.outliers),
        &rows.train,
        &rows.calibration,
    ) {
        let seed = config.pipeline.identity.seed;
        let Some((with, detector)) = with_outliers(quant, (train, calibration), share, seed)?
        else {
            let message = format!(
                "found {share} with {} rows to calibrate on, expected at least {:.0}, so that one of \
                 them may be odd",
                calibration.n_rows(),
                (1.0 / share - 1.0).ceil()
            );
            let help =
                "flag a larger share, or keep more rows apart: `share`, or more of them in `rows`";
            return Err(config.fault("reject.outliers", message, Some(help)).into());
        };
        (quant, outliers) = (with, Some(detector));
    }
    Ok(Quantized {
        reject,
        outliers,
        model,
        rows,
        calibrations,
        quant,
        voting: options.voting,
        codegen: config.pipeline.codegen.clone(),
    })
}

/// Calibrates and quantizes a model as the config says, by training rows in its order of features.
pub(crate) fn converted(
    config: &Config,
    model: FloatModel,
    train: Option<&Dataset>,
    declared: &[Declared],
) -> Result<Conversion, Failure> {
    let voting = config.pipeline.quantize.leaves;
    if voting == Voting::Hard && matches!(model, FloatModel::Additive(_)) {
        let message = format!(
            "found `\"hard\"` for {}, expected `\"soft\"`: its trees add values, they do not vote",
            model.kind()
        );
        let help = "remove `leaves`";
        return Err(config.fault("quantize.leaves", message, Some(help)).into());
    }
    let in_model = |error| at_fault(model::file_of(config), &error);
    let values = train.map(|rows| rows.values().view());
    let calibrations = spinney_quantize::calibrate(&model, values, declared)
        .map_err(|error| at_fault(config.path(), &error))?;
    let mut options = Options {
        voting,
        votes: config.pipeline.quantize.votes,
        codes: config.pipeline.quantize.codes,
        wants_scores: wants_scores(config),
    };
    if let (Votes::Auto, Some(limit)) = (options.votes, config.pipeline.accuracy.max_error) {
        options.votes = narrowest(limit, &model, &calibrations, options).map_err(in_model)?;
    }
    Conversion::calibrated(model, calibrations, options, train).map_err(in_model)
}

/// The margin that promises a coverage, from rows that neither trained nor test; their number was
/// found to be enough for it when they were read.
fn calibrated(quant: &QuantModel, rows: &Dataset, coverage: f64) -> Reject {
    let scorer = quant.scorer();
    let scores: Vec<Vec<i64>> = (rows.values().rows().into_iter())
        .map(|row| scorer.scores(&quant.codes(&row.to_vec())))
        .collect();
    Reject::calibrate(&scores, rows.labels(), coverage).expect("enough rows")
}

/// The fewest bits of values whose proven error is within a limit, or the most that they may have.
fn narrowest(
    limit: f64,
    model: &FloatModel,
    calibrations: &[Calibration],
    options: Options,
) -> Result<Votes, QuantizeError> {
    let is_within = |votes: Votes| -> Result<bool, QuantizeError> {
        let quant = QuantModel::new(model, calibrations, Options { votes, ..options }, None)?;
        Ok(value_bound(model, &quant).is_none_or(|bound| bound <= limit))
    };
    for votes in [Votes::Byte, Votes::Q15] {
        if is_within(votes)? {
            return Ok(votes);
        }
    }
    // Leaves with several values have no more than 16 bits.
    Ok(is_within(Votes::Word).map_or(Votes::Q15, |_| Votes::Word))
}

struct Results<'a> {
    claims: &'a [Claims],
    config: &'a Config,
    model: &'a FloatModel,
    rows: &'a PipelineRows,
    calibrations: &'a [Calibration],
    quant: &'a QuantModel,
    exit: Option<EarlyExit>,
    reject: Option<Reject>,
    passed: Option<Passed>,
    properties: &'a [Property],
    certificate: &'a Certificate,
    predictions: &'a Predictions,
    evaluation: Option<&'a Evaluation>,
    candidates: &'a [Form],
    without_reject: &'a [Form],
    outliers: Option<&'a Outliers>,
    front_end: Option<spinney_signal::FrontEnd>,
    identity: Identity<'a>,
    model_digest: String,
}

impl Results<'_> {
    fn write(&self, writer: &mut Writer<'_>) -> anyhow::Result<()> {
        let test = &self.rows.test;
        let (n_splits, leaves) = match self.quant.body() {
            Body::Forest(forest) => (forest.splits().len(), Some(forest.leaves())),
            Body::Bayes(_) => (0, None),
        };
        let (features, shuffled) = Decided {
            model: self.model,
            calibrations: self.calibrations,
            quant: self.quant,
            predictions: self.predictions,
            test,
            has_labels: self.rows.has_labels && test.numbers().is_none(),
            seed: self.config.pipeline.identity.seed,
        }
        .features();
        let is_known = self.rows.has_labels;
        let numbers = test.numbers().filter(|_| is_known);
        let labels = (is_known && test.numbers().is_none()).then(|| test.labels());
        let summary = Summary {
            train_rows: self.rows.train.as_ref().map_or(0, Dataset::n_rows),
            source_rows: test.source_rows().to_vec(),
            labels: labels.map(<[usize]>::to_vec),
            numbers: numbers.map(<[f64]>::to_vec),
            values: (self.predictions.values.as_ref())
                .map(|values| ValueEvaluation::new(values, numbers, self.certificate.splits)),
            detection: self.predictions.detector.as_ref().map(|scores| {
                let alarms = (&*self.predictions.float, &*self.predictions.q15);
                Detection::new(scores, alarms, labels)
            }),
            reject: self.reject.map(|reject| {
                let outliers = self.predictions.outliers.as_deref();
                let judged =
                    labels.map(|labels| reject.judge(&self.predictions.scores, labels, outliers));
                (reject, judged)
            }),
            outliers: self.quant.outliers().and_then(|detector| {
                let share = self.config.pipeline.reject.as_ref()?.outliers?;
                let Body::Forest(forest) = detector.body() else {
                    return None;
                };
                Some((share, forest.trees().len(), forest.splits().len()))
            }),
            n_splits,
            leaves: leaves.map(|leaves| leaves.name().to_owned()),
            votes_bytes: leaves.map_or(0, Leaves::table_bytes) as u64,
            leaf_votes_bytes: leaves.map_or(0, |it| it.leaf_bytes(self.quant.n_scores())) as u64,
            code_bits: self.quant.code_bits(),
            exit: self.exit.clone(),
            passed: self.passed.clone(),
            features,
            shuffled,
            margins: self.margins(),
            arithmetic: self.quant.arithmetic(),
            model_digest: self.model_digest.clone(),
            notes: hints::of_rows(self.config, self.model, self.rows),
        };
        writer.write_json(SUMMARY, &summary)?;
        writer.write_json(PREDICTIONS, self.predictions)?;
        writer.write_json(CERTIFICATE, self.certificate)?;
        writer.write_json(EVALUATION, &self.evaluation)?;
        candidates::write(writer, WITHOUT_REJECT, self.without_reject)?;
        let detector = self.outliers.map(|it| it.model.to_json());
        writer.write_json(OUTLIERS, &detector)?;
        writer.write_json(PROPERTIES, &self.properties)?;
        let mut bytes = Vec::new();
        for row in test.values().rows() {
            bytes.extend(self.quant.reading_bytes(&row.to_vec()));
        }
        writer.write(ROWS, &bytes)?;
        writer.write_json(CLAIMS, &self.claims)?;
        let reading_type = self.quant.reading_type();
        let exact = test.values().iter();
        let is_received = exact
            .clone()
            .all(|reading| reading_type.received(*reading) == *reading);
        let exact: Vec<u8> = match is_received {
            true => Vec::new(),
            false => exact.flat_map(|reading| reading.to_le_bytes()).collect(),
        };
        writer.write(EXACT_ROWS, &exact)?;
        candidates::write(writer, CANDIDATES, self.candidates)?;
        let core = self.config.pipeline.target.chip.core;
        let options = options_for(core, self.quant, spinney_codegen::Encoding::Table, false);
        let mut empty: SourceTree = spinney_codegen::empty(self.identity, self.quant, &options);
        if let Some(front_end) = &self.front_end {
            add_front_end(front_end, &mut empty)?;
        }
        writer.write(SAMPLES, &samples_file(&self.rows.test_samples))?;
        writer.write_tree(EMPTY_CRATE, &empty)
    }

    fn margins(&self) -> Option<Margins> {
        let test = &self.rows.test;
        let labels = self.rows.has_labels.then(|| test.labels());
        let mut margins = spinney_evaluate::margins(self.predictions, self.quant, labels)?;
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

/// Rows with columns and labels in the model's order.
fn fit_to_model(
    rows: PipelineRows,
    model: &FloatModel,
    config: &Config,
) -> Result<PipelineRows, Failure> {
    let schema = model.schema();
    let names = schema.feature_names();
    let are_named = schema.naming() == Naming::Given;
    let fit = |dataset: Dataset, has_labels: bool| -> Result<Dataset, Failure> {
        let dataset = dataset.with_features(&names, are_named).map_err(|error| {
            Failure::Input(anyhow::anyhow!(
                "the rows do not fit the model of {} features: {error}",
                names.len()
            ))
        })?;
        if has_labels {
            dataset.with_classes(schema.classes()).map_err(|error| {
                let help = "labels are compared as text; write the classes in the file as the model \
                            names them";
                Failure::Config(config.fault("dataset.label", error.to_string(), Some(help)))
            })
        } else {
            Ok(dataset)
        }
    };
    Ok(PipelineRows {
        train: rows.train.map(|train| fit(train, true)).transpose()?,
        calibration: (rows.calibration.map(|rows| fit(rows, true))).transpose()?,
        test: fit(rows.test, rows.has_labels)?,
        has_labels: rows.has_labels,
        test_samples: rows.test_samples,
        notes: rows.notes,
        groups: rows.groups,
    })
}

/// What the config declares of each feature of the model.
pub(crate) fn declared(config: &Config, model: &FloatModel) -> Result<Vec<Declared>, Failure> {
    let features = model.schema().features();
    for pattern in config.pipeline.features.keys() {
        if !features
            .iter()
            .any(|feature| matches(pattern, &feature.name))
        {
            let names = csv::preview(&model.schema().feature_names());
            return Err(Failure::Config(config.fault(
                &format!("features.{pattern}"),
                format!("the model has no feature \"{pattern}\""),
                Some(&format!("its features are {names}")),
            )));
        }
    }
    for feature in features.iter().filter(|it| !it.categories.is_empty()) {
        let words = super::opened::declared_of(&config.pipeline.features, &feature.name);
        let words = words.and_then(|declared| declared.categories.as_ref());
        if words.is_some_and(|words| *words != feature.categories) {
            return Err(Failure::Config(config.fault(
                &format!("features.{}", feature.name),
                format!(
                    "`categories` of \"{}\" are others than those that the model was fitted with",
                    feature.name
                ),
                Some(&format!(
                    "it knows {} itself: leave the key out",
                    csv::preview(&feature.categories)
                )),
            )));
        }
    }
    // What the front end delivers, whatever the training rows happen to span.
    let heard = super::signals::front_end(config)?.map(|front_end| {
        if front_end.is_narrow() {
            Sensor::I16
        } else {
            Sensor::I32
        }
    });
    Ok(features
        .iter()
        .map(|feature| {
            let declared = super::opened::declared_of(&config.pipeline.features, &feature.name);
            let coding = declared
                .and_then(|declared| declared.coding)
                .unwrap_or(config.pipeline.quantize.coding);
            Declared {
                sensor: heard.or(declared.and_then(|declared| declared.type_)),
                range: declared
                    .and_then(|declared| declared.range)
                    .map(|range| (range.low, range.high)),
                coding,
                missing: declared
                    .and_then(|declared| declared.missing)
                    .map(|it| match it {
                        Missing::Nan => spinney_quantize::Missing::Nan,
                        Missing::Reading(number) => spinney_quantize::Missing::Number(number),
                    }),
                n_categories: declared
                    .and_then(|declared| declared.categories.as_ref())
                    .map_or(feature.categories.len(), Vec::len)
                    .try_into()
                    .unwrap_or(u32::MAX),
            }
        })
        .collect())
}

/// A test reading that an integer sensor cannot deliver means that its type is wrong, and one that is
/// missing needs a side in the model.
fn check_readings(
    model: &FloatModel,
    test: &Dataset,
    calibrations: &[Calibration],
    declared: &[Declared],
) -> Result<(), Failure> {
    let mut has_side = vec![false; test.features().len()];
    for node in model.trees().iter().flat_map(spinney_model::Tree::nodes) {
        if let (Some((feature, _)), Some(_)) = (node.split(), node.missing()) {
            has_side[feature] = true;
        }
    }
    for feature in model.inputs() {
        let column = test.values().column(feature);
        let gap = column.iter().position(|reading| reading.is_nan());
        if let Some(row) = gap.filter(|_| !has_side[feature]) {
            return Err(Failure::Input(anyhow::anyhow!(
                "feature \"{}\": found no reading in row {}, expected one, since the model was fitted \
                 without missing readings of it; fit it on rows with such gaps, or leave rows with \
                 gaps out",
                test.features()[feature],
                test.source_rows()[row]
            )));
        }
        if calibrations[feature].sensor.integers().is_none() {
            continue;
        }
        if let Some(row) = column
            .iter()
            .position(|reading| !reading.is_nan() && *reading != reading.floor())
        {
            let name = &test.features()[feature];
            return Err(Failure::Input(anyhow::anyhow!(
                "feature \"{name}\": found the reading {} in row {}, expected integers, {}; \
                 declare `type = \"f32\"` in [features.{name}]",
                column[row],
                test.source_rows()[row],
                if declared[feature].sensor.is_some() {
                    "as its type declares"
                } else {
                    "as in the training rows"
                }
            )));
        }
    }
    Ok(())
}
