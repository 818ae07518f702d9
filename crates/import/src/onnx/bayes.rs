//! Gaussian naive Bayes as skl2onnx spells it out: a chain of elementary operators.
//!
//! ```text
//! Reshape → Sub theta → Pow 2 → Div sigma → ReduceSum → Mul 0.5
//!         → Sub from sigma_sum_log → Add jointi → ArgMax and ReduceLogSumExp → …
//! ```

use spinney_model::{GaussianNb, Schema};

use super::INSTEAD;
use super::graph::{Graph, Node};
use super::tail::{Tail, texts};
use crate::{ImportError, shown};

/// Where an operator is refused.
const IN_BAYES: &str = "in a naive Bayes graph";

/// A naive Bayes model found in a graph.
pub(super) struct Found {
    pub(super) bayes: GaussianNb,
    /// The value that holds its rows.
    pub(super) input: String,
    /// Whether the parameters are float64.
    pub(super) is_double: bool,
}

/// Finds the model.
///
/// # Errors
/// Another graph, naming the operator that is not known.
pub(super) fn find(graph: &Graph) -> Result<Found, ImportError> {
    // The one subtraction whose constant has three dimensions: means of 1 × classes × features.
    let start = graph.nodes.iter().find(|node| {
        node.op_type == "Sub"
            && graph
                .constant(node.input(1))
                .is_some_and(|theta| theta.dims.len() == 3)
    });
    let Some(start) = start else {
        return Err(unknown(graph));
    };
    let reshape = graph
        .maker(start.input(0))
        .filter(|node| node.op_type == "Reshape")
        .ok_or_else(|| unknown(graph))?;
    let theta = start.input(1);
    let pow = next(graph, start, "Pow")?;
    let div = next(graph, pow, "Div")?;
    let sigma = div.input(1);
    let sum = next(graph, div, "ReduceSum")?;
    let mul = next(graph, sum, "Mul")?;
    let sub = next(graph, mul, "Sub")?;
    let add = next(graph, sub, "Add")?;
    let other = |node: &Node, made: &Node| {
        let index = usize::from(node.input(0) == made.output(0));
        node.input(index).to_owned()
    };
    let priors = other(add, sub);
    let constants = [
        (pow.input(1).to_owned(), 2.0, "Pow"),
        (other(mul, sum), 0.5, "Mul"),
    ];
    for (value, expected, op) in constants {
        let found = graph.numbers(&value);
        if found.as_deref() != Some(&[expected]) {
            return Err(broken!(
                format!("the operator {op} of a naive Bayes graph"); "another constant";
                "{expected}"
            ));
        }
    }
    let (labels, argmax) = labels(graph, add)?;
    check_probabilities(graph, add, argmax)?;
    let numbers = |value: &str, what: &str| {
        graph.numbers(value).ok_or_else(|| {
            broken!(
                format!("{what} of a naive Bayes graph");
                "\"{}\", which is no constant of numbers", shown(value); "a constant"
            )
        })
    };
    let dims = &graph.constant(theta).expect("found by its dimensions").dims;
    let shape = |index: usize| usize::try_from(dims[index]).unwrap_or(0);
    let (n_classes, n_features) = (shape(1), shape(2));
    let means = numbers(theta, "theta")?;
    let variances = numbers(sigma, "sigma")?;
    let log_priors = numbers(&priors, "jointi")?;
    let log_sums = numbers(sub.input(0), "sigma_sum_log")?;
    let n_cells = n_classes.checked_mul(n_features);
    if dims[0] != 1
        || n_features == 0
        || n_cells != Some(means.len())
        || means.len() != variances.len()
        || [labels.len(), log_priors.len(), log_sums.len()] != [n_classes; 3]
    {
        return Err(broken!(
            "the naive Bayes graph"; "constants of unequal shapes";
            "theta and sigma of 1 × classes × features, and one prior per class"
        ));
    }
    let rows = |numbers: &[f64]| {
        numbers
            .chunks(n_features)
            .map(<[f64]>::to_vec)
            .collect::<Vec<_>>()
    };
    for (class, (variances, found)) in rows(&variances).iter().zip(&log_sums).enumerate() {
        let expected: f64 = variances
            .iter()
            .map(|variance| -0.5 * (std::f64::consts::TAU * variance).ln())
            .sum();
        let tolerance = 1e-4 * (1.0 + expected.abs() + n_features as f64);
        let difference = (expected - found).abs();
        if difference.is_nan() || difference > tolerance {
            return Err(broken!(
                format!("sigma_sum_log[{class}]"); "{found}"; "{expected}, which its variances give"
            ));
        }
    }
    let is_double = graph
        .constant(theta)
        .is_some_and(|tensor| tensor.data_type == super::proto::DOUBLE);
    let schema = Schema::unnamed(n_features, labels)?;
    Ok(Found {
        bayes: GaussianNb::new(schema, log_priors, rows(&means), rows(&variances))?,
        input: reshape.input(0).to_owned(),
        is_double,
    })
}

/// The one user of a node's output, which must be an `op`.
fn next<'g>(graph: &'g Graph, node: &Node, op: &str) -> Result<&'g Node, ImportError> {
    let mut users = graph.users(node.output(0));
    match (users.next(), users.next()) {
        (Some(user), None) if user.op_type == op => Ok(user),
        (Some(user), _) if user.op_type != op => Err(user.refused(IN_BAYES)),
        _ => Err(unknown(graph)),
    }
}

/// The class labels: what the index of the largest score selects from.
fn labels<'g>(graph: &'g Graph, scores: &Node) -> Result<(Vec<String>, &'g Node), ImportError> {
    let argmax = graph
        .users(scores.output(0))
        .find(|node| node.op_type == "ArgMax")
        .ok_or_else(|| unknown(graph))?;
    let select = next(graph, argmax, "ArrayFeatureExtractor")?;
    let classes = graph
        .constant(select.input(0))
        .ok_or_else(|| unknown(graph))?;
    let labels = texts(classes).ok_or_else(
        || broken!("the naive Bayes graph"; "odd class labels"; "integers or strings"),
    )?;
    Tail::of_classifier(graph, select)?;
    Ok((labels, argmax))
}

/// Checks that the scores go into nothing but labels and a softmax.
fn check_probabilities(graph: &Graph, scores: &Node, argmax: &Node) -> Result<(), ImportError> {
    for user in graph.users(scores.output(0)) {
        match user.op_type.as_str() {
            "ArgMax" if user.output(0) == argmax.output(0) => {}
            "ReduceLogSumExp" | "Identity" => {}
            "Sub" => {
                let exp = next(graph, user, "Exp")?;
                Tail::of_classifier(graph, exp)?;
            }
            _ => return Err(user.refused(IN_BAYES)),
        }
    }
    Ok(())
}

/// Names a graph's operators that make no classifier.
fn unknown(graph: &Graph) -> ImportError {
    let known = ["Cast", "Identity", "Reshape", "ZipMap", "Scaler"];
    let mut names: Vec<String> = Vec::new();
    for node in &graph.nodes {
        let name = node.shown();
        if !known.contains(&name.as_str()) && !names.contains(&name) {
            names.push(name);
        }
        if names.len() == 8 {
            break;
        }
    }
    if let Some(index) = names
        .iter()
        .position(|name| name.ends_with("Regressor") || name.ends_with("Classifier"))
    {
        names = vec![names.swap_remove(index)];
    }
    let what = match &names[..] {
        [] => "an ONNX graph without a classifier".to_owned(),
        [name] => format!("the operator {name}"),
        _ => format!("an ONNX graph of {}", names.join(", ")),
    };
    ImportError::refused(what, INSTEAD)
}
