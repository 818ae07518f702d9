//! `geometry`: the sectors and pages of a flash, from the algorithm that programs it.

use crate::words::{Geometry, ProbeFault, SectorSize};
use probe_rs::config::Registry;
use probe_rs_target::RawFlashAlgorithm;

/// The sectors and pages of the flash at `address`.
pub(crate) fn of(chip: &str, address: u64) -> Result<Geometry, ProbeFault> {
    let target = Registry::from_builtin_families()
        .get_target_by_name(chip)
        .map_err(|error| ProbeFault::UnknownChip {
            message: error.to_string(),
        })?;
    let covers = |algorithm: &&RawFlashAlgorithm| {
        algorithm.flash_properties.address_range.contains(&address)
    };
    let candidates: Vec<&RawFlashAlgorithm> =
        target.flash_algorithms.iter().filter(covers).collect();
    let algorithm = candidates
        .iter()
        .find(|algorithm| algorithm.default)
        .or(candidates.first())
        .ok_or_else(|| ProbeFault::UnknownChip {
            message: format!("the registry cannot program {chip} at {address:#010x}"),
        })?;
    let flash = &algorithm.flash_properties;
    Ok(Geometry {
        origin: flash.address_range.start,
        bytes: flash.address_range.end - flash.address_range.start,
        page_bytes: u64::from(flash.page_size),
        sectors: flash
            .sectors
            .iter()
            .map(|sector| SectorSize {
                from: flash.address_range.start + sector.address,
                bytes: sector.size,
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_of_an_stm32f4_grow() {
        let geometry = of("STM32F405RGTx", 0x0800_0000).unwrap();
        let sizes: Vec<(u64, u64)> = geometry
            .sectors
            .iter()
            .map(|sector| (sector.from, sector.bytes / 1024))
            .collect();
        assert_eq!(
            sizes,
            [(0x0800_0000, 16), (0x0801_0000, 64), (0x0802_0000, 128)]
        );
    }

    #[test]
    fn what_the_registry_does_not_know() {
        let unknown =
            |chip, address| matches!(of(chip, address), Err(ProbeFault::UnknownChip { .. }));
        assert!(unknown("Z80", 0));
        assert!(unknown("STM32F405RGTx", 0x4000_0000));
    }

    /// Every chip whose images start can be programmed where its flash starts, but for four that
    /// the registry has an algorithm for only under a larger sibling's name.
    #[test]
    fn the_table_of_chips_and_the_registry_agree() {
        let registry = Registry::from_builtin_families();
        let mut programmed = std::collections::HashMap::new();
        for family in registry.families() {
            for chip in &family.variants {
                let ranges: Vec<_> = family
                    .flash_algorithms
                    .iter()
                    .filter(|algorithm| chip.flash_algorithms.contains(&algorithm.name))
                    .map(|algorithm| algorithm.flash_properties.address_range.clone())
                    .collect();
                programmed.insert(chip.name.clone(), ranges);
            }
        }
        let lacking: Vec<&str> = spinney_board::chips()
            .iter()
            .filter(|chip| chip.boot.missing().is_none())
            .filter(|chip| {
                let address = u64::from(chip.flash.origin);
                !programmed
                    .get(&chip.name)
                    .is_some_and(|ranges| ranges.iter().any(|range| range.contains(&address)))
            })
            .map(|chip| chip.name.as_str())
            .collect();
        assert_eq!(
            lacking,
            ["STM32WLE4C8", "STM32WLE4J8", "STM32WLE5C8", "STM32WLE5J8"]
        );
    }
}
