//! Boards that are programmed by copying a UF2 file onto the drive that their bootloader shows.

use crate::Chip;

/// A family of chips, as the UF2 format numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uf2Family {
    /// Its short name in Microsoft's list.
    pub name: &'static str,
    /// Its number in the blocks of a file. Source: microsoft/uf2, `utils/uf2families.json`.
    pub id: u32,
    /// How the names of its chips begin in the chip table.
    chips: &'static str,
    /// Whether its cores are RISC-V.
    is_riscv: bool,
    /// What the `INFO_UF2.TXT` of its boards has, in lower case and without hyphens.
    words: &'static [&'static str],
    /// Bytes that are written together: pages of 256, but on an RP2040 whole sectors, as its ROM
    /// erases a sector whose pages are not all there too late (erratum RP2040-E14).
    pub unit_bytes: u32,
    /// The first address that is not the bootloader's own.
    pub first_free: u32,
}

/// Every family that files are written for. The RP2040 and RP2350 have the bootloader in ROM. That
/// of SAMD21 boards takes 8 KiB and that of SAMD51 boards 16 KiB (microsoft/uf2-samdx1, linker
/// scripts); on nRF52 boards Nordic's MBR takes the first 4 KiB, and a SoftDevice what follows
/// (adafruit/Adafruit_nRF52_Bootloader).
#[rustfmt::skip]
pub const UF2_FAMILIES: [Uf2Family; 7] = [
    family("RP2040", 0xe48b_ff56, "RP2040", &["rpirp2", "rp2040"], 4096, 0x1000_0000),
    family("RP2350_ARM_S", 0xe48b_ff59, "RP235x", &["rp2350"], 256, 0x1000_0000),
    Uf2Family { is_riscv: true,
        ..family("RP2350_RISCV", 0xe48b_ff5a, "RP235x", &["rp2350"], 256, 0x1000_0000) },
    family("NRF52840", 0xada5_2840, "nRF52840", &["nrf52"], 256, 0x1000),
    family("NRF52833", 0x621e_937a, "nRF52833", &["nrf52"], 256, 0x1000),
    family("SAMD21", 0x68ed_2b88, "ATSAMD21", &["samd21"], 256, 0x2000),
    family("SAMD51", 0x5511_4460, "ATSAMD51", &["samd51"], 256, 0x4000),
];

const fn family(
    name: &'static str,
    id: u32,
    chips: &'static str,
    words: &'static [&'static str],
    unit_bytes: u32,
    first_free: u32,
) -> Uf2Family {
    Uf2Family {
        name,
        id,
        chips,
        is_riscv: false,
        words,
        unit_bytes,
        first_free,
    }
}

impl Uf2Family {
    /// The family of a chip; `None` where no bootloader of this format is known.
    pub fn of(chip: &Chip) -> Option<&'static Self> {
        UF2_FAMILIES.iter().find(|family| {
            chip.name.starts_with(family.chips) && chip.core.is_riscv() == family.is_riscv
        })
    }

    /// Whether a board whose `INFO_UF2.TXT` this is takes this family's files; `None` where it does
    /// not say which family it is of.
    pub fn is_told_by(&self, info: &str) -> Option<bool> {
        let told: String = info
            .lines()
            .filter(|line| line.starts_with("Board-ID:") || line.starts_with("Model:"))
            .flat_map(|line| line.chars().filter(char::is_ascii_alphanumeric))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let has = |family: &Self| family.words.iter().any(|word| told.contains(word));
        // Boards of a part say nRF52, and some which one.
        let names_other = |family: &Self| told.contains(&family.name.to_ascii_lowercase());
        let own = self.name.to_ascii_lowercase();
        if has(self) && (told.contains(&own) || !UF2_FAMILIES.iter().any(names_other)) {
            return Some(true);
        }
        UF2_FAMILIES.iter().any(has).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Core, find};

    #[test]
    fn families_are_those_of_chips_in_the_table() {
        for family in UF2_FAMILIES {
            let core = family.is_riscv.then_some(Core::Rv32imac);
            let own = crate::chips()
                .iter()
                .find(|row| row.name.starts_with(family.chips));
            let chip = own.and_then(|row| row.chip(core)).expect(family.name);
            assert_eq!(Uf2Family::of(&chip), Some(&family));
            assert!(
                (u64::from(chip.flash.origin)..chip.flash.end())
                    .contains(&u64::from(family.first_free))
            );
        }
        let other = find("STM32F405RG").unwrap().chip(None).unwrap();
        assert_eq!(Uf2Family::of(&other), None);
    }

    #[test]
    fn a_board_tells_its_family() {
        let of = |chip: &str| Uf2Family::of(&find(chip).unwrap().chip(None).unwrap()).unwrap();
        let pico = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n";
        let pico2 = "UF2 Bootloader v1.0\r\nModel: Raspberry Pi RP2350\r\nBoard-ID: RP2350\r\n";
        let feather = "UF2 Bootloader 0.2.6\nModel: Adafruit Feather nRF52840 Express\nBoard-ID: NRF52-Bluefruit-v0\n";
        let microbit = "Model: micro:bit\nBoard-ID: NRF52833-microbit-v2\n";
        let m0 =
            "UF2 Bootloader v3.15.0 SFHWRO\nModel: Feather M0\nBoard-ID: SAMD21G18A-Feather-v0\n";
        for (chip, info, takes) in [
            ("RP2040", pico, Some(true)),
            ("RP2040", pico2, Some(false)),
            ("RP235x", pico2, Some(true)),
            ("RP235x", pico, Some(false)),
            ("nRF52840_xxAA", feather, Some(true)),
            ("nRF52833_xxAA", feather, Some(false)),
            ("nRF52840_xxAA", microbit, Some(false)),
            ("nRF52833_xxAA", microbit, Some(true)),
            ("ATSAMD21G18A", m0, Some(true)),
            ("ATSAMD51J19A", m0, Some(false)),
            ("ATSAMD51J19A", "Board-ID: Mine-v1\n", None),
            ("ATSAMD51J19A", "", None),
        ] {
            assert_eq!(of(chip).is_told_by(info), takes, "{chip}: {info}");
        }
    }
}
