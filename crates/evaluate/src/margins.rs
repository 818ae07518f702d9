//! How far the winning class leads the next one, as a histogram.

use serde::{Deserialize, Serialize};
use spinney_quantize::{Body, QuantModel, argmax};

use crate::Predictions;

/// Bins of a histogram of votes.
const BINS: u32 = 20;
/// Rows that are listed.
const LISTED: usize = 100;

/// What a margin is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarginUnit {
    /// Trees: the winner's lead over the next class as a share of all votes, `0.0..=1.0`.
    ShareOfVotes,
    /// Naive Bayes: the logarithm of how many times likelier the winner is than the next class.
    Nats,
}

/// The quantized model's decision margins on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// What they are counted in.
    pub unit: MarginUnit,
    /// The width of a bin; the first starts at 0.
    pub bin_width: f64,
    /// The bins; one takes the margins at its lower end, the last those at its upper end too.
    pub bins: Vec<MarginBin>,
    /// Rows on which float and Q15 disagree, the first 100 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<Differing>,
}

/// Rows of one bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MarginBin {
    /// All of them.
    pub rows: usize,
    /// Those whose class is not their label; `None` without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<usize>,
    /// Those on which float and Q15 disagree.
    #[serde(default)]
    pub differing: usize,
}

/// A row on which float and Q15 disagree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Differing {
    /// Its number.
    pub row: usize,
    /// Class index that float gives.
    pub float: usize,
    /// Class index that the quantized model gives.
    pub q15: usize,
    /// The quantized model's margin.
    pub margin: f64,
}

/// Gathers the margins of `predictions`; `None` without rows, and of values. `labels` are class indices, one per
/// row. Rows are numbered as they lie there.
///
/// # Panics
/// If there are fewer labels than rows.
pub fn margins(
    predictions: &Predictions,
    quant: &QuantModel,
    labels: Option<&[usize]>,
) -> Option<Margins> {
    if !predictions.values.is_empty() {
        return None;
    }
    let (unit, per_nat) = match quant.body() {
        Body::Forest(_) => (MarginUnit::ShareOfVotes, 1.0),
        Body::Bayes(bayes) => (
            MarginUnit::Nats,
            2.0_f64.powi(i32::from(bayes.score_bits())),
        ),
    };
    let found: Vec<f64> = predictions
        .scores
        .iter()
        .map(|scores| match unit {
            MarginUnit::ShareOfVotes => lead(scores) / scores.iter().sum::<i64>().max(1) as f64,
            MarginUnit::Nats => lead(scores) / per_nat,
        })
        .collect();
    let most = found.iter().copied().reduce(f64::max)?;
    let bin_width = match unit {
        MarginUnit::ShareOfVotes => 1.0 / f64::from(BINS),
        MarginUnit::Nats => round_width(most / f64::from(BINS)),
    };
    let n_bins = match unit {
        MarginUnit::ShareOfVotes => BINS as usize,
        MarginUnit::Nats => ((most / bin_width).ceil() as usize).max(1),
    };
    let empty = MarginBin {
        wrong: labels.map(|_| 0),
        ..MarginBin::default()
    };
    let mut bins = vec![empty; n_bins];
    let mut differing = Vec::new();
    for (row, margin) in found.iter().enumerate() {
        let bin = &mut bins[((margin / bin_width) as usize).min(n_bins - 1)];
        let (float, q15) = (predictions.float[row], predictions.q15[row]);
        bin.rows += 1;
        if let (Some(wrong), Some(labels)) = (&mut bin.wrong, labels) {
            *wrong += usize::from(labels[row] != q15);
        }
        if float != q15 {
            bin.differing += 1;
            if differing.len() < LISTED {
                differing.push(Differing {
                    row,
                    float,
                    q15,
                    margin: (margin * 1e6).round() / 1e6,
                });
            }
        }
    }
    Some(Margins {
        unit,
        bin_width,
        bins,
        differing,
    })
}

/// The highest score less the next; 0 for a single class.
fn lead(scores: &[i64]) -> f64 {
    let winner = argmax(scores);
    let next = scores
        .iter()
        .enumerate()
        .filter(|(class, _)| *class != winner)
        .map(|(_, score)| *score)
        .max();
    next.map_or(0.0, |next| scores[winner] as f64 - next as f64)
}

/// The next width up of 1, 2 and 5 times a power of ten.
fn round_width(at_least: f64) -> f64 {
    if at_least <= 0.0 {
        return 1.0;
    }
    let power = 10.0_f64.powi(at_least.log10().floor() as i32);
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|step| step * power)
        .find(|width| *width >= at_least)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::{lead, round_width};

    #[test]
    fn the_lead_is_over_the_next_class() {
        assert_eq!(lead(&[3, 9, 5]), 4.0);
        assert_eq!(lead(&[7, 7]), 0.0);
        assert_eq!(lead(&[-20, -5]), 15.0);
        assert_eq!(lead(&[4]), 0.0);
    }

    #[test]
    fn widths_are_round() {
        assert_eq!(round_width(0.0), 1.0);
        assert_eq!(round_width(3.1), 5.0);
        assert_eq!(round_width(20.0), 20.0);
        assert_eq!(round_width(0.7), 1.0);
    }
}
