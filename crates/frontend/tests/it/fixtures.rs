//! Log-mel energies against librosa and scipy in float64: `scripts/frontend/fixtures.py`.

use std::fmt::Write;

use expect_test::expect;
use serde::Deserialize;
use spinney_frontend::cepstra::Cepstra;
use spinney_frontend::log2;
use spinney_frontend::shape::Shape;
use spinney_frontend::spectrum::Spectrum;
use spinney_frontend::window::Window;
use spinney_signal::{FilterTable, MelBank, MelScale, Normalisation, cosines};

/// Below a full-scale sine at the band's centre by more than this, nothing is promised.
const FLOOR_DB: f64 = -60.0;
/// Below this power of its quietest bin, in bits, a frame's flatness is mostly rounding.
const QUIET_BITS: f64 = 24.0;
/// Some 60 dB below a full-scale sine: a power of the loudest bin that promises are for.
const LOUD_BITS: f64 = 34.0;
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

/// Centroid, roll-off and flatness of one frame, and the powers of its quietest and its loudest bin in
/// bits.
fn shape_of<const M: usize>(table: &FilterTable, samples: &[i16]) -> ([i16; 3], [f64; 2]) {
    let filters = table.filters::<M>().expect("a table for this size");
    let mut spectrum = Spectrum::<M>::new();
    spectrum.transform(
        samples.as_chunks().0.try_into().expect("a frame"),
        &Window::hann(),
    );
    let mut values = [0; 3];
    Shape::from_bits(u8::MAX).write(&spectrum, filters.bins(), &mut values);
    let bins = filters.bins();
    let powers: Vec<u64> = spectrum
        .powers()
        .skip(bins.start)
        .take(bins.len())
        .collect();
    let in_bits = |power: Option<&u64>| power.map_or(0.0, |power| libm::log2(*power as f64));
    (
        values,
        [in_bits(powers.iter().min()), in_bits(powers.iter().max())],
    )
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

#[test]
fn shapes_are_librosas() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("a fixture");
    let index: Index = serde_json::from_slice(&read("index.json")).expect("the index");
    let bytes = read("signals.i16");
    let samples: Vec<i16> = (bytes.as_chunks().0.iter())
        .map(|it| i16::from_le_bytes(*it))
        .collect();
    let bytes = read("shapes.f32");
    let mut wanted = bytes
        .as_chunks()
        .0
        .iter()
        .map(|it| f64::from(f32::from_le_bytes(*it)));
    let mut table = String::new();
    let mut rows = vec![(0, [0.0_f64; 3], [0; 2]); index.signals.len()];
    for bank in &index.banks {
        let filters = bank.table();
        for (signal, (n_frames, errors, n_judged)) in samples.chunks(index.n_samples).zip(&mut rows)
        {
            for at in (0..=index.n_samples - bank.points).step_by(bank.hop) {
                let frame = &signal[at..at + bank.points];
                let (found, [quietest, loudest]) = match bank.points {
                    64 => shape_of::<32>(&filters, frame),
                    128 => shape_of::<64>(&filters, frame),
                    256 => shape_of::<128>(&filters, frame),
                    512 => shape_of::<256>(&filters, frame),
                    1024 => shape_of::<512>(&filters, frame),
                    _ => shape_of::<1024>(&filters, frame),
                };
                let [centroid, roll_off, flatness] =
                    [(); 3].map(|()| wanted.next().expect("a shape"));
                let bin = 65536.0 / bank.points as f64;
                let error = |found: i16, wanted: f64| (f64::from(found) - wanted).abs();
                *n_frames += 1;
                let is_silent = frame.iter().all(|it| *it == 0);
                if is_silent || loudest >= LOUD_BITS {
                    n_judged[0] += 1;
                    errors[0] = errors[0].max(error(found[0], centroid));
                    errors[1] = errors[1].max(error(found[1], roll_off) / bin);
                }
                if is_silent || quietest >= QUIET_BITS {
                    n_judged[1] += 1;
                    let error = in_bits(found[2]) - flatness;
                    errors[2] = errors[2].max(error.abs());
                }
            }
        }
    }
    assert_eq!(wanted.next(), None, "all of the fixture was compared");
    for (name, (n_frames, errors, n_judged)) in index.signals.iter().zip(&rows) {
        let ([centroid, roll_off, flatness], [of_all, of_flat]) = (errors, n_judged);
        let _ = writeln!(
            table,
            "{name:30} {of_all:2} of {n_frames}  centroid {centroid:4.2}  roll-off {roll_off} bins  {of_flat:2} of \
             {n_frames}  flatness {flatness:.4} bits"
        );
    }
    expect![[r#"
        kick                           75 of 75  centroid 0.97  roll-off 0 bins  41 of 75  flatness 0.0005 bits
        snare                          69 of 75  centroid 1.02  roll-off 1 bins  38 of 75  flatness 0.0027 bits
        cymbal                         69 of 75  centroid 1.02  roll-off 0 bins  61 of 75  flatness 0.0021 bits
        tabla                          75 of 75  centroid 0.96  roll-off 0 bins   2 of 75  flatness 0.0013 bits
        bell                           74 of 75  centroid 1.01  roll-off 0 bins  33 of 75  flatness 0.0022 bits
        crow                           73 of 75  centroid 1.02  roll-off 0 bins   0 of 75  flatness 0.0000 bits
        linear sweep                   74 of 75  centroid 1.00  roll-off 0 bins   0 of 75  flatness 0.0000 bits
        logarithmic sweep              75 of 75  centroid 1.01  roll-off 0 bins   0 of 75  flatness 0.0000 bits
        tone over noise 42 dB below    75 of 75  centroid 0.99  roll-off 0 bins  28 of 75  flatness 0.0031 bits
        tone and tone 60 dB below      75 of 75  centroid 0.11  roll-off 0 bins   0 of 75  flatness 0.0000 bits
        square waves                   75 of 75  centroid 1.13  roll-off 0 bins  45 of 75  flatness 0.0015 bits
        noise                          75 of 75  centroid 1.06  roll-off 0 bins  75 of 75  flatness 0.0026 bits
        impulses                       61 of 75  centroid 1.00  roll-off 0 bins  65 of 75  flatness 0.0020 bits
        silence                        75 of 75  centroid 0.00  roll-off 0 bins  75 of 75  flatness 0.0000 bits
        last bit                        0 of 75  centroid 0.00  roll-off 0 bins   0 of 75  flatness 0.0000 bits
        clipped                        74 of 75  centroid 0.99  roll-off 0 bins  59 of 75  flatness 0.0025 bits
    "#]].assert_eq(&table);
}
