//! scikit-learn's estimators, by name: here trees, forests that vote, and Gaussian naive Bayes.

use spinney_model::{AdditiveKind, ForestKind, GaussianNb, Node, Schema};

use super::importance::pairwise_sum;
use super::object::{Fields, Object};
use super::{bayes, boosting, ensemble, isolation};
use crate::ImportError;
use crate::draft::{Draft, DraftTree};
use crate::lower::side;

/// An estimator in terms of its own features, which a pipeline may have scaled and selected.
pub(super) enum Estimator {
    /// Trees that vote or add.
    Trees(Draft),
    /// Gaussian naive Bayes.
    GaussianNb(GaussianNb),
}

impl Estimator {
    pub(super) fn n_features(&self) -> usize {
        match self {
            Self::Trees(draft) => draft.n_features,
            Self::GaussianNb(bayes) => bayes.schema().n_features(),
        }
    }
}

/// Reads an estimator; what a user should know goes into `notes`.
///
/// # Errors
/// An estimator that is not supported, by name, or state that no fitted one has.
pub(super) fn read(estimator: &Object, notes: &mut Vec<String>) -> Result<Estimator, ImportError> {
    use AdditiveKind::{
        Bagging, ExtraTreesRegressor, RandomForestRegressor, RegressionTree, Voting,
    };
    let class = estimator.class_name();
    let mean = ensemble::mean_of_values;
    let draft = match class {
        _ if !estimator.is_sklearn() => Err(unsupported(estimator)),
        "DecisionTreeClassifier" | "ExtraTreeClassifier" => {
            forest(estimator, ForestKind::DecisionTree, notes)
        }
        "RandomForestClassifier" => forest(estimator, ForestKind::RandomForest, notes),
        "ExtraTreesClassifier" => forest(estimator, ForestKind::ExtraTrees, notes),
        "GaussianNB" => return bayes::gaussian(estimator).map(Estimator::GaussianNb),
        "MultinomialNB" | "ComplementNB" => {
            notes.push(format!(
                "{class} is held as a Gaussian naive Bayes whose classes share their variances: classes \
                 and probabilities are the same."
            ));
            return bayes::of_counts(estimator).map(Estimator::GaussianNb);
        }
        "BernoulliNB" => bayes::bernoulli(estimator),
        "CategoricalNB" => bayes::categorical(estimator),
        "DecisionTreeRegressor" | "ExtraTreeRegressor" => mean(estimator, RegressionTree),
        "RandomForestRegressor" => mean(estimator, RandomForestRegressor),
        "ExtraTreesRegressor" => mean(estimator, ExtraTreesRegressor),
        "BaggingRegressor" => mean(estimator, Bagging),
        "VotingRegressor" => mean(estimator, Voting),
        "BaggingClassifier" => ensemble::mean_of_votes(estimator, Bagging),
        "VotingClassifier" => ensemble::mean_of_votes(estimator, Voting),
        "GradientBoostingClassifier" | "GradientBoostingRegressor" => {
            boosting::gradient_boosting(estimator)
        }
        "HistGradientBoostingClassifier" | "HistGradientBoostingRegressor" => {
            boosting::hist_gradient_boosting(estimator)
        }
        "IsolationForest" => isolation::isolation_forest(estimator),
        "AdaBoostClassifier" => boosting::ada_boost(estimator, notes),
        _ => Err(unsupported(estimator)),
    };
    draft.map(Estimator::Trees)
}

/// A tree, or a forest of trees, that votes.
fn forest(
    estimator: &Object,
    kind: ForestKind,
    notes: &mut Vec<String>,
) -> Result<Draft, ImportError> {
    refuse_multi_output(estimator)?;
    let schema = schema(estimator)?;
    let members = match kind {
        ForestKind::DecisionTree => vec![estimator.clone()],
        _ => estimator.get("estimators_")?.items()?,
    };
    let mut has_counts = false;
    let mut trees = Vec::with_capacity(members.len());
    let mut missing = MissingValues::default();
    for member in &members {
        if !matches!(
            member.class_name(),
            "DecisionTreeClassifier" | "ExtraTreeClassifier"
        ) {
            return Err(member.odd("a DecisionTreeClassifier"));
        }
        let raw = RawTree::read(member)?;
        missing.look(&raw);
        if missing.are_learnt() {
            return Err(MissingValues::refusal());
        }
        let normalize = match member.version() {
            Some(_) => normalizes(member),
            None => normalizes(estimator),
        };
        raw.must_have(schema.n_classes())?;
        has_counts |= raw.is_counts();
        trees.push(raw.draft(false, None, |index| raw.proportions(index, normalize))?);
    }
    if has_counts {
        notes.push("Leaves hold class counts; they were turned into proportions.".to_owned());
    }
    let classes = schema.classes().to_vec();
    Ok(Draft::votes(kind, schema.n_features(), classes, trees))
}

