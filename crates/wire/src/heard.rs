//! What a verify image with a front end tells of each decision, beside the model's outcomes.
//!
//! There, [`ROWS_FILE`](crate::ROWS_FILE) holds samples: stretch by stretch the number of values, a
//! `u32`, then so many `i16`, one per channel and sample. With each stretch the chain begins anew. The device answers in
//! [`FEATURES_FILE`]: per decision one [`SignalFeatures`], then its readings, in the model's reading type.

/// Name of the file of features, in the emulator's working folder.
pub const FEATURES_FILE: &core::ffi::CStr = c"features.bin";

/// What it took to hear a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalFeatures {
    /// Timer ticks from the first sample to the readings, measuring included; `u32::MAX` if beyond
    /// the timer.
    pub ticks: u32,
    /// How many stretches of code were measured for it.
    pub n_measured: u32,
    /// Bytes from the initial stack pointer to the deepest word that the chain touched; `u32::MAX`
    /// if the watched part of the stack did not suffice.
    pub stack_bytes: u32,
}

impl SignalFeatures {
    /// Length in bytes.
    pub const LEN: usize = 12;

    /// As the device writes it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        crate::file::put(&mut bytes, &[self.ticks, self.n_measured, self.stack_bytes]);
        bytes
    }

    /// Reads what a device wrote; `None` if `bytes` has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [ticks, n_measured, stack_bytes] = crate::file::get(bytes)?;
        Some(Self {
            ticks,
            n_measured,
            stack_bytes,
        })
    }
}
