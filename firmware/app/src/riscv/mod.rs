//! 32-bit RISC-V: start-up by riscv-rt, time by `mcycle`.

#[cfg(any(feature = "serve", feature = "verify"))]
pub(crate) mod counter;
#[cfg(feature = "serve")]
pub(crate) mod stopwatch;

// Critical sections come in by being linked.
use riscv as _;
pub(crate) use riscv_rt::entry;

/// Sleeps until something happens.
#[cfg(any(feature = "product", feature = "serve"))]
pub(crate) fn idle() {
    riscv::asm::wfi();
}

/// The stack pointer.
#[cfg(feature = "verify")]
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let stack_pointer;
    // SAFETY: copies a register.
    unsafe {
        core::arch::asm!("mv {}, sp", out(reg) stack_pointer, options(nomem, nostack, preserves_flags));
    }
    stack_pointer
}

/// A fault ends a verify run; a product image stays in riscv-rt's handler.
#[cfg(feature = "verify")]
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception(_frame: &riscv_rt::TrapFrame) -> ! {
    crate::verify::fault()
}
