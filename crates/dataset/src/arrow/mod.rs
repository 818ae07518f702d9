//! Arrow files and streams, Feather (version 2) among them, as pandas, pyarrow and polars write them: columns
//! of single values, plain or by a dictionary, in batches whose buffers are not packed, or by LZ4 or zstd where
//! there is a decoder. The format is that of Arrow's `Columnar.rst`, `Message.fbs` and `Schema.fbs`.
//!
//! A reader of its own, as that of Parquet: it takes no more than the file's budget, whatever the file claims,
//! and no package, where the crate `arrow-ipc` (60.1) brings 31 beside LZ4's.

mod column;
mod flat;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::parquet::{Cell, text};
use crate::{Budget, DataError, limits, packed};
use column::{Column, Kind, Readings};
use flat::Flat;

/// What a file begins and ends with.
const MAGIC: &[u8] = b"ARROW1";
/// What each message begins with.
const MARK: &[u8] = &[0xff; 4];
/// Bytes that a word of a dictionary takes.
const WORD_BYTES: usize = 96;

/// Kinds of messages.
const SCHEMA: i64 = 1;
const DICTIONARY: i64 = 2;
const RECORDS: i64 = 3;

/// Whether a file begins as one of Arrow's, or as a stream.
pub fn is_arrow(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || bytes.starts_with(MARK)
}

fn odd(place: &str, found: impl Into<String>, expected: &str) -> DataError {
    DataError::new(format!("an Arrow file, {place}"), found, expected)
}

/// A message: a table of metadata, and the buffers that it is about.
struct Message<'b> {
    kind: i64,
    header: Flat<'b>,
    body: &'b [u8],
}

/// The schema, and the messages behind it in the order in which they are read: those that a file's footer names,
/// or those of a stream.
fn messages(bytes: &[u8]) -> Result<(Flat<'_>, Vec<Message<'_>>), DataError> {
    let mut messages = Vec::new();
    let Some(file) = bytes.strip_prefix(MAGIC) else {
        let mut rest = bytes;
        let schema = match next(&mut rest)? {
            Some(message) if message.kind == SCHEMA => message.header,
            _ => return Err(odd("the first message", "no schema", "one")),
        };
        while let Some(message) = next(&mut rest)? {
            messages.push(message);
        }
        return Ok((schema, messages));
    };
    let footer = || {
        let (body, n_bytes) = file.strip_suffix(MAGIC)?.split_last_chunk::<4>()?;
        let n_bytes = usize::try_from(u32::from_le_bytes(*n_bytes)).ok()?;
        body.get(body.len().checked_sub(n_bytes)?..)
    };
    let footer = footer().ok_or_else(|| {
        odd(
            "the end",
            "another ending",
            "ARROW1, and the length of what stands before it",
        )
    })?;
    let footer = Flat::root(footer)?;
    let schema = footer
        .table(1)?
        .ok_or_else(|| odd("the footer", "no schema", "one"))?;
    for block in footer.items(2, 24)?.chain(footer.items(3, 24)?) {
        let (start, _) = flat::pair(&block[..16]);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let message = next(&mut bytes.get(start..).unwrap_or_default())?;
        messages.push(message.ok_or_else(|| odd("the footer", "no message at its place", "one"))?);
    }
    Ok((schema, messages))
}

/// Takes the next message off `rest`; `None` at the end.
fn next<'b>(rest: &mut &'b [u8]) -> Result<Option<Message<'b>>, DataError> {
    let cut = || odd("a message", "less than it says", "a complete message");
    let mut take = |n_bytes: i64| {
        let n_bytes = usize::try_from(n_bytes).map_err(|_| cut())?;
        rest.split_off(..n_bytes).ok_or_else(cut)
    };
    let Ok(mark) = take(4) else {
        return Ok(None);
    };
    if mark != MARK {
        return Err(odd(
            "a message",
            "another beginning",
            "four bytes of 255, as Arrow 0.15 and later write",
        ));
    }
    let metadata = match flat::integer(take(4)?, 0, 4) {
        None | Some(0) => return Ok(None),
        Some(n_bytes) => Flat::root(take(n_bytes)?)?,
    };
    let header = metadata
        .table(2)?
        .ok_or_else(|| odd("a message", "nothing in it", "a schema or a batch"))?;
    Ok(Some(Message {
        kind: metadata.number(1, 1, 0)?,
        header,
        body: take(metadata.number(3, 8, 0)?)?,
    }))
}

