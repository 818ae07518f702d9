//! Behaviour of ensembles that add: order and precision of sums, links, ties, missing readings, what
//! is refused.

use expect_test::{Expect, expect};
use spinney_model::{FloatModel, Output};

const BOOSTED: &str = r#"{"format":"spinney-model","version":2,"kind":"xgboost","features":[
{"name":"a","compare":"float32"}],"task":"classify","classes":["no","yes"],"sum":
{"precision":"float64","base":[0.25]},"link":
{"function":"sigmoid"},"threshold":0.0,"trees":[
{"nodes":[
{"feature":0,"threshold":1.5,"missing":"left","left":1,"right":2},
{"value":[0.25]},
{"value":[-0.5]}]},
{"nodes":[
{"value":[0.25]}]}]}
"#;

const TWO_TARGETS: &str = r#"{"format":"spinney-model","version":2,"kind":"additive","features":[
{"name":"a","compare":"float64"}],"task":"regress","targets":["kW","bar"],"sum":
{"precision":"float32","base":[0.1,16777216.0],"divisor":2.0},"link":
{"function":"identity"},"trees":[
{"output":1,"nodes":[
{"value":[1.0]}]},
{"output":1,"nodes":[
{"value":[1.0]}]},
{"nodes":[
{"value":[0.2,2.0]}]}]}
"#;

const ISOLATION: &str = r#"{"format":"spinney-model","version":2,"kind":"isolation-forest","features":[
{"name":"a","compare":"float32"}],"task":"detect","sum":
{"precision":"float64","base":[0.0],"divisor":4.0},"link":
{"function":"isolation","offset":-0.5},"trees":[
{"nodes":[
{"feature":0,"threshold":1.5,"left":1,"right":2},
{"value":[4.0]},
{"value":[3.9]}]}]}
"#;

fn read(text: &str) -> FloatModel {
    FloatModel::from_json(text.as_bytes()).expect("a model")
}

fn refused(text: &str, expected: &Expect) {
    let error = FloatModel::from_json(text.as_bytes()).expect_err("must be refused");
    expected.assert_eq(&error.to_string());
}

#[test]
fn json_round_trips_byte_for_byte() {
    for text in [BOOSTED, TWO_TARGETS, ISOLATION] {
        assert_eq!(read(text).to_json(), text);
    }
}

#[test]
fn two_classes_are_told_apart_above_the_threshold() {
    let model = read(BOOSTED);
    assert_eq!(model.output(&[1.5]), Output::Class(1));
    assert_eq!(
        model.probabilities(&[1.5])[1],
        1.0 / (1.0 + (-0.75_f64).exp())
    );
    // 0.25 - 0.5 + 0.25 is no more than 0.
    assert_eq!(model.output(&[1.6]), Output::Class(0));
    assert_eq!(model.probabilities(&[1.6]), [0.5, 0.5]);
    let below_zero = BOOSTED.replace(
        "\"threshold\":0.0,\"trees\"",
        "\"threshold\":-5e-324,\"trees\"",
    );
    assert_eq!(read(&below_zero).output(&[1.6]), Output::Class(1));
}

#[test]
fn a_missing_reading_goes_to_its_side() {
    let model = read(BOOSTED);
    assert_eq!(model.predict(&[f64::NAN]), 1);
    let right = BOOSTED.replace("\"left\",\"left\"", "\"right\",\"left\"");
    assert_eq!(read(&right).predict(&[f64::NAN]), 0);
    // Version 1 sends it right.
    let nowhere = BOOSTED.replace("\"missing\":\"left\",", "");
    assert_eq!(read(&nowhere).predict(&[f64::NAN]), 0);
}

