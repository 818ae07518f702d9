//! Fuzz target: see `spinney_fuzz::xgboost`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| spinney_fuzz::xgboost(bytes));
