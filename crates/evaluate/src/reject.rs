//! When a classifier should say that it does not know: a threshold on its margin, from rows kept apart.
//!
//! Split conformal prediction. For a row whose label is `y`, let its *shortfall* be how far the score of
//! `y` lies below the highest one; 0 where the class is right. Of `n` calibration rows, which neither
//! trained the model nor test it, `q` is the `⌈(n + 1) · coverage⌉`-th smallest shortfall. The set of a
//! new row has every class whose score is at most `q` below the highest. If the new row and the
//! calibration rows are exchangeable (drawn alike, in any order), its label is in its set with a
//! probability of at least `coverage`, over the draw of both, whatever the model and the data:
//!
//! V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", Springer 2005;
//! A. N. Angelopoulos and S. Bates, "Conformal prediction: a gentle introduction", Foundations and
//! Trends in Machine Learning 16 (2023), 494–591, theorem 1.
//!
//! A row is *accepted* if its set has one class, so if the lead over the next one is above `q`; else the
//! answer is *unknown*. A row that is accepted and wrong has its label outside of its set, so that at
//! most `1 − coverage` of all rows are accepted and wrong. That is what is promised; the accuracy among
//! accepted rows is measured.

use serde::{Deserialize, Serialize};
use spinney_quantize::{argmax, clear_winner};

use crate::metrics::ratio;

/// The lead above which a class is accepted, in the units of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reject {
    /// The share of rows whose label is in their set, above 0 and below 1.
    pub coverage: f64,
    /// Calibration rows.
    pub n_rows: usize,
    /// A row is accepted if the winner's score is higher than the next one's by more than this.
    pub margin: u64,
}

/// What the threshold does to the test rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// Share of rows whose label is in their set; at least the promised coverage, but for chance.
    pub coverage: f64,
    /// Rows of which the answer is *unknown*.
    pub flagged: usize,
    /// Share of accepted rows that are right; `None` if none is accepted.
    pub accuracy_accepted: Option<f64>,
    /// Rows that are accepted and wrong.
    pub wrong_accepted: usize,
    /// Share of right answers among those that are not given.
    pub accuracy_flagged: Option<f64>,
    /// Rows whose class leads far enough, and that are unlike those of training; 0 where nobody looks.
    #[serde(default)]
    pub false_alarms: usize,
}

/// What `[reject]` adds to the image that ships, against the same form that always gives a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RejectCost {
    /// Bytes of flash.
    pub flash_bytes: i64,
    /// Mean instructions of an inference; `None` where nothing ran.
    pub instructions: Option<f64>,
}

impl Reject {
    /// Calibrates on rows with scores, one per class, and labels. `None` if there are too few rows to
    /// promise the coverage: `⌈(n + 1) · coverage⌉` must be at most `n`.
    ///
    /// # Panics
    /// If `coverage` is not between 0 and 1, or there are other labels than rows.
    pub fn calibrate(scores: &[Vec<i64>], labels: &[usize], coverage: f64) -> Option<Self> {
        assert!(coverage > 0.0 && coverage < 1.0, "a share between 0 and 1");
        assert_eq!(scores.len(), labels.len(), "one label per row");
        let mut shortfalls: Vec<u64> = scores
            .iter()
            .zip(labels)
            .map(|(scores, label)| shortfall(scores, *label))
            .collect();
        shortfalls.sort_unstable();
        let n_rows = shortfalls.len();
        // A product that is whole but for its last bit must not ask for a row more.
        let rank = ((n_rows as f64 + 1.0) * coverage - 1e-9).ceil();
        // Casts: a positive share of a count.
        let rank = (rank as usize).max(1);
        Some(Self {
            coverage,
            n_rows,
            margin: *shortfalls.get(rank - 1)?,
        })
    }

    /// Fewest calibration rows that a coverage can be promised with.
    pub fn rows_min(coverage: f64) -> usize {
        // Casts: a positive count.
        let n = (coverage / (1.0 - coverage) - 1e-9).ceil() as usize;
        n.max(1)
    }

    /// The class of a row's scores, or `None` for *unknown*.
    pub fn class(&self, scores: &[i64]) -> Option<usize> {
        clear_winner(scores, self.margin)
    }

    /// Whether a class is in a row's set.
    fn has(&self, scores: &[i64], class: usize) -> bool {
        shortfall(scores, class) <= self.margin
    }

