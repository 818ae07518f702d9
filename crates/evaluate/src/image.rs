//! What an image's ELF file says to whoever programs it: bytes by address, and where symbols are.

use std::ops::Range;

use object::read::elf::{ElfFile32, ProgramHeader};
use object::{Architecture, Endianness, Object, ObjectSymbol, elf};

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
    Ok(place(bytes, name)?.map(|place| place.start))
}

/// The addresses of the one function in whose symbol this stands; `None` without one.
pub(crate) fn function_like(bytes: &[u8], part: &str) -> Result<Option<Range<u32>>, ImageError> {
    let file = parse(bytes)?;
    let symbol = file
        .symbols()
        .find(|symbol| symbol.is_definition() && symbol.name().is_ok_and(|it| it.contains(part)));
    Ok(symbol.and_then(|symbol| {
        let start = u32::try_from(symbol.address()).ok()? & !1;
        Some(start..start.checked_add(u32::try_from(symbol.size()).ok()?)?)
    }))
}

/// The addresses that a symbol which the image defines takes.
///
/// # Errors
/// Bytes that are no ELF file for a 32-bit processor.
pub fn place(bytes: &[u8], name: &str) -> Result<Option<Range<u64>>, ImageError> {
    let file = parse(bytes)?;
    Ok(file
        .symbols()
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(name))
        .map(|symbol| symbol.address()..symbol.address().saturating_add(symbol.size())))
}

/// Where an image delivers a class, and the register that holds the class's address there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassAt {
    /// The address of an instruction before which the class is there.
    pub address: u32,
    /// The register's number, as debuggers count.
    pub register: usize,
}

/// How the symbol starts that names this register.
const CLASS_AT: &str = "spinney_class_at_";

/// Where a product image delivers classes, as its file says by a symbol that names a register.
///
/// # Errors
/// Bytes that are no ELF file for a 32-bit processor, no such symbol, or an unknown register.
pub fn class_at(bytes: &[u8]) -> Result<ClassAt, ImageError> {
    let file = parse(bytes)?;
    let mut places = file.symbols().filter_map(|symbol| {
        let name = symbol.name().ok()?.strip_prefix(CLASS_AT)?;
        Some(ClassAt {
            address: u32::try_from(symbol.address()).ok()? & !1,
            register: register(name)?,
        })
    });
    places.next().ok_or_else(|| ImageError {
        found: "no word on where a class is delivered".to_owned(),
    })
}

/// The number of a register of Arm or RISC-V that compilers give values to, by its name.
fn register(name: &str) -> Option<usize> {
    let number = |start: &str| name.strip_prefix(start)?.parse::<usize>().ok();
    match name {
        "ra" => return Some(1),
        "lr" => return Some(14),
        _ => {}
    }
    // No name of the one is a name of the other.
    number("r")
        .filter(|number| *number < 13)
        .or_else(|| number("t").map(|n| if n < 3 { 5 + n } else { 25 + n }))
        .or_else(|| number("s").map(|n| if n < 2 { 8 + n } else { 16 + n }))
        .or_else(|| number("a").map(|n| 10 + n))
        .filter(|number| *number < 32)
}

/// What an image's file says of itself: which inputs made it, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The rest of the symbol that starts with the mark; `None` if there is none, or several.
    pub mark: Option<String>,
    /// For RISC-V, or for Arm.
    pub is_riscv: bool,
    /// The lowest address that is programmed.
    pub start: u32,
}

impl Label {
    /// Reads the label whose symbol starts with `mark`.
    ///
    /// # Errors
    /// Bytes that are no ELF file for a 32-bit Arm or RISC-V processor, or have nothing to load.
    pub fn of(bytes: &[u8], mark: &str) -> Result<Self, ImageError> {
        let file = parse(bytes)?;
        let is_riscv = match file.architecture() {
            Architecture::Arm => false,
            Architecture::Riscv32 => true,
            other => {
                return Err(ImageError {
                    found: format!("an image for {other:?}"),
                });
            }
        };
        let mut marks = file
            .symbols()
            .filter_map(|symbol| symbol.name().ok()?.strip_prefix(mark).map(str::to_owned));
        let first = marks.next();
        Ok(Self {
            mark: first.filter(|_| marks.next().is_none()),
            is_riscv,
            start: loaded(bytes)?.first().map_or(0, |first| first.address),
        })
    }
}

impl std::fmt::Display for Label {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "an image of {} for {} at {:#010x}",
            self.mark.as_deref().unwrap_or("unknown inputs"),
            if self.is_riscv { "RISC-V" } else { "Arm" },
            self.start
        )
    }
}

fn parse(bytes: &[u8]) -> Result<ElfFile32<'_, Endianness>, ImageError> {
    ElfFile32::parse(bytes).map_err(|error| ImageError {
        found: error.to_string(),
    })
}

fn end(stretch: &Loaded) -> u64 {
    u64::from(stretch.address) + stretch.bytes.len() as u64
}

#[cfg(test)]
mod tests {
    use super::register;

    #[test]
    fn registers_are_counted_as_debuggers_do() {
        let names = [
            "r0", "r12", "lr", "ra", "t0", "t2", "s0", "s1", "a0", "a7", "s2", "s11", "t3", "t6",
        ];
        let numbers = [0, 12, 14, 1, 5, 7, 8, 9, 10, 17, 18, 27, 28, 31];
        for (name, number) in names.iter().zip(numbers) {
            assert_eq!(register(name), Some(number), "{name}");
        }
        for name in ["r13", "t7", "s16", "x", "", "r", "d0"] {
            assert_eq!(register(name), None, "{name}");
        }
    }
}
