//! Answers about models, held to the models themselves: a counterexample is one, and what is proven
//! has none among all rows of a grid, or among rows that were drawn to lie at the splits.

use spinney_model::{FloatModel, Task, Voting};
use spinney_oracle::{Property, Radius, Steps, Subject, Verdict, decide, radii};
use spinney_quantize::{
    Calibration, CodeWidth, Declared, Missing, Options, QuantModel, Sensor, Votes, calibrate,
};

const STEPS: Steps = Steps(20_000_000);

fn quantized(
    model: &FloatModel,
    declared: &[Declared],
    votes: Votes,
) -> Option<(QuantModel, Vec<Calibration>)> {
    // Some numbers that stand for missing readings are refused.
    let calibrations = calibrate(model, None, declared).ok()?;
    let options = Options {
        voting: Voting::Soft,
        votes,
        codes: CodeWidth::Word,
        wants_scores: true,
    };

    let quant = QuantModel::new(model, &calibrations, options, None).ok()?;
    Some((quant, calibrations))
}

/// Whether a row is one that a question is about.
fn counts(subject: &Subject<'_>, row: &[f64]) -> bool {
    row.iter()
        .zip(subject.calibrations)
        .all(|(reading, calibration)| {
            let (low, high) = calibration.inputs();
            match reading.is_nan() {
                true => calibration.is_missing(),
                false => (low..=high).contains(reading),
            }
        })
}

fn given(subject: &Subject<'_>, row: &[f64]) -> usize {
    let quant = subject.quant;
    quant.delivered(&quant.codes(row), &quant.scores(&quant.codes(row)))
}

fn value(subject: &Subject<'_>, row: &[f64]) -> f64 {
    let quant = subject.quant;
    quant.values(&quant.scores(&quant.codes(row)))[0]
}

/// Whether a row, with any one reading of a feature in another's place, refutes a property.
fn refutes(subject: &Subject<'_>, property: Property, row: &[f64], others: &[Vec<f64>]) -> bool {
    match property {
        Property::Never(class) => given(subject, row) == class,
        Property::AtMost(most) => value(subject, row) > most,
        Property::AtLeast(least) => value(subject, row) < least,
        Property::Agrees(_) => subject.model.predict(row) != subject.quant.predict(row),
        Property::Monotone {
            feature,
            rises,
            class,
        } => others.iter().any(|other| {
            let mut moved = row.to_vec();
            moved[feature] = other[feature];
            let is_later = match rises {
                true => row[feature] <= moved[feature],
                false => row[feature] >= moved[feature],
            };
            is_later
                && match class {
                    Some(class) => given(subject, row) == class && given(subject, &moved) != class,
                    None => value(subject, row) > value(subject, &moved),
                }
        }),
    }
}

/// Decides properties of a model and holds each answer to `rows`; counts proofs and counterexamples.
fn held(subject: &Subject<'_>, rows: &[Vec<f64>], tally: &mut [usize; 3]) {
    let middle = || rows.iter().map(|row| value(subject, row)).sum::<f64>() / rows.len() as f64;
    let monotone = |class, rises| Property::Monotone {
        feature: 0,
        rises,
        class,
    };
    let properties = if subject.quant.task() == Task::Regress {
        vec![
            Property::AtMost(middle()),
            Property::AtMost(middle() + 4.0),
            Property::AtLeast(middle() - 4.0),
            monotone(None, true),
            monotone(None, false),
        ]
    } else {
        vec![
            Property::Never(0),
            Property::Never(1),
            monotone(Some(1), true),
            monotone(Some(0), false),
            Property::Agrees(Voting::Soft),
        ]
    };
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .filter(|row| counts(subject, row))
        .cloned()
        .collect();
    for property in properties {
        match decide(subject, property, &[], &mut STEPS.clone()).expect("an answer") {
            Verdict::Proven => {
                tally[0] += 1;
                let refuting = rows
                    .iter()
                    .find(|row| refutes(subject, property, row, &rows));
                assert_eq!(refuting, None, "{property:?}");
            }
            Verdict::Refuted(found) => {
                tally[1] += 1;
                assert!(
                    found.iter().all(|row| counts(subject, row)),
                    "{property:?}: {found:?}"
                );
                assert!(
                    refutes(subject, property, &found[0], &found),
                    "{property:?}: {found:?}"
                );
            }
            Verdict::Unknown => tally[2] += 1,
        }
    }
}

