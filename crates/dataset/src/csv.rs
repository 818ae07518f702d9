//! CSV: numeric columns, and one column of any type as the label.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::columns::{Fields, is_missing};
use crate::dialect::{Shape, has_thousands, with_point};
use crate::{Budget, Columns, DataError, Dataset, Labels, LabelsAre, Rows, Table, labels};

/// Reads a data set from CSV with a header, gzipped or not; `label` names the column that holds the
/// class.
///
/// # Errors
/// What [`Table`] refuses, a column name that is none, no rows, no column of that name, a field that is no finite number, a label
/// that is missing. Each names line and column.
pub fn read(bytes: &[u8], label: &str) -> Result<Dataset, DataError> {
    let budget = Budget::of(bytes.len());
    let bytes = crate::unpacked(bytes, &budget)?;
    let wanted = Wanted {
        labels: &[label],
        labels_are: LabelsAre::Classes,
        keeps: &|_| true,
        columns: &Columns::new(),
        way_out: WAY_OUT,
    };
    let shape = Shape::of(&bytes, true.into())?;
    let (rows, labels) = read_columns(&bytes, &shape, &wanted, &budget)?;
    let rows = Dataset::of(rows, &labels.unwrap_or_default())?;
    Ok(rows.with_notes(shape.note()))
}

/// What helps against a gap that may not be there, unless a caller says so itself.
pub(crate) const WAY_OUT: &str = "`missing` in [dataset] drops or fills what is missing";

/// What is read of a table.
pub(crate) struct Wanted<'a> {
    /// The columns of labels, one for each target; none if the file has none.
    pub labels: &'a [&'a str],
    pub labels_are: LabelsAre,
    /// Says no to features that are left out; what stands in these is not looked at.
    pub keeps: &'a dyn Fn(&str) -> bool,
    /// Features that may have gaps or words.
    pub columns: &'a Columns,
    /// What helps against a gap that may not be there.
    pub way_out: &'static str,
}

/// Reads rows, and their labels where these have a column.
///
/// Without a header, columns are called by their numbers from 0 on, and the features among them, in
/// their order, `x0`, `x1`, …
///
/// # Errors
/// As [`read`], and more than the budget has left.
pub(crate) fn read_columns(
    bytes: &[u8],
    shape: &Shape,
    wanted: &Wanted<'_>,
    budget: &Budget,
) -> Result<(Rows, Option<Labels>), DataError> {
    let has_header = shape.has_header;
    let mut table = Table::of(bytes, shape.clone())?;
    table.check_names()?;
    let names = table.names().to_vec();
    let position = |label: &&str| {
        names.iter().position(|name| name == label).ok_or_else(|| {
            broken!(
                "line 1"; "no column \"{label}\"";
                "the label among the columns: {}", preview(&names)
            )
        })
    };
    let label_columns = wanted.labels.iter().map(position);
    let label_columns = label_columns.collect::<Result<Vec<usize>, _>>()?;
    let kept: Vec<(usize, String)> = feature_names(&names, has_header, &label_columns)
        .filter(|(_, name)| (wanted.keeps)(name))
        .collect();
    let fields: Vec<Fields<'_>> = (kept.iter())
        .map(|(_, name)| Fields::of(wanted.columns.get(name)))
        .collect();
    let mut values = Vec::new();
    let mut labels = Labels::default();
    let mut faults: BTreeMap<usize, Unreadable> = BTreeMap::new();
    while table.advance()? {
        for &column in &label_columns {
            let label = table.field(column)?;
            match wanted.labels_are {
                LabelsAre::Classes | LabelsAre::Texts => {
                    labels::check(label, || table.place(column))?
                }
                LabelsAre::Numbers => {
                    labels::number(label, || table.place(column))?;
                }
            }
            labels.push(label, budget)?;
        }
        budget.take_items("the rows", kept.len(), size_of::<f64>() as u64)?;
        for ((column, name), fields) in kept.iter().zip(&fields) {
            let field = table.field(*column)?;
            let value = fields.reading(field);
            values.push(value.unwrap_or_default());
            if value.is_none() && !faults.contains_key(column) {
                let fault = Unreadable {
                    name: name.clone(),
                    line: table.line(),
                    field: field.to_owned(),
                    categories: fields.categories(),
                };
                faults.insert(*column, fault);
            }
        }
    }
    let faults: Vec<Unreadable> = faults.into_values().collect();
    if !faults.is_empty() {
        return Err(unreadable(&faults, wanted.way_out));
    }
    let n_rows = values.len().checked_div(kept.len()).unwrap_or(0);
    if n_rows == 0 {
        return Err(broken!(
            if has_header { "line 2" } else { "line 1" }; "no data";
            "at least one row with at least one feature"
        ));
    }
    let values = Array2::from_shape_vec((n_rows, kept.len()), values)
        .expect("each row has one value per feature");
    let rows = Rows {
        features: kept.into_iter().map(|(_, name)| name).collect(),
        is_named: has_header,
        values,
    };
    Ok((rows, (!label_columns.is_empty()).then_some(labels)))
}

