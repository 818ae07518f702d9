//! Smaller forests by what rows say: splits are cut back to leaves, weakest first, and leaves are
//! fitted anew, all trees together.
//!
//! Leaves are fitted as in Ren, Cao, Wei and Sun, "Global refinement of random forest" (CVPR 2015):
//! one ridge regression over the leaves of all trees, with a squared hinge, so that a row that is
//! told clearly pulls no more. The leaves of one tree share no row, so each tree is solved exactly
//! while the others stand, one after the other. The split that goes next is the one without which
//! the tree's own ridge regression loses least, counted over all trees.

use std::ops::{AddAssign, Range};

use spinney_model::{FloatModel, Node, Task, Tree};

use super::grid::Held;

/// A row to fit: readings, and what it should come to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub row: Vec<f64>,
    pub wanted: Wanted,
    pub weight: f64,
}

impl Target {
    /// The class of a row where classes are proven.
    pub fn class(&self) -> usize {
        match self.wanted {
            Wanted::Class(class) => class,
            Wanted::Value(_) => unreachable!("proofs of values have no rows"),
        }
    }
}

/// What a row should come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    Class(usize),
    /// A value, of a regressor.
    Value(f64),
}

/// Trees that are being cut and fitted.
#[derive(Debug, Clone)]
pub(crate) struct Fit<'m> {
    pub model: &'m FloatModel,
    pub n_scores: usize,
    pub trees: Vec<Grown<f64>>,
    /// What each score starts at.
    pub base: Vec<f64>,
    /// What raw values were divided by.
    pub scale: f64,
    ridge: f64,
    targets: Vec<Target>,
    /// Sums of base and leaves, a row of scores per target.
    sums: Vec<f64>,
    n_splits: usize,
}

/// A tree of which some splits are leaves now.
#[derive(Debug, Clone)]
pub(crate) struct Grown<V> {
    /// Its place among the model's trees.
    pub index: usize,
    /// The scores that its leaves add to.
    pub scores: Range<usize>,
    /// Whether a node is a leaf.
    pub is_leaf: Vec<bool>,
    /// What each node gives as a leaf, one number per score of its own.
    pub values: Vec<V>,
    pub parents: Vec<usize>,
    /// The leaf that each target reaches.
    pub at: Vec<u32>,
}

/// A split of two leaves that may become one.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// By how much the tree's ridge regression explains less without it.
    pub loss: f64,
    /// Index of the tree among those that are left.
    pub tree: usize,
    pub node: usize,
    /// What the leaf gives.
    pub values: Vec<f64>,
}

/// How strongly leaves are drawn towards zero, in rows, where they are fitted to labels.
const RIDGE: f64 = 3.0;
/// The same of values, which are the original's own and have no noise: by 0.3, a twelfth of the splits of
/// `examples/air-forest.toml` has an error 0.1 % larger in cross-validation, by 3 one that is 4 % larger.
const RIDGE_OF_VALUES: f64 = 0.3;

impl Grown<f64> {
    /// A tree as it is, its leaves' numbers divided.
    pub fn of_tree(index: usize, tree: &Tree, n_scores: usize, divisor: f64) -> Self {
        let nodes = tree.nodes();
        let scores = tree
            .output()
            .map_or(0..n_scores, |output| output..output + 1);
        let mut parents = vec![0; nodes.len()];
        let mut values = vec![0.0; nodes.len() * scores.len()];
        for (at, node) in nodes.iter().enumerate() {
            match node {
                Node::Leaf(own) => {
                    let values = values[at * scores.len()..].iter_mut().zip(own);
                    values.for_each(|(value, own)| *value = own / divisor);
                }
                node => {
                    let (_, children) = node.split().expect("no leaf");
                    for child in children {
                        parents[child] = at;
                    }
                }
            }
        }
        Self {
            index,
            scores,
            is_leaf: nodes.iter().map(|node| node.split().is_none()).collect(),
            values,
            parents,
            at: Vec::new(),
        }
    }
}

impl<V: Copy> Grown<V> {
    /// A tree that is one leaf, in place of the first one.
    pub fn leaf(n_nodes: usize, values: &[V]) -> Self {
        Self {
            index: 0,
            scores: 0..values.len(),
            is_leaf: vec![true; n_nodes],
            values: values.repeat(n_nodes),
            parents: vec![0; n_nodes],
            at: Vec::new(),
        }
    }

