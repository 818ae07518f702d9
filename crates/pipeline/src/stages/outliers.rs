//! The isolation forest beside a classifier with `outliers` in `[reject]`: trained and calibrated on codes,
//! claimed to the checker, and what all of `[reject]` costs.

use ndarray::{Array2, ArrayView1};
use spinney_checker::{Claim, Findings, Memory, check, code_rows};
use spinney_dataset::{Dataset, Rows};
use spinney_evaluate::{
    Footprint, Predictions, RejectCost, RunContext, outlier_depth, read_outcomes,
};
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    Calibration, CodeWidth, CodingChoice, Declared, ModelError, Options, QuantModel, Sensor, Votes,
    argmax, calibrate, certify,
};
use spinney_train::isolation_forest;

use super::build::{Built, build_one};
use super::candidates::{self, Candidate, Form};
use super::claim::same;
use super::quantize::WITHOUT_REJECT;
use super::run::RunResult;
use super::share::DeviceRows;
use super::{FoundEmulator, Session};
use crate::emulator::Ended;
use crate::failure::{ExitReason, Failure};
use crate::image::Transport;
use crate::store::sha256;

/// As many trees as tell what is odd on a device with some kilobytes left.
const N_TREES: usize = 20;

/// A detector of rows that are unlike those of training.
pub struct Outliers {
    /// In float, over codes.
    pub model: FloatModel,
    /// Of the codes.
    calibrations: Vec<Calibration>,
}

/// Codes of rows, as trees may tell them apart.
fn codes(quant: &QuantModel, rows: &Dataset) -> Vec<Vec<i16>> {
    let (low, high) = match quant.code_bits() {
        8 => (0, 255),
        _ => (i16::MIN, i16::MAX),
    };
    let code = |row: ArrayView1<'_, f64>| {
        let codes = quant.codes(&row.to_vec()).into_iter();
        codes.map(|code| code.clamp(low, high)).collect()
    };
    rows.values().rows().into_iter().map(code).collect()
}

fn lowered(
    model: &FloatModel,
    n_codes: usize,
) -> Result<(Vec<Calibration>, QuantModel), ModelError> {
    let declared = Declared {
        sensor: Some(Sensor::I16),
        coding: CodingChoice::Identity,
        ..Declared::default()
    };
    let calibrations = calibrate(model, None, &vec![declared; n_codes])?;
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Byte,
        codes: CodeWidth::Word,
        wants_scores: false,
    };
    let quant = QuantModel::new(model, &calibrations, options, None)?;
    Ok((calibrations, quant))
}

/// Trains a detector on the codes of training rows, so that at most a `share` of rows that come as the
/// calibration rows did is flagged, and adds it to `quant`; `None` if those are too few to promise it.
///
/// # Errors
/// More codes than a model may have features.
///
/// # Panics
/// If `quant` has no margin.
pub fn with_outliers(
    quant: QuantModel,
    (train, calibration): (&Dataset, &Dataset),
    share: f64,
    seed: u64,
) -> Result<Option<(QuantModel, Outliers)>, Failure> {
    let rows = codes(&quant, train);
    let n_codes = quant.inputs().len();
    let model = |threshold: f64| {
        let model = isolation_forest(&rows, N_TREES, seed, threshold).input()?;
        Ok::<_, Failure>(FloatModel::Additive(model))
    };
    let untold = model(0.0)?;
    let Some(depths) = untold.additive() else {
        unreachable!("an isolation forest adds");
    };
    let depth = |row: &Vec<i16>| {
        let row: Vec<f64> = row.iter().map(|code| f64::from(*code)).collect();
        depths.raw(&row)[0]
    };
    let calibrating = codes(&quant, calibration);
    let found: Vec<f64> = calibrating.iter().map(depth).collect();
    let Some(lowest) = outlier_depth(&found, share) else {
        return Ok(None);
    };
    let (_, lowered_untold) = lowered(&untold, n_codes).input()?;
    let sums = lowered_untold.sums();
    let bounds = sums.map_or(Vec::new(), |sums| sums.bounds());
    // What is not odd to float is not to fixed point, so that the promise holds for that.
    let least = lowest - 2.0 * bounds.into_iter().fold(f64::EPSILON, f64::max);
    let model = model(least)?;
    let (calibrations, detector) = lowered(&model, n_codes).input()?;
    let quant = quant.with_outliers(detector);
    let outliers = Outliers {
        model,
        calibrations,
    };
    Ok(Some((quant, outliers)))
}

