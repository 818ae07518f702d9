//! What programming an image does to flash: its bytes, the sectors they lie in, and whether it fits.

use std::fmt::Write;

use anyhow::{Context, bail};
use spinney_board::{Boot, Chip, Geometry};
use spinney_evaluate::Loaded;

/// A sector that is erased, and how much of it is programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sector {
    pub address: u64,
    pub bytes: u64,
    /// Bytes of the image in it.
    pub image_bytes: u64,
}

/// The image as it is programmed: what the chip wants to find in it, and no image has, is put in.
///
/// # Errors
/// An image that is not within the chip's flash.
pub fn prepare(chip: &Chip, mut image: Vec<Loaded>) -> anyhow::Result<Vec<Loaded>> {
    let flash = chip.flash;
    for stretch in &image {
        let end = u64::from(stretch.address) + stretch.bytes.len() as u64;
        if stretch.address < flash.origin || end > flash.end() {
            bail!(
                "the image has bytes from {:#010x} to {end:#010x}, and {} has flash from {:#010x} to {:#010x}",
                stretch.address,
                chip.name,
                flash.origin,
                flash.end()
            );
        }
    }
    if let Some(field) = chip.boot.field() {
        let address = flash.origin + field.offset;
        if bytes_at(&image, address, field.bytes.len()) != Some(field.bytes) {
            bail!(
                "the image has other words at {address:#010x} than those that leave {} unlocked",
                chip.name
            );
        }
    }
    if chip.boot == Boot::LpcChecksum {
        let address = flash.origin + CODE_READ_PROTECTION;
        let word = bytes_at(&image, address, 4).and_then(|bytes| bytes.first_chunk());
        if let Some(word) = word.map(|bytes| u32::from_le_bytes(*bytes))
            && PROTECTS.contains(&word)
        {
            bail!(
                "the image has {word:#010x} at {address:#010x}, which locks {} against the debugger",
                chip.name
            );
        }
        let first = image
            .first_mut()
            .filter(|stretch| stretch.address == flash.origin)
            .context("the image has no vector table at the start of flash")?;
        set_checksum(&mut first.bytes).context("the vector table has less than eight words")?;
    }
    Ok(image)
}

/// The word that switches code read protection on: NXP LPC user manuals, "code read protection".
const CODE_READ_PROTECTION: u32 = 0x2fc;
/// Its values CRP1, CRP2, CRP3 and NO_ISP.
const PROTECTS: [u32; 4] = [0x1234_5678, 0x8765_4321, 0x4321_8765, 0x4e69_7370];

/// The bytes of the image from `address` on, if it has them all.
fn bytes_at(image: &[Loaded], address: u32, len: usize) -> Option<&[u8]> {
    image.iter().find_map(|stretch| {
        let start = usize::try_from(address.checked_sub(stretch.address)?).ok()?;
        stretch.bytes.get(start..start.checked_add(len)?)
    })
}

/// Makes the sum of the first eight words zero: NXP LPC user manuals, "valid user code".
fn set_checksum(bytes: &mut [u8]) -> Option<()> {
    let (vectors, eighth) = bytes.get_mut(..32)?.split_at_mut(28);
    let sum = vectors.as_chunks().0.iter().fold(0_u32, |sum, word| {
        sum.wrapping_add(u32::from_le_bytes(*word))
    });
    eighth.copy_from_slice(&sum.wrapping_neg().to_le_bytes());
    Some(())
}

/// The sectors that the image lies in, by address.
///
/// # Errors
/// Bytes outside the flash that `geometry` describes.
pub fn sectors(image: &[Loaded], geometry: &Geometry) -> anyhow::Result<Vec<Sector>> {
    let mut touched: Vec<Sector> = Vec::new();
    for stretch in image {
        let mut address = u64::from(stretch.address);
        let end = address + stretch.bytes.len() as u64;
        while address < end {
            let (start, bytes) = sector_at(geometry, address)
                .with_context(|| format!("the registry has no sector at {address:#010x}"))?;
            let stop = end.min(start + bytes);
            match touched.last_mut() {
                Some(last) if last.address == start => last.image_bytes += stop - address,
                _ => touched.push(Sector {
                    address: start,
                    bytes,
                    image_bytes: stop - address,
                }),
            }
            address = stop;
        }
    }
    Ok(touched)
}

/// Start and length of the sector that holds `address`.
fn sector_at(geometry: &Geometry, address: u64) -> Option<(u64, u64)> {
    let end = geometry.origin + geometry.bytes;
    let group = geometry
        .sectors
        .iter()
        .filter(|group| group.from <= address && address < end && group.bytes > 0)
        .max_by_key(|group| group.from)?;
    let start = group.from + (address - group.from) / group.bytes * group.bytes;
    Some((start, group.bytes))
}

