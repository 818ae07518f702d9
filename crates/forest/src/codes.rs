//! Training rows as rank codes: per feature the distinct float32 values, and for each row the
//! index of its value among them.
//!
//! Codes are lossless: they order rows as the float32 values do, and two rows share a code exactly
//! where they share a value. Split search then works on small integers, column by column, whatever
//! the features were.

use linfa::Float;
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::ForestError;

/// How many columns are read from the rows at once: float32 fills one cache line.
const BLOCK: usize = 16;

/// The codes of one feature, in the narrowest type that holds them.
#[derive(Debug)]
pub(crate) enum Codes {
    U8(Box<[u8]>),
    U16(Box<[u16]>),
    U32(Box<[u32]>),
}

/// One feature: its distinct values in ascending order, and one code per row.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) values: Box<[f32]>,
    pub(crate) codes: Codes,
}

impl Column {
    /// The float64 midpoint of two neighbouring values, given their codes.
    ///
    /// It never equals the upper one: float32 values lie further apart than float64 resolves.
    pub(crate) fn midpoint(&self, low: u32, high: u32) -> f64 {
        let low = f64::from(self.values[low as usize]);
        let high = f64::from(self.values[high as usize]);
        let middle = low / 2.0 + high / 2.0;
        debug_assert!(low <= middle && middle < high);
        middle
    }
}

/// The training rows, column by column.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
}

impl Table {
    /// Codes `records`, each value cast to float32 first.
    ///
    /// # Errors
    /// A value that is not finite in float32; the first in row order is named.
    pub(crate) fn new<F: Float>(records: ArrayView2<'_, F>) -> Result<Self, ForestError> {
        let n_columns = records.ncols();
        let blocks: Option<Vec<Vec<Column>>> = (0..n_columns.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let first = block * BLOCK;
                let end = n_columns.min(first + BLOCK);
                code_block(records.slice(ndarray::s![.., first..end]))
            })
            .collect();
        match blocks {
            Some(blocks) => Ok(Self {
                columns: blocks.into_iter().flatten().collect(),
            }),
            None => Err(first_fault(records)),
        }
    }
}

/// The value of one cell as the trees see it.
pub(crate) fn as_f32<F: Float>(value: F) -> f32 {
    <f32 as Float>::cast(value)
}

fn first_fault<F: Float>(records: ArrayView2<'_, F>) -> ForestError {
    let fault = records
        .indexed_iter()
        .find(|(_, value)| !as_f32(**value).is_finite());
    let ((row, column), value) = fault.expect("a block was refused for a value of these records");
    ForestError::NotFinite {
        row,
        column,
        found: <f64 as Float>::cast(*value),
    }
}

/// Codes a few columns; `None` where a value is not finite.
fn code_block<F: Float>(block: ArrayView2<'_, F>) -> Option<Vec<Column>> {
    let n_rows = block.nrows();
    let mut values = vec![0.0_f32; n_rows * block.ncols()];
    let mut finite = true;
    for (row_idx, row) in block.rows().into_iter().enumerate() {
        for (column, value) in row.iter().enumerate() {
            // Adding zero turns -0.0 into 0.0: they compare equal, so they must share a code.
            let value = as_f32(*value) + 0.0;
            finite &= value.is_finite();
            values[column * n_rows + row_idx] = value;
        }
    }
    finite.then(|| values.chunks_exact(n_rows).map(code_column).collect())
}

fn code_column(column: &[f32]) -> Column {
    code_bytes(column).unwrap_or_else(|| code_any(column))
}

/// The short way for columns of integers in `0..=255`; `None` for any other column.
fn code_bytes(column: &[f32]) -> Option<Column> {
    let mut seen = [false; 256];
    for value in column {
        // The cast saturates, so the comparison finds fractions and whatever is out of range.
        let byte = *value as u8;
        if f32::from(byte) != *value {
            return None;
        }
        seen[usize::from(byte)] = true;
    }
    let mut rank = [0_u8; 256];
    let mut values = Vec::new();
    for (byte, seen) in (0_u8..=255).zip(seen) {
        if seen {
            rank[usize::from(byte)] = u8::try_from(values.len()).expect("at most 256 values");
            values.push(f32::from(byte));
        }
    }
    let codes = column.iter().map(|value| rank[*value as usize]).collect();
    Some(Column {
        values: values.into(),
        codes: Codes::U8(codes),
    })
}

fn code_any(column: &[f32]) -> Column {
    let mut keys: Vec<u64> = column
        .iter()
        .zip(0_u64..)
        .map(|(value, row)| u64::from(sortable(*value)) << 32 | row)
        .collect();
    keys.sort_unstable();
    let mut values: Vec<f32> = Vec::new();
    let mut codes = vec![0_u32; column.len()];
    for key in keys {
        let row = (key & u64::from(u32::MAX)) as usize;
        if values.last() != Some(&column[row]) {
            values.push(column[row]);
        }
        codes[row] = u32::try_from(values.len() - 1).expect("no more values than rows");
    }
    let codes = match values.len() {
        0..=0x100 => Codes::U8(codes.iter().map(|code| *code as u8).collect()),
        0x101..=0x1_0000 => Codes::U16(codes.iter().map(|code| *code as u16).collect()),
        _ => Codes::U32(codes.into()),
    };
    Column {
        values: values.into(),
        codes,
    }
}

/// Bits that order as the finite number does.
fn sortable(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn decoded(column: &Column) -> Vec<f32> {
        let value = |code: usize| column.values[code];
        match &column.codes {
            Codes::U8(codes) => codes.iter().map(|code| value((*code).into())).collect(),
            Codes::U16(codes) => codes.iter().map(|code| value((*code).into())).collect(),
            Codes::U32(codes) => codes.iter().map(|code| value(*code as usize)).collect(),
        }
    }

    fn check(rows: Vec<f32>) -> Column {
        let table = Table::new(
            Array2::from_shape_vec((rows.len(), 1), rows.clone())
                .unwrap()
                .view(),
        )
        .unwrap();
        let column = table.columns.into_iter().next().unwrap();
        assert_eq!(decoded(&column), rows);
        assert!(column.values.is_sorted_by(|a, b| a < b));
        column
    }

    #[test]
    fn codes_are_lossless_in_every_width() {
        check(vec![3.0, 0.0, 255.0, 3.0]);
        check(vec![-0.0, 0.0, -1.5, 1e-45, f32::MAX, f32::MIN]);
        assert!(matches!(
            check((0..300_u16).rev().map(f32::from).collect()).codes,
            Codes::U16(_)
        ));
        assert!(matches!(
            check((0..70_000).map(|x| x as f32 - 35_000.0).collect()).codes,
            Codes::U32(_)
        ));
    }

    #[test]
    fn midpoints_separate_neighbours() {
        for low in [
            0.0_f32,
            1.0,
            -1.0,
            1e-45,
            1e30,
            f32::MIN_POSITIVE,
            16_777_216.0,
        ] {
            let high = low.next_up();
            let column = check(vec![low, high]);
            let middle = column.midpoint(0, 1);
            assert!(f64::from(low) <= middle && middle < f64::from(high));
        }
        assert!(check(vec![f32::MIN, f32::MAX]).midpoint(0, 1).is_finite());
    }
}
