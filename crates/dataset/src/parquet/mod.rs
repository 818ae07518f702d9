//! Parquet files as pandas, pyarrow and Spark write them by default: columns of plain or dictionary values behind levels, in pages of
//! version 1, packed by Snappy, by zstd where there is a decoder, or not at all. The format is that of `parquet-format` (`README.md`,
//! `Encodings.md`, `parquet.thrift`), the packing that of Snappy's `format_description.txt`.
//!
//! A reader of its own, since it takes no more than the file's budget, whatever the file claims: the crate
//! `parquet` (60.1, without Arrow) takes 2 GB and 17 s for a file of 105 bytes that claims a large page, and 8
//! packages. `reports/hostile.md` has both.

pub(crate) mod text;
mod thrift;

use crate::{Budget, DataError};
use thrift::Value;

pub(crate) use text::csv;

/// Whether a file begins as one in Parquet does.
pub fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PAR1")
}

/// Bytes that a value takes, and its levels.
const VALUE_BYTES: u64 = 96;
/// The deepest nesting of a schema.
const DEPTH_MAX: usize = 16;

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// An integer of 32 or 64 bits.
    Integer(i64),
    /// A float of 32 or 64 bits.
    Number(f64),
    /// A boolean.
    Flag(bool),
    /// Bytes that are text in UTF-8.
    Text(String),
}

/// A column: for each row the values that it has, of a list as many as there are. Of a list in a list each
/// inner list is a row.
pub struct Column {
    /// Names from the outermost group to the column itself.
    pub path: Vec<String>,
    /// The values of all rows.
    pub cells: Vec<Cell>,
    /// Where each row ends among the values.
    ends: Vec<usize>,
    /// What integers stand for, if not for themselves.
    unit: Option<&'static str>,
}

impl Column {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.ends.len()
    }

    /// The values of a row; none where there is no such row.
    pub fn row(&self, row: usize) -> &[Cell] {
        let start = row
            .checked_sub(1)
            .map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        self.ends
            .get(row)
            .map_or(&[], |end| &self.cells[start..*end])
    }

    /// The values of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[Cell]> {
        (0..self.n_rows()).map(|row| self.row(row))
    }
}

fn odd(place: &str, found: impl Into<String>, expected: &str) -> DataError {
    DataError::new(format!("a Parquet file, {place}"), found, expected)
}

fn refused(what: impl Into<String>) -> DataError {
    DataError::new(
        "a Parquet file",
        what,
        "what pandas, pyarrow and Spark write by default: Snappy, and plain values or those of a dictionary \
         in pages of version 1",
    )
}

/// A leaf of the schema.
struct Leaf {
    path: Vec<String>,
    kind: i64,
    unit: Option<&'static str>,
    /// Whether its integers have no sign.
    is_unsigned: bool,
    levels_max: [u8; 2],
}

/// Reads all columns of a file; of those that are not wanted by their path, no rows.
///
/// # Errors
/// A damaged file, one that is packed or coded in another way, or one that takes more than the budget.
pub fn read(
    bytes: &[u8],
    is_wanted: &dyn Fn(&[String]) -> bool,
    budget: &Budget,
) -> Result<Vec<Column>, DataError> {
    let broken = || {
        odd(
            "the end",
            "another ending",
            "PAR1, and the length of what stands before it",
        )
    };
    let body = bytes.strip_suffix(b"PAR1").ok_or_else(broken)?;
    let (body, length) = body.split_last_chunk::<4>().ok_or_else(broken)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let start = body.len().checked_sub(length).ok_or_else(broken)?;
    let metadata = thrift::read(&mut &body[start..], budget)?;
    let leaves = leaves(metadata.list(2))?;
    let mut columns: Vec<Column> = leaves
        .iter()
        .map(|leaf| Column {
            path: leaf.path.clone(),
            cells: Vec::new(),
            ends: Vec::new(),
            unit: leaf.unit,
        })
        .collect();
    for group in metadata.list(4) {
        let chunks = group.list(1);
        if chunks.len() != leaves.len() {
            return Err(odd(
                "a row group",
                format!("{} columns", chunks.len()),
                "one for each leaf of the schema",
            ));
        }
        for ((chunk, leaf), column) in chunks.iter().zip(&leaves).zip(&mut columns) {
            if !is_wanted(&leaf.path) {
                continue;
            }
            chunk_of(body, chunk, leaf, column, budget).map_err(|error| DataError {
                place: format!(
                    "column \"{}\", {}",
                    leaf.path.join(".").escape_default(),
                    error.place
                ),
                ..error
            })?;
        }
    }
    Ok(columns)
}

