//! One row through float and Q15, side by side, and where they part.

mod text;

use serde::Serialize;
use spinney_codegen::Exit;
use spinney_model::{FloatModel, GaussianNb, Node, Split, Task, Test, UNKNOWN, Voting, argmax};
use spinney_quantize::{Body, Coding, Paths, QuantBayes, QuantModel, Step};

/// One row through float and Q15.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The row's number in the source file.
    row: usize,
    /// Its class; `None` without labels.
    label: Option<String>,
    /// Every feature, in the model's order.
    readings: Vec<Reading>,
    /// Every tree; none for naive Bayes.
    trees: Vec<TreeWalk>,
    /// Trees whose paths part.
    n_parting: usize,
    /// By how much the winner leads; `None` for trees.
    margins: Option<Margins>,
    /// Every class.
    scores: Vec<Score>,
    /// The class in float, under the configured vote.
    float: String,
    /// The class in Q15.
    q15: String,
    /// What the device answers where it may not know: the class, or that it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    /// What an early exit says, where one is taken.
    early_exit: Option<EarlyExit>,
    /// What is proven of the row.
    certainty: Certainty,
    /// The class by scikit-learn's soft vote, where votes are hard.
    soft_vote: Option<String>,
}

/// A reading and its code.
#[derive(Debug, Serialize)]
struct Reading {
    feature: String,
    /// `null` where it is missing.
    reading: f64,
    /// `None` where the model does not ask it.
    code: Option<i16>,
    #[serde(flatten)]
    coding: CodingShown,
    /// Whether the code is not what the coding's formula says, since codes end before.
    saturated: bool,
}

/// How a reading becomes a code.
#[derive(Debug, Serialize)]
#[serde(tag = "coding", rename_all = "kebab-case")]
enum CodingShown {
    Identity,
    /// `floor(reading * 2^shift) - offset`.
    Affine {
        shift: i8,
        offset: i64,
    },
    /// A code for each set of categories that splits ask for; that of the first is shown.
    Set {
        /// How many.
        sets: usize,
    },
    /// The number of thresholds below the reading.
    Rank {
        thresholds: usize,
    },
    /// Nothing in the model asks it.
    NotUsed,
}

/// A row's way through one tree.
#[derive(Debug, Serialize)]
struct TreeWalk {
    /// Float's path: to the leaf, or to where Q15 parts from it.
    path: Vec<StepShown>,
    /// Why they part there.
    parts: Option<String>,
    /// Q15's path from there on.
    q15_path: Vec<StepShown>,
    /// Proportions of the classes in the leaf that float reaches.
    leaf_float: Vec<f64>,
    /// Those of the leaf that Q15 reaches.
    leaf_q15: Vec<f64>,
}

/// One split that the row passes.
#[derive(Debug, Serialize)]
struct StepShown {
    node: usize,
    feature: String,
    /// `null` where it is missing.
    reading: f64,
    /// `null` for a set of categories.
    threshold: Option<f64>,
    /// The categories that go left, of a set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<u32>,
    /// Whether float goes left here.
    float_left: bool,
    code: i16,
    /// The threshold's code; `None` where every code goes right.
    threshold_code: Option<i16>,
    /// Whether Q15 goes left here.
    q15_left: bool,
}

/// By how much the winning class of naive Bayes leads, in nats.
#[derive(Debug, Serialize)]
struct Margins {
    winner: String,
    over: Vec<Margin>,
}

/// The lead over one class.
#[derive(Debug, Serialize)]
struct Margin {
    class: String,
    float: f64,
    q15: f64,
    /// The most that the two can differ by, as is proven.
    bound: f64,
}

/// A class's score.
#[derive(Debug, Serialize)]
struct Score {
    class: String,
    float: f64,
    /// Q15's, in the unit of float's.
    q15: f64,
    /// The integer that the device computes.
    integer: i64,
}

