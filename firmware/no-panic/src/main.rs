//! Links only if the model cannot panic: its panic handler calls a function that does not exist.
#![no_std]
#![no_main]

use core::hint::black_box;

use model::{N_FEATURES, Reading};

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn spinney_must_not_panic() -> !;
    }
    // SAFETY: never reached, since an image that could reach it does not link.
    unsafe { spinney_must_not_panic() }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        let readings = black_box([Reading::default(); N_FEATURES]);
        black_box(model::predict(&readings));
        let codes = black_box(model::encode(&readings));
        black_box(model::classify(&codes));
        black_box(model::scores(&codes));
        #[cfg(feature = "probabilities")]
        black_box(model::probabilities(&codes));
    }
}
