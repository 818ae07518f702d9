//! Whether a smaller model gives the class of its original for every reading.
//!
//! A cut tree comes to a leaf that the original's leaf lies below, so both models are sums over the
//! same trees: a leaf has the numbers of the original and those of the smaller model, and a row that
//! sets them apart is one at which the first sums give a class and the second ones another. This is
//! the separation oracle of Emine, Forel, Malek and Vidal, "Free lunch in the forest" (AAAI 2025),
//! over cells of readings instead of reals, and for trees that were cut, too.

use spinney_model::{FloatModel, Node as FloatNode, Precision};
use spinney_quantize::Calibration;

use super::grid::Held;
use crate::cells::{Cells, Trees};
use crate::questions::{FLOAT_BITS, Search, Sum, first, float_slack};
use crate::search::{Answer, Steps};

/// The original over cells of readings.
pub(crate) struct Exact<'m> {
    original: &'m FloatModel,
    pub cells: Cells,
    /// Leaves hold the original's numbers.
    trees: Trees,
    /// Tree and node of each leaf.
    places: Vec<(usize, usize)>,
    base: Vec<i64>,
    threshold: Option<i64>,
    /// How far the difference of two sums may be from that of the float model.
    slack: i64,
}

/// What decides between classes: sums that begin at a base, from a number of leaves on.
struct Rule<'a> {
    base: &'a [i64],
    threshold: Option<i64>,
    from: usize,
}

impl Rule<'_> {
    /// A class leads another one by all but `slack`.
    fn leads(&self, class: usize, other: usize, slack: i64) -> Sum {
        let Some(threshold) = self.threshold else {
            // Ties go to the lowest class.
            let least = i64::from(other < class) - self.base[class] + self.base[other];
            return Sum::lead(self.from + class, self.from + other, least - slack);
        };
        let rest = threshold - self.base[0];
        let score = Some(self.from);
        match class {
            0 => Sum {
                plus: None,
                minus: score,
                at_least: -rest - slack,
            },
            _ => Sum {
                plus: score,
                minus: None,
                at_least: rest + 1 - slack,
            },
        }
    }
}

impl<'m> Exact<'m> {
    pub fn new(original: &'m FloatModel, calibrations: &[Calibration]) -> Self {
        let cells = Cells::of_model(original, calibrations);
        let n_trees = original.trees().len();
        let numbers = || {
            let nodes = original.trees().iter().flat_map(|tree| tree.nodes());
            nodes.filter_map(|node| match node {
                FloatNode::Leaf { values } => Some(values.as_slice()),
                _ => None,
            })
        };
        let (unit, slack, base, threshold) = match original {
            FloatModel::Additive(sum) => {
                let own = sum.sum();
                let most =
                    |values: &[f64]| values.iter().fold(0.0_f64, |most, it| it.abs().max(most));
                let of_trees = original.trees().iter().map(|tree| {
                    let leaves = tree.nodes().iter().map(|node| match node {
                        FloatNode::Leaf { values } => most(values),
                        _ => 0.0,
                    });
                    leaves.fold(0.0, f64::max)
                });
                let largest = most(&own.base) + of_trees.sum::<f64>();
                let unit = (largest.max(f64::MIN_POSITIVE).log2().ceil() - 44.0).exp2();
                let step = match own.precision {
                    Precision::Float32 => f64::from(f32::EPSILON),
                    Precision::Float64 => f64::EPSILON,
                };
                let rounding = 2.0 * (n_trees + 4) as f64 * step * largest / unit;
                let slack = held(rounding.ceil(), 1.0) + 2 * (n_trees as i64 + 4);
                let base = own.base.iter().map(|it| held(*it, unit)).collect();
                let threshold = sum.threshold().filter(|_| sum.n_outputs() == 1);
                let threshold = threshold.map(|it| held(it * own.divisor, unit));
                (unit, slack, base, threshold)
            }
            model => {
                let unit = f64::from(-FLOAT_BITS).exp2();
                let is_whole = |value: &f64| (value / unit).fract() == 0.0;
                // Sums of so few numbers of so few bits are exact.
                let is_exact = n_trees < 1 << 12 && numbers().flatten().all(is_whole);
                let slack = if is_exact { 0 } else { float_slack(n_trees) };
                (unit, slack, vec![0; model.schema().n_classes()], None)
            }
        };
        let mut places = Vec::new();
        for (index, tree) in original.trees().iter().enumerate() {
            let nodes = tree.nodes().iter().enumerate();
            let leaves = nodes.filter(|(_, node)| node.split().is_none());
            places.extend(leaves.map(|(node, _)| (index, node)));
        }
        let trees = cells.float_trees(original, |values| {
            values.iter().map(|it| held(*it, unit)).collect()
        });
        Self {
            original,
            cells,
            trees,
            places,
            base,
            threshold,
            slack,
        }
    }

