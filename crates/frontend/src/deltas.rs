//! Deltas: how values change from frame to frame, as the slope of a line through a few frames.
//!
//! With `s` frames on either side, the numerator of the slope, `Σ d (x[t + d] − x[t − d])` over `d` from
//! 1 to `s`, is shifted down and floored, exact otherwise: by the least number of bits after which any
//! values fit 16 bits. The slope itself has the divisor `2 Σ d²`, so a delta of one, two, three or four
//! frames on either side is 1, 1.25, 1.75 or 1.875 times the slope per frame. Deltas are of frames of
//! one decision: `n` frames have `n − 2s`, and too few have none, which leaves their features 0.

use core::num::NonZeroU32;

use crate::aggregate::Feature;
use crate::chain::Summary;

/// A summary of the deltas of `N` values over at most `WIDTH` frames; `2 N WIDTH` bytes beside those of
/// the summary.
#[derive(Debug, Clone)]
pub struct Deltas<S, const N: usize, const WIDTH: usize> {
    summary: S,
    /// The last frames, oldest first.
    frames: [[i16; N]; WIDTH],
    n_held: usize,
    n_deltas: u32,
    n_side: usize,
}

impl<S, const N: usize, const WIDTH: usize> Deltas<S, N, WIDTH> {
    /// Before the first frame, with so many frames on either side: at least one, and at most four,
    /// and as `WIDTH` has room for.
    #[must_use]
    #[inline]
    pub const fn new(n_side: usize, summary: S) -> Self {
        const { assert!(WIDTH >= 3 && WIDTH <= 9, "a slope is over 3 to 9 frames") };
        let n_most = (WIDTH - 1) / 2;
        Self {
            summary,
            frames: [[0; N]; WIDTH],
            n_held: 0,
            n_deltas: 0,
            n_side: if n_side < 1 {
                1
            } else if n_side < n_most {
                n_side
            } else {
                n_most
            },
        }
    }

    /// Of the frames that are held.
    fn of_frames(&self) -> [i16; N] {
        // The sum of 1 to 4 is at most 10, and ten differences have 20 bits and a sign.
        let weights = (self.n_side * (self.n_side + 1) / 2) as u32;
        let shift = (2 * weights)
            .wrapping_sub(1)
            .checked_ilog2()
            .map_or(0, |bits| bits + 1);
        let mut sums = [0_i32; N];
        for d in 1..=self.n_side {
            let (Some(later), Some(earlier)) = (
                self.frames.get(self.n_side + d),
                self.frames.get(self.n_side.wrapping_sub(d)),
            ) else {
                break;
            };
            for ((sum, later), earlier) in sums.iter_mut().zip(later).zip(earlier) {
                let difference = i32::from(*later) - i32::from(*earlier);
                *sum = sum.wrapping_add(difference.wrapping_mul(d as i32));
            }
        }
        sums.map(|sum| (sum >> (shift & 31)) as i16)
    }
}

impl<S: Summary<i16, N>, const N: usize, const WIDTH: usize> Summary<i16, N>
    for Deltas<S, N, WIDTH>
{
    const N_FEATURES: usize = S::N_FEATURES;
    const OVERLAPS: bool = S::OVERLAPS;

    fn add(&mut self, values: &[i16; N]) {
        let width = 2 * self.n_side + 1;
        if self.n_held >= width {
            self.frames.rotate_left(1);
            self.n_held = width - 1;
        }
        if let Some(place) = self.frames.get_mut(self.n_held) {
            *place = *values;
        }
        self.n_held += 1;
        if self.n_held == width {
            self.summary.add(&self.of_frames());
            self.n_deltas = self.n_deltas.saturating_add(1);
        } else {
            self.summary.pass();
        }
    }

    fn write<R: Feature>(
        &self,
        _n_frames: NonZeroU32,
        offset: impl Fn(usize) -> i16,
        out: &mut [R],
    ) {
        if let Some(n_deltas) = NonZeroU32::new(self.n_deltas) {
            self.summary.write(n_deltas, offset, out);
        }
    }

    #[inline]
    fn step(&mut self) {
        if S::OVERLAPS {
            self.summary.step();
        } else {
            self.restart();
        }
    }

    fn restart(&mut self) {
        self.summary.restart();
        self.n_held = 0;
        self.n_deltas = 0;
    }
}
