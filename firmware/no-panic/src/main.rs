//! Links only if no model of these can panic: its panic handler calls a function that does not exist.
#![no_std]
#![no_main]

use core::hint::black_box;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn spinney_must_not_panic() -> !;
    }
    // SAFETY: never reached, since an image that could reach it does not link.
    unsafe { spinney_must_not_panic() }
}

/// Calls every function of a model's crate.
macro_rules! call {
    ($model:ident) => {{
        let readings = black_box([$model::Reading::default(); $model::N_FEATURES]);
        black_box($model::predict(&readings));
        let codes = black_box($model::encode(&readings));
        black_box($model::classify(&codes));
        black_box($model::scores(&codes));
        codes
    }};
    ($model:ident, probabilities) => {
        black_box($model::probabilities(&call!($model)))
    };
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        // `cargo xtask no-panic` puts the models of all kinds here.
        call!(model);
    }
}
