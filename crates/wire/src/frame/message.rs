//! Messages: what can be asked of a device, and what it answers.

use serde::{Deserialize, Serialize};

use super::codec::{Receiver, frame_len};

/// What a host asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Who are you? Answered by [`Reply::Hello`].
    Hello,
    /// Which class is this? Answered by [`Reply::Outcome`].
    Row {
        /// Chosen by the host, returned with the outcome.
        seq: u32,
        /// The readings, little-endian, in the model's order and type.
        #[serde(borrow)]
        readings: &'a [u8],
    },
}

/// What a device answers. A device has its numbers in slices, a host takes them into vectors; the
/// bytes are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply<'a, Scores, Probabilities> {
    /// To [`Request::Hello`].
    #[serde(borrow)]
    Hello(Hello<'a>),
    /// To [`Request::Row`].
    Outcome(Outcome<Scores, Probabilities>),
    /// To what the device cannot take.
    Refused(Refused),
}

/// A device and its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// [`super::VERSION`] of the device.
    pub version: u8,
    /// Fingerprint of the model, 64 hexadecimal digits.
    pub fingerprint: &'a str,
    /// Readings per row.
    pub n_features: u32,
    /// Classes of the model.
    pub n_classes: u32,
    /// Type of a reading.
    pub reading: ReadingType,
    /// Scores per outcome: none, or one per class.
    pub n_scores: u32,
    /// Probabilities per outcome: none, or one per class.
    pub n_probabilities: u32,
    /// What an outcome's ticks are.
    pub clock: Clock,
}

/// The type of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadingType {
    /// A byte.
    U8,
    /// A 16-bit integer.
    I16,
    /// A 32-bit integer.
    I32,
    /// An IEEE 754 single.
    F32,
}

/// What counts the ticks of a prediction. All of them run with the processor's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Nothing: the device does not measure.
    None,
    /// The Arm SysTick timer.
    Systick,
    /// The cycle counter of the Arm DWT.
    Cyccnt,
    /// The RISC-V `mcycle` register.
    Mcycle,
}

/// What a device predicts for a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome<Scores, Probabilities> {
    /// Of the row.
    pub seq: u32,
    /// Class index, predicted from readings.
    pub class: u32,
    /// Ticks from readings to class, less what measuring takes; `None` if not measured, or beyond
    /// the counter.
    pub ticks: Option<u32>,
    /// A sequence of `i64`.
    pub scores: Scores,
    /// A sequence of `u16`, in Q15.
    pub probabilities: Probabilities,
}

/// A request that a device does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Of the row, where it was readable.
    pub seq: Option<u32>,
    /// Why.
    pub why: Why,
}

/// Why a device does not take a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// The frame was cut, or its checksum is wrong.
    Damaged,
    /// The frame is whole and holds no request of this version.
    Unknown,
    /// The row has another length than the model's.
    RowLength {
        /// Bytes of the row.
        found: u32,
        /// Bytes that a row has.
        expected: u32,
    },
}

/// A message's discriminant.
const TAG: usize = 1;
/// The most bytes that postcard takes for a `u32` or a length, an `i64`, a `u16`.
const U32: usize = 5;
const I64: usize = 10;
const U16: usize = 3;
/// Bytes of a fingerprint in text.
const FINGERPRINT: usize = 64;

impl Request<'_> {
    /// The longest frame of a request with rows of `row_bytes` bytes.
    #[must_use]
    pub const fn frame_len_max(row_bytes: usize) -> usize {
        frame_len(TAG + U32 + U32 + row_bytes)
    }
}

impl<S, P> Reply<'_, S, P> {
    /// The longest frame of a reply with so many scores and probabilities.
    #[must_use]
    pub const fn frame_len_max(n_scores: usize, n_probabilities: usize) -> usize {
        const HELLO: usize = TAG + 1 + U32 + FINGERPRINT + 5 * U32 + TAG;
        let outcome =
            TAG + U32 + U32 + 1 + U32 + U32 + n_scores * I64 + U32 + n_probabilities * U16;
        frame_len(if outcome > HELLO { outcome } else { HELLO })
    }
}

impl<B: AsMut<[u8]>> Receiver<B> {
    /// A device's way to listen: takes one byte, and returns a request once it is complete, for a
    /// model whose rows have `row_bytes` bytes.
    ///
    /// # Errors
    /// What to answer to a frame that is no request, or no row of the model.
    pub fn request(&mut self, byte: u8, row_bytes: usize) -> Option<Result<Request<'_>, Refused>> {
        let refused = |seq, why| Some(Err(Refused { seq, why }));
        let message = match self.push(byte)? {
            Ok(message) => message,
            Err(_) => return refused(None, Why::Damaged),
        };
        match postcard::take_from_bytes(message) {
            Ok((Request::Row { seq, readings }, [])) if readings.len() != row_bytes => refused(
                Some(seq),
                Why::RowLength {
                    found: u32::try_from(readings.len()).unwrap_or(u32::MAX),
                    expected: u32::try_from(row_bytes).unwrap_or(u32::MAX),
                },
            ),
            Ok((request, [])) => Some(Ok(request)),
            _ => refused(None, Why::Unknown),
        }
    }
}

impl ReadingType {
    /// Its name in Rust.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }
}

/// A type that readings can have.
pub trait Reading {
    /// Which it is.
    const TYPE: ReadingType;
}

impl Reading for u8 {
    const TYPE: ReadingType = ReadingType::U8;
}

impl Reading for i16 {
    const TYPE: ReadingType = ReadingType::I16;
}

impl Reading for i32 {
    const TYPE: ReadingType = ReadingType::I32;
}

impl Reading for f32 {
    const TYPE: ReadingType = ReadingType::F32;
}

/// What a message from a device may be to a host of this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a, Scores, Probabilities> {
    /// A reply.
    Reply(Reply<'a, Scores, Probabilities>),
    /// A hello of another version, which this host cannot read further.
    OtherVersion(u8),
}

/// A host's way to read a message; `None` if it is none that a device sends.
pub fn read_reply<'a, S, P>(message: &'a [u8]) -> Option<Answer<'a, S, P>>
where
    S: Deserialize<'a>,
    P: Deserialize<'a>,
{
    if let [0, version, ..] = message
        && *version != super::VERSION
    {
        return Some(Answer::OtherVersion(*version));
    }
    match postcard::take_from_bytes(message) {
        Ok((reply, [])) => Some(Answer::Reply(reply)),
        _ => None,
    }
}
