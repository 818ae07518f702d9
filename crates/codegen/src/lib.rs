//! Source files from a quantized model: the drop-in crate, the memory map to link it in, and a C99
//! header; and the front end with its filter tables.
//!
//! Files are returned, never written; the same model gives the same bytes.

mod body;
mod boot;
mod branches;
mod c99;
mod coding;
mod compact;
mod crate_files;
mod encoded;
mod exit;
mod front_end;
mod mel;
mod memory;
mod options;
mod packed;
mod probability;
mod tables;
mod trees;

use std::collections::BTreeMap;

pub use body::EncodingError;
pub use c99::{Header, c99};
pub use crate_files::{Generated, Identity, drop_in, empty};
pub use encoded::Encoded;
pub use exit::{Exit, Stopped, Walks};
pub use front_end::{FrontEnd, Statistic, Window};
pub use mel::{BankError, FilterTable, MelBank, MelScale, Normalisation};
pub use memory::{exact_memory_x, memory_x};
pub use options::{CodeType, Encoding, Options};
pub use probability::has_probabilities;

/// Text files by path, relative to the folder that they are meant for.
pub type SourceTree = BTreeMap<String, String>;
