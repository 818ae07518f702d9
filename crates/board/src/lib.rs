//! Chips, their cores and memories, and the emulated machines that stand in for them.
//!
//! The chip table is checked in as `chips.csv`; names are spelt as probe-rs spells them. This
//! crate must not know of models, configs or firmware: it answers what a chip is.

mod chip;
mod core;
mod machine;

pub use self::core::Core;
pub use chip::{Chip, Region, TableError, UnknownChip, chips, find, parse_table};
pub use machine::{MACHINES, Machine, Timer, machine};
