//! `chips`: what the chip table has, and the table made anew from probe-rs' registry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use spinney_board::{Boot, Description, Listing, derive, parse_table, search, write_table};

use crate::failure::{Blame, Failure};
use crate::{places, probe, store};

/// `chips search`.
pub(crate) fn find(part: &str, flash: Option<u32>) -> Result<(), Failure> {
    let named = search(part);
    let has_size = |chip: &&Listing| flash.is_none_or(|bytes| chip.flash.len == bytes);
    let found: Vec<&Listing> = named.iter().copied().filter(has_size).collect();
    if let (Some(bytes), true, false) = (flash, found.is_empty(), named.is_empty()) {
        let mut sizes: Vec<u32> = named.iter().map(|chip| chip.flash.len).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let sizes: Vec<String> = sizes.into_iter().map(memory).collect();
        return Err(Failure::Input(anyhow!(
            "--flash: found {}, expected a size that these chips have: {}",
            memory(bytes),
            sizes.join(", ")
        )));
    }
    if found.is_empty() {
        let nearest = spinney_board::find(part).map_or_else(|unknown| unknown.nearest, |_| vec![]);
        let hint = if nearest.is_empty() {
            String::new()
        } else {
            format!("; did you mean {}?", nearest.join(", "))
        };
        return Err(Failure::Input(anyhow!(
            "no chip has \"{part}\" in its name{hint}"
        )));
    }
    print!("{}", listed(&found));
    Ok(())
}

/// A size as a config states it.
pub(crate) fn size(typed: &str) -> Result<u32, String> {
    let (digits, unit) = match typed.as_bytes().last() {
        Some(b'K' | b'k') => (&typed[..typed.len() - 1], 1024),
        Some(b'M' | b'm') => (&typed[..typed.len() - 1], 1024 * 1024),
        _ => (typed, 1),
    };
    let number: Option<u32> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| {
            "expected a number of bytes, or one with a unit such as 16K or 1M".to_owned()
        })
}

/// One line per chip, in columns.
fn listed(chips: &[&Listing]) -> String {
    let rows: Vec<[String; 6]> = chips.iter().map(|chip| columns(chip)).collect();
    let widths: Vec<usize> = (0..6)
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in &rows {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "{} of {} chips\n",
        rows.len(),
        spinney_board::chips().len()
    ));
    text
}

fn columns(chip: &Listing) -> [String; 6] {
    let mut notes = Vec::new();
    if chip.is_flash_external {
        notes.push("flash is a part of its own: its size by `[target] flash`".to_owned());
    }
    match chip.boot {
        Boot::Direct => {}
        boot if boot.missing().is_some() => {
            notes.push(format!("boots by {}, which is not supplied", boot.as_str()));
        }
        boot => notes.push(format!("boots by {}", boot.as_str())),
    }
    [
        chip.name.clone(),
        chip.core
            .map_or("core by `[target] core`", |core| core.as_str())
            .to_owned(),
        chip.core.map_or("", |core| core.target()).to_owned(),
        format!("flash {}", memory(chip.flash.len)),
        format!("RAM {}", memory(chip.ram.len)),
        notes.join("; "),
    ]
}

/// A length as a config states it: `64K`, `1M`, or bytes.
fn memory(bytes: u32) -> String {
    match bytes {
        bytes if bytes % (1024 * 1024) == 0 => format!("{}M", bytes / (1024 * 1024)),
        bytes if bytes % 1024 == 0 => format!("{}K", bytes / 1024),
        bytes => bytes.to_string(),
    }
}

/// `chips update`.
pub(crate) fn update() -> Result<(), Failure> {
    let (text, summary) = made()?;
    store::write_whole(&path(), text.as_bytes()).environment()?;
    print!("{summary}");
    Ok(())
}

/// What CI checks, on machines that have built spinney-probe: its tests, and that the checked-in
/// table is what the registry gives.
pub(crate) fn check() -> Result<(), Failure> {
    if !probe::is_built()? {
        eprintln!(
            "chips and probes: left out, spinney-probe is not built here; `cargo xtask chips update` builds it"
        );
        return Ok(());
    }
    probe::test()?;
    let (text, _) = made()?;
    let checked_in = std::fs::read_to_string(path()).input()?;
    if text == checked_in {
        Ok(())
    } else {
        Err(Failure::Input(anyhow!(
            "{} is not what the registry gives; `cargo xtask chips update` makes it anew",
            path().display()
        )))
    }
}

