//! Branch and bound over boxes of cells.
//!
//! A variable takes one of finitely many cells; a box is a set of cells per variable. Each leaf of a
//! tree has a row of values, and what is asked is a point at which every sum of values over the
//! trees reaches its bound. In a box a sum is at most the sum of each tree's largest value among the
//! leaves that the box reaches, so a box in which one such sum stays below its bound holds no
//! answer. Otherwise the box is cut at a split of the tree whose values differ most, until every
//! tree has come to one leaf. What is largest is looked for in the box whose bound is highest, so that
//! the bound at any time is that of the whole. As in Devos, Meert and Davis, "Versatile verification of tree
//! ensembles" (ICML 2021), bounds come from trees one by one; they are exact once a box is small.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Cells of a variable that go left, as bits, and the nodes of both sides.
    Split {
        /// Index of the variable.
        variable: usize,
        /// A bit per cell, 64 to a word.
        left: Vec<u64>,
        /// The nodes on the left and the right; later ones.
        children: [usize; 2],
    },
    /// The number of a leaf, among those of all trees.
    Leaf(usize),
}

/// Trees over variables, the first node of each being its root.
#[derive(Debug, Clone)]
pub struct Problem<'t> {
    /// Cells of each variable; at least one.
    pub n_cells: Vec<usize>,
    /// The trees.
    pub trees: &'t [Vec<Node>],
    /// What each leaf adds to each sum.
    pub leaves: Vec<Vec<i64>>,
    /// What each sum has to reach.
    pub at_least: Vec<i64>,
    /// Two variables, of which the first may have no later cell than the second.
    pub ordered: Option<[usize; 2]>,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A cell of each variable, at which every sum reaches its bound.
    Found(Vec<usize>),
    /// There is no such point.
    None,
    /// The steps ended first.
    Unknown,
}

/// Visited nodes of trees that a search may still take; a second of an ordinary machine has some
/// [`STEPS_PER_SECOND`]. Counted, so that every machine comes to the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps(pub u64);

impl Steps {
    /// Does work with one of so many parts of the steps, and keeps what that leaves of them.
    pub(crate) fn part<T>(&mut self, n_parts: u64, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut part = Self(self.0 / n_parts);
        self.0 -= part.0;
        let found = work(&mut part);
        self.0 += part.0;
        found
    }
}

/// Steps that stand for a second.
pub const STEPS_PER_SECOND: u64 = 50_000_000;

/// A part of the points that are still to be looked at.
#[derive(Clone)]
struct Part {
    /// Cells of all variables, one variable after the other.
    cells: Vec<u64>,
    /// The node of each tree that the whole part comes to.
    roots: Vec<usize>,
    /// The largest and the smallest value of each sum among the leaves that the part reaches, tree by
    /// tree.
    most: Vec<i64>,
    least: Vec<i64>,
}

/// Searches for a point in a box of cells, a set of bits per variable, that `is_wanted`, which must
/// say the same of all points that come to the same leaves.
///
/// # Panics
/// If leaves have another number of values than there are bounds, or `within` another shape than
/// the variables.
pub fn find(
    problem: &Problem<'_>,
    within: &[Vec<u64>],
    steps: &mut Steps,
    is_wanted: impl Fn(&[usize]) -> bool,
) -> Answer {
    let shape = Shape::new(problem);
    let search = Search::new(problem, &shape);
    let Some(whole) = search.whole(within, steps) else {
        return Answer::None;
    };
    let mut parts = vec![whole];
    while let Some(part) = parts.pop() {
        if steps.0 == 0 {
            return Answer::Unknown;
        }
        let tree = match search.judge(&part) {
            Judged::Empty => continue,
            Judged::Holds => {
                let point = search.point(&part);
                if is_wanted(&point) {
                    return Answer::Found(point);
                }
                let Some(tree) = search.any_split(&part) else {
                    continue;
                };
                tree
            }
            Judged::Open(tree) => tree,
        };
        let mut sides = [true, false].map(|is_left| search.side(&part, tree, is_left, steps));
        // The side that promises more is looked at first.
        let promise = |side: &Option<Part>| side.as_ref().map(|side| search.slack(side));
        if promise(&sides[0]) > promise(&sides[1]) {
            sides.swap(0, 1);
        }
        parts.extend(sides.into_iter().flatten());
    }
    Answer::None
}

/// What is known of the largest sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Largest {
    /// A point has this one.
    pub at_least: i64,
    /// No point has a larger one; the same number where the steps sufficed.
    pub at_most: i64,
}

