//! How labels are read: numbers by their value, text as it stands without the spaces around it.

use std::collections::BTreeMap;

use crate::npy::float_repr;
use crate::{DataError, Note};

/// What a label's class is called: a number in its shortest form, so that `1`, `01`, `1.0` and `1e0`
/// are one class; anything else as it stands, without the spaces around it.
#[must_use]
pub fn canonical(label: &str) -> String {
    const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
    let label = label.trim();
    if let Ok(integer) = label.parse::<i64>() {
        return integer.to_string();
    }
    match label.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() <= INTEGER_MAX => {
            // Adding zero makes it positive.
            format!("{}", number + 0.0)
        }
        Ok(number) if number.is_finite() && number.fract() != 0.0 => float_repr(number),
        _ => label.to_owned(),
    }
}

/// Whether a label stands for one that is not there, as tools write it.
#[must_use]
pub fn is_missing(label: &str) -> bool {
    const WORDS: [&str; 8] = ["", "?", "na", "n/a", "nan", "null", "#n/a", "<na>"];
    WORDS.contains(&label.trim().to_lowercase().as_str())
}

/// Refuses a label that [`is_missing`]; `place` is where it stands.
///
/// # Errors
/// A missing label.
pub fn check(label: &str, place: impl FnOnce() -> String) -> Result<(), DataError> {
    if !is_missing(label) {
        return Ok(());
    }
    Err(match label.trim() {
        "" => DataError::new(place(), "an empty field", "a class"),
        label => DataError::new(
            place(),
            format!("\"{label}\", which stands for a missing value"),
            "a class (drop the row, or give the class another name)",
        ),
    })
}

/// Labels by their classes' names, and a note for classes that are spelt in several ways.
pub(crate) fn named(labels: &[String]) -> (Vec<String>, Option<Note>) {
    let mut spellings: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    let named = labels.iter().map(|label| {
        let class = canonical(label);
        let of_class = spellings.entry(class.clone()).or_default();
        *of_class.entry(label).or_default() += 1;
        class
    });
    let named = named.collect();
    let merged: Vec<String> = spellings
        .iter()
        .filter(|(_, spellings)| spellings.len() > 1)
        .map(|(class, spellings)| {
            let spellings: Vec<String> = (spellings.iter())
                .map(|(spelling, n_rows)| format!("{spelling:?} ({n_rows} rows)"))
                .collect();
            format!("{} are the class \"{class}\"", spellings.join(" and "))
        })
        .collect();
    let note = (!merged.is_empty()).then(|| Note::new("label-spellings", merged.join("; ")));
    (named, note)
}

/// A note for classes that differ only in case.
pub(crate) fn alike(classes: &[String]) -> Option<Note> {
    let mut by_word: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for class in classes {
        by_word.entry(class.to_lowercase()).or_default().push(class);
    }
    let alike: Vec<String> = (by_word.values())
        .filter(|classes| classes.len() > 1)
        .map(|classes| format!("\"{}\"", classes.join("\" and \"")))
        .collect();
    (!alike.is_empty()).then(|| {
        let text = format!(
            "classes differ only in case, and stay apart: {}",
            alike.join("; ")
        );
        Note::new("classes-alike", text)
    })
}
