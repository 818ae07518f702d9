//! Gaussian naive Bayes by linfa-bayes, whose parameters come out through its serde form.

use std::collections::BTreeMap;

use linfa::traits::Fit;
use linfa_bayes::GaussianNb as LinfaBayes;
use ndarray::{Array1, ArrayView1};
use serde::Deserialize;
use spinney_dataset::{Dataset, csv};
use spinney_model::{FloatModel, GaussianNb};

use crate::{TrainError, schema_of};

/// What linfa-bayes serializes, as far as it is needed here.
#[derive(Deserialize)]
struct Fitted {
    class_info: BTreeMap<String, FittedClass>,
}

#[derive(Deserialize)]
struct FittedClass {
    prior: f64,
    theta: FittedArray,
    sigma: FittedArray,
}

/// ndarray's serde form of a vector.
#[derive(Deserialize)]
struct FittedArray {
    data: Vec<f64>,
}

/// Fits means, variances and priors; `var_smoothing` times the largest variance of any feature is
/// added to each, as scikit-learn does.
///
/// # Errors
/// Fewer than two classes, columns none of which varies, or whatever linfa refuses.
pub fn gaussian_nb(rows: &Dataset, var_smoothing: f64) -> Result<FloatModel, TrainError> {
    let schema = schema_of(rows)?;
    let varies = |column: ArrayView1<'_, f64>| column.iter().any(|it| *it != column[0]);
    if !rows.values().columns().into_iter().any(varies) {
        return Err(TrainError::Rows {
            found: format!(
                "the same reading in every row of each column: {}",
                csv::preview(rows.features())
            ),
            expected: "a column whose readings differ".to_owned(),
        });
    }
    let library = |error: &dyn std::fmt::Display| TrainError::Library(error.to_string());
    let dataset = linfa::Dataset::new(rows.values().clone(), Array1::from(rows.labels().to_vec()));
    let fitted = LinfaBayes::params()
        .var_smoothing(var_smoothing)
        .fit(&dataset)
        .map_err(|error| library(&error))?;
    let json = serde_json::to_value(&fitted).map_err(|error| library(&error))?;
    let fitted: Fitted = serde_json::from_value(json).map_err(|error| library(&error))?;
    let mut log_priors = Vec::new();
    let mut means = Vec::new();
    let mut variances = Vec::new();
    for class in 0..schema.n_classes() {
        let info = fitted
            .class_info
            .get(&class.to_string())
            .ok_or_else(|| TrainError::Library(format!("no parameters for class {class}")))?;
        log_priors.push(libm::log(info.prior));
        means.push(info.theta.data.clone());
        variances.push(info.sigma.data.clone());
    }
    Ok(FloatModel::GaussianNb(GaussianNb::new(
        schema, log_priors, means, variances,
    )?))
}