/// An answer, and how it came about.
#[derive(Debug, Serialize)]
struct Answer {
    /// A class, or [`UNKNOWN`].
    class: String,
    /// How far the likeliest class is above the next one, in units of scores.
    lead: u64,
    /// The lead above which a class is given.
    margin: u64,
    /// Whether the row is unlike those of training, so that none is.
    is_outlier: bool,
}

/// Where an early exit stops.
#[derive(Debug, Serialize)]
struct EarlyExit {
    class: String,
    trees_asked: usize,
    n_trees: usize,
}

/// What is proven of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Certainty {
    /// Its paths part, which no rounding of votes explains.
    PathsPart,
    /// The decision lies within the proven error bound.
    WithinBound,
    /// No rounding could change the class.
    BeyondBound,
    /// The values are within the proven bound of each other.
    Near,
}

/// A float model and its quantization, of which one row is to be explained.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    /// The float model.
    pub model: &'a FloatModel,
    /// The same in fixed point.
    pub quant: &'a QuantModel,
    /// How trees vote.
    pub voting: Voting,
    /// The early exit that the device takes, if it takes one.
    pub exit: Option<&'a Exit>,
}

/// Explains a row of `readings`, by its number and with what it is known to be.
///
/// # Panics
/// If `readings` has another length than the model has features, or `quant` was made from another
/// model.
pub fn explain(
    explained: Explained<'_>,
    row: usize,
    label: Option<String>,
    readings: &[f64],
) -> Explanation {
    let Explained {
        model,
        quant,
        voting,
        exit,
    } = explained;
    let codes = quant.codes(readings);
    let class = |index: usize| model.schema().outputs()[index].clone();
    let trees = walks(model, quant, readings, &codes);
    let margins = match (model, quant.body()) {
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => {
            Some(margins(bayes, body, quant, readings, &codes))
        }
        _ => None,
    };
    let n_parting = trees.iter().filter(|tree| tree.parts.is_some()).count();
    let integers = quant.scores(&codes);
    let (float_scores, q15_scores) = scores(explained, readings, &integers);
    let pairs = float_scores.iter().zip(&q15_scores).zip(&integers);
    let shown_scores = pairs
        .enumerate()
        .map(|(index, ((float, q15), integer))| Score {
            class: class(index),
            float: *float,
            q15: *q15,
            integer: *integer,
        });
    let is_value = quant.task() == Task::Regress;
    let early_exit = exit.map(|exit| {
        let stopped = exit.classify(&codes);
        EarlyExit {
            class: class(stopped.class),
            trees_asked: stopped.n_trees,
            n_trees: exit.n_trees(),
        }
    });
    let is_close = spinney_quantize::is_within_bound(model, quant, voting, readings, &codes);
    Explanation {
        row,
        label,
        readings: shown(quant, &model.inputs(), readings, &codes),
        trees,
        n_parting,
        margins,
        scores: shown_scores.collect(),
        float: if is_value {
            listed(&float_scores)
        } else {
            class(argmax(&float_scores))
        },
        q15: if is_value {
            listed(&q15_scores)
        } else {
            class(quant.predict(readings))
        },
        answer: quant.margin().map(|margin| {
            let winner = quant.predict(readings);
            let answer = quant.delivered(&codes, &integers);
            let others = (0..integers.len()).filter(|class| *class != winner);
            let lead = others.map(|class| integers[winner].abs_diff(integers[class]));
            Answer {
                class: if answer < integers.len() {
                    class(answer)
                } else {
                    UNKNOWN.to_owned()
                },
                lead: lead.min().unwrap_or(0),
                margin,
                is_outlier: quant.is_outlier(&codes),
            }
        }),
        early_exit,
        certainty: match (n_parting, is_close) {
            (1.., _) => Certainty::PathsPart,
            (0, _) if is_value => Certainty::Near,
            (0, true) => Certainty::WithinBound,
            (0, false) => Certainty::BeyondBound,
        },
        soft_vote: (voting == Voting::Hard).then(|| class(model.predict(readings))),
    }
}

