//! What a failed agreement or certificate gate says.

use expect_test::{Expect, expect};
use spinney_evaluate::{
    AccuracyLimits, Footprint, Limits, Measured, ProbabilityError, RunOutcome, judge,
};
use spinney_quantize::{Certificate, Flip, Level, Remedy};

fn flip(node: usize, threshold: f64, rows: &[usize]) -> Flip {
    Flip {
        tree: 0,
        node,
        feature: 1,
        threshold,
        above: Some(threshold),
        below: Some(threshold + 0.5),
        missing: false,
        readings: rows.len(),
        rows: rows.to_vec(),
    }
}

fn remedy(n_rows: usize, range: Option<(f64, f64)>) -> Remedy {
    Remedy {
        feature: 1,
        n_flips: 2,
        n_rows,
        range,
        is_narrow: false,
    }
}

fn limits(accuracy: AccuracyLimits) -> Limits {
    Limits {
        accuracy,
        ..Limits::default()
    }
}

fn notes(limits: &Limits, certificate: &Certificate, expected: &Expect) {
    let footprint = Footprint {
        flash_bytes: 0,
        ram_bytes: 0,
        digest: String::new(),
        sections: Vec::new(),
    };
    let verdicts = judge(
        limits,
        Measured {
            reject: None,
            reject_cost: None,
            evaluation: None,
            values: &[],
            detection: None,
            disagreements: (3, 100),
            certificate,
            probability_error: None,
            features: &["a", "b"],
            classes: &[],
            shape: None,
            footprint: &footprint,
            device: RunOutcome::NotRequired,
        },
    );
    let text: String = verdicts
        .iter()
        .filter(|verdict| !verdict.pass)
        .map(|verdict| {
            format!(
                "{}: {}\n",
                verdict.gate,
                verdict.note.as_deref().unwrap_or("")
            )
        })
        .collect();
    expected.assert_eq(&text);
}

#[test]
fn a_failed_certificate_names_features_splits_and_a_change() {
    let limits = limits(AccuracyLimits {
        min_agreement: Some(0.99),
        require_certificate: Some(Level::EveryRow),
        ..AccuracyLimits::default()
    });
    let mut certificate = Certificate {
        splits: Some(Level::Listed),
        votes: Level::EveryRow,
        flips: vec![flip(4, 2.5, &[7, 9]), flip(6, 8.0, &[])],
        rows_at_risk: Vec::new(),
        remedies: vec![remedy(2, Some((0.0, 10.5)))],
    };
    notes(
        &limits,
        &certificate,
        &expect![[r#"
        min_agreement: feature "b": readings flip at 2 splits, tree 0 node 4 (2.5), tree 0 node 6 (8), and 2 rows part there; `range = [0, 10.5]` in [features.b] makes codes fine enough for these rows, `coding = "rank"` for every input
        require_certificate: feature "b": readings flip at 2 splits, tree 0 node 4 (2.5), tree 0 node 6 (8), and 2 rows part there; `range = [0, 10.5]` in [features.b] makes codes fine enough for these rows, `coding = "rank"` for every input
    "#]],
    );
    certificate.remedies = vec![remedy(2, None)];
    certificate.rows_at_risk = vec![12];
    certificate.votes = Level::Listed;
    notes(
        &limits,
        &certificate,
        &expect![[r#"
        min_agreement: feature "b": readings flip at 2 splits, tree 0 node 4 (2.5), tree 0 node 6 (8), and 2 rows part there; `coding = "rank"` in [features.b] holds for every input; 1 row is decided within the error bound, test row 12 first: `votes = "q15"` in [quantize] narrows the bound, `leaves = "hard"` has none
        require_certificate: feature "b": readings flip at 2 splits, tree 0 node 4 (2.5), tree 0 node 6 (8), and 2 rows part there; `coding = "rank"` in [features.b] holds for every input; 1 row is decided within the error bound, test row 12 first: `votes = "q15"` in [quantize] narrows the bound, `leaves = "hard"` has none
    "#]],
    );
}

#[test]
fn readings_that_lose_digits_are_not_mended_by_a_coding() {
    let lost = Flip {
        above: None,
        below: None,
        ..flip(4, 2.5, &[7])
    };
    let certificate = Certificate {
        splits: Some(Level::Listed),
        votes: Level::EveryRow,
        flips: vec![lost],
        rows_at_risk: Vec::new(),
        remedies: vec![remedy(1, None)],
    };
    let advice = spinney_evaluate::at_fault(&certificate, &["a", "b"]);
    assert!(advice.contains("round them to float32"), "{advice}");
    assert!(!advice.contains("rank"), "{advice}");
}

#[test]
fn one_split_and_one_row_are_told_in_the_singular() {
    let limits = limits(AccuracyLimits {
        require_certificate: Some(Level::EveryRow),
        ..AccuracyLimits::default()
    });
    let certificate = Certificate {
        splits: Some(Level::Listed),
        votes: Level::EveryRow,
        flips: vec![flip(4, 2.5, &[7])],
        rows_at_risk: Vec::new(),
        remedies: vec![Remedy {
            n_flips: 1,
            ..remedy(1, None)
        }],
    };
    notes(
        &limits,
        &certificate,
        &expect![[r#"
        require_certificate: feature "b": readings flip at 1 split, tree 0 node 4 (2.5), and 1 row parts there; `coding = "rank"` in [features.b] holds for every input
    "#]],
    );
}

#[test]
fn a_probability_beyond_its_bound_fails() {
    let error = |rows_beyond: usize| ProbabilityError {
        found_max: 0.001,
        bound_max: 0.002,
        rows_beyond,
        rows_parting: 0,
    };
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
    for (rows_beyond, pass) in [(0, true), (1, false)] {
        let measured = Measured {
            reject: None,
            reject_cost: None,
            evaluation: None,
            values: &[],
            detection: None,
            disagreements: (0, 100),
            certificate: &certificate,
            probability_error: Some(error(rows_beyond)),
            features: &[],
            classes: &[],
            shape: None,
            footprint: &footprint,
            device: RunOutcome::NotRequired,
        };
        let verdicts = judge(&Limits::default(), measured);
        let verdict = verdicts
            .iter()
            .find(|verdict| verdict.gate == "probability_error")
            .unwrap();
        assert_eq!(verdict.pass, pass);
    }
}

#[test]
fn gates_at_their_limit_hold() {
    let limits = limits(AccuracyLimits {
        min_agreement: Some(0.97),
        max_disagreements: Some(3),
        require_certificate: Some(Level::EveryRow),
        ..AccuracyLimits::default()
    });
    let certificate = Certificate {
        splits: Some(Level::EveryInput),
        votes: Level::EveryRow,
        flips: Vec::new(),
        rows_at_risk: Vec::new(),
        remedies: Vec::new(),
    };
    notes(&limits, &certificate, &expect![[""]]);
}
