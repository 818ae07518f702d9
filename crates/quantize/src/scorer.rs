//! Scores of many rows, by tables that are checked once.

use crate::{Body, QuantModel};

/// A quantized model as the runtime sees it, for scoring many rows.
#[derive(Debug, Clone, Copy)]
pub struct Scorer<'m> {
    n_classes: usize,
    tables: ScorerTables<'m>,
}

#[derive(Debug, Clone, Copy)]
enum ScorerTables<'m> {
    Forest(spinney_runtime::forest::Forest<'m>),
    Bayes(spinney_runtime::bayes::GaussianNb<'m>),
}

impl QuantModel {
    /// The runtime's view of the model, checked once for many rows.
    pub fn scorer(&self) -> Scorer<'_> {
        let (n_codes, n_classes) = (self.inputs().len(), self.n_scores());
        Scorer {
            n_classes,
            tables: match &self.body {
                Body::Forest(forest) => ScorerTables::Forest(forest.runtime(n_codes, n_classes)),
                Body::Bayes(bayes) => ScorerTables::Bayes(bayes.runtime(n_codes, n_classes)),
            },
        }
    }
}

impl Scorer<'_> {
    /// As [`QuantModel::scores`].
    ///
    /// # Panics
    /// If `codes` has another length than the model has inputs.
    pub fn scores(&self, codes: &[i16]) -> Vec<i64> {
        const FITS: &str = "one code per input, one score per class";
        match self.tables {
            ScorerTables::Forest(forest) => {
                let mut scores = vec![0_u32; self.n_classes];
                forest.scores(codes, &mut scores).expect(FITS);
                scores.into_iter().map(i64::from).collect()
            }
            ScorerTables::Bayes(bayes) => {
                let mut scores = vec![0; self.n_classes];
                bayes.scores(codes, &mut scores).expect(FITS);
                scores
            }
        }
    }
}
