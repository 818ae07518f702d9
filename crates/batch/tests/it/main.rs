//! Tests of what the crate offers.

mod equal;
mod example;
