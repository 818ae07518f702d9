//! Fewer splits whose value stays within a bound of the original's for every reading.
//!
//! A split of two leaves becomes one leaf where some number for it keeps every reading that comes to it
//! within the bound. What the other trees are off there has a largest and a smallest sum, which the
//! search finds in the box of the split alone; where these are no further apart than twice the bound,
//! the number in the middle is right for all of the box. Splits whose leaves differ least come first,
//! and what a split keeps within the bound, later ones reckon with.

use std::collections::BTreeSet;

use spinney_model::{Additive, FloatModel, Link, ModelError, Precision, Sum, Task};
use spinney_quantize::Calibration;

use super::Shrunk;
use super::exact::Exact;
use super::fit::Grown;
use super::grid::nodes;
use crate::search::{Largest, Node, Problem, Shape, Steps, largest};

/// The smallest model found whose value is off the original's by at most `max_error`, in the unit of the
/// value, for all readings within their features' ranges, one calibration per feature. What is taken
/// was proven.
///
/// # Errors
/// A model that has no single value that is a sum of trees.
pub fn every_input_within(
    original: &FloatModel,
    calibrations: &[Calibration],
    max_error: f64,
    steps: Steps,
) -> Result<Shrunk, ModelError> {
    let sum = added(original)?;
    let exact = Exact::new(original, calibrations);
    let mut cutter = Cutter::new(&exact, sum, max_error, steps);
    cutter.cut_all();
    let model = match cutter.n_cut {
        0 => original.clone(),
        _ => cutter.model(original, sum)?,
    };
    Ok(Shrunk {
        model,
        one_tree: None,
        n_counterexamples: cutter.n_refuted,
        n_unknown: cutter.n_unknown,
        n_needed: None,
        steps: cutter.steps,
    })
}

/// The sum of a model with one value.
pub(super) fn added(original: &FloatModel) -> Result<&Additive, ModelError> {
    let refused = |found: &str| {
        let expected = "one value that is a sum of trees";
        Err(ModelError::new("the model", found, expected))
    };
    match original.additive() {
        Some(sum) if original.task() == Task::Regress => match (sum.n_outputs(), sum.link()) {
            (1, Link::Identity) => Ok(sum),
            (1, _) => refused("a value that is a function of a sum"),
            (n, _) => refused(&format!("{n} targets")),
        },
        _ => refused(original.kind()),
    }
}

/// Cuts splits while there are steps.
struct Cutter<'e> {
    exact: &'e Exact<'e>,
    precision: Precision,
    trees: Vec<Grown<f64>>,
    /// A leaf has by how much the smaller model's number exceeds the original's.
    problem: Problem<'e>,
    shape: Shape,
    /// How far the sums of both may be apart.
    limit: i64,
    steps: Steps,
    /// Splits that are to be looked at, as far as is known.
    n_waiting: usize,
    n_cut: usize,
    n_refuted: usize,
    n_unknown: usize,
}