/// The largest first sum among the points of a box, a set of bits per variable, or the negative of the
/// smallest one; the search ends early once it is known to be above `too_much`. `None` where the box
/// has no point. Bounds that sums have to reach are not looked at.
///
/// # Panics
/// As of [`find`].
pub fn largest(
    problem: &Problem<'_>,
    shape: &Shape,
    within: &[Vec<u64>],
    is_smallest: bool,
    too_much: i64,
    steps: &mut Steps,
) -> Option<Largest> {
    let search = Search::new(problem, shape);
    let whole = search.whole(within, steps)?;
    let bounds = |part: &Part| {
        let [most, least] = [&part.most, &part.least].map(|values| search.total(values, 0));
        if is_smallest {
            [-most, -least]
        } else {
            [least, most]
        }
    };
    let [mut at_least, at_most] = bounds(&whole);
    // The part with the highest bound comes next, of equals the one that was found first.
    let mut parts = BTreeMap::from([((at_most, Reverse(0)), whole)]);
    let mut n_parts = 0;
    while let Some(((at_most, _), part)) = parts.pop_last() {
        if at_least == at_most || at_least > too_much || steps.0 == 0 {
            return Some(Largest { at_least, at_most });
        }
        let n_sums = problem.at_least.len();
        let spread = |tree: usize| part.most[tree * n_sums] - part.least[tree * n_sums];
        let tree = (0..part.roots.len()).max_by_key(|tree| (spread(*tree), usize::MAX - tree));
        let tree = tree.expect("bounds that differ have trees");
        for is_left in [true, false] {
            let Some(side) = search.side(&part, tree, is_left, steps) else {
                continue;
            };
            let [least, most] = bounds(&side);
            at_least = at_least.max(least);
            n_parts += 1;
            parts.insert((most, Reverse(n_parts)), side);
        }
    }
    unreachable!("a part with points has a side with points")
}

enum Judged {
    /// No point reaches all bounds.
    Empty,
    /// Every point does.
    Holds,
    /// Some may; this tree's values differ most.
    Open(usize),
}

/// Where variables lie, and which ones trees ask; whatever numbers leaves have.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The first word of each variable, and the end of the last.
    offsets: Vec<usize>,
    /// The variables that each tree asks.
    asked: Vec<Vec<bool>>,
}

impl Shape {
    /// That of a problem.
    #[must_use]
    pub fn new(problem: &Problem<'_>) -> Self {
        let mut offsets = vec![0];
        for n_cells in &problem.n_cells {
            offsets.push(offsets[offsets.len() - 1] + n_cells.div_ceil(64));
        }
        let asked = problem.trees.iter().map(|tree| {
            let mut asked = vec![false; problem.n_cells.len()];
            for node in tree {
                if let Node::Split { variable, .. } = node {
                    asked[*variable] = true;
                }
            }
            asked
        });
        Self {
            asked: asked.collect(),
            offsets,
        }
    }
}

struct Search<'p> {
    problem: &'p Problem<'p>,
    shape: &'p Shape,
}

impl<'p> Search<'p> {
    fn new(problem: &'p Problem<'p>, shape: &'p Shape) -> Self {
        Self { problem, shape }
    }

    /// A box as a part; `None` where it has no point.
    fn whole(&self, within: &[Vec<u64>], steps: &mut Steps) -> Option<Part> {
        let cells: Vec<u64> = within.iter().flatten().copied().collect();
        assert_eq!(cells.len(), self.n_words(), "a word per 64 cells");
        let n_values = self.problem.trees.len() * self.problem.at_least.len();
        let mut whole = Part {
            cells,
            roots: vec![0; self.problem.trees.len()],
            most: vec![0; n_values],
            least: vec![0; n_values],
        };
        let is_empty = within.iter().any(|cells| first(cells).is_none());
        if is_empty || !self.tighten(&mut whole.cells) {
            return None;
        }
        for tree in 0..self.problem.trees.len() {
            self.reach(&mut whole, tree, steps);
        }
        Some(whole)
    }

    fn n_words(&self) -> usize {
        self.shape.offsets[self.problem.n_cells.len()]
    }

    fn words(&self, variable: usize) -> std::ops::Range<usize> {
        self.shape.offsets[variable]..self.shape.offsets[variable + 1]
    }

    /// Whether some cells of a variable go left, and whether some go right.
    fn ways(&self, cells: &[u64], variable: usize, left: &[u64]) -> [bool; 2] {
        let own = &cells[self.words(variable)];
        let mut ways = [false; 2];
        for (own, left) in own.iter().zip(left) {
            ways[0] |= own & left != 0;
            ways[1] |= own & !left != 0;
        }
        ways
    }

