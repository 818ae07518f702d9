//! What a file may take to be read, in memory and in work, whatever it claims: declared here once.

use std::cell::Cell;

use crate::DataError;

/// Bytes of memory for each byte of a file.
pub const BYTES_PER_BYTE: u64 = 16;
/// Bytes of memory that a file may take however small it is.
pub const BYTES_FREE: u64 = 64_000_000;
/// Seconds for each million bytes of a file.
pub const SECONDS_PER_MEGABYTE: u64 = 2;
/// Seconds that a file may take however small it is.
pub const SECONDS_FREE: u64 = 20;
/// Steps that count as a second: comparisons, conversions, visits of an item. They are counted, not
/// timed, so that a busy machine refuses nothing.
pub const STEPS_PER_SECOND: u64 = 50_000_000;
/// Most columns of a file of rows, twice what a model can have as features.
pub const COLUMNS_MAX: usize = 131_072;
/// Most bytes of a file of rows.
pub const FILE_BYTES_MAX: u64 = 4 << 30;

/// Bytes that a text of its own takes beside its letters.
const TEXT_BYTES: u64 = 64;
/// A mark of JSON, and the bytes that what it stands for takes.
pub type JsonMark = (u8, u64);
/// JSON that becomes values of any kind: objects as trees of eleven members, members, lists, items.
pub const JSON_VALUES: &[JsonMark] = &[(b'{', 640), (b':', 128), (b'[', 64), (b',', 64)];

/// What is left of the memory and the time that a file may take; every reader draws from it before
/// it takes either.
#[derive(Debug, Clone)]
pub struct Budget {
    n_bytes: u64,
    bytes_left: Cell<u64>,
    steps_left: Cell<u64>,
}

impl Budget {
    /// The budget of a file of so many bytes, as it lies on the disk.
    #[must_use]
    pub fn of(n_bytes: usize) -> Self {
        let n_bytes = n_bytes as u64;
        Self {
            n_bytes,
            bytes_left: Cell::new(bytes_max(n_bytes)),
            steps_left: Cell::new(seconds_max(n_bytes) * STEPS_PER_SECOND),
        }
    }

    /// Bytes that may still be taken.
    pub fn bytes_left(&self) -> u64 {
        self.bytes_left.get()
    }

    /// Takes memory for what stands at `place`.
    ///
    /// # Errors
    /// More than is left.
    pub fn take(&self, place: &str, n_bytes: u64) -> Result<(), DataError> {
        let left = self.bytes_left.get().checked_sub(n_bytes);
        self.bytes_left
            .set(left.ok_or_else(|| self.too_much(place))?);
        Ok(())
    }

    /// Takes memory for `n` items of so many bytes.
    ///
    /// # Errors
    /// More than is left.
    pub fn take_items(&self, place: &str, n: usize, item_bytes: u64) -> Result<(), DataError> {
        self.take(place, (n as u64).saturating_mul(item_bytes))
    }

    /// Takes memory for a text that is kept.
    ///
    /// # Errors
    /// More than is left.
    pub fn take_text(&self, place: &str, text: &str) -> Result<(), DataError> {
        self.take(place, TEXT_BYTES + text.len() as u64)
    }

    /// Takes memory for JSON, by the marks that it is made of.
    ///
    /// # Errors
    /// More than is left.
    pub fn take_json(&self, place: &str, text: &[u8], marks: &[JsonMark]) -> Result<(), DataError> {
        let mut counts = [0_u64; 256];
        let mut in_text = false;
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => in_text = !in_text,
                b'\\' if in_text => {
                    bytes.next();
                }
                _ => counts[usize::from(*byte)] += u64::from(!in_text),
            }
        }
        let sizes = marks
            .iter()
            .map(|(mark, size)| counts[usize::from(*mark)] * size);
        self.take(place, sizes.sum::<u64>() + text.len() as u64)
    }

    /// Takes time for `n_steps` of work.
    ///
    /// # Errors
    /// More than is left.
    pub fn work(&self, place: &str, n_steps: u64) -> Result<(), DataError> {
        let left = self.steps_left.get().checked_sub(n_steps);
        self.steps_left.set(left.ok_or_else(|| {
            let seconds = seconds_max(self.n_bytes);
            DataError::new(
                place,
                format!("more work than a file of {} bytes may make", self.n_bytes),
                format!(
                    "at most that of {seconds} seconds: {SECONDS_FREE}, and \
                     {SECONDS_PER_MEGABYTE} per million bytes"
                ),
            )
        })?);
        Ok(())
    }

    fn too_much(&self, place: &str) -> DataError {
        DataError::new(
            place,
            format!("more than a file of {} bytes may take", self.n_bytes),
            format!(
                "at most {} bytes of memory: {BYTES_FREE}, and {BYTES_PER_BYTE} per byte; a packed \
                 file may take more once it is unpacked (`gunzip`, `numpy.savez`)",
                bytes_max(self.n_bytes)
            ),
        )
    }
}

fn bytes_max(n_bytes: u64) -> u64 {
    BYTES_FREE.saturating_add(n_bytes.saturating_mul(BYTES_PER_BYTE))
}

fn seconds_max(n_bytes: u64) -> u64 {
    SECONDS_FREE + n_bytes / 1_000_000 * SECONDS_PER_MEGABYTE
}

/// Refuses more columns than a file of rows may have.
///
/// # Errors
/// More than [`COLUMNS_MAX`].
pub fn check_columns(place: &str, n_columns: usize) -> Result<(), DataError> {
    if n_columns <= COLUMNS_MAX {
        return Ok(());
    }
    Err(broken!(
        place; "{n_columns} columns"; "at most {COLUMNS_MAX}; a model has at most 65,535 features"
    ))
}
