//! Folds what stands before a classifier into the classifier, so that it takes raw features.
//!
//! A split behind a scaler asks whether `float32(scale(x)) <= t`. Every step of the scaling is
//! monotone in float64 as in the reals, so the raw values that go left are all those up to some
//! largest one, and that one is found by bisection over the float64 values themselves, with the
//! library's own order of operations. It becomes the threshold of a split that compares float64.
//! Solving for `x` in algebra instead would decide rows next to the threshold differently.

use std::collections::BTreeMap;
use std::rc::Rc;

use spinney_dataset::Budget;
use spinney_model::{
    Additive, Compare, Feature, Forest, GaussianNb, Naming, Node, Schema, Side, Tree,
};

use crate::ImportError;
use crate::draft::{Draft, Outputs};
use crate::lower::{Question, RawNode, categories, lower, opposite, side};

/// One float64 operation of a scaler on one feature.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// Rounds to float32. After a float64 operation on two float32 values this gives the float32
    /// operation, since float64 has more than twice its digits.
    Single,
    Add(f64),
    Subtract(f64),
    Multiply(f64),
    Divide(f64),
    Clip {
        low: f64,
        high: f64,
    },
    /// Puts a number in the place of a missing reading.
    Impute(f64),
    /// The same of a word, for the encoder behind it.
    ImputeWord(Rc<str>),
    /// 1 above the bound, else 0.
    Above(f64),
    /// 1 from `low` on and below `high`, else 0.
    Within {
        low: f64,
        high: f64,
    },
    /// The number of these bounds, which ascend, that are at most the reading.
    Bin(Rc<[f64]>),
    /// 1 for a missing reading, else 0.
    IsMissing,
    /// Numbers in the place of categories.
    Encode(Rc<Encoder>),
}

impl Op {
    /// Checks the constant: finite, above 0 where it scales.
    ///
    /// # Errors
    /// A degenerate or negative scale, naming `step` and the feature.
    pub(crate) fn checked(self, step: &str, feature: usize) -> Result<Self, ImportError> {
        let fault = match &self {
            Self::Multiply(by) | Self::Divide(by) if !(by.is_finite() && *by > 0.0) => {
                format!("{step} with a scale of {by} for feature {feature}")
            }
            Self::Add(by) | Self::Subtract(by) if !by.is_finite() => {
                format!("{step} with an offset of {by} for feature {feature}")
            }
            Self::Impute(by) if !by.is_finite() => {
                format!("{step} that puts {by} in the place of a missing feature {feature}")
            }
            Self::Clip { low, high } if !(low <= high && low.is_finite() && high.is_finite()) => {
                format!("{step} that clips to {low}..{high}")
            }
            _ => return Ok(self),
        };
        Err(ImportError::refused(
            fault,
            "scales must be finite and above 0: drop constant features (VarianceThreshold) and fit again",
        ))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the cast is the operation")]
    fn apply(&self, x: f64) -> f64 {
        let one = |is_one: bool| f64::from(u8::from(is_one));
        match self {
            Self::Single => f64::from(x as f32),
            Self::Add(by) => x + by,
            Self::Subtract(by) => x - by,
            Self::Multiply(by) => x * by,
            Self::Divide(by) => x / by,
            Self::Clip { low, high } => x.clamp(*low, *high),
            Self::Impute(by) if x.is_nan() => *by,
            Self::Impute(_) | Self::ImputeWord(_) => x,
            Self::Above(_) | Self::Within { .. } | Self::Bin(_) if x.is_nan() => x,
            Self::Above(bound) => one(x > *bound),
            Self::Within { low, high } => one(*low <= x && x < *high),
            Self::Bin(bounds) => bounds.partition_point(|bound| *bound <= x) as f64,
            Self::IsMissing => one(x.is_nan()),
            Self::Encode(encoder) => encoder.apply(x),
        }
    }
}

/// What a classifier sees as one of its features: a raw feature, after some operations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    /// Index of the raw feature.
    pub raw: usize,
    /// Operations in their order.
    pub ops: Vec<Op>,
}

impl Input {
    /// Every raw feature as it is.
    pub(crate) fn all(n_features: usize) -> Vec<Self> {
        (0..n_features)
            .map(|raw| Self {
                raw,
                ops: Vec::new(),
            })
            .collect()
    }

    /// Whether nothing changes a reading between the raw feature and the classifier but a cast to
    /// float32.
    fn is_cast(&self) -> bool {
        let keeps = |op: &Op| matches!(op, Op::Single | Op::Impute(_));
        self.ops.iter().all(keeps)
    }

    /// Whether the raw feature is asked for categories that are whole numbers.
    fn is_of_categories(&self) -> bool {
        self.ops.iter().any(|op| match op {
            Op::Encode(encoder) => {
                let raw: Vec<f64> = encoder.raw.iter().map(|(raw, _)| *raw).collect();
                categories(&raw).is_some()
            }
            _ => false,
        })
    }

