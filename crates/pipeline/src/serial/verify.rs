//! Row after row through a device, each bit held against the host's.

use std::time::Instant;

use ndarray::ArrayView1;
use spinney_quantize::QuantModel;
use spinney_wire::frame::Clock;

use super::Link;
use super::session::{Card, Device, Patience, RowOutcome, Session, SessionError, Tally};

/// Rows and the host's predictions, against which a device's are held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
        let mut host = Self::default();
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

/// Rows that went through a device.
#[derive(Debug)]
pub struct DeviceRows {
    pub device: Device,
    /// Per row.
    pub outcomes: Vec<RowOutcome>,
    /// Rows with a bit that is not the host's.
    pub mismatches: Vec<usize>,
    pub tally: Tally,
    pub seconds: f64,
}

impl DeviceRows {
    /// Class per row.
    pub fn classes(&self) -> Vec<usize> {
        self.outcomes
            .iter()
            .map(|outcome| outcome.class as usize)
            .collect()
    }

    /// Mean and largest number of ticks, from readings to class, where the device measures them.
    pub fn ticks(&self) -> Option<(f64, u32)> {
        let ticks: Option<Vec<u32>> = self.outcomes.iter().map(|outcome| outcome.ticks).collect();
        let ticks = ticks.filter(|ticks| !ticks.is_empty() && self.device.clock != Clock::None)?;
        let sum: f64 = ticks.iter().map(|ticks| f64::from(*ticks)).sum();
        let max = ticks.iter().copied().max().unwrap_or(0);
        Some((sum / ticks.len() as f64, max))
    }
}

/// Sends every row and compares each bit that comes back with the host's.
///
/// A device delivers what `card` says its image was built to, or is refused. `watch` is told how many rows are done.
///
/// # Panics
/// If `host` has predictions of another number of rows than readings, or of another model.
pub fn verify(
    link: &mut dyn Link,
    card: &Card,
    patience: Patience,
    host: &HostRows,
    watch: &mut dyn FnMut(usize, Tally),
) -> Result<DeviceRows, SessionError> {
    let rows = host.readings.chunks_exact(card.row_bytes().max(1));
    assert_eq!(rows.len(), host.classes.len());
    let mut session = Session::open(link, card, patience)?;
    let started = Instant::now();
    let classes = match &host.early {
        Some(early) if !session.device().has_scores => early,
        _ => &host.classes,
    };
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut mismatches = Vec::new();
    for (row, readings) in rows.enumerate() {
        let outcome = session.predict(readings)?;
        let is_equal = outcome.class as usize == classes[row]
            && (outcome.scores.is_empty() || outcome.scores == host.scores[row])
            && (outcome.probabilities.is_empty()
                || host.probabilities.get(row) == Some(&outcome.probabilities));
        if !is_equal {
            mismatches.push(row);
        }
        outcomes.push(outcome);
        watch(row + 1, session.tally());
    }
    Ok(DeviceRows {
        device: session.device(),
        outcomes,
        mismatches,
        tally: session.tally(),
        seconds: started.elapsed().as_secs_f64(),
    })
}
