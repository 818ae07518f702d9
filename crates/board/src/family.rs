//! What probe-rs does not tell of a chip, by family: the exact core, and what it needs to boot.

use std::sync::LazyLock;

use crate::{Boot, Core};

/// What holds for all chips whose names start alike, from the manufacturer's documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// The beginning of the names.
    pub prefix: &'static str,
    /// The core that boots.
    pub core: FamilyCore,
    /// What it wants to find in flash.
    pub boot: Boot,
    /// Whether flash is a part of its own, whose size depends on the board.
    pub is_flash_external: bool,
    /// Where flash starts, if not where the general rule finds it.
    pub flash_origin: Option<u32>,
    /// How much of it there is at most.
    pub flash_bytes: Option<u32>,
    /// Where RAM starts, if not where the general rule finds it.
    pub ram_origin: Option<u32>,
    /// How much of it there is at most.
    pub ram_bytes: Option<u32>,
    /// Where this is written.
    pub source: &'static str,
}

/// The core that a family's chips boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyCore {
    /// This one.
    Known(Core),
    /// Not known: the user is asked for it.
    Asked,
    /// None that there is code for, or chips without memories of their own to link into.
    Unsupported,
}

/// The family of a chip, by the longest beginning of its name.
pub fn family(name: &str) -> Option<&'static Family> {
    families()
        .iter()
        .filter(|family| name.starts_with(family.prefix))
        .max_by_key(|family| family.prefix.len())
}

/// Why there are no images for a chip that goes by this name, in any case; `None` where there may be.
pub fn no_images_for(name: &str) -> Option<&'static str> {
    let begins = |family: &&Family| {
        let beginning = name.get(..family.prefix.len());
        beginning.is_some_and(|it| it.eq_ignore_ascii_case(family.prefix))
    };
    let family = families()
        .iter()
        .filter(begins)
        .max_by_key(|family| family.prefix.len())?;
    (family.core == FamilyCore::Unsupported).then_some(family.source)
}

/// Every family, in the order of the table.
pub fn families() -> &'static [Family] {
    static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
        include_str!("../data/families.csv")
            .lines()
            .skip(1)
            .map(|line| parse(line).expect("a test validates each row"))
            .collect()
    });
    &FAMILIES
}

fn parse(line: &'static str) -> Option<Family> {
    let mut fields = line.splitn(9, ',');
    let mut next = || fields.next();
    Some(Family {
        prefix: next()?,
        core: match next()? {
            "ask" => FamilyCore::Asked,
            "none" => FamilyCore::Unsupported,
            core => FamilyCore::Known(Core::from_name(core)?),
        },
        boot: Boot::from_name(next()?)?,
        is_flash_external: match next()? {
            "yes" => true,
            "" => false,
            _ => return None,
        },
        flash_origin: optional(next()?)?,
        flash_bytes: optional(next()?)?,
        ram_origin: optional(next()?)?,
        ram_bytes: optional(next()?)?,
        source: next().map(|source| source.trim_matches('"'))?,
    })
}

/// Nothing, a decimal number or an address; the outer `None` for what is neither.
fn optional(field: &str) -> Option<Option<u32>> {
    match field.strip_prefix("0x") {
        _ if field.is_empty() => Some(None),
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(Some),
        None => field.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole_and_names_its_source() {
        let families = families();
        assert!(families.len() > 150);
        for family in families {
            assert!(family.source.len() > 8, "{family:?}");
            assert!(!family.prefix.is_empty());
        }
        let prefixes: Vec<String> = families.iter().map(|it| it.prefix.to_lowercase()).collect();
        assert!(prefixes.is_sorted());
    }

    #[test]
    fn the_longest_beginning_counts() {
        let core = |name| family(name).map(|family| family.core);
        assert_eq!(
            core("nRF52840_xxAA"),
            Some(FamilyCore::Known(Core::CortexM4F))
        );
        assert_eq!(
            core("nRF52810_xxAA"),
            Some(FamilyCore::Known(Core::CortexM4))
        );
        assert_eq!(
            core("STM32WB09KE"),
            Some(FamilyCore::Known(Core::CortexM0Plus))
        );
        assert_eq!(
            core("RP235x_riscv"),
            Some(FamilyCore::Known(Core::Rv32imac))
        );
        assert_eq!(core("Z80"), None);
        assert!(no_images_for("ch32v003f4p6").is_some_and(|it| it.starts_with("RV32E")));
        assert!(no_images_for("STM32N657X0").is_some_and(|it| it.contains("Cortex-M55")));
        assert_eq!(no_images_for("CH32V203C8"), None);
        assert_eq!(no_images_for("CH32Ω003"), None);
    }
}
