//! Fuzz target: see `../src/images.rs`.
#![no_main]

#[path = "../src/images.rs"]
mod images;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| images::elf(bytes));