impl<'e> Cutter<'e> {
    fn new(exact: &'e Exact<'e>, sum: &Additive, max_error: f64, steps: Steps) -> Self {
        let Sum {
            precision, divisor, ..
        } = *sum.sum();
        let float = &exact.float;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "more than any sum is as good"
        )]
        let limit = (max_error * divisor / float.unit).floor() as i64;
        let trees = sum.trees().iter().enumerate();
        let problem = Problem {
            n_cells: exact.cells.n_cells(),
            trees: &exact.trees.trees,
            leaves: vec![vec![0]; exact.trees.leaves.len()],
            at_least: vec![0],
            ordered: None,
        };
        Self {
            exact,
            precision,
            trees: trees
                .map(|(index, tree)| Grown::of_tree(index, tree, 1, 1.0))
                .collect(),
            shape: Shape::new(&problem),
            problem,
            limit: limit.min(i64::MAX / 4) - float.slack - 1,
            steps,
            n_waiting: 0,
            n_cut: 0,
            n_refuted: 0,
            n_unknown: 0,
        }
    }

    /// Cuts, splits whose leaves differ least first.
    fn cut_all(&mut self) {
        let mut open = BTreeSet::new();
        for tree in 0..self.trees.len() {
            for node in 0..self.trees[tree].is_leaf.len() {
                open.extend(self.cuttable(tree, node));
            }
        }
        while let Some((_, tree, node)) = open.pop_first() {
            if self.limit < 0 || self.steps.0 == 0 {
                return;
            }
            self.n_waiting = open.len();
            if self.settle(tree, node) {
                self.trees[tree].is_leaf[node] = true;
                self.n_cut += 1;
                open.extend(self.cuttable(tree, self.trees[tree].parents[node]));
            }
        }
    }

    /// A split of two leaves, by how far the original's leaves below it are apart.
    fn cuttable(&self, tree: usize, node: usize) -> Option<(i64, usize, usize)> {
        let grown = &self.trees[tree];
        let Node::Split { children, .. } = &self.problem.trees[tree][node] else {
            return None;
        };
        let is_open = !grown.is_leaf[node] && children.iter().all(|child| grown.is_leaf[*child]);
        is_open.then(|| {
            let [low, high] = self.span(&self.below(tree, node));
            (high - low, tree, node)
        })
    }

    /// The original's leaves below a node.
    fn below(&self, tree: usize, node: usize) -> Vec<usize> {
        let mut leaves = Vec::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match &self.problem.trees[tree][node] {
                Node::Leaf(leaf) => leaves.push(*leaf),
                Node::Split { children, .. } => open.extend(children),
            }
        }
        leaves
    }

    fn number(&self, leaf: usize) -> i64 {
        self.exact.trees.leaves[leaf][0]
    }

    /// The smallest and the largest number of the original's leaves.
    fn span(&self, leaves: &[usize]) -> [i64; 2] {
        let numbers = leaves.iter().map(|leaf| self.number(*leaf));
        numbers.fold([i64::MAX, i64::MIN], |[low, high], it| {
            [low.min(it), high.max(it)]
        })
    }

    /// Gives a node the number by which the readings that come to it are furthest within the limit;
    /// `false`, and nothing is changed, where none was found.
    fn settle(&mut self, tree: usize, node: usize) -> bool {
        let below = self.below(tree, node);
        let before: Vec<i64> = below.iter().map(|it| self.problem.leaves[*it][0]).collect();
        let found = self.middle(tree, node, &below);
        match found {
            Some((value, number)) => {
                self.trees[tree].values[node] = value;
                for leaf in below {
                    self.problem.leaves[leaf][0] = number - self.number(leaf);
                }
            }
            None => {
                for (leaf, before) in below.into_iter().zip(before) {
                    self.problem.leaves[leaf][0] = before;
                }
            }
        }
        found.is_some()
    }

    /// The number for a node, and in whole units, between those of its leaves; its leaves are left without one.
    fn middle(&mut self, tree: usize, node: usize, below: &[usize]) -> Option<(f64, i64)> {
        for leaf in below {
            self.problem.leaves[*leaf][0] = -self.number(*leaf);
        }
        let [low, high] = self.span(below);
        let (mut middle, mut right) = (i64::midpoint(low, high), i64::MIN..=i64::MAX);
        if let Some(within) = self.exact.below(tree, node) {
            let above = self.search(&within, false, i64::MAX)?;
            let under = self.search(&within, true, 2 * self.limit - above.at_least)?;
            if above.at_most + under.at_most > 2 * self.limit {
                let is_refuted = above.at_least + under.at_least > 2 * self.limit;
                self.n_refuted += usize::from(is_refuted);
                self.n_unknown += usize::from(!is_refuted);
                return None;
            }
            middle = (under.at_most - above.at_most).div_euclid(2);
            right = under.at_most - self.limit..=self.limit - above.at_most;
        }
        let float = &self.exact.float;
        let value = middle.clamp(low, high) as f64 * float.unit;
        let value = self.precision.add(value, 0.0);
        let number = float.held(value);
        right.contains(&number).then_some((value, number))
    }

    /// Searches with a part of the steps that are left, so that some stay for every split that waits.
    fn search(&mut self, within: &[Vec<u64>], is_smallest: bool, too_much: i64) -> Option<Largest> {
        let (problem, shape) = (&self.problem, &self.shape);
        self.steps.part(self.n_waiting as u64 + 8, |steps| {
            largest(problem, shape, within, is_smallest, too_much, steps)
        })
    }

    /// The smaller model; a tree that is one leaf goes into the base.
    fn model(&self, original: &FloatModel, sum: &Additive) -> Result<FloatModel, ModelError> {
        let mut base = sum.sum().base[0];
        let mut trees = Vec::new();
        for tree in &self.trees {
            if tree.has_splits() {
                let nodes = nodes(original, tree, <[f64]>::to_vec);
                trees.push((nodes, original.trees()[tree.index].output()));
            } else {
                base += tree.of(0)[0];
            }
        }
        let Sum {
            precision, divisor, ..
        } = *sum.sum();
        let base = vec![precision.add(base, 0.0)];
        original.with_trees(trees, Some(Sum::new(precision, base, divisor)))
    }
}
