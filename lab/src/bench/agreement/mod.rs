//! `bench agreement`: what is proven and what was found, for every kind of model on every data set,
//! on the host and on emulated devices.

mod additive;
mod markdown;

use serde::{Deserialize, Serialize};
use spinney_board::Core;
use spinney_cli::terminal;
use spinney_dataset::{Dataset, csv, idx, split};
use spinney_evaluate::{Predictions, ValueEvaluation};
use spinney_model::{FloatModel, ForestKind, Task, Voting};
use spinney_quantize::{
    Certificate, Challenge, CodeWidth, Declared, Level, Options, QuantForest, QuantModel, Subject,
    Votes, calibrate, certify, challenge,
};
use spinney_train::{ForestParams, forest, gaussian_nb};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::progress::Progress;

use crate::device_job::{Device, Job, Ran};
use crate::parallel;

/// Random and adversarial inputs per model.
const N_INPUTS: usize = 1_000_000;
const SEED: u64 = 42;
const TEST_FRACTION: f64 = 0.25;
const AGREEMENT_MIN: f64 = 0.998;
const DROP_MAX: f64 = 0.002;

/// The data sets, in the order of the table.
pub(crate) const DATA: [&str; 8] = [
    "digits",
    "mnist",
    "iris",
    "wine",
    "breast_cancer",
    "air_regression",
    "air_levels",
    "mote_anomaly",
];
/// The kinds of model that are trained here.
const TRAINED: [&str; 4] = [
    "decision-tree",
    "random-forest",
    "extra-trees",
    "gaussian-nb",
];
/// All kinds of model, in the order of the tables.
pub(crate) const MODELS: [&str; 12] = [
    "decision-tree",
    "random-forest",
    "extra-trees",
    "gaussian-nb",
    "gradient-boosting",
    "hist-gradient-boosting",
    "xgboost",
    "lightgbm",
    "isolation-forest",
    "random-forest-regressor",
    "extra-trees-regressor",
    "two-targets",
];

/// One model under one vote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Case {
    dataset: String,
    model: String,
    voting: String,
    leaves: String,
    n_rows: usize,
    /// Absent for naive Bayes.
    splits: Option<Level>,
    votes: Level,
    flip_intervals: usize,
    /// Rows whose paths part, or whose decision lies within the error bound.
    rows_listed: usize,
    disagreements: usize,
    /// Must be 0.
    disagreements_not_listed: usize,
    agreement: f64,
    /// Of models with classes, as what is lost of it.
    accuracy_float: Option<f64>,
    accuracy_q15: Option<f64>,
    drop: Option<f64>,
    /// Agreement with scikit-learn's soft vote, for hard votes.
    agreement_with_soft: Option<f64>,
    inputs_tried: usize,
    inputs_differing: usize,
    /// Of models whose trees add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sums: Option<Sums>,
    counterexamples: Vec<String>,
    /// Host against device, per core.
    parity: Vec<Parity>,
    /// What was asked of the case and missed, in words.
    missed: Vec<String>,
}

/// What is asked of models whose trees add, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sums {
    task: Task,
    /// Features whose readings may be missing.
    n_gaps: usize,
    /// Features of categories.
    n_categories: usize,
    /// Of regressors.
    values: Option<Values>,
}

/// Raw values of a regressor, in the unit of the labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Values {
    r2_float: f64,
    r2_q15: f64,
    /// The furthest that a row is off float.
    error_rows: f64,
    /// The furthest that an input tried is.
    error_inputs: f64,
    /// The furthest that any input is proven to be.
    error_bound: f64,
}

/// A data set: all rows, and the part that models are trained and calibrated on.
struct Data {
    name: &'static str,
    all: Dataset,
    /// `None` for models that came fitted; they are calibrated on none.
    train: Option<Dataset>,
    /// What must be certified of splits at the least.
    splits_least: Level,
}

