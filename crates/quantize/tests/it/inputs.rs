//! Features that a model does not use are not coded, have no say, and may be anything.

use spinney_model::Voting;
use spinney_quantize::{CodingChoice, Declared, QuantModel, ReadingType, Sensor, Votes, calibrate};

use crate::common::{codings, declare, features, model, options, quantize, rows, undeclared};

/// Two trees over four features, of which they ask the second and the last.
const TREES: &str = r#""trees":[
{"nodes":[{"feature":3,"threshold":2.5,"left":1,"right":2},{"value":[1,0]},
{"feature":1,"threshold":-7.5,"left":3,"right":4},{"value":[0.25,0.75]},{"value":[0,1]}]},
{"nodes":[{"feature":1,"threshold":400.25,"left":1,"right":2},{"value":[0.5,0.5]},{"value":[1,0]}]}]"#;

/// Naive Bayes that uses the same two of four features.
const NUMBERS: &str =
    r#""log_priors":[-0.5,-1.0],"means":[[1.5,3.0],[-2.0,5.0]],"variances":[[1.0,2.0],[4.0,0.5]]"#;

const ANY: [f64; 6] = [0.0, -1e30, 1e300, f64::NAN, f64::INFINITY, 77.0];

fn have_no_say(float: &spinney_model::FloatModel, quant: &QuantModel) {
    for used in [[-8.0, 2.0], [-7.0, 3.0], [500.0, 3.0], [1.0, 4.0]] {
        let row = |unused: f64| [unused, used[0], -unused, used[1]];
        let codes = quant.codes(&row(0.0));
        for unused in ANY {
            assert_eq!(quant.codes(&row(unused)), codes);
            assert_eq!(
                float.probabilities(&row(unused)),
                float.probabilities(&row(0.0))
            );
        }
    }
}

#[test]
fn trees_code_what_their_splits_ask() {
    let float = model("random-forest", 4, 2, TREES);
    assert_eq!(float.inputs(), [1, 3]);
    for coding in [CodingChoice::Auto, CodingChoice::Affine, CodingChoice::Rank] {
        for sensor in [Sensor::F32, Sensor::I32] {
            let declared = [declare(sensor, (-1000.0, 1000.0), coding); 4];
            let (quant, _) = quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
            assert_eq!(features(&quant), [1, 3]);
            assert_eq!(quant.input_of(0), None);
            assert_eq!(quant.input_of(3), quant.inputs().last());
            let Some(forest) = quant.forest() else {
                panic!("a forest");
            };
            let asked: Vec<u16> = forest.splits().iter().map(|split| split.feature).collect();
            assert_eq!(asked, [1, 0, 0]);
            assert_eq!(quant.of_codes().schema().n_features(), 2);
            have_no_say(&float, &quant);
        }
    }
}

#[test]
fn readings_that_are_codes_are_handed_on_whole() {
    let float = model("random-forest", 4, 2, TREES);
    let declared = |sensor| [declare(sensor, (-128.0, 127.0), CodingChoice::Auto); 4];
    let options = options(Voting::Soft, Votes::Q15);
    let (quant, _) = quantize(&float, &declared(Sensor::I16), options, None);
    assert!(quant.is_identity());
    assert_eq!(features(&quant), [0, 1, 2, 3]);
    // A coding of its own for one of them, and the others are picked.
    let mut mixed = declared(Sensor::I16);
    mixed[3].coding = CodingChoice::Rank;
    let (quant, _) = quantize(&float, &mixed, options, None);
    assert!(!quant.is_identity());
    assert_eq!(features(&quant), [1, 3]);
    mixed[3].coding = CodingChoice::Auto;
    mixed[0].coding = CodingChoice::Rank;
    let (quant, _) = quantize(&float, &mixed, options, None);
    assert!(quant.is_identity(), "no split asks the first");
}

#[test]
fn naive_bayes_scores_what_it_was_shown() {
    let float = model("gaussian-nb", 4, 2, &format!(r#""inputs":[1,3],{NUMBERS}"#));
    let alone = model("gaussian-nb", 2, 2, NUMBERS);
    let options = options(Voting::Soft, Votes::Q15);
    for sensor in [Sensor::F32, Sensor::I16] {
        let declared = declare(sensor, (-20.0, 20.0), CodingChoice::Auto);
        let (quant, _) = quantize(&float, &[declared; 4], options, None);
        let (of_two, _) = quantize(&alone, &[declared; 2], options, None);
        assert_eq!(features(&quant), [1, 3]);
        assert_eq!(
            (quant.body(), codings(&quant)),
            (of_two.body(), codings(&of_two))
        );
        have_no_say(&float, &quant);
    }
}

#[test]
fn a_model_that_asks_nothing_has_one_code() {
    let float = model(
        "decision-tree",
        3,
        2,
        r#""trees":[{"nodes":[{"value":[0.25,0.75]}]}]"#,
    );
    assert!(float.inputs().is_empty());
    let declared = [declare(Sensor::F32, (0.0, 1.0), CodingChoice::Auto); 3];
    let (quant, _) = quantize(&float, &declared, options(Voting::Soft, Votes::Q15), None);
    assert_eq!(features(&quant), [0]);
    assert_eq!(quant.predict(&[f64::NAN, 1e30, -1.0]), 1);
}

#[test]
fn what_is_not_used_is_asked_nothing() {
    let float = model("random-forest", 4, 2, TREES);
    let options = options(Voting::Soft, Votes::Q15);
    // No type, and no rows that tell one.
    let mut declared = [declare(Sensor::I16, (-1000.0, 1000.0), CodingChoice::Auto); 4];
    declared[0] = Declared::default();
    declared[2] = Declared::default();
    let (quant, _) = quantize(&float, &declared, options, None);
    assert_eq!(quant.reading_type(), ReadingType::I16);
    // Readings that no single holds, that the type does not deliver, that the range leaves out.
    let train = rows(&[&[1e300, 1.0, 0.5, 2.0], &[-1e300, 5.0, 900.0, 3.0]]);
    let mut declared = undeclared(&float);
    declared[2] = declare(Sensor::U8, (300.0, 400.0), CodingChoice::Identity);
    let (quant, _) = quantize(&float, &declared, options, Some(&train));
    assert_eq!(features(&quant), [1, 3]);
    // The same of one that is used is a fault.
    declared[3] = declared[2];
    let error = calibrate(&float, Some(train.values().view()), &declared).expect_err("a fault");
    assert_eq!(error.place, "feature \"f3\"");
}
