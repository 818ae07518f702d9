//! From samples to features for microcontrollers, all in integers: frames, windows, a real FFT,
//! mel bands, logarithms, cepstra, the shape of a spectrum, deltas, aggregates over a decision, and
//! statistics of slow sensors.
//!
//! Host and device run this one crate, which makes their features equal bit for bit. It needs no
//! `std`, allocates nothing, computes no float and cannot panic. Only what happens once per
//! decision, a mean, divides.
//!
//! ```text
//! i16 samples (─ biquad) ─ Frames ─ frame ─ Spectrum (window, FFT) ─ Filters ─ energies ─ log2 ─ (Cepstra, Shape) ─ Aggregate, Deltas
//! i16 samples of each channel (─ biquad) ─ Frames ─ frame ─ Moments, ranks, correlation: features in time
//!                                       └─ Spectrum ─ Filters ─ log2: energies in plain bands
//! ```
//!
//! # Widths
//!
//! Data are 32 bits wide and no step looks whether it overflows, because none can. A spectrum of
//! `N = 2 M` points transforms `M` complex numbers, `z[n] = x[2n] + i x[2n + 1]`.
//!
//! | after | is at most | because |
//! | --- | --- | --- |
//! | window | 2^22 each | a sample of 2^15 times a weight of 2^15, shifted by 8: seven fractional bits |
//! | FFT | 2^29 | the sum of all `|re z| + |im z|` is `N` · 2^22, and each of the `s` stages with twiddle factors halves: `N` / 2^s is at most 2^7 for every size |
//! | split | 2^30 | sums and differences of two of these, then halved to 2^29; bin 0 is a sum of two |
//! | power of a bin | 2^31 | of 16-bit parts: a segment's bins are shifted together until the largest fits |
//! | sum of a segment | 2^41 | of at most 2^10 bins |
//! | energy | 2^59 | Parseval: the sum of all powers is at most `N` Σ x², which is 2^58 in these units, and rounding |
//!
//! Each value within the FFT is a sum of inputs turned by some angle, so the triangle inequality
//! bounds it by the sum of all magnitudes, before the final stage and after. Rounding adds less
//! than 2^10 to a value and twiddle factors are at most 2^−15 too long, five times, for which the
//! bit above leaves room. Products of a value with a twiddle factor are summed in pairs: 2^30 · 2^31
//! by √2 in 64 bits where the core multiplies so wide, else by halves of 16 bits, each half a sum
//! below 2^15 · 2^15 · √2.
#![no_std]

pub mod aggregate;
pub mod asked;
pub mod biquad;
pub mod cepstra;
pub mod chain;
pub mod correlation;
pub mod deltas;
mod fft;
pub mod frames;
pub mod gate;
pub mod log2;
pub mod mel;
pub mod moments;
pub mod motion;
pub mod overlap;
pub mod ranks;
pub mod shape;
pub mod spectrum;
mod trigonometry;
mod twiddle;
pub mod window;

/// Why tables were refused; in a generated crate the text of a compiler error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// Fewer segments than two, or more bands than 65,534.
    Count,
    /// Segments that begin before bin 1 or end beyond the last one.
    Bins,
    /// A weight outside 0 to 1, or coefficients of a filter of samples that could overflow.
    Weight,
    /// A gate's block of more than 2,048 samples, or of more channels than 16.
    Block,
}

impl TableError {
    /// Stops compilation of a generated crate with the reason; never called at run time.
    ///
    /// # Panics
    /// Always; that is how a constant refuses to compile.
    #[track_caller]
    pub const fn refuse(self) -> ! {
        match self {
            Self::Count => panic!("filters need at least two segments"),
            Self::Bins => panic!("a segment lies outside the spectrum"),
            Self::Weight => panic!("a weight or a coefficient is out of its range"),
            Self::Block => panic!("a gate's block is too large"),
        }
    }
}
