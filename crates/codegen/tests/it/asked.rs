//! Generated front ends that compute some of their features, compiled for the host: each feature has the
//! bits that the whole front end gives it.

use std::fmt::Write as _;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use spinney_codegen::{SourceTree, add_front_end};
use spinney_frontend::motion::Measures;
use spinney_signal::{
    FrontEnd, Measure, MelBank, MelScale, MotionFront, Normalisation, Pass, SampleFilter,
    SoundFront, Spectral, Statistic, Trigger, Window, hear, hear_motion,
};

const N_CASES: usize = 60;
const N_VALUES: usize = 6_000;

/// A front end, and which of its features are asked for.
type Case = (FrontEnd, Vec<bool>);

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![Just(Window::Hann), Just(Window::Rectangular)]
}

fn filter(rate_hz: f64) -> impl Strategy<Value = Option<SampleFilter>> {
    let pass = Pass::Low(rate_hz / 5.0);
    let filter = SampleFilter { pass, order: 2 };
    prop_oneof![Just(None), Just(Some(filter))]
}

/// What opens decisions of frames of at least 50 samples.
fn trigger() -> impl Strategy<Value = Option<Trigger>> {
    let opened = (1..5_000_u16, 2..40_u16, 0..10_u16).prop_map(|(level, n_block, n_before)| {
        Some(Trigger {
            level: NonZeroU16::new(level).expect("from 1 on"),
            n_block: NonZeroU16::new(n_block).expect("from 2 on"),
            n_before,
        })
    });
    prop_oneof![Just(None), opened]
}

fn motion() -> impl Strategy<Value = FrontEnd> {
    let sizes = (1..5_usize, 0..4_usize, 0..6_usize, 1..100_u16);
    (
        sizes,
        1..1_u16 << Measures::N_ALL,
        window(),
        filter(50.0),
        trigger(),
    )
        .prop_map(
            |((n_channels, n_axes, n_bands, hop), bits, window, filter, trigger)| {
                FrontEnd::Motion(MotionFront {
                    sample_rate_hz: 50.0,
                    channels: (0..n_channels).map(|at| format!("c{at}")).collect(),
                    n_axes: if n_channels % n_axes.max(1) == 0 {
                        n_axes
                    } else {
                        0
                    },
                    filter,
                    n_samples: if n_bands > 0 { 64 } else { 50 },
                    hop: NonZeroU16::new(hop).expect("from 1 on"),
                    measures: Measures::from_bits(bits).and(Measure::Range.set()),
                    n_bands,
                    window,
                    f_min_hz: 1.0,
                    f_max_hz: 24.0,
                    trigger,
                })
            },
        )
}

fn sound() -> impl Strategy<Value = FrontEnd> {
    let statistics = prop::sample::subsequence(
        vec![
            Statistic::Maximum,
            Statistic::Minimum,
            Statistic::Mean,
            Statistic::Variance,
        ],
        1..5,
    )
    .prop_shuffle();
    let spectral = prop::sample::subsequence(Spectral::ALL.to_vec(), 0..4);
    let sizes = (2..12_usize, 0..13_usize, 0..5_usize, 1..9_u32, 1..5_u32);
    let kinds = (
        any::<bool>(),
        any::<bool>(),
        window(),
        filter(8000.0),
        trigger(),
    );
    (statistics, spectral, sizes, kinds).prop_map(
        |(statistics, spectral, (n_bands, n_cepstra, n_delta_frames, n_frames, n_steps), kinds)| {
            let (of_energies, has_area, window, filter, trigger) = kinds;
            let is_plain = !of_energies;
            let n_delta_frames = if is_plain { n_delta_frames } else { 0 };
            let per_step = n_frames.max(2 * n_delta_frames as u32);
            let (n_frames, per_step) = match (&trigger, n_steps) {
                (None, 2..) => (per_step * n_steps, NonZeroU32::new(per_step)),
                _ => (n_frames, None),
            };
            FrontEnd::Sound(SoundFront {
                bank: MelBank {
                    sample_rate_hz: 8000.0,
                    n_points: 128,
                    n_bands,
                    scale: MelScale::Htk,
                    normalisation: match has_area {
                        true => Normalisation::Area,
                        false => Normalisation::None,
                    },
                    f_min_hz: 200.0,
                    f_max_hz: 4000.0,
                },
                filter,
                window,
                hop: NonZeroU16::new(100).expect("not zero"),
                n_frames_per_decision: NonZeroU32::new(n_frames).expect("from 1 on"),
                n_frames_per_step: per_step,
                statistics,
                of_energies,
                n_cepstra: if is_plain { n_cepstra.min(n_bands) } else { 0 },
                spectral: if is_plain { spectral } else { Vec::new() },
                n_delta_frames,
                trigger,
            })
        },
    )
}

