//! The pipeline steps that can be folded: here scalers; `encoders.rs`, `columns.rs` and `selection.rs`
//! have the others.

use super::estimator::unsupported;
use super::object::Object;
use super::{columns, encoders, selection, wrapped};
use crate::ImportError;
use crate::fold::{Input, Op, Words};

/// Bytes that a step may add to a feature: three operations.
pub(super) const STEP_BYTES: u64 = 96;

/// Puts an estimator, or a pipeline's steps in order, pipelines within pipelines too, into
/// `chain`; steps that pass through are left out. What changes its results goes into `wrappers`.
pub(super) fn flatten<'s>(
    estimator: &Object<'s>,
    chain: &mut Vec<Object<'s>>,
    wrappers: &mut Vec<Object<'s>>,
) -> Result<(), ImportError> {
    match estimator.class_name() {
        _ if !estimator.is_sklearn() => chain.push(estimator.clone()),
        "GridSearchCV" | "RandomizedSearchCV" | "HalvingGridSearchCV" | "HalvingRandomSearchCV" => {
            flatten(&estimator.get("best_estimator_")?, chain, wrappers)?;
        }
        "FrozenEstimator" => flatten(&estimator.get("estimator")?, chain, wrappers)?,
        "CalibratedClassifierCV" | "TransformedTargetRegressor" => {
            wrappers.push(estimator.clone());
            flatten(&wrapped::inside(estimator)?, chain, wrappers)?;
        }
        "Pipeline" => {
            for step in estimator.get("steps")?.items()? {
                let [_, step] = &step.items()?[..] else {
                    return Err(step.odd("a name and an estimator"));
                };
                if !step.is_none() && step.text().ok().as_deref() != Some("passthrough") {
                    flatten(step, chain, wrappers)?;
                }
            }
        }
        _ => chain.push(estimator.clone()),
    }
    Ok(())
}

/// Passes the features through one step, or through those of a pipeline.
///
/// # Errors
/// A step that cannot be folded, by name, or another number of features than it was fitted on.
pub(super) fn apply(
    step: &Object,
    mut inputs: Vec<Input>,
    words: &mut Words,
) -> Result<Vec<Input>, ImportError> {
    let n_features = inputs.len();
    step.budget()
        .take_items(step.place(), n_features, STEP_BYTES)?;
    if let Some(fitted) = n_features_in(step)?
        && fitted != n_features
    {
        return Err(broken!(
            step.place(); "a fit on {fitted} features"; "the {n_features} of the step before"
        ));
    }
    match step.class_name() {
        _ if !step.is_sklearn() => Err(unfoldable(step)),
        "Pipeline" => {
            let mut chain = Vec::new();
            flatten(step, &mut chain, &mut Vec::new())?;
            chain
                .iter()
                .try_fold(inputs, |inputs, step| apply(step, inputs, words))
        }
        "ColumnTransformer" | "FeatureUnion" => columns::apply(step, &inputs, words),
        "FunctionTransformer" if is_identity(step) => Ok(inputs),
        "StandardScaler" => scaled(step, inputs, ["with_mean", "mean_", "with_std"]),
        "RobustScaler" => scaled(step, inputs, ["with_centering", "center_", "with_scaling"]),
        "MinMaxScaler" => {
            push(step, &mut inputs, "scale_", Op::Multiply)?;
            push(step, &mut inputs, "min_", Op::Add)?;
            clip(step, &mut inputs, || {
                let range = step.get("feature_range")?;
                match &range.items()?[..] {
                    [low, high] => Ok([low.number()?, high.number()?]),
                    _ => Err(range.odd("two numbers")),
                }
            })?;
            Ok(inputs)
        }
        "MaxAbsScaler" => {
            push(step, &mut inputs, "scale_", Op::Divide)?;
            clip(step, &mut inputs, || Ok([-1.0, 1.0]))?;
            Ok(inputs)
        }
        "SimpleImputer" => encoders::impute(step, inputs),
        "OrdinalEncoder" => encoders::ordinal(step, inputs, words),
        "OneHotEncoder" => encoders::one_hot(step, inputs, words),
        "TargetEncoder" => encoders::target(step, inputs, words),
        "KBinsDiscretizer" => encoders::bins(step, inputs),
        "Binarizer" => {
            let threshold = step.get("threshold")?.number()?;
            inputs
                .iter_mut()
                .for_each(|input| input.ops.push(Op::Above(threshold)));
            Ok(inputs)
        }
        _ => selection::apply(step, inputs)?.ok_or_else(|| unfoldable(step)),
    }
}

