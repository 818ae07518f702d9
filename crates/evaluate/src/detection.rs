//! How well a detector's scores tell anomalies from normal rows, whatever the threshold.

use serde::{Deserialize, Serialize};
use spinney_model::{Additive, FloatModel, Link, Task};
use spinney_quantize::Sums;

use crate::metrics::ratio;
use crate::values::unit;

/// What float and Q15 say of each row: scores of which a lower one is odder, as scikit-learn's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorePredictions {
    /// The float model's score.
    pub float: Vec<f64>,
    /// The quantized model's score.
    pub q15: Vec<f64>,
    /// Rows whose score lies above it raise no alarm.
    pub threshold: f64,
}

impl ScorePredictions {
    /// Those of no row; `None` of a model that detects nothing.
    pub(crate) fn none(model: &FloatModel) -> Option<Self> {
        let sum = model.additive()?;
        let raw = sum.threshold().filter(|_| model.task() == Task::Detect)?;
        Some(Self {
            float: Vec::new(),
            q15: Vec::new(),
            threshold: match sum.link() {
                Link::Isolation { offset } => offset,
                _ => sum.linked(&[raw])[0],
            },
        })
    }

    pub(crate) fn push(&mut self, sum: &Additive, sums: &Sums, row: &[f64], scores: &[i64]) {
        self.float.push(sum.linked(&sum.raw(row))[0]);
        // What lies above the threshold votes for the first class, and what lies below for the other.
        let above = (scores[0] - scores[1]) as f64 * unit(sums);
        let raw = sum.threshold().unwrap_or_default() + above;
        self.q15.push(sum.linked(&[raw])[0]);
    }
}

/// A detector on the test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Area under float's ROC curve, `0.0..=1.0`; `None` without labels of both kinds.
    pub auc_float: Option<f64>,
    /// Area under Q15's.
    pub auc_q15: Option<f64>,
    /// Rows of which Q15 raises an alarm.
    pub alarms: usize,
    /// Rows of which float does.
    #[serde(default)]
    pub alarms_float: usize,
    /// See [`ScorePredictions::threshold`].
    pub threshold: f64,
    /// Q15 at other thresholds, from the first alarm to none left out; empty without `auc_q15`.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

/// What a detector would do at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Share of normal rows that raise an alarm.
    pub false_alarm_rate: f64,
    /// Share of anomalies that do.
    pub recall: f64,
    /// Share of alarms that are anomalies; 1 where there is no alarm.
    pub precision: f64,
}

/// Points of a curve, at the most, beside its ends.
const POINTS: usize = 100;

impl Detection {
    /// Scores a detector. `alarms` are classes, 1 for an alarm, and so are `labels`, 1 for an anomaly.
    ///
    /// # Panics
    /// If rows, alarms and labels are not as many.
    #[must_use]
    pub fn new(
        scores: &ScorePredictions,
        (float, q15): (&[usize], &[usize]),
        labels: Option<&[usize]>,
    ) -> Self {
        let curve_of = |scores: &[f64]| labels.and_then(|labels| Curve::new(scores, labels));
        let curve = curve_of(&scores.q15);
        let n_alarms = |classes: &[usize]| classes.iter().filter(|class| **class == 1).count();
        Self {
            auc_float: curve_of(&scores.float).map(|curve| curve.auc()),
            auc_q15: curve.as_ref().map(Curve::auc),
            alarms: n_alarms(q15),
            alarms_float: n_alarms(float),
            threshold: scores.threshold,
            curve: curve.map_or(Vec::new(), |curve| curve.thinned()),
        }
    }
}

/// Anomalies and normal rows at or below each distinct score, ascending.
struct Curve {
    steps: Vec<(usize, usize)>,
    n_anomalies: usize,
    n_normal: usize,
}

