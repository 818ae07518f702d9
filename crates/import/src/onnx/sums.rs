//! Ensembles whose leaves add, as ONNX Runtime adds them: the trees in their order, in the type of the
//! rows, and the base values at the end.

use spinney_dataset::Budget;
use spinney_model::{Additive, AdditiveKind, Compare, Link};

use super::ensemble::{Ensemble, Transform};
use super::tail::{Delivered, Tail};
use super::trees::only_output;
use crate::ImportError;
use crate::draft::{Draft, DraftTree, Outputs};
use crate::lower;

/// Refuses sums that ONNX Runtime has no probit of.
///
/// # Errors
/// A sum that may be 0 or less, or 1 or more.
pub(super) fn check_probit(model: &Additive) -> Result<(), ImportError> {
    if model.link() != Link::Probit {
        return Ok(());
    }
    for output in 0..model.n_outputs() {
        let (low, high) = model.raw_span(output);
        if low <= 0.0 || high >= 1.0 {
            return Err(ImportError::refused(
                format!("a tree ensemble with post_transform PROBIT of sums from {low} to {high}"),
                "sums above 0 and below 1 are, of which ONNX Runtime makes numbers; of others, \
                 NONE and the function behind the prediction",
            ));
        }
    }
    Ok(())
}

/// Makes a sum over `n_features` features of an ensemble, which stands before `tail`.
///
/// # Errors
/// Base values or a transform that do not suit the outputs; nodes that form no tree.
pub(super) fn read(
    ensemble: &Ensemble,
    tail: &Tail,
    n_features: usize,
    cast: Compare,
    budget: &Budget,
    notes: &mut Vec<String>,
) -> Result<Draft, ImportError> {
    let only = match &ensemble.classes {
        Some(classes) if classes.len() == 2 => only_output(ensemble),
        _ => None,
    };
    let mut draft = without_trees(ensemble, tail, n_features, only, notes)?;
    let n = draft.n_outputs();
    for tree in &ensemble.trees {
        // A tree of one output holds a number per leaf, any other one per output.
        let output = (n > 1).then(|| output_of(ensemble, &tree.nodes)).flatten();
        let nodes = lower::lower(&tree.nodes, tree.root, false, budget, &tree.place, |leaf| {
            let mut values = vec![0.0; if output.is_some() { 1 } else { n }];
            for (at, weight) in &ensemble.leaves[leaf] {
                let at = if output.is_some() || n == 1 { 0 } else { *at };
                values[at] += weight;
            }
            Ok(values)
        })?;
        draft.trees.push(DraftTree::new(&tree.place, nodes, output));
    }
    draft.sum.divisor = tail.divisor;
    if ensemble.is_mean {
        draft.take_mean(ensemble.trees.len());
    }
    // Several ensembles are added in no order of float32.
    if cast == Compare::Float32 && !ensemble.is_joint {
        draft.add_singly();
    }
    Ok(draft)
}

/// The one output that all leaves of a tree add to.
fn output_of(ensemble: &Ensemble, nodes: &[lower::RawNode]) -> Option<usize> {
    let leaves = nodes.iter().filter_map(|node| match node {
        lower::RawNode::Leaf(leaf) => Some(&ensemble.leaves[*leaf]),
        lower::RawNode::Split(_) => None,
    });
    let mut outputs = leaves.flatten().map(|weight| weight.0);
    let first = outputs.next()?;
    outputs.all(|output| output == first).then_some(first)
}

/// Whether the larger of two scores may be another class than the one that ONNX Runtime gives: the
/// second where its own score is above 0, or with two base values where the first's and the second's base
/// value are. Scores that are each other's negative are alike in the former.
fn is_read_otherwise(ensemble: &Ensemble) -> bool {
    let total = |leaf: &Vec<(usize, f64)>| leaf.iter().map(|(_, weight)| weight).sum::<f64>();
    !ensemble.base.is_empty() || ensemble.leaves.iter().any(|leaf| total(leaf) != 0.0)
}

