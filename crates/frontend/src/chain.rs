//! The whole chain of a decision: samples in, a row of features out every so many frames.

use core::num::{NonZeroU16, NonZeroU32};

use crate::aggregate::{Aggregate, Statistic};
use crate::frames::Frames;
use crate::mel::Filters;
use crate::spectrum::Spectrum;
use crate::window::Window;

/// What is kept of the frames of a decision, band by band.
pub trait Summary {
    /// What a decision has for each band.
    type Features;
    /// Before the first frame of a decision of so many frames.
    fn new(n_frames_per_decision: NonZeroU32) -> Self;
    /// Takes the spectrum of the next frame; with the last one of a decision returns its features.
    fn add<const M: usize>(
        &mut self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> Option<Self::Features>;
}

/// A statistic of logarithms.
#[derive(Debug, Clone)]
pub struct OfLogs<S, const BANDS: usize>(Aggregate<S, BANDS>);

/// The logarithm of a statistic of energies.
#[derive(Debug, Clone)]
pub struct LogsOf<S, const BANDS: usize>(Aggregate<S, BANDS>);

/// A statistic of energies that is a logarithm itself: their variance, without the bands'
/// normalisation.
#[derive(Debug, Clone)]
pub struct OfEnergies<S, const BANDS: usize>(Aggregate<S, BANDS>);

impl<S: Statistic<i16>, const BANDS: usize> Summary for OfLogs<S, BANDS> {
    type Features = [S::Result; BANDS];

    fn new(n_frames_per_decision: NonZeroU32) -> Self {
        Self(Aggregate::new(n_frames_per_decision))
    }

    fn add<const M: usize>(
        &mut self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> Option<Self::Features> {
        let mut logs = [0; BANDS];
        filters.log_energies(spectrum, &mut logs);
        self.0.add(&logs)
    }
}

impl<S: Statistic<u64, Result = u64>, const BANDS: usize> Summary for LogsOf<S, BANDS> {
    type Features = [i16; BANDS];

    fn new(n_frames_per_decision: NonZeroU32) -> Self {
        Self(Aggregate::new(n_frames_per_decision))
    }

    fn add<const M: usize>(
        &mut self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> Option<Self::Features> {
        let mut energies = [0; BANDS];
        filters.energies(spectrum, &mut energies);
        let energies = self.0.add(&energies)?;
        let mut logs = [0; BANDS];
        filters.logs(&energies, &mut logs);
        Some(logs)
    }
}

impl<S: Statistic<u64, Result = i32>, const BANDS: usize> Summary for OfEnergies<S, BANDS> {
    type Features = [i32; BANDS];

    fn new(n_frames_per_decision: NonZeroU32) -> Self {
        Self(Aggregate::new(n_frames_per_decision))
    }

    fn add<const M: usize>(
        &mut self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> Option<Self::Features> {
        let mut energies = [0; BANDS];
        filters.energies(spectrum, &mut energies);
        self.0.add(&energies)
    }
}

/// From samples to features: `2 M` samples a frame, under a window, through filters, aggregated.
///
/// Decision `i` has the frames from `i · n` on, `n` to a decision, and frame `f` the samples from
/// `f · hop` on. Takes `12 M` bytes and what the summary does.
#[derive(Debug, Clone)]
pub struct Chain<'t, S, const M: usize> {
    window: &'t Window<M>,
    filters: Filters<'t, M>,
    hop: NonZeroU16,
    n_frames_per_decision: NonZeroU32,
    frames: Frames<M>,
    spectrum: Spectrum<M>,
    summary: S,
}

impl<'t, S: Summary, const M: usize> Chain<'t, S, M> {
    /// Before the first sample.
    #[must_use]
    #[inline]
    pub fn new(
        window: &'t Window<M>,
        filters: Filters<'t, M>,
        hop: NonZeroU16,
        n_frames_per_decision: NonZeroU32,
    ) -> Self {
        Self {
            window,
            filters,
            hop,
            n_frames_per_decision,
            frames: Frames::new(hop),
            spectrum: Spectrum::new(),
            summary: S::new(n_frames_per_decision),
        }
    }

    /// Takes the next sample; with the last one of a decision returns its features.
    #[inline]
    pub fn push(&mut self, sample: i16) -> Option<S::Features> {
        let frame = self.frames.push(sample)?;
        self.spectrum.transform(frame, self.window);
        self.summary.add(&self.filters, &self.spectrum)
    }

    /// Forgets what was heard: the next sample begins a frame and a decision.
    pub fn restart(&mut self) {
        self.frames = Frames::new(self.hop);
        self.summary = S::new(self.n_frames_per_decision);
    }
}
