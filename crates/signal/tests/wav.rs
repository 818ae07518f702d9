//! WAV files that are no recordings, and what is said of them.

use expect_test::{Expect, expect};
use spinney_signal::{Recording, read_wav, wav_bytes};

/// A RIFF file of one `fmt ` and one `data` chunk whose size is said to be `claimed`.
fn wav(format: u16, channels: u16, bits: u16, data: &[u8], claimed: u32) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36_u32.wrapping_add(claimed)).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(format.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(16_000_u32.to_le_bytes());
    bytes.extend((16_000 * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(claimed.to_le_bytes());
    bytes.extend(data);
    bytes
}

fn check(bytes: &[u8], expected: &Expect) {
    let said = match read_wav(bytes) {
        Ok(recording) => format!("{} samples\n", recording.samples.len()),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&said);
}

#[test]
fn other_samples_than_the_microphones() {
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], 4),
        &expect![[r#"
        2 samples
    "#]],
    );
    check(
        &wav(1, 2, 16, &[1, 0, 2, 0], 4),
        &expect![[r#"
        the WAV file: found 2 channels of 16 bits, integers, expected one channel of 16-bit integers, as the microphone delivers
    "#]],
    );
    check(
        &wav(1, 1, 24, &[0; 6], 6),
        &expect![[r#"
        the WAV file: found 1 channels of 24 bits, integers, expected one channel of 16-bit integers, as the microphone delivers
    "#]],
    );
    check(
        &wav(1, 1, 8, &[0; 4], 4),
        &expect![[r#"
        the WAV file: found 1 channels of 8 bits, integers, expected one channel of 16-bit integers, as the microphone delivers
    "#]],
    );
    check(
        &wav(3, 1, 32, &[0; 8], 8),
        &expect![[r#"
        the WAV file: found 1 channels of 32 bits, floats, expected one channel of 16-bit integers, as the microphone delivers
    "#]],
    );
    check(
        &wav(7, 1, 8, &[0; 4], 4),
        &expect![[r#"
        the WAV file: found The wave format of the file is not supported., expected a complete WAV file
    "#]],
    );
    check(
        &wav(1, 0, 16, &[1, 0], 2),
        &expect![[r#"
            the WAV file: found Ill-formed WAVE file: file contains zero channels, expected a complete WAV file
        "#]],
    );
}

#[test]
fn sizes_that_lie() {
    check(
        &wav(1, 1, 16, &[], 0),
        &expect![[r#"
            the WAV file: found no samples, expected samples; a recorder that lost power or wrote to a pipe leaves such a header, which `ffmpeg -i FILE OUT.wav` writes anew
        "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0, 2], 3),
        &expect![[r#"
        the WAV file: found Ill-formed WAVE file: data chunk length is not a multiple of sample size, expected a complete WAV file
    "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], 400),
        &expect![[r#"
        the WAV file: found Failed to read enough bytes., expected a complete WAV file
    "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0], u32::MAX),
        &expect![[r#"
            the WAV file: found no length in its header, and 2 bytes behind it, expected samples; a recorder that lost power or wrote to a pipe leaves such a header, which `ffmpeg -i FILE OUT.wav` writes anew
        "#]],
    );
    // What lies behind the chunk is none of it.
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], 2),
        &expect![[r#"
        1 samples
    "#]],
    );
}

#[test]
fn no_wav_file() {
    check(
        b"",
        &expect![[r#"
        the WAV file: found Failed to read enough bytes., expected a complete WAV file
    "#]],
    );
    check(
        b"RIFF",
        &expect![[r#"
        the WAV file: found Failed to read enough bytes., expected a complete WAV file
    "#]],
    );
    check(
        b"start,end,label\n0,1,bell\n",
        &expect![[r#"
        the WAV file: found Ill-formed WAVE file: no RIFF tag found, expected a complete WAV file
    "#]],
    );
    check(
        &wav(1, 1, 16, &[], 0)[..30],
        &expect![[r#"
        the WAV file: found Failed to read enough bytes., expected a complete WAV file
    "#]],
    );
}

#[test]
fn a_header_that_was_never_finished() {
    let empty = Recording {
        sample_rate_hz: 8_000,
        samples: Vec::new(),
    };
    let bytes = wav_bytes(&empty).expect("a header");
    check(
        &bytes,
        &expect![[r#"
        the WAV file: found no samples, expected samples; a recorder that lost power or wrote to a pipe leaves such a header, which `ffmpeg -i FILE OUT.wav` writes anew
    "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], 0),
        &expect![[r#"
        the WAV file: found no length in its header, and 4 bytes behind it, expected samples; a recorder that lost power or wrote to a pipe leaves such a header, which `ffmpeg -i FILE OUT.wav` writes anew
    "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], u32::MAX),
        &expect![[r#"
        the WAV file: found no length in its header, and 4 bytes behind it, expected samples; a recorder that lost power or wrote to a pipe leaves such a header, which `ffmpeg -i FILE OUT.wav` writes anew
    "#]],
    );
}

#[test]
fn other_chunks_are_passed_over() {
    let plain = wav(1, 1, 16, &[1, 0, 2, 0], 4);
    let with = |chunk: &[u8]| {
        let (head, samples) = plain.split_at(36);
        let mut bytes = head.to_vec();
        bytes.extend(b"note");
        bytes.extend((chunk.len() as u32).to_le_bytes());
        bytes.extend(chunk);
        bytes.extend(samples);
        read_wav(&bytes).map(|recording| recording.samples)
    };
    assert_eq!(with(b"abcd"), Ok(vec![1, 2]));
    assert_eq!(with(b""), Ok(vec![1, 2]));
    // Of odd length, without the zero that belongs behind it.
    assert_eq!(with(b"abc"), Ok(vec![1, 2]));
    let (head, samples) = plain.split_at(36);
    let padded = [head, b"note\x03\0\0\0abc\0", samples].concat();
    assert_eq!(read_wav(&padded).expect("samples").samples, [1, 2]);
    let two = [head, b"note\x03\0\0\0abc\0list\x01\0\0\0a\0", samples].concat();
    assert_eq!(read_wav(&two).expect("samples").samples, [1, 2]);
    for end in 0..two.len() {
        assert!(read_wav(&two[..end]).is_err(), "cut at {end}");
    }
}
