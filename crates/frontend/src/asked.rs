//! Front ends that compute some of their features alone: those that a model asks for, to the same bits
//! as the whole front end has them.
//!
//! Of sound, [`Logs`], [`Energies`] and [`Cepstra`] stand for the measures of the same names, and
//! [`Values`] before a summary takes some of a frame's values. [`Motion`] has another set of measures
//! and bands for each channel.

use core::num::{NonZeroU16, NonZeroU32};

use crate::aggregate::Feature;
use crate::cepstra;
use crate::chain::{Measured, Summary};
use crate::correlation::correlation;
use crate::frames::Frames;
use crate::gate::Framed;
use crate::mel::Filters;
use crate::motion::{Measures, measure};
use crate::spectrum::Spectrum;
use crate::window::Window;

/// The logarithms of the energies of those bands that filters are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs;

/// The energies of those bands that filters are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Energies;

/// Cepstral coefficients of all bands, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cepstra<'t, const BANDS: usize, const N: usize> {
    /// From logarithms to coefficients.
    pub transform: cepstra::Cepstra<'t, BANDS>,
    /// Which ones.
    pub coefficients: &'t [u8; N],
}

impl<const N: usize> Measured<N> for Logs {
    type Value = i16;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [i16; N] {
        let mut logs = [0; N];
        filters.asked_log_energies(spectrum, &mut logs.iter_mut());
        logs
    }
}

impl<const N: usize> Measured<N> for Energies {
    type Value = u64;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [u64; N] {
        let mut energies = [0; N];
        filters.asked_energies(spectrum, &mut energies);
        energies
    }

    #[inline]
    fn offset<const M: usize>(&self, filters: &Filters<'_, M>, at: usize) -> i16 {
        filters.asked_offset(at)
    }
}

impl<const BANDS: usize, const N: usize> Measured<N> for Cepstra<'_, BANDS, N> {
    type Value = i16;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [i16; N] {
        let mut logs = [0; BANDS];
        filters.log_energies(spectrum, &mut logs);
        (self.coefficients).map(|k| self.transform.coefficient(k.into(), &logs))
    }
}

/// A summary of `K` of a frame's values.
#[derive(Debug, Clone)]
pub struct Values<'t, S, const K: usize> {
    places: &'t [u8; K],
    summary: S,
}

impl<'t, S, const K: usize> Values<'t, S, K> {
    /// Of the values at these places; one that a frame does not have counts as its first value.
    #[must_use]
    #[inline]
    pub const fn new(places: &'t [u8; K], summary: S) -> Self {
        Self { places, summary }
    }
}

impl<V: Copy, S: Summary<V, K>, const K: usize, const N: usize> Summary<V, N> for Values<'_, S, K> {
    const N_FEATURES: usize = S::N_FEATURES;
    const OVERLAPS: bool = S::OVERLAPS;

    fn add(&mut self, values: &[V; N]) {
        let Some(first) = values.first() else {
            return;
        };
        let at = |place: u8| values.get(usize::from(place)).unwrap_or(first);
        self.summary.add(&self.places.map(|place| *at(place)));
    }

    #[inline]
    fn pass(&mut self) {
        self.summary.pass();
    }

    fn write<R: Feature>(
        &self,
        n_frames: NonZeroU32,
        offset: impl Fn(usize) -> i16,
        out: &mut [R],
    ) {
        let offset = |at: usize| self.places.get(at).map_or(0, |it| offset((*it).into()));
        self.summary.write(n_frames, offset, out);
    }

    #[inline]
    fn step(&mut self) {
        self.summary.step();
    }

    fn restart(&mut self) {
        self.summary.restart();
    }
}

/// What is computed of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel<'t, const M: usize> {
    /// In the time domain; correlations are those of [`Motion`]'s pairs.
    pub measures: Measures,
    /// The bands of its spectrum, those that are asked for; `None` where it needs no spectrum.
    pub bands: Option<Filters<'t, M>>,
}

