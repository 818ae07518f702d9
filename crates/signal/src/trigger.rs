//! Decisions that a gate opens, described; and which samples of a recording they are made of, by the
//! device's own gate.

use std::fmt;
use std::num::NonZeroU16;
use std::ops::Range;

use spinney_frontend::gate::Gate;

use crate::CHANNELS_MAX;

/// When decisions begin: with the first block of samples that is loud enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    /// The root of a block's variances that opens the gate, those of all channels together.
    pub level: NonZeroU16,
    /// Samples of a block, at most 2,048.
    pub n_block: NonZeroU16,
    /// Samples before that block that belong to the decision; with the block at most a frame.
    pub n_before: u16,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (level, n, before) = (self.level, self.n_block, self.n_before);
        write!(f, "{level} over {n} samples, {before} before them")
    }
}

/// What a decision takes of a stretch of samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    /// Samples of a whole decision.
    pub(crate) n_whole: usize,
    /// Samples without which there is none, where a recording ends.
    pub(crate) n_least: usize,
}

impl Trigger {
    /// The decisions of a stretch of samples, which has the value of each channel, sample by sample:
    /// for each the samples that it is made of.
    pub(crate) fn decisions(
        &self,
        values: &[i16],
        n_channels: usize,
        length: Length,
    ) -> Vec<Range<usize>> {
        let mut gate = Gate::<CHANNELS_MAX>::new(self.level.get(), self.n_block)
            .expect("a block is at most as long as a frame");
        let n_held = usize::from(self.n_block.get()) + usize::from(self.n_before);
        let mut found = Vec::new();
        let (mut closed_at, mut at) = (0, 0);
        let n_samples = values.len() / n_channels;
        while at < n_samples {
            let mut sample = [0; CHANNELS_MAX];
            sample[..n_channels].copy_from_slice(&values[at * n_channels..][..n_channels]);
            at += 1;
            if gate.push(sample) == Some(true) {
                let start = at.saturating_sub(n_held).max(closed_at);
                at = (start + length.n_whole).min(n_samples);
                if at - start >= length.n_least {
                    found.push(start..at);
                }
                closed_at = at;
            }
        }
        found
    }

    /// The highest level that would have opened a gate which stayed closed.
    #[must_use]
    pub(crate) fn most(&self, values: &[i16], n_channels: usize) -> u16 {
        let n = usize::from(self.n_block.get());
        let spread = |block: &[i16]| {
            let of = |channel: usize| block[channel..].iter().step_by(n_channels);
            let spreads = (0..n_channels).map(|channel| {
                let sum: i64 = of(channel).map(|it| i64::from(*it)).sum();
                let squares: i64 = of(channel).map(|it| i64::from(*it).pow(2)).sum();
                n as u64 * squares.unsigned_abs() - sum.pow(2).unsigned_abs()
            });
            spreads.sum::<u64>()
        };
        let most = values.chunks_exact(n * n_channels).map(spread).max();
        let deviation = most.unwrap_or(0).isqrt() / n as u64;
        u16::try_from(deviation).unwrap_or(u16::MAX)
    }
}
