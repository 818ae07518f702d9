//! The report of a pipeline run: JSON for machines, Markdown and CSV for people.
//!
//! A report is data, the same bytes for the same inputs: no clock, no path, no machine.
//!
//! ```
//! use spinney_report::{Comparison, Report};
//!
//! let file = std::fs::read("../../reports/digits/report.json")?;
//! let before = Report::from_json(&file)?;
//! assert!(before.passes());
//!
//! let mut after = before.clone();
//! after.footprint.flash_bytes += 600;
//! let comparison = Comparison { before: &before, after: &after };
//! assert!(comparison.is_comparable());
//! assert!(!comparison.flash_growth(512).pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
