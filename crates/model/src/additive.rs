//! Ensembles that add: trees whose leaves hold numbers, a base per output, and a link from the sums
//! to a class, values or an alarm. Boosting, regression forests and isolation forests are all this.
//!
//! ```
//! use spinney_model::{FloatModel, Output};
//!
//! let model = FloatModel::from_json(br#"{"format": "spinney-model", "version": 2,
//!     "kind": "gradient-boosting", "features": [{"name": "a"}],
//!     "task": "regress", "targets": ["kW"], "sum": {"precision": "float64", "base": [2.0]},
//!     "link": {"function": "identity"},
//!     "trees": [{"nodes": [{"feature": 0, "threshold": 1.5, "left": 1, "right": 2},
//!                          {"value": [0.25]}, {"value": [-0.5]}]}]}"#)?;
//! assert_eq!(model.output(&[1.0]), Output::Values(vec![2.25]));
//! # Ok::<(), spinney_model::ModelError>(())
//! ```

use crate::link::{Link, check_link, is_one, last_alarm, one};
use crate::{ModelError, Node, Output, Schema, Task, Tree, argmax, limits, tree};

/// Which estimator an additive ensemble was; a name for reports, all predict by the same rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdditiveKind {
    /// scikit-learn's `DecisionTreeRegressor` and `ExtraTreeRegressor`.
    RegressionTree,
    /// scikit-learn's `RandomForestRegressor`.
    RandomForestRegressor,
    /// scikit-learn's `ExtraTreesRegressor`.
    ExtraTreesRegressor,
    /// scikit-learn's `GradientBoostingClassifier` and `GradientBoostingRegressor`.
    GradientBoosting,
    /// scikit-learn's `HistGradientBoostingClassifier` and `HistGradientBoostingRegressor`.
    HistGradientBoosting,
    /// scikit-learn's `IsolationForest`.
    IsolationForest,
    /// `AdaBoost` over trees.
    AdaBoost,
    /// Bagged trees.
    Bagging,
    /// Several ensembles put together with weights.
    Voting,
    /// `XGBoost`.
    XgBoost,
    /// `LightGBM`.
    LightGbm,
    /// `CatBoost`.
    CatBoost,
    /// scikit-learn's `BernoulliNB`.
    BernoulliNb,
    /// scikit-learn's `CategoricalNB`.
    CategoricalNb,
    /// Any other sum of trees.
    Additive,
}

impl AdditiveKind {
    /// All of them.
    #[rustfmt::skip]
    pub const ALL: [Self; 15] = [
        Self::RegressionTree, Self::RandomForestRegressor, Self::ExtraTreesRegressor,
        Self::GradientBoosting, Self::HistGradientBoosting, Self::IsolationForest, Self::AdaBoost,
        Self::Bagging, Self::Voting, Self::XgBoost, Self::LightGbm, Self::CatBoost,
        Self::BernoulliNb, Self::CategoricalNb, Self::Additive,
    ];

    /// Their names in reports and model files, in this order.
    #[rustfmt::skip]
    pub const NAMES: [&'static str; 15] = [
        "regression-tree", "random-forest-regressor", "extra-trees-regressor", "gradient-boosting",
        "hist-gradient-boosting", "isolation-forest", "adaboost", "bagging", "voting", "xgboost",
        "lightgbm", "catboost", "bernoulli-nb", "categorical-nb", "additive",
    ];

    /// The kind's name in reports and model files.
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// The type in which a library adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Base and leaves are rounded to float32, and so is each sum.
    Float32,
    /// Sums of float64.
    Float64,
}

impl Precision {
    /// One addition, rounded as the type rounds.
    pub fn add(self, sum: f64, addend: f64) -> f64 {
        match self {
            // Casts: the cast is the rule.
            Self::Float32 => f64::from(sum as f32 + addend as f32),
            Self::Float64 => sum + addend,
        }
    }

    /// How far one is from the next number above it.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::Float32 => f32::EPSILON.into(),
            Self::Float64 => f64::EPSILON,
        }
    }

    /// The largest finite number of the type.
    fn max(self) -> f64 {
        match self {
            Self::Float32 => f64::from(f32::MAX),
            Self::Float64 => f64::MAX,
        }
    }
}

