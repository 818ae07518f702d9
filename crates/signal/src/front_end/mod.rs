//! Descriptions of front ends: from what a sensor delivers to a row of features.

mod motion;
mod sound;

pub use motion::{MAGNITUDE, Measure, MotionFront};
pub use sound::{SoundFront, Spectral, Statistic};

/// From what a sensor delivers to a row of features per decision.
#[derive(Debug, Clone, PartialEq)]
pub enum FrontEnd {
    /// Of sound.
    Sound(SoundFront),
    /// Of motion, or of slow sensors.
    Motion(MotionFront),
}

/// What a frame is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The periodic Hann window.
    Hann,
    /// One.
    Rectangular,
}

impl FrontEnd {
    /// Names of the features, in the order of a row.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        match self {
            Self::Sound(sound) => sound.feature_names(),
            Self::Motion(motion) => motion.feature_names(),
        }
    }

    /// Whether features have 16 bits; else 32.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        match self {
            Self::Sound(sound) => sound.is_narrow(),
            Self::Motion(motion) => motion.is_narrow(),
        }
    }
}
