//! Tests of what the crate offers.

#[path = "../../../quantize/tests/gaps/mod.rs"]
mod gaps;
mod models;
mod search;
mod shrink;
