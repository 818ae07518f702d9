//! Codes of 8 bits: taken where they decide like float, and clamping them changes no decision.

use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{
    Calibration, CodeWidth, Coding, CodingChoice, Declared, Level, Options, QuantModel, Sensor,
    Subject, Votes, calibrate, certify, challenge,
};

use crate::common::{codings, data, declare, fit, model, rows, undeclared};

fn options(codes: CodeWidth) -> Options {
    Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes,
        wants_scores: true,
    }
}

fn calibrated(
    model: &FloatModel,
    declared: &[Declared],
    rows: Option<&spinney_dataset::Dataset>,
) -> Vec<Calibration> {
    calibrate(model, rows.map(|rows| rows.values().view()), declared).expect("valid declarations")
}

/// Scores of a row from codes as they are and from codes clamped to bytes are the same.
fn check_clamped(quant: &QuantModel, row: &[f64]) {
    let codes = quant.codes(row);
    let clamped: Vec<i16> = codes.iter().map(|code| (*code).clamp(0, 255)).collect();
    assert_eq!(quant.scores(&codes), quant.scores(&clamped), "{row:?}");
}

const READINGS: [f64; 16] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f32::MAX as f64,
    f32::MIN as f64,
    0.0,
    -0.0,
    1e-45,
    255.0,
    256.0,
    -1.0,
    -32_768.0,
    32_767.0,
    254.0,
    1e6,
    -1e6,
];

