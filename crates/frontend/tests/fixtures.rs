//! Log-mel energies against librosa and scipy in float64: `scripts/frontend/fixtures.py`.

use std::fmt::Write;

use expect_test::expect;
use serde::Deserialize;
use spinney_frontend::cepstra::Cepstra;
use spinney_frontend::log2;
use spinney_frontend::spectrum::Spectrum;
use spinney_frontend::window::Window;
use spinney_signal::{FilterTable, MelBank, MelScale, Normalisation, cosines};

/// Below a full-scale sine at the band's centre by more than this, nothing is promised.
const FLOOR_DB: f64 = -60.0;
const DB_PER_BIT: f64 = 3.010_299_956_639_812;

#[derive(Deserialize)]
struct Index {
    n_samples: usize,
    signals: Vec<String>,
    banks: Vec<Bank>,
}

#[derive(Deserialize)]
struct Bank {
    rate: f64,
    points: usize,
    hop: usize,
    bands: usize,
    htk: bool,
    area: bool,
    min: f64,
    max: f64,
}

impl Bank {
    fn table(&self) -> FilterTable {
        let bank = MelBank {
            sample_rate_hz: self.rate,
            n_points: self.points,
            n_bands: self.bands,
            scale: if self.htk {
                MelScale::Htk
            } else {
                MelScale::Slaney
            },
            normalisation: if self.area {
                Normalisation::Area
            } else {
                Normalisation::None
            },
            f_min_hz: self.min,
            f_max_hz: self.max,
        };
        bank.table().expect("a bank of the fixtures")
    }
}

/// The logarithms of one frame, and the energies that they are of, in bits and squared samples.
fn logs_of<const M: usize>(table: &FilterTable, samples: &[i16]) -> (Vec<f64>, Vec<u64>) {
    let filters = table.filters::<M>().expect("a table for this size");
    let frame: &[[i16; 2]; M] = samples.as_chunks().0.try_into().expect("a frame");
    let mut spectrum = Spectrum::new();
    spectrum.transform(frame, &Window::hann());
    let mut logs = vec![0; filters.n_bands()];
    filters.log_energies(&spectrum, &mut logs);
    let mut energies = vec![0; filters.n_bands()];
    filters.energies(&spectrum, &mut energies);
    (logs.into_iter().map(in_bits).collect(), energies)
}

fn in_bits(log: i16) -> f64 {
    f64::from(log) / f64::from(1 << log2::FRACTION)
}

fn frame(bank: &Bank, table: &FilterTable, samples: &[i16]) -> (Vec<f64>, Vec<u64>) {
    match bank.points {
        64 => logs_of::<32>(table, samples),
        128 => logs_of::<64>(table, samples),
        256 => logs_of::<128>(table, samples),
        512 => logs_of::<256>(table, samples),
        1024 => logs_of::<512>(table, samples),
        2048 => logs_of::<1024>(table, samples),
        other => panic!("{other} points"),
    }
}

/// The largest error of all cepstral coefficients of a frame, in dB, against the transform of the
/// same logarithms in float64.
fn cepstral_error(logs: &[f64]) -> f64 {
    let n_bands = logs.len();
    let unit = f64::from(1 << log2::FRACTION);
    let whole: Vec<i16> = logs.iter().map(|log| (log * unit) as i16).collect();
    let weights = cosines(n_bands);
    let mut found = vec![0; n_bands];
    Cepstra::<128>::new(&weights).transform(&whole, &mut found);
    let error = |(k, found): (usize, &i16)| {
        let terms = logs.iter().enumerate().map(|(m, log)| {
            let angle = (k * (2 * m + 1)) as f64 / (2 * n_bands) as f64;
            log * libm::cos(core::f64::consts::PI * angle)
        });
        let scale = if k == 0 { 1.0 } else { 2.0 } / n_bands as f64;
        let wanted = terms.sum::<f64>() * scale;
        ((in_bits(*found) - wanted) * DB_PER_BIT).abs()
    };
    found.iter().enumerate().map(error).fold(0.0, f64::max)
}

/// What is found over all banks for one signal.
#[derive(Default)]
struct Errors {
    /// Of bands above the floor, in dB.
    largest: f64,
    squares: f64,
    n_judged: usize,
    n_bands: usize,
    /// Of energies, the worst of the banks without normalisation, in dB.
    snr: Option<f64>,
}

