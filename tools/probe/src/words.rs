//! What Spinney and this program say to each other, by the files that say it in `crates/board`: the
//! rest of that crate need not travel with this program.

mod description;
mod probe;

pub use description::{Architecture, DescribedCore, Description, Memory, MemoryKind};
pub use probe::{Event, Geometry, Job, Phase, ProbeFault, Request, SectorSize};
