//! Sines for tables, worked out by the compiler in integers, so that every platform has the same.

/// One, in the fixed point of the series.
const ONE: i128 = 1 << 60;
/// π in units of 2^−60, to the nearest.
const PI: i128 = 3_622_009_729_038_561_421;

/// `2^n_bits · cos(2π · turn / of)`, to the nearest integer; `of` is a power of two from 8 on.
pub(crate) const fn cosine(turn: usize, of: usize, n_bits: u32) -> i32 {
    sine(turn + of / 4, of, n_bits)
}

/// `2^n_bits · sin(2π · turn / of)`, to the nearest integer; `of` is a power of two from 8 on.
///
/// The angle is brought into the first eighth of a turn, where the series for sine and cosine up
/// to the power of 21 leave less than 2^−70.
pub(crate) const fn sine(turn: usize, of: usize, n_bits: u32) -> i32 {
    let turn = turn % of;
    let (quarter, rest) = (turn / (of / 4), turn % (of / 4));
    // sin(x + 90°) = cos x; sin(x + 180°) = −sin x.
    let is_cosine = quarter % 2 == 1;
    let mirrored = rest > of / 8;
    let angle = if mirrored { of / 4 - rest } else { rest };
    let x = 2 * PI * angle as i128 / of as i128;
    let value = series(x, is_cosine != mirrored);
    let rounded = (value + (1 << (59 - n_bits))) >> (60 - n_bits);
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^n_bits")]
    let rounded = rounded as i32;
    if quarter >= 2 { -rounded } else { rounded }
}

/// Taylor's series of sine or cosine in units of 2^−60.
const fn series(x: i128, is_cosine: bool) -> i128 {
    let square = (x * x) >> 60;
    let mut term = if is_cosine { ONE } else { x };
    let mut sum = 0;
    let mut power = if is_cosine { 0 } else { 1 };
    while power <= 21 {
        sum += term;
        term = -((term * square) >> 60) / ((power + 1) * (power + 2));
        power += 2;
    }
    sum
}
