//! What a run says besides its figures: rows that look odd, rows that differ, and where to look.

use std::path::Path;

use spinney_config::{Config, Model as ModelConfig};
use spinney_dataset::{Dataset, notes};
use spinney_evaluate::{Predictions, Verdict, at_fault};
use spinney_model::FloatModel;
use spinney_quantize::needed_ranges;

use super::inputs::PipelineRows;
use super::quantize::{PREDICTIONS, SUMMARY, Summary};
use super::{Session, chip, report};
use crate::failure::Failure;
use crate::invocation;

/// Fewer rows than these show nothing by how they are spread.
const ROWS_MIN: usize = 20;
/// Features that a note names one by one.
const SHOWN: usize = 3;

/// What is odd about rows and model together, a sentence each.
pub(super) fn of_rows(config: &Config, model: &FloatModel, rows: &PipelineRows) -> Vec<String> {
    let found = rows.notes.iter().map(|note| note.text.clone());
    if config.pipeline.frontend.is_some() {
        return found.collect();
    }
    let trained = matches!(config.pipeline.model, ModelConfig::Train(_));
    let train = rows.train.as_ref().filter(|_| trained);
    let twice = train.and_then(|train| notes::of_sides(train, &rows.test));
    let aside = rows.validation.as_ref();
    let aside = aside.map(|aside| notes::of_validation(train, &rows.test, aside));
    found
        .chain(twice.map(|note| note.text))
        .chain(aside.into_iter().flatten().map(|note| note.text))
        .chain(far_away(model, &rows.test))
        .collect()
}

/// Features whose readings are all on one side of what the model knows, further away than they are
/// spread: so look other units, a scaler that was left out, and columns in another order.
fn far_away(model: &FloatModel, rows: &Dataset) -> Option<String> {
    if rows.n_rows() < ROWS_MIN {
        return None;
    }
    let far: Vec<String> = needed_ranges(model)
        .into_iter()
        .enumerate()
        .filter_map(|(feature, known)| {
            let (known_low, known_high) = known?;
            let mut column = rows.values().column(feature).to_vec();
            column.sort_by(f64::total_cmp);
            let (low, high) = (column[0], column[column.len() - 1]);
            let quarter = column.len() / 4;
            // Most of a sparse feature is one value, and says nothing.
            let is_spread = column[quarter] < column[column.len() - 1 - quarter];
            let gap = (known_low - high).max(low - known_high);
            (is_spread && gap > high - low).then(|| {
                let column = &rows.features()[feature];
                let known_as = &model.schema().features()[feature].name;
                let alias = if column == known_as {
                    String::new()
                } else {
                    format!(" ({known_as})")
                };
                let (reads, known) = (span(low, high), span(known_low, known_high));
                format!("\"{column}\"{alias} reads {reads} against {known}")
            })
        })
        .collect();
    if far.is_empty() {
        return None;
    }
    let what = if model.trees().is_empty() {
        "classes"
    } else {
        "thresholds"
    };
    let more = match far.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(", and {n} more"),
    };
    Some(format!(
        "test readings are far from all of the model's {what}: {}{more}; are units, scaling and the \
         order of columns those that it was fitted on?",
        far[..far.len().min(SHOWN)].join(", ")
    ))
}

fn span(low: f64, high: f64) -> String {
    if low < high {
        format!("{low:.4} to {high:.4}")
    } else {
        format!("{low:.4}")
    }
}

/// Rows that float and Q15 decide differently, by their numbers in the file.
pub fn differing(known: &Summary, predictions: &Predictions) -> impl Iterator<Item = usize> {
    let pairs = predictions.float.iter().zip(&predictions.q15);
    pairs
        .zip(&known.source_rows)
        .filter(|((float, q15), _)| float != q15)
        .map(|(_, row)| *row)
}

/// A note for whatever is odd, and for rows that differ how to see why.
///
/// # Errors
/// Stage `quantize` has not run.
pub fn notes(session: &Session, path: &Path, verdicts: &[Verdict]) -> Result<Vec<String>, Failure> {
    let quantized = session.made("quantize")?;
    let known: Summary = quantized.read_json(SUMMARY)?;
    let mut notes = chip::notes(&session.config, &known);
    let is_over = |it: &Verdict| !it.pass && ["flash", "instructions"].contains(&it.gate.as_str());
    let is_trained = matches!(session.config.pipeline.model, ModelConfig::Train(_));
    if is_trained && verdicts.iter().any(is_over) {
        let search = invocation::verb_for(&session.config, "search", "");
        notes.push(format!(
            "{search} finds the model with the best score that meets the budgets"
        ));
    }
    let predictions: Predictions = quantized.read_json(PREDICTIONS)?;
    let rows: Vec<usize> = differing(&known, &predictions).collect();
    let Some(first) = rows.first() else {
        return Ok(notes);
    };
    let is_told = verdicts.iter().any(|verdict| {
        let is_of_rows = ["min_agreement", "max_disagreements"].contains(&verdict.gate.as_str());
        is_of_rows && verdict.note.is_some()
    });
    let mut certificate = report::certificate_of(&quantized, &known)?;
    // Splits that part no row explain none, nor do rows at risk where others part.
    if certificate.remedies.iter().any(|remedy| remedy.n_rows > 0) {
        certificate.remedies.retain(|remedy| remedy.n_rows > 0);
        certificate.rows_at_risk.clear();
    }
    let is_explained = !certificate.remedies.is_empty() || !certificate.rows_at_risk.is_empty();
    if !is_told && is_explained {
        let names: Vec<&str> = known.features.iter().map(|it| it.name.as_str()).collect();
        notes.push(at_fault(&certificate, &names));
    }
    notes.push(format!(
        "row {first} is the first that differs: `{} explain --config {} --row {first}` shows where",
        invocation::name(),
        path.display()
    ));
    Ok(notes)
}
