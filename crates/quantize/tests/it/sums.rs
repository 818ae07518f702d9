//! Ensembles that add: what integers say of them stays within the bound, for rows and for inputs that
//! were made to refute it.

use proptest::prelude::*;
use spinney_dataset::{Dataset, csv};
use spinney_model::{FloatModel, Output, Task, Voting};
use spinney_quantize::{
    CodeWidth, Options, QuantModel, Subject, Votes, argmax, calibrate, certify, challenge,
    probability_bound,
};

use crate::common::{quantize, undeclared};

/// What a random ensemble is for.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Two classes, one output.
    Sides,
    /// A tree per class and round.
    TreePerClass,
    /// Leaves with a number for each of two classes.
    Classes,
    /// Leaves with a number for each of two targets.
    Targets,
    /// One target, a mean.
    Mean,
    Detector,
}

const SHAPES: [Shape; 6] = [
    Shape::Sides,
    Shape::TreePerClass,
    Shape::Classes,
    Shape::Targets,
    Shape::Mean,
    Shape::Detector,
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Between plus and minus `size`.
    fn number(&mut self, size: f64) -> f64 {
        (self.below(2_000_001) as f64 / 1_000_000.0 - 1.0) * size
    }
}

fn tree(random: &mut Random, leaf: &dyn Fn(&mut Random) -> String, head: &str) -> String {
    let n_splits = random.below(8);
    let mut nodes = Vec::new();
    for split in 0..n_splits {
        nodes.push(format!(
            r#"{{"feature":{},"threshold":{},"left":{},"right":{}}}"#,
            random.below(3),
            random.below(40) as f64 / 2.0,
            2 * split + 1,
            2 * split + 2
        ));
        nodes.push(leaf(random));
    }
    nodes.push(leaf(random));
    format!(r#"{{{head}"nodes":[{}]}}"#, nodes.join(","))
}

fn model(shape: Shape, precision: &str, n_rounds: u64, size: f64, seed: u64) -> FloatModel {
    let mut random = Random(seed);
    let random = &mut random;
    let one = |random: &mut Random| format!(r#"{{"value":[{}]}}"#, random.number(size));
    let two = |random: &mut Random| {
        let (first, second) = (random.number(size), random.number(size / 100.0));
        format!(r#"{{"value":[{first},{second}]}}"#)
    };
    let depth = |random: &mut Random| {
        format!(
            r#"{{"value":[{}]}}"#,
            1.0 + random.below(1_000) as f64 / 99.0
        )
    };
    let (rest, base, divisor) = match shape {
        Shape::Sides => (
            r#""task":"classify","classes":["a","b"],"link":{"function":"sigmoid"}"#,
            format!("[{}]", random.number(3.0 * size)),
            1.0,
        ),
        Shape::TreePerClass => (
            r#""task":"classify","classes":["a","b","c"],"link":{"function":"softmax"}"#,
            format!("[{},{},0]", random.number(3.0 * size), random.number(size)),
            1.0,
        ),
        Shape::Classes => (
            r#""task":"classify","classes":["a","b"],"link":{"function":"softmax"}"#,
            format!("[{},{}]", random.number(size), random.number(size)),
            1.0,
        ),
        Shape::Targets => (
            r#""task":"regress","targets":["a","b"],"link":{"function":"identity"}"#,
            format!("[{},{}]", random.number(900.0 * size), random.number(size)),
            1.0,
        ),
        Shape::Mean => (
            r#""task":"regress","targets":["a"],"link":{"function":"exp"}"#,
            "[0]".to_owned(),
            n_rounds as f64,
        ),
        Shape::Detector => (
            r#""task":"detect","link":{"function":"isolation","offset":-0.5}"#,
            "[0]".to_owned(),
            n_rounds as f64 * 5.0,
        ),
    };
    let trees: Vec<String> = (0..n_rounds)
        .flat_map(|_| match shape {
            Shape::TreePerClass => (0..3)
                .map(|output| tree(random, &one, &format!("\"output\":{output},")))
                .collect(),
            Shape::Classes | Shape::Targets => vec![tree(random, &two, "")],
            Shape::Detector => vec![tree(random, &depth, "")],
            Shape::Sides | Shape::Mean => vec![tree(random, &one, "")],
        })
        .collect();
    let text = format!(
        r#"{{"format":"spinney-model","version":2,"kind":"additive","features":[{{"name":"x"}},
        {{"name":"y"}},{{"name":"z","compare":"float64"}}],{rest},"sum":{{"precision":"{precision}",
        "base":{base},"divisor":{divisor}}},"trees":[{}]}}"#,
        trees.join(",")
    );
    FloatModel::from_json(text.as_bytes()).expect("a model")
}

