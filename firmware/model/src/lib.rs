//! Stands where the pipeline puts the generated model crate: the same items, and no model.
#![no_std]
#![forbid(unsafe_code)]

/// Number of features of a row.
pub const N_FEATURES: usize = 4;
/// Number of codes of a row.
pub const N_CODES: usize = 4;
/// Number of classes.
pub const N_CLASSES: usize = 2;
/// What a sensor delivers per feature.
pub type Reading = i16;
/// Fingerprint of the model.
pub const FINGERPRINT: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// What a class scores.
pub type Score = u32;

/// The class index of a row of raw readings.
#[inline(never)]
pub fn predict(_readings: &[Reading; N_FEATURES]) -> usize {
    0
}

/// The codes of a row of raw readings.
pub fn encode(readings: &[Reading; N_FEATURES]) -> [i16; N_CODES] {
    *readings
}

/// The class index of a row of codes.
pub fn classify(_codes: &[i16; N_CODES]) -> usize {
    0
}

/// The scores of a row of codes.
pub fn scores(_codes: &[i16; N_CODES]) -> [Score; N_CLASSES] {
    [1, 0]
}

/// The same, of a front end.
pub mod signal {
    /// Values of a sample.
    pub const N_CHANNELS: usize = 1;

    /// Whether a trigger opens decisions.
    pub const IS_TRIGGERED: bool = false;

    /// What the sensor delivers.
    pub type Sample = i16;

    /// A sample of its values.
    pub const fn sample([value]: [i16; N_CHANNELS]) -> Sample {
        value
    }

    /// Samples in, readings out.
    #[derive(Default)]
    pub struct Chain;

    impl Chain {
        /// Before the first sample.
        pub fn new() -> Self {
            Self
        }

        /// The readings of a decision, of one sample here.
        pub fn push(&mut self, sample: Sample) -> Option<[crate::Reading; crate::N_FEATURES]> {
            Some([sample; crate::N_FEATURES])
        }

        /// Whether a decision is being heard.
        pub const fn is_open(&self) -> bool {
            true
        }

        /// The next sample begins a decision.
        pub fn restart(&mut self) {}
    }
}
