//! Sums of trees from every library: each row's raw value, label, probability and value as the
//! library gave them.
//!
//! An archive of `tests/fixtures` holds models and, beside each, an `.npz` with what is expected
//! (`scripts/fixtures/sums.py`).

use std::collections::BTreeMap;
use std::path::Path;

use spinney_dataset::npy::{self, Array};
use spinney_dataset::{Budget, archive};
use spinney_import::{Imported, import};
use spinney_model::{AdditiveKind, FloatModel, Output, Task};

type Members = BTreeMap<String, Vec<u8>>;

fn unpacked(name: &str) -> Members {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    let bytes = std::fs::read(&path).expect("an archive of fixtures");
    archive::unpack(&bytes, &Budget::of(bytes.len())).expect("an archive")
}

/// An array of numbers, and its number of columns.
fn matrix(bytes: &[u8]) -> (Vec<f64>, usize) {
    let array = Array::parse(bytes).expect("an array");
    let n_columns = array.shape().get(1).copied().unwrap_or(1);
    let numbers = array.scalars().and_then(|it| it.numbers());
    (numbers.expect("numbers"), n_columns)
}

/// How far results are from what was expected.
#[derive(Debug, Default)]
struct Distance {
    n_rows: usize,
    n_values: usize,
    n_wrong_labels: usize,
    raw: f64,
    linked: f64,
}

/// Infinite where either is no number, so that no comparison with a bound passes it over.
fn relative(found: f64, expected: f64) -> f64 {
    let by = (found - expected).abs() / expected.abs().max(1.0);
    if by.is_nan() { f64::INFINITY } else { by }
}

/// Compares each row of a model with what is expected of it.
fn distance(imported: &Imported, expected: &Members, raw_by: f64) -> Distance {
    let rows = npy::rows(&expected["X.npy"]).expect("rows").values;
    let (raw, n_outputs) = matrix(&expected["raw.npy"]);
    let mut distance = Distance {
        n_rows: rows.nrows(),
        ..Distance::default()
    };
    let of_row = |numbers: &[f64], index: usize, width: usize| {
        numbers[index * width..(index + 1) * width].to_vec()
    };
    let model = &imported.model;
    for (index, row) in rows.rows().into_iter().enumerate() {
        let row = row.to_vec();
        let wanted = of_row(&raw, index, n_outputs);
        let (found, linked) = match model {
            FloatModel::Additive(sum) => {
                let found = sum.raw(&row);
                (found.clone(), sum.linked(&found))
            }
            _ => (model.probabilities(&row), model.probabilities(&row)),
        };
        let shown = if model.task() == Task::Detect {
            &linked
        } else {
            &found
        };
        assert_eq!(shown.len(), wanted.len(), "outputs");
        for (found, wanted) in shown.iter().zip(&wanted) {
            distance.raw = distance.raw.max(relative(*found, wanted / raw_by));
            distance.n_values += 1;
        }
        if let Some(values) = expected.get("values.npy") {
            let (values, width) = matrix(values);
            let wanted = of_row(&values, index, width);
            let Output::Values(found) = model.output(&row) else {
                panic!("values");
            };
            for (found, wanted) in found.iter().zip(&wanted) {
                distance.linked = distance.linked.max(relative(*found, *wanted));
            }
        }
        if let Some(proba) = expected.get("proba.npy") {
            let (proba, width) = matrix(proba);
            let wanted = of_row(&proba, index, width);
            let found = model.probabilities(&row);
            assert_eq!(found.len(), wanted.len(), "classes");
            for (found, wanted) in found.iter().zip(&wanted) {
                distance.linked = distance.linked.max(relative(*found, *wanted));
            }
        }
        if let Some(labels) = expected.get("labels.npy") {
            let labels = npy::labels(labels).expect("labels");
            let found = match model.output(&row) {
                Output::Class(class) => model.schema().classes()[class].clone(),
                Output::Score { is_alarm, .. } => if is_alarm { "-1" } else { "1" }.to_owned(),
                Output::Values(_) => panic!("a class"),
            };
            distance.n_wrong_labels += usize::from(found != labels[index]);
        }
    }
    distance
}

