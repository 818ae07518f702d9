//! How samples go with others: with those of the same channel a lag later, or with those of another
//! channel.
//!
//! A sum of 65,535 samples is within ±2^31, and one of products of two of them within ±2^46.

/// Most samples of a window whose correlation is taken.
const LONGEST: usize = u16::MAX as usize;
/// Most samples of a window whose autocorrelation is.
const LONGEST_WITH_ITSELF: usize = 2048;

/// The correlation coefficient of two windows, Pearson's, in units of 2^−15; 0 if one is constant. Of
/// more than 65,535 samples the first ones count.
///
/// `n Σxy − Σx Σy` and the same of squares are exact and at most 2^62; of each the first 32 bits are
/// taken. Nearer to 0 than the exact coefficient by less than a unit and 2^−15 of
/// one, or beyond by the latter.
#[must_use]
pub fn correlation(x: &[i16], y: &[i16]) -> i16 {
    let n = x.len().min(y.len()).min(LONGEST);
    let (x, y) = (
        x.get(..n).unwrap_or_default(),
        y.get(..n).unwrap_or_default(),
    );
    let [of_x, of_y] = [x, y].map(sum);
    let spread = |products: i64, sums: i64| (n as i64).wrapping_mul(products).wrapping_sub(sums);
    let shared = spread(products(x, y), of_x.wrapping_mul(of_y));
    // Its first 32 bits, and by how many it was raised before the rest was dropped.
    let narrow = |value: u64| {
        let raised = value.leading_zeros();
        (value << (raised & 63) >> 32, raised)
    };
    let (of_x, raised_x) = narrow(spread(products(x, x), of_x.wrapping_mul(of_x)).unsigned_abs());
    let (of_y, raised_y) = narrow(spread(products(y, y), of_y.wrapping_mul(of_y)).unsigned_abs());
    let (of_both, raised) = narrow(shared.unsigned_abs());
    // The square of the coefficient in units of 2^−31, and by how many bits it is still raised.
    let squared = of_both.wrapping_mul(of_both) >> 1;
    let square = squared
        .checked_div(of_x.wrapping_mul(of_y) >> 32)
        .unwrap_or(0);
    let excess = raised
        .wrapping_mul(2)
        .wrapping_sub(raised_x)
        .wrapping_sub(raised_y);
    // In units of 2^−30. By Cauchy and Schwarz that is 2^30 at the most, but for what was dropped, so
    // that nothing is raised by less than one bit too few.
    let square = square.checked_shr(excess.wrapping_add(1)).unwrap_or(0);
    let coefficient = (square.min(0x3fff_ffff) as u32).isqrt() as i16;
    if shared < 0 {
        coefficient.wrapping_neg()
    } else {
        coefficient
    }
}

/// The largest autocorrelation of a window from the first lag on at which it is negative, up to half
/// of the window, in units of 2^−15 of that at lag 0: how much the window repeats itself. 0 if none
/// is negative, or none of those positive. Of more than 2,048 samples the first ones count.
///
/// At lag `k` that is `Σ (x[i] − m)(x[i + k] − m)` over the `n − k` products that there are, `m` the
/// window's mean, so that a period of `k` comes to `(n − k) / n`. Times `n²` it is
/// `n² Σ x[i] x[i + k] − n Σx (A + B) + (n − k)(Σx)²`, `A` and `B` being the sums of the first and of
/// the last `n − k` samples. At lag 0 that is `n³` times a variance of at most `(65,535 / 2)²`, so
/// below 2^63, and by Cauchy and Schwarz it is no larger at any other: whatever carries get lost on the
/// way, the result in 64 bits is exact, and what is given is floored by less than a unit and 2^−15 of
/// one. Takes `3/8 n²` products.
#[must_use]
pub fn autocorrelation_peak(samples: &[i16]) -> i16 {
    let samples = samples.get(..LONGEST_WITH_ITSELF).unwrap_or(samples);
    let (n, total) = (samples.len() as i64, sum(samples));
    let at = |lag: usize, sums: i64| {
        let later = samples.get(lag..).unwrap_or_default();
        let square = total.wrapping_mul(total).wrapping_mul(later.len() as i64);
        (n.wrapping_mul(n).wrapping_mul(products(samples, later)))
            .wrapping_sub(n.wrapping_mul(total).wrapping_mul(sums))
            .wrapping_add(square)
    };
    let mut sums = total.wrapping_mul(2);
    let power = at(0, sums).cast_unsigned();
    let (mut is_past, mut peak) = (false, 0);
    let ends = samples.iter().zip(samples.iter().rev());
    for (lag, (first, last)) in (1..).zip(ends.take(samples.len() / 2)) {
        sums = sums.wrapping_sub(i64::from(*first) + i64::from(*last));
        let here = at(lag, sums);
        is_past |= here < 0;
        if is_past {
            peak = here.max(peak);
        }
    }
    // To 47 bits, both alike.
    let shift = 17_u32.saturating_sub(power.leading_zeros()) & 63;
    let peak = peak.cast_unsigned() >> shift << 15;
    let quotient = peak.checked_div(power >> shift).unwrap_or(0);
    quotient.min(0x7fff) as i16
}

fn sum(samples: &[i16]) -> i64 {
    let add = |sum: i32, sample: &i16| sum.wrapping_add(i32::from(*sample));
    samples.iter().fold(0, add).into()
}

/// The sum of products, as far as both go.
fn products(x: &[i16], y: &[i16]) -> i64 {
    x.iter().zip(y).fold(0, |sum, (x, y)| {
        let product = i32::from(*x).wrapping_mul(i32::from(*y));
        sum.wrapping_add(i64::from(product))
    })
}