/// The fields of one column, none of them missing.
pub(crate) fn words(
    bytes: &[u8],
    shape: &Shape,
    column: &str,
    budget: &Budget,
) -> Result<Labels, DataError> {
    let mut table = Table::of(bytes, shape.clone())?;
    let names = table.names();
    let Some(at) = names.iter().position(|name| name == column) else {
        return Err(broken!(
            "line 1"; "no column {column:?}"; "it among the columns: {}", preview(names)
        ));
    };
    let mut words = Labels::default();
    while table.advance()? {
        let word = table.field(at)?;
        labels::check(word, || table.place(at))?;
        words.push(word, budget)?;
    }
    Ok(words)
}

/// The columns that are features, each with its name.
pub(crate) fn feature_names(
    names: &[String],
    has_header: bool,
    label_columns: &[usize],
) -> impl Iterator<Item = (usize, String)> {
    let columns = (0..names.len()).filter(|column| !label_columns.contains(column));
    columns.enumerate().map(move |(feature, column)| {
        let name = if has_header {
            names[column].clone()
        } else {
            format!("x{feature}")
        };
        (column, name)
    })
}

/// The first field of a column that is no number.
#[derive(Debug, Clone)]
struct Unreadable {
    name: String,
    line: usize,
    field: String,
    /// The words that the column may hold, if it is one of categories.
    categories: Option<String>,
}

/// All columns that cannot be read, at once.
fn unreadable(faults: &[Unreadable], way_out: &str) -> DataError {
    const SHOWN: usize = 8;
    const LEAVE_OUT: &str = "an empty field is a missing reading; else leave the row out";
    let is_infinite = |field: &str| field.parse::<f64>().is_ok_and(f64::is_infinite);
    if let [
        Unreadable {
            name,
            line,
            field,
            categories,
        },
    ] = faults
    {
        return DataError::new(
            format!("line {line}, column \"{name}\""),
            format!("\"{field}\""),
            match (categories, field.parse::<f64>()) {
                (Some(categories), _) => {
                    format!("one of the column's `categories` in [features]: {categories}")
                }
                (None, Ok(_)) if is_infinite(field) => format!("a finite number ({LEAVE_OUT})"),
                (None, Ok(_)) => format!("a finite number ({way_out})"),
                (None, Err(_)) if is_missing(field) => format!("a number ({way_out})"),
                (None, Err(_)) if with_point(field).is_some() => {
                    "a number with a decimal point, not a comma (`decimal = \",\"` in [dataset] reads \
                     commas so)"
                        .to_owned()
                }
                (None, Err(_)) if has_thousands(field) => {
                    "a number without marks between thousands (`thousands=` of pandas' `read_csv` \
                     reads them)"
                        .to_owned()
                }
                (None, Err(_)) => "a number (`ignore` in [dataset] leaves a column out)".to_owned(),
            },
        );
    }
    let mut shown: Vec<String> = (faults.iter().take(SHOWN))
        .map(|it| format!("\"{}\" in \"{}\" (line {})", it.field, it.name, it.line))
        .collect();
    if let Some(more @ 1..) = faults.len().checked_sub(SHOWN) {
        shown.push(format!("and so in {more} more"));
    }
    let of_text: Vec<String> = faults
        .iter()
        .filter(|it| it.field.parse::<f64>().is_err() && !is_missing(&it.field))
        .map(|it| format!("{:?}", it.name))
        .collect();
    let rest = match faults.iter().any(|it| is_infinite(&it.field)) {
        true => LEAVE_OUT,
        false => way_out,
    };
    let ignore = match of_text.len() {
        0 => rest.to_owned(),
        1..=SHOWN => format!(
            "`ignore = [{}]` in [dataset] leaves columns of text out; {rest}",
            of_text.join(", ")
        ),
        _ => format!("`ignore` in [dataset] leaves columns out; {rest}"),
    };
    DataError::new(
        format!("{} columns", faults.len()),
        shown.join(", "),
        format!("numbers ({ignore})"),
    )
}

/// The first names, and the last one, where labels often stand.
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
