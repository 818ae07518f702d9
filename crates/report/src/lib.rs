//! The report of a pipeline run: JSON for machines, Markdown and CSV for people.
//!
//! A report is data, the same bytes for the same inputs: no clock, no path, no machine.

mod comparison;
mod data;
mod markdown;
mod rows;

pub use comparison::Comparison;
pub use data::{
    Accuracy, Candidate, Certified, Dataset, Device, EarlyExit, Encoding, Export, FeatureCoding,
    FootprintShare, Model, Origin, Report, SCHEMA, Toolchain, TreeSize,
};
pub use rows::{Row, predictions_csv};