#[test]
fn every_data_set_in_each_width() {
    for (name, label) in [
        ("digits", "digit"),
        ("iris", "species"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
    ] {
        let parts = data(name, label);
        for (kind, n_trees) in [
            (ForestKind::DecisionTree, 1),
            (ForestKind::RandomForest, 12),
        ] {
            let model = fit(&parts.train, kind, n_trees, 7);
            let calibrations = calibrated(&model, &undeclared(&model), Some(&parts.train));
            for width in [CodeWidth::Auto, CodeWidth::Byte, CodeWidth::Word] {
                let quant =
                    QuantModel::new(&model, &calibrations, options(width), Some(&parts.train))
                        .expect("a model that fits");
                if width == CodeWidth::Byte || name == "digits" && width == CodeWidth::Auto {
                    assert_eq!(quant.code_bits(), 8, "{name}");
                }
                let certify = |rows| certify(&model, &quant, &calibrations, Voting::Soft, rows);
                let on_train = certify(&parts.train);
                let parting: usize = on_train.flips.iter().map(|flip| flip.rows.len()).sum();
                assert_eq!(parting, 0, "{name} {kind:?} {width:?}");
                let subject = Subject {
                    model: &model,
                    quant: &quant,
                    calibrations: &calibrations,
                    voting: Voting::Soft,
                    certificate: &on_train,
                };
                let tried = challenge(subject, &parts.test, 40_000, 3);
                assert_eq!(tried.counterexamples, Vec::<String>::new());
                if quant.code_bits() == 16 {
                    continue;
                }
                for row in parts.test.values().rows() {
                    let mut row = row.to_vec();
                    check_clamped(&quant, &row);
                    for (index, reading) in READINGS.into_iter().enumerate() {
                        let feature = index % row.len();
                        row[feature] = reading;
                        check_clamped(&quant, &row);
                    }
                }
            }
        }
    }
}

/// A tree of one split per threshold, each on feature 0.
fn chain(thresholds: &[f64]) -> FloatModel {
    let mut nodes = Vec::new();
    for (index, threshold) in thresholds.iter().enumerate() {
        nodes.push(format!(
            r#"{{"feature":0,"threshold":{threshold},"left":{},"right":{}}}"#,
            2 * index + 1,
            2 * index + 2
        ));
        let share = (index % 2) as f64;
        nodes.push(format!(r#"{{"value":[{share},{}]}}"#, 1.0 - share));
    }
    nodes.push(r#"{"value":[0.5,0.5]}"#.to_owned());
    let trees = format!(r#""trees":[{{"nodes":[{}]}}]"#, nodes.join(","));
    model("decision-tree", 1, 2, &trees)
}

#[test]
fn integers_that_are_no_bytes_are_shifted_where_the_splits_pay_for_it() {
    // 151 thresholds from −75.5 to 74.5: codes 0 to 150 after an offset of −76.
    let thresholds: Vec<f64> = (-76..75).map(|at| f64::from(at) + 0.5).collect();
    let declared = [declare(Sensor::I16, (-100.0, 100.0), CodingChoice::Auto)];
    let large = chain(&thresholds);
    let calibrations = calibrated(&large, &declared, None);
    let quant = QuantModel::new(&large, &calibrations, options(CodeWidth::Auto), None).unwrap();
    let shifted = Coding::Affine {
        shift: 0,
        offset: -76,
    };
    assert_eq!(codings(&quant), [&shifted]);
    assert_eq!(quant.code_bits(), 8);
    let all = rows(&[&[-100.0], &[0.0], &[100.0]]);
    let certificate = certify(&large, &quant, &calibrations, Voting::Soft, &all);
    assert_eq!(certificate.splits, Some(Level::EveryInput));
    for reading in -32_768_i16..=32_767 {
        check_clamped(&quant, &[f64::from(reading)]);
    }
    // Two splits do not pay for code that converts; insisting does.
    let small = chain(&thresholds[..2]);
    let calibrations = calibrated(&small, &declared, None);
    let auto = QuantModel::new(&small, &calibrations, options(CodeWidth::Auto), None).unwrap();
    assert_eq!(
        (codings(&auto), auto.code_bits()),
        (vec![&Coding::IDENTITY], 16)
    );
    let byte = QuantModel::new(&small, &calibrations, options(CodeWidth::Byte), None).unwrap();
    assert_eq!((codings(&byte), byte.code_bits()), (vec![&shifted], 8));
}

#[test]
fn decimals_take_affine_codes_and_other_readings_ranks() {
    let model = chain(&[1.25, 2.45, 3.05]);
    let declared = [declare(Sensor::F32, (0.0, 5.0), CodingChoice::Auto)];
    let decimals = rows(&[&[0.1], &[1.2], &[2.5], &[4.9]]);
    let narrow = |rows: Option<&spinney_dataset::Dataset>| {
        let calibrations = calibrated(&model, &declared, rows);
        QuantModel::new(&model, &calibrations, options(CodeWidth::Byte), rows)
            .unwrap()
            .inputs()[0]
            .coding
            .clone()
    };
    assert!(matches!(narrow(Some(&decimals)), Coding::Affine { .. }));
    let others = rows(&[&[0.123_456_789], &[1.2], &[2.5], &[4.9]]);
    assert!(matches!(narrow(Some(&others)), Coding::Rank { .. }));
    // Nothing is known of readings without rows.
    assert!(matches!(narrow(None), Coding::Rank { .. }));
}

#[test]
fn what_has_no_byte_is_named() {
    let thresholds: Vec<f64> = (0..300).map(|at| f64::from(at) * 1.001 + 0.5).collect();
    let model = chain(&thresholds);
    let declared = [declare(Sensor::I16, (0.0, 400.0), CodingChoice::Auto)];
    let calibrations = calibrated(&model, &declared, None);
    let error = QuantModel::new(&model, &calibrations, options(CodeWidth::Byte), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "feature \"f0\": found 300 thresholds, for which no coding that it allows has 8 bits, \
         expected `codes = \"auto\"` or `codes = \"16-bit\"` in [quantize], or `coding = \"rank\"` \
         for the feature if its thresholds are at most 255"
    );
    let auto = QuantModel::new(&model, &calibrations, options(CodeWidth::Auto), None).unwrap();
    assert_eq!(auto.code_bits(), 16);
}

#[test]
fn naive_bayes_has_no_bytes() {
    let parts = data("iris", "species");
    let model = spinney_train::gaussian_nb(&parts.train, 1e-9).expect("a model");
    let calibrations = calibrated(&model, &undeclared(&model), Some(&parts.train));
    let new = |codes| QuantModel::new(&model, &calibrations, options(codes), None);
    assert!(
        new(CodeWidth::Byte)
            .unwrap_err()
            .to_string()
            .contains("naive Bayes")
    );
    assert_eq!(new(CodeWidth::Auto).unwrap().code_bits(), 16);
}
