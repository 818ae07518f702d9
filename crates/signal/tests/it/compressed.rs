//! Packed sound of two tones, as libsndfile writes it, against the WAV file of the same samples.

use spinney_signal::{Recording, read_sound};

const WAV: &[u8] = include_bytes!("../fixtures/tones.wav");
const FLAC: &[u8] = include_bytes!("../fixtures/tones.flac");
const OGG: &[u8] = include_bytes!("../fixtures/tones.ogg");
const MP3: &[u8] = include_bytes!("../fixtures/tones.mp3");
const OPUS: &[u8] = include_bytes!("../fixtures/opus.ogg");

fn read(bytes: &[u8]) -> Recording {
    read_sound(bytes).expect("sound")
}

fn refused(bytes: &[u8]) -> String {
    read_sound(bytes).expect_err("a damaged file").to_string()
}

/// The power of a recording over that of what it differs by from another, in decibels.
fn ratio_db(one: &Recording, other: &Recording) -> f64 {
    let power = |it: &mut dyn Iterator<Item = f64>| it.map(|it| it * it).sum::<f64>();
    let pairs = one.samples.iter().zip(&other.samples);
    let apart = power(&mut pairs.map(|(one, other)| f64::from(*one) - f64::from(*other)));
    10.0 * (power(&mut one.samples.iter().map(|it| f64::from(*it))) / apart).log10()
}

#[test]
fn flac_is_its_wav() {
    assert_eq!(read(FLAC), read(WAV));
    let tagged = [b"ID3\x04\0\0\0\0\0\x05abcde", FLAC].concat();
    assert_eq!(read(&tagged), read(WAV));
}

#[test]
fn lossy_sound_is_near_its_wav_and_as_long() {
    for (packed, least_db) in [(OGG, 15.0), (MP3, 15.0)] {
        let (packed, wav) = (read(packed), read(WAV));
        assert_eq!(packed.sample_rate_hz, wav.sample_rate_hz);
        assert_eq!(packed.samples.len(), wav.samples.len());
        let found = ratio_db(&wav, &packed);
        assert!(found > least_db, "{found} dB");
    }
}

#[test]
fn what_is_cut_or_damaged_says_so() {
    for (whole, n_step) in [(FLAC, 1), (OGG, 7), (MP3, 1)] {
        let mut n_refused = 0;
        for end in (0..whole.len()).step_by(n_step) {
            n_refused += usize::from(read_sound(&whole[..end]).is_err());
            let mut flipped = whole.to_vec();
            flipped[end] ^= 0x10;
            let _ = read_sound(&flipped);
        }
        assert!(n_refused * n_step > whole.len() / 2, "{n_refused}");
    }
    let cut = refused(&FLAC[..FLAC.len() - 1]);
    assert!(cut.contains("1600, as it says itself"), "{cut}");
    let mut damaged = FLAC.to_vec();
    // The checksum of all samples, and a byte of them.
    damaged[30] ^= 1;
    assert!(refused(&damaged).contains("another checksum"));
    let other_codec = refused(OPUS);
    assert!(
        other_codec.contains("ffmpeg -i FILE OUT.wav"),
        "{other_codec}"
    );
}
