//! A front end for motion and slow sensors, described: what the front end's `motion.rs` computes
//! of windows.

use std::num::NonZeroU16;

use spinney_frontend::motion::Measures;

use super::Window;
use crate::{BankError, FilterTable};

/// What is kept of a channel's window in the time domain.
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
}

/// From samples of several channels to a row of features per window.
#[derive(Debug, Clone, PartialEq)]
pub struct MotionFront {
    /// Samples per second.
    pub sample_rate_hz: f64,
    /// The channels' names, in their order.
    pub channels: Vec<String>,
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
}

impl Measure {
    /// All, in the order of a row.
    pub const ALL: [Self; 9] = [
        Self::Mean,
        Self::Variance,
        Self::Deviation,
        Self::Minimum,
        Self::Maximum,
        Self::Range,
        Self::Rms,
        Self::MeanCrossings,
        Self::ZeroCrossings,
    ];

    /// The set of the front end that has this one alone.
    #[must_use]
    pub const fn set(self) -> Measures {
        match self {
            Self::Mean => Measures::MEAN,
            Self::Variance => Measures::VARIANCE,
            Self::Deviation => Measures::DEVIATION,
            Self::Minimum => Measures::LEAST,
            Self::Maximum => Measures::MOST,
            Self::Range => Measures::RANGE,
            Self::Rms => Measures::RMS,
            Self::MeanCrossings => Measures::MEAN_CROSSINGS,
            Self::ZeroCrossings => Measures::ZERO_CROSSINGS,
        }
    }

    /// Part of a feature's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Variance => "variance",
            Self::Deviation => "deviation",
            Self::Minimum => "min",
            Self::Maximum => "max",
            Self::Range => "range",
            Self::Rms => "rms",
            Self::MeanCrossings => "mean_crossings",
            Self::ZeroCrossings => "zero_crossings",
        }
    }

    /// Whether it fits 16 bits, with a sign.
    const fn is_narrow(self) -> bool {
        matches!(
            self,
            Self::Minimum | Self::Maximum | Self::MeanCrossings | Self::ZeroCrossings
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

    /// Features of one channel.
    #[must_use]
    pub fn n_features_per_channel(&self) -> usize {
        self.measures.len() + self.n_bands
    }

    /// Names of the features, channel by channel: `ax_mean`, `ax_band_0`.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        let kept = || {
            Measure::ALL
                .into_iter()
                .filter(|measure| self.measures.has(measure.set()))
        };
        let of_channel = |channel: &String| {
            let moments = kept().map(|measure| format!("{channel}_{}", measure.as_str()));
            let bands = (0..self.n_bands).map(|band| format!("{channel}_band_{band}"));
            moments.chain(bands).collect::<Vec<_>>()
        };
        self.channels.iter().flat_map(of_channel).collect()
    }

    /// Whether features have 16 bits; else 32.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        Measure::ALL
            .into_iter()
            .all(|measure| measure.is_narrow() || !self.measures.has(measure.set()))
    }
}
