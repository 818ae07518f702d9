//! Quantization: certificates that nobody refutes, and the edges of every format.

mod bayes;
#[path = "../gaps/mod.rs"]
mod cases;
mod certificates;
mod codes;
mod common;
mod flips;
mod gaps;
mod inputs;
mod of_codes;
mod probability;
mod rescore;
mod splits;
mod sums;
mod tables;
mod votes;
