//! Early exits on the test rows: what they save, what an approximate one costs, and the splits that
//! rows pass.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};
use spinney_codegen::{Exit, Stopped, Walks};
use spinney_config::Output;
use spinney_dataset::Dataset;
use spinney_evaluate::Predictions;
use spinney_quantize::{Certificate, Level, QuantModel};
use spinney_report::EarlyExit;

use super::quantized::Quantized;

impl Quantized {
    /// The model with its trees in the order in which the device asks them. That matters to an
    /// early exit alone; proofs keep the model's own.
    pub fn shipped(&self) -> QuantModel {
        self.quant.in_order(&self.order())
    }

    /// The model's tree that each shipped tree is.
    pub(super) fn order(&self) -> Vec<usize> {
        match (&self.rows.train, self.quant.forest()) {
            (Some(train), _) if self.codegen.early_exit => self.quant.order(train),
            (_, Some(forest)) => forest.order(),
            (_, None) => Vec::new(),
        }
    }

    /// The early exit of [`Quantized::shipped`], if it has one.
    pub fn exit(&self, shipped: &QuantModel) -> Option<Exit> {
        let outputs = &self.codegen.outputs;
        let may_exit =
            self.codegen.early_exit && outputs.iter().all(|output| *output == Output::Class);
        may_exit
            .then(|| Exit::new(shipped, self.codegen.exit_margin))
            .flatten()
    }

    /// The device's classes where it stops at a margin, row by row; `None` where it gives those of
    /// all trees.
    pub fn stopped_early(&self, rows: ArrayView2<'_, f64>) -> Option<Vec<usize>> {
        let shipped = self.shipped();
        let exit = self.exit(&shipped).filter(|_| self.is_approximate())?;
        let class = |row: ArrayView1<'_, f64>| exit.classify(&shipped.codes(&row.to_vec())).class;
        Some(rows.rows().into_iter().map(class).collect())
    }

    /// Whether an early exit may give another class than all trees do.
    pub fn is_approximate(&self) -> bool {
        self.codegen.early_exit && self.codegen.exit_margin < 1.0
    }
}

/// Asks the test rows' trees as the device does, and has the predictions say what it says.
pub(super) fn stop_early(
    quantized: &Quantized,
    exit: &Exit,
    predictions: &mut Predictions,
    certificate: &mut Certificate,
) -> EarlyExit {
    let Quantized { quant, rows, .. } = quantized;
    let test = &rows.test;
    let stopped: Vec<Stopped> = test
        .values()
        .rows()
        .into_iter()
        .map(|row| exit.classify(&quant.codes(&row.to_vec())))
        .collect();
    let changed: Vec<usize> = (0..test.n_rows())
        .filter(|row| stopped[*row].class != predictions.q15[*row])
        .collect();
    let n_rows = test.n_rows().max(1) as f64;
    let asked: usize = stopped.iter().map(|stopped| stopped.n_trees).sum();
    let facts = EarlyExit {
        margin: quantized.codegen.exit_margin,
        n_trees: exit.n_trees(),
        trees_mean: (asked as f64 / n_rows * 100.0).round() / 100.0,
        rows_changed: changed.len(),
        rows_changed_list: changed.iter().map(|row| test.source_rows()[*row]).collect(),
        q15_all_trees: rows
            .has_labels
            .then(|| n_right(&predictions.q15, test) as f64 / n_rows),
    };
    if quantized.is_approximate() {
        // What holds for all trees is not proven of some.
        certificate.votes = Level::Listed;
        certificate.rows_at_risk.extend(&changed);
        certificate.rows_at_risk.sort_unstable();
        certificate.rows_at_risk.dedup();
    }
    predictions.q15 = stopped.iter().map(|stopped| stopped.class).collect();
    facts
}

/// How many rows have the class that was predicted.
pub(super) fn n_right(classes: &[usize], rows: &Dataset) -> usize {
    let pairs = classes.iter().zip(rows.labels());
    pairs.filter(|(class, label)| class == label).count()
}

/// Splits that rows pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// At the most, whatever the row.
    pub most: u64,
    /// Per test row, in all trees.
    pub all: Vec<u64>,
    /// Per test row, with an early exit; as many as in all trees where there is none.
    pub early: Vec<u64>,
    /// Those of all test rows per feature that they ask, in all trees.
    pub all_of_features: Vec<u64>,
    /// The same with an early exit.
    pub early_of_features: Vec<u64>,
}

impl Passed {
    pub(super) fn new(shipped: &QuantModel, exit: Option<&Exit>, rows: &Dataset) -> Option<Self> {
        let walks = Walks::new(shipped)?;
        let none = vec![0; shipped.schema().n_features()];
        let mut passed = Self {
            most: walks.splits_max() as u64,
            all: Vec::new(),
            early: Vec::new(),
            all_of_features: none.clone(),
            early_of_features: none,
        };
        let feature = |code: usize| shipped.inputs()[code].feature;
        for row in rows.values().rows() {
            let codes = shipped.codes(&row.to_vec());
            let (mut all, mut early) = (0, 0);
            walks.walk(&codes, |code| {
                all += 1;
                passed.all_of_features[feature(code)] += 1;
            });
            if let Some(exit) = exit {
                exit.walk(&codes, |code| {
                    early += 1;
                    passed.early_of_features[feature(code)] += 1;
                });
            }
            passed.all.push(all);
            passed.early.push(early);
        }
        if exit.is_none() {
            passed.early.clone_from(&passed.all);
            passed.early_of_features.clone_from(&passed.all_of_features);
        }
        Some(passed)
    }
}