    /// A row, within a box of cells, that a smaller model gives another class than the original.
    pub fn differs(&self, small: &Held, within: &[Vec<u64>], steps: &mut Steps) -> Answer {
        let n_scores = self.base.len();
        let trees = self.beside(small);
        let n_classes = self.original.schema().n_classes();
        steps.0 = steps
            .0
            .saturating_sub((trees.leaves.len() * n_classes * n_classes) as u64);
        let search = Search {
            n_cells: self.cells.n_cells(),
            trees: &trees,
            within: within.to_vec(),
            ordered: None,
        };
        let own = Rule {
            base: &self.base,
            threshold: self.threshold,
            from: 0,
        };
        let other = Rule {
            base: &small.base,
            threshold: small.threshold,
            from: n_scores,
        };
        let is_wanted = |point: &[usize]| {
            let row = self.cells.row(point);
            self.slack == 0 || self.original.predict(&row) != small.predict(self.original, &row)
        };
        let pairs = (0..n_classes).flat_map(|own| (0..n_classes).map(move |small| (own, small)));
        let pairs = pairs.filter(|(own, small)| own != small);
        first(pairs.map(|(given, rival)| {
            let mut sums = vec![other.leads(rival, given, 0)];
            let others = (0..n_classes).filter(|it| *it != given);
            sums.extend(others.map(|it| own.leads(given, it, self.slack)));
            search.find(&sums, steps, is_wanted)
        }))
    }

    /// Whether a held form has the very numbers of the original, so that nothing is to be proven.
    pub fn is_same(&self, held: &Held) -> bool {
        let n_scores = self.base.len();
        let FloatModel::Forest(_) = self.original else {
            return false;
        };
        let unit = held.unit * f64::from(FLOAT_BITS).exp2();
        let leaves = self.beside(held).leaves;
        self.slack == 0
            && leaves.iter().all(|leaf| {
                let (own, held) = leaf.split_at(n_scores);
                own.iter()
                    .zip(held)
                    .all(|(own, held)| *own as f64 == *held as f64 * unit)
            })
    }

    /// The trees, whose leaves have the numbers of both models.
    fn beside(&self, small: &Held) -> Trees {
        let n_scores = self.base.len();
        // The node that gives each node's number in the smaller model, where its tree is left.
        let mut givers: Vec<Vec<usize>> = vec![Vec::new(); self.original.trees().len()];
        let mut kept = vec![None; givers.len()];
        for tree in &small.trees {
            let nodes = self.original.trees()[tree.index].nodes();
            let mut giver: Vec<usize> = (0..nodes.len()).collect();
            for (at, node) in nodes.iter().enumerate() {
                let children = node.split().map_or([at; 2], |(_, children)| children);
                if tree.is_leaf[at] {
                    children
                        .into_iter()
                        .for_each(|child| giver[child] = giver[at]);
                }
            }
            givers[tree.index] = giver;
            kept[tree.index] = Some(tree);
        }
        let leaves = self.trees.leaves.iter().zip(&self.places);
        let leaves = leaves.map(|(values, (tree, node))| {
            let mut numbers = vec![0; 2 * n_scores];
            let first = self.original.trees()[*tree].output().unwrap_or(0);
            numbers[first..][..values.len()].copy_from_slice(values);
            if let Some(kept) = kept[*tree] {
                let own = kept.of(givers[*tree][*node]);
                numbers[n_scores + first..][..own.len()].copy_from_slice(own);
            }
            numbers
        });
        Trees {
            trees: self.trees.trees.clone(),
            leaves: leaves.collect(),
        }
    }

    /// The cells of the points that come to a node of a tree; `None` if there are none.
    pub fn below(&self, tree: usize, node: usize) -> Option<Vec<Vec<u64>>> {
        use crate::search::Node;
        let nodes = &self.trees.trees[tree];
        let mut within = self.cells.everything();
        let mut child = node;
        // Children stand behind their split.
        for at in (0..node).rev() {
            let Node::Split {
                variable,
                left,
                children,
            } = &nodes[at]
            else {
                continue;
            };
            let Some(side) = children.iter().position(|it| *it == child) else {
                continue;
            };
            for (word, left) in within[*variable].iter_mut().zip(left) {
                *word &= if side == 0 { *left } else { !left };
            }
            child = at;
        }
        let is_open = within
            .iter()
            .all(|cells| cells.iter().any(|word| *word != 0));
        is_open.then_some(within)
    }
}

/// A number in whole units, the nearest.
#[expect(
    clippy::cast_possible_truncation,
    reason = "units are chosen so that numbers fit"
)]
fn held(value: f64, unit: f64) -> i64 {
    (value / unit).round() as i64
}
