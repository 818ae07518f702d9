//! What a training row adds to a node: its weight to a class, or its number to a sum.
//!
//! Gini's criterion and the squared error both compare `Σ sumₖ² / weight` of two sides: the sums are class weights for
//! Gini's, and the weighted sum of the targets for the squared error. So one search serves both.

use ndarray::ArrayView1;

use crate::criterion::{Sum, Weight};
use crate::{DecisionTree, ForestError, Node, RegressionTree};

/// One training row within a tree.
pub(crate) trait Item: Copy + Default + Send + Sync {
    /// Its weight.
    type Weight: Weight;
    /// Whether what it adds to a sum is its weight, so that the sums of a node are its weight.
    const ADDS_WEIGHT: bool;
    /// Its index.
    fn row(&self) -> u32;
    /// The sum that it adds to.
    fn slot(&self) -> usize;
    /// What it adds to that sum.
    fn amount(&self) -> Self::Weight;
    /// Its weight.
    fn weight(&self) -> Self::Weight;
    /// The weighted mean of squared distances from the weighted mean of these rows' targets.
    fn variance(items: &[Self], totals: &Totals<<Self::Weight as Weight>::Sum>) -> f64;
    /// How far apart numbers of a tree with these rows are by their rounding alone; 0 of classes.
    fn rounding(items: &[Self]) -> f64;
    /// Whether rows of this impurity have one class, or numbers that only `rounding` tells apart.
    fn are_alike(items: &[Self], impurity: f64, rounding: f64) -> bool;
}

/// A row with a class.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Classed<W> {
    pub(crate) row: u32,
    pub(crate) class: u32,
    pub(crate) weight: W,
}

impl<W: Weight> Item for Classed<W> {
    type Weight = W;
    const ADDS_WEIGHT: bool = true;

    fn row(&self) -> u32 {
        self.row
    }

    fn slot(&self) -> usize {
        self.class as usize
    }

    fn amount(&self) -> W {
        self.weight
    }

    fn weight(&self) -> W {
        self.weight
    }

    fn variance(_: &[Self], _: &Totals<W::Sum>) -> f64 {
        unreachable!("classes have no variance: parameters are checked before")
    }

    fn rounding(_: &[Self]) -> f64 {
        0.0
    }

    /// By scikit-learn's rule.
    fn are_alike(_: &[Self], impurity: f64, _: f64) -> bool {
        impurity <= f64::EPSILON
    }
}

/// A row with a number.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Valued {
    pub(crate) row: u32,
    /// The number, less one that is the same for all rows.
    pub(crate) value: f64,
    pub(crate) weight: f64,
}

impl Item for Valued {
    type Weight = f64;
    const ADDS_WEIGHT: bool = false;

    fn row(&self) -> u32 {
        self.row
    }

    fn slot(&self) -> usize {
        0
    }

    fn amount(&self) -> f64 {
        self.weight * self.value
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn variance(items: &[Self], totals: &Totals<f64>) -> f64 {
        let mean = totals.sums[0] / totals.weight;
        let squares = items.iter().map(|item| {
            let apart = item.value - mean;
            item.weight * apart * apart
        });
        squares.sum::<f64>() / totals.weight
    }

    fn rounding(items: &[Self]) -> f64 {
        let largest = items.iter().map(|item| item.value.abs());
        4.0 * f64::EPSILON * largest.fold(0.0, f64::max)
    }

    /// Numbers have a unit, so no variance is small by itself; and the variance of equal numbers is
    /// not 0 where their mean was rounded.
    fn are_alike(items: &[Self], _: f64, rounding: f64) -> bool {
        let first = items.first().map_or(0.0, |item| item.value);
        let (low, high) = items.iter().fold((first, first), |(low, high), item| {
            (low.min(item.value), high.max(item.value))
        });
        high - low <= rounding
    }
}

/// What a set of rows adds up to: class weights or a sum of numbers, and the weight.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals<S> {
    pub(crate) sums: Vec<S>,
    pub(crate) weight: S,
}

