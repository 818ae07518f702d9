//! Recordings: WAV bytes of one channel of 16-bit samples.

use std::io::Cursor;

use crate::SignalError;

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
/// Bytes that are no such file, or that end early.
pub fn read_wav(bytes: &[u8]) -> Result<Recording, SignalError> {
    let damaged = |error: hound::Error| {
        SignalError::new("the WAV file", error.to_string(), "a complete WAV file")
    };
    let reader = hound::WavReader::new(bytes).map_err(damaged)?;
    let spec = reader.spec();
    let is_sound = spec.channels == 1
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int;
    if !is_sound {
        return Err(SignalError::new(
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
    let samples = reader
        .into_samples::<i16>()
        .collect::<Result<Vec<_>, _>>()
        .map_err(damaged)?;
    Ok(Recording {
        sample_rate_hz: spec.sample_rate,
        samples,
    })
}

/// The bytes of a WAV file of one channel of 16-bit integers.
///
/// # Errors
/// More samples than such a file holds.
pub fn wav_bytes(recording: &Recording) -> Result<Vec<u8>, SignalError> {
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
        SignalError::new(
            format!("a recording of {} samples", recording.samples.len()),
            error.to_string(),
            "at most 4 GiB",
        )
    })
}
