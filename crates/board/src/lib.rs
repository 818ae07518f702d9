//! Chips, their cores and memories, and the emulated machines that stand in for them.
//!
//! The chip table is checked in as `data/chips.csv`; names are spelt as probe-rs spells them. This
//! crate must not know of models, configs or firmware: it answers what a chip is.

mod boot;
mod chip;
mod core;
mod derive;
mod description;
mod family;
mod machine;
mod probe;
mod table;

pub use self::core::Core;
pub use boot::Boot;
pub use chip::{Chip, Listing, Region, UnknownChip, chips, find, search};
pub use derive::{LeftOut, derive};
pub use description::{Architecture, DescribedCore, Description, Memory, MemoryKind};
pub use family::{Family, FamilyCore, families, family};
pub use machine::{MACHINES, Machine, Timer, machine};
pub use probe::{Event, Geometry, Job, Phase, ProbeFault, Request, SectorSize, Segment};
pub use table::{TableError, parse_table, write_table};
