//! Gates on what a model is worth, at their limits, and the interval of an accuracy.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use spinney_evaluate::{
    AccuracyLimits, Evaluation, Footprint, Limits, Measured, RejectCost, Rejection, RunOutcome,
    Scorecard, judge, wilson_interval,
};
use spinney_quantize::{Certificate, Level};

/// Three classes, `rest` and two rarer ones; 5 of 10 rows are of the first.
const LABELS: [usize; 10] = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2];

fn evaluation(labels: &[usize], float: &[usize], q15: &[usize]) -> Evaluation {
    let float = Scorecard::new(labels, float, 3);
    let q15 = Scorecard::new(labels, q15, 3);
    Evaluation {
        drop: float.accuracy - q15.accuracy,
        float,
        q15,
        float_hard_accuracy: None,
        agreement_with_soft: None,
        agreement: 1.0,
        disagreements: Vec::new(),
    }
}

fn check(accuracy: &AccuracyLimits, evaluation: Option<&Evaluation>, expected: &Expect) {
    let limits = Limits {
        accuracy: accuracy.clone(),
        ..Limits::default()
    };
    check_with(&limits, evaluation, None, expected);
}

fn check_with(
    limits: &Limits,
    evaluation: Option<&Evaluation>,
    reject: Option<(usize, usize, Option<&Rejection>)>,
    expected: &Expect,
) {
    let device = RunOutcome::NotRequired;
    check_cost(limits, evaluation, (reject, None, device), expected);
}

type Unknown<'a> = (
    Option<(usize, usize, Option<&'a Rejection>)>,
    Option<RejectCost>,
    RunOutcome<'a>,
);

fn check_cost(
    limits: &Limits,
    evaluation: Option<&Evaluation>,
    (reject, reject_cost, device): Unknown<'_>,
    expected: &Expect,
) {
    let footprint = Footprint {
        flash_bytes: 0,
        ram_bytes: 0,
        digest: String::new(),
        sections: Vec::new(),
    };
    let certificate = Certificate {
        splits: None,
        votes: Level::EveryRow,
        flips: Vec::new(),
        rows_at_risk: Vec::new(),
        remedies: Vec::new(),
    };
    let classes = ["rest", "bell", "kick"].map(str::to_owned);
    let verdicts = judge(
        limits,
        Measured {
            reject,
            reject_cost,
            evaluation,
            values: &[],
            detection: None,
            disagreements: (0, 10),
            certificate: &certificate,
            probability_error: None,
            features: &["a"],
            classes: &classes,
            shape: None,
            footprint: &footprint,
            device,
        },
    );
    let lines: String = verdicts
        .iter()
        .filter(|it| !["parity", "flash", "ram"].contains(&it.gate.as_str()))
        .map(|it| {
            let found = it
                .found
                .as_ref()
                .map_or("-".to_owned(), ToString::to_string);
            let word = if it.pass { "pass" } else { "FAIL" };
            let note = it
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {note}"));
            format!("{} {} {found} {word}{note}\n", it.gate, it.limit)
        })
        .collect();
    expected.assert_eq(&lines);
}

fn recalls(of: &[(&str, f64)]) -> BTreeMap<String, f64> {
    of.iter()
        .map(|(class, limit)| ((*class).to_owned(), *limit))
        .collect()
}

