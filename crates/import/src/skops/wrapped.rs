//! What stands around an estimator and changes what it delivers by a factor and a term, which go into its
//! leaves: the sigmoid of a `CalibratedClassifierCV`, and the target of a `TransformedTargetRegressor`.

use spinney_model::{AdditiveKind, Link, Node, Precision, Sum};

use super::estimator::Estimator;
use super::object::Object;
use crate::ImportError;
use crate::draft::{Draft, DraftTree, Outputs};

/// The estimator inside, of either.
///
/// # Errors
/// A calibration of several estimators, whose mean of sigmoids is no sum of trees.
pub(super) fn inside<'s>(wrapper: &Object<'s>) -> Result<Object<'s>, ImportError> {
    if wrapper.class_name() == "TransformedTargetRegressor" {
        return wrapper.get("regressor_");
    }
    let one = calibrated(wrapper)?;
    one.find("estimator")
        .map_or_else(|| one.get("base_estimator"), Ok)
}

/// The one calibrated estimator.
fn calibrated<'s>(wrapper: &Object<'s>) -> Result<Object<'s>, ImportError> {
    match &wrapper.get("calibrated_classifiers_")?.items()?[..] {
        [one] => Ok(one.clone()),
        several => Err(ImportError::refused(
            format!("a CalibratedClassifierCV of {} estimators", several.len()),
            "a mean of sigmoids is no sum of trees: fit it with ensemble=False, or around a \
             FrozenEstimator",
        )),
    }
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
        _ => sigmoid(wrapper, estimator, notes),
    }
}

/// `1 / (1 + exp(a · raw + b))` for each class, or for the second of two.
fn sigmoid(
    wrapper: &Object,
    estimator: Estimator,
    notes: &mut Vec<String>,
) -> Result<Estimator, ImportError> {
    let refused = |what: &str, instead: &str| {
        ImportError::refused(format!("a CalibratedClassifierCV {what}"), instead)
    };
    let one = calibrated(wrapper)?;
    let method = one
        .find("method")
        .map_or_else(|| wrapper.get("method"), Ok)?;
    if method.text()? != "sigmoid" {
        return Err(refused(
            "of another method than sigmoid",
            "only a sigmoid is a factor and a term, and so leaves a sum of trees one: fit it with \
             method=\"sigmoid\"",
        ));
    }
    let mut draft = match estimator {
        Estimator::Forest { forest, .. } => of_votes(forest),
        Estimator::Additive(draft) => draft,
        Estimator::GaussianNb(_) => {
            return Err(refused(
                "around GaussianNB",
                "calibrate trees, or leave it out",
            ));
        }
    };
    let classes = match &draft.outputs {
        Outputs::Classes(classes) => classes.clone(),
        _ => return Err(refused("around no classifier", "leave it out")),
    };
    let n = draft.n_outputs();
    let calibrators = one.get("calibrators")?.items()?;
    if calibrators.len() != n {
        return Err(refused(
            "of another number of calibrators than the estimator has scores",
            "fit it on rows of all classes",
        ));
    }
    // Raw values of AdaBoost are those of decision_function by the number of rivals.
    let by = match draft.kind {
        AdditiveKind::AdaBoost if n > 1 => (n - 1) as f64,
        _ => 1.0,
    };
    let mut lines = Vec::with_capacity(n);
    for calibrator in &calibrators {
        let number = |name: &str| calibrator.get(name)?.number();
        lines.push((-by * number("a_")?, -number("b_")?));
    }
    scale(&mut draft, &lines);
    draft.link = Link::Sigmoid { scale: 1.0 };
    draft.threshold = (n == 1).then_some(0.0);
    if classes.len() > 2 {
        notes.push(
            "A calibrated probability is each class's own; scikit-learn divides them by their sum. \
             Classes are the same."
                .to_owned(),
        );
    }
    Ok(Estimator::Additive(draft))
}

/// The votes of a forest as a mean: of the second class, where there are two.
fn of_votes(forest: spinney_model::Forest) -> Draft {
    let classes = forest.schema().classes().to_vec();
    let n_features = forest.schema().n_features();
    let is_one = classes.len() == 2;
    let trees: Vec<DraftTree> = forest
        .into_trees()
        .into_iter()
        .map(|tree| {
            let mut nodes = tree.into_nodes();
            for node in &mut nodes {
                if let Node::Leaf { values } = node {
                    values.drain(..usize::from(is_one));
                }
            }
            DraftTree {
                nodes,
                output: None,
            }
        })
        .collect();
    Draft {
        kind: AdditiveKind::Voting,
        n_features,
        sum: Sum {
            precision: Precision::Float64,
            base: vec![0.0; if is_one { 1 } else { classes.len() }],
            divisor: trees.len() as f64,
        },
        outputs: Outputs::Classes(classes),
        trees,
        link: Link::Identity,
        threshold: None,
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
    let Estimator::Additive(mut draft) = estimator else {
        return Err(refused("around no regressor"));
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
    Ok(Estimator::Additive(draft))
}

/// A factor and a term for the raw value of each output.
fn scale(draft: &mut Draft, lines: &[(f64, f64)]) {
    for (base, (factor, term)) in draft.sum.base.iter_mut().zip(lines) {
        *base = *base * factor + term * draft.sum.divisor;
    }
    for tree in &mut draft.trees {
        let first = tree.output.unwrap_or(0);
        for node in &mut tree.nodes {
            if let Node::Leaf { values } = node {
                for (value, (factor, _)) in values.iter_mut().zip(&lines[first..]) {
                    *value *= factor;
                }
            }
        }
    }
}