/// Refuses an estimator by name, with the nearest thing that works.
pub(super) fn unsupported(estimator: &Object) -> ImportError {
    let class = estimator.class_name();
    let instead = match class {
        _ if !estimator.is_sklearn() => {
            "only scikit-learn's own trees, forests, boosting and GaussianNB are; XGBoost, LightGBM and \
             CatBoost save files of their own (`save_model`), and their trees need no scaler"
        }
        "AdaBoostRegressor" => {
            "its median of trees is no sum; fit a GradientBoostingRegressor or a \
             HistGradientBoostingRegressor"
        }
        "StackingClassifier" | "StackingRegressor" => {
            "its last model is none over readings; fit a VotingClassifier or VotingRegressor"
        }
        _ if class.ends_with("Regressor")
            || class.ends_with("Regression") && class != "LogisticRegression" =>
        {
            "trees, forests and boosting are; fit a HistGradientBoostingRegressor or a \
             RandomForestRegressor"
        }
        "ColumnTransformer" | "FeatureUnion" => "dump the whole pipeline, with the model behind it",
        "OneClassSVM" | "LocalOutlierFactor" | "EllipticEnvelope" => {
            "the detector that is supported is IsolationForest"
        }
        _ => {
            "DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier, boosting and \
             GaussianNB are"
        }
    };
    ImportError::refused(estimator.shown_class(), instead)
}

fn refuse_multi_output(estimator: &Object) -> Result<(), ImportError> {
    match estimator.find("n_outputs_").map(|n| n.size()).transpose()? {
        None | Some(1) => Ok(()),
        Some(n) => Err(ImportError::refused(
            format!("a {} with {n} outputs", estimator.shown_class()),
            "fit and import one classifier per output",
        )),
    }
}

/// Number of features that an estimator was fitted on; a voting ensemble asks its first member.
pub(super) fn n_features(estimator: &Object) -> Result<usize, ImportError> {
    if estimator.class_name().starts_with("Voting") && estimator.find("n_features_in_").is_none() {
        let members = estimator.get("estimators_")?.items()?;
        let first = members.first();
        return first
            .ok_or_else(|| estimator.odd("at least one member"))?
            .get("n_features_in_")?
            .size();
    }
    estimator.get("n_features_in_")?.size()
}

pub(super) fn schema(estimator: &Object) -> Result<Schema, ImportError> {
    let n_features = n_features(estimator)?;
    let classes = estimator.get("classes_")?.labels()?;
    Schema::unnamed(n_features, classes)
        .map_err(|error| ImportError::from(error).within(estimator.place()))
}

/// Whether a tree of an estimator's version divides leaves by their sum when it predicts, as before
/// proportions were stored.
pub(super) fn normalizes(estimator: &Object) -> bool {
    !is_at_least(estimator.version(), &[1, 4])
}

/// Whether a version is known and at least this one.
pub(super) fn is_at_least(version: Option<String>, least: &[u32]) -> bool {
    let Some(version) = version else {
        return false;
    };
    // The number of a release candidate, as in 1.4.0rc1, is not told from that of its release.
    let found = version.split('.').map(|part| {
        let digits = part.trim_end_matches(|it: char| !it.is_ascii_digit());
        let end = digits.find(|it: char| !it.is_ascii_digit());
        digits[..end.unwrap_or(digits.len())].parse::<u32>().ok()
    });
    let found: Vec<u32> = found.map_while(|part| part).collect();
    !found.is_empty() && *found >= *least
}

/// What scikit-learn stores of a tree.
const TREE_STATE: [&str; 4] = ["max_depth", "node_count", "nodes", "values"];
/// What it stores of each node.
const NODE_FIELDS: [&str; 8] = [
    "left_child",
    "right_child",
    "feature",
    "threshold",
    "impurity",
    "n_node_samples",
    "weighted_n_node_samples",
    "missing_go_to_left",
];

