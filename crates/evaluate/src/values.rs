//! What a regressor is worth, and how far its values in Q15 are off those in float.

use serde::{Deserialize, Serialize};
use spinney_model::{Additive, FloatModel, Link, LinkWords};
use spinney_quantize::{Level, QuantModel, Sums};

/// What float and Q15 say of a target in each row, in the unit of its labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValuePredictions {
    /// The name of the target.
    pub target: String,
    /// The float model's value, finite.
    pub float: Vec<f64>,
    /// The quantized model's value, finite.
    pub q15: Vec<f64>,
    /// Per row the most that the two are proven to differ by; `None` where a split decides the row
    /// otherwise, as the certificate lists, so that nothing is proven of it.
    pub bounds: Vec<Option<f64>>,
    /// The most that they are proven to differ by for any input that no split decides otherwise.
    pub bound: f64,
    /// What one unit of a score is worth; `None` where a link is not linear.
    pub step: Option<f64>,
    /// What values go through that a device does not compute; `None` where that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkWords>,
}

impl ValuePredictions {
    /// Those of no row, one for each target; none of a model that gives no values.
    pub(crate) fn none(model: &FloatModel, quant: &QuantModel) -> Vec<Self> {
        let (Some(sum), Some(sums)) = (model.additive(), quant.sums()) else {
            return Vec::new();
        };
        let targets = model.schema().targets().iter().enumerate();
        let of_target = |(index, target): (usize, &String)| Self {
            target: target.clone(),
            float: Vec::new(),
            q15: Vec::new(),
            bounds: Vec::new(),
            bound: bound(sum, sums, index),
            step: (sum.link() == Link::Identity).then(|| unit(sums)),
            link: sum.link().words(&format!("value / 2^{}", sums.shift())),
        };
        targets.map(of_target).collect()
    }

    /// Adds a row to those of all targets.
    pub(crate) fn push(
        all: &mut [Self],
        sum: &Additive,
        sums: &Sums,
        row: &[f64],
        scores: &[i64],
        is_proven: bool,
    ) {
        let raw = sums.values(scores);
        let (float, q15) = (sum.linked(&sum.raw(row)), sum.linked(&raw));
        let errors = is_proven.then(|| sums.bounds_of(sum, row));
        for (index, target) in all.iter_mut().enumerate() {
            target.float.push(float[index]);
            target.q15.push(q15[index]);
            let bound = |error: f64| match sum.link() {
                Link::Identity => error,
                // Links rise, and so the ends are the furthest.
                _ => rise(sum, raw[index], error).max(rise(sum, raw[index] - error, error)),
            };
            target
                .bounds
                .push(errors.as_ref().map(|errors| bound(errors[index])));
        }
    }

    /// What a device's score of the target means in a row; `None` where only the host's own does.
    pub fn of_device(&self, row: usize, host: i64, device: i64) -> Option<f64> {
        if host == device {
            return Some(self.q15[row]);
        }
        Some(self.q15[row] + (device - host) as f64 * self.step?)
    }
}

/// The most that values of a model and its quantization are proven to differ by, whatever the target, for
/// any input that no split decides otherwise; `None` of a model that gives no values.
pub fn value_bound(model: &FloatModel, quant: &QuantModel) -> Option<f64> {
    let targets = ValuePredictions::none(model, quant).into_iter();
    targets.map(|target| target.bound).reduce(f64::max)
}

fn bound(sum: &Additive, sums: &Sums, target: usize) -> f64 {
    let raw = sums.bounds()[target];
    match sum.link() {
        Link::Sigmoid { scale } => raw * scale / 4.0,
        // Steepest at the top, where all trees give their most.
        Link::Exp => rise(sum, sum.raw_span(target).1, raw),
        // Steepest where the sum is next to 0 or 1.
        Link::Probit => {
            let (low, high) = sum.raw_span(target);
            rise(sum, high, raw).max(rise(sum, low - raw, raw))
        }
        Link::Identity | Link::Softmax | Link::Isolation { .. } => raw,
    }
}

/// The raw value that one unit of a score is.
pub(crate) fn unit(sums: &Sums) -> f64 {
    2.0_f64.powi(-i32::from(sums.shift()))
}

/// What the roundings of ONNX Runtime's probit may add to a difference of two of its values.
const PROBIT_ERROR: f64 = 2.5e-3;

/// By how much the link rises over an interval of raw values, rounded up.
fn rise(sum: &Additive, from: f64, over: f64) -> f64 {
    let linked = |raw: f64| sum.linked(&[raw])[0];
    let roundings = match sum.link() {
        Link::Probit => PROBIT_ERROR,
        _ => linked(from).abs() * 4.0 * f64::EPSILON,
    };
    (linked(from + over) - linked(from)) * (1.0 + 1e-9) + roundings
}

