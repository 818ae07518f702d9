//! What stands behind an ensemble: operators that change nothing, that name classes, and those that a link
//! or a divisor says.

use std::collections::{HashMap, HashSet};

use super::graph::{Graph, Node, integers};
use super::proto;
use crate::ImportError;

/// What a graph delivers in the end.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Delivered {
    /// The scores themselves.
    Values,
    /// What the exponential function makes of them.
    Exponentials,
    /// The class of the largest score, by these labels or by number.
    Class(Option<Vec<String>>),
}

/// What stands behind an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tail {
    pub(super) delivered: Delivered,
    /// What scores are divided by.
    pub(super) divisor: f64,
    /// What is added to each score.
    pub(super) offset: f64,
    /// Whether scores become probabilities by a softmax.
    pub(super) is_softmax: bool,
    /// The text that stands for each label, where labels are encoded once more.
    labels: Option<HashMap<String, String>>,
}

impl Tail {
    const NOTHING: Self = Self {
        delivered: Delivered::Values,
        divisor: 1.0,
        offset: 0.0,
        is_softmax: false,
        labels: None,
    };

    /// Whether it makes other values of the scores.
    pub(super) fn is_function(&self) -> bool {
        self.is_softmax
            || self.delivered == Delivered::Exponentials
            || !(1.0..=1.0).contains(&self.divisor)
    }

    /// Follows the scores of a regression, of `TreeEnsemble`, or of several ensembles.
    ///
    /// # Errors
    /// An operator that is not known, by name; two results.
    pub(super) fn of_scores(graph: &Graph, value: &str) -> Result<Self, ImportError> {
        let mut results: Vec<Self> = Vec::new();
        let mut stack = vec![(value, Self::NOTHING)];
        let mut n_steps = 0;
        while let Some((value, tail)) = stack.pop() {
            n_steps += 1;
            if n_steps > graph.nodes.len() + 1 {
                return Err(ImportError::broken("the graph", "a cycle", "none"));
            }
            let users: Vec<&Node> = graph.users(value).collect();
            let is_result = graph.delivers(value);
            if (users.is_empty() || is_result) && !results.contains(&tail) {
                results.push(tail.clone());
            }
            if let Some(shares) = softmax(graph, &users) {
                if tail.is_softmax || tail.delivered != Delivered::Values {
                    return Err(refused(users[0]));
                }
                let next = Self {
                    is_softmax: true,
                    ..tail
                };
                stack.push((shares, next));
                continue;
            }
            for user in users {
                let next = tail.clone().behind(graph, user, value)?;
                stack.extend(user.outputs.first().map(|output| (output.as_str(), next)));
            }
        }
        // A class is made of scores that may be delivered, too.
        if let Some(class) = results
            .iter()
            .position(|it| matches!(it.delivered, Delivered::Class(_)))
        {
            let class = results.swap_remove(class);
            results.retain(|it| it.delivered != Delivered::Values && *it != class);
            results.push(class);
        }
        match <[Self; 1]>::try_from(results) {
            Ok([tail]) => Ok(tail),
            Err(_) => Err(refused!(
                "a graph of several results"; "one result, or scores and their ArgMax"
            )),
        }
    }

    fn behind(mut self, graph: &Graph, user: &Node, value: &str) -> Result<Self, ImportError> {
        let number = || {
            let other = usize::from(user.input(0) == value);
            let numbers = graph.numbers(user.input(other))?;
            match numbers[..] {
                [number] if number.is_finite() && number > 0.0 => Some(number),
                _ => None,
            }
        };
        let is_first = user.input(0) == value;
        match (user.op_type.as_str(), &mut self.delivered) {
            ("Identity" | "Cast" | "Reshape" | "Squeeze" | "Flatten" | "ZipMap", _) if is_first => {
            }
            ("Exp" | "Mul" | "Div", _) if self.is_softmax => return Err(refused(user)),
            ("Exp", delivered @ Delivered::Values) => *delivered = Delivered::Exponentials,
            ("Mul", Delivered::Values) => self.divisor /= number().ok_or_else(|| refused(user))?,
            ("Div", Delivered::Values) if is_first => {
                self.divisor *= number().ok_or_else(|| refused(user))?;
            }
            ("Mul", Delivered::Exponentials) => {
                self.offset += libm::log(number().ok_or_else(|| refused(user))?) * self.divisor;
            }
            ("ArgMax", delivered @ Delivered::Values) => {
                if !matches!(user.integer("axis", 0), 1 | -1) {
                    return Err(refused(user));
                }
                *delivered = Delivered::Class(None);
            }
            ("ArrayFeatureExtractor" | "Gather", Delivered::Class(labels @ None)) if !is_first => {
                let texts = graph.constant(user.input(0)).and_then(texts);
                *labels = Some(texts.ok_or_else(|| refused(user))?);
            }
            ("LabelEncoder", Delivered::Class(labels @ None)) => {
                *labels = Some(encoded(user).ok_or_else(|| refused(user))?);
            }
            _ => return Err(refused(user)),
        }
        Ok(self)
    }

