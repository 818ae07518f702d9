//! `chips search`: what the chip table has.

use anyhow::anyhow;
use spinney_board::{Boot, Listing, search};

use spinney_pipeline::failure::Failure;

use crate::terminal;

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
        let hint = if let Some(reason) = spinney_board::no_images_for(part) {
            format!(
                "; Spinney builds no images for such chips ({reason}), and `convert` writes a C header for \
                 their own compilers"
            )
        } else if nearest.is_empty() {
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
    let n_all = spinney_board::chips().len();
    let mut lines = terminal::columns(&rows, 6);
    lines.push(format!("{} of {n_all} chips\n", rows.len()));
    lines.join("\n")
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

#[cfg(test)]
mod tests {
    use expect_test::expect;

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
            4 of 4253 chips
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
}
