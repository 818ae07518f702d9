//! Trees that are merged: one does what two did, where that takes fewer bytes.
//!
//! The splits of a tree are grafted below each leaf of another one, and leaves add up. What a path
//! has decided is not asked again below it, whatever the reading, missing ones included, and a split
//! whose sides became equal goes. So each row comes to leaves with the same sum as before, in whole
//! units of the leaves.
//!
//! Sums of an additive model are exact in its own precision, or nothing is merged, and so its values
//! stay what they were, to the bit. A forest's leaves have one vote each, however many trees are in
//! them: all are multiplied by the same factor, at most one, and what a vote then lacks goes to all
//! classes alike, over all trees. Where that leaves whole units of Q15, classes are the same for every
//! row; else leaves are rounded, and a [`Proposal`] says by how much a lead may have moved, for whoever
//! has to take it.

use spinney_model::{FloatModel, ModelError, Node, Precision, Side, Split, Test, Tree};
use spinney_quantize::Calibration;

use super::exact::Exact;
use super::grid::{UNIT, in_units};
use crate::float::PROPORTION_BITS;
use crate::questions::{Search, first, pairs};
use crate::search::{Answer, Steps};

/// Leaves of a tree that is merged, at most.
const LEAVES: usize = 32;
/// Trees that are looked at, at most: the first of the model with so few leaves.
const TREES: usize = 128;
/// Models that are proposed, at most.
const TRIALS: usize = 256;
/// Models in a row that were not taken, after which no more is proposed.
const MISSES: usize = 16;

/// A model, some of whose trees may have become one.
#[derive(Debug, Clone)]
pub struct Merged {
    /// The model with the fewest bytes.
    pub model: FloatModel,
    /// By how many trees it has fewer.
    pub n_merged: usize,
}

/// A model in which two trees more are one.
#[derive(Debug)]
pub struct Proposal {
    /// That model.
    pub model: FloatModel,
    /// How far the difference of two classes' votes may be from what it was, in votes of the trees
    /// before; 0 where nothing was rounded.
    pub moved: f64,
}

/// Merges trees of at most 32 leaves, pair by pair, those first that save most leaves, as long as that
/// takes fewer `bytes` and `keeps` takes the model, until 16 in a row were not taken. At most 128 trees are
/// looked at, each beside each other, and 256 models are proposed, which bounds the time.
///
/// A model whose sums are not exact stays as it is.
pub fn merge(
    model: &FloatModel,
    bytes: impl Fn(&FloatModel) -> Option<usize>,
    mut keeps: impl FnMut(&Proposal) -> bool,
) -> Merged {
    let unmerged = || Merged {
        model: model.clone(),
        n_merged: 0,
    };
    let (Some(mut ensemble), Some(mut least)) = (Ensemble::new(model), bytes(model)) else {
        return unmerged();
    };
    let mut best = unmerged();
    let small = (0..ensemble.trees.len()).filter(|at| ensemble.is_small(*at));
    let mut small: Vec<usize> = small.take(TREES).collect();
    let mut open = Vec::new();
    for (place, at) in small.iter().enumerate() {
        open.extend(
            small[..place]
                .iter()
                .filter_map(|it| ensemble.saved(*it, *at)),
        );
    }
    let mut n_misses = 0;
    for _ in 0..TRIALS {
        let place = (0..open.len()).min_by_key(|it| open[*it]);
        let Some(place) = place.filter(|_| n_misses < MISSES) else {
            break;
        };
        let pair = open.swap_remove(place);
        n_misses += 1;
        let mut next = ensemble.clone();
        next.join(pair);
        let Ok(proposal) = next.proposal(model) else {
            continue;
        };
        let Some(found) = bytes(&proposal.model).filter(|it| *it < least) else {
            continue;
        };
        if !keeps(&proposal) {
            continue;
        }
        n_misses = 0;
        ensemble = next;
        least = found;
        best = Merged {
            model: proposal.model,
            n_merged: best.n_merged + 1,
        };
        let Pair { into, gone, .. } = pair;
        let is_other = |it: usize| it != into && it != gone;
        open.retain(|it| is_other(it.into) && is_other(it.gone));
        small.retain(|it| is_other(*it));
        if ensemble.is_small(into) {
            open.extend(small.iter().filter_map(|it| ensemble.saved(*it, into)));
            small.push(into);
        }
    }
    best
}

