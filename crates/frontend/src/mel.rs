//! Energies in bands: triangular filters, such as mel filters, or plain ranges of bins.
//!
//! Between two neighbouring edges one triangle rises and the one before it falls, and the two
//! weights of a bin add up to one. So a spectrum is read *segment* by segment, from edge to edge,
//! each bin once. In a segment weights are linear in the bin's number `j`, which needs no table of
//! weights and no product per bin: with `A = Σ p[j]` and `U = Σ (n − 1 − j) p[j]`, both running
//! sums, the rising weights `first + j · slope` give `first · A + slope · ((n − 1) A − U)`, and the
//! falling ones `last + (n − 1 − j) · slope` give `last · A + slope · U`.

use core::ops::Range;

use crate::TableError;
use crate::aggregate::Feature;
use crate::log2::log2;
use crate::spectrum::Spectrum;

/// A weight of one.
pub const ONE: u32 = 1 << 31;

/// The bins between two edges: the band that begins here rises over them, the one before falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// How many bins; may be none.
    pub n_bins: u16,
    /// Added to the logarithm of the band that ends here, in units of 2^−9: its normalisation.
    pub offset: i16,
    /// The rising weight of the first bin, in units of 2^−31.
    pub first: u32,
    /// The falling weight of the last bin, in units of 2^−31.
    pub last: u32,
    /// By how much weights differ from bin to bin, in units of 2^−31.
    pub slope: u32,
}

impl Segment {
    /// The offset of a segment whose band, the one that ends here, nobody asks for.
    pub const UNASKED: i16 = i16::MIN;

    /// Whether the band that ends here is asked for.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.offset != Self::UNASKED
    }

    /// Whether no bin has a weight: bins between bands that are asked for.
    const fn is_gap(&self) -> bool {
        self.first | self.last | self.slope == 0
    }
}

/// Checked filters: `n + 1` segments for `n` bands, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filters<'t, const M: usize> {
    first_bin: u16,
    lead: Segment,
    segments: &'t [Segment],
}

impl<'t, const M: usize> Filters<'t, M> {
    /// Checks tables, at compile time in a generated crate. Segment 0 begins at `first_bin`, 1 or
    /// later, and all end before bin `M`.
    ///
    /// # Errors
    /// Fewer than two segments, bins outside the spectrum, weights above one.
    pub const fn new(first_bin: u16, segments: &'t [Segment]) -> Result<Self, TableError> {
        let Some((lead, rest)) = segments.split_first() else {
            return Err(TableError::Count);
        };
        if rest.is_empty() || rest.len() > u16::MAX as usize {
            return Err(TableError::Count);
        }
        let mut end = first_bin as usize;
        let mut at = 0;
        while at < segments.len() {
            let segment = segments[at];
            end += segment.n_bins as usize;
            let rise = segment.slope as u64 * segment.n_bins.saturating_sub(1) as u64;
            // Rounding of the slope counts once per bin.
            let most = ONE as u64 + segment.n_bins as u64;
            if segment.first as u64 + rise > most || segment.last as u64 + rise > most {
                return Err(TableError::Weight);
            }
            at += 1;
        }
        if first_bin == 0 || end > M {
            return Err(TableError::Bins);
        }
        Ok(Self {
            first_bin,
            lead: *lead,
            segments: rest,
        })
    }

    /// Number of bands.
    #[must_use]
    pub const fn n_bands(&self) -> usize {
        self.segments.len()
    }

    /// The energy `Σ w[k] |X[k]|²` of each band, at most 2^59, with weights up to one and in units
    /// of `4^−scale_bits` of the spectrum. Bands beyond `energies`, or the reverse, are left out.
    pub fn energies(&self, spectrum: &Spectrum<M>, energies: &mut [u64]) {
        self.for_each(spectrum, energies, |energy, _| energy);
    }

    /// The logarithm of each band's energy in units of 2^−9, 0.0059 dB, with the band's
    /// normalisation; an energy of 0 counts as 1. Bands beyond `logs`, or the reverse, are left
    /// out.
    pub fn log_energies(&self, spectrum: &Spectrum<M>, logs: &mut [i16]) {
        self.for_each(spectrum, logs, |energy, band| {
            log2(energy).saturating_add(band.offset)
        });
    }

    /// As [`Self::energies`], of the bands alone that are asked for.
    pub fn asked_energies(&self, spectrum: &Spectrum<M>, energies: &mut [u64]) {
        self.for_each_asked(spectrum, &mut energies.iter_mut(), |energy, _| energy);
    }

