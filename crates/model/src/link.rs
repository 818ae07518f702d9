//! What is made of the raw values of a sum of trees.

use crate::{ModelError, Schema, Task};

/// From raw values to what the library delivers.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "function", rename_all = "lowercase", deny_unknown_fields)]
pub enum Link {
    /// The raw value itself.
    Identity,
    /// `1 / (1 + exp(-scale · raw))`: the probability of class 1 of two, of each class by itself, or
    /// a value in `0..=1`.
    Sigmoid {
        /// Positive; 1 but for libraries that stretch it.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        scale: f64,
    },
    /// `exp(raw_k) / Σ exp(raw_j)`, the probability of class k.
    Softmax,
    /// `exp(raw)`.
    Exp,
    /// `√2 · erf⁻¹(2 · raw − 1)` as ONNX Runtime approximates it, of raw values between 0 and 1; of any
    /// other, what it makes of the nearest.
    Probit,
    /// `-2^-raw`, scikit-learn's `score_samples`, where `raw` is a mean depth by that expected of
    /// random trees; an alarm where `score - offset < 0`.
    Isolation {
        /// scikit-learn's `offset_`, from -1 to below 0.
        offset: f64,
    },
}

/// A function that a model's values go through, for readers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinkWords {
    /// Its name: `the exponential function`.
    pub function: String,
    /// What the model predicts, made of the value before it: `exp(value / 2^20)`.
    pub formula: String,
}

impl Link {
    /// What a regressor's values go through, and the formula that does it with `raw`, an expression of
    /// raw values that binds as a product does; `None` where they go through nothing.
    pub fn words(self, raw: &str) -> Option<LinkWords> {
        let (function, formula) = match self {
            Self::Identity | Self::Softmax | Self::Isolation { .. } => return None,
            Self::Sigmoid { scale } if is_one(&scale) => {
                ("the sigmoid function", format!("1 / (1 + exp(-{raw}))"))
            }
            Self::Sigmoid { scale } => (
                "the sigmoid function",
                format!("1 / (1 + exp(-{scale} * {raw}))"),
            ),
            Self::Exp => ("the exponential function", format!("exp({raw})")),
            Self::Probit => (
                "the probit function",
                format!("sqrt(2) * erfinv(2 * {raw} - 1)"),
            ),
        };
        Some(LinkWords {
            function: function.to_owned(),
            formula,
        })
    }

    /// What it makes of raw values, one per output.
    pub(crate) fn of(self, raw: &[f64]) -> Vec<f64> {
        let each = |link: fn(f64) -> f64| raw.iter().map(|it| link(*it)).collect();
        match self {
            Self::Identity => raw.to_vec(),
            Self::Sigmoid { scale } => raw.iter().map(|it| sigmoid(scale * it)).collect(),
            Self::Exp => each(libm::exp),
            Self::Probit => each(probit),
            Self::Isolation { .. } => each(isolation_score),
            Self::Softmax => {
                let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let powers: Vec<f64> = raw.iter().map(|it| libm::exp(it - largest)).collect();
                let sum: f64 = powers.iter().sum();
                powers.iter().map(|it| it / sum).collect()
            }
        }
    }
}

pub(crate) fn one() -> f64 {
    1.0
}

pub(crate) fn is_one(number: &f64) -> bool {
    *number == 1.0
}

fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-margin))
}

/// scikit-learn's `score_samples` of an isolation forest: the lower, the more abnormal.
fn isolation_score(raw: f64) -> f64 {
    -libm::exp2(-raw)
}

/// Winitzki's approximation of the inverse error function, in the float32 that ONNX Runtime computes it
/// in: next to 0.5 its roundings make up to a thousandth of the value.
// Casts: float32 is the rule.
fn probit(raw: f64) -> f64 {
    // Below and above, 2 · raw − 1 is −1 and 1, which have no inverse.
    const MIN: f32 = f32::EPSILON / 4.0;
    const MAX: f32 = 1.0 - f32::EPSILON / 2.0;
    const A: f32 = 0.147;
    let x = 2.0 * (raw as f32).clamp(MIN, MAX) - 1.0;
    let log = libm::log(f64::from((1.0 - x) * (1.0 + x))) as f32;
    let half = 2.0 / (std::f32::consts::PI * A) + 0.5 * log;
    let square = (half * half - 1.0 / A * log).sqrt() - half;
    f64::from(std::f32::consts::SQRT_2 * square.sqrt().copysign(x))
}

/// Whether a link suits what a model delivers.
pub(crate) fn check_link(schema: &Schema, n_outputs: usize, link: Link) -> Result<(), ModelError> {
    let (name, suits) = match link {
        Link::Identity => ("identity", true),
        Link::Sigmoid { .. } => ("sigmoid", schema.task() != Task::Detect),
        Link::Softmax => ("softmax", schema.task() == Task::Classify && n_outputs > 1),
        Link::Exp => ("exp", schema.task() == Task::Regress),
        Link::Probit => ("probit", schema.task() == Task::Regress),
        Link::Isolation { .. } => ("isolation", schema.task() == Task::Detect),
    };
    if !suits {
        return Err(ModelError::new(
            "link.function",
            format!(
                "\"{name}\" for {n_outputs} output{} of a model that {}",
                if n_outputs == 1 { "" } else { "s" },
                match schema.task() {
                    Task::Classify => "classifies",
                    Task::Regress => "delivers values",
                    Task::Detect => "detects",
                }
            ),
            "identity; sigmoid, exp or probit for values; sigmoid, or softmax of several outputs, \
             for classes; isolation for a detector",
        ));
    }
    match link {
        Link::Sigmoid { scale } if !(scale.is_normal() && scale > 0.0) => Err(broken!(
            "link.scale"; "{scale}"; "a positive number"
        )),
        Link::Isolation { offset } if !(-1.0..0.0).contains(&offset) => Err(broken!(
            "link.offset"; "{offset}"; "a number from -1 to below 0, as scikit-learn's offset_"
        )),
        _ => Ok(()),
    }
}

/// The largest raw value that raises an alarm: scores rise with raw values, so bisection finds it.
pub(crate) fn last_alarm(offset: f64) -> f64 {
    let is_alarm = |raw: f64| isolation_score(raw) - offset < 0.0;
    // From here 2^-raw is 1 or more, or 0.
    let (mut alarm, mut quiet) = (-1.0_f64, 1_100.0_f64);
    loop {
        let middle = f64::midpoint(alarm, quiet);
        if middle <= alarm || middle >= quiet {
            return alarm;
        }
        if is_alarm(middle) {
            alarm = middle;
        } else {
            quiet = middle;
        }
    }
}