    /// Works out what a part reaches of a tree, from the node that it came to.
    fn reach(&self, part: &mut Part, tree: usize, steps: &mut Steps) {
        let nodes = &self.problem.trees[tree];
        let mut root = part.roots[tree];
        while let Node::Split {
            variable,
            left,
            children,
        } = &nodes[root]
        {
            match self.ways(&part.cells, *variable, left) {
                [true, true] => break,
                [is_left, _] => root = children[usize::from(!is_left)],
            }
        }
        part.roots[tree] = root;
        let n_sums = self.problem.at_least.len();
        let own = tree * n_sums..(tree + 1) * n_sums;
        let (most, least) = (&mut part.most[own.clone()], &mut part.least[own]);
        most.fill(i64::MIN);
        least.fill(i64::MAX);
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            steps.0 = steps.0.saturating_sub(1);
            match &nodes[node] {
                Node::Leaf(leaf) => {
                    for (at, value) in self.problem.leaves[*leaf].iter().enumerate() {
                        most[at] = most[at].max(*value);
                        least[at] = least[at].min(*value);
                    }
                }
                // Cells that were cut off above are not kept here, so a leaf may be counted that the
                // part does not reach: the bound is then larger than it could be, never smaller.
                Node::Split {
                    variable,
                    left,
                    children,
                } => {
                    let ways = self.ways(&part.cells, *variable, left);
                    open.extend(
                        ways.iter()
                            .zip(children)
                            .filter(|(way, _)| **way)
                            .map(|it| *it.1),
                    );
                }
            }
        }
    }

    fn judge(&self, part: &Part) -> Judged {
        let mut tightest = None;
        for (sum, bound) in self.problem.at_least.iter().enumerate() {
            let most = self.total(&part.most, sum);
            let least = self.total(&part.least, sum);
            if most < *bound {
                return Judged::Empty;
            }
            if least < *bound {
                // Of the sums that are not decided, the one that is cut away soonest.
                let slack = most - bound;
                if tightest.is_none_or(|(least, _)| slack < least) {
                    tightest = Some((slack, sum));
                }
            }
        }
        let Some((_, sum)) = tightest else {
            return Judged::Holds;
        };
        let n_sums = self.problem.at_least.len();
        let spread = |at: usize| part.most[at] - part.least[at];
        let tree = (0..part.roots.len())
            .max_by_key(|tree| (spread(tree * n_sums + sum), usize::MAX - tree));
        Judged::Open(tree.expect("a sum that is not decided has trees"))
    }

    /// A sum over all trees.
    fn total(&self, values: &[i64], sum: usize) -> i64 {
        values
            .iter()
            .skip(sum)
            .step_by(self.problem.at_least.len())
            .sum()
    }

    /// A tree of which a part reaches several leaves.
    fn any_split(&self, part: &Part) -> Option<usize> {
        let is_split = |tree: &usize| {
            let node = &self.problem.trees[*tree][part.roots[*tree]];
            matches!(node, Node::Split { .. })
        };
        (0..part.roots.len()).find(is_split)
    }

    /// By how much the tightest sum may still exceed its bound.
    fn slack(&self, part: &Part) -> i64 {
        let sums = self.problem.at_least.iter().enumerate();
        let slack = sums.map(|(sum, bound)| self.total(&part.most, sum) - bound);
        slack.min().unwrap_or(0)
    }

    /// The points of a part on one side of the split that a tree came to; `None` if there are none.
    fn side(&self, part: &Part, tree: usize, is_left: bool, steps: &mut Steps) -> Option<Part> {
        let Node::Split { variable, left, .. } = &self.problem.trees[tree][part.roots[tree]] else {
            unreachable!("a leaf's values do not differ");
        };
        let mut side = part.clone();
        for (word, left) in side.cells[self.words(*variable)].iter_mut().zip(left) {
            *word &= if is_left { *left } else { !left };
        }
        if !self.tighten(&mut side.cells) {
            return None;
        }
        let changed = |asked: &[bool]| match self.problem.ordered {
            Some(pair) if pair.contains(variable) => pair.iter().any(|it| asked[*it]),
            _ => asked[*variable],
        };
        for tree in 0..side.roots.len() {
            if changed(&self.shape.asked[tree]) {
                self.reach(&mut side, tree, steps);
            }
        }
        Some(side)
    }

    /// Leaves out cells that no point of ordered variables has; `false` if none are left.
    fn tighten(&self, cells: &mut [u64]) -> bool {
        let Some([low, high]) = self.problem.ordered else {
            return true;
        };
        let (low, high) = (self.words(low), self.words(high));
        let (Some(first), Some(last)) = (first(&cells[low.clone()]), last(&cells[high.clone()]))
        else {
            return false;
        };
        let mut is_any = [false; 2];
        for cell in 0..64 * low.len() {
            let bit = 1_u64 << (cell % 64);
            if cell > last {
                cells[low.start + cell / 64] &= !bit;
            }
            if cell < first {
                cells[high.start + cell / 64] &= !bit;
            }
            is_any[0] |= cells[low.start + cell / 64] & bit != 0;
            is_any[1] |= cells[high.start + cell / 64] & bit != 0;
        }
        is_any == [true; 2]
    }

    /// A point of a part: the first cell of each variable, but the last of the later one of a pair.
    fn point(&self, part: &Part) -> Vec<usize> {
        let variables = 0..self.problem.n_cells.len();
        let cell = |variable: usize| {
            let cells = &part.cells[self.words(variable)];
            let is_later = self.problem.ordered.is_some_and(|pair| pair[1] == variable);
            if is_later { last(cells) } else { first(cells) }
        };
        variables
            .map(|variable| cell(variable).expect("a part has points"))
            .collect()
    }
}

fn first(cells: &[u64]) -> Option<usize> {
    let word = cells.iter().position(|word| *word != 0)?;
    Some(64 * word + cells[word].trailing_zeros() as usize)
}

fn last(cells: &[u64]) -> Option<usize> {
    let word = cells.iter().rposition(|word| *word != 0)?;
    Some(64 * word + 63 - cells[word].leading_zeros() as usize)
}
