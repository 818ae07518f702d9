//! Two models of trees held to each other for every input: boxes of readings are cut until both give the
//! same in each, or until the steps end.
//!
//! A feature's readings fall into cells, within which no split of either model parts them. What a box
//! says is bounded tree by tree; a smaller tree is walked beside the one that it was cut from, as far as
//! it asks the same, so that what both have in common cancels out. What bounds leave open is cut at a
//! split of the tree that is least known, down to boxes of one leaf each, where the models themselves
//! are asked.

use std::collections::BTreeSet;

use spinney_model::{FloatModel, Link, Node, Split, Task, Test, Tree};

use crate::coding::{first_key, keys, reading};
use crate::promise::{Readings, parts_at};

/// Nodes of trees that are visited at most.
pub(crate) const STEPS: u64 = 300_000_000;
/// Inputs that are drawn.
const POINTS: usize = 1 << 15;

/// What came of it.
pub(crate) enum Found {
    /// Nothing parts both, in so many boxes.
    Same(u64),
    /// An input that parts them.
    Parts(Vec<f64>),
    /// Boxes that were decided before the steps ended, and inputs that were tried; none parts them.
    Unknown(u64, usize),
}

/// Whether two models over the same features give the same for all of these readings, values within
/// `within` of each other; visits at most `steps` nodes of trees for it.
///
/// # Errors
/// Features of the models that nobody says the readings of, or models of several values or none.
pub(crate) fn compare(
    models: [&FloatModel; 2],
    readings: &[Readings],
    within: f64,
    steps: u64,
) -> Result<Found, String> {
    let [original, smaller] = models;
    let names = original.schema().feature_names();
    let n_outputs = original.schema().outputs().len();
    let is_known = |model: &FloatModel| match model.task() {
        Task::Classify => !model.trees().is_empty(),
        Task::Regress => model
            .additive()
            .is_some_and(|it| it.link() == Link::Identity),
        Task::Detect => false,
    };
    if !models.into_iter().all(is_known) || (original.task() == Task::Regress && n_outputs > 1) {
        return Err(
            "they are no classifiers of trees, nor give one value that is a sum of trees"
                .to_owned(),
        );
    }
    if smaller.schema().features() != original.schema().features() {
        return Err("the models ask other features than each other".to_owned());
    }
    let cells = names.iter().enumerate().map(|(feature, name)| {
        let of = readings.iter().find(|it| it.name == *name);
        let of = of.ok_or_else(|| format!("nobody says what readings {name} has"))?;
        Ok(cells(models, feature, of))
    });
    let cells = cells.collect::<Result<Vec<_>, String>>()?;
    let boxes = Boxes::new(models, cells, within);
    let n_points = match boxes.points() {
        Ok(n_points) => n_points,
        Err(point) => return Ok(Found::Parts(point)),
    };
    Ok(match boxes.search(steps) {
        Found::Unknown(n_boxes, _) => Found::Unknown(n_boxes, n_points),
        found => found,
    })
}

/// The lowest and the highest reading of each cell of a feature, both NaN of a missing one.
fn cells(models: [&FloatModel; 2], feature: usize, readings: &Readings) -> Vec<[f64; 2]> {
    let of = |key: i64| reading(readings.sensor, key);
    let all = keys(readings.sensor);
    let last = |goes_left: &dyn Fn(f64) -> bool| first_key(all, &|key| !goes_left(of(key))) - 1;
    let mut lasts = BTreeSet::new();
    for model in models {
        let compare = model.schema().features()[feature].compare;
        let nodes = model.trees().iter().flat_map(Tree::nodes);
        for node in nodes.filter(|it| it.split().is_some_and(|it| it.0 == feature)) {
            let Node::Split(split) = node else { continue };
            match &split.test {
                Test::AtMost(threshold) => {
                    lasts.insert(last(&|it| compare.seen(it) <= *threshold));
                }
                Test::Among(categories) => {
                    let ends = categories.iter().flat_map(|it| [*it, it + 1]);
                    lasts.extend(ends.map(|end| last(&|it| compare.seen(it) < f64::from(end))));
                }
            }
        }
    }
    let missing = readings.missing.map(|missing| missing.number);
    let mark = missing.flatten().map(|mark| last(&|it| it <= mark));
    lasts.extend(mark.into_iter().flat_map(|mark| [mark - 1, mark]));
    let (low, high) = readings.range;
    let (mut first, end) = (last(&|it| it < low) + 1, last(&|it| it <= high));
    lasts.insert(end);
    let mut cells = Vec::new();
    for last in lasts.range(first..=end.max(first)) {
        // What stands for a missing reading is none.
        if mark != Some(first) || mark != Some(*last) || missing.flatten() != Some(of(first)) {
            cells.push([of(first), of(*last)]);
        }
        first = last + 1;
    }
    if missing.is_some() {
        cells.push([f64::NAN; 2]);
    }
    // A feature without readings that nobody asks, all the same.
    if cells.is_empty() {
        cells.push([of(first); 2]);
    }
    cells
}