    /// The same tree with other numbers; no row has come to it.
    pub fn map<W: Copy>(&self, numbers: impl Fn(&[V]) -> Vec<W>) -> Grown<W> {
        Grown {
            index: self.index,
            scores: self.scores.clone(),
            is_leaf: self.is_leaf.clone(),
            values: self.values.chunks(self.n_own()).flat_map(numbers).collect(),
            parents: self.parents.clone(),
            at: Vec::new(),
        }
    }

    fn n_own(&self) -> usize {
        self.scores.len()
    }

    /// The numbers of one node.
    pub fn of(&self, node: usize) -> &[V] {
        &self.values[node * self.n_own()..][..self.n_own()]
    }

    /// The leaf that a row comes to.
    pub fn leaf_of(&self, model: &FloatModel, row: &[f64]) -> usize {
        let features = model.schema().features();
        let nodes = model.trees()[self.index].nodes();
        let mut at = 0;
        while !self.is_leaf[at] {
            let (feature, [left, right]) = nodes[at].split().expect("no leaf");
            let seen = features[feature].compare.seen(row[feature]);
            at = if nodes[at].sends_left(seen) {
                left
            } else {
                right
            };
        }
        at
    }

    /// Makes a leaf of a split.
    pub fn cut(&mut self, node: usize, values: &[V]) {
        let n_own = self.n_own();
        self.values[node * n_own..][..n_own].copy_from_slice(values);
        self.is_leaf[node] = true;
    }

    pub fn has_splits(&self) -> bool {
        !self.is_leaf[0]
    }
}

impl<V: Copy + AddAssign> Grown<V> {
    /// Adds the numbers of one node to sums of all scores.
    pub fn add(&self, node: usize, sums: &mut [V]) {
        for (sum, value) in sums[self.scores.clone()].iter_mut().zip(self.of(node)) {
            *sum += *value;
        }
    }
}

impl<'m> Fit<'m> {
    /// All trees as they are. Raw values of sums are divided by what they mostly are on `rows`.
    pub fn new(model: &'m FloatModel, rows: &[Vec<f64>]) -> Self {
        let (divisor, base, scale) = match model {
            FloatModel::Additive(sum) if model.task() == Task::Regress => {
                let divisor = sum.sum().divisor;
                let base = sum.sum().base.iter();
                (divisor, base.map(|base| base / divisor).collect(), 1.0)
            }
            FloatModel::Additive(sum) => {
                let centre = sum.threshold().unwrap_or(0.0);
                let size = |row: &Vec<f64>| {
                    let raw = sum.raw(row);
                    let mean = raw.iter().sum::<f64>() / raw.len() as f64;
                    match raw.as_slice() {
                        [one] => (one - centre).abs(),
                        raw => raw.iter().fold(0.0_f64, |most, it| most.max(it - mean)),
                    }
                };
                let sizes: f64 = rows.iter().map(size).sum();
                let scale = if sizes > 0.0 {
                    sizes / rows.len() as f64
                } else {
                    1.0
                };
                let divisor = sum.sum().divisor;
                let base = sum.sum().base.iter();
                let base = base.map(|base| (base / divisor - centre) / scale);
                (divisor * scale, base.collect(), scale)
            }
            model => {
                let n_trees = model.trees().len() as f64;
                (n_trees, vec![0.0; model.schema().n_classes()], 1.0)
            }
        };
        let n_scores = base.len();
        let trees = model.trees().iter().enumerate();
        let trees = trees.map(|(index, tree)| Grown::of_tree(index, tree, n_scores, divisor));
        Self {
            model,
            n_scores,
            trees: trees.collect(),
            base,
            scale,
            ridge: match model.task() {
                Task::Regress => RIDGE_OF_VALUES,
                Task::Classify | Task::Detect => RIDGE,
            },
            targets: Vec::new(),
            sums: Vec::new(),
            n_splits: model.n_splits(),
        }
    }

    /// Other trees of the same model, without rows.
    pub fn of(&self, trees: Vec<Grown<f64>>, base: Vec<f64>) -> Self {
        let nodes = trees.iter().flat_map(|tree| &tree.is_leaf);
        Self {
            n_splits: nodes.filter(|is_leaf| !**is_leaf).count(),
            trees,
            base,
            targets: Vec::new(),
            sums: Vec::new(),
            ..*self
        }
    }

