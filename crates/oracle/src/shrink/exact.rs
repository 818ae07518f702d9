//! Whether a smaller model gives the class of its original for every reading.
//!
//! A cut tree comes to a leaf that the original's leaf lies below, so both models are sums over the
//! same trees: a leaf has the numbers of the original and those of the smaller model, and a row that
//! sets them apart is one at which the first sums give a class and the second ones another. This is
//! the separation oracle of Emine, Forel, Malek and Vidal, "Free lunch in the forest" (AAAI 2025),
//! over cells of readings instead of reals, and for trees that were cut, too.

use spinney_model::{FloatModel, Voting};
use spinney_quantize::Calibration;

use super::grid::Held;
use crate::cells::{Cells, Trees};
use crate::float::{Float, PROPORTION_BITS, Rule};
use crate::questions::{Search, first, pairs};
use crate::search::{Answer, Steps};

/// The original over cells of readings.
pub(crate) struct Exact<'m> {
    pub original: &'m FloatModel,
    pub cells: Cells,
    pub float: Float<'m>,
    /// Leaves hold the original's numbers.
    pub trees: Trees,
    /// Tree and node of each leaf.
    places: Vec<(usize, usize)>,
}

impl<'m> Exact<'m> {
    pub fn new(original: &'m FloatModel, calibrations: &[Calibration]) -> Self {
        let cells = Cells::of_model(original, calibrations);
        let mut places = Vec::new();
        for (index, tree) in original.trees().iter().enumerate() {
            let nodes = tree.nodes().iter().enumerate();
            let leaves = nodes.filter(|(_, node)| node.split().is_none());
            places.extend(leaves.map(|(node, _)| (index, node)));
        }
        let float = Float::new(original, Voting::Soft);
        Self {
            trees: float.trees(&cells),
            original,
            cells,
            places,
            float,
        }
    }

    /// A row, within a box of cells, that a smaller model gives another class than the original.
    pub fn differs(&self, small: &Held, within: &[Vec<u64>], steps: &mut Steps) -> Answer {
        let n_scores = self.float.rule.base.len();
        let trees = self.beside(small);
        let n_classes = self.original.schema().n_classes();
        steps.0 = steps
            .0
            .saturating_sub((trees.leaves.len() * n_classes * n_classes) as u64);
        let search = Search {
            within: within.to_vec(),
            ..Search::new(&self.cells, &trees)
        };
        let (own, slack) = (&self.float.rule, self.float.slack);
        let other = Rule {
            base: small.base.clone(),
            threshold: small.threshold,
            is_below: own.is_below,
        };
        let is_wanted = |point: &[usize]| {
            let row = self.cells.row(point);
            slack == 0 || self.original.predict(&row) != small.predict(self.original, &row)
        };
        first(pairs(n_classes).map(|(given, rival)| {
            let mut sums = vec![other.leads(n_scores, rival, given, 0)];
            let others = (0..n_classes).filter(|it| *it != given);
            sums.extend(others.map(|it| own.leads(0, given, it, slack)));
            search.find(&sums, steps, is_wanted)
        }))
    }

    /// Whether a held form has the very numbers of the original, so that nothing is to be proven.
    pub fn is_same(&self, held: &Held) -> bool {
        let n_scores = self.float.rule.base.len();
        let FloatModel::Forest(_) = self.original else {
            return false;
        };
        let unit = held.unit * f64::from(PROPORTION_BITS).exp2();
        let leaves = self.beside(held).leaves;
        self.float.slack == 0
            && leaves.iter().all(|leaf| {
                let (own, held) = leaf.split_at(n_scores);
                own.iter()
                    .zip(held)
                    .all(|(own, held)| *own as f64 == *held as f64 * unit)
            })
    }

    /// The trees, whose leaves have the numbers of both models.
    fn beside(&self, small: &Held) -> Trees {
        let n_scores = self.float.rule.base.len();
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
            let mut numbers = values.clone();
            numbers.resize(2 * n_scores, 0);
            let first = self.original.trees()[*tree].output().unwrap_or(0);
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
