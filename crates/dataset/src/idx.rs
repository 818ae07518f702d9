//! IDX, the format of MNIST: a big-endian header, then bytes, gzipped or not.

use ndarray::Array2;

use crate::limits::check_columns;
use crate::{Budget, DataError, Dataset, Labels, Rows, check_shape};

/// Reads images and labels as a data set; see [`rows`] and [`labels`].
///
/// # Errors
/// As [`rows`] and [`labels`], with the file at fault, or another number of labels than images.
pub fn read(images: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    let budget = Budget::of(images.len() + labels.len());
    let images = rows_within(images, &budget).map_err(|error| within("images", error))?;
    let labels = labels_within(labels, &budget).map_err(|error| within("labels", error))?;
    Dataset::of(images, &labels)
}

/// Reads images as rows of `height · width` byte features, named `pixel_<row>_<column>`.
///
/// # Errors
/// A damaged gzip stream, another magic number than that of unsigned bytes of three dimensions,
/// more or fewer bytes than the header says, or no rows or features.
pub fn rows(images: &[u8]) -> Result<Rows, DataError> {
    rows_within(images, &Budget::of(images.len()))
}

pub(crate) fn rows_within(images: &[u8], budget: &Budget) -> Result<Rows, DataError> {
    let images = crate::unpacked(images, budget)?;
    let (shape, pixels) = parse::<3>(&images)?;
    let [n_rows, height, width] = shape;
    let n_features = height.saturating_mul(width);
    check_shape(n_rows, n_features)?;
    check_columns("the header", n_features)?;
    budget.take_items("the pixels", pixels.len(), size_of::<f64>() as u64)?;
    let features = (0..height)
        .flat_map(|row| (0..width).map(move |column| format!("pixel_{row}_{column}")))
        .collect();
    let values = Array2::from_shape_vec(
        (n_rows, n_features),
        pixels.iter().map(|pixel| f64::from(*pixel)).collect(),
    )
    .expect("the parser checked the length");
    Ok(Rows {
        features,
        is_named: false,
        values,
    })
}

/// Reads integer classes.
///
/// # Errors
/// As [`rows`], with one dimension.
pub fn labels(labels: &[u8]) -> Result<Vec<String>, DataError> {
    let labels = labels_within(labels, &Budget::of(labels.len()))?;
    Ok(labels.iter().map(str::to_owned).collect())
}

pub(crate) fn labels_within(bytes: &[u8], budget: &Budget) -> Result<Labels, DataError> {
    let bytes = crate::unpacked(bytes, budget)?;
    let mut labels = Labels::default();
    for label in parse::<1>(&bytes)?.1 {
        labels.push(&label.to_string(), budget)?;
    }
    Ok(labels)
}

fn within(which: &str, error: DataError) -> DataError {
    DataError {
        place: format!("{which}, {}", error.place),
        ..error
    }
}

/// Reads the header of an array of bytes with `N` dimensions, and checks its length.
fn parse<const N: usize>(bytes: &[u8]) -> Result<([usize; N], &[u8]), DataError> {
    let word = |index: usize| {
        let at = index * 4;
        let word = bytes.get(at..at + 4).ok_or_else(|| {
            broken!(
                format!("byte {at}"); "the end of the file ({} bytes)", bytes.len();
                "a header word of four bytes"
            )
        })?;
        Ok(u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
    };
    let magic = word(0)?;
    let expected = 0x0800 + u32::try_from(N).expect("few dimensions");
    if magic != expected {
        return Err(broken!(
            "byte 0"; "the magic number {magic:#010x}";
            "{expected:#010x} (unsigned bytes, {N}-dimensional)"
        ));
    }
    let mut shape = [0; N];
    let mut n_bytes: usize = 1;
    for (dimension, size) in shape.iter_mut().enumerate() {
        *size = word(1 + dimension)? as usize;
        n_bytes = n_bytes.checked_mul(*size).ok_or_else(
            || broken!("the header"; "an array beyond memory"; "sensible dimensions"),
        )?;
    }
    let data = &bytes[4 * (1 + N)..];
    if data.len() != n_bytes {
        return Err(broken!(
            format!("byte {}", 4 * (1 + N)); "{} bytes of data", data.len();
            "{n_bytes}, as the header says"
        ));
    }
    Ok((shape, data))
}