#[test]
fn log_mel_energies_are_librosas() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("a fixture");
    let index: Index = serde_json::from_slice(&read("index.json")).expect("the index");
    let samples: Vec<i16> = read("signals.i16")
        .as_chunks()
        .0
        .iter()
        .map(|bytes| i16::from_le_bytes(*bytes))
        .collect();
    let bytes = read("energies.f32");
    let mut wanted = bytes
        .as_chunks()
        .0
        .iter()
        .map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
    let mut of_cepstra = 0.0_f64;
    let mut errors: Vec<Errors> = index.signals.iter().map(|_| Errors::default()).collect();
    for bank in &index.banks {
        let table = bank.table();
        let full_scale: Vec<f64> = wanted.by_ref().take(bank.bands).collect();
        for (signal, errors) in samples.chunks(index.n_samples).zip(&mut errors) {
            let (mut power, mut noise) = (0.0, 0.0);
            for at in (0..=index.n_samples - bank.points).step_by(bank.hop) {
                let (logs, energies) = frame(bank, &table, &signal[at..at + bank.points]);
                of_cepstra = of_cepstra.max(cepstral_error(&logs));
                for (((found, energy), full), wanted) in logs
                    .iter()
                    .zip(energies)
                    .zip(&full_scale)
                    .zip(wanted.by_ref())
                {
                    errors.n_bands += 1;
                    if (wanted - full) * DB_PER_BIT >= FLOOR_DB {
                        let error = ((found - wanted) * DB_PER_BIT).abs();
                        errors.largest = errors.largest.max(error);
                        errors.squares += error * error;
                        errors.n_judged += 1;
                    }
                    // The reference in the units of energies, whose normalisation comes later.
                    let offset = found - in_bits(log2::log2(energy));
                    let exact = libm::exp2(wanted - offset);
                    let energy = energy as f64;
                    power += exact * exact;
                    noise += (exact - energy) * (exact - energy);
                }
            }
            // Rounding of the area's logarithm would count as noise.
            if power > 1e6 && !bank.area {
                let snr = 10.0 * libm::log10(power / noise);
                errors.snr = Some(errors.snr.map_or(snr, |worst| worst.min(snr)));
            }
        }
    }
    assert_eq!(wanted.next(), None, "all of the fixture was compared");
    expect!["0.0064"].assert_eq(&format!("{of_cepstra:.4}"));
    let mut table = String::new();
    for (name, errors) in index.signals.iter().zip(&errors) {
        let rms = libm::sqrt(errors.squares / errors.n_judged.max(1) as f64);
        let _ = writeln!(
            table,
            "{name:30} {:6} of {:5}  max {:.4} dB  rms {rms:.4} dB  SNR {}",
            errors.n_judged,
            errors.n_bands,
            errors.largest,
            errors
                .snr
                .map_or("-".to_owned(), |snr| format!("{snr:.1} dB")),
        );
        assert!(
            errors.snr.is_none_or(|snr| snr >= 40.0),
            "{name}: SNR {:?}",
            errors.snr
        );
        assert!(errors.largest <= 0.1, "{name}: {} dB", errors.largest);
    }
    expect![[r#"
        kick                              503 of  3520  max 0.0143 dB  rms 0.0025 dB  SNR 83.6 dB
        snare                            1730 of  3520  max 0.0058 dB  rms 0.0021 dB  SNR 90.5 dB
        cymbal                           1144 of  3520  max 0.0061 dB  rms 0.0021 dB  SNR 92.4 dB
        tabla                             568 of  3520  max 0.0093 dB  rms 0.0022 dB  SNR 90.7 dB
        bell                             1233 of  3520  max 0.0120 dB  rms 0.0024 dB  SNR 87.3 dB
        crow                             1940 of  3520  max 0.0061 dB  rms 0.0022 dB  SNR 90.3 dB
        linear sweep                      603 of  3520  max 0.0207 dB  rms 0.0027 dB  SNR 95.1 dB
        logarithmic sweep                 694 of  3520  max 0.0322 dB  rms 0.0039 dB  SNR 92.8 dB
        tone over noise 42 dB below      2315 of  3520  max 0.0296 dB  rms 0.0044 dB  SNR 88.8 dB
        tone and tone 60 dB below         315 of  3520  max 0.0253 dB  rms 0.0038 dB  SNR 89.9 dB
        square waves                     3473 of  3520  max 0.0149 dB  rms 0.0021 dB  SNR 86.5 dB
        noise                            3520 of  3520  max 0.0062 dB  rms 0.0021 dB  SNR 92.9 dB
        impulses                         1304 of  3520  max 0.0057 dB  rms 0.0021 dB  SNR 64.6 dB
        silence                             0 of  3520  max 0.0000 dB  rms 0.0000 dB  SNR -
        last bit                            0 of  3520  max 0.0000 dB  rms 0.0000 dB  SNR 48.2 dB
        clipped                          3400 of  3520  max 0.0107 dB  rms 0.0021 dB  SNR 93.4 dB
    "#]]
    .assert_eq(&table);
}
