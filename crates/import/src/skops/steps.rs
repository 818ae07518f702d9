//! The pipeline steps that can be folded: scalers, and selections of features.

use super::estimator::unsupported;
use super::importance::{importances, pairwise_sum};
use super::object::Object;
use crate::ImportError;
use crate::fold::{Input, Op};

/// Bytes that a step may add to a feature: three operations.
const STEP_BYTES: u64 = 96;

/// Puts an estimator, or a pipeline's steps in order, pipelines within pipelines too, into
/// `chain`; steps that pass through are left out.
pub(super) fn flatten<'s>(
    estimator: &Object<'s>,
    chain: &mut Vec<Object<'s>>,
) -> Result<(), ImportError> {
    let wrapped = match estimator.class_name() {
        _ if !estimator.is_sklearn() => None,
        "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV" => {
            Some("best_estimator_")
        }
        "FrozenEstimator" => Some("estimator"),
        _ => None,
    };
    if let Some(wrapped) = wrapped {
        return flatten(&estimator.get(wrapped)?, chain);
    }
    if estimator.class_name() != "Pipeline" || !estimator.is_sklearn() {
        chain.push(estimator.clone());
        return Ok(());
    }
    for step in estimator.get("steps")?.items()? {
        let [_, step] = &step.items()?[..] else {
            return Err(step.odd("a name and an estimator"));
        };
        if !step.is_none() && step.text().ok().as_deref() != Some("passthrough") {
            flatten(step, chain)?;
        }
    }
    Ok(())
}

/// Passes the features through one step.
///
/// # Errors
/// A step that cannot be folded, by name, or another number of features than it was fitted on.
pub(super) fn apply(step: &Object, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let n_features = inputs.len();
    step.budget()
        .take_items(step.place(), n_features, STEP_BYTES)?;
    if let Some(fitted) = n_features_in(step)?
        && fitted != n_features
    {
        return Err(ImportError::broken(
            step.place(),
            format!("a fit on {fitted} features"),
            format!("the {n_features} of the step before"),
        ));
    }
    match step.class_name() {
        _ if !step.is_sklearn() => Err(unfoldable(step)),
        "StandardScaler" => standard(step, inputs),
        "MinMaxScaler" => min_max(step, inputs),
        "MaxAbsScaler" => max_abs(step, inputs),
        "SimpleImputer" => impute(step, inputs),
        "VarianceThreshold" => {
            let threshold = step.get("threshold")?.number()?;
            let variances = step.get("variances_")?.numbers(n_features)?;
            select(step, inputs, |index| variances[index] > threshold)
        }
        "SelectKBest" => k_best(step, inputs),
        "SelectFromModel" => from_model(step, inputs),
        _ => Err(unfoldable(step)),
    }
}

/// The number of features that an estimator was fitted on; `SelectFromModel` leaves it to the
/// estimator inside.
pub(super) fn n_features_in(step: &Object) -> Result<Option<usize>, ImportError> {
    let inside = || step.find("estimator_").or_else(|| step.find("estimator"));
    step.find("n_features_in_")
        .or_else(|| inside()?.find("n_features_in_"))
        .map(|count| count.size())
        .transpose()
}

fn unfoldable(step: &Object) -> ImportError {
    let class = step.class_name();
    let instead = match class {
        _ if !step.is_sklearn() => "custom code is not run; prepare the rows before the pipeline",
        "RobustScaler" | "QuantileTransformer" | "PowerTransformer" | "Normalizer" => {
            "StandardScaler, MinMaxScaler and MaxAbsScaler are folded; trees need no scaling at all"
        }
        "SelectPercentile"
        | "SelectFpr"
        | "SelectFdr"
        | "SelectFwe"
        | "GenericUnivariateSelect"
        | "RFE"
        | "RFECV"
        | "SequentialFeatureSelector" => {
            "VarianceThreshold, SelectKBest and SelectFromModel are folded"
        }
        "KNNImputer" | "IterativeImputer" => {
            "a device's readings are never missing: fill the rows before the pipeline and fit again"
        }
        "ColumnTransformer" | "FeatureUnion" => {
            "scale all columns with one scaler, or prepare them before the rows reach the pipeline"
        }
        _ if class.ends_with("Classifier") || class.ends_with("NB") => {
            return unsupported(step);
        }
        _ => {
            "StandardScaler, MinMaxScaler, MaxAbsScaler, VarianceThreshold, SelectKBest and \
             SelectFromModel are folded; compute anything else before the rows reach the pipeline"
        }
    };
    ImportError::refused(format!("the pipeline step {}", step.shown_class()), instead)
}

