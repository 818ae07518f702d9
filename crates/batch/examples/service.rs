//! A service in miniature: a scikit-learn model loaded once, batches of float32 rows answered.
//!
//! `cargo run -p spinney-batch --example service`

use std::error::Error;

use ndarray::{Array2, ArrayView2};
use spinney_batch::Predictor;
use spinney_dataset::csv;
use spinney_model::Voting;
use spinney_quantize::{CodeWidth, Declared, Options, QuantModel, Sensor, Votes, calibrate};

/// What a service keeps: the predictor may be shared among threads, and needs no lock.
struct Digits {
    predictor: Predictor<f32>,
    classes: Vec<String>,
}

impl Digits {
    /// Reads a model and quantizes it as the firmware's is: pixels are bytes, votes soft.
    fn load(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let model = spinney_import::import(file)?.model;
        let pixel = Declared {
            sensor: Some(Sensor::U8),
            ..Declared::default()
        };
        let declared = vec![pixel; model.schema().n_features()];
        let calibrations = calibrate(&model, None, &declared)?;
        let options = Options {
            voting: Voting::Soft,
            votes: Votes::Q15,
            codes: CodeWidth::Auto,
            wants_scores: true,
        };
        let quant = QuantModel::new(&model, &calibrations, options, None)?;
        let threads = std::thread::available_parallelism()?;
        let predictor = Predictor::<f32>::new(&quant).with_threads(threads)?;
        Ok(Self {
            predictor,
            classes: model.schema().classes().to_vec(),
        })
    }

    /// Answers a request: rows one after the other, as they came over the wire.
    fn answer(&self, body: &[f32]) -> Result<Vec<&str>, Box<dyn Error>> {
        let n_features = self.predictor.n_features();
        let rows = ArrayView2::from_shape((body.len() / n_features, n_features), body)?;
        let classes = self.predictor.classes(rows)?;
        Ok(classes
            .into_iter()
            .map(|class| self.classes[class].as_str())
            .collect())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Answers one request, and says how.
pub fn run() -> Result<String, Box<dyn Error>> {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let service = Digits::load(&std::fs::read(format!(
        "{repository}/examples/models/digits_rf.skops"
    ))?)?;
    let file = std::fs::read(format!("{repository}/data/digits_test.csv"))?;
    let test = csv::read(&file, "digit")?;
    // Casts: pixels are small integers.
    let rows: Array2<f32> = test.values().mapv(|reading| reading as f32);
    let body = rows.as_slice().ok_or("rows one after the other")?;

    let answers = service.answer(body)?;
    let labels = test.labels().iter().map(|label| &test.classes()[*label]);
    let n_right = labels
        .zip(&answers)
        .filter(|(label, answer)| label == *answer)
        .count();
    Ok(format!(
        "first answers: {}\n{n_right} of {} rows right\n",
        answers[..8].join(" "),
        answers.len()
    ))
}
