//! `explain`: one row through float and Q15, side by side, and where they part.

use std::path::Path;

use anyhow::Context;
use spinney_convert::{Explained, Explanation, explain};

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages;

use crate::terminal;

/// Explains the row of this number in the source file, as `predictions.csv` numbers them.
pub(crate) fn run(config: &Path, row: usize, as_json: bool) -> Result<(), Failure> {
    let quantized = stages::quantized(config, terminal::progress())?;
    let test = &quantized.rows.test;
    let rows = test.source_rows().iter();
    let index = (rows.clone().position(|source| *source == row))
        .with_context(|| {
            let (first, last) = (rows.clone().min(), rows.max());
            format!(
                "row {row} is not among the {} test rows, whose numbers lie between {} and {}; \
                 predictions.csv names them",
                test.n_rows(),
                first.unwrap_or(&0),
                last.unwrap_or(&0)
            )
        })
        .input()?;
    let outputs = quantized.model.schema().outputs();
    let label = quantized.rows.has_labels.then(|| match test.numbers() {
        Some(numbers) => {
            let numbers = numbers.row(index).into_iter().map(f64::to_string);
            numbers.collect::<Vec<_>>().join(", ")
        }
        None => outputs[test.labels()[index]].clone(),
    });
    let shipped = quantized.shipped();
    let exit = quantized.exit(&shipped);
    let explained = Explained {
        model: &quantized.model,
        quant: &quantized.quant,
        voting: quantized.voting,
        exit: exit.as_ref(),
    };
    let explanation = explain(explained, row, label, &test.values().row(index).to_vec());
    terminal::answer(&explanation, as_json, Explanation::text)
}
