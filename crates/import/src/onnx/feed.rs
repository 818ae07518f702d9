//! What stands before a classifier: the way from its input back to the graph's inputs.

use spinney_dataset::Budget;
use spinney_model::limits;

use super::INSTEAD;
use super::encode::encode;
use super::graph::{Graph, Node};
use super::inputs::{RawInputs, elem_type};
use super::proto;
use crate::fold::{Feed, Input, Op, Words};
use crate::{ImportError, shown};

/// Most operators between a graph's input and its classifier.
const STEPS_MAX: usize = 64;

/// Bytes that a column takes, and each operation on it.
const COLUMN_BYTES: u64 = 64;
const OP_BYTES: u64 = 32;
/// Operators count as so many columns, if they make fewer.
const COLUMNS_MIN: usize = 64;

/// What takes too much where a graph uses its values over and over.
const TANGLE: &str = "the operators before the classifier";

/// A feed, and how it was found.
pub(super) struct Trace {
    pub(super) feed: Feed,
    /// The operators that change values, in order.
    pub(super) steps: Vec<String>,
    /// The first feature of each value.
    pub(super) starts: Vec<usize>,
    /// Whether values are float64 where the classifier takes them.
    pub(super) is_double: bool,
}

/// Follows values back to the graph's inputs, whose columns stand side by side: what each of several
/// ensembles takes. `n_features` is the classifier's number of features, where it knows it.
///
/// Rows have the columns of the inputs in the graph's own order, whatever the order in which
/// operators put them together. Several inputs of one column each are named by them, and those
/// that nothing uses are no features; any other input is counted, used or not.
pub(super) fn trace(
    graph: &Graph,
    values: &[&str],
    n_features: Option<usize>,
    budget: &Budget,
) -> Result<Trace, ImportError> {
    let mut widths = values
        .iter()
        .map(|it| width_of_chain(graph, it, n_features));
    let raw = RawInputs::of(graph, widths.find_map(|width| width));
    let mut walk = Walk {
        graph,
        raw: &raw,
        is_used: vec![false; graph.inputs.len()],
        steps: Vec::new(),
        words: Words::new(),
        budget,
    };
    let mut starts = Vec::with_capacity(values.len());
    let mut all: Option<Columns> = None;
    for value in values {
        starts.push(all.as_ref().map_or(0, |columns| columns.inputs.len()));
        all = Some(walk.columns(value, 0)?.behind(all)?);
    }
    let columns = all.expect("at least one value");
    let Walk {
        is_used,
        steps,
        words,
        ..
    } = walk;
    if columns.is_text {
        return Err(refused!(
            "a text input without an encoder"; "OneHotEncoder and LabelEncoder make numbers of it"
        ));
    }
    let is_double = !columns.is_single && columns.is_float;
    Ok(Trace {
        starts,
        feed: raw.feed(graph, &is_used, columns.inputs, words)?,
        steps,
        is_double,
    })
}

/// The number of columns of the one input that a chain of operators leads back to.
fn width_of_chain(graph: &Graph, value: &str, n_features: Option<usize>) -> Option<usize> {
    let mut chain: Vec<&Node> = Vec::new();
    let mut at = value;
    while let Some(node) = graph.maker(at) {
        if chain.len() == STEPS_MAX || is_joint(node) {
            return None;
        }
        chain.push(node);
        at = node.input(data_input(graph, node).ok()?);
    }
    chain.reverse();
    first_width(graph, &chain).or(n_features)
}

/// Whether an operator puts columns side by side.
fn is_joint(node: &Node) -> bool {
    matches!(node.op_type.as_str(), "Concat" | "FeatureVectorizer")
}

/// The way from a value back to the graph's inputs.
struct Walk<'g> {
    graph: &'g Graph,
    raw: &'g RawInputs,
    /// Which of the graph's inputs it has come to.
    is_used: Vec<bool>,
    steps: Vec<String>,
    /// The words of columns of text that encoders have come to.
    words: Words,
    budget: &'g Budget,
}

