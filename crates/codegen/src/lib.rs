//! Source files from a quantized model: the drop-in crate, and the memory map to link it in.
//!
//! Files are returned, never written; the same model gives the same bytes.

mod coding;
mod crate_files;
mod memory;
mod probability;
mod tables;

use std::collections::BTreeMap;

pub use crate_files::{Identity, drop_in, empty};
pub use memory::memory_x;
pub use probability::has_probabilities;

/// Text files by path, relative to the folder that they are meant for.
pub type SourceTree = BTreeMap<String, String>;
