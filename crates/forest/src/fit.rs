//! From a linfa dataset to trained trees: checking it, weighing its rows, growing in parallel.

use std::sync::atomic::AtomicUsize;

use linfa::Float;
use ndarray::{Array1, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::codes::Table;
use crate::criterion::{Measure, Weight};
use crate::grow::{Draft, Grower, Rules};
use crate::item::{Classes, Item, Target, Totals};
use crate::prune::prune;
use crate::random::Stream;
use crate::{ClassWeight, Criterion, ForestError, MaxSamples, Node, Watch};

/// The largest label: class weights are kept for every class up to it.
const CLASS_MAX: usize = 0xFFFF;

/// Most rows: a tree over them has less than 2^32 nodes.
pub(crate) const ROWS_MAX: usize = 1 << 31;

/// A checked training set.
pub(crate) struct Training<T> {
    table: Table,
    target: T,
    /// One weight per row, where they are not all 1.
    weights: Option<Vec<f64>>,
}

/// What is grown from it.
pub(crate) struct Plan {
    pub(crate) rules: Rules,
    pub(crate) criterion: Criterion,
    pub(crate) ccp_alpha: f64,
    pub(crate) seed: u64,
    pub(crate) n_trees: usize,
    pub(crate) bootstrap: Option<Bootstrap>,
}

/// How the rows of each tree are drawn.
#[derive(Debug, Clone)]
pub(crate) struct Bootstrap {
    n_rows: usize,
    n_draws: usize,
    /// Running sums of the weights that rows are drawn by, where they are not all the same.
    cumulative: Option<Vec<f64>>,
}

impl Training<Classes> {
    /// Checks a dataset; `weights` is empty where it has none.
    pub(crate) fn classes<F: Float>(
        records: ArrayView2<'_, F>,
        labels: ArrayView1<'_, usize>,
        weights: &Array1<f32>,
        class_weight: ClassWeight,
    ) -> Result<Self, ForestError> {
        let classes = || {
            let of_row = check_labels(labels)?;
            let n_classes = 1 + of_row.iter().max().copied().unwrap_or(0) as usize;
            Ok(Classes { of_row, n_classes })
        };
        let mut training = Self::new(records, labels.len(), weights, classes)?;
        if class_weight == ClassWeight::Balanced {
            let weights = training.weights.take();
            training.weights = Some(balance(&training.target, weights));
        }
        Ok(training)
    }

    pub(crate) fn n_classes(&self) -> usize {
        self.target.n_classes
    }
}

impl<T: Target> Training<T> {
    /// Checks a dataset of `n_targets` targets, which are as many as there are rows where `target`
    /// is called; `weights` is empty where it has none.
    pub(crate) fn new<F: Float>(
        records: ArrayView2<'_, F>,
        n_targets: usize,
        weights: &Array1<f32>,
        target: impl FnOnce() -> Result<T, ForestError>,
    ) -> Result<Self, ForestError> {
        let (rows, columns) = records.dim();
        let countable = 1..=ROWS_MAX;
        if !countable.contains(&rows) || !countable.contains(&columns) {
            return Err(ForestError::Shape { rows, columns });
        }
        let what_counts = [("labels", n_targets), ("weights", weights.len())];
        for (what, found) in what_counts {
            if found != rows && (what, found) != ("weights", 0) {
                return Err(ForestError::Count { what, found, rows });
            }
        }
        let target = target()?;
        let weights = check_weights(weights)?;
        Ok(Self {
            table: Table::new(records)?,
            target,
            weights,
        })
    }

    pub(crate) fn n_features(&self) -> usize {
        self.table.columns.len()
    }

    /// The bootstrap that `max_samples` asks for.
    pub(crate) fn bootstrap(&self, max_samples: MaxSamples) -> Result<Bootstrap, ForestError> {
        let n_rows = self.target.n_rows();
        let cumulative: Option<Vec<f64>> = self.weights.as_ref().map(|weights| {
            let mut sum = 0.0;
            let add = |weight: &f64| {
                sum += weight;
                sum
            };
            weights.iter().map(add).collect()
        });
        let total = match &cumulative {
            Some(sums) => sums[n_rows - 1],
            None => n_rows as f64,
        };
        let n_draws = match max_samples {
            MaxSamples::All => n_rows,
            MaxSamples::Count(count) => count,
            MaxSamples::Fraction(share) => ((share * total) as usize).max(1),
        };
        if u32::try_from(n_draws).is_err() {
            return Err(ForestError::Parameter {
                name: "max_samples",
                found: format!("{n_draws} draws"),
                expected: "at most 4294967295",
            });
        }
        Ok(Bootstrap {
            n_rows,
            n_draws,
            cumulative,
        })
    }

    /// Grows `plan.n_trees` trees on the current rayon pool.
    pub(crate) fn grow(&self, plan: &Plan, watch: &Watch<'_>) -> Result<Vec<T::Tree>, ForestError> {
        match (&plan.bootstrap, &self.weights) {
            (Some(bootstrap), _) => self.grow_all::<u32>(plan, watch, |stream, items| {
                self.collect(items, &bootstrap.draw(stream));
            }),
            (None, Some(weights)) => self.grow_all::<f64>(plan, watch, |_, items| {
                self.collect(items, weights);
            }),
            (None, None) => self.grow_all::<u32>(plan, watch, |_, items| {
                self.collect(items, &vec![1; self.target.n_rows()]);
            }),
        }
    }

    /// The items of a tree: all rows that weigh something.
    fn collect<W: Weight + PartialEq>(&self, items: &mut Vec<T::Item<W>>, weights: &[W]) {
        items.clear();
        let weighing = (0_u32..)
            .zip(weights)
            .filter(|(_, weight)| **weight != W::default());
        items.extend(weighing.map(|(row, weight)| self.target.item(row, *weight)));
    }

    fn grow_all<W: Weight>(
        &self,
        plan: &Plan,
        watch: &Watch<'_>,
        fill: impl Fn(&mut Stream, &mut Vec<T::Item<W>>) + Sync,
    ) -> Result<Vec<T::Tree>, ForestError> {
        let weight_max = match &plan.bootstrap {
            Some(bootstrap) => bootstrap.n_draws,
            None => self.target.n_rows(),
        };
        let measure = Measure::new(plan.criterion, weight_max);
        let n_sums = self.target.n_sums();
        let grower = || Grower::new(&self.table, &plan.rules, &measure, n_sums, watch);
        let done = AtomicUsize::new(0);
        (0..plan.n_trees)
            .into_par_iter()
            .map_init(grower, |grower: &mut Grower<'_, T::Item<W>>, tree_idx| {
                let mut stream = Stream::new(plan.seed, tree_idx);
                fill(&mut stream, &mut grower.items);
                let mut drafts = grower.grow(stream)?;
                if plan.ccp_alpha > 0.0 {
                    prune(&mut drafts, plan.ccp_alpha);
                }
                let tree = self.finish(&drafts, &grower.items);
                watch.tree_done(&done, plan.n_trees);
                Ok(tree)
            })
            .collect()
    }

    /// Puts the nodes into preorder and counts the leaves' rows.
    fn finish<I: Item>(&self, drafts: &[Draft], items: &[I]) -> T::Tree {
        let cost = |node: u32| {
            let draft = &drafts[node as usize];
            draft.weight * draft.impurity
        };
        let mut nodes = Vec::new();
        let mut leaves = Vec::new();
        let mut totals = Totals::default();
        let mut n_leaves = 0;
        // Nodes to visit, each with the preorder index of the split whose right child it is.
        let mut stack: Vec<(u32, Option<usize>)> = vec![(0, None)];
        while let Some((node, parent)) = stack.pop() {
            let next = u32::try_from(nodes.len()).expect("nodes are counted in 32 bits");
            if let Some(parent) = parent
                && let Node::Split { right, .. } = &mut nodes[parent]
            {
                *right = next;
            }
            let draft = &drafts[node as usize];
            match &draft.split {
                Some(split) => {
                    stack.push((split.right, Some(nodes.len())));
                    stack.push((split.left, None));
                    let lowered = cost(node) - cost(split.left) - cost(split.right);
                    nodes.push(Node::Split {
                        feature: split.feature,
                        threshold: split.threshold,
                        left: next + 1,
                        right: 0,
                        improvement: lowered / drafts[0].weight,
                    });
                }
                None => {
                    let range = draft.start as usize..draft.end as usize;
                    totals.count(&items[range], self.target.n_sums());
                    self.target.leaf(&totals, &mut leaves);
                    nodes.push(Node::Leaf { leaf: n_leaves });
                    n_leaves += 1;
                }
            }
        }
        nodes.shrink_to_fit();
        leaves.shrink_to_fit();
        self.target.tree(self.n_features(), nodes, leaves)
    }
}