/// A place in a tree.
enum Place {
    /// Asks a feature: a bit for each cell that goes left, and what follows on either side.
    Split {
        feature: usize,
        left: Vec<u64>,
        children: [usize; 2],
    },
    /// What is added to each line.
    Leaf(Vec<f64>),
}

/// A tree of one model, or of both beside each other.
struct Beside {
    places: Vec<Place>,
    /// Whether it asks each feature.
    asks: Vec<bool>,
}

/// Where readings still may lie, and what is known there.
#[derive(Clone)]
struct Part {
    /// Per feature, a bit for each cell.
    cells: Vec<Vec<u64>>,
    /// The node of each tree that all of it comes to.
    roots: Vec<usize>,
    /// Per tree, the highest of each line among the leaves that it reaches.
    most: Vec<Vec<f64>>,
}

/// Lines are numbers that each model's leaves add up to, and whose highest sums decide: how far the
/// smaller model's value is above the original's and below; of classes, by how much each leads each
/// other, in the original and then in the smaller model.
struct Boxes<'m> {
    models: [&'m FloatModel; 2],
    cells: Vec<Vec<[f64; 2]>>,
    trees: Vec<Beside>,
    base: Vec<f64>,
    within: f64,
    /// How far a line may be from float's own sums, of either model.
    slack: [f64; 2],
}

