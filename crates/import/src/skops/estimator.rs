//! scikit-learn's classifiers: single trees, forests and Gaussian naive Bayes.

use spinney_model::{Forest, ForestKind, GaussianNb, Node, Schema, Tree};

use super::object::{Object, refuse_unknown};
use crate::ImportError;

/// A classifier in terms of its own features, which a pipeline may have scaled and selected.
pub(super) enum Classifier {
    /// A tree or an ensemble of them.
    Forest {
        /// The trees.
        forest: Forest,
        /// Whether leaves were stored as class counts, as before scikit-learn 1.3.
        counts: bool,
    },
    /// Gaussian naive Bayes.
    GaussianNb(GaussianNb),
}

impl Classifier {
    pub(super) fn n_features(&self) -> usize {
        match self {
            Self::Forest { forest, .. } => forest.schema().n_features(),
            Self::GaussianNb(bayes) => bayes.schema().n_features(),
        }
    }

    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            Self::Forest { counts: true, .. } => {
                vec!["Leaves hold class counts; they were turned into proportions.".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Reads a classifier.
///
/// # Errors
/// An estimator that is not supported, by name, or state that no fitted one has.
pub(super) fn read(estimator: &Object) -> Result<Classifier, ImportError> {
    let class = estimator.class_name();
    let kind = match class {
        _ if !estimator.is_sklearn() => return Err(unsupported(estimator)),
        "DecisionTreeClassifier" | "ExtraTreeClassifier" => ForestKind::DecisionTree,
        "RandomForestClassifier" => ForestKind::RandomForest,
        "ExtraTreesClassifier" => ForestKind::ExtraTrees,
        "GaussianNB" => return gaussian_nb(estimator).map(Classifier::GaussianNb),
        _ => return Err(unsupported(estimator)),
    };
    refuse_multi_output(estimator)?;
    let schema = schema(estimator)?;
    let members = match kind {
        ForestKind::DecisionTree => vec![estimator.clone()],
        _ => estimator.get("estimators_")?.items()?,
    };
    let mut counts = false;
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
        missing.refuse()?;
        let normalize = !is_at_least(member.version().or_else(|| estimator.version()), 1, 4);
        counts |= raw.is_counts();
        let place = format!("{}.tree_", member.place());
        trees.push(
            raw.check(&schema, normalize)
                .map_err(|error| error.within(&place))?,
        );
    }
    Ok(Classifier::Forest {
        forest: Forest::new(kind, schema, trees)?,
        counts,
    })
}

/// Refuses an estimator by name, with the nearest thing that works.
pub(super) fn unsupported(estimator: &Object) -> ImportError {
    let class = estimator.class_name();
    let instead = match class {
        _ if !estimator.is_sklearn() => {
            "only scikit-learn's own DecisionTreeClassifier, RandomForestClassifier, \
             ExtraTreesClassifier and GaussianNB are"
        }
        _ if class.ends_with("Regressor")
            || class.ends_with("Regression") && class != "LogisticRegression" =>
        {
            "only classifiers are; cut the target into classes and fit the classifier of that name"
        }
        _ if class.contains("Boosting") || class.contains("AdaBoost") => {
            "boosted trees are not averaged; fit a RandomForestClassifier or ExtraTreesClassifier"
        }
        "BernoulliNB" | "MultinomialNB" | "ComplementNB" | "CategoricalNB" => {
            "the naive Bayes that is supported is GaussianNB"
        }
        _ if class.ends_with("SearchCV") => "dump its best_estimator_",
        "ColumnTransformer" | "FeatureUnion" => {
            "scale all columns with one scaler, or prepare them before the rows reach the pipeline"
        }
        _ => {
            "DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier and GaussianNB are"
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

fn schema(estimator: &Object) -> Result<Schema, ImportError> {
    let n_features = estimator.get("n_features_in_")?.size()?;
    let classes = estimator.get("classes_")?.labels()?;
    Schema::unnamed(n_features, classes)
        .map_err(|error| ImportError::from(error).within(estimator.place()))
}

fn gaussian_nb(estimator: &Object) -> Result<GaussianNb, ImportError> {
    let schema = schema(estimator)?;
    let (n_classes, n_features) = (schema.n_classes(), schema.n_features());
    let matrix = |attribute: Object| {
        let numbers = attribute.numbers(n_classes * n_features)?;
        Ok::<_, ImportError>(
            numbers
                .chunks(n_features)
                .map(<[f64]>::to_vec)
                .collect::<Vec<_>>(),
        )
    };
    let means = matrix(estimator.get("theta_")?)?;
    let variances = match estimator.find("var_") {
        Some(variances) => matrix(variances)?,
        // Its name before 1.0.
        None => matrix(estimator.get("sigma_")?)?,
    };
    let log_priors = estimator
        .get("class_prior_")?
        .numbers(n_classes)?
        .iter()
        .map(|prior| prior.ln())
        .collect();
    GaussianNb::new(schema, log_priors, means, variances)
        .map_err(|error| ImportError::from(error).within(estimator.place()))
}

/// Whether a version is known and at least `major.minor`.
fn is_at_least(version: Option<String>, major: u32, minor: u32) -> bool {
    let Some(version) = version else {
        return false;
    };
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(found_major), Some(found_minor)) => (found_major, found_minor) >= (major, minor),
        _ => false,
    }
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
    pub(super) left: Vec<i64>,
    pub(super) right: Vec<i64>,
    pub(super) feature: Vec<i64>,
    threshold: Vec<f64>,
    n_samples: Vec<i64>,
    pub(super) impurity: Vec<f64>,
    pub(super) weight: Vec<f64>,
    /// Whether readings that are missing go left; absent before 1.3.
    missing_left: Option<Vec<i64>>,
    values: Vec<f64>,
    n_values: usize,
}

impl RawTree {
    /// Reads the arrays of an estimator's `Tree`; fields are found by name, wherever they lie.
    pub(super) fn read(estimator: &Object) -> Result<Self, ImportError> {
        let tree = estimator.get("tree_")?;
        let nodes_at = tree.get("nodes")?;
        let nodes = nodes_at.array()?;
        tree.refuse_unknown(&TREE_STATE)?;
        refuse_unknown(nodes_at.place(), nodes.field_names(), &NODE_FIELDS)?;
        let field = |name: &str| {
            nodes.field(name).ok_or_else(|| {
                ImportError::broken(
                    nodes_at.place(),
                    format!(
                        "fields {} of scikit-learn {}",
                        nodes.field_names().collect::<Vec<_>>().join(", "),
                        estimator
                            .version()
                            .as_deref()
                            .unwrap_or("of unknown version"),
                    ),
                    format!("a field {name}, as versions 1.1.3 to 1.9.1 write it"),
                )
            })
        };
        let integers = |name: &str| {
            field(name)?
                .integers()
                .map_err(|error| nodes_at.inside(error))
        };
        let numbers = |name: &str| {
            field(name)?
                .numbers()
                .map_err(|error| nodes_at.inside(error))
        };
        let values_at = tree.get("values")?;
        let values = values_at.array()?;
        let [n_nodes, n_outputs, n_values] = *values.shape() else {
            return Err(values_at.odd("an array of three dimensions"));
        };
        let left = integers("left_child")?;
        if n_outputs != 1 {
            return Err(ImportError::refused(
                format!("a tree with {n_outputs} outputs"),
                "fit and import one classifier per output",
            ));
        }
        if n_nodes != left.len() || n_nodes == 0 {
            return Err(ImportError::broken(
                values_at.place(),
                format!("values of {n_nodes} nodes"),
                format!("those of {} nodes, at least one", left.len()),
            ));
        }
        let raw = Self {
            left,
            right: integers("right_child")?,
            feature: integers("feature")?,
            threshold: numbers("threshold")?,
            n_samples: integers("n_node_samples")?,
            impurity: numbers("impurity")?,
            weight: numbers("weighted_n_node_samples")?,
            missing_left: nodes
                .field("missing_go_to_left")
                .map(|field| field.integers().map_err(|error| nodes_at.inside(error)))
                .transpose()?,
            values: values_at.numbers(n_nodes * n_values)?,
            n_values,
        };
        // The constructor's arguments repeat the counts: features, classes per output, outputs.
        let arguments = tree.constructor_arguments()?;
        if arguments.len() != 3 || arguments[2].size()? != 1 {
            return Err(ImportError::broken(
                tree.place(),
                "odd constructor arguments",
                "features, classes and one output",
            ));
        }
        Ok(raw)
    }

    /// Number of nodes.
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

    /// The checked tree. `normalize` divides each leaf by its sum, as scikit-learn did when it
    /// predicted, until 1.3.
    fn check(&self, schema: &Schema, normalize: bool) -> Result<Tree, ImportError> {
        if self.n_values != schema.n_classes() {
            return Err(ImportError::broken(
                "values",
                format!("{} per node", self.n_values),
                format!("one per class, {}", schema.n_classes()),
            ));
        }
        let nodes = (0..self.len())
            .map(|index| {
                if self.is_leaf(index) {
                    let at = index * self.n_values;
                    let mut proportions = self.values[at..at + self.n_values].to_vec();
                    if normalize {
                        let sum = super::importance::pairwise_sum(&proportions);
                        for value in &mut proportions {
                            *value /= if sum == 0.0 { 1.0 } else { sum };
                        }
                    }
                    return Ok(Node::Leaf {
                        values: proportions,
                    });
                }
                let index_of = |field: &str, value: i64| {
                    u32::try_from(value).map_err(|_| {
                        ImportError::broken(
                            format!("nodes[{index}].{field}"),
                            value.to_string(),
                            "an index",
                        )
                    })
                };
                Ok(Node::Split {
                    feature: index_of("feature", self.feature[index])?,
                    threshold: self.threshold[index],
                    missing: None,
                    left: index_of("left_child", self.left[index])?,
                    right: index_of("right_child", self.right[index])?,
                })
            })
            .collect::<Result<Vec<_>, ImportError>>()?;
        Ok(Tree::new(nodes, schema)?)
    }
}

/// Signs that a model was fitted on rows with missing values.
///
/// scikit-learn sets a direction for missing readings on every split; where none was missing it
/// is the side of more samples, or (random splits before 1.6) always the right. Any other
/// direction was learnt, and so was an infinite threshold, which parts missing from present.
#[derive(Default)]
struct MissingValues {
    infinite: bool,
    any_left: bool,
    not_by_size: bool,
}

impl MissingValues {
    fn look(&mut self, tree: &RawTree) {
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

    fn refuse(&self) -> Result<(), ImportError> {
        if self.infinite || self.any_left && self.not_by_size {
            return Err(ImportError::refused(
                "a model with splits learnt from missing values",
                "fill or drop missing values before fit: a device's readings are never missing",
            ));
        }
        Ok(())
    }
}
