//! Cycles of a prediction, by `mcycle`.

use spinney_wire::frame::Clock;

use super::counter;

/// Measures stretches of code, in cycles of the processor.
pub(crate) struct Stopwatch {
    started: u64,
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        counter::start();
        Self { started: 0 }
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::Mcycle
    }

    #[inline(always)]
    pub(crate) fn start(&mut self) {
        self.started = counter::now();
    }

    /// Ticks since [`Self::start`], what measuring takes included; `None` beyond the counter.
    #[inline(always)]
    pub(crate) fn stop(&self) -> Option<u32> {
        let ticks = counter::since(self.started);
        (ticks != u32::MAX).then_some(ticks)
    }
}