#[test]
fn a_set_of_categories_takes_its_members_left() {
    let of = |split: &str| BOOSTED.replace(r#""threshold":1.5,"missing":"left""#, split);
    let text = of(r#""categories":[0,3],"missing":"left""#);
    let model = read(&text);
    assert_eq!(
        FloatModel::from_json(model.to_json().as_bytes()),
        Ok(model.clone())
    );
    // What lies between two places is the lower one; what is no place is in no set.
    let left = [0.0, -0.0, 0.9, 3.0, f64::NAN];
    assert_eq!(left.map(|reading| model.predict(&[reading])), [1; 5]);
    let right = [
        1.0,
        2.0,
        4.0,
        -0.5,
        -1.0,
        1e300,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    assert_eq!(right.map(|reading| model.predict(&[reading])), [0; 8]);
    let nowhere = read(&of(r#""categories":[0,3]"#));
    assert_eq!(nowhere.predict(&[f64::NAN]), 0);

    for (split, message) in [
        (
            r#""categories":[]"#,
            "trees[0].nodes[0].categories: found 0 categories of one feature, expected 1 to 65,535",
        ),
        (
            r#""categories":[3,3]"#,
            "trees[0].nodes[0].categories: found [3, 3], expected places of categories, ascending, each \
             once",
        ),
        (
            r#""categories":[65535]"#,
            "trees[0].nodes[0].categories: found 65,536 categories of one feature, expected 1 to \
             65,535 (a category's place is a number of 16 bits); group rare categories into one",
        ),
        (
            r#""categories":[1],"threshold":2.0"#,
            "trees[0].nodes[0]: found a mixture of keys, expected either feature, threshold or \
             categories, left and right, or value alone",
        ),
    ] {
        let error = FloatModel::from_json(of(split).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn sums_round_as_their_precision_does() {
    // Beyond 2^24 a float32 takes no single one, but it takes two at once.
    let float32 = f64::from(0.1_f32 + 0.2_f32) / 2.0;
    let raw = Output::Values(vec![float32, 8_388_609.0]);
    assert_eq!(read(TWO_TARGETS).output(&[0.0]), raw);
    let float64 = TWO_TARGETS.replace("\"float32\",\"base\"", "\"float64\",\"base\"");
    let raw = Output::Values(vec![(0.1 + 0.2) / 2.0, 8_388_610.0]);
    assert_eq!(read(&float64).output(&[0.0]), raw);
}

#[test]
fn a_detector_raises_its_alarm_below_the_offset() {
    let model = read(ISOLATION);
    assert_eq!(model.schema().classes(), ["normal", "alarm"]);
    // A mean depth of what is expected scores -0.5 exactly, which is not below.
    assert_eq!(
        model.output(&[1.0]),
        Output::Score {
            score: -0.5,
            is_alarm: false
        }
    );
    assert!(matches!(
        model.output(&[2.0]),
        Output::Score { is_alarm: true, .. }
    ));
    assert_eq!(model.predict(&[2.0]), 1);
}

#[test]
fn links_are_those_of_their_libraries() {
    let identity = TWO_TARGETS.replace("[0.1,16777216.0]", "[0.1,0.5]");
    let raw = match read(&identity).output(&[0.0]) {
        Output::Values(values) => values,
        other => panic!("{other:?}"),
    };
    let exp = identity.replace("identity", "exp");
    let values = Output::Values(raw.iter().map(|it| it.exp()).collect());
    assert_eq!(read(&exp).output(&[0.0]), values);
    // What ONNX Runtime 1.31 makes of 0.25, and of the largest and smallest that it has a number for.
    for (base, found) in [
        ("[0.3,5.0]", [-0.674_574_3_f32, 5.291_191_6]),
        ("[0.3,-5.0]", [-0.674_574_3, -5.417_087_6]),
    ] {
        let probit = identity.replace("[0.1,0.5]", base);
        let probit = probit.replace("identity", "probit");
        let values = Output::Values(found.map(f64::from).to_vec());
        assert_eq!(read(&probit).output(&[0.0]), values);
    }
    let classes = identity
        .replace("\"regress\",\"targets\"", "\"classify\",\"classes\"")
        .replace("identity", "softmax");
    let sum: f64 = raw.iter().map(|it| it.exp()).sum();
    for (class, probability) in read(&classes).probabilities(&[0.0]).iter().enumerate() {
        assert!((probability - raw[class].exp() / sum).abs() < 1e-15);
    }
    assert_eq!(read(&classes).predict(&[0.0]), 1);
}

#[test]
fn what_is_no_sum_is_refused() {
    refused(
        &BOOSTED.replace("\"version\":2", "\"version\":1"),
        &expect!["version: found 1 with keys of version 2, expected 2"],
    );
    refused(
        &BOOSTED.replace("[-0.5]", "[-0.5,1]"),
        &expect!["trees[0].nodes[2].value: found 2 numbers, expected one, for the tree's output"],
    );
    refused(
        &BOOSTED.replace("[0.25]},\"link\"", "[0.25,1,1]},\"link\""),
        &expect!["trees[0].nodes[1].value: found 1 numbers, expected one per output, 3"],
    );
    refused(
        &BOOSTED.replace("sigmoid", "softmax"),
        &expect![[
            r#"link.function: found "softmax" for 1 output of a model that classifies, expected identity; sigmoid, exp or probit for values; sigmoid, or softmax of several outputs, for classes; isolation for a detector"#
        ]],
    );
    refused(
        &BOOSTED.replace("\"link\":\n{\"function\":\"sigmoid\"},", ""),
        &expect!["link: found nothing, expected a function"],
    );
    refused(
        &TWO_TARGETS.replace("\"output\":1", "\"output\":2"),
        &expect!["trees[0].output: found 2, expected an output index below 2"],
    );
    refused(
        &TWO_TARGETS.replace("\"divisor\":2.0", "\"divisor\":0"),
        &expect!["sum.divisor: found 0, expected a positive number"],
    );
    refused(
        &TWO_TARGETS.replace("16777216.0", "1e39"),
        &expect![
            "sum.base[1]: found 1000000000000000000000000000000000000000, expected a finite number of the precision"
        ],
    );
    refused(
        &TWO_TARGETS.replace("\"value\":[1.0]", "\"value\":[3e38]"),
        &expect![
            "trees: found leaves of output 1 that add up to 6e38, expected at most 1.7014117331926443e38"
        ],
    );
    refused(
        &TWO_TARGETS.replace("\"regress\"", "\"classify\""),
        &expect![
            "task: found targets, expected classes to classify, targets to regress, neither to detect"
        ],
    );
    refused(
        &ISOLATION.replace("-0.5", "0.5"),
        &expect![
            "link.offset: found 0.5, expected a number from -1 to below 0, as scikit-learn's offset_"
        ],
    );
    refused(
        &ISOLATION.replace(
            "{\"function\":\"isolation\",\"offset\":-0.5}",
            "{\"function\":\"identity\"}",
        ),
        &expect![
            "threshold: found nothing, expected the raw value up to which a detector raises an alarm"
        ],
    );
    refused(
        &ISOLATION.replace("isolation-forest", "rulefit"),
        &expect![[
            r#"kind: found "rulefit", expected decision-tree, random-forest, extra-trees, gaussian-nb, or of sums regression-tree, random-forest-regressor, extra-trees-regressor, gradient-boosting, hist-gradient-boosting, isolation-forest, adaboost, bagging, voting, xgboost, lightgbm, catboost, bernoulli-nb, categorical-nb, additive"#
        ]],
    );
}
