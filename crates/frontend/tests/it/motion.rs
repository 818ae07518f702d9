//! Features of motion against NumPy and SciPy in float64 (`scripts/frontend/motion.py`), at the
//! ends of what a sensor delivers, and the chain against single windows.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroU16;

use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;
use spinney_frontend::correlation::{autocorrelation_peak, correlation};
use spinney_frontend::motion::{Bands, Measures, Motion, NoTones, Tones, magnitude, measure};
use spinney_frontend::window::Window;
use spinney_signal::FilterTable;

const ALL: u16 = (1 << Measures::N_ALL) - 1;
/// Of a channel; the last one is of pairs.
const N_ALL: usize = Measures::N_ALL as usize - 1;
const DB_PER_BIT: f64 = 3.010_299_956_639_812;

#[derive(Deserialize)]
struct Case {
    name: String,
    length: usize,
    rate: f64,
    weights: Option<String>,
    edges: Vec<f64>,
    mean: f64,
    variance: f64,
    deviation: f64,
    min: f64,
    max: f64,
    range: f64,
    rms: f64,
    mean_crossings: i32,
    zero_crossings: i32,
    jerk: f64,
    quartiles: [i32; 3],
    autocorrelation_peak: f64,
    /// With the window before.
    correlation: Option<f64>,
    bands: Vec<f64>,
}

fn all_of(samples: &[i16]) -> [i32; N_ALL] {
    let mut row = [0; N_ALL];
    measure(samples, Measures::from_bits(ALL), &mut row);
    row
}

fn bands_of<const M: usize>(case: &Case, samples: &[i16]) -> Vec<f64> {
    let table = FilterTable::bands(case.rate, 2 * M, &case.edges).expect("bands of the fixtures");
    let window = match case.weights.as_deref() {
        Some("hann") => Window::<M>::hann(),
        _ => Window::rectangular(),
    };
    let filters = table.filters::<M>().expect("a table for this size");
    let mut logs = [0; 16];
    let frame = samples.as_chunks().0.try_into().expect("a window");
    Bands::<M, 16>::new(&window, filters).write(frame, &mut logs);
    logs[..table.n_bands()]
        .iter()
        .map(|log| f64::from(*log) / 512.0)
        .collect()
}

/// Panics unless `found` is `wanted` in units of 2^−8, floored, and but for what 64 bits do not
/// hold of a root: 2^−16 of it.
fn check_root(found: i32, wanted: f64, name: &str) {
    let wanted = wanted * 256.0;
    let low = wanted - 1.001 - wanted / 65536.0;
    let found = f64::from(found);
    assert!(
        (low..=wanted + 0.001).contains(&found),
        "{name}: {found} for {wanted}"
    );
}