impl<'m> Boxes<'m> {
    fn new(models: [&'m FloatModel; 2], cells: Vec<Vec<[f64; 2]>>, within: f64) -> Self {
        let mut this = Self {
            models,
            trees: Vec::new(),
            base: Vec::new(),
            slack: models.map(|model| slack(model) + f64::EPSILON * within),
            cells,
            within,
        };
        this.base = this.lines(models.map(|model| match model {
            FloatModel::Additive(sum) => {
                let mut base = scores(model, None, &sum.sum().base);
                if let Some(threshold) = sum.threshold() {
                    base[0] = threshold;
                }
                base
            }
            _ => vec![0.0; model.schema().outputs().len()],
        }));
        let mut left: Vec<Option<&Tree>> = models[0].trees().iter().map(Some).collect();
        for tree in models[1].trees() {
            let is_cut_from = |it: &&mut Option<&Tree>| it.is_some_and(|it| begins(tree, it));
            let own = left.iter_mut().find(is_cut_from).and_then(Option::take);
            this.trees.push(this.beside([own, Some(tree)]));
        }
        for own in left.into_iter().flatten() {
            this.trees.push(this.beside([Some(own), None]));
        }
        this
    }

    /// Lines of the scores of both models.
    fn lines(&self, scores: [Vec<f64>; 2]) -> Vec<f64> {
        if self.models[0].task() == Task::Regress {
            let above = scores[1][0] - scores[0][0];
            return vec![above, -above];
        }
        let n_classes = self.models[0].schema().n_classes();
        let leads = scores.iter().flat_map(|scores| {
            (0..n_classes * n_classes).map(|at| scores[at / n_classes] - scores[at % n_classes])
        });
        leads.collect()
    }

    /// A tree of each model, of which the second begins as the first.
    fn beside(&self, trees: [Option<&Tree>; 2]) -> Beside {
        let mut beside = Beside {
            places: Vec::new(),
            asks: vec![false; self.cells.len()],
        };
        let mut open = vec![[0; 2]];
        while let Some(at) = open.get(beside.places.len()).copied() {
            let nodes = [0, 1].map(|it| trees[it].map(|tree| &tree.nodes()[at[it]]));
            let split = nodes.iter().flatten().find(|it| it.split().is_some());
            let Some((node, (feature, _))) = split.and_then(|it| Some((*it, it.split()?))) else {
                let scores = [0, 1].map(|it| match (trees[it], nodes[it]) {
                    (Some(tree), Some(Node::Leaf(values))) => {
                        scores(self.models[it], tree.output(), values)
                    }
                    _ => vec![0.0; self.models[it].schema().outputs().len()],
                });
                beside.places.push(Place::Leaf(self.lines(scores)));
                continue;
            };
            let compare = self.models[0].schema().features()[feature].compare;
            let mut left = vec![0; self.cells[feature].len().div_ceil(64)];
            for (cell, [reading, _]) in self.cells[feature].iter().enumerate() {
                if node.sends_left(compare.seen(*reading)) {
                    left[cell / 64] |= 1 << (cell % 64);
                }
            }
            beside.asks[feature] = true;
            let children = [open.len(), open.len() + 1];
            open.extend([0, 1].map(|side| {
                [0, 1].map(|it| {
                    let of = nodes[it].and_then(Node::split);
                    of.map_or(at[it], |(_, children)| children[side])
                })
            }));
            beside.places.push(Place::Split {
                feature,
                left,
                children,
            });
        }
        beside
    }

    fn search(&self, steps: u64) -> Found {
        let (mut n_left, mut n_boxes) = (steps, 0);
        let all = self.cells.iter().map(|cells| {
            let words = (0..cells.len().div_ceil(64)).map(|word| match cells.len() - 64 * word {
                64.. => u64::MAX,
                n => (1 << n) - 1,
            });
            words.collect()
        });
        let mut whole = Part {
            cells: all.collect(),
            roots: vec![0; self.trees.len()],
            most: vec![Vec::new(); self.trees.len()],
        };
        (0..self.trees.len()).for_each(|tree| self.reach(&mut whole, tree, &mut n_left));
        let mut open = vec![whole];
        while let Some(part) = open.pop() {
            let Some(lines) = self.undecided(&part) else {
                n_boxes += 1;
                continue;
            };
            let spread = |tree: usize| lines.iter().map(|it| part.most[tree][*it]).sum::<f64>();
            let splits = (0..self.trees.len()).filter_map(|tree| {
                match &self.trees[tree].places[part.roots[tree]] {
                    Place::Split { feature, left, .. } => Some((spread(tree), feature, left)),
                    Place::Leaf(_) => None,
                }
            });
            let widest = splits.max_by(|one, other| one.0.total_cmp(&other.0));
            let Some((_, feature, left)) = widest else {
                n_boxes += 1;
                let cell = |(words, cells): (&Vec<u64>, &Vec<[f64; 2]>)| {
                    let word = words.iter().position(|word| *word != 0).unwrap_or(0);
                    cells[64 * word + words[word].trailing_zeros() as usize][0]
                };
                let row: Vec<f64> = part.cells.iter().zip(&self.cells).map(cell).collect();
                if parts_at(self.models, &row, self.within) {
                    return Found::Parts(row);
                }
                continue;
            };
            if n_left == 0 {
                return Found::Unknown(n_boxes, 0);
            }
            for is_left in [true, false] {
                let mut side = part.clone();
                for (word, left) in side.cells[*feature].iter_mut().zip(left) {
                    *word &= if is_left { *left } else { !left };
                }
                let asking = (0..self.trees.len()).filter(|it| self.trees[*it].asks[*feature]);
                asking.for_each(|tree| self.reach(&mut side, tree, &mut n_left));
                open.push(side);
            }
        }
        Found::Same(n_boxes)
    }

    /// Works out what a tree comes to within a part.
    fn reach(&self, part: &mut Part, tree: usize, n_left: &mut u64) {
        let Beside { places, .. } = &self.trees[tree];
        let sides = |at: usize, cells: &[Vec<u64>]| match &places[at] {
            Place::Leaf(_) => [None; 2],
            Place::Split {
                feature,
                left,
                children,
            } => {
                let both = || cells[*feature].iter().zip(left);
                let goes = [
                    both().any(|(cells, left)| cells & left != 0),
                    both().any(|(cells, left)| cells & !left != 0),
                ];
                [0, 1].map(|side| goes[side].then_some(children[side]))
            }
        };
        let root = &mut part.roots[tree];
        while let [Some(only), None] | [None, Some(only)] = sides(*root, &part.cells) {
            *root = only;
        }
        let most = &mut part.most[tree];
        *most = vec![f64::NEG_INFINITY; self.base.len()];
        let mut open = vec![*root];
        while let Some(at) = open.pop() {
            *n_left = n_left.saturating_sub(1);
            if let Place::Leaf(lines) = &places[at] {
                for (most, own) in most.iter_mut().zip(lines) {
                    *most = most.max(*own);
                }
            }
            open.extend(sides(at, &part.cells).into_iter().flatten());
        }
    }

    /// The lines that leave a part open; `None` where both models give the same in all of it.
    fn undecided(&self, part: &Part) -> Option<Vec<usize>> {
        let total = |line: usize| {
            let of_trees = part.most.iter().map(|most| most[line]);
            self.base[line] + of_trees.sum::<f64>()
        };
        if self.models[0].task() == Task::Regress {
            let most = self.within - self.slack[0] - self.slack[1];
            return (total(0).max(total(1)) > most).then(|| vec![0, 1]);
        }
        let n_classes = self.models[0].schema().n_classes();
        let line =
            |of: usize, class: usize, other: usize| (of * n_classes + class) * n_classes + other;
        let may_win = |of: usize| {
            let leads = move |class: usize, other: usize| {
                class == other || total(line(of, class, other)) >= -self.slack[of]
            };
            let wins = move |class: &usize| (0..n_classes).all(|other| leads(*class, other));
            (0..n_classes).filter(wins).collect::<Vec<usize>>()
        };
        let [own, small] = [may_win(0), may_win(1)];
        let mut pairs = own
            .iter()
            .flat_map(|own| small.iter().map(move |small| [*own, *small]));
        let [own, small] = pairs.find(|[own, small]| own != small)?;
        let both = [0, 1].map(|of| [line(of, own, small), line(of, small, own)]);
        Some(both.concat())
    }

    /// Tries inputs that come to each leaf of either model, at the ends of cells; gives how many, or the
    /// first that parts the models.
    fn points(&self) -> Result<usize, Vec<f64>> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 16) % n as u64) as usize
        };
        let trees = || self.models.iter().flat_map(|model| model.trees());
        let n_leaves: usize = trees().map(|tree| tree.n_splits() + 1).sum();
        let mut n_points = 0;
        for tree in trees() {
            // Nodes, each with the cells that come to it.
            let all = self.cells.iter().map(|cells| (0..cells.len()).collect());
            let mut open: Vec<(usize, Vec<Vec<usize>>)> = vec![(0, all.collect())];
            while let Some((at, cells)) = open.pop() {
                let node = &tree.nodes()[at];
                let Some((feature, children)) = node.split() else {
                    for _ in 0..(POINTS / n_leaves).max(2) {
                        let reading = |(of, cells): (&Vec<usize>, &Vec<[f64; 2]>)| {
                            cells[of[below(of.len())]][below(2)]
                        };
                        let row: Vec<f64> = cells.iter().zip(&self.cells).map(reading).collect();
                        n_points += 1;
                        if parts_at(self.models, &row, self.within) {
                            return Err(row);
                        }
                    }
                    continue;
                };
                let compare = self.models[0].schema().features()[feature].compare;
                let goes_left =
                    |cell: &usize| node.sends_left(compare.seen(self.cells[feature][*cell][0]));
                let (left, right) = cells[feature].iter().partition(|cell| goes_left(cell));
                for (child, own) in children.into_iter().zip::<[Vec<usize>; 2]>([left, right]) {
                    if !own.is_empty() {
                        let mut cells = cells.clone();
                        cells[feature] = own;
                        open.push((child, cells));
                    }
                }
            }
        }
        Ok(n_points)
    }
}

