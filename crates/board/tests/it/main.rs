//! Tests of what the crate offers.

mod derive;
mod documented;
mod known;
mod table;
