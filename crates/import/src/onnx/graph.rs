//! A decoded ONNX graph: who makes a value, who uses it, and which values are constants.

use std::collections::HashMap;

use prost::Message;
use spinney_dataset::Budget;

use super::INSTEAD;
use super::proto::{self, Attribute, ExternalData, OpsetImport, RawNode, Tensor, ValueInfo};
use crate::{ImportError, shown};

/// Most nodes, constants, inputs or outputs of a graph; a pipeline has some ten.
const ITEMS_MAX: usize = 4096;
/// Most attributes of a node; a tree ensemble has some twenty.
const ATTRIBUTES_MAX: usize = 64;

/// The fields of a tensor that are lists of integers.
const TENSOR_INTEGERS: [u32; 3] = [1, 5, 7];
/// The fields of an attribute that are lists of integers, and its tensor, which may be one.
const ATTRIBUTE_INTEGERS: [u32; 2] = [5, 8];
/// The field of an input that holds its dimensions.
const INPUT_DIMENSIONS: [u32; 1] = [2];

/// A graph whose values can be followed in both directions.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    constants: HashMap<String, Tensor>,
    maker_of: HashMap<String, usize>,
}

/// An operator with its attributes.
pub(super) struct Node {
    pub(super) op_type: String,
    domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    attributes: HashMap<String, Attribute>,
}

