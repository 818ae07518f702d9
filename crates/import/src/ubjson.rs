//! Universal Binary JSON, Draft 12 (ubjson.org), as a format of serde: what XGBoost writes.
//!
//! Numbers are big-endian behind a marker of their type, lengths and keys too, and an array or object
//! may state the type and the number of its items once. Nothing is taken because of a stated number:
//! items are read one by one until the bytes end, and each takes at least one byte.

use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Most containers within containers.
const DEPTH_MAX: usize = 32;

/// Reads one value, to the end of the bytes.
///
/// # Errors
/// Bytes that are no UBJSON or end too early, nesting beyond 32, bytes behind the value, or a value
/// that is none of `T`.
pub(crate) fn from_slice<'de, T: de::Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, String> {
    let mut reader = Reader {
        bytes,
        at: 0,
        depth: 0,
        kind: None,
    };
    let value = T::deserialize(&mut reader);
    let value = value.and_then(|value| match reader.at < bytes.len() {
        true => Err(Error::custom("bytes behind the value")),
        false => Ok(value),
    });
    // Nothing is read behind a fault.
    value.map_err(|fault| match reader.at {
        0 => fault.to_string(),
        at => format!("{fault} at byte {at}"),
    })
}

struct Reader<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: usize,
    /// The marker of the next value, where a container has stated it.
    kind: Option<u8>,
}

impl<'de> Reader<'de> {
    fn take(&mut self, n: usize) -> Result<&'de [u8], Error> {
        let end = self.at.checked_add(n);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| Error::custom(format!("{n} bytes beyond the end")))?;
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many bytes as were taken"))
    }

    /// The next byte that is no padding (`N`), which stays.
    fn peek(&mut self) -> Result<u8, Error> {
        loop {
            match self.bytes.get(self.at) {
                Some(b'N') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Error::custom("an end")),
            }
        }
    }

    fn marker(&mut self) -> Result<u8, Error> {
        let marker = self.peek()?;
        self.at += 1;
        Ok(marker)
    }

    /// An integer behind its marker.
    fn integer(&mut self, marker: u8) -> Result<i64, Error> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.array()?)),
            b'U' => i64::from(u8::from_be_bytes(self.array()?)),
            b'I' => i64::from(i16::from_be_bytes(self.array()?)),
            b'l' => i64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(Error::custom(format!("{} for an integer", shown(marker)))),
        })
    }

    fn length(&mut self) -> Result<usize, Error> {
        let marker = self.marker()?;
        let length = self.integer(marker)?;
        usize::try_from(length).map_err(|_| Error::custom(format!("the length {length}")))
    }

    fn text(&mut self) -> Result<&'de str, Error> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| Error::custom("text that is no UTF-8"))
    }

    /// What stands behind the bracket of a container: the type of all items and their number, if
    /// they are stated.
    fn container(&mut self, end: u8) -> Result<Items<'_, 'de>, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::custom(format!(
                "more than {DEPTH_MAX} containers within another"
            )));
        }
        let mut kind = None;
        if self.peek()? == b'$' {
            self.at += 1;
            let marker = self.marker()?;
            // Items without a byte of their own could be any number.
            if !b"iUIlLdDCS".contains(&marker) {
                return Err(Error::custom(format!(
                    "{} for the type of all items",
                    shown(marker)
                )));
            }
            kind = Some(marker);
        }
        let left = match self.peek()? {
            b'#' => {
                self.at += 1;
                Some(self.length()?)
            }
            _ if kind.is_some() => {
                return Err(Error::custom("a type of items without their number"));
            }
            _ => None,
        };
        Ok(Items {
            reader: self,
            kind,
            left,
            end,
        })
    }

    fn value<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, Error> {
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(self.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(self.array()?)),
            b'C' => visitor.visit_char(char::from(self.array::<1>()?[0])),
            b'S' => visitor.visit_borrowed_str(self.text()?),
            b'[' | b'{' => {
                let mut items = self.container(if marker == b'[' { b']' } else { b'}' })?;
                let value = match marker {
                    b'[' => visitor.visit_seq(&mut items)?,
                    _ => visitor.visit_map(&mut items)?,
                };
                // Whoever takes items may leave some.
                if items.next()? {
                    return Err(Error::custom("more items than expected"));
                }
                self.depth -= 1;
                Ok(value)
            }
            b'i' | b'U' | b'I' | b'l' | b'L' => visitor.visit_i64(self.integer(marker)?),
            _ => Err(Error::custom(format!("{} for a value", shown(marker)))),
        }
    }
}

