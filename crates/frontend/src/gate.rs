//! A gate before decisions: while samples are quiet, nothing is computed of them but how far they
//! are spread.
//!
//! Samples are looked at block by block. A block of `B` samples of each channel opens the gate if
//!
//! ```text
//! Σ (B Σ x² − (Σ x)²) ≥ T² B²
//! ```
//!
//! with the outer sum over channels and the inner ones over a block: if the root of the channels'
//! variances, taken together, reaches `T`. Of one channel that is the standard deviation; of three
//! axes it is the same however the sensor is turned. Gravity and a microphone's offset are means,
//! and do not count.
//!
//! # Widths
//!
//! | | is at most | because |
//! | --- | --- | --- |
//! | Σ x | 2^26 | of at most 2^11 samples of 2^15 |
//! | Σ x², over all channels | 2^45 | of at most 2^4 channels of 2^11 squares of 2^30 |
//! | B Σ x² | 2^56 | |
//! | (Σ x)², over all channels | 2^56 | 2^4 squares of 2^26 |
//! | T² B² | 2^54 | `T` and `B` have at most 2^16 and 2^11 |
//!
//! By Cauchy and Schwarz no difference is below 0.

use core::num::NonZeroU16;

use crate::TableError;

/// Looks at blocks of samples; two products per sample and channel but for the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate<const CHANNELS: usize> {
    /// `T² B²`.
    least: u64,
    block: NonZeroU16,
    /// Samples of the block so far, the sum of each channel's, and that of all squares.
    n: u16,
    sums: [i32; CHANNELS],
    squares: u64,
}

impl<const CHANNELS: usize> Gate<CHANNELS> {
    /// Before the first block: one that is opened from `level` on, by blocks of so many samples.
    ///
    /// # Errors
    /// Blocks of more than 2,048 samples, or more channels than 16.
    pub const fn new(level: u16, block: NonZeroU16) -> Result<Self, TableError> {
        if block.get() > 1 << 11 || CHANNELS > 1 << 4 {
            return Err(TableError::Block);
        }
        let least = level as u64 * block.get() as u64;
        Ok(Self {
            least: least * least,
            block,
            n: 0,
            sums: [0; CHANNELS],
            squares: 0,
        })
    }

    /// Takes the next sample of each channel; the last one of a block tells whether it opens the
    /// gate. The next sample begins a block.
    #[inline]
    pub fn push(&mut self, sample: [i16; CHANNELS]) -> Option<bool> {
        for (sum, value) in self.sums.iter_mut().zip(sample) {
            let value = i32::from(value);
            let square = value.wrapping_mul(value).cast_unsigned();
            *sum = sum.wrapping_add(value);
            self.squares = self.squares.wrapping_add(u64::from(square));
        }
        self.n = self.n.wrapping_add(1);
        if self.n < self.block.get() {
            return None;
        }
        let is_open = self.spread() >= self.least;
        self.restart();
        Some(is_open)
    }

    /// `Σ (B Σ x² − (Σ x)²)`.
    fn spread(&self) -> u64 {
        let whole = self.squares.wrapping_mul(self.block.get().into());
        self.sums.iter().fold(whole, |rest, sum| {
            let sum = u64::from(sum.unsigned_abs());
            rest.wrapping_sub(sum.wrapping_mul(sum))
        })
    }

    /// Forgets what was looked at: the next sample begins a block.
    pub const fn restart(&mut self) {
        self.n = 0;
        self.sums = [0; CHANNELS];
        self.squares = 0;
    }
}

/// What makes decisions of frames of samples, step by step.
pub trait Framed {
    /// What it takes.
    type Sample;
    /// The features of a decision.
    type Row;
    /// Takes the next sample; tells whether a frame is whole with it.
    fn hold(&mut self, sample: Self::Sample) -> bool;
    /// Computes what there is of the frame that is whole; gives the row of the decision that is whole
    /// with it.
    fn hear(&mut self) -> Option<Self::Row>;
    /// Forgets all but the last `n` samples, with which a frame begins.
    fn keep(&mut self, n: usize);
    /// Decides of what there is, if that makes a decision; the next sample begins one.
    fn finish(&mut self) -> Option<Self::Row>;
}

/// Decisions that a gate opens: each begins so many samples before the block that does, or as many as
/// there are since the last decision. Its frames are taken, then the gate is closed.
///
/// Samples of a closed gate are held in the frame that they would be in, and nothing else is
/// computed of them.
#[derive(Debug, Clone)]
pub struct Triggered<T, const CHANNELS: usize> {
    gate: Gate<CHANNELS>,
    is_open: bool,
    n_before: u16,
    decisions: T,
}

impl<T: Framed, const CHANNELS: usize> Triggered<T, CHANNELS> {
    /// Closed, before the first sample. A block and the samples before it are at most a frame.
    #[must_use]
    #[inline]
    pub const fn new(gate: Gate<CHANNELS>, n_before: u16, decisions: T) -> Self {
        Self {
            gate,
            is_open: false,
            n_before,
            decisions,
        }
    }

    /// Takes the next sample, as the gate has it and as decisions have it; the last one of a decision
    /// gives its row.
    #[inline]
    pub fn push(&mut self, sample: [i16; CHANNELS], held: T::Sample) -> Option<T::Row> {
        let is_whole = self.decisions.hold(held);
        if !self.is_open {
            self.is_open = self.gate.push(sample)?;
            if !self.is_open {
                self.decisions.keep(self.n_before.into());
                return None;
            }
        }
        if !is_whole {
            return None;
        }
        let row = self.decisions.hear()?;
        self.restart();
        Some(row)
    }

    /// Whether a decision is being heard.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Decides of the frames that there are, if there are any, as where a recording ends before its
    /// decision does; closes the gate.
    pub fn finish(&mut self) -> Option<T::Row> {
        self.gate.restart();
        self.is_open = false;
        self.decisions.finish()
    }

    /// Forgets what was heard, and closes the gate.
    pub fn restart(&mut self) {
        self.finish();
    }
}
