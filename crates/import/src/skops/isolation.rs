//! scikit-learn's isolation forest: the mean depth of leaves, by that expected of random trees.

use spinney_model::{AdditiveKind, Link};

use super::ensemble::{features, rename};
use super::estimator::{MissingValues, RawTree, n_features};
use super::object::Object;
use crate::ImportError;
use crate::draft::{Draft, Outputs};

/// Euler's constant, as NumPy has it.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// The mean of the depths of leaves, by that expected of random trees.
pub(super) fn isolation_forest(estimator: &Object) -> Result<Draft, ImportError> {
    let members = estimator.get("estimators_")?.items()?;
    let columns = estimator.get("estimators_features_")?.items()?;
    if columns.len() != members.len() {
        return Err(estimator.odd("a list of features beside each tree"));
    }
    let n_samples = match estimator.find("_max_samples") {
        Some(n_samples) => n_samples.size()?,
        None => estimator.get("max_samples_")?.size()?,
    };
    let divisor = members.len() as f64 * average_path_length(n_samples as f64);
    if n_samples < 2 {
        return Err(ImportError::refused(
            format!("{} with max_samples=1", estimator.shown_class()),
            "fit it with more samples per tree: of one, no depth can be expected",
        ));
    }
    let offset = estimator.get("offset_")?.number()?;
    let raw = members.iter().map(RawTree::read);
    let raw = raw.collect::<Result<Vec<_>, _>>()?;
    let keeps_sides = estimator.keeps_sides() || MissingValues::learnt_by(raw.iter());
    let mut trees = Vec::with_capacity(members.len());
    for ((member, raw), columns) in members.iter().zip(&raw).zip(&columns) {
        if !matches!(
            member.class_name(),
            "ExtraTreeRegressor" | "DecisionTreeRegressor"
        ) {
            return Err(member.odd("an ExtraTreeRegressor"));
        }
        let depths = raw.depths()?;
        let leaf = |index: usize| {
            let n_samples = raw.n_samples[index] as f64;
            vec![(depths[index] as f64 + 1.0 + average_path_length(n_samples)) - 1.0]
        };
        let mut tree = raw.draft(keeps_sides, Some(0), leaf)?;
        rename(&mut tree, &features(columns, None)?)?;
        trees.push(tree);
    }
    let (kind, n_features) = (AdditiveKind::IsolationForest, n_features(estimator)?);
    let mut draft = Draft::new(kind, n_features, Outputs::Detector, vec![0.0], trees);
    draft.sum.divisor = divisor;
    draft.link = Link::Isolation { offset };
    Ok(draft)
}

/// Mean depth of a leaf in a tree of random splits over `n` samples: c(n) of Liu, Ting and Zhou,
/// "Isolation Forest", 2008, as scikit-learn's `_average_path_length` approximates it.
fn average_path_length(n: f64) -> f64 {
    if n <= 1.0 {
        0.0
    } else if n <= 2.0 {
        1.0
    } else {
        2.0 * (libm::log(n - 1.0) + EULER_GAMMA) - 2.0 * (n - 1.0) / n
    }
}
