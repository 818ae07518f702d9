//! Butterworth filters of samples, designed in float and rounded once: the bilinear transform of the
//! analog prototype, its frequencies prewarped, as `scipy.signal.butter` has it.

use std::f64::consts::PI;
use std::fmt;

use spinney_frontend::biquad::{Filter, Filtered, SHIFT_MAX, Section};

/// A coefficient of one.
const ONE: i32 = 1 << 30;
/// The least and the most samples in a period of a filter's frequencies, and the most in one of the
/// distance between two.
pub const PERIOD_SAMPLES: (f64, f64) = (2.2, 2000.0);
/// Most sections of a filter.
const SECTIONS_MAX: usize = 8;

/// What a filter lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pass {
    /// All from a frequency on, in Hz.
    High(f64),
    /// All up to a frequency.
    Low(f64),
    /// What lies between two.
    Band(f64, f64),
}

impl Pass {
    /// The highest order: eight poles on one side, or four on either.
    pub const fn order_max(self) -> u32 {
        match self {
            Self::High(_) | Self::Low(_) => 8,
            Self::Band(..) => 4,
        }
    }
}

/// A filter of samples before frames, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleFilter {
    /// What it lets through: half of the energy at each frequency.
    pub pass: Pass,
    /// The order as SciPy counts it, from 1 to [`Pass::order_max`]: poles of one side; a band has them
    /// on either.
    pub order: u32,
}

impl fmt::Display for SampleFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = self.order;
        match self.pass {
            Pass::High(hz) => write!(f, "a high-pass of order {order} at {hz} Hz"),
            Pass::Low(hz) => write!(f, "a low-pass of order {order} at {hz} Hz"),
            Pass::Band(from, to) => write!(f, "a band-pass of order {order}, {from} to {to} Hz"),
        }
    }
}

/// A filter's sections in the front end's integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Biquads {
    /// The sections, at most eight.
    pub sections: Vec<Section>,
    /// By how many bits samples are raised.
    pub shift: u32,
    /// What rounding changes of a sample that comes out, at most, in units of a sample.
    pub rounding_max: f64,
}

/// What stands below an analog section.
enum Denominator {
    /// `s + w`.
    One(f64),
    /// `s² + c1 s + c0`.
    Two { c1: f64, c0: f64 },
}

impl SampleFilter {
    /// Its sections for so many samples per second; frequencies have [`PERIOD_SAMPLES`].
    pub fn biquads(&self, sample_rate_hz: f64) -> Biquads {
        let warped = |hz: f64| libm::tan(PI * hz / sample_rate_hz);
        let denominators = |hz| one_sided(warped(hz), self.order);
        match self.pass {
            Pass::High(hz) => Biquads::new(denominators(hz).iter().map(high).collect()),
            Pass::Low(hz) => Biquads::new(denominators(hz).iter().map(low).collect()),
            Pass::Band(from, to) => {
                let of = |is_wide| band(warped(from), warped(to), self.order, is_wide);
                let [narrow, wide] = [false, true].map(|it| Biquads::new(of(it)));
                if wide.rounding_max < narrow.rounding_max {
                    wide
                } else {
                    narrow
                }
            }
        }
    }
}

/// Poles of the prototype on the unit circle that are not below the real axis, the most damped first.
fn prototype(order: u32) -> impl Iterator<Item = [f64; 2]> {
    let first = u32::from(order.is_multiple_of(2));
    (0..order.div_ceil(2)).map(move |pair| {
        let angle = PI * f64::from(2 * pair + first) / f64::from(2 * order);
        [-libm::cos(angle), libm::sin(angle)]
    })
}

/// What stands below the sections of a low- or high-pass at `w`.
fn one_sided(w: f64, order: u32) -> Vec<Denominator> {
    prototype(order)
        .map(|[re, im]| {
            if im == 0.0 {
                return Denominator::One(w);
            }
            let (c1, c0) = (-2.0 * re * w, w * w);
            Denominator::Two { c1, c0 }
        })
        .collect()
}

// Casts: below 2^31, as poles are stable.
fn whole(value: f64) -> i32 {
    libm::round(value * f64::from(ONE)) as i32
}