#[test]
fn features_are_numpys() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let read = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("a fixture");
    let cases: Vec<Case> = serde_json::from_slice(&read("motion.json")).expect("the cases");
    let bytes = read("motion.i16");
    let mut samples = bytes.as_chunks().0.iter().map(|it| i16::from_le_bytes(*it));
    // By kind of signal: bands, those judged, and the largest error of these in dB.
    let mut errors: BTreeMap<String, (usize, usize, f64)> = BTreeMap::new();
    // Of autocorrelations and correlations, in their units.
    let mut largest = [0.0_f64; 2];
    let mut n_pairs = 0;
    let mut before: Vec<i16> = Vec::new();
    for case in &cases {
        let window: Vec<i16> = samples.by_ref().take(case.length).collect();
        let name = format!("{} of {}", case.name, case.length);
        let [
            mean,
            variance,
            deviation,
            least,
            most,
            range,
            rms,
            of_mean,
            of_zero,
            jerk,
            lower,
            median,
            upper,
            peak,
        ] = all_of(&window);
        assert_eq!(f64::from(mean), (case.mean * 256.0).floor(), "{name}");
        let (found, wanted) = (f64::from(variance), case.variance);
        assert!(
            (found - wanted.floor()).abs() <= 1e-9 * wanted + 1e-9,
            "{name}: {found} for {wanted}"
        );
        check_root(deviation, case.deviation, &name);
        check_root(rms, case.rms, &name);
        let exact = [least, most, range].map(f64::from);
        assert_eq!(exact, [case.min, case.max, case.range], "{name}");
        assert_eq!(
            (of_mean, of_zero),
            (case.mean_crossings, case.zero_crossings),
            "{name}"
        );
        assert_eq!(f64::from(jerk), (case.jerk * 256.0).floor(), "{name}");
        assert_eq!([lower, median, upper], case.quartiles, "{name}");
        let error = |found: i32, wanted: f64| {
            check_floor(f64::from(found).abs(), wanted.abs() * 32768.0);
            (f64::from(found) - wanted * 32768.0).abs()
        };
        largest[0] = largest[0].max(error(peak, case.autocorrelation_peak));
        if let Some(wanted) = case.correlation {
            n_pairs += 1;
            let found = correlation(&window, &before);
            largest[1] = largest[1].max(error(found.into(), wanted));
        }
        before.clone_from(&window);
        let Some(weights) = &case.weights else {
            continue;
        };
        let found = match case.length {
            64 => bands_of::<32>(case, &window),
            128 => bands_of::<64>(case, &window),
            256 => bands_of::<128>(case, &window),
            2048 => bands_of::<1024>(case, &window),
            other => panic!("{other} samples"),
        };
        assert_eq!(found.len(), case.bands.len(), "{name}");
        // The energy of a full-scale sine at a bin, a Hann window's being that of three bins.
        let half = 32768.0 * case.length as f64 / 2.0;
        let full = libm::log2(half * half * if weights == "hann" { 0.375 } else { 1.0 });
        let kind = match case.name.split_once(", a") {
            Some(_) => "exercises",
            None => &case.name,
        };
        let (n_bands, n_judged, largest) = errors.entry(kind.to_owned()).or_default();
        for (found, wanted) in found.iter().zip(&case.bands) {
            *n_bands += 1;
            if (wanted - full) * DB_PER_BIT >= -60.0 {
                *n_judged += 1;
                *largest = largest.max(((found - wanted) * DB_PER_BIT).abs());
            }
        }
    }
    assert_eq!(samples.next(), None, "all of the fixture was compared");
    let mut table = format!(
        "autocorrelation {:.2} units, correlation of {n_pairs} pairs {:.2}\n",
        largest[0], largest[1]
    );
    for (kind, (n_bands, n_judged, largest)) in &errors {
        let _ = writeln!(
            table,
            "{kind:22} {n_judged:3} of {n_bands:3}  max {largest:.4} dB"
        );
        assert!(*largest <= 0.1, "{kind}: {largest} dB");
    }
    expect![[r#"
        autocorrelation 0.97 units, correlation of 41 pairs 0.99
        exercises               88 of 105  max 0.0036 dB
        noise of the last bit    0 of  28  max 0.0000 dB
        noise, full scale       28 of  28  max 0.0030 dB
        silence                  0 of  28  max 0.0000 dB
        the ends in turn         3 of  28  max 0.0001 dB
        the lower end            2 of  28  max 0.0000 dB
        the upper end            2 of  28  max 0.0003 dB
        tone on a constant       8 of  28  max 0.0028 dB
        tone, full scale        21 of  28  max 0.0080 dB
    "#]]
    .assert_eq(&table);
}

/// What `measure` says of any samples, from sums in 128 bits.
fn check_against_sums(samples: &[i16]) {
    let n = samples.len() as i128;
    let sum: i128 = samples.iter().map(|it| i128::from(*it)).sum();
    let squares: i128 = samples.iter().map(|it| i128::from(*it).pow(2)).sum();
    let [
        mean,
        variance,
        deviation,
        least,
        most,
        range,
        rms,
        of_mean,
        of_zero,
        jerk,
        quartiles @ ..,
        peak,
    ] = all_of(samples);
    assert_eq!(i128::from(mean), (256 * sum).div_euclid(n));
    assert_eq!(i128::from(variance), (n * squares - sum * sum) / (n * n));
    let root = |square: i128| libm::sqrt(square as f64) / n as f64;
    check_root(deviation, root(n * squares - sum * sum), "deviation");
    check_root(rms, root(n * squares), "rms");
    assert_eq!(Some(least), samples.iter().min().map(|it| i32::from(*it)));
    assert_eq!(Some(most), samples.iter().max().map(|it| i32::from(*it)));
    assert_eq!(range, most - least);
    let crossings = |is_above: &dyn Fn(i16) -> bool| {
        let pairs = samples.windows(2);
        pairs
            .filter(|it| is_above(it[0]) != is_above(it[1]))
            .count()
    };
    assert_eq!(of_mean as usize, crossings(&|it| i128::from(it) * n >= sum));
    assert_eq!(of_zero as usize, crossings(&|it| it >= 0));
    let steps = samples
        .windows(2)
        .map(|it| i128::from(it[0].abs_diff(it[1])));
    assert_eq!(i128::from(jerk), 256 * steps.sum::<i128>() / (n - 1).max(1));
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let last = samples.len() - 1;
    let ranks = [last / 4, last / 2, 3 * last / 4];
    assert_eq!(quartiles, ranks.map(|rank| i32::from(sorted[rank])));
    let wanted = peak_of(&samples[..samples.len().min(2048)]) * 32768.0;
    check_floor(f64::from(peak), wanted);
}

/// Panics unless `found` is `wanted`, floored, or the largest there is.
fn check_floor(found: f64, wanted: f64) {
    let below = wanted - found;
    assert!((-0.001..=1.001).contains(&below), "{found} for {wanted}");
}

/// The peak of the autocorrelation from integers in 128 bits.
fn peak_of(samples: &[i16]) -> f64 {
    let n = samples.len() as i64;
    let sum: i64 = samples.iter().map(|it| i64::from(*it)).sum();
    let deviations: Vec<i64> = samples.iter().map(|it| n * i64::from(*it) - sum).collect();
    let at = |lag: usize| -> i128 {
        let later = deviations[lag..].iter();
        later
            .zip(&deviations)
            .map(|(x, y)| i128::from(*x) * i128::from(*y))
            .sum()
    };
    let lags = (1..=samples.len() / 2).map(at);
    let peak = lags.skip_while(|it| *it >= 0).max().unwrap_or(0).max(0);
    if peak == 0 {
        return 0.0;
    }
    peak as f64 / at(0) as f64
}

/// Pearson's coefficient from integers.
fn check_correlation(x: &[i16], y: &[i16]) {
    let n = x.len() as i128;
    let spread = |x: &[i16], y: &[i16]| {
        let sum = |it: &[i16]| it.iter().map(|it| i128::from(*it)).sum::<i128>();
        let products = x
            .iter()
            .zip(y)
            .map(|(x, y)| i128::from(*x) * i128::from(*y));
        n * products.sum::<i128>() - sum(x) * sum(y)
    };
    let power = libm::sqrt(spread(x, x) as f64) * libm::sqrt(spread(y, y) as f64);
    let wanted = if power == 0.0 {
        0.0
    } else {
        spread(x, y) as f64 / power * 32768.0
    };
    let found = f64::from(correlation(x, y));
    assert!(found * wanted >= 0.0, "{found} for {wanted}");
    check_floor(found.abs(), wanted.abs());
}

#[test]
fn the_ends_of_a_sensor_and_the_longest_window() {
    for length in [1, 2, 3, 2048, 65_534, 65_535] {
        check_against_sums(&vec![i16::MIN; length]);
        check_against_sums(&vec![i16::MAX; length]);
        check_against_sums(&vec![0; length]);
        check_against_sums(&vec![-1; length]);
        for [first, second] in [[i16::MIN, i16::MAX], [i16::MAX, i16::MIN], [-1, 0]] {
            let turns: Vec<i16> = [first, second].into_iter().cycle().take(length).collect();
            check_against_sums(&turns);
            check_correlation(&turns, &turns);
            check_correlation(&turns, &turns.iter().map(|it| !*it).collect::<Vec<_>>());
            let mut one = vec![first; length];
            one[length - 1] = second;
            check_against_sums(&one);
        }
    }
    let mut row = [7; N_ALL];
    measure(&[], Measures::from_bits(ALL), &mut row);
    assert_eq!(row, [7; N_ALL]);
}

fn sample() -> impl Strategy<Value = i16> {
    prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX), -2_i16..2]
}

