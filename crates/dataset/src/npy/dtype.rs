//! NumPy's item types: how a header names them, and how their bytes are read.

use super::literal::Literal;
use crate::DataError;

/// What one item of an array is.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Scalar(Scalar),
    Record { fields: Vec<Field>, n_bytes: usize },
}

#[derive(Debug, Clone)]
/// A named part of a record.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) offset: usize,
    pub(super) scalar: Scalar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
/// A type of fixed size and known byte order.
pub(super) struct Scalar {
    pub(super) kind: Kind,
    pub(super) n_bytes: usize,
    pub(super) big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
/// NumPy's kinds of scalar that need no code to read.
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    Unicode,
    Bytes,
    Void,
}

/// Splits a file into the header's text and the data.
pub(super) fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), DataError> {
    let broken = |found: String, expected: &str| DataError::new("the .npy header", found, expected);
    let rest = bytes
        .strip_prefix(b"\x93NUMPY")
        .ok_or_else(|| broken("another magic number".into(), "an .npy file"))?;
    let (length, rest) = match *rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), &rest[4..]),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, &rest[6..]),
        [version, ..] if !(1..=3).contains(&version) => {
            return Err(broken(format!("format version {version}"), "1, 2 or 3"));
        }
        _ => {
            return Err(broken(
                format!("the end of the file ({} bytes)", bytes.len()),
                "a header",
            ));
        }
    };
    if length > 1 << 16 {
        return Err(broken(
            format!("a header of {length} bytes"),
            "at most 65536",
        ));
    }
    let Some((header, data)) = rest.split_at_checked(length) else {
        return Err(broken(
            format!("{} bytes after a length of {length}", rest.len()),
            "a complete header",
        ));
    };
    let header = std::str::from_utf8(header)
        .map_err(|_| broken("bytes that are no text".into(), "a Python dictionary"))?;
    Ok((header, data))
}

/// The type that a header's `descr` names.
pub(super) fn item(descr: &Literal) -> Result<Item, DataError> {
    let odd = |found: String| {
        DataError::new(
            "the .npy header",
            found,
            "a type of plain scalars or flat records",
        )
    };
    match descr {
        Literal::Text(descr) => Ok(Item::Scalar(scalar(descr)?)),
        Literal::Sequence(descrs) => {
            let mut fields: Vec<Field> = Vec::new();
            let mut n_bytes = 0_usize;
            for descr in descrs {
                let Literal::Sequence(parts) = descr else {
                    return Err(odd("a field that is no tuple".into()));
                };
                let (name, scalar) = match &parts[..] {
                    [Literal::Text(name), Literal::Text(descr)] => (name, scalar(descr)?),
                    [Literal::Text(name), descr, rest @ ..] => (name, opaque(descr, rest)?),
                    _ => return Err(odd("a field without a name and a type".into())),
                };
                if !name.is_empty() {
                    if fields.iter().any(|field| field.name == *name) {
                        return Err(odd(format!("two fields \"{name}\"")));
                    }
                    fields.push(Field {
                        name: name.clone(),
                        offset: n_bytes,
                        scalar,
                    });
                }
                n_bytes = n_bytes
                    .checked_add(scalar.n_bytes)
                    .ok_or_else(|| odd("a record beyond memory".into()))?;
            }
            if n_bytes == 0 {
                return Err(odd("an empty record".into()));
            }
            Ok(Item::Record { fields, n_bytes })
        }
        _ => Err(odd("a descr of another kind".into())),
    }
}

/// A field that is a record itself, or an array: its place is known, and that is all.
fn opaque(descr: &Literal, shape: &[Literal]) -> Result<Scalar, DataError> {
    let odd = || broken!("the .npy header"; "an odd shape of a field"; "a tuple of sizes");
    let sizes = match shape {
        [] => &[][..],
        [Literal::Sequence(sizes)] => sizes,
        _ => return Err(odd()),
    };
    let n_bytes = sizes
        .iter()
        .try_fold(item(descr)?.n_bytes(), |product, size| {
            let Literal::Integer(size) = size else {
                return None;
            };
            product.checked_mul(usize::try_from(*size).ok()?)
        });
    Ok(Scalar {
        kind: Kind::Void,
        n_bytes: n_bytes.ok_or_else(odd)?,
        big_endian: false,
    })
}

fn scalar(descr: &str) -> Result<Scalar, DataError> {
    let odd = || {
        let expected = if descr.contains('O') {
            "numbers or strings; objects need code to run: save with another dtype"
        } else {
            "b1, i1 to i8, u1 to u8, f4, f8, U or S"
        };
        DataError::new(
            "the .npy header",
            format!("type \"{}\"", descr.escape_default()),
            expected,
        )
    };
    let (order, rest) = descr.split_at_checked(1).ok_or_else(odd)?;
    let big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        _ => return Err(odd()),
    };
    let (kind, size) = rest.split_at_checked(1).ok_or_else(odd)?;
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(odd());
    }
    let size: usize = size.parse().map_err(|_| odd())?;
    let (kind, valid, n_bytes) = match kind {
        "b" => (Kind::Bool, size == 1, size),
        "i" => (Kind::Signed, matches!(size, 1 | 2 | 4 | 8), size),
        "u" => (Kind::Unsigned, matches!(size, 1 | 2 | 4 | 8), size),
        "f" => (Kind::Float, matches!(size, 4 | 8), size),
        "U" => (
            Kind::Unicode,
            (1..=1 << 16).contains(&size),
            size.saturating_mul(4),
        ),
        "S" => (Kind::Bytes, (1..=1 << 18).contains(&size), size),
        "V" => (Kind::Void, (1..=1 << 10).contains(&size), size),
        _ => return Err(odd()),
    };
    if !valid {
        return Err(odd());
    }
    Ok(Scalar {
        kind,
        n_bytes,
        big_endian,
    })
}

impl Item {
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Scalar(scalar) => scalar.n_bytes,
            Self::Record { n_bytes, .. } => *n_bytes,
        }
    }
}

impl Scalar {
    /// The item's bytes, least significant first, in a word of eight.
    fn word(self, bytes: &[u8]) -> [u8; 8] {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            word[..bytes.len()].reverse();
        }
        word
    }

    pub(super) fn float(self, bytes: &[u8]) -> f64 {
        let word = self.word(bytes);
        match self.n_bytes {
            4 => f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]])),
            _ => f64::from_le_bytes(word),
        }
    }

    pub(super) fn integer(self, bytes: &[u8]) -> Option<i64> {
        let word = u64::from_le_bytes(self.word(bytes));
        match self.kind {
            Kind::Bool => Some(i64::from(word != 0)),
            Kind::Unsigned => i64::try_from(word).ok(),
            _ => {
                let unused = 64 - 8 * u32::try_from(self.n_bytes).expect("at most 8 bytes");
                Some((word << unused).cast_signed() >> unused)
            }
        }
    }

    pub(super) fn unicode(self, bytes: &[u8]) -> Option<String> {
        let points: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|chunk| {
                let [a, b, c, d, ..] = self.word(chunk);
                u32::from_le_bytes([a, b, c, d])
            })
            .collect();
        let end = points
            .iter()
            .rposition(|point| *point != 0)
            .map_or(0, |at| at + 1);
        points[..end]
            .iter()
            .map(|point| char::from_u32(*point))
            .collect()
    }
}
