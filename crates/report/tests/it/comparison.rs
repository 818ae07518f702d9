//! What a comparison of two reports says, and when it judges sizes.

use expect_test::expect;
use spinney_evaluate::Quantity;
use spinney_report::{Comparison, Report, TreeSize};

/// The committed report of a pipeline, made small.
fn report() -> Report {
    let path = format!(
        "{}/../../reports/iris-tree/report.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let bytes = std::fs::read(path).expect("a committed report");
    let mut report = Report::from_json(&bytes).expect("a valid report");
    report.fingerprint = "sha256:0123456789abcdef".to_owned();
    report.footprint.as_mut().expect("an image").flash_bytes = 3000;
    report
        .footprint
        .as_mut()
        .expect("an image")
        .model_flash_bytes = 500;
    report.footprint.as_mut().expect("an image").ram_bytes = 1100;
    report.model.n_splits = 7;
    report.model.trees = vec![TreeSize {
        n_splits: 7,
        depth: 4,
    }];
    report.verdicts.truncate(2);
    report.verdicts[1].limit = Quantity::Count(3200);
    report.verdicts[1].found = Some(Quantity::Count(3000));
    report
}

#[test]
fn nothing_moves_against_itself() {
    let report = report();
    let comparison = Comparison {
        before: &report,
        after: &report,
    };
    expect![[r#"
        ## iris-tree

        All 2 gates hold.

        Nothing moved.

        <details><summary>gates</summary>

        | gate | limit | found | before | |
        | --- | ---: | ---: | ---: | --- |
        | parity | 0 | 0 | 0 | holds |
        | flash | 3200 | 3000 | 3000 | holds |

        </details>

        <sub>0123456789ab against 0123456789ab; instructions are counted by an emulator and are not cycles.</sub>
    "#]].assert_eq(&comparison.to_markdown(&[]));
}

#[test]
fn what_moves_is_named() {
    let before = report();
    let mut after = report();
    after.fingerprint = "sha256:fedcba9876543210".to_owned();
    after.footprint.as_mut().expect("an image").flash_bytes = 3300;
    after
        .footprint
        .as_mut()
        .expect("an image")
        .model_flash_bytes = 800;
    after.verdicts[1].found = Some(Quantity::Count(3300));
    after.verdicts[1].pass = false;
    after.verdicts[1].note = Some("100 bytes over".to_owned());
    after.accuracy.q15 = Some(0.5);
    after.model.n_splits = 9;
    after.model.trees[0].n_splits = 9;
    after.features[0].name = "petal|length".to_owned();
    if let Some(scores) = &mut after.accuracy.q15_scores {
        scores.classes[1].recall = 0.25;
    }
    let comparison = Comparison {
        before: &before,
        after: &after,
    };
    let growth = comparison.flash_growth(256);
    expect![[r#"
        ## iris-tree

        **2 of 3 gates fail.**

        | gate | limit | found | before | |
        | --- | ---: | ---: | ---: | --- |
        | parity | 0 | 0 | 0 | holds |
        | flash | 3200 | 3300 | 3000 | **fails**, held before: 100 bytes over |
        | max_flash_growth | 256 | 300 | - | **fails**: from 3000 to 3300 bytes; fewer or shallower trees, or a new baseline if the growth is meant |

        | what moved | before | after | by |
        | --- | ---: | ---: | ---: |
        | accuracy in Q15 | 100.00 % | 50.00 % | -50.00 points |
        | splits | 7 | 9 | +2 (+28.6 %) |
        | flash, bytes | 3000 | 3300 | +300 (+10.0 %) |
        | flash of the model, bytes | 500 | 800 | +300 (+60.0 %) |

        <details><summary>1 class moved</summary>

        | class | precision | recall | F1 |
        | --- | ---: | ---: | ---: |
        | versicolor | 1.0000 | 1.0000 → 0.2500 | 1.0000 |

        </details>

        <details><summary>2 features moved</summary>

        | feature | coded before | after |
        | --- | --- | --- |
        | petal\|length | not there | f32, not used |
        | sepal_length_cm | f32, not used | gone |

        </details>

        <details><summary>1 tree moved</summary>

        | tree | before | after |
        | --- | --- | --- |
        | 0 | 7 splits, depth 4 | 9 splits, depth 4 |

        </details>

        <sub>fedcba987654 against 0123456789ab; instructions are counted by an emulator and are not cycles.</sub>
    "#]].assert_eq(&comparison.to_markdown(&[growth]));
}

/// A forest of a thousand trees does not take a comment beyond what a host of repositories holds.
#[test]
fn thirty_of_what_moved_are_shown() {
    let before = report();
    let mut after = report();
    let shown_of = |after: &Report| {
        let comparison = Comparison {
            before: &before,
            after,
        };
        let text = comparison.to_markdown(&[]);
        let is_left_out = text.contains("The first 30; the two `report.json` have all.");
        (text.matches("| none | 7 splits").count(), is_left_out)
    };
    after.model.trees = vec![before.model.trees[0]; 31];
    assert_eq!(shown_of(&after), (30, false));
    after.model.trees.push(before.model.trees[0]);
    assert_eq!(shown_of(&after), (30, true));
}

#[test]
fn growth_is_judged_at_its_limit_and_never_across_toolchains() {
    let before = report();
    let mut after = report();
    after.footprint.as_mut().expect("an image").flash_bytes = 3512;
    let growth = |after: &Report, limit: u64| {
        let comparison = Comparison {
            before: &before,
            after,
        };
        comparison.flash_growth(limit)
    };
    assert!(growth(&after, 512).pass);
    assert!(!growth(&after, 511).pass);
    after.footprint.as_mut().expect("an image").flash_bytes = 2000;
    assert_eq!(growth(&after, 0).found, Some(Quantity::Count(0)));
    after.footprint.as_mut().expect("an image").flash_bytes = 9000;
    after.toolchain.rustc = "rustc 2.0.0".to_owned();
    let verdict = growth(&after, 512);
    assert!(verdict.pass && verdict.found.is_none());
    let comparison = Comparison {
        before: &before,
        after: &after,
    };
    let text = comparison.to_markdown(std::slice::from_ref(&verdict));
    assert!(text.contains("not comparable"), "{text}");
    assert!(
        text.contains("**Of 3 gates none fails, 1 not judged.**"),
        "{text}"
    );
    assert!(
        text.contains("| max_flash_growth | 512 | - | - | **not judged**: the baseline is of another toolchain (rustc "),
        "{text}"
    );
    assert!(text.contains(", now rustc 2.0.0)"), "{text}");
    assert!(!text.contains("flash, bytes"), "{text}");
}

#[test]
fn growth_from_nothing_is_not_known_and_fails() {
    let after = report();
    let before = Report {
        footprint: None,
        ..report()
    };
    let comparison = Comparison {
        before: &before,
        after: &after,
    };
    let verdict = comparison.flash_growth(512);
    assert!(!verdict.pass && verdict.found.is_none());
    let text = comparison.to_markdown(&[verdict]);
    assert!(text.contains("no size of an image"), "{text}");
}

#[test]
fn a_report_of_another_schema_is_refused() {
    let later = Report {
        schema: 2,
        ..report()
    };
    let error = Report::from_json(later.to_json().as_bytes()).expect_err("a later schema");
    assert!(
        error.to_string().contains("found schema 2, expected 1"),
        "{error}"
    );
}

#[test]
fn accuracy_lost_is_judged_at_its_limit() {
    let mut before = report();
    let mut after = report();
    let loss = |before: &Report, after: &Report, limit: f64| {
        Comparison { before, after }.accuracy_loss(limit)
    };
    before.accuracy.q15 = Some(0.9);
    // 0.9 - 0.8 is a bit above 0.1 in binary.
    after.accuracy.q15 = Some(0.8);
    assert!(loss(&before, &after, 0.1).pass);
    let verdict = loss(&before, &after, 0.099);
    assert!(!verdict.pass);
    expect![[
        "from 0.9000 on 38 test rows to 0.8000 on 38; look at what data, training or quantization \
         changed, or make a new baseline if the loss is meant"
    ]]
    .assert_eq(&verdict.note.unwrap_or_default());
    after.accuracy.q15 = Some(0.95);
    let gain = loss(&before, &after, 0.0);
    assert_eq!((gain.pass, gain.found), (true, Some(Quantity::Number(0.0))));
}

#[test]
fn accuracy_lost_without_labels_fails() {
    let with = report();
    let mut without = report();
    without.accuracy.q15 = None;
    for (before, after) in [(&with, &without), (&without, &with), (&without, &without)] {
        let verdict = Comparison { before, after }.accuracy_loss(1.0);
        assert!(!verdict.pass && verdict.found.is_none(), "{verdict:?}");
        assert!(verdict.note.is_some());
    }
}