/// Computes the table and writes it; a requirement that is missed fails the verb.
///
/// With `only` or `kinds`, the cases of other data sets or models stay as they are committed.
pub(crate) fn run(only: &[String], kinds: &[String]) -> Result<(), Failure> {
    let progress = terminal::progress();
    let devices = DEVICES.map(|(core, machines)| Device::new(core, &machines));
    let devices: Vec<Device> = devices.into_iter().collect::<Result<_, _>>()?;
    let folder = super::reports();
    let committed: Vec<Case> = if only.is_empty() && kinds.is_empty() {
        Vec::new()
    } else {
        let bytes = crate::read(folder.join("agreement.json")).input()?;
        serde_json::from_slice(&bytes).input()?
    };
    let mut cases: Vec<Case> = Vec::new();
    let is_asked = |data: &str, kind: &str| {
        let holds = |asked: &[String], name| asked.is_empty() || asked.iter().any(|it| it == name);
        holds(only, data) && holds(kinds, kind)
    };
    let kept = |data: &str, kind: &str| {
        let is_its = |case: &&Case| case.dataset == data && case.model == kind;
        committed.iter().filter(is_its).cloned().collect::<Vec<_>>()
    };
    let computed = |data: &Data, kind: &str, model: &FloatModel| {
        let of = |variant| {
            progress.doing(&format!("{} {kind}: proving and running", data.name));
            case(data, kind, model, variant, &devices)
        };
        let cases = variants(model).into_iter().map(of);
        cases.collect::<Result<Vec<Case>, Failure>>()
    };
    for data in data()? {
        for kind in TRAINED {
            cases.extend(if is_asked(data.name, kind) {
                computed(&data, kind, &trained(&data, kind, &progress)?)?
            } else {
                kept(data.name, kind)
            });
        }
    }
    for fitted in additive::FITTED {
        cases.extend(if is_asked(fitted.data, fitted.name) {
            let (model, data) = fitted.read()?;
            computed(&data, fitted.name, &model)?
        } else {
            kept(fitted.data, fitted.name)
        });
    }
    progress.clear();
    super::write(&folder, "agreement", &cases, &markdown::text(&cases))?;
    println!("report: reports/bench/agreement.md");
    for case in cases.iter().filter(|case| !case.missed.is_empty()) {
        println!(
            "{} {} {} {}: {}",
            case.dataset,
            case.model,
            case.voting,
            case.leaves,
            case.missed.join("; ")
        );
    }
    Failure::unless(cases.iter().all(|case| case.missed.is_empty()))
}

fn data() -> Result<Vec<Data>, Failure> {
    let read = |name: &str| crate::read(crate::repository().join("data").join(name)).input();
    let (every_input, every_row) = (Level::EveryInput, Level::EveryRow);
    let table = |name: &'static str, label: &str, splits_least| -> Result<Data, Failure> {
        let all = csv::read(&read(&format!("{name}.csv"))?, label).input()?;
        part(name, all, splits_least)
    };
    let mnist = idx::read(
        &read("mnist-images.idx3-ubyte.gz")?,
        &read("mnist-labels.idx1-ubyte.gz")?,
    )
    .input()?;
    Ok(vec![
        table("digits", "digit", every_input)?,
        part("mnist", mnist, every_input)?,
        table("iris", "species", every_row)?,
        table("wine", "cultivar", every_row)?,
        table("breast_cancer", "diagnosis", every_row)?,
    ])
}

fn part(name: &'static str, all: Dataset, splits_least: Level) -> Result<Data, Failure> {
    let train = split(&all, TEST_FRACTION, SEED).input()?.train;
    Ok(Data {
        name,
        all,
        train: Some(train),
        splits_least,
    })
}

fn trained(data: &Data, kind: &str, progress: &Progress) -> Result<FloatModel, Failure> {
    let train = data.train.as_ref().unwrap_or(&data.all);
    let is_large = train.n_rows() > 5_000;
    let fit = |kind: ForestKind, n_trees: usize, max_depth: usize| {
        progress.doing(&format!("{} {}: training", data.name, kind.as_str()));
        let params = ForestParams {
            max_depth: (!is_large).then_some(max_depth),
            max_leaf_nodes: is_large.then_some(500),
            ..ForestParams::new(kind, n_trees, SEED)
        };
        forest(train, &params, &|_, _| {}).input()
    };
    match kind {
        "decision-tree" => fit(ForestKind::DecisionTree, 1, 8),
        "random-forest" => fit(ForestKind::RandomForest, 30, 8),
        "extra-trees" => fit(ForestKind::ExtraTrees, 30, 10),
        _ => gaussian_nb(train, 1e-9).input(),
    }
}

/// The votes that a model is tried under.
fn variants(model: &FloatModel) -> Vec<(Voting, Votes)> {
    let soft = |votes| (Voting::Soft, votes);
    // Leaves of several values have no more than 16 bits.
    let has_wide = model.task() == Task::Regress && model.schema().targets().len() == 1;
    match model {
        FloatModel::Additive(_) if has_wide => {
            [Votes::Byte, Votes::Q15, Votes::Word].map(soft).into()
        }
        FloatModel::Additive(_) => [Votes::Byte, Votes::Q15].map(soft).into(),
        FloatModel::GaussianNb(_) => vec![soft(Votes::Q15)],
        FloatModel::Forest(_) => vec![
            (Voting::Hard, Votes::Q15),
            soft(Votes::Q15),
            soft(Votes::Byte),
        ],
    }
}

