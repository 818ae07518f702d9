//! Tables of a flatbuffer, looked up where they lie: whatever a place claims, nothing outside the buffer is
//! read and nothing is taken for it. The layout is that of flatbuffers' `internals.md`.

use std::slice::ChunksExact;

use crate::DataError;

/// A table: fields that may be absent, by their slot in the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat<'b> {
    bytes: &'b [u8],
    at: usize,
}

type Read<T> = Result<T, DataError>;

fn broken() -> DataError {
    super::odd(
        "its metadata",
        "a place outside of it",
        "a complete flatbuffer",
    )
}

/// The bytes of a place.
fn slice(bytes: &[u8], at: usize, n: usize) -> Read<&[u8]> {
    at.checked_add(n)
        .and_then(|end| bytes.get(at..end))
        .ok_or_else(broken)
}

/// A little-endian number of up to 8 bytes, with its sign.
fn signed(bytes: &[u8]) -> i64 {
    let unused = 64 - 8 * bytes.len();
    let number = bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | i64::from(*byte));
    number << unused >> unused
}

/// Where what an offset at `at` leads to begins.
fn follow(bytes: &[u8], at: usize) -> Read<usize> {
    let offset = slice(bytes, at, 4)?
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte));
    at.checked_add(offset).ok_or_else(broken)
}

impl<'b> Flat<'b> {
    /// The outermost table.
    pub(super) fn root(bytes: &'b [u8]) -> Read<Self> {
        let at = follow(bytes, 0)?;
        Ok(Self { bytes, at })
    }

    /// Where a field lies.
    fn place(&self, slot: usize) -> Read<Option<usize>> {
        let back = signed(slice(self.bytes, self.at, 4)?);
        let table = i64::try_from(self.at)
            .ok()
            .and_then(|at| at.checked_sub(back))
            .and_then(|at| usize::try_from(at).ok())
            .ok_or_else(broken)?;
        let size = signed(slice(self.bytes, table, 2)?);
        let entry = 4 + 2 * slot;
        if i64::try_from(entry + 2).map_or(true, |end| end > size) {
            return Ok(None);
        }
        let offset = signed(slice(self.bytes, table + entry, 2)?);
        Ok(match usize::try_from(offset).map_err(|_| broken())? {
            0 => None,
            offset => Some(self.at + offset),
        })
    }

    /// A number of so many bytes.
    pub(super) fn number(&self, slot: usize, n_bytes: usize, default: i64) -> Read<i64> {
        let place = self.place(slot)?;
        place.map_or(Ok(default), |at| {
            Ok(signed(slice(self.bytes, at, n_bytes)?))
        })
    }

    pub(super) fn table(&self, slot: usize) -> Read<Option<Self>> {
        let Some(at) = self.place(slot)? else {
            return Ok(None);
        };
        let at = follow(self.bytes, at)?;
        Ok(Some(Self { at, ..*self }))
    }

    /// The bytes of a vector whose items take so many each; none where it is absent.
    pub(super) fn vector(&self, slot: usize, n_bytes: usize) -> Read<&'b [u8]> {
        let Some(at) = self.place(slot)? else {
            return Ok(&[]);
        };
        let at = follow(self.bytes, at)?;
        let n = usize::try_from(signed(slice(self.bytes, at, 4)?)).map_err(|_| broken())?;
        slice(
            self.bytes,
            at + 4,
            n.checked_mul(n_bytes).ok_or_else(broken)?,
        )
    }

    /// The items of a vector, each of so many bytes.
    pub(super) fn items(&self, slot: usize, n_bytes: usize) -> Read<ChunksExact<'b, u8>> {
        Ok(self.vector(slot, n_bytes)?.chunks_exact(n_bytes))
    }

    pub(super) fn text(&self, slot: usize) -> Read<&'b str> {
        std::str::from_utf8(self.vector(slot, 1)?)
            .map_err(|_| super::odd("its metadata", "a name that is not UTF-8", "text"))
    }

    /// The tables of a vector.
    pub(super) fn tables(&self, slot: usize) -> Read<Vec<Self>> {
        let Some(at) = self.place(slot)? else {
            return Ok(Vec::new());
        };
        let start = follow(self.bytes, at)?;
        (0..self.vector(slot, 4)?.len() / 4)
            .map(|item| {
                let at = follow(self.bytes, start + 4 + 4 * item)?;
                Ok(Self { at, ..*self })
            })
            .collect()
    }
}

/// The two numbers of 64 bits of an item.
pub(super) fn pair(item: &[u8]) -> (i64, i64) {
    let (first, second) = item.split_at(item.len() / 2);
    (signed(first), signed(second))
}

/// A number of up to 8 bytes at a place among others of that size, with or without a sign.
pub(super) fn integer(bytes: &[u8], at: usize, n_bytes: usize) -> Option<i64> {
    let start = at.checked_mul(n_bytes)?;
    let number = bytes.get(start..start.checked_add(n_bytes)?)?;
    Some(signed(number))
}