/// Two trees that may be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    /// Leaves of the one less those of both, at most 0.
    more: isize,
    /// Whose place it takes.
    into: usize,
    /// Which goes.
    gone: usize,
    /// Whether the splits of `into` stand above.
    is_above: bool,
}

/// Trees whose leaves are whole units.
#[derive(Debug, Clone)]
struct Ensemble {
    /// Nodes of each tree, and how many trees they were; none of a tree that went.
    trees: Vec<Whole>,
    /// What sums begin with, in units.
    base: Vec<f64>,
    unit: f64,
}

#[derive(Debug, Clone)]
struct Whole {
    nodes: Vec<Node>,
    output: Option<usize>,
    n_trees: usize,
}

impl Ensemble {
    /// A model in whole units that its own sums add without rounding.
    fn new(model: &FloatModel) -> Option<Self> {
        let leaves = || {
            model
                .trees()
                .iter()
                .flat_map(Tree::nodes)
                .filter_map(Node::leaf)
        };
        let (unit, base) = match model {
            FloatModel::Forest(_) => {
                let unit = 1.0 / UNIT as f64;
                let is_whole = |values: &[f64]| {
                    let whole = values.iter().all(|it| (it / unit).fract() == 0.0);
                    whole && values.iter().sum::<f64>() == 1.0
                };
                leaves().all(is_whole).then_some(())?;
                (unit, vec![0.0; model.schema().n_classes()])
            }
            FloatModel::Additive(sum) => {
                let numbers = || leaves().flatten().chain(&sum.sum().base);
                let unit = numbers()
                    .filter_map(|it| lowest_bit(*it))
                    .reduce(f64::min)?;
                let largest = sum.largest() / unit;
                let digits = match sum.sum().precision {
                    Precision::Float32 => 24,
                    Precision::Float64 => 53,
                };
                (largest < f64::from(digits).exp2()).then_some(())?;
                let base = sum.sum().base.iter().map(|it| it / unit);
                (unit, base.collect())
            }
            FloatModel::GaussianNb(_) => return None,
        };
        let trees = model.trees().iter().map(|tree| Whole {
            nodes: tree
                .nodes()
                .iter()
                .map(|node| scaled(node, &|it| it / unit))
                .collect(),
            output: tree.output(),
            n_trees: 1,
        });
        Some(Self {
            trees: trees.collect(),
            base,
            unit,
        })
    }

    fn is_small(&self, tree: usize) -> bool {
        let n_nodes = self.trees[tree].nodes.len();
        n_nodes > 0 && n_nodes.div_ceil(2) <= LEAVES
    }

    /// Two trees as one, whichever stands above, where that has no more leaves.
    fn saved(&self, one: usize, other: usize) -> Option<Pair> {
        let (into, gone) = (one.min(other), one.max(other));
        let [own, others] = [into, gone].map(|it| &self.trees[it]);
        if own.output != others.output {
            return None;
        }
        let most = own.nodes.len().div_ceil(2) + others.nodes.len().div_ceil(2);
        let pairs = [true, false].into_iter().filter_map(|is_above| {
            let shape = self.grafted(into, gone, is_above, 2 * most)?;
            // Casts: a tree's nodes are counted in 32 bits.
            let more = shape.n_leaves() as isize - most as isize;
            (more <= 0).then_some(Pair {
                more,
                into,
                gone,
                is_above,
            })
        });
        pairs.min()
    }

