//! Fuzz target: see `spinney_fuzz::treelite`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::treelite(bytes));
