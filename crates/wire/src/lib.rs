//! What host and device say to each other: files in a verify run, frames over a byte stream.
//!
//! ```
//! use spinney_wire::Header;
//!
//! let header = Header {
//!     n_features: 64,
//!     n_classes: 10,
//!     overhead_ticks: 3,
//!     n_scores: 10,
//!     n_probabilities: 0,
//! };
//! assert_eq!(Header::from_bytes(&header.to_bytes()), Some(header));
//! assert_eq!(Header::from_bytes(b"no header"), None);
//! ```
#![no_std]

#[cfg(all(test, feature = "host"))]
extern crate std;

mod file;
#[cfg(feature = "frame")]
pub mod frame;
pub mod heard;

pub use file::{Header, MAGIC, OUTCOMES_FILE, Outcome, ROWS_FILE};