/// By `s = (z − 1) / (z + 1)`, the coefficients of `z⁻¹` and `z⁻²`.
fn feedback(denominator: &Denominator) -> [i32; 2] {
    match denominator {
        Denominator::One(w) => [whole((w - 1.0) / (w + 1.0)), 0],
        Denominator::Two { c1, c0 } => {
            let a0 = 1.0 + c1 + c0;
            [whole(2.0 * (c0 - 1.0) / a0), whole((1.0 - c1 + c0) / a0)]
        }
    }
}

/// A low-pass section: the numerator follows from the rounded denominator, so that a constant goes
/// through exactly.
fn low(denominator: &Denominator) -> Section {
    let mut a = feedback(denominator);
    let weights = weights(denominator);
    let (unit, rest) = shared(a[0], a[1], weights);
    a[usize::from(weights[2] != 0)] -= rest;
    let b = weights.map(|weight| weight * unit);
    Section { b, a }
}

/// A high-pass section: nothing of a constant goes through.
fn high(denominator: &Denominator) -> Section {
    let a = feedback(denominator);
    let weights = weights(denominator);
    let (unit, _) = shared(-a[0], a[1], weights);
    let [b0, b1, b2] = weights.map(|weight| weight * unit);
    Section {
        b: [b0, -b1, b2],
        a,
    }
}

/// `1 + a1 + a2` by the sum of all weights, and what that leaves.
// Casts: at most a coefficient of one, and less than 4.
fn shared(a1: i32, a2: i32, weights: [i32; 3]) -> (i32, i32) {
    let sum = i64::from(ONE) + i64::from(a1) + i64::from(a2);
    let parts = i64::from(weights.iter().sum::<i32>());
    (sum.div_euclid(parts) as i32, sum.rem_euclid(parts) as i32)
}

/// Of `(1 + z⁻¹)` to the power of the denominator's.
const fn weights(denominator: &Denominator) -> [i32; 3] {
    match denominator {
        Denominator::One(_) => [1, 1, 0],
        Denominator::Two { .. } => [1, 2, 1],
    }
}

/// The sections of a band-pass: of a pole `p` of the prototype the roots of
/// `s² − p (high − low) s + low · high`, and as many zeros at either end.
///
/// Either each section has one zero at both ends and lets the middle through as it is, or of two the
/// first has both zeros at 0, which keeps values small where the band is wide.
fn band(low: f64, high: f64, order: u32, is_wide: bool) -> Vec<Section> {
    let (width, middle) = (high - low, low * high);
    // |s² + c1 s + c0| at s² = −middle.
    let length = |c1: f64, c0: f64| libm::hypot(c0 - middle, c1 * libm::sqrt(middle));
    let section = |c1: f64, c0: f64| {
        let b = whole(length(c1, c0) / libm::sqrt(middle) / (1.0 + c1 + c0));
        Section {
            b: [b, 0, -b],
            a: feedback(&Denominator::Two { c1, c0 }),
        }
    };
    let mut sections = Vec::new();
    for [re, im] in prototype(order) {
        if im == 0.0 {
            sections.push(section(width, middle));
            continue;
        }
        let [re, im] = [re * width, im * width];
        let [root_re, root_im] = root([re * re - im * im - 4.0 * middle, 2.0 * re * im]);
        let [mut lower, mut upper] = [1.0, -1.0].map(|sign| {
            let [re, im] = [(re + sign * root_re) / 2.0, (im + sign * root_im) / 2.0];
            (-2.0 * re, re * re + im * im)
        });
        if lower.1 > upper.1 {
            (lower, upper) = (upper, lower);
        }
        let ((c1, c0), (d1, d0)) = (lower, upper);
        if is_wide {
            sections.push(self::high(&Denominator::Two { c1, c0 }));
            let gain = length(c1, c0) * length(d1, d0) / middle;
            let b = whole(gain / (1.0 + d1 + d0));
            sections.push(Section {
                b: [b, 2 * b, b],
                a: feedback(&Denominator::Two { c1: d1, c0: d0 }),
            });
        } else {
            sections.extend([section(c1, c0), section(d1, d0)]);
        }
    }
    sections
}