/// A file or stream as CSV; an index that pandas wrote without a name is left out.
///
/// # Errors
/// A damaged file; columns of lists, of groups or of bytes, by their names; buffers that there is no decoder
/// for; more than the budget.
pub(crate) fn csv(bytes: &[u8], budget: &Budget) -> Result<Vec<u8>, DataError> {
    let (schema, messages) = messages(bytes)?;
    let columns = column::all(schema, budget)?;
    let is_wanted = |column: &Column| !column.name.starts_with(text::INDEX);
    let mut table = String::new();
    for (at, column) in columns.iter().filter(|it| is_wanted(it)).enumerate() {
        text::separate(&mut table, at);
        text::quote(&mut table, &column.name);
    }
    let mut words: BTreeMap<i64, Vec<Option<Cell>>> = BTreeMap::new();
    let mut n_taken = 0;
    for message in messages {
        budget.work("a batch", columns.len() as u64)?;
        match message.kind {
            DICTIONARY => {
                let id = message.header.number(0, 8, 0)?;
                let of = columns.iter().find(|it| it.dictionary == Some(id));
                let (of, batch) = of
                    .zip(message.header.table(1)?)
                    .ok_or_else(|| odd("a dictionary", "none that a column has", "one"))?;
                let mut batch = Batch::of(batch, message.body, budget)?;
                let found = batch.readings(&of.kind)?;
                budget.take_items("a dictionary", found.n_rows, WORD_BYTES as u64)?;
                let words = words.entry(id).or_default();
                if message.header.number(2, 1, 0)? == 0 {
                    words.clear();
                }
                for row in 0..found.n_rows {
                    let word = found.cell(row)?;
                    if let Some(Cell::Text(word)) = &word {
                        budget.take_text("a dictionary", word)?;
                    }
                    words.push(word);
                }
            }
            RECORDS => {
                let mut batch = Batch::of(message.header, message.body, budget)?;
                let mut readings = Vec::new();
                for column in &columns {
                    let found = batch.readings(column.stored())?;
                    if found.n_rows != batch.n_rows {
                        return Err(odd(
                            "a batch",
                            format!(
                                "{} rows of \"{}\"",
                                found.n_rows,
                                column.name.escape_default()
                            ),
                            &format!("{}, as the batch has", batch.n_rows),
                        ));
                    }
                    if is_wanted(column) {
                        let words = column.dictionary.and_then(|id| words.get(&id));
                        readings.push((column, found, words.map_or(&[][..], Vec::as_slice)));
                    }
                }
                for row in 0..batch.n_rows {
                    table.push('\n');
                    for (at, (column, readings, words)) in readings.iter().enumerate() {
                        text::separate(&mut table, at);
                        let cell = readings.cell(row)?;
                        let cell = if column.dictionary.is_some() {
                            cell.map(|key| word(&key, words)).transpose()?.flatten()
                        } else {
                            cell.map(Cow::Owned)
                        };
                        if let Some(cell) = cell {
                            text::field(&mut table, &cell, column.unit);
                        }
                    }
                    // Text may grow to twice what it is.
                    budget.take_items("the table", table.len() - n_taken, 2)?;
                    n_taken = table.len();
                }
            }
            _ => return Err(odd("a message", "a tensor", "a schema or batches of rows")),
        }
    }
    table.push('\n');
    Ok(table.into_bytes())
}

