//! Motion and slow sensors: a window of samples of several channels in, a row of features out.
//!
//! A row has the features of one channel after the other: what [`Measures`] ask for, in their
//! order, then a logarithm for each band. Host and device call [`measure`] and [`Bands`], so that
//! their features are equal bit for bit.

use core::num::NonZeroU16;

use crate::frames::Frames;
use crate::mel::Filters;
use crate::moments::Moments;
use crate::spectrum::Spectrum;
use crate::window::Window;

/// What is kept of a channel's window in the time domain: a set, in the order of its members.
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
    /// How many members there are.
    pub const N_ALL: u32 = 9;

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

    /// How many are kept.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a member is kept.
    #[must_use]
    pub const fn has(self, member: Self) -> bool {
        self.0 & member.0 == member.0
    }
}

/// Writes what `measures` ask for of a window of at most 65,535 samples of one channel, in their
/// order. What `out` has no room for is left out; an empty window leaves all as it is.
///
/// Values are those of [`Summary`](crate::moments::Summary), each within 32 bits with its sign.
#[inline(always)]
pub fn measure(samples: &[i16], measures: Measures, out: &mut [i32]) {
    let mut moments = Moments::new(0);
    for sample in samples {
        moments.push(*sample);
    }
    let Some(summary) = moments.finish() else {
        return;
    };
    let mut places = out.iter_mut();
    let mut keep = |member: Measures, value: i32| {
        if measures.has(member)
            && let Some(place) = places.next()
        {
            *place = value;
        }
    };
    keep(Measures::MEAN, summary.mean);
    keep(Measures::VARIANCE, summary.variance.cast_signed());
    keep(Measures::DEVIATION, summary.deviation.cast_signed());
    keep(Measures::LEAST, i32::from(summary.least));
    keep(Measures::MOST, i32::from(summary.most));
    keep(Measures::RANGE, i32::from(summary.range));
    keep(Measures::RMS, summary.rms.cast_signed());
    if measures.has(Measures::MEAN_CROSSINGS) {
        let n_crossings = crossings(samples, summary.ceiling);
        keep(Measures::MEAN_CROSSINGS, i32::from(n_crossings));
    }
    keep(Measures::ZERO_CROSSINGS, i32::from(summary.n_crossings));
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
    /// Features of one channel.
    const PER_CHANNEL: usize = {
        let n = Measures::from_bits(WHAT).len() + T::N_FEATURES;
        assert!(n > 0, "nothing is kept of a window");
        assert!(M > 0 && M < 1 << 15, "a window has 2 to 65,534 samples");
        assert!(
            FEATURES == n * CHANNELS,
            "a row has the features of all channels"
        );
        n
    };

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
        let rows = features.chunks_exact_mut(const { Self::PER_CHANNEL });
        for (frames, row) in self.frames.iter().zip(rows) {
            let frame = frames.frame();
            let measures = const { Measures::from_bits(WHAT) };
            let (moments, tones) = row.split_at_mut_checked(measures.len()).unwrap_or_default();
            measure(frame.as_flattened(), measures, moments);
            self.tones.write(frame, tones);
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