impl Outliers {
    /// What is said of its tables, but for how they look.
    pub(super) fn claim(&self, quant: &QuantModel, test: &Dataset) -> anyhow::Result<Claim> {
        let detector = quant.outliers().expect("a detector");
        let seen = codes(quant, test).into_iter().flatten().map(f64::from);
        let shape = (test.n_rows(), detector.schema().n_features());
        let values = Array2::from_shape_vec(shape, seen.collect())?;
        let labels = vec!["normal".to_owned(); test.n_rows()];
        let features = detector.schema().feature_names();
        let rows = Rows {
            features,
            is_named: false,
            values,
        };
        let rows = Dataset::new(rows, &labels)?;
        let (calibrations, voting) = (&self.calibrations, Voting::Soft);
        let certificate = certify(&self.model, detector, calibrations, voting, &rows);
        let certificate = same(&certificate)?;
        let digest = sha256(self.model.to_json().as_bytes());
        let claim = spinney_codegen::claim(&digest, detector, calibrations, voting, certificate);
        Ok(claim)
    }
}

/// What the checker finds of a detector's tables, in memory of an image or of a header.
pub fn checked(
    (model, claim): (&FloatModel, &Claim),
    detector: &FloatModel,
    memory: Result<Memory, String>,
    rows: &[f64],
) -> Findings {
    let Some(own) = &claim.outliers else {
        return Findings::default();
    };
    let codes = code_rows(model, claim, rows).map_err(|fault| fault.to_string());
    let digest = sha256(detector.to_json().as_bytes());
    match memory.and_then(|memory| Ok((memory, codes?))) {
        Ok((memory, codes)) => check(detector, &digest, own, &memory, &codes),
        Err(error) => Findings::unreadable(&error),
    }
}

/// Builds the form that ships without `[reject]`, runs it, and compares; `None` without `[reject]`.
pub(super) fn cost(
    session: &Session,
    chosen: &Form,
    (footprint, result): (Option<&Footprint>, &RunResult),
    (predictions, rows): (&Predictions, &DeviceRows),
) -> Result<Option<RejectCost>, Failure> {
    let quantized = session.made("quantize")?;
    let forms: Vec<Candidate> = quantized.read_json(WITHOUT_REJECT)?;
    let bare = forms.iter().find(|form| form.name == chosen.about.name);
    let (Some(bare), Some(footprint)) = (bare, footprint) else {
        return Ok(None);
    };
    let bare = &candidates::form(session, WITHOUT_REJECT, bare)?;
    let build = |transport: Transport| {
        let built = Built {
            name: format!("without-reject-{}", transport.name()),
            folder: "without-reject",
            form: bare,
            transport,
            takes_samples: false,
        };
        build_one(session, built)
    };
    let product = Footprint::from_elf(&build(Transport::Product)?).environment()?;
    let instructions = match (session.emulator()?, result) {
        (Some(emulator), RunResult::Ran(run)) => {
            let elf = build(Transport::Verify)?;
            let without = instructions(session, emulator, &elf, predictions, rows)?;
            without.map(|without| run.instructions.mean - without)
        }
        _ => None,
    };
    Ok(Some(RejectCost {
        flash_bytes: footprint.flash_bytes.cast_signed() - product.flash_bytes.cast_signed(),
        instructions,
    }))
}

/// Mean instructions of an image that always gives a class; `None` where it does not run, or gives
/// another class than the host.
fn instructions(
    session: &Session,
    emulator: &FoundEmulator,
    elf: &[u8],
    predictions: &Predictions,
    rows: &DeviceRows,
) -> Result<Option<f64>, Failure> {
    let run = emulator.of(session).run(elf, &rows.bytes)?;
    let likeliest = Predictions {
        answers: None,
        q15: predictions.scores.iter().map(|it| argmax(it)).collect(),
        ..predictions.clone()
    };
    let Ended::Outcomes(bytes) = run.ended else {
        return Ok(None);
    };
    let n_features = super::model::load(session)?.schema().n_features();
    let context = RunContext {
        drawn: rows.drawn.as_deref(),
        ..RunContext::new(n_features, emulator.machine.timer, &likeliest)
    };
    let run = read_outcomes(&bytes, context).ok();
    Ok(run
        .filter(|run| run.mismatches.is_empty())
        .map(|run| run.instructions.mean))
}
