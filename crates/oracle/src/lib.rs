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

/// Why a question has no answer: where, what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct OracleError {
    /// The part of the question or the model.
    pub place: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}
