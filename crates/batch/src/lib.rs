//! Batches of rows on a host: the classes and scores of a quantized model, bit for bit as a device
//! computes them, from float readings.
//!
//! Forests are walked without branches, blocks of rows one after the other through several trees at
//! once; naive Bayes adds up the squares of several rows at once. Readings are not coded
//! for forests: a split's code is compared as the reading (`cut.rs`) or the byte (`forest.rs`) that
//! parts readings where the code does. Codes of naive Bayes are the runtime's own.
//!
//! This crate must not know of files, configs or where a model came from.
//!
//! ```
//! use spinney_batch::Predictor;
//! # use spinney_quantize::{CodeWidth, Declared, Options, QuantModel, Votes, calibrate};
//! # use spinney_model::{FloatModel, Voting};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let float = FloatModel::from_json(br#"{"format":"spinney-model","version":1,
//! #     "kind":"decision-tree","features":[{"name":"a"}],"classes":["low","high"],"trees":[{"nodes":[
//! #     {"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#)?;
//! # let calibrations = calibrate(&float, None, &[Declared::default()])?;
//! # let options = Options { voting: Voting::Soft, votes: Votes::Q15, codes: CodeWidth::Auto,
//! #     wants_scores: false };
//! # let model = QuantModel::new(&float, &calibrations, options, None)?;
//! let predictor = Predictor::<f32>::new(&model);
//! let rows = ndarray::array![[1.5], [1.6], [f32::NAN]];
//! assert_eq!(predictor.classes(rows.view())?, [0, 1, 1]);
//! # Ok(()) }
//! ```

mod bayes;
#[cfg(test)]
mod checked;
mod cut;
mod engine;
mod forest;
mod ranks;
mod reading;
mod select;
mod trees;
mod votes;

use std::num::NonZeroUsize;

use ndarray::{Array2, ArrayView2};
use spinney_quantize::QuantModel;

use engine::{Engine, Results};
pub use reading::Reading;

/// Rows whose number of columns is not the model's number of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rows: found {found} columns, expected {expected}, one per feature of the model")]
pub struct ColumnsError {
    /// Columns of the rows.
    pub found: usize,
    /// Features of the model.
    pub expected: usize,
}

/// Why there are no threads.
#[derive(Debug, thiserror::Error)]
#[error("{n_threads} threads could not be started: {reason}")]
pub struct ThreadsError {
    /// How many were asked for.
    pub n_threads: usize,
    /// What the system says.
    pub reason: String,
}

/// Predicts batches of rows of readings of type `R`, `f32` or `f64`.
#[derive(Debug)]
pub struct Predictor<R: Reading> {
    engine: Engine<R>,
    /// `None` for the caller's own thread.
    pool: Option<rayon::ThreadPool>,
}

impl<R: Reading> Predictor<R> {
    /// Lays out `model` for batches on the caller's thread.
    #[must_use]
    pub fn new(model: &QuantModel) -> Self {
        Self {
            engine: R::engine(model),
            pool: None,
        }
    }

    /// The same with `n_threads` threads of its own; no result depends on their number.
    ///
    /// # Errors
    /// The system starts no more threads.
    pub fn with_threads(self, n_threads: NonZeroUsize) -> Result<Self, ThreadsError> {
        let n_threads = n_threads.get();
        let pool = (n_threads > 1)
            .then(|| {
                rayon::ThreadPoolBuilder::new()
                    .num_threads(n_threads)
                    .build()
            })
            .transpose()
            .map_err(|error| ThreadsError {
                n_threads,
                reason: error.to_string(),
            })?;
        Ok(Self { pool, ..self })
    }

    /// Columns that rows have.
    pub fn n_features(&self) -> usize {
        self.engine.model.schema().n_features()
    }

    /// The class index of each row, the lowest among equal scores.
    ///
    /// # Errors
    /// Rows of another number of columns than the model has features.
    pub fn classes(&self, rows: ArrayView2<'_, R>) -> Result<Vec<usize>, ColumnsError> {
        let mut classes = vec![0; rows.nrows()];
        self.fill(rows, Results::Classes(&mut classes))?;
        Ok(classes)
    }

    /// The scores of each row, `n_rows` × `n_classes`: votes, or scores of naive Bayes, in the
    /// model's own unit.
    ///
    /// # Errors
    /// Rows of another number of columns than the model has features.
    pub fn scores(&self, rows: ArrayView2<'_, R>) -> Result<Array2<i64>, ColumnsError> {
        let n_classes = self.engine.model.n_scores();
        let mut scores = vec![0; rows.nrows() * n_classes];
        self.fill(rows, Results::Scores(&mut scores))?;
        Ok(Array2::from_shape_vec((rows.nrows(), n_classes), scores).expect("a score per class"))
    }

    fn fill(&self, rows: ArrayView2<'_, R>, results: Results<'_>) -> Result<(), ColumnsError> {
        let (found, expected) = (rows.ncols(), self.n_features());
        if found != expected {
            return Err(ColumnsError { found, expected });
        }
        let rows = rows.as_standard_layout();
        let rows = rows.as_slice().expect("rows one after the other");
        R::fill(&self.engine, self.pool.as_ref(), rows, results);
        Ok(())
    }
}
