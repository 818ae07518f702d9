//! The whole chain of a decision: samples in, a row of features out every so many frames.

use core::marker::PhantomData;
use core::num::{NonZeroU16, NonZeroU32};

use crate::aggregate::{Aggregate, Feature, Statistic};
use crate::frames::Frames;
use crate::gate::Framed;
use crate::mel::Filters;
use crate::spectrum::Spectrum;
use crate::window::Window;

/// What is measured of a frame: `N` values.
pub trait Measured<const N: usize> {
    /// A value.
    type Value: Copy;
    /// The values of a frame with this spectrum.
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [Self::Value; N];
    /// What is added to the logarithm of a statistic of value `at`: of energies, the normalisation of
    /// their band.
    #[inline]
    fn offset<const M: usize>(&self, _filters: &Filters<'_, M>, _at: usize) -> i16 {
        0
    }
}

/// The logarithm of each band's energy, of which statistics are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs;

/// The energy of each band: logarithms are taken of its statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Energies;

impl<const N: usize> Measured<N> for Logs {
    type Value = i16;

    #[inline]
    fn measure<const M: usize>(
        &self,
        filters: &Filters<'_, M>,
        spectrum: &Spectrum<M>,
    ) -> [i16; N] {
        let mut logs = [0; N];
        filters.log_energies(spectrum, &mut logs);
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
        filters.energies(spectrum, &mut energies);
        energies
    }

    #[inline]
    fn offset<const M: usize>(&self, filters: &Filters<'_, M>, at: usize) -> i16 {
        filters.offset(at)
    }
}

/// What is kept of the values of a decision's frames.
pub trait Summary<V, const N: usize> {
    /// How many features there are.
    const N_FEATURES: usize;
    /// Whether it is of several steps, of which decisions have most in common.
    const OVERLAPS: bool = false;
    /// Takes the next frame's values.
    fn add(&mut self, values: &[V; N]);
    /// Takes a frame that has no values, as the first ones have no deltas.
    #[inline]
    fn pass(&mut self) {}
    /// Writes the features of so many frames; those of energies with the offset of their band.
    fn write<R: Feature>(&self, n_frames: NonZeroU32, offset: impl Fn(usize) -> i16, out: &mut [R]);
    /// A step is over, which without steps is a decision: forgets what the next one does not have.
    #[inline]
    fn step(&mut self) {
        self.restart();
    }
    /// Forgets all frames.
    fn restart(&mut self);
}

impl<V: Copy, S: Statistic<V>, const N: usize> Summary<V, N> for Aggregate<S, N> {
    const N_FEATURES: usize = N * S::N;

    #[inline]
    fn add(&mut self, values: &[V; N]) {
        Self::add(self, values);
    }

    fn write<R: Feature>(
        &self,
        n_frames: NonZeroU32,
        offset: impl Fn(usize) -> i16,
        out: &mut [R],
    ) {
        Self::write(self, n_frames, offset, out);
    }

    fn restart(&mut self) {
        *self = Self::new();
    }
}

/// Two summaries of the same values, the first of which has the first features.
impl<V: Copy, A: Summary<V, N>, B: Summary<V, N>, const N: usize> Summary<V, N> for (A, B) {
    const N_FEATURES: usize = A::N_FEATURES + B::N_FEATURES;
    const OVERLAPS: bool = A::OVERLAPS || B::OVERLAPS;

    #[inline]
    fn add(&mut self, values: &[V; N]) {
        self.0.add(values);
        self.1.add(values);
    }

    #[inline]
    fn pass(&mut self) {
        self.0.pass();
        self.1.pass();
    }

    fn write<R: Feature>(
        &self,
        n_frames: NonZeroU32,
        offset: impl Fn(usize) -> i16,
        out: &mut [R],
    ) {
        let (first, second) = out.split_at_mut_checked(A::N_FEATURES).unwrap_or_default();
        self.0.write(n_frames, &offset, first);
        self.1.write(n_frames, &offset, second);
    }

    #[inline]
    fn step(&mut self) {
        self.0.step();
        self.1.step();
    }

    fn restart(&mut self) {
        self.0.restart();
        self.1.restart();
    }
}

