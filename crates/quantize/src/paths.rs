//! A row's path through each tree, in float and in Q15 side by side.

use spinney_model::{FloatModel, Node, Split, Test};

use crate::QuantModel;
use crate::thresholds::Threshold;

/// One split on a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Index of the node in the tree's preorder.
    pub node: usize,
    /// Index of the feature.
    pub feature: usize,
    /// Index of the code that the feature's reading becomes.
    pub input: usize,
    /// The threshold in raw units; `None` for a set of categories.
    pub threshold: Option<f64>,
    /// The code that codes up to go left; `None` if all go right.
    pub code: Option<i16>,
    /// Whether the side that walks here goes left.
    pub goes_left: bool,
}

/// The splits of float trees with their thresholds as codes.
#[derive(Debug, Clone)]
pub struct Paths<'a> {
    model: &'a FloatModel,
    /// Per tree and node, the code that is asked and its threshold; leaves have `NeverLeft`.
    asked: Vec<Vec<(usize, Threshold)>>,
}

/// Whose comparison leads the way.
#[derive(Clone, Copy)]
enum Side {
    Float,
    Q15,
}

impl<'a> Paths<'a> {
    /// Pairs trees with its quantization.
    ///
    /// # Panics
    /// If `quant` was made from another model.
    #[must_use]
    pub fn new(model: &'a FloatModel, quant: &QuantModel) -> Self {
        let ask = |node: &Node| {
            let code = quant.inputs.of(node).unwrap_or(0);
            let threshold = quant
                .inputs
                .threshold(node, model.schema(), quant.reading_type());
            (code, threshold)
        };
        let trees = model.trees().iter();
        Self {
            model,
            asked: trees
                .map(|tree| tree.nodes().iter().map(ask).collect())
                .collect(),
        }
    }

    pub(crate) fn code(&self, tree: usize, node: usize) -> Threshold {
        self.asked[tree][node].1
    }

    /// The path that float takes through a tree, and the leaf's node.
    ///
    /// # Panics
    /// If `tree` does not exist or `row` is too short.
    pub fn float(&self, tree: usize, row: &[f64]) -> (Vec<Step>, usize) {
        let mut steps = Vec::new();
        let leaf = self.walk(tree, row, &[], Side::Float, |step| {
            steps.push(step);
            true
        });
        (steps, leaf)
    }

    /// The path that Q15 takes through the same tree, and the leaf's node.
    ///
    /// # Panics
    /// If `tree` does not exist or `codes` is too short.
    pub fn q15(&self, tree: usize, codes: &[i16]) -> (Vec<Step>, usize) {
        let mut steps = Vec::new();
        let leaf = self.walk(tree, &[], codes, Side::Q15, |step| {
            steps.push(step);
            true
        });
        (steps, leaf)
    }

    /// The split at which the two paths part, or the leaf that both reach.
    ///
    /// # Errors
    /// The node of the split at which they part.
    ///
    /// # Panics
    /// If `tree` does not exist, or `row` or `codes` is too short.
    pub fn parting(&self, tree: usize, row: &[f64], codes: &[i16]) -> Result<usize, usize> {
        let mut parting = None;
        let leaf = self.walk(tree, row, &[], Side::Float, |step| {
            let goes_left = step.code.is_some_and(|code| codes[step.input] <= code);
            if goes_left != step.goes_left {
                parting = Some(step.node);
            }
            parting.is_none()
        });
        parting.map_or(Ok(leaf), Err)
    }

    /// Walks until a leaf, or until `visit` says `false`; returns the last node.
    fn walk(
        &self,
        tree: usize,
        row: &[f64],
        codes: &[i16],
        side: Side,
        mut visit: impl FnMut(Step) -> bool,
    ) -> usize {
        let nodes = self.model.trees()[tree].nodes();
        let features = self.model.schema().features();
        let mut node = 0;
        while let Some((feature, [left, right])) = nodes[node].split() {
            let (input, threshold) = self.asked[tree][node];
            let code = match threshold {
                Threshold::NeverLeft => None,
                Threshold::Code(code) => Some(code),
            };
            let goes_left = match side {
                Side::Float => nodes[node].sends_left(features[feature].compare.seen(row[feature])),
                Side::Q15 => code.is_some_and(|code| codes[input] <= code),
            };
            let step = Step {
                node,
                feature,
                input,
                threshold: match &nodes[node] {
                    Node::Split(Split {
                        test: Test::AtMost(threshold),
                        ..
                    }) => Some(*threshold),
                    _ => None,
                },
                code,
                goes_left,
            };
            if !visit(step) {
                break;
            }
            node = if goes_left { left } else { right };
        }
        node
    }
}
