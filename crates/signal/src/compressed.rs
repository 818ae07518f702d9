//! Sound that is packed: FLAC, MP3 and Ogg Vorbis, where the feature `compressed-audio` brings their
//! decoders.

use spinney_dataset::{Budget, DataError};

use crate::Recording;

/// What the names of such files end in.
pub const ENDINGS: [&str; 4] = [".flac", ".mp3", ".ogg", ".oga"];

/// A format of packed sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Flac,
    Mp3,
    Ogg,
}

impl Format {
    /// The format that the first bytes tell, behind a tag of ID3.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match without_tag(bytes) {
            [b'f', b'L', b'a', b'C', ..] => Some(Self::Flac),
            [b'O', b'g', b'g', b'S', ..] => Some(Self::Ogg),
            // Eleven ones, no reserved version, layer III.
            [0xff, second, ..] if second & 0xe6 == 0xe2 && second & 0x18 != 0x08 => Some(Self::Mp3),
            _ => bytes.starts_with(b"ID3").then_some(Self::Mp3),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Flac => "the FLAC file",
            Self::Mp3 => "the MP3 file",
            Self::Ogg => "the Ogg file",
        }
    }
}

/// The bytes behind a tag of ID3 at their start, whose length has seven bits a byte.
fn without_tag(bytes: &[u8]) -> &[u8] {
    let [b'I', b'D', b'3', _, _, flags, length @ ..] = bytes else {
        return bytes;
    };
    let Some((length, rest)) = length.split_first_chunk::<4>() else {
        return bytes;
    };
    let length = (length.iter()).fold(0, |all, byte| all << 7 | usize::from(byte & 0x7f));
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    rest.get(length + footer..).unwrap_or_default()
}

/// Samples of 16 bits of the mean of all channels.
///
/// # Errors
/// A damaged file, one that ends early, or more than the budget has.
#[cfg(feature = "compressed-audio")]
pub(crate) fn read(bytes: &[u8], format: Format, budget: &Budget) -> Result<Recording, DataError> {
    decoded::read(without_tag(bytes), format, budget)
}

/// Says what would read the file.
///
/// # Errors
/// Always.
#[cfg(not(feature = "compressed-audio"))]
pub(crate) fn read(_: &[u8], format: Format, _: &Budget) -> Result<Recording, DataError> {
    Err(DataError::new(
        format.name(),
        "no decoder in this build of Spinney",
        "the feature `compressed-audio`: `cargo install spinney --features compressed-audio`, in a \
         project `features = [\"compressed-audio\"]` of spinney-cli in xtask/Cargo.toml; or WAV, which \
         `ffmpeg -i FILE OUT.wav` makes",
    ))
}

#[cfg(feature = "compressed-audio")]
mod decoded {
    use std::io::Cursor;

    use symphonia::core::codecs::CodecParameters;
    use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
    use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
    use symphonia::core::errors::Error;
    use symphonia::core::formats::{FormatReader, TrackType};
    use symphonia::core::io::{BitReaderRtl, MediaSourceStream, ReadBitsRtl};
    use symphonia::default::formats::{FlacReader, MpaReader, OggReader};
    use symphonia::default::get_codecs;

    use super::{Budget, DataError, Format, Recording};

    /// Steps for each sample of a channel.
    const STEPS: u64 = 4;
    /// Bytes that a decoder keeps for each sample of a packet.
    const KEPT_BYTES: u64 = 32;
    /// Samples of a packet where a file says no number: the longest block of Vorbis.
    const BLOCK: u64 = 8192;
    /// Bytes that a codebook takes for each entry, beside its vector: codes, lengths and look-ups.
    const ENTRY_BYTES: u64 = 256;

