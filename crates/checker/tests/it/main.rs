//! Tests of what the crate offers.

mod corpus;
mod faults;
mod promise;