/// A square root of a complex number.
fn root([re, im]: [f64; 2]) -> [f64; 2] {
    let length = libm::hypot(re, im);
    let part = |part: f64| libm::sqrt(f64::max(part, 0.0) / 2.0);
    [part(length + re), f64::copysign(part(length - re), im)]
}

/// By how many bits samples may be raised so that no value reaches 2^30, and what rounding changes of
/// what comes out, in units of a sample.
///
/// A value is at most 2^15 raised, times the sum of the magnitudes of the impulse response up to its
/// section, and what rounding adds: less than a unit with the response of `(1 − z⁻¹) / A`, which goes
/// through the sections behind.
fn room(sections: &[Section]) -> (u32, f64) {
    let mut of_rounding = 0.0_f64;
    let mut bounds = vec![(1.0, 0.0)];
    for (at, section) in sections.iter().enumerate() {
        of_rounding = of_rounding
            * sum_of_magnitudes(&[(section.b.map(unit), section.a.map(unit))])
            + sum_of_magnitudes(&[([1.0, -1.0, 0.0], section.a.map(unit))]);
        let so_far: Vec<_> = (sections[..=at].iter())
            .map(|it| (it.b.map(unit), it.a.map(unit)))
            .collect();
        bounds.push((sum_of_magnitudes(&so_far), of_rounding));
    }
    let fits = |shift: &u32| {
        let largest = f64::from(1_u32 << (15 + shift));
        (bounds.iter()).all(|(gain, rounding)| largest * gain + rounding < f64::from(ONE))
    };
    let shift = (0..=SHIFT_MAX).rev().find(fits);
    let shift = shift.expect("sections of bounded gain, as a test of all corners shows");
    (shift, of_rounding / f64::from(1_u32 << shift) + 0.5)
}

fn unit(coefficient: i32) -> f64 {
    f64::from(coefficient) / f64::from(ONE)
}

/// `Σ |h[n]|` of sections in a row, and 2^−10 of it for what this leaves out: it stops once four of
/// the longest periods have added less than 2^−30 of the sum.
fn sum_of_magnitudes(sections: &[([f64; 3], [f64; 2])]) -> f64 {
    const BLOCK: u32 = 4 * PERIOD_SAMPLES.1 as u32;
    let mut memory = vec![[0.0; 4]; sections.len()];
    let (mut sum, mut input) = (0.0, 1.0);
    loop {
        let mut lately = 0.0;
        for _ in 0..BLOCK {
            let mut value = input;
            input = 0.0;
            for ((b, a), [x1, x2, y1, y2]) in sections.iter().zip(&mut memory) {
                let out = b[0] * value + b[1] * *x1 + b[2] * *x2 - a[0] * *y1 - a[1] * *y2;
                (*x2, *x1, *y2, *y1) = (*x1, value, *y1, out);
                value = out;
            }
            lately += f64::abs(value);
        }
        sum += lately;
        if lately <= sum / f64::from(1_u32 << 30) {
            return sum * (1.0 + 1.0 / 1024.0);
        }
    }
}

impl Biquads {
    fn new(sections: Vec<Section>) -> Self {
        let (shift, rounding_max) = room(&sections);
        Self {
            sections,
            shift,
            rounding_max,
        }
    }

    /// Samples of so many channels in turn, filtered from the first one on.
    ///
    /// # Panics
    /// If there are more than eight sections, or their coefficients are not of [`SampleFilter::biquads`].
    pub fn filtered(&self, samples: &[i16], n_channels: usize) -> Vec<i16> {
        // What stands behind the last section lets all through.
        let mut sections = [Section {
            b: [ONE, 0, 0],
            a: [0, 0],
        }; SECTIONS_MAX];
        sections[..self.sections.len()].copy_from_slice(&self.sections);
        let filter = Filter::new(sections, self.shift).expect("coefficients that were made for it");
        let mut channels = vec![Filtered::<1, SECTIONS_MAX>::new(&filter); n_channels];
        let mut out = samples.to_vec();
        for sample in out.chunks_mut(n_channels.max(1)) {
            for (value, channel) in sample.iter_mut().zip(&mut channels) {
                [*value] = channel.push([*value]);
            }
        }
        out
    }
}
