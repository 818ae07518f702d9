//! The chip table: name, core and the two memories that an image is linked into.

use std::sync::LazyLock;

use crate::Core;

/// A stretch of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Length in bytes.
    pub len: u32,
}

impl Region {
    /// `len` bytes from `origin` on.
    #[must_use]
    pub const fn new(origin: u32, len: u32) -> Self {
        Self { origin, len }
    }

    /// The address after the last, up to 2³² and beyond for a region that does not fit.
    #[must_use]
    pub fn end(self) -> u64 {
        u64::from(self.origin) + u64::from(self.len)
    }

    /// Whether any address belongs to both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        u64::from(self.origin) < other.end() && u64::from(other.origin) < self.end()
    }
}

/// A microcontroller.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Chip {
    /// Its name, as probe-rs spells it.
    pub name: String,
    /// Its processor; of several, the one that boots.
    pub core: Core,
    /// The flash it boots from. For chips whose flash is a part of its own, such as the RP2040,
    /// the window in which that part appears.
    pub flash: Region,
    /// The RAM that data and stack go into.
    pub ram: Region,
}

/// The table holds no chip of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no chip is called \"{name}\"")]
pub struct UnknownChip {
    /// The name looked for.
    pub name: String,
    /// Names that resemble it, the nearest first, at most three.
    pub nearest: Vec<String>,
}

/// What is wrong with a chip table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("chip table, line {line}: found {found}, expected {expected}")]
pub struct TableError {
    /// Line in the table, from 1.
    pub line: u64,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

/// Every chip of the table, in the order of its rows.
#[must_use]
pub fn chips() -> &'static [Chip] {
    static CHIPS: LazyLock<Vec<Chip>> = LazyLock::new(|| {
        parse_table(include_str!("../chips.csv")).expect("a test validates each row")
    });
    &CHIPS
}

/// The chip of this name, in any case.
///
/// # Errors
/// [`UnknownChip`], with the nearest names.
pub fn find(name: &str) -> Result<&'static Chip, UnknownChip> {
    chips()
        .iter()
        .find(|chip| chip.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| UnknownChip {
            name: name.to_owned(),
            nearest: nearest(name),
        })
}

