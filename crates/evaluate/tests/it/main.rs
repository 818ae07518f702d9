//! Tests of what the crate offers.

mod accuracy_gates;
mod corpus;
mod evaluate;
mod gates;
mod heard;
mod image;
mod margins;
mod node;
mod reject;
mod value_gates;
