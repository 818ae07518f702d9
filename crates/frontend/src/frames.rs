//! Frames of a stream of samples: `2 M` samples each, a hop apart, so that they overlap, touch or
//! leave gaps.

use core::num::NonZeroU16;

/// Collects samples until they make a frame; two bytes per sample of a frame.
#[derive(Debug, Clone)]
pub struct Frames<const M: usize> {
    samples: [[i16; 2]; M],
    n_held: usize,
    /// Samples to pass over before the next is held.
    n_skipped: usize,
    hop: NonZeroU16,
}

impl<const M: usize> Frames<M> {
    /// Frames that begin `hop` samples apart: `2 M` to touch, `M` to overlap by half.
    #[must_use]
    pub const fn new(hop: NonZeroU16) -> Self {
        Self {
            samples: [[0; 2]; M],
            n_held: 0,
            n_skipped: 0,
            hop,
        }
    }

    /// Takes the next sample; returns the frame that it completes, oldest sample first. Frame `i`
    /// has the samples from `i · hop` on.
    #[inline]
    pub fn push(&mut self, sample: i16) -> Option<&[[i16; 2]; M]> {
        if self.n_skipped > 0 {
            self.n_skipped -= 1;
            return None;
        }
        let hop = usize::from(self.hop.get());
        let samples = self.samples.as_flattened_mut();
        if self.n_held >= samples.len() {
            // The last frame was looked at, and its tail is the next one's head.
            self.n_held = samples.len().saturating_sub(hop);
            if hop < samples.len() {
                samples.copy_within(hop.., 0);
            }
        }
        if let Some(place) = samples.get_mut(self.n_held) {
            *place = sample;
            self.n_held += 1;
        }
        if self.n_held < samples.len() {
            return None;
        }
        self.n_skipped = hop.saturating_sub(samples.len());
        Some(&self.samples)
    }

    /// The frame that was last completed, until the next sample is taken.
    #[must_use]
    pub const fn frame(&self) -> &[[i16; 2]; M] {
        &self.samples
    }

    /// Forgets all but the last `n` of the samples held, with which a frame begins.
    #[inline]
    pub fn keep(&mut self, n: usize) {
        let samples = self.samples.as_flattened_mut();
        let n_held = self.n_held.min(samples.len());
        let first = n_held.saturating_sub(n);
        samples.copy_within(first..n_held, 0);
        self.n_held = n_held - first;
        self.n_skipped = 0;
    }

    /// Forgets what is held; the next sample begins a frame.
    pub const fn restart(&mut self) {
        self.n_held = 0;
        self.n_skipped = 0;
    }
}