/// Jaro-Winkler favours a common beginning, which is how chips of a family resemble each other.
fn nearest(name: &str) -> Vec<String> {
    const NAME_CHARS_MAX: usize = 64;
    const ALIKE: f64 = 0.8;
    if name.chars().count() > NAME_CHARS_MAX {
        return Vec::new();
    }
    let wanted = name.to_ascii_lowercase();
    let mut alike: Vec<(f64, &str)> = chips()
        .iter()
        .map(|chip| {
            (
                strsim::jaro_winkler(&wanted, &chip.name.to_ascii_lowercase()),
                &*chip.name,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}

const COLUMNS: [&str; 6] = [
    "name",
    "core",
    "flash_origin",
    "flash_bytes",
    "ram_origin",
    "ram_bytes",
];

#[derive(serde::Deserialize)]
struct RawChip {
    name: String,
    core: String,
    flash_origin: String,
    flash_bytes: u32,
    ram_origin: String,
    ram_bytes: u32,
}

/// Reads a chip table: CSV with the columns `name`, `core`, `flash_origin`, `flash_bytes`,
/// `ram_origin` and `ram_bytes`; origins in hexadecimal (`0x08000000`), lengths in decimal.
///
/// # Errors
/// The first row that does not parse, names an unknown core, has an empty region or one that
/// passes 2³², has RAM and flash overlap, or repeats a name (in any case).
pub fn parse_table(text: &str) -> Result<Vec<Chip>, TableError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(unreadable)?.clone();
    if header != COLUMNS[..] {
        return Err(TableError {
            line: 1,
            found: header.iter().collect::<Vec<_>>().join(","),
            expected: COLUMNS.join(","),
        });
    }
    let mut seen = std::collections::HashSet::new();
    let mut chips = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let line = row.position().map_or(1, csv::Position::line);
        let raw: RawChip = row.deserialize(Some(&header)).map_err(unreadable)?;
        let chip = raw.check().map_err(|(found, expected)| TableError {
            line,
            found,
            expected: expected.to_owned(),
        })?;
        if !seen.insert(chip.name.to_ascii_lowercase()) {
            return Err(TableError {
                line,
                found: format!("the name {} again", chip.name),
                expected: "each chip once".to_owned(),
            });
        }
        chips.push(chip);
    }
    Ok(chips)
}

fn unreadable(error: csv::Error) -> TableError {
    TableError {
        line: error.position().map_or(1, csv::Position::line),
        found: error.to_string(),
        expected: "a row of six values".to_owned(),
    }
}

impl RawChip {
    fn check(self) -> Result<Chip, (String, &'static str)> {
        let core = Core::from_name(&self.core)
            .ok_or_else(|| (format!("core {}", self.core), "a core such as cortex-m4f"))?;
        let flash = Region::new(hexadecimal(&self.flash_origin)?, self.flash_bytes);
        let ram = Region::new(hexadecimal(&self.ram_origin)?, self.ram_bytes);
        for region in [flash, ram] {
            if region.len == 0 || region.end() > 1 << 32 {
                return Err((
                    format!("{} bytes from {:#010x}", region.len, region.origin),
                    "a region inside 32 bits, not empty",
                ));
            }
        }
        if flash.overlaps(ram) {
            return Err((
                "flash and RAM that overlap".to_owned(),
                "two separate regions",
            ));
        }
        if self.name.is_empty() {
            return Err(("an empty name".to_owned(), "a name"));
        }
        Ok(Chip {
            name: self.name,
            core,
            flash,
            ram,
        })
    }
}

fn hexadecimal(text: &str) -> Result<u32, (String, &'static str)> {
    text.strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| (text.to_owned(), "an address such as 0x08000000"))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const HEADER: &str = "name,core,flash_origin,flash_bytes,ram_origin,ram_bytes\n";

    #[test]
    fn every_row_of_the_table_is_valid_and_in_order() {
        let chips = parse_table(include_str!("../chips.csv")).unwrap();
        assert!(!chips.is_empty());
        let names: Vec<String> = chips.iter().map(|chip| chip.name.to_lowercase()).collect();
        assert!(
            names.is_sorted(),
            "rows are sorted by name, so that a change is easy to see"
        );
        for chip in &chips {
            assert_eq!(find(&chip.name.to_uppercase()).unwrap(), chip);
            assert!(chip.ram.len >= 1024, "{}", chip.name);
        }
    }

    #[test]
    fn the_chips_of_the_shipped_pipelines() {
        let chip = find("stm32f405rgtx").unwrap();
        assert_eq!(
            (chip.core, chip.core.target()),
            (Core::CortexM4F, "thumbv7em-none-eabihf")
        );
        assert_eq!(chip.flash, Region::new(0x0800_0000, 1_048_576));
        assert_eq!(chip.ram, Region::new(0x2000_0000, 131_072));
        let chip = find("nRF51822_xxAA").unwrap();
        assert_eq!(
            (chip.core, chip.core.target()),
            (Core::CortexM0, "thumbv6m-none-eabi")
        );
        assert_eq!(chip.flash, Region::new(0, 262_144));
        assert_eq!(chip.ram, Region::new(0x2000_0000, 16_384));
    }

    #[test]
    fn an_unknown_chip_brings_its_neighbours() {
        let error = find("STM32F405").unwrap_err();
        expect![[r#"
            UnknownChip {
                name: "STM32F405",
                nearest: [
                    "STM32F405RGTx",
                    "STM32F401RETx",
                    "STM32F407VGTx",
                ],
            }
        "#]]
        .assert_debug_eq(&error);
        assert!(find("").unwrap_err().nearest.is_empty());
        assert!(find(&"S".repeat(100_000)).unwrap_err().nearest.is_empty());
    }

    fn check(row: &str, expect: &Expect) {
        let error = parse_table(&format!("{HEADER}{row}\n")).unwrap_err();
        expect.assert_eq(&error.to_string());
    }

    #[test]
    fn other_columns() {
        expect!["chip table, line 1: found name,core, expected name,core,flash_origin,flash_bytes,ram_origin,ram_bytes"].assert_eq(&parse_table("name,core\n").unwrap_err().to_string());
    }

    #[test]
    fn faulty_rows() {
        check(
            "A,cortex-m9,0x0,1,0x10,1",
            &expect![
                "chip table, line 2: found core cortex-m9, expected a core such as cortex-m4f"
            ],
        );
        check(
            "A,cortex-m0,0,1,0x10,1",
            &expect!["chip table, line 2: found 0, expected an address such as 0x08000000"],
        );
        check(
            "A,cortex-m0,0x0,0,0x10,1",
            &expect![
                "chip table, line 2: found 0 bytes from 0x00000000, expected a region inside 32 bits, not empty"
            ],
        );
        check(
            "A,cortex-m0,0xffffffff,2,0x10,1",
            &expect![
                "chip table, line 2: found 2 bytes from 0xffffffff, expected a region inside 32 bits, not empty"
            ],
        );
        check(
            "A,cortex-m0,0x0,17,0x10,1",
            &expect![
                "chip table, line 2: found flash and RAM that overlap, expected two separate regions"
            ],
        );
        check(
            "A,cortex-m0,0x0,much,0x10,1",
            &expect![
                "chip table, line 2: found CSV deserialize error: record 1 (line: 2, byte: 56): field 3: invalid digit found in string, expected a row of six values"
            ],
        );
        check(
            "A,cortex-m0,0x0",
            &expect![
                "chip table, line 2: found CSV error: record 1 (line: 2, byte: 56): found record with 3 fields, but the previous record has 6 fields, expected a row of six values"
            ],
        );
        check(
            ",cortex-m0,0x0,1,0x10,1",
            &expect!["chip table, line 2: found an empty name, expected a name"],
        );
        check(
            "A,cortex-m0,0x0,1,0x10,1\na,cortex-m0,0x0,1,0x10,1",
            &expect!["chip table, line 3: found the name a again, expected each chip once"],
        );
    }
}
