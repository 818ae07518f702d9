//! Tests of what the crate offers.

mod asked;
mod branches;
mod corpus;
mod encodings;
mod forests;
mod gaps;
mod generated;
mod limits;
mod sums;