/// Larger machines execute the same instructions where the first has too little memory: the
/// Cortex-M3 of mps2-an385 has all of the Cortex-M0's.
const DEVICES: [(Core, [&str; 2]); 2] = [
    (Core::CortexM0, ["microbit", "mps2-an385"]),
    (Core::CortexM4F, ["netduinoplus2", "mps2-an386"]),
];

/// Host against device on all rows of a case, class and scores, bit for bit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parity {
    /// The core that the image was built for.
    pub core: String,
    /// The machine that ran it.
    pub machine: String,
    pub rows_compared: usize,
    /// Rows that differ; `None` if they did not run.
    pub mismatches: Option<usize>,
    /// Why they did not, or why they ran on another machine than the first.
    pub note: Option<String>,
}

impl Parity {
    fn new(device: &Device, predictions: &Predictions, ran: Ran) -> Self {
        let (mismatches, note) = match ran.result {
            Ok(run) => (Some(run.mismatches.len()), ran.note),
            Err(reason) => (None, Some(reason)),
        };
        Self {
            core: device.core.as_str().to_owned(),
            machine: ran.machine.name.to_owned(),
            rows_compared: mismatches.map_or(0, |_| predictions.q15.len()),
            mismatches,
            note,
        }
    }
}

fn case(
    data: &Data,
    name: &str,
    model: &FloatModel,
    (voting, votes): (Voting, Votes),
    devices: &[Device],
) -> Result<Case, Failure> {
    let declared = match model {
        FloatModel::Additive(_) => additive::declared(model),
        _ => vec![Declared::default(); model.schema().n_features()],
    };
    let train = data.train.as_ref();
    let of_train = train.map(|train| train.values().view());
    let calibrations = calibrate(model, of_train, &declared).input()?;
    let options = Options {
        voting,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let quant = QuantModel::new(model, &calibrations, options, train).input()?;
    let certificate = certify(model, &quant, &calibrations, voting, &data.all);
    let predictions = spinney_evaluate::predict(model, &quant, voting, &data.all);
    let of_classes = || spinney_evaluate::evaluate(&predictions, voting, &data.all);
    let evaluation = (model.task() != Task::Regress).then(of_classes);
    let listed = certificate.listed_rows();
    let subject = Subject {
        model,
        quant: &quant,
        calibrations: &calibrations,
        voting,
        certificate: &certificate,
    };
    let held = quant.forest().map_or("scores", QuantForest::leaves_name);
    let leaves = match voting {
        Voting::Hard => "hard votes",
        Voting::Soft => held,
    };
    let job = Job::new(
        &format!("{} {name} {leaves}", data.name),
        name,
        &quant,
        &spinney_codegen::Options::plain(),
        &data.all,
    )?;
    let folder = &crate::target()?.join("pipeline/bench-agreement");
    let (tried, parity) = std::thread::scope(|scope| {
        let runs = scope.spawn(|| {
            parallel::each(devices, |device| {
                let ran = job.run(device, &predictions, folder, &terminal::notes())?;
                Ok(Parity::new(device, &predictions, ran))
            })
        });
        let tried = challenge(subject, &data.all, N_INPUTS, SEED);
        (tried, runs.join().expect("a run that does not panic"))
    });
    let evaluation = evaluation.as_ref();
    let disagreements = evaluation.map_or(&[][..], |it| &it.disagreements);
    let mut case = Case {
        dataset: data.name.to_owned(),
        model: name.to_owned(),
        voting: if voting == Voting::Soft {
            "soft"
        } else {
            "hard"
        }
        .to_owned(),
        leaves: held.to_owned(),
        n_rows: data.all.n_rows(),
        splits: certificate.splits,
        votes: certificate.votes,
        flip_intervals: certificate.flips.len(),
        rows_listed: listed.len(),
        disagreements: disagreements.len(),
        disagreements_not_listed: disagreements
            .iter()
            .filter(|row| !listed.contains(row))
            .count(),
        agreement: evaluation.map_or(1.0, |it| it.agreement),
        accuracy_float: evaluation.map(|it| it.float.accuracy),
        accuracy_q15: evaluation.map(|it| it.q15.accuracy),
        drop: evaluation.map(|it| it.drop),
        agreement_with_soft: evaluation.and_then(|it| it.agreement_with_soft),
        inputs_tried: tried.n_inputs,
        inputs_differing: tried.n_differing,
        sums: sums(model, &quant, &certificate, &predictions, &data.all, &tried),
        counterexamples: tried.counterexamples,
        parity: parity?,
        missed: Vec::new(),
    };
    let float_hard = evaluation.and_then(|it| it.float_hard_accuracy);
    case.missed = missed(&case, data.splits_least, float_hard);
    Ok(case)
}

/// What there is to say of trees that add.
fn sums(
    model: &FloatModel,
    quant: &QuantModel,
    certificate: &Certificate,
    predictions: &Predictions,
    rows: &Dataset,
    tried: &Challenge,
) -> Option<Sums> {
    quant.sums()?;
    let features = model.schema().features();
    let columns = rows.numbers().into_iter();
    let columns = columns.flat_map(|numbers| numbers.columns().into_iter());
    let of_targets = predictions.values.iter().zip(columns);
    let of_targets = of_targets.map(|(values, labels)| {
        let found = ValueEvaluation::new(values, Some(&labels.to_vec()), certificate.splits);
        Some(Values {
            r2_float: found.float?.r2?,
            r2_q15: found.q15?.r2?,
            error_rows: found.error_max,
            error_inputs: tried.error_max,
            error_bound: found.error_bound?,
        })
    });
    // Of several targets the worst by each figure.
    let worst = |a: Values, b: Values| Values {
        r2_float: a.r2_float.min(b.r2_float),
        r2_q15: a.r2_q15.min(b.r2_q15),
        error_rows: a.error_rows.max(b.error_rows),
        error_inputs: a.error_inputs.max(b.error_inputs),
        error_bound: a.error_bound.max(b.error_bound),
    };
    let values = of_targets
        .collect::<Option<Vec<Values>>>()
        .and_then(|all| all.into_iter().reduce(worst));
    Some(Sums {
        task: model.task(),
        n_gaps: (0..features.len())
            .filter(|feature| quant.missing(*feature).is_some())
            .count(),
        n_categories: features
            .iter()
            .filter(|feature| !feature.categories.is_empty())
            .count(),
        values,
    })
}

/// What a case must reach and does not.
fn missed(case: &Case, splits_least: Level, float_hard: Option<f64>) -> Vec<String> {
    let mut missed = Vec::new();
    let mut require = |holds: bool, what: String| {
        if !holds {
            missed.push(what);
        }
    };
    if let Some(splits) = case.splits {
        require(
            splits >= splits_least,
            format!("splits are certified {splits:?}, not {splits_least:?}"),
        );
    }
    require(
        case.disagreements_not_listed == 0,
        format!(
            "{} disagreements are not listed",
            case.disagreements_not_listed
        ),
    );
    require(
        case.counterexamples.is_empty(),
        format!("refuted: {}", case.counterexamples.join("; ")),
    );
    for parity in &case.parity {
        require(
            parity.mismatches == Some(0),
            match (parity.mismatches, &parity.note) {
                (None, Some(reason)) => format!("{}: {reason}", parity.core),
                (found, _) => format!(
                    "{}: {} rows differ from the host's",
                    parity.core,
                    found.unwrap_or_default()
                ),
            },
        );
    }
    if let Some(sums) = &case.sums {
        // Of values of 8 bits nothing is asked but that what is proven holds.
        let is_beyond = |it: Values| it.error_rows.max(it.error_inputs) > it.error_bound;
        require(
            sums.task != Task::Regress || sums.values.is_some_and(|it| !is_beyond(it)),
            "values are off by more than is proven, or nothing is".to_owned(),
        );
        if case.leaves.starts_with("8-bit") {
            return missed;
        }
    }
    let is_exact = case.model == "decision-tree" || case.voting == "hard";
    let least = if is_exact { 1.0 } else { AGREEMENT_MIN };
    require(
        case.agreement >= least,
        format!("agreement {} is below {least}", case.agreement),
    );
    // What hard votes lose against soft ones in float is the vote's doing, not Q15's.
    let of_hard = float_hard.zip(case.accuracy_q15);
    let drop = of_hard.map(|(float, q15)| float - q15).or(case.drop);
    require(
        drop.is_none_or(|drop| drop <= DROP_MAX + 1e-12),
        format!("accuracy drops by {drop:?}"),
    );
    missed
}
