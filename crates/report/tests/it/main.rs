//! Tests of what the crate offers.

mod comparison;
mod corpus;
mod markdown;
