//! Fuzz target: see `spinney_fuzz::idx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::idx(bytes));
