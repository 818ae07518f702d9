//! Recordings: WAV bytes of one channel of 16-bit samples.

use std::borrow::Cow;
use std::io::Cursor;

use spinney_dataset::DataError;

/// Samples of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// The samples, in their order.
    pub samples: Vec<i16>,
}

/// Reads a WAV file of one channel of 16-bit integers.
///
/// # Errors
/// Bytes that are no such file, that end early, or that hold no samples.
pub fn read_wav(bytes: &[u8]) -> Result<Recording, DataError> {
    let damaged = |error: hound::Error| {
        DataError::new("the WAV file", error.to_string(), "a complete WAV file")
    };
    let chunks = chunks(bytes);
    if let Some(chunk) = chunks.last().filter(|chunk| chunk.is(b"data"))
        && [0, u32::MAX as usize].contains(&chunk.size)
    {
        return Err(DataError::new(
            "the WAV file",
            match bytes.len() - chunk.start {
                0 => "no samples".to_owned(),
                n => format!("no length in its header, and {n} bytes behind it"),
            },
            "samples; a recorder that lost power or wrote to a pipe leaves such a header, which \
             `ffmpeg -i FILE OUT.wav` writes anew",
        ));
    }
    let plain = without_others(bytes, &chunks);
    let reader = hound::WavReader::new(&plain[..]).map_err(damaged)?;
    let spec = reader.spec();
    let is_sound = spec.channels == 1
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int;
    if !is_sound {
        return Err(DataError::new(
            "the WAV file",
            format!(
                "{} channels of {} bits, {}",
                spec.channels,
                spec.bits_per_sample,
                match spec.sample_format {
                    hound::SampleFormat::Int => "integers",
                    hound::SampleFormat::Float => "floats",
                }
            ),
            "one channel of 16-bit integers, as the microphone delivers",
        ));
    }
    if spec.sample_rate == 0 {
        return Err(DataError::new(
            "the WAV file",
            "0 samples per second",
            "at least one",
        ));
    }
    let samples = reader
        .into_samples::<i16>()
        .collect::<Result<Vec<_>, _>>()
        .map_err(damaged)?;
    Ok(Recording {
        sample_rate_hz: spec.sample_rate,
        samples,
    })
}

/// A chunk of a RIFF file.
struct Chunk {
    name: [u8; 4],
    /// Where its content starts.
    start: usize,
    size: usize,
}

impl Chunk {
    fn is(&self, name: &[u8; 4]) -> bool {
        self.name == *name
    }
}

/// The chunks up to the first of samples. One of odd length is followed by a zero, as RIFF has it,
/// which some writers leave out.
fn chunks(bytes: &[u8]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut at = 12;
    while let Some((name, rest)) = bytes
        .get(at..)
        .and_then(|rest| rest.split_first_chunk::<4>())
        && let Some((size, _)) = rest.split_first_chunk::<4>()
        && !chunks.last().is_some_and(|chunk| chunk.is(b"data"))
    {
        let size = usize::try_from(u32::from_le_bytes(*size)).unwrap_or(usize::MAX);
        let start = at + 8;
        chunks.push(Chunk {
            name: *name,
            start,
            size,
        });
        at = start.saturating_add(size);
        at += usize::from(size % 2 == 1 && bytes.get(at) == Some(&0));
    }
    chunks
}

/// The same file without chunks of odd length before the samples, whose end hound takes wrongly.
fn without_others<'b>(bytes: &'b [u8], chunks: &[Chunk]) -> Cow<'b, [u8]> {
    let is_odd = |chunk: &Chunk| chunk.size % 2 == 1 && !chunk.is(b"data");
    let (Some(samples), true) = (
        chunks.iter().find(|chunk| chunk.is(b"data")),
        chunks.iter().any(is_odd),
    ) else {
        return bytes.into();
    };
    let mut plain = bytes[..12].to_vec();
    for chunk in chunks.iter().filter(|chunk| chunk.is(b"fmt ")) {
        plain.extend(&bytes[chunk.start - 8..chunk.start.saturating_add(chunk.size)]);
    }
    plain.extend(&bytes[samples.start - 8..]);
    plain.into()
}

/// The bytes of a WAV file of one channel of 16-bit integers.
///
/// # Errors
/// More samples than such a file holds.
pub fn wav_bytes(recording: &Recording) -> Result<Vec<u8>, DataError> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: recording.sample_rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let write = || -> Result<Vec<u8>, hound::Error> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
        for sample in &recording.samples {
            writer.write_sample(*sample)?;
        }
        writer.finalize()?;
        Ok(bytes.into_inner())
    };
    write().map_err(|error| {
        DataError::new(
            format!("a recording of {} samples", recording.samples.len()),
            error.to_string(),
            "at most 4 GiB",
        )
    })
}
