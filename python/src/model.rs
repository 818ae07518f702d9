//! The float model: read from bytes, described, and predicting as its library does.

use std::sync::Arc;

use ndarray::ArrayView2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use spinney_dataset::Rows as DataRows;
use spinney_import::{Format, Imported, describe, import};
use spinney_model::{FloatModel, Naming, Output, Task};

use crate::errors;
use crate::rows::{Asked, Rows, may_miss};

/// A float model, with what its file said of itself.
#[pyclass(frozen, module = "spinney_ml._spinney")]
pub struct Model {
    imported: Arc<Imported>,
    may_miss: bool,
}

impl Model {
    /// A model that was imported, trained or restored.
    pub fn new(imported: Imported) -> Self {
        Self {
            may_miss: may_miss(&imported.model),
            imported: Arc::new(imported),
        }
    }

    /// The model itself.
    pub fn float(&self) -> &FloatModel {
        &self.imported.model
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            model: self.float(),
            may_miss: self.may_miss,
        }
    }

    fn each<'py, O: Clone + Default + Send>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
        width: usize,
        put: impl Fn(&[f64], &mut [O]) + Sync + Send,
    ) -> PyResult<Vec<O>> {
        let model = self.asked();
        let on_f32 = |rows: ArrayView2<'_, f32>, out: &mut [O]| {
            for (row, out) in rows.rows().into_iter().zip(out.chunks_mut(width)) {
                put(&row.mapv(f64::from).to_vec(), out);
            }
        };
        let on_f64 = |rows: ArrayView2<'_, f64>, out: &mut [O]| {
            for (row, out) in rows.rows().into_iter().zip(out.chunks_mut(width)) {
                put(&row.to_vec(), out);
            }
        };
        Rows::of(rows)?.each(py, model, width, on_f32, on_f64)
    }
}

#[pymethods]
impl Model {
    /// Reads the bytes of a model file.
    #[staticmethod]
    fn read(py: Python<'_>, bytes: &[u8]) -> PyResult<Self> {
        py.detach(|| import(bytes))
            .map(Self::new)
            .map_err(|error| errors::import(py, error))
    }

    /// The canonical JSON, which `read` reads.
    fn to_json(&self) -> String {
        self.float().to_json()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.float().kind()
    }

    #[getter]
    fn task(&self) -> &'static str {
        match self.float().task() {
            Task::Classify => "classify",
            Task::Regress => "regress",
            Task::Detect => "detect",
        }
    }

    #[getter]
    fn feature_names(&self) -> Vec<String> {
        self.float().schema().feature_names()
    }

    #[getter]
    fn features_named(&self) -> bool {
        self.float().schema().naming() == Naming::Given
    }

    /// The words of each feature, in their places; none of a feature of numbers.
    #[getter]
    fn categories(&self) -> Vec<Vec<String>> {
        let features = self.float().schema().features().iter();
        features.map(|feature| feature.categories.clone()).collect()
    }

    /// Whether a model of XGBoost knows categories by place alone; `None` where its file is not
    /// XGBoost's own, and so does not say.
    #[getter]
    fn has_places_alone(&self) -> Option<bool> {
        let origin = &self.imported.origin;
        let is_its_own = matches!(origin.format, Format::XgboostJson | Format::XgboostUbjson);
        is_its_own.then(|| origin.has_places_alone())
    }

    #[getter]
    fn outputs(&self) -> Vec<String> {
        self.float().schema().outputs().to_vec()
    }

    #[getter]
    fn n_trees(&self) -> usize {
        self.float().trees().len()
    }

    #[getter]
    fn n_splits(&self) -> usize {
        self.float().n_splits()
    }

    #[getter]
    fn depth(&self) -> usize {
        self.float().depth()
    }

    #[getter]
    fn may_miss(&self) -> bool {
        self.may_miss
    }

    /// What `spinney inspect` prints, as text.
    fn text(&self) -> String {
        describe(&self.imported).to_string()
    }

    /// The same as JSON.
    fn json(&self) -> PyResult<String> {
        serde_json::to_string(&describe(&self.imported))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// For each feature the column of these names that holds it; `None` where they are in order.
    fn columns(&self, names: Vec<String>) -> PyResult<Option<Vec<usize>>> {
        let schema = self.float().schema();
        let positions = (0..names.len()).map(|at| at as f64).collect();
        let values = ndarray::Array2::from_shape_vec((1, names.len()), positions);
        let rows = DataRows {
            features: names,
            is_named: true,
            values: values.map_err(|error| PyValueError::new_err(error.to_string()))?,
        };
        let n_columns = rows.values.ncols();
        let is_named = schema.naming() == Naming::Given;
        let ordered = rows
            .with_features(&schema.feature_names(), is_named)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        // Casts: positions from above.
        let columns: Vec<usize> = ordered.values.iter().map(|at| *at as usize).collect();
        let is_whole = columns.len() == n_columns && columns.iter().copied().eq(0..n_columns);
        Ok((!is_whole).then_some(columns))
    }

    /// The class index of each row.
    fn classes<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let model = self.float();
        let classes = self.each(py, rows, 1, |row, out| {
            out[0] = i64::try_from(model.predict(row)).unwrap_or(i64::MAX);
        })?;
        Ok(classes.into_pyarray(py))
    }

    /// The probability of each class.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let model = self.float();
        let width = model.schema().outputs().len();
        let found = self.each(py, rows, width, |row, out| {
            out.copy_from_slice(&model.probabilities(row));
        })?;
        found
            .into_pyarray(py)
            .reshape([Rows::of(rows)?.n_rows(), width])
    }

    /// The values of each row, one per target; of a detector its score.
    fn values<'py>(
        &self,
        py: Python<'py>,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let model = self.float();
        let width = match model.task() {
            Task::Regress => model.schema().outputs().len(),
            Task::Detect | Task::Classify => 1,
        };
        let found = self.each(py, rows, width, |row, out| match model.output(row) {
            Output::Values(values) => out.copy_from_slice(&values),
            Output::Score { score, .. } => out[0] = score,
            Output::Class(class) => out[0] = class as f64,
        })?;
        found
            .into_pyarray(py)
            .reshape([Rows::of(rows)?.n_rows(), width])
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let json = slf.get().to_json();
        let read = slf.get_type().getattr("read")?;
        Ok((read, (PyBytes::new(slf.py(), json.as_bytes()),)))
    }
}
