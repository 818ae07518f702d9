//! What a model is worth: metrics, agreement of float and Q15, parity of host and device, the
//! footprint of an image, and the gates that all of them must pass.
//!
//! *Agreement* is float against Q15; *parity* is host against device.

mod device;
mod footprint;
mod gates;
mod heard;
mod image;
mod margins;
mod metrics;
mod node;
mod predictions;
mod questions;
mod slimming;

pub use device::{
    DeviceRun, Instructions, OutcomeError, RunContext, Splits, WorstCase, read_outcomes,
};
pub use footprint::{Footprint, ImageError, Section};
pub use gates::{Advice, Limits, Measured, Quantity, RunOutcome, Verdict, judge};
pub use heard::{HeardRun, read_heard};
pub use image::{Loaded, loaded, symbol};
pub use margins::{Differing, MarginBin, MarginUnit, Margins, margins};
pub use metrics::{ClassScore, Scorecard};
pub use node::{
    Alternative, Cited, Decision, Node, Plan, Power, PowerPlan, RowBytes, Sends, Step, Summary,
    Uplink, UplinkPlan, Use, Work, judge_node, node,
};
pub use predictions::{Evaluation, Predictions, ProbabilityError, Saturation, evaluate, predict};
pub use questions::comparisons;
pub use slimming::Shape;
