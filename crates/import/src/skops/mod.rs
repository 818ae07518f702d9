//! skops files: a zip of `schema.json`, the object graph, and `.npy` members, its arrays.

mod estimator;
mod importance;
mod object;
mod steps;

use spinney_model::{Compare, FloatModel, limits};

use crate::fold::Feed;
use crate::{Format, ImportError, Imported, Origin};
use estimator::Classifier;
use object::{Object, Store};

/// Reads a skops file.
///
/// # Errors
/// As [`crate::import`].
pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let store = Store::open(bytes)?;
    let root = Object::root(&store)?;
    let mut chain = Vec::new();
    steps::flatten(&root, &mut chain)?;
    let (last, steps) = chain.split_last().ok_or_else(|| {
        ImportError::refused("an empty pipeline", "a pipeline that ends in a classifier")
    })?;
    let classifier = estimator::read(last)?;
    let feed = feed(steps, last, classifier.n_features())?;
    let mut notes = classifier.notes();
    let model = match classifier {
        Classifier::Forest { forest, .. } => {
            FloatModel::Forest(feed.fold_forest(forest, Compare::Float32, root.budget())?)
        }
        Classifier::GaussianNb(bayes) => FloatModel::GaussianNb(feed.fold_bayes(&bayes)?),
    };
    if model
        .schema()
        .features()
        .iter()
        .any(|feature| feature.compare == Compare::Float64)
        && matches!(model, FloatModel::Forest(_))
    {
        notes.push(
            "Scaled features are compared in float64, as scikit-learn scales float64 rows before \
             it casts them."
                .to_owned(),
        );
    }
    Ok(Imported {
        model,
        origin: Origin {
            format: Format::Skops,
            estimator: last.class_name().to_owned(),
            library: last
                .version()
                .map(|version| format!("scikit-learn {version}")),
            steps: steps
                .iter()
                .map(|step| step.class_name().to_owned())
                .collect(),
            notes,
        },
    })
}

/// Follows the raw features through the steps before the classifier.
fn feed(steps: &[Object], last: &Object, n_seen: usize) -> Result<Feed, ImportError> {
    let first = steps.first().unwrap_or(last);
    let n_raw = steps::n_features_in(first)?.unwrap_or(n_seen);
    limits::FEATURES.check(first.place(), n_raw)?;
    let names = first
        .find("feature_names_in_")
        .map(|names| names.labels())
        .transpose()?;
    if let Some(names) = &names
        && names.len() != n_raw
    {
        return Err(ImportError::broken(
            format!("{}.feature_names_in_", first.place()),
            format!("{} names", names.len()),
            format!("one per feature, {n_raw}"),
        ));
    }
    let mut inputs = crate::fold::Input::all(n_raw);
    for step in steps {
        inputs = steps::apply(step, inputs)?;
    }
    Ok(Feed {
        names,
        n_raw,
        inputs,
    })
}