impl<S: Sum> Totals<S> {
    /// Adds `items` up, into `n_sums` sums.
    pub(crate) fn count<I: Item>(&mut self, items: &[I], n_sums: usize)
    where
        I::Weight: Weight<Sum = S>,
    {
        self.sums.clear();
        self.sums.resize(n_sums, S::default());
        self.weight = S::default();
        for item in items {
            self.sums[item.slot()] += item.amount().widen();
            self.weight += item.weight().widen();
        }
    }
}

/// What is known of the training rows.
pub(crate) trait Target: Sync {
    /// A row of these, weighed.
    type Item<W: Weight>: Item;
    /// What is grown.
    type Tree: Send;
    /// How many sums a node has.
    fn n_sums(&self) -> usize;
    /// How many rows there are.
    fn n_rows(&self) -> usize;
    /// One row within a tree.
    fn item<W: Weight>(&self, row: u32, weight: W) -> Self::Item<W>;
    /// Appends what a leaf holds to `leaves`.
    fn leaf<S: Sum>(&self, totals: &Totals<S>, leaves: &mut Vec<f64>);
    /// A tree of nodes in preorder and of what their leaves hold.
    fn tree(&self, n_features: usize, nodes: Vec<Node>, leaves: Vec<f64>) -> Self::Tree;
}

/// A class of each row.
pub(crate) struct Classes {
    pub(crate) of_row: Vec<u32>,
    pub(crate) n_classes: usize,
}

impl Target for Classes {
    type Item<W: Weight> = Classed<W>;
    type Tree = DecisionTree;

    fn n_sums(&self) -> usize {
        self.n_classes
    }

    fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    fn item<W: Weight>(&self, row: u32, weight: W) -> Classed<W> {
        let class = self.of_row[row as usize];
        Classed { row, class, weight }
    }

    fn leaf<S: Sum>(&self, totals: &Totals<S>, leaves: &mut Vec<f64>) {
        leaves.extend(totals.sums.iter().map(|weight| weight.float()));
    }

    fn tree(&self, n_features: usize, nodes: Vec<Node>, leaves: Vec<f64>) -> DecisionTree {
        DecisionTree::from_parts(n_features, self.n_classes, nodes, leaves)
    }
}

/// A number of each row. Sums are of what it is above or below the first row's, so that numbers
/// which are large beside their differences lose no bits.
pub(crate) struct Numbers {
    apart: Vec<f64>,
    first: f64,
}

/// The largest number of a row: so that squares of sums are finite.
const NUMBER_MAX: f64 = 1e100;

impl Numbers {
    /// Checks the numbers of at least one row.
    pub(crate) fn new(of_row: ArrayView1<'_, f64>) -> Result<Self, ForestError> {
        let odd = |number: &f64| !number.is_finite() || number.abs() > NUMBER_MAX;
        if let Some((row, found)) = of_row.iter().enumerate().find(|(_, it)| odd(it)) {
            let found = *found;
            return Err(ForestError::Number { row, found });
        }
        let first = of_row[0];
        Ok(Self {
            apart: of_row.iter().map(|number| number - first).collect(),
            first,
        })
    }
}

impl Target for Numbers {
    type Item<W: Weight> = Valued;
    type Tree = RegressionTree;

    fn n_sums(&self) -> usize {
        1
    }

    fn n_rows(&self) -> usize {
        self.apart.len()
    }

    fn item<W: Weight>(&self, row: u32, weight: W) -> Valued {
        Valued {
            row,
            value: self.apart[row as usize],
            weight: weight.widen().float(),
        }
    }

    fn leaf<S: Sum>(&self, totals: &Totals<S>, leaves: &mut Vec<f64>) {
        leaves.push(self.first + totals.sums[0].float() / totals.weight.float());
    }

    fn tree(&self, n_features: usize, nodes: Vec<Node>, leaves: Vec<f64>) -> RegressionTree {
        RegressionTree::from_parts(n_features, nodes, leaves)
    }
}
