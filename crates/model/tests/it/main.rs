//! Tests of what the crate offers.

mod additive;
mod limits;
mod model;
mod visible;
