//! Means of trees: regression trees and forests, and bagged or voting ensembles of trees and forests.

use spinney_model::{AdditiveKind, ForestKind, Node};

use super::estimator::{MissingValues, RawTree, n_features, normalizes, schema};
use super::object::Object;
use crate::ImportError;
use crate::draft::{Draft, DraftTree, Outputs};

/// A tree of an ensemble, and what it counts for.
struct Part {
    raw: RawTree,
    /// Whether the tree is one of random thresholds.
    is_random: bool,
    /// Index of the whole's feature for each of the tree's own; all of them without.
    features: Option<Vec<usize>>,
    /// Index of the whole's class for each of the tree's own; empty for regressors.
    classes: Vec<usize>,
    /// Whether leaves are divided by their sum.
    normalizes: bool,
    /// The tree's share of the whole.
    share: f64,
}

impl Part {
    /// The tree, in the whole's features.
    fn draft(
        &self,
        missing: bool,
        leaf: impl Fn(usize) -> Vec<f64>,
    ) -> Result<DraftTree, ImportError> {
        let mut tree = self.raw.draft(missing, None, leaf)?;
        if let Some(features) = &self.features {
            rename(&mut tree, features)?;
        }
        Ok(tree)
    }

    /// Class proportions of a leaf, one per class of the whole.
    fn proportions(&self, index: usize, n_classes: usize) -> Vec<f64> {
        let mut proportions = vec![0.0; n_classes];
        for (class, value) in self
            .classes
            .iter()
            .zip(self.raw.proportions(index, self.normalizes))
        {
            proportions[*class] = value;
        }
        proportions
    }
}

/// Puts the features of a whole in the place of a tree's own.
pub(super) fn rename(tree: &mut DraftTree, features: &[usize]) -> Result<(), ImportError> {
    for (index, node) in tree.nodes.iter_mut().enumerate() {
        if let Node::Split(split) = node {
            let renamed = features.get(split.feature as usize);
            let renamed = renamed.and_then(|it| u32::try_from(*it).ok());
            split.feature = renamed.ok_or_else(|| {
                broken!(
                    format!("{}, nodes[{index}].feature", tree.place); "{}", split.feature;
                    "one of {} features", features.len()
                )
            })?;
        }
    }
    Ok(())
}

/// What members of an ensemble are given: their features and classes in terms of the whole's.
#[derive(Clone)]
struct Given {
    features: Option<Vec<usize>>,
    classes: Vec<usize>,
    share: f64,
}

/// Puts the trees of an estimator, of whatever nesting, into `parts`; its classes are those given.
fn gather(estimator: &Object, given: &Given, parts: &mut Vec<Part>) -> Result<(), ImportError> {
    let class = estimator.class_name();
    let task = if given.classes.is_empty() {
        "Regressor"
    } else {
        "Classifier"
    };
    let kind = class.strip_suffix(task).filter(|_| estimator.is_sklearn());
    if let Some("DecisionTree" | "ExtraTree") = kind {
        return push(estimator, given, parts);
    }
    let Some("RandomForest" | "ExtraTrees" | "Bagging" | "Voting") = kind else {
        return Err(ImportError::refused(
            format!("an ensemble around {}", estimator.shown_class()),
            "decision trees, random forests, extra trees, bagging and soft voting are read as its \
             members",
        ));
    };
    let voting = estimator.find("voting").map(|it| it.text()).transpose()?;
    if voting.is_some_and(|voting| voting != "soft") {
        return Err(refused!("VotingClassifier with voting hard"; "fit it with voting=\"soft\""));
    }
    let members = estimator.get("estimators_")?.items()?;
    let weights = match kind {
        Some("Voting") => weights(estimator, members.len())?,
        _ => vec![1.0; members.len()],
    };
    let sum: f64 = weights.iter().sum();
    let columns = match kind {
        Some("Bagging") => estimator.get("estimators_features_")?.items()?,
        _ => Vec::new(),
    };
    if kind == Some("Bagging") && columns.len() != members.len() {
        return Err(estimator.odd("features beside each member"));
    }
    for (index, (member, weight)) in members.iter().zip(weights).enumerate() {
        let mut given = Given {
            share: given.share * weight / sum,
            ..given.clone()
        };
        if let Some(columns) = columns.get(index) {
            given.features = Some(features(columns, given.features.as_deref())?);
        }
        match kind {
            // The trees of a forest know its classes in its own order.
            Some("RandomForest" | "ExtraTrees") => push(member, &given, parts)?,
            _ => {
                if !given.classes.is_empty() {
                    given.classes = encoded(member, &given.classes)?;
                }
                gather(member, &given, parts)?;
            }
        }
    }
    Ok(())
}

/// Puts one tree into `parts`.
fn push(tree: &Object, given: &Given, parts: &mut Vec<Part>) -> Result<(), ImportError> {
    let is_tree = |name: &str| {
        matches!(
            name,
            "DecisionTreeRegressor"
                | "ExtraTreeRegressor"
                | "DecisionTreeClassifier"
                | "ExtraTreeClassifier"
        )
    };
    if !is_tree(tree.class_name()) {
        return Err(tree.odd("a decision tree"));
    }
    let raw = RawTree::read(tree)?;
    if !given.classes.is_empty() {
        raw.must_have(given.classes.len())?;
    }
    parts.push(Part {
        normalizes: normalizes(tree),
        is_random: tree.class_name().starts_with("ExtraTree"),
        raw,
        features: given.features.clone(),
        classes: given.classes.clone(),
        share: given.share,
    });
    Ok(())
}

