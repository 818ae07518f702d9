//! Class labels of any Python type, as the class names of a model.

use serde_json::Value;
use spinney_dataset::npy::float_repr;

/// The name of a class that Python holds as a string, boolean, integer or float; `None` for
/// anything else.
pub(crate) fn name(label: &Value) -> Option<String> {
    match label {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) if number.is_f64() => number.as_f64().map(float_repr),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The labels of `n` classes, or where they are not as many the numbers from 0 on.
pub(crate) fn named(labels: Vec<String>, n: usize) -> Vec<String> {
    match labels.len() == n {
        true => labels,
        false => (0..n).map(|index| index.to_string()).collect(),
    }
}
