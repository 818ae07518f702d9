//! WAV files that are no recordings, and what is said of them.

use expect_test::{Expect, expect};
use spinney_signal::{Recording, read_sound, read_wav, wav_bytes};

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
    let samples = |bytes: &[u8]| read_wav(bytes).expect("sound").samples;
    let stereo = [1, 0, 3, 0, 0xff, 0x7f, 0, 0x80];
    assert_eq!(samples(&wav(1, 2, 16, &stereo, 8)), [2, -1]);
    assert_eq!(
        samples(&wav(1, 1, 8, &[128, 255, 0], 3)),
        [0, 32_512, -32_768]
    );
    let of_24 = [0, 1, 0, 0xff, 0xff, 0x7f, 0, 0, 0x80];
    assert_eq!(samples(&wav(1, 1, 24, &of_24, 9)), [1, 32_767, -32_768]);
    let of_32: Vec<u8> = [1 << 16, i32::MIN, i32::MAX]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect();
    assert_eq!(samples(&wav(1, 1, 32, &of_32, 12)), [1, -32_768, 32_767]);
    let floats: Vec<u8> = [0.5_f32, -1.0, 1.0, 7.0, f32::NAN]
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    assert_eq!(
        samples(&wav(3, 1, 32, &floats, 20)),
        [16_384, -32_768, 32_767, 32_767, 0]
    );
    check(
        b"fLaC....",
        &expect![[r#"
        the WAV file: found Ill-formed WAVE file: no RIFF tag found, expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
    "#]],
    );
    check(
        &wav(7, 1, 8, &[0; 4], 4),
        &expect![[r#"
            the WAV file: found The wave format of the file is not supported., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
    check(
        &wav(1, 0, 16, &[1, 0], 2),
        &expect![[r#"
            the WAV file: found Ill-formed WAVE file: file contains zero channels, expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
}

#[test]
fn other_rates_and_samples_of_edge_impulse() {
    let tone = |rate: u32, n: u32| -> Vec<i16> {
        let at = |n: u32| (f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(rate)).sin();
        (0..n).map(|n| (at(n) * 8000.0) as i16).collect()
    };
    let recording = Recording {
        sample_rate_hz: 44_100,
        samples: tone(44_100, 4410),
    };
    let budget = spinney_dataset::Budget::of(1 << 16);
    let at_8k = recording.at_rate(8000, &budget).expect("a ratio");
    assert_eq!((at_8k.sample_rate_hz, at_8k.samples.len()), (8000, 800));
    let like = tone(8000, 800);
    let pairs = at_8k.samples.iter().zip(&like);
    let apart = pairs.map(|(found, like)| (found - like).abs());
    assert!(apart.skip(50).take(700).all(|apart| apart <= 3));
    let sample = |sensors: &str| {
        let text = format!(
            "{{\"payload\":{{\"interval_ms\":0.0625,\"sensors\":[{sensors}],\"values\":[204.375,-7]}}}}"
        );
        read_sound(text.as_bytes())
    };
    let read = sample("{\"name\":\"audio\"}").expect("sound");
    assert_eq!(
        (read.sample_rate_hz, &read.samples[..]),
        (16_000, &[204, -7][..])
    );
    let refused = sample("{\"name\":\"a\"},{\"name\":\"b\"}").expect_err("two sensors");
    assert_eq!(refused.expected, "rows of 2, one for each of `sensors`");
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
            the WAV file: found Ill-formed WAVE file: data chunk length is not a multiple of sample size, expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
    check(
        &wav(1, 1, 16, &[1, 0, 2, 0], 400),
        &expect![[r#"
            the WAV file: found Failed to read enough bytes., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
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
            the WAV file: found Failed to read enough bytes., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
    check(
        b"RIFF",
        &expect![[r#"
            the WAV file: found Failed to read enough bytes., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
    check(
        b"start,end,label\n0,1,bell\n",
        &expect![[r#"
            the WAV file: found Ill-formed WAVE file: no RIFF tag found, expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
        "#]],
    );
    check(
        &wav(1, 1, 16, &[], 0)[..30],
        &expect![[r#"
            the WAV file: found Failed to read enough bytes., expected a complete WAV file of integers or floats, as `ffmpeg -i FILE -c:a pcm_s16le OUT.wav` writes it
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
