//! Tests of what the crate offers.

mod isolation;
mod regression;
mod train;
