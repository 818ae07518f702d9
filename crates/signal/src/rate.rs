//! How often a recording was sampled, by its times, and the same recording at another rate.

use spinney_dataset::{Budget, DataError};

/// Samples per second of a recording, and what says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Samples per second, above 0.
    pub rate_hz: f64,
    /// What says so, as a sentence has it after "by".
    pub source: String,
    /// Whether the file states a rate, rather than times that a rate follows from.
    pub is_stated: bool,
}

/// Units of times: a word that a column's name may have, the unit's name, and how many a second
/// has.
const UNITS: [(&[&str], &str, f64); 4] = [
    (&["ns", "nano"], "nanoseconds", 1e9),
    (&["us", "µs", "micro"], "microseconds", 1e6),
    (&["ms", "milli"], "milliseconds", 1e3),
    (&["s", "sec", "second"], "seconds", 1.0),
];

/// Names of columns that hold times.
const TIMES: [&str; 6] = ["t", "time", "timestamp", "seconds", "elapsed", "millis"];

/// The words of a column's name, in lower case, without plurals: `time_ms`, `seconds_elapsed`,
/// `Time (s)`.
fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphabetic());
    words.map(str::to_owned).collect()
}

/// Whether a column is one of times, by its name.
pub fn is_time(name: &str) -> bool {
    words(name)
        .iter()
        .any(|word| TIMES.contains(&word.as_str()))
}

/// The rate of a recording with these times, in turn, from those of its steps that rise and are
/// no gaps. Of what unit they are follows from the column's name, else from the rate that is
/// expected.
pub(crate) fn pace_of(times: &[f64], column: &str, expected_hz: f64) -> Option<Pace> {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.retain(|step| *step >= 0.0 && step.is_finite());
    steps.sort_by(f64::total_cmp);
    let middle = *steps.get(steps.len() / 2)?;
    // Sensors that are read faster than the clock ticks have steps of 0.
    let typical = if middle > 0.0 { 3.0 * middle } else { f64::MAX };
    steps.retain(|step| *step <= typical);
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    let rates = UNITS.map(|(words, name, per_second)| (words, name, per_second / mean));
    let named = |(of_unit, ..): &&(&[&str], &str, f64)| {
        let is_of_unit = |word: &String| {
            let word = word.as_str();
            of_unit.contains(&word) || of_unit.contains(&word.trim_end_matches('s'))
        };
        words(column).iter().any(is_of_unit)
    };
    let apart = |rate: f64| (rate / expected_hz).ln().abs();
    let nearest = || {
        rates
            .iter()
            .min_by(|a, b| apart(a.2).total_cmp(&apart(b.2)))
    };
    let (_, unit, rate_hz) = rates.iter().find(named).or_else(nearest)?;
    (rate_hz.is_finite() && *rate_hz > 0.0).then(|| Pace {
        rate_hz: *rate_hz,
        source: format!("its times (column \"{column}\", in {unit})"),
        is_stated: false,
    })
}

/// Zero crossings of the filter on each side.
const CROSSINGS: f64 = 16.0;
/// How much of the lower rate's half is kept.
const KEPT: f64 = 0.92;
/// Entries of the filter's table per sample.
const FINE: f64 = 512.0;
/// Rates that are further apart than this are no rates of one recording.
const RATIO_MAX: f64 = 4096.0;

/// Samples of so many channels, which were taken `from_hz` times per second, as if taken `to_hz`
/// times: a sum of sines under a Hann window, which leaves out what the lower rate cannot hold. A
/// constant stays what it is, up to both ends.
///
/// # Errors
/// Rates that are more than 4,096 times apart, or more samples than the budget has.
pub fn resampled(
    values: &[f64],
    n_channels: usize,
    (from_hz, to_hz): (f64, f64),
    budget: &Budget,
) -> Result<Vec<f64>, DataError> {
    let step = from_hz / to_hz;
    if !(1.0 / RATIO_MAX..=RATIO_MAX).contains(&step) {
        return Err(DataError::new(
            "the recording",
            format!("{from_hz} samples per second"),
            format!("a rate within {RATIO_MAX} times of {to_hz}"),
        ));
    }
    let n = values.len() / n_channels.max(1);
    let Some(last) = n.checked_sub(1) else {
        return Ok(Vec::new());
    };
    // At most 2^44.
    let n_out = (last as f64 / step) as usize + 1;
    let width = CROSSINGS * step.max(1.0);
    let n_taps = 2 * width as u64 + 2;
    budget.take_items("the samples", n_out * n_channels, size_of::<f64>() as u64)?;
    budget.work(
        "the samples",
        (n_out as u64).saturating_mul(n_taps * n_channels as u64),
    )?;
    let filter = filter(width, KEPT * step.recip().min(1.0));
    let mut out = Vec::with_capacity(n_out * n_channels);
    let mut sums = vec![0.0; n_channels];
    for at in 0..n_out {
        let centre = at as f64 * step;
        let first = (centre - width).ceil().max(0.0) as usize;
        let end = ((centre + width) as usize).min(last);
        sums.fill(0.0);
        let mut weight = 0.0;
        for (sample, channels) in (first..=end).zip(values[first * n_channels..].chunks(n_channels))
        {
            let place = (sample as f64 - centre).abs() * FINE;
            let entry = place as usize;
            let (low, high) = (filter[entry], filter[entry + 1]);
            let tap = low + (high - low) * (place - entry as f64);
            weight += tap;
            for (sum, value) in sums.iter_mut().zip(channels) {
                *sum += tap * value;
            }
        }
        out.extend(sums.iter().map(|sum| sum / weight));
    }
    Ok(out)
}

