//! The report of a pipeline run: JSON for machines, HTML, Markdown and CSV for people.
//!
//! A report is data, the same bytes for the same inputs: no clock, no path, no machine.

mod comparison;
mod data;
mod html;
mod markdown;
mod rows;

pub use comparison::Comparison;
pub use data::{
    Accuracy, Candidate, Certified, ChipMemory, Dataset, Device, EarlyExit, Encoding, Export,
    FeatureCoding, FlowStage, FootprintShare, Model, Origin, Report, SCHEMA, Toolchain, TreeSize,
};
pub use rows::{Row, predictions_csv};
