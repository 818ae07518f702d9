//! Several files of rows as one, and what a column of theirs says in words.

use std::collections::BTreeSet;

use crate::source::Source;
use crate::target::Target;
use crate::{Columns, DataError, Dataset, Labels, Rows};

/// A file among several.
pub struct Part<'a> {
    /// How messages call it.
    pub name: String,
    /// What is in it.
    pub source: Source<'a>,
    /// The class of all its rows; `None` where they have labels of their own, or none.
    pub class: Option<String>,
}

/// Reads files with the same columns, in any order, as one. Rows without labels count as class `""`, or
/// as 0.
///
/// # Errors
/// As [`Source::read`], with the file's name; columns that one file has and another has not, or
/// another number where they have no names; labels in some files alone.
///
/// # Panics
/// If there are no files.
pub fn read_all(parts: &[Part<'_>], keeps: &dyn Fn(&str) -> bool) -> Result<Dataset, DataError> {
    let [first, ..] = parts else {
        panic!("at least one file")
    };
    if let ([_], None) = (parts, &first.class) {
        return first.source.read(keeps);
    }
    let mut all: Option<(Rows, Vec<f64>)> = None;
    let (mut labels, mut notes, mut columns) = (Labels::default(), Vec::new(), Columns::new());
    let mut n_rows = 0;
    for part in parts {
        let (rows, of_rows) = part
            .source
            .rows(keeps)
            .map_err(|error| part.at_fault(error))?;
        let of_rows = match (&part.class, of_rows) {
            (Some(class), _) => (0..rows.values.nrows()).map(|_| class).collect(),
            (None, Some(of_rows)) => of_rows,
            (None, None) => Labels::default(),
        };
        labels.extend(&of_rows);
        notes.extend(part.source.note().map(|note| note.of(&part.name)));
        columns.extend(part.source.known_columns().clone());
        n_rows += rows.values.nrows();
        match &mut all {
            None => all = Some((rows.clone(), rows.values.into_raw_vec_and_offset().0)),
            Some((like, values)) => {
                let rows = part.aligned(rows, like, &first.name)?;
                values.extend(rows.values);
            }
        }
    }
    let (like, values) = all.expect("at least one file");
    let values = ndarray::Array2::from_shape_vec((n_rows, like.features.len()), values);
    let rows = Rows {
        values: values.expect("each row has one reading per feature"),
        ..like
    };
    let (labels_are, n_targets) = (first.source.labels_are, first.source.n_targets());
    let (target, of_labels) = match labels.len() {
        0 => (Target::none(n_rows, labels_are), Vec::new()),
        _ => Target::of(&labels, labels_are, n_targets)?,
    };
    Ok(Dataset::known(rows, target, of_labels, &columns)?.with_notes(notes))
}

impl Part<'_> {
    /// The error, as one of this file among several.
    pub fn at_fault(&self, error: DataError) -> DataError {
        DataError {
            place: format!("{}: {}", self.name, error.place),
            ..error
        }
    }

    /// Rows with their columns in the order of the first file's.
    fn aligned(&self, rows: Rows, like: &Rows, first: &str) -> Result<Rows, DataError> {
        let fault = |found: String, expected: &str| {
            Err(DataError::new(
                format!("{} beside {first}", self.name),
                found,
                expected,
            ))
        };
        if !(rows.is_named && like.is_named) {
            let (n, n_first) = (rows.features.len(), like.features.len());
            return match n == n_first && rows.is_named == like.is_named {
                true => Ok(rows),
                false => fault(
                    format!("{n} features and {n_first}"),
                    "as many in each of several files, with names in all or in none",
                ),
            };
        }
        let names = |rows: &Rows| rows.features.iter().cloned().collect::<BTreeSet<String>>();
        let (own, others) = (names(&rows), names(like));
        let quoted = |names: Vec<&String>| {
            let quoted: Vec<String> = names.into_iter().map(|it| format!("{it:?}")).collect();
            crate::csv::preview(&quoted)
        };
        let (extra, missing) = (own.difference(&others), others.difference(&own));
        let found = match (extra.collect::<Vec<_>>(), missing.collect::<Vec<_>>()) {
            (extra, missing) if extra.is_empty() && missing.is_empty() => {
                return rows.with_features(&like.features, true);
            }
            (extra, missing) if missing.is_empty() => {
                format!("columns that the other has not: {}", quoted(extra))
            }
            (_, missing) => format!("none of the columns {}", quoted(missing)),
        };
        fault(
            found,
            "the same columns in each of several files (`ignore` in [dataset] leaves columns out)",
        )
    }
}

/// What `column` says of each row, file by file.
///
/// # Errors
/// A file without the column, one of another format than CSV, a field that is missing.
pub fn words_of(parts: &[Part<'_>], column: &str) -> Result<Vec<String>, DataError> {
    let mut words = Vec::new();
    for part in parts {
        let of_part = part
            .source
            .words(column)
            .map_err(|error| part.at_fault(error))?;
        words.extend(of_part.iter().map(str::to_owned));
    }
    Ok(words)
}
