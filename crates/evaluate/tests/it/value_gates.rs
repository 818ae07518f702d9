//! Gates on values and on a detector's scores, at their limits.

use std::slice::from_ref;

use expect_test::{Expect, expect};
use spinney_evaluate::{
    AccuracyLimits, Detection, Footprint, Limits, Measured, RunOutcome, ScorePredictions,
    ValueEvaluation, ValuePredictions, judge,
};
use spinney_quantize::{Certificate, Level};

fn check(
    limits: &Limits,
    values: &[ValueEvaluation],
    detection: Option<&Detection>,
    expected: &Expect,
) {
    let footprint = Footprint {
        flash_bytes: 0,
        ram_bytes: 0,
        digest: String::new(),
        sections: Vec::new(),
    };
    let certificate = Certificate {
        splits: Some(Level::EveryRow),
        votes: Level::EveryRow,
        flips: Vec::new(),
        rows_at_risk: Vec::new(),
        remedies: Vec::new(),
    };
    let verdicts = judge(
        limits,
        Measured {
            reject: None,
            reject_cost: None,
            evaluation: None,
            values,
            detection,
            disagreements: (0, 10),
            certificate: &certificate,
            probability_error: None,
            features: &["a"],
            classes: &[],
            shape: None,
            footprint: &footprint,
            device: RunOutcome::NotRequired,
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

const LABELS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

fn values(q15: [f64; 4], bound: Option<f64>, labels: Option<&[f64]>) -> ValueEvaluation {
    let predictions = ValuePredictions {
        target: "y".to_owned(),
        float: vec![1.5, 2.0, 3.0, 3.5],
        q15: q15.to_vec(),
        bounds: vec![bound; 4],
        bound: bound.unwrap_or_default(),
        step: None,
        link: None,
    };
    let splits = bound.map(|_| Level::EveryInput);
    ValueEvaluation::new(&predictions, labels, splits)
}

fn limits(error: f64, growth: f64, r2: f64) -> Limits {
    of_worth(AccuracyLimits {
        max_error: Some(error),
        max_mae_growth: Some(growth),
        min_r2: Some(r2),
        better_than_majority: true,
        ..AccuracyLimits::default()
    })
}

fn of_worth(accuracy: AccuracyLimits) -> Limits {
    Limits {
        accuracy,
        ..Limits::default()
    }
}

#[test]
fn values_at_their_limits() {
    let it = values([1.5, 2.0, 3.0, 3.25], Some(0.25), Some(&LABELS));
    check(
        &limits(0.25, 0.25, 0.8375),
        from_ref(&it),
        None,
        &expect![[r#"
        min_r2 0.8375 0.8375 pass
        max_mae_growth 0.25 0.25 pass
        max_error 0.25 0.25 pass
        value_error 0.25 0.25 pass
    "#]],
    );
    check(
        &limits(0.249, 0.249, 0.838),
        from_ref(&it),
        None,
        &expect![[r#"
            min_r2 0.838 0.8375 FAIL: float reaches the limit, so the conversion costs it; wider leaves or finer codes lose less
            max_mae_growth 0.249 0.25 FAIL: from 0.25 to 0.3125
            max_error 0.249 0.25 FAIL: wider leaves, or fewer trees, have a smaller error; `votes = "auto"` in [quantize] takes as wide ones as the limit asks for
            value_error 0.25 0.25 pass
        "#]],
    );
    check(
        &limits(0.249, 0.249, 0.95),
        from_ref(&it),
        None,
        &expect![[r#"
            min_r2 0.95 0.8375 FAIL: float does not reach the limit either, so look at data and training
            max_mae_growth 0.249 0.25 FAIL: from 0.25 to 0.3125
            max_error 0.249 0.25 FAIL: wider leaves, or fewer trees, have a smaller error; `votes = "auto"` in [quantize] takes as wide ones as the limit asks for
            value_error 0.25 0.25 pass
        "#]],
    );
}

#[test]
fn what_is_proven_is_judged_before_what_is_found() {
    let wide = values([1.5, 2.0, 3.0, 3.5], Some(0.5), Some(&LABELS));
    check(
        &limits(0.25, 0.0, 0.0),
        from_ref(&wide),
        None,
        &expect![[r#"
        min_r2 0 0.9 pass
        max_mae_growth 0 0 pass
        max_error 0.25 0.5 FAIL: proven for every input; on the test rows it is at most 0. Wider leaves have a smaller bound
        value_error 0.5 0 pass
    "#]],
    );
    let unproven = values([1.5, 2.0, 3.0, 3.25], None, Some(&LABELS));
    check(
        &limits(0.25, 1.0, 0.0),
        from_ref(&unproven),
        None,
        &expect![[r#"
            min_r2 0 0.8375 pass
            max_mae_growth 1 0.25 pass
            max_error 0.25 0.25 pass: found on the test rows; nothing is proven for every input
        "#]],
    );
    check(
        &limits(0.1, 1.0, 0.0),
        from_ref(&unproven),
        None,
        &expect![[r#"
            min_r2 0 0.8375 pass
            max_mae_growth 1 0.25 pass
            max_error 0.1 0.25 FAIL: found on the test rows; nothing is proven for every input
        "#]],
    );
    let refuted = values([1.5, 2.0, 3.0, 3.0], Some(0.25), Some(&LABELS));
    check(
        &Limits::default(),
        from_ref(&refuted),
        None,
        &expect![[r#"
        value_error 0.25 0.5 FAIL: rows beyond their proven bound: 1; this is a fault of Spinney
    "#]],
    );
}

#[test]
fn values_without_labels_or_without_errors() {
    let unlabelled = values([1.5, 2.0, 3.0, 3.5], Some(0.25), None);
    check(
        &limits(1.0, 0.0, 0.0),
        from_ref(&unlabelled),
        None,
        &expect![[r#"
            min_r2 0 - FAIL: the test rows have no labels: name their column in [dataset] label
            max_mae_growth 0 - FAIL: the test rows have no labels: name their column in [dataset] label
            max_error 1 0.25 pass
            value_error 0.25 0 pass
        "#]],
    );
    let exact = values(
        [1.5, 2.0, 3.25, 3.5],
        Some(0.25),
        Some(&[1.5, 2.0, 3.0, 3.5]),
    );
    check(
        &limits(1.0, 10.0, 0.9),
        from_ref(&exact),
        None,
        &expect![[r#"
            min_r2 0.9 0.975 pass
            max_mae_growth 10 - FAIL: from 0 to 0.0625
            max_error 1 0.25 pass
            value_error 0.25 0.25 pass
        "#]],
    );
    let same = values([1.5, 2.0, 3.0, 3.5], Some(0.25), Some(&[2.0; 4]));
    check(
        &limits(1.0, 0.0, 0.0),
        from_ref(&same),
        None,
        &expect![[r#"
        min_r2 0 - FAIL: all test rows have the same label, of which nothing can be explained
        max_mae_growth 0 0 pass
        max_error 1 0.25 pass
        value_error 0.25 0 pass
    "#]],
    );
}

/// Each gate holds for the target that is worst by it, whichever that is, and names it.
#[test]
fn the_worst_of_several_targets_is_judged() {
    let named = |target: &str, it: ValueEvaluation| ValueEvaluation {
        target: target.to_owned(),
        ..it
    };
    let near = named(
        "near",
        values([1.5, 2.0, 3.0, 3.5], Some(0.125), Some(&LABELS)),
    );
    let off = named(
        "off",
        values([1.5, 2.0, 3.0, 3.25], Some(0.25), Some(&LABELS)),
    );
    let unlabelled = named("bare", values([1.5, 2.0, 3.0, 3.5], Some(0.5), None));
    check(
        &limits(0.25, 0.2, 0.8),
        &[near.clone(), off.clone()],
        None,
        &expect![[r#"
            min_r2 0.8 0.8375 pass: the worst of 2 targets is "off"
            max_mae_growth 0.2 0.25 FAIL: the worst of 2 targets is "off": from 0.25 to 0.3125
            max_error 0.25 0.25 pass: the worst of 2 targets is "off"
            value_error 0.25 0.25 pass: the worst of 2 targets is "off"
        "#]],
    );
    check(
        &limits(0.25, 0.25, 0.8),
        &[off, unlabelled, near],
        None,
        &expect![[r#"
            min_r2 0.8 - FAIL: the worst of 3 targets is "bare": the test rows have no labels: name their column in [dataset] label
            max_mae_growth 0.25 - FAIL: the worst of 3 targets is "bare": the test rows have no labels: name their column in [dataset] label
            max_error 0.25 0.5 FAIL: the worst of 3 targets is "bare": proven for every input; on the test rows it is at most 0. Wider leaves have a smaller bound
            value_error 0.25 0.25 pass: the worst of 3 targets is "off"
        "#]],
    );
}

#[test]
fn scores_at_their_limits() {
    let detection = |q15: [f64; 4], labels: Option<&[usize]>| {
        let scores = ScorePredictions {
            float: vec![-0.8, -0.7, -0.4, -0.3],
            q15: q15.to_vec(),
            threshold: -0.5,
        };
        Detection::new(&scores, (&[1, 1, 0, 0], &[1, 1, 0, 0]), labels)
    };
    let limits = of_worth(AccuracyLimits {
        min_auc: Some(0.75),
        better_than_majority: true,
        ..AccuracyLimits::default()
    });
    let labels: Option<&[usize]> = Some(&[1, 1, 0, 0]);
    let [good, poor, none] = [
        detection([-0.8, -0.4, -0.5, -0.3], labels),
        detection([-0.8, -0.3, -0.5, -0.4], labels),
        detection([-0.8, -0.7, -0.4, -0.3], None),
    ];
    check(
        &limits,
        &[],
        Some(&good),
        &expect![[r#"
        min_auc 0.75 0.75 pass
    "#]],
    );
    check(
        &limits,
        &[],
        Some(&poor),
        &expect![[r#"
        min_auc 0.75 0.5 FAIL: float reaches the limit, so the conversion costs it; wider leaves or finer codes lose less
    "#]],
    );
    check(
        &limits,
        &[],
        Some(&none),
        &expect![[r#"
        min_auc 0.75 - FAIL: the test rows have no labels of both kinds: name their column in [dataset] label, and the label of normal rows in `normal`
    "#]],
    );
}
