//! How features are made of samples.

use std::num::{NonZeroU16, NonZeroU32};

use serde::Serialize;
use spinney_signal::{
    Measure, MelScale, Normalisation, SampleFilter, Spectral, Statistic, Trigger, Window,
};

use crate::choice::{AggregateOf, as_word, as_words};

/// How features are made of samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Frontend {
    /// Of sound.
    Audio(AudioFrontend),
    /// Of motion and slow sensors.
    Motion(MotionFrontend),
}

const fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// How features are made of windows of several channels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MotionFrontend {
    /// Samples per second, above 0.
    pub sample_rate_hz: f64,
    /// The columns of the channels, in the order of a sample's values; at most 16.
    pub channels: Vec<String>,
    /// Channels in turn that are one vector, which divides their number; at most 3, 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub n_axes: u32,
    /// What the samples of each channel go through first.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub filter: Option<SampleFilter>,
    /// Samples per window: even, at most 2,048, and a power of two from 64 on where there are
    /// bands.
    pub n_samples: u16,
    /// Samples from one window's start to the next one's.
    pub hop: NonZeroU16,
    /// What opens a window, wherever `hop` would have the next begin; `None` where they follow each other.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub trigger: Option<Trigger>,
    /// What is kept in the time domain, each once, in the order of the enum.
    #[serde(serialize_with = "as_words")]
    pub statistics: Vec<Measure>,
    /// Number of bands of the same width, 0 to 128.
    pub n_bands: u32,
    /// What a window is multiplied by before its spectrum is taken.
    #[serde(serialize_with = "as_word")]
    pub window: Window,
    /// The lowest edge.
    pub f_min_hz: f64,
    /// The highest edge, at most half of the sample rate.
    pub f_max_hz: f64,
    /// The class of samples that no label belongs to.
    pub background: String,
}

fn as_text<S: serde::Serializer, T: ToString>(it: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    it.as_ref().map(ToString::to_string).serialize(to)
}

/// How features are made of sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioFrontend {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Samples per frame: 64 to 2,048, a power of two.
    pub n_points: u16,
    /// Samples from one frame's start to the next one's.
    pub hop: NonZeroU16,
    /// What samples go through before frames.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub filter: Option<SampleFilter>,
    /// What a frame is multiplied by.
    #[serde(serialize_with = "as_word")]
    pub window: Window,
    /// Number of bands, 1 to 128.
    pub n_bands: u32,
    /// Where the bands lie.
    #[serde(serialize_with = "as_word")]
    pub scale: MelScale,
    /// What their weights are multiplied by.
    #[serde(serialize_with = "as_word")]
    pub normalisation: Normalisation,
    /// The lowest edge.
    pub f_min_hz: f64,
    /// The highest edge, at most half of the sample rate.
    pub f_max_hz: f64,
    /// What is kept of a band over the frames of a decision: at least one, each once.
    #[serde(serialize_with = "as_words")]
    pub aggregates: Vec<Statistic>,
    /// What they are statistics of.
    pub aggregate_of: AggregateOf,
    /// Cepstral coefficients in place of the bands; 0 for the bands.
    pub n_cepstra: u32,
    /// What is kept of the shape of a frame's spectrum, each once, in the order of the enum.
    #[serde(serialize_with = "as_words", skip_serializing_if = "Vec::is_empty")]
    pub spectral: Vec<Spectral>,
    /// Frames on either side of a delta; 0 for no deltas.
    pub n_delta_frames: u32,
    /// Frames per decision.
    pub n_frames_per_decision: NonZeroU32,
    /// Frames from one decision's start to the next one's, which divide those of a decision; `None` where
    /// none overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_frames_per_step: Option<NonZeroU32>,
    /// What opens a decision; `None` where one follows the other.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub trigger: Option<Trigger>,
    /// Samples per second of the microphone itself, for data rates; at least the sample rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone_rate_hz: Option<u32>,
    /// Seconds per decision of a second column of data rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ladder_s: Option<f64>,
    /// The class of a decision that no label belongs to.
    pub background: String,
}

/// Long recordings rendered from short ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenes {
    /// Decisions to train on.
    pub train_decisions: u32,
    /// Decisions for the test.
    pub test_decisions: u32,
    /// Lowest and highest signal-to-noise ratio in dB.
    pub snr_db: (i32, i32),
    /// Share of decisions with an event, above 0 and below 1.
    pub event_share: f64,
    /// Most seconds of an event.
    pub event_s: f64,
}