/// What a leaf, or what sums begin with, adds to each score; of one output for two classes the second is
/// how far it lies above the threshold.
fn scores(model: &FloatModel, output: Option<usize>, values: &[f64]) -> Vec<f64> {
    let Some(sum) = model.additive() else {
        return values.to_vec();
    };
    let mut scores = vec![0.0; model.schema().outputs().len()];
    let first = match sum.threshold() {
        Some(_) => 1,
        None => output.unwrap_or(0),
    };
    for (score, value) in scores[first..].iter_mut().zip(values) {
        *score = value / sum.sum().divisor;
    }
    scores
}

/// Whether a tree asks nothing but what another one asks at the same places, and adds to the same output.
fn begins(tree: &Tree, other: &Tree) -> bool {
    let is_same = |one: &Split, other: &Split| {
        let asks_same = match (&one.test, &other.test) {
            (Test::AtMost(one), Test::AtMost(other)) => one.to_bits() == other.to_bits(),
            (one, other) => one == other,
        };
        one.feature == other.feature && asks_same && one.missing == other.missing
    };
    let mut open = vec![[0; 2]];
    while let Some([at, beside]) = open.pop() {
        let (node, beside) = (&tree.nodes()[at], &other.nodes()[beside]);
        match (node, beside) {
            (Node::Leaf(_), _) => {}
            (Node::Split(one), Node::Split(other)) if is_same(one, other) => {
                let pairs = [0, 1].map(|side| [one.children[side], other.children[side]]);
                open.extend(pairs.map(|pair| pair.map(|node| node as usize)));
            }
            _ => return false,
        }
    }
    tree.output() == other.output()
}

/// How far sums of a model, or what leads in them, may be from exact ones, by its own precision and by
/// that of this check.
fn slack(model: &FloatModel) -> f64 {
    let (largest, step) = match model.additive() {
        None => (model.trees().iter().map(Tree::largest).sum(), f64::EPSILON),
        Some(it) => {
            let threshold = it.threshold().unwrap_or(0.0).abs();
            let largest = it.largest() / it.sum().divisor + threshold;
            (largest, it.sum().precision.epsilon())
        }
    };
    // Twice, as leads are differences, and as often again as this check adds.
    4.0 * (model.trees().len() as f64 + 8.0) * step * largest
}
