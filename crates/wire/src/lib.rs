//! What host and device say to each other: files in a verify run, frames over a byte stream.
#![no_std]

#[cfg(all(test, feature = "host"))]
extern crate std;

mod file;
#[cfg(feature = "frame")]
pub mod frame;
pub mod heard;

pub use file::{Header, MAGIC, OUTCOMES_FILE, Outcome, ROWS_FILE};