    fn apply(&self, x: f64) -> f64 {
        self.ops.iter().fold(x, |x, op| op.apply(x))
    }

    /// A split of this feature as one of the raw feature.
    fn fold(
        &self,
        node: &Node,
        [left, right]: [usize; 2],
        cast: Compare,
        budget: &Budget,
    ) -> Result<RawNode, ImportError> {
        let feature = u32::try_from(self.raw).expect("schemas are small");
        let goes_left = |x: f64| node.sends_left(cast.seen(self.apply(x)));
        // What is still missing has no side where the split has none.
        let is_open = node.missing().is_none() && cast.seen(self.apply(f64::NAN)).is_nan();
        let missing = (!is_open).then(|| side(goes_left(f64::NAN)));
        let is_step = |(_, op): &(usize, &Op)| matches!(op, Op::Encode(_) | Op::Within { .. });
        let question = match (node, self.ops.iter().enumerate().find(is_step)) {
            (_, Some((_, Op::Encode(encoder)))) => {
                budget.work("the pipeline", encoder.raw.len() as u64)?;
                return Ok(encoder.fold(feature, goes_left, missing, [left, right]));
            }
            (_, Some((at, Op::Within { low, high }))) => {
                let before = Self {
                    raw: self.raw,
                    ops: self.ops[..at].to_vec(),
                };
                // Up to the last reading below either bound, and beyond.
                let ends = [*low, *high].map(|bound| before.largest(|seen| seen < bound));
                let ends: Vec<f64> = ends
                    .into_iter()
                    .flatten()
                    .filter(|it| *it < f64::MAX)
                    .collect();
                let beyond = ends[..]
                    .iter()
                    .map(|end| (*end, side(goes_left(end.next_up()))));
                Question::of_sides(side(goes_left(-f64::MAX)), beyond)
            }
            (Node::Split { threshold, .. }, _) if self.is_cast() => Question::at_most(*threshold),
            (Node::Split { threshold, .. }, _) => {
                match self.largest(|seen| cast.seen(seen) <= *threshold) {
                    Some(largest) => Question::at_most(largest),
                    None => Question::cut(Vec::new(), Side::Right),
                }
            }
            (Node::Member { categories, .. }, _) if self.is_cast() => {
                return Ok(RawNode::Member {
                    feature,
                    categories: categories.clone(),
                    missing,
                    left,
                    right,
                });
            }
            _ => {
                return Err(ImportError::refused(
                    format!(
                        "feature {} both scaled and a feature of categories",
                        self.raw
                    ),
                    "leave the scaler out: trees need none",
                ));
            }
        };
        Ok(RawNode::Split {
            feature,
            question,
            missing,
            left,
            right,
        })
    }

    /// The largest float64 that, after the operations, is as wanted; `None` if there is none. What is
    /// wanted ends where readings rise.
    fn largest(&self, is_wanted: impl Fn(f64) -> bool) -> Option<f64> {
        let is_wanted = |key: i64| is_wanted(self.apply(from_key(key)));
        let mut left = key(-f64::MAX);
        let mut right = key(f64::MAX);
        if !is_wanted(left) {
            return None;
        }
        if is_wanted(right) {
            return Some(f64::MAX);
        }
        while left + 1 < right {
            let middle = left.midpoint(right);
            if is_wanted(middle) {
                left = middle;
            } else {
                right = middle;
            }
        }
        Some(from_key(left))
    }
}

/// Readings that stand for categories, as numbers: what an encoder does, or the column that a one-hot
/// encoder makes of one category.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Encoder {
    /// The readings, each with what it becomes: ascending where they are numbers.
    pub raw: Vec<(f64, f64)>,
    /// What all other readings become.
    pub unknown: f64,
    /// What a missing one becomes.
    pub missing: f64,
}

impl Encoder {
    /// The places of categories from what the rows hold, as categories are the places of themselves
    /// in a file.
    pub(crate) fn places(raw: impl IntoIterator<Item = f64>) -> Self {
        let mut raw: Vec<(f64, f64)> = raw.into_iter().zip((0..).map(f64::from)).collect();
        raw.sort_by(|one, other| one.0.total_cmp(&other.0));
        Self {
            raw,
            unknown: -1.0,
            missing: f64::NAN,
        }
    }

    fn apply(&self, x: f64) -> f64 {
        if x.is_nan() {
            return self.missing;
        }
        let found = self
            .raw
            .binary_search_by(|(raw, _)| raw.total_cmp(&(x + 0.0)));
        found.map_or(self.unknown, |at| self.raw[at].1)
    }

