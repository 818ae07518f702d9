//! Fuzz target: see `../src/signals.rs`.
#![no_main]

#[allow(dead_code, reason = "its neighbours are targets of their own")]
#[path = "../src/signals.rs"]
mod signals;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signals::sound(bytes));
