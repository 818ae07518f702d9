//! Tests of what the crate offers.

#[cfg(feature = "compressed-audio")]
mod compressed;
mod corpus;
mod motion;
mod signal;
mod wav;
