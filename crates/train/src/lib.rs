//! Training: from labelled rows to the float model, through estimators with linfa's interface.
//!
//! What a library returns is converted at once; its own `predict` is never asked. This crate must
//! not know of configs or files.
//!
//! ```
//! use spinney_dataset::csv;
//! use spinney_train::gaussian_nb;
//!
//! let rows = csv::read(b"a,class\n1,low\n1.5,low\n6,high\n7,high\n", "class")?;
//! let model = gaussian_nb(&rows, 1e-9)?;
//! assert_eq!(model.kind(), "gaussian-nb");
//! assert_eq!(model.predict(&[6.5]), 0); // "high" comes before "low"
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bayes;
mod forest;
mod isolation;
mod linfa_forest;

use spinney_dataset::Dataset;
use spinney_model::{Compare, Feature, ModelError, Naming, Schema};

pub use bayes::gaussian_nb;
pub use forest::{ForestParams, forest};
pub use isolation::{depth_below, isolation_forest};
pub use linfa_forest::{LinfaEnsemble, LinfaForest, linfa_forest};
pub use spinney_forest::{ClassWeight, Criterion, MaxFeatures, MaxSamples};

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Rows that nothing can be learnt from.
    #[error("the training rows: found {found}, expected {expected}")]
    Rows {
        /// What is there.
        found: String,
        /// What is needed.
        expected: String,
    },
    /// A parameter that does not fit the rows.
    #[error("the trainer: {name}: found {found}, expected {expected}")]
    Parameter {
        /// As a config calls it.
        name: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        expected: &'static str,
    },
    /// The library failed.
    #[error("the trainer: {0}")]
    Library(String),
    /// The library's model is no model.
    #[error("the trained model: {0}")]
    Model(#[from] ModelError),
}

/// The schema of a model trained on `rows`: names as they have them, float32 comparisons, and at least two classes, each
/// with a row.
fn schema_of(rows: &Dataset) -> Result<Schema, TrainError> {
    let counts = rows.class_counts();
    if counts.len() < 2 {
        return Err(TrainError::Rows {
            found: format!("only the class \"{}\"", rows.classes().join(", ")),
            expected: "at least two classes to tell apart".to_owned(),
        });
    }
    if let Some(class) = counts.iter().position(|count| *count == 0) {
        return Err(TrainError::Rows {
            found: format!("no row of class \"{}\"", rows.classes()[class]),
            expected: "at least one row per class".to_owned(),
        });
    }
    let (features, naming) = features_of(rows);
    Ok(Schema::new(features, naming, rows.classes().to_vec())?)
}

/// The features of a model trained on `rows`.
fn features_of(rows: &Dataset) -> (Vec<Feature>, Naming) {
    let feature = |name: &String| Feature {
        name: name.clone(),
        compare: Compare::Float32,
        categories: Vec::new(),
    };
    let naming = if rows.is_named() {
        Naming::Given
    } else {
        Naming::Positional
    };
    (rows.features().iter().map(feature).collect(), naming)
}