/// Whether a function gives back what it was given: none, or the check that histogram boosting has
/// before its numbers.
fn is_identity(step: &Object) -> bool {
    step.find("func").is_none_or(|func| {
        let inner = func.find("func");
        func.class_name() == "partial" && inner.is_some_and(|it| it.class_name() == "check_array")
    })
}

/// The number of features that an estimator was fitted on; `SelectFromModel` leaves it to the
/// estimator inside.
pub(super) fn n_features_in(step: &Object) -> Result<Option<usize>, ImportError> {
    if step.class_name() == "FeatureUnion" {
        let parts = step.get("transformer_list")?.items()?;
        let first = parts.first().map(Object::items).transpose()?;
        return match first.as_deref() {
            Some([_, first]) => n_features_in(first),
            _ => Ok(None),
        };
    }
    if step.class_name() == "Pipeline" {
        let mut chain = Vec::new();
        flatten(step, &mut chain, &mut Vec::new())?;
        return chain.first().map_or(Ok(None), n_features_in);
    }
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
        "QuantileTransformer" | "PowerTransformer" | "Normalizer" => {
            "StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler are folded; trees need no \
             scaling at all"
        }
        "KNNImputer" | "IterativeImputer" => {
            "SimpleImputer is folded; or leave gaps to a HistGradientBoosting model"
        }
        "FunctionTransformer" => "a function is not run; prepare the rows before the pipeline",
        _ if class.ends_with("Classifier") || class.ends_with("NB") => {
            return unsupported(step);
        }
        _ => {
            "scalers, SimpleImputer, OrdinalEncoder, OneHotEncoder, TargetEncoder, KBinsDiscretizer, \
             Binarizer and selections are folded; compute anything else before the rows reach the pipeline"
        }
    };
    ImportError::refused(format!("the pipeline step {}", step.shown_class()), instead)
}

/// Appends an operation with one constant per feature, by the name of the attribute that has them.
fn push(
    step: &Object,
    inputs: &mut [Input],
    constants: &str,
    op: fn(f64) -> Op,
) -> Result<(), ImportError> {
    let constants = step.get(constants)?.numbers(inputs.len())?;
    for (index, (input, constant)) in inputs.iter_mut().zip(constants).enumerate() {
        let op = op(constant).checked(step.class_name(), index)?;
        input.ops.push(op);
    }
    Ok(())
}

/// `X -= center; X /= scale_`, by the names of the flags and of the center.
fn scaled(
    step: &Object,
    mut inputs: Vec<Input>,
    [with_center, center, with_scale]: [&str; 3],
) -> Result<Vec<Input>, ImportError> {
    if step.get(with_center)?.flag()? {
        push(step, &mut inputs, center, Op::Subtract)?;
    }
    if step.get(with_scale)?.flag()? {
        push(step, &mut inputs, "scale_", Op::Divide)?;
    }
    Ok(inputs)
}

/// Clips to a range, if the step does.
fn clip(
    step: &Object,
    inputs: &mut [Input],
    range: impl Fn() -> Result<[f64; 2], ImportError>,
) -> Result<(), ImportError> {
    if !step.find("clip").map_or(Ok(false), |clip| clip.flag())? {
        return Ok(());
    }
    let [low, high] = range()?;
    for (index, input) in inputs.iter_mut().enumerate() {
        let op = Op::Clip { low, high };
        input.ops.push(op.checked(step.class_name(), index)?);
    }
    Ok(())
}
