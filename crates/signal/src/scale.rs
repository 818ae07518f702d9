//! Readings of motion as the integers that a device delivers: by powers of ten that follow from
//! them, or by what a config says.

use crate::MotionRecording;

/// The largest power of ten that readings are multiplied by.
const DIGITS_MAX: i32 = 6;
/// Half of what 16 bits hold: what moves more than it did while it was recorded has as much again.
const MOST: f64 = 16_383.0;

/// What the readings of each of `channels` are to be multiplied by, the same for the axes of a
/// sensor, whose names differ in a last `x`, `y` or `z`: 1 where all are integers of 16 bits,
/// else the smallest power of ten that makes them integers, but none that takes one above half of
/// 16 bits.
pub fn scales(channels: &[String], recordings: &[MotionRecording<f64>]) -> Vec<f64> {
    let sensor = |name: &str| {
        name.trim_end_matches(['x', 'y', 'z', 'X', 'Y', 'Z'])
            .to_owned()
    };
    let of_sensor = |channel: &String| {
        let is_same: Vec<bool> = (channels.iter())
            .map(|other| sensor(other) == sensor(channel))
            .collect();
        let readings = || {
            let all = recordings
                .iter()
                .flat_map(|it| it.values.iter().zip(is_same.iter().cycle()));
            all.filter(|(_, is_same)| **is_same)
                .map(|(reading, _)| *reading)
        };
        let largest = readings().fold(0.0, |most: f64, reading| most.max(reading.abs()));
        let is_whole = |scale: f64| {
            readings().all(|reading| {
                let scaled = reading * scale;
                (scaled - scaled.round()).abs() <= 1e-6
            })
        };
        if largest <= 32_767.0 && is_whole(1.0) {
            return 1.0;
        }
        let fits = |digits: &i32| largest * power(*digits) <= MOST;
        let most = (-15..=DIGITS_MAX).rev().find(fits).unwrap_or(-15);
        let whole = (1..most).find(|digits| is_whole(power(*digits)));
        power(whole.unwrap_or(most))
    };
    channels.iter().map(of_sensor).collect()
}

fn power(digits: i32) -> f64 {
    // Exact below 10^22, and the nearest number otherwise.
    format!("1e{digits}").parse().unwrap_or(1.0)
}

impl MotionRecording<f64> {
    /// Readings times the scale of each channel, rounded; and how many 16 bits do not hold, which
    /// become the largest that they hold, as they do on a device that checks.
    pub fn scaled(self, scales: &[f64]) -> (MotionRecording, usize) {
        let mut n_beyond = 0;
        let values = (self.values.iter().zip(scales.iter().cycle()))
            .map(|(reading, scale)| {
                let scaled = (reading * scale).round();
                n_beyond += usize::from(scaled.clamp(-32_768.0, 32_767.0) != scaled);
                // A cast keeps to what 16 bits hold.
                scaled as i16
            })
            .collect();
        let scaled = MotionRecording {
            name: self.name,
            values,
            labels: self.labels,
            pace: self.pace,
        };
        (scaled, n_beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::{MotionRecording, scales};

    fn recording(values: &[f64]) -> MotionRecording<f64> {
        MotionRecording {
            name: String::new(),
            values: values.to_vec(),
            labels: Vec::new(),
            pace: None,
        }
    }

    #[test]
    fn readings_become_integers() {
        let of = |channels: &[&str], values: &[f64]| {
            let channels: Vec<String> = channels.iter().map(|it| (*it).to_owned()).collect();
            scales(&channels, &[recording(values)])
        };
        assert_eq!(of(&["a"], &[1.0, -32_767.0]), [1.0]);
        assert_eq!(of(&["a"], &[0.067, 2.018]), [1000.0]);
        assert_eq!(of(&["a"], &[0.5, 2.0]), [10.0]);
        // Three digits do not fit, so two are kept; axes of a sensor have one scale.
        assert_eq!(
            of(&["aX", "gX", "gY"], &[0.25, 0.125, 99.001, 0.5, 7.0, 2.0]),
            [100.0, 100.0, 100.0]
        );
        assert_eq!(of(&["raw"], &[8_388_607.0]), [1e-3]);
        assert_eq!(of(&["a"], &[0.0]), [1.0]);
        assert_eq!(of(&["a"], &[1.0 / 3.0]), [10_000.0]);
        assert_eq!(of(&["a"], &[1e300]), [1e-15]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (scaled, n_beyond) = recording(&[0.25, 40.0, -0.0154, -50.0]).scaled(&[1000.0, 1000.0]);
        assert_eq!(scaled.values, [250, 32_767, -15, -32_768]);
        assert_eq!(n_beyond, 2);
    }
}