    /// A split as a set of readings: a set of categories, if they are whole numbers from 0 on.
    fn fold(
        &self,
        feature: u32,
        goes_left: impl Fn(f64) -> bool,
        missing: Option<Side>,
        [left, right]: [usize; 2],
    ) -> RawNode {
        // What is not known goes right in a set, whose sides change if it is to go left.
        let unknown = self.raw.last().map_or(0.0, |last| last.0.next_up());
        let is_turned = goes_left(unknown);
        let readings = self.raw.iter().map(|(raw, _)| *raw);
        let members: Vec<f64> = readings
            .filter(|raw| goes_left(*raw) != is_turned)
            .collect();
        let (children, missing) = match is_turned {
            true => ([right, left], missing.map(opposite)),
            false => ([left, right], missing),
        };
        RawNode::one_of(feature, &members, missing, children)
    }
}

/// Maps float64 to integers that keep the order; neighbours stay neighbours, and zero is one.
fn key(value: f64) -> i64 {
    let magnitude = i64::try_from(value.abs().to_bits()).expect("the sign bit is clear");
    if value.is_sign_negative() {
        -magnitude
    } else {
        magnitude
    }
}

fn from_key(key: i64) -> f64 {
    let magnitude = f64::from_bits(key.unsigned_abs());
    if key < 0 { -magnitude } else { magnitude }
}

