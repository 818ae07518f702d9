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

/// Reads a struct.
pub(super) fn read<'b>(bytes: &mut &'b [u8], budget: &Budget) -> Result<Value<'b>, DataError> {
    let broken = || broken!("a Parquet file"; "damaged metadata"; "a complete struct of Thrift");
    structure(bytes, budget, 0)?.ok_or_else(broken)
}

/// An integer of seven bits per byte, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
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

/// `None` where the bytes end, or are of no type.
type Read<'b> = Result<Option<Value<'b>>, DataError>;

fn structure<'b>(bytes: &mut &'b [u8], budget: &Budget, depth: usize) -> Read<'b> {
    let mut fields = Vec::new();
    let mut id = 0_i16;
    loop {
        let Some((header, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        *bytes = rest;
        if *header == 0 {
            return Ok(Some(Value::Struct(fields)));
        }
        let delta = i16::from(header >> 4);
        let next = match delta {
            0 => zigzag(bytes).and_then(|id| i16::try_from(id).ok()),
            _ => id.checked_add(delta),
        };
        let Some(next) = next else {
            return Ok(None);
        };
        id = next;
        budget.take("metadata", VALUE_BYTES)?;
        // Booleans of fields are in their type.
        let value = match header & 15 {
            1 | 2 => Some(Value::Other),
            kind => value(kind, bytes, budget, depth)?,
        };
        let Some(value) = value else {
            return Ok(None);
        };
        fields.push((id, value));
    }
}

fn value<'b>(kind: u8, bytes: &mut &'b [u8], budget: &Budget, depth: usize) -> Read<'b> {
    if depth == DEPTH_MAX {
        return Ok(None);
    }
    let skip = |bytes: &mut &'b [u8], n: usize| {
        let (skipped, rest) = bytes.split_at_checked(n)?;
        *bytes = rest;
        Some(skipped)
    };
    Ok(match kind {
        1..=3 => skip(bytes, 1).map(|_| Value::Other),
        4..=6 => zigzag(bytes).map(Value::Integer),
        7 => skip(bytes, 8).map(|_| Value::Other),
        8 => varint(bytes)
            .and_then(|n| usize::try_from(n).ok())
            .and_then(|n| skip(bytes, n))
            .map(Value::Bytes),
        9 | 10 => {
            let Some(header) = skip(bytes, 1).map(|header| header[0]) else {
                return Ok(None);
            };
            let n = match header >> 4 {
                15 => varint(bytes),
                n => Some(n.into()),
            };
            // Every item takes a byte.
            let n = n
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n <= bytes.len());
            let Some(n) = n else {
                return Ok(None);
            };
            budget.take_items("metadata", n, VALUE_BYTES)?;
            let mut items = Vec::with_capacity(n);
            for _ in 0..n {
                let Some(item) = value(header & 15, bytes, budget, depth + 1)? else {
                    return Ok(None);
                };
                items.push(item);
            }
            Some(Value::List(items))
        }
        12 => structure(bytes, budget, depth + 1)?,
        _ => None,
    })
}
