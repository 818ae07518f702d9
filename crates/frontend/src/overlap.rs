//! Decisions that overlap: one every so many frames, each of the frames of several such steps.
//!
//! Statistics are kept for each step by itself and merged where a decision is made, so that no frame is
//! kept and none is measured twice. The row of a decision is the one that a [`Chain`]
//! makes which hears its samples alone: deltas that reach into a step before the decision's first one
//! are left out of it.

use core::num::NonZeroU32;

use crate::aggregate::{Aggregate, Feature, Statistic};
use crate::chain::{Chain, Measured, Summary};

/// Statistics of this step and of the `BEFORE` ones before it.
#[derive(Debug, Clone)]
struct Ring<A, const BEFORE: usize> {
    now: (A, u32),
    before: [(A, u32); BEFORE],
    /// The oldest of them, once there are so many.
    oldest: usize,
}

impl<S, const N: usize, const BEFORE: usize> Ring<Aggregate<S, N>, BEFORE> {
    const fn new<V>() -> Self
    where
        S: Statistic<V>,
    {
        const { assert!(BEFORE > 0, "decisions overlap by a step at the least") };
        Self {
            now: (Aggregate::new(), 0),
            before: [const { (Aggregate::new(), 0) }; BEFORE],
            oldest: 0,
        }
    }

    #[inline]
    fn add<V: Copy>(&mut self, values: &[V; N])
    where
        S: Statistic<V>,
    {
        self.now.0.add(values);
        self.now.1 = self.now.1.saturating_add(1);
    }

    fn step<V>(&mut self)
    where
        S: Statistic<V>,
    {
        if let Some(oldest) = self.before.get_mut(self.oldest) {
            *oldest = core::mem::replace(&mut self.now, (Aggregate::new(), 0));
        }
        self.oldest += 1;
        if self.oldest >= BEFORE {
            self.oldest = 0;
        }
    }

    /// Adds all steps, or all but the oldest.
    fn merge_into<V>(&self, (all, n): &mut (Aggregate<S, N>, u32), but_oldest: bool)
    where
        S: Statistic<V>,
    {
        let before = self.before.iter().enumerate();
        let before = before.filter(|(at, _)| !but_oldest || *at != self.oldest);
        for (aggregate, n_frames) in before.map(|it| it.1).chain([&self.now]) {
            all.merge(aggregate);
            *n = n.saturating_add(*n_frames);
        }
    }
}

/// Statistics of the values of a decision's frames, step by step.
///
/// Takes `BEFORE + 1` times what the aggregate does.
#[derive(Debug, Clone)]
pub struct Overlapping<A, const BEFORE: usize>(Ring<A, BEFORE>);

impl<S, const N: usize, const BEFORE: usize> Overlapping<Aggregate<S, N>, BEFORE> {
    /// Before the first frame.
    #[must_use]
    #[inline]
    pub const fn new<V>() -> Self
    where
        S: Statistic<V>,
    {
        Self(Ring::new())
    }
}

impl<V: Copy, S: Statistic<V>, const N: usize, const BEFORE: usize> Summary<V, N>
    for Overlapping<Aggregate<S, N>, BEFORE>
{
    const N_FEATURES: usize = N * S::N;
    const OVERLAPS: bool = true;

    #[inline]
    fn add(&mut self, values: &[V; N]) {
        self.0.add(values);
    }

    fn write<R: Feature>(&self, _n: NonZeroU32, offset: impl Fn(usize) -> i16, out: &mut [R]) {
        let mut all = (Aggregate::new(), 0);
        self.0.merge_into(&mut all, false);
        if let Some(n) = NonZeroU32::new(all.1) {
            all.0.write(n, offset, out);
        }
    }

    fn step(&mut self) {
        self.0.step();
    }

    fn restart(&mut self) {
        *self = Self::new();
    }
}

/// Statistics of the deltas of a decision's frames, step by step: those that reach back into the step
/// before theirs are kept for themselves, since a decision that begins with their step does not have them.
///
/// Takes `2 BEFORE + 2` times what the aggregate does.
#[derive(Debug, Clone)]
pub struct Seamed<A, const BEFORE: usize> {
    within: Ring<A, BEFORE>,
    across: Ring<A, BEFORE>,
    /// How many frames at the start of a step have deltas that reach back, and how many frames of this
    /// step there were.
    n_across: u32,
    n_frames: u32,
}

