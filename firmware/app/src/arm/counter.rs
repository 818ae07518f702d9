//! Time in ticks of SysTick, on the processor's clock, beyond the 24 bits of the timer itself.
//!
//! Under an emulator that advances a fixed time per instruction, ticks are instructions.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};

const RELOAD: u32 = 0x00ff_ffff;

/// How often the timer has wrapped since [`start`].
static WRAPS: AtomicU32 = AtomicU32::new(0);
/// Ticks that counting one wrap costs, measured by [`start`].
static WRAP_TICKS: AtomicU32 = AtomicU32::new(0);

/// Starts the timer and measures what counting a wrap costs.
pub(crate) fn start() {
    // SAFETY: called once, from `main`, before anything else looks at the timer.
    let mut timer = unsafe { cortex_m::Peripherals::steal() }.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(RELOAD);
    timer.clear_current();
    timer.enable_counter();
    let empty = measure(|| {});
    timer.enable_interrupt();
    let counted = measure(SCB::set_pendst);
    WRAP_TICKS.store(counted.saturating_sub(empty), Ordering::Relaxed);
    WRAPS.store(0, Ordering::Relaxed);
}

fn measure(stretch: impl FnOnce()) -> u32 {
    let started = SYST::get_current();
    stretch();
    cortex_m::asm::isb();
    started.wrapping_sub(SYST::get_current()) & RELOAD
}

/// The present moment: wraps in the upper half, the timer (which counts down) in the lower.
#[inline(always)]
pub(crate) fn now() -> u64 {
    loop {
        let wraps = WRAPS.load(Ordering::Relaxed);
        let current = SYST::get_current();
        if wraps == WRAPS.load(Ordering::Relaxed) {
            return u64::from(wraps) << 32 | u64::from(current);
        }
    }
}

/// Ticks since `started`, less the cost of counting wraps; `u32::MAX` if they do not fit.
#[inline(always)]
pub(crate) fn since(started: u64) -> u32 {
    elapsed(started, now())
}

#[inline(never)]
fn elapsed(started: u64, ended: u64) -> u32 {
    let wraps = (ended >> 32) as u32 - (started >> 32) as u32;
    let cost = u64::from(RELOAD) + 1 - u64::from(WRAP_TICKS.load(Ordering::Relaxed));
    let ticks = u64::from(wraps) * cost + u64::from(started as u32) - u64::from(ended as u32);
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

#[cortex_m_rt::exception]
fn SysTick() {
    WRAPS.store(
        WRAPS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}
