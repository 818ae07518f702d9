//! Cortex-M: start-up by cortex-m-rt, time by `SysTick`.

#[cfg(any(feature = "serve", feature = "verify"))]
pub(crate) mod counter;
#[cfg(feature = "serve")]
pub(crate) mod stopwatch;

// Vector table, start-up code and critical sections come in by being linked.
use cortex_m as _;
pub(crate) use cortex_m_rt::entry;

unsafe extern "C" {
    /// cortex-m-rt's handler of what nobody handles: it waits for ever.
    fn DefaultHandler();
}

/// Vectors of interrupts. No image turns one on, so they are the least that cortex-m-rt links: one,
/// where its own table has 32 to 480.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); 1] = [DefaultHandler];

/// Sleeps until something happens.
#[cfg(any(feature = "product", feature = "serve"))]
pub(crate) fn idle() {
    cortex_m::asm::wfi();
}

/// The stack pointer.
#[cfg(feature = "verify")]
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    cortex_m::register::msp::read() as usize
}

/// A fault ends a verify run; a product image stays in cortex-m-rt's handler.
#[cfg(feature = "verify")]
#[cortex_m_rt::exception]
unsafe fn HardFault(_frame: &cortex_m_rt::ExceptionFrame) -> ! {
    crate::verify::fault()
}
