//! Rows as a device receives them, and what the host makes of them.

use ndarray::ArrayView1;
use spinney_quantize::QuantModel;

/// Rows and the host's predictions, against which a device's are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRows {
    /// Row after row, little-endian, in the model's reading type.
    pub readings: Vec<u8>,
    /// What the device delivers per row: a class, one beyond the last where none leads far enough, or a
    /// value's bits.
    pub classes: Vec<usize>,
    /// Class per row of an image that stops at a margin and delivers no scores, where that may be
    /// another.
    pub early: Option<Vec<usize>>,
    /// Scores per row, one per class.
    pub scores: Vec<Vec<i64>>,
    /// Probabilities in Q15 per row, one per class; no rows, unless the model gives any.
    pub probabilities: Vec<Vec<u16>>,
}

impl HostRows {
    /// Predicts `rows`, each of as many readings as the model has features.
    pub fn new<'r>(
        quant: &QuantModel,
        rows: impl IntoIterator<Item = ArrayView1<'r, f64>>,
    ) -> Self {
        let mut host = Self {
            readings: Vec::new(),
            classes: Vec::new(),
            early: None,
            scores: Vec::new(),
            probabilities: Vec::new(),
        };
        let scorer = quant.scorer();
        for row in rows {
            let row = row.to_vec();
            let codes = quant.codes(&row);
            let scores = scorer.scores(&codes);
            host.readings.extend(quant.reading_bytes(&row));
            host.classes.push(quant.delivered(&codes, &scores));
            if quant.probabilities().is_some() {
                host.probabilities.push(quant.probabilities_of(&scores));
            }
            host.scores.push(scores);
        }
        host
    }
}
