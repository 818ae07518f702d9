//! The spectrum against a transform in floating point, for every size, and at the limits of widths.

use proptest::prelude::*;
use spinney_frontend::spectrum::Spectrum;
use spinney_frontend::window::Window;

/// The bins of a frame by the definition's sums in f64, folded radix-2 wise; of samples as integers.
fn reference(samples: &[f64]) -> Vec<(f64, f64)> {
    let n = samples.len();
    if n == 1 {
        return vec![(samples[0], 0.0)];
    }
    let part =
        |from: usize| -> Vec<f64> { samples.iter().skip(from).step_by(2).copied().collect() };
    let (even, odd) = (reference(&part(0)), reference(&part(1)));
    (0..n)
        .map(|k| {
            let angle = -std::f64::consts::TAU * k as f64 / n as f64;
            let (sin, cos) = (libm::sin(angle), libm::cos(angle));
            let ((e_re, e_im), (o_re, o_im)) = (even[k % (n / 2)], odd[k % (n / 2)]);
            (
                e_re + cos * o_re - sin * o_im,
                e_im + cos * o_im + sin * o_re,
            )
        })
        .collect()
}

fn hann(n: usize) -> Vec<f64> {
    (0..n)
        .map(|at| 0.5 - 0.5 * libm::cos(std::f64::consts::TAU * at as f64 / n as f64))
        .collect()
}

/// The largest error of a bin, relative to that of a full-scale sine, in dB.
fn error_db<const M: usize>(samples: &[i16], is_hann: bool) -> f64 {
    let frame: &[[i16; 2]; M] = samples.as_chunks().0.try_into().expect("a frame");
    let window = if is_hann {
        Window::hann()
    } else {
        Window::rectangular()
    };
    let mut spectrum = Spectrum::<M>::new();
    spectrum.transform(frame, &window);
    let weights = if is_hann {
        hann(2 * M)
    } else {
        vec![1.0; 2 * M]
    };
    let weighted: Vec<f64> = samples
        .iter()
        .zip(&weights)
        .map(|(sample, weight)| f64::from(*sample) * weight)
        .collect();
    let reference = reference(&weighted);
    let scale = f64::from(1 << Spectrum::<M>::SCALE_BITS);
    let mut largest = 0.0_f64;
    for (k, (re, im)) in reference.iter().take(M + 1).enumerate() {
        let [found_re, found_im] = spectrum.bin(k).expect("a bin");
        largest = largest
            .max((f64::from(found_re) / scale - re).abs())
            .max((f64::from(found_im) / scale - im).abs());
    }
    let full_scale = 32768.0 * M as f64 * if is_hann { 0.5 } else { 1.0 };
    20.0 * libm::log10((largest / full_scale).max(1e-30))
}

fn each_size(samples: &[i16], is_hann: bool) -> [f64; 6] {
    [
        error_db::<32>(&samples[..64], is_hann),
        error_db::<64>(&samples[..128], is_hann),
        error_db::<128>(&samples[..256], is_hann),
        error_db::<256>(&samples[..512], is_hann),
        error_db::<512>(&samples[..1024], is_hann),
        error_db::<1024>(&samples[..2048], is_hann),
    ]
}

/// Errors are those of twiddle factors and windows in Q15, far below 90 dB under full scale.
#[track_caller]
fn check(samples: &[i16]) {
    for is_hann in [true, false] {
        let errors = each_size(samples, is_hann);
        assert!(errors.iter().all(|error| *error < -90.0), "{errors:?}");
    }
}

fn signal(of: impl Fn(usize) -> f64) -> Vec<i16> {
    (0..2048)
        .map(|at| (of(at) * 32768.0).round().clamp(-32768.0, 32767.0) as i16)
        .collect()
}

#[test]
fn sines_and_chirps() {
    for frequency in [0.001, 0.0123, 0.1, 0.25, 0.3333, 0.4999] {
        check(&signal(|at| {
            libm::sin(std::f64::consts::TAU * frequency * at as f64)
        }));
    }
    check(&signal(|at| libm::sin(2e-4 * (at * at) as f64)));
}

#[test]
fn extremes_of_the_widths() {
    check(&[i16::MIN; 2048]);
    check(&[i16::MAX; 2048]);
    for half_period in [1, 2, 3, 4, 5, 8, 16, 31, 64, 256, 511, 1024] {
        check(&signal(
            |at| if at / half_period % 2 == 0 { -1.0 } else { 1.0 },
        ));
    }
    // In phase with one bin, with the signs of its sine and cosine: the largest sums there are.
    for bin in [1, 5, 100, 127, 256, 341, 511] {
        for phase in [0.0, 0.4, 0.8] {
            check(&signal(|at| {
                libm::cos(std::f64::consts::TAU * (bin * at) as f64 / 1024.0 + phase).signum()
            }));
        }
    }
}

#[test]
fn impulses_and_silence() {
    for at in [0, 1, 2, 31, 32, 63, 500] {
        let mut samples = vec![0; 2048];
        samples[at] = i16::MIN;
        check(&samples);
    }
    let mut spectrum = Spectrum::<512>::new();
    spectrum.transform(&[[0; 2]; 512], &Window::hann());
    assert_eq!(spectrum, Spectrum::new());
    assert!(spectrum.powers().all(|power| power == 0));
    assert_eq!(spectrum.powers().count(), 513);
    assert_eq!(spectrum.bin(513), None);
}

#[test]
fn the_window_is_scipys() {
    let window = Window::<512>::hann();
    for (found, wanted) in window.weights().as_flattened().iter().zip(hann(1024)) {
        assert!((f64::from(*found) / 32768.0 - wanted).abs() <= 1.0 / 65536.0 + 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_samples(samples in proptest::collection::vec(any::<i16>(), 2048)) {
        check(&samples);
    }

    #[test]
    fn any_square_wave(
        signs in proptest::collection::vec(prop_oneof![Just(i16::MIN), Just(i16::MAX)], 2048)
    ) {
        check(&signs);
    }
}
