//! Tests of what the crate offers.

mod column_files;
mod dataset;
mod dialects;
mod hostile;
mod names;
mod npy;
mod rules;
mod values;
