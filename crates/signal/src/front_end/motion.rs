//! A front end for motion and slow sensors, described: what the front end's `motion.rs` computes
//! of windows.

use std::num::NonZeroU16;

use spinney_frontend::motion::Measures;

use super::Window;
use crate::{BankError, FilterTable, SampleFilter, Trigger};

/// What a channel of magnitudes is called.
pub const MAGNITUDE: &str = "magnitude";

/// What is kept of windows in the time domain, in the order of a row and of the bits of [`Measures`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The mean.
    Mean,
    /// The variance of a population.
    Variance,
    /// The standard deviation.
    Deviation,
    /// The smallest sample.
    Minimum,
    /// The largest sample.
    Maximum,
    /// Largest less smallest.
    Range,
    /// The root of the mean square.
    Rms,
    /// Crossings of the mean.
    MeanCrossings,
    /// Crossings of 0.
    ZeroCrossings,
    /// The mean difference of two samples in turn, without its sign.
    Jerk,
    /// The sample that a quarter is not above.
    LowerQuartile,
    /// The sample in the middle.
    Median,
    /// The sample that a quarter is above.
    UpperQuartile,
    /// The largest autocorrelation once it was negative.
    AutocorrelationPeak,
    /// The correlation of each two channels.
    Correlation,
}

/// From samples of several channels to a row of features per window.
#[derive(Debug, Clone, PartialEq)]
pub struct MotionFront {
    /// Samples per second.
    pub sample_rate_hz: f64,
    /// The channels' names, in their order.
    pub channels: Vec<String>,
    /// Channels in turn that are one vector, whose magnitude is a further channel: at most 3; 0 for
    /// none.
    pub n_axes: usize,
    /// What the samples of each channel go through first.
    pub filter: Option<SampleFilter>,
    /// Samples of a window: even, and a power of two from 64 to 2,048 where there are bands.
    pub n_samples: u16,
    /// Samples from one window's start to the next one's.
    pub hop: NonZeroU16,
    /// What is kept of a window.
    pub measures: Measures,
    /// Number of bands, of the same width; 0 for none.
    pub n_bands: usize,
    /// What a window is multiplied by before its spectrum is taken.
    pub window: Window,
    /// The lowest edge of the bands.
    pub f_min_hz: f64,
    /// The highest edge of the bands.
    pub f_max_hz: f64,
    /// What opens a window, which has no `hop` then; `None` where they follow each other.
    pub trigger: Option<Trigger>,
}

impl Measure {
    /// All, in the order of a row.
    pub const ALL: [Self; Measures::N_ALL as usize] = [
        Self::Mean,
        Self::Variance,
        Self::Deviation,
        Self::Minimum,
        Self::Maximum,
        Self::Range,
        Self::Rms,
        Self::MeanCrossings,
        Self::ZeroCrossings,
        Self::Jerk,
        Self::LowerQuartile,
        Self::Median,
        Self::UpperQuartile,
        Self::AutocorrelationPeak,
        Self::Correlation,
    ];

    /// Their words, which features are called by with `_` for `-`.
    pub const WORDS: [&'static str; Self::ALL.len()] = [
        "mean",
        "variance",
        "deviation",
        "min",
        "max",
        "range",
        "rms",
        "mean-crossings",
        "zero-crossings",
        "jerk",
        "lower-quartile",
        "median",
        "upper-quartile",
        "autocorrelation-peak",
        "correlation",
    ];

