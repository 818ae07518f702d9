//! The transform of `M` complex numbers, 32 to 1,024, in place: radix 4, decimation in time.
//!
//! The first stage takes 4 or 8 numbers at a time and has no twiddle factors; the window is
//! applied and the order reversed as it reads. Each later stage joins four transforms of `L`
//! numbers to one of `4 L`, and halves: its butterflies add halved products to a halved first
//! number. (C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, chapters
//! 1 and 2.)

use crate::twiddle::{Complex, Twiddle};
use crate::window::Window;

/// How many stages of a transform of `m` numbers halve.
pub(crate) const fn n_halvings(m: usize) -> u32 {
    if m.ilog2().is_multiple_of(2) {
        m.ilog2() / 2 - 1
    } else {
        (m.ilog2() - 3) / 2
    }
}

/// Fractional bits of windowed samples.
pub(crate) const FRACTION: u32 = 7;

/// The bits of 0 to 255 in reverse.
static REVERSED: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = (at as u8).reverse_bits();
        at += 1;
    }
    table
};

/// `2^(7 − n_halvings) · DFT(window · frame)` of the frame's pairs of samples as complex numbers.
#[inline(always)]
pub(crate) fn transform<const M: usize>(
    frame: &[[i16; 2]; M],
    window: &Window<M>,
    data: &mut [Complex; M],
) {
    if !M.ilog2().is_multiple_of(2) {
        first_of_eight(frame, window, data);
        stage::<8>(data);
        if M >= 128 {
            stage::<32>(data);
        }
        if M >= 512 {
            stage::<128>(data);
        }
    } else {
        first_of_four(frame, window, data);
        stage::<4>(data);
        if M >= 64 {
            stage::<16>(data);
        }
        if M >= 256 {
            stage::<64>(data);
        }
        if M >= 1024 {
            stage::<256>(data);
        }
    }
}

/// A pair of samples under the window, with 7 fractional bits; `at` is taken modulo `M`.
#[inline(always)]
fn windowed<const M: usize>(frame: &[[i16; 2]; M], window: &Window<M>, at: usize) -> Complex {
    let at = at & (M - 1);
    let ([even, odd], [first, second]) = (frame[at], window.weights[at]);
    [
        (i32::from(even) * i32::from(first)) >> (15 - FRACTION),
        (i32::from(odd) * i32::from(second)) >> (15 - FRACTION),
    ]
}

#[inline(always)]
fn sum([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a.wrapping_add(c), b.wrapping_add(d)]
}

#[inline(always)]
fn difference([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a.wrapping_sub(c), b.wrapping_sub(d)]
}

/// `x − i y` and `x + i y`.
#[inline(always)]
fn turned_sums([a, b]: Complex, [c, d]: Complex) -> (Complex, Complex) {
    (
        [a.wrapping_add(d), b.wrapping_sub(c)],
        [a.wrapping_sub(d), b.wrapping_add(c)],
    )
}

/// The transform of four numbers that come in reversed order: 0, 2, 1, 3.
#[inline(always)]
fn four(a: Complex, b: Complex, c: Complex, d: Complex) -> [Complex; 4] {
    let (even, odd) = (sum(a, b), sum(c, d));
    let (plus, minus) = turned_sums(difference(a, b), difference(c, d));
    [sum(even, odd), plus, difference(even, odd), minus]
}

fn first_of_four<const M: usize>(
    frame: &[[i16; 2]; M],
    window: &Window<M>,
    data: &mut [Complex; M],
) {
    let shift = 10 - M.ilog2();
    for (out, reversed) in data.as_chunks_mut::<4>().0.iter_mut().zip(&REVERSED) {
        let at = usize::from(*reversed >> shift);
        let read = |part: usize| windowed(frame, window, at + part * (M / 4));
        *out = four(read(0), read(2), read(1), read(3));
    }
}

fn first_of_eight<const M: usize>(
    frame: &[[i16; 2]; M],
    window: &Window<M>,
    data: &mut [Complex; M],
) {
    let shift = 11 - M.ilog2();
    for (out, reversed) in data.as_chunks_mut::<8>().0.iter_mut().zip(&REVERSED) {
        let at = usize::from(*reversed >> shift);
        let read = |part: usize| windowed(frame, window, at + part * (M / 8));
        let [a0, a1, a2, a3] = four(read(0), read(4), read(2), read(6));
        let [b0, b1, b2, b3] = four(read(1), read(5), read(3), read(7));
        let (two, six) = turned_sums(a2, b2);
        // Turned by an eighth: (1 − i) / √2, and by three: (−1 − i) / √2.
        let b1 = [
            by_root_half(b1[0].wrapping_add(b1[1])),
            by_root_half(b1[1].wrapping_sub(b1[0])),
        ];
        let b3 = [
            by_root_half(b3[1].wrapping_sub(b3[0])),
            by_root_half(b3[0].wrapping_add(b3[1])),
        ];
        // b3 is yet to be negated in its imaginary part, which the sums do.
        let (three, seven) = (
            [a3[0].wrapping_add(b3[0]), a3[1].wrapping_sub(b3[1])],
            [a3[0].wrapping_sub(b3[0]), a3[1].wrapping_add(b3[1])],
        );
        *out = [
            sum(a0, b0),
            sum(a1, b1),
            two,
            three,
            difference(a0, b0),
            difference(a1, b1),
            six,
            seven,
        ];
    }
}

/// `⌊x / √2⌋`, for `x` within ±2^30, by halves of 16 bits.
#[inline(always)]
fn by_root_half(x: i32) -> i32 {
    // √½ · 2^16.
    const FACTOR: u32 = 46_341;
    let low = ((x.cast_unsigned() & 0xffff).wrapping_mul(FACTOR) >> 16).cast_signed();
    (x >> 16)
        .wrapping_mul(FACTOR.cast_signed())
        .wrapping_add(low)
}

/// The factors of a stage: for each `j`, those of `2 j`, `j` and `3 j` parts of `4 L`.
const fn twiddles<const L: usize>() -> [[Twiddle; 3]; L] {
    let mut table = [[Twiddle::new(0, 8); 3]; L];
    let mut j = 0;
    while j < L {
        table[j] = [
            Twiddle::new(2 * j, 4 * L),
            Twiddle::new(j, 4 * L),
            Twiddle::new(3 * j, 4 * L),
        ];
        j += 1;
    }
    table
}

/// Joins transforms of `L` numbers, four by four, and halves.
#[inline(never)]
fn stage<const L: usize>(data: &mut [Complex]) {
    let table = const { &twiddles::<L>() };
    for [a, b, c, d] in data.as_chunks_mut::<L>().0.as_chunks_mut::<4>().0 {
        let columns = a.iter_mut().zip(b).zip(c).zip(d);
        for ((((a, b), c), d), [two, one, three]) in columns.zip(table) {
            let (b1, c1, d1) = (two.turn(*b), one.turn(*c), three.turn(*d));
            let half = [a[0] >> 1, a[1] >> 1];
            // All three products are negative.
            let (even, odd) = (difference(half, b1), sum(c1, d1));
            let (minus, plus) = turned_sums(sum(half, b1), difference(c1, d1));
            *a = difference(even, odd);
            *b = plus;
            *c = sum(even, odd);
            *d = minus;
        }
    }
}
