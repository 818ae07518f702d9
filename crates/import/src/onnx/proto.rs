//! The parts of ONNX's protobuf messages that a classifier needs, with their field numbers.
//!
//! Lists whose items would grow in memory, nodes and tensors among them, stay encoded until they
//! have been counted.

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use spinney_dataset::Budget;

use crate::ImportError;

/// Bytes that a field takes beside its content: as text or bytes in a list that grows.
const FIELD_BYTES: u64 = 80;
/// Bytes that an integer takes, of as few as one, in a list that grows.
const INTEGER_BYTES: u64 = 16;

/// Decodes a message whose fields of the numbers `integers` are lists of integers, once the budget
/// has what it takes, for each field and for each integer.
pub(super) fn decode<M: Message + Default>(
    place: &str,
    bytes: &[u8],
    integers: &[u32],
    budget: &Budget,
) -> Result<M, ImportError> {
    let damaged = |error: prost::DecodeError| {
        ImportError::broken(place, error.to_string(), "a complete ONNX model")
    };
    budget.take(place, weight(bytes, integers).map_err(damaged)?)?;
    M::decode(bytes).map_err(damaged)
}

fn weight(mut bytes: &[u8], integers: &[u32]) -> Result<u64, prost::DecodeError> {
    let mut weight = 0;
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes)?;
        weight += match wire_type {
            WireType::LengthDelimited => {
                let n_bytes = decode_varint(&mut bytes)?;
                let (content, rest) = usize::try_from(n_bytes)
                    .ok()
                    .and_then(|n_bytes| bytes.split_at_checked(n_bytes))
                    .unwrap_or((bytes, &[]));
                bytes = rest;
                let ends = content.iter().filter(|byte| **byte < 0x80).count() as u64;
                let is_list = integers.contains(&tag);
                FIELD_BYTES + content.len() as u64 + if is_list { ends * INTEGER_BYTES } else { 0 }
            }
            _ => {
                skip_field(wire_type, tag, &mut bytes, DecodeContext::default())?;
                INTEGER_BYTES
            }
        };
    }
    Ok(weight)
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(string, tag = "2")]
    pub producer_name: String,
    #[prost(string, tag = "3")]
    pub producer_version: String,
    #[prost(bytes = "vec", optional, tag = "7")]
    pub graph: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub opset_imports: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OpsetImport {
    #[prost(string, tag = "1")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub nodes: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub initializers: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub inputs: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "12")]
    pub outputs: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawNode {
    #[prost(string, repeated, tag = "1")]
    pub inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub outputs: Vec<String>,
    #[prost(string, tag = "4")]
    pub op_type: String,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub attributes: Vec<Vec<u8>>,
    #[prost(string, tag = "7")]
    pub domain: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(float, tag = "2")]
    pub f: f32,
    #[prost(int64, tag = "3")]
    pub i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub t: Option<Tensor>,
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub name: String,
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub external_data: Vec<Vec<u8>>,
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// Where a tensor's numbers lie that are in another file, by `location` and other keys.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ExternalData {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Type {
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorType {
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "1")]
    pub dims: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, optional, tag = "1")]
    pub value: Option<i64>,
}

/// ONNX's number for numbers that lie in another file.
pub(super) const EXTERNAL: i32 = 1;

// ONNX's numbers for types.
pub(super) const FLOAT: i32 = 1;
pub(super) const UINT8: i32 = 2;
pub(super) const INT32: i32 = 6;
pub(super) const INT64: i32 = 7;
pub(super) const STRING: i32 = 8;
pub(super) const BOOL: i32 = 9;
pub(super) const DOUBLE: i32 = 11;
