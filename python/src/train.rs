//! Spinney's own trainers, for the estimators in Python.

use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use spinney_dataset::{Columns, Dataset, Rows, Target};
use spinney_import::{Format, Imported, Origin};
use spinney_model::{FloatModel, ForestKind};
use spinney_train::{
    ClassWeight, Criterion, ForestParams, MaxFeatures, MaxSamples, TrainError, forest, gaussian_nb,
};

use crate::errors;
use crate::model::Model;

/// Rows with the class index of each, and names where the caller's columns have them.
fn labelled(
    rows: &PyReadonlyArray2<'_, f64>,
    labels: &PyReadonlyArray1<'_, i64>,
    classes: Vec<String>,
    names: Option<Vec<String>>,
) -> PyResult<Dataset> {
    let fault = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
    let values = rows.as_array();
    let (n_rows, n_features) = values.dim();
    let values: Vec<f64> = values.iter().copied().collect();
    let values = ndarray::Array2::from_shape_vec((n_rows, n_features), values);
    let labels = labels.as_array();
    let of_row = labels.iter().map(|label| {
        let class = usize::try_from(*label).ok();
        class.filter(|class| *class < classes.len())
    });
    let of_row: Option<Vec<usize>> = of_row.collect();
    let of_row = of_row.ok_or_else(|| fault(&"labels: expected an index of a class for each"))?;
    let is_named = names.is_some();
    let names = names.unwrap_or_else(|| (0..n_features).map(|at| format!("x{at}")).collect());
    if names.len() != n_features {
        return Err(fault(&"feature names: expected one per column"));
    }
    let rows = Rows {
        features: names,
        is_named,
        values: values.map_err(|error| fault(&error))?,
    };
    let target = Target::Classes {
        names: classes,
        of_row,
    };
    Dataset::known(rows, target, Vec::new(), &Columns::new()).map_err(|error| fault(&error))
}

fn trained(model: Result<FloatModel, TrainError>) -> PyResult<Model> {
    let model = model.map_err(errors::train)?;
    Ok(Model::new(Imported {
        origin: Origin {
            format: Format::Json,
            estimator: model.kind().to_owned(),
            library: Some(format!("spinney {}", env!("CARGO_PKG_VERSION"))),
            steps: Vec::new(),
            notes: Vec::new(),
        },
        model,
    }))
}

/// Fits a tree or a forest.
#[pyfunction]
#[pyo3(signature = (rows, labels, classes, names, *, kind, n_trees, max_depth, min_samples_split,
    min_samples_leaf, max_leaf_nodes, max_features, criterion, bootstrap, max_samples, balanced,
    class_weights, min_impurity_decrease, ccp_alpha, seed))]
#[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
pub fn train_forest(
    py: Python<'_>,
    rows: PyReadonlyArray2<'_, f64>,
    labels: PyReadonlyArray1<'_, i64>,
    classes: Vec<String>,
    names: Option<Vec<String>>,
    kind: &str,
    n_trees: usize,
    max_depth: Option<usize>,
    min_samples_split: usize,
    min_samples_leaf: usize,
    max_leaf_nodes: Option<usize>,
    max_features: (String, f64),
    criterion: &str,
    bootstrap: bool,
    max_samples: Option<f64>,
    balanced: bool,
    class_weights: Option<Vec<f32>>,
    min_impurity_decrease: f64,
    ccp_alpha: f64,
    seed: u64,
) -> PyResult<Model> {
    let fault = |place: &str, found: &str, expected: &str| {
        PyValueError::new_err(format!("{place}: found {found}, expected {expected}"))
    };
    let kind = match kind {
        "decision-tree" => ForestKind::DecisionTree,
        "random-forest" => ForestKind::RandomForest,
        "extra-trees" => ForestKind::ExtraTrees,
        other => {
            let kinds = "\"decision-tree\", \"random-forest\" or \"extra-trees\"";
            return Err(fault("kind", &format!("{other:?}"), kinds));
        }
    };
    // Casts: a count from Python's integers.
    let max_features = match (max_features.0.as_str(), max_features.1) {
        ("all", _) => MaxFeatures::All,
        ("sqrt", _) => MaxFeatures::Sqrt,
        ("log2", _) => MaxFeatures::Log2,
        ("count", count) => MaxFeatures::Count(count as usize),
        ("fraction", fraction) => MaxFeatures::Fraction(fraction),
        (other, _) => {
            return Err(fault(
                "max_features",
                other,
                "\"sqrt\", \"log2\" or a number",
            ));
        }
    };
    let criterion = match criterion {
        "gini" => Criterion::Gini,
        "entropy" | "log_loss" => Criterion::Entropy,
        other => {
            return Err(fault(
                "criterion",
                other,
                "\"gini\", \"entropy\" or \"log_loss\"",
            ));
        }
    };
    let rows = labelled(&rows, &labels, classes, names)?;
    let params = ForestParams {
        max_depth,
        min_samples_split,
        min_samples_leaf,
        max_leaf_nodes,
        max_features,
        criterion,
        bootstrap,
        max_samples: max_samples.map_or(MaxSamples::All, MaxSamples::Fraction),
        class_weight: match balanced {
            true => ClassWeight::Balanced,
            false => ClassWeight::Uniform,
        },
        class_weights,
        min_impurity_decrease,
        ccp_alpha,
        ..ForestParams::new(kind, n_trees, seed)
    };
    trained(py.detach(|| forest(&rows, &params, &|_, _| {})))
}

/// Fits Gaussian naive Bayes.
#[pyfunction]
pub fn train_bayes(
    py: Python<'_>,
    rows: PyReadonlyArray2<'_, f64>,
    labels: PyReadonlyArray1<'_, i64>,
    classes: Vec<String>,
    names: Option<Vec<String>>,
    var_smoothing: f64,
) -> PyResult<Model> {
    let rows = labelled(&rows, &labels, classes, names)?;
    trained(py.detach(|| gaussian_nb(&rows, var_smoothing)))
}
