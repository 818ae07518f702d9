//! Columns by their schema, and what they hold in a batch.

use std::borrow::Cow;

use super::flat::{self, Flat};
use super::odd;
use crate::parquet::Cell;
use crate::{Budget, DataError, limits};

/// How a column's values lie in its buffers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Nothing: each value is missing.
    Null,
    /// A bit each.
    Flag,
    /// Integers of so many bytes, of which the first eight count.
    Integer { n_bytes: usize, is_signed: bool },
    /// Floats of 4 or 8 bytes.
    Number { n_bytes: usize },
    /// Text behind offsets of 4 or 8 bytes.
    Text { n_bytes: usize },
    /// Text of up to 12 bytes beside its length, longer text by its place in other buffers.
    View,
}

/// A column of the schema.
pub(super) struct Column {
    pub(super) name: String,
    /// What the values are; with a dictionary, those of it.
    pub(super) kind: Kind,
    /// What integers stand for, if not for themselves.
    pub(super) unit: Option<&'static str>,
    /// The dictionary that the column's integers lead into.
    pub(super) dictionary: Option<i64>,
    /// Those integers.
    keys: Kind,
}

impl Column {
    /// What a batch of rows holds of the column.
    pub(super) fn stored(&self) -> &Kind {
        match self.dictionary {
            Some(_) => &self.keys,
            None => &self.kind,
        }
    }
}

/// The kinds of columns, by their number in the format.
const KINDS: [&str; 27] = [
    "nothing",
    "nulls",
    "integers",
    "floats",
    "bytes",
    "text",
    "booleans",
    "decimals",
    "dates",
    "times",
    "times",
    "intervals",
    "lists",
    "groups",
    "unions",
    "bytes",
    "lists",
    "maps",
    "durations",
    "bytes",
    "text",
    "lists",
    "runs",
    "bytes",
    "text",
    "lists",
    "lists",
];

/// All columns of a schema.
///
/// # Errors
/// Columns that are no single values, by their names; more of them than there may be.
pub(super) fn all(schema: Flat<'_>, budget: &Budget) -> Result<Vec<Column>, DataError> {
    if schema.number(0, 2, 0)? != 0 {
        return Err(odd(
            "the schema",
            "big-endian buffers",
            "little-endian ones",
        ));
    }
    limits::check_columns("an Arrow file", schema.vector(1, 4)?.len() / 4)?;
    let fields = schema.tables(1)?.into_iter();
    fields.map(|field| column(field, budget)).collect()
}

fn column(field: Flat<'_>, budget: &Budget) -> Result<Column, DataError> {
    let name = field.text(0)?;
    budget.take_text("the schema", name)?;
    let (kind, unit) = kind(field)?.ok_or_else(|| {
        let of = usize::try_from(field.number(2, 1, 0).unwrap_or(0)).unwrap_or(0);
        odd(
            "the schema",
            format!(
                "the column \"{}\" of {}",
                name.escape_default(),
                KINDS.get(of).unwrap_or(&"an unknown kind")
            ),
            "columns of single values: integers, floats of 32 or 64 bits, booleans, text; \
             `frame.drop(columns=[…])` or `frame.astype(…)` before it is written",
        )
    })?;
    let coding = field.table(4)?;
    let keys = match coding.map(|it| it.table(1)).transpose()?.flatten() {
        Some(of) => integers(of)?,
        None => Kind::Integer {
            n_bytes: 4,
            is_signed: true,
        },
    };
    Ok(Column {
        name: name.to_owned(),
        kind,
        unit,
        dictionary: coding.map(|it| it.number(0, 8, 0)).transpose()?,
        keys,
    })
}

/// The kind of a field, and what its integers stand for; `None` of one that is no single value.
fn kind(field: Flat<'_>) -> Result<Option<(Kind, Option<&'static str>)>, DataError> {
    let of = field.table(3)?;
    let number = |slot, n_bytes, default| {
        of.map_or(Ok(default), |of: Flat<'_>| {
            of.number(slot, n_bytes, default)
        })
    };
    let wide = |n_bits: i64| Kind::Integer {
        n_bytes: usize::try_from(n_bits / 8).unwrap_or(0).max(1),
        is_signed: true,
    };
    if !field.vector(5, 4)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(match field.number(2, 1, 0)? {
        1 => (Kind::Null, None),
        2 => match of {
            Some(of) => (integers(of)?, None),
            None => return Ok(None),
        },
        3 => match number(0, 2, 0)? {
            1 => (Kind::Number { n_bytes: 4 }, None),
            2 => (Kind::Number { n_bytes: 8 }, None),
            _ => return Ok(None),
        },
        5 => (Kind::Text { n_bytes: 4 }, None),
        6 => (Kind::Flag, None),
        7 => (wide(number(2, 4, 128)?), Some("decimal")),
        8 => (
            wide(if number(0, 2, 1)? == 0 { 32 } else { 64 }),
            Some("date"),
        ),
        9 => (wide(number(1, 4, 32)?), Some("time")),
        10 | 18 => (wide(64), Some("time")),
        20 => (Kind::Text { n_bytes: 8 }, None),
        24 => (Kind::View, None),
        _ => return Ok(None),
    }))
}