impl Graph {
    /// Decodes the lists of a graph, once they are known to be short.
    pub(super) fn decode(raw: &proto::Graph, budget: &Budget) -> Result<Self, ImportError> {
        let nodes = decode_all::<RawNode>("graph.node", &raw.nodes, &[], budget)?
            .into_iter()
            .enumerate()
            .map(|(index, node)| Node::decode(index, node, budget))
            .collect::<Result<Vec<_>, _>>()?;
        let mut constants = HashMap::new();
        for tensor in decode_all::<Tensor>(
            "graph.initializer",
            &raw.initializers,
            &TENSOR_INTEGERS,
            budget,
        )? {
            refuse_external(&tensor)?;
            constants.insert(tensor.name.clone(), tensor);
        }
        let mut maker_of = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for output in &node.outputs {
                if maker_of.insert(output.clone(), index).is_some() {
                    return Err(broken!(
                        format!("graph.node[{index}]");
                        "the output \"{}\", made twice", shown(output); "an output of its own"
                    ));
                }
            }
        }
        let inputs =
            decode_all::<ValueInfo>("graph.input", &raw.inputs, &INPUT_DIMENSIONS, budget)?
                .into_iter()
                // Old files list their constants as inputs too.
                .filter(|input| !constants.contains_key(&input.name))
                .collect();
        Ok(Self {
            nodes,
            inputs,
            outputs: decode_all("graph.output", &raw.outputs, &INPUT_DIMENSIONS, budget)?,
            constants,
            maker_of,
        })
    }

    /// Checks that every operator's domain is among those that the model imports. They are written
    /// last, so that a file cut short lacks them.
    pub(super) fn check_domains(
        &self,
        opset_imports: &[Vec<u8>],
        budget: &Budget,
    ) -> Result<(), ImportError> {
        let imported: Vec<OpsetImport> = decode_all("opset_import", opset_imports, &[], budget)?;
        let plain = |domain: &str| domain.strip_prefix("ai.onnx").unwrap_or(domain).to_owned();
        for node in &self.nodes {
            let domain = plain(&node.domain);
            if !imported.iter().any(|opset| plain(&opset.domain) == domain) {
                return Err(node.odd(
                    &format!("the domain \"{}\"", shown(&node.domain)),
                    "one that the file imports; it may be cut short",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn maker(&self, value: &str) -> Option<&Node> {
        self.maker_of.get(value).map(|index| &self.nodes[*index])
    }

    pub(super) fn users(&self, value: &str) -> impl Iterator<Item = &Node> {
        self.nodes
            .iter()
            .filter(move |node| node.inputs.iter().any(|input| input == value))
    }

    /// A constant, if the value is one.
    pub(super) fn constant(&self, value: &str) -> Option<&Tensor> {
        self.constants.get(value)
    }

    /// A constant's integers, if the value is a constant of integers.
    pub(super) fn integers(&self, value: &str) -> Option<Vec<i64>> {
        integers(self.constant(value)?)
    }

    /// Whether the graph delivers a value.
    pub(super) fn delivers(&self, value: &str) -> bool {
        self.outputs.iter().any(|output| output.name == value)
    }

    /// A constant's numbers, if the value is a constant of numbers.
    pub(super) fn numbers(&self, value: &str) -> Option<Vec<f64>> {
        numbers(self.constant(value)?)
    }
}

impl Node {
    fn decode(index: usize, raw: RawNode, budget: &Budget) -> Result<Self, ImportError> {
        let place = format!("graph.node[{index}] ({}).attribute", shown(&raw.op_type));
        if raw.attributes.len() > ATTRIBUTES_MAX {
            return Err(broken!(
                place; "{} of them", raw.attributes.len(); "at most {ATTRIBUTES_MAX}"
            ));
        }
        let mut attributes = HashMap::new();
        for attribute in
            decode_all::<Attribute>(&place, &raw.attributes, &ATTRIBUTE_INTEGERS, budget)?
        {
            attribute.t.as_ref().map_or(Ok(()), refuse_external)?;
            attributes.insert(attribute.name.clone(), attribute);
        }
        Ok(Self {
            op_type: raw.op_type,
            domain: raw.domain,
            inputs: raw.inputs,
            outputs: raw.outputs,
            attributes,
        })
    }

    /// The operator's name, fit for a message.
    pub(super) fn shown(&self) -> String {
        shown(&self.op_type)
    }

    /// Input `index`, or an empty name.
    pub(super) fn input(&self, index: usize) -> &str {
        self.inputs.get(index).map_or("", String::as_str)
    }

    /// Output `index`, or an empty name.
    pub(super) fn output(&self, index: usize) -> &str {
        self.outputs.get(index).map_or("", String::as_str)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// Refuses attributes that are not among those whose meaning is known.
    pub(super) fn refuse_unknown(&self, known: &[&str]) -> Result<(), ImportError> {
        let unknown = self
            .attributes
            .keys()
            .filter(|it| !known.contains(&it.as_str()));
        // The first by name, so that the message does not depend on the order of a hash map.
        match unknown.min() {
            None => Ok(()),
            Some(name) => Err(ImportError::refused(
                format!("a {} with {}", self.shown(), shown(name)),
                "ONNX knows no such attribute of it, and it may change what the model says",
            )),
        }
    }

    pub(super) fn integer(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |it| it.i)
    }

    /// A tensor, if there is one.
    pub(super) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.attribute(name)?.t.as_ref()
    }

    /// Refuses the operator where it stands.
    pub(super) fn refused(&self, place: &str) -> ImportError {
        ImportError::refused(format!("the operator {} {place}", self.shown()), INSTEAD)
    }

    pub(super) fn odd(&self, found: &str, expected: &str) -> ImportError {
        ImportError::broken(format!("the operator {}", self.shown()), found, expected)
    }

    /// A list of integers; empty if it is missing.
    pub(super) fn integers(&self, name: &str) -> &[i64] {
        self.attribute(name)
            .map_or(&[], |attribute| &attribute.ints)
    }

    /// A list of numbers, from `name` or, in float64, from `name_as_tensor`; empty if missing.
    pub(super) fn floats(&self, name: &str) -> Vec<f64> {
        let as_tensor = self.tensor(&format!("{name}_as_tensor"));
        as_tensor.and_then(numbers).unwrap_or_else(|| {
            let singles = self.attribute(name).map(|it| &it.floats);
            singles
                .into_iter()
                .flatten()
                .copied()
                .map(f64::from)
                .collect()
        })
    }

    /// A list of strings as bytes; empty if it is missing.
    pub(super) fn strings(&self, name: &str) -> impl Iterator<Item = &Vec<u8>> {
        let strings = self.attribute(name).map(|attribute| &attribute.strings);
        strings.into_iter().flatten()
    }

    /// A list of strings; empty if it is missing or holds bytes that are no text.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.strings(name)
            .map(|text| String::from_utf8(text.clone()))
            .collect::<Result<_, _>>()
            .unwrap_or_default()
    }
}

/// Refuses a tensor whose numbers lie in a file beside this one.
fn refuse_external(tensor: &Tensor) -> Result<(), ImportError> {
    if tensor.data_location != proto::EXTERNAL && tensor.external_data.is_empty() {
        return Ok(());
    }
    let entries = tensor.external_data.iter().take(8);
    let location = entries
        .filter_map(|bytes| ExternalData::decode(&bytes[..]).ok())
        .find(|entry| entry.key == "location")
        .map_or_else(
            || "another file".to_owned(),
            |it| format!("\"{}\"", shown(&it.value)),
        );
    Err(ImportError::refused(
        format!(
            "the constant \"{}\", whose numbers lie in {location},",
            shown(&tensor.name)
        ),
        "put them into the model's own file: import onnx; \
         onnx.save(onnx.load(\"model.onnx\"), \"whole.onnx\")",
    ))
}

/// Numbers of a tensor of floats or integers, of as many as its dimensions say.
pub(super) fn numbers(tensor: &Tensor) -> Option<Vec<f64>> {
    let raw = &tensor.raw_data;
    let numbers: Vec<f64> = match tensor.data_type {
        proto::FLOAT if !raw.is_empty() => words(raw, |it| f32::from_le_bytes(it).into()),
        proto::FLOAT => tensor.float_data.iter().copied().map(f64::from).collect(),
        proto::DOUBLE if !raw.is_empty() => words(raw, f64::from_le_bytes),
        proto::DOUBLE => tensor.double_data.clone(),
        _ => integers(tensor)?.into_iter().map(|it| it as f64).collect(),
    };
    has_size(tensor, numbers.len()).then_some(numbers)
}

/// Integers of a tensor, of as many as its dimensions say.
pub(super) fn integers(tensor: &Tensor) -> Option<Vec<i64>> {
    let raw = &tensor.raw_data;
    let integers: Vec<i64> = match tensor.data_type {
        proto::INT64 if !raw.is_empty() => words(raw, i64::from_le_bytes),
        proto::INT64 => tensor.int64_data.clone(),
        proto::UINT8 | proto::BOOL if !raw.is_empty() => words(raw, |[byte]| byte.into()),
        proto::INT32 if !raw.is_empty() => words(raw, |it| i32::from_le_bytes(it).into()),
        proto::INT32 | proto::BOOL | proto::UINT8 => {
            tensor.int32_data.iter().copied().map(i64::from).collect()
        }
        _ => return None,
    };
    has_size(tensor, integers.len()).then_some(integers)
}

/// Numbers of so many bytes each.
fn words<T, const N: usize>(raw: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|word| read(*word)).collect()
}

fn has_size(tensor: &Tensor, n_items: usize) -> bool {
    let size = tensor.dims.iter().try_fold(1_usize, |product, size| {
        product.checked_mul(usize::try_from(*size).ok()?)
    });
    size == Some(n_items)
}

fn decode_all<M: Message + Default>(
    place: &str,
    items: &[Vec<u8>],
    integers: &[u32],
    budget: &Budget,
) -> Result<Vec<M>, ImportError> {
    if items.len() > ITEMS_MAX {
        return Err(broken!(place; "{} of them", items.len(); "at most {ITEMS_MAX}"));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, bytes)| proto::decode(&format!("{place}[{index}]"), bytes, integers, budget))
        .collect()
}
