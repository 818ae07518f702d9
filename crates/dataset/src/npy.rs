//! NumPy's `.npy` and `.npz`: arrays of plain scalars or flat records, and the data sets in them.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::limits::check_columns;
use crate::{Budget, DataError, Dataset, Labels, Rows, check_shape};

mod array;
mod dtype;
mod literal;
mod repr;

pub use array::{Array, Scalars};
pub use repr::float_repr;

/// Reads rows and labels from two `.npy` files: a two-dimensional array of numbers, and a
/// one-dimensional array of integers, strings, booleans or floats. Features have no
/// names; they are counted `x0`, `x1`, …
///
/// # Errors
/// As [`Array::parse`], [`rows`] and [`labels`], with the file at fault, or other counts.
pub fn read(values: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    let within = |which: &str, error: DataError| DataError {
        place: format!("{which}, {}", error.place),
        ..error
    };
    let budget = Budget::of(values.len() + labels.len());
    let values = rows_within(values, &budget).map_err(|error| within("rows", error))?;
    let labels = labels_within(labels, &budget).map_err(|error| within("labels", error))?;
    Dataset::of(values, &labels)
}

/// Reads rows and labels from an `.npz`: the member `label` holds the labels, and the rows are
/// the member `X`, or the only other one.
///
/// # Errors
/// No archive, a member that is missing or no `.npy`, or arrays that [`read`] refuses.
pub fn read_npz(bytes: &[u8], label: &str) -> Result<Dataset, DataError> {
    let budget = Budget::of(bytes.len());
    let members = crate::archive::unpack(bytes, &budget)?;
    match npz_parts(&members, label, &budget)? {
        (rows, Some(labels)) => Dataset::of(rows, &labels),
        (_, None) => Err(DataError::new(
            "the archive",
            listing(&members),
            format!("an array \"{label}\" with the labels"),
        )),
    }
}

/// Reads rows from an `.npz`; the member `label`, if there is one, is set apart.
///
/// # Errors
/// As [`read_npz`], but for missing labels, which give `None`, and more than the budget has left.
pub fn read_npz_rows(
    bytes: &[u8],
    label: &str,
    budget: &Budget,
) -> Result<(Rows, Option<Labels>), DataError> {
    npz_parts(&crate::archive::unpack(bytes, budget)?, label, budget)
}

fn npz_parts(
    members: &BTreeMap<String, Vec<u8>>,
    label: &str,
    budget: &Budget,
) -> Result<(Rows, Option<Labels>), DataError> {
    let rows = rows_within(npz_rows_member(members, label)?, budget)?;
    let labels = members.get(&format!("{label}.npy"));
    let labels = labels.map(|bytes| labels_within(bytes, budget));
    Ok((rows, labels.transpose()?))
}

fn npz_rows_member<'m>(
    members: &'m BTreeMap<String, Vec<u8>>,
    label: &str,
) -> Result<&'m [u8], DataError> {
    let label = format!("{label}.npy");
    let others: Vec<&str> = members
        .keys()
        .map(String::as_str)
        .filter(|name| *name != label)
        .collect();
    let name = match others[..] {
        [only] => only,
        _ if others.contains(&"X.npy") => "X.npy",
        _ => {
            return Err(DataError::new(
                "the archive",
                listing(members),
                "an array \"X\" with the rows",
            ));
        }
    };
    Ok(&members[name])
}

fn listing(members: &BTreeMap<String, Vec<u8>>) -> String {
    let names: Vec<&str> = members
        .keys()
        .take(10)
        .map(|name| name.strip_suffix(".npy").unwrap_or(name))
        .collect();
    format!("{} members: {}", members.len(), names.join(", "))
}

/// Reads a two-dimensional array of numbers as rows without names, whose features are
/// counted `x0`, `x1`, …
///
/// # Errors
/// As [`Array::parse`], or an array of another dimension or type, or of no rows or features.
pub fn rows(bytes: &[u8]) -> Result<Rows, DataError> {
    rows_within(bytes, &Budget::of(bytes.len()))
}

pub(crate) fn rows_within(bytes: &[u8], budget: &Budget) -> Result<Rows, DataError> {
    let array = Array::parse(bytes)?;
    let [n_rows, n_features] = array.shape()[..] else {
        return Err(array.shape_error("a two-dimensional array, rows by features"));
    };
    check_shape(n_rows, n_features)?;
    check_columns("the .npy header", n_features)?;
    budget.take_items("the .npy data", array.n_items(), size_of::<f64>() as u64)?;
    let values = Array2::from_shape_vec((n_rows, n_features), array.scalars()?.numbers()?)
        .expect("the parser checked the length");
    Ok(Rows {
        features: (0..n_features).map(|index| format!("x{index}")).collect(),
        is_named: false,
        values,
    })
}

/// Reads a one-dimensional array as class names; see [`Scalars::texts`].
///
/// # Errors
/// As [`Array::parse`], or an array of another dimension or type.
pub fn labels(bytes: &[u8]) -> Result<Vec<String>, DataError> {
    let labels = labels_within(bytes, &Budget::of(bytes.len()))?;
    Ok(labels.iter().map(str::to_owned).collect())
}

pub(crate) fn labels_within(bytes: &[u8], budget: &Budget) -> Result<Labels, DataError> {
    let array = Array::parse(bytes)?;
    if array.shape().len() != 1 {
        return Err(array.shape_error("a one-dimensional array of labels"));
    }
    let mut labels = Labels::default();
    array
        .scalars()?
        .each_text(|text| labels.push(&text, budget))?;
    Ok(labels)
}