fn path() -> PathBuf {
    places::repository().join("crates/board/data/chips.csv")
}

/// The table from today's registry and rules, and a summary.
fn made() -> Result<(String, String), Failure> {
    let path = path().with_file_name("chips-more.csv");
    let more = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))
        .input()?;
    let more = parse_table(&more)
        .with_context(|| format!("{} is no chip table", path.display()))
        .input()?;
    let described = probe::describe_all()?;
    table(&described, more).input()
}

/// The table of the described chips and of `more`, and a summary of what is and what is not in it.
fn table(described: &[Description], more: Vec<Listing>) -> anyhow::Result<(String, String)> {
    let mut left_out: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut chips = more;
    let n_more = chips.len();
    for chip in described {
        match derive(chip) {
            Ok(listing) => chips.push(listing),
            Err(why) => left_out
                .entry(why.to_string())
                .or_default()
                .push(&chip.name),
        }
    }
    let text = write_table(&chips)?;
    let n_asked = chips.iter().filter(|chip| chip.core.is_none()).count();
    let n_packages: usize = chips.iter().map(|chip| chip.packages.len()).sum();
    let mut summary = format!(
        "{} chips, {n_more} of them from chips-more.csv; {n_packages} names with a package; the core of {n_asked} is asked for by key\n",
        chips.len(),
    );
    for (why, names) in left_out {
        let mut names = names;
        names.sort_unstable();
        summary.push_str(&format!("left out, {why}: {}\n", names.len()));
        summary.push_str(&format!("  {}\n", names.join(" ")));
    }
    Ok((text, summary))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spinney_board::{Architecture, DescribedCore};

    use super::*;

    #[test]
    fn columns_and_what_is_to_be_known() {
        let names = ["RP2040", "STM32F405RG", "swm341", "ESP32-C3"];
        let chips: Vec<Listing> = names
            .into_iter()
            .map(|name| spinney_board::find(name).unwrap())
            .collect();
        let chips: Vec<&Listing> = chips.iter().collect();
        expect![[r#"
            RP2040       cortex-m0plus            thumbv6m-none-eabi           flash 16M   RAM 264K  flash is a part of its own: its size by `[target] flash`; boots by rp2040-boot2
            STM32F405RG  cortex-m4f               thumbv7em-none-eabihf        flash 1M    RAM 128K
            swm341       core by `[target] core`                               flash 512K  RAM 64K
            ESP32-C3     riscv32imc               riscv32imc-unknown-none-elf  flash 8M    RAM 384K  flash is a part of its own: its size by `[target] flash`; boots by esp-idf, which is not supplied
            4 of 4242 chips
        "#]].assert_eq(&listed(&chips));
        assert_eq!(memory(0), "0M");
        assert_eq!(memory(1536 * 1024), "1536K");
        assert_eq!(memory(1025), "1025");
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        assert_eq!(size("16K"), Ok(16 * 1024));
        assert_eq!(size("1m"), Ok(1024 * 1024));
        assert_eq!(size("1000"), Ok(1000));
        for wrong in ["", "K", "16KB", "-1", "4096M", "½K"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        let odd = find("STM32F030", Some(1000)).unwrap_err();
        assert!(
            format!("{odd:?}").contains("16K, 32K, 64K, 256K"),
            "{odd:?}"
        );
        assert!(find("STM32F030", Some(16 * 1024)).is_ok());
    }

    #[test]
    fn what_is_left_out_is_named() {
        let odd = Description {
            name: "Z80".to_owned(),
            packages: Vec::new(),
            cores: vec![DescribedCore {
                name: "main".to_owned(),
                architecture: Architecture::Other,
            }],
            memories: Vec::new(),
        };
        let own = spinney_board::find("STM32F405RG").unwrap();
        let (text, summary) = table(&[odd], vec![own]).unwrap();
        assert_eq!(text.lines().count(), 2);
        expect![[r#"
            1 chips, 1 of them from chips-more.csv; 1 names with a package; the core of 0 is asked for by key
            left out, no family rule: 1
              Z80
        "#]].assert_eq(&summary);
    }
}
