//! Fuzz target: see `spinney_fuzz::lightgbm`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::lightgbm(bytes));