    pub(super) fn read(
        bytes: &[u8],
        format: Format,
        budget: &Budget,
    ) -> Result<Recording, DataError> {
        let place = format.name();
        let damaged = |error: Error| {
            DataError::new(
                place,
                match error {
                    Error::ResetRequired => "several streams behind each other".to_owned(),
                    error => error.to_string(),
                },
                "FLAC, MP3 or Ogg Vorbis in one piece; `ffmpeg -i FILE OUT.wav` makes WAV of what it can \
                 read",
            )
        };
        let source = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        let options = Default::default();
        let mut reader: Box<dyn FormatReader> = match format {
            Format::Flac => Box::new(FlacReader::try_new(source, options).map_err(damaged)?),
            Format::Mp3 => Box::new(MpaReader::try_new(source, options).map_err(damaged)?),
            Format::Ogg => Box::new(OggReader::try_new(source, options).map_err(damaged)?),
        };
        let track = reader.default_track(TrackType::Audio);
        let track = track
            .ok_or(Error::Unsupported("no sound"))
            .map_err(damaged)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(damaged(Error::Unsupported("no codec")));
        };
        let (id, n_stated) = (track.id, track.num_frames);
        let n_channels = parameters.channels.as_ref().map_or(2, |it| it.count()) as u64;
        let block = parameters.max_frames_per_packet.unwrap_or(BLOCK);
        budget.take(
            place,
            n_channels.saturating_mul(block.saturating_mul(KEPT_BYTES)),
        )?;
        take_codebooks(parameters, place, budget)?;
        let options = AudioDecoderOptions::default().verify(true);
        let mut decoder =
            (get_codecs().make_audio_decoder(parameters, &options)).map_err(damaged)?;
        let (mut samples, mut sample_rate_hz) = (Vec::new(), 0);
        let mut interleaved: Vec<f64> = Vec::new();
        while let Some(packet) = reader.next_packet().map_err(damaged)? {
            let n_steps = (packet.block_dur().get().saturating_add(1)).saturating_mul(STEPS);
            budget.work(place, n_steps.saturating_mul(n_channels))?;
            if packet.track_id != id {
                continue;
            }
            let sound = decoder.decode(&packet).map_err(damaged)?;
            budget.take_items(place, sound.frames(), size_of::<i16>() as u64)?;
            sample_rate_hz = sound.spec().rate();
            let n_channels = sound.num_planes().max(1);
            sound.copy_to_vec_interleaved(&mut interleaved);
            let mean = |it: &[f64]| it.iter().sum::<f64>() / n_channels as f64;
            // A cast keeps to what 16 bits hold.
            let of = |it: &[f64]| (mean(it) * 32_768.0).round() as i16;
            samples.extend(interleaved.chunks_exact(n_channels).map(of));
        }
        let recording = Recording {
            sample_rate_hz,
            samples,
        };
        check(&mut *decoder, &recording, n_stated, place)?;
        Ok(recording)
    }

    /// Holds what was read to what the file says of it.
    fn check(
        decoder: &mut dyn AudioDecoder,
        recording: &Recording,
        n_stated: Option<u64>,
        place: &str,
    ) -> Result<(), DataError> {
        let (found, expected) = match (recording.samples.len() as u64, n_stated) {
            (1.., _) if recording.sample_rate_hz == 0 => {
                ("0 samples per second".to_owned(), "at least one".to_owned())
            }
            (n, Some(stated)) if n < stated => (
                format!("{n} samples"),
                format!("{stated}, as it says itself; it ends early"),
            ),
            (0, _) => ("no samples".to_owned(), "at least one".to_owned()),
            _ if decoder.finalize().verify_ok == Some(false) => (
                "samples of another checksum".to_owned(),
                "those that it was made of; it is damaged".to_owned(),
            ),
            _ => return Ok(()),
        };
        Err(DataError::new(place, found, expected))
    }

    /// Takes what the codebooks of Vorbis will be, before any is: a few bytes can ask for megabytes.
    fn take_codebooks(
        parameters: &AudioCodecParameters,
        place: &str,
        budget: &Budget,
    ) -> Result<(), DataError> {
        let headers = parameters.extra_data.as_deref().unwrap_or_default();
        let setup = headers.windows(7).position(|it| it == b"\x05vorbis");
        let (CODEC_ID_VORBIS, Some(start)) = (parameters.codec, setup) else {
            return Ok(());
        };
        let mut bits = BitReaderRtl::new(&headers[start + 7..]);
        // Whatever ends early here is found once more by the decoder, which takes no more than it reads.
        let n = bits.read_bits_leq32(8).map_or(0, |n| n + 1);
        for _ in 0..n {
            let (Ok(_sync), Ok(dimensions), Ok(n_entries)) = (
                bits.read_bits_leq32(24),
                bits.read_bits_leq32(16),
                bits.read_bits_leq32(24),
            ) else {
                return Ok(());
            };
            let entry_bytes = ENTRY_BYTES + 4 * u64::from(dimensions);
            budget.take(place, u64::from(n_entries) * entry_bytes)?;
            budget.work(place, u64::from(n_entries) * ENTRY_BYTES)?;
            if pass_codebook(&mut bits, n_entries, dimensions).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Passes over the codes and vectors of a codebook.
    fn pass_codebook(
        bits: &mut BitReaderRtl<'_>,
        n_entries: u32,
        dimensions: u32,
    ) -> std::io::Result<()> {
        if bits.read_bool()? {
            let (mut n, _shortest) = (0, bits.read_bits_leq32(5)?);
            while n < n_entries {
                n += bits.read_bits_leq32(u32::BITS - (n_entries - n).leading_zeros())?;
            }
        } else if bits.read_bool()? {
            for _ in 0..n_entries {
                if bits.read_bool()? {
                    bits.ignore_bits(5)?;
                }
            }
        } else {
            bits.ignore_bits(n_entries.saturating_mul(5))?;
        }
        let n_values = match bits.read_bits_leq32(4)? {
            0 => return Ok(()),
            1 => {
                let fits =
                    |root: &u32| root.checked_pow(dimensions).is_some_and(|n| n <= n_entries);
                (1..=n_entries).take_while(fits).last().unwrap_or(0)
            }
            _ => n_entries.saturating_mul(dimensions),
        };
        bits.ignore_bits(64)?;
        let n_bits = bits.read_bits_leq32(4)? + 1;
        let _is_sequence = bits.read_bool()?;
        bits.ignore_bits(n_values.saturating_mul(n_bits))
    }

    #[test]
    fn codebooks_end_where_they_say() {
        let take = |n_entries: u32, n_books: u8| {
            let sizes = [&[1, 0][..], &n_entries.to_le_bytes()[..3]].concat();
            // Ordered, its codes all as long, no vectors.
            let length = u32::BITS - n_entries.leading_zeros();
            let rest = (1 | u64::from(n_entries) << 6) & ((1 << (6 + length)) - 1);
            let book = [b"BCV", &sizes[..], &rest.to_le_bytes()].concat();
            let headers = [b"\x05vorbis", &[n_books - 1][..], &book].concat();
            let mut parameters = AudioCodecParameters::new();
            parameters
                .for_codec(CODEC_ID_VORBIS)
                .with_extra_data(headers.into());
            take_codebooks(&parameters, "here", &Budget::of(0))
        };
        let most = 64_000_000 / (ENTRY_BYTES as u32 + 4);
        assert_eq!(take(most, 1), Ok(()));
        assert!(take(most + 1, 1).is_err());
        assert!(take(u32::MAX, 255).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, without_tag};

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let tagged = |rest: &[u8]| [b"ID3\x04\0\0\0\0\x01\x02", &[7; 130][..], rest].concat();
        for (bytes, format) in [
            (b"fLaC".to_vec(), Some(Format::Flac)),
            (b"OggS".to_vec(), Some(Format::Ogg)),
            (tagged(b"fLaC"), Some(Format::Flac)),
            (tagged(b"\xff\xfb\x90"), Some(Format::Mp3)),
            (b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec(), Some(Format::Mp3)),
            (b"ID3".to_vec(), Some(Format::Mp3)),
            (b"\xff\xf3".to_vec(), Some(Format::Mp3)),
            // Layer II, a reserved version, and text in UTF-16.
            (b"\xff\xfd".to_vec(), None),
            (b"\xff\xeb".to_vec(), None),
            (b"\xff\xfe".to_vec(), None),
            (b"RIFF".to_vec(), None),
            (Vec::new(), None),
        ] {
            assert_eq!(Format::of(&bytes), format, "{:?}", bytes.get(..3));
        }
        assert_eq!(without_tag(&tagged(b"rest")), b"rest");
        assert_eq!(without_tag(b"ID3\x04\0\x10\0\0\0\0--footer--rest"), b"rest");
    }

    #[cfg(feature = "compressed-audio")]
    #[test]
    fn memory_ends_where_it_says() {
        use spinney_dataset::Budget;
        for bytes in [
            &include_bytes!("../tests/fixtures/tones.flac")[..],
            include_bytes!("../tests/fixtures/tones.ogg"),
            include_bytes!("../tests/fixtures/tones.mp3"),
        ] {
            let format = Format::of(bytes).expect("a format");
            let read = |left: Option<u64>| {
                let budget = Budget::of(bytes.len());
                let all = budget.bytes_left();
                let taken = left.map_or(0, |left| all - left);
                budget.take("others", taken).expect("less than all");
                let result = super::read(bytes, format, &budget);
                (result.is_ok(), all - taken - budget.bytes_left())
            };
            let (_, needed) = read(None);
            assert_eq!(read(Some(needed)), (true, needed));
            assert!(!read(Some(needed - 1)).0);
        }
    }
}
