//! Cycles of a prediction: by the cycle counter where the core has one, else by `SysTick`.

#[cfg(has_dwt)]
use cortex_m::peripheral::DWT;
use spinney_wire::frame::Clock;

use super::counter;

/// Measures stretches of code, in cycles of the processor.
pub(crate) struct Stopwatch {
    clock: Clock,
    started: u64,
}

impl Stopwatch {
    /// Starts the counters and finds out which there is.
    pub(crate) fn new() -> Self {
        counter::start();
        Self {
            clock: if has_cyccnt() {
                Clock::Cyccnt
            } else {
                Clock::Systick
            },
            started: 0,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    #[inline(always)]
    pub(crate) fn start(&mut self) {
        self.started = match self.clock {
            Clock::Cyccnt => u64::from(cyccnt()),
            _ => counter::now(),
        };
    }

    /// Ticks since [`Self::start`], what measuring takes included; `None` beyond the counter.
    #[inline(always)]
    pub(crate) fn stop(&self) -> Option<u32> {
        let ticks = match self.clock {
            Clock::Cyccnt => cyccnt().wrapping_sub(self.started as u32),
            _ => counter::since(self.started),
        };
        (ticks != u32::MAX).then_some(ticks)
    }
}

/// Switches the cycle counter on; `false` if it does not advance, as where a chip leaves it out, a
/// debugger holds it, or an emulator does not know it.
#[cfg(has_dwt)]
fn has_cyccnt() -> bool {
    // SAFETY: called once, from `main`; nothing else in this image looks at these two.
    let mut core = unsafe { cortex_m::Peripherals::steal() };
    core.DCB.enable_trace();
    DWT::unlock();
    core.DWT.enable_cycle_counter();
    let started = cyccnt();
    cortex_m::asm::delay(64);
    cyccnt() != started
}

#[cfg(not(has_dwt))]
fn has_cyccnt() -> bool {
    false
}

#[cfg(has_dwt)]
#[inline(always)]
fn cyccnt() -> u32 {
    DWT::cycle_count()
}

#[cfg(not(has_dwt))]
#[inline(always)]
fn cyccnt() -> u32 {
    0
}