#[test]
fn gates_hold_at_their_limits() {
    // 7 of 10 are right: 5 of 5, 2 of 3, 0 of 2.
    let q15 = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1];
    let limits = AccuracyLimits {
        better_than_majority: true,
        min_accuracy: Some(0.7),
        min_balanced_accuracy: Some(5.0 / 9.0),
        min_recall: recalls(&[("bell", 2.0 / 3.0), ("kick", 0.0), ("rest", 1.0)]),
        ..AccuracyLimits::default()
    };
    check(
        &limits,
        Some(&evaluation(&LABELS, &LABELS, &q15)),
        &expect![[r#"
            better_than_majority 0.5 0.7 pass
            min_accuracy 0.7 0.7 pass
            min_balanced_accuracy 0.555556 0.555556 pass
            min_recall.bell 0.666667 0.666667 pass
            min_recall.kick 0 0 pass
            min_recall.rest 1 1 pass
        "#]],
    );
}

#[test]
fn gates_fail_beyond_them_and_say_where_to_look() {
    let q15 = [0, 0, 0, 0, 0, 1, 1, 0, 0, 1];
    let limits = AccuracyLimits {
        better_than_majority: true,
        min_accuracy: Some(0.701),
        min_balanced_accuracy: Some(0.556),
        min_recall: recalls(&[("bell", 0.67), ("kick", 0.1), ("rest", 1.0)]),
        ..AccuracyLimits::default()
    };
    check(
        &limits,
        Some(&evaluation(&LABELS, &LABELS, &q15)),
        &expect![[r#"
            better_than_majority 0.5 0.7 pass
            min_accuracy 0.701 0.7 FAIL: 7 of 10 rows are right, 95 % interval 0.3968 to 0.8922; float reaches the limit, so the conversion costs it; `require_certificate = "every-row"` in [accuracy] names the splits at fault
            min_balanced_accuracy 0.556 0.555556 FAIL: float reaches the limit, so the conversion costs it; `require_certificate = "every-row"` in [accuracy] names the splits at fault
            min_recall.bell 0.67 0.666667 FAIL: 2 of 3 rows of "bell" are found: "bell" was taken for "rest" (1); float reaches the limit, so the conversion costs it
            min_recall.kick 0.1 0 FAIL: 0 of 2 rows of "kick" are found: "kick" was taken for "rest" (1), "kick" was taken for "bell" (1); float reaches the limit, so the conversion costs it
            min_recall.rest 1 1 pass
        "#]],
    );
    check(
        &limits,
        Some(&evaluation(&LABELS, &q15, &q15)),
        &expect![[r#"
            better_than_majority 0.5 0.7 pass
            min_accuracy 0.701 0.7 FAIL: 7 of 10 rows are right, 95 % interval 0.3968 to 0.8922; float does not reach the limit either, so look at data and training; most often "bell" was taken for "rest" (1), "kick" was taken for "rest" (1), "kick" was taken for "bell" (1)
            min_balanced_accuracy 0.556 0.555556 FAIL: float does not reach the limit either, so look at data and training; most often "bell" was taken for "rest" (1), "kick" was taken for "rest" (1), "kick" was taken for "bell" (1)
            min_recall.bell 0.67 0.666667 FAIL: 2 of 3 rows of "bell" are found: "bell" was taken for "rest" (1)
            min_recall.kick 0.1 0 FAIL: 0 of 2 rows of "kick" are found: "kick" was taken for "rest" (1), "kick" was taken for "bell" (1)
            min_recall.rest 1 1 pass
        "#]],
    );
}

#[test]
fn a_model_no_better_than_the_most_frequent_class() {
    let limits = AccuracyLimits {
        better_than_majority: true,
        ..AccuracyLimits::default()
    };
    let always = evaluation(&LABELS, &[0; 10], &[0; 10]);
    check(
        &limits,
        Some(&always),
        &expect![[r#"
        better_than_majority 0.5 0.5 FAIL: naming "rest" every time is right in 5 of 10 rows, so the model is worth nothing here: do the columns tell the classes apart, and are their order and units those that the model was fitted on? `better_than_majority = false` in [accuracy] accepts it
    "#]],
    );
    let one_more = evaluation(&LABELS, &LABELS, &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    check(
        &limits,
        Some(&one_more),
        &expect![[r#"
        better_than_majority 0.5 0.6 pass
    "#]],
    );
    // Rows of one class tell nothing of a model.
    let one_class = evaluation(&[1, 1], &[1, 1], &[1, 1]);
    check(
        &limits,
        Some(&one_class),
        &expect![[r#"
        better_than_majority 1 1 FAIL: every test row is of the class "bell", which no model can tell better than by naming it: rows of other classes belong into the test, or `better_than_majority = false` into [accuracy]
    "#]],
    );
    // One row, right.
    let one_row = evaluation(&[2], &[2], &[2]);
    check(
        &limits,
        Some(&one_row),
        &expect![[r#"
        better_than_majority 1 1 FAIL: every test row is of the class "kick", which no model can tell better than by naming it: rows of other classes belong into the test, or `better_than_majority = false` into [accuracy]
    "#]],
    );
    let accepted = AccuracyLimits {
        better_than_majority: false,
        ..limits
    };
    check(&accepted, Some(&always), &expect![[""]]);
}

#[test]
fn what_cannot_be_measured_has_failed() {
    let limits = AccuracyLimits {
        better_than_majority: true,
        min_accuracy: Some(0.0),
        min_balanced_accuracy: Some(0.0),
        min_recall: recalls(&[("kick", 0.0)]),
        ..AccuracyLimits::default()
    };
    check(
        &limits,
        None,
        &expect![[r#"
        min_accuracy 0 - FAIL: the test rows have no labels: name their column in [dataset] label
        min_balanced_accuracy 0 - FAIL: the test rows have no labels: name their column in [dataset] label
        min_recall.kick 0 - FAIL: the test rows have no labels: name their column in [dataset] label
    "#]],
    );
    // A class without test rows, and one that the model does not have.
    let limits = AccuracyLimits {
        min_recall: recalls(&[("kick", 0.0), ("tabla", 0.0)]),
        ..AccuracyLimits::default()
    };
    let without = evaluation(&[0, 1], &[0, 1], &[0, 1]);
    check(
        &limits,
        Some(&without),
        &expect![[r#"
        min_recall.kick 0 - FAIL: no test row is of the class "kick"
        min_recall.tabla 0 - FAIL: no test row is of the class "tabla"
    "#]],
    );
}

#[test]
fn intervals_at_the_ends() {
    let shown = |right: usize, rows: usize| {
        let (low, high) = wilson_interval(right, rows);
        format!("{right} of {rows}: {low:.4} to {high:.4}\n")
    };
    // The last four are the examples of R. G. Newcombe, Statistics in Medicine 17 (1998), 857–872.
    let text: String = [
        (0, 1),
        (1, 1),
        (0, 10),
        (10, 10),
        (81, 263),
        (15, 148),
        (0, 20),
        (1, 29),
    ]
    .into_iter()
    .map(|(right, rows)| shown(right, rows))
    .collect();
    expect![[r#"
        0 of 1: 0.0000 to 0.7935
        1 of 1: 0.2065 to 1.0000
        0 of 10: 0.0000 to 0.2775
        10 of 10: 0.7225 to 1.0000
        81 of 263: 0.2553 to 0.3662
        15 of 148: 0.0624 to 0.1605
        0 of 20: 0.0000 to 0.1611
        1 of 29: 0.0061 to 0.1718
    "#]]
    .assert_eq(&text);
    assert_eq!(wilson_interval(0, 0), (0.0, 1.0));
    assert_eq!(wilson_interval(0, 3).0, 0.0);
    assert_eq!(wilson_interval(3, 3).1, 1.0);
}

proptest! {
    #[test]
    fn intervals_hold_the_share_and_narrow(rows in 1_usize..100_000, share in 0.0..=1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below rows")]
        let right = (share * rows as f64) as usize;
        let (low, high) = wilson_interval(right, rows);
        let found = right as f64 / rows as f64;
        prop_assert!(0.0 <= low && low <= found && found <= high && high <= 1.0);
        prop_assert!(low < high);
        let (less, more) = wilson_interval(2 * right, 2 * rows);
        prop_assert!(more - less < high - low);
        // The mirror image: what is not right.
        let (mirrored_low, mirrored_high) = wilson_interval(rows - right, rows);
        prop_assert!((1.0 - high - mirrored_low).abs() < 1e-12);
        prop_assert!((1.0 - low - mirrored_high).abs() < 1e-12);
    }
}

#[test]
fn gates_on_answers_that_may_be_unknown() {
    let found = Rejection {
        coverage: 0.9,
        flagged: 2,
        accuracy_accepted: Some(0.875),
        wrong_accepted: 1,
        accuracy_flagged: Some(0.5),
        false_alarms: 2,
    };
    let limits = |coverage, accepted, unknown| Limits {
        accuracy: AccuracyLimits {
            min_coverage: Some(coverage),
            min_accuracy_accepted: Some(accepted),
            max_unknown: Some(unknown),
            max_false_alarms: Some(unknown),
            ..AccuracyLimits::default()
        },
        ..Limits::default()
    };
    check_with(
        &limits(0.9, 0.875, 0.2),
        None,
        Some((2, 10, Some(&found))),
        &expect![[r#"
            min_coverage 0.9 0.9 pass
            min_accuracy_accepted 0.875 0.875 pass
            max_false_alarms 0.2 0.2 pass
            max_unknown 0.2 0.2 pass
        "#]],
    );
    check_with(
        &limits(0.901, 0.876, 0.199),
        None,
        Some((2, 10, Some(&found))),
        &expect![[r#"
            min_coverage 0.901 0.9 FAIL: the promise is about rows like those that calibrate: are the test rows others? else a higher `coverage` in [reject], or more rows to calibrate on
            min_accuracy_accepted 0.876 0.875 FAIL: a higher `coverage` in [reject] answers fewer rows, and those better; or a better model
            max_false_alarms 0.199 0.2 FAIL: a smaller `outliers` in [reject]; or are the test rows unlike those of training?
            max_unknown 0.199 0.2 FAIL: a lower `coverage` in [reject] answers more rows, and some of them wrongly; or a better model
        "#]],
    );
    let nobody = Rejection {
        accuracy_accepted: None,
        ..found
    };
    check_with(
        &limits(0.9, 0.5, 1.0),
        None,
        Some((10, 10, Some(&nobody))),
        &expect![[r#"
            min_coverage 0.9 0.9 pass
            min_accuracy_accepted 0.5 - FAIL: every answer is unknown: a lower `coverage` in [reject], or a better model
            max_false_alarms 1 0.2 pass
            max_unknown 1 1 pass
        "#]],
    );
    // Without labels, how many are unknown is known all the same.
    check_with(
        &limits(0.9, 0.5, 0.2),
        None,
        Some((3, 10, None)),
        &expect![[r#"
            min_coverage 0.9 - FAIL: the test rows have no labels: name their column in [dataset] label
            min_accuracy_accepted 0.5 - FAIL: the test rows have no labels: name their column in [dataset] label
            max_false_alarms 0.2 - FAIL: the test rows have no labels: name their column in [dataset] label
            max_unknown 0.2 0.3 FAIL: a lower `coverage` in [reject] answers more rows, and some of them wrongly; or a better model
        "#]],
    );
}

#[test]
fn gates_on_what_unknown_answers_cost() {
    let limits = |flash, instructions| Limits {
        reject_flash: Some(flash),
        reject_instructions: Some(instructions),
        ..Limits::default()
    };
    let cost = |instructions| {
        Some(RejectCost {
            flash_bytes: 5144,
            instructions,
        })
    };
    let check = |limits, cost, device, expected| {
        check_cost(
            &limits,
            None,
            (Some((2, 10, None)), cost, device),
            &expected,
        );
    };
    let idle = RunOutcome::NotRequired;
    let whole = cost(Some(2099.7));
    check(
        limits(5144, 2100),
        whole,
        idle,
        expect![[r#"
        reject_flash 5144 5144 pass
        reject_instructions 2100 2099.7 pass
    "#]],
    );
    check(
        limits(5143, 2099),
        whole,
        idle,
        expect![[r#"
        reject_flash 5143 5144 FAIL: a margin alone takes little: leave out `outliers` in [reject], whose isolation forest takes the most
        reject_instructions 2099 2099.7 FAIL: a margin alone takes little: leave out `outliers` in [reject], whose isolation forest takes the most
    "#]],
    );
    check(
        limits(5144, 2100),
        cost(None),
        idle,
        expect![[r#"
        reject_flash 5144 5144 pass
        reject_instructions 2100 - pass: not measured: the config does not require the emulator
    "#]],
    );
    let failed = RunOutcome::Failed("no emulator");
    check(
        limits(5144, 2100),
        None,
        failed,
        expect![[r#"
        reject_flash 5144 - FAIL: the same form without [reject] was not built, as the image was not
        reject_instructions 2100 - FAIL: no emulator
    "#]],
    );
}
