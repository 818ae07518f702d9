//! How deep the stack got: paint below the stack pointer, run, look for the paint.

use crate::arch;

/// How much of the stack is painted, at the most.
const WATCHED_BYTES: usize = 8192;
/// Left unpainted below the caller, for the painter's own frame; counts as touched.
const MARGIN_BYTES: usize = 64;
const PAINT: u32 = 0xc5c5_c5c5;

unsafe extern "C" {
    static _stack_start: u32;
    /// The first address above static data, from the runtime's linker script.
    static __sheap: u32;
}

/// The watched part of the stack: at most 8 KiB, above static data, below the caller's frame.
#[inline(always)]
fn watched() -> core::ops::Range<usize> {
    let top = arch::stack_pointer() - MARGIN_BYTES;
    let free = &raw const __sheap as usize;
    free.max(top.saturating_sub(WATCHED_BYTES))..top
}

/// Paints what lies below the caller's stack frame.
#[inline(always)]
pub(crate) fn paint() {
    fill(watched());
}

#[inline(never)]
fn fill(words: core::ops::Range<usize>) {
    for at in words.step_by(size_of::<u32>()) {
        // SAFETY: the word lies between static data and the frames in use: nobody's.
        unsafe { (at as *mut u32).write_volatile(PAINT) };
    }
}

/// Bytes from the initial stack pointer to the deepest word touched since [`paint`], called from
/// the same frame; `u32::MAX` if even the lowest painted word was.
#[inline(always)]
pub(crate) fn deepest() -> u32 {
    scan(watched())
}

#[inline(never)]
fn scan(words: core::ops::Range<usize>) -> u32 {
    let lowest = words.start;
    let mut at = lowest;
    // SAFETY: as in `fill`; reading does no harm either way.
    while at < words.end && unsafe { (at as *const u32).read_volatile() } == PAINT {
        at += size_of::<u32>();
    }
    if at == lowest {
        return u32::MAX;
    }
    (&raw const _stack_start as usize - at) as u32
}
