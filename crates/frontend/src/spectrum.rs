//! The spectrum of a frame of real samples: 64 to 2,048 of them, a power of two.

use crate::fft;
use crate::twiddle::{Complex, Twiddle};
use crate::window::Window;

/// Bins 0 to `M` of a frame of `N = 2 M` samples, `M` from 32 to 1,024; 8 bytes per bin.
///
/// Bin `k` is `2^scale_bits · Σ w[n] x[n] e^(−2πi k n / N)`, with seven fractional bits less one
/// per halving of the FFT: see [`Spectrum::SCALE_BITS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spectrum<const M: usize> {
    /// Bins 1 to M − 1; bin 0 and bin M, which are real, share the first place.
    bins: [Complex; M],
}

/// Fractional bits of a spectrum of `2 m` points, `m` a power of two from 32 to 1,024.
#[must_use]
pub const fn scale_bits(m: usize) -> u32 {
    fft::FRACTION - fft::n_halvings(m)
}

impl<const M: usize> Spectrum<M> {
    /// Fractional bits of the real and imaginary parts: 3 to 6.
    pub const SCALE_BITS: u32 = {
        assert!(
            M.is_power_of_two() && M >= 32 && M <= 1024,
            "a spectrum has 64 to 2,048 points, a power of two"
        );
        scale_bits(M)
    };

    /// The spectrum of silence.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(Self::SCALE_BITS > 0) };
        Self { bins: [[0; 2]; M] }
    }

    /// Computes the spectrum of a frame under a window; samples come in pairs, oldest first.
    ///
    /// A real transform by a complex one of half the length: with even samples as real and odd ones
    /// as imaginary parts, `X[k] = (E − i W^k O) / 2`, `E = Z[k] + Z*[M − k]`,
    /// `O = Z[k] − Z*[M − k]` and `W = e^(−2πi / N)`. (H. Sorensen et al., Real-valued fast Fourier
    /// transform algorithms, IEEE Trans. ASSP 35, 1987.)
    pub fn transform(&mut self, frame: &[[i16; 2]; M], window: &Window<M>) {
        const { assert!(Self::SCALE_BITS > 0) };
        fft::transform(frame, window, &mut self.bins);
        split(&mut self.bins);
    }

    /// Real and imaginary part of a bin, 0 to `M`; nothing beyond. Both are within ±2^30.
    #[must_use]
    pub fn bin(&self, k: usize) -> Option<[i32; 2]> {
        match k {
            0 => self.bins.first().map(|ends| [ends[0], 0]),
            _ if k == M => self.bins.first().map(|ends| [ends[1], 0]),
            _ => self.bins.get(k).copied(),
        }
    }

    /// The powers `re² + im²` of bins 0 to `M`, at most 2^61, in units of `4^−scale_bits`.
    pub fn powers(&self) -> impl Iterator<Item = u64> {
        (0..=M).map_while(|k| {
            let [re, im] = self.bin(k)?.map(|part| u64::from(part.unsigned_abs()));
            Some(re.wrapping_mul(re).wrapping_add(im.wrapping_mul(im)))
        })
    }

    /// Bins 1 to M − 1, preceded by the two real ones in one.
    pub(crate) const fn packed(&self) -> &[[i32; 2]; M] {
        &self.bins
    }
}

impl<const M: usize> Default for Spectrum<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// Factors of `k / N` of a turn for `k` from 1 to `H`, a quarter of the points.
const fn factors<const H: usize>() -> [Twiddle; H] {
    let mut table = [Twiddle::new(0, 8); H];
    let mut at = 0;
    while at < H {
        table[at] = Twiddle::new(at + 1, 4 * H);
        at += 1;
    }
    table
}

/// The factors that a spectrum of `2 M` points is split with.
#[inline(always)]
fn factors_of<const M: usize>() -> &'static [Twiddle] {
    match M {
        32 => const { &factors::<16>() },
        64 => const { &factors::<32>() },
        128 => const { &factors::<64>() },
        256 => const { &factors::<128>() },
        512 => const { &factors::<256>() },
        _ => const { &factors::<512>() },
    }
}

/// From the transform of pairs to that of the real samples.
#[inline(never)]
fn split<const M: usize>(bins: &mut [Complex; M]) {
    let (low, high) = bins.split_at_mut(M / 2);
    let Some((ends, low)) = low.split_first_mut() else {
        return;
    };
    *ends = [ends[0].wrapping_add(ends[1]), ends[0].wrapping_sub(ends[1])];
    for ((x, y), factor) in low
        .iter_mut()
        .zip(high.iter_mut().rev())
        .zip(factors_of::<M>())
    {
        let ([x_re, x_im], [y_re, y_im]) = (*x, *y);
        let half_re = x_re.wrapping_add(y_re) >> 1;
        let half_im = x_im.wrapping_sub(y_im) >> 1;
        // −W O / 2; times −i that is what is added.
        let [re, im] = factor.turn([x_re.wrapping_sub(y_re), x_im.wrapping_add(y_im)]);
        *x = [half_re.wrapping_sub(im), half_im.wrapping_add(re)];
        *y = [half_re.wrapping_add(im), re.wrapping_sub(half_im)];
    }
    if let Some(middle) = high.first_mut() {
        middle[1] = middle[1].wrapping_neg();
    }
}
