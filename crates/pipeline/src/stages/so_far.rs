//! What a run that stopped after a stage has found, for a reader and for programs.

use serde::Serialize;
use spinney_evaluate::{Detection, Evaluation, Predictions};
use spinney_report::{
    Accuracy, Certified, Dataset, Device, Encoding, FeatureCoding, FootprintShare, Model, Origin,
    Property, Reject, Report, SCHEMA, Shrink, Value,
};

use super::build::{FOOTPRINTS, Footprints};
use super::candidates;
use super::last_run::MadeFrom;
use super::properties::PROPERTIES;
use super::quantize::{EVALUATION, PREDICTIONS, SUMMARY, Summary};
use super::shrink::SHRINK;
use super::{Outcome, Session, chip, model, report};
use crate::failure::Failure;

/// The part of `report.json` that is known, under the same names.
#[derive(Serialize)]
pub struct SoFar {
    /// The version of these fields.
    pub schema: u32,
    /// The pipeline's name.
    pub pipeline: String,
    /// The last stage that ran.
    pub until: String,
    /// The model.
    pub model: Model,
    /// From stage `quantize` on.
    #[serde(flatten)]
    pub quantized: Option<QuantizedSoFar>,
    /// Of stage `build`: one per form of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<Image>>,
    /// Of stage `run`.
    #[serde(flatten)]
    pub chosen: Option<Chosen>,
}

/// From stage `quantize` on.
#[derive(Serialize)]
pub struct QuantizedSoFar {
    /// Rows by their use.
    pub dataset: Dataset,
    /// Accuracy and agreement.
    pub accuracy: Accuracy,
    /// A regressor's errors, target by target.
    #[serde(
        rename = "value",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "spinney_report::one_or_all"
    )]
    pub values: Vec<Value>,
    /// A detector's alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detection>,
    /// When a class is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<Reject>,
    /// What is proven.
    pub certificate: Certified,
    /// What is promised of a model that was made smaller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrink: Option<Shrink>,
    /// What the config says must hold for every input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    /// How each feature is coded.
    pub features: Vec<FeatureCoding>,
    /// Whatever is odd.
    pub notes: Vec<String>,
}

impl QuantizedSoFar {
    /// The same part of a whole report.
    pub fn of(report: &Report) -> Self {
        Self {
            dataset: report.dataset.clone(),
            accuracy: report.accuracy.clone(),
            values: report.values.clone(),
            detect: report.detect.clone(),
            reject: report.reject.clone(),
            certificate: report.certificate.clone(),
            shrink: report.shrink.clone(),
            properties: report.properties.clone(),
            features: report.features.clone(),
            notes: report.notes.clone(),
        }
    }
}

/// Of stage `run`: the form that ships, and what it did.
#[derive(Serialize)]
pub struct Chosen {
    /// The form, and those that it was chosen from.
    pub encoding: Encoding,
    /// What it takes.
    pub footprint: Option<FootprintShare>,
    /// What it did, where it ran.
    pub device: Option<Device>,
}

/// An image that was built.
#[derive(Serialize)]
pub struct Image {
    /// The form's name.
    pub name: String,
    /// The form in words.
    pub form: String,
    /// What it takes of flash.
    pub flash_bytes: u64,
    /// What it takes of RAM.
    pub ram_bytes: u64,
}

/// What the stages up to `until`, at which `outcome` stopped, have found.
///
/// # Errors
/// An artifact cannot be read.
pub fn of(outcome: &Outcome, until: &str) -> Result<SoFar, Failure> {
    let session = &outcome.session;
    let float = model::load(session)?;
    let origin: Option<Origin> = session.made("model")?.read_json(model::ORIGIN)?;
    let digest = model::digest(session)?;
    Ok(SoFar {
        schema: SCHEMA,
        pipeline: session.config.pipeline.identity.name.clone(),
        until: until.to_owned(),
        model: report::model_facts(&session.config, &float, digest, origin),
        quantized: (until != "model").then(|| quantized(session)).transpose()?,
        images: (until == "build").then(|| images(session)).transpose()?,
        chosen: (until == "run").then(|| chosen(outcome)).transpose()?,
    })
}

pub(super) fn quantized(session: &Session) -> Result<QuantizedSoFar, Failure> {
    let stage = session.made("quantize")?;
    let known: Summary = stage.read_json(SUMMARY)?;
    let certificate = report::certificate_of(&stage, &known)?;
    let predictions: Predictions = stage.read_json(PREDICTIONS)?;
    let evaluation: Option<Evaluation> = stage.read_json(EVALUATION)?;
    let n_differing = report::n_differing(&known, &predictions);
    Ok(QuantizedSoFar {
        dataset: Dataset {
            train_rows: known.train_rows,
            test_rows: predictions.q15.len(),
            validation: known.validation,
        },
        accuracy: report::accuracy(evaluation.as_ref(), n_differing, &predictions),
        values: report::values(&session.config, &known),
        detect: known.detection.clone(),
        reject: report::reject(&known, &predictions, None),
        certificate: report::certified(&certificate, &known),
        shrink: stage.read_json(SHRINK)?,
        properties: stage.read_json(PROPERTIES)?,
        notes: chip::notes(&session.config, &known),
        features: known.features,
    })
}

fn images(session: &Session) -> Result<Vec<Image>, Failure> {
    let built: Footprints = session.made("build")?.read_json(FOOTPRINTS)?;
    let images = candidates::of(session)?.into_iter().zip(built.products);
    let images = images.filter_map(|(candidate, product)| {
        let product = product.filter(|_| candidate.is_offered)?;
        Some(Image {
            name: candidate.name,
            form: candidate.form,
            flash_bytes: product.flash_bytes,
            ram_bytes: product.ram_bytes,
        })
    });
    Ok(images.collect())
}

fn chosen(outcome: &Outcome) -> Result<Chosen, Failure> {
    let from = MadeFrom::now(&outcome.session, &outcome.inputs)?;
    let report = report::of(&outcome.session, &from)?;
    Ok(Chosen {
        encoding: report.encoding,
        footprint: report.footprint,
        device: report.device,
    })
}
