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
mod forest;
mod ranks;
mod reading;
mod select;
mod trees;
mod votes;

use std::num::NonZeroUsize;

use fearless_simd::{Level, dispatch};
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use spinney_quantize::{Body, QuantModel};
use spinney_runtime::argmax;

pub use reading::Reading;

/// Rows that a thread takes at a time.
const CHUNK: usize = 512;

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
    model: QuantModel,
    engine: Engine<R>,
    /// `None` for the caller's own thread.
    pool: Option<rayon::ThreadPool>,
}

#[derive(Debug)]
enum Engine<R: Reading> {
    Forest(Box<forest::Forest<R>>),
    Bayes(bayes::Bayes),
}

#[derive(Debug, Default)]
struct Room<R: Reading> {
    forest: forest::Room<R>,
    bayes: bayes::Room,
    /// Row after row of the block, a score per class.
    scores: Vec<i64>,
}

impl<R: Reading> Predictor<R> {
    /// Lays out `model` for batches on the caller's thread.
    #[must_use]
    pub fn new(model: &QuantModel) -> Self {
        Self {
            engine: match model.body() {
                Body::Forest(forest) => {
                    Engine::Forest(Box::new(forest::Forest::new(model, forest)))
                }
                Body::Bayes(bayes) => Engine::Bayes(bayes::Bayes::new(model, bayes)),
            },
            model: model.clone(),
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
        self.model.schema().n_features()
    }

    /// The class index of each row, the lowest among equal scores.
    ///
    /// # Errors
    /// Rows of another number of columns than the model has features.
    pub fn classes(&self, rows: ArrayView2<'_, R>) -> Result<Vec<usize>, ColumnsError> {
        let mut classes = vec![0; rows.nrows()];
        self.fill(rows, 1, true, &mut classes, |class, scores| {
            class[0] = argmax(scores);
        })?;
        Ok(classes)
    }

    /// The scores of each row, `n_rows` × `n_classes`: votes, or scores of naive Bayes, in the
    /// model's own unit.
    ///
    /// # Errors
    /// Rows of another number of columns than the model has features.
    pub fn scores(&self, rows: ArrayView2<'_, R>) -> Result<Array2<i64>, ColumnsError> {
        let n_classes = self.model.n_scores();
        let mut scores = vec![0; rows.nrows() * n_classes];
        self.fill(
            rows,
            n_classes,
            false,
            &mut scores,
            <[i64]>::copy_from_slice,
        )?;
        Ok(Array2::from_shape_vec((rows.nrows(), n_classes), scores).expect("a score per class"))
    }

    /// Scores all rows and has `put` write each row's `per_row` results.
    fn fill<O: Send>(
        &self,
        rows: ArrayView2<'_, R>,
        per_row: usize,
        only_class: bool,
        out: &mut [O],
        put: impl Fn(&mut [O], &[i64]) + Sync,
    ) -> Result<(), ColumnsError> {
        let n_features = self.model.schema().n_features();
        if rows.ncols() != n_features {
            return Err(ColumnsError {
                found: rows.ncols(),
                expected: n_features,
            });
        }
        let n_classes = self.model.n_scores();
        let rows = rows.as_standard_layout();
        let rows = rows.as_slice().expect("rows one after the other");
        let level = Level::new();
        let chunk = |out: &mut [O], rows: &[R]| {
            let mut room = Room::<R>::default();
            let blocks = rows.chunks(n_features * forest::BLOCK);
            for (rows, out) in blocks.zip(out.chunks_mut(per_row * forest::BLOCK)) {
                // What is called from here is compiled for each set of instructions that a
                // machine may have; integers come out the same from all of them.
                dispatch!(level, _simd => {
                    self.score(rows, only_class, &mut room);
                    let scores = room.scores.chunks(n_classes);
                    for (scores, out) in scores.zip(out.chunks_mut(per_row)) {
                        put(out, scores);
                    }
                });
            }
        };
        match &self.pool {
            None => chunk(out, rows),
            Some(pool) => pool.install(|| {
                out.par_chunks_mut(CHUNK * per_row)
                    .zip(rows.par_chunks(CHUNK * n_features))
                    .for_each(|(out, rows)| chunk(out, rows));
            }),
        }
        Ok(())
    }

    /// Scores a block of rows into `room`.
    #[inline(always)]
    fn score(&self, rows: &[R], only_class: bool, room: &mut Room<R>) {
        let model = &self.model;
        let n_features = model.schema().n_features();
        let n_classes = model.n_scores();
        let n_rows = rows.len() / n_features;
        room.scores.resize(n_rows * n_classes, 0);
        match &self.engine {
            Engine::Forest(forest) => {
                forest.add_up(rows, n_features, only_class, &mut room.forest);
                let scores = room.scores.chunks_exact_mut(n_classes);
                for (scores, sums) in scores.zip(forest.sums(&room.forest)) {
                    for (score, sum) in scores.iter_mut().zip(sums) {
                        *score = i64::from(*sum);
                    }
                }
                let is_beyond = |reading: &R| forest.is_beyond(*reading);
                replace(model, rows, is_beyond, &mut room.scores);
            }
            Engine::Bayes(bayes) => bayes.scores(model, rows, &mut room.bayes, &mut room.scores),
        }
    }
}

/// Scores rows with readings that cannot be compared by the runtime.
#[inline(always)]
fn replace<R: Reading>(
    model: &QuantModel,
    rows: &[R],
    is_beyond: impl Fn(&R) -> bool,
    scores: &mut [i64],
) {
    let (n_features, n_classes) = (model.schema().n_features(), model.n_scores());
    let scores = scores.chunks_exact_mut(n_classes);
    let mut scorer = None;
    for (row, scores) in rows.chunks_exact(n_features).zip(scores) {
        // Without an early end, which would take them one by one.
        let has_some = row
            .iter()
            .fold(false, |found, reading| found | is_beyond(reading));
        if has_some {
            let row: Vec<f64> = row.iter().map(|reading| reading.widen()).collect();
            let scorer = scorer.get_or_insert_with(|| model.scorer());
            scores.copy_from_slice(&scorer.scores(&model.codes(&row)));
        }
    }
}
