//! Fuzz target: see `spinney_fuzz::rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::rows(bytes));
