//! Time in ticks of `mcycle`, all 64 bits of it.
//!
//! Under an emulator that advances it by a fixed time per instruction, ticks tell instructions.

use riscv::register::mcycle;

/// The counter runs from reset on.
pub(crate) fn start() {}

/// The present moment.
#[inline(always)]
pub(crate) fn now() -> u64 {
    mcycle::read64()
}

/// Ticks since `started`; `u32::MAX` if they do not fit.
#[inline(always)]
pub(crate) fn since(started: u64) -> u32 {
    elapsed(started, now())
}

#[inline(never)]
fn elapsed(started: u64, ended: u64) -> u32 {
    u32::try_from(ended.wrapping_sub(started)).unwrap_or(u32::MAX)
}
