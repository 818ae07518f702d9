//! The graph's inputs, as the columns of a row.

use spinney_model::limits;

use super::graph::Graph;
use super::proto::{self, ValueInfo};
use crate::fold::{Feed, Input, Words};
use crate::{ImportError, shown};

/// The graph's inputs as the columns of a row.
pub(super) struct RawInputs {
    /// Number of columns of each, where the graph tells.
    widths: Vec<Option<usize>>,
    /// Whether each input is a column, named by it. A single input is named after the whole row.
    are_named: bool,
}

impl RawInputs {
    /// `width` is the number of columns of a single input that does not tell it.
    pub(super) fn of(graph: &Graph, width: Option<usize>) -> Self {
        let is_single = graph.inputs.len() == 1;
        let widths: Vec<Option<usize>> = graph
            .inputs
            .iter()
            .map(|input| declared_width(input).or(width.filter(|_| is_single)))
            .collect();
        Self {
            are_named: !is_single && widths.iter().all(|width| *width == Some(1)),
            widths,
        }
    }

    /// Number of columns of input `index`.
    pub(super) fn width(&self, graph: &Graph, index: usize) -> Result<usize, ImportError> {
        let place = || format!("the graph's input \"{}\"", shown(&graph.inputs[index].name));
        let width = self.widths[index].ok_or_else(|| {
            broken!(
                place(); "no number of features";
                "one in its type, as in FloatTensorType([None, n_features])"
            )
        })?;
        if width > limits::FEATURES.max {
            limits::FEATURES.check(place(), width)?;
        }
        Ok(width)
    }

    /// Index of the first column of input `index` among all columns.
    pub(super) fn start(&self, graph: &Graph, index: usize) -> Result<usize, ImportError> {
        (0..index).try_fold(0, |sum, before| Ok(sum + self.width(graph, before)?))
    }

    /// What a classifier is fed whose features are `inputs`.
    pub(super) fn feed(
        &self,
        graph: &Graph,
        is_used: &[bool],
        mut inputs: Vec<Input>,
        mut words: Words,
    ) -> Result<Feed, ImportError> {
        let n_raw = if self.are_named {
            is_used.iter().filter(|used| **used).count()
        } else {
            for (input, is_used) in graph.inputs.iter().zip(is_used) {
                if elem_type(input) == proto::STRING && !is_used {
                    return Err(refused!(
                        "the text input \"{}\", which nothing uses,", shown(&input.name);
                        "leave it out"
                    ));
                }
            }
            self.start(graph, graph.inputs.len())?
        };
        limits::FEATURES.check("the graph's inputs", n_raw)?;
        let mut names = None;
        if self.are_named {
            let mut index_of = vec![0; graph.inputs.len()];
            let used = (0..graph.inputs.len()).filter(|index| is_used[*index]);
            for (new, old) in used.enumerate() {
                index_of[old] = new;
                let name = graph.inputs[old].name.clone();
                names.get_or_insert_with(Vec::new).push(name);
            }
            for input in &mut inputs {
                input.raw = index_of[input.raw];
            }
            words = (words.into_iter())
                .map(|(raw, words)| (index_of[raw], words))
                .collect();
        }
        Ok(Feed {
            names,
            n_raw,
            words,
            inputs,
        })
    }
}

/// ONNX's number for the type of an input's columns.
pub(super) fn elem_type(input: &ValueInfo) -> i32 {
    let tensor = input.r#type.as_ref().and_then(|kind| kind.tensor.as_ref());
    tensor.map_or(proto::FLOAT, |tensor| tensor.elem_type)
}

fn declared_width(input: &ValueInfo) -> Option<usize> {
    let shape = input.r#type.as_ref()?.tensor.as_ref()?.shape.as_ref()?;
    let width = shape.dims.get(1)?.value?;
    usize::try_from(width).ok().filter(|width| *width > 0)
}