/// How leaves become one raw value per output: `(base + leaf + leaf + …) / divisor`, added from the
/// left in the order of the trees.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// The type of each addition.
    pub precision: Precision,
    /// What the sum of each output starts at; as many as there are outputs.
    pub base: Vec<f64>,
    /// What sums are divided by at the end, in float64: 1 for a sum, the number of trees for a mean.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub divisor: f64,
}

impl Sum {
    /// A sum of outputs that start at `base`.
    #[must_use]
    pub fn new(precision: Precision, base: Vec<f64>, divisor: f64) -> Self {
        Self {
            precision,
            base,
            divisor,
        }
    }
}

/// A checked sum of at least one tree.
///
/// A classifier of two classes may have one output: class 1 iff its raw value is *above*
/// [`Additive::threshold`] (a library that takes class 1 at 0 too has the number just below 0 for a
/// threshold). With one output per class the largest raw value wins, the lowest index among equals.
/// A detector has one output, and raises an alarm unless it is above the threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Additive {
    kind: AdditiveKind,
    schema: Schema,
    pub(crate) trees: Vec<Tree>,
    sum: Sum,
    link: Link,
    threshold: Option<f64>,
}

impl Additive {
    /// Puts trees of [`Tree::additive`] together; their order is the order of additions.
    ///
    /// `sum.base` has one number per output: per class (or one alone, where there are two), per
    /// target, or one for a detector. `threshold` belongs to two classes with one output (0 where it
    /// is not given) and to a detector by another link than [`Link::Isolation`], which has its own.
    ///
    /// # Errors
    /// No tree, or more trees or splits than [`limits`] allow; a base, divisor, threshold or offset
    /// that is not finite or not in its range; another number of outputs; a link that does not suit
    /// the task; leaves whose sum no number of the precision holds.
    ///
    /// # Panics
    /// If a tree was checked against a schema or a number of outputs of other counts.
    pub fn new(
        kind: AdditiveKind,
        schema: Schema,
        trees: Vec<Tree>,
        sum: Sum,
        link: Link,
        threshold: Option<f64>,
    ) -> Result<Self, ModelError> {
        limits::TREES.check("trees", trees.len())?;
        limits::SPLITS.check("trees", tree::n_splits(&trees))?;
        check_outputs(&schema, &sum)?;
        check_link(&schema, sum.base.len(), link)?;
        let threshold = decided_at(&schema, sum.base.len(), link, threshold)?;
        for tree in &trees {
            let n_values = match tree.output() {
                Some(output) => {
                    assert!(output < sum.base.len());
                    1
                }
                None => sum.base.len(),
            };
            for node in tree.nodes() {
                match node {
                    Node::Split(split) => assert!((split.feature as usize) < schema.n_features()),
                    Node::Leaf(values) => assert_eq!(values.len(), n_values),
                }
            }
        }
        check_range(&trees, &sum)?;
        Ok(Self {
            kind,
            schema,
            trees,
            sum,
            link,
            threshold,
        })
    }

    /// The same kind of ensemble of other trees over the same features, added as `sum` says; one of no
    /// tree adds nothing.
    pub(crate) fn with_trees(
        &self,
        trees: Vec<(Vec<Node>, Option<usize>)>,
        sum: Sum,
    ) -> Result<Self, ModelError> {
        let (schema, n_outputs) = (self.schema.clone(), sum.base.len());
        let of = |(nodes, output)| Tree::additive(nodes, &schema, n_outputs, output);
        let mut trees = trees.into_iter().map(of).collect::<Result<Vec<_>, _>>()?;
        if trees.is_empty() {
            trees.push(of((vec![Node::Leaf(vec![0.0])], Some(0)))?);
        }
        let threshold = match self.link {
            Link::Isolation { .. } => None,
            _ => self.threshold,
        };
        Self::new(self.kind, schema, trees, sum, self.link, threshold)
    }

    /// Which estimator this was.
    pub fn kind(&self) -> AdditiveKind {
        self.kind
    }

