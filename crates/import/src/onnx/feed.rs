//! What stands before a classifier: the way from its input back to the graph's inputs.

use super::INSTEAD;
use super::graph::{Graph, Node, integers, shown};
use super::proto;
use crate::ImportError;
use crate::fold::{Feed, Input, Op};

/// Most operators between a graph's input and its classifier.
const STEPS_MAX: usize = 64;

/// A feed, and how it was found.
pub(super) struct Trace {
    pub(super) feed: Feed,
    /// The operators that change values, in order.
    pub(super) steps: Vec<String>,
    /// Whether values are float64 where the classifier takes them.
    pub(super) is_double: bool,
}

/// Follows `value` back to the graph's inputs. `n_features` is the classifier's number of
/// features, where it knows it.
pub(super) fn trace(
    graph: &Graph,
    value: &str,
    n_features: Option<usize>,
) -> Result<Trace, ImportError> {
    // The chain from the classifier back to the first operator, then forward again.
    let mut chain: Vec<&Node> = Vec::new();
    let mut at = value;
    let source = loop {
        let Some(node) = graph.maker(at) else {
            break Source::Input(at);
        };
        if chain.len() == STEPS_MAX {
            return Err(ImportError::broken(
                "the graph",
                "a cycle, or a long chain before the classifier",
                format!("at most {STEPS_MAX} operators"),
            ));
        }
        if matches!(node.op_type.as_str(), "Concat" | "FeatureVectorizer") {
            break Source::Columns(node);
        }
        chain.push(node);
        at = node.input(data_input(graph, node)?);
    };
    chain.reverse();
    let mut columns = match source {
        Source::Input(name) => {
            let width = match n_features {
                Some(n) => Some(first_width(graph, &chain).unwrap_or(n)),
                None => first_width(graph, &chain),
            };
            Columns::of_input(graph, name, width)?
        }
        Source::Columns(node) => {
            let mut all: Option<Columns> = None;
            for input in &node.inputs {
                let next = Columns::of_input(graph, input, None)?;
                all = Some(match all {
                    None => next,
                    Some(columns) => columns.beside(next)?,
                });
            }
            all.ok_or_else(|| odd(node, "no inputs", "at least one"))?
        }
    };
    let n_raw = columns.inputs.len();
    let mut steps = Vec::new();
    for node in chain {
        if columns.pass(graph, node)? {
            steps.push(node.shown());
        }
    }
    Ok(Trace {
        is_double: !columns.is_single && columns.is_float,
        steps,
        feed: Feed {
            names: columns.names,
            n_raw,
            inputs: columns.inputs,
        },
    })
}