/// Front ends with all features, with one, with few and with most.
fn cases() -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let mut sample = |front: BoxedStrategy<FrontEnd>| {
        front.new_tree(&mut runner).expect("a front end").current()
    };
    let mut state = 1_usize;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        (state >> 33) % below
    };
    let cases = (0..N_CASES).map(|case| {
        let front = match case % 2 {
            0 => sample(motion().boxed()),
            _ => sample(sound().boxed()),
        };
        let n_features = front.feature_names().len();
        let mut is_asked: Vec<bool> = match case / 2 % 4 {
            0 => vec![true; n_features],
            1 => vec![false; n_features],
            2 => (0..n_features).map(|_| random(4) == 0).collect(),
            _ => (0..n_features).map(|_| random(4) > 0).collect(),
        };
        is_asked[random(n_features)] = true;
        (front, is_asked)
    });
    cases.collect()
}

/// Loud and soft in turn.
fn values() -> Vec<i16> {
    let noise = (0..N_VALUES as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as i16);
    let loudness = (0..N_VALUES).map(|at| at / 700 % 9);
    noise
        .zip(loudness)
        .map(|(value, bits)| value >> bits)
        .collect()
}

fn n_channels(front: &FrontEnd) -> usize {
    match front {
        FrontEnd::Sound(_) => 1,
        FrontEnd::Motion(motion) => motion.channels.len(),
    }
}

/// The rows that a program has to print.
fn expected((front, is_asked): &Case) -> String {
    let values = values();
    let values = &values[..N_VALUES - N_VALUES % n_channels(front)];
    let rows = match front {
        FrontEnd::Sound(sound) => hear(sound, values),
        FrontEnd::Motion(motion) => hear_motion(motion, values),
    };
    let mut out = String::new();
    for row in rows.expect("filters") {
        let asked = row.iter().zip(is_asked).filter(|it| *it.1);
        let _ = writeln!(out, "{:?}", asked.map(|it| *it.0).collect::<Vec<_>>());
    }
    out
}

#[test]
fn what_is_asked_for_has_the_bits_of_the_whole() {
    let cases = cases();
    let (mut modules, mut arms, mut files) = (String::new(), String::new(), SourceTree::new());
    for (index, (front, is_asked)) in cases.iter().enumerate() {
        add_front_end(front, is_asked, &mut files).expect("filters");
        let source = files["src/signal.rs"].replace("crate::", "super::");
        let reading = if front.is_narrow() { "i16" } else { "i32" };
        let n_features = is_asked.iter().filter(|it| **it).count();
        // Where decisions follow each other, rows are of whole ones, or of one that is not.
        let is_finished = front.trigger().is_some();
        let _ = writeln!(
            modules,
            "mod case_{index} {{\n\
             pub const N_FEATURES: usize = {n_features};\n\
             pub type Reading = {reading};\n\
             pub fn predict(_: &[Reading; N_FEATURES]) -> usize {{ 0 }}\n\
             pub mod signal {{\n{source}}}\n}}"
        );
        let _ = writeln!(
            arms,
            "        \"{index}\" => {{\n            \
             let mut chain = case_{index}::signal::Chain::new();\n            \
             let (mut n_rows, samples) = (0, values.as_chunks::<{{ case_{index}::signal::N_CHANNELS }}>().0);\n            \
             for sample in samples {{\n                \
             if let Some(row) = chain.push(case_{index}::signal::sample(*sample)) {{\n                    \
             println!(\"{{row:?}}\");\n                    n_rows += 1;\n                }}\n            }}\n            \
             if let (true, Some(row)) = ({is_finished} || n_rows == 0, chain.finish()) {{ println!(\"{{row:?}}\"); }}\n        }}"
        );
    }
    files.insert(
        "Cargo.toml".to_owned(),
        "[workspace]\n\n[package]\nname = \"asked\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nspinney-frontend = { path = \"frontend\" }\n"
            .to_owned(),
    );
    files.insert(
        "src/main.rs".to_owned(),
        format!(
            "#![allow(dead_code)]\n{modules}\n\
             fn main() {{\n    \
             let values: &[i16] = &{:?};\n    \
             match std::env::args().nth(1).expect(\"the number of a case\").as_str() {{\n\
             {arms}        _ => panic!(\"no such case\"),\n    }}\n}}\n",
            values()
        ),
    );
    files.remove("src/signal.rs");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("asked");
    for (path, text) in &files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let build = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .env("RUSTFLAGS", "-D warnings")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .current_dir(&folder)
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&build.stderr);
    assert!(build.status.success(), "{said}");
    for (index, case) in cases.iter().enumerate() {
        let expected = expected(case);
        assert!(!expected.is_empty(), "{case:?}");
        let output = Command::new(folder.join("target/debug/asked"))
            .arg(index.to_string())
            .output()
            .expect("a program");
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(
            found == expected,
            "{case:?}:\n{found}\nexpected\n{expected}"
        );
    }
}

