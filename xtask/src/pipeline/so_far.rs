//! What a run that stopped after a stage has found, for a reader and for programs.

use std::path::Path;

use serde::Serialize;
use spinney_evaluate::{Evaluation, Predictions};
use spinney_report::{
    Accuracy, Certified, Dataset, Device, Encoding, FeatureCoding, FootprintShare, Model, Origin,
    SCHEMA,
};

use super::build::{FOOTPRINTS, Footprints};
use super::candidates::Candidate;
use super::inputs::Inputs;
use super::last_run::MadeFrom;
use super::quantize::{CANDIDATES, EVALUATION, PREDICTIONS, SUMMARY, Summary};
use super::{Session, Talk, Tools, chip, hints, model, report, summary};
use crate::failure::{Blame, Failure};
use crate::terminal;

/// The part of `report.json` that is known, under the same names.
#[derive(Serialize)]
struct SoFar<'a> {
    schema: u32,
    pipeline: &'a str,
    /// The last stage that ran.
    until: &'a str,
    model: Model,
    #[serde(flatten)]
    quantized: Option<QuantizedSoFar>,
    /// Of stage `build`: one per form of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<Vec<Image>>,
    #[serde(flatten)]
    chosen: Option<Chosen>,
}

/// From stage `quantize` on.
#[derive(Serialize)]
struct QuantizedSoFar {
    dataset: Dataset,
    accuracy: Accuracy,
    certificate: Certified,
    features: Vec<FeatureCoding>,
    notes: Vec<String>,
}

/// Of stage `run`: the form that ships, and what it did.
#[derive(Serialize)]
struct Chosen {
    encoding: Encoding,
    footprint: FootprintShare,
    device: Option<Device>,
}

/// An image that was built.
#[derive(Serialize)]
struct Image {
    name: String,
    form: String,
    flash_bytes: u64,
    ram_bytes: u64,
}

/// Prints what the stages up to `until` have found.
pub(super) fn tell(
    session: &Session,
    path: &Path,
    (inputs, tools): (&Inputs, Option<&Tools>),
    until: &str,
    talk: Talk,
) -> Result<(), Failure> {
    session.progress.clear();
    if talk == Talk::Quiet {
        return Ok(());
    }
    let name = &session.config.pipeline.identity.name;
    let float = model::load(session)?;
    let origin: Option<Origin> = session.made("model")?.read_json(model::ORIGIN)?;
    let digest = model::digest(session)?;
    let model = report::model_facts(&session.config, &float, digest, origin);
    let quantized = (until != "model").then(|| quantized(session)).transpose()?;
    if talk == Talk::Json {
        let chosen = match tools {
            Some(tools) if until == "run" => Some(chosen(session, inputs, tools)?),
            _ => None,
        };
        let so_far = SoFar {
            schema: SCHEMA,
            pipeline: name,
            until,
            model,
            quantized,
            images: (until == "build").then(|| images(session)).transpose()?,
            chosen,
        };
        return terminal::json(&so_far).environment();
    }
    terminal::styled(&summary::model_line(name, &model));
    let Some(quantized) = quantized else {
        return Ok(());
    };
    terminal::styled(&summary::quantized_lines(
        &quantized.accuracy,
        quantized.dataset.test_rows,
        quantized.certificate.splits,
        quantized.certificate.votes,
    ));
    hints::print(session, path, &[])
}

fn quantized(session: &Session) -> Result<QuantizedSoFar, Failure> {
    let stage = session.made("quantize")?;
    let known: Summary = stage.read_json(SUMMARY)?;
    let certificate = report::certificate_of(&stage, &known)?;
    let predictions: Predictions = stage.read_json(PREDICTIONS)?;
    let evaluation: Option<Evaluation> = stage.read_json(EVALUATION)?;
    let n_differing = hints::differing(&known, &predictions).count();
    Ok(QuantizedSoFar {
        dataset: Dataset {
            train_rows: known.train_rows,
            test_rows: predictions.q15.len(),
        },
        accuracy: report::accuracy(evaluation.as_ref(), n_differing, &predictions),
        certificate: report::certified(&certificate, &known),
        notes: chip::notes(&session.config, &known),
        features: known.features,
    })
}

fn images(session: &Session) -> Result<Vec<Image>, Failure> {
    let built: Footprints = session.made("build")?.read_json(FOOTPRINTS)?;
    let candidates: Vec<Candidate> = session.made("quantize")?.read_json(CANDIDATES)?;
    let images = candidates.into_iter().zip(built.products);
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

fn chosen(session: &Session, inputs: &Inputs, tools: &Tools) -> Result<Chosen, Failure> {
    let report = report::of(session, &MadeFrom::now(session, inputs, tools)?)?;
    Ok(Chosen {
        encoding: report.encoding,
        footprint: report.footprint,
        device: report.device,
    })
}
