//! What each feature takes of the tables of a generated crate.

use serde::{Deserialize, Serialize};
use spinney_checker::Children;
use spinney_quantize::{Body as QuantBody, Coding, QuantModel};
use spinney_runtime::bayes::Term;

use crate::body::Body;
use crate::coding;
use crate::compact::{bits, number};

/// What a form of a model asks of each feature, by the feature's index.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asks {
    /// Splits that ask it, as they ship; levels where trees are levels; terms of naive Bayes.
    pub n: Vec<usize>,
    /// Bits of one of these; `None` where they are code.
    pub bits: Option<usize>,
    /// Whether trees are levels, each of which is asked of every row.
    pub are_levels: bool,
    /// Bytes of the tables that its codes are made with, on a core of 32 bits; numbers that stand in
    /// code are not among them.
    pub coding_bytes: Vec<usize>,
    /// About what making its codes takes, in steps of a search among cuts.
    pub coding_steps: Vec<u32>,
}

/// What a scaling to a code takes, in steps of a search among cuts: about as much on a Cortex-M0 and an
/// M4.
const SCALING_STEPS: u32 = 3;

impl Asks {
    pub(crate) fn new(model: &QuantModel, body: &Body) -> Self {
        let n_features = model.schema().n_features();
        let (mut n, mut coding_steps) = (vec![0; n_features], vec![0; n_features]);
        for input in model.inputs() {
            coding_steps[input.feature] += match &input.coding {
                Coding::Rank { cuts } => u32::from(bits(number(cuts.len()))),
                Coding::Affine { .. } | Coding::Set { .. } => SCALING_STEPS,
            };
        }
        for code in &body.asked {
            n[model.inputs()[*code].feature] += 1;
        }
        let layout = body.layout.as_ref();
        let split_bits = match model.body() {
            QuantBody::Bayes(_) => Some(8 * size_of::<Term>()),
            QuantBody::Forest(_) => layout.map(|it| it.split_bits),
        };
        Self {
            n,
            bits: split_bits,
            are_levels: layout.is_some_and(|it| matches!(it.children, Children::Levels { .. })),
            coding_bytes: coding::table_bytes(model, body.options.code_type),
            coding_steps,
        }
    }
}
