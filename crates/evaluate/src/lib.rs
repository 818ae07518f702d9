//! What a model is worth: metrics, agreement of float and Q15, parity of host and device, the
//! footprint of an image, and the gates that all of them must pass.
//!
//! *Agreement* is float against Q15; *parity* is host against device.
//!
//! ```
//! use spinney_dataset::csv;
//! use spinney_evaluate::{evaluate, predict};
//! # use spinney_quantize::{CodeWidth, Declared, Options as Quantize, QuantModel, Votes, calibrate};
//! # use spinney_model::{FloatModel, Voting};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let float = FloatModel::from_json(br#"{"format":"spinney-model","version":1,
//! #     "kind":"decision-tree","features":[{"name":"a"}],"classes":["low","high"],"trees":[{"nodes":[
//! #     {"feature":0,"threshold":1.5,"left":1,"right":2},{"value":[1,0]},{"value":[0,1]}]}]}"#)?;
//! # let calibrations = calibrate(&float, None, &[Declared::default()])?;
//! # let options = Quantize { voting: Voting::Soft, votes: Votes::Q15, codes: CodeWidth::Auto,
//! #     wants_scores: false };
//! # let model = QuantModel::new(&float, &calibrations, options, None)?;
//! let test = csv::read(b"a,class\n1,low\n2,high\n1.2,high\n3,high\n", "class")?;
//! let test = test.with_classes(model.schema().classes())?;
//! let predictions = predict(&float, &model, Voting::Soft, &test);
//! let evaluation = evaluate(&predictions, Voting::Soft, &test);
//! assert_eq!(evaluation.float.accuracy, 0.75);
//! assert_eq!(evaluation.q15.confusion, [[1, 0], [1, 2]]);
//! assert_eq!(evaluation.agreement, 1.0);
//! # Ok(()) }
//! ```

mod accuracy_gates;
mod cycles;
mod detection;
mod device;
mod feature_costs;
mod footprint;
mod gates;
mod heard;
mod image;
mod importance;
mod margins;
mod memory;
mod metrics;
mod node;
mod predictions;
mod reject;
mod reject_gates;
mod slimming;
mod value_gates;
mod values;

pub use cycles::{Cost, Cycles, Longest, PerInference, Trace};
pub use detection::{CurvePoint, Detection, ScorePredictions};
pub use device::{
    Answer, DeviceRun, Instructions, OutcomeError, Outputs, RunContext, Splits, WorstCase,
    read_outcomes,
};
pub use feature_costs::{Asked, FeatureCost, OfModel, feature_costs};
pub use footprint::{Footprint, ImageError, Section};
pub use gates::{
    AccuracyLimits, Advice, LatencyLimit, Limits, Measured, Quantity, RunOutcome, Verdict,
    at_fault, judge,
};
pub use heard::{Quiet, SignalFeaturesRun, read_heard};
pub use image::{ClassAt, Label, Loaded, class_at, loaded, place, symbol};
pub use importance::{Importance, Shuffled, comparisons, permutation_importance};
pub use margins::{Differing, MarginBin, MarginUnit, Margins, margins};
pub use memory::ChipRam;
pub use metrics::{ClassScore, Scorecard, wilson_interval};
pub use node::{
    Alternative, Cited, Decision, Listening, Node, Part, Plan, Power, PowerPlan, RowBytes, Sends,
    SlowerLadder, Step, Summary, Uplink, UplinkPlan, Use, Work, judge_node, node,
};
pub use predictions::{Evaluation, Predictions, ProbabilityError, Saturation, evaluate, predict};
pub use reject::{Reject, RejectCost, Rejection, outlier_depth};
pub use slimming::Shape;
pub use values::{ValueEvaluation, ValuePredictions, ValueRow, ValueScore, value_bound};
