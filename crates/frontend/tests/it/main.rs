//! Tests of what the crate offers.

mod biquad;
mod fixtures;
mod gate;
mod log2;
mod motion;
mod overlap;
mod spectrum;
mod streams;