/// How far values are from the labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValueScore {
    /// Mean absolute error, in the unit of the labels, at least 0.
    pub mae: f64,
    /// Root of the mean squared error, in the unit of the labels, at least `mae`.
    pub rmse: f64,
    /// Coefficient of determination `1 − Σ(y − ŷ)² / Σ(y − ȳ)²`, at most 1; `None` where all labels are
    /// the same, of which nothing can be explained.
    pub r2: Option<f64>,
}

/// How good float and Q15 are at a target, and how far Q15 is off float.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueEvaluation {
    /// The name of the target.
    pub target: String,
    /// The float model; `None` without labels.
    pub float: Option<ValueScore>,
    /// The quantized model; `None` without labels.
    pub q15: Option<ValueScore>,
    /// The largest difference between the two on any row.
    pub error_max: f64,
    /// The mean difference between the two.
    pub error_mean: f64,
    /// What is proven of it for every input; `None` where some reading may be decided otherwise.
    pub error_bound: Option<f64>,
    /// The largest bound that is proven for any of the rows.
    pub row_bound_max: Option<f64>,
    /// Rows that are off by more than is proven of them, which refutes the proof.
    pub rows_beyond: usize,
    /// Rows of which nothing is proven.
    pub rows_parting: usize,
    /// Rows for plots: all, or so many that lie evenly among all.
    pub sample: Vec<ValueRow>,
    /// What values go through that a device does not compute; `None` where that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkWords>,
}

/// One row of a plot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValueRow {
    /// Its label; `None` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<f64>,
    /// What float says.
    pub float: f64,
    /// What Q15 says.
    pub q15: f64,
}

/// Rows of a plot, at the most.
const SAMPLED: usize = 300;

impl ValueScore {
    /// Scores `predicted` against `labels`, row by row; `None` without rows.
    ///
    /// # Panics
    /// If the two have different lengths.
    pub fn new(labels: &[f64], predicted: &[f64]) -> Option<Self> {
        assert_eq!(labels.len(), predicted.len(), "one prediction per label");
        if labels.is_empty() {
            return None;
        }
        let n = labels.len() as f64;
        let errors = || labels.iter().zip(predicted).map(|(y, it)| y - it);
        let squares: f64 = errors().map(|error| error * error).sum();
        let mean = labels.iter().sum::<f64>() / n;
        let spread: f64 = labels.iter().map(|y| (y - mean) * (y - mean)).sum();
        let is_same = labels.iter().all(|y| *y == labels[0]);
        Some(Self {
            mae: errors().map(f64::abs).sum::<f64>() / n,
            rmse: (squares / n).sqrt(),
            r2: (!is_same)
                .then(|| 1.0 - squares / spread)
                .filter(|it| it.is_finite()),
        })
    }
}

impl ValueEvaluation {
    /// Scores what float and Q15 say of rows; `labels` are theirs, if they have any, and `splits` is
    /// what is certified of splits.
    ///
    /// # Panics
    /// If there are other labels than rows.
    #[must_use]
    pub fn new(
        predictions: &ValuePredictions,
        labels: Option<&[f64]>,
        splits: Option<Level>,
    ) -> Self {
        let n_rows = predictions.q15.len();
        let pairs = predictions.float.iter().zip(&predictions.q15);
        let errors: Vec<f64> = pairs.map(|(float, q15)| (q15 - float).abs()).collect();
        let beyond = |(error, bound): (&f64, &Option<f64>)| bound.is_some_and(|it| *error > it);
        let n_sampled = n_rows.min(SAMPLED);
        Self {
            target: predictions.target.clone(),
            float: labels.and_then(|labels| ValueScore::new(labels, &predictions.float)),
            q15: labels.and_then(|labels| ValueScore::new(labels, &predictions.q15)),
            error_max: errors.iter().copied().fold(0.0, f64::max),
            error_mean: errors.iter().sum::<f64>() / n_rows.max(1) as f64,
            error_bound: (splits == Some(Level::EveryInput)).then_some(predictions.bound),
            row_bound_max: predictions
                .bounds
                .iter()
                .flatten()
                .copied()
                .reduce(f64::max),
            rows_beyond: (errors.iter().zip(&predictions.bounds))
                .filter(|it| beyond(*it))
                .count(),
            rows_parting: predictions.bounds.iter().filter(|it| it.is_none()).count(),
            sample: (0..n_sampled)
                .map(|index| index * n_rows / n_sampled)
                .map(|row| ValueRow {
                    label: labels.map(|labels| labels[row]),
                    float: predictions.float[row],
                    q15: predictions.q15[row],
                })
                .collect(),
            link: predictions.link.clone(),
        }
    }

