//! What a chip wants to find in flash before it starts an image, and who puts it there.

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
    /// Espressif's second-stage bootloader, partition table and image format. Not supplied.
    EspIdf,
    /// Words at a fixed address among the code that configure, or lock, the chip. Not supplied.
    ConfigField,
    /// Some other header, table or signature of the manufacturer's. Not supplied.
    Header,
}

impl Boot {
    /// Every requirement there is.
    pub const ALL: [Self; 7] = [
        Self::Direct,
        Self::Rp2040Boot2,
        Self::Rp235xBlock,
        Self::LpcChecksum,
        Self::EspIdf,
        Self::ConfigField,
        Self::Header,
    ];

    /// The name in the chip table; empty for [`Self::Direct`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "",
            Self::Rp2040Boot2 => "rp2040-boot2",
            Self::Rp235xBlock => "rp235x-block",
            Self::LpcChecksum => "lpc-checksum",
            Self::EspIdf => "esp-idf",
            Self::ConfigField => "config-field",
            Self::Header => "header",
        }
    }

    /// The requirement with this [`Self::as_str`] name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|boot| boot.as_str() == name)
    }

    /// Bytes at the start of flash that come before the image's first word.
    #[must_use]
    pub fn prefix_bytes(self) -> u32 {
        match self {
            Self::Rp2040Boot2 => 256,
            _ => 0,
        }
    }

    /// Why Spinney's images do not start on such a chip, and what to do; `None` where they do.
    #[must_use]
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Self::Direct | Self::Rp2040Boot2 | Self::Rp235xBlock | Self::LpcChecksum => None,
            Self::EspIdf => Some(
                "it starts images in Espressif's format behind their bootloader; put the model crate into an esp-hal project and program that with espflash",
            ),
            Self::ConfigField => Some(
                "words among its code configure or lock it, and Spinney does not lay them out; put the model crate into a project made with the manufacturer's linker script",
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
}