    /// Names of features and outputs.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The trees, in the order of additions.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// How leaves are added.
    pub fn sum(&self) -> &Sum {
        &self.sum
    }

    /// From raw values to what is delivered.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The raw value above which one output means class 1 of two, or no alarm; `None` for values,
    /// and where there is an output per class.
    pub fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// Number of raw values: 1, or one per class or target.
    pub fn n_outputs(&self) -> usize {
        self.sum.base.len()
    }

    /// The values of the leaf that a row reaches in each tree, in order.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn leaves<'f>(&'f self, row: &'f [f64]) -> impl Iterator<Item = &'f [f64]> {
        tree::leaves(&self.trees, &self.schema, row)
    }

    /// Raw values of one row, one per output, before the link; always finite.
    ///
    /// # Panics
    /// If `row` has another length than the schema has features.
    pub fn raw(&self, row: &[f64]) -> Vec<f64> {
        let Sum {
            precision,
            base,
            divisor,
        } = &self.sum;
        let mut sums: Vec<f64> = base.iter().map(|it| precision.add(*it, 0.0)).collect();
        for (tree, leaf) in self.trees.iter().zip(self.leaves(row)) {
            let first = tree.output().unwrap_or(0);
            for (sum, addend) in sums[first..].iter_mut().zip(leaf) {
                *sum = precision.add(*sum, *addend);
            }
        }
        for sum in &mut sums {
            *sum /= divisor;
        }
        sums
    }

    /// Raw values through the link, one per output: values of targets, or a detector's score.
    pub fn linked(&self, raw: &[f64]) -> Vec<f64> {
        self.link.of(raw)
    }

    /// How far from 0 a sum can be at most, before it is divided: the base and the furthest leaf of each
    /// tree, of whichever outputs.
    pub fn largest(&self) -> f64 {
        let base = self.sum.base.iter();
        let base = base.fold(0.0, |most: f64, it| most.max(it.abs()));
        self.trees.iter().map(Tree::largest).sum::<f64>() + base
    }

    /// The lowest and the highest that the exact sum of an output can be.
    pub fn raw_span(&self, output: usize) -> (f64, f64) {
        let Sum { base, divisor, .. } = &self.sum;
        let (mut lowest, mut highest) = (base[output], base[output]);
        for tree in &self.trees {
            let at = match tree.output() {
                None => output,
                Some(its) if its == output => 0,
                Some(_) => continue,
            };
            let leaves = tree
                .nodes()
                .iter()
                .filter_map(|node| Some(node.leaf()?[at]));
            let (low, high) = leaves.fold((f64::INFINITY, f64::NEG_INFINITY), |span, leaf| {
                (span.0.min(leaf), span.1.max(leaf))
            });
            (lowest, highest) = (lowest + low, highest + high);
        }
        (lowest / divisor, highest / divisor)
    }

    /// What the library's `predict` delivers for raw values.
    pub fn output(&self, raw: &[f64]) -> Output {
        match self.schema.task() {
            Task::Classify => Output::Class(self.class(raw)),
            Task::Regress => Output::Values(self.linked(raw)),
            Task::Detect => Output::Score {
                score: self.linked(raw)[0],
                is_alarm: self.class(raw) == 1,
            },
        }
    }

    /// The class that raw values mean; of a detector, 1 is the alarm.
    ///
    /// # Panics
    /// If this model delivers values.
    pub fn class(&self, raw: &[f64]) -> usize {
        match (self.schema.task(), self.threshold) {
            (Task::Regress, _) => panic!("values are no classes"),
            (Task::Classify, Some(threshold)) => usize::from(raw[0] > threshold),
            (Task::Detect, Some(threshold)) => usize::from(raw[0] <= threshold),
            (_, None) => argmax(raw),
        }
    }

    /// Class probabilities by the link, one per class. Of a detector the anomaly score s, from 0 to
    /// 1, as `[1 - s, s]`; without a link that gives probabilities, the raw values, or for one output
    /// all of the class's own.
    ///
    /// # Panics
    /// If this model delivers values.
    pub fn probabilities(&self, raw: &[f64]) -> Vec<f64> {
        let linked = self.linked(raw);
        match self.link {
            _ if linked.len() > 1 => linked,
            Link::Sigmoid { .. } => vec![1.0 - linked[0], linked[0]],
            Link::Isolation { .. } => vec![1.0 + linked[0], -linked[0]],
            _ => (0..2)
                .map(|class| f64::from(u8::from(class == self.class(raw))))
                .collect(),
        }
    }
}