/// From samples to `FEATURES` features of type `R`: `2 M` samples a frame, under a window, through filters, `N`
/// values measured, aggregated.
///
/// Decision `i` has the frames from `i · n` on, `n` to a decision, and frame `f` the samples from
/// `f · hop` on. Takes `12 M` bytes and what the summary of `N` values does.
#[derive(Debug, Clone)]
pub struct Chain<'t, F, S, R, const M: usize, const N: usize, const FEATURES: usize> {
    window: &'t Window<M>,
    filters: Filters<'t, M>,
    measured: F,
    n_frames_per_decision: NonZeroU32,
    /// Since the last decision.
    n_frames: u32,
    frames: Frames<M>,
    spectrum: Spectrum<M>,
    summary: S,
    readings: PhantomData<R>,
}

impl<'t, F, S, R, const M: usize, const N: usize, const FEATURES: usize>
    Chain<'t, F, S, R, M, N, FEATURES>
where
    F: Measured<N>,
    S: Summary<F::Value, N>,
    R: Feature,
{
    /// Before the first sample.
    #[must_use]
    #[inline]
    pub fn new(
        window: &'t Window<M>,
        filters: Filters<'t, M>,
        measured: F,
        summary: S,
        hop: NonZeroU16,
        n_frames_per_decision: NonZeroU32,
    ) -> Self {
        Self {
            window,
            filters,
            measured,
            n_frames_per_decision,
            n_frames: 0,
            frames: Frames::new(hop),
            spectrum: Spectrum::new(),
            summary,
            readings: PhantomData,
        }
    }

    /// Takes the next sample; tells whether it is the last one of a decision, which is then to be
    /// made.
    #[inline]
    pub fn push(&mut self, sample: i16) -> bool {
        let Some(frame) = self.frames.push(sample) else {
            return false;
        };
        self.spectrum.transform(frame, self.window);
        let values = self.measured.measure(&self.filters, &self.spectrum);
        self.summary.add(&values);
        self.n_frames = self.n_frames.saturating_add(1);
        self.n_frames >= self.n_frames_per_decision.get()
    }

    /// The features of the frames since the last decision, if there are any; the next decision
    /// begins.
    #[inline(never)]
    pub fn decide(&mut self) -> Option<[R; FEATURES]> {
        let n_frames = NonZeroU32::new(self.n_frames)?;
        let mut features = [R::ZERO; FEATURES];
        let offset = |at| self.measured.offset(&self.filters, at);
        self.summary.write(n_frames, offset, &mut features);
        self.n_frames = 0;
        self.summary.step();
        Some(features)
    }

    /// A step is over with the last frame, and no decision.
    #[inline]
    pub fn step(&mut self) {
        self.summary.step();
    }

    /// Decides of the frames that there are, as where a recording ends before its decision does; the
    /// next sample begins a frame.
    pub fn finish(&mut self) -> Option<[R; FEATURES]> {
        self.frames.restart();
        self.decide()
    }

    /// Forgets what was heard: the next sample begins a frame and a decision.
    pub fn restart(&mut self) {
        self.frames.restart();
        self.n_frames = 0;
        self.summary.restart();
    }
}

impl<F, S, R, const M: usize, const N: usize, const FEATURES: usize> Framed
    for Chain<'_, F, S, R, M, N, FEATURES>
where
    F: Measured<N>,
    S: Summary<F::Value, N>,
    R: Feature,
{
    type Sample = i16;
    type Row = [R; FEATURES];

    #[inline]
    fn hold(&mut self, sample: i16) -> bool {
        self.frames.push(sample).is_some()
    }

    #[inline]
    fn hear(&mut self) -> Option<[R; FEATURES]> {
        self.spectrum.transform(self.frames.frame(), self.window);
        let values = self.measured.measure(&self.filters, &self.spectrum);
        self.summary.add(&values);
        self.n_frames = self.n_frames.saturating_add(1);
        if self.n_frames >= self.n_frames_per_decision.get() {
            self.decide()
        } else {
            None
        }
    }

    #[inline]
    fn keep(&mut self, n: usize) {
        self.frames.keep(n);
    }

    fn finish(&mut self) -> Option<[R; FEATURES]> {
        Self::finish(self)
    }
}
