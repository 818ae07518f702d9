//! The firmware's defmt log, decoded as its bytes come in.

use anyhow::Context;
use defmt_decoder::{DecodeError, StreamDecoder, Table};

/// What turns bytes of a log into lines.
pub struct Log<'a> {
    decoder: Box<dyn StreamDecoder + Send + Sync + 'a>,
    can_recover: bool,
}

impl<'a> Log<'a> {
    /// For an image whose table this is.
    pub fn new(table: &'a Table) -> Self {
        Self {
            decoder: table.new_stream_decoder(),
            can_recover: table.encoding().can_recover(),
        }
    }

    /// Gives each line that is complete with these bytes to `tell`.
    ///
    /// # Errors
    /// Bytes that are no log of this image, in an encoding that cannot find its way back.
    pub fn decode(&mut self, bytes: &[u8], tell: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
        self.decoder.received(bytes);
        loop {
            match self.decoder.decode() {
                Ok(frame) => {
                    let level = frame.level().map_or("", |level| level.as_str());
                    tell(&format!("{level} {}", frame.display_message()));
                }
                Err(DecodeError::UnexpectedEof) => return Ok(()),
                Err(DecodeError::Malformed) if self.can_recover => {}
                Err(DecodeError::Malformed) => {
                    return Err(DecodeError::Malformed).context(
                        "the log is not that of this image; was another one programmed since?",
                    );
                }
            }
        }
    }
}
