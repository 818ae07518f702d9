//! Frames, aggregates and moments against their definitions.

use std::num::{NonZeroU16, NonZeroU32};

use proptest::prelude::*;
use spinney_frontend::aggregate::{Aggregate, Maximum, Mean, Minimum, Statistic, Variance};
use spinney_frontend::frames::Frames;
use spinney_frontend::log2::log2;
use spinney_frontend::moments::Moments;
use spinney_frontend::spectrum::Spectrum;
use spinney_frontend::window::Window;
use spinney_signal::{BankError, FilterTable, MelBank, MelScale, Normalisation};

fn frames_of(samples: &[i16], hop: u16) -> Vec<Vec<i16>> {
    let mut frames = Frames::<32>::new(NonZeroU16::new(hop).expect("a hop"));
    let mut found = Vec::new();
    for sample in samples {
        if let Some(frame) = frames.push(*sample) {
            found.push(frame.as_flattened().to_vec());
        }
    }
    found
}

#[test]
fn frames_overlap_touch_and_leave_gaps() {
    let samples: Vec<i16> = (0..1000).collect();
    for hop in [1, 7, 31, 32, 33, 63, 64, 65, 100, 300] {
        let wanted: Vec<Vec<i16>> = samples
            .windows(64)
            .step_by(usize::from(hop))
            .map(<[i16]>::to_vec)
            .collect();
        assert_eq!(frames_of(&samples, hop), wanted, "hop {hop}");
    }
}

#[test]
fn frames_start_anew() {
    let mut frames = Frames::<32>::new(NonZeroU16::MIN);
    assert!((0..63).all(|sample| frames.push(sample).is_none()));
    frames.restart();
    assert!((0..63).all(|sample| frames.push(sample).is_none()));
    assert_eq!(frames.push(63).map(|frame| frame[0]), Some([0, 1]));
}

/// The statistic of all values.
fn over<V: Copy, S: Statistic<V>>(values: &[V]) -> S::Result {
    let n = u32::try_from(values.len()).ok().and_then(NonZeroU32::new);
    let mut statistic = S::EMPTY;
    for value in values {
        statistic.add(*value);
    }
    statistic.result(n.expect("some values"))
}

#[test]
fn aggregates_stand_one_after_the_other() {
    type Three = (Maximum<i16>, (Mean<i64>, Variance<i64, u64>));
    let mut aggregate = Aggregate::<Three, 2>::new();
    for frame in [[1, -9], [3, 9], [2, 6]] {
        aggregate.add(&frame);
    }
    let n = NonZeroU32::new(3).expect("not zero");
    let mut features = [0; 7];
    aggregate.write::<i16, i32>(n, |_| 1000, &mut features);
    assert_eq!(features, [3, 9, 2, 2, 0, 62, 0]);
    let mut short = [0; 3];
    aggregate.write::<i16, i16>(n, |_| 1000, &mut short);
    assert_eq!(short, [3, 9, 2]);
    // Of energies, a logarithm with the offset of the band.
    let mut energies = Aggregate::<(Minimum<u64>, Variance<u64, u128>), 2>::new();
    energies.add(&[8_u64, 1 << 40]);
    energies.write::<u64, i32>(NonZeroU32::MIN, |band| band as i16, &mut features[..4]);
    assert_eq!(features[..4], [3 << 9, (40 << 9) + 1, 0, 0]);
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean) * (value - mean));
    (mean, squares.sum::<f64>() / n)
}

proptest! {
    #[test]
    fn statistics_of_logarithms(values in proptest::collection::vec(any::<i16>(), 1..200)) {
        let wide: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
        let (mean, variance) = mean_and_variance(&wide);
        prop_assert_eq!(over::<_, Maximum<i16>>(&values), *values.iter().max().expect("one"));
        prop_assert_eq!(over::<_, Minimum<i16>>(&values), *values.iter().min().expect("one"));
        prop_assert!((f64::from(over::<_, Mean<i64>>(&values)) - mean).abs() <= 0.5);
        let found = f64::from(over::<_, Variance<i64, u64>>(&values));
        prop_assert!((found - variance).abs() <= 1.0 + 1e-6 * variance);
    }

    #[test]
    fn statistics_of_energies(
        values in proptest::collection::vec((0_u64..1 << 59, 0..40), 1..200)
    ) {
        let values: Vec<u64> = values.into_iter().map(|(value, shift)| value >> shift).collect();
        let wide: Vec<f64> = values.iter().map(|value| *value as f64).collect();
        let (mean, variance) = mean_and_variance(&wide);
        prop_assert_eq!(over::<_, Maximum<u64>>(&values), *values.iter().max().expect("one"));
        prop_assert_eq!(over::<_, Minimum<u64>>(&values), *values.iter().min().expect("one"));
        let found = over::<_, Mean<u128>>(&values) as f64;
        prop_assert!((found - mean).abs() <= 1.0 + 1e-9 * mean, "{} {}", found, mean);
        let found = f64::from(over::<_, Variance<u64, u128>>(&values)) / 512.0;
        // What is left out is lost below this.
        if variance > 2.0_f64.powi(66) {
            prop_assert!((found - libm::log2(variance)).abs() <= 0.01, "{} {}", found, variance);
        }
    }

    #[test]
    fn moments_of_any_window(samples in proptest::collection::vec(any::<i16>(), 1..500), level: i16) {
        check_moments(&samples, level);
    }
}

