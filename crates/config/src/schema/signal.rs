//! The sections of signals: how features are made of samples, and scenes of short recordings.

use super::keys::NONE;
use super::{Default, Interval, Key, Kind, Section, told};
use spinney_signal::{Measure, MelScale, Normalisation, Spectral, Statistic, Window};

use crate::choice::{AggregateOf, SignalKind, Word};

/// Most channels that are one vector.
const AXES_MAX: i64 = 3;
/// The highest level of a trigger, and the longest frame and hop; most frames of a decision and most
/// decisions.
const LEVEL_MAX: i64 = 32_767;
const FRAME_MAX: i64 = 2_048;
const HOP_MAX: i64 = 65_535;
const FRAMES_MAX: i64 = 1_000_000;
const DECISIONS_MAX: i64 = 100_000;

pub(super) const FRONTEND: Section = section! {
    /// Makes features of samples, by the code that the device runs.
    "frontend", optional:
    /// What is listened to: sound, by energies in mel bands, or motion, by statistics of windows.
    "kind": Kind::Choice(SignalKind::WORDS), Default::Value("\"audio\"");
    /// Samples per second, of the sensor and of every recording.
    "sample_rate": Kind::Number(Interval::AboveZero), Default::Required;
    /// Samples per second before something else brings them down to `sample_rate`; for the report's
    /// data rates.
    "microphone_rate": Kind::Integer { min: 1_000, max: 192_000 }, Default::Words("`sample_rate`");
    /// The columns of a CSV file that are channels of motion, in the order of a sample's values.
    "channels": Kind::Names { max: 16 }, NONE;
    /// How many channels in turn are a vector, whose length is a further channel: `magnitude`.
    "magnitude": Kind::Integer { min: 1, max: AXES_MAX }, NONE;
    /// The frequency in Hz below which samples are filtered out, before frames.
    "high_pass": Kind::Number(Interval::AboveZero), NONE;
    /// The frequency in Hz above which samples are filtered out; with `high_pass`, what lies between
    /// is kept.
    "low_pass": Kind::Number(Interval::AboveZero), NONE;
    /// The order of that filter, as SciPy's `butter` counts it: up to 8, of a band up to 4.
    "filter_order": Kind::Integer { min: 1, max: 8 },
        Default::Words("`2`, with a filter");
    /// Samples per frame: a power of two from 64 on or, of motion without `bands`, any even number.
    "frame": Kind::Integer { min: 2, max: FRAME_MAX }, Default::Words("1024 of sound, 128 of motion");
    /// Samples from one frame's start to the next one's.
    "hop": Kind::Integer { min: 1, max: HOP_MAX }, Default::Words("as many as a frame has");
    /// What a frame is multiplied by before its spectrum is taken.
    "window": Kind::Choice(Window::WORDS), Default::Value("\"hann\"");
    /// The number of bands, each of which is a feature: `mel_0`, `mel_1` and so on, or `ax_band_0`.
    "bands": Kind::Integer { min: 0, max: 128 }, Default::Words("64 of sound, 8 of motion");
    /// How pitch follows from frequency, along which the bands are evenly spaced.
    "scale": Kind::Choice(MelScale::WORDS), Default::Value("\"htk\"");
    /// What a band's weights are multiplied by.
    "normalisation": Kind::Choice(Normalisation::WORDS), Default::Value("\"none\"");
    /// The lowest edge of the bands, in Hz.
    "f_min": Kind::Number(Interval::AtLeastZero),
        Default::Words("0 of sound; of motion what a constant does not reach");
    /// The highest edge of the bands, in Hz.
    "f_max": Kind::Number(Interval::AboveZero), Default::Words("half of `sample_rate`");
    /// What is kept of a channel's window of motion besides bands, each a feature: `ax_mean`.
    "statistics": Kind::Choices(&Measure::WORDS),
        Default::Words("`\"mean\"` to `\"mean-crossings\"` but `\"deviation\"`");
    /// What is kept of a band over the frames of a decision, each a feature: `mel_0`, or
    /// `mel_0_max` of several.
    "aggregate": Kind::OneOrMore(Statistic::WORDS), Default::Value("\"max\"");
    /// Whether logarithms are taken before or after `aggregate`.
    "aggregate_of": Kind::Choice(AggregateOf::WORDS), Default::Value("\"logs\"");
    /// Mel-frequency cepstral coefficients in place of the bands, from 0 on: `mfcc_0`, `mfcc_1` and
    /// so on; 0 for the bands.
    "cepstra": Kind::Integer { min: 0, max: 128 }, Default::Value("0");
    /// What is kept of the shape of a frame's spectrum, each a value like a band: `centroid`.
    "spectral": Kind::Choices(&Spectral::WORDS), NONE;
    /// Frames on either side that a value's slope is taken over, for features `mel_0_delta` as
    /// well; 0 for none.
    "deltas": Kind::Integer { min: 0, max: 4 }, Default::Value("0");
    /// Seconds of a decision, to the nearest whole number of frames.
    "decision_s": Kind::Number(Interval::AboveZero), NONE;
    /// Frames per decision.
    "decision_frames": Kind::Integer { min: 1, max: FRAMES_MAX }, NONE;
    /// Seconds from one decision's start to the next one's, a whole fraction of a decision, so that
    /// decisions overlap.
    "decision_hop_s": Kind::Number(Interval::AboveZero), Default::Words("as many as a decision has");
    /// Begins a decision where the standard deviation of a block of samples, after the filter, reaches
    /// this; nothing is computed while all is quiet.
    "trigger": Kind::Integer { min: 1, max: LEVEL_MAX }, NONE;
    /// Samples of a block that the trigger looks at.
    "trigger_block": Kind::Integer { min: 2, max: FRAME_MAX },
        Default::Words("a quarter of `frame`, with a trigger");
    /// Samples before the block that triggers which the decision begins with.
    "trigger_before": Kind::Integer { min: 0, max: FRAME_MAX }, Default::Words("`0`, with a trigger");
    /// Seconds from one decision of sound to the next in a second column of the report's data
    /// rates.
    "ladder_s": Kind::Number(Interval::AboveZero), NONE;
    /// The class of a decision that no label belongs to.
    "background": Kind::Text, Default::Value("\"background\"");
};

pub(super) const SCENES: Section = section! {
    /// Renders long recordings from short ones: events at random onsets over backgrounds.
    "scenes", optional:
    /// How many decisions there are to train on.
    "train_decisions": Kind::Integer { min: 1, max: DECISIONS_MAX }, Default::Value("1000");
    /// How many decisions there are for the test.
    "test_decisions": Kind::Integer { min: 1, max: DECISIONS_MAX }, Default::Value("300");
    /// The lowest and highest ratio of an event's energy to the background's under it, in whole dB.
    "snr_db": Kind::Range, Default::Value("[6, 30]");
    /// The share of decisions in which there is an event.
    "event_share": Kind::Number(Interval::Fraction), Default::Value("0.75");
    /// The most seconds of an event; what is longer is faded out.
    "event_s": Kind::Number(Interval::AboveZero), Default::Value("0.6");
};