    /// By how much Q15's mean absolute error exceeds float's, as a share of it, at least 0; of a float
    /// model without error, infinite unless Q15 has none either. `None` without labels.
    pub fn mae_growth(&self) -> Option<f64> {
        let (float, q15) = (self.float?.mae, self.q15?.mae);
        Some(if q15 <= float { 0.0 } else { q15 / float - 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::{SAMPLED, ValueEvaluation, ValuePredictions, ValueScore, rise};
    use spinney_model::FloatModel;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    /// The example of scikit-learn's documentation of `r2_score` and `mean_absolute_error`.
    #[test]
    fn scores_are_scikit_learns() {
        let score = ValueScore::new(&[3.0, -0.5, 2.0, 7.0], &[2.5, 0.0, 2.0, 8.0]).expect("rows");
        near(score.mae, 0.5);
        near(score.rmse, 0.375_f64.sqrt());
        near(
            score.r2.expect("labels that differ"),
            0.948_608_137_044_967_9,
        );
        let worse = ValueScore::new(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]).expect("rows");
        near(worse.r2.expect("labels that differ"), -3.0);
        let mean = ValueScore::new(&[1.0, 2.0, 3.0], &[2.0; 3]).expect("rows");
        near(mean.r2.expect("labels that differ"), 0.0);
        let same = ValueScore::new(&[0.1; 3], &[0.1, 0.1, 0.4]).expect("rows");
        assert_eq!(same.r2, None);
        assert_eq!(ValueScore::new(&[], &[]), None);
    }

    fn predictions(q15: &[f64], bounds: &[Option<f64>]) -> ValuePredictions {
        ValuePredictions {
            target: "y".to_owned(),
            float: vec![1.0; q15.len()],
            q15: q15.to_vec(),
            bounds: bounds.to_vec(),
            bound: 0.5,
            step: None,
            link: None,
        }
    }

    fn evaluation(predictions: &ValuePredictions, labels: Option<&[f64]>) -> ValueEvaluation {
        ValueEvaluation::new(predictions, labels, None)
    }

    #[test]
    fn rows_beyond_their_bound_refute_it() {
        let bounds = [Some(0.5), Some(0.25), None];
        let it = evaluation(&predictions(&[1.5, 0.75, 9.0], &bounds), None);
        assert_eq!((it.rows_beyond, it.rows_parting), (0, 1));
        assert_eq!((it.error_max, it.row_bound_max), (8.0, Some(0.5)));
        assert_eq!((it.q15, it.mae_growth()), (None, None));
        let it = evaluation(&predictions(&[1.5, 0.749, 9.0], &bounds), None);
        assert_eq!(it.rows_beyond, 1);
    }

    /// Next to 0.5 a probit falls and rises with its roundings.
    #[test]
    fn a_probit_rises_by_no_more_than_is_said() {
        let model = FloatModel::from_json(
            br#"{"format":"spinney-model","version":2,"kind":"additive","features":[{"name":"a"}],
            "task":"regress","targets":["y"],"sum":{"precision":"float32","base":[0.5]},
            "link":{"function":"probit"},"trees":[{"nodes":[{"value":[0.0]}]}]}"#,
        );
        let model = model.expect("a model");
        let sum = model.additive().expect("a sum");
        let (over, mut falls) = (1e-7, 0);
        for start in [1e-6, 0.3, 0.499_85, 0.5, 0.7, 1.0 - 1e-6] {
            for step in 0..2_000 {
                let from = start + f64::from(step) * 2e-8;
                let ends = [from, from + over].map(|raw| sum.linked(&[raw])[0]);
                falls += u32::from(ends[1] < ends[0]);
                let middle = sum.linked(&[from + over / 2.0])[0];
                let most = rise(sum, from, over);
                assert!(
                    ends.iter().all(|end| (end - middle).abs() <= most),
                    "{from}"
                );
            }
        }
        assert!(falls > 0);
    }

    #[test]
    fn growth_is_of_floats_own_error() {
        let growth = |labels: &[f64], q15: &[f64]| {
            let bounds = vec![None; q15.len()];
            evaluation(&predictions(q15, &bounds), Some(labels)).mae_growth()
        };
        assert_eq!(growth(&[2.0, 2.0], &[0.5, 1.0]), Some(0.25));
        assert_eq!(growth(&[2.0, 2.0], &[2.0, 2.0]), Some(0.0));
        assert_eq!(growth(&[1.0], &[1.0]), Some(0.0));
        assert_eq!(growth(&[1.0], &[1.1]), Some(f64::INFINITY));
    }

    #[test]
    fn plots_have_so_many_rows() {
        for n in [0, 1, SAMPLED, SAMPLED + 1, 10 * SAMPLED] {
            let q15: Vec<f64> = (0..n).map(|row| row as f64).collect();
            let it = evaluation(&predictions(&q15, &vec![None; n]), None);
            assert_eq!(it.sample.len(), n.min(SAMPLED));
            assert!(it.sample.is_sorted_by(|a, b| a.q15 < b.q15));
        }
    }
}
