//! Fuzz target: see `spinney_fuzz::skops`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::skops(bytes));
