//! Flip intervals: the readings that float and Q15 send different ways at a split.

use serde::{Deserialize, Serialize};

use crate::calibrate::{Calibration, Sensor};
use crate::coding::round_down;

/// A split that some readings pass differently in float and in Q15.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Index of the tree.
    pub tree: usize,
    /// Index of the node in the tree's preorder.
    pub node: usize,
    /// Index of the feature.
    pub feature: usize,
    /// The threshold in raw units; of a set of categories the first.
    pub threshold: f64,
    /// Readings above it …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// … and below it flip; `None` for no such end.
    pub below: Option<f64>,
    /// Whether a missing reading flips.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Rows with such a reading, whether they reach the split or not.
    #[serde(default)]
    pub readings: usize,
    /// Rows whose paths in float and Q15 part at this split.
    pub rows: Vec<usize>,
}

impl Flip {
    /// Whether a reading, as the device receives it, flips.
    pub fn holds(&self, reading: f64) -> bool {
        if reading.is_nan() {
            return self.missing;
        }
        self.above.is_none_or(|above| reading > above)
            && self.below.is_none_or(|below| reading < below)
    }
}

/// An open interval of readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// All of them are above it.
    pub above: f64,
    /// All of them are below it.
    pub below: f64,
}

impl Interval {
    /// The readings that go left on one side alone, where both sides send small readings left and
    /// large ones right; `None` if the sensor has no such reading. Its range does not count here.
    ///
    /// Nothing is taken from what a coding is meant to do: each side is asked for the last reading
    /// that it sends left, and what lies between the two flips. That finds codes that are shared,
    /// saturated or cut off, whatever the coding.
    pub fn between(
        sensor: Sensor,
        is_left_in_float: impl Fn(f64) -> bool,
        is_left_in_q15: impl Fn(f64) -> bool,
    ) -> Option<Self> {
        let (first, last) = places(sensor);
        let float = last_left((first, last), |at| is_left_in_float(reading_at(sensor, at)));
        let q15 = last_left((first, last), |at| is_left_in_q15(reading_at(sensor, at)));
        if float == q15 {
            return None;
        }
        let (low, high) = (float.min(q15), float.max(q15));
        Some(Self {
            above: if low < first {
                f64::NEG_INFINITY
            } else {
                reading_at(sensor, low)
            },
            below: if high == last {
                f64::INFINITY
            } else {
                reading_at(sensor, high + 1)
            },
        })
    }

    /// The lowest number of the sensor's kind within.
    fn first(self, sensor: Sensor) -> Option<f64> {
        let first = next_up(self.above, sensor);
        (first < self.below).then_some(first)
    }

    /// Whether there is a reading that lies within.
    pub(crate) fn is_reached(self, calibration: &Calibration) -> bool {
        let sensor = calibration.sensor;
        let (low, high) = calibration.inputs();
        let start = Self {
            above: self.above.max(next_down(low, sensor)),
            ..self
        };
        start.first(sensor).is_some_and(|first| first <= high)
    }

    /// Its ends, where they are finite.
    pub fn ends(self) -> (Option<f64>, Option<f64>) {
        let finite = |end: f64| end.is_finite().then_some(end);
        (finite(self.above), finite(self.below))
    }
}

impl Sensor {
    /// The first and the last place of its readings, in the order of their values: integers are their
    /// own, finite singles count from zero, either way.
    pub fn places(self) -> (i64, i64) {
        places(self)
    }

    /// The reading at a place.
    pub fn reading_at(self, place: i64) -> f64 {
        reading_at(self, place)
    }
}

fn places(sensor: Sensor) -> (i64, i64) {
    match sensor {
        Sensor::U8 => (0, i64::from(u8::MAX)),
        Sensor::I8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        Sensor::U16 => (0, i64::from(u16::MAX)),
        Sensor::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Sensor::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Sensor::F32 => {
            let last = i64::from(f32::MAX.to_bits());
            (-last, last)
        }
    }
}

fn reading_at(sensor: Sensor, place: i64) -> f64 {
    if sensor != Sensor::F32 {
        // At most 32 bits, which doubles hold.
        return place as f64;
    }
    let bits = u32::try_from(place.unsigned_abs()).unwrap_or(u32::MAX);
    let magnitude = f64::from(f32::from_bits(bits));
    if place < 0 { -magnitude } else { magnitude }
}

/// The last of these places that goes left, by bisection; the one before the first if none does.
pub fn last_left((first, last): (i64, i64), is_left: impl Fn(i64) -> bool) -> i64 {
    let (mut left, mut right) = (first - 1, last + 1);
    while right.abs_diff(left) > 1 {
        let middle = i64::midpoint(left, right);
        if is_left(middle) {
            left = middle;
        } else {
            right = middle;
        }
    }
    left
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
