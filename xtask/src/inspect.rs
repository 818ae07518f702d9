//! `inspect`: what a model file holds, and what it would take in flash.

use std::path::Path;

use anyhow::Context;
use spinney_model::{FloatModel, Voting};
use spinney_quantize::{
    Body, CodeWidth, Declared, Leaves, Options, QuantModel, Sensor, Votes, calibrate,
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

/// Bytes of tables per form of the model, for 16-bit integer readings; code comes on top.
fn expected_flash(model: &FloatModel) -> Result<Vec<(String, usize)>, Failure> {
    let mut forms = Vec::new();
    for (name, voting, votes) in [
        ("soft votes, Q15", Voting::Soft, Votes::Q15),
        ("soft votes, 8-bit", Voting::Soft, Votes::Byte),
        ("hard votes", Voting::Hard, Votes::Q15),
    ] {
        let declared = Declared {
            sensor: Some(Sensor::I16),
            ..Declared::default()
        };
        let declared = vec![declared; model.schema().n_features()];
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