proptest! {
    #[test]
    fn measures_are_what_sums_say(samples in prop::collection::vec(sample(), 1..600)) {
        check_against_sums(&samples);
    }

    #[test]
    fn correlations_are_what_sums_say(
        samples in prop::collection::vec((sample(), sample()), 1..600),
    ) {
        let (x, y): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
        check_correlation(&x, &y);
        prop_assert_eq!(correlation(&x, &y), correlation(&y, &x));
    }

    #[test]
    fn magnitudes_are_floored_roots(vector in [sample(), sample(), sample()]) {
        let square: u64 = vector.iter().map(|it| u64::from(it.unsigned_abs()).pow(2)).sum();
        let found = u64::try_from(magnitude(&vector)).expect("not negative");
        let is_floor = found * found <= square && square < (found + 1) * (found + 1);
        prop_assert!(is_floor || (found == 32_767 && square > 32_767 * 32_767));
    }

    #[test]
    fn what_is_asked_for_is_part_of_all(
        samples in prop::collection::vec(sample(), 1..40),
        bits in 0..=ALL,
        room in 0..N_ALL + 2,
    ) {
        let all = all_of(&samples);
        let wanted: Vec<i32> = (0..N_ALL)
            .filter(|at| bits & 1 << at != 0)
            .map(|at| all[at])
            .take(room)
            .collect();
        let mut row = vec![i32::MIN; room];
        let left = measure(&samples, Measures::from_bits(bits), &mut row).len();
        prop_assert_eq!(left, room - wanted.len());
        prop_assert_eq!(&row[..wanted.len()], &wanted[..]);
        prop_assert!(row[wanted.len()..].iter().all(|left| *left == i32::MIN));
    }

    /// Windows that overlap, touch and leave gaps; after a restart the same again.
    #[test]
    fn a_chain_hears_windows(
        samples in prop::collection::vec([sample(), sample()], 0..300),
        hop in 1_u16..100,
    ) {
        let hop = NonZeroU16::new(hop).expect("from 1 on");
        let wanted: Vec<[i32; 2 * N_ALL + 1]> = samples
            .windows(50)
            .step_by(hop.get().into())
            .map(|window| {
                let of = |channel: usize| -> Vec<i16> {
                    window.iter().map(|sample| sample[channel]).collect()
                };
                let mut row = [0; 2 * N_ALL + 1];
                row[..N_ALL].copy_from_slice(&all_of(&of(0)));
                row[N_ALL..2 * N_ALL].copy_from_slice(&all_of(&of(1)));
                row[2 * N_ALL] = correlation(&of(0), &of(1)).into();
                row
            })
            .collect();
        let mut chain = Motion::<_, 2, 25, ALL, { 2 * N_ALL + 1 }>::new(NoTones, hop);
        for _ in 0..2 {
            let found: Vec<_> = samples.iter().filter_map(|it| chain.push(*it)).collect();
            prop_assert_eq!(&found, &wanted);
            chain.restart();
        }
    }
}