/// The plan as a table.
pub fn text(chip: &Chip, sectors: &[Sector], geometry: &Geometry) -> String {
    let sum = |of: fn(&Sector) -> u64| sectors.iter().map(of).sum::<u64>();
    let mut text = format!(
        "{}: {} sector{}, {} bytes are erased, {} of them programmed, in pages of {} bytes\n\n\
         sector        bytes  of the image\n",
        chip.name,
        sectors.len(),
        if sectors.len() == 1 { "" } else { "s" },
        sum(|sector| sector.bytes),
        sum(|sector| sector.image_bytes),
        geometry.page_bytes,
    );
    for sector in sectors {
        let _ = writeln!(
            text,
            "{:#010x}  {:>7}  {:>12}",
            sector.address, sector.bytes, sector.image_bytes
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spinney_board::{SectorSize, find};

    use super::*;

    fn chip(name: &str) -> Chip {
        find(name).unwrap().chip(None).unwrap()
    }

    fn stretch(address: u32, len: usize) -> Loaded {
        Loaded {
            address,
            bytes: vec![1; len],
        }
    }

    fn f405() -> Geometry {
        let sectors = [(0x0800_0000, 16), (0x0801_0000, 64), (0x0802_0000, 128)];
        Geometry {
            origin: 0x0800_0000,
            bytes: 0x10_0000,
            page_bytes: 1024,
            sectors: sectors
                .map(|(from, kib)| SectorSize {
                    from,
                    bytes: kib * 1024,
                })
                .to_vec(),
        }
    }

    #[test]
    fn sectors_of_different_sizes_and_two_stretches_in_one() {
        let image = [
            stretch(0x0800_0100, 100),
            stretch(0x0800_1000, 0x1_0000),
            stretch(0x0802_0000 + 128 * 1024 - 1, 2),
        ];
        let plan = sectors(&image, &f405()).unwrap();
        expect![[r#"
            STM32F405RG: 7 sectors, 393216 bytes are erased, 65638 of them programmed, in pages of 1024 bytes

            sector        bytes  of the image
            0x08000000    16384         12388
            0x08004000    16384         16384
            0x08008000    16384         16384
            0x0800c000    16384         16384
            0x08010000    65536          4096
            0x08020000   131072             1
            0x08040000   131072             1
        "#]].assert_eq(&text(&chip("STM32F405RG"), &plan, &f405()));
        let image_bytes: u64 = plan.iter().map(|sector| sector.image_bytes).sum();
        assert_eq!(image_bytes, 100 + 0x1_0000 + 2);
    }

    #[test]
    fn bytes_outside_flash() {
        let fails = |address, len| {
            let image = vec![stretch(address, len)];
            prepare(&chip("STM32F405RG"), image)
                .unwrap_err()
                .to_string()
        };
        expect!["the image has bytes from 0x080fffff to 0x08100001, and STM32F405RG has flash from 0x08000000 to 0x08100000"].assert_eq(&fails(0x080f_ffff, 2));
        expect!["the image has bytes from 0x20000000 to 0x20000004, and STM32F405RG has flash from 0x08000000 to 0x08100000"].assert_eq(&fails(0x2000_0000, 4));
        let beyond = sectors(&[stretch(0x0810_0000, 1)], &f405()).unwrap_err();
        expect!["the registry has no sector at 0x08100000"].assert_eq(&beyond.to_string());
    }

    #[test]
    fn an_image_that_could_lock_the_chip() {
        let renesas = chip("R7FA4M1AB");
        let mut image = stretch(0, 0x1000);
        let error = prepare(&renesas, vec![image.clone()]).unwrap_err();
        expect!["the image has other words at 0x00000400 than those that leave R7FA4M1AB unlocked"]
            .assert_eq(&error.to_string());
        image.bytes[0x400..0x43c].fill(0xff);
        assert!(prepare(&renesas, vec![image]).is_ok());
        assert!(prepare(&renesas, vec![stretch(0, 0x400)]).is_err());
    }

    #[test]
    fn the_checksum_of_an_lpc() {
        let image = prepare(&chip("LPC845M301JBD48"), vec![stretch(0, 64)]).unwrap();
        let words: Vec<u32> = image[0].bytes[..32]
            .as_chunks()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        assert_eq!(
            words
                .iter()
                .fold(0, |sum: u32, word| sum.wrapping_add(*word)),
            0
        );
        assert_eq!(words[6], 0x0101_0101);
        assert!(prepare(&chip("LPC845M301JBD48"), vec![stretch(0, 16)]).is_err());
        assert!(prepare(&chip("LPC845M301JBD48"), vec![stretch(64, 64)]).is_err());
        for word in PROTECTS {
            let mut locking = stretch(0, 0x400);
            locking.bytes[0x2fc..0x300].copy_from_slice(&word.to_le_bytes());
            let error = prepare(&chip("LPC845M301JBD48"), vec![locking]).unwrap_err();
            assert!(error.to_string().contains("locks"), "{error}");
        }
        let plain = vec![stretch(0x0800_0000, 64)];
        assert_eq!(prepare(&chip("STM32F405RG"), plain.clone()).unwrap(), plain);
    }
}
