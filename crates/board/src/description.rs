//! A chip as the registry of probe-rs describes it: what `spinney-probe` prints, one line per chip.

use serde::{Deserialize, Serialize};

/// A chip with all its cores and memories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Its name, without the package.
    pub name: String,
    /// Its names with a package, each of which starts with `name`.
    pub packages: Vec<String>,
    /// Its cores, the one that boots first.
    pub cores: Vec<DescribedCore>,
    /// Its memories.
    pub memories: Vec<Memory>,
}

/// A core, as coarsely as probe-rs tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedCore {
    /// Its name, to which memories refer.
    pub name: String,
    /// Its architecture.
    pub architecture: Architecture,
}

/// An architecture that probe-rs tells from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Cortex-M0, M0+ and M1.
    Armv6m,
    /// Cortex-M3.
    Armv7m,
    /// Cortex-M4 and M7.
    Armv7em,
    /// Cortex-M23, M33, M55 and M85.
    Armv8m,
    /// 32-bit RISC-V.
    Riscv32,
    /// None that Spinney has code for.
    Other,
}

/// A stretch of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// What it is.
    pub kind: MemoryKind,
    /// First address.
    pub origin: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// The names of the cores that see it.
    pub cores: Vec<String>,
    /// Whether the chip boots from it.
    pub boots: bool,
    /// Whether it is said to be another memory's second appearance.
    pub is_alias: bool,
    /// Whether it may be executed from.
    pub executes: bool,
}

/// What a memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKind {
    /// Flash, mostly.
    Nonvolatile,
    /// RAM.
    Ram,
    /// Neither.
    Other,
}
