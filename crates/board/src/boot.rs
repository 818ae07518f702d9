//! What a chip wants to find in flash before it starts an image, and who puts it there.

/// Bytes at a fixed place of flash, among the code, that configure a chip or lock it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Where they are, from the start of flash: where the vectors of 240 interrupts end.
    pub offset: u32,
    /// The manufacturer's default, in which nothing is locked or protected.
    pub bytes: &'static [u8],
}

impl Field {
    /// The offset behind the last byte.
    pub fn end(self) -> u32 {
        self.offset + u32::try_from(self.bytes.len()).expect("a few bytes")
    }
}

/// NXP S32K1xx reference manual, flash configuration field: no backdoor key, no protected region;
/// FSEC 0xfe, not secured; FOPT 0x7f, FEPROT and FDPROT as the start-up code of NXP's S32 SDK has
/// them.
const FLASH_FIELD: Field = Field {
    offset: 0x400,
    bytes: &[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x7f, 0xff,
        0xff,
    ],
};

/// Renesas RA user manuals, option-setting memory: OFS0, OFS1 and the registers of the security
/// memory protection unit, up to SECMPUAC at 0x438, all as in erased flash: the watchdog is not
/// started, and no region is secure.
const OPTION_MEMORY: Field = Field {
    offset: 0x400,
    bytes: &[0xff; 0x3c],
};

/// What a chip wants to find in flash besides the vector table or the first instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// Nothing: the core starts at the beginning of flash.
    Direct,
    /// The RP2040's second stage: 256 bytes with a checksum at the start of flash, before the
    /// vector table. Linked into the image.
    #[serde(rename = "rp2040-boot2")]
    Rp2040Boot2,
    /// The RP2350's image definition, a block within the first 4 KiB. Linked into the image.
    #[serde(rename = "rp235x-block")]
    Rp235xBlock,
    /// The sum of the first eight words of the vector table is zero, by the choice of the eighth.
    /// Set while programming.
    LpcChecksum,
    /// The flash configuration field at 0x400 of NXP's S32K1 and Kinetis. Linked into the image, in the
    /// manufacturer's default, so that no image locks the chip; to start, the chip needs more.
    FlashField,
    /// The option-setting memory at 0x400 of Renesas' RA. Linked into the image, as an erased chip
    /// has it.
    OptionMemory,
    /// Espressif's second-stage bootloader, partition table and image format. Not supplied.
    EspIdf,
    /// Words at a fixed address among the code that configure, or lock, the chip, and that an image
    /// has no room for. Not supplied.
    ConfigField,
    /// Some other header, table or signature of the manufacturer's. Not supplied.
    Header,
}

impl Boot {
    /// Every requirement there is.
    #[rustfmt::skip]
    pub const ALL: [Self; 9] = [
        Self::Direct, Self::Rp2040Boot2, Self::Rp235xBlock, Self::LpcChecksum, Self::FlashField,
        Self::OptionMemory, Self::EspIdf, Self::ConfigField, Self::Header,
    ];

    /// The name in the chip table; empty for [`Self::Direct`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::Rp2040Boot2 => "rp2040-boot2",
            Self::Rp235xBlock => "rp235x-block",
            Self::LpcChecksum => "lpc-checksum",
            Self::FlashField => "flash-field",
            Self::OptionMemory => "option-memory",
            Self::EspIdf => "esp-idf",
            Self::ConfigField => "config-field",
            Self::Header => "header",
        }
    }

    /// The requirement with this [`Self::as_str`] name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|boot| boot.as_str() == name)
    }

    /// Bytes at the start of flash that come before the image's first word.
    pub fn prefix_bytes(self) -> u32 {
        match self {
            Self::Rp2040Boot2 => 256,
            _ => 0,
        }
    }

    /// The bytes that an image holds so that it does not lock the chip.
    pub fn field(self) -> Option<Field> {
        match self {
            Self::FlashField => Some(FLASH_FIELD),
            Self::OptionMemory => Some(OPTION_MEMORY),
            _ => None,
        }
    }

    /// Whether an image without what is missing can lock the chip, so that none is made.
    pub fn locks(self) -> bool {
        self == Self::ConfigField
    }

    /// Why Spinney's images do not start on such a chip, and what to do; `None` where they do.
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Self::Direct
            | Self::Rp2040Boot2
            | Self::Rp235xBlock
            | Self::LpcChecksum
            | Self::OptionMemory => None,
            Self::FlashField => Some(
                "its watchdog runs from reset on, and Spinney's start-up does not stop it; the image has the flash configuration field in NXP's default, which locks nothing; put the model crate into a project made with the manufacturer's start-up code",
            ),
            Self::EspIdf => Some(
                "it starts images in Espressif's format behind their bootloader; put the model crate into an esp-hal project and program that with espflash",
            ),
            Self::ConfigField => Some(
                "words among its vectors configure or lock it, and Spinney does not lay them out; put the model crate into a project made with the manufacturer's linker script",
            ),
            Self::Header => Some(
                "it starts images behind a header of the manufacturer's, which Spinney does not write; put the model crate into a project made with the manufacturer's tools",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for boot in Boot::ALL {
            assert_eq!(Boot::from_name(boot.as_str()), Some(boot));
        }
        assert_eq!(Boot::from_name("uf2"), None);
    }

    #[test]
    fn fields_lock_nothing() {
        // FSEC at 0x40c: SEC is 0b10, not secured (S32K1xx reference manual, FTFC_FSEC).
        let field = Boot::FlashField.field().unwrap();
        assert_eq!((field.offset, field.end()), (0x400, 0x410));
        assert_eq!(field.bytes[0xc] & 0b11, 0b10);
        let options = Boot::OptionMemory.field().unwrap();
        assert_eq!((options.offset, options.end()), (0x400, 0x43c));
        assert!(options.bytes.iter().all(|byte| *byte == 0xff));
        let locking: Vec<Boot> = Boot::ALL.into_iter().filter(|boot| boot.locks()).collect();
        assert_eq!(locking, [Boot::ConfigField]);
        assert!(
            Boot::ALL
                .iter()
                .all(|it| !it.locks() || it.missing().is_some())
        );
    }
}
