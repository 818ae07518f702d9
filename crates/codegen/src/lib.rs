//! Source files from a quantized model: the drop-in crate, the memory map to link it in, and a C99
//! header; and a front end in front of it.
//!
//! Files are returned, never written; the same model gives the same bytes.
//!
//! ```
//! use spinney_codegen::{Identity, Options, Origin, drop_in};
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
//! let identity = Identity {
//!     pipeline: "threshold",
//!     kind: "decision-tree",
//!     fingerprint: "955f24f066490a11c3f07580f94a2bf0203e4ef6f14add1b0af366bcfd62c57d",
//!     origin: Origin::Config,
//! };
//! let generated = drop_in(identity, &model, &Options::plain())?;
//! assert!(generated.files["Cargo.toml"].contains("threshold-model"));
//! assert!(generated.files["src/lib.rs"].contains("pub fn predict"));
//! assert!(generated.files.contains_key("runtime/src/lib.rs"));
//! # Ok(()) }
//! ```

mod asks;
mod body;
mod boot;
mod branches;
mod c99;
mod carried;
mod claim;
mod coding;
mod compact;
mod compared;
mod crate_files;
mod encoded;
mod exit;
mod front_end;
mod layout;
mod levels;
mod memory;
mod options;
mod packed;
mod probability;
mod tables;
mod trees;
mod unknown;
mod values;

use std::collections::BTreeMap;

pub use asks::Asks;
pub use body::EncodingError;
pub use c99::{Header, c99};
pub use carried::carried;
pub use claim::{claim, readings};
pub use crate_files::{Generated, Identity, Origin, drop_in, empty};
pub use encoded::Encoded;
pub use exit::{Exit, Prefix, Stopped, Walks};
pub use front_end::{add_front_end, filters};
pub use memory::{exact_memory_x, memory_x};
pub use options::{CodeType, Encoding, Options};
pub use unknown::OutliersShape;

/// Text files by path, relative to the folder that they are meant for.
pub type SourceTree = BTreeMap<String, String>;