fn check_outputs(schema: &Schema, sum: &Sum) -> Result<(), ModelError> {
    let (n_outputs, wanted) = (sum.base.len(), schema.outputs().len());
    let (suits, expected) = match schema.task() {
        Task::Detect => (n_outputs == 1, "one, for the score".to_owned()),
        Task::Regress => (n_outputs == wanted, format!("one per target, {wanted}")),
        Task::Classify if wanted == 2 => (
            matches!(n_outputs, 1 | 2),
            "one for both classes, or two".to_owned(),
        ),
        Task::Classify => (n_outputs == wanted, format!("one per class, {wanted}")),
    };
    if !suits {
        let found = format!("{n_outputs} numbers");
        return Err(ModelError::new("sum.base", found, expected));
    }
    let max = sum.precision.max();
    for (index, base) in sum.base.iter().enumerate() {
        if !(-max..=max).contains(base) {
            return Err(broken!(
                format!("sum.base[{index}]"); "{base}"; "a finite number of the precision"
            ));
        }
    }
    if !(sum.divisor.is_normal() && sum.divisor > 0.0) {
        return Err(broken!("sum.divisor"; "{}", sum.divisor; "a positive number"));
    }
    Ok(())
}

/// The threshold of raw values that a model decides by, if it does.
fn decided_at(
    schema: &Schema,
    n_outputs: usize,
    link: Link,
    given: Option<f64>,
) -> Result<Option<f64>, ModelError> {
    let refused = |found: String, expected: &str| ModelError::new("threshold", found, expected);
    if let Some(bad) = given.filter(|it| !it.is_finite()) {
        return Err(refused(bad.to_string(), "a finite number"));
    }
    match (schema.task(), link) {
        (Task::Detect, Link::Isolation { offset }) => match given {
            None => Ok(Some(last_alarm(offset))),
            Some(given) => Err(refused(
                given.to_string(),
                "none, since the offset of the link decides",
            )),
        },
        (Task::Detect, _) => match given {
            Some(given) => Ok(Some(given)),
            None => Err(refused(
                "nothing".to_owned(),
                "the raw value up to which a detector raises an alarm",
            )),
        },
        (Task::Classify, _) if n_outputs == 1 => Ok(Some(given.unwrap_or(0.0))),
        _ => match given {
            None => Ok(None),
            Some(given) => Err(refused(
                given.to_string(),
                "none but for a detector, or one output of two classes",
            )),
        },
    }
}

/// Whether no row's sum leaves the numbers of its precision.
fn check_range(trees: &[Tree], sum: &Sum) -> Result<(), ModelError> {
    let mut largest: Vec<f64> = sum.base.iter().map(|base| base.abs()).collect();
    for tree in trees {
        let first = tree.output().unwrap_or(0);
        let mut of_tree = vec![0.0_f64; largest.len()];
        for values in tree.nodes().iter().filter_map(Node::leaf) {
            for (most, value) in of_tree[first..].iter_mut().zip(values) {
                *most = most.max(value.abs());
            }
        }
        for (sum, most) in largest.iter_mut().zip(of_tree) {
            *sum += most;
        }
    }
    // Roundings may add up to more than the exact sum; half of the range leaves room for them.
    let max = sum.precision.max() / 2.0;
    for (output, largest) in largest.into_iter().enumerate() {
        let largest = if sum.divisor < 1.0 {
            largest / sum.divisor
        } else {
            largest
        };
        if !(0.0..=max).contains(&largest) {
            return Err(broken!(
                "trees"; "leaves of output {output} that add up to {largest:e}"; "at most {max:e}"
            ));
        }
    }
    Ok(())
}
