//! Folds what stands before a classifier into the classifier, so that it takes raw features.
//!
//! A split behind a scaler asks whether `float32(scale(x)) <= t`. Every step of the scaling is
//! monotone in float64 as in the reals, so the raw values that go left are all those up to some
//! largest one, and that one is found by bisection over the float64 values themselves, with the
//! library's own order of operations. It becomes the threshold of a split that compares float64.
//! Solving for `x` in algebra instead would decide rows next to the threshold differently.

mod input;

use std::collections::BTreeMap;
use std::rc::Rc;

use spinney_dataset::Budget;
use spinney_model::{
    Additive, Compare, Feature, FloatModel, Forest, GaussianNb, Naming, Node, Schema, Tree,
};

use crate::ImportError;
use crate::draft::{Draft, Kind, Outputs};
use crate::lower::{RawNode, lower};
pub(crate) use input::{Encoder, Input, Op, largest};

/// The words of raw features that are words in rows, by index.
pub(crate) type Words = BTreeMap<usize, Vec<String>>;

/// What a classifier is fed: raw features by name, and its own features in terms of them.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    /// Names of the raw features, if the model knows them; then as many as `n_raw`.
    pub names: Option<Vec<String>>,
    /// Number of raw features.
    pub n_raw: usize,
    pub words: Words,
    /// The classifier's features.
    pub inputs: Vec<Input>,
}

impl Feed {
    /// Raw features alone, with names if there are any.
    pub(crate) fn raw(names: Option<Vec<String>>, n_features: usize) -> Self {
        Self {
            names,
            n_raw: n_features,
            words: BTreeMap::new(),
            inputs: Input::all(n_features),
        }
    }

    /// Takes the places of categories from what rows hold, where these numbers stand for them.
    pub(crate) fn encode(&mut self, feature: usize, numbers: impl IntoIterator<Item = f64>) {
        let encoder = Rc::new(Encoder::places(numbers));
        self.inputs[feature].ops.push(Op::Encode(encoder));
    }

    fn schema(&self, compare: &[Compare], outputs: Outputs) -> Result<Schema, ImportError> {
        let (names, naming) = match &self.names {
            Some(names) => (names.clone(), Naming::Given),
            None => {
                let names = (0..self.n_raw).map(|index| format!("x{index}"));
                (names.collect(), Naming::Positional)
            }
        };
        let features = names
            .into_iter()
            .zip(compare)
            .enumerate()
            .map(|(index, (name, compare))| Feature {
                name,
                compare: *compare,
                categories: self.words.get(&index).cloned().unwrap_or_default(),
            })
            .collect();
        outputs.schema(features, naming)
    }

    fn check_width(&self, n_features: usize) -> Result<(), ImportError> {
        if self.inputs.len() == n_features {
            return Ok(());
        }
        Err(broken!(
            "the pipeline"; "{} features before the classifier", self.inputs.len();
            "the {n_features} that it was fitted on"
        ))
    }

    /// Checks trees and rewrites them so that they take the raw features.
    ///
    /// `cast` is the type in which the trees themselves compare: float32 in scikit-learn.
    ///
    /// # Errors
    /// Trees that are none; another number of features than the feed has; more work than the budget has left.
    pub(crate) fn fold(
        &self,
        draft: Draft,
        cast: Compare,
        budget: &Budget,
    ) -> Result<FloatModel, ImportError> {
        self.check_width(draft.n_features)?;
        let n_outputs = draft.n_outputs();
        let checked = |nodes: Vec<Node>, output, schema: &Schema| match draft.kind {
            Kind::Forest(_) => Tree::new(nodes, schema),
            Kind::Additive(_) => Tree::additive(nodes, schema, n_outputs, output),
        };
        let seen = Feed::raw(None, draft.n_features);
        let seen = seen.schema(&vec![cast; draft.n_features], draft.outputs.clone())?;
        let trees = draft.trees.into_iter().map(|tree| {
            checked(tree.nodes, tree.output, &seen)
                .map_err(|error| ImportError::from(error).within(&tree.place))
        });
        let trees = trees.collect::<Result<Vec<_>, _>>()?;
        let n_splits = trees.iter().map(Tree::n_splits).sum();
        let compare = self.compare(n_splits, cast, budget)?;
        let schema = self.schema(&compare, draft.outputs)?;
        let trees = trees.into_iter().map(|tree| {
            let output = tree.output();
            let nodes = self.fold_nodes(tree, cast, &compare, budget)?;
            Ok(checked(nodes, output, &schema)?)
        });
        let trees = trees.collect::<Result<Vec<_>, ImportError>>()?;
        Ok(match draft.kind {
            Kind::Forest(kind) => FloatModel::Forest(Forest::new(kind, schema, trees)?),
            Kind::Additive(kind) => {
                let (sum, link) = (draft.sum, draft.link);
                let threshold = draft.threshold;
                FloatModel::Additive(Additive::new(kind, schema, trees, sum, link, threshold)?)
            }
        })
    }

