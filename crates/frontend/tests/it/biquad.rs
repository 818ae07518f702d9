//! Filters of samples against SciPy's in float64 (`scripts/frontend/biquad.py`), and at the ends of
//! what a sensor delivers.

use std::fmt::Write;

use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;
use spinney_frontend::TableError;
use spinney_frontend::biquad::{Filter, Section};
use spinney_signal::{PERIOD_SAMPLES, Pass, SampleFilter};

const ONE: i32 = 1 << 30;

#[derive(Deserialize)]
struct Fixture {
    rate: f64,
    samples: Vec<i16>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    pass: String,
    order: u32,
    hertz: Vec<f64>,
    magnitudes: Vec<[f64; 2]>,
    filtered: Vec<f64>,
}

fn of(case: &Case) -> SampleFilter {
    let pass = match (case.pass.as_str(), &*case.hertz) {
        ("lowpass", [hz]) => Pass::Low(*hz),
        ("highpass", [hz]) => Pass::High(*hz),
        ("bandpass", [from, to]) => Pass::Band(*from, *to),
        other => panic!("a filter that is none: {other:?}"),
    };
    SampleFilter {
        pass,
        order: case.order,
    }
}

/// The magnitude of what sections do to a frequency in turns per sample.
fn magnitude(sections: &[Section], turns: f64) -> f64 {
    let angle = std::f64::consts::TAU * turns;
    let of = |coefficients: &[f64]| {
        let at = |k: usize| angle * k as f64;
        let terms = || coefficients.iter().enumerate();
        let re: f64 = terms().map(|(k, c)| c * at(k).cos()).sum();
        let im: f64 = terms().map(|(k, c)| c * at(k).sin()).sum();
        re.hypot(im)
    };
    let section = |it: &Section| {
        let [a1, a2] = it.a.map(f64::from);
        of(&it.b.map(f64::from)) / of(&[f64::from(ONE), a1, a2])
    };
    sections.iter().map(section).product()
}

