//! Tests of what the crate offers.

mod corpus;
mod describe;
mod fixtures;
mod hostile;
mod sums;
