//! Chips, their cores and memories, the emulated machines that stand in for them, what chips draw
//! and what radios cost.
//!
//! The chip table is checked in as `data/chips.csv`; names are spelt as probe-rs spells them. This
//! crate must not know of models, configs or firmware: it answers what a chip is.
//!
//! ```
//! use spinney_board::{Core, find, search};
//!
//! let chip = find("nrf51822_xxaa")?.chip(None).ok_or("a known core")?;
//! assert_eq!(chip.core, Core::CortexM0);
//! assert_eq!(chip.core.target(), "thumbv6m-none-eabi");
//! assert_eq!((chip.flash.len, chip.ram.len), (256 << 10, 16 << 10));
//! assert_eq!(chip.core.machine().name, "microbit");
//! assert!(search("F405").len() >= 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod boards;
mod boot;
mod chip;
mod core;
mod derive;
mod description;
mod family;
mod flash;
mod machine;
mod preset;
mod probe;
mod radio;
mod table;
mod timing;
mod uf2;

pub use self::core::Core;
pub use boards::{Board, boards};
pub use boot::{Boot, Field};
pub use chip::{Chip, Listing, Region, UnknownChip, chips, find, search};
pub use derive::{LeftOut, derive};
pub use description::{Architecture, DescribedCore, Description, Memory, MemoryKind};
pub use family::{Family, FamilyCore, families, family, no_images_for};
pub use flash::{FLASHES, Flash};
pub use machine::{MACHINES, Machine, Timer, machine};
pub use preset::{PRESET_NAMES, PRESETS, Preset, preset, preset_of};
pub use probe::{Event, Geometry, Job, Phase, ProbeFault, Request, SectorSize, Segment};
pub use radio::{
    Airtime, DAY_S, Draw, RADIO_NAMES, RADIOS, Radio, RadioLimits, Source, Traffic, lora_airtime_s,
    radio,
};
pub use table::{TableError, parse_table, write_table};
pub use timing::{Around, Operation, Span, Timing};
pub use uf2::{UF2_FAMILIES, Uf2Family};
