//! A front end for motion and slow sensors in a generated crate; its twin is the front end's
//! `motion.rs`.

use std::num::NonZeroU16;

use spinney_frontend::motion::Measures;

use super::{METHODS, Window};
use crate::mel::{BankError, FilterTable};

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

    pub(super) fn source(&self, table: Option<&FilterTable>) -> String {
        let m = self.n_samples / 2;
        let (imports, statics, tones, new) = match table {
            Some(table) => (
                "use spinney_frontend::motion::{Bands, Motion};\n\
                 use spinney_frontend::window::Window;\n",
                format!(
                    "{}\nstatic WINDOW: Window<{m}> = Window::{}();\n",
                    table.source(usize::from(self.n_samples)),
                    self.window.constructor()
                ),
                format!("Bands<'static, {m}, N_BANDS>"),
                "Bands::new(&WINDOW, FILTERS)",
            ),
            None => (
                "use spinney_frontend::motion::{Motion, NoTones};\n",
                String::new(),
                "NoTones".to_owned(),
                "NoTones",
            ),
        };
        let readings = if self.is_narrow() {
            // What is kept fits 16 bits.
            "features.map(|feature| feature as i16)"
        } else {
            "features"
        };
        format!(
            "//! From samples to the class: {channels}; {rate} samples per second, windows of \
             {window} every {hop}. Generated by Spinney.\n\n\
             use core::num::NonZeroU16;\n\n\
             {imports}\
             {statics}\n\
             /// Values of a sample: {channels}.\n\
             pub const N_CHANNELS: usize = {n_channels};\n\n\
             /// A value of each channel.\n\
             pub type Sample = [i16; N_CHANNELS];\n\n\
             /// A sample of its values.\n\
             #[must_use]\n\
             pub const fn sample(values: [i16; N_CHANNELS]) -> Sample {{\n    \
             values\n\
             }}\n\n\
             /// Samples from one decision's start to the next one's.\n\
             pub const SAMPLES_PER_DECISION: usize = {hop};\n\n\
             const HOP: NonZeroU16 = NonZeroU16::new({hop}).unwrap();\n\
             /// What is kept of a window, a bit each.\n\
             const MEASURES: u16 = {bits:#b};\n\n\
             /// Samples in, a row of readings out for each window.\n\
             #[derive(Debug, Clone)]\n\
             pub struct Chain(Motion<{tones}, N_CHANNELS, {m}, MEASURES, {{ crate::N_FEATURES }}>);\n\n\
             impl Chain {{\n    \
             /// Before the first sample.\n    \
             #[must_use]\n    \
             #[inline]\n    \
             pub fn new() -> Self {{\n        \
             Self(Motion::new({new}, HOP))\n    \
             }}\n\n    \
             /// Takes the next sample; the last one of a window gives its readings.\n    \
             #[inline]\n    \
             pub fn push(&mut self, sample: Sample) -> Option<[crate::Reading; crate::N_FEATURES]> {{\n        \
             let features = self.0.push(sample)?;\n        \
             Some({readings})\n    \
             }}\n\n\
             {METHODS}",
            channels = self.channels.join(", "),
            rate = self.sample_rate_hz,
            window = self.n_samples,
            hop = self.hop,
            n_channels = self.channels.len(),
            bits = self.measures.bits(),
        )
    }
}