#[test]
fn filters_are_scipys() {
    let text = include_str!("../fixtures/biquad.json");
    let fixture: Fixture = serde_json::from_str(text).expect("the fixture");
    let mut told = String::new();
    for case in &fixture.cases {
        let filter = of(case);
        let biquads = filter.biquads(fixture.rate);
        let (mut passed_db, mut stopped) = (0.0_f64, 0.0_f64);
        for [hz, wanted] in &case.magnitudes {
            let found = magnitude(&biquads.sections, hz / fixture.rate);
            // From −60 dB on as a ratio, below it as a share of what went in.
            if *wanted > 1e-3 {
                passed_db = passed_db.max((20.0 * (found / wanted).log10()).abs());
            } else {
                stopped = stopped.max((found - wanted).abs());
            }
        }
        let found = biquads.filtered(&fixture.samples, 1);
        let error = (found.iter().step_by(16).zip(&case.filtered))
            .map(|(found, wanted)| (f64::from(*found) - wanted).abs())
            .fold(0.0, f64::max);
        let _ = writeln!(
            told,
            "{filter}: {} sections, raised by {}, {passed_db:.5} dB, {stopped:.1e} below −60 dB, \
             samples {error:.2}, of rounding at most {:.2}",
            biquads.sections.len(),
            biquads.shift,
            biquads.rounding_max
        );
    }
    println!("{told}");
    expect![[r#"
        a low-pass of order 1 at 0.05 Hz: 1 sections, raised by 14, 0.00000 dB, 4.8e-11 below −60 dB, samples 0.49, of rounding at most 0.50
        a low-pass of order 1 at 20 Hz: 1 sections, raised by 14, 0.00000 dB, 0.0e0 below −60 dB, samples 0.50, of rounding at most 0.50
        a low-pass of order 2 at 5 Hz: 1 sections, raised by 14, 0.00000 dB, 1.6e-13 below −60 dB, samples 0.50, of rounding at most 0.50
        a low-pass of order 3 at 12.5 Hz: 2 sections, raised by 14, 0.00000 dB, 6.8e-16 below −60 dB, samples 0.50, of rounding at most 0.50
        a low-pass of order 6 at 3 Hz: 3 sections, raised by 14, 0.00000 dB, 1.2e-10 below −60 dB, samples 0.50, of rounding at most 0.50
        a low-pass of order 8 at 0.05 Hz: 4 sections, raised by 14, 0.01027 dB, 6.6e-7 below −60 dB, samples 6.80, of rounding at most 0.77
        a low-pass of order 8 at 25 Hz: 4 sections, raised by 13, 0.00000 dB, 4.3e-14 below −60 dB, samples 0.49, of rounding at most 0.50
        a low-pass of order 8 at 45.45454545454545 Hz: 4 sections, raised by 13, 0.00000 dB, 2.1e-15 below −60 dB, samples 0.49, of rounding at most 0.64
        a high-pass of order 1 at 0.05 Hz: 1 sections, raised by 14, 0.00000 dB, 0.0e0 below −60 dB, samples 0.49, of rounding at most 0.50
        a high-pass of order 1 at 45.45454545454545 Hz: 1 sections, raised by 14, 0.00000 dB, 3.3e-12 below −60 dB, samples 0.50, of rounding at most 0.50
        a high-pass of order 2 at 0.5 Hz: 1 sections, raised by 13, 0.00000 dB, 2.3e-10 below −60 dB, samples 0.49, of rounding at most 0.50
        a high-pass of order 4 at 20 Hz: 2 sections, raised by 14, 0.00000 dB, 8.5e-13 below −60 dB, samples 0.49, of rounding at most 0.50
        a high-pass of order 5 at 0.05 Hz: 3 sections, raised by 13, 0.00022 dB, 2.7e-8 below −60 dB, samples 0.52, of rounding at most 0.70
        a high-pass of order 8 at 0.05 Hz: 4 sections, raised by 12, 0.00024 dB, 8.3e-9 below −60 dB, samples 0.54, of rounding at most 3.53
        a high-pass of order 8 at 1 Hz: 4 sections, raised by 12, 0.00000 dB, 1.4e-12 below −60 dB, samples 0.50, of rounding at most 0.65
        a high-pass of order 8 at 45.45454545454545 Hz: 4 sections, raised by 14, 0.00000 dB, 2.8e-12 below −60 dB, samples 0.50, of rounding at most 0.53
        a band-pass of order 1, 0.5 to 5 Hz: 1 sections, raised by 14, 0.00000 dB, 0.0e0 below −60 dB, samples 0.50, of rounding at most 0.50
        a band-pass of order 2, 1 to 10 Hz: 2 sections, raised by 13, 0.00000 dB, 7.4e-11 below −60 dB, samples 0.49, of rounding at most 0.50
        a band-pass of order 3, 20 to 30 Hz: 3 sections, raised by 13, 0.00000 dB, 2.6e-12 below −60 dB, samples 0.50, of rounding at most 0.50
        a band-pass of order 3, 0.05 to 45.45454545454545 Hz: 3 sections, raised by 12, 0.00014 dB, 0.0e0 below −60 dB, samples 0.55, of rounding at most 0.77
        a band-pass of order 4, 0.05 to 45.45454545454545 Hz: 4 sections, raised by 12, 0.00003 dB, 8.9e-13 below −60 dB, samples 0.52, of rounding at most 1.91
        a band-pass of order 4, 0.05 to 0.1 Hz: 4 sections, raised by 12, 0.00219 dB, 9.7e-8 below −60 dB, samples 0.72, of rounding at most 2.72
        a band-pass of order 4, 20 to 20.05 Hz: 4 sections, raised by 13, 0.00000 dB, 4.0e-12 below −60 dB, samples 0.50, of rounding at most 2.95
        a band-pass of order 4, 45.404545454545456 to 45.45454545454545 Hz: 4 sections, raised by 13, 0.00000 dB, 2.8e-15 below −60 dB, samples 0.51, of rounding at most 14.30
    "#]].assert_eq(&told);
}

/// Of all that a config may ask for, the narrowest and the widest: there is room for the values, and
/// the constants of the device accept the coefficients.
#[test]
fn any_filter_has_room() {
    let rate = 1000.0;
    let (low, high) = (rate / PERIOD_SAMPLES.1, rate / PERIOD_SAMPLES.0);
    let ladder: Vec<f64> = [0.0, 0.001, 0.01, 0.1, 0.3, 0.6, 0.9, 0.999, 1.0]
        .map(|at| low + at * (high - low))
        .to_vec();
    let mut passes: Vec<Pass> = (ladder.iter())
        .flat_map(|hz| [Pass::Low(*hz), Pass::High(*hz)])
        .collect();
    for from in &ladder {
        let wide = ladder.iter().copied().filter(|to| to - from >= low);
        passes.extend(wide.map(|to| Pass::Band(*from, to)));
        if from + low <= high {
            passes.push(Pass::Band(*from, from + low));
        }
    }
    let mut least_shift = u32::MAX;
    let mut most_rounding = 0.0_f64;
    for pass in passes {
        for order in 1..=pass.order_max() {
            let filter = SampleFilter { pass, order };
            let biquads = filter.biquads(rate);
            least_shift = least_shift.min(biquads.shift);
            most_rounding = most_rounding.max(biquads.rounding_max);
            // The worst that can come in: the ends, by the sign of the response, turned round.
            let mut impulse = vec![0_i16; 4001];
            impulse[1] = 16_384;
            let response = biquads.filtered(&impulse, 1);
            let worst: Vec<i16> = (response.iter().rev())
                .map(|it| if *it < 0 { i16::MIN } else { i16::MAX })
                .collect();
            let sections = &biquads.sections;
            assert_eq!(
                biquads.filtered(&worst, 1),
                wide(sections, biquads.shift, &worst),
                "{filter}"
            );
        }
    }
    expect!["12, 7.53"].assert_eq(&format!("{least_shift}, {most_rounding:.2}"));
}

/// The same in 128 bits, of samples that begin with 0 or any other constant.
fn wide(sections: &[Section], shift: u32, samples: &[i16]) -> Vec<i16> {
    let mut value = i128::from(samples[0]) << shift;
    let mut before = [value; 2];
    let mut out: Vec<([i128; 2], i128)> = (sections.iter())
        .map(|it| {
            let keeps = it.b.iter().map(|b| i128::from(*b)).sum::<i128>() != 0;
            value = if keeps { value } else { 0 };
            ([value; 2], 0)
        })
        .collect();
    let one = i128::from(ONE);
    (samples.iter())
        .map(|sample| {
            let mut value = i128::from(*sample) << shift;
            let mut last = before;
            before = [value, before[0]];
            for (section, (out, rest)) in sections.iter().zip(&mut out) {
                let [b0, b1, b2] = section.b.map(i128::from);
                let [a1, a2] = section.a.map(i128::from);
                let sum =
                    *rest + b0 * value + b1 * last[0] + b2 * last[1] - a1 * out[0] - a2 * out[1];
                value = sum.div_euclid(one);
                *rest = sum.rem_euclid(one);
                assert!(value.abs() < one, "a value of {value}");
                last = *out;
                *out = [value, out[0]];
            }
            let rounded = (value + ((1 << shift) >> 1)) >> shift;
            i16::try_from(rounded.clamp(i16::MIN.into(), i16::MAX.into())).expect("clamped")
        })
        .collect()
}

proptest! {
    #[test]
    fn samples_are_filtered_as_in_128_bits(
        samples in prop::collection::vec(any::<i16>(), 1..300),
        hz in 0.5..450.0,
        order in 1_u32..=8,
        kind in 0..3,
    ) {
        let pass = match kind {
            0 => Pass::Low(hz),
            1 => Pass::High(hz),
            _ => Pass::Band(hz * 0.5 + 0.5, hz + 1.5),
        };
        let filter = SampleFilter { pass, order: order.min(pass.order_max()) };
        let biquads = filter.biquads(1000.0);
        prop_assert_eq!(
            biquads.filtered(&samples, 1),
            wide(&biquads.sections, biquads.shift, &samples)
        );
    }
}

#[test]
fn a_constant_goes_through_or_does_not() {
    for constant in [i16::MIN, -1, 0, 981, i16::MAX] {
        for (pass, wanted) in [
            (Pass::Low(3.0), constant),
            (Pass::High(3.0), 0),
            (Pass::Band(3.0, 9.0), 0),
        ] {
            let biquads = SampleFilter { pass, order: 3 }.biquads(100.0);
            assert_eq!(biquads.filtered(&[constant; 3000], 1), [wanted; 3000]);
        }
    }
}

#[test]
fn channels_are_filtered_by_themselves() {
    let filter = SampleFilter {
        pass: Pass::High(2.0),
        order: 2,
    };
    let biquads = filter.biquads(50.0);
    let both: Vec<i16> = (0..200).flat_map(|at| [at * 100, -at]).collect();
    let one = |which: usize| -> Vec<i16> { both.iter().copied().skip(which).step_by(2).collect() };
    let found = biquads.filtered(&both, 2);
    for which in [0, 1] {
        let alone = biquads.filtered(&one(which), 1);
        let beside: Vec<i16> = found.iter().copied().skip(which).step_by(2).collect();
        assert_eq!(beside, alone);
    }
}

#[test]
fn sections_that_could_overflow_are_refused() {
    let through = Section {
        b: [ONE, 0, 0],
        a: [0, 0],
    };
    let refused =
        |section, shift| assert_eq!(Filter::new([section], shift), Err(TableError::Weight));
    assert!(Filter::new([through; 2], 14).is_ok());
    refused(through, 15);
    refused(
        Section {
            b: [ONE, 1, 0],
            ..through
        },
        0,
    );
    refused(
        Section {
            b: [i32::MAX, -i32::MAX, 0],
            a: [i32::MAX, i32::MAX],
        },
        0,
    );
    refused(
        Section {
            b: [i32::MAX, i32::MAX, i32::MIN],
            a: [0, 0],
        },
        0,
    );
}