    fn grafted(&self, into: usize, gone: usize, is_above: bool, most: usize) -> Option<Shape> {
        let [one, other] = match is_above {
            true => [into, gone],
            false => [gone, into],
        };
        let [one, other] = [one, other].map(|it| Shape::of(&self.trees[it].nodes, 0));
        let mut n_left = most;
        graft(&[&one, &other], &[], &mut Vec::new(), &mut n_left)
    }

    /// Makes one of two trees.
    fn join(&mut self, pair: Pair) {
        let Pair {
            into,
            gone,
            is_above,
            ..
        } = pair;
        let shape = self.grafted(into, gone, is_above, usize::MAX);
        let mut nodes = Vec::new();
        shape.expect("leaves are not counted").write(&mut nodes);
        self.trees[gone].nodes.clear();
        self.trees[into].n_trees += self.trees[gone].n_trees;
        self.trees[into].nodes = nodes;
    }

    fn left(&self) -> impl Iterator<Item = &Whole> {
        self.trees.iter().filter(|tree| !tree.nodes.is_empty())
    }

    /// The float model, of the kind of the one before.
    fn proposal(&self, before: &FloatModel) -> Result<Proposal, ModelError> {
        let (trees, moved) = match before.additive() {
            Some(_) => {
                let scaled = |node: &Node| scaled(node, &|value| value * self.unit);
                let tree = |tree: &Whole| (tree.nodes.iter().map(scaled).collect(), tree.output);
                (self.left().map(tree).collect(), 0.0)
            }
            None => {
                let (trees, moved) = self.votes();
                (
                    trees.into_iter().map(|nodes| (nodes, None)).collect(),
                    moved,
                )
            }
        };
        let model = before.with_trees(trees, None)?;
        Ok(Proposal { model, moved })
    }

    /// Trees of one vote each, and how far a lead moved, in votes of the trees before.
    fn votes(&self) -> (Vec<Vec<Node>>, f64) {
        let one = UNIT as f64;
        let n_classes = self.base.len() as f64;
        // What all leaves of a tree give a class, and what else is in each.
        let lowest: Vec<Vec<f64>> = self.left().map(|it| it.lowest()).collect();
        let n_before = self.left().map(|it| it.n_trees).sum::<usize>() as f64;
        let n_after = lowest.len() as f64;
        let rests: Vec<f64> = self
            .left()
            .zip(&lowest)
            .map(|(tree, lowest)| tree.n_trees as f64 * one - lowest.iter().sum::<f64>())
            .collect();
        let common: Vec<f64> = (0..self.base.len())
            .map(|class| lowest.iter().map(|it| it[class]).sum())
            .collect();
        // No tree has more than a vote, and no class less than none over all trees.
        let lacks = common.iter().map(|it| n_before * one - n_classes * it);
        let most = rests.iter().map(|rest| one / rest);
        let most = most.chain(lacks.filter(|it| *it > 0.0).map(|it| n_after * one / it));
        let factor = most.fold(1.0, f64::min);
        let alike = (n_after - factor * n_before) * one / n_classes;
        let wanted: Vec<f64> = common
            .iter()
            .map(|it| (factor * it + alike).max(0.0))
            .collect();
        let spare: f64 = rests.iter().map(|rest| one - factor * rest).sum();
        let mut so_far = vec![0; wanted.len()];
        let (mut done, mut moved, mut trees) = (0.0, 0.0, Vec::new());
        for ((tree, lowest), rest) in self.left().zip(&lowest).zip(&rests) {
            done += one - factor * rest;
            let share = if spare > 0.0 { done / spare } else { 0.0 };
            let shares: Vec<f64> = wanted.iter().map(|it| it * share).collect();
            // Casts: fewer than 2^53 units.
            let up_to = in_units(&shares, shares.iter().sum::<f64>().round() as i64);
            let offsets: Vec<f64> = up_to
                .iter()
                .zip(&so_far)
                .map(|(to, from)| (to - from) as f64)
                .collect();
            so_far = up_to;
            let mut furthest = 0.0_f64;
            let nodes = tree.nodes.iter().map(|node| {
                let Some(values) = node.leaf() else {
                    return node.clone();
                };
                let exact: Vec<f64> = (values.iter().zip(lowest).zip(&offsets))
                    .map(|((value, lowest), offset)| factor * (value - lowest) + offset)
                    .collect();
                let units = in_units(&exact, UNIT);
                furthest = furthest.max(spread(
                    units.iter().zip(&exact).map(|(it, of)| *it as f64 - of),
                ));
                Node::Leaf(units.iter().map(|it| *it as f64 / one).collect())
            });
            trees.push(nodes.collect());
            moved += furthest;
        }
        moved += spread(so_far.iter().zip(&wanted).map(|(it, of)| *it as f64 - of));
        (trees, moved / one / factor)
    }
}

