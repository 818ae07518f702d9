//! Thrift's compact protocol, in which Parquet describes itself: structs of numbered fields, read without a
//! schema.

use crate::{Budget, DataError};

/// Bytes that a value takes in a list that grows.
const VALUE_BYTES: u64 = 96;
/// The deepest nesting.
const DEPTH_MAX: usize = 16;

/// A value; what is no integer, list, struct or run of bytes is passed over.
#[derive(Debug)]
pub(super) enum Value<'b> {
    Integer(i64),
    Bytes(&'b [u8]),
    List(Vec<Value<'b>>),
    Struct(Vec<(i16, Value<'b>)>),
    Other,
}

impl<'b> Value<'b> {
    pub(super) fn field(&self, id: i16) -> Option<&Self> {
        match self {
            Value::Struct(fields) => fields
                .iter()
                .find(|field| field.0 == id)
                .map(|field| &field.1),
            _ => None,
        }
    }

    pub(super) fn integer(&self, id: i16) -> Option<i64> {
        match self.field(id) {
            Some(Value::Integer(integer)) => Some(*integer),
            _ => None,
        }
    }

    pub(super) fn bytes(&self, id: i16) -> &'b [u8] {
        match self.field(id) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(super) fn list(&self, id: i16) -> &[Self] {
        match self.field(id) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
}

fn broken() -> DataError {
    broken!("a Parquet file"; "damaged metadata"; "a complete struct of Thrift")
}

/// Reads a struct.
pub(super) fn read<'b>(bytes: &mut &'b [u8], budget: &Budget) -> Result<Value<'b>, DataError> {
    structure(bytes, budget, 0)
}

/// An integer of seven bits per byte, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let number = varint(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

/// An error where the bytes end, or are of no type.
type Read<'b> = Result<Value<'b>, DataError>;

fn structure<'b>(bytes: &mut &'b [u8], budget: &Budget, depth: usize) -> Read<'b> {
    let mut fields = Vec::new();
    let mut id = 0_i16;
    loop {
        let header = *bytes.split_off_first().ok_or_else(broken)?;
        if header == 0 {
            return Ok(Value::Struct(fields));
        }
        let next = match i16::from(header >> 4) {
            0 => zigzag(bytes).and_then(|id| i16::try_from(id).ok()),
            delta => id.checked_add(delta),
        };
        id = next.ok_or_else(broken)?;
        budget.take("metadata", VALUE_BYTES)?;
        // Booleans of fields are in their type.
        let value = match header & 15 {
            1 | 2 => Value::Other,
            kind => value(kind, bytes, budget, depth)?,
        };
        fields.push((id, value));
    }
}

fn value<'b>(kind: u8, bytes: &mut &'b [u8], budget: &Budget, depth: usize) -> Read<'b> {
    if depth == DEPTH_MAX {
        return Err(broken());
    }
    let count = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok());
    let found = match kind {
        1..=3 => bytes.split_off(..1).map(|_| Value::Other),
        4..=6 => zigzag(bytes).map(Value::Integer),
        7 => bytes.split_off(..8).map(|_| Value::Other),
        8 => count(varint(bytes))
            .and_then(|n| bytes.split_off(..n))
            .map(Value::Bytes),
        9 | 10 => {
            let header = *bytes.split_off_first().ok_or_else(broken)?;
            let n = count(match header >> 4 {
                15 => varint(bytes),
                n => Some(n.into()),
            });
            // Every item takes a byte.
            let n = n.filter(|n| *n <= bytes.len()).ok_or_else(broken)?;
            budget.take_items("metadata", n, VALUE_BYTES)?;
            let item = |_| value(header & 15, bytes, budget, depth + 1);
            Some(Value::List((0..n).map(item).collect::<Result<_, _>>()?))
        }
        12 => Some(structure(bytes, budget, depth + 1)?),
        _ => None,
    };
    found.ok_or_else(broken)
}
