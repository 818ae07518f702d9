//! Flash and RAM of an image, from the sections of its ELF file.

use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Object, ObjectSection, SectionFlags, elf};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes that an image takes on the chip, and its content's digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Bytes programmed into flash: code, constants, initial values of data.
    pub flash_bytes: u64,
    /// Bytes of RAM taken before the first instruction runs; the stack is not among them.
    pub ram_bytes: u64,
    /// SHA-256 over address and content of everything programmed.
    pub digest: String,
    /// The sections, by address.
    pub sections: Vec<Section>,
}

/// One section that exists on the chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Its name, for example `.text`.
    pub name: String,
    /// Bytes in flash.
    pub flash_bytes: u64,
    /// Bytes in RAM.
    pub ram_bytes: u64,
}

/// A file that is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the image: found {found}, expected a 32-bit little-endian ELF executable")]
pub struct ImageError {
    /// What is wrong.
    pub found: String,
}

impl Footprint {
    /// Reads an ELF file.
    ///
    /// A section that is allocated counts as flash where the file has content for it, and as RAM
    /// where it is writable; initialized data counts as both.
    ///
    /// # Errors
    /// Bytes that are no ELF file for a 32-bit processor, or have nothing to load.
    pub fn from_elf(bytes: &[u8]) -> Result<Self, ImageError> {
        let error = |error: object::Error| ImageError {
            found: error.to_string(),
        };
        let file = ElfFile32::<object::Endianness>::parse(bytes).map_err(error)?;
        let mut sections = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, sh_type } = section.flags() else {
                continue;
            };
            let is_allocated = sh_flags.contains(elf::SHF_ALLOC);
            let name = section.name().map_err(error)?;
            // riscv-rt's linker script calls by these names what is left of RAM.
            let is_left_over = [".stack", ".heap"].contains(&name);
            if !is_allocated || section.size() == 0 || is_left_over {
                continue;
            }
            let is_writable = sh_flags.contains(elf::SHF_WRITE);
            let has_content = sh_type != elf::SHT_NOBITS;
            sections.push((
                section.address(),
                Section {
                    name: name.to_owned(),
                    flash_bytes: if has_content { section.size() } else { 0 },
                    ram_bytes: if is_writable { section.size() } else { 0 },
                },
            ));
        }
        sections.sort_by_key(|(address, _)| *address);
        let sections: Vec<Section> = sections.into_iter().map(|(_, section)| section).collect();
        if sections.is_empty() {
            return Err(ImageError {
                found: "nothing to load".to_owned(),
            });
        }
        let mut digest = Sha256::new();
        for header in file.elf_program_headers() {
            let endian = file.endian();
            if header.p_type(endian) != elf::PT_LOAD {
                continue;
            }
            let content = header.data(endian, bytes).map_err(|()| ImageError {
                found: "a segment beyond the end of the file".to_owned(),
            })?;
            digest.update(header.p_paddr(endian).to_le_bytes());
            digest.update(content);
        }
        let hex: String = digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            flash_bytes: sections.iter().map(|section| section.flash_bytes).sum(),
            ram_bytes: sections.iter().map(|section| section.ram_bytes).sum(),
            digest: format!("sha256:{hex}"),
            sections,
        })
    }
}
