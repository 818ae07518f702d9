//! What holds for every input of a quantized model of trees: exact search over the boxes of readings
//! within which all splits decide alike.
//!
//! An answer is a proof, a counterexample, or *unknown*: steps are counted, and end. The same question
//! has the same answer on every machine.

mod cells;
mod float;
mod questions;
pub mod search;
pub mod shrink;

pub use cells::Subject;
pub use questions::{Property, Radius, Verdict, decide, radii};
pub use search::{STEPS_PER_SECOND, Steps};
pub use spinney_model::ModelError;
