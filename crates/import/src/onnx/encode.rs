//! Operators before the trees that make numbers of categories: `OneHotEncoder` and `LabelEncoder`.

use std::rc::Rc;

use spinney_dataset::Budget;

use super::graph::Node;
use crate::ImportError;
use crate::fold::{Encoder, Input, Op, Words};

/// Bytes that a category takes in each column that is made of it.
const CATEGORY_BYTES: u64 = 48;

/// Passes columns through an encoder.
///
/// # Errors
/// Categories of two kinds or none; text columns whose encoders list other words; columns that were
/// changed before.
pub(super) fn encode(
    node: &Node,
    inputs: Vec<Input>,
    words: &mut Words,
    budget: &Budget,
) -> Result<Vec<Input>, ImportError> {
    let is_one_hot = node.op_type == "OneHotEncoder";
    let prefix = if is_one_hot { "cats" } else { "keys" };
    let texts = node.texts(&format!("{prefix}_strings"));
    let integers = node.integers(&format!("{prefix}_int64s"));
    let mut keys: Vec<f64> = integers.iter().map(|it| *it as f64).collect();
    keys.extend(node.floats(&format!("{prefix}_floats")));
    let is_text = !texts.is_empty();
    if is_text != keys.is_empty() {
        return Err(node.odd("categories of two kinds, or none", "numbers or texts"));
    }
    if is_text {
        keys = (0..texts.len()).map(|place| place as f64).collect();
    }
    let mut columns = Vec::new();
    for mut input in inputs {
        if !input.ops.iter().all(|op| matches!(op, Op::Single)) {
            return Err(refused!(
                "the operator {} behind others", node.shown(); "give it the column as it is"
            ));
        }
        input.ops.clear();
        if is_text {
            let known = words.insert(input.raw, texts.clone());
            if known.is_some_and(|known| known != texts) {
                return Err(node.odd("other words than an operator before", "the same"));
            }
        }
        let n_columns = if is_one_hot { keys.len() } else { 1 };
        budget.take_items(
            &node.op_type,
            keys.len().saturating_mul(n_columns),
            CATEGORY_BYTES,
        )?;
        let mut push = |values: &[f64], unknown: f64| {
            let mut raw: Vec<(f64, f64)> =
                keys.iter().copied().zip(values.iter().copied()).collect();
            // A missing reading is a category where NaN is a key.
            let missing = raw.iter().find(|(key, _)| key.is_nan());
            let missing = missing.map_or(unknown, |(_, value)| *value);
            raw.retain(|(key, _)| !key.is_nan());
            raw.sort_by(|one, other| one.0.total_cmp(&other.0));
            columns.push(input.with(Op::Encode(Rc::new(Encoder {
                raw,
                unknown,
                missing,
            }))));
        };
        if is_one_hot {
            for at in 0..keys.len() {
                let values = (0..keys.len()).map(|other| f64::from(u8::from(other == at)));
                push(&values.collect::<Vec<_>>(), 0.0);
            }
            continue;
        }
        let integers = node.integers("values_int64s");
        let mut values: Vec<f64> = integers.iter().map(|it| *it as f64).collect();
        let default = |name: &str| node.attribute(name);
        let unknown = match values.is_empty() {
            true => default("default_float").map_or(-0.0, |it| f64::from(it.f)),
            false => default("default_int64").map_or(-1.0, |it| it.i as f64),
        };
        values.extend(node.floats("values_floats"));
        if values.len() != keys.len() {
            return Err(node.odd("other values than keys", "a number for each"));
        }
        push(&values, unknown);
    }
    Ok(columns)
}