    /// Follows labels and scores of a classifier; nothing may change either.
    ///
    /// # Errors
    /// An operator that is not known, by name.
    pub(super) fn of_classifier(graph: &Graph, classifier: &Node) -> Result<Self, ImportError> {
        let mut tail = Self::NOTHING;
        let mut values: Vec<&str> = classifier.outputs.iter().map(String::as_str).collect();
        let mut seen = HashSet::new();
        while let Some(value) = values.pop() {
            if !seen.insert(value) {
                continue;
            }
            for user in graph.users(value) {
                let is_one = || {
                    let other = usize::from(user.input(0) == value);
                    graph.numbers(user.input(other)).as_deref() == Some(&[1.0])
                };
                match user.op_type.as_str() {
                    // A softmax or proportions are of sum 1 already, and a class stays what it is.
                    "ZipMap" | "Cast" | "Identity" | "Reshape" | "Squeeze" | "Normalizer" => {}
                    "Mul" if is_one() => {}
                    "LabelEncoder" if tail.labels.is_none() => {
                        tail.labels = Some(pairs(user).ok_or_else(|| refused(user))?);
                    }
                    _ => return Err(refused(user)),
                }
                values.extend(user.outputs.iter().map(String::as_str));
            }
        }
        Ok(tail)
    }

    /// The names of classes behind what encodes labels, or what numbers the largest score.
    pub(super) fn named(&self, classes: &[String]) -> Result<Vec<String>, ImportError> {
        if let Delivered::Class(Some(labels)) = &self.delivered
            && labels.len() == classes.len()
        {
            return Ok(labels.clone());
        }
        let Some(labels) = &self.labels else {
            return Ok(classes.to_vec());
        };
        let renamed = classes.iter().map(|class| {
            labels.get(class).cloned().ok_or_else(|| {
                broken!(
                    "the operator LabelEncoder"; "no label for {}", crate::shown(class);
                    "one for each class"
                )
            })
        });
        renamed.collect()
    }
}

/// The quotients of exponentials and their sum, if that is what is made of scores: as skl2onnx has it, a sum
/// of 0 counts as 1.
fn softmax<'g>(graph: &'g Graph, users: &[&'g Node]) -> Option<&'g str> {
    let made = |value: &'g str, by: &str| graph.maker(value).filter(|it| it.op_type == by);
    let [exp] = users else { return None };
    let powers = exp.output(0);
    let mut of_powers = graph.users(powers).filter(|it| it.op_type != "ReduceSum");
    let (quotient, None) = (of_powers.next()?, of_powers.next()) else {
        return None;
    };
    let whole = made(quotient.input(1), "Add")?;
    let cast = made(whole.input(1), "Cast")?;
    let is_zero = made(cast.input(0), "Equal")?;
    let total = made(whole.input(0), "Reshape")?;
    let sum = made(total.input(0), "ReduceSum")?;
    let axes = graph.integers(sum.input(1));
    let axes = axes.as_deref().unwrap_or(sum.integers("axes"));
    let is_known = exp.op_type == "Exp"
        && quotient.op_type == "Div"
        && quotient.input(0) == powers
        && sum.input(0) == powers
        && axes == [1]
        && graph.integers(total.input(1))? == [-1, 1]
        && made(is_zero.input(0), "Cast")?.input(0) == whole.input(0)
        && graph.numbers(is_zero.input(1))? == [0.0];
    is_known.then(|| quotient.output(0))
}

fn refused(user: &Node) -> ImportError {
    user.refused("after the classifier")
}

/// Texts or integers of a tensor, as text.
pub(super) fn texts(tensor: &proto::Tensor) -> Option<Vec<String>> {
    if tensor.data_type == proto::STRING {
        let texts = tensor.string_data.iter();
        return texts
            .map(|text| String::from_utf8(text.clone()).ok())
            .collect();
    }
    Some(integers(tensor)?.iter().map(i64::to_string).collect())
}

/// What a `LabelEncoder` makes of what.
fn pairs(user: &Node) -> Option<HashMap<String, String>> {
    let list = |name: &str| {
        let integers = user.integers(&format!("{name}_int64s"));
        match integers {
            [] => user.texts(&format!("{name}_strings")),
            _ => integers.iter().map(i64::to_string).collect(),
        }
    };
    let (keys, values) = (list("keys"), list("values"));
    let suits = !keys.is_empty() && keys.len() == values.len();
    suits.then(|| keys.into_iter().zip(values).collect())
}

/// Labels of the numbers 0, 1, …, by a `LabelEncoder`.
fn encoded(user: &Node) -> Option<Vec<String>> {
    let labels = pairs(user)?;
    (0..labels.len())
        .map(|index| labels.get(&index.to_string()).cloned())
        .collect()
}
