//! Tables by name, as bytes: out of an image's symbols, or out of the text of a C header.

use std::collections::BTreeMap;

use object::{Object, ObjectSection, ObjectSymbol};

/// Tables of a model, and the flash around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    tables: BTreeMap<String, Vec<u8>>,
    /// Loaded bytes by address, for pointers in tables.
    regions: Vec<(u64, Vec<u8>)>,
}

impl Memory {
    /// The statics of the module `tables` of a generated crate, by name, from an ELF file.
    ///
    /// # Errors
    /// What is wrong with the file: no ELF, no symbols, or two tables of one name.
    pub fn of_elf(elf: &[u8]) -> Result<Self, String> {
        Self::of_module(elf, |symbol| !symbol.contains(OUTLIERS))
    }

    /// The same of the module `outliers::tables`, a detector beside the classifier.
    ///
    /// # Errors
    /// As [`Memory::of_elf`].
    pub fn of_outliers(elf: &[u8]) -> Result<Self, String> {
        Self::of_module(elf, |symbol| symbol.contains(OUTLIERS))
    }

    fn of_module(elf: &[u8], is_its: impl Fn(&str) -> bool) -> Result<Self, String> {
        let file = object::File::parse(elf).map_err(|error| format!("no ELF file: {error}"))?;
        let mut memory = Self::default();
        for section in file.sections() {
            let data = section.data().map_err(|error| error.to_string())?;
            if (section.address() > 0 || section.size() > 0) && !data.is_empty() {
                memory.regions.push((section.address(), data.to_vec()));
            }
        }
        for symbol in file.symbols().filter(ObjectSymbol::is_definition) {
            let own = symbol.name().ok().filter(|name| is_its(name));
            let Some(name) = own.and_then(table_name) else {
                continue;
            };
            let length = usize::try_from(symbol.size()).map_err(|error| error.to_string())?;
            let section = symbol.section_index();
            let section = section.and_then(|index| file.section_by_index(index).ok());
            let bytes = section
                .and_then(|section| section.data_range(symbol.address(), length as u64).ok()?)
                .ok_or_else(|| format!("the symbol of {name} leads out of its section"))?;
            if memory
                .tables
                .insert(name.to_owned(), bytes.to_vec())
                .is_some()
            {
                return Err(format!("two tables are called {name}"));
            }
        }
        Ok(memory)
    }

    /// The arrays of a C header, by the ends of their names in upper case (`digits_nodes` becomes
    /// `NODES` for the prefix `digits`), as they lie in memory of a little-endian machine.
    ///
    /// # Errors
    /// An array whose items are not read.
    pub fn of_header(text: &str, prefix: &str) -> Result<Self, String> {
        let mut memory = Self::default();
        for piece in text.split("static const ").skip(1) {
            let Some((head, rest)) = piece.split_once('{') else {
                continue;
            };
            let name = head.split_whitespace().find_map(|word| {
                let name = word.strip_prefix(prefix)?.strip_prefix('_')?;
                name.split_once('[').map(|(name, _)| name)
            });
            let (Some(name), Some((items, _))) = (name, rest.split_once('}')) else {
                continue;
            };
            // An image has these in words.
            let width = match head.split_whitespace().next() {
                _ if name == "starts" || name == "leads" => 4,
                Some("uint8_t" | "int8_t") => 1,
                Some("uint16_t" | "int16_t") => 2,
                Some("uint32_t" | "int32_t") => 4,
                _ => continue,
            };
            let mut bytes = Vec::new();
            for item in items
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
            {
                let number = number(item).ok_or_else(|| format!("{name}: found {item}"))?;
                bytes.extend(&number.to_le_bytes()[..width]);
            }
            memory.tables.insert(name.to_uppercase(), bytes);
        }
        Ok(memory)
    }

    /// Tables that are held as they are, by name.
    #[must_use]
    pub fn of_tables(tables: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        Self {
            tables: tables
                .into_iter()
                .map(|(name, bytes)| (name.to_owned(), bytes))
                .collect(),
            regions: Vec::new(),
        }
    }

    /// The bytes of a table, if it is there.
    pub fn table(&self, name: &str) -> Option<&[u8]> {
        self.tables.get(name).map(Vec::as_slice)
    }

    /// As [`Memory::table`], to be changed.
    pub fn table_mut(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.tables.get_mut(name)
    }

    /// The bytes at an address.
    pub(crate) fn at(&self, address: u64, length: usize) -> Option<&[u8]> {
        self.regions.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(address.checked_sub(*start)?).ok()?;
            bytes.get(offset..offset.checked_add(length)?)
        })
    }
}

/// Within the mangled names of a detector's tables.
const OUTLIERS: &str = "8outliers6tables";

/// `NODES` of a mangled `<crate>::tables::NODES`.
fn table_name(symbol: &str) -> Option<&str> {
    let (_, name) = symbol.split_once("6tables")?;
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = name[..digits].parse().ok()?;
    name.get(digits..digits.checked_add(length)?)
}

fn number(item: &str) -> Option<i64> {
    // C has no literals for the first two. The last two are leads that nothing reaches.
    match item {
        "INT16_MIN" => return Some(i16::MIN.into()),
        "INT32_MIN" => return Some(i32::MIN.into()),
        "UINT16_MAX" | "UINT32_MAX" => return Some(u32::MAX.into()),
        _ => {}
    }
    let item = item.trim_end_matches(['u', 'U', 'l', 'L']);
    let (sign, digits) = item
        .strip_prefix('-')
        .map_or((1, item), |digits| (-1, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    magnitude.ok().map(|magnitude| sign * magnitude)
}