/// The values of all targets.
fn listed(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(f64::to_string).collect();
    values.join(", ")
}

/// What float and Q15 say of each output, in one unit: shares of votes, nats, raw values of targets, or
/// by how much the raw value of each class is above that of the first.
fn scores(explained: Explained<'_>, readings: &[f64], integers: &[i64]) -> (Vec<f64>, Vec<f64>) {
    let quant = explained.quant;
    let scaled = |unit: f64| integers.iter().map(|it| *it as f64 * unit).collect();
    match (explained.model, quant.body()) {
        (FloatModel::Forest(forest), Body::Forest(body)) => {
            let unit = f64::from(body.leaves().unit()) * body.trees().len() as f64;
            (
                forest.scores(readings, explained.voting),
                scaled(1.0 / unit),
            )
        }
        (FloatModel::GaussianNb(bayes), Body::Bayes(body)) => {
            let unit = 2.0_f64.powi(-i32::from(body.score_bits()));
            (bayes.joint_log_likelihood(readings), scaled(unit))
        }
        (FloatModel::Additive(sum), Body::Forest(body)) => {
            let raw = sum.raw(readings);
            if quant.task() == Task::Regress {
                return (raw, quant.values(integers));
            }
            let unit = body
                .sums()
                .map_or(1.0, |sums| 2.0_f64.powi(-i32::from(sums.shift())));
            let of_first = integers.iter().map(|it| (it - integers[0]) as f64 * unit);
            let float = match sum.threshold() {
                // What is above the threshold is the second class, or no alarm.
                Some(threshold) if quant.task() == Task::Detect => vec![0.0, threshold - raw[0]],
                Some(threshold) => vec![0.0, raw[0] - threshold],
                None => raw.iter().map(|it| it - raw[0]).collect(),
            };
            (float, of_first.collect())
        }
        _ => unreachable!("a model and its own quantization"),
    }
}

fn shown(quant: &QuantModel, used: &[usize], readings: &[f64], codes: &[i16]) -> Vec<Reading> {
    let features = quant.schema().features().iter().enumerate();
    let read = features.map(|(index, feature)| {
        let of_feature = || quant.inputs().iter().filter(|input| input.feature == index);
        let mut inputs = quant.inputs().iter();
        let input = inputs.position(|input| input.feature == index);
        let input = input.filter(|_| used.contains(&index));
        Reading {
            feature: feature.name.clone(),
            reading: readings[index],
            code: input.map(|input| codes[input]),
            coding: match input.map(|input| &quant.inputs()[input].coding) {
                None => CodingShown::NotUsed,
                Some(&Coding::IDENTITY) => CodingShown::Identity,
                Some(Coding::Affine { shift, offset }) => CodingShown::Affine {
                    shift: *shift,
                    offset: i64::from(*offset),
                },
                Some(Coding::Rank { cuts }) => CodingShown::Rank {
                    thresholds: cuts.len(),
                },
                Some(Coding::Set { .. }) => CodingShown::Set {
                    sets: of_feature().count(),
                },
            },
            saturated: input
                .is_some_and(|input| is_saturated(quant, input, readings[index], codes[input])),
        }
    });
    read.collect()
}