fn check_moments(samples: &[i16], level: i16) {
    let mut moments = Moments::new(level);
    for sample in samples {
        moments.push(*sample);
    }
    assert_eq!(usize::from(moments.n_samples()), samples.len());
    let found = moments.finish().expect("some samples");
    assert_eq!(moments, Moments::new(level));
    let wide: Vec<f64> = samples.iter().map(|sample| f64::from(*sample)).collect();
    let (mean, variance) = mean_and_variance(&wide);
    let squares: Vec<f64> = wide.iter().map(|value| value * value).collect();
    let rms = libm::sqrt(mean_and_variance(&squares).0);
    assert!((f64::from(found.mean()) - mean * 256.0).abs() <= 1.0);
    assert!((f64::from(found.variance()) - variance).abs() <= 1.0 + 1e-9 * variance);
    for (found, wanted) in [
        (found.deviation(), libm::sqrt(variance)),
        (found.rms(), rms),
    ] {
        let wanted = wanted * 256.0;
        let low = wanted - 1.001 - wanted / 65536.0;
        assert!(
            (low..=wanted + 0.001).contains(&f64::from(found)),
            "{found} for {wanted}"
        );
    }
    let (least, most) = (samples.iter().min(), samples.iter().max());
    assert_eq!((Some(&found.least()), Some(&found.most())), (least, most));
    assert_eq!(
        i32::from(found.range()),
        i32::from(found.most()) - i32::from(found.least())
    );
    let crossings = samples
        .windows(2)
        .filter(|pair| (pair[0] >= level) != (pair[1] >= level));
    assert_eq!(usize::from(found.n_crossings()), crossings.count());
}

#[test]
fn moments_at_the_ends() {
    check_moments(&[0], 0);
    check_moments(&[i16::MIN; 65535], 0);
    check_moments(&[i16::MAX; 65535], i16::MAX);
    let alternating: Vec<i16> = (0..65535)
        .map(|at| if at % 2 == 0 { i16::MIN } else { i16::MAX })
        .collect();
    check_moments(&alternating, 0);
    assert_eq!(Moments::new(3).finish(), None);
    let mut full = Moments::new(0);
    for _ in 0..70_000 {
        full.push(1);
    }
    assert_eq!(full.n_samples(), 65_535);
    assert_eq!(full.finish().map(|summary| summary.mean()), Some(256));
}

#[test]
fn plain_bands_add_powers_up() {
    let table = FilterTable::bands(100.0, 128, &[0.5, 3.0, 10.0, 50.0]).expect("bands");
    let filters = table.filters::<64>().expect("of this size");
    let mut frame = [[0_i16; 2]; 64];
    for (at, sample) in frame.as_flattened_mut().iter_mut().enumerate() {
        *sample = ((at * at * 31 + at * 977) % 2001) as i16 - 1000;
    }
    let mut spectrum = Spectrum::new();
    spectrum.transform(&frame, &Window::rectangular());
    let powers: Vec<u64> = spectrum.powers().collect();
    let mut energies = [0; 3];
    filters.energies(&spectrum, &mut energies);
    // Bins are 0.78125 Hz apart: from 1, 4 and 13 on, and bin 64 at 50 Hz is nobody's.
    for (energy, bins) in energies.into_iter().zip([1..4, 4..13, 13..64]) {
        let wanted = powers[bins].iter().sum::<u64>() as f64;
        assert!(
            (energy as f64 / wanted - 1.0).abs() < 1e-3,
            "{energy} for {wanted}"
        );
    }
    let mut logs = [0; 3];
    filters.log_energies(&spectrum, &mut logs);
    let scale = i16::try_from(2 * Spectrum::<64>::SCALE_BITS * 512).expect("small");
    for (band, energy) in energies.into_iter().enumerate() {
        assert_eq!(logs[band], log2(energy) - scale);
        assert_eq!(filters.offset(band), -scale);
    }
    assert_eq!(filters.offset(3), 0);
}

#[test]
fn banks_that_cannot_be() {
    let bank = MelBank {
        sample_rate_hz: 16_000.0,
        n_points: 512,
        n_bands: 40,
        scale: MelScale::Slaney,
        normalisation: Normalisation::None,
        f_min_hz: 0.0,
        f_max_hz: 8_000.0,
    };
    assert!(bank.table().is_ok());
    let refused = |bank: MelBank| bank.table().expect_err("refused");
    assert_eq!(
        refused(MelBank {
            n_points: 500,
            ..bank
        }),
        BankError::Points { found: 500 }
    );
    assert_eq!(
        refused(MelBank { n_bands: 0, ..bank }),
        BankError::Bands {
            found: 0,
            n_bins: 255
        }
    );
    let edges = |f_min_hz, f_max_hz| {
        refused(MelBank {
            f_min_hz,
            f_max_hz,
            ..bank
        })
    };
    for (low, high) in [
        (-1.0, 8e3),
        (9e3, 8e3),
        (0.0, 9e3),
        (f64::NAN, 8e3),
        (0.0, f64::NAN),
    ] {
        assert!(
            matches!(edges(low, high), BankError::Edges { .. }),
            "{low} {high}"
        );
    }
    assert!(matches!(
        refused(MelBank {
            n_bands: 200,
            ..bank
        }),
        BankError::Empty { .. }
    ));
    assert!(matches!(
        FilterTable::bands(100.0, 128, &[1.0, 1.1, 50.0]),
        Err(BankError::Empty { band: 0, .. })
    ));
    assert!(matches!(
        FilterTable::bands(100.0, 128, &[1.0, 0.5]),
        Err(BankError::Edges { .. })
    ));
    assert!(FilterTable::bands(100.0, 128, &[1.0]).is_err());
    assert!(bank.table().expect("a table").filters::<32>().is_err());
}