impl Bootstrap {
    /// How often each row is drawn for a tree, whose `stream` has to be fresh.
    pub(crate) fn draw(&self, stream: &mut Stream) -> Vec<u32> {
        let mut counts = vec![0; self.n_rows];
        match &self.cumulative {
            None => {
                for _ in 0..self.n_draws {
                    counts[stream.below(self.n_rows)] += 1;
                }
            }
            Some(sums) => {
                let total = sums[self.n_rows - 1];
                // Rounding may push a draw up to the total; the last row that weighs anything
                // then takes it.
                let last = sums.partition_point(|sum| *sum < total);
                for _ in 0..self.n_draws {
                    let drawn = stream.unit() * total;
                    counts[sums.partition_point(|sum| *sum <= drawn).min(last)] += 1;
                }
            }
        }
        counts
    }
}

fn check_labels(labels: ArrayView1<'_, usize>) -> Result<Vec<u32>, ForestError> {
    let check = |(row, label): (usize, &usize)| {
        if *label > CLASS_MAX {
            return Err(ForestError::Label {
                row,
                found: *label,
                max: CLASS_MAX,
            });
        }
        Ok(*label as u32)
    };
    labels.iter().enumerate().map(check).collect()
}

fn check_weights(weights: &Array1<f32>) -> Result<Option<Vec<f64>>, ForestError> {
    if weights.is_empty() {
        return Ok(None);
    }
    for (row, weight) in weights.iter().enumerate() {
        if !weight.is_finite() || *weight < 0.0 {
            let found = *weight;
            return Err(ForestError::Weight { row, found });
        }
    }
    if weights.iter().all(|weight| *weight == 0.0) {
        return Err(ForestError::NoWeight);
    }
    let same = weights.iter().all(|weight| *weight == 1.0);
    Ok((!same).then(|| weights.iter().copied().map(f64::from).collect()))
}

/// Scales the weights of each class to the same total; all together they weigh what they did.
fn balance(target: &Classes, weights: Option<Vec<f64>>) -> Vec<f64> {
    let (labels, n_classes) = (&target.of_row, target.n_classes);
    let mut weights = weights.unwrap_or_else(|| vec![1.0; labels.len()]);
    let mut totals = vec![0.0; n_classes];
    for (class, weight) in labels.iter().zip(&weights) {
        totals[*class as usize] += weight;
    }
    let n_present = totals.iter().filter(|total| **total > 0.0).count();
    let share = totals.iter().sum::<f64>() / n_present as f64;
    for (class, weight) in labels.iter().zip(&mut weights) {
        if *weight > 0.0 {
            *weight *= share / totals[*class as usize];
        }
    }
    weights
}
