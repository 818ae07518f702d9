//! Promises of smaller models by rows: what is kept passes, and each untrue word of a promise is named.

use spinney_checker::{
    How, Keeps, Kept, Kind, Part, Promise, Readings, Sensor, keeps, keeps_within,
};
use spinney_model::FloatModel;

/// `a <= 10.5`, and `b <= 0.5` on the right.
const ORIGINAL: [f64; 3] = [1.0, 0.0, 1.0];
/// The same for `a` up to 10, and above what `b` above 0.5 gets.
const SMALLER: [f64; 2] = [1.0, 1.0];

fn classifier(leaves: &[f64]) -> String {
    let leaf = |p: f64| format!(r#"{{"value":[{p},{}]}}"#, 1.0 - p);
    let head =
        r#"{"format":"spinney-model","version":1,"kind":"random-forest","classes":["x","y"],"#;
    head.to_owned() + &trees(leaves.iter().map(|it| leaf(*it)).collect())
}

fn regressor(leaves: &[f64]) -> String {
    let head = r#"{"format":"spinney-model","version":2,"kind":"random-forest-regressor","task":"regress",
        "targets":["y"],"sum":{"precision":"float64","base":[0.0]},"link":{"function":"identity"},"#;
    let leaf = |value: &f64| format!(r#"{{"value":[{value}]}}"#);
    head.to_owned() + &trees(leaves.iter().map(leaf).collect())
}

fn trees(leaves: Vec<String>) -> String {
    let root = r#"{"feature":0,"threshold":10.5,"left":1,"right":2}"#;
    let below = r#"{"feature":1,"threshold":0.5,"left":3,"right":4}"#;
    let nodes = match &leaves[..] {
        [left, right] => format!("{root},{left},{right}"),
        [left, low, high] => format!("{root},{left},{below},{low},{high}"),
        _ => unreachable!("two or three leaves"),
    };
    format!(r#""features":[{{"name":"a"}},{{"name":"b"}}],"trees":[{{"nodes":[{nodes}]}}]}}"#)
}

fn model(text: &str) -> FloatModel {
    FloatModel::from_json(text.as_bytes()).expect("a model")
}

/// Rows of `b`, `a` and a label, which is what the original gives but in the last row.
const ROWS: [f64; 12] = [0.0, 3.0, 0.0, 1.0, 30.0, 0.0, 0.0, 30.0, 1.0, 1.0, 4.0, 1.0];

fn promise(keeps: Keeps, n_rows: usize) -> Promise {
    Promise {
        keeps,
        within: None,
        columns: vec!["b".to_owned(), "a".to_owned()],
        parts: vec![Part {
            n_rows,
            original: None,
            smaller: vec![None],
        }],
    }
}

fn of_classes(promise: &Promise, rows: &[f64]) -> Kept {
    keeps(
        &model(&classifier(&ORIGINAL)),
        &model(&classifier(&SMALLER)),
        promise,
        rows,
    )
}

fn refused(kept: &Kept, what: &str) {
    let fault = kept.found.faults.first().expect("a fault");
    assert_eq!(fault.kind, Kind::Promise);
    assert!(fault.what.contains(what), "{fault}");
}

#[test]
fn every_row_is_every_row() {
    // The third row lies where both differ.
    let two = of_classes(&promise(Keeps::EveryRow, 2), &ROWS[..6]);
    assert!(two.found.holds() && two.is_whole(), "{two:?}");
    assert_eq!(two.to_string(), "2 rows were given to both models");
    let four = of_classes(&promise(Keeps::EveryRow, 4), &ROWS);
    refused(
        &four,
        "parts from the original at 1 of 4 rows, row 2 the first",
    );
    for (n_rows, n_readings) in [(0, 0), (2, 9), (3, 6)] {
        let kept = of_classes(&promise(Keeps::EveryRow, n_rows), &ROWS[..n_readings]);
        refused(&kept, "rows, where it names");
    }
    let mut other = promise(Keeps::EveryRow, 2);
    other.parts[0].smaller = vec![Some(classifier(&ORIGINAL))];
    refused(
        &of_classes(&other, &ROWS[..6]),
        "other models than those that ship",
    );
    let mut other = promise(Keeps::EveryRow, 2);
    other.columns[0] = "c".to_owned();
    refused(&of_classes(&other, &ROWS[..6]), "no column b");
}

#[test]
fn values_of_every_row_are_within_their_bound() {
    let [original, smaller] = [regressor(&[1.0, 4.0, 6.5]), regressor(&[1.25, 5.0])];
    let models = [original, smaller].map(|it| model(&it));
    for (within, holds) in [(1.5, true), (1.25, false)] {
        let mut promise = promise(Keeps::EveryRow, 4);
        promise.within = Some(within);
        let kept = keeps(&models[0], &models[1], &promise, &ROWS);
        assert_eq!(kept.found.holds(), holds, "{kept:?}");
    }
}

#[test]
fn scores_are_worked_out_anew() {
    let score = |max_loss: f64, found| promise(Keeps::Score { max_loss, found }, 4);
    let kept = of_classes(&score(0.25, [0.75, 0.5, 0.5]), &ROWS);
    assert!(kept.found.holds(), "{kept:?}");
    assert_eq!(kept.how, How::Scores([0.75, 0.5, 0.5]));
    refused(
        &of_classes(&score(0.24, [0.75, 0.5, 0.5]), &ROWS),
        "0.24 may be lost",
    );
    refused(
        &of_classes(&score(0.25, [0.75, 0.75, 0.5]), &ROWS),
        "[0.75, 0.75, 0.5] are said",
    );
    // Each fold has models of its own: those of the second lose nothing.
    let mut folds = score(0.125, [0.875, 0.75, 0.625]);
    folds.parts.push(Part {
        n_rows: 4,
        original: Some(classifier(&[1.0, 0.0, 1.0])),
        smaller: vec![Some(classifier(&[1.0, 0.0, 1.0]))],
    });
    let mut rows = ROWS.repeat(2);
    rows[23] = 0.0;
    let kept = of_classes(&folds, &rows);
    assert!(kept.found.holds(), "{kept:?}");
    folds.parts[1].smaller = vec![Some(classifier(&[0.0, 1.0]))];
    refused(&of_classes(&folds, &rows), "may be lost");
    folds.parts[1].smaller = vec![Some(regressor(&[0.0, 1.0]))];
    refused(&of_classes(&folds, &rows), "other outputs");
    folds.parts[1].smaller = vec![Some("{}".to_owned())];
    assert!(!of_classes(&folds, &rows).found.holds());
}

#[test]
fn errors_of_values_may_grow_by_a_share() {
    // Off by 0, 0.5, 1 and 0 before, by 0, 0.5, 1.5 and 0 after.
    let [original, smaller] = [regressor(&[0.0, 2.0, 0.5]), regressor(&[0.0, -0.5])];
    let models = [original, smaller].map(|it| model(&it));
    let rows = [0.0, 3.0, 0.0, 1.0, 30.0, 0.0, 0.0, 30.0, 1.0, 1.0, 4.0, 0.0];
    for (max_loss, holds) in [(0.34, true), (0.33, false)] {
        let found = [1.5 / 4.0, 2.0 / 4.0, 2.0 / 4.0];
        let kept = keeps(
            &models[0],
            &models[1],
            &promise(Keeps::Score { max_loss, found }, 4),
            &rows,
        );
        assert_eq!(kept.found.holds(), holds, "{kept:?}");
    }
}

/// With alpha of 0.5, one of four rows may part; one of nine with 0.2.
#[test]
fn rows_kept_apart_part_as_seldom_as_is_said() {
    let apart = |alpha: f64, parted| promise(Keeps::InDistribution { alpha, parted }, 4);
    let kept = of_classes(&apart(0.5, 1), &ROWS);
    assert!(kept.found.holds(), "{kept:?}");
    assert_eq!(kept.how, How::Parted([1, 1]));
    refused(&of_classes(&apart(0.5, 0), &ROWS), "0 are said to");
    refused(&of_classes(&apart(0.2, 1), &ROWS), "where 0 may");
    // A row counts that a model with more splits parted.
    let mut series = apart(0.5, 1);
    series.parts[0]
        .smaller
        .insert(0, Some(classifier(&[0.0, 0.0, 1.0])));
    refused(&of_classes(&series, &ROWS), "3 of 4 rows part, where 1 may");
}

/// Bytes of `a`, and singles of `b` from this one to 2.
fn readings(b: f64) -> Vec<Readings> {
    let readings = |name: &str, sensor, range| Readings {
        name: name.to_owned(),
        sensor,
        range,
        missing: None,
    };
    vec![
        readings("a", Sensor::U8, (0.0, 255.0)),
        readings("b", Sensor::F32, (b, 2.0)),
    ]
}

#[test]
fn every_input_is_within_the_readings_that_are_named() {
    let of = |readings| promise(Keeps::EveryInput { readings }, 0);
    let kept = of_classes(&of(readings(0.75)), &[]);
    assert!(
        kept.found.holds() && matches!(kept.how, How::Boxes(1..)),
        "{kept:?}"
    );
    // A single above one half is enough, and one half itself is not.
    let next = f64::from(0.5_f32.next_up());
    assert!(of_classes(&of(readings(next)), &[]).found.holds());
    refused(&of_classes(&of(readings(0.5)), &[]), "and the original 1");
    refused(
        &of_classes(&of(readings(0.75)[..1].to_vec()), &[]),
        "nobody says what readings b has",
    );
    let same = model(&classifier(&ORIGINAL));
    assert_eq!(keeps(&same, &same, &of(Vec::new()), &[]).how, How::Same);
}

/// Trees of one split each, as a forest.
fn forest(trees: &[String]) -> FloatModel {
    let trees: Vec<String> = trees
        .iter()
        .map(|it| format!(r#"{{"nodes":[{it}]}}"#))
        .collect();
    model(&format!(
        r#"{{"format":"spinney-model","version":1,"kind":"random-forest","classes":["x","y"],
        "features":[{{"name":"a"}},{{"name":"b"}}],"trees":[{}]}}"#,
        trees.join(",")
    ))
}

fn leaf(p: f64) -> String {
    format!(r#"{{"value":[{p},{}]}}"#, 1.0 - p)
}

/// Two trees: 1.5 votes of two where `a` is at most 10.5 and `b` at most 0.5, 2 above that, and 0.75 and
/// 1.25 where `a` is larger.
fn two_trees() -> FloatModel {
    let [one, other] = [(0, 10.5, [1.0, 0.25]), (1, 0.5, [0.5, 1.0])].map(
        |(feature, threshold, [left, right])| {
            format!(
                r#"{{"feature":{feature},"threshold":{threshold},"left":1,"right":2}},{},{}"#,
                leaf(left),
                leaf(right)
            )
        },
    );
    forest(&[one, other])
}

/// One tree that does what both did, if these are its leaves: 0.875, 0.375 and 0.625.
fn merged(leaves: [f64; 3]) -> FloatModel {
    let [one, two, three] = leaves.map(leaf);
    forest(&[format!(
        r#"{{"feature":0,"threshold":10.5,"left":1,"right":2}},{one},
        {{"feature":1,"threshold":0.5,"left":3,"right":4}},{two},{three}"#
    )])
}

/// No tree of the original begins like a merged one.
#[test]
fn a_merged_tree_is_held_to_both() {
    let before = two_trees();
    let asked = promise(
        Keeps::EveryInput {
            readings: readings(0.0),
        },
        0,
    );
    let kept = keeps(&before, &merged([0.875, 0.375, 0.625]), &asked, &[]);
    assert!(
        kept.found.holds() && matches!(kept.how, How::Boxes(1..)),
        "{kept:?}"
    );
    for (leaves, what) in [
        ([0.375, 0.375, 0.625], "the original 0"),
        ([0.875, 0.375, 0.375], "the original 0"),
        ([0.875, 0.625, 0.625], "the original 1"),
    ] {
        refused(&keeps(&before, &merged(leaves), &asked, &[]), what);
    }
    let rows = promise(Keeps::EveryRow, 4);
    let kept = keeps(&before, &merged([0.875, 0.375, 0.625]), &rows, &ROWS);
    assert!(kept.found.holds(), "{kept:?}");
}

/// What ends early is unknown, in words, and neither kept nor broken; what single inputs show is broken.
#[test]
fn steps_that_end_leave_every_input_unknown() {
    let asked = promise(
        Keeps::EveryInput {
            readings: readings(0.0),
        },
        0,
    );
    let kept = |leaves, steps| keeps_within(&two_trees(), &merged(leaves), &asked, &[], steps);
    let unknown = kept([0.875, 0.375, 0.625], 1);
    assert!(matches!(unknown.how, How::Unknown(_, 1..)), "{unknown:?}");
    assert!(unknown.found.holds() && !unknown.is_whole());
    assert!(
        unknown
            .to_string()
            .starts_with("unknown for every input: steps ended after")
    );
    let whole = kept([0.875, 0.375, 0.625], 1000);
    assert!(
        whole.is_whole() && matches!(whole.how, How::Boxes(1..)),
        "{whole:?}"
    );
    let broken = kept([0.375, 0.375, 0.625], 1);
    assert_eq!(broken.how, How::Refuted);
    assert!(!broken.found.holds());
}
