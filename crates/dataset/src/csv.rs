//! CSV with a header row: numeric columns, and one column of any type as the label.

use ndarray::Array2;

use crate::{DataError, Dataset, Rows};

/// Reads a data set from CSV, gzipped or not; `label` names the column that holds the class.
///
/// # Errors
/// No header or rows, no column of that name, a column name used twice, a row of another length,
/// a field that is no finite number, an empty label. Each names line and column.
pub fn read(bytes: &[u8], label: &str) -> Result<Dataset, DataError> {
    read_kept(bytes, label, &|_| true)
}

/// As [`read`], without the columns that `keeps` says no to; what stands in them is not looked at.
///
/// # Errors
/// As [`read`], and where the label is a column that is not kept.
pub fn read_kept(
    bytes: &[u8],
    label: &str,
    keeps: &dyn Fn(&str) -> bool,
) -> Result<Dataset, DataError> {
    let (rows, labels) = read_columns(bytes, Some(label), keeps)?;
    Dataset::new(rows, &labels.unwrap_or_default())
}

/// Reads rows from CSV, gzipped or not; a column named `label` is set apart if there is one, and
/// those that `keeps` says no to are left out.
///
/// # Errors
/// As [`read`], but for a missing label column, which gives `None`.
pub fn read_rows(
    bytes: &[u8],
    label: &str,
    keeps: &dyn Fn(&str) -> bool,
) -> Result<(Rows, Option<Vec<String>>), DataError> {
    let bytes = crate::gunzip(bytes)?;
    let has_label = header(&mut reader(&bytes))?
        .iter()
        .any(|name| name == label);
    read_columns(&bytes, has_label.then_some(label), keeps)
}

/// The names of all columns of a CSV file, gzipped or not.
///
/// # Errors
/// An empty file, an empty name, or a name used twice.
pub fn columns(bytes: &[u8]) -> Result<Vec<String>, DataError> {
    header(&mut reader(&crate::gunzip(bytes)?))
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text)
}

fn header(reader: &mut csv::Reader<&[u8]>) -> Result<Vec<String>, DataError> {
    let header = reader.headers().map_err(|error| not_utf8(&error))?;
    if header.is_empty() {
        return Err(DataError::new(
            "line 1",
            "an empty file",
            "a header row with column names",
        ));
    }
    let names: Vec<String> = header.iter().map(str::to_owned).collect();
    if let [only] = names.as_slice()
        && let Some(other) = only.chars().find(|c| [';', '\t', '|'].contains(c))
    {
        return Err(DataError::new(
            "line 1",
            format!("one column, \"{only}\""),
            format!("columns with commas between them, not {other:?}"),
        ));
    }
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(DataError::new(
                format!("line 1, column {}", index + 1),
                "an empty name",
                if index == 0 {
                    "a column name (where pandas wrote the file: `to_csv(…, index=False)`)"
                } else {
                    "a column name"
                },
            ));
        }
        if let Some(first) = names[..index].iter().position(|other| other == name) {
            return Err(DataError::new(
                format!("line 1, column {}", index + 1),
                format!("the name \"{name}\", which column {} has too", first + 1),
                "a name of its own",
            ));
        }
    }
    Ok(names)
}

fn read_columns(
    bytes: &[u8],
    label: Option<&str>,
    keeps: &dyn Fn(&str) -> bool,
) -> Result<(Rows, Option<Vec<String>>), DataError> {
    let bytes = crate::gunzip(bytes)?;
    let mut reader = reader(&bytes);
    let names = header(&mut reader)?;
    let label_column = match label {
        None => None,
        Some(label) => Some(names.iter().position(|name| name == label).ok_or_else(|| {
            DataError::new(
                "line 1",
                format!("no column \"{label}\""),
                format!("the label among the columns: {}", preview(&names)),
            )
        })?),
    };
    let is_feature: Vec<bool> = (0..)
        .zip(&names)
        .map(|(index, name)| Some(index) != label_column && keeps(name))
        .collect();
    let features: Vec<String> = names
        .iter()
        .zip(&is_feature)
        .filter(|(_, is_feature)| **is_feature)
        .map(|(name, _)| name.clone())
        .collect();
    let mut values = Vec::new();
    let mut labels = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| not_utf8(&error))?
    {
        let line = || line_of(&bytes, record.position());
        if record.len() != names.len() {
            return Err(DataError::new(
                format!("line {}", line()),
                format!("{} fields", record.len()),
                format!("{}, as the header has", names.len()),
            ));
        }
        for (index, field) in record.iter().enumerate() {
            let place = || format!("line {}, column \"{}\"", line(), names[index]);
            if Some(index) == label_column {
                labels.push(
                    canonical_label(field)
                        .ok_or_else(|| DataError::new(place(), "an empty field", "a class"))?,
                );
                continue;
            }
            if !is_feature[index] {
                continue;
            }
            let value: f64 = field.parse().map_err(|_| {
                let expected = if is_missing(field) {
                    "a number (drop or fill missing values first)"
                } else {
                    "a number (`ignore` in [dataset] leaves a column out)"
                };
                DataError::new(place(), format!("\"{field}\""), expected)
            })?;
            if !value.is_finite() {
                return Err(DataError::new(
                    place(),
                    format!("\"{field}\""),
                    "a finite number (drop or fill missing values first)",
                ));
            }
            values.push(value);
        }
    }
    let n_rows = values.len().checked_div(features.len()).unwrap_or(0);
    if n_rows == 0 {
        return Err(DataError::new(
            "line 2",
            "no data",
            "at least one row with at least one feature",
        ));
    }
    let values = Array2::from_shape_vec((n_rows, features.len()), values)
        .expect("each row has one value per feature");
    let rows = Rows {
        features,
        is_named: true,
        values,
    };
    Ok((rows, label_column.map(|_| labels)))
}

/// Whether a field stands for a reading that is not there.
fn is_missing(field: &str) -> bool {
    ["", "?", "-", "na", "n/a", "null", "none"].contains(&field.to_lowercase().as_str())
}

/// The line that a record stands in. The reader's own count is short by one where lines end in CR
/// and LF, since a record begins before the LF of the line above.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> usize {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = position.map_or(0, |it| usize::try_from(it.byte()).unwrap_or(usize::MAX));
    let (before, record) = text.split_at(start.min(text.len()));
    let breaks = record.iter().take_while(|byte| b"\r\n".contains(byte));
    let is_line = |byte: &&u8| **byte == b'\n';
    1 + before.iter().filter(is_line).count() + breaks.filter(is_line).count()
}

/// `03` and `+3` are the integer class 3; anything else is taken as it stands.
fn canonical_label(field: &str) -> Option<String> {
    match field.parse::<i64>() {
        Ok(integer) => Some(integer.to_string()),
        Err(_) if field.is_empty() => None,
        Err(_) => Some(field.to_owned()),
    }
}

/// The first names, and the last one, where labels often stand.
#[must_use]
pub fn preview(names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.len() <= SHOWN + 1 {
        return names.join(", ");
    }
    format!(
        "{}, … ({} more), {}",
        names[..SHOWN].join(", "),
        names.len() - SHOWN - 1,
        names[names.len() - 1]
    )
}

fn not_utf8(error: &csv::Error) -> DataError {
    let line = error.position().map_or(1, csv::Position::line);
    DataError::new(format!("line {line}"), error.to_string(), "UTF-8 text")
}
