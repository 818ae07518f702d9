//! What a chip wants to find in flash besides the image, as commands for the linker.

use spinney_board::{Boot, Field, Region};

/// Linker commands that put what `boot` asks for into the image; empty where it asks for nothing
/// that an image holds. They belong into the memory map, which has `FLASH` behind
/// [`Boot::prefix_bytes`].
pub(crate) fn boot_sections(boot: Boot, flash: Region) -> String {
    match boot {
        Boot::Rp2040Boot2 => {
            // Reads with the slowest command, which every flash part on every board understands.
            let words = words(&rp2040_boot2::BOOT_LOADER_GENERIC_03H);
            format!(
                "MEMORY\n{{\n  BOOT2 : ORIGIN = {:#010x}, LENGTH = {:#x}\n}}\n\
                 SECTIONS\n{{\n  .boot2 ORIGIN(BOOT2) :\n  {{\n{words}  }} > BOOT2\n}}\n\
                 INSERT BEFORE .vector_table;\n",
                flash.origin,
                boot.prefix_bytes(),
            )
        }
        Boot::Rp235xBlock => {
            let words: String = IMAGE_DEFINITION.map(long).concat();
            format!(
                "SECTIONS\n{{\n  .image_definition : ALIGN(4)\n  {{\n{words}  }} > FLASH\n}}\n\
                 INSERT AFTER .vector_table;\n\
                 _stext = ADDR(.image_definition) + SIZEOF(.image_definition);\n"
            )
        }
        Boot::FlashField | Boot::OptionMemory => boot.field().map_or(String::new(), field_section),
        Boot::Direct | Boot::LpcChecksum | Boot::EspIdf | Boot::ConfigField | Boot::Header => {
            String::new()
        }
    }
}

/// The section of a field among the code, from the vectors on, as what lies between the two is taken
/// as well; and code behind it.
fn field_section(field: Field) -> String {
    let (offset, words) = (field.offset, words(field.bytes));
    format!(
        "SECTIONS\n{{\n  .chip_configuration (ADDR(.vector_table) + SIZEOF(.vector_table)) :\n  {{\n    \
         . += {offset:#x} - SIZEOF(.vector_table);\n    \
         __chip_configuration = .;\n{words}  }} > FLASH\n}}\n\
         INSERT AFTER .vector_table;\n\
         _stext = ADDR(.chip_configuration) + SIZEOF(.chip_configuration);\n\
         ASSERT(__chip_configuration == ORIGIN(FLASH) + {offset:#x}, \
         \"the words that configure the chip are not where it looks for them: too many vectors\");\n"
    )
}

/// The smallest loop of blocks that makes an Arm image bootable: RP2350 data sheet, 5.9.5.1.
///
/// Start of block; one item, an executable for the RP2350's Arm cores in secure state; end of
/// items; the distance to the next block of the loop, which is this one; end of block.
const IMAGE_DEFINITION: [u32; 5] = [0xffff_ded3, 0x1021_0142, 0x0000_01ff, 0, 0xab12_3579];

fn words(bytes: &[u8]) -> String {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| long(u32::from_le_bytes(*word)))
        .collect()
}

fn long(word: u32) -> String {
    format!("    LONG({word:#010x})\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The RP2040's boot ROM takes 252 bytes with their CRC behind them: data sheet, 2.8.1.3.1.
    #[test]
    fn the_checksum_of_the_second_stage() {
        let bytes = &rp2040_boot2::BOOT_LOADER_GENERIC_03H;
        let (code, checksum) = bytes.split_at(252);
        let mut crc = u32::MAX;
        for byte in code {
            crc ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                let carry = crc >> 31 == 1;
                crc <<= 1;
                if carry {
                    crc ^= 0x04c1_1db7;
                }
            }
        }
        assert_eq!(crc.to_le_bytes(), checksum);
        let text = boot_sections(Boot::Rp2040Boot2, Region::new(0x1000_0000, 1 << 21));
        assert_eq!(text.matches("LONG(").count(), 64);
        assert!(text.contains("BOOT2 : ORIGIN = 0x10000000, LENGTH = 0x100"));
    }

    #[test]
    fn a_field_among_the_code_is_laid_out_word_by_word() {
        let text = boot_sections(Boot::FlashField, Region::new(0, 1 << 19));
        assert!(
            text.contains(". += 0x400 - SIZEOF(.vector_table);"),
            "{text}"
        );
        let words: Vec<&str> = text.lines().filter(|it| it.contains("LONG(")).collect();
        let expected = ["0xffffffff", "0xffffffff", "0xffffffff", "0xffff7ffe"];
        assert_eq!(words, expected.map(|word| format!("    LONG({word})")));
        let text = boot_sections(Boot::OptionMemory, Region::new(0, 1 << 19));
        assert_eq!(text.matches("LONG(0xffffffff)").count(), 15);
    }

    #[test]
    fn most_chips_ask_for_nothing() {
        for boot in Boot::ALL {
            let text = boot_sections(boot, Region::new(0, 1024));
            let is_linked =
                boot.field().is_some() || matches!(boot, Boot::Rp2040Boot2 | Boot::Rp235xBlock);
            assert_eq!(!text.is_empty(), is_linked, "{boot:?}");
        }
    }
}
