//! What a config may say that this version cannot do yet, as one list.

use crate::diagnostics::Fault;
use crate::raw::RawPipeline;
use crate::value::{Reader, Value};

/// Values of a key that are understood and refused.
struct Refusal {
    section: &'static str,
    key: &'static str,
    /// Whether a value, as a word, is refused.
    refused: fn(&str) -> bool,
    /// What to write instead.
    instead: &'static str,
}

/// An entry goes when the tool can do what it refuses.
const REFUSALS: &[Refusal] = &[Refusal {
    section: "model",
    key: "class_weight",
    refused: |word| word == "balanced_subsample",
    instead: "`class_weight = \"balanced\"`",
}];

/// Refuses what was typed and is on the list.
pub(crate) fn unsupported(reader: &mut Reader, raw: &RawPipeline) {
    for refusal in REFUSALS {
        for section in raw.sections_named(refusal.section) {
            let (Some(value), Some(span)) =
                (section.value(refusal.key), section.given(refusal.key))
            else {
                continue;
            };
            let words = match value {
                Value::Text(word) => vec![(word.clone(), span)],
                Value::Flag(flag) => vec![(flag.to_string(), span)],
                Value::Words(words) => words.clone(),
                _ => Vec::new(),
            };
            for (word, span) in words {
                if (refusal.refused)(&word) && !reader.is_at_fault(&span) {
                    let message = format!(
                        "{}.{}: found `{word}`, which is not supported by this version",
                        section.place, refusal.key
                    );
                    let help = format!("write {} instead", refusal.instead);
                    reader
                        .faults
                        .push(Fault::new(Some(span), message).help(help));
                }
            }
        }
    }
}