/// Appends an operation with one constant per feature.
fn push(
    step: &Object,
    inputs: &mut [Input],
    constants: &[f64],
    op: fn(f64) -> Op,
) -> Result<(), ImportError> {
    for (index, (input, constant)) in inputs.iter_mut().zip(constants).enumerate() {
        input
            .ops
            .push(op(*constant).checked(step.class_name(), index)?);
    }
    Ok(())
}

/// `X -= mean_; X /= scale_`.
fn standard(step: &Object, mut inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let n_features = inputs.len();
    if step.get("with_mean")?.flag()? {
        let means = step.get("mean_")?.numbers(n_features)?;
        push(step, &mut inputs, &means, Op::Subtract)?;
    }
    if step.get("with_std")?.flag()? {
        let scales = step.get("scale_")?.numbers(n_features)?;
        push(step, &mut inputs, &scales, Op::Divide)?;
    }
    Ok(inputs)
}

/// `X *= scale_; X += min_`, then perhaps a clip to the feature range.
fn min_max(step: &Object, mut inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let n_features = inputs.len();
    let scales = step.get("scale_")?.numbers(n_features)?;
    push(step, &mut inputs, &scales, Op::Multiply)?;
    let mins = step.get("min_")?.numbers(n_features)?;
    push(step, &mut inputs, &mins, Op::Add)?;
    if is_clipped(step)? {
        let range = step.get("feature_range")?;
        let [low, high] = &range.items()?[..] else {
            return Err(range.odd("two numbers"));
        };
        clip(step, &mut inputs, low.number()?, high.number()?)?;
    }
    Ok(inputs)
}

/// `X /= scale_`, then perhaps a clip to −1..1.
fn max_abs(step: &Object, mut inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let n_features = inputs.len();
    let scales = step.get("scale_")?.numbers(n_features)?;
    push(step, &mut inputs, &scales, Op::Divide)?;
    if is_clipped(step)? {
        clip(step, &mut inputs, -1.0, 1.0)?;
    }
    Ok(inputs)
}

/// `statistics_` in the place of NaN.
fn impute(step: &Object, mut inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let marks_nan = step.get("missing_values")?.number().is_ok_and(f64::is_nan);
    let adds_columns = step
        .find("add_indicator")
        .map_or(Ok(false), |it| it.flag())?;
    if !marks_nan || adds_columns {
        return Err(ImportError::refused(
            "a SimpleImputer of another mark than NaN, or with add_indicator",
            "mark what is missing by NaN, and fit with add_indicator=False",
        ));
    }
    let statistics = step.get("statistics_")?.numbers(inputs.len())?;
    push(step, &mut inputs, &statistics, Op::Impute)?;
    Ok(inputs)
}

fn is_clipped(step: &Object) -> Result<bool, ImportError> {
    step.find("clip").map_or(Ok(false), |clip| clip.flag())
}

fn clip(step: &Object, inputs: &mut [Input], low: f64, high: f64) -> Result<(), ImportError> {
    for (index, input) in inputs.iter_mut().enumerate() {
        input
            .ops
            .push(Op::Clip { low, high }.checked(step.class_name(), index)?);
    }
    Ok(())
}

fn select(
    step: &Object,
    inputs: Vec<Input>,
    keep: impl Fn(usize) -> bool,
) -> Result<Vec<Input>, ImportError> {
    let kept: Vec<Input> = inputs
        .into_iter()
        .enumerate()
        .filter(|(index, _)| keep(*index))
        .map(|(_, input)| input)
        .collect();
    if kept.is_empty() {
        return Err(ImportError::broken(
            step.place(),
            "no feature selected",
            "at least one",
        ));
    }
    Ok(kept)
}

