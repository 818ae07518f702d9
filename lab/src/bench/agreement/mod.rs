//! `bench agreement`: what is proven and what was found, for every kind of model on every data set,
//! on the host and on emulated devices.

mod markdown;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spinney_board::Core;
use spinney_cli::terminal;
use spinney_dataset::{Dataset, csv, idx, split};
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{
    Body, CodeWidth, Declared, Level, Options, QuantModel, Subject, Votes, calibrate, certify,
    challenge,
};
use spinney_train::{ForestParams, forest, gaussian_nb};

use spinney_pipeline::device_job::{Device, Job, Ran};
use spinney_pipeline::failure::{Blame, Failure};
use spinney_pipeline::progress::Progress;
use spinney_pipeline::store::write_whole;

/// Random and adversarial inputs per model.
const N_INPUTS: usize = 1_000_000;
const SEED: u64 = 42;
const TEST_FRACTION: f64 = 0.25;
const AGREEMENT_MIN: f64 = 0.998;
const DROP_MAX: f64 = 0.002;

/// The data sets, in the order of the table.
pub(crate) const DATA: [&str; 5] = ["digits", "mnist", "iris", "wine", "breast_cancer"];
/// The kinds of model, in the order of the table.
pub(crate) const MODELS: [&str; 4] = [
    "decision-tree",
    "random-forest",
    "extra-trees",
    "gaussian-nb",
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
    accuracy_float: f64,
    accuracy_q15: f64,
    drop: f64,
    /// Agreement with scikit-learn's soft vote, for hard votes.
    agreement_with_soft: Option<f64>,
    inputs_tried: usize,
    inputs_differing: usize,
    counterexamples: Vec<String>,
    /// Host against device, per core.
    parity: Vec<Parity>,
    /// What was asked of the case and missed, in words.
    missed: Vec<String>,
}

/// A data set: all rows, and the part that models are trained and calibrated on.
struct Data {
    name: &'static str,
    all: Dataset,
    train: Dataset,
    /// Whether its readings are integers, so that splits must hold for every input.
    is_integer: bool,
}

/// Computes the table and writes it; a requirement that is missed fails the verb.
///
/// With `only` or `kinds`, the cases of other data sets or models stay as they are committed.
pub(crate) fn run(only: &[String], kinds: &[String]) -> Result<(), Failure> {
    let progress = terminal::progress();
    let devices = devices()?;
    let folder = crate::repository().join("reports/bench");
    let committed: Vec<Case> = if only.is_empty() && kinds.is_empty() {
        Vec::new()
    } else {
        let path = folder.join("agreement.json");
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .input()?;
        serde_json::from_slice(&bytes).input()?
    };
    let mut cases: Vec<Case> = Vec::new();
    for data in data()? {
        if !only.is_empty() && !only.iter().any(|name| name == data.name) {
            let kept = committed.iter().filter(|case| case.dataset == data.name);
            cases.extend(kept.cloned());
            continue;
        }
        for (name, model) in models(&data, &progress)? {
            if !kinds.is_empty() && !kinds.iter().any(|kind| kind == name) {
                let is_kept = |case: &&Case| case.dataset == data.name && case.model == name;
                cases.extend(committed.iter().filter(is_kept).cloned());
                continue;
            }
            for (voting, votes) in variants(&model) {
                progress.doing(&format!("{} {name}: proving and running", data.name));
                cases.push(case(&data, name, &model, voting, votes, &devices)?);
            }
        }
    }
    progress.clear();
    let json = serde_json::to_string_pretty(&cases).environment()? + "\n";
    write_whole(&folder.join("agreement.json"), json.as_bytes()).environment()?;
    write_whole(
        &folder.join("agreement.md"),
        markdown::text(&cases).as_bytes(),
    )
    .environment()?;
    println!("report: reports/bench/agreement.md");
    let missed: Vec<&Case> = cases
        .iter()
        .filter(|case| !case.missed.is_empty())
        .collect();
    for case in &missed {
        println!(
            "{} {} {} {}: {}",
            case.dataset,
            case.model,
            case.voting,
            case.leaves,
            case.missed.join("; ")
        );
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(Failure::Gate)
    }
}

fn data() -> Result<Vec<Data>, Failure> {
    let read = |name: &str| {
        let path = crate::repository().join("data").join(name);
        std::fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .input()
    };
    let table = |name: &'static str, label: &str, is_integer: bool| -> Result<Data, Failure> {
        let all = csv::read(&read(&format!("{name}.csv"))?, label).input()?;
        part(name, all, is_integer)
    };
    let mnist = idx::read(
        &read("mnist-images.idx3-ubyte.gz")?,
        &read("mnist-labels.idx1-ubyte.gz")?,
    )
    .input()?;
    Ok(vec![
        table("digits", "digit", true)?,
        part("mnist", mnist, true)?,
        table("iris", "species", false)?,
        table("wine", "cultivar", false)?,
        table("breast_cancer", "diagnosis", false)?,
    ])
}

fn part(name: &'static str, all: Dataset, is_integer: bool) -> Result<Data, Failure> {
    let train = split(&all, TEST_FRACTION, SEED).input()?.train;
    Ok(Data {
        name,
        all,
        train,
        is_integer,
    })
}

