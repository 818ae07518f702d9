//! What all rows go through. It is compiled in this crate alone, once for each type of readings
//! (`Reading::engine`, `Reading::fill`), not in every crate that predicts.

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;
use spinney_quantize::{Body, QuantModel};
use spinney_runtime::argmax;

use crate::bayes;
use crate::forest::{self, BLOCK};
use crate::reading::Reading;

/// Rows that a thread takes at a time.
const CHUNK: usize = 512;

/// A model laid out for batches.
#[derive(Debug)]
pub struct Engine<R: Reading> {
    pub(crate) model: QuantModel,
    body: Laid<R>,
}

#[derive(Debug)]
enum Laid<R: Reading> {
    Forest(Box<forest::Forest<R>>),
    Bayes(bayes::Bayes),
}

/// Where results go, row after row.
#[derive(Debug)]
pub enum Results<'r> {
    /// A class index per row.
    Classes(&'r mut [usize]),
    /// Of each row a score per class.
    Scores(&'r mut [i64]),
}

#[derive(Debug, Default)]
struct Room<R: Reading> {
    forest: forest::Room<R>,
    bayes: bayes::Room,
    /// Row after row of the block, a score per class.
    scores: Vec<i64>,
}

impl<R: Reading> Engine<R> {
    pub(crate) fn new(model: &QuantModel) -> Self {
        let body = match model.body() {
            Body::Forest(forest) => Laid::Forest(Box::new(forest::Forest::new(model, forest))),
            Body::Bayes(bayes) => Laid::Bayes(bayes::Bayes::new(model, bayes)),
        };
        let model = model.clone();
        Self { model, body }
    }

    /// Writes the results of all rows, of as many readings each as the model has features.
    pub(crate) fn fill(&self, pool: Option<&rayon::ThreadPool>, rows: &[R], results: Results<'_>) {
        let Some(pool) = pool else {
            return self.chunk(rows, results);
        };
        let rows = rows.par_chunks(CHUNK * self.model.schema().n_features());
        pool.install(|| match results {
            Results::Classes(out) => (out.par_chunks_mut(CHUNK).zip(rows))
                .for_each(|(out, rows)| self.chunk(rows, Results::Classes(out))),
            Results::Scores(out) => (out.par_chunks_mut(CHUNK * self.model.n_scores()).zip(rows))
                .for_each(|(out, rows)| self.chunk(rows, Results::Scores(out))),
        });
    }

    fn chunk(&self, rows: &[R], mut results: Results<'_>) {
        let (n_features, n_scores) = (self.model.schema().n_features(), self.model.n_scores());
        let only_class = matches!(results, Results::Classes(_));
        let level = Level::new();
        let mut room = Room::<R>::default();
        for (block, rows) in rows.chunks(n_features * BLOCK).enumerate() {
            let first = block * BLOCK;
            // What is called from here is compiled for each set of instructions that a machine may
            // have; integers come out the same from all of them.
            dispatch!(level, _simd => {
                self.score(rows, only_class, &mut room);
                match &mut results {
                    Results::Classes(out) => {
                        let scores = room.scores.chunks(n_scores);
                        for (class, scores) in out[first..].iter_mut().zip(scores) {
                            *class = argmax(scores);
                        }
                    }
                    Results::Scores(out) => {
                        let out = &mut out[first * n_scores..][..room.scores.len()];
                        out.copy_from_slice(&room.scores);
                    }
                }
            });
        }
    }

    /// Scores a block of rows into `room`.
    #[inline(always)]
    fn score(&self, rows: &[R], only_class: bool, room: &mut Room<R>) {
        let model = &self.model;
        let n_features = model.schema().n_features();
        let n_classes = model.n_scores();
        let n_rows = rows.len() / n_features;
        room.scores.resize(n_rows * n_classes, 0);
        match &self.body {
            Laid::Forest(forest) => {
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
            Laid::Bayes(bayes) => bayes.scores(model, rows, &mut room.bayes, &mut room.scores),
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
