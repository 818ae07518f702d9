//! The chip table as text: read at start-up, written by `cargo xtask chips update`.

use crate::{Boot, Core, Listing, Region};

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

const COLUMNS: [&str; 9] = [
    "name",
    "packages",
    "core",
    "flash_origin",
    "flash_bytes",
    "ram_origin",
    "ram_bytes",
    "boot",
    "external",
];

/// The table as text, sorted by name, and with a line per chip.
///
/// # Errors
/// A chip that [`parse_table`] would refuse.
pub fn write_table(chips: &[Listing]) -> Result<String, TableError> {
    let mut sorted: Vec<&Listing> = chips.iter().collect();
    sorted.sort_by_key(|chip| chip.name.to_ascii_lowercase());
    let mut text = COLUMNS.join(",");
    text.push('\n');
    for chip in sorted {
        text.push_str(&format!(
            "{},{},{},{:#010x},{},{:#010x},{},{},{}\n",
            chip.name,
            chip.packages.join(" "),
            chip.core.map_or("", Core::as_str),
            chip.flash.origin,
            chip.flash.len,
            chip.ram.origin,
            chip.ram.len,
            chip.boot.as_str(),
            if chip.is_flash_external { "yes" } else { "" },
        ));
    }
    parse_table(&text)?;
    Ok(text)
}

/// Reads a chip table: comma-separated values without quotes, with the columns `name`, `packages`
/// (what follows the name, separated by spaces), `core` (empty where the user has to say),
/// `flash_origin`, `flash_bytes`, `ram_origin`, `ram_bytes`, `boot` (as [`Boot::as_str`]) and
/// `external` (`yes` where flash is a part of its own); origins in hexadecimal (`0x08000000`),
/// lengths in decimal.
///
/// # Errors
/// The first row that does not parse, names an unknown core, has an empty region or one that
/// passes 2³², has RAM and flash overlap, or does not follow the last by its name in lower case.
pub fn parse_table(text: &str) -> Result<Vec<Listing>, TableError> {
    let mut lines = (1_u64..).zip(text.lines());
    let header = lines.next().map_or("", |(_, header)| header);
    if header != COLUMNS.join(",") {
        return Err(TableError {
            line: 1,
            found: header.to_owned(),
            expected: COLUMNS.join(","),
        });
    }
    let mut chips: Vec<Listing> = Vec::new();
    for (line, row) in lines {
        let chip = parse_row(row).map_err(|(found, expected)| TableError {
            line,
            found,
            expected: expected.to_owned(),
        })?;
        if let Some(last) = chips.last()
            && in_lower_case(&last.name).ge(in_lower_case(&chip.name))
        {
            return Err(TableError {
                line,
                found: format!("{} after {}", chip.name, last.name),
                expected: "each chip once, in the order of their names in lower case".to_owned(),
            });
        }
        chips.push(chip);
    }
    Ok(chips)
}

fn in_lower_case(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

type Fault = (String, &'static str);

fn parse_row(row: &str) -> Result<Listing, Fault> {
    let fields: Vec<&str> = row.split(',').collect();
    let [
        name,
        packages,
        core,
        flash_origin,
        flash_bytes,
        ram_origin,
        ram_bytes,
        boot,
        external,
    ] = fields[..]
    else {
        return Err((format!("{} values", fields.len()), "nine"));
    };
    let core = match core {
        "" => None,
        core => Some(
            Core::from_name(core)
                .ok_or_else(|| (format!("core {core}"), "a core such as cortex-m4f"))?,
        ),
    };
    let flash = Region::new(hexadecimal(flash_origin)?, decimal(flash_bytes)?);
    let ram = Region::new(hexadecimal(ram_origin)?, decimal(ram_bytes)?);
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
    if name.is_empty() || !name.is_ascii() {
        return Err((format!("the name \"{name}\""), "a name in ASCII"));
    }
    Ok(Listing {
        name: name.to_owned(),
        packages: packages.split_whitespace().map(str::to_owned).collect(),
        core,
        flash,
        ram,
        boot: Boot::from_name(boot)
            .ok_or_else(|| (format!("boot {boot}"), "a requirement such as rp2040-boot2"))?,
        is_flash_external: match external {
            "yes" => true,
            "" => false,
            other => return Err((format!("external {other}"), "yes or nothing")),
        },
    })
}

fn hexadecimal(text: &str) -> Result<u32, Fault> {
    text.strip_prefix("0x")
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .ok_or_else(|| (text.to_owned(), "an address such as 0x08000000"))
}

fn decimal(text: &str) -> Result<u32, Fault> {
    text.parse()
        .map_err(|_| (text.to_owned(), "a number of bytes"))
}