#[test]
fn answers_hold_with_gaps_and_categories() {
    let mut tally = [0; 3];
    for seed in 0..500 {
        let case = crate::gaps::case(seed, 60);
        for votes in [Votes::Q15, Votes::Byte] {
            let Some((quant, calibrations)) = quantized(&case.model, &case.declared, votes) else {
                continue;
            };
            let subject = Subject {
                model: &case.model,
                quant: &quant,
                calibrations: &calibrations,
            };
            held(&subject, &case.rows, &mut tally);
        }
    }
    println!("proven, refuted, unknown: {tally:?}");
    assert!(tally[0] > 1_000 && tally[1] > 1_000, "{tally:?}");
    assert!(tally[2] < 100, "{tally:?}");
}

/// A forest over two features of 0 to 15, of which every row is looked at.
fn small(seed: u64) -> FloatModel {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) % n
    };
    let trees: Vec<String> = (0..1 + below(6))
        .map(|_| {
            let n_splits = below(6);
            let mut nodes = Vec::new();
            for split in 0..n_splits {
                nodes.push(format!(
                    r#"{{"feature":{},"threshold":{},"left":{},"right":{}}}"#,
                    below(2),
                    below(32) as f64 / 2.0,
                    2 * split + 1,
                    2 * split + 2
                ));
                let (a, b) = (below(7), below(7));
                nodes.push(format!(
                    r#"{{"value":[{},{},{}]}}"#,
                    a as f64 / 13.0,
                    b as f64 / 13.0,
                    (13 - a - b) as f64 / 13.0
                ));
            }
            nodes.push(r#"{"value":[0.25,0.25,0.5]}"#.to_owned());
            format!(r#"{{"nodes":[{}]}}"#, nodes.join(","))
        })
        .collect();
    let text = format!(
        r#"{{"format":"spinney-model","version":1,"kind":"random-forest","features":[{{"name":"a"}},{{"name":"b"}}],"classes":["p","q","r"],"trees":[{}]}}"#,
        trees.join(",")
    );
    FloatModel::from_json(text.as_bytes()).expect("a model")
}

fn grid() -> Vec<Vec<f64>> {
    let readings = 0..16_u8;
    readings
        .clone()
        .flat_map(|a| {
            readings
                .clone()
                .map(move |b| vec![f64::from(a), f64::from(b)])
        })
        .collect()
}

fn of_bytes() -> [Declared; 2] {
    [Declared {
        sensor: Some(Sensor::U8),
        range: Some((0.0, 15.0)),
        ..Declared::default()
    }; 2]
}

#[test]
fn answers_are_those_of_all_rows() {
    let rows = grid();
    let mut tally = [0; 2];
    for seed in 1..75 {
        let model = small(seed);
        let (mut quant, calibrations) =
            quantized(&model, &of_bytes(), Votes::Byte).expect("a model");
        if seed % 3 == 0 {
            quant = quant.with_margin(seed % 200);
        }
        let subject = Subject {
            model: &model,
            quant: &quant,
            calibrations: &calibrations,
        };
        for class in 0..3 {
            for property in [
                Property::Never(class),
                Property::Monotone {
                    feature: 1,
                    rises: true,
                    class: Some(class),
                },
                Property::Monotone {
                    feature: 0,
                    rises: false,
                    class: Some(class),
                },
            ] {
                let is_refuted = rows
                    .iter()
                    .any(|row| refutes(&subject, property, row, &rows));
                tally[usize::from(is_refuted)] += 1;
                match decide(&subject, property, &[], &mut STEPS.clone()).expect("an answer") {
                    Verdict::Proven => assert!(!is_refuted, "{seed}: {property:?}"),
                    Verdict::Refuted(found) => {
                        assert!(
                            refutes(&subject, property, &found[0], &found),
                            "{seed}: {property:?}"
                        );
                    }
                    Verdict::Unknown => panic!("{seed}: {property:?}"),
                }
                // The same, of some rows alone.
                let within = [(1, [2.5, 6.0])];
                let some: Vec<Vec<f64>> = rows
                    .iter()
                    .filter(|row| (3.0..=6.0).contains(&row[1]))
                    .cloned()
                    .collect();
                let is_refuted = some
                    .iter()
                    .any(|row| refutes(&subject, property, row, &some));
                let verdict =
                    decide(&subject, property, &within, &mut STEPS.clone()).expect("an answer");
                assert_eq!(
                    verdict == Verdict::Proven,
                    !is_refuted,
                    "{seed}: {property:?} within"
                );
            }
        }
    }
    assert!(tally.iter().all(|n| *n > 100), "{tally:?}");
}

#[test]
fn radii_are_those_of_all_rows() {
    let rows = grid();
    let mut n_changing = 0;
    for seed in 1..60 {
        let model = small(seed);
        let (quant, calibrations) = quantized(&model, &of_bytes(), Votes::Q15).expect("a model");
        let subject = Subject {
            model: &model,
            quant: &quant,
            calibrations: &calibrations,
        };
        let found = radii(&subject, &rows, 0.4, || STEPS).expect("radii");
        for (row, found) in rows.iter().zip(found) {
            let class = given(&subject, row);
            let changing = rows.iter().filter(|other| given(&subject, other) != class);
            let distance = |other: &Vec<f64>| {
                let parts = row.iter().zip(other).map(|(a, b)| (a - b).abs() / 15.0);
                parts.fold(0.0, f64::max)
            };
            let nearest = changing.map(distance).fold(f64::INFINITY, f64::min);
            n_changing += usize::from(nearest <= 0.4);
            let expected = if nearest <= 0.4 {
                Radius::Changes(nearest)
            } else {
                Radius::Beyond(0.4)
            };
            assert_eq!(found, expected, "{seed}: {row:?}");
        }
    }
    assert!(n_changing > 1_000, "{n_changing}");
}

/// Without a declared range, every reading of the sensor is asked about, also beyond all thresholds.
#[test]
fn readings_beyond_all_thresholds_count() {
    let nodes = r#"{"feature":0,"threshold":7.5,"left":1,"right":2},{"value":[1.0,0.0]},{"value":[0.0,1.0]}"#;
    let text = format!(
        r#"{{"format":"spinney-model","version":1,"kind":"random-forest","features":[{{"name":"a"}}],"classes":["p","q"],"trees":[{{"nodes":[{nodes}]}}]}}"#
    );
    let model = FloatModel::from_json(text.as_bytes()).expect("a model");
    let verdict = |declared: Declared| {
        let (quant, calibrations) = quantized(&model, &[declared], Votes::Q15).expect("a model");
        let subject = Subject {
            model: &model,
            quant: &quant,
            calibrations: &calibrations,
        };
        decide(&subject, Property::Never(1), &[], &mut STEPS.clone()).expect("an answer")
    };
    for sensor in [Sensor::F32, Sensor::I16] {
        let undeclared = Declared {
            sensor: Some(sensor),
            ..Declared::default()
        };
        let Verdict::Refuted(rows) = verdict(undeclared) else {
            panic!("{sensor:?}: class 1 is above 7.5");
        };
        assert!(rows[0][0] > 7.5 && rows[0][0] <= 8.0, "{rows:?}");
        let bounded = |high: f64| Declared {
            range: Some((0.0, high)),
            ..undeclared
        };
        assert_eq!(verdict(bounded(7.0)), Verdict::Proven, "{sensor:?}");
        assert!(
            matches!(verdict(bounded(8.0)), Verdict::Refuted(_)),
            "{sensor:?}"
        );
    }
}

#[test]
fn questions_that_a_model_does_not_have() {
    let model = small(1);
    let (quant, calibrations) = quantized(&model, &of_bytes(), Votes::Q15).expect("a model");
    let subject = Subject {
        model: &model,
        quant: &quant,
        calibrations: &calibrations,
    };
    let error =
        decide(&subject, Property::AtMost(1.0), &[], &mut STEPS.clone()).expect_err("a class");
    assert_eq!(
        error.to_string(),
        "the property: found a value, of a model that gives classes, expected a class"
    );
}

/// A number for missing readings that singles round up takes no reading above it away.
#[test]
fn readings_above_a_rounded_mark_count() {
    let nodes = r#"{"feature":0,"threshold":999.9,"missing":"left","left":1,"right":2},{"value":[1,0]},{"value":[0,1]}"#;
    let text = format!(
        r#"{{"format":"spinney-model","version":2,"kind":"random-forest","features":[{{"name":"a"}}],"classes":["p","q"],"trees":[{{"nodes":[{nodes}]}}]}}"#
    );
    let model = FloatModel::from_json(text.as_bytes()).expect("a model");
    let declared = Declared {
        sensor: Some(Sensor::F32),
        missing: Some(Missing::Number(999.9)),
        ..Declared::default()
    };
    let (quant, calibrations) = quantized(&model, &[declared], Votes::Q15).expect("a model");
    let subject = Subject {
        model: &model,
        quant: &quant,
        calibrations: &calibrations,
    };
    assert_eq!(given(&subject, &[1_000.5]), 1);
    let verdict = decide(&subject, Property::Never(1), &[], &mut STEPS.clone());
    let Ok(Verdict::Refuted(rows)) = verdict else {
        panic!("class 1 is above 999.9: {verdict:?}");
    };
    assert_eq!(given(&subject, &rows[0]), 1);
}

/// A detector beside the model may take a class away that is asked to stay.
#[test]
fn with_outliers_no_class_stays() {
    let model = small(1);
    let (quant, calibrations) = quantized(&model, &of_bytes(), Votes::Q15).expect("a model");
    let quant = quant.with_margin(1);
    let names: Vec<String> = (0..quant.inputs().len())
        .map(|code| format!(r#"{{"name":"c{code}"}}"#))
        .collect();
    let text = format!(
        r#"{{"format":"spinney-model","version":2,"kind":"isolation-forest","features":[{}],"task":"detect","sum":{{"precision":"float64","base":[0.0],"divisor":4.0}},"link":{{"function":"isolation","offset":-0.5}},"trees":[{{"nodes":[{{"feature":0,"threshold":9.5,"left":1,"right":2}},{{"value":[4.0]}},{{"value":[1.0]}}]}}]}}"#,
        names.join(",")
    );
    let detector = FloatModel::from_json(text.as_bytes()).expect("a detector");
    let (detector, _) = quantized(&detector, &of_bytes()[..names.len()], Votes::Q15).expect("it");
    let quant = quant.with_outliers(detector.of_codes());
    let subject = Subject {
        model: &model,
        quant: &quant,
        calibrations: &calibrations,
    };
    let decided = |property| decide(&subject, property, &[], &mut STEPS.clone());
    assert!(decided(Property::Never(1)).is_ok());
    let stays = Property::Monotone {
        feature: 0,
        rises: true,
        class: Some(1),
    };
    let expected = "the property: found a class that is to stay, of a model whose outliers have none, \
                    expected `never`, or [reject] without `outliers`";
    assert_eq!(decided(stays).expect_err("refused").to_string(), expected);
    let drift = radii(&subject, &[vec![1.0, 2.0]], 0.1, || STEPS);
    assert_eq!(drift.expect_err("refused").to_string(), expected);
}
