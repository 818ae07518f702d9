//! Mel-frequency cepstral coefficients: a discrete cosine transform (DCT-II) of logarithms.
//!
//! Coefficient `k` of `B` bands is `2/B Σ L[m] cos(π k (2m + 1) / 2B)`, and coefficient 0 half of that,
//! their mean; in units of 2^−9, as the logarithms are. An orthonormal transform, librosa's default,
//! has `√(B/2)` times as much, for coefficient 0 `√B`.
//!
//! A product has 31 bits, and at most 2^7 of them are summed in 64. What the weights round off is at
//! most `B/2` units in 2^−`shift`, times a logarithm: two units of a coefficient, for logarithms at the
//! end of their range whose errors all point one way, and less than one elsewhere.

use crate::chain::Measured;
use crate::mel::Filters;
use crate::spectrum::Spectrum;

/// By how many bits weights for so many bands are raised, at least two of them: as many as 16 bits
/// have room for.
#[must_use]
pub const fn shift(n_bands: usize) -> u32 {
    match (n_bands * i16::MAX as usize / 2).checked_ilog2() {
        Some(shift) => shift,
        None => 0,
    }
}

/// Of logarithms of at most `BANDS` bands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cepstra<'t, const BANDS: usize> {
    weights: &'t [i16],
    shift: u32,
}

impl<'t, const BANDS: usize> Cepstra<'t, BANDS> {
    /// With a turn of cosines, four for each band: weight `j` of `B` bands is
    /// `2/B cos(2π j / 4B)`, raised by [`shift`] bits.
    #[must_use]
    pub const fn new(weights: &'t [i16]) -> Self {
        Self {
            weights,
            shift: shift(weights.len() / 4),
        }
    }

    /// The coefficients of a frame's logarithms, from 0 on.
    pub fn transform(&self, logs: &[i16], coefficients: &mut [i16]) {
        for (k, coefficient) in coefficients.iter_mut().enumerate() {
            *coefficient = self.coefficient(k, logs);
        }
    }

    /// Coefficient `k` of a frame's logarithms.
    pub(crate) fn coefficient(&self, k: usize, logs: &[i16]) -> i16 {
        let turn = self.weights.len();
        let logs = logs.get(..turn / 4).unwrap_or(logs);
        let (mut sum, mut at) = (0_i64, k);
        for log in logs {
            let weight = self.weights.get(at).copied().unwrap_or(0);
            sum = sum.wrapping_add(i64::from(i32::from(weight) * i32::from(*log)));
            at = at.wrapping_add(2 * k);
            if at >= turn {
                at = at.wrapping_sub(turn);
            }
        }
        // To the nearest, halves upwards.
        let shift = (self.shift + u32::from(k == 0)) & 63;
        let rounded = sum.wrapping_add((1_i64 << shift) >> 1) >> shift;
        rounded.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }
}

impl<const BANDS: usize, const N: usize> Measured<N> for Cepstra<'_, BANDS> {
    type Value = i16;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [i16; N] {
        let (mut logs, mut coefficients) = ([0; BANDS], [0; N]);
        filters.log_energies(spectrum, &mut logs);
        self.transform(&logs, &mut coefficients);
        coefficients
    }
}