    pub fn n_splits(&self) -> usize {
        self.n_splits
    }

    /// Adds a row to those that count.
    pub fn push(&mut self, row: &[f64], wanted: Wanted) {
        let mut sums = self.base.clone();
        for tree in &mut self.trees {
            let at = tree.leaf_of(self.model, row);
            tree.at
                .push(u32::try_from(at).expect("a tree's nodes are counted in 32 bits"));
            tree.add(at, &mut sums);
        }
        self.sums.extend(sums);
        self.targets.push(Target {
            row: row.to_vec(),
            wanted,
            weight: 1.0,
        });
    }

    /// Moves what the leaves of each tree have in common on all rows into the base, so that drawing
    /// leaves towards zero draws none of it away.
    pub fn centre(&mut self) {
        for tree in &mut self.trees {
            let n_own = tree.n_own();
            let mut mean = vec![0.0; n_own];
            for at in &tree.at {
                for (mean, value) in mean.iter_mut().zip(tree.of(*at as usize)) {
                    *mean += value / tree.at.len() as f64;
                }
            }
            for values in tree.values.chunks_mut(n_own) {
                values
                    .iter_mut()
                    .zip(&mean)
                    .for_each(|(value, mean)| *value -= mean);
            }
            let bases = self.base[tree.scores.clone()].iter_mut();
            bases.zip(&mean).for_each(|(base, mean)| *base += mean);
        }
        self.rebase();
    }

    /// Multiplies the weight of a row.
    pub fn stress(&mut self, target: usize, factor: f64) {
        self.targets[target].weight *= factor;
    }

    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether trees of the same model give all rows their classes.
    pub fn keeps(&self, held: &Held) -> bool {
        let mut targets = self.targets.iter();
        targets.all(|it| held.meets(&held.sums(self.model, &it.row), it.wanted, 0.0))
    }

    /// The rows that a held form of this fit gives another class, or a value further off than `within`.
    pub fn misses(&self, held: &Held, within: f64) -> Vec<usize> {
        let is_missed = |target: &usize| {
            let mut sums = held.base.clone();
            for (tree, own) in held.trees.iter().zip(&self.trees) {
                tree.add(own.at[*target] as usize, &mut sums);
            }
            !held.meets(&sums, self.targets[*target].wanted, within)
        };
        let targets = 0..self.targets.len();
        targets.filter(is_missed).collect()
    }

    /// What a row still lacks of a score, or of its value: its class should have the whole vote; nothing
    /// where it has more than it should.
    fn lack(&self, target: usize, score: usize) -> f64 {
        let sum = self.sums[target * self.n_scores + score];
        let (is_up, least) = match (self.targets[target].wanted, self.n_scores) {
            (Wanted::Value(value), _) => return value - sum,
            (Wanted::Class(class), 1) => (class == 1, -1.0),
            (Wanted::Class(class), _) => (class == score, 0.0),
        };
        let wanted = if is_up { 1.0 } else { least };
        let lack = wanted - sum;
        if is_up == (lack > 0.0) { lack } else { 0.0 }
    }

    /// Sums of what leaves should give, and of weights, node by node: leaves' own, and those of what
    /// lies below a split.
    fn wanted(&self, tree: usize) -> (Vec<f64>, Vec<f64>) {
        let grown = &self.trees[tree];
        let n_own = grown.n_own();
        let mut sums = vec![0.0; grown.values.len()];
        let mut weights = vec![0.0; grown.is_leaf.len()];
        for (index, (at, target)) in grown.at.iter().zip(&self.targets).enumerate() {
            let at = *at as usize;
            weights[at] += target.weight;
            for (own, score) in grown.scores.clone().enumerate() {
                let value = grown.values[at * n_own + own];
                sums[at * n_own + own] += target.weight * (self.lack(index, score) + value);
            }
        }
        // Children stand behind their split.
        for node in (1..weights.len()).rev() {
            let parent = grown.parents[node];
            if grown.is_leaf[parent] {
                continue;
            }
            weights[parent] += weights[node];
            for own in 0..n_own {
                sums[parent * n_own + own] += sums[node * n_own + own];
            }
        }
        (sums, weights)
    }

