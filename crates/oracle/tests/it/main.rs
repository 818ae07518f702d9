//! Tests of what the crate offers.

#[path = "../../../quantize/tests/gaps/mod.rs"]
mod gaps;
mod models;
mod program;
mod search;
mod shrink;
