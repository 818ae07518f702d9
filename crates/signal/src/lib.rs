//! Recordings to rows of features: WAV and label files, decisions, and scenes rendered from short
//! recordings.
//!
//! Features are computed by `spinney-frontend`, the code that the device runs, so that what is
//! trained on is what the board computes. Nothing here knows files, configs or models.

mod decisions;
mod hear;
mod intervals;
mod recording;
mod scenes;

pub use decisions::{labels_of, trimmed};
pub use hear::{BANDS_MAX, hear};
pub use intervals::{Interval, intervals_csv, read_intervals};
pub use recording::{Recording, read_wav, wav_bytes};
pub use scenes::{Scenes, Sound, render};

/// Why a signal, its labels or a scene cannot be used: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct SignalError {
    /// Where.
    pub place: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

impl SignalError {
    fn new(
        place: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            found: found.into(),
            expected: expected.into(),
        }
    }
}