/// One side of the filter, from its middle on.
fn filter(width: f64, cutoff: f64) -> Vec<f64> {
    let n = (width * FINE) as usize + 3;
    let entry = |at: usize| {
        let x = at as f64 / FINE;
        let angle = std::f64::consts::PI * cutoff * x;
        let sine = if at == 0 {
            1.0
        } else {
            libm::sin(angle) / angle
        };
        let hann = 0.5 + 0.5 * libm::cos(std::f64::consts::PI * (x / width).min(1.0));
        sine * hann
    };
    (0..n).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::{Budget, is_time, pace_of, resampled};

    fn tone(hz: f64, rate: f64, n: usize) -> Vec<f64> {
        (0..n)
            .map(|at| libm::sin(std::f64::consts::TAU * hz * at as f64 / rate))
            .collect()
    }

    #[test]
    fn tones_stay_and_what_does_not_fit_goes() {
        let budget = Budget::of(1 << 20);
        let level = |hz, from, to| {
            let tone_in = tone(hz, from, 4000);
            let out = resampled(&tone_in, 1, (from, to), &budget).expect("a ratio");
            let like = tone(hz, to, out.len());
            // Away from both ends, where half of the filter hangs over.
            let inner = 100..out.len() - 100;
            let most = |it: &dyn Fn(usize) -> f64| inner.clone().map(it).fold(0.0, f64::max);
            (
                most(&|at| (out[at] - like[at]).abs()),
                most(&|at| out[at].abs()),
            )
        };
        assert!(level(1000.0, 44_100.0, 16_000.0).0 < 2e-4);
        assert!(level(3.0, 62.5, 50.0).0 < 2e-4);
        assert!(level(3.0, 20.0, 50.0).0 < 2e-4);
        assert!(level(10_000.0, 44_100.0, 16_000.0).1 < 1e-3);
        let constant = resampled(&[3.0, -7.0].repeat(40), 2, (30.0, 77.0), &budget);
        let constant = constant.expect("a ratio");
        assert_eq!(constant.len(), 2 * ((39.0 * 77.0 / 30.0) as usize + 1));
        for pair in constant.chunks(2) {
            assert!((pair[0] - 3.0).abs() < 1e-12 && (pair[1] + 7.0).abs() < 1e-12);
        }
        assert!(resampled(&[0.0; 9], 1, (1.0, 1e6), &budget).is_err());
        let dear = resampled(&[0.0; 90_000], 1, (1.0, 4000.0), &Budget::of(10));
        assert!(dear.is_err());
    }

    #[test]
    fn rates_follow_from_times() {
        let of =
            |times: &[f64], name, expected| pace_of(times, name, expected).map(|it| it.rate_hz);
        let steps = |step: f64| -> Vec<f64> { (0..50).map(|at| f64::from(at) * step).collect() };
        let rate = |step, name, expected| of(&steps(step), name, expected).map(f64::round);
        assert_eq!(rate(0.02, "t", 50.0), Some(50.0));
        assert_eq!(rate(0.02, "time", 100.0), Some(50.0));
        assert_eq!(rate(20.0, "time", 100.0), Some(50.0));
        assert_eq!(rate(20_000.0, "timestamp", 52.0), Some(50.0));
        assert_eq!(rate(2.0, "time_ms", 0.5), Some(500.0));
        assert_eq!(rate(2.0, "seconds_elapsed", 500.0), Some(1.0));
        // A gap, a clock that starts anew, and times in whole milliseconds do not move it much.
        let mut odd = steps(1.0 / 0.06)
            .iter()
            .map(|it| it.round())
            .collect::<Vec<_>>();
        odd.extend([5000.0, 5017.0, 5033.0, 0.0, 17.0, 33.0, 50.0]);
        let found = of(&odd, "t", 60.0).expect("a rate");
        assert!((found - 60.0).abs() < 0.5, "{found}");
        assert_eq!(of(&[4.0], "t", 1.0), None);
        assert_eq!(of(&[4.0; 9], "t", 1.0), None);
        assert!(is_time("Time (s)") && is_time("time_ms") && !is_time("state") && !is_time("x"));
    }
}