/// The `k` highest scores; of equal ones the later, as a stable sort has it.
fn k_best(step: &Object, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let k = step.get("k")?;
    if k.text().is_ok_and(|k| k == "all") {
        return Ok(inputs);
    }
    let k = k.size()?;
    let mut scores = step.get("scores_")?.numbers(inputs.len())?;
    for score in &mut scores {
        // Adding zero makes the two zeros one.
        *score = if score.is_nan() {
            f64::MIN
        } else {
            *score + 0.0
        };
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut keep = vec![false; scores.len()];
    for index in order.iter().rev().take(k) {
        keep[*index] = true;
    }
    select(step, inputs, |index| keep[index])
}

/// Importances at or above a threshold, and among the `max_features` highest.
fn from_model(step: &Object, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    if step.get("importance_getter")?.text().ok().as_deref() != Some("auto") {
        return Err(ImportError::refused(
            "SelectFromModel with an importance_getter",
            "importance_getter=\"auto\", or SelectKBest",
        ));
    }
    let fitted = match step.find("estimator_") {
        Some(fitted) => fitted,
        None => step.get("estimator")?,
    };
    let norm_order = step
        .find("norm_order")
        .map_or(Ok(1.0), |order| order.number())?;
    let scores = importances(&fitted, inputs.len(), norm_order)?;
    let threshold = importance_threshold(step, &fitted, &scores)?;
    // A score that is no number is not below the threshold, and is kept.
    let below = |score: f64| score < threshold;
    let mut keep: Vec<bool> = scores.iter().map(|score| !below(*score)).collect();
    if step.find("max_features").is_some() {
        let n_max = match step.find("max_features_") {
            Some(n_max) => n_max.size()?,
            None => step.get("max_features")?.size()?,
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        for index in order.iter().skip(n_max) {
            keep[*index] = false;
        }
    }
    select(step, inputs, |index| keep[index])
}

/// What `threshold` means: a number, the mean or the median, or a multiple of one of them.
fn importance_threshold(
    step: &Object,
    fitted: &Object,
    scores: &[f64],
) -> Result<f64, ImportError> {
    let text = match step.find("threshold") {
        None if is_l1(fitted)? => return Ok(1e-5),
        None => "mean".to_owned(),
        Some(threshold) => match threshold.number() {
            Ok(number) => return Ok(number),
            Err(_) => threshold.text()?,
        },
    };
    let (factor, reference) = match text.split_once('*') {
        Some((factor, reference)) => (factor.trim().parse().ok(), reference.trim()),
        None => (Some(1.0), text.as_str()),
    };
    let reference = match reference {
        "mean" => Some(pairwise_sum(scores) / scores.len() as f64),
        "median" => Some(median(scores)),
        _ => None,
    };
    match (factor, reference) {
        (Some(factor), Some(reference)) => Ok::<f64, ImportError>(factor * reference),
        _ => Err(ImportError::broken(
            format!("{}.threshold", step.place()),
            format!("\"{}\"", text.escape_default()),
            "a number, mean or median, or a multiple of one",
        )),
    }
}

/// Whether a linear model was fitted with an L1 penalty, for which the threshold is 1e-5.
fn is_l1(fitted: &Object) -> Result<bool, ImportError> {
    let class = fitted.class_name();
    let penalty = fitted
        .find("penalty")
        .and_then(|penalty| penalty.text().ok());
    let ratio = |name: &str| {
        fitted
            .find(name)
            .and_then(|ratio| ratio.number().ok())
            .is_some_and(|ratio| (ratio - 1.0).abs() <= 1e-8 + 1e-5)
    };
    if class.ends_with("CV") && (class.starts_with("ElasticNet") || class.starts_with("Logistic")) {
        return Err(ImportError::refused(
            format!("SelectFromModel around {class} without a threshold"),
            "pass a number as threshold",
        ));
    }
    Ok(penalty.as_deref() == Some("l1")
        || class.contains("Lasso")
        || (class == "ElasticNet" || class == "LogisticRegression") && ratio("l1_ratio"))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}