fn models(data: &Data, progress: &Progress) -> Result<Vec<(&'static str, FloatModel)>, Failure> {
    let is_large = data.train.n_rows() > 5_000;
    let fit = |kind: ForestKind, n_trees: usize, max_depth: usize| {
        progress.doing(&format!("{} {}: training", data.name, kind.as_str()));
        let params = ForestParams {
            max_depth: (!is_large).then_some(max_depth),
            max_leaf_nodes: is_large.then_some(500),
            ..ForestParams::new(kind, n_trees, SEED)
        };
        forest(&data.train, &params, &|_, _| {}).input()
    };
    Ok(vec![
        ("decision-tree", fit(ForestKind::DecisionTree, 1, 8)?),
        ("random-forest", fit(ForestKind::RandomForest, 30, 8)?),
        ("extra-trees", fit(ForestKind::ExtraTrees, 30, 10)?),
        ("gaussian-nb", gaussian_nb(&data.train, 1e-9).input()?),
    ])
}

/// The votes that a model is tried under.
fn variants(model: &FloatModel) -> Vec<(Voting, Votes)> {
    match model {
        FloatModel::Additive(_) | FloatModel::GaussianNb(_) => vec![(Voting::Soft, Votes::Q15)],
        FloatModel::Forest(_) => vec![
            (Voting::Hard, Votes::Q15),
            (Voting::Soft, Votes::Q15),
            (Voting::Soft, Votes::Byte),
        ],
    }
}

/// Larger machines execute the same instructions where the first has too little memory: the
/// Cortex-M3 of mps2-an385 has all of the Cortex-M0's.
const DEVICES: [(Core, [&str; 2]); 2] = [
    (Core::CortexM0, ["microbit", "mps2-an385"]),
    (Core::CortexM4F, ["netduinoplus2", "mps2-an386"]),
];

/// The devices, or what this machine lacks for them.
fn devices() -> Result<Vec<Device>, Failure> {
    DEVICES
        .iter()
        .map(|(core, machines)| Device::new(*core, machines, &terminal::notes()))
        .collect()
}

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
    fn new(device: &Device, predictions: &spinney_evaluate::Predictions, ran: Ran) -> Self {
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
    voting: Voting,
    votes: Votes,
    devices: &[Device],
) -> Result<Case, Failure> {
    let declared = vec![Declared::default(); model.schema().n_features()];
    let train = &data.train;
    let calibrations = calibrate(model, Some(train.values().view()), &declared).input()?;
    let options = Options {
        voting,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    let quant = QuantModel::new(model, &calibrations, options, Some(train)).input()?;
    let certificate = certify(model, &quant, &calibrations, voting, &data.all);
    let predictions = spinney_evaluate::predict(model, &quant, voting, &data.all);
    let evaluation = spinney_evaluate::evaluate(&predictions, voting, &data.all);
    let listed = certificate.listed_rows();
    let subject = Subject {
        model,
        quant: &quant,
        calibrations: &calibrations,
        voting,
        certificate: &certificate,
    };
    let leaves = match quant.body() {
        _ if voting == Voting::Hard => "hard votes",
        Body::Forest(body) => body.leaves().name(),
        Body::Bayes(_) => "scores",
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
        let (job, predictions) = (&job, &predictions);
        let runs: Vec<_> = devices
            .iter()
            .map(|device| {
                scope.spawn(move || {
                    let ran = job.run(device, predictions, folder, &terminal::notes())?;
                    Ok(Parity::new(device, predictions, ran))
                })
            })
            .collect();
        let tried = challenge(subject, &data.all, N_INPUTS, SEED);
        let parity: Result<Vec<Parity>, Failure> = runs
            .into_iter()
            .map(|run| run.join().expect("a run that does not panic"))
            .collect();
        (tried, parity)
    });
    let disagreements = &evaluation.disagreements;
    let mut case = Case {
        dataset: data.name.to_owned(),
        model: name.to_owned(),
        voting: match voting {
            Voting::Soft => "soft",
            Voting::Hard => "hard",
        }
        .to_owned(),
        leaves: match quant.body() {
            Body::Forest(body) => body.leaves().name(),
            Body::Bayes(_) => "scores",
        }
        .to_owned(),
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
        agreement: evaluation.agreement,
        accuracy_float: evaluation.float.accuracy,
        accuracy_q15: evaluation.q15.accuracy,
        drop: evaluation.drop,
        agreement_with_soft: evaluation.agreement_with_soft,
        inputs_tried: tried.n_inputs,
        inputs_differing: tried.n_differing,
        counterexamples: tried.counterexamples,
        parity: parity?,
        missed: Vec::new(),
    };
    let float_hard = evaluation.float_hard_accuracy;
    case.missed = missed(&case, data.is_integer, float_hard);
    Ok(case)
}

/// What a case must reach and does not.
fn missed(case: &Case, is_integer: bool, float_hard: Option<f64>) -> Vec<String> {
    let mut missed = Vec::new();
    let mut require = |holds: bool, what: String| {
        if !holds {
            missed.push(what);
        }
    };
    if let Some(splits) = case.splits {
        let least = if is_integer {
            Level::EveryInput
        } else {
            Level::EveryRow
        };
        require(
            splits >= least,
            format!("splits are certified {splits:?}, not {least:?}"),
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
    let is_exact = case.model == "decision-tree" || case.voting == "hard";
    let least = if is_exact { 1.0 } else { AGREEMENT_MIN };
    require(
        case.agreement >= least,
        format!("agreement {} is below {least}", case.agreement),
    );
    // What hard votes lose against soft ones in float is the vote's doing, not Q15's.
    let drop = float_hard.map_or(case.drop, |hard| hard - case.accuracy_q15);
    require(
        drop <= DROP_MAX + 1e-12,
        format!("accuracy drops by {drop}"),
    );
    missed
}
