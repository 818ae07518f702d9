//! The test rows through float and Q15, on the host.

use serde::{Deserialize, Serialize};
use spinney_dataset::Dataset;
use spinney_model::{FloatModel, Task, Voting};
use spinney_quantize::{Coding, Paths, QuantModel, argmax, probability_bound};

use crate::metrics::ratio;
use crate::{ScorePredictions, Scorecard, ValuePredictions};

/// What float and Q15 say of each test row. Models that give values have a score per target, and for a
/// class, of float too, the bits of the values in Q15.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// Class of the float model under the configured vote.
    pub float: Vec<usize>,
    /// Class of scikit-learn's own, soft vote.
    pub float_soft: Vec<usize>,
    /// Class of the quantized model.
    pub q15: Vec<usize>,
    /// Scores of the quantized model, one per class, or per target.
    pub scores: Vec<Vec<i64>>,
    /// What the device answers where it may say that it does not know: a class, or the number of
    /// classes; `None` where it answers with `q15`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Vec<usize>>,
    /// Rows that are unlike those of training, whatever their class; `None` where nobody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Vec<bool>>,
    /// What a regressor says of each target; none of other models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValuePredictions>,
    /// What a detector says beside its classes; `None` of other models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<ScorePredictions>,
    /// Probabilities of the quantized model in Q15, one per class; no rows unless asked for.
    #[serde(default)]
    pub probabilities: Vec<Vec<u16>>,
    /// How far those are from float's, if they were asked for.
    pub probability_error: Option<ProbabilityError>,
    /// Readings beyond the range of codes, for features that have any.
    pub saturation: Vec<Saturation>,
}

/// Largest differences between the device's probabilities and float's under the same vote, as
/// probabilities from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ProbabilityError {
    /// The largest of any class and row whose paths do not part.
    pub found_max: f64,
    /// The largest bound that is proven for any of these rows.
    pub bound_max: f64,
    /// Rows whose difference is beyond their own bound, which refutes it.
    pub rows_beyond: usize,
    /// Rows whose paths part, as the certificate lists, and that have no bound.
    pub rows_parting: usize,
}

/// How many readings of one feature saturate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saturation {
    /// Index of the feature.
    pub feature: usize,
    /// Test rows whose reading lies below the range.
    pub below: usize,
    /// Test rows whose reading lies above it.
    pub above: usize,
}

/// How good float and Q15 are, and how far they agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The float model as scikit-learn votes.
    pub float: Scorecard,
    /// The quantized model.
    pub q15: Scorecard,
    /// Accuracy of the float model under hard votes, if those are configured.
    pub float_hard_accuracy: Option<f64>,
    /// Share of rows on which Q15 equals the float model's soft vote, if hard votes are configured.
    pub agreement_with_soft: Option<f64>,
    /// Accuracy lost from float (soft) to Q15; negative for a gain.
    pub drop: f64,
    /// Share of rows on which float and Q15 agree under the same vote.
    pub agreement: f64,
    /// Indices of test rows on which they do not.
    pub disagreements: Vec<usize>,
}

/// Predicts every row of `rows` with both models.
///
/// # Panics
/// If the models or rows differ in their number of features.
pub fn predict(
    model: &FloatModel,
    quant: &QuantModel,
    voting: Voting,
    rows: &Dataset,
) -> Predictions {
    let mut predictions = Predictions {
        answers: quant.margin().map(|_| Vec::new()),
        outliers: quant.outliers().map(|_| Vec::new()),
        values: ValuePredictions::none(model, quant),
        detector: ScorePredictions::none(model),
        saturation: saturation(quant, rows),
        ..Predictions::default()
    };
    let scorer = quant.scorer();
    let paths = Paths::new(model, quant);
    for row in rows.values().rows() {
        let row = row.to_vec();
        let predict_by = |voting: Voting| match model.task() {
            Task::Regress => 0,
            Task::Classify | Task::Detect => model.predict_by(voting, &row),
        };
        let soft = predict_by(Voting::Soft);
        let float = match voting {
            Voting::Soft => soft,
            Voting::Hard => predict_by(voting),
        };
        let codes = quant.codes(&row);
        let scores = scorer.scores(&codes);
        if quant.probabilities().is_some() {
            let probabilities = quant.probabilities_of(&scores);
            let error = predictions.probability_error.get_or_insert_default();
            let float = model.probabilities_by(voting, &row);
            let bound = probability_bound(model, quant, voting, &row, &codes);
            error.add(&probabilities, &float, bound);
            predictions.probabilities.push(probabilities);
        }
        if let (Some(sum), Some(sums)) = (model.additive(), quant.sums()) {
            if !predictions.values.is_empty() {
                let parts = |tree| paths.parting(tree, &row, &codes).is_err();
                let is_proven = !(0..sum.trees().len()).any(parts);
                let all = &mut predictions.values;
                ValuePredictions::push(all, sum, sums, &row, &scores, is_proven);
            }
            if let Some(detector) = &mut predictions.detector {
                detector.push(sum, sums, &row, &scores);
            }
        }
        let delivered = quant.delivered(&codes, &scores);
        if let Some(outliers) = &mut predictions.outliers {
            outliers.push(quant.is_outlier(&codes));
        }
        // Of values, what is delivered stands for a class that never differs.
        let is_value = model.task() == Task::Regress;
        predictions
            .float
            .push(if is_value { delivered } else { float });
        predictions
            .float_soft
            .push(if is_value { delivered } else { soft });
        if let Some(answers) = &mut predictions.answers {
            answers.push(delivered);
            predictions.q15.push(argmax(&scores));
        } else {
            predictions.q15.push(delivered);
        }
        predictions.scores.push(scores);
    }
    predictions
}

