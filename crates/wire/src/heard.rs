//! What a verify image with a front end tells of each decision, beside the model's outcomes.
//!
//! There, [`ROWS_FILE`](crate::ROWS_FILE) holds samples: stretch by stretch the number of values, a
//! `u32`, then so many `i16`, one per channel and sample. With each stretch the chain begins anew. The device answers in
//! [`FEATURES_FILE`]: per decision one [`SignalFeatures`], with a trigger one [`Triggered`], then its readings, in the
//! model's reading type.

/// Name of the file of features, in the emulator's working folder.
pub const FEATURES_FILE: &core::ffi::CStr = c"features.bin";

/// What it took to hear a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalFeatures {
    /// Timer ticks from the first sample to the readings, those of quiet samples apart, measuring included; `u32::MAX` if beyond
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

/// What is told besides of a decision that a trigger opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Triggered {
    /// Samples heard until it was made, from the first of the file on.
    pub n_samples: u32,
    /// Timer ticks of quiet samples before it, while the gate was closed: of as many stretches of code
    /// and as many samples as the next two say.
    pub quiet_ticks: u32,
    /// Stretches of code measured for that, which are not in `n_measured`.
    pub n_quiet_measured: u32,
    /// Samples of these.
    pub n_quiet_samples: u32,
}

impl Triggered {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// Ticks of quiet samples from which on no more are measured before a decision: a night of them
    /// would be beyond what is counted.
    const QUIET_TICKS_MAX: u32 = 1 << 30;

    /// Adds quiet samples, which took so many ticks.
    pub fn add_quiet(&mut self, ticks: u32, n_samples: u32) {
        if self.quiet_ticks < Self::QUIET_TICKS_MAX {
            self.quiet_ticks = self.quiet_ticks.saturating_add(ticks);
            self.n_quiet_measured = self.n_quiet_measured.saturating_add(1);
            self.n_quiet_samples = self.n_quiet_samples.saturating_add(n_samples);
        }
    }

    /// As the device writes it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let words = [
            self.n_samples,
            self.quiet_ticks,
            self.n_quiet_measured,
            self.n_quiet_samples,
        ];
        crate::file::put(&mut bytes, &words);
        bytes
    }

    /// Reads what a device wrote; `None` if `bytes` has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [n_samples, quiet_ticks, n_quiet_measured, n_quiet_samples] = crate::file::get(bytes)?;
        Some(Self {
            n_samples,
            quiet_ticks,
            n_quiet_measured,
            n_quiet_samples,
        })
    }
}
