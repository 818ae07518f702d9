//! Tests of what the crate offers.

mod arbitrary_tables;
mod compact;
mod probability;
mod runtime;