/// What a classifier is fed: raw features by name, and its own features in terms of them.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    /// Names of the raw features, if the model knows them; then as many as `n_raw`.
    pub names: Option<Vec<String>>,
    /// Number of raw features.
    pub n_raw: usize,
    /// The words of raw features that are words in rows, by index.
    pub words: BTreeMap<usize, Vec<String>>,
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
        Err(ImportError::broken(
            "the pipeline",
            format!("{} features before the classifier", self.inputs.len()),
            format!("the {n_features} that it was fitted on"),
        ))
    }

    /// Rewrites a forest so that it takes the raw features.
    ///
    /// `cast` is the type in which the classifier itself compares: float32 in scikit-learn.
    ///
    /// # Errors
    /// A classifier with another number of features than the feed has, or with a raw feature that
    /// reaches it twice through different scalers; more work than the budget has left.
    pub(crate) fn fold_forest(
        &self,
        forest: Forest,
        cast: Compare,
        budget: &Budget,
    ) -> Result<Forest, ImportError> {
        self.check_width(forest.schema().n_features())?;
        let compare = self.compare(forest.n_splits(), cast, budget)?;
        let classes = forest.schema().classes().to_vec();
        let schema = self.schema(&compare, Outputs::Classes(classes))?;
        let kind = forest.kind();
        let trees = forest
            .into_trees()
            .into_iter()
            .map(|tree| Ok(Tree::new(self.fold_nodes(tree, cast, budget)?, &schema)?))
            .collect::<Result<Vec<_>, ImportError>>()?;
        Ok(Forest::new(kind, schema, trees)?)
    }

    /// Checks a sum of trees and rewrites it so that it takes the raw features; as
    /// [`Self::fold_forest`].
    ///
    /// # Errors
    /// As [`Self::fold_forest`]; trees that are none.
    pub(crate) fn fold_additive(
        &self,
        draft: Draft,
        cast: Compare,
        budget: &Budget,
    ) -> Result<Additive, ImportError> {
        self.check_width(draft.n_features)?;
        let n_outputs = draft.sum.base.len();
        let seen = Feed::raw(None, draft.n_features);
        let schema = seen.schema(
            &vec![cast; draft.n_features],
            Outputs::Targets(vec!["y".to_owned()]),
        )?;
        let trees = draft
            .trees
            .into_iter()
            .enumerate()
            .map(|(index, tree)| {
                Tree::additive(tree.nodes, &schema, n_outputs, tree.output)
                    .map_err(|error| ImportError::from(error).within(&format!("trees[{index}]")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let n_splits = trees.iter().map(Tree::n_splits).sum();
        let compare = self.compare(n_splits, cast, budget)?;
        let schema = self.schema(&compare, draft.outputs)?;
        let trees = trees
            .into_iter()
            .map(|tree| {
                let output = tree.output();
                let nodes = self.fold_nodes(tree, cast, budget)?;
                Ok(Tree::additive(nodes, &schema, n_outputs, output)?)
            })
            .collect::<Result<Vec<_>, ImportError>>()?;
        Ok(Additive::new(
            draft.kind,
            schema,
            trees,
            draft.sum,
            draft.link,
            draft.threshold,
        )?)
    }

    /// The type in which each raw feature is compared, once `n_splits` splits are folded.
    ///
    /// # Errors
    /// A raw feature that is used through different scalers; more work than the budget has left.
    fn compare(
        &self,
        n_splits: usize,
        cast: Compare,
        budget: &Budget,
    ) -> Result<Vec<Compare>, ImportError> {
        let n_ops = self.inputs.iter().map(|input| input.ops.len()).max();
        let n_steps = (n_splits as u64).saturating_mul(64 * n_ops.unwrap_or(0) as u64);
        budget.work("the pipeline", n_steps)?;
        let mut compare = vec![cast; self.n_raw];
        let mut known = vec![false; self.n_raw];
        for input in &self.inputs {
            if input.is_of_categories() {
                // As they are whole numbers, either type will do.
                continue;
            }
            let here = if input.is_cast() {
                if input.ops.contains(&Op::Single) {
                    Compare::Float32
                } else {
                    cast
                }
            } else {
                Compare::Float64
            };
            if known[input.raw] && compare[input.raw] != here {
                return Err(ImportError::refused(
                    format!("feature {} used both scaled and unscaled", input.raw),
                    "scale all features or none",
                ));
            }
            compare[input.raw] = here;
            known[input.raw] = true;
        }
        Ok(compare)
    }

    /// The nodes of a tree in preorder, over the raw features.
    fn fold_nodes(
        &self,
        tree: Tree,
        cast: Compare,
        budget: &Budget,
    ) -> Result<Vec<Node>, ImportError> {
        let is_same = |(index, input): (usize, &Input)| input.raw == index && input.ops.is_empty();
        let mut nodes = tree.into_nodes();
        if self.inputs.iter().enumerate().all(is_same) {
            return Ok(nodes);
        }
        let raw = (nodes.iter_mut().enumerate()).map(|(index, node)| match node.split() {
            None => Ok(RawNode::Leaf(index)),
            Some((feature, children)) => self.inputs[feature].fold(node, children, cast, budget),
        });
        let raw = raw.collect::<Result<Vec<_>, _>>()?;
        lower(&raw, 0, false, budget, "the pipeline", |at| {
            // Each leaf is come to once, unless a question of several cuts repeats it.
            Ok(match &nodes[at] {
                Node::Leaf { values } => values.clone(),
                _ => unreachable!("a leaf is one"),
            })
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
                return Err(ImportError::refused(
                    format!("naive Bayes with feature {} twice", input.raw),
                    "pass each feature once",
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
                    Op::ImputeWord(_)
                    | Op::Encode(_)
                    | Op::Within { .. }
                    | Op::Above(_)
                    | Op::Bin(_)
                    | Op::IsMissing => {
                        return Err(ImportError::refused(
                            "GaussianNB behind an encoder or bins",
                            "fit CategoricalNB or a tree on them, or GaussianNB on the numbers",
                        ));
                    }
                    Op::Clip { .. } => {
                        return Err(ImportError::refused(
                            "naive Bayes behind a scaler that clips",
                            "fit the scaler with clip=False",
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_keep_order_and_neighbours() {
        for value in [
            0.0,
            1.0,
            -1.0,
            f64::MIN_POSITIVE,
            -f64::MAX,
            f64::MAX,
            1e-320,
            -3.7,
        ] {
            assert_eq!(from_key(key(value)), value);
            assert_eq!(key(value.next_up()), key(value) + 1, "{value}");
        }
        assert_eq!(key(-0.0), key(0.0));
    }

    fn op() -> impl Strategy<Value = Op> {
        let scale = (-30..30_i32, 1.0..2.0).prop_map(|(exponent, m)| m * 2.0_f64.powi(exponent));
        prop_oneof![
            Just(Op::Single),
            (-1e6..1e6).prop_map(Op::Add),
            (-1e6..1e6).prop_map(Op::Subtract),
            scale.clone().prop_map(Op::Multiply),
            scale.prop_map(Op::Divide),
        ]
    }

    proptest! {
        #[test]
        fn the_largest_left_value_is_the_largest(
            ops in prop::collection::vec(op(), 0..6),
            threshold in -1e7..1e7,
            double in any::<bool>(),
        ) {
            let cast = if double { Compare::Float64 } else { Compare::Float32 };
            let input = Input { raw: 0, ops };
            let x = input.largest(|seen| cast.seen(seen) <= threshold).expect("some value goes left");
            prop_assert!(cast.seen(input.apply(x)) <= threshold);
            if x < f64::MAX {
                prop_assert!(cast.seen(input.apply(x.next_up())) > threshold);
            }
        }
    }

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

    #[test]
    fn a_clipped_value_below_every_reading_is_never_left() {
        let input = Input {
            raw: 0,
            ops: vec![Op::Clip {
                low: 0.0,
                high: 1.0,
            }],
        };
        assert_eq!(input.largest(|seen| seen <= -0.5), None);
        assert_eq!(input.largest(|seen| seen <= 1.0), Some(f64::MAX));
    }
}
