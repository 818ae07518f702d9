//! Classes and scores are those of the quantized model, whatever the readings and threads.

use std::num::NonZeroUsize;

#[path = "../../../quantize/tests/gaps/mod.rs"]
mod cases;

use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;
use spinney_batch::{Predictor, Reading};
use spinney_dataset::{Dataset, csv, gunzip, idx};
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{
    CodeWidth, CodingChoice, Declared, Options, QuantModel, Sensor, Votes, calibrate,
};
use spinney_train::ForestParams;

fn options(voting: Voting, votes: Votes, codes: CodeWidth) -> Options {
    Options {
        voting,
        votes,
        codes,
        wants_scores: true,
    }
}

/// Compares every row, with one to three threads.
fn check<R: Reading + Into<f64>>(quant: &QuantModel, rows: ArrayView2<'_, R>) {
    let n_classes = quant.n_scores();
    let scorer = quant.scorer();
    let mut scores = Vec::new();
    let mut classes = Vec::new();
    for row in rows.rows() {
        let row: Vec<f64> = row.iter().map(|reading| (*reading).into()).collect();
        let of_row = scorer.scores(&quant.codes(&row));
        classes.push(spinney_runtime::argmax(&of_row));
        scores.extend(of_row);
    }
    let scores = Array2::from_shape_vec((rows.nrows(), n_classes), scores).expect("a shape");
    for n_threads in 1..=3 {
        let predictor = Predictor::<R>::new(quant)
            .with_threads(NonZeroUsize::new(n_threads).expect("not 0"))
            .expect("threads");
        assert_eq!(predictor.scores(rows).expect("rows that fit"), scores);
        assert_eq!(predictor.classes(rows).expect("rows that fit"), classes);
    }
}

/// Compares in both types; what is no float32 is rounded to one there.
fn check_both(quant: &QuantModel, rows: &Array2<f64>) {
    check(quant, rows.view());
    #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
    let singles = rows.mapv(|reading| reading as f32);
    check(quant, singles.view());
}

