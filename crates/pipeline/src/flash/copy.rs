//! `flash --uf2`: the product image onto the drive of a UF2 bootloader, or into a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use spinney_board::{UF2_FAMILIES, Uf2Family};
use spinney_evaluate::loaded;

use super::{formats, plan};
use crate::failure::{ExitReason, Failure};
use crate::progress::Progress;
use crate::stages;

/// What a drive says of the board behind it.
const INFO: &str = "INFO_UF2.TXT";
const INFO_BYTES_MAX: u64 = 1 << 16;

/// Copies the image that the pipeline at `config` last ran to `to`, the folder at which a board's
/// drive is mounted or a file; gives the path of the file.
///
/// # Errors
/// There is no whole run, the chip has no such bootloader or the image lies where that is, or the
/// drive is another board's or takes no file.
pub fn copy(config: &Path, to: &Path, progress: &Progress) -> Result<PathBuf, Failure> {
    let product = stages::product(config, progress.clone())?;
    let chip = &product.config.pipeline.target.chip;
    super::refuse_start(&product)?;
    let Some(family) = Uf2Family::of(chip) else {
        let known: Vec<&str> = UF2_FAMILIES.iter().map(|family| family.name).collect();
        let found = format!(
            "found {}, expected a chip with a UF2 bootloader, of the families {}",
            chip.name,
            known.join(", ")
        );
        let help = "without --uf2 a debug probe programs it; beside the image's ELF file are a bin and a hex \
                    file";
        return product.config.refuse("target.chip", found, Some(help));
    };
    let image = loaded(&product.elf).environment()?;
    let image = plan::prepare(chip, image).map_err(Failure::Image)?;
    if !formats::is_free(family, &image) {
        let found = format!(
            "found an image from {:#x} on, where the bootloader of {} boards is, expected one from {:#x} \
             on or behind it",
            chip.flash.origin, family.name, family.first_free
        );
        let help = "`origin` in [target] says where images start, docs/hardware.md has usual ones";
        return product.config.refuse("target.chip", found, Some(help));
    }
    check_board(family, to, progress)?;
    let file = match to.is_dir() {
        true => to.join(format!("{}.uf2", product.config.pipeline.identity.name)),
        false => to.to_owned(),
    };
    write(&file, &formats::uf2(family, &image))
        .with_context(|| format!("cannot write {}", file.display()))
        .environment()?;
    Ok(file)
}

/// Writes the file in place: a bootloader takes blocks as they come, and resets behind the last, so
/// that there is no drive left to rename anything on.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    match file.sync_all() {
        Err(error) if path.exists() => Err(error),
        _ => Ok(()),
    }
}

/// Refuses the drive of a board of another family.
fn check_board(family: &Uf2Family, to: &Path, progress: &Progress) -> Result<(), Failure> {
    let path = to.join(INFO);
    if !to.is_dir() {
        return Ok(());
    }
    let info = match path.exists() {
        true => spinney_config::file::read(&path, INFO_BYTES_MAX).environment()?,
        false => Vec::new(),
    };
    let info = String::from_utf8_lossy(&info);
    match family.is_told_by(&info) {
        Some(true) => {}
        Some(false) => {
            return Err(Failure::Environment(anyhow!(
                "{}: found {:?}, expected a board of the family {}; nothing was copied",
                path.display(),
                board(&info),
                family.name
            )));
        }
        None => progress.note(&format!(
            "{} does not say what board it is of; the bootloader refuses files for other families \
             than its own, this one is for {}",
            path.display(),
            family.name
        )),
    }
    Ok(())
}

/// The line that names the board.
fn board(info: &str) -> &str {
    let mut lines = info.lines();
    let line = lines.find(|line| line.starts_with("Board-ID:"));
    line.unwrap_or(info).trim()
}

#[cfg(test)]
mod tests {
    use spinney_board::find;

    use super::*;

    #[test]
    fn a_drive_of_another_board_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let check = |chip: &str| {
            let family = Uf2Family::of(&find(chip).unwrap().chip(None).unwrap()).unwrap();
            check_board(family, folder.path(), &Progress::none())
        };
        let says = |info: &str| std::fs::write(folder.path().join(INFO), info).unwrap();
        let pico = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n";
        says(pico);
        assert!(check("RP2040").is_ok());
        let refused = check("nRF52840_xxAA").unwrap_err();
        assert_eq!(refused.exit_code(), 3);
        let told = format!("{refused:?}");
        assert!(
            told.contains("Board-ID: RPI-RP2") && told.contains("NRF52840"),
            "{told}"
        );
        says("Board-ID: Mine-v1");
        assert!(check("nRF52840_xxAA").is_ok());
        std::fs::remove_file(folder.path().join(INFO)).unwrap();
        assert!(check("RP2040").is_ok());
    }
}