    /// The set of the front end that has this one alone.
    #[must_use]
    pub const fn set(self) -> Measures {
        Measures::from_bits(1 << self as u16)
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Whether it fits 16 bits, with a sign.
    const fn is_narrow(self) -> bool {
        !matches!(
            self,
            Self::Mean | Self::Variance | Self::Deviation | Self::Range | Self::Rms | Self::Jerk
        )
    }
}

impl MotionFront {
    /// The filters of the bands; `None` without bands.
    ///
    /// # Errors
    /// As [`FilterTable::bands`].
    pub fn table(&self) -> Result<Option<FilterTable>, BankError> {
        if self.n_bands == 0 {
            return Ok(None);
        }
        let width = (self.f_max_hz - self.f_min_hz) / self.n_bands as f64;
        let mut edges: Vec<f64> = (0..self.n_bands)
            .map(|band| self.f_min_hz + width * band as f64)
            .collect();
        edges.push(self.f_max_hz);
        FilterTable::bands(self.sample_rate_hz, usize::from(self.n_samples), &edges).map(Some)
    }

    /// How many windows a stretch of so many samples gives.
    #[must_use]
    pub fn n_windows(&self, n_samples: usize) -> usize {
        let rest = n_samples.checked_sub(usize::from(self.n_samples));
        rest.map_or(0, |rest| rest / usize::from(self.hop.get()) + 1)
    }

    /// Channels with those of magnitudes.
    #[must_use]
    pub fn n_all_channels(&self) -> usize {
        let n_magnitudes = self.channels.len().checked_div(self.n_axes);
        self.channels.len() + n_magnitudes.unwrap_or(0)
    }

    /// Which of the sensor's channels one of all channels is made of: itself, or the axes of a
    /// magnitude.
    #[must_use]
    pub fn made_of(&self, channel: usize) -> std::ops::Range<usize> {
        match channel.checked_sub(self.channels.len()) {
            None => channel..channel + 1,
            Some(vector) => vector * self.n_axes..(vector + 1) * self.n_axes,
        }
    }

    /// Features of one channel.
    #[must_use]
    pub fn n_features_per_channel(&self) -> usize {
        self.measures.n_per_channel() + self.n_bands
    }

    /// Names of the features, channel by channel: `ax_mean`, `ax_band_0`, those of magnitudes behind
    /// the others; then those of pairs: `ax_ay_correlation`.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        let channels = self.channel_names();
        let kept = || {
            Measure::ALL
                .into_iter()
                .filter(|it| self.measures.has(it.set()) && *it != Measure::Correlation)
        };
        let of_channel = |channel: &String| {
            let moments =
                kept().map(|measure| format!("{channel}_{}", measure.word().replace('-', "_")));
            let bands = (0..self.n_bands).map(|band| format!("{channel}_band_{band}"));
            moments.chain(bands).collect::<Vec<_>>()
        };
        let mut names: Vec<String> = channels.iter().flat_map(of_channel).collect();
        if self.measures.has(Measures::CORRELATION) {
            for (at, first) in channels.iter().enumerate() {
                let others = &channels[at + 1..];
                names.extend((others.iter()).map(|other| format!("{first}_{other}_correlation")));
            }
        }
        names
    }

    /// Bands of each channel, and all features of each but correlations.
    pub(super) fn parts(&self) -> Vec<(String, Vec<usize>)> {
        let (n_moments, n) = (self.measures.n_per_channel(), self.n_features_per_channel());
        let names = self.channel_names().into_iter().enumerate();
        let of_channel = |(at, name): (usize, String)| {
            let bands = (at * n + n_moments..(at + 1) * n).collect();
            let all = (at * n..(at + 1) * n).collect();
            [
                (format!("bands of {name}"), bands),
                (format!("all of {name}"), all),
            ]
        };
        names.flat_map(of_channel).collect()
    }

    /// Channels with those of magnitudes, in their order.
    fn channel_names(&self) -> Vec<String> {
        let mut channels = self.channels.clone();
        channels.extend(match self.n_all_channels() - channels.len() {
            1 => vec![MAGNITUDE.to_owned()],
            n => (0..n).map(|at| format!("{MAGNITUDE}_{at}")).collect(),
        });
        channels
    }

    /// Whether features have 16 bits; else 32.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        Measure::ALL
            .into_iter()
            .all(|measure| measure.is_narrow() || !self.measures.has(measure.set()))
    }
}
