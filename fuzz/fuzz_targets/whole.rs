//! Fuzz target: see `../src/whole.rs`.
#![no_main]

#[path = "../src/whole.rs"]
mod whole;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    whole::whole(bytes);
});
