//! What stands around an estimator and changes what it delivers: by a factor and a term, which go into its
//! leaves (the sigmoid of a `CalibratedClassifierCV`, the target of a `TransformedTargetRegressor`), or by
//! curves that rise, of which the class of two keeps the score at which it changes.

use spinney_model::{AdditiveKind, Link};

use super::estimator::Estimator;
use super::object::Object;
use crate::ImportError;
use crate::draft::{Draft, DraftTree, Kind, Outputs};
use crate::fold::largest;

/// The estimator inside, of either.
///
/// # Errors
/// A calibration of several estimators, whose mean of curves is no sum of trees.
pub(super) fn inside<'s>(wrapper: &Object<'s>) -> Result<Object<'s>, ImportError> {
    if wrapper.class_name() == "TransformedTargetRegressor" {
        return wrapper.get("regressor_");
    }
    let members = wrapper.get("calibrated_classifiers_")?.items()?;
    let estimators = members.iter().map(|one| {
        one.find("estimator")
            .map_or_else(|| one.get("base_estimator"), Ok)
    });
    let estimators = estimators.collect::<Result<Vec<_>, _>>()?;
    match &estimators[..] {
        [first, rest @ ..] if rest.iter().all(|it| it.is_same(first)) => Ok(first.clone()),
        several => Err(refused(
            &format!("of {} estimators", several.len()),
            "a mean of sigmoids is no sum of trees: fit it with ensemble=False, or around a \
             FrozenEstimator",
        )),
    }
}

fn refused(what: &str, instead: &str) -> ImportError {
    ImportError::refused(format!("a CalibratedClassifierCV {what}"), instead)
}

/// Puts what a wrapper does to an estimator into it.
///
/// # Errors
/// A calibration or a transformation that is none of a factor and a term.
pub(super) fn apply(
    wrapper: &Object,
    estimator: Estimator,
    notes: &mut Vec<String>,
) -> Result<Estimator, ImportError> {
    match wrapper.class_name() {
        "TransformedTargetRegressor" => untransformed(wrapper, estimator),
        _ => calibrated(wrapper, estimator, notes),
    }
}

fn calibrated(
    wrapper: &Object,
    estimator: Estimator,
    notes: &mut Vec<String>,
) -> Result<Estimator, ImportError> {
    let of_bayes = || refused("around naive Bayes", "calibrate trees, or leave it out");
    let Estimator::Trees(mut draft) = estimator else {
        return Err(of_bayes());
    };
    // Its probabilities are calibrated, not the sums that softmax makes them of.
    if matches!(
        draft.kind,
        Kind::Additive(AdditiveKind::BernoulliNb | AdditiveKind::CategoricalNb)
    ) {
        return Err(of_bayes());
    }
    if matches!(draft.kind, Kind::Forest(_)) {
        of_votes(&mut draft);
    }
    if !matches!(draft.outputs, Outputs::Classes(_)) {
        return Err(refused("around no classifier", "leave it out"));
    }
    let n = draft.n_outputs();
    let mut curves = Vec::new();
    for member in wrapper.get("calibrated_classifiers_")?.items()? {
        let calibrators = member.get("calibrators")?.items()?;
        if calibrators.len() != n {
            return Err(refused(
                "of another number of calibrators than the estimator has scores",
                "fit it on rows of all classes",
            ));
        }
        for calibrator in &calibrators {
            curves.push(Curve::read(calibrator)?);
        }
    }
    // Raw values of AdaBoost are those of decision_function by the number of rivals.
    let by = match draft.kind {
        Kind::Additive(AdditiveKind::AdaBoost) if n > 1 => (n - 1) as f64,
        _ => 1.0,
    };
    let lines = curves.iter().map(|curve| match curve {
        Curve::Sigmoid { factor, term } => Some((-by * factor, -term)),
        Curve::Steps { .. } => None,
    });
    match lines.collect::<Option<Vec<_>>>() {
        Some(lines) if curves.len() == n => {
            scale(&mut draft, &lines);
            draft.link = Link::Sigmoid { scale: 1.0 };
            draft.threshold = (n == 1).then_some(0.0);
            if n > 1 {
                notes.push(
                    "A calibrated probability is each class's own; scikit-learn divides them by their \
                     sum. Classes are the same."
                        .to_owned(),
                );
            }
        }
        _ if n > 1 => {
            return Err(refused(
                "of more than two classes, of another method than one sigmoid each,",
                "each class has a curve of its own, which may lift it above a class of a higher score: \
                 fit it with method=\"sigmoid\" and ensemble=False",
            ));
        }
        _ => {
            draft.threshold = Some(changes_at(&curves)?);
            draft.link = Link::Identity;
            notes.push(
                "The calibration rises with the score, so the class keeps the score at which it \
                 changes, found to the last bit. Calibrated probabilities are not kept."
                    .to_owned(),
            );
        }
    }
    Ok(Estimator::Trees(draft))
}

/// What makes a probability of a score.
enum Curve {
    /// `1 / (1 + exp(factor · score + term))`.
    Sigmoid { factor: f64, term: f64 },
    /// Straight lines between points that rise, level before and behind them.
    Steps { scores: Vec<f64>, shares: Vec<f64> },
}