fn model(kind: &str, n_features: usize, n_classes: usize, rest: &str) -> FloatModel {
    let features: Vec<String> = (0..n_features)
        .map(|index| format!(r#"{{"name":"f{index}"}}"#))
        .collect();
    let classes: Vec<String> = (0..n_classes)
        .map(|index| format!(r#""c{index}""#))
        .collect();
    let json = format!(
        r#"{{"format":"spinney-model","version":1,"kind":"{kind}","features":[{}],"classes":[{}],{rest}}}"#,
        features.join(","),
        classes.join(",")
    );
    FloatModel::from_json(json.as_bytes()).expect("a valid model")
}

/// The same trees, whose leaves are added to a base.
fn adding(forest: &FloatModel) -> FloatModel {
    let base: Vec<f64> = (0..forest.schema().n_classes())
        .map(|it| it as f64 / 3.0)
        .collect();
    let json = forest
        .to_json()
        .replace(
            r#""version":1,"kind":"random-forest""#,
            r#""version":2,"kind":"additive""#,
        )
        .replace(
            r#""classes":["#,
            &format!(
                r#""task":"classify","sum":{{"precision":"float64","base":{base:?}}},
                "link":{{"function":"softmax"}},"classes":["#
            ),
        );
    FloatModel::from_json(json.as_bytes()).expect("a valid model")
}

const N_FEATURES: usize = 4;

/// A tree as the splits that made it: each splits one of the leaves there are.
type Growth = (Vec<(usize, usize, f64)>, Vec<Vec<u8>>);

fn tree(n_classes: usize, (splits, votes): &Growth) -> String {
    let mut nodes = vec![String::new()];
    let mut leaves = vec![0];
    for (leaf, feature, threshold) in splits {
        let leaf = leaf % leaves.len();
        let at = leaves[leaf];
        let left = nodes.len();
        nodes[at] = format!(
            r#"{{"feature":{feature},"threshold":{threshold:?},"left":{left},"right":{}}}"#,
            left + 1
        );
        nodes.extend([String::new(), String::new()]);
        leaves[leaf] = left;
        leaves.push(left + 1);
    }
    for (at, votes) in leaves.iter().zip(votes.iter().cycle()) {
        let votes = &votes[..n_classes];
        let sum: f64 = votes.iter().map(|vote| f64::from(*vote)).sum();
        let mut value: Vec<f64> = votes.iter().map(|vote| f64::from(*vote) / sum).collect();
        if sum == 0.0 {
            value = vec![0.0; n_classes];
            value[n_classes - 1] = 1.0;
        }
        nodes[*at] = format!(r#"{{"value":{value:?}}}"#);
    }
    format!(r#"{{"nodes":[{}]}}"#, nodes.join(","))
}

fn magnitude() -> impl Strategy<Value = f64> {
    prop_oneof![
        -300.0..300.0,
        -1e-3..1e-3,
        -1e9..1e9,
        -1e30..1e30,
        (-300_i32..300).prop_map(f64::from),
        (0_i32..255).prop_map(|integer| f64::from(integer) + 0.5),
        (-70_000_i32..70_000).prop_map(|quarters| f64::from(quarters) / 4.0),
    ]
}

fn growth() -> impl Strategy<Value = Growth> {
    let split = || (any::<usize>(), 0..N_FEATURES, magnitude());
    let votes = proptest::collection::vec(any::<u8>(), 17);
    // Few, or about as many as end the comparison of columns.
    let splits = prop_oneof![
        20 => proptest::collection::vec(split(), 0..24),
        1 => proptest::collection::vec(split(), 60..68),
    ];
    (splits, proptest::collection::vec(votes, 1..6))
}

fn sensor() -> impl Strategy<Value = Sensor> {
    prop_oneof![
        Just(Sensor::U8),
        Just(Sensor::I8),
        Just(Sensor::U16),
        Just(Sensor::I16),
        Just(Sensor::I32),
        Just(Sensor::F32),
    ]
}

fn sensors() -> impl Strategy<Value = Vec<Sensor>> {
    prop_oneof![
        sensor().prop_map(|sensor| vec![sensor; N_FEATURES]),
        proptest::collection::vec(sensor(), N_FEATURES),
    ]
}

/// What a sensor never delivers, among what it may.
fn reading() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => magnitude(),
        1 => any::<f64>(),
        1 => any::<f32>().prop_map(f64::from),
        1 => prop::sample::select(vec![
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, -0.5, -1.0, 254.5, 255.0, 255.5,
            256.0, 32_767.0, 32_767.5, 32_768.0, -32_768.5, -32_769.0, 65_536.0, 2_147_483_647.0,
            2_147_483_648.0, -2_147_483_649.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324,
        ]),
    ]
}

/// Rows of any readings, and of those next to `marks`.
fn rows(readings: &[f64], marks: &[f64]) -> Array2<f64> {
    let mut all = readings.to_vec();
    for mark in marks {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
        let single = *mark as f32;
        all.extend([mark.next_down(), *mark, mark.next_up()]);
        all.extend([single.next_down(), single, single.next_up()].map(f64::from));
        all.extend([mark.floor(), mark.ceil(), mark.floor() + 1.0]);
    }
    // Each reading meets every feature.
    let n_rows = all.len();
    Array2::from_shape_fn((n_rows, N_FEATURES), |(row, feature)| {
        all[(row + feature * 7) % n_rows]
    })
}

fn declared(sensors: &[Sensor], coding: CodingChoice) -> Vec<Declared> {
    let declare = |sensor: &Sensor| Declared {
        sensor: Some(*sensor),
        range: None,
        coding,
        ..Declared::default()
    };
    sensors.iter().map(declare).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_forest_on_any_readings(
        mut growths in proptest::collection::vec(growth(), 1..50),
        shared in proptest::collection::vec(magnitude(), 0..5),
        n_classes in 2_usize..=17,
        sensors in sensors(),
        coding in prop::sample::select(vec![CodingChoice::Auto, CodingChoice::Affine, CodingChoice::Rank]),
        voting in prop::sample::select(vec![Voting::Soft, Voting::Hard]),
        votes in prop::sample::select(vec![Votes::Q15, Votes::Byte]),
        codes in prop::sample::select(vec![CodeWidth::Auto, CodeWidth::Word]),
        readings in proptest::collection::vec(reading(), 200),
        adds: bool,
    ) {
        // Trees that share thresholds may be compared by rank.
        for (split, threshold) in growths.iter_mut().flat_map(|(splits, _)| splits).zip(shared.iter().cycle()) {
            split.2 = *threshold;
        }
        let trees: Vec<String> = growths.iter().map(|growth| tree(n_classes, growth)).collect();
        let float = model("random-forest", N_FEATURES, n_classes, &format!(r#""trees":[{}]"#, trees.join(",")));
        let float = if adds { adding(&float) } else { float };
        let declared = declared(&sensors, coding);
        // Thresholds that a type does not reach, for example, are refused.
        let Ok(calibrations) = calibrate(&float, None, &declared) else {
            return Err(TestCaseError::reject("not calibrated"));
        };
        let Ok(quant) = QuantModel::new(&float, &calibrations, options(voting, votes, codes), None) else {
            return Err(TestCaseError::reject("not quantized"));
        };
        let marks: Vec<f64> = growths.iter().flat_map(|(splits, _)| splits).map(|split| split.2).take(60).collect();
        check_both(&quant, &rows(&readings, &marks));
    }

    #[test]
    fn any_naive_bayes_on_any_readings(
        inputs in prop::sample::subsequence((0..N_FEATURES).collect::<Vec<_>>(), 1..=N_FEATURES),
        classes in proptest::collection::vec(
            proptest::collection::vec((magnitude(), 1e-4..1e4), N_FEATURES), 2..12),
        sensors in sensors(),
        readings in proptest::collection::vec(reading(), 100),
    ) {
        let n_classes = classes.len();
        let rest = format!(
            r#""inputs":{inputs:?},"log_priors":{:?},"means":{:?},"variances":{:?}"#,
            vec![-(n_classes as f64).ln(); n_classes],
            classes.iter().map(|class| inputs.iter().map(|input| class[*input].0).collect()).collect::<Vec<Vec<f64>>>(),
            classes.iter().map(|class| inputs.iter().map(|input| class[*input].1).collect()).collect::<Vec<Vec<f64>>>(),
        );
        let float = model("gaussian-nb", N_FEATURES, n_classes, &rest);
        let Ok(calibrations) = calibrate(&float, None, &declared(&sensors, CodingChoice::Auto)) else {
            return Err(TestCaseError::reject("not calibrated"));
        };
        let options = options(Voting::Soft, Votes::Q15, CodeWidth::Auto);
        let Ok(quant) = QuantModel::new(&float, &calibrations, options, None) else {
            return Err(TestCaseError::reject("not quantized"));
        };
        check_both(&quant, &rows(&readings, &[]));
    }
}

fn data(name: &str, label: &str) -> Dataset {
    let path = format!("{}/../../data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("a data set of the repository");
    csv::read(&bytes, label).expect("a valid file")
}

fn mnist() -> Dataset {
    let read = |name: &str| {
        let path = format!(
            "{}/../../data/mnist-{name}-ubyte.gz",
            env!("CARGO_MANIFEST_DIR")
        );
        let bytes = std::fs::read(&path).expect("a data set of the repository");
        gunzip(&bytes).expect("gzip").into_owned()
    };
    idx::read(&read("images.idx3"), &read("labels.idx1")).expect("valid files")
}

fn fit(rows: &Dataset, kind: ForestKind, n_trees: usize) -> FloatModel {
    let params = ForestParams {
        max_leaf_nodes: Some(200),
        ..ForestParams::new(kind, n_trees, 42)
    };
    spinney_train::forest(rows, &params, &|_, _| {}).expect("a model")
}

/// Trains on all rows and compares all rows.
fn check_data(rows: &Dataset, float: &FloatModel, options: Options) {
    let declared = vec![Declared::default(); float.schema().n_features()];
    let calibrations = calibrate(float, Some(rows.values().view()), &declared).expect("calibrated");
    let quant = QuantModel::new(float, &calibrations, options, Some(rows)).expect("quantized");
    check_both(&quant, rows.values());
}

#[test]
fn every_row_of_every_small_data_set() {
    let sets = [
        ("iris", "species"),
        ("wine", "cultivar"),
        ("breast_cancer", "diagnosis"),
        ("digits", "digit"),
    ];
    for (name, label) in sets {
        let rows = data(name, label);
        for (kind, n_trees) in [
            (ForestKind::DecisionTree, 1),
            (ForestKind::RandomForest, 30),
            (ForestKind::ExtraTrees, 30),
        ] {
            let float = fit(&rows, kind, n_trees);
            for codes in [CodeWidth::Auto, CodeWidth::Word] {
                check_data(&rows, &float, options(Voting::Soft, Votes::Auto, codes));
                check_data(&rows, &float, options(Voting::Hard, Votes::Q15, codes));
            }
        }
        let bayes = spinney_train::gaussian_nb(&rows, 1e-9).expect("a model");
        check_data(
            &rows,
            &bayes,
            options(Voting::Soft, Votes::Q15, CodeWidth::Auto),
        );
    }
}

#[test]
fn every_row_of_mnist() {
    let rows = mnist();
    let float = fit(&rows, ForestKind::RandomForest, 10);
    for codes in [CodeWidth::Auto, CodeWidth::Word] {
        check_data(&rows, &float, options(Voting::Soft, Votes::Q15, codes));
    }
    let bayes = spinney_train::gaussian_nb(&rows, 1e-2).expect("a model");
    check_data(
        &rows,
        &bayes,
        options(Voting::Soft, Votes::Q15, CodeWidth::Auto),
    );
}

#[test]
fn rows_in_any_layout_and_of_any_number() {
    let rows = data("iris", "species");
    let float = fit(&rows, ForestKind::RandomForest, 9);
    let declared = vec![Declared::default(); 4];
    let calibrations = calibrate(&float, None, &declared).expect("calibrated");
    let options = options(Voting::Soft, Votes::Q15, CodeWidth::Auto);
    let quant = QuantModel::new(&float, &calibrations, options, None).expect("quantized");
    let by_column = rows.values().t().as_standard_layout().into_owned();
    check(&quant, by_column.t());
    for n_rows in [0, 1, 7, 8, 9, 63, 64, 65, 149] {
        check(&quant, rows.values().slice(ndarray::s![..n_rows, ..]));
    }
    let narrow = rows.values().slice(ndarray::s![.., ..3]);
    let error = Predictor::<f64>::new(&quant)
        .classes(narrow)
        .expect_err("too few columns");
    assert_eq!(
        error.to_string(),
        "the rows: found 3 columns, expected 4, one per feature of the model"
    );
}

/// Missing readings, what stands for them, infinities and categories that are not known.
#[test]
fn rows_with_gaps_and_categories() {
    let (mut n_models, mut n_rows) = (0, 0);
    for seed in 0..400 {
        let case = cases::case(seed, 60);
        let Ok(calibrations) = calibrate(&case.model, None, &case.declared) else {
            continue;
        };
        let codes = if seed % 2 == 0 {
            CodeWidth::Auto
        } else {
            CodeWidth::Word
        };
        let options = options(Voting::Soft, Votes::Q15, codes);
        let Ok(quant) = QuantModel::new(&case.model, &calibrations, options, None) else {
            continue;
        };
        let n_features = case.declared.len();
        let mut flat: Vec<f64> = case.rows.iter().flatten().copied().collect();
        // Readings that nothing is said of, every feature's in turn.
        let odd = [
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            1e300,
            -1e300,
            -0.0,
            0.5,
            65_535.5,
        ];
        let marks = case
            .declared
            .iter()
            .map(|it| it.missing.map_or(3.0, |it| it.reading()));
        let odd: Vec<f64> = odd.into_iter().chain(marks).collect();
        for (index, reading) in odd.iter().enumerate() {
            let mut row = case.rows[index].clone();
            for feature in 0..n_features {
                row[(feature + index) % n_features] = *reading;
                flat.extend(&row);
            }
        }
        let rows = Array2::from_shape_vec((flat.len() / n_features, n_features), flat);
        let rows = rows.expect("rows of one length");
        check_both(&quant, &rows);
        n_models += 1;
        n_rows += rows.nrows();
    }
    assert!(n_models > 250 && n_rows > 20_000, "{n_models} {n_rows}");
}