#[test]
fn bands_follow_measures_channel_by_channel() {
    const WHAT: u16 = Measures::LEAST.and(Measures::MOST).bits();
    let table = FilterTable::bands(50.0, 64, &[1.0, 5.0, 25.0]).expect("bands");
    let window = Window::<32>::hann();
    let filters = table.filters().expect("of this size");
    let bands = || Bands::<32, 2>::new(&window, filters);
    let hop = NonZeroU16::new(64).expect("not zero");
    let mut chain = Motion::<_, 3, 32, WHAT, 12>::new(bands(), hop);
    let sample = |at: i16| [at * 100, 16_000 - at * at, if at % 4 < 2 { -9 } else { 9 }];
    let rows: Vec<_> = (0..64).filter_map(|at| chain.push(sample(at))).collect();
    let mut wanted = [0; 12];
    for (channel, row) in wanted.chunks_exact_mut(4).enumerate() {
        let samples: Vec<i16> = (0..64).map(|at| sample(at)[channel]).collect();
        let (moments, logs) = row.split_at_mut(2);
        measure(&samples, Measures::from_bits(WHAT), moments);
        bands().write(samples.as_chunks().0.try_into().expect("a window"), logs);
    }
    assert_eq!(rows, [wanted]);
}

/// What repeats itself, and what does not.
#[test]
fn a_peak_of_the_autocorrelation() {
    let of = |sample: fn(i32) -> i32| -> i16 {
        let samples: Vec<i16> = (0..120).map(|at| sample(at) as i16).collect();
        autocorrelation_peak(&samples)
    };
    // A period of 12 samples leaves 108 of 120 products.
    let periodic = of(|at| [0, 5, 9, 10, 9, 5, 0, -5, -9, -10, -9, -5][at as usize % 12] * 1000);
    assert_eq!(periodic, 29_491);
    assert_eq!(of(|at| 100 * at), 0);
    assert_eq!(of(|_| 7), 0);
    assert_eq!(autocorrelation_peak(&[]), 0);
}