impl Walk<'_> {
    /// The columns of a value, `depth` operators before the classifier.
    fn columns(&mut self, value: &str, depth: usize) -> Result<Columns, ImportError> {
        let Some(node) = self.graph.maker(value) else {
            return self.of_input(value);
        };
        if depth == STEPS_MAX {
            return Err(broken!(
                "the graph"; "a cycle, or a long chain before the classifier";
                "at most {STEPS_MAX} operators"
            ));
        }
        let columns = if is_joint(node) {
            self.side_by_side(node, depth)?
        } else {
            let mut columns = self.columns(node.input(data_input(self.graph, node)?), depth + 1)?;
            if node.op_type == "CastLike" {
                let like = self.columns(node.input(1), depth + 1)?;
                columns.cast_like(&like, node)?;
            } else if is_encoder(node) {
                columns.inputs = encode(node, columns.inputs, &mut self.words, self.budget)?;
                let is_float = node.integers("values_int64s").is_empty();
                (columns.is_text, columns.is_float, columns.is_single) =
                    (false, is_float, is_float);
                self.steps.push(node.shown());
            } else if columns.pass(self.graph, node, self.budget)? {
                self.steps.push(node.shown());
            }
            columns
        };
        self.count(columns)
    }

    /// Bounds what a graph that uses its values over and over may cost.
    fn count(&self, columns: Columns) -> Result<Columns, ImportError> {
        let n_ops = columns.inputs.iter().map(|input| input.ops.len()).sum();
        let n_columns = columns.inputs.len().max(COLUMNS_MIN);
        self.budget.take_items(TANGLE, n_columns, COLUMN_BYTES)?;
        self.budget.take_items(TANGLE, n_ops, OP_BYTES)?;
        Ok(columns)
    }

    fn side_by_side(&mut self, node: &Node, depth: usize) -> Result<Columns, ImportError> {
        let is_vectorizer = node.op_type == "FeatureVectorizer";
        if !is_vectorizer && !matches!(node.integer("axis", 0), 1 | -1) {
            return Err(node.odd("rows below each other", "columns side by side"));
        }
        let declared = node.integers("inputdimensions");
        let mut all: Option<Columns> = None;
        for (index, input) in node.inputs.iter().enumerate() {
            let mut next = self.columns(input, depth + 1)?;
            if is_vectorizer {
                let width = next.inputs.len();
                if declared
                    .get(index)
                    .is_some_and(|n| usize::try_from(*n) != Ok(width))
                {
                    return Err(node.odd(
                        &format!("{} columns of input {index}", declared[index]),
                        &format!("all of its {width}"),
                    ));
                }
                // Its result is float32, whatever its inputs are.
                next.make_single();
            }
            all = Some(next.behind(all)?);
        }
        all.ok_or_else(|| node.odd("no inputs", "at least one"))
    }

    /// The columns of a graph input.
    fn of_input(&mut self, name: &str) -> Result<Columns, ImportError> {
        let inputs = &self.graph.inputs;
        let Some(index) = inputs.iter().position(|input| input.name == name) else {
            return Err(broken!(
                "the graph"; "the value \"{}\" that nothing makes", shown(name);
                "an input or an operator's output"
            ));
        };
        let elem_type = elem_type(&inputs[index]);
        self.is_used[index] = true;
        let start = self.raw.start(self.graph, index)?;
        let width = self.raw.width(self.graph, index)?;
        let is_single = elem_type == proto::FLOAT;
        let mut columns = Columns {
            inputs: Input::all(width),
            is_float: is_single || elem_type == proto::DOUBLE,
            is_single,
            is_text: elem_type == proto::STRING,
        };
        for input in &mut columns.inputs {
            input.raw += start;
        }
        if is_single {
            columns.push_all(Op::Single);
        }
        self.count(columns)
    }
}

/// Which input of an operator carries the rows; the other one is a constant.
fn data_input(graph: &Graph, node: &Node) -> Result<usize, ImportError> {
    match node.op_type.as_str() {
        "Mul" | "Add" if graph.constant(node.input(0)).is_some() => Ok(1),
        "Identity"
        | "Cast"
        | "CastLike"
        | "Scaler"
        | "Imputer"
        | "OneHotEncoder"
        | "LabelEncoder"
        | "Binarizer"
        | "Reshape"
        | "Sub"
        | "Div"
        | "Mul"
        | "Add"
        | "Clip"
        | "ArrayFeatureExtractor"
        | "Gather" => Ok(0),
        _ => Err(node.refused("before the classifier")),
    }
}

fn is_encoder(node: &Node) -> bool {
    matches!(node.op_type.as_str(), "OneHotEncoder" | "LabelEncoder")
}

