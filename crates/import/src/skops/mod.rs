//! skops files: a zip of `schema.json`, the object graph, and `.npy` members, its arrays.

mod bayes;
mod boosting;
mod columns;
mod encoders;
mod ensemble;
mod estimator;
mod importance;
mod isolation;
mod object;
mod selection;
mod steps;
mod wrapped;

use spinney_model::{AdditiveKind, Compare, FloatModel, limits};

use crate::draft::Kind;
use crate::fold::{Feed, Input, Words};
use crate::{Format, ImportError, Imported, Origin};
use estimator::Estimator;
use object::{Object, Store};

pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    read(&Store::open(bytes, false)?)
}

/// The same, with the sides of missing readings that no row taught.
pub(crate) fn import_with_sides(bytes: &[u8]) -> Result<Imported, ImportError> {
    read(&Store::open(bytes, true)?)
}

fn read(store: &Store) -> Result<Imported, ImportError> {
    let root = Object::root(store)?;
    let mut chain = Vec::new();
    let mut wrappers = Vec::new();
    steps::flatten(&root, &mut chain, &mut wrappers)?;
    let (last, steps) = chain.split_last().ok_or_else(|| {
        ImportError::refused("an empty pipeline", "a pipeline that ends in an estimator")
    })?;
    let mut notes = Vec::new();
    let mut estimator = estimator::read(last, &mut notes)?;
    // Histogram boosting has an encoder of its own, since 1.4.
    let own = last.find("_preprocessor");
    let feed = feed(steps, last, own, estimator.n_features())?;
    for wrapper in wrappers.iter().rev() {
        estimator = wrapped::apply(wrapper, estimator, &mut notes)?;
    }
    let model = match estimator {
        Estimator::Trees(draft) => {
            use AdditiveKind::{BernoulliNb, CategoricalNb, HistGradientBoosting};
            let cast = match draft.kind {
                Kind::Additive(HistGradientBoosting | BernoulliNb | CategoricalNb) => {
                    Compare::Float64
                }
                _ => Compare::Float32,
            };
            let model = feed.fold(draft, cast, root.budget())?;
            let mut features = model.schema().features().iter();
            if cast == Compare::Float32 && features.any(|it| it.compare == Compare::Float64) {
                notes.push(
                    "Scaled features are compared in float64, as scikit-learn scales float64 rows before \
                     it casts them."
                        .to_owned(),
                );
            }
            model
        }
        Estimator::GaussianNb(bayes) => FloatModel::GaussianNb(feed.fold_bayes(&bayes)?),
    };
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
                .chain(&wrappers)
                .map(|step| step.class_name().to_owned())
                .collect(),
            notes,
        },
    })
}

/// Follows the raw features through the steps before the classifier.
fn feed(
    steps: &[Object],
    last: &Object,
    own: Option<Object>,
    n_seen: usize,
) -> Result<Feed, ImportError> {
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
        return Err(broken!(
            format!("{}.feature_names_in_", first.place()); "{} names", names.len();
            "one per feature, {n_raw}"
        ));
    }
    let mut inputs = Input::all(n_raw);
    let mut words = Words::new();
    for step in steps.iter().chain(&own) {
        inputs = steps::apply(step, inputs, &mut words)?;
    }
    Ok(Feed {
        names,
        n_raw,
        words,
        inputs,
    })
}