fn source(front: &FrontEnd, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let is_asked = front.asked(&names).expect("features of the front end");
    let mut files = SourceTree::new();
    add_front_end(front, &is_asked, &mut files).expect("filters");
    files["src/signal.rs"].clone()
}

#[test]
fn what_nobody_asks_for_is_not_there() {
    let pass = Pass::High(0.3);
    let motion = FrontEnd::Motion(MotionFront {
        sample_rate_hz: 50.0,
        channels: ["ax", "ay", "az"].map(str::to_owned).to_vec(),
        n_axes: 3,
        filter: Some(SampleFilter { pass, order: 2 }),
        n_samples: 128,
        hop: NonZeroU16::new(64).expect("not zero"),
        measures: Measures::from_bits(u16::MAX),
        n_bands: 6,
        window: Window::Hann,
        f_min_hz: 1.0,
        f_max_hz: 24.0,
        trigger: None,
    });
    let holds = |names: &[&str], parts: &[&str]| {
        let source = source(&motion, names);
        for part in parts {
            assert!(source.contains(part), "{names:?}: no {part}: {source}");
        }
        source
    };
    let one = holds(
        &["ay_max"],
        &[
            "let sample = [sample[1]];",
            "Filtered<'static, 1, 1>",
            "Motion<'static, NoTones, 1, 64, 0b10000,",
        ],
    );
    assert!(!one.contains("WINDOW") && !one.contains("magnitude"));
    holds(
        &["ax_mean", "magnitude_max"],
        &[
            "Filtered<'static, 3, 1>",
            "[sample[0], magnitude(&[sample[0], sample[1], sample[2]])]",
        ],
    );
    // A window is kept of both, and nothing else is computed of them.
    holds(
        &["ax_az_correlation"],
        &[
            "let sample = [sample[0], sample[2]];",
            "[[u8; 2]; 1] = [[0, 1]]",
            "0b0, 1, {",
        ],
    );
    // Bins below a band are left out, and those between two are one gap.
    let bands = holds(
        &["ax_band_1", "az_band_0", "az_band_5"],
        &[
            "static SEGMENTS_0: [Segment; 2]",
            "static SEGMENTS_1: [Segment; 5]",
        ],
    );
    assert_eq!(bands.matches("Filters::new(").count(), 2);
    let refused = motion.asked(&["ay_max", "ax_max"].map(str::to_owned));
    let refused = refused.expect_err("another order").to_string();
    assert!(refused.contains("found \"ax_max\" behind"), "{refused}");
    let refused = motion.asked(&["gx_max".to_owned()]).expect_err("no such");
    assert!(refused.to_string().contains("found \"gx_max\", which"));
}
