//! The report of a pipeline run: JSON for machines, HTML, Markdown and CSV for people.
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
//! after.footprint.as_mut().expect("an image").flash_bytes += 600;
//! let comparison = Comparison { before: &before, after: &after };
//! assert!(comparison.is_comparable());
//! assert!(!comparison.flash_growth(512).pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod against;
mod comparison;
mod data;
mod features;
mod html;
mod mark;
mod markdown;
mod property;
mod reject;
mod rows;
mod selection;
mod shrink;
mod task;

pub use comparison::Comparison;
pub use data::{
    Accuracy, Candidate, Certified, ChipMemory, Dataset, Device, EarlyExit, Encoding, Export,
    FeatureCoding, FlowStage, FootprintShare, Latency, Model, Origin, Report, SCHEMA, TableForm,
    TimingBasis, Toolchain, TreeSize, Validation,
};
pub use html::{FrontPoint, front_page};
pub use mark::{FILES, is_report};
pub use markdown::Table;
pub use property::{Drift, Property, Truth};
pub use reject::{Outliers, Reject, UNKNOWN};
pub use rows::{Row, cell, predictions_csv};
pub use selection::{OfSize, Ranked, Selection};
pub use shrink::{Conformal, SecondOpinion, Shrink, ValueWithin};
pub use task::one_or_all::serialize as one_or_all;
pub use task::{Value, detector_lines};