fn integers(of: Flat<'_>) -> Result<Kind, DataError> {
    let n_bits = of.number(0, 4, 0)?;
    if ![8, 16, 32, 64].contains(&n_bits) {
        let found = format!("integers of {n_bits} bits");
        return Err(odd("the schema", found, "8, 16, 32 or 64"));
    }
    Ok(Kind::Integer {
        n_bytes: usize::try_from(n_bits / 8).unwrap_or(0),
        is_signed: of.number(1, 1, 0)? != 0,
    })
}

impl Kind {
    /// Buffers of a column, the bits of what is there among them.
    pub(super) fn n_buffers(&self) -> usize {
        match self {
            Kind::Null => 0,
            Kind::Text { .. } => 3,
            _ => 2,
        }
    }
}

/// What a column holds in a batch.
pub(super) struct Readings<'b> {
    kind: Kind,
    pub(super) n_rows: usize,
    /// A bit for each row that has a value, where there are rows without.
    valid: Option<Cow<'b, [u8]>>,
    buffers: Vec<Cow<'b, [u8]>>,
}

impl<'b> Readings<'b> {
    pub(super) fn new(
        kind: Kind,
        n_rows: usize,
        has_missing: bool,
        mut buffers: Vec<Cow<'b, [u8]>>,
    ) -> Result<Self, DataError> {
        let valid = (kind != Kind::Null).then(|| buffers.remove(0));
        let valid = valid.filter(|_| has_missing);
        if valid
            .as_ref()
            .is_some_and(|it| it.len() < n_rows.div_ceil(8))
        {
            return Err(odd("a buffer", "too few bits", "one for each row"));
        }
        Ok(Self {
            kind,
            n_rows,
            valid,
            buffers,
        })
    }

    /// The value of a row; `None` where it is missing.
    pub(super) fn cell(&self, row: usize) -> Result<Option<Cell>, DataError> {
        if self
            .valid
            .as_ref()
            .is_some_and(|it| !bit(it, row).unwrap_or(false))
        {
            return Ok(None);
        }
        if self.kind == Kind::Null {
            return Ok(None);
        }
        let cell = self.value(row);
        cell.map(Some).ok_or_else(|| {
            odd(
                "a buffer",
                "too few bytes, or text that is not UTF-8",
                "a value for each row",
            )
        })
    }

    fn value(&self, row: usize) -> Option<Cell> {
        let values = self.buffers.first()?;
        Some(match self.kind {
            Kind::Null => return None,
            Kind::Flag => Cell::Flag(bit(values, row)?),
            Kind::Integer { n_bytes, is_signed } => {
                let start = row.checked_mul(n_bytes)?;
                let number = values.get(start..start.checked_add(n_bytes)?)?;
                let number = flat::integer(number, 0, n_bytes.min(8))?;
                match u64::try_from(number) {
                    // Of 64 bits, what is below zero with a sign is above all others without.
                    Err(_) if !is_signed && n_bytes == 8 => {
                        Cell::Number(number.cast_unsigned() as f64)
                    }
                    Err(_) if !is_signed => Cell::Integer(number + (1 << (8 * n_bytes))),
                    _ => Cell::Integer(number),
                }
            }
            Kind::Number { n_bytes: 4 } => {
                let (words, _) = values.as_chunks();
                Cell::Number(f32::from_le_bytes(*words.get(row)?).into())
            }
            Kind::Number { .. } => {
                let (words, _) = values.as_chunks();
                Cell::Number(f64::from_le_bytes(*words.get(row)?))
            }
            Kind::Text { n_bytes } => {
                let start = flat::integer(values, row, n_bytes)?;
                let end = flat::integer(values, row + 1, n_bytes)?;
                text(self.buffers.get(1)?, start, end.checked_sub(start)?)?
            }
            Kind::View => {
                let (views, _) = values.as_chunks::<16>();
                let view = views.get(row)?;
                let n = flat::integer(view, 0, 4)?;
                if n <= 12 {
                    text(view, 4, n)?
                } else {
                    let buffer = 1 + usize::try_from(flat::integer(view, 2, 4)?).ok()?;
                    text(self.buffers.get(buffer)?, flat::integer(view, 3, 4)?, n)?
                }
            }
        })
    }
}

fn bit(bits: &[u8], row: usize) -> Option<bool> {
    Some(bits.get(row / 8)? >> (row % 8) & 1 == 1)
}

fn text(bytes: &[u8], start: i64, n: i64) -> Option<Cell> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(n).ok()?)?;
    let text = std::str::from_utf8(bytes.get(start..end)?).ok()?;
    Some(Cell::Text(text.to_owned()))
}
