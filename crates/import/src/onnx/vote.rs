//! Trees that vote with the class of their leaf, as of skl2onnx's `AdaBoostClassifier` and hard voting:
//! `ArgMax` of a tree's scores, `Equal` to each class, and `Where` for what the class gets and the others.

use spinney_model::argmax;

use super::ensemble::Ensemble;
use super::graph::{Graph, Node};
use crate::ImportError;

/// Whether the class of the largest of these scores is compared with classes next.
pub(super) fn is_next(graph: &Graph, scores: &str) -> bool {
    let classes = graph.users(scores).filter(|it| it.op_type == "ArgMax");
    let users = classes.flat_map(|class| graph.users(class.output(0)));
    users.into_iter().any(|user| user.op_type == "Equal")
}

/// Whether a node gives the place of the largest score of each row, in a column.
pub(super) fn is_class(node: &Node) -> bool {
    let is =
        |name: &str, standard: i64, wanted: &[i64]| wanted.contains(&node.integer(name, standard));
    is("axis", 0, &[1, -1]) && is("keepdims", 1, &[1]) && is("select_last_index", 0, &[0])
}

/// Whether a node says of each of `width` classes, in their order, whether it is the class.
pub(super) fn is_comparison(graph: &Graph, node: &Node, width: i64) -> bool {
    let numbers = (0..2).find_map(|at| graph.numbers(node.input(at)));
    numbers.is_some_and(|it| it.iter().copied().eq((0..width).map(|class| class as f64)))
}

/// What the other classes get where the class gets 1.
pub(super) fn others(graph: &Graph, node: &Node) -> Option<f64> {
    let fill = |at: usize| {
        let value = node.input(at);
        let maker = graph.maker(value);
        if let Some(maker) = maker.filter(|it| it.op_type == "ConstantOfShape") {
            let filled = maker.tensor("value");
            return filled.map_or(Some(0.0), |it| super::graph::numbers(it)?.first().copied());
        }
        match graph.numbers(value)?[..] {
            [number] => Some(number),
            _ => None,
        }
    };
    (fill(1)? == 1.0).then(|| fill(2))?.filter(|it| *it < 1.0)
}

/// Gives each leaf's class 1, and the others what they get. Two classes of which one gains what the other
/// loses become one score.
///
/// # Errors
/// Several trees that vote together.
pub(super) fn of_leaves(ensemble: &mut Ensemble, others: f64) -> Result<(), ImportError> {
    let n_outputs = ensemble.n_outputs;
    if ensemble.trees.len() != 1 || ensemble.base.iter().any(|it| *it != 0.0) {
        return Err(ImportError::refused(
            "hard votes, or an AdaBoostClassifier, of ensembles of several trees",
            "votes of single trees are; of ensembles, `voting=\"soft\"`",
        ));
    }
    for leaf in &mut ensemble.leaves {
        let mut scores = vec![0.0; n_outputs];
        for (class, weight) in &*leaf {
            scores[*class] += weight;
        }
        if !scores.iter().all(|it| it.is_finite()) {
            return Err(broken!(
                "the weights of a leaf"; "one that is not finite"; "finite numbers"
            ));
        }
        let voted = argmax(&scores);
        *leaf = match n_outputs {
            2 if others == -1.0 => vec![(1, if voted == 1 { 2.0 } else { -2.0 })],
            _ => (0..n_outputs)
                .map(|class| (class, if class == voted { 1.0 } else { others }))
                .collect(),
        };
    }
    ensemble.has_votes = true;
    Ok(())
}
