//! Metrics by hand, gates at their limits, and answers of a device that cannot be read.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_board::Timer;
use spinney_evaluate::{
    AccuracyLimits, ChipRam, Cost, Cycles, DeviceRun, Footprint, Instructions, Limits, Longest,
    Measured, Predictions, Quantity, RunContext, RunOutcome, Scorecard, Section, Splits, WorstCase,
    judge, read_outcomes,
};
use spinney_quantize::{Certificate, Level};
use spinney_wire::{Header, Outcome};

#[test]
fn a_scorecard_counts_by_class() {
    let card = Scorecard::new(&[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 0, 0], 3);
    assert_eq!(card.confusion, [[2, 1, 0], [1, 1, 0], [1, 0, 0]]);
    assert_eq!(card.accuracy, 0.5);
    let first = card.classes[0];
    assert_eq!((first.precision, first.recall), (0.5, 2.0 / 3.0));
    assert!((first.f1 - 4.0 / 7.0).abs() < 1e-15);
    // Nothing was predicted as the last class: 0, as scikit-learn's zero_division=0.
    assert_eq!(card.classes[2].precision, 0.0);
    assert_eq!(card.classes[2].f1, 0.0);
}

fn footprint(flash_bytes: u64, ram_bytes: u64) -> Footprint {
    Footprint {
        flash_bytes,
        ram_bytes,
        digest: String::new(),
        sections: vec![Section {
            name: ".text".to_owned(),
            flash_bytes,
            ram_bytes,
        }],
    }
}

fn device(mismatches: Vec<usize>) -> DeviceRun {
    DeviceRun {
        drawn: None,
        classes: vec![0; 4],
        scores: Vec::new(),
        mismatches,
        instructions: Instructions {
            mean: 100.5,
            max: 120,
            bound: None,
        },
        instructions_from_codes: Instructions {
            mean: 90.0,
            max: 110,
            bound: None,
        },
        cycles: None,
        stack_bytes_max: 64,
        heard: None,
        worst_case: Some(WorstCase {
            splits: 20,
            splits_measured: 18,
            instructions_per_split: 5.0,
            instructions: 130,
        }),
    }
}

const CERTIFICATE: Certificate = Certificate {
    splits: Some(Level::EveryInput),
    votes: Level::EveryRow,
    flips: Vec::new(),
    rows_at_risk: Vec::new(),
    remedies: Vec::new(),
};

