//! What decides between a float model's classes, in whole units: its leaves, what sums begin with, and
//! how far they may be from float's own sums.

use spinney_model::{FloatModel, Node, Task, Tree, Voting};
use spinney_quantize::argmax;

use crate::cells::{Cells, Trees};
use crate::questions::Sum;
use crate::search;

/// When a sum of whole units is that of a class.
pub(crate) struct Rule {
    pub base: Vec<i64>,
    /// What one sum alone is compared with.
    pub threshold: Option<i64>,
    /// Whether class 1 lies at or below the threshold, as alarms do.
    pub is_below: bool,
}

impl Rule {
    /// A class leads another one by all but `slack`; its scores are leaves' numbers from `from` on.
    pub fn leads(&self, from: usize, class: usize, other: usize, slack: i64) -> Sum {
        let Some(threshold) = self.threshold else {
            // Ties go to the lowest class.
            let least = i64::from(other < class) - self.base[class] + self.base[other];
            return Sum::lead(from + class, from + other, least - slack);
        };
        let rest = threshold - self.base[0];
        match (class == 1) != self.is_below {
            false => Sum::below(from, rest + slack),
            true => Sum::above(from, rest + 1 - slack),
        }
    }
}

/// A float model's sums, rounded to whole units.
pub(crate) struct Float<'m> {
    model: &'m FloatModel,
    voting: Voting,
    pub rule: Rule,
    pub unit: f64,
    /// How far the difference of two sums may be from that of the float model.
    pub slack: i64,
}

/// Bits that a proportion is held in.
pub(crate) const PROPORTION_BITS: i32 = 40;

impl<'m> Float<'m> {
    pub fn new(model: &'m FloatModel, voting: Voting) -> Self {
        let n_trees = model.trees().len();
        let (unit, slack, base, threshold) = match model {
            FloatModel::Additive(sum) => {
                let (own, largest) = (sum.sum(), sum.largest());
                let unit = (largest.max(f64::MIN_POSITIVE).log2().ceil() - 44.0).exp2();
                let step = own.precision.epsilon();
                let rounding = 2.0 * (n_trees + 4) as f64 * step * largest / unit;
                let slack = held(rounding.ceil(), 1.0) + 2 * (n_trees as i64 + 4);
                let base = own.base.iter().map(|it| held(*it, unit)).collect();
                let threshold = sum.threshold().map(|it| held(it * own.divisor, unit));
                (unit, slack, base, threshold)
            }
            model => {
                let unit = f64::from(-PROPORTION_BITS).exp2();
                let is_whole = |value: &f64| (value / unit).fract() == 0.0;
                let nodes = || model.trees().iter().flat_map(|tree| tree.nodes());
                let are_whole = || nodes().filter_map(Node::leaf).flatten().all(is_whole);
                // Sums of so few numbers of so few bits are exact.
                let is_exact = n_trees < 1 << 12 && (voting == Voting::Hard || are_whole());
                let slack = if is_exact { 0 } else { slack_of_votes(n_trees) };
                (unit, slack, vec![0; model.schema().n_classes()], None)
            }
        };
        let is_below = model.task() == Task::Detect;
        Self {
            model,
            voting,
            rule: Rule {
                base,
                threshold,
                is_below,
            },
            unit,
            slack,
        }
    }

    /// A number in whole units, the nearest.
    pub fn held(&self, value: f64) -> i64 {
        held(value, self.unit)
    }

    /// The trees over cells of readings; a leaf has a number for each sum.
    pub fn trees(&self, cells: &Cells) -> Trees {
        let features = self.model.schema().features();
        let mut leaves = Vec::new();
        let mut node_of = |tree: &Tree, node: &Node| {
            let Some((variable, children)) = node.split() else {
                leaves.push(self.numbers(tree, node.leaf().expect("no split")));
                return search::Node::Leaf(leaves.len() - 1);
            };
            let (own, compare) = (&cells.of[variable], features[variable].compare);
            search::Node::Split {
                variable,
                left: own.bits(|cell| node.sends_left(compare.seen(own.reading(cell)))),
                children,
            }
        };
        let trees = self.model.trees().iter();
        let trees = trees.map(|tree| tree.nodes().iter().map(|it| node_of(tree, it)).collect());
        Trees {
            trees: trees.collect(),
            leaves,
        }
    }

    /// What a leaf adds to each sum.
    fn numbers(&self, tree: &Tree, leaf: &[f64]) -> Vec<i64> {
        let mut numbers = vec![0; self.rule.base.len()];
        if self.model.additive().is_none() && self.voting == Voting::Hard {
            numbers[argmax(leaf)] = held(1.0, self.unit);
            return numbers;
        }
        let own = &mut numbers[tree.output().unwrap_or(0)..];
        for (number, value) in own.iter_mut().zip(leaf) {
            *number = held(*value, self.unit);
        }
        numbers
    }
}

/// How far the difference of two sums of such numbers may be from that of float's own sums: each
/// number is off by half a unit, and float rounds each of its sums, which are at most `n_trees`, to 53
/// bits.
fn slack_of_votes(n_trees: usize) -> i64 {
    let n_trees = n_trees as i64;
    2 * n_trees + 2 * ((n_trees * n_trees) >> (52 - PROPORTION_BITS)) + 2
}

/// A number in whole units, the nearest.
// Casts: units are chosen so that numbers fit.
fn held(value: f64, unit: f64) -> i64 {
    (value / unit).round() as i64
}
