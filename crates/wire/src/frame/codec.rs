//! Frames: a checksum behind a message, COBS around both, a 0 at the end.

use cobs::{DecodeResult, DecoderState};
use crc::{CRC_32_ISO_HDLC, Crc, Digest, NoTable};
use postcard::ser_flavors::{Cobs, Flavor, Slice};
use serde::Serialize;

/// A table would be faster and take a kilobyte of flash; a frame takes far longer on its way.
type Checksum = Crc<u32, NoTable>;

const CHECKSUM: Checksum = Checksum::new(&CRC_32_ISO_HDLC);
const CHECKSUM_LEN: usize = size_of::<u32>();

/// Length of the frame of a message of `message_len` bytes, at the most.
#[must_use]
pub const fn frame_len(message_len: usize) -> usize {
    let checked = message_len + CHECKSUM_LEN;
    // One byte in front of each 254, and the delimiter.
    checked + checked / 254 + 1 + 1
}

/// The buffer does not hold the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Writes `message` as a frame into `buffer`; the part of it that was filled, with its delimiter.
///
/// # Errors
/// A buffer shorter than the frame.
pub fn write_frame<'b, M: Serialize + ?Sized>(
    message: &M,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], TooLong> {
    let stuffed = Cobs::try_new(Slice::new(buffer)).map_err(|_| TooLong)?;
    let checked = Checked {
        digest: CHECKSUM.digest(),
        inner: stuffed,
    };
    match postcard::serialize_with_flavor(message, checked) {
        Ok(frame) => Ok(frame),
        Err(_) => Err(TooLong),
    }
}

/// Puts a checksum behind what passes through.
///
/// postcard's own flavour would do, but for the table that it insists on.
struct Checked<F> {
    digest: Digest<'static, u32, NoTable>,
    inner: F,
}

impl<F: Flavor> Flavor for Checked<F> {
    type Output = F::Output;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.digest.update(&[byte]);
        self.inner.try_push(byte)
    }

    fn finalize(mut self) -> postcard::Result<F::Output> {
        self.inner
            .try_extend(&self.digest.finalize().to_le_bytes())?;
        self.inner.finalize()
    }
}

/// A frame that is not as it was sent, or longer than the receiver's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Finds messages in a stream of bytes.
///
/// Whatever the bytes are, it never panics; a frame behind damage is found as soon as one delimiter
/// has come through in between.
#[derive(Debug)]
pub struct Receiver<B> {
    buffer: B,
    n_bytes: usize,
    state: DecoderState,
    is_damaged: bool,
}

impl<B: AsMut<[u8]>> Receiver<B> {
    /// A receiver of messages that fit `buffer` with their checksum; [`frame_len`] is enough.
    pub const fn new(buffer: B) -> Self {
        Self {
            buffer,
            n_bytes: 0,
            state: DecoderState::Idle,
            is_damaged: false,
        }
    }

    /// Takes one byte, and returns a message, without its checksum, once it is complete.
    ///
    /// # Errors
    /// A frame that is damaged, once it has ended.
    pub fn push(&mut self, byte: u8) -> Option<Result<&[u8], Damaged>> {
        match self.state.feed(byte) {
            Ok(DecodeResult::NoData) => return None,
            Ok(DecodeResult::DataContinue(byte)) => {
                match self.buffer.as_mut().get_mut(self.n_bytes) {
                    Some(place) => *place = byte,
                    None => self.is_damaged = true,
                }
                self.n_bytes = self.n_bytes.saturating_add(1);
                return None;
            }
            Ok(DecodeResult::DataComplete) => {}
            Err(_) => self.is_damaged = true,
        }
        let n_bytes = core::mem::take(&mut self.n_bytes);
        if core::mem::take(&mut self.is_damaged) {
            return Some(Err(Damaged));
        }
        let message = self.buffer.as_mut().get(..n_bytes);
        Some(message.and_then(checked).ok_or(Damaged))
    }

    /// Whether a frame has begun and not ended.
    pub fn is_within(&self) -> bool {
        !matches!(self.state, DecoderState::Idle)
    }

    /// Lends the buffer to a reply; what was received in part is forgotten.
    pub fn buffer(&mut self) -> &mut [u8] {
        self.n_bytes = 0;
        self.state = DecoderState::Idle;
        self.is_damaged = false;
        self.buffer.as_mut()
    }
}

/// The message before its checksum, if that is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (message, sum) = bytes.split_last_chunk()?;
    (CHECKSUM.checksum(message) == u32::from_le_bytes(*sum)).then_some(message)
}
