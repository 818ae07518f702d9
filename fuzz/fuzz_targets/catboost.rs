//! Fuzz target: see `spinney_fuzz::catboost`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::catboost(bytes));
