//! What a feature's column may hold beside finite numbers: gaps and words, where they are declared.

use std::collections::{BTreeMap, HashMap};

use crate::{DataError, Rows};

/// The features that may have gaps or words, by name.
pub type Columns = BTreeMap<String, Column>;

/// What may stand in a feature's column beside finite numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Column {
    /// Whether readings may be missing, and how.
    pub missing: Option<Missing>,
    /// The words of a column of categories, whose readings are their places here; empty for a column
    /// of numbers.
    pub categories: Vec<String>,
}

/// How a missing reading is written. In rows it is NaN, whatever stood in the file.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// As NaN, or nothing.
    Nan,
    /// Also as this number, which is then no reading.
    #[serde(rename = "reading")]
    Number(f64),
}

/// Whether a field stands for a reading that is not there.
pub(crate) fn is_missing(field: &str) -> bool {
    [
        "", "?", "-", "na", "n/a", "nan", "null", "none", "#n/a", "<na>",
    ]
    .contains(&field.to_lowercase().as_str())
}

/// The number that a field is: a decimal one, or a boolean as 0 or 1.
pub(crate) fn number(field: &str) -> Option<f64> {
    field.parse().ok().or_else(|| {
        let is = |word: &str| field.eq_ignore_ascii_case(word);
        (is("true") || is("false")).then(|| f64::from(u8::from(is("true"))))
    })
}

/// Reads the fields of one column.
pub(crate) struct Fields<'c> {
    column: Option<&'c Column>,
    place_of: HashMap<&'c str, f64>,
}

impl<'c> Fields<'c> {
    pub(crate) fn of(column: Option<&'c Column>) -> Self {
        let words = column.map_or(&[][..], |column| &column.categories);
        let places = words.iter().zip(0_u32..);
        Self {
            column,
            place_of: places
                .map(|(word, place)| (word.as_str(), f64::from(place)))
                .collect(),
        }
    }

    /// A field's reading: a finite number, or NaN where none is there and that is allowed.
    pub(crate) fn reading(&self, field: &str) -> Option<f64> {
        if let Some(place) = self.place_of.get(field) {
            return Some(*place);
        }
        let missing = self.column.and_then(|column| column.missing);
        let number = number(field);
        match missing {
            Some(Missing::Number(gap)) if number == Some(gap) => Some(f64::NAN),
            Some(_) if is_missing(field) => Some(f64::NAN),
            _ => number.filter(|it| it.is_finite() && self.place_of.is_empty()),
        }
    }

    /// The first categories, for a message; `None` for a column of numbers.
    pub(crate) fn categories(&self) -> Option<String> {
        let column = self.column.filter(|it| !it.categories.is_empty())?;
        Some(crate::csv::preview(&column.categories))
    }
}

/// Turns what stands for a gap into NaN, and refuses numbers that are no category; for rows that were
/// numbers in their file.
///
/// # Errors
/// The first reading of a column of categories that is no place in their list.
pub(crate) fn apply(rows: &mut Rows, columns: &Columns) -> Result<(), DataError> {
    for (index, name) in rows.features.iter().enumerate() {
        let Some(column) = columns.get(name) else {
            continue;
        };
        for (row, reading) in rows.values.column_mut(index).iter_mut().enumerate() {
            if column.missing == Some(Missing::Number(*reading)) {
                *reading = f64::NAN;
            }
            let n = column.categories.len();
            let is_place = reading.fract() == 0.0 && (0.0..n as f64).contains(reading);
            if n > 0 && !is_place && !reading.is_nan() {
                return Err(broken!(
                    format!("row {row}, feature \"{name}\""); "{reading}";
                    "a category's place, 0 to {}", n - 1
                ));
            }
        }
    }
    Ok(())
}

/// Refuses readings that are not finite, but gaps of columns that may have them.
///
/// # Errors
/// The first such reading.
pub(crate) fn check(rows: &Rows, columns: &Columns) -> Result<(), DataError> {
    let may_miss: Vec<bool> = (rows.features.iter())
        .map(|name| columns.get(name).is_some_and(|it| it.missing.is_some()))
        .collect();
    let fault = (rows.values.indexed_iter())
        .find(|((_, column), value)| !(value.is_finite() || value.is_nan() && may_miss[*column]));
    let Some(((row, column), value)) = fault else {
        return Ok(());
    };
    Err(broken!(
        format!("row {row}, feature \"{}\"", rows.features[column]); "{value}"; "a finite number"
    ))
}
