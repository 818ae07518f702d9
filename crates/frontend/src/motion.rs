//! Motion and slow sensors: a window of samples of several channels in, a row of features out.
//!
//! A row has the features of one channel after the other: what [`Measures`] ask for, in their
//! order, then a logarithm for each band; behind them all, what they ask for of pairs of channels.
//! Host and device call [`measure`], [`Bands`] and [`correlate`], so that their features are equal
//! bit for bit. A [`magnitude`] is a channel like any other.

use core::num::NonZeroU16;

use crate::correlation::{autocorrelation_peak, correlation};
use crate::frames::Frames;
use crate::gate::Framed;
use crate::mel::Filters;
use crate::moments::{Moments, Summary};
use crate::ranks::ranked;
use crate::spectrum::Spectrum;
use crate::window::Window;

/// What is kept of windows in the time domain: a set, in the order of its members, the last of which
/// is of each two channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures(u16);

impl Measures {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The mean in units of 2^−8, floored.
    pub const MEAN: Self = Self(1);
    /// The population's variance, floored.
    pub const VARIANCE: Self = Self(1 << 1);
    /// The standard deviation in units of 2^−8.
    pub const DEVIATION: Self = Self(1 << 2);
    /// The smallest sample.
    pub const LEAST: Self = Self(1 << 3);
    /// The largest sample.
    pub const MOST: Self = Self(1 << 4);
    /// Largest less smallest.
    pub const RANGE: Self = Self(1 << 5);
    /// The square root of the mean square in units of 2^−8.
    pub const RMS: Self = Self(1 << 6);
    /// How often two samples in turn were on different sides of the window's mean, a sample at the
    /// mean counting as above.
    pub const MEAN_CROSSINGS: Self = Self(1 << 7);
    /// How often two samples in turn were on different sides of 0, 0 itself counting as above.
    pub const ZERO_CROSSINGS: Self = Self(1 << 8);
    /// The mean difference of two samples in turn, without its sign, in units of 2^−8, floored.
    pub const JERK: Self = Self(1 << 9);
    /// The sample with place `⌊(n − 1) / 4⌋` of `n` sorted ones, from 0 on.
    pub const LOWER_QUARTILE: Self = Self(1 << 10);
    /// That with place `⌊(n − 1) / 2⌋`.
    pub const MEDIAN: Self = Self(1 << 11);
    /// That with place `⌊3 (n − 1) / 4⌋`.
    pub const UPPER_QUARTILE: Self = Self(1 << 12);
    /// As [`autocorrelation_peak`] says.
    pub const AUTOCORRELATION_PEAK: Self = Self(1 << 13);
    /// The [`correlation`] of each two channels.
    pub const CORRELATION: Self = Self(1 << 14);
    /// How many members there are.
    pub const N_ALL: u32 = 15;

    /// The set of these bits; others than those of the members are left out.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & ((1 << Self::N_ALL) - 1))
    }

    /// A bit for each member.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// With the members of another set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many are kept of a channel.
    #[must_use]
    pub const fn n_per_channel(self) -> usize {
        (self.0 & !Self::CORRELATION.0).count_ones() as usize
    }

    /// How many are kept of all pairs of so many channels.
    #[must_use]
    pub const fn n_of_pairs(self, n_channels: usize) -> usize {
        match self.has(Self::CORRELATION) {
            true => n_channels * n_channels.saturating_sub(1) / 2,
            false => 0,
        }
    }

    /// Whether any member is one that [`Moments`] have.
    const fn are_of_moments(self) -> bool {
        self.0 & (Self::JERK.0 - 1) != 0
    }

    /// Whether a member is kept.
    #[must_use]
    pub const fn has(self, member: Self) -> bool {
        self.0 & member.0 == member.0
    }
}

/// Writes what `measures` ask for of a window of at most 65,535 samples of one channel, in their
/// order, and returns what is left of `out`. What `out` has no room for is left out; an empty window
/// leaves all as it is.
///
/// Values are those of [`Summary`], each within 32 bits with its sign.
#[inline(always)]
pub fn measure<'o>(samples: &[i16], measures: Measures, out: &'o mut [i32]) -> &'o mut [i32] {
    if samples.is_empty() {
        return out;
    }
    let rest = if measures.are_of_moments() {
        measure_moments(samples, measures, out)
    } else {
        out
    };
    measure_order(samples, measures, rest)
}