/// What is computed of a channel's window in the domain of frequencies.
pub trait Tones<const M: usize> {
    /// Writes the bands of a window that are asked for into the next places.
    fn write<'o>(
        &mut self,
        frame: &[[i16; 2]; M],
        bands: &Filters<'_, M>,
        places: &mut impl Iterator<Item = &'o mut i32>,
    );
}

/// Nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoTones;

impl<const M: usize> Tones<M> for NoTones {
    #[inline]
    fn write<'o>(
        &mut self,
        _frame: &[[i16; 2]; M],
        _bands: &Filters<'_, M>,
        _places: &mut impl Iterator<Item = &'o mut i32>,
    ) {
    }
}

/// A spectrum, `8 M` bytes, which all channels share.
#[derive(Debug, Clone)]
pub struct Bands<'t, const M: usize> {
    window: &'t Window<M>,
    spectrum: Spectrum<M>,
}

impl<'t, const M: usize> Bands<'t, M> {
    /// Of windows under these weights.
    #[must_use]
    pub fn new(window: &'t Window<M>) -> Self {
        Self {
            window,
            spectrum: Spectrum::new(),
        }
    }
}

impl<const M: usize> Tones<M> for Bands<'_, M> {
    fn write<'o>(
        &mut self,
        frame: &[[i16; 2]; M],
        bands: &Filters<'_, M>,
        places: &mut impl Iterator<Item = &'o mut i32>,
    ) {
        self.spectrum.transform(frame, self.window);
        bands.asked_log_energies(&self.spectrum, places);
    }
}

/// As [`motion::Motion`](crate::motion::Motion), with measures and bands of each channel, those of all
/// together being among the bits of `ANY`, and correlations of `PAIRS` pairs.
#[derive(Debug, Clone)]
pub struct Motion<
    't,
    T,
    const CHANNELS: usize,
    const M: usize,
    const ANY: u16,
    const PAIRS: usize,
    const FEATURES: usize,
> {
    frames: [Frames<M>; CHANNELS],
    channels: &'t [Channel<'t, M>; CHANNELS],
    pairs: &'t [[u8; 2]; PAIRS],
    tones: T,
}

impl<
    't,
    T: Tones<M>,
    const CHANNELS: usize,
    const M: usize,
    const ANY: u16,
    const PAIRS: usize,
    const FEATURES: usize,
> Motion<'t, T, CHANNELS, M, ANY, PAIRS, FEATURES>
{
    /// Before the first sample.
    #[must_use]
    #[inline]
    pub fn new(
        channels: &'t [Channel<'t, M>; CHANNELS],
        pairs: &'t [[u8; 2]; PAIRS],
        tones: T,
        hop: NonZeroU16,
    ) -> Self {
        Self {
            frames: core::array::from_fn(|_| Frames::new(hop)),
            channels,
            pairs,
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
        let mut places = features.as_mut_slice();
        for (frames, channel) in self.frames.iter().zip(self.channels) {
            let frame = frames.frame();
            // What no channel needs has no code.
            let measures = Measures::from_bits(channel.measures.bits() & ANY);
            places = measure(frame.as_flattened(), measures, places);
            if let Some(bands) = &channel.bands {
                let mut rest = places.iter_mut();
                self.tones.write(frame, bands, &mut rest);
                places = rest.into_slice();
            }
        }
        for ([one, other], place) in self.pairs.iter().zip(places) {
            let window = |at: &u8| {
                let frames = self.frames.get(usize::from(*at));
                frames.map_or(&[][..], |it| it.frame().as_flattened())
            };
            *place = correlation(window(one), window(other)).into();
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

impl<
    T: Tones<M>,
    const CHANNELS: usize,
    const M: usize,
    const ANY: u16,
    const PAIRS: usize,
    const FEATURES: usize,
> Framed for Motion<'_, T, CHANNELS, M, ANY, PAIRS, FEATURES>
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
