//! Errors of the crates as the exceptions of `spinney_ml.errors`, which have `where`, `found` and
//! `expected`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use spinney_import::ImportError;
use spinney_train::TrainError;

/// An exception of `spinney_ml.errors`, by its name.
pub fn raised(py: Python<'_>, exception: &str, place: &str, found: &str, expected: &str) -> PyErr {
    let made = py
        .import("spinney_ml.errors")
        .and_then(|module| module.getattr(exception))
        .and_then(|class| class.call1((place, found, expected)));
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}

/// What cannot be imported.
pub fn import(py: Python<'_>, error: ImportError) -> PyErr {
    let (place, found, expected) = match error {
        ImportError::Refused { what, instead } => ("the model".to_owned(), what, instead),
        ImportError::Broken {
            place,
            found,
            expected,
        } => (place, found, expected),
    };
    raised(py, "UnsupportedModelError", &place, &found, &expected)
}

/// Anything that has the three parts, as `QuantizationError`.
macro_rules! quantization {
    ($py:expr, $error:expr) => {{
        let error = $error;
        $crate::errors::raised(
            $py,
            "QuantizationError",
            &error.place,
            &error.found,
            &error.expected,
        )
    }};
}
pub(crate) use quantization;

/// Why training failed.
pub fn train(error: TrainError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
