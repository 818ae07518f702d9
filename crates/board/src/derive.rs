//! From a registry's description to a row of the table: which core boots, from which flash, and
//! which memory is the RAM.
//!
//! Flash is the memory that the registry marks as booted from, else the first one that can be
//! executed and is no alias, with what follows it without a gap. RAM is the longest stretch without
//! a gap in 0x2000_0000 to 0x3fff_ffff, the addresses that Armv6-M to Armv8-M set aside for it;
//! aliases count only where there is nothing else, as on the nRF52, and memories elsewhere only
//! after them. The tightly coupled memories of an STM32F4 at 0x1000_0000 are thereby left alone, and
//! of an STM32H7 the AXI SRAM is chosen over the DTCM: it is four times as long, and the DMA
//! controllers that bring a sensor's samples reach it. `families.csv` names the exceptions.

use crate::{
    Architecture, Core, Description, Family, FamilyCore, Listing, Memory, MemoryKind, Region,
    family,
};

/// Why a chip of the registry is not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum LeftOut {
    /// No row of `families.csv` is about it.
    #[error("no family rule")]
    NoFamily,
    /// Its core, or the way in which it starts, is not one of ours.
    #[error("a core or a start that there is no code for")]
    Unsupported,
    /// The family rule contradicts the registry.
    #[error("the family rule and the registry name different architectures")]
    OtherArchitecture,
    /// No flash to boot from.
    #[error("no flash to execute from")]
    NoFlash,
    /// No RAM.
    #[error("no RAM")]
    NoRam,
}

/// The row of the table for a described chip.
///
/// # Errors
/// [`LeftOut`] for a chip that has no place in the table.
pub fn derive(chip: &Description) -> Result<Listing, LeftOut> {
    let family = family(&chip.name).ok_or(LeftOut::NoFamily)?;
    let boots = chip.cores.first().ok_or(LeftOut::Unsupported)?;
    let core = match family.core {
        FamilyCore::Unsupported => return Err(LeftOut::Unsupported),
        FamilyCore::Asked => None,
        FamilyCore::Known(core) => Some(core),
    };
    // Of the PSoC 6, the registry leaves out the Cortex-M0+ where it is not the user's.
    if core.is_some_and(|core| architecture(core) != boots.architecture) {
        return Err(LeftOut::OtherArchitecture);
    }
    let sees = |memory: &&Memory| memory.cores.contains(&boots.name);
    let memories: Vec<&Memory> = chip.memories.iter().filter(sees).collect();
    Ok(Listing {
        name: chip.name.clone(),
        packages: packages(chip),
        core,
        flash: flash(&memories, family).ok_or(LeftOut::NoFlash)?,
        ram: ram(&memories, family).ok_or(LeftOut::NoRam)?,
        boot: family.boot,
        is_flash_external: family.is_flash_external,
    })
}

fn architecture(core: Core) -> Architecture {
    match core {
        Core::CortexM0 | Core::CortexM0Plus => Architecture::Armv6m,
        Core::CortexM3 => Architecture::Armv7m,
        Core::CortexM4 | Core::CortexM4F | Core::CortexM7 | Core::CortexM7F => {
            Architecture::Armv7em
        }
        Core::CortexM23 | Core::CortexM33 | Core::CortexM33F => Architecture::Armv8m,
        Core::Rv32imc | Core::Rv32imac => Architecture::Riscv32,
    }
}

/// What follows the name in each of the packages.
fn packages(chip: &Description) -> Vec<String> {
    let mut suffixes: Vec<String> = chip
        .packages
        .iter()
        .filter_map(|package| package.strip_prefix(&chip.name))
        .filter(|suffix| !suffix.is_empty())
        .map(str::to_owned)
        .collect();
    suffixes.sort();
    suffixes.dedup();
    suffixes
}

fn flash(memories: &[&Memory], family: &Family) -> Option<Region> {
    let of_kind: Vec<&Memory> = memories
        .iter()
        .copied()
        .filter(|memory| memory.kind == MemoryKind::Nonvolatile && memory.executes)
        .collect();
    let booted: Vec<&Memory> = of_kind.iter().copied().filter(|it| it.boots).collect();
    let plain: Vec<&Memory> = of_kind.iter().copied().filter(|it| !it.is_alias).collect();
    let stretches = if booted.is_empty() || family.flash_origin.is_some() {
        stretches(&plain)
    } else {
        stretches(&booted)
    };
    let found = match family.flash_origin {
        Some(origin) => stretches.into_iter().find(|it| it.origin == origin)?,
        None => stretches.into_iter().min_by_key(|it| it.origin)?,
    };
    Some(limited(found, family.flash_bytes))
}

fn ram(memories: &[&Memory], family: &Family) -> Option<Region> {
    const DATA: std::ops::Range<u64> = 0x2000_0000..0x4000_0000;
    let all: Vec<&Memory> = memories
        .iter()
        .copied()
        .filter(|memory| memory.kind == MemoryKind::Ram)
        .collect();
    if let Some(origin) = family.ram_origin {
        let found = stretches(&all).into_iter().find(|it| it.origin == origin)?;
        return Some(limited(found, family.ram_bytes));
    }
    let of_data: Vec<Memory> = all
        .iter()
        .filter_map(|memory| within(memory, DATA))
        .collect();
    let plain: Vec<&Memory> = of_data.iter().filter(|it| !it.is_alias).collect();
    let any: Vec<&Memory> = of_data.iter().collect();
    [plain, any, all]
        .into_iter()
        .find_map(|choice| longest(&stretches(&choice)))
        .map(|found| limited(found, family.ram_bytes))
}

/// The part of a memory that lies in `range`.
fn within(memory: &Memory, range: std::ops::Range<u64>) -> Option<Memory> {
    let origin = memory.origin.max(range.start);
    let end = (memory.origin + memory.bytes).min(range.end);
    (origin < end).then(|| Memory {
        origin,
        bytes: end - origin,
        ..memory.clone()
    })
}

/// The longest, of equally long ones the first.
fn longest(stretches: &[Region]) -> Option<Region> {
    let len = stretches.iter().map(|it| it.len).max()?;
    stretches.iter().copied().find(|it| it.len == len)
}

fn limited(region: Region, bytes: Option<u32>) -> Region {
    Region {
        len: bytes.map_or(region.len, |bytes| region.len.min(bytes)),
        ..region
    }
}

/// Memories that follow each other without a gap, joined; by address, within 32 bits.
///
/// What may be executed is not joined to what may not: the registry draws that line around
/// memories that some clock or controller must first be set up for.
fn stretches(memories: &[&Memory]) -> Vec<Region> {
    let mut sorted: Vec<&&Memory> = memories
        .iter()
        .filter(|memory| memory.bytes > 0 && memory.origin + memory.bytes <= 1 << 32)
        .collect();
    sorted.sort_by_key(|memory| (memory.origin, std::cmp::Reverse(memory.bytes)));
    let mut joined: Vec<(u64, u64, bool)> = Vec::new();
    for memory in sorted {
        let end = memory.origin + memory.bytes;
        match joined.last_mut() {
            Some((_, last_end, executes))
                if memory.origin <= *last_end && *executes == memory.executes =>
            {
                *last_end = end.max(*last_end);
            }
            _ => joined.push((memory.origin, end, memory.executes)),
        }
    }
    joined
        .into_iter()
        .filter_map(|(origin, end, _)| {
            Some(Region {
                origin: u32::try_from(origin).ok()?,
                len: u32::try_from(end - origin).ok()?,
            })
        })
        .collect()
}
