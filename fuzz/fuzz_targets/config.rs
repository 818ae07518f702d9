//! Fuzz target: see `../src/configs.rs`.
#![no_main]

#[path = "../src/configs.rs"]
mod configs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| configs::config(bytes));