    /// As [`Self::log_energies`], of the bands alone that are asked for.
    pub fn asked_log_energies<'o, R: Feature>(
        &self,
        spectrum: &Spectrum<M>,
        logs: &mut impl Iterator<Item = &'o mut R>,
    ) {
        self.for_each_asked(spectrum, logs, |energy, band| {
            R::of(log2(energy).saturating_add(band.offset).into())
        });
    }

    /// As [`Self::offset`], of the bands alone that are asked for.
    #[must_use]
    pub fn asked_offset(&self, band: usize) -> i16 {
        let mut asked = self.segments.iter().filter(|segment| segment.is_asked());
        asked.nth(band).map_or(0, |segment| segment.offset)
    }

    /// What is added to the logarithm of a band's energy, its normalisation; 0 beyond the bands.
    #[must_use]
    pub fn offset(&self, band: usize) -> i16 {
        self.segments.get(band).map_or(0, |segment| segment.offset)
    }

    /// The bins from the lowest edge to the highest.
    #[must_use]
    pub fn bins(&self) -> Range<usize> {
        let first = usize::from(self.first_bin);
        let segments = core::iter::once(&self.lead).chain(self.segments);
        first..segments.fold(first, |end, it| end.wrapping_add(it.n_bins.into()))
    }

    #[inline(always)]
    fn for_each<T>(
        &self,
        spectrum: &Spectrum<M>,
        out: &mut [T],
        finish: impl Fn(u64, &Segment) -> T,
    ) {
        let mut bins = spectrum
            .packed()
            .get(usize::from(self.first_bin)..)
            .unwrap_or_default();
        let mut rising = self.lead.read(&mut bins).rising;
        for (out, segment) in out.iter_mut().zip(self.segments) {
            let parts = segment.read(&mut bins);
            *out = finish(rising.wrapping_add(parts.falling), segment);
            rising = parts.rising;
        }
    }
}

impl<const M: usize> Filters<'_, M> {
    #[inline(always)]
    fn for_each_asked<'o, T: 'o>(
        &self,
        spectrum: &Spectrum<M>,
        out: &mut impl Iterator<Item = &'o mut T>,
        finish: impl Fn(u64, &Segment) -> T,
    ) {
        let mut bins = spectrum
            .packed()
            .get(usize::from(self.first_bin)..)
            .unwrap_or_default();
        let mut rising = self.lead.read_or_pass(&mut bins).rising;
        for segment in self.segments {
            let parts = segment.read_or_pass(&mut bins);
            if segment.is_asked()
                && let Some(place) = out.next()
            {
                *place = finish(rising.wrapping_add(parts.falling), segment);
            }
            rising = parts.rising;
        }
    }
}

/// What a segment gives to the band that rises in it and the one that falls.
#[derive(Clone, Copy, Default)]
struct Parts {
    rising: u64,
    falling: u64,
}

impl Segment {
    /// As [`Self::read`], which leaves the bins of a gap unread.
    #[inline]
    fn read_or_pass(&self, bins: &mut &[[i32; 2]]) -> Parts {
        if !self.is_gap() {
            return self.read(bins);
        }
        *bins = bins.get(usize::from(self.n_bins)..).unwrap_or_default();
        Parts::default()
    }

    /// Takes this segment's bins off `bins` and weighs them.
    #[inline(never)]
    fn read(&self, bins: &mut &[[i32; 2]]) -> Parts {
        let Some((here, rest)) = bins.split_at_checked(usize::from(self.n_bins)) else {
            return Parts::default();
        };
        *bins = rest;
        let mut magnitudes = 0;
        for [re, im] in here {
            magnitudes |= (re ^ (re >> 31)) | (im ^ (im >> 31));
        }
        // The largest part keeps 15 bits and a sign, and its power is then at least 2^28, unless it
        // had no more in the first place.
        let shift = 17_u32.saturating_sub(magnitudes.leading_zeros());
        let (mut sum, mut running) = (0_u64, 0_u64);
        for [re, im] in here {
            running = running.wrapping_add(sum);
            let (re, im) = (re >> (shift & 31), im >> (shift & 31));
            let power = re.wrapping_mul(re).wrapping_add(im.wrapping_mul(im));
            sum = sum.wrapping_add(u64::from(power.cast_unsigned()));
        }
        if sum == 0 {
            return Parts::default();
        }
        let before = sum
            .wrapping_mul(u64::from(self.n_bins.wrapping_sub(1)))
            .wrapping_sub(running);
        // To 32 bits, all three alike.
        let spare = (sum | running | before).leading_zeros();
        let narrow = 32_u32.saturating_sub(spare);
        let [sum, running, before] =
            [sum, running, before].map(|value| (value >> (narrow & 63)) as u32);
        let weigh = |edge: u32, moments: u32| {
            let weighted = product(edge, sum).wrapping_add(product(self.slope, moments));
            scale(weighted, 2 * shift + narrow)
        };
        Parts {
            rising: weigh(self.first, before),
            falling: weigh(self.last, running),
        }
    }
}

/// `⌊weighted · 2^(exponent − 31)⌋`.
#[inline]
fn scale(weighted: u64, exponent: u32) -> u64 {
    if exponent >= 31 {
        weighted << ((exponent - 31) & 63)
    } else {
        weighted >> ((31 - exponent) & 63)
    }
}

#[inline]
fn product(weight: u32, value: u32) -> u64 {
    u64::from(weight).wrapping_mul(u64::from(value))
}