/// A tree's arrays, as they are stored.
pub(super) struct RawTree {
    place: String,
    left: Vec<i64>,
    right: Vec<i64>,
    pub(super) feature: Vec<i64>,
    threshold: Vec<f64>,
    pub(super) n_samples: Vec<i64>,
    pub(super) impurity: Vec<f64>,
    pub(super) weight: Vec<f64>,
    /// Whether readings that are missing go left; absent before 1.3.
    missing_left: Option<Vec<i64>>,
    values: Vec<f64>,
    /// Outputs of each node.
    pub(super) n_outputs: usize,
    /// Numbers of each output: one per class, or one.
    pub(super) n_values: usize,
}

impl RawTree {
    /// Reads the arrays of an estimator's `Tree`; fields are found by name, wherever they lie.
    pub(super) fn read(estimator: &Object) -> Result<Self, ImportError> {
        let tree = estimator.get("tree_")?;
        tree.refuse_unknown(&TREE_STATE)?;
        let nodes = Fields::of(tree.get("nodes")?, &NODE_FIELDS, estimator.version())?;
        let values_at = tree.get("values")?;
        let values = values_at.array()?;
        let [n_nodes, n_outputs, n_values] = *values.shape() else {
            return Err(values_at.odd("an array of three dimensions"));
        };
        let left = nodes.integers("left_child")?;
        DraftTree::take(tree.budget(), tree.place(), n_nodes)?;
        if n_nodes != left.len() || n_nodes == 0 {
            return Err(broken!(
                values_at.place(); "values of {n_nodes} nodes";
                "those of {} nodes, at least one", left.len()
            ));
        }
        let missing_left = nodes.has("missing_go_to_left");
        let missing_left = missing_left.then(|| nodes.integers("missing_go_to_left"));
        let raw = Self {
            place: tree.place().to_owned(),
            left,
            right: nodes.integers("right_child")?,
            feature: nodes.integers("feature")?,
            threshold: nodes.numbers("threshold")?,
            n_samples: nodes.integers("n_node_samples")?,
            impurity: nodes.numbers("impurity")?,
            weight: nodes.numbers("weighted_n_node_samples")?,
            missing_left: missing_left.transpose()?,
            values: values_at.numbers(n_nodes * n_outputs * n_values)?,
            n_outputs,
            n_values,
        };
        // The constructor's arguments repeat the counts: features, classes per output, outputs.
        let arguments = tree.constructor_arguments()?;
        if arguments.len() != 3 || arguments[2].size()? != n_outputs {
            return Err(broken!(
                tree.place(); "odd constructor arguments";
                "features, classes and {n_outputs} outputs"
            ));
        }
        Ok(raw)
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    /// Whether leaves hold weighted class counts rather than proportions.
    fn is_counts(&self) -> bool {
        let root: f64 = self.values[..self.n_values].iter().sum();
        (root - 1.0).abs() > 1e-6
    }

    /// Whether node `index` is a leaf, as scikit-learn tells it.
    pub(super) fn is_leaf(&self, index: usize) -> bool {
        self.left[index] == -1
    }

    /// All numbers of a node.
    pub(super) fn values(&self, index: usize) -> &[f64] {
        let width = self.n_outputs * self.n_values;
        &self.values[index * width..(index + 1) * width]
    }

    /// Class proportions of a node. `normalize` divides them by their sum, as scikit-learn did when
    /// it predicted, until 1.3.
    pub(super) fn proportions(&self, index: usize, normalize: bool) -> Vec<f64> {
        let mut proportions = self.values(index).to_vec();
        if normalize {
            let sum = pairwise_sum(&proportions);
            for value in &mut proportions {
                *value /= if sum == 0.0 { 1.0 } else { sum };
            }
        }
        proportions
    }

    /// Refuses a tree that does not hold a number per class.
    pub(super) fn must_have(&self, n_classes: usize) -> Result<(), ImportError> {
        if self.n_outputs != 1 {
            return Err(refused!(
                "a tree with {} outputs", self.n_outputs; "fit and import one classifier per output"
            ));
        }
        if self.n_values != n_classes {
            return Err(broken!(
                self.within("values"); "{} per node", self.n_values; "one per class, {n_classes}"
            ));
        }
        Ok(())
    }

    /// Refuses a tree that holds more than one number per node.
    pub(super) fn must_have_one_value(&self) -> Result<(), ImportError> {
        if (self.n_outputs, self.n_values) == (1, 1) {
            return Ok(());
        }
        Err(broken!(
            self.within("values"); "{} outputs of {} per node", self.n_outputs, self.n_values;
            "one of one"
        ))
    }

    fn within(&self, what: &str) -> String {
        format!("{}, {what}", self.place)
    }

    /// The tree with these leaves, which add to one output or to all; `missing` keeps the sides of missing
    /// readings.
    pub(super) fn draft(
        &self,
        missing: bool,
        output: Option<usize>,
        leaf: impl Fn(usize) -> Vec<f64>,
    ) -> Result<DraftTree, ImportError> {
        let flags = self.missing_left.as_ref().filter(|_| missing);
        let nodes = (0..self.len()).map(|index| {
            if self.is_leaf(index) {
                return Ok(Node::Leaf(leaf(index)));
            }
            let index_of = |field: &str, value: i64| {
                u32::try_from(value).map_err(
                    |_| broken!(self.within(&format!("nodes[{index}].{field}")); "{value}"; "an index"),
                )
            };
            let feature = index_of("feature", self.feature[index])?;
            let left = index_of("left_child", self.left[index])?;
            let right = index_of("right_child", self.right[index])?;
            let threshold = match flags {
                Some(_) => finite(self.threshold[index]),
                None => self.threshold[index],
            };
            let missing = flags.map(|flags| side(flags[index] != 0));
            Ok(Node::at_most(feature, threshold, missing, [left, right]))
        });
        let nodes = nodes.collect::<Result<_, ImportError>>()?;
        Ok(DraftTree::new(&self.place, nodes, output))
    }

    /// The children of a split.
    pub(super) fn children(&self, at: usize) -> Result<[usize; 2], ImportError> {
        let n_nodes = self.len();
        let index = |child: i64| {
            let index = usize::try_from(child).ok().filter(|it| *it < n_nodes);
            index.ok_or_else(|| {
                broken!(
                    self.within(&format!("nodes[{at}]")); "the child {child}";
                    "a node index below {n_nodes}"
                )
            })
        };
        Ok([index(self.left[at])?, index(self.right[at])?])
    }

    /// The number of splits above each node; 0 for one that no split leads to.
    pub(super) fn depths(&self) -> Result<Vec<usize>, ImportError> {
        let mut depths = vec![0; self.len()];
        let mut stack = vec![0_usize];
        let mut n_visits = 0;
        while let Some(at) = stack.pop() {
            n_visits += 1;
            if n_visits > self.len() {
                return Err(broken!(self.within("nodes"); "a cycle"; "a tree"));
            }
            if self.is_leaf(at) {
                continue;
            }
            for child in self.children(at)? {
                depths[child] = depths[at] + 1;
                stack.push(child);
            }
        }
        Ok(depths)
    }
}

/// An infinite threshold parts missing readings from all others; of finite ones the largest does
/// too.
pub(super) fn finite(threshold: f64) -> f64 {
    if threshold == f64::INFINITY {
        f64::MAX
    } else {
        threshold
    }
}

/// Signs that a model was fitted on rows with missing values.
///
/// scikit-learn sets a direction for missing readings on every split; where none was missing it
/// is the side of more samples, or (random splits before 1.6) always the right. Any other
/// direction was learnt, and so was an infinite threshold, which parts missing from present.
#[derive(Default)]
pub(super) struct MissingValues {
    infinite: bool,
    any_left: bool,
    not_by_size: bool,
}

impl MissingValues {
    pub(super) fn look(&mut self, tree: &RawTree) {
        let Some(flags) = &tree.missing_left else {
            return;
        };
        let samples = |child: i64| {
            usize::try_from(child)
                .ok()
                .and_then(|child| tree.n_samples.get(child))
        };
        for index in (0..tree.len()).filter(|index| !tree.is_leaf(*index)) {
            let by_size = samples(tree.left[index]) > samples(tree.right[index]);
            self.infinite |= tree.threshold[index] == f64::INFINITY;
            self.any_left |= flags[index] != 0;
            self.not_by_size |= (flags[index] != 0) != by_size;
        }
    }

    /// Whether trees of one kind learnt from missing readings.
    pub(super) fn learnt_by<'t>(trees: impl Iterator<Item = &'t RawTree>) -> bool {
        let mut missing = Self::default();
        for tree in trees {
            missing.look(tree);
        }
        missing.are_learnt()
    }

    pub(super) fn are_learnt(&self) -> bool {
        self.infinite || self.any_left && self.not_by_size
    }

    /// What a classifier that votes is refused with.
    pub(super) fn refusal() -> ImportError {
        ImportError::refused(
            "a model with splits learnt from missing values",
            "fill or drop missing values before fit, or fit a HistGradientBoostingClassifier, \
             which knows a side for them",
        )
    }
}
