//! Models and rows that tests share.

use spinney_dataset::{Dataset, Split, csv, split};
use spinney_model::{FloatModel, ForestKind, Voting};
use spinney_quantize::{
    Calibration, CodeWidth, Coding, CodingChoice, Declared, Options, QuantModel, Sensor, Votes,
    calibrate,
};
use spinney_train::ForestParams;

pub fn data(name: &str, label: &str) -> Split {
    let path = format!("{}/../../data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("a data set of the repository");
    let all = csv::read(&bytes, label).expect("a valid file");
    split(&all, 0.25, 42).expect("enough rows")
}

pub fn fit(rows: &Dataset, kind: ForestKind, n_trees: usize, max_depth: usize) -> FloatModel {
    let params = ForestParams {
        max_depth: Some(max_depth),
        ..ForestParams::new(kind, n_trees, 42)
    };
    spinney_train::forest(rows, &params, &|_, _| {}).expect("a model")
}

pub fn options(voting: Voting, votes: Votes) -> Options {
    Options {
        voting,
        votes,
        codes: CodeWidth::Auto,
        wants_scores: true,
    }
}

/// A model quantized as `declared` says.
pub fn quantize(
    model: &FloatModel,
    declared: &[Declared],
    options: Options,
    train: Option<&Dataset>,
) -> (QuantModel, Vec<Calibration>) {
    let rows = train.map(|train| train.values().view());
    let calibrations = calibrate(model, rows, declared).expect("valid declarations");
    let quant = QuantModel::new(model, &calibrations, options, train).expect("a model that fits");
    (quant, calibrations)
}

pub fn declare(sensor: Sensor, range: (f64, f64), coding: CodingChoice) -> Declared {
    Declared {
        sensor: Some(sensor),
        range: Some(range),
        coding,
        ..Declared::default()
    }
}

/// The feature of each code.
pub fn features(quant: &QuantModel) -> Vec<usize> {
    quant.inputs().iter().map(|input| input.feature).collect()
}

/// The coding of each code.
pub fn codings(quant: &QuantModel) -> Vec<&Coding> {
    quant.inputs().iter().map(|input| &input.coding).collect()
}

pub fn undeclared(model: &FloatModel) -> Vec<Declared> {
    vec![Declared::default(); model.schema().n_features()]
}

/// A model from canonical JSON without its opening lines.
pub fn model(kind: &str, n_features: usize, n_classes: usize, rest: &str) -> FloatModel {
    let names = |letter: &str, n: usize, form: &dyn Fn(String) -> String| {
        let names: Vec<String> = (0..n)
            .map(|index| form(format!("{letter}{index}")))
            .collect();
        names.join(",")
    };
    let json = format!(
        r#"{{"format":"spinney-model","version":2,"kind":"{kind}","features":[{}],"classes":[{}],{rest}}}"#,
        names("f", n_features, &|name| format!(r#"{{"name":"{name}"}}"#)),
        names("c", n_classes, &|name| format!(r#""{name}""#)),
    );
    FloatModel::from_json(json.as_bytes()).expect("a valid model")
}

/// Rows of one label.
pub fn rows(values: &[&[f64]]) -> Dataset {
    let n_features = values[0].len();
    let flat: Vec<f64> = values.iter().flat_map(|row| row.iter().copied()).collect();
    let values =
        ndarray::Array2::from_shape_vec((values.len(), n_features), flat).expect("a shape");
    let labels = vec!["c0".to_owned(); values.nrows()];
    let rows = spinney_dataset::Rows {
        features: (0..n_features).map(|index| format!("f{index}")).collect(),
        is_named: true,
        values,
    };
    Dataset::new(rows, &labels).expect("valid rows")
}
