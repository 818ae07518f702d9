//! What an image's ELF file says to whoever programs it: bytes by address, and where symbols are.

use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol, elf};

use crate::ImageError;

/// Bytes that are programmed, and where the first of them goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The address of the first byte.
    pub address: u32,
    /// The bytes, at least one.
    pub bytes: Vec<u8>,
}

/// What an image's file has to be programmed, by address, in stretches that do not touch.
///
/// # Errors
/// Bytes that are no ELF file for a 32-bit processor, have nothing to load, or the same address
/// twice.
pub fn loaded(bytes: &[u8]) -> Result<Vec<Loaded>, ImageError> {
    let fault = |found: &str| ImageError {
        found: found.to_owned(),
    };
    let file = parse(bytes)?;
    let mut stretches: Vec<Loaded> = Vec::new();
    for header in file.elf_program_headers() {
        let endian = file.endian();
        if header.p_type(endian) != elf::PT_LOAD || header.p_filesz(endian) == 0 {
            continue;
        }
        let content = header
            .data(endian, bytes)
            .map_err(|()| fault("a segment beyond the end of the file"))?;
        stretches.push(Loaded {
            address: header.p_paddr(endian),
            bytes: content.to_vec(),
        });
    }
    stretches.sort_by_key(|stretch| stretch.address);
    let mut joined: Vec<Loaded> = Vec::new();
    for stretch in stretches {
        match joined.last_mut() {
            Some(last) if end(last) > u64::from(stretch.address) => {
                return Err(fault("two segments at one address"));
            }
            Some(last) if end(last) == u64::from(stretch.address) => {
                last.bytes.extend(stretch.bytes);
            }
            _ => joined.push(stretch),
        }
    }
    if joined.is_empty() {
        return Err(fault("nothing to load"));
    }
    Ok(joined)
}

/// The address of a symbol that the image defines.
///
/// # Errors
/// Bytes that are no ELF file for a 32-bit processor.
pub fn symbol(bytes: &[u8], name: &str) -> Result<Option<u64>, ImageError> {
    let file = parse(bytes)?;
    Ok(file
        .symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
        .map(|symbol| symbol.address()))
}

fn parse(bytes: &[u8]) -> Result<ElfFile32<'_, Endianness>, ImageError> {
    ElfFile32::parse(bytes).map_err(|error| ImageError {
        found: error.to_string(),
    })
}

fn end(stretch: &Loaded) -> u64 {
    u64::from(stretch.address) + stretch.bytes.len() as u64
}
