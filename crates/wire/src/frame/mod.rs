//! Requests and replies between a host and a live device, over any stream of bytes.
//!
//! A *message* is a [`Request`] or a [`Reply`] in postcard's format, followed by the CRC-32 (as in
//! zlib, IEEE 802.3) of these bytes, little-endian. A *frame* is a message stuffed by COBS and ended
//! by a byte 0, which occurs nowhere else; so after any damage the next 0 is where frames begin
//! again. Empty frames mean nothing: a sender may put a 0 in front, to end what noise began.
//!
//! The host speaks first, and sends nothing more until it has an answer or has given up waiting: a
//! device that has one buffer and no interrupts loses no byte. Each request has one reply, the same
//! however often it is sent, so that a host may repeat one whose answer got lost.

mod codec;
mod message;

pub use codec::{Damaged, Receiver, TooLong, frame_len, write_frame};
pub use message::{
    Answer, Clock, Hello, Outcome, Reading, ReadingType, Refused, Reply, Request, Why, read_reply,
};

/// Version of messages and frames. A device tells it in the second byte of its [`Reply::Hello`],
/// in every version.
pub const VERSION: u8 = 1;

/// Bytes that COBS never puts within a frame, and that end one.
pub const DELIMITER: u8 = 0;

#[cfg(all(test, feature = "host"))]
mod tests;
