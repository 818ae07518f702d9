//! Recursive filters of samples, before frames: sections of second order, one after the other.
//!
//! A section computes `y[n] = b0 x[n] + b1 x[n − 1] + b2 x[n − 2] − a1 y[n − 1] − a2 y[n − 2]` with
//! coefficients in units of 2^−30 and values raised by as many bits as there is room for. What a
//! product leaves below a unit is added to the next one, so that what rounding drops has no constant
//! part and a constant stays as exact as it came.
//!
//! # Widths
//!
//! Whoever makes a [`Filter`] says by how many bits samples are raised, so that no value reaches 2^30:
//! samples of 2^15, times the sum of the impulse response's magnitudes up to each section, and what
//! rounding adds (`spinney_signal::Biquads` works that out). `|b|` sum up to at most 4 and `|a|` to
//! at most 3, which is checked, so that a sum of products is below `(4 + 3) · 2^30 · 2^30`, and 2^63.

use crate::TableError;

/// Bits below one of a coefficient.
const FRACTION: u32 = 30;
const ONE: i64 = 1 << FRACTION;
/// Most bits that samples are raised by.
pub const SHIFT_MAX: u32 = 14;

/// Coefficients of a section in units of 2^−30.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Of the values that come in, the newest first.
    pub b: [i32; 3],
    /// Of the values that went out, the last one first, to be subtracted.
    pub a: [i32; 2],
}

impl Section {
    /// Whether a constant goes through as it is; else none comes in, or none goes out.
    const fn keeps_constants(&self) -> bool {
        let [b0, b1, b2] = self.b;
        let [a1, a2] = self.a;
        b0 as i64 + b1 as i64 + b2 as i64 == ONE + a1 as i64 + a2 as i64
    }
}

/// Checked sections, and by how many bits samples are raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter<const SECTIONS: usize> {
    sections: [Section; SECTIONS],
    shift: u32,
}

impl<const SECTIONS: usize> Filter<SECTIONS> {
    /// Checks coefficients, at compile time in a generated crate: a constant goes through each section
    /// as it is or not at all, or nothing is left of it before, and samples are raised by at most 14
    /// bits.
    ///
    /// # Errors
    /// Coefficients whose sums of products could overflow, or that do neither with a constant.
    pub const fn new(sections: [Section; SECTIONS], shift: u32) -> Result<Self, TableError> {
        let mut is_gone = false;
        let mut at = 0;
        while at < SECTIONS {
            let Section { b, a } = sections[at];
            let [b0, b1, b2] = b;
            let of_b = magnitude(b0) + magnitude(b1) + magnitude(b2);
            let of_a = magnitude(a[0]) + magnitude(a[1]);
            let constant = b0 as i64 + b1 as i64 + b2 as i64;
            is_gone |= constant == 0;
            let is_known = is_gone || sections[at].keeps_constants();
            if of_b > 4 * ONE || of_a > 3 * ONE || !is_known {
                return Err(TableError::Weight);
            }
            at += 1;
        }
        if shift > SHIFT_MAX {
            return Err(TableError::Weight);
        }
        Ok(Self { sections, shift })
    }
}

const fn magnitude(coefficient: i32) -> i64 {
    coefficient.unsigned_abs() as i64
}

/// What a channel's filter remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory<const SECTIONS: usize> {
    /// The last two samples, raised, the last one first.
    samples: [i32; 2],
    /// What came out of each section, likewise, and what it left below a unit.
    sections: [([i32; 2], i64); SECTIONS],
}

/// A filter for each of `CHANNELS` channels; `8 + 16 SECTIONS` bytes each, and 8 for all.
#[derive(Debug, Clone)]
pub struct Filtered<'f, const CHANNELS: usize, const SECTIONS: usize> {
    filter: &'f Filter<SECTIONS>,
    memories: Option<[Memory<SECTIONS>; CHANNELS]>,
}

impl<'f, const CHANNELS: usize, const SECTIONS: usize> Filtered<'f, CHANNELS, SECTIONS> {
    /// Before the first sample, which counts as if it had always been there.
    #[must_use]
    pub const fn new(filter: &'f Filter<SECTIONS>) -> Self {
        Self {
            filter,
            memories: None,
        }
    }

    /// What comes out for the next sample of each channel, rounded, and at most what 16 bits hold.
    #[inline(never)]
    pub fn push(&mut self, sample: [i16; CHANNELS]) -> [i16; CHANNELS] {
        let filter = self.filter;
        let memories = self
            .memories
            .get_or_insert_with(|| sample.map(|first| filter.settled(first)));
        let mut out = sample;
        for (memory, value) in memories.iter_mut().zip(&mut out) {
            *value = filter.step(memory, *value);
        }
        out
    }

    /// Forgets what was heard: the next sample is a first one.
    pub const fn restart(&mut self) {
        self.memories = None;
    }
}

impl<const SECTIONS: usize> Filter<SECTIONS> {
    fn raised(&self, sample: i16) -> i32 {
        i32::from(sample) << (self.shift & 15)
    }

    /// Where a constant leaves a filter, without an error.
    fn settled(&self, sample: i16) -> Memory<SECTIONS> {
        let mut value = self.raised(sample);
        let samples = [value; 2];
        let sections = self.sections.each_ref().map(|section| {
            if !section.keeps_constants() {
                value = 0;
            }
            ([value; 2], 0)
        });
        Memory { samples, sections }
    }

    fn step(&self, memory: &mut Memory<SECTIONS>, sample: i16) -> i16 {
        let mut value = self.raised(sample);
        let mut before = push_front(&mut memory.samples, value);
        for (section, (out, rest)) in self.sections.iter().zip(&mut memory.sections) {
            let product =
                |factor: i32, value: i32| i64::from(factor).wrapping_mul(i64::from(value));
            let ([b0, b1, b2], [a1, a2]) = (section.b, section.a);
            let sum = (*rest)
                .wrapping_add(product(b0, value))
                .wrapping_add(product(b1, before[0]))
                .wrapping_add(product(b2, before[1]))
                .wrapping_sub(product(a1, out[0]))
                .wrapping_sub(product(a2, out[1]));
            value = (sum >> FRACTION) as i32;
            *rest = sum & (ONE - 1);
            before = push_front(out, value);
        }
        let rounded = value.wrapping_add((1 << (self.shift & 15)) >> 1) >> (self.shift & 15);
        rounded.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }
}

/// Puts a value before the last two; returns these.
fn push_front(values: &mut [i32; 2], value: i32) -> [i32; 2] {
    let [last, _] = *values;
    core::mem::replace(values, [value, last])
}