fn shown(marker: u8) -> String {
    format!("the marker \"{}\"", char::from(marker).escape_default())
}

/// The items of a container that are left.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    kind: Option<u8>,
    left: Option<usize>,
    end: u8,
}

impl Items<'_, '_> {
    /// Whether another item follows.
    fn next(&mut self) -> Result<bool, Error> {
        match &mut self.left {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.reader.peek()? == self.end => {
                self.reader.at += 1;
                self.left = Some(0);
                Ok(false)
            }
            None => Ok(true),
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if !self.next()? {
            return Ok(None);
        }
        self.reader.kind = self.kind;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !self.next()? {
            return Ok(None);
        }
        let key = self.reader.text()?;
        seed.deserialize(BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        self.reader.kind = self.kind;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let marker = match self.kind.take() {
            Some(kind) => kind,
            None => self.marker()?,
        };
        self.value(marker, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.kind.is_none() && self.peek()? == b'Z' {
            self.at += 1;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Json, String> {
        from_slice(bytes)
    }

    #[test]
    fn values_of_every_type() {
        for (bytes, expected) in [
            (&b"Z"[..], json!(null)),
            (b"NNT", json!(true)),
            (b"i\xfe", json!(-2)),
            (b"U\xfe", json!(254)),
            (b"I\x01\x00", json!(256)),
            (b"l\xff\xff\xff\xff", json!(-1)),
            (b"L\0\0\0\0\0\0\0\x05", json!(5)),
            (b"d\x3f\0\0\0", json!(0.5)),
            (b"D\x3f\xe0\0\0\0\0\0\0", json!(0.5)),
            (b"Ca", json!("a")),
            (b"Si\x02no", json!("no")),
            (b"[]", json!([])),
            (b"[i\x01[i\x02]]", json!([1, [2]])),
            (b"[#i\x02TF", json!([true, false])),
            (b"[$U#i\x03\x01\x02\x03", json!([1, 2, 3])),
            (b"[$S#i\x02i\x01ai\x01b", json!(["a", "b"])),
            (b"{i\x01a[$d#i\x00i\x01bT}", json!({"a": [], "b": true})),
            (b"{#i\x01i\x01aF", json!({"a": false})),
        ] {
            assert_eq!(read(bytes), Ok(expected), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_ubjson_is_a_fault() {
        for (bytes, expected) in [
            (&b""[..], "an end"),
            (b"x", "the marker \"x\" for a value at byte 1"),
            (b"TT", "bytes behind the value at byte 1"),
            (b"[i\x01", "an end at byte 3"),
            (b"[#i\x02T", "an end at byte 5"),
            (
                b"[$T#L\x7f\xff\xff\xff\xff\xff\xff\xff",
                "the marker \"T\" for the type of all items at byte 3",
            ),
            (b"[$U", "an end at byte 3"),
            (b"[$U\x01", "a type of items without their number at byte 3"),
            (
                b"[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
                "1 bytes beyond the end at byte 14",
            ),
            (b"Si\xff", "the length -1 at byte 3"),
            (b"Sx", "the marker \"x\" for an integer at byte 2"),
            (
                b"SL\x7f\xff\xff\xff\xff\xff\xff\xffa",
                "9223372036854775807 bytes beyond the end at byte 10",
            ),
            (b"Si\x01\xff", "text that is no UTF-8 at byte 4"),
        ] {
            assert_eq!(read(bytes), Err(expected.to_owned()), "{bytes:?}");
        }
        let deep = read(&b"[".repeat(100_000)).unwrap_err();
        assert!(deep.starts_with("more than 32 containers"), "{deep}");
    }
}
