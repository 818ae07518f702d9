//! A table in Parquet as CSV, so that whatever reads rows reads it: names, words, gaps and booleans are those
//! that pandas has of it.

use std::fmt::Write as _;

use super::{Cell, Column, odd, read};
use crate::{Budget, DataError};

/// How pandas calls the columns of an index that has no name.
pub(crate) const INDEX: &str = "__index_level_";

/// A file as CSV; an index that pandas wrote without a name is left out.
///
/// # Errors
/// As [`read`]; a column of lists or of groups, by its name.
pub(crate) fn csv(bytes: &[u8], budget: &Budget) -> Result<Vec<u8>, DataError> {
    let is_wanted = |path: &[String]| !path.iter().any(|name| name.starts_with(INDEX));
    let mut columns = read(bytes, &is_wanted, budget)?;
    columns.retain(|column| is_wanted(&column.path));
    let n_rows = columns.first().map_or(0, Column::n_rows);
    let mut text = String::new();
    for (at, column) in columns.iter().enumerate() {
        let [name] = &column.path[..] else {
            let name = column.path.join(".");
            let found = format!("the column \"{}\"", name.escape_default());
            return Err(odd(
                "the schema",
                found,
                "columns of single values, no lists or groups",
            ));
        };
        if column.n_rows() != n_rows {
            let found = format!("{} rows of \"{}\"", column.n_rows(), name.escape_default());
            return Err(odd(
                "a column",
                found,
                &format!("{n_rows}, as the first has"),
            ));
        }
        separate(&mut text, at);
        quote(&mut text, name);
    }
    let mut n_taken = 0;
    for row in 0..n_rows {
        text.push('\n');
        for (at, column) in columns.iter().enumerate() {
            separate(&mut text, at);
            if let Some(cell) = column.row(row).first() {
                field(&mut text, cell, column.unit);
            }
        }
        // Text may grow to twice what it is.
        budget.take_items("the table", text.len() - n_taken, 2)?;
        n_taken = text.len();
    }
    text.push('\n');
    Ok(text.into_bytes())
}

pub(crate) fn separate(text: &mut String, at: usize) {
    if at > 0 {
        text.push(',');
    }
}

pub(crate) fn field(text: &mut String, cell: &Cell, unit: Option<&str>) {
    let written = match (cell, unit) {
        // A word, as which it is left out or refused by its column.
        (Cell::Integer(integer), Some(unit)) => write!(text, "{unit} {integer}"),
        (Cell::Integer(integer), None) => write!(text, "{integer}"),
        (Cell::Number(number), _) if number.is_nan() => Ok(()),
        (Cell::Number(number), _) => write!(text, "{number:?}"),
        (Cell::Flag(flag), _) => write!(text, "{}", if *flag { "True" } else { "False" }),
        (Cell::Text(word), _) => {
            quote(text, word);
            Ok(())
        }
    };
    written.expect("a string takes any text");
}

pub(crate) fn quote(text: &mut String, word: &str) {
    text.push('"');
    text.push_str(&word.replace('"', "\"\""));
    text.push('"');
}