/// Checks all models of an archive with one of these endings, and says how many and how close.
fn check(name: &str, endings: &[&str], raw_max: f64, linked_max: f64, n_models_min: usize) {
    let members = unpacked(name);
    let (mut n_models, mut faults) = (0, Vec::new());
    let mut total = Distance::default();
    for (file, bytes) in &members {
        let Some(ending) = endings.iter().find(|it| file.ends_with(**it)) else {
            continue;
        };
        if file.starts_with("refused/") {
            continue;
        }
        n_models += 1;
        let imported = match import(bytes) {
            Ok(imported) => imported,
            Err(error) => {
                faults.push(format!("{file}: {error}"));
                continue;
            }
        };
        let beside = [
            format!("{file}.npz"),
            format!("{}.npz", &file[..file.len() - ending.len()]),
        ];
        let expected = beside
            .iter()
            .find_map(|it| members.get(it))
            .expect("expectations");
        let expected = archive::unpack(expected, &Budget::of(expected.len())).expect("an npz");
        let raw_by = match &imported.model {
            FloatModel::Additive(sum) => match sum.kind() {
                // See `ada_boost`.
                AdditiveKind::AdaBoost => (sum.schema().n_classes() - 1) as f64,
                // `raw_score` of a random forest is the sum, `predict` makes of the mean what it does.
                AdditiveKind::LightGbm => sum.sum().divisor,
                _ => 1.0,
            },
            _ => 1.0,
        };
        let found = distance(&imported, &expected, raw_by);
        if found.n_wrong_labels > 0 || found.raw > raw_max || found.linked > linked_max {
            faults.push(format!("{file}: {found:?}"));
        }
        total.n_rows += found.n_rows;
        total.n_values += found.n_values;
        total.raw = total.raw.max(found.raw);
        total.linked = total.linked.max(found.linked);
        // What is read can be written and read again.
        let again = FloatModel::from_json(imported.model.to_json().as_bytes());
        assert_eq!(again.as_ref(), Ok(&imported.model), "{file}");
    }
    println!(
        "{name} {endings:?}: {n_models} models, {} rows, {} raw values, largest difference {:e}, \
         of values and probabilities {:e}",
        total.n_rows, total.n_values, total.raw, total.linked
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(n_models >= n_models_min, "{n_models} models");
}

#[test]
fn scikit_learn() {
    for (version, n_models) in [("1.1.3", 22), ("1.3.2", 22), ("1.9.1", 44)] {
        check(
            &format!("{version}/additive.zip"),
            &[".skops"],
            1e-9,
            1e-9,
            n_models,
        );
    }
}

/// What stands before scikit-learn's models, and categories of histogram boosting.
#[test]
fn columns() {
    for (version, n_models) in [("1.1.3", 40), ("1.3.2", 40), ("1.9.1", 51)] {
        check(
            &format!("{version}/columns.zip"),
            &[".skops"],
            1e-9,
            1e-9,
            n_models,
        );
    }
}

/// Margins are equal to the last bit; what the link makes of them is float32 there and float64 here.
#[test]
fn xgboost() {
    check("xgboost-1.6.2.zip", &[".json"], 0.0, 1e-6, 29);
    check("xgboost-1.7.6.zip", &[".json"], 0.0, 1e-6, 30);
    check("xgboost-2.1.4.zip", &[".ubj"], 0.0, 1e-6, 31);
    check("xgboost-3.2.0.zip", &[".json"], 0.0, 1e-6, 32);
    check("xgboost-3.2.0.zip", &[".ubj"], 0.0, 1e-6, 32);
}

#[test]
fn lightgbm() {
    check("lightgbm-3.3.5.zip", &[".txt"], 1e-9, 1e-9, 31);
    check("lightgbm-4.7.0.zip", &[".txt"], 1e-9, 1e-9, 31);
    check("lightgbm-4.7.0.zip", &[".json"], 1e-9, 1e-9, 18);
}

#[test]
fn catboost() {
    check("catboost-1.2.10.zip", &[".json"], 1e-9, 1e-9, 28);
}

/// Margins are equal to the last bit where they are float32, and by its last bit where the base score is
/// more than that. The softmax is float32 in any case.
#[test]
fn treelite() {
    check("treelite-4.8.1.zip", &[".f32.bin"], 0.0, 1e-6, 7);
    check("treelite-4.8.1.zip", &[".base.bin"], 2e-7, 1e-6, 4);
    check("treelite-4.8.1.zip", &[".f64.bin"], 1e-9, 1e-7, 18);
}

#[test]
fn spark() {
    check("spark-4.3.0.zip", &[".zip"], 1e-9, 1e-9, 17);
}

/// Scores are equal to the last bit where rows are float32, and so is what a probit makes of them.
#[test]
fn onnx() {
    check(
        "onnx.zip",
        &[
            "probit_values.f32.onnx",
            "probit_two.f32.onnx",
            "probit_newest.f32.onnx",
        ],
        0.0,
        0.0,
        3,
    );
    check("onnx.zip", &[".f32.onnx"], 0.0, 1e-6, 46);
    check("onnx.zip", &[".f64.onnx"], 1e-6, 1e-6, 3);
    check("onnx.zip", &[".mean.onnx"], 1e-6, 1e-6, 23);
}

/// Normalized weights hardly differ, and 16 bits have to tell the means of the classes apart all the same.
#[test]
fn means_of_normalized_weights_part_as_others_do() {
    let members = unpacked("1.9.1/columns.zip");
    for name in ["complement", "complement_norm"] {
        let model = import(&members[&format!("{name}.skops")])
            .expect(name)
            .model;
        let FloatModel::GaussianNb(bayes) = model else {
            panic!("{name}: naive Bayes");
        };
        let first = &bayes.means()[0];
        let apart = bayes.means().iter().flat_map(|it| it.iter().zip(first));
        let widest = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!((1.0..1000.0).contains(&widest), "{name}: {widest}");
    }
}

/// Everything in `refused/` is refused, by the word that names the file.
fn check_refused(name: &str, n_min: usize) {
    let mut n = 0;
    for (file, bytes) in &unpacked(name) {
        let Some(file) = file.strip_prefix("refused/") else {
            continue;
        };
        let word = file.rsplit_once('.').expect("an ending").0;
        // What no file's name can have.
        let word = word
            .replace("rank_", "rank:")
            .replace("survival_", "survival:");
        let said = import(bytes).expect_err(file).to_string();
        assert!(said.contains(&word), "{file}: {said}");
        assert!(said.contains("cannot be imported: "), "{file}: {said}");
        assert!(!said.contains('\n') && said.len() < 500, "{file}: {said}");
        n += 1;
    }
    assert!(n >= n_min, "{n} refused");
}

/// `json.dumps(…, sort_keys=True)` of a `dump_model` is the same model.
#[test]
fn lightgbm_json_in_any_order() {
    let members = unpacked("lightgbm-4.7.0.zip");
    let name = members
        .keys()
        .find(|it| it.ends_with(".json") && !it.starts_with("refused/"));
    let bytes = &members[name.expect("a model")];
    let value: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
    let sorted = serde_json::to_vec(&value).expect("JSON");
    assert!(sorted.starts_with(b"{\"average_output\":"));
    assert_eq!(
        import(&sorted).expect("it").model,
        import(bytes).expect("it").model
    );
}

#[test]
fn what_is_refused_is_named() {
    check_refused("1.9.1/additive.zip", 6);
    check_refused("1.9.1/columns.zip", 7);
    check_refused("1.3.2/columns.zip", 7);
    check_refused("catboost-1.2.10.zip", 3);
    check_refused("treelite-4.8.1.zip", 2);
    check_refused("spark-4.3.0.zip", 4);
    check_refused("onnx.zip", 7);
    check_refused("xgboost-1.7.6.zip", 1);
    check_refused("xgboost-3.2.0.zip", 3);
    check_refused("lightgbm-3.3.5.zip", 4);
    check_refused("lightgbm-4.7.0.zip", 8);
}