fn rows(n: u64) -> Dataset {
    let mut random = Random(n);
    let mut text = "x,y,z,class\n".to_owned();
    for row in 0..n {
        let mut cell = || random.below(42) as f64 / 2.0;
        let (x, y, z) = (cell(), cell(), cell());
        text.push_str(&format!(
            "{x},{y},{z},{}\n",
            ["a", "b", "c"][row as usize % 3]
        ));
    }
    csv::read(text.as_bytes(), "class").expect("rows")
}

fn options(votes: Votes) -> Options {
    Options {
        voting: Voting::Soft,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: true,
    }
}

fn check(shape: Shape, precision: &str, n_rounds: u64, size: f64, votes: Votes, seed: u64) {
    let float = model(shape, precision, n_rounds, size, seed);
    let rows = rows(60);
    let (quant, calibrations) = quantize(&float, &undeclared(&float), options(votes), Some(&rows));
    let certificate = certify(&float, &quant, &calibrations, Voting::Soft, &rows);
    let listed = certificate.listed_rows();
    let sums = quant.sums().expect("it adds");
    let Some(additive) = float.additive() else {
        panic!("it adds")
    };
    for (index, row) in rows.values().rows().into_iter().enumerate() {
        let row = row.to_vec();
        let scores = quant.scores(&quant.codes(&row));
        if listed.contains(&index) {
            continue;
        }
        match float.output(&row) {
            Output::Class(class) => assert_eq!(argmax(&scores), class, "row {index}"),
            Output::Score { is_alarm, .. } => {
                assert_eq!(argmax(&scores) == 1, is_alarm, "row {index}");
            }
            Output::Values(_) => {
                let bounds = sums
                    .bounds_of(additive, &row)
                    .into_iter()
                    .zip(sums.bounds());
                let values = quant.values(&scores).into_iter().zip(additive.raw(&row));
                for ((q15, raw), (of_row, of_all)) in values.zip(bounds) {
                    assert!((q15 - raw).abs() <= of_row, "row {index}");
                    assert!(of_row <= of_all * (1.0 + 1e-12), "row {index}");
                }
            }
        }
    }
    if let Ok(quant) = quant.clone().with_probabilities() {
        for (index, row) in rows.values().rows().into_iter().enumerate() {
            let (row, codes) = (row.to_vec(), quant.codes(&row.to_vec()));
            let bound = probability_bound(&float, &quant, Voting::Soft, &row, &codes);
            let found = quant.probabilities_of(&quant.scores(&codes));
            for (q15, float) in found.iter().zip(float.probabilities(&row)) {
                let apart = (f64::from(*q15) / 32_768.0 - float).abs();
                assert!(
                    bound.is_none_or(|bound| apart <= bound),
                    "row {index}: {apart}"
                );
            }
        }
    }
    let subject = Subject {
        model: &float,
        quant: &quant,
        calibrations: &calibrations,
        voting: Voting::Soft,
        certificate: &certificate,
    };
    let found = challenge(subject, &rows, 300, seed);
    assert_eq!(found.counterexamples, Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn integers_stay_within_the_bound(
        shape in 0..SHAPES.len(),
        is_single: bool,
        n_rounds in 1..40_u64,
        size in prop_oneof![Just(1.0), Just(1e-6), Just(3e7)],
        votes in prop_oneof![
            Just(Votes::Byte),
            Just(Votes::Q15),
            Just(Votes::Word),
            Just(Votes::Auto)
        ],
        seed: u64,
    ) {
        let has_rows = matches!(SHAPES[shape], Shape::Classes | Shape::Targets);
        prop_assume!(votes != Votes::Word || !has_rows);
        let precision = if is_single { "float32" } else { "float64" };
        check(SHAPES[shape], precision, n_rounds, size, votes, seed);
    }
}

#[test]
fn the_bound_is_of_the_leaves_and_not_of_their_number() {
    let quantized = |votes: Votes| -> (FloatModel, QuantModel) {
        let float = model(Shape::Mean, "float64", 20, 1.0, 7);
        let (quant, _) = quantize(&float, &undeclared(&float), options(votes), None);
        (float, quant)
    };
    let (_, fine) = quantized(Votes::Q15);
    let (_, coarse) = quantized(Votes::Byte);
    assert_eq!(fine.task(), Task::Regress);
    let (fine, coarse) = (fine.sums().expect("sums"), coarse.sums().expect("sums"));
    assert!(fine.bounds()[0] * 100.0 < coarse.bounds()[0]);
    // Twenty trees may round by half a unit each, and none of these does for the whole of it.
    let unit = 2.0_f64.powi(-i32::from(fine.shift()));
    assert!(fine.bounds()[0] < 10.0 * unit, "{:?}", fine.bounds());
    let (_, finest) = quantized(Votes::Word);
    let finest = finest.sums().expect("sums");
    assert!(finest.bounds()[0] * 2_000.0 < fine.bounds()[0]);
}

#[test]
fn a_sum_without_rows_flips_for_no_reading() {
    // Two thresholds that no affine code of 16 bits tells apart over this range.
    let model = |task: &str, values: [&str; 3]| {
        let [low, middle, high] = values;
        let text = format!(
            r#"{{"format": "spinney-model", {task}, "features": [{{"name": "a"}}],
            "trees": [{{"nodes": [{{"feature": 0, "threshold": 0.5001, "left": 1, "right": 2}},
                {{"value": {low}}}, {{"feature": 0, "threshold": 5000, "left": 3, "right": 4}},
                {{"value": {middle}}}, {{"value": {high}}}]}}]}}"#
        );
        FloatModel::from_json(text.as_bytes()).expect("a model")
    };
    let sum = model(
        r#""version": 2, "kind": "additive", "task": "regress", "targets": ["y"],
            "link": {"function": "identity"},
            "sum": {"precision": "float64", "base": [0], "divisor": 1}"#,
        ["[1]", "[2]", "[3]"],
    );
    let vote = model(
        r#""version": 1, "kind": "decision-tree", "classes": ["l", "h"]"#,
        ["[1, 0]", "[0, 1]", "[1, 0]"],
    );
    for (float, name) in [(sum, "rank"), (vote, "affine")] {
        let wide = Options {
            codes: CodeWidth::Word,
            ..options(Votes::Auto)
        };
        let (quant, _) = quantize(&float, &undeclared(&float), wide, None);
        let input = quant.input_of(0).expect("a code");
        assert_eq!(input.coding.name(), name);
    }
}

#[test]
fn leaves_of_several_values_have_no_32_bits() {
    let float = model(Shape::Targets, "float64", 3, 1.0, 7);
    let rows = rows(20);
    let calibrations = calibrate(&float, Some(rows.values().view()), &undeclared(&float));
    let calibrations = calibrations.expect("readings");
    let error = QuantModel::new(&float, &calibrations, options(Votes::Word), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "votes in [quantize]: found \"32-bit\" for leaves with a value for each output, expected \
         \"q15\", which has 16 bits, \"8-bit\" or \"auto\""
    );
}

#[test]
fn a_scale_that_no_sum_of_32_bits_holds_is_refused() {
    let float = model(Shape::Mean, "float64", 3, 1e36, 7);
    let calibrations = calibrate(&float, Some(rows(20).values().view()), &undeclared(&float));
    let calibrations = calibrations.expect("readings");
    let error = QuantModel::new(&float, &calibrations, options(Votes::Byte), None).unwrap_err();
    let error = error.to_string();
    let (found, expected) = error.split_once(" apart, ").expect(&error);
    assert!(found.starts_with("the trees: found values of leaves that are up to "));
    assert_eq!(
        expected,
        "expected sums of less than 2^100: train on labels in a larger unit"
    );
}
