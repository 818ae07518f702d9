//! Steps for some of the columns each: `ColumnTransformer`, and `FeatureUnion`.

use spinney_model::limits;

use super::object::Object;
use super::steps::{self, STEP_BYTES};
use crate::ImportError;
use crate::fold::{Input, Words};

/// Columns, each through the steps that are for it, one result behind the other.
pub(super) fn apply(
    step: &Object,
    inputs: &[Input],
    words: &mut Words,
) -> Result<Vec<Input>, ImportError> {
    if step.find("transformer_weights").is_some() {
        return Err(ImportError::refused(
            format!("a {} with transformer_weights", step.shown_class()),
            "leave them out: trees need no scaling",
        ));
    }
    let is_union = step.class_name() == "FeatureUnion";
    let parts = match is_union {
        true => step.get("transformer_list")?,
        false => step.get("transformers_")?,
    };
    let mut columns = Vec::new();
    for part in parts.items()? {
        let items = part.items()?;
        let [name, transformer, ..] = &items[..] else {
            return Err(part.odd("a name and a transformer"));
        };
        let own = match is_union {
            true => inputs.to_vec(),
            false => {
                let indices = step.get("_transformer_to_input_indices")?;
                let indices = indices.get(&name.text()?)?.list_of_numbers()?;
                let column = |index: &f64| {
                    // Casts: an index, or none that there is.
                    let column = inputs.get(*index as usize).cloned();
                    column.ok_or_else(|| part.odd("indices of columns"))
                };
                indices.iter().map(column).collect::<Result<_, _>>()?
            }
        };
        let budget = step.budget();
        budget.take_items(part.place(), own.len(), STEP_BYTES)?;
        match transformer.text().ok().as_deref() {
            _ if own.is_empty() => {}
            Some("drop") => {}
            Some("passthrough") => columns.extend(own),
            _ => columns.extend(steps::apply(transformer, own, words)?),
        }
        limits::FEATURES.check(step.place(), columns.len().max(1))?;
    }
    Ok(columns)
}