impl Predictions {
    /// What the device's `predict` returns, row by row.
    pub fn delivered(&self) -> &[usize] {
        self.answers.as_deref().unwrap_or(&self.q15)
    }

    /// Rows whose class is unknown; `None` where a class is always given.
    pub fn n_unknown(&self) -> Option<usize> {
        let rows = self.answers.as_ref()?.iter().zip(&self.scores);
        Some(
            rows.filter(|(answer, scores)| **answer == scores.len())
                .count(),
        )
    }
}

impl ProbabilityError {
    fn add(&mut self, probabilities: &[u16], float: &[f64], bound: Option<f64>) {
        let Some(bound) = bound else {
            self.rows_parting += 1;
            return;
        };
        let off = probabilities
            .iter()
            .zip(float)
            .map(|(p, float)| (f64::from(*p) / 32_768.0 - float).abs())
            .fold(0.0, f64::max);
        self.found_max = self.found_max.max(off);
        self.bound_max = self.bound_max.max(bound);
        self.rows_beyond += usize::from(off > bound);
    }
}

fn saturation(quant: &QuantModel, rows: &Dataset) -> Vec<Saturation> {
    let mut found = Vec::new();
    if quant.code_bits() == 8 {
        // Codes saturate beyond the outermost thresholds, where all readings are alike.
        return found;
    }
    for feature in 0..quant.schema().n_features() {
        let coding = quant.input_of(feature).map(|input| &input.coding);
        let Some(Coding::Affine { shift, offset }) = coding else {
            // Beyond the outermost cuts all readings are alike to the model.
            continue;
        };
        let scale = 2.0_f64.powi(i32::from(*shift));
        let (mut below, mut above) = (0, 0);
        for reading in rows.values().column(feature) {
            let code = (reading * scale).floor() - f64::from(*offset);
            below += usize::from(code < f64::from(i16::MIN));
            above += usize::from(code > f64::from(i16::MAX));
        }
        if below + above > 0 {
            found.push(Saturation {
                feature,
                below,
                above,
            });
        }
    }
    found
}

/// Scores predictions against the labels of `rows`; `voting` is the configured vote.
///
/// # Panics
/// If `predictions` are of other rows.
pub fn evaluate(predictions: &Predictions, voting: Voting, rows: &Dataset) -> Evaluation {
    let n_classes = rows.classes().len();
    let card = |predicted: &[usize]| Scorecard::new(rows.labels(), predicted, n_classes);
    let float = card(&predictions.float_soft);
    let q15 = card(&predictions.q15);
    let is_hard = voting == Voting::Hard;
    let equal = |a: &[usize], b: &[usize]| a.iter().zip(b).filter(|(a, b)| a == b).count();
    let disagreements: Vec<usize> = (0..rows.n_rows())
        .filter(|row| predictions.float[*row] != predictions.q15[*row])
        .collect();
    Evaluation {
        float_hard_accuracy: is_hard.then(|| card(&predictions.float).accuracy),
        agreement_with_soft: is_hard.then(|| {
            ratio(
                equal(&predictions.float_soft, &predictions.q15),
                rows.n_rows(),
            )
        }),
        drop: float.accuracy - q15.accuracy,
        agreement: ratio(rows.n_rows() - disagreements.len(), rows.n_rows()),
        float,
        q15,
        disagreements,
    }
}