fn check(limits: &Limits, outcome: RunOutcome<'_>, expected: &Expect) {
    let verdicts = judge(
        limits,
        Measured {
            reject: None,
            reject_cost: None,
            evaluation: None,
            values: &[],
            detection: None,
            disagreements: (1, 200),
            certificate: &CERTIFICATE,
            probability_error: None,
            features: &["a"],
            classes: &[],
            shape: None,
            footprint: &footprint(1000, 100),
            device: outcome,
        },
    );
    let lines: Vec<String> = verdicts
        .iter()
        .map(|verdict| {
            format!(
                "{} {} {} {}{}",
                verdict.gate,
                verdict.limit,
                verdict
                    .found
                    .as_ref()
                    .map_or("-".to_owned(), Quantity::to_string),
                if verdict.pass { "pass" } else { "FAIL" },
                verdict
                    .note
                    .as_ref()
                    .map_or(String::new(), |note| format!(": {note}"))
            )
        })
        .collect();
    expected.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn gates_hold_at_their_limits() {
    let limits = Limits {
        flash_bytes: 1000,
        ram_bytes: 100,
        chip_ram: Some(ChipRam {
            bytes: 200,
            interrupt_bytes: 36,
        }),
        stack_bytes: Some(64),
        instructions_mean: Some(101),
        instructions_max: Some(120),
        instructions_bound: Some(130),
        accuracy: AccuracyLimits {
            min_agreement: Some(0.995),
            max_disagreements: Some(1),
            require_certificate: Some(Level::EveryRow),
            ..AccuracyLimits::default()
        },
        ..Limits::default()
    };
    check(
        &limits,
        RunOutcome::Ran(&device(Vec::new())),
        &expect![[r#"
            parity 0 0 pass
            flash 1000 1000 pass
            ram 100 100 pass
            stack 64 64 pass
            ram_and_stack 200 200 pass
            instructions 101 100.5 pass
            instructions_max 120 120 pass
            instructions_bound 130 130 pass
            min_agreement 0.995 0.995 pass
            max_disagreements 1 1 pass
            require_certificate every-row every-row pass
        "#]],
    );
}

#[test]
fn gates_fail_beyond_them() {
    let limits = Limits {
        flash_bytes: 999,
        ram_bytes: 99,
        chip_ram: Some(ChipRam {
            bytes: 199,
            interrupt_bytes: 36,
        }),
        stack_bytes: Some(63),
        instructions_mean: Some(100),
        instructions_max: Some(119),
        instructions_bound: Some(129),
        accuracy: AccuracyLimits {
            min_agreement: Some(0.996),
            max_disagreements: Some(0),
            require_certificate: Some(Level::EveryInput),
            max_drop: Some(0.1),
            ..AccuracyLimits::default()
        },
        ..Limits::default()
    };
    check(
        &limits,
        RunOutcome::Ran(&device(vec![2])),
        &expect![[r#"
            parity 0 1 FAIL: test row 2 is the first that host and device compute differently; this is a fault of Spinney
            flash 999 1000 FAIL: 1 bytes over; fewer features or classes, or a chip with more flash
            ram 99 100 FAIL: 1 bytes over; the model's tables are in flash, so look at the firmware's own data
            stack 63 64 FAIL: a row of readings and its codes lie on the stack: fewer features, or integer readings
            ram_and_stack 199 200 FAIL: static data and the stack would meet: 100 bytes of data, 64 of stack and 36 for interrupts are 1 more than the chip has; fewer features take a smaller stack
            instructions 100 100.5 FAIL: `prefer = "speed"` in [codegen], fewer features, or a faster core
            instructions_max 119 120 FAIL: `prefer = "speed"` in [codegen], fewer features, or a faster core
            instructions_bound 129 130 FAIL: a row may take that many: a smaller `max_depth`, fewer trees, or `prefer = "speed"` in [codegen]
            max_drop 0.1 - FAIL: the test rows have no labels: name their column in [dataset] label
            min_agreement 0.996 0.995 FAIL: no split and no row is at fault; the level asked for needs single trees, hard votes or leaves held exactly
            max_disagreements 0 1 FAIL: no split and no row is at fault; the level asked for needs single trees, hard votes or leaves held exactly
            require_certificate every-input every-row FAIL: no split and no row is at fault; the level asked for needs single trees, hard votes or leaves held exactly
        "#]],
    );
}

#[test]
fn what_was_not_measured_fails_unless_the_config_does_without() {
    let limits = Limits {
        flash_bytes: 1000,
        ram_bytes: 100,
        stack_bytes: Some(64),
        ..Limits::default()
    };
    check(
        &limits,
        RunOutcome::Failed("the image panicked"),
        &expect![[r#"
            parity 0 - FAIL: the image panicked
            flash 1000 1000 pass
            ram 100 100 pass
            stack 64 - FAIL: the image panicked
        "#]],
    );
    check(
        &limits,
        RunOutcome::NotRequired,
        &expect![[r#"
        parity 0 - pass: not measured: the config does not require the emulator
        flash 1000 1000 pass
        ram 100 100 pass
        stack 64 - pass: not measured: the config does not require the emulator
    "#]],
    );
}

fn predictions() -> Predictions {
    Predictions {
        answers: None,
        outliers: None,
        values: Vec::new(),
        detector: None,
        float: vec![0, 1],
        float_soft: vec![0, 1],
        q15: vec![0, 1],
        scores: vec![vec![9, 1], vec![2, 8]],
        probabilities: vec![vec![29_491, 3277], vec![6554, 26_214]],
        probability_error: None,
        saturation: Vec::new(),
    }
}

fn answer(rows: &[(u32, [i64; 2], u32)]) -> Vec<u8> {
    let mut bytes = Header {
        n_features: 3,
        n_classes: 2,
        overhead_ticks: 43,
        n_scores: 2,
        n_probabilities: 2,
    }
    .to_bytes()
    .to_vec();
    for (class, scores, ticks) in rows {
        let probabilities = &predictions().probabilities[usize::from(scores[0] < scores[1])];
        let outcome = Outcome {
            class: *class,
            ticks: *ticks,
            ticks_from_codes: *ticks,
            stack_bytes: 80,
        };
        bytes.extend(outcome.to_bytes());
        bytes.extend(scores.iter().flat_map(|score| score.to_le_bytes()));
        bytes.extend(probabilities.iter().flat_map(|p| p.to_le_bytes()));
    }
    bytes
}

fn read(bytes: &[u8]) -> Result<DeviceRun, String> {
    read_as(bytes, false)
}

fn read_as(bytes: &[u8], class_only: bool) -> Result<DeviceRun, String> {
    let predictions = predictions();
    let context = RunContext {
        drawn: None,
        n_features: 3,
        n_classes: 2,
        class_only,
        timer: Timer::SystickHz(168_000_000),
        predictions: &predictions,
        splits: Some(Splits {
            passed: &[10, 15],
            most: 20,
        }),
    };
    read_outcomes(bytes, context).map_err(|error| error.to_string())
}

#[test]
fn a_share_of_the_rows_is_held_to_their_own_answers() {
    let predictions = predictions();
    let drawn = [1];
    let context = RunContext {
        drawn: Some(&drawn),
        n_features: 3,
        n_classes: 2,
        class_only: false,
        timer: Timer::SystickHz(168_000_000),
        predictions: &predictions,
        splits: Some(Splits {
            passed: &[10, 15],
            most: 20,
        }),
    };
    let run = read_outcomes(&answer(&[(1, [2, 8], 43 + 4344)]), context).unwrap();
    assert_eq!(run.mismatches, Vec::<usize>::new());
    assert_eq!((run.place(0), run.place(1)), (None, Some(0)));
    assert_eq!(run.worst_case.expect("splits").splits_measured, 15);
    // A fault is named by its place among all test rows.
    let run = read_outcomes(&answer(&[(1, [2, 7], 100)]), context).unwrap();
    assert_eq!(run.mismatches, [1]);
    let all = answer(&[(0, [9, 1], 100), (1, [2, 8], 100)]);
    assert!(read_outcomes(&all, context).is_err());
}

#[test]
fn outcomes_are_compared_bit_by_bit() {
    // At 168 MHz an instruction of 256 ns is 43.008 ticks.
    let good = answer(&[(0, [9, 1], 43 + 4301), (1, [2, 8], 43 + 4344)]);
    let run = read(&good).unwrap();
    assert_eq!(run.mismatches, Vec::<usize>::new());
    assert_eq!(run.instructions.max, 101);
    assert_eq!(run.instructions.mean, 100.5);
    assert_eq!(run.stack_bytes_max, 80);
    // 201 instructions in 25 splits; the first row had 10 more to pass, the second 5.
    let worst = run.worst_case.expect("splits were given");
    assert_eq!((worst.splits, worst.splits_measured), (20, 15));
    assert_eq!(worst.instructions_per_split, 8.04);
    assert_eq!(worst.instructions, 181);
    assert_eq!(run.instructions_bound(), 181);
    // What follows from the image counts instead, unless a row took more.
    let most = run.instructions.max;
    let cost = Cost {
        instructions: run.instructions.mean,
        low: 150.0,
        high: 200.0,
        high_max: 220,
        accesses: 90.0,
        accesses_max: 95,
    };
    for (instructions, expected) in [(most, most), (most - 1, 181)] {
        let run = DeviceRun {
            cycles: Some(Box::new(Cycles {
                rows: 2,
                from_readings: cost,
                from_codes: cost,
                longest: Some(Longest {
                    instructions,
                    cycles: 400,
                    accesses: 100,
                }),
                front: None,
            })),
            ..run.clone()
        };
        assert_eq!(run.instructions_bound(), expected);
    }
    let other_class = answer(&[(1, [9, 1], 100), (1, [2, 8], 100)]);
    assert_eq!(read(&other_class).unwrap().mismatches, [0]);
    let other_score = answer(&[(0, [9, 1], 100), (1, [2, 7], 100)]);
    assert_eq!(read(&other_score).unwrap().mismatches, [1]);
    let mut other_probability = good;
    *other_probability.last_mut().unwrap() ^= 1;
    assert_eq!(read(&other_probability).unwrap().mismatches, [1]);
}

#[test]
fn answers_that_cannot_be_read_are_refused() {
    let good = answer(&[(0, [9, 1], 100), (1, [2, 8], 100)]);
    for end in 0..good.len() {
        assert!(read(&good[..end]).is_err(), "cut at {end}");
    }
    let wrapped = answer(&[(0, [9, 1], u32::MAX), (1, [2, 8], 100)]);
    let error = read(&wrapped).unwrap_err();
    assert!(error.contains("beyond the timer, in row 0"), "{error}");
}

#[test]
fn what_an_image_answers_is_known_from_its_build() {
    let good = answer(&[(0, [9, 1], 100), (1, [2, 8], 100)]);
    // Each number in the header but the timer's, with a file as long as the header says and not.
    let header = Header::from_bytes(&good[..Header::LEN]).unwrap();
    for n in [0, 1, 3, 4, 1 << 16, u32::MAX] {
        let others = [
            Header {
                n_features: n,
                ..header
            },
            Header {
                n_classes: n,
                ..header
            },
            Header {
                n_scores: n,
                ..header
            },
            Header {
                n_probabilities: n,
                ..header
            },
        ];
        for other in others.into_iter().filter(|other| *other != header) {
            let row_len = Outcome::LEN as u64
                + 8 * u64::from(other.n_scores)
                + 2 * u64::from(other.n_probabilities);
            let rows = &good[Header::LEN..];
            let rows = rows
                .iter()
                .copied()
                .cycle()
                .take((2 * row_len).min(1000) as usize);
            let fitting: Vec<u8> = other.to_bytes().into_iter().chain(rows).collect();
            let mut same = good.clone();
            same[..Header::LEN].copy_from_slice(&other.to_bytes());
            for bytes in [&fitting, &same] {
                let error = read(bytes).unwrap_err();
                assert!(
                    error.contains(&format!("found {n} ")) || error.contains("found a model of "),
                    "{error}"
                );
            }
        }
    }
    let error = read_as(&good, true).unwrap_err();
    assert!(
        error.contains("found 2 scores per row, expected 0"),
        "{error}"
    );
    // Fewer rows, more, and bytes behind the last.
    for rows in [
        &[(0, [9, 1], 100)][..],
        &[(0, [9, 1], 100), (1, [2, 8], 100), (1, [2, 8], 100)],
    ] {
        assert!(read(&answer(rows)).unwrap_err().contains("for 2 rows"));
    }
    for n in 1..good.len() {
        let longer = [&good[..], &good[..n]].concat();
        assert!(read(&longer).is_err(), "{n} bytes behind the last row");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_an_image_or_an_answer_panic(mut bytes: Vec<u8>) {
        let _ = Footprint::from_elf(&bytes);
        let _ = read(&bytes);
        let mut elf = b"\x7fELF\x01\x01\x01".to_vec();
        elf.append(&mut bytes);
        let _ = Footprint::from_elf(&elf);
    }
}