fn walks(model: &FloatModel, quant: &QuantModel, readings: &[f64], codes: &[i16]) -> Vec<TreeWalk> {
    let paths = Paths::new(model, quant);
    let step = |tree: usize, step: &Step| {
        let node = &model.trees()[tree].nodes()[step.node];
        let feature = &model.schema().features()[step.feature];
        StepShown {
            node: step.node,
            feature: feature.name.clone(),
            reading: readings[step.feature],
            threshold: step.threshold,
            categories: match node {
                Node::Split(Split {
                    test: Test::Among(categories),
                    ..
                }) => categories.clone(),
                _ => Vec::new(),
            },
            float_left: node.sends_left(feature.compare.seen(readings[step.feature])),
            code: codes[step.input],
            threshold_code: step.code,
            q15_left: step.code.is_some_and(|code| codes[step.input] <= code),
        }
    };
    let trees = model.trees().iter().enumerate().map(|(index, tree)| {
        let (float, float_leaf) = paths.float(index, readings);
        let (q15, q15_leaf) = paths.q15(index, codes);
        let parting = paths.parting(index, readings, codes).err();
        let until = float
            .iter()
            .position(|step| Some(step.node) == parting)
            .map_or(float.len(), |at| at + 1);
        let after = q15
            .iter()
            .skip_while(|step| parting != Some(step.node))
            .skip(1);
        TreeWalk {
            path: float[..until].iter().map(|it| step(index, it)).collect(),
            parts: parting
                .and_then(|node| float.iter().find(|step| step.node == node))
                .map(|step| cause(quant, &tree.nodes()[step.node], step, readings, codes)),
            q15_path: after.map(|it| step(index, it)).collect(),
            leaf_float: proportions(&tree.nodes()[float_leaf]),
            leaf_q15: proportions(&tree.nodes()[q15_leaf]),
        }
    });
    trees.collect()
}

fn proportions(node: &Node) -> Vec<f64> {
    node.leaf().unwrap_or_default().to_vec()
}

/// Why a reading and its code are on different sides of a split.
fn cause(quant: &QuantModel, node: &Node, step: &Step, readings: &[f64], codes: &[i16]) -> String {
    let (reading, code) = (readings[step.feature], codes[step.input]);
    if reading.is_nan() {
        return "a missing reading goes right, where none is declared; `missing` in [features] says \
                what stands for it"
            .to_owned();
    }
    let received = quant.reading_type().received(reading);
    let compare = quant.schema().features()[step.feature].compare;
    if node.sends_left(compare.seen(received)) != step.goes_left {
        return format!("the device gets {received}, with fewer digits than the row has");
    }
    match &quant.inputs()[step.input].coding {
        Coding::Affine { .. } if is_saturated(quant, step.input, reading, code) => {
            "the reading is beyond what codes reach; a `range` that holds it, or none, helps"
                .to_owned()
        }
        Coding::Affine { shift, offset } => {
            let unit = 2.0_f64.powi(-i32::from(*shift));
            let low = (f64::from(code) + f64::from(*offset)) * unit;
            format!(
                "all readings from {low} to {} have the code {code}",
                low + unit
            )
        }
        Coding::Rank { .. } | Coding::Set { .. } => {
            "the threshold is between two readings of the sensor".to_owned()
        }
    }
}

/// Whether an affine code is not what its formula says, since 8 or 16 bits end before.
fn is_saturated(quant: &QuantModel, input: usize, reading: f64, code: i16) -> bool {
    match &quant.inputs()[input].coding {
        _ if reading.is_nan() => false,
        Coding::Affine { shift, offset } => {
            let scaled = quant.reading_type().received(reading) * 2.0_f64.powi(i32::from(*shift));
            let exact = scaled.floor() - f64::from(*offset);
            (exact - f64::from(code)).abs() > 0.5
        }
        Coding::Rank { .. } | Coding::Set { .. } => false,
    }
}

fn margins(
    bayes: &GaussianNb,
    body: &QuantBayes,
    quant: &QuantModel,
    readings: &[f64],
    codes: &[i16],
) -> Margins {
    let exact = bayes.joint_log_likelihood(readings);
    let scores = quant.scores(codes);
    let winner = argmax(&exact);
    let classes = quant.schema().classes();
    let unit = 2.0_f64.powi(-i32::from(body.score_bits()));
    let others = (0..classes.len()).filter(|class| *class != winner);
    Margins {
        winner: classes[winner].clone(),
        over: others
            .map(|class| Margin {
                class: classes[class].clone(),
                float: exact[winner] - exact[class],
                q15: (scores[winner] - scores[class]) as f64 * unit,
                bound: body.margin_bound(bayes, codes, readings, [winner, class]),
            })
            .collect(),
    }
}
