//! Recordings and their labels, as the fuzz targets `wav`, `motion` and `intervals` read them.

use spinney_dataset::Budget;
use spinney_signal::{
    Columns, check_within, intervals_csv, read_intervals, read_list, read_motion, read_sound,
    read_wav, scales, wav_bytes,
};

/// A WAV file; one that is read comes back as it was.
///
/// # Panics
/// If it does not.
pub fn wav(bytes: &[u8]) {
    let Ok(recording) = read_wav(bytes) else {
        return;
    };
    assert!(recording.samples.len() <= bytes.len());
    let again = wav_bytes(&recording).expect("no more samples than were read");
    if !recording.samples.is_empty() {
        assert_eq!(read_wav(&again), Ok(recording));
    }
}

/// Sound in any format that is read.
///
/// # Panics
/// If it has no rate, or no samples though it is packed.
pub fn sound(bytes: &[u8]) {
    if let Ok(recording) = read_sound(bytes) {
        assert!(recording.sample_rate_hz > 0);
        let is_packed = !bytes.starts_with(b"RIFF") && !bytes.starts_with(b"{");
        assert!(!recording.samples.is_empty() || !is_packed);
    }
}

/// A recording of motion, gzipped or not, with and without a column of labels and of names.
///
/// # Panics
/// If there are more samples than bytes.
pub fn motion(bytes: &[u8]) {
    let channels = ["x".to_owned(), "y".to_owned()];
    for (n_channels, label, recording) in [
        (1, None, None),
        (2, Some("label"), None),
        (2, Some("label"), Some("name")),
    ] {
        let columns = Columns {
            label,
            recording,
            ..Columns::of(&channels[..n_channels])
        };
        for recording in read_motion(bytes, &columns).unwrap_or_default() {
            let _ = recording.label();
            assert_eq!(recording.values.len() % n_channels, 0);
            let scales = scales(&channels[..n_channels], std::slice::from_ref(&recording));
            let budget = Budget::of(bytes.len());
            let _ = recording.clone().resampled(n_channels, (3.0, 2.0), &budget);
            let (_, n_beyond) = recording.scaled(&scales);
            assert_eq!(n_beyond, 0);
        }
    }
}

/// A label file, one that is read can be written; or a list of recordings.
pub fn intervals(bytes: &[u8]) {
    let _ = read_list(bytes, None);
    for rate in [0.5, 16_000.0] {
        if let Ok(intervals) = read_intervals(bytes, rate) {
            let _ = check_within(&intervals, 100, 10, rate);
            let _ = intervals_csv(&intervals, 16_000);
        }
    }
}
