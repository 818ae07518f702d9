//! Fuzz target: see `spinney_fuzz::spark`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::spark(bytes));
