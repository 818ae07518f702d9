//! Selections of features, as the pipeline steps that they are.

use super::importance::{importances, pairwise_sum};
use super::object::Object;
use crate::ImportError;
use crate::fold::Input;

/// Keeps what a selection keeps; `None` of any other step.
pub(super) fn apply(step: &Object, inputs: Vec<Input>) -> Result<Option<Vec<Input>>, ImportError> {
    let n_features = inputs.len();
    if n_features == 0 {
        return Err(broken!(step.place(); "no feature to select from"; "at least one"));
    }
    // A selection of any kind says which, and has the one parameter of it under another name.
    let (class, param) = match step.class_name() {
        "GenericUnivariateSelect" => match step.get("mode")?.text()?.as_str() {
            "k_best" => ("SelectKBest", "param"),
            "percentile" => ("SelectPercentile", "param"),
            "fpr" => ("SelectFpr", "param"),
            "fdr" => ("SelectFdr", "param"),
            "fwe" => ("SelectFwe", "param"),
            _ => return Err(step.odd("a mode of percentile, k_best, fpr, fdr or fwe")),
        },
        "SelectKBest" => ("SelectKBest", "k"),
        "SelectPercentile" => ("SelectPercentile", "percentile"),
        class => (class, "alpha"),
    };
    let kept = match class {
        "VarianceThreshold" => {
            let threshold = step.get("threshold")?.number()?;
            let variances = step.get("variances_")?.numbers(n_features)?;
            select(step, inputs, |index| variances[index] > threshold)
        }
        "SelectKBest" => k_best(step, param, inputs),
        "SelectPercentile" => percentile(step, param, inputs),
        "SelectFpr" | "SelectFdr" | "SelectFwe" => by_chance(step, class, param, inputs),
        "RFE" | "RFECV" | "SequentialFeatureSelector" => {
            let support = step.get("support_")?.numbers(n_features)?;
            select(step, inputs, |index| support[index] > 0.0)
        }
        "SelectFromModel" => from_model(step, inputs),
        _ => return Ok(None),
    };
    kept.map(Some)
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
        return Err(broken!(step.place(); "no feature selected"; "at least one"));
    }
    Ok(kept)
}

/// Scores, of which those that are no numbers are the lowest.
fn scores(step: &Object, n: usize) -> Result<Vec<f64>, ImportError> {
    let mut scores = step.get("scores_")?.numbers(n)?;
    for score in &mut scores {
        // Adding zero makes the two zeros one.
        *score = if score.is_nan() {
            f64::MIN
        } else {
            *score + 0.0
        };
    }
    Ok(scores)
}

/// The `k` highest scores; of equal ones the later, as a stable sort has it.
fn k_best(step: &Object, param: &str, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let k = step.get(param)?;
    if k.text().is_ok_and(|k| k == "all") {
        return Ok(inputs);
    }
    let k = k.size()?;
    let scores = scores(step, inputs.len())?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut keep = vec![false; scores.len()];
    for index in order.iter().rev().take(k) {
        keep[*index] = true;
    }
    select(step, inputs, |index| keep[index])
}

/// Scores above a percentile, as NumPy interpolates it, and of those that are equal to it the first.
fn percentile(step: &Object, param: &str, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let percentile = step.get(param)?.number()?;
    if percentile >= 100.0 {
        return Ok(inputs);
    }
    let scores = scores(step, inputs.len())?;
    let mut sorted = scores.clone();
    sorted.sort_by(f64::total_cmp);
    let place = (100.0 - percentile) / 100.0 * (sorted.len() - 1) as f64;
    // Casts: an index.
    let below = (place.max(0.0) as usize).min(sorted.len() - 1);
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    // NumPy starts from the nearer end.
    let share = place.fract();
    let bound = match share >= 0.5 {
        true => high - (high - low) * (1.0 - share),
        false => low + (high - low) * share,
    };
    let mut keep: Vec<bool> = scores.iter().map(|score| *score > bound).collect();
    // Casts: a count.
    let n_max = (scores.len() as f64 * percentile / 100.0) as usize;
    let n_ties = n_max.saturating_sub(keep.iter().filter(|it| **it).count());
    let ties = (0..scores.len()).filter(|index| scores[*index].total_cmp(&bound).is_eq());
    for index in ties.take(n_ties) {
        keep[index] = true;
    }
    select(step, inputs, |index| keep[index])
}

/// What tests by chance leave: by their own level, by a rate of false discoveries, by a level of all.
fn by_chance(
    step: &Object,
    class: &str,
    param: &str,
    inputs: Vec<Input>,
) -> Result<Vec<Input>, ImportError> {
    let alpha = step.get(param)?.number()?;
    let n = inputs.len() as f64;
    let chances = step.get("pvalues_")?.numbers(inputs.len())?;
    let mut sorted = chances.clone();
    sorted.sort_by(f64::total_cmp);
    let discovered = sorted.iter().zip(1_u32..);
    let discovered = discovered.filter(|(it, rank)| **it <= alpha / n * f64::from(*rank));
    let last = discovered.map(|(it, _)| *it).last();
    select(step, inputs, |index| match class {
        "SelectFpr" => chances[index] < alpha,
        "SelectFwe" => chances[index] < alpha / n,
        _ => last.is_some_and(|last| chances[index] <= last),
    })
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
        _ => Err(broken!(
            format!("{}.threshold", step.place()); "\"{}\"", text.escape_default();
            "a number, mean or median, or a multiple of one"
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
        return Err(refused!(
            "SelectFromModel around {class} without a threshold"; "pass a number as threshold"
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
