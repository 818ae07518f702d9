//! Two files between host and emulator in a verify run: rows in, outcomes out.
//!
//! The host writes [`ROWS_FILE`]: readings row after row, little-endian, in the model's reading
//! type, nothing else. The device answers in [`OUTCOMES_FILE`]: one [`Header`], then per row one
//! [`Outcome`], then the row's scores, each an `i64`, then its probabilities, each a `u16`, if the
//! header tells of any. All integers are little-endian.

/// Name of the file of readings, in the emulator's working folder.
pub const ROWS_FILE: &core::ffi::CStr = c"rows.bin";
/// Name of the file of outcomes, in the emulator's working folder.
pub const OUTCOMES_FILE: &core::ffi::CStr = c"outcomes.bin";
/// First four bytes of a file of outcomes; the last is the version of this format.
pub const MAGIC: [u8; 4] = *b"SPN\x03";

/// What a device tells before its first outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Number of features of the model in the image.
    pub n_features: u32,
    /// Number of classes of the model in the image.
    pub n_classes: u32,
    /// Timer ticks that measuring an empty stretch of code takes.
    pub overhead_ticks: u32,
    /// Number of scores per row: none, or one per class.
    pub n_scores: u32,
    /// Number of probabilities per row: none, or one per class.
    pub n_probabilities: u32,
}

impl Header {
    /// Length in bytes, [`MAGIC`] included.
    pub const LEN: usize = 24;

    /// The header as the device writes it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(
            &mut bytes,
            &[
                u32::from_le_bytes(MAGIC),
                self.n_features,
                self.n_classes,
                self.overhead_ticks,
                self.n_scores,
                self.n_probabilities,
            ],
        );
        bytes
    }

    /// Reads a header; `None` unless `bytes` is one, of this version.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [
            magic,
            n_features,
            n_classes,
            overhead_ticks,
            n_scores,
            n_probabilities,
        ] = get(bytes)?;
        (magic.to_le_bytes() == MAGIC).then_some(Self {
            n_features,
            n_classes,
            overhead_ticks,
            n_scores,
            n_probabilities,
        })
    }
}

/// What a device tells about one row, but for its scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The class index predicted from raw readings.
    pub class: u32,
    /// Timer ticks from readings to class, measuring included; `u32::MAX` if beyond the timer.
    pub ticks: u32,
    /// Timer ticks from codes to class, measuring included; `u32::MAX` if beyond the timer.
    pub ticks_from_codes: u32,
    /// Bytes from the initial stack pointer to the deepest word that the prediction touched;
    /// `u32::MAX` if the watched part of the stack did not suffice.
    pub stack_bytes: u32,
}

impl Outcome {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// The outcome as the device writes it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        put(
            &mut bytes,
            &[
                self.class,
                self.ticks,
                self.ticks_from_codes,
                self.stack_bytes,
            ],
        );
        bytes
    }

    /// Reads an outcome; `None` if `bytes` has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [class, ticks, ticks_from_codes, stack_bytes] = get(bytes)?;
        Some(Self {
            class,
            ticks,
            ticks_from_codes,
            stack_bytes,
        })
    }
}

pub(crate) fn put(bytes: &mut [u8], words: &[u32]) {
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
}

pub(crate) fn get<const N: usize>(bytes: &[u8]) -> Option<[u32; N]> {
    if bytes.len() != 4 * N {
        return None;
    }
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes(chunk.try_into().ok()?);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::{Header, Outcome};

    #[test]
    fn what_is_written_reads_back() {
        let header = Header {
            n_features: 64,
            n_classes: 10,
            overhead_ticks: 86,
            n_scores: 10,
            n_probabilities: 10,
        };
        assert_eq!(Header::from_bytes(&header.to_bytes()), Some(header));
        let outcome = Outcome {
            class: 3,
            ticks: 7,
            ticks_from_codes: u32::MAX,
            stack_bytes: 1,
        };
        assert_eq!(Outcome::from_bytes(&outcome.to_bytes()), Some(outcome));
        assert_eq!(Header::from_bytes(&outcome.to_bytes()), None);
        assert_eq!(Outcome::from_bytes(&[0; 15]), None);
    }
}