/// The number of raw features that the first operator with a constant per feature tells.
fn first_width(graph: &Graph, chain: &[&Node]) -> Option<usize> {
    for node in chain {
        let width = match node.op_type.as_str() {
            "Imputer" => node.floats("imputed_value_floats").len(),
            "Scaler" => node.floats("scale").len().max(node.floats("offset").len()),
            "Sub" | "Div" | "Mul" | "Add" => {
                let other = usize::from(graph.constant(node.input(0)).is_none());
                let numbers = graph.numbers(node.input(other));
                numbers.map_or(0, |numbers| numbers.len())
            }
            "ArrayFeatureExtractor" | "Gather" | "OneHotEncoder" | "LabelEncoder" => return None,
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
    is_float: bool,
    is_single: bool,
    is_text: bool,
}

impl Columns {
    fn push_all(&mut self, op: Op) {
        for input in &mut self.inputs {
            input.ops.push(op.clone());
        }
    }

    fn make_single(&mut self) {
        if !self.is_single {
            self.push_all(Op::Single);
        }
        (self.is_single, self.is_float) = (true, true);
    }

    /// These columns behind others, if there are any.
    fn behind(self, others: Option<Self>) -> Result<Self, ImportError> {
        let Some(mut all) = others else {
            return Ok(self);
        };
        limits::FEATURES.check("a concatenation", all.inputs.len() + self.inputs.len())?;
        let kind = |it: &Self| (it.is_single, it.is_float, it.is_text);
        if kind(&all) != kind(&self) {
            return Err(refused!("a concatenation of mixed types"; "inputs of one type"));
        }
        all.inputs.extend(self.inputs);
        Ok(all)
    }

    /// Passes the columns through an operator; tells whether it may have changed them.
    fn pass(&mut self, graph: &Graph, node: &Node, budget: &Budget) -> Result<bool, ImportError> {
        let constant = |index: usize| {
            graph
                .numbers(node.input(index))
                .ok_or_else(|| node.odd("an operand that is no constant", "a constant"))
        };
        match node.op_type.as_str() {
            "Identity" => return Ok(false),
            "Reshape" => {
                // Of one row again, whose columns an encoder had put below each other.
                let shape = graph.integers(node.input(1));
                let width = i64::try_from(self.inputs.len()).unwrap_or(0);
                return match shape.as_deref() {
                    Some([-1, found]) if *found == width => Ok(false),
                    _ => Err(node.odd("another shape", &format!("[-1, {width}]"))),
                };
            }
            "Binarizer" if !self.is_text => {
                let bound = node
                    .attribute("threshold")
                    .map_or(0.0, |it| f64::from(it.f));
                self.push_all(Op::Above(bound));
            }
            "Cast" => {
                self.cast(node)?;
                return Ok(false);
            }
            "Scaler" => {
                // Float64 values stay so until the end; integers become float32 first.
                if !self.is_float {
                    self.make_single();
                }
                let single = self.is_single;
                self.apply(node, &node.floats("offset"), Op::Subtract, single)?;
                self.apply(node, &node.floats("scale"), Op::Multiply, true)?;
                (self.is_single, self.is_float) = (true, true);
            }
            "Imputer" => {
                let replaced = node
                    .attribute("replaced_value_float")
                    .map_or(0.0, |it| it.f);
                let values = node.floats("imputed_value_floats");
                if !replaced.is_nan() || values.is_empty() {
                    return Err(ImportError::refused(
                        format!("an Imputer that replaces {replaced}, or integers,"),
                        "NaN is; mark what is missing so before the rows reach the model",
                    ));
                }
                self.apply(node, &values, Op::Impute, false)?;
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
            "ArrayFeatureExtractor" | "Gather" => self.select(graph, node, budget)?,
            _ => return Err(node.odd("an unknown operator", INSTEAD)),
        }
        Ok(true)
    }

    fn cast(&mut self, node: &Node) -> Result<(), ImportError> {
        match node.integer("to", 0) {
            to if to == i64::from(proto::INT64) && !self.is_float && !self.is_text => {}
            to if to == i64::from(proto::FLOAT) => self.make_single(),
            to if to == i64::from(proto::DOUBLE) => {
                (self.is_single, self.is_float) = (false, true);
            }
            to => {
                return Err(refused!(
                    "a Cast of the rows to type {to}"; "casts to float and double"
                ));
            }
        }
        Ok(())
    }

    fn cast_like(&mut self, like: &Self, node: &Node) -> Result<(), ImportError> {
        match (like.is_float, like.is_single) {
            (true, true) => self.make_single(),
            (true, false) => (self.is_single, self.is_float) = (false, true),
            (false, _) => return Err(node.odd("the type of integers", "float or double")),
        }
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
            return Err(node.odd(
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

    fn select(&mut self, graph: &Graph, node: &Node, budget: &Budget) -> Result<(), ImportError> {
        if node.op_type == "Gather" && !matches!(node.integer("axis", 0), 1 | -1) {
            return Err(node.odd("a selection of rows", "of columns"));
        }
        let indices = graph
            .integers(node.input(1))
            .ok_or_else(|| node.odd("indices that are no constant", "constant integers"))?;
        limits::FEATURES.check(&node.op_type, indices.len())?;
        let n_ops = self.inputs.iter().map(|input| input.ops.len()).max();
        let n_ops = n_ops.unwrap_or(0) * indices.len();
        budget.take_items(TANGLE, n_ops, OP_BYTES)?;
        self.inputs = indices
            .iter()
            .map(|index| {
                usize::try_from(*index)
                    .ok()
                    .and_then(|index| self.inputs.get(index).cloned())
                    .ok_or_else(|| node.odd(&format!("the index {index}"), "a feature"))
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}
