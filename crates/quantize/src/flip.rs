//! Flip intervals: the readings that float and Q15 send different ways at a split.

use serde::{Deserialize, Serialize};

use crate::calibrate::{Calibration, Sensor};
use crate::coding::{Coding, exp2, round_down};
use crate::thresholds::Threshold;

/// A split that some readings pass differently in float and in Q15.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Index of the tree.
    pub tree: usize,
    /// Index of the node in the tree's preorder.
    pub node: usize,
    /// Index of the feature.
    pub feature: usize,
    /// The threshold in raw units.
    pub threshold: f64,
    /// Readings above it …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// … and below it flip; `None` for no such end.
    pub below: Option<f64>,
    /// Rows with such a reading, whether they reach the split or not.
    #[serde(default)]
    pub readings: usize,
    /// Rows whose paths in float and Q15 part at this split.
    pub rows: Vec<usize>,
}

impl Flip {
    /// Whether a reading, as the device receives it, flips.
    #[must_use]
    pub fn holds(&self, reading: f64) -> bool {
        self.above.is_none_or(|above| reading > above)
            && self.below.is_none_or(|below| reading < below)
    }
}

/// An open interval of readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub above: f64,
    pub below: f64,
}

impl Interval {
    /// The readings that flip at a split that float sends readings up to `at` left at; `None` if
    /// there are none of the sensor's kind. Its range does not count here.
    ///
    /// Codes are monotone and a split's code is that of its threshold, so readings up to the
    /// threshold go left on both sides, and those above it flip as long as they share its code.
    /// Where the code is saturated, it is the readings between threshold and range that flip.
    pub(crate) fn of(at: f64, code: Threshold, coding: &Coding, sensor: Sensor) -> Option<Self> {
        let Coding::Affine { shift, offset } = coding else {
            // A rank changes right above each threshold.
            return None;
        };
        let edge = |code: f64| (code + f64::from(*offset)) * exp2(-*shift);
        let interval = match code {
            Threshold::NeverLeft => Self {
                above: f64::NEG_INFINITY,
                below: next_up(at, sensor),
            },
            Threshold::Code(code) => {
                let end = if code == i16::MAX {
                    f64::INFINITY
                } else {
                    edge(f64::from(code) + 1.0)
                };
                if at < end {
                    Self {
                        above: at,
                        below: end,
                    }
                } else {
                    // The threshold lies beyond the codes: readings up to it may have the highest.
                    Self {
                        above: next_down(end, sensor),
                        below: next_up(at, sensor),
                    }
                }
            }
        };
        interval.first(sensor).map(|_| interval)
    }

    /// The lowest number of the sensor's kind within; singles need not be finite.
    fn first(self, sensor: Sensor) -> Option<f64> {
        let first = next_up(self.above, sensor);
        (first < self.below).then_some(first)
    }

    /// Whether the sensor delivers a reading of its range that lies within.
    pub(crate) fn is_reached(self, calibration: &Calibration) -> bool {
        let sensor = calibration.sensor;
        let (low, high) = calibration.range;
        let start = Self {
            above: self.above.max(next_down(low, sensor)),
            ..self
        };
        start.first(sensor).is_some_and(|first| first <= high)
    }

    pub(crate) fn ends(self) -> (Option<f64>, Option<f64>) {
        let finite = |end: f64| end.is_finite().then_some(end);
        (finite(self.above), finite(self.below))
    }
}

/// The lowest number of the sensor's kind above `value`.
fn next_up(value: f64, sensor: Sensor) -> f64 {
    match sensor {
        Sensor::F32 => f64::from(round_down(value).next_up()),
        _ => value.floor() + 1.0,
    }
}

/// The highest number of the sensor's kind below `value`.
fn next_down(value: f64, sensor: Sensor) -> f64 {
    match sensor {
        Sensor::F32 => {
            let at = round_down(value);
            f64::from(if f64::from(at) < value {
                at
            } else {
                at.next_down()
            })
        }
        _ => value.ceil() - 1.0,
    }
}
