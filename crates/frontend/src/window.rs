//! Windows: a weight in Q15 for each sample of a frame.

use crate::trigonometry::cosine;

/// Weights of a frame of `2 M` samples, in pairs as the frame is; one is 32,768.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window<const M: usize> {
    pub(crate) weights: [[u16; 2]; M],
}

impl<const M: usize> Window<M> {
    /// The periodic Hann window, `½ − ½ cos(2π n / N)`, each weight off by at most 2^−16.
    ///
    /// Periodic as scipy's `get_window("hann", N)`: the weights of frames that overlap by half add
    /// up to one.
    #[must_use]
    pub const fn hann() -> Self {
        let mut weights = [[0; 2]; M];
        let mut n = 0;
        while n < 2 * M {
            // With one bit more than needed, so that the half is exact and rounding happens once.
            let weight = ((1 << 29) - cosine(n, 2 * M, 29) + (1 << 14)) >> 15;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 2^15"
            )]
            let weight = weight as u16;
            weights[n / 2][n % 2] = weight;
            n += 1;
        }
        Self { weights }
    }

    /// No window: every weight is one.
    #[must_use]
    pub const fn rectangular() -> Self {
        Self {
            weights: [[1 << 15; 2]; M],
        }
    }

    /// The weight of each sample in Q15, in pairs.
    #[must_use]
    pub const fn weights(&self) -> &[[u16; 2]; M] {
        &self.weights
    }
}