/// The leaves of a schema, which stands flat, parents before children.
fn leaves(schema: &[Value]) -> Result<Vec<Leaf>, DataError> {
    let mut leaves = Vec::new();
    // Names and levels above, and how many children are still to come.
    let mut above: Vec<(String, [u8; 2], i64)> = Vec::new();
    for (index, element) in schema.iter().enumerate() {
        while above.last().is_some_and(|it| it.2 == 0) {
            above.pop();
        }
        let mut levels = above.last().map_or([0; 2], |it| it.1);
        if let Some(parent) = above.last_mut() {
            parent.2 -= 1;
        } else if index > 0 {
            return Err(odd(
                "the schema",
                "more elements than its groups have",
                "a tree",
            ));
        }
        let name = String::from_utf8_lossy(element.bytes(4)).into_owned();
        if index > 0 {
            // Required, optional or repeated.
            let repetition = element.integer(3).unwrap_or(0);
            levels[0] += u8::from(repetition == 2);
            levels[1] += u8::from(repetition != 0);
        }
        match element.integer(5) {
            Some(n) if n > 0 && above.len() < DEPTH_MAX => above.push((name, levels, n)),
            Some(n) if n > 0 => return Err(odd("the schema", "deep nesting", "at most 16 groups")),
            _ => {
                let names = above.iter().skip(1).map(|it| it.0.clone());
                leaves.push(Leaf {
                    path: names.chain([name]).collect(),
                    kind: element.integer(1).unwrap_or(-1),
                    unit: unit(element),
                    is_unsigned: matches!(element.integer(6), Some(11..=14)),
                    levels_max: levels,
                });
            }
        }
    }
    Ok(leaves)
}

/// What the integers of a column stand for, by its converted or its logical type.
fn unit(element: &Value) -> Option<&'static str> {
    let is_logical = |id: i16| element.field(10).is_some_and(|it| it.field(id).is_some());
    match element.integer(6) {
        Some(5) => Some("decimal"),
        Some(6) => Some("date"),
        Some(7..=10) => Some("time"),
        _ if is_logical(5) => Some("decimal"),
        _ if is_logical(6) => Some("date"),
        _ if is_logical(7) || is_logical(8) => Some("time"),
        _ => None,
    }
}