impl<S, const N: usize, const BEFORE: usize> Seamed<Aggregate<S, N>, BEFORE> {
    /// Before the first frame; a delta is of a frame and the `n_back` ones before it, and a step has at
    /// least as many.
    #[must_use]
    #[inline]
    pub const fn new<V>(n_back: u32) -> Self
    where
        S: Statistic<V>,
    {
        Self {
            within: Ring::new(),
            across: Ring::new(),
            n_across: n_back,
            n_frames: 0,
        }
    }
}

impl<V: Copy, S: Statistic<V>, const N: usize, const BEFORE: usize> Summary<V, N>
    for Seamed<Aggregate<S, N>, BEFORE>
{
    const N_FEATURES: usize = N * S::N;
    const OVERLAPS: bool = true;

    #[inline]
    fn add(&mut self, values: &[V; N]) {
        if self.n_frames < self.n_across {
            self.across.add(values);
        } else {
            self.within.add(values);
        }
        self.n_frames = self.n_frames.saturating_add(1);
    }

    #[inline]
    fn pass(&mut self) {
        self.n_frames = self.n_frames.saturating_add(1);
    }

    fn write<R: Feature>(&self, _n: NonZeroU32, offset: impl Fn(usize) -> i16, out: &mut [R]) {
        let mut all = (Aggregate::new(), 0);
        self.within.merge_into(&mut all, false);
        self.across.merge_into(&mut all, true);
        if let Some(n) = NonZeroU32::new(all.1) {
            all.0.write(n, offset, out);
        }
    }

    fn step(&mut self) {
        self.within.step();
        self.across.step();
        self.n_frames = 0;
    }

    fn restart(&mut self) {
        *self = Self::new(self.n_across);
    }
}

/// A chain whose decisions overlap, each of so many steps of `n_frames` frames.
#[derive(Debug, Clone)]
pub struct Steps<C> {
    chain: C,
    n_frames: NonZeroU32,
    /// Frames that are left of this step, and steps before the first decision's last one.
    n_left: u32,
    n_steps_left: u32,
    n_before: u32,
    has_decided: bool,
}

impl<F, S, R, const M: usize, const N: usize, const FEATURES: usize>
    Steps<Chain<'_, F, S, R, M, N, FEATURES>>
where
    F: Measured<N>,
    S: Summary<F::Value, N>,
    R: Feature,
{
    /// Around a chain that is at its start and whose decisions have one frame: each has that of a step
    /// of `n_frames` and of `n_before` steps before it.
    #[must_use]
    #[inline]
    pub const fn new(
        n_frames: NonZeroU32,
        n_before: u32,
        chain: Chain<'_, F, S, R, M, N, FEATURES>,
    ) -> Steps<Chain<'_, F, S, R, M, N, FEATURES>> {
        Steps {
            chain,
            n_frames,
            n_left: n_frames.get(),
            n_steps_left: n_before,
            n_before,
            has_decided: false,
        }
    }

    /// Takes the next sample; the last one of a decision gives its row.
    #[inline]
    pub fn push(&mut self, sample: i16) -> Option<[R; FEATURES]> {
        if !self.chain.push(sample) {
            return None;
        }
        self.n_left = self.n_left.saturating_sub(1);
        if self.n_left > 0 {
            return None;
        }
        self.n_left = self.n_frames.get();
        if self.n_steps_left > 0 {
            self.n_steps_left -= 1;
            self.chain.step();
            return None;
        }
        self.has_decided = true;
        self.chain.decide()
    }

    /// Decides of the frames that there are where none was decided yet, as where a recording ends before
    /// its first decision does; the next sample begins a decision.
    pub fn finish(&mut self) -> Option<[R; FEATURES]> {
        let row = match self.has_decided {
            true => None,
            false => self.chain.finish(),
        };
        self.restart();
        row
    }

    /// Forgets what was heard: the next sample begins a frame and a decision.
    pub fn restart(&mut self) {
        self.chain.restart();
        self.n_left = self.n_frames.get();
        self.n_steps_left = self.n_before;
        self.has_decided = false;
    }
}
