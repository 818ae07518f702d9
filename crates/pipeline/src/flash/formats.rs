//! An image in the files that programmers other than a debug probe take.

use std::collections::BTreeSet;

use spinney_board::{Chip, Uf2Family};
use spinney_evaluate::{Loaded, loaded};

use super::plan;

/// What an erased byte of flash reads as, which fills gaps.
const ERASED: u8 = 0xff;

/// The files of an image by the end of their names: `bin`, `hex` and, where the chip's bootloaders
/// take it, `uf2`. None where the chip would not start the image, or has no room for it.
pub(crate) fn files(chip: &Chip, elf: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let image = loaded(elf)
        .ok()
        .filter(|_| chip.cannot_start().is_none())
        .and_then(|image| plan::prepare(chip, image).ok());
    let Some(image) = image else {
        return Vec::new();
    };
    let mut files = vec![("bin", bin(&image)), ("hex", hex(&image).into_bytes())];
    if let Some(family) = Uf2Family::of(chip).filter(|family| is_free(family, &image)) {
        files.push(("uf2", uf2(family, &image)));
    }
    files
}

/// Whether the image leaves the bootloader alone.
pub(crate) fn is_free(family: &Uf2Family, image: &[Loaded]) -> bool {
    image
        .iter()
        .all(|stretch| stretch.address >= family.first_free)
}

/// Bytes from the image's first address to its last.
fn bin(image: &[Loaded]) -> Vec<u8> {
    let origin = image.first().map_or(0, |first| first.address);
    let mut bytes = Vec::new();
    for stretch in image {
        bytes.resize((stretch.address - origin) as usize, ERASED);
        bytes.extend(&stretch.bytes);
    }
    bytes
}

/// Intel's Hexadecimal Object File Format, revision A (1988): data, and addresses of 32 bits.
fn hex(image: &[Loaded]) -> String {
    const RECORD_BYTES: u32 = 16;
    let mut text = String::new();
    let mut upper = None;
    for stretch in image {
        let mut address = stretch.address;
        let mut left = &stretch.bytes[..];
        while !left.is_empty() {
            if upper != Some(address >> 16) {
                upper = Some(address >> 16);
                record(&mut text, 0, 4, &address.to_be_bytes()[..2]);
            }
            // A record ends where its lower half of the address would wrap.
            let len = RECORD_BYTES - address % RECORD_BYTES;
            let (data, rest) = left.split_at(left.len().min(len as usize));
            record(&mut text, address, 0, data);
            left = rest;
            address = address.wrapping_add(len);
        }
    }
    record(&mut text, 0, 1, &[]);
    text
}

fn record(text: &mut String, address: u32, kind: u8, data: &[u8]) {
    let [.., high, low] = address.to_be_bytes();
    let len = u8::try_from(data.len()).expect("at most 16");
    let mut bytes = vec![len, high, low, kind];
    bytes.extend(data);
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes.push(sum.wrapping_neg());
    text.push(':');
    for byte in bytes {
        text.push_str(&format!("{byte:02X}"));
    }
    text.push('\n');
}

/// Microsoft's USB Flashing Format: blocks of 512 bytes, each with 256 of the image.
pub(crate) fn uf2(family: &Uf2Family, image: &[Loaded]) -> Vec<u8> {
    const PAGE: u32 = 256;
    const MAGIC: [u32; 2] = [0x0a32_4655, 0x9e5d_5157];
    const FAMILY_GIVEN: u32 = 0x2000;
    const BLOCK_BYTES: usize = 512;
    const MAGIC_END: u32 = 0x0ab1_6f30;
    // The pages of all units that have a byte of the image.
    let mut pages: BTreeSet<u32> = BTreeSet::new();
    for stretch in image {
        let end = u64::from(stretch.address) + stretch.bytes.len() as u64;
        let unit = family.unit_bytes;
        let first = stretch.address / unit * unit;
        let in_unit = |page: &u32| u64::from(*page) < end.next_multiple_of(u64::from(unit));
        pages.extend((first..).step_by(PAGE as usize).take_while(in_unit));
    }
    let n_pages = u32::try_from(pages.len()).expect("pages of 32 bits of addresses");
    let mut file = Vec::with_capacity(pages.len() * BLOCK_BYTES);
    for (index, page) in (0_u32..).zip(pages) {
        let header = [
            MAGIC[0],
            MAGIC[1],
            FAMILY_GIVEN,
            page,
            PAGE,
            index,
            n_pages,
            family.id,
        ];
        file.extend(header.iter().flat_map(|word| word.to_le_bytes()));
        file.extend(page_of(image, page, PAGE));
        file.resize((index as usize + 1) * BLOCK_BYTES - 4, 0);
        file.extend(MAGIC_END.to_le_bytes());
    }
    file
}

