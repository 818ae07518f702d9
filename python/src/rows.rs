//! Rows of readings from NumPy, borrowed: checked, and shared out to threads in chunks.

use ndarray::{Array2, ArrayView2};
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use rayon::prelude::*;
use spinney_batch::Reading;
use spinney_dataset::{Column, Columns, Dataset, Missing, Rows as DataRows, Target};
use spinney_model::{FloatModel, Naming};

use crate::pool::pool;

/// Rows that a thread takes at a time.
const CHUNK: usize = 256;

/// Rows of readings, C-contiguous, as NumPy holds them.
pub enum Rows<'py> {
    /// In float32.
    F32(PyReadonlyArray2<'py, f32>),
    /// In float64.
    F64(PyReadonlyArray2<'py, f64>),
}

impl<'py> Rows<'py> {
    /// Borrows an array.
    pub fn of(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(rows) = array.extract::<PyReadonlyArray2<'py, f32>>() {
            return Ok(Self::F32(rows));
        }
        array
            .extract::<PyReadonlyArray2<'py, f64>>()
            .map(Self::F64)
            .map_err(|_| PyTypeError::new_err("X: expected two dimensions of float32 or float64"))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        match self {
            Self::F32(rows) => rows.shape()[0],
            Self::F64(rows) => rows.shape()[0],
        }
    }

    /// The rows as a data set of a model's features, for calibration and proofs.
    pub fn dataset(&self, model: &FloatModel) -> PyResult<Dataset> {
        let schema = model.schema();
        let values = match self {
            Self::F32(rows) => {
                let rows = slice(rows)?;
                rows.view.mapv(f64::from)
            }
            Self::F64(rows) => slice(rows)?.view.to_owned(),
        };
        let rows = DataRows {
            features: schema.feature_names(),
            is_named: schema.naming() == Naming::Given,
            values,
        };
        let (n_rows, n_columns) = rows.values.dim();
        check_columns(n_columns, schema.n_features())?;
        let gaps = may_miss(model).then(|| {
            let missing = Column {
                missing: Some(Missing::Nan),
                categories: Vec::new(),
            };
            let names = schema.feature_names().into_iter();
            names.map(|name| (name, missing.clone())).collect()
        });
        let columns: Columns = gaps.unwrap_or_default();
        let target = Target::Numbers(Array2::zeros((n_rows, 1)));
        Dataset::known(rows, target, Vec::new(), &columns)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// What `per_row` writes for each row, `width` items each, row after row: on all threads, without
    /// the interpreter's lock.
    pub fn each<O, F32, F64>(
        &self,
        py: Python<'_>,
        asked: Asked<'_>,
        width: usize,
        on_f32: F32,
        on_f64: F64,
    ) -> PyResult<Vec<O>>
    where
        O: Clone + Default + Send,
        F32: Fn(ArrayView2<'_, f32>, &mut [O]) + Sync + Send,
        F64: Fn(ArrayView2<'_, f64>, &mut [O]) + Sync + Send,
    {
        match self {
            Self::F32(rows) => share_out(py, slice(rows)?.view, asked, width, on_f32),
            Self::F64(rows) => share_out(py, slice(rows)?.view, asked, width, on_f64),
        }
    }
}

/// The model that rows are for.
#[derive(Clone, Copy)]
pub struct Asked<'m> {
    /// The model.
    pub model: &'m FloatModel,
    /// What [`may_miss`] says of it.
    pub may_miss: bool,
}

/// Whether the model says where missing readings go, or has trees that ask for no reading at all.
pub fn may_miss(model: &FloatModel) -> bool {
    let nodes = model.trees().iter().flat_map(spinney_model::Tree::nodes);
    let has_sides = nodes.into_iter().any(|node| node.missing().is_some());
    has_sides || (!model.trees().is_empty() && model.n_splits() == 0)
}

struct Borrowed<'a, R> {
    view: ArrayView2<'a, R>,
}

fn slice<'a, R: numpy::Element>(rows: &'a PyReadonlyArray2<'_, R>) -> PyResult<Borrowed<'a, R>> {
    let shape = (rows.shape()[0], rows.shape()[1]);
    let readings = rows
        .as_slice()
        .map_err(|_| PyValueError::new_err("X: expected C-contiguous rows"))?;
    let view = ArrayView2::from_shape(shape, readings)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(Borrowed { view })
}

fn share_out<R: Reading + Into<f64>, O: Clone + Default + Send>(
    py: Python<'_>,
    rows: ArrayView2<'_, R>,
    asked: Asked<'_>,
    width: usize,
    work: impl Fn(ArrayView2<'_, R>, &mut [O]) + Sync + Send,
) -> PyResult<Vec<O>> {
    let schema = asked.model.schema();
    let n_features = schema.n_features();
    check_columns(rows.ncols(), n_features)?;
    let nan_is_allowed = asked.may_miss;
    let (done, fault) = py.detach(|| {
        let readings = rows.as_slice().expect("rows one after the other");
        let mut out = vec![O::default(); rows.nrows() * width];
        let chunk = |(index, (out, readings)): (usize, (&mut [O], &[R]))| {
            let fault = odd(readings, nan_is_allowed);
            if let Some(at) = fault {
                return Some(index * CHUNK * n_features + at);
            }
            let shape = (readings.len() / n_features, n_features);
            let rows = ArrayView2::from_shape(shape, readings).expect("whole rows");
            work(rows, out);
            None
        };
        let fault = match (rows.nrows() > CHUNK).then(pool).flatten() {
            None => {
                let outs = out.chunks_mut(CHUNK * width);
                let parts = outs.zip(readings.chunks(CHUNK * n_features)).enumerate();
                parts.filter_map(chunk).next()
            }
            Some(pool) => pool.install(|| {
                let outs = out.par_chunks_mut(CHUNK * width);
                let parts = outs.zip(readings.par_chunks(CHUNK * n_features));
                parts.enumerate().filter_map(chunk).min()
            }),
        };
        (out, fault)
    });
    let Some(at) = fault else {
        return Ok(done);
    };
    let (row, feature) = (at / n_features, at % n_features);
    let reading: f64 = rows[[row, feature]].into();
    let name = &schema.features()[feature].name;
    let kind = match reading {
        nan if nan.is_nan() => "NaN",
        far if far.is_infinite() => "infinity",
        _ => "a value too large for dtype('float32')",
    };
    let expected = match nan_is_allowed {
        true => "finite readings or NaN",
        false => "finite readings: the model was fitted without missing ones",
    };
    Err(PyValueError::new_err(format!(
        "Input X contains {kind}: found {reading:?} in row {row}, feature \"{name}\"; expected {expected}"
    )))
}

/// Refuses another number of columns, in the words of scikit-learn's own check.
fn check_columns(found: usize, expected: usize) -> PyResult<()> {
    if found == expected {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "X has {found} features, but the model is expecting {expected} features as input"
    )))
}

/// The first reading that no sensor delivers.
fn odd<R: Reading + Into<f64>>(readings: &[R], nan_is_allowed: bool) -> Option<usize> {
    let is_plain = |reading: &R| {
        let reading: f64 = (*reading).into();
        reading.abs() <= f64::from(f32::MAX) || (nan_is_allowed && reading.is_nan())
    };
    // Without an early end, which would take them one by one.
    let all_plain = |readings: &[R]| readings.iter().fold(true, |all, it| all & is_plain(it));
    let mut blocks = readings.chunks(4096).enumerate();
    let (index, block) = blocks.find(|(_, block)| !all_plain(block))?;
    let at = block.iter().position(|reading| !is_plain(reading))?;
    Some(index * 4096 + at)
}
