//! Recordings of sound: WAV files, packed ones and samples of Edge Impulse, as samples of 16 bits of one
//! channel.

use std::borrow::Cow;
use std::io::Cursor;

use spinney_dataset::{Budget, DataError};

use crate::{compressed, resampled, sample};

/// Samples of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// The samples, in their order.
    pub samples: Vec<i16>,
}

impl Recording {
    /// The same recording, as if its samples had been taken so many times per second.
    ///
    /// # Errors
    /// As [`resampled`].
    pub fn at_rate(self, sample_rate_hz: u32, budget: &Budget) -> Result<Self, DataError> {
        budget.take_items("the samples", self.samples.len(), size_of::<f64>() as u64)?;
        let samples: Vec<f64> = self.samples.into_iter().map(f64::from).collect();
        let rates = (self.sample_rate_hz.into(), sample_rate_hz.into());
        let samples = resampled(&samples, 1, rates, budget)?;
        Ok(Self {
            sample_rate_hz,
            // A cast keeps to what 16 bits hold.
            samples: samples.into_iter().map(|it| it.round() as i16).collect(),
        })
    }
}

/// Reads sound: a WAV file of integers of up to 32 bits or of floats, FLAC, MP3 or Ogg Vorbis, whose
/// channels are averaged; or a sample of Edge Impulse of one sensor. Samples become integers of 16 bits.
///
/// # Errors
/// Bytes that are no such file, that end early, or that hold no samples.
pub fn read_sound(bytes: &[u8]) -> Result<Recording, DataError> {
    let budget = Budget::of(bytes.len());
    if let Some(format) = compressed::Format::of(bytes) {
        return compressed::read(bytes, format, &budget);
    }
    if !sample::is_sample(bytes) {
        return read_wav(bytes);
    }
    let sample = sample::read(bytes, &budget)?;
    let rate = sample.pace.rate_hz.round();
    if sample.names.len() != 1 || !(1.0..=f64::from(u32::MAX)).contains(&rate) {
        return Err(DataError::new(
            "the sample",
            format!(
                "the sensors {} {rate} times per second",
                sample.names.join(", ")
            ),
            "one microphone, at least once per second",
        ));
    }
    let samples = sample.readings.iter();
    Ok(Recording {
        sample_rate_hz: rate as u32,
        samples: samples.map(|it| it.round() as i16).collect(),
    })
}

/// Reads a WAV file of integers of up to 32 bits or of floats, whose channels are averaged.
///
/// # Errors
/// Bytes that are no such file, that end early, or that hold no samples.
pub fn read_wav(bytes: &[u8]) -> Result<Recording, DataError> {
    let damaged = |error: hound::Error| {
        DataError::new(
            "the WAV file",
            error.to_string(),
            "a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` \
             writes it",
        )
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
    if spec.sample_rate == 0 {
        return Err(DataError::new(
            "the WAV file",
            "0 samples per second",
            "at least one",
        ));
    }
    let n_channels = usize::from(spec.channels);
    let samples = match (spec.sample_format, spec.bits_per_sample) {
        (hound::SampleFormat::Int, 16) => averaged(reader.into_samples::<i16>(), n_channels, 1.0),
        (hound::SampleFormat::Int, bits) => {
            let unit = 2_f64.powi(i32::from(bits) - 16);
            averaged(reader.into_samples::<i32>(), n_channels, unit)
        }
        (hound::SampleFormat::Float, _) => {
            averaged(reader.into_samples::<f32>(), n_channels, 1.0 / 32_768.0)
        }
    };
    Ok(Recording {
        sample_rate_hz: spec.sample_rate,
        samples: samples.map_err(damaged)?,
    })
}

/// The mean of each sample's channels, in units of 16 bits; a last sample without all of them is none.
fn averaged<S: Into<f64>>(
    samples: impl Iterator<Item = hound::Result<S>>,
    n_channels: usize,
    unit: f64,
) -> hound::Result<Vec<i16>> {
    let (mut out, mut sum, mut n) = (Vec::new(), 0.0, 0);
    for sample in samples {
        sum += sample?.into();
        n += 1;
        if n == n_channels {
            // A cast keeps to what 16 bits hold, and takes NaN for 0.
            out.push((sum / (unit * n as f64)).round() as i16);
            (sum, n) = (0.0, 0);
        }
    }
    Ok(out)
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
