//! Times batches of float32 rows, for `cargo xtask bench host`.
//!
//! `bench_host MODEL ROWS SENSOR THREADS CALLS` prints the seconds of each call as JSON. ROWS are
//! float32, little-endian, row by row; SENSOR, `u8` or `f32`, is what delivers all readings. With no
//! calls it prints the classes instead, after comparing each with the quantized model, which is what a
//! device computes.

use std::num::NonZeroUsize;
use std::time::Instant;

use ndarray::Array2;
use spinney_batch::Predictor;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{CodeWidth, Declared, Options, QuantModel, Sensor, Votes, calibrate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, sensor, threads, calls] = arguments.as_slice() else {
        return Err("usage: bench_host MODEL ROWS SENSOR THREADS CALLS".into());
    };
    let model = spinney_import::import(&std::fs::read(model)?)?.model;
    let n_features = model.schema().n_features();
    let bytes = std::fs::read(rows)?;
    let (singles, _) = bytes.as_chunks();
    let readings: Vec<f32> = singles
        .iter()
        .map(|single| f32::from_le_bytes(*single))
        .collect();
    let rows = Array2::from_shape_vec((readings.len() / n_features, n_features), readings)?;
    let quant = quantized(&model, sensor, &rows)?;
    let n_threads: NonZeroUsize = threads.parse()?;
    let predictor = Predictor::<f32>::new(&quant).with_threads(n_threads)?;
    let n_calls: usize = calls.parse()?;
    if n_calls == 0 {
        let classes = predictor.classes(rows.view())?;
        let scorer = quant.scorer();
        for (row, class) in rows.rows().into_iter().zip(&classes) {
            let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
            let scores = scorer.scores(&quant.codes(&row));
            if spinney_runtime::argmax(&scores) != *class {
                return Err("a class is not the quantized model's".into());
            }
        }
        println!("{}", serde_json::json!({ "classes": classes }));
        return Ok(());
    }
    let mut seconds = Vec::with_capacity(n_calls);
    for _ in 0..n_calls {
        let start = Instant::now();
        std::hint::black_box(predictor.classes(std::hint::black_box(rows.view()))?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    println!("{}", serde_json::json!({ "seconds": seconds }));
    Ok(())
}

/// The model with votes in Q15; of floats the ranges come from the rows.
fn quantized(
    model: &FloatModel,
    sensor: &str,
    rows: &Array2<f32>,
) -> Result<QuantModel, Box<dyn std::error::Error>> {
    let (sensor, rows) = match sensor {
        "u8" => (Sensor::U8, None),
        "f32" => (Sensor::F32, Some(rows.mapv(f64::from))),
        _ => return Err("a sensor is u8 or f32".into()),
    };
    let all = Declared {
        sensor: Some(sensor),
        ..Declared::default()
    };
    let declared = vec![all; model.schema().n_features()];
    let calibrations = calibrate(model, rows.as_ref().map(Array2::view), &declared)?;
    let options = Options {
        voting: Voting::Soft,
        votes: Votes::Q15,
        codes: CodeWidth::Auto,
        wants_scores: true,
    };
    Ok(QuantModel::new(model, &calibrations, options, None)?)
}
