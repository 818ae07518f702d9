//! Fuzz target: see `spinney_fuzz::sniffed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::sniffed(bytes));