impl Whole {
    /// What each leaf gives a class at least.
    fn lowest(&self) -> Vec<f64> {
        let least = |one: Vec<f64>, other: Vec<f64>| {
            one.iter()
                .zip(other)
                .map(|(one, other)| one.min(other))
                .collect()
        };
        let leaves = self
            .nodes
            .iter()
            .filter_map(Node::leaf)
            .map(<[f64]>::to_vec);
        leaves.reduce(least).unwrap_or_default()
    }
}

/// A tree by its splits.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Leaf(Vec<f64>),
    /// A split, whose children are these.
    Split(Split, Box<[Shape; 2]>),
}

impl Shape {
    fn of(nodes: &[Node], at: usize) -> Self {
        match &nodes[at] {
            Node::Leaf(values) => Self::Leaf(values.clone()),
            Node::Split(split) => {
                let sides = split.children.map(|child| Self::of(nodes, child as usize));
                let split = Split {
                    children: [0; 2],
                    ..split.clone()
                };
                Self::Split(split, Box::new(sides))
            }
        }
    }

    fn n_leaves(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Split(_, sides) => sides.iter().map(Self::n_leaves).sum(),
        }
    }

    /// Writes its nodes behind others and gives the place of its root.
    fn write(&self, nodes: &mut Vec<Node>) -> u32 {
        let at = nodes.len();
        match self {
            Self::Leaf(values) => nodes.push(Node::Leaf(values.clone())),
            Self::Split(split, sides) => {
                nodes.push(Node::Split(split.clone()));
                let children = [0, 1].map(|side| sides[side].write(nodes));
                nodes[at] = Node::Split(Split {
                    children,
                    ..split.clone()
                });
            }
        }
        u32::try_from(at).expect("a tree's nodes are counted in 32 bits")
    }
}

/// Trees below each other, as one; `None` where that takes more than `n_left` leaves before equal sides
/// go. `path` has the splits above, each with its side.
fn graft(
    trees: &[&Shape],
    sum: &[f64],
    path: &mut Vec<(Split, usize)>,
    n_left: &mut usize,
) -> Option<Shape> {
    let [first, rest @ ..] = trees else {
        *n_left = n_left.checked_sub(1)?;
        return Some(Shape::Leaf(sum.to_vec()));
    };
    match first {
        Shape::Leaf(values) => {
            let mut added = values.clone();
            added
                .iter_mut()
                .zip(sum)
                .for_each(|(value, sum)| *value += sum);
            graft(rest, &added, path, n_left)
        }
        Shape::Split(split, sides) => {
            let mut along = |side: usize, path: &mut Vec<(Split, usize)>| {
                let mut trees = trees.to_vec();
                trees[0] = &sides[side];
                graft(&trees, sum, path, n_left)
            };
            if let Some(side) = path
                .iter()
                .find_map(|(above, side)| decided(above, *side, split))
            {
                return along(side, path);
            }
            let mut below = |side: usize| {
                path.push((split.clone(), side));
                let grafted = along(side, path);
                path.pop();
                grafted
            };
            let [left, right] = [below(0)?, below(1)?];
            Some(match left == right {
                true => left,
                false => Shape::Split(split.clone(), Box::new([left, right])),
            })
        }
    }
}

