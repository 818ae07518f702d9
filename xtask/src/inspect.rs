//! `inspect`: what a model file holds, and what it would take in flash.

use std::path::Path;

use anyhow::Context;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    Body, CodeWidth, Declared, Leaves, Options, QuantModel, Sensor, Votes, calibrate, needed_ranges,
};

use crate::failure::{Blame, Failure};
use crate::pipeline::at_fault;

pub(crate) fn run(file: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .input()?;
    let imported = spinney_import::import(&bytes).map_err(|error| at_fault(file, &error))?;
    print!("{}", spinney_import::describe(&imported));
    for (form, bytes) in expected_flash(&imported.model)? {
        println!("flash       {form}: about {bytes} bytes of tables");
    }
    Ok(())
}

/// Bytes of tables per form of the model, for integer readings, of 16 bits where the model's own
/// numbers fit them; code comes on top.
fn expected_flash(model: &FloatModel) -> Result<Vec<(String, usize)>, Failure> {
    let declared: Vec<Declared> = needed_ranges(model)
        .into_iter()
        .map(|range| Declared {
            sensor: Some(sensor_for(range)),
            ..Declared::default()
        })
        .collect();
    let mut forms = Vec::new();
    for (name, voting, votes) in [
        ("soft votes, Q15", Voting::Soft, Votes::Q15),
        ("soft votes, 8-bit", Voting::Soft, Votes::Byte),
        ("hard votes", Voting::Hard, Votes::Q15),
    ] {
        let calibrations = calibrate(model, None, &declared).input()?;
        let options = Options {
            voting,
            votes,
            codes: CodeWidth::Auto,
            wants_scores: true,
        };
        let quant = QuantModel::new(model, &calibrations, options, None).input()?;
        match quant.body() {
            Body::Forest(forest) => {
                let leaves = match forest.leaves() {
                    Leaves::Classes => 0,
                    Leaves::Bytes(votes) => votes.len(),
                    Leaves::Words(votes) => 2 * votes.len(),
                };
                let trees = size_of_val(forest.trees()) + size_of_val(forest.splits());
                forms.push((format!("table, {name}"), trees + leaves));
            }
            Body::Bayes(bayes) => {
                let tables = size_of_val(bayes.terms()) + size_of_val(bayes.offsets());
                return Ok(vec![("naive Bayes".to_owned(), tables)]);
            }
        }
    }
    Ok(forms)
}

/// The narrowest type of at least 16 bits that delivers what a model's own numbers need.
fn sensor_for(range: Option<(f64, f64)>) -> Sensor {
    let (low, high) = range.unwrap_or((0.0, 0.0));
    [Sensor::I16, Sensor::I32]
        .into_iter()
        .find(|sensor| {
            sensor
                .integers()
                .is_some_and(|(least, most)| least <= low && high <= most)
        })
        .unwrap_or(Sensor::F32)
}

#[cfg(test)]
mod tests {
    use spinney_model::FloatModel;

    use super::expected_flash;

    #[test]
    fn readings_of_any_size_have_tables() {
        for threshold in [0.5, 32_767.0, 32_767.5, 101_325.0, -3e9, 1e30] {
            let text = format!(
                r#"{{"format": "spinney-model", "version": 1, "kind": "decision-tree",
                "features": [{{"name": "pressure_pa"}}], "classes": ["low", "high"],
                "trees": [{{"nodes": [
                {{"feature": 0, "threshold": {threshold:?}, "left": 1, "right": 2}},
                {{"value": [1.0, 0.0]}}, {{"value": [0.0, 1.0]}}]}}]}}"#
            );
            let model = FloatModel::from_json(text.as_bytes()).expect("a model");
            let forms = expected_flash(&model);
            assert_eq!(forms.expect("a model that fits").len(), 3, "{threshold}");
        }
    }
}
