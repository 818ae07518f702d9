//! Tests of what the crate offers.

mod regression;
mod train;
