//! The order of trees for an early exit: those that agree most with the whole forest come first, and
//! of those that add to the same score, the ones that add most.

use spinney_dataset::Dataset;
use spinney_runtime::argmax;

use crate::rescore::leaf;
use crate::{Body, QuantForest, QuantModel};

impl QuantModel {
    /// The same model with its trees in another order, a permutation of their indices. Scores are
    /// sums of integers, so they stay the same; naive Bayes is left as it is.
    #[must_use]
    pub fn in_order(&self, order: &[usize]) -> Self {
        let Some(forest) = self.forest() else {
            return self.clone();
        };
        Self {
            body: Body::Forest(forest.in_order(order)),
            ..self.clone()
        }
    }

    /// The order in which the trees decide soonest on `rows`, which are training rows: by how much
    /// each tree gives, over all rows, to the class that the whole forest chooses. Where each tree
    /// adds to one score, those of a score follow each other. Empty for naive Bayes.
    pub fn order(&self, rows: &Dataset) -> Vec<usize> {
        let Some(forest) = self.forest() else {
            return Vec::new();
        };
        let n_classes = self.n_scores();
        let scorer = self.scorer();
        let mut given = vec![0_u64; forest.trees().len()];
        for row in rows.values().rows() {
            let codes = self.codes(&row.to_vec());
            let class = argmax(&scorer.scores(&codes));
            for (tree, given) in given.iter_mut().enumerate() {
                *given += vote(forest, tree, &codes, class, n_classes);
            }
        }
        let mut order: Vec<usize> = (0..given.len()).collect();
        order.sort_by_key(|tree| std::cmp::Reverse(given[*tree]));
        forest
            .in_order(&order)
            .order()
            .into_iter()
            .map(|at| order[at])
            .collect()
    }
}

/// What a tree gives to a class for a row of codes.
fn vote(forest: &QuantForest, tree: usize, codes: &[i16], class: usize, n_classes: usize) -> u64 {
    let leaf = usize::from(leaf(
        forest,
        tree,
        forest.trees()[tree].root,
        codes,
        |_, _, _| (),
    ));
    let mut given = 0;
    forest
        .leaves()
        .each_vote(tree, leaf, n_classes, |score, vote| {
            if score == class {
                given = vote;
            }
        });
    given.into()
}
