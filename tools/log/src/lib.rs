//! The firmware's defmt log, decoded as its bytes come in.

use anyhow::Context;
use defmt_decoder::{DecodeError, StreamDecoder, Table};

/// What turns bytes of a log into lines.
pub struct Log {
    decoder: Box<dyn StreamDecoder + Send + Sync>,
    can_recover: bool,
}

impl Log {
    /// For an image's ELF file; `None` where it has no log.
    ///
    /// # Errors
    /// It is no ELF file, or its table is of another version of defmt.
    pub fn of(elf: &[u8]) -> anyhow::Result<Option<Self>> {
        // A process reads one log, which needs its table to the end.
        let table = Table::parse(elf)?.map(|table| &*Box::leak(Box::new(table)));
        Ok(table.map(|table| Self {
            decoder: table.new_stream_decoder(),
            can_recover: table.encoding().can_recover(),
        }))
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