fn page_of(image: &[Loaded], page: u32, len: u32) -> Vec<u8> {
    let mut bytes = vec![ERASED; len as usize];
    for stretch in image {
        for (byte, address) in bytes.iter_mut().zip(page..) {
            let at = address.checked_sub(stretch.address);
            if let Some(own) = at.and_then(|at| stretch.bytes.get(at as usize)) {
                *byte = *own;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spinney_board::find;

    use super::*;

    fn stretch(address: u32, bytes: impl IntoIterator<Item = u8>) -> Loaded {
        Loaded {
            address,
            bytes: bytes.into_iter().collect(),
        }
    }

    fn family(chip: &str) -> &'static Uf2Family {
        Uf2Family::of(&find(chip).unwrap().chip(None).unwrap()).unwrap()
    }

    /// What a reader of hex files makes of one.
    fn read_hex(text: &str) -> Vec<(u32, u8)> {
        let mut upper = 0;
        let mut read = Vec::new();
        for line in text.lines() {
            let digits = line.strip_prefix(':').unwrap();
            let bytes: Vec<u8> = (0..digits.len() / 2)
                .map(|at| u8::from_str_radix(&digits[2 * at..][..2], 16).unwrap())
                .collect();
            let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
            assert_eq!(sum % 256, 0, "{line}");
            let (data, lower) = (&bytes[4..bytes.len() - 1], [bytes[1], bytes[2]]);
            assert_eq!(data.len(), usize::from(bytes[0]), "{line}");
            match bytes[3] {
                0 => {
                    let first = upper | u32::from(u16::from_be_bytes(lower));
                    read.extend((first..).zip(data.iter().copied()));
                }
                4 => upper = u32::from(u16::from_be_bytes([data[0], data[1]])) << 16,
                1 => return read,
                other => panic!("a record of kind {other}"),
            }
        }
        panic!("no end of file")
    }

    #[test]
    fn files_hold_the_image_byte_for_byte() {
        let image = [
            stretch(0x0800_fff3, (0..=255).cycle().take(300)),
            stretch(0x0801_0200, [1, 2, 3]),
        ];
        let told: Vec<(u32, u8)> = image
            .iter()
            .flat_map(|it| (it.address..).zip(it.bytes.iter().copied()))
            .collect();
        let bin = bin(&image);
        assert_eq!(bin.len(), 0x0801_0203 - 0x0800_fff3);
        for (address, byte) in &told {
            assert_eq!(bin[(address - 0x0800_fff3) as usize], *byte);
        }
        assert_eq!(bin[300..0x20d], vec![0xff; 0x20d - 300]);
        assert_eq!(read_hex(&hex(&image)), told);
        expect![[r"
            :020000040800F2
            :03FFFD00010203FB
            :020000040801F1
            :020000000405F5
            :00000001FF
        "]]
        .assert_eq(&hex(&[stretch(0x0800_fffd, 1..=5)]));
    }

    /// What `uf2conv.py --info` and the conversion back of microsoft/uf2 take a file for.
    #[test]
    fn blocks_of_a_uf2_file() {
        let image = [stretch(0x2f80, [7; 300]), stretch(0x3200, [9])];
        let read = |chip| {
            let file = uf2(family(chip), &image);
            let words = |block: &[u8]| -> Vec<u32> {
                let words = block[..32].as_chunks().0.iter();
                words.map(|word| u32::from_le_bytes(*word)).collect()
            };
            let n_blocks = u32::try_from(file.len() / 512).unwrap();
            let mut pages = Vec::new();
            for (index, block) in (0..).zip(file.chunks(512)) {
                let [start, second, flags, page, len, own, all, id] = words(block)[..] else {
                    panic!("eight words");
                };
                assert_eq!((start, second), (0x0a32_4655, 0x9e5d_5157));
                assert_eq!((flags, len, own, all), (0x2000, 256, index, n_blocks));
                assert_eq!(id, family(chip).id);
                assert_eq!(block[508..], 0x0ab1_6f30_u32.to_le_bytes());
                pages.push((page, block[32..288].to_vec()));
            }
            pages
        };
        let samd = read("ATSAMD21G18A");
        let addresses: Vec<u32> = samd.iter().map(|(page, _)| *page).collect();
        assert_eq!(addresses, [0x2f00, 0x3000, 0x3200]);
        assert_eq!(samd[0].1, [[0xff; 128], [7; 128]].concat());
        assert_eq!(samd[1].1, [vec![7; 172], vec![0xff; 84]].concat());
        assert_eq!(samd[2].1[..2], [9, 0xff]);
        // Whole sectors of 4 KiB.
        let rp2040: Vec<u32> = read("RP2040").iter().map(|(page, _)| *page).collect();
        assert_eq!(rp2040, (0x2000..0x4000).step_by(256).collect::<Vec<u32>>());
    }

    #[test]
    fn an_image_where_the_bootloader_is_has_no_uf2() {
        let free = |chip, address| is_free(family(chip), &[stretch(address, [0; 64])]);
        assert!(free("RP2040", 0x1000_0000));
        assert!(!free("ATSAMD21G18A", 0));
        assert!(free("ATSAMD21G18A", 0x2000));
        assert!(!free("nRF52840_xxAA", 0));
        assert!(free("nRF52840_xxAA", 0x27000));
    }
}