impl Curve {
    fn read(calibrator: &Object) -> Result<Self, ImportError> {
        match calibrator.class_name() {
            "_SigmoidCalibration" if calibrator.is_sklearn() => Ok(Self::Sigmoid {
                factor: calibrator.get("a_")?.number()?,
                term: calibrator.get("b_")?.number()?,
            }),
            "IsotonicRegression" if calibrator.is_sklearn() => {
                let list = |name: &str| calibrator.get(name)?.list_of_numbers();
                let (scores, shares) = (list("X_thresholds_")?, list("y_thresholds_")?);
                // Comparisons with NaN fail.
                let rise = |list: &[f64]| list.is_sorted() && list.iter().all(|it| it.is_finite());
                let suits = scores.len() == shares.len() && !scores.is_empty();
                if !(suits && rise(&scores) && rise(&shares)) {
                    return Err(calibrator.odd("as many thresholds of X as of y, ascending"));
                }
                Ok(Self::Steps { scores, shares })
            }
            _ => Err(refused(
                &format!("by {}", calibrator.shown_class()),
                "fit it with method=\"sigmoid\", or of two classes with method=\"isotonic\"",
            )),
        }
    }

    fn at(&self, score: f64) -> f64 {
        match self {
            Self::Sigmoid { factor, term } => 1.0 / (1.0 + libm::exp(factor * score + term)),
            Self::Steps { scores, shares } => {
                // As NumPy interpolates.
                let behind = scores.partition_point(|it| *it <= score);
                match (behind.checked_sub(1), scores.get(behind)) {
                    (None, _) => shares[0],
                    (Some(last), None) => shares[last],
                    (Some(at), Some(next)) => {
                        let slope = (shares[at + 1] - shares[at]) / (next - scores[at]);
                        slope * (score - scores[at]) + shares[at]
                    }
                }
            }
        }
    }
}

/// The largest score at which the mean of curves does not say the second class.
fn changes_at(curves: &[Curve]) -> Result<f64, ImportError> {
    let falls = |curve: &Curve| matches!(curve, Curve::Sigmoid { factor, .. } if *factor > 0.0);
    if curves.iter().any(falls) {
        return Err(refused(
            "of several sigmoids of which one falls",
            "its mean may say a class twice: fit it with ensemble=False",
        ));
    }
    let is_first = |score: f64| {
        let shares = curves.iter().map(|curve| curve.at(score));
        let [mut first, mut second] = [0.0; 2];
        for share in shares {
            first += 1.0 - share;
            second += share;
        }
        second <= first
    };
    match largest(is_first) {
        Some(score) if score < f64::MAX => Ok(score),
        _ => Err(refused(
            "that gives one class to every score",
            "leave it out, or calibrate on more rows",
        )),
    }
}

/// The votes of a forest as a mean: of the second class, where there are two.
fn of_votes(draft: &mut Draft) {
    draft.kind = Kind::Additive(AdditiveKind::Voting);
    if draft.n_outputs() == 2 {
        draft.sum.base.pop();
        for values in draft.trees.iter_mut().flat_map(DraftTree::leaves_mut) {
            values.remove(0);
        }
    }
}

/// The inverse of what a scaler did to the target.
fn untransformed(wrapper: &Object, estimator: Estimator) -> Result<Estimator, ImportError> {
    let refused = |what: &str| {
        ImportError::refused(
            format!("a TransformedTargetRegressor {what}"),
            "only a factor and a term leave a sum of trees one: transform the target by a scaler, or \
             by nothing",
        )
    };
    let transformer = wrapper.get("transformer_")?;
    let of = |name: &str, default: f64| match transformer.find(name) {
        Some(numbers) => numbers.list_of_numbers(),
        None => Ok(vec![default]),
    };
    let (factors, terms) = match transformer.class_name() {
        _ if !transformer.is_sklearn() => return Err(refused("by code of its own")),
        "FunctionTransformer" if transformer.find("inverse_func").is_none() => {
            (vec![1.0], vec![0.0])
        }
        "FunctionTransformer" => return Err(refused("by a function")),
        // A mean may be there that is not taken off.
        "StandardScaler" if !transformer.get("with_mean")?.flag()? => {
            (of("scale_", 1.0)?, vec![0.0])
        }
        "StandardScaler" => (of("scale_", 1.0)?, of("mean_", 0.0)?),
        "RobustScaler" => (of("scale_", 1.0)?, of("center_", 0.0)?),
        "MaxAbsScaler" => (of("scale_", 1.0)?, vec![0.0]),
        "MinMaxScaler" => {
            let (scales, mins) = (of("scale_", 1.0)?, of("min_", 0.0)?);
            let terms = mins.iter().zip(&scales).map(|(min, scale)| -min / scale);
            (
                scales.iter().map(|scale| 1.0 / scale).collect(),
                terms.collect(),
            )
        }
        _ => return Err(refused(&format!("by {}", transformer.shown_class()))),
    };
    let mut draft = match estimator {
        Estimator::Trees(draft) if matches!(draft.kind, Kind::Additive(_)) => draft,
        _ => return Err(refused("around no regressor")),
    };
    let n = draft.n_outputs();
    let has_line = |list: &[f64]| list.len() == 1 || list.len() == n;
    if draft.link != Link::Identity || !has_line(&factors) || !has_line(&terms) {
        return Err(refused("around a model whose values are no plain sums"));
    }
    let lines: Vec<(f64, f64)> = (0..n)
        .map(|at| (factors[at % factors.len()], terms[at % terms.len()]))
        .collect();
    scale(&mut draft, &lines);
    Ok(Estimator::Trees(draft))
}

/// A factor and a term for the raw value of each output.
fn scale(draft: &mut Draft, lines: &[(f64, f64)]) {
    for (base, (factor, term)) in draft.sum.base.iter_mut().zip(lines) {
        *base = *base * factor + term * draft.sum.divisor;
    }
    for tree in &mut draft.trees {
        let first = tree.output.unwrap_or(0);
        for values in tree.leaves_mut() {
            for (value, (factor, _)) in values.iter_mut().zip(&lines[first..]) {
                *value *= factor;
            }
        }
    }
}