/// What is kept of the samples' sums and ends.
#[inline(always)]
fn measure_moments<'o>(samples: &[i16], measures: Measures, out: &'o mut [i32]) -> &'o mut [i32] {
    let mut moments = Moments::new(0);
    for sample in samples {
        moments.push(*sample);
    }
    let Some(summary) = moments.finish() else {
        return out;
    };
    let mut places = out.iter_mut();
    let mut keep = |member: Measures, value: fn(&Summary, &[i16]) -> i32| {
        if measures.has(member)
            && let Some(place) = places.next()
        {
            *place = value(&summary, samples);
        }
    };
    keep(Measures::MEAN, |it, _| it.mean());
    keep(Measures::VARIANCE, |it, _| it.variance().cast_signed());
    keep(Measures::DEVIATION, |it, _| it.deviation().cast_signed());
    keep(Measures::LEAST, |it, _| it.least().into());
    keep(Measures::MOST, |it, _| it.most().into());
    keep(Measures::RANGE, |it, _| it.range().into());
    keep(Measures::RMS, |it, _| it.rms().cast_signed());
    keep(Measures::MEAN_CROSSINGS, |it, samples| {
        crossings(samples, it.ceiling()).into()
    });
    keep(Measures::ZERO_CROSSINGS, |it, _| it.n_crossings().into());
    places.into_slice()
}

/// What is kept of the samples' order, by time and by size.
#[inline(always)]
fn measure_order<'o>(samples: &[i16], measures: Measures, out: &'o mut [i32]) -> &'o mut [i32] {
    let mut places = out.iter_mut();
    let mut keep = |member: Measures, value: fn(&[i16]) -> i32| {
        if measures.has(member)
            && let Some(place) = places.next()
        {
            *place = value(samples);
        }
    };
    keep(Measures::JERK, |it| jerk(it).cast_signed());
    keep(Measures::LOWER_QUARTILE, |it| {
        ranked(it, last(it) / 4).into()
    });
    keep(Measures::MEDIAN, |it| ranked(it, last(it) / 2).into());
    keep(Measures::UPPER_QUARTILE, |it| {
        ranked(it, last(it).wrapping_mul(3) / 4).into()
    });
    keep(Measures::AUTOCORRELATION_PEAK, |it| {
        autocorrelation_peak(it).into()
    });
    places.into_slice()
}

/// The place of the last sample.
const fn last(samples: &[i16]) -> usize {
    samples.len().wrapping_sub(1)
}

/// Writes the [`correlation`] of each two windows: of the first one with all others, then of the
/// second one with those behind it. What `out` has no room for is left out.
pub fn correlate(windows: &[&[i16]], out: &mut [i32]) {
    let mut places = out.iter_mut();
    let mut others = windows;
    while let Some((first, rest)) = others.split_first() {
        for (second, place) in rest.iter().zip(&mut places) {
            *place = i32::from(correlation(first, second));
        }
        others = rest;
    }
}

/// The length of a vector of at most three components, floored, and at most 32,767.
#[must_use]
pub fn magnitude(vector: &[i16]) -> i16 {
    // Three squares of 2^30 fit.
    let square = vector.iter().take(3).fold(0_u32, |sum, component| {
        let component = u32::from(component.unsigned_abs());
        sum.wrapping_add(component.wrapping_mul(component))
    });
    square.isqrt().min(0x7fff) as i16
}

/// The mean difference of two samples in turn, in units of 2^−8: 65,534 differences of 16 bits.
fn jerk(samples: &[i16]) -> u32 {
    let (mut sum, mut n) = (0_u32, 0_u16);
    for (earlier, later) in samples.iter().zip(samples.iter().skip(1)) {
        let Some(more) = n.checked_add(1) else {
            break;
        };
        sum = sum.wrapping_add(u32::from(later.abs_diff(*earlier)));
        n = more;
    }
    let mean = (u64::from(sum) << 8).checked_div(n.into()).unwrap_or(0);
    mean as u32
}

/// How often two samples in turn are on different sides of `level`, itself counting as above.
fn crossings(samples: &[i16], level: i16) -> u16 {
    let mut n_crossings = 0_u16;
    let mut was_above = samples.first().is_some_and(|first| *first >= level);
    for sample in samples {
        let is_above = *sample >= level;
        // At most one per sample.
        n_crossings = n_crossings.wrapping_add(u16::from(is_above != was_above));
        was_above = is_above;
    }
    n_crossings
}

/// What is kept of a channel's window in the domain of frequencies.
pub trait Tones<const M: usize> {
    /// How many features that is.
    const N_FEATURES: usize;
    /// Writes them of a window of `2 M` samples.
    fn write(&mut self, frame: &[[i16; 2]; M], out: &mut [i32]);
}

/// Nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTones;

impl<const M: usize> Tones<M> for NoTones {
    const N_FEATURES: usize = 0;

    #[inline]
    fn write(&mut self, _frame: &[[i16; 2]; M], _out: &mut [i32]) {}
}

/// The logarithm of the energy of each of `BANDS` bands, in units of 2^−9, as
/// [`Filters::log_energies`] gives it; `8 M` bytes, which all channels share.
#[derive(Debug, Clone)]
pub struct Bands<'t, const M: usize, const BANDS: usize> {
    window: &'t Window<M>,
    filters: Filters<'t, M>,
    spectrum: Spectrum<M>,
}