enum Source<'g> {
    Input(&'g str),
    Columns(&'g Node),
}

/// Which input of an operator carries the rows; the other one is a constant.
fn data_input(graph: &Graph, node: &Node) -> Result<usize, ImportError> {
    match node.op_type.as_str() {
        "Mul" | "Add" if graph.constant(node.input(0)).is_some() => Ok(1),
        "Identity"
        | "Cast"
        | "Scaler"
        | "Sub"
        | "Div"
        | "Mul"
        | "Add"
        | "Clip"
        | "ArrayFeatureExtractor"
        | "Gather" => Ok(0),
        _ => Err(ImportError::refused(
            format!("the operator {} before the classifier", node.shown()),
            INSTEAD,
        )),
    }
}

/// The number of raw features that the first operator with a constant per feature tells.
fn first_width(graph: &Graph, chain: &[&Node]) -> Option<usize> {
    for node in chain {
        let width = match node.op_type.as_str() {
            "Scaler" => node.floats("scale").len().max(node.floats("offset").len()),
            "Sub" | "Div" | "Mul" | "Add" => {
                let other = if graph.constant(node.input(0)).is_some() {
                    0
                } else {
                    1
                };
                graph
                    .numbers(node.input(other))
                    .map_or(0, |numbers| numbers.len())
            }
            "ArrayFeatureExtractor" | "Gather" => return None,
            _ => 0,
        };
        if width > 1 {
            return Some(width);
        }
    }
    None
}

/// The columns of a value on its way to the classifier.
struct Columns {
    inputs: Vec<Input>,
    names: Option<Vec<String>>,
    is_float: bool,
    is_single: bool,
}

impl Columns {
    /// The columns of a graph input, of `width` unless the graph tells.
    fn of_input(graph: &Graph, name: &str, width: Option<usize>) -> Result<Self, ImportError> {
        let input = graph
            .inputs
            .iter()
            .find(|input| input.name == name)
            .ok_or_else(|| {
                ImportError::broken(
                    "the graph",
                    format!("the value \"{}\" that nothing makes", shown(name)),
                    "an input or an operator's output",
                )
            })?;
        let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor.as_ref());
        let elem_type = tensor.map_or(proto::FLOAT, |tensor| tensor.elem_type);
        let declared = tensor
            .and_then(|tensor| tensor.shape.as_ref())
            .and_then(|shape| shape.dims.get(1))
            .and_then(|dim| dim.value)
            .and_then(|size| usize::try_from(size).ok())
            .filter(|size| *size > 0);
        if elem_type == proto::STRING {
            return Err(ImportError::refused(
                format!("the text input \"{}\"", shown(name)),
                "a model of numbers",
            ));
        }
        let n = declared.or(width).filter(|n| *n <= 65_535).ok_or_else(|| {
            ImportError::broken(
                format!("the graph's input \"{}\"", shown(name)),
                "no usable number of features",
                "1 to 65535 in its type, as in FloatTensorType([None, n_features])",
            )
        })?;
        let is_single = elem_type == proto::FLOAT;
        let mut columns = Self {
            inputs: Input::all(n),
            // An input of one column names it.
            names: (n == 1).then(|| vec![name.to_owned()]),
            is_float: is_single || elem_type == proto::DOUBLE,
            is_single,
        };
        if is_single {
            columns.push_all(Op::Single);
        }
        Ok(columns)
    }

    fn push_all(&mut self, op: Op) {
        for input in &mut self.inputs {
            input.ops.push(op);
        }
    }

    fn beside(mut self, other: Self) -> Result<Self, ImportError> {
        let n = self.inputs.len();
        if n + other.inputs.len() > 65_535 || self.is_single != other.is_single {
            return Err(ImportError::refused(
                "a concatenation of mixed types or of more than 65535 features",
                "inputs of one type",
            ));
        }
        self.names = match (self.names, other.names) {
            (Some(mut names), Some(more)) => {
                names.extend(more);
                Some(names)
            }
            _ => None,
        };
        self.inputs
            .extend(other.inputs.into_iter().map(|input| Input {
                raw: input.raw + n,
                ..input
            }));
        Ok(self)
    }

    /// Passes the columns through an operator; tells whether it may have changed them.
    fn pass(&mut self, graph: &Graph, node: &Node) -> Result<bool, ImportError> {
        let constant = |index: usize| {
            graph
                .numbers(node.input(index))
                .ok_or_else(|| odd(node, "an operand that is no constant", "a constant"))
        };
        match node.op_type.as_str() {
            "Identity" => return Ok(false),
            "Cast" => {
                self.cast(node)?;
                return Ok(false);
            }
            "Scaler" => {
                // Float64 values stay so until the end; integers become float32 first.
                if !self.is_float {
                    self.push_all(Op::Single);
                }
                let single = self.is_single || !self.is_float;
                self.apply(node, &node.floats("offset"), Op::Subtract, single)?;
                self.apply(node, &node.floats("scale"), Op::Multiply, true)?;
                (self.is_single, self.is_float) = (true, true);
            }
            "Sub" => self.apply(node, &constant(1)?, Op::Subtract, self.is_single)?,
            "Div" => self.apply(node, &constant(1)?, Op::Divide, self.is_single)?,
            "Mul" | "Add" => {
                let other = usize::from(graph.constant(node.input(0)).is_none());
                let op = if node.op_type == "Mul" {
                    Op::Multiply
                } else {
                    Op::Add
                };
                self.apply(node, &constant(other)?, op, self.is_single)?;
            }
            "Clip" => {
                let bound = |index: usize, name: &str| match node.input(index) {
                    "" => Ok(node.attribute(name).map(|attribute| f64::from(attribute.f))),
                    _ => constant(index).map(|numbers| numbers.first().copied()),
                };
                let low = bound(1, "min")?.unwrap_or(f64::MIN);
                let high = bound(2, "max")?.unwrap_or(f64::MAX);
                for (index, input) in self.inputs.iter_mut().enumerate() {
                    input
                        .ops
                        .push(Op::Clip { low, high }.checked("Clip", index)?);
                }
            }
            "ArrayFeatureExtractor" | "Gather" => self.select(graph, node)?,
            _ => return Err(odd(node, "an unknown operator", INSTEAD)),
        }
        Ok(true)
    }

    fn cast(&mut self, node: &Node) -> Result<(), ImportError> {
        match node.attribute("to").map_or(0, |to| to.i) {
            to if to == i64::from(proto::FLOAT) => {
                self.is_single = true;
                self.push_all(Op::Single);
            }
            to if to == i64::from(proto::DOUBLE) => self.is_single = false,
            to => {
                return Err(ImportError::refused(
                    format!("a Cast of the rows to type {to}"),
                    "casts to float and double",
                ));
            }
        }
        self.is_float = true;
        Ok(())
    }

    fn apply(
        &mut self,
        node: &Node,
        constants: &[f64],
        op: fn(f64) -> Op,
        single: bool,
    ) -> Result<(), ImportError> {
        if constants.len() != 1 && constants.len() != self.inputs.len() {
            return Err(odd(
                node,
                &format!("{} constants", constants.len()),
                &format!("one per feature, {}", self.inputs.len()),
            ));
        }
        for (index, input) in self.inputs.iter_mut().enumerate() {
            let constant = constants[index % constants.len()];
            input.ops.push(op(constant).checked(&node.op_type, index)?);
            if single {
                input.ops.push(Op::Single);
            }
        }
        Ok(())
    }

    fn select(&mut self, graph: &Graph, node: &Node) -> Result<(), ImportError> {
        if node.op_type == "Gather" && !matches!(node.attribute("axis").map_or(0, |a| a.i), 1 | -1)
        {
            return Err(odd(node, "a selection of rows", "of columns"));
        }
        let indices = graph
            .constant(node.input(1))
            .and_then(integers)
            .ok_or_else(|| odd(node, "indices that are no constant", "constant integers"))?;
        if indices.len() > 65_535 {
            return Err(odd(node, "more than 65535 indices", "at most as many"));
        }
        self.inputs = indices
            .iter()
            .map(|index| {
                usize::try_from(*index)
                    .ok()
                    .and_then(|index| self.inputs.get(index).cloned())
                    .ok_or_else(|| odd(node, &format!("the index {index}"), "a feature"))
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn odd(node: &Node, found: &str, expected: &str) -> ImportError {
    ImportError::broken(format!("the operator {}", node.shown()), found, expected)
}