/// What the scores of an ensemble are made into.
fn without_trees(
    ensemble: &Ensemble,
    tail: &Tail,
    n_features: usize,
    only: Option<usize>,
    notes: &mut Vec<String>,
) -> Result<Draft, ImportError> {
    let refused = |what: &str, instead: &str| {
        let name = ensemble.transform.name();
        ImportError::refused(
            format!("a tree ensemble with post_transform {name} {what}"),
            instead,
        )
    };
    let classes = match (&ensemble.classes, &tail.delivered) {
        (Some(classes), _) => Some(classes.clone()),
        (None, Delivered::Class(labels)) => Some(match labels {
            Some(labels) => labels.clone(),
            None => (0..ensemble.n_outputs).map(|it| it.to_string()).collect(),
        }),
        (None, Delivered::Values | Delivered::Exponentials) => None,
    };
    if ensemble.transform == Transform::SoftmaxZero {
        notes.push(
            "SOFTMAX_ZERO is taken for SOFTMAX: a score of exactly 0 has a probability here, and \
             none in ONNX Runtime. Classes are the same."
                .to_owned(),
        );
    }
    let has_two = ensemble.classes.as_ref().is_some_and(|it| it.len() == 2) && only.is_none();
    if has_two && !ensemble.has_votes && !ensemble.is_joint && is_read_otherwise(ensemble) {
        notes.push(
            "of two classes with a score each the larger wins; ONNX Runtime looks at the sign of one \
             of them. XGBoost's own file is right where this one was made of num_parallel_tree."
                .to_owned(),
        );
    }
    let n = if only.is_some() {
        1
    } else {
        ensemble.n_outputs
    };
    if ensemble.transform != Transform::None && tail.is_function() {
        return Err(refused(
            "before Exp, Mul, Div or a softmax",
            "NONE, and the function of the scores behind them",
        ));
    }
    let link = match ensemble.transform {
        Transform::None if tail.delivered == Delivered::Exponentials => Link::Exp,
        Transform::None if tail.is_softmax => match (classes.is_some(), n) {
            (true, 2..) => Link::Softmax,
            // What one class gains the other loses: twice that is in the score.
            (true, 1) if ensemble.has_votes => Link::Sigmoid { scale: 1.0 },
            _ => {
                return Err(refused(
                    "before a softmax, of one score, or of values",
                    "a score per class",
                ));
            }
        },
        Transform::None => Link::Identity,
        Transform::Probit if classes.is_some() => {
            notes.push(
                "PROBIT rises with the score and is left out: classes are the same, and scores are \
                 those before it."
                    .to_owned(),
            );
            Link::Identity
        }
        Transform::Probit => Link::Probit,
        Transform::Logistic => Link::Sigmoid { scale: 1.0 },
        Transform::Softmax | Transform::SoftmaxZero if n > 1 && classes.is_some() => Link::Softmax,
        Transform::Softmax | Transform::SoftmaxZero => {
            return Err(refused(
                "of one score, or of values",
                "NONE or LOGISTIC, or a score per class",
            ));
        }
    };
    let mut base = match (ensemble.base.len(), only) {
        (0, _) => vec![0.0; n],
        // Of two base values for one score, the second class's counts.
        (2, Some(_)) => vec![ensemble.base[1]],
        (found, _) if found == n => ensemble.base.clone(),
        (found, _) => {
            return Err(broken!("base_values"; "{found} numbers"; "one per output, {n}, or none"));
        }
    };
    for value in &mut base {
        *value += tail.offset;
    }
    let threshold = match (&classes, only) {
        (Some(_), Some(_)) => {
            // Shares of the second class are above half of all, margins above 0.
            let weights = ensemble.leaves.iter().flatten();
            let are_shares = !ensemble.has_votes
                && matches!(ensemble.transform, Transform::None | Transform::Probit)
                && weights.map(|weight| weight.1).all(|weight| weight >= 0.0);
            Some(if are_shares { 0.5 } else { 0.0 })
        }
        _ => None,
    };
    let outputs = match classes {
        Some(classes) => Outputs::Classes(classes),
        None => Outputs::targets(n),
    };
    let kind = match ensemble.has_votes && tail.is_softmax {
        true => AdditiveKind::AdaBoost,
        false => AdditiveKind::Additive,
    };
    Ok(Draft {
        link,
        threshold,
        ..Draft::new(kind, n_features, outputs, base, Vec::new())
    })
}

#[cfg(test)]
mod tests {
    use super::super::ensemble::{Ensemble, Transform};
    use super::is_read_otherwise;

    /// What ONNX Runtime 1.32 gives for such files was looked at, row by row.
    #[test]
    fn scores_of_two_classes_are_alike_where_each_is_the_others_negative() {
        let with = |leaves: [[f64; 2]; 2], base: &[f64]| {
            let leaf = |[first, second]: [f64; 2]| vec![(0, first), (1, second)];
            is_read_otherwise(&Ensemble {
                trees: Vec::new(),
                leaves: leaves.map(leaf).to_vec(),
                n_outputs: 2,
                base: base.to_vec(),
                transform: Transform::Softmax,
                is_mean: false,
                classes: Some(vec!["0".to_owned(), "1".to_owned()]),
                is_joint: false,
                has_votes: false,
            })
        };
        assert!(!with([[0.5, -0.5], [-2.0, 2.0]], &[]));
        assert!(with([[0.5, -0.5], [-2.0, 2.0]], &[0.5, 0.5]));
        assert!(with([[0.5, 0.0], [-2.0, 2.0]], &[]));
    }
}