/// The side of a split to which every reading goes that went to `side` of the split above.
fn decided(above: &Split, side: usize, split: &Split) -> Option<usize> {
    let goes_left = |split: &Split| split.missing == Some(Side::Left);
    if above.feature != split.feature || goes_left(above) != goes_left(split) {
        return None;
    }
    match (&above.test, &split.test, side) {
        (Test::AtMost(above), Test::AtMost(threshold), 0) => (above <= threshold).then_some(0),
        (Test::AtMost(above), Test::AtMost(threshold), _) => (threshold <= above).then_some(1),
        (Test::Among(above), Test::Among(categories), _) => (above == categories).then_some(side),
        _ => None,
    }
}

/// Whether merged models decide as the one before for all readings within their features' ranges.
pub struct Alike<'m> {
    before: Exact<'m>,
    steps: Steps,
}

impl<'m> Alike<'m> {
    /// The model before merging, one calibration per feature, and steps for all searches.
    pub fn new(before: &'m FloatModel, calibrations: &[Calibration], steps: Steps) -> Self {
        Self {
            before: Exact::new(before, calibrations),
            steps,
        }
    }

    /// Whether that is so and was proven: nothing was rounded, or the search through all boxes in which
    /// two classes lead by no more than what was finds none that parts both models.
    pub fn is(&mut self, proposal: &Proposal) -> bool {
        if proposal.moved == 0.0 {
            return true;
        }
        let units = proposal.moved * f64::from(PROPORTION_BITS).exp2();
        // Casts: at most a vote for each tree.
        let Exact {
            original,
            cells,
            float,
            trees,
            ..
        } = &self.before;
        let slack = float.slack + units.ceil() as i64 + 1;
        let n_classes = original.schema().n_classes();
        let search = Search::new(cells, trees);
        let parts = |point: &[usize]| {
            let row = cells.row(point);
            original.predict(&row) != proposal.model.predict(&row)
        };
        let lead = |class: usize, other: usize, slack| float.rule.leads(0, class, other, slack);
        let answer = self.steps.part(8, |steps| {
            first(pairs(n_classes).map(|(own, new)| {
                let others = (0..n_classes).filter(|it| *it != own);
                let mut sums: Vec<_> = others.map(|it| lead(own, it, float.slack)).collect();
                sums.push(lead(new, own, slack));
                search.find(&sums, steps, parts)
            }))
        });
        matches!(answer, Answer::None)
    }
}

fn scaled(node: &Node, by: &impl Fn(f64) -> f64) -> Node {
    match node {
        Node::Leaf(values) => Node::Leaf(values.iter().map(|it| by(*it)).collect()),
        Node::Split(_) => node.clone(),
    }
}

/// By how much the largest number exceeds the smallest.
fn spread(numbers: impl Iterator<Item = f64>) -> f64 {
    let ends = numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], it| {
        [low.min(it), high.max(it)]
    });
    ends[1] - ends[0]
}

/// The lowest power of two of a number that is not zero.
// Casts: exponents of float64.
fn lowest_bit(number: f64) -> Option<f64> {
    let bits = number.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    match (exponent, fraction) {
        (0, 0) => None,
        (0, _) => {
            Some(f64::MIN_POSITIVE * f64::EPSILON * (fraction.trailing_zeros() as f64).exp2())
        }
        (_, 0) => Some(f64::from_bits(bits)),
        _ => {
            let lowest = f64::from(exponent - 1075) + f64::from(fraction.trailing_zeros());
            Some(lowest.exp2())
        }
    }
}