impl<'t, const M: usize, const BANDS: usize> Bands<'t, M, BANDS> {
    /// Of windows under these weights, through these filters.
    #[must_use]
    pub fn new(window: &'t Window<M>, filters: Filters<'t, M>) -> Self {
        Self {
            window,
            filters,
            spectrum: Spectrum::new(),
        }
    }
}

impl<const M: usize, const BANDS: usize> Tones<M> for Bands<'_, M, BANDS> {
    const N_FEATURES: usize = BANDS;

    fn write(&mut self, frame: &[[i16; 2]; M], out: &mut [i32]) {
        let mut logs = [0; BANDS];
        self.spectrum.transform(frame, self.window);
        self.filters.log_energies(&self.spectrum, &mut logs);
        for (out, log) in out.iter_mut().zip(logs) {
            *out = i32::from(log);
        }
    }
}

/// From samples of `CHANNELS` channels to a row of `FEATURES` features for each window of `2 M`
/// samples; `WHAT` are the bits of its [`Measures`].
///
/// Window `i` has the samples from `i · hop` on. Takes `4 M` bytes per channel and what the tones do.
#[derive(Debug, Clone)]
pub struct Motion<T, const CHANNELS: usize, const M: usize, const WHAT: u16, const FEATURES: usize>
{
    frames: [Frames<M>; CHANNELS],
    tones: T,
}

impl<T: Tones<M>, const CHANNELS: usize, const M: usize, const WHAT: u16, const FEATURES: usize>
    Motion<T, CHANNELS, M, WHAT, FEATURES>
{
    const MEASURES: Measures = Measures::from_bits(WHAT);

    /// Features of one channel.
    const PER_CHANNEL: usize = {
        let n = Self::MEASURES.n_per_channel() + T::N_FEATURES;
        assert!(FEATURES > 0, "nothing is kept of a window");
        assert!(M > 0 && M < 1 << 15, "a window has 2 to 65,534 samples");
        assert!(
            FEATURES == n * CHANNELS + Self::MEASURES.n_of_pairs(CHANNELS),
            "a row has the features of all channels, and of their pairs"
        );
        n
    };

    /// A length of rows that is none where nothing is kept of a channel by itself.
    const PER_ROW: usize = Self::PER_CHANNEL + (Self::PER_CHANNEL == 0) as usize;

    /// Before the first sample.
    #[must_use]
    #[inline]
    pub fn new(tones: T, hop: NonZeroU16) -> Self {
        Self {
            frames: core::array::from_fn(|_| Frames::new(hop)),
            tones,
        }
    }

    /// Takes the next sample of each channel; with the last one of a window returns its features.
    #[inline]
    pub fn push(&mut self, sample: [i16; CHANNELS]) -> Option<[i32; FEATURES]> {
        let mut is_whole = false;
        for (frames, value) in self.frames.iter_mut().zip(sample) {
            is_whole = frames.push(value).is_some();
        }
        is_whole.then(|| self.features())
    }

    /// Of the window that was just completed.
    #[inline(never)]
    fn features(&mut self) -> [i32; FEATURES] {
        let mut features = [0; FEATURES];
        let rows = features.chunks_exact_mut(const { Self::PER_ROW });
        let measures = const { Self::MEASURES };
        for (frames, row) in self.frames.iter().zip(rows) {
            let frame = frames.frame();
            let (moments, tones) = row
                .split_at_mut_checked(measures.n_per_channel())
                .unwrap_or_default();
            measure(frame.as_flattened(), measures, moments);
            self.tones.write(frame, tones);
        }
        if measures.has(Measures::CORRELATION) {
            let windows = self.frames.each_ref().map(|it| it.frame().as_flattened());
            let of_pairs = features.get_mut(const { Self::PER_CHANNEL * CHANNELS }..);
            correlate(&windows, of_pairs.unwrap_or_default());
        }
        features
    }

    /// Forgets what was heard: the next sample begins a window.
    pub fn restart(&mut self) {
        for frames in &mut self.frames {
            frames.restart();
        }
    }
}

impl<T: Tones<M>, const CHANNELS: usize, const M: usize, const WHAT: u16, const FEATURES: usize>
    Framed for Motion<T, CHANNELS, M, WHAT, FEATURES>
{
    type Sample = [i16; CHANNELS];
    type Row = [i32; FEATURES];

    #[inline]
    fn hold(&mut self, sample: [i16; CHANNELS]) -> bool {
        let mut is_whole = false;
        for (frames, value) in self.frames.iter_mut().zip(sample) {
            is_whole = frames.push(value).is_some();
        }
        is_whole
    }

    #[inline]
    fn hear(&mut self) -> Option<[i32; FEATURES]> {
        Some(self.features())
    }

    #[inline]
    fn keep(&mut self, n: usize) {
        for frames in &mut self.frames {
            frames.keep(n);
        }
    }

    fn finish(&mut self) -> Option<[i32; FEATURES]> {
        self.restart();
        None
    }
}
