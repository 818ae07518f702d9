//! Growing one tree: depth first, or best first where leaves are limited.
//!
//! The rows of a node are a contiguous range of one array. A split partitions its range in place,
//! so that in the end every node, inner ones included, can be counted from its range.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::codes::{Codes, Table};
use crate::criterion::{Measure, Sum, Weight};
use crate::item::{Item, Totals};
use crate::random::Stream;
use crate::split::{Constants, Cut, Searcher};
use crate::{ForestError, Watch};

/// What a decrease of impurity may lack by its own rounding, as in scikit-learn.
const ROUNDING: f64 = f64::EPSILON;

/// The parameters of one tree, resolved for the training rows at hand.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) max_depth: usize,
    pub(crate) min_samples_split: usize,
    pub(crate) min_samples_leaf: usize,
    pub(crate) max_leaf_nodes: Option<usize>,
    pub(crate) max_features: usize,
    pub(crate) min_impurity_decrease: f64,
    pub(crate) random_thresholds: bool,
}

/// A grown node: its range of items, what it weighs, and its split, if any.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) weight: f64,
    pub(crate) impurity: f64,
    pub(crate) split: Option<DraftSplit>,
}

/// The split of a grown node, and the indices of its children.
#[derive(Debug, Clone)]
pub(crate) struct DraftSplit {
    pub(crate) feature: u32,
    pub(crate) threshold: f64,
    pub(crate) left: u32,
    pub(crate) right: u32,
}

/// Grows trees one after the other, with memory that is reused.
pub(crate) struct Grower<'a, I: Item> {
    table: &'a Table,
    rules: &'a Rules,
    measure: &'a Measure,
    watch: &'a Watch<'a>,
    n_sums: usize,
    searcher: Searcher<'a, I>,
    /// The tree's rows; after growing, in the order of its leaves.
    pub(crate) items: Vec<I>,
    spill: Vec<I>,
    totals: Totals<<I::Weight as Weight>::Sum>,
    drafts: Vec<Draft>,
    root_weight: f64,
    /// Of the numbers of all rows.
    rounding: f64,
}

/// A node that waits for its turn.
struct Waiting {
    node: u32,
    depth: usize,
    constants: Constants,
}

/// A node whose split is known and may be made.
struct Candidate {
    node: u32,
    depth: usize,
    constants: Constants,
    cut: Cut,
    middle: usize,
    /// Weight and impurity of the left child.
    left: (f64, f64),
    /// Weight and impurity of the right child.
    right: (f64, f64),
    improvement: f64,
}

impl<'a, I: Item> Grower<'a, I> {
    pub(crate) fn new(
        table: &'a Table,
        rules: &'a Rules,
        measure: &'a Measure,
        n_sums: usize,
        watch: &'a Watch<'a>,
    ) -> Self {
        Self {
            table,
            rules,
            measure,
            watch,
            n_sums,
            searcher: Searcher::new(table, rules, measure, n_sums, Stream::new(0, 0)),
            items: Vec::new(),
            spill: Vec::new(),
            totals: Totals::default(),
            drafts: Vec::new(),
            root_weight: 0.0,
            rounding: 0.0,
        }
    }

    /// Grows a tree over `self.items`, drawing from `stream`; node 0 is the root, children follow
    /// their parents.
    ///
    /// # Errors
    /// [`ForestError::Cancelled`].
    pub(crate) fn grow(&mut self, stream: Stream) -> Result<Vec<Draft>, ForestError> {
        self.searcher.restart(stream);
        self.totals.count(&self.items, self.n_sums);
        self.root_weight = self.totals.weight.float();
        let impurity = self.measure.impurity(&self.items, &self.totals);
        self.rounding = I::rounding(&self.items);
        self.drafts.clear();
        let root = Waiting {
            node: self.add(0, self.items.len(), (self.root_weight, impurity)),
            depth: 0,
            constants: self.searcher.root_constants(),
        };
        match self.rules.max_leaf_nodes {
            None => self.grow_depth_first(root)?,
            Some(n_leaves) => self.grow_best_first(root, n_leaves)?,
        }
        Ok(std::mem::take(&mut self.drafts))
    }

    fn grow_depth_first(&mut self, root: Waiting) -> Result<(), ForestError> {
        let mut stack = vec![root];
        while let Some(waiting) = stack.pop() {
            if let Some(candidate) = self.examine(waiting)? {
                let (left, right) = self.split(candidate);
                stack.push(right);
                stack.push(left);
            }
        }
        Ok(())
    }

