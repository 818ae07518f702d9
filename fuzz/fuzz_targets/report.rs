//! Fuzz target: see `../src/reports.rs`.
#![no_main]

#[path = "../src/reports.rs"]
mod reports;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reports::report(bytes));
