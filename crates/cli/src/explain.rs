//! `explain`: one row through float and Q15, side by side, and where they part.

use std::path::Path;

use anyhow::anyhow;
use spinney_convert::{Explained, Explanation, explain};
use spinney_dataset::Dataset;

use spinney_pipeline::failure::{ExitReason, Failure};
use spinney_pipeline::stages::{self, Quantized};

/// Explains the row of this number in the source file, as `predictions.csv` numbers them.
pub(crate) fn run(config: &Path, row: usize, as_json: bool) -> Result<(), Failure> {
    let quantized = stages::quantized(config, crate::terminal::progress())?;
    let test = &quantized.rows.test;
    let index = test
        .source_rows()
        .iter()
        .position(|source| *source == row)
        .ok_or_else(|| {
            let (first, last) = span(test);
            anyhow!(
                "row {row} is not among the {} test rows, whose numbers lie between {first} and \
                 {last}; predictions.csv names them",
                test.n_rows()
            )
        })
        .input()?;
    let explanation = explanation(&quantized, row, index);
    if as_json {
        crate::terminal::json(&explanation).environment()?;
    } else {
        print!("{}", explanation.text());
    }
    Ok(())
}

fn span(rows: &Dataset) -> (usize, usize) {
    let rows = rows.source_rows();
    let first = rows.iter().min().copied().unwrap_or(0);
    (first, rows.iter().max().copied().unwrap_or(0))
}

fn explanation(quantized: &Quantized, row: usize, index: usize) -> Explanation {
    let test = &quantized.rows.test;
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
    explain(explained, row, label, &test.values().row(index).to_vec())
}