    /// Judges rows by their labels; `outliers` are of unknown class however far one leads.
    ///
    /// # Panics
    /// If there are other labels, or marks of outliers, than rows.
    pub fn judge(
        &self,
        scores: &[Vec<i64>],
        labels: &[usize],
        outliers: Option<&[bool]>,
    ) -> Rejection {
        assert_eq!(scores.len(), labels.len(), "one label per row");
        let rows = || scores.iter().zip(labels);
        let covered = rows().filter(|(scores, label)| self.has(scores, **label));
        let is_outlier = |row: usize| outliers.is_some_and(|it| it[row]);
        let answer = |row: usize| self.class(&scores[row]).filter(|_| !is_outlier(row));
        let accepted: Vec<bool> = (0..scores.len())
            .filter_map(|row| Some(answer(row)? == labels[row]))
            .collect();
        let flagged = scores.len() - accepted.len();
        let right = accepted.iter().filter(|it| **it).count();
        let right_flagged = (0..scores.len())
            .filter(|row| answer(*row).is_none() && argmax(&scores[*row]) == labels[*row])
            .count();
        let false_alarms = (0..scores.len())
            .filter(|row| is_outlier(*row) && self.class(&scores[*row]).is_some())
            .count();
        Rejection {
            coverage: ratio(covered.count(), scores.len()),
            flagged,
            accuracy_accepted: (!accepted.is_empty()).then(|| ratio(right, accepted.len())),
            wrong_accepted: accepted.len() - right,
            accuracy_flagged: (flagged > 0).then(|| ratio(right_flagged, flagged)),
            false_alarms,
        }
    }
}

/// The depth below which a row is odder than a `share` of all rows, by the depths of rows that neither
/// train nor test: if new rows come as those did, at most this share of them lies below it. `None` if
/// there are too few rows to promise it.
///
/// Of `n` rows it is the `⌊(n + 1) · share⌋`-th lowest depth: a new row that lies below it is among the
/// lowest so many of `n + 1`, each of which is as likely to be the new one.
pub fn outlier_depth(depths: &[f64], share: f64) -> Option<f64> {
    let mut depths = depths.to_vec();
    depths.sort_by(f64::total_cmp);
    // A product that is whole but for its last bit must not lack a row.
    let rank = ((depths.len() as f64 + 1.0) * share + 1e-9).floor();
    // Casts: a share of a count.
    let rank = rank as usize;
    depths.get(rank.checked_sub(1)?).copied()
}

/// How far the score of a class lies below the highest.
fn shortfall(scores: &[i64], class: usize) -> u64 {
    scores[argmax(scores)].abs_diff(scores[class])
}

#[cfg(test)]
mod tests {
    use super::Reject;

    #[test]
    fn the_threshold_is_a_quantile_of_shortfalls() {
        // Shortfalls of 0, 0, 1, 3 and 8.
        let scores: Vec<Vec<i64>> = [[9, 0], [9, 0], [5, 4], [6, 3], [9, 1]]
            .map(Vec::from)
            .into();
        let labels = [0, 0, 1, 1, 1];
        let margin = |coverage| Reject::calibrate(&scores, &labels, coverage).map(|it| it.margin);
        assert_eq!(margin(0.1), Some(0));
        assert_eq!(margin(2.0 / 6.0), Some(0));
        assert_eq!(margin(0.34), Some(1));
        assert_eq!(margin(0.5), Some(1));
        assert_eq!(margin(4.0 / 6.0), Some(3));
        assert_eq!(margin(5.0 / 6.0), Some(8));
        assert_eq!(margin(0.84), None);
        assert_eq!(Reject::calibrate(&[], &[], 0.5), None);
    }

    #[test]
    fn at_most_a_share_lies_below() {
        let depths = [5.0, 1.0, 4.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0];
        let at = |share| super::outlier_depth(&depths, share);
        assert_eq!(
            (at(0.099), at(0.1), at(0.2), at(0.5)),
            (None, Some(1.0), Some(2.0), Some(5.0))
        );
        assert_eq!(super::outlier_depth(&[], 0.9), None);
    }

    #[test]
    fn so_many_rows_are_the_fewest() {
        for coverage in [0.01, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999] {
            let n = Reject::rows_min(coverage);
            let at = |n: usize| Reject::calibrate(&vec![vec![1, 0]; n], &vec![0; n], coverage);
            assert!(at(n).is_some() && at(n - 1).is_none(), "{coverage} {n}");
        }
    }

    #[test]
    fn a_lead_of_the_margin_is_not_clear() {
        let reject = Reject {
            coverage: 0.9,
            n_rows: 9,
            margin: 4,
        };
        assert_eq!(reject.class(&[1, 9, 4]), Some(1));
        assert_eq!(reject.class(&[1, 9, 5]), None);
        assert_eq!(reject.class(&[-7]), Some(0));
        let scores = [[1, 9, 4], [1, 9, 5], [0, 9, 1]].map(Vec::from);
        let found = reject.judge(&scores, &[1, 2, 0], None);
        assert_eq!((found.flagged, found.wrong_accepted), (1, 1));
        assert_eq!(found.accuracy_accepted, Some(0.5));
        assert_eq!(found.accuracy_flagged, Some(0.0));
        assert_eq!(found.coverage, 2.0 / 3.0);
        // A row that leads far enough is unknown all the same where it is odd.
        let odd = reject.judge(&scores, &[1, 2, 0], Some(&[false, true, true]));
        assert_eq!(
            (odd.flagged, odd.wrong_accepted, odd.false_alarms),
            (2, 0, 1)
        );
        assert_eq!(
            (odd.coverage, odd.accuracy_accepted),
            (found.coverage, Some(1.0))
        );
        // At a margin of 0, ties alone are unknown.
        let ties = Reject {
            margin: 0,
            ..reject
        };
        assert_eq!((ties.class(&[3, 3]), ties.class(&[3, 2])), (None, Some(0)));
    }
}