impl Curve {
    /// `None` unless there are rows of both kinds.
    fn new(scores: &[f64], labels: &[usize]) -> Option<Self> {
        assert_eq!(scores.len(), labels.len(), "one label per score");
        let mut rows: Vec<(f64, usize)> =
            scores.iter().copied().zip(labels.iter().copied()).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut steps = Vec::new();
        let (mut n_anomalies, mut n_normal) = (0, 0);
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            let anomalies = same.iter().filter(|(_, label)| *label == 1).count();
            n_anomalies += anomalies;
            n_normal += same.len() - anomalies;
            steps.push((n_anomalies, n_normal));
        }
        (n_anomalies > 0 && n_normal > 0).then_some(Self {
            steps,
            n_anomalies,
            n_normal,
        })
    }

    /// The share of pairs of an anomaly and a normal row in which the anomaly has the lower score, pairs
    /// of equal scores counted by half: Mann and Whitney's U, which is the area under the curve.
    ///
    /// T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006), 861–874.
    fn auc(&self) -> f64 {
        let mut twice = 0_u128;
        let (mut anomalies, mut normal) = (0, 0);
        for &(anomalies_to, normal_to) in &self.steps {
            // Normal rows of this score come after all anomalies before it, and beside those of it.
            twice += (normal_to - normal) as u128 * (anomalies + anomalies_to) as u128;
            (anomalies, normal) = (anomalies_to, normal_to);
        }
        twice as f64 / (2 * self.n_anomalies as u128 * self.n_normal as u128) as f64
    }

    /// The curve with its ends and no more than [`POINTS`] between them.
    fn thinned(&self) -> Vec<CurvePoint> {
        let point = |(anomalies, normal): (usize, usize)| CurvePoint {
            false_alarm_rate: ratio(normal, self.n_normal),
            recall: ratio(anomalies, self.n_anomalies),
            precision: if anomalies + normal == 0 {
                1.0
            } else {
                ratio(anomalies, anomalies + normal)
            },
        };
        let n = self.steps.len();
        let shown = n.min(POINTS);
        let steps = (1..=shown).map(|index| self.steps[index * n / shown - 1]);
        std::iter::once((0, 0)).chain(steps).map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, Detection, POINTS, ScorePredictions};

    fn auc(scores: &[f64], labels: &[usize]) -> Option<f64> {
        Curve::new(scores, labels).map(|curve| curve.auc())
    }

    #[test]
    fn area_is_the_share_of_pairs_in_order() {
        // scikit-learn's example of `roc_auc_score`, whose scores grow with the second class.
        assert_eq!(auc(&[-0.1, -0.4, -0.35, -0.8], &[0, 0, 1, 1]), Some(0.75));
        assert_eq!(auc(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 0, 0]), Some(1.0));
        assert_eq!(auc(&[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1]), Some(0.0));
        assert_eq!(auc(&[7.0; 4], &[0, 1, 0, 1]), Some(0.5));
        assert_eq!(auc(&[1.0, 1.0, 2.0], &[1, 0, 0]), Some(0.75));
        assert_eq!(auc(&[1.0, 2.0], &[0, 0]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn area_agrees_with_pairs_one_by_one() {
        let scores: Vec<f64> = (0..200).map(|row| f64::from(row * 7919 % 31)).collect();
        let labels: Vec<usize> = (0..200)
            .map(|row| usize::from(row * row % 7 == 2))
            .collect();
        let mut twice = 0;
        let mut n = 0;
        for (a, _) in scores.iter().zip(&labels).filter(|(_, label)| **label == 1) {
            for (b, _) in scores.iter().zip(&labels).filter(|(_, label)| **label == 0) {
                n += 2;
                twice += if a < b { 2 } else { usize::from(a == b) };
            }
        }
        assert_eq!(
            auc(&scores, &labels),
            Some(f64::from(twice as u32) / f64::from(n))
        );
    }

    #[test]
    fn curves_run_from_no_alarm_to_all() {
        for n in [2_usize, 3, POINTS, POINTS + 1, 5 * POINTS] {
            let scores: Vec<f64> = (0..n).map(|row| row as f64).collect();
            let labels: Vec<usize> = (0..n).map(|row| usize::from(row % 2 == 0)).collect();
            let points = Curve::new(&scores, &labels).expect("both").thinned();
            assert!(points.len() <= POINTS + 1);
            let (first, last) = (points[0], points[points.len() - 1]);
            assert_eq!(
                (first.recall, first.false_alarm_rate, first.precision),
                (0.0, 0.0, 1.0)
            );
            assert_eq!((last.recall, last.false_alarm_rate), (1.0, 1.0));
            assert!(points.is_sorted_by(
                |a, b| a.recall <= b.recall && a.false_alarm_rate <= b.false_alarm_rate
            ));
        }
    }

    #[test]
    fn alarms_are_counted_without_labels() {
        let scores = ScorePredictions {
            float: vec![-0.7, -0.4],
            q15: vec![-0.7, -0.5],
            threshold: -0.5,
        };
        let found = Detection::new(&scores, (&[1, 0], &[1, 1]), None);
        assert_eq!(
            (found.alarms_float, found.alarms, found.auc_q15),
            (1, 2, None)
        );
        assert!(found.curve.is_empty());
    }
}
