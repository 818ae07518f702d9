//! Fuzz target: see `../src/tables.rs`.
#![no_main]

#[path = "../src/tables.rs"]
mod tables;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    tables::tables(bytes);
});