/// The weights of a voting ensemble's members that were not dropped.
fn weights(estimator: &Object, n_members: usize) -> Result<Vec<f64>, ImportError> {
    let Some(weights) = estimator.find("weights") else {
        return Ok(vec![1.0; n_members]);
    };
    let all = estimator.get("estimators")?.items()?;
    let numbers = weights.list_of_numbers()?;
    let mut kept = Vec::with_capacity(n_members);
    for (pair, weight) in all.iter().zip(numbers) {
        let [_, member] = &pair.items()?[..] else {
            return Err(pair.odd("a name and an estimator"));
        };
        if member.text().ok().as_deref() != Some("drop") {
            kept.push(weight);
        }
    }
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if kept.len() != n_members || !kept.iter().all(is_weight) {
        return Err(weights.odd("a weight of at least 0 for each member"));
    }
    Ok(kept)
}

/// The whole's class for each class of a member, whose labels are the whole's indices.
fn encoded(member: &Object, whole: &[usize]) -> Result<Vec<usize>, ImportError> {
    let classes = member.get("classes_")?;
    classes
        .list_of_numbers()?
        .iter()
        .map(|label| index_of(*label, whole.len()).map(|label| whole[label]))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| classes.odd("indices of the ensemble's classes"))
}

/// A float that is an index below `n`.
fn index_of(number: f64, n: usize) -> Option<usize> {
    (0..n)
        .contains(&(number as usize))
        .then_some(number as usize)
        .filter(|index| *index as f64 == number)
}

/// The features of a member, in terms of the whole's.
pub(super) fn features(
    columns: &Object,
    whole: Option<&[usize]>,
) -> Result<Vec<usize>, ImportError> {
    columns
        .list_of_numbers()?
        .iter()
        .map(|column| match whole {
            Some(whole) => index_of(*column, whole.len()).map(|column| whole[column]),
            None => index_of(*column, usize::from(u16::MAX)),
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| columns.odd("indices of features"))
}

/// Whether the trees of some kind learnt from missing readings; kinds have defaults of their own.
fn parts_learnt_missing(parts: &[Part]) -> bool {
    [false, true].into_iter().any(|is_random| {
        let alike = parts.iter().filter(|part| part.is_random == is_random);
        MissingValues::learnt_by(alike.map(|part| &part.raw))
    })
}

/// Whether all trees count for the same, so that their mean is their sum by their number.
fn have_one_share(parts: &[Part]) -> bool {
    parts.iter().all(|part| part.share == parts[0].share)
}

/// A regression tree, a forest, or bagged or voting ensembles of them.
pub(super) fn mean_of_values(estimator: &Object, kind: AdditiveKind) -> Result<Draft, ImportError> {
    let parts = parts_of(estimator, 0)?;
    let n_outputs = parts[0].raw.n_outputs;
    let missing = estimator.keeps_sides() || parts_learnt_missing(&parts);
    let is_mean = have_one_share(&parts);
    let trees = parts.iter().map(|part| {
        let raw = &part.raw;
        if raw.n_outputs != n_outputs || raw.n_values != 1 {
            return Err(broken!(
                raw.place(); "{} outputs of {}", raw.n_outputs, raw.n_values;
                "{n_outputs} of 1, as the other trees"
            ));
        }
        let factor = if is_mean { 1.0 } else { part.share };
        part.draft(missing, |index| {
            raw.values(index).iter().map(|it| it * factor).collect()
        })
    });
    let trees = trees.collect::<Result<_, _>>()?;
    let outputs = Outputs::targets(n_outputs);
    let (n_features, base) = (n_features(estimator)?, vec![0.0; n_outputs]);
    let mut draft = Draft::new(kind, n_features, outputs, base, trees);
    if is_mean {
        draft.take_mean(parts.len());
    }
    Ok(draft)
}

/// Bagged or softly voting classifiers: one forest where all trees count for the same.
pub(super) fn mean_of_votes(estimator: &Object, kind: AdditiveKind) -> Result<Draft, ImportError> {
    let schema = schema(estimator)?;
    let (n_features, n_classes) = (schema.n_features(), schema.n_classes());
    let parts = parts_of(estimator, n_classes)?;
    if parts_learnt_missing(&parts) {
        return Err(MissingValues::refusal());
    }
    let is_mean = have_one_share(&parts);
    let trees = parts.iter().map(|part| {
        let factor = if is_mean { 1.0 } else { part.share };
        part.draft(false, |index| {
            let proportions = part.proportions(index, n_classes);
            proportions.iter().map(|it| it * factor).collect()
        })
    });
    let trees = trees.collect::<Result<_, _>>()?;
    let classes = schema.classes().to_vec();
    if is_mean {
        return Ok(Draft::votes(
            ForestKind::RandomForest,
            n_features,
            classes,
            trees,
        ));
    }
    let base = vec![0.0; n_classes];
    Ok(Draft::new(
        kind,
        n_features,
        Outputs::Classes(classes),
        base,
        trees,
    ))
}

/// All trees of an estimator, at least one; `n_classes` is 0 of a regressor.
fn parts_of(estimator: &Object, n_classes: usize) -> Result<Vec<Part>, ImportError> {
    let mut parts = Vec::new();
    let whole = Given {
        features: None,
        classes: (0..n_classes).collect(),
        share: 1.0,
    };
    gather(estimator, &whole, &mut parts)?;
    match parts.is_empty() {
        true => Err(estimator.odd("at least one tree")),
        false => Ok(parts),
    }
}