    /// The type in which each raw feature is compared, once `n_splits` splits are folded: float64 where it
    /// is used in several ways.
    ///
    /// # Errors
    /// More work than the budget has left.
    fn compare(
        &self,
        n_splits: usize,
        cast: Compare,
        budget: &Budget,
    ) -> Result<Vec<Compare>, ImportError> {
        let n_ops = self.inputs.iter().map(|input| input.ops.len()).max();
        let n_steps = (n_splits as u64).saturating_mul(64 * (n_ops.unwrap_or(0) as u64 + 1));
        budget.work("the pipeline", n_steps)?;
        let mut compare: Vec<Option<Compare>> = vec![None; self.n_raw];
        // Categories are whole numbers, of which either type will do.
        for input in self.inputs.iter().filter(|it| !it.is_of_categories()) {
            let own = input.compare(cast);
            let of_raw = &mut compare[input.raw];
            *of_raw = match of_raw {
                Some(other) if *other != own => Some(Compare::Float64),
                _ => Some(own),
            };
        }
        Ok(compare.into_iter().map(|it| it.unwrap_or(cast)).collect())
    }

    /// The nodes of a tree in preorder, over the raw features.
    fn fold_nodes(
        &self,
        tree: Tree,
        cast: Compare,
        compare: &[Compare],
        budget: &Budget,
    ) -> Result<Vec<Node>, ImportError> {
        let is_same = |(index, input): (usize, &Input)| input.raw == index && input.ops.is_empty();
        let nodes = tree.into_nodes();
        if self.inputs.iter().enumerate().all(is_same) {
            return Ok(nodes);
        }
        let raw = nodes.iter().enumerate().map(|(index, node)| match node {
            Node::Leaf(_) => Ok(RawNode::Leaf(index)),
            Node::Split(split) => {
                let input = &self.inputs[split.feature as usize];
                input.fold(node, split, cast, compare[input.raw], budget)
            }
        });
        let raw = raw.collect::<Result<Vec<_>, _>>()?;
        lower(&raw, 0, false, budget, "the pipeline", |at| {
            // Each leaf is come to once, unless a question of several cuts repeats it.
            Ok(nodes[at].leaf().expect("a leaf is one").to_vec())
        })
    }

    /// Rewrites a naive Bayes model so that it takes the raw features: means and variances are
    /// mapped back through the scalers. A feature that was selected away is none of its inputs.
    ///
    /// # Errors
    /// A clipped scaler, which is no linear map; another number of features than the feed has; a
    /// raw feature that reaches the model twice.
    pub(crate) fn fold_bayes(&self, bayes: &GaussianNb) -> Result<GaussianNb, ImportError> {
        self.check_width(bayes.schema().n_features())?;
        let n_classes = bayes.schema().n_classes();
        let mut order: Vec<usize> = (0..self.inputs.len()).collect();
        order.sort_by_key(|index| self.inputs[*index].raw);
        let mut inputs: Vec<usize> = Vec::with_capacity(order.len());
        let mut means = vec![Vec::with_capacity(order.len()); n_classes];
        let mut variances = means.clone();
        for index in order {
            let input = &self.inputs[index];
            if inputs.last() == Some(&input.raw) {
                return Err(refused!(
                    "naive Bayes with feature {} twice", input.raw; "pass each feature once"
                ));
            }
            inputs.push(input.raw);
            // The classifier sees `scale · x + offset`.
            let (mut scale, mut offset) = (1.0, 0.0);
            for op in &input.ops {
                match op {
                    Op::Single => {}
                    Op::Add(by) => offset += by,
                    Op::Subtract(by) => offset -= by,
                    Op::Multiply(by) => {
                        scale *= by;
                        offset *= by;
                    }
                    Op::Divide(by) => {
                        scale /= by;
                        offset /= by;
                    }
                    Op::Impute(_) => {
                        return Err(ImportError::refused(
                            "naive Bayes behind an imputer",
                            "fill the rows before fit, and leave the imputer out",
                        ));
                    }
                    Op::Clip { .. } => {
                        return Err(ImportError::refused(
                            "naive Bayes behind a scaler that clips",
                            "fit the scaler with clip=False",
                        ));
                    }
                    _ => {
                        return Err(ImportError::refused(
                            "naive Bayes behind an encoder or bins",
                            "fit CategoricalNB, BernoulliNB or a tree on them, or this one on the numbers",
                        ));
                    }
                }
            }
            for class in 0..n_classes {
                means[class].push((bayes.means()[class][index] - offset) / scale);
                variances[class].push(bayes.variances()[class][index] / (scale * scale));
            }
        }
        let schema = self.schema(
            &vec![Compare::Float64; self.n_raw],
            Outputs::Classes(bayes.schema().classes().to_vec()),
        )?;
        Ok(GaussianNb::of_inputs(
            schema,
            inputs,
            bayes.log_priors().to_vec(),
            means,
            variances,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_naive_bayes_is_not_fed_has_no_say() {
        let classes = vec!["no".to_owned(), "yes".to_owned()];
        let bayes = GaussianNb::new(
            Schema::unnamed(2, classes).expect("a schema"),
            vec![-0.5, -1.0],
            vec![vec![1.0, 2.0], vec![-3.0, 0.5]],
            vec![vec![4.0, 0.25], vec![1.0, 9.0]],
        )
        .expect("a model");
        let input = |raw, ops| Input { raw, ops };
        let feed = Feed {
            names: None,
            n_raw: 4,
            words: BTreeMap::new(),
            inputs: vec![input(3, vec![Op::Multiply(2.0)]), input(1, Vec::new())],
        };
        let folded = feed.fold_bayes(&bayes).expect("scaled and selected");
        assert_eq!(folded.inputs(), [1, 3]);
        // Twice the scale is half of the density, in every class alike.
        let expected = bayes.probabilities(&[5.0, 7.0]);
        for dropped in [0.0, 1e25, -1e300, f64::NAN] {
            let found = folded.probabilities(&[dropped, 7.0, -dropped, 2.5]);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{dropped}");
            }
        }
    }
}
