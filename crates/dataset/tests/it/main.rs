//! Tests of what the crate offers.

mod column_files;
mod dataset;
mod dialects;
mod folds;
mod hostile;
mod limits;
mod names;
mod npy;
mod quotes;
mod rules;
mod values;
#[cfg(feature = "zstd")]
mod zstd;
