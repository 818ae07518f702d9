//! The pipeline as a library: open a config, run its stages, observe the progress, get a typed
//! report or a typed failure.
//!
//! This crate prints nothing and never exits. It changes neither the current folder nor the
//! environment of its process, so that two sessions in one process do not meet.

pub mod disk;
pub mod emulator;
pub mod environment;
pub mod failure;
pub mod flash;
pub mod image;
pub mod interrupt;
pub mod invocation;
pub mod lock;
pub mod lock_file;
pub mod log;
pub mod places;
pub mod probe;
pub mod process;
pub mod progress;
pub mod search;
pub mod serial;
pub mod setup;
pub mod stages;
pub mod store;
mod tool;