    /// Fits the leaves of each tree to what the others leave over.
    pub fn refit(&mut self, n_sweeps: usize) {
        for _ in 0..n_sweeps {
            for tree in 0..self.trees.len() {
                let (sums, weights) = self.wanted(tree);
                self.set(tree, &sums, &weights);
            }
            self.refit_base();
        }
    }

    fn set(&mut self, tree: usize, sums: &[f64], weights: &[f64]) {
        let grown = &mut self.trees[tree];
        let n_own = grown.n_own();
        let before = grown.values.clone();
        let leaves = grown.values.chunks_mut(n_own).zip(sums.chunks(n_own));
        let leaves = leaves.zip(weights).zip(&grown.is_leaf);
        for (((values, sums), weight), _) in leaves.filter(|(_, is_leaf)| **is_leaf) {
            for (value, sum) in values.iter_mut().zip(sums) {
                *value = sum / (weight + self.ridge);
            }
        }
        for (target, at) in grown.at.iter().enumerate() {
            let own = *at as usize * n_own..(*at as usize + 1) * n_own;
            let scores = &mut self.sums[target * self.n_scores..][grown.scores.clone()];
            for (score, own) in scores.iter_mut().zip(own) {
                *score += grown.values[own] - before[own];
            }
        }
    }

    fn refit_base(&mut self) {
        let weight: f64 = self.targets.iter().map(|target| target.weight).sum();
        for score in 0..self.n_scores {
            let lacks = self.targets.iter().enumerate();
            let lack: f64 = lacks.map(|(at, it)| it.weight * self.lack(at, score)).sum();
            let step = lack / weight;
            self.base[score] += step;
            for sum in self.sums.iter_mut().skip(score).step_by(self.n_scores) {
                *sum += step;
            }
        }
    }

    /// Cuts splits back, weakest first, until at most `n_splits` are left.
    pub fn cut_to(&mut self, n_splits: usize) {
        while self.n_splits > n_splits {
            let mut losses = Vec::new();
            for tree in 0..self.trees.len() {
                self.losses(tree, &mut losses);
            }
            // Equals stay in their order.
            losses.sort_by(|one, other| one.loss.total_cmp(&other.loss));
            let most = (self.n_splits - n_splits).min((self.n_splits / 12).max(1));
            for cut in &losses[..most.min(losses.len())] {
                self.cut(cut);
            }
            self.trees.retain(Grown::has_splits);
            self.rebase();
            self.refit(2);
        }
    }

    /// What each split of two leaves is worth: what the tree's ridge regression gains by it.
    pub fn losses(&self, tree: usize, losses: &mut Vec<Cut>) {
        let grown = &self.trees[tree];
        let nodes = self.model.trees()[grown.index].nodes();
        let (sums, weights) = self.wanted(tree);
        let n_own = grown.n_own();
        let explained = |node: usize| {
            let sums = &sums[node * n_own..][..n_own];
            sums.iter().map(|sum| sum * sum).sum::<f64>() / (weights[node] + self.ridge)
        };
        for (node, split) in nodes.iter().enumerate() {
            if grown.is_leaf[node] {
                continue;
            }
            let (_, [left, right]) = split.split().expect("no leaf");
            if grown.is_leaf[left] && grown.is_leaf[right] {
                let loss = explained(left) + explained(right) - explained(node);
                let values = sums[node * n_own..][..n_own].iter();
                losses.push(Cut {
                    loss,
                    tree,
                    node,
                    values: values
                        .map(|sum| sum / (weights[node] + self.ridge))
                        .collect(),
                });
            }
        }
    }

    /// Makes a leaf of a split of two leaves.
    pub fn cut(&mut self, cut: &Cut) {
        let grown = &mut self.trees[cut.tree];
        let nodes = self.model.trees()[grown.index].nodes();
        let (_, children) = nodes[cut.node].split().expect("a split");
        grown.cut(cut.node, &cut.values);
        for at in &mut grown.at {
            if children.contains(&(*at as usize)) {
                *at = u32::try_from(cut.node).expect("a tree's nodes are counted in 32 bits");
            }
        }
        self.n_splits -= 1;
    }

    /// Works the sums of all rows out anew.
    fn rebase(&mut self) {
        for (target, sums) in self.sums.chunks_mut(self.n_scores).enumerate() {
            sums.copy_from_slice(&self.base);
            for tree in &self.trees {
                tree.add(tree.at[target] as usize, sums);
            }
        }
    }
}
