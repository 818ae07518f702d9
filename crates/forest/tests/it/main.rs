//! Tests of what the crate offers.

mod determinism;
mod edge_cases;
mod numbers;
mod parameters;
mod properties;
mod support;