/// What a dictionary has for a key.
fn word<'w>(key: &Cell, words: &'w [Option<Cell>]) -> Result<Option<Cow<'w, Cell>>, DataError> {
    let found = match key {
        Cell::Integer(key) => usize::try_from(*key).ok().and_then(|key| words.get(key)),
        _ => None,
    };
    found
        .map(|word| word.as_ref().map(Cow::Borrowed))
        .ok_or_else(|| odd("a column", "a word that its dictionary lacks", "one of it"))
}

/// A batch of rows: what is left of its columns.
struct Batch<'b> {
    n_rows: usize,
    nodes: std::slice::ChunksExact<'b, u8>,
    buffers: std::slice::ChunksExact<'b, u8>,
    n_variadic: std::slice::ChunksExact<'b, u8>,
    /// Whose frames the buffers are, if packed.
    codec: Option<i64>,
    body: &'b [u8],
    budget: &'b Budget,
}

impl<'b> Batch<'b> {
    fn of(table: Flat<'b>, body: &'b [u8], budget: &'b Budget) -> Result<Self, DataError> {
        let packing = table.table(3)?;
        Ok(Self {
            n_rows: n_rows(table.number(0, 8, 0)?)?,
            nodes: table.items(1, 16)?,
            buffers: table.items(2, 16)?,
            n_variadic: table.items(4, 8)?,
            codec: packing.map(|it| it.number(0, 1, 0)).transpose()?,
            body,
            budget,
        })
    }

    /// The next column.
    fn readings(&mut self, kind: &Kind) -> Result<Readings<'b>, DataError> {
        let none = || odd("a batch", "too few columns", "those of the schema");
        let (n, n_missing) = flat::pair(self.nodes.next().ok_or_else(none)?);
        let mut buffers = Vec::new();
        let n_more = match kind {
            Kind::View => flat::pair(self.n_variadic.next().ok_or_else(none)?).0,
            _ => 0,
        };
        for _ in 0..kind.n_buffers() + n_rows(n_more)? {
            let place = self.buffers.next().ok_or_else(none)?;
            buffers.push(self.buffer(flat::pair(place))?);
        }
        Readings::new(kind.clone(), n_rows(n)?, n_missing > 0, buffers)
    }

    fn buffer(&self, (start, n_bytes): (i64, i64)) -> Result<Cow<'b, [u8]>, DataError> {
        let place = "a buffer";
        let found = usize::try_from(start)
            .ok()
            .zip(usize::try_from(n_bytes).ok());
        let found = found
            .and_then(|(start, n)| self.body.get(start..start.checked_add(n)?))
            .ok_or_else(|| odd(place, "one outside of its message", "one within"))?;
        let (Some(codec), Some((size, frames))) = (self.codec, found.split_first_chunk()) else {
            return Ok(found.into());
        };
        let size = i64::from_le_bytes(*size);
        if size == -1 {
            return Ok(frames.into());
        }
        let most = u64::try_from(size).unwrap_or(u64::MAX);
        let unpacked = match codec {
            0 => packed::lz4(
                frames,
                "an Arrow file, a buffer packed by LZ4",
                most,
                self.budget,
            )?,
            1 => packed::zstd(
                frames,
                "an Arrow file, a buffer packed by zstd",
                most,
                self.budget,
            )?,
            _ => return Err(odd(place, "one packed by an unknown codec", "LZ4 or zstd")),
        };
        if unpacked.len() as u64 != most {
            let found = format!("{} bytes unpacked", unpacked.len());
            return Err(odd(place, found, &format!("{size}, as it says")));
        }
        Ok(unpacked.into())
    }
}

fn n_rows(claimed: i64) -> Result<usize, DataError> {
    let n = usize::try_from(claimed)
        .ok()
        .filter(|n| *n <= limits::FILE_BYTES_MAX as usize);
    n.ok_or_else(|| odd("a batch", format!("{claimed} rows"), "a number of rows"))
}
