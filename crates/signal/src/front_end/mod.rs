//! Descriptions of front ends: from what a sensor delivers to a row of features.

mod asked;
mod motion;
mod sound;

use spinney_dataset::DataError;

pub use asked::{AskedChannel, AskedMotion, AskedSound};
pub use motion::{MAGNITUDE, Measure, MotionFront};
pub use sound::{SoundFront, Spectral, Statistic};

use crate::Trigger;

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
    /// What opens a decision; `None` where one follows the other.
    #[must_use]
    pub const fn trigger(&self) -> Option<Trigger> {
        match self {
            Self::Sound(sound) => sound.trigger,
            Self::Motion(motion) => motion.trigger,
        }
    }

    /// Values of a sample.
    #[must_use]
    pub fn n_channels(&self) -> usize {
        match self {
            Self::Sound(_) => 1,
            Self::Motion(motion) => motion.channels.len(),
        }
    }

    /// Samples per second.
    #[must_use]
    pub const fn sample_rate_hz(&self) -> f64 {
        match self {
            Self::Sound(sound) => sound.bank.sample_rate_hz,
            Self::Motion(motion) => motion.sample_rate_hz,
        }
    }

    /// Names of the features, in the order of a row.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        match self {
            Self::Sound(sound) => sound.feature_names(),
            Self::Motion(motion) => motion.feature_names(),
        }
    }

    /// Which features a model asks for whose features have these names, in its order.
    ///
    /// # Errors
    /// A name that is no feature's, or names in another order.
    pub fn asked(&self, features: &[String]) -> Result<Vec<bool>, DataError> {
        let names = self.feature_names();
        // Names that only count positions are of all features.
        if features.len() == names.len() && features.iter().all(|name| !names.contains(name)) {
            return Ok(vec![true; names.len()]);
        }
        let mut wanted = features.iter().peekable();
        let is_asked = names
            .iter()
            .map(|name| wanted.next_if_eq(&name).is_some())
            .collect();
        match wanted.next() {
            None => Ok(is_asked),
            Some(name) => Err(DataError {
                place: "the model's features".to_owned(),
                found: match names.contains(name) {
                    true => format!("\"{name}\" behind one that the front end has after it"),
                    false => format!("\"{name}\", which the front end does not have"),
                },
                expected: format!(
                    "all or some of its features, in their order: {}",
                    spinney_dataset::csv::preview(&names)
                ),
            }),
        }
    }

    /// Features that share work, each with what they are together: the spectrum of a channel, all of a
    /// channel, or what one statistic of sound gives. Those of a single feature are left out.
    #[must_use]
    pub fn parts(&self) -> Vec<(String, Vec<usize>)> {
        let mut parts: Vec<(String, Vec<usize>)> = match self {
            Self::Sound(sound) => sound.parts(),
            Self::Motion(motion) => motion.parts(),
        };
        parts.retain(|(_, features)| features.len() > 1);
        parts
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