/// Appends the rows of a column's part.
fn chunk_of(
    body: &[u8],
    chunk: &Value,
    leaf: &Leaf,
    column: &mut Column,
    budget: &Budget,
) -> Result<(), DataError> {
    let about = chunk
        .field(3)
        .ok_or_else(|| odd("a column", "no metadata", "some"))?;
    let codec = about.integer(4).unwrap_or(-1);
    if !matches!(codec, 0 | 1 | 6) {
        let name = ["GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"];
        let name = usize::try_from(codec - 2).ok().and_then(|at| name.get(at));
        return Err(refused(format!(
            "one packed by {}",
            name.unwrap_or(&"an unknown codec")
        )));
    }
    let n_values = about.integer(5).unwrap_or(0);
    let n_values = usize::try_from(n_values).unwrap_or(0);
    let offset = [11, 9]
        .into_iter()
        .filter_map(|field| about.integer(field))
        .find(|offset| *offset > 0)
        .and_then(|offset| usize::try_from(offset).ok())
        .filter(|offset| *offset <= body.len());
    let mut rest =
        &body[offset.ok_or_else(|| odd("a column", "no offset", "one within the file"))?..];
    let mut dictionary: Vec<Cell> = Vec::new();
    let mut n_read = 0;
    while n_read < n_values {
        let header = thrift::read(&mut rest, budget)?;
        if header.integer(1) == Some(3) {
            return Err(refused("pages of version 2"));
        }
        let size = |field: i16| {
            let size = header
                .integer(field)
                .and_then(|size| usize::try_from(size).ok());
            size.ok_or_else(|| odd("a page", "no size", "one"))
        };
        let packed = rest
            .split_off(..size(3)?)
            .ok_or_else(|| odd("a page", "more bytes than there are", "a complete page"))?;
        let unpacked;
        let page = match codec {
            0 => packed,
            1 => {
                unpacked = snappy(packed, size(2)?, budget)?;
                &unpacked
            }
            _ => {
                let place = "a Parquet file, a page packed by zstd";
                unpacked = crate::packed::zstd(packed, place, size(2)? as u64, budget)?;
                &unpacked
            }
        };
        let about = |field: i16| {
            let about = header.field(field);
            let about = about.ok_or_else(|| odd("a page", "no header", "one"))?;
            let n = about.integer(1).and_then(|n| usize::try_from(n).ok());
            Ok::<_, DataError>((about, n.unwrap_or(0)))
        };
        match header.integer(1) {
            Some(2) => dictionary = plain(page, leaf, about(7)?.1, budget)?,
            Some(0) => {
                let (about, n) = about(5)?;
                if n == 0 || n > n_values - n_read {
                    return Err(odd(
                        "a page",
                        format!("{n} values"),
                        "some, and no more than the column's",
                    ));
                }
                budget.take_items("a page", n, VALUE_BYTES)?;
                data(page, about, leaf, n, &dictionary, column, budget)?;
                n_read += n;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Appends the rows of a page of data.
fn data(
    mut page: &[u8],
    about: &Value,
    leaf: &Leaf,
    n: usize,
    dictionary: &[Cell],
    column: &mut Column,
    budget: &Budget,
) -> Result<(), DataError> {
    let short = || {
        odd(
            "a page",
            "fewer bytes than its levels take",
            "a complete page",
        )
    };
    let mut levels = [vec![0; n], vec![0; n]];
    for (levels, max) in levels.iter_mut().zip(leaf.levels_max) {
        if max == 0 {
            continue;
        }
        let packed = counted(&mut page).ok_or_else(short)?;
        *levels = hybrid(packed, 8 - max.leading_zeros(), n)?;
    }
    let [repetitions, definitions] = &levels;
    let full = u32::from(leaf.levels_max[1]);
    let n_present = definitions.iter().filter(|level| **level == full).count();
    let mut cells = match about.integer(2) {
        Some(0) => plain(page, leaf, n_present, budget)?,
        Some(2 | 8) => {
            let width = page.split_off_first().ok_or_else(short)?;
            budget.take_items("a page", n_present, VALUE_BYTES)?;
            let indices = hybrid(page, u32::from(*width), n_present)?;
            let cell = |index: &u32| {
                let cell = dictionary.get(*index as usize).cloned();
                cell.ok_or_else(|| {
                    odd(
                        "a page",
                        format!("the index {index}"),
                        "one of the dictionary",
                    )
                })
            };
            let cells = indices.iter().map(cell).collect::<Result<Vec<_>, _>>()?;
            for cell in &cells {
                if let Cell::Text(text) = cell {
                    budget.take_text("a page", text)?;
                }
            }
            cells
        }
        encoding => {
            let number = encoding.unwrap_or(-1);
            return Err(refused(format!("values in encoding {number}")));
        }
    }
    .into_iter();
    for (repetition, definition) in repetitions.iter().zip(definitions) {
        if *repetition == 0 || *repetition < u32::from(leaf.levels_max[0]) {
            column.ends.push(column.cells.len());
        }
        if *definition == full {
            let end = (column.ends.last_mut())
                .ok_or_else(|| odd("a page", "a value before a row", "a row"))?;
            column.cells.extend(cells.next());
            *end = column.cells.len();
        }
    }
    Ok(())
}

/// Takes the next bytes, whose number stands before them.
fn counted<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let n = u32::from_le_bytes(word(bytes)?);
    bytes.split_off(..usize::try_from(n).ok()?)
}

/// Takes the next `N` bytes.
fn word<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    bytes.split_off(..N)?.try_into().ok()
}

/// A number of the lowest byte first.
fn little(bytes: &[u8]) -> u32 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Plain values of a column's type.
fn plain(mut bytes: &[u8], leaf: &Leaf, n: usize, budget: &Budget) -> Result<Vec<Cell>, DataError> {
    let short = || {
        odd(
            "a page",
            "fewer bytes than its values take",
            "a complete page",
        )
    };
    let kind = leaf.kind;
    let n_max = match kind {
        1 | 4 | 6 => bytes.len() / 4,
        2 | 5 => bytes.len() / 8,
        _ => bytes.len().saturating_mul(8),
    };
    if n > n_max {
        return Err(short());
    }
    budget.take_items("a page", n, VALUE_BYTES)?;
    let mut cells = Vec::with_capacity(n);
    if kind == 0 {
        let bit = |at: usize| bytes[at / 8] >> (at % 8) & 1 == 1;
        cells.extend((0..n).map(|at| Cell::Flag(bit(at))));
        return Ok(cells);
    }
    for _ in 0..n {
        let cell = match kind {
            1 => {
                let word = word(&mut bytes).ok_or_else(short)?;
                Cell::Integer(match leaf.is_unsigned {
                    true => u32::from_le_bytes(word).into(),
                    false => i32::from_le_bytes(word).into(),
                })
            }
            2 => {
                let word = word(&mut bytes).ok_or_else(short)?;
                match i64::from_le_bytes(word) {
                    number if number < 0 && leaf.is_unsigned => {
                        Cell::Number(u64::from_le_bytes(word) as f64)
                    }
                    number => Cell::Integer(number),
                }
            }
            4 => Cell::Number(f32::from_le_bytes(word(&mut bytes).ok_or_else(short)?).into()),
            5 => Cell::Number(f64::from_le_bytes(word(&mut bytes).ok_or_else(short)?)),
            6 => {
                let text = std::str::from_utf8(counted(&mut bytes).ok_or_else(short)?)
                    .map_err(|_| odd("a page", "other bytes", "text in UTF-8"))?;
                budget.take_text("a page", text)?;
                Cell::Text(text.to_owned())
            }
            _ => return Err(refused(format!("a column of type {kind}"))),
        };
        cells.push(cell);
    }
    Ok(cells)
}

/// `n` numbers of `width` bits, in runs of one number or packed by eights.
fn hybrid(mut bytes: &[u8], width: u32, n: usize) -> Result<Vec<u32>, DataError> {
    let short = || odd("a page", "fewer numbers than it says", "a complete run");
    if width > 32 {
        return Err(odd(
            "a page",
            format!("numbers of {width} bits"),
            "at most 32",
        ));
    }
    let mut numbers = Vec::with_capacity(n);
    while numbers.len() < n {
        let header = thrift::varint(&mut bytes).ok_or_else(short)?;
        let left = n - numbers.len();
        let count = usize::try_from(header >> 1).unwrap_or(usize::MAX);
        if header & 1 == 0 {
            let n_bytes = width.div_ceil(8) as usize;
            let number = little(bytes.split_off(..n_bytes).ok_or_else(short)?);
            if count == 0 {
                return Err(short());
            }
            numbers.extend(std::iter::repeat_n(number, count.min(left)));
        } else {
            let n_bytes = count.checked_mul(width as usize).ok_or_else(short)?;
            let packed = bytes.split_off(..n_bytes).ok_or_else(short)?;
            if count == 0 {
                return Err(short());
            }
            let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
            for index in 0..count.saturating_mul(8).min(left) {
                let first = index * width as usize;
                let number =
                    (0..width).fold(0_u32, |number, it| number | bit(first + it as usize) << it);
                numbers.push(number);
            }
        }
    }
    Ok(numbers)
}

/// Unpacks Snappy's raw format into `size` bytes.
fn snappy(mut bytes: &[u8], size: usize, budget: &Budget) -> Result<Vec<u8>, DataError> {
    let broken = || {
        odd(
            "a page",
            "damaged Snappy data",
            "as many bytes as its header says",
        )
    };
    let claimed = thrift::varint(&mut bytes).ok_or_else(broken)?;
    if usize::try_from(claimed) != Ok(size) {
        return Err(broken());
    }
    budget.take("a page", claimed)?;
    let mut out: Vec<u8> = Vec::with_capacity(size);
    while let Some(tag) = bytes.split_off_first() {
        let mut next = |n: usize| {
            let number = little(bytes.split_off(..n).ok_or_else(broken)?);
            Ok::<_, DataError>(number as usize)
        };
        let high = usize::from(tag >> 2);
        let (length, offset) = match tag & 3 {
            0 => {
                let length = match high {
                    60..=63 => next(high - 59)?,
                    _ => high,
                };
                let length = length.checked_add(1).ok_or_else(broken)?;
                let literal = bytes.split_off(..length).ok_or_else(broken)?;
                if out.len() + length > size {
                    return Err(broken());
                }
                out.extend_from_slice(literal);
                continue;
            }
            1 => ((high & 7) + 4, (high >> 3) << 8 | next(1)?),
            2 => (high + 1, next(2)?),
            _ => (high + 1, next(4)?),
        };
        let start = out
            .len()
            .checked_sub(offset)
            .filter(|_| offset > 0)
            .ok_or_else(broken)?;
        if out.len() + length > size {
            return Err(broken());
        }
        // A copy may reach into what it makes.
        for at in start..start + length {
            out.push(out[at]);
        }
    }
    if out.len() == size {
        Ok(out)
    } else {
        Err(broken())
    }
}