    /// Always makes the split that lowers the tree's impurity most, until there are `n_leaves`.
    fn grow_best_first(&mut self, root: Waiting, n_leaves: usize) -> Result<(), ForestError> {
        let mut frontier = BinaryHeap::new();
        frontier.extend(self.examine(root)?);
        for n_splits_left in (0..n_leaves - 1).rev() {
            let Some(candidate) = frontier.pop() else {
                break;
            };
            let (left, right) = self.split(candidate);
            if n_splits_left > 0 {
                frontier.extend(self.examine(left)?);
                frontier.extend(self.examine(right)?);
            }
        }
        Ok(())
    }

    /// Appends a node that is not split yet.
    fn add(&mut self, start: usize, end: usize, (weight, impurity): (f64, f64)) -> u32 {
        let index = |index: usize| u32::try_from(index).expect("rows are counted in 32 bits");
        self.drafts.push(Draft {
            start: index(start),
            end: index(end),
            weight,
            impurity,
            split: None,
        });
        u32::try_from(self.drafts.len() - 1).expect("nodes are counted in 32 bits")
    }

    /// Looks for the split of a node; `None` where it stays a leaf. Partitions its items.
    fn examine(&mut self, waiting: Waiting) -> Result<Option<Candidate>, ForestError> {
        self.watch.check()?;
        let Waiting {
            node,
            depth,
            mut constants,
        } = waiting;
        let Draft {
            start,
            end,
            weight,
            impurity,
            ..
        } = self.drafts[node as usize];
        let items = &mut self.items[start as usize..end as usize];
        if depth >= self.rules.max_depth
            || items.len() < self.rules.min_samples_split
            || items.len() / 2 < self.rules.min_samples_leaf
            || I::are_alike(items, impurity, self.rounding)
        {
            return Ok(None);
        }
        self.totals.count(items, self.n_sums);
        let Some(cut) = self.searcher.find(items, &self.totals, &mut constants) else {
            return Ok(None);
        };
        let codes = &self.table.columns[cut.feature as usize].codes;
        let n_left = partition(items, &mut self.spill, codes, cut.code_max);

        let mut side = |items: &[I]| {
            self.totals.count(items, self.n_sums);
            let impurity = self.measure.impurity(items, &self.totals);
            (self.totals.weight.float(), impurity)
        };
        let left = side(&items[..n_left]);
        let right = side(&items[n_left..]);
        let mut improvement = weight / self.root_weight
            * (impurity - right.0 / weight * right.1 - left.0 / weight * left.1);
        if !I::ADDS_WEIGHT {
            // No cut raises the variance; what rounding says of it depends on the numbers' unit.
            improvement = improvement.max(0.0);
        }
        if improvement + ROUNDING < self.rules.min_impurity_decrease {
            return Ok(None);
        }
        Ok(Some(Candidate {
            node,
            depth,
            constants,
            cut,
            middle: start as usize + n_left,
            left,
            right,
            improvement,
        }))
    }

    /// Makes the split, with two children that wait.
    fn split(&mut self, candidate: Candidate) -> (Waiting, Waiting) {
        let Candidate { node, middle, .. } = candidate;
        let draft = &self.drafts[node as usize];
        let (start, end) = (draft.start as usize, draft.end as usize);
        let left = self.add(start, middle, candidate.left);
        let right = self.add(middle, end, candidate.right);
        self.drafts[node as usize].split = Some(DraftSplit {
            feature: candidate.cut.feature,
            threshold: candidate.cut.threshold,
            left,
            right,
        });
        let depth = candidate.depth + 1;
        let child = |node, constants| Waiting {
            node,
            depth,
            constants,
        };
        (
            child(left, candidate.constants.clone()),
            child(right, candidate.constants),
        )
    }
}

/// Moves the items whose code is at most `code_max` to the front, keeping the order on both sides,
/// and returns how many they are.
fn partition<I: Item>(items: &mut [I], spill: &mut Vec<I>, codes: &Codes, code_max: u32) -> usize {
    match codes {
        Codes::U8(codes) => partition_by(items, spill, codes, code_max),
        Codes::U16(codes) => partition_by(items, spill, codes, code_max),
        Codes::U32(codes) => partition_by(items, spill, codes, code_max),
    }
}

fn partition_by<I: Item, C: Copy + Into<u32>>(
    items: &mut [I],
    spill: &mut Vec<I>,
    codes: &[C],
    code_max: u32,
) -> usize {
    spill.clear();
    let mut n_left = 0;
    for index in 0..items.len() {
        let item = items[index];
        if codes[item.row() as usize].into() <= code_max {
            items[n_left] = item;
            n_left += 1;
        } else {
            spill.push(item);
        }
    }
    items[n_left..].copy_from_slice(spill);
    n_left
}

impl Candidate {
    /// The larger improvement first, then the older node.
    fn key(&self) -> (f64, Reverse<u32>) {
        (self.improvement, Reverse(self.node))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let ((a, a_node), (b, b_node)) = (self.key(), other.key());
        a.total_cmp(&b).then(a_node.cmp(&b_node))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}
