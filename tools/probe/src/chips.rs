//! `chips`: every chip of the registry, one line of JSON each.

use crate::words::{Architecture, DescribedCore, Description, Memory, MemoryKind};
use probe_rs::config::{ChipFamily, Registry};
use probe_rs_target::{Chip, CoreType, MemoryRegion};

/// Every chip of the registry that is a product and no placeholder for an architecture.
pub(crate) fn descriptions() -> Vec<Description> {
    Registry::from_builtin_families()
        .families()
        .iter()
        .filter(|family| !is_generic(family))
        .flat_map(|family| family.variants.iter().map(description))
        .collect()
}

/// Families that stand for an architecture and have no memories.
fn is_generic(family: &ChipFamily) -> bool {
    family
        .variants
        .iter()
        .all(|chip| chip.memory_map.is_empty())
}

/// A chip in the words that the chip table is made from.
pub(crate) fn description(chip: &Chip) -> Description {
    Description {
        name: chip.name.clone(),
        packages: chip.package_variants.clone(),
        cores: chip
            .cores
            .iter()
            .map(|core| DescribedCore {
                name: core.name.clone(),
                architecture: architecture(core.core_type),
            })
            .collect(),
        memories: chip.memory_map.iter().map(memory).collect(),
    }
}

fn architecture(core: CoreType) -> Architecture {
    match core {
        CoreType::Armv6m => Architecture::Armv6m,
        CoreType::Armv7m => Architecture::Armv7m,
        CoreType::Armv7em => Architecture::Armv7em,
        CoreType::Armv8m => Architecture::Armv8m,
        CoreType::Riscv => Architecture::Riscv32,
        _ => Architecture::Other,
    }
}

fn memory(region: &MemoryRegion) -> Memory {
    let (kind, access, is_alias) = match region {
        MemoryRegion::Ram(it) => (MemoryKind::Ram, it.access(), it.is_alias),
        MemoryRegion::Nvm(it) => (MemoryKind::Nonvolatile, it.access(), it.is_alias),
        MemoryRegion::Generic(it) => (MemoryKind::Other, it.access(), false),
    };
    let range = region.address_range();
    Memory {
        kind,
        origin: range.start,
        bytes: range.end.saturating_sub(range.start),
        cores: region.cores().to_vec(),
        boots: access.boot,
        is_alias,
        executes: access.execute,
    }
}
