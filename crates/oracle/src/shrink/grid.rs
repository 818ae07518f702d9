//! Fitted trees in the integer grid, and the float model of the same kind that they make: its leaves
//! are numbers that fixed point holds, and its own sums are exact.

use spinney_model::{Additive, FloatModel, ModelError, Node, Precision, Sum};

use super::fit::{Fit, Grown, Wanted};

/// A vote of one, in units of Q15.
pub(super) const UNIT: i64 = 32_768;

/// What a fit has come to, in whole units.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub trees: Vec<Grown<i64>>,
    /// What each score starts at.
    pub base: Vec<i64>,
    /// What a unit is worth in the model's own numbers.
    pub unit: f64,
    /// The sum above which one score means class 1.
    pub threshold: Option<i64>,
}

impl Held {
    /// The nearest units to what a fit has come to.
    pub fn new(original: &FloatModel, fit: &Fit<'_>) -> Self {
        match original {
            FloatModel::Additive(sum) => sums(original, sum, fit),
            _ => votes(original, fit),
        }
    }

    pub fn n_splits(&self, original: &FloatModel) -> usize {
        let leaves = |tree: &Grown<i64>| leaves(original, tree).count() - 1;
        self.trees.iter().map(leaves).sum()
    }

    /// The class that sums mean, as of the float model, whose sums these are.
    pub fn class(&self, sums: &[i64]) -> usize {
        match self.threshold {
            Some(threshold) => usize::from(sums[0] > threshold),
            // Ties go to the lowest class.
            None => {
                (1..sums.len()).fold(0, |best, it| if sums[it] > sums[best] { it } else { best })
            }
        }
    }

    /// Whether sums mean the class that is wanted, or a value no further off than `within`.
    pub fn meets(&self, sums: &[i64], wanted: Wanted, within: f64) -> bool {
        match wanted {
            Wanted::Class(class) => self.class(sums) == class,
            Wanted::Value(value) => (sums[0] as f64 * self.unit - value).abs() <= within,
        }
    }

    /// The class of a row.
    pub fn predict(&self, original: &FloatModel, row: &[f64]) -> usize {
        self.class(&self.sums(original, row))
    }

    /// What a row's leaves add up to.
    pub fn sums(&self, original: &FloatModel, row: &[f64]) -> Vec<i64> {
        let mut sums = self.base.clone();
        for tree in &self.trees {
            tree.add(tree.leaf_of(original, row), &mut sums);
        }
        sums
    }

    /// The same trees with a split of two leaves as one leaf: that of either side, or between.
    pub fn cuts(&self, original: &FloatModel, tree: usize, node: usize) -> Vec<Self> {
        let grown = &self.trees[tree];
        let (false, Some((_, [left, right]))) = (
            grown.is_leaf[node],
            original.trees()[grown.index].nodes()[node].split(),
        ) else {
            return Vec::new();
        };
        if !(grown.is_leaf[left] && grown.is_leaf[right]) {
            return Vec::new();
        }
        let (left, right) = (grown.of(left), grown.of(right));
        let both = || left.iter().zip(right);
        let middle: Vec<i64> = both()
            .map(|(one, other)| (one + other).div_euclid(2))
            .collect();
        // In halves of a vote that is one, the rest goes to the first class that was rounded.
        let rest = left.iter().sum::<i64>() - middle.iter().sum::<i64>();
        let first = both().position(|(one, other)| (one + other) % 2 != 0);
        let mut values = vec![left.to_vec(), right.to_vec()];
        match (self.threshold, first) {
            (None, Some(first)) if left.iter().sum::<i64>() == right.iter().sum::<i64>() => {
                let mut middle = middle;
                middle[first] += rest;
                values.push(middle);
            }
            _ => values.push(middle),
        }
        let cut = |values: Vec<i64>| {
            let mut cut = self.clone();
            cut.trees[tree].cut(node, &values);
            cut
        };
        values.into_iter().map(cut).collect()
    }

    /// The float model, of the kind of the original.
    pub fn model(&self, original: &FloatModel) -> Result<FloatModel, ModelError> {
        let own = |numbers: &[i64]| -> Vec<f64> {
            numbers.iter().map(|it| *it as f64 * self.unit).collect()
        };
        let tree = |tree: &Grown<i64>| {
            let nodes = nodes(original, tree, |values| own(values));
            (nodes, original.trees()[tree.index].output())
        };
        let sum = original
            .additive()
            .map(|it| Sum::new(it.sum().precision, own(&self.base), 1.0));
        original.with_trees(self.trees.iter().map(tree).collect(), sum)
    }
}

/// Leaves as shares of one vote: what all classes of a leaf have in common decides nothing, so that
/// numbers are moved and stretched until they are such. A base is spread over the trees.
fn votes(original: &FloatModel, fit: &Fit<'_>) -> Held {
    let n_classes = fit.n_scores;
    let n_trees = fit.trees.len().max(1) as f64;
    let base: Vec<f64> = fit.base.iter().map(|base| base / n_trees).collect();
    let centred = |values: &[f64]| -> Vec<f64> {
        let values: Vec<f64> = values
            .iter()
            .zip(&base)
            .map(|(own, base)| own + base)
            .collect();
        let mean = values.iter().sum::<f64>() / n_classes as f64;
        values.iter().map(|value| value - mean).collect()
    };
    let mut lowest = 0.0_f64;
    for tree in &fit.trees {
        for node in leaves(original, tree) {
            lowest = centred(tree.of(node)).into_iter().fold(lowest, f64::min);
        }
    }
    let stretch = if lowest < 0.0 { -1.0 / lowest } else { 0.0 };
    let units = |values: &[f64]| {
        let shares = centred(values).into_iter();
        let shares = shares.map(|it| (it * stretch + 1.0) / n_classes as f64 * UNIT as f64);
        in_units(&shares.collect::<Vec<_>>(), UNIT)
    };
    let mut trees: Vec<Grown<i64>> = fit.trees.iter().map(|tree| tree.map(units)).collect();
    if trees.is_empty() {
        let n_nodes = original.trees()[0].nodes().len();
        trees.push(Grown::leaf(n_nodes, &units(&vec![0.0; n_classes])));
    }
    Held {
        trees,
        base: vec![0; n_classes],
        unit: 1.0 / UNIT as f64,
        threshold: None,
    }
}

/// Shares to whole units that add up to `total`, those with the largest remainders rounded up.
#[expect(clippy::cast_possible_truncation, reason = "shares of votes")]
pub(super) fn in_units(shares: &[f64], total: i64) -> Vec<i64> {
    let mut units: Vec<i64> = shares.iter().map(|it| (it.floor() as i64).max(0)).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let remainder = |at: &usize| shares[*at] - shares[*at].floor();
    order.sort_by(|one, other| remainder(other).total_cmp(&remainder(one)));
    let mut rest = total - units.iter().sum::<i64>();
    for at in order.iter().cycle() {
        match rest {
            1.. => units[*at] += 1,
            0 => break,
            _ if units[*at] > 0 => units[*at] -= 1,
            _ => continue,
        }
        rest -= rest.signum();
    }
    units
}

/// Leaves and bases in a power of two that sums of the ensemble's precision add without rounding.
#[expect(clippy::cast_possible_truncation, reason = "units of the largest sum")]
fn sums(original: &FloatModel, sum: &Additive, fit: &Fit<'_>) -> Held {
    let threshold = sum.threshold();
    let centre = threshold.unwrap_or(0.0);
    let base: Vec<f64> = fit
        .base
        .iter()
        .map(|base| base * fit.scale + centre)
        .collect();
    let mut largest = base.iter().fold(0.0_f64, |most, base| base.abs().max(most));
    for tree in &fit.trees {
        let of_tree = leaves(original, tree).flat_map(|node| tree.of(node));
        largest += fit.scale * of_tree.fold(0.0, |most: f64, value| value.abs().max(most));
    }
    let bits = match sum.sum().precision {
        Precision::Float32 => 23.0,
        Precision::Float64 => 30.0,
    };
    let unit = (largest.max(f64::MIN_POSITIVE).log2().ceil() - bits).exp2();
    let held = |value: f64| (value / unit).round() as i64;
    let leaf = |values: &[f64]| values.iter().map(|it| held(it * fit.scale)).collect();
    Held {
        trees: fit.trees.iter().map(|tree| tree.map(leaf)).collect(),
        base: base.into_iter().map(held).collect(),
        unit,
        threshold: threshold.map(|threshold| (threshold / unit).floor() as i64),
    }
}

/// The leaves that splits lead to.
pub(crate) fn leaves<'f>(
    original: &'f FloatModel,
    tree: &'f Grown<impl Copy>,
) -> impl Iterator<Item = usize> + 'f {
    let nodes = original.trees()[tree.index].nodes();
    let mut open = vec![0];
    std::iter::from_fn(move || {
        loop {
            let node = open.pop()?;
            if tree.is_leaf[node] {
                return Some(node);
            }
            open.extend(nodes[node].split().expect("no leaf").1);
        }
    })
}

/// The nodes of a tree that are left, in an order of their own.
pub(crate) fn nodes<V: Copy>(
    original: &FloatModel,
    tree: &Grown<V>,
    leaf: impl Fn(&[V]) -> Vec<f64>,
) -> Vec<Node> {
    let old = original.trees()[tree.index].nodes();
    let mut order = vec![0];
    let mut nodes = Vec::new();
    while let Some(at) = order.get(nodes.len()).copied() {
        if tree.is_leaf[at] {
            nodes.push(Node::Leaf(leaf(tree.of(at))));
            continue;
        }
        let mut node = old[at].clone();
        let first = u32::try_from(order.len()).expect("a tree's nodes are counted in 32 bits");
        if let Node::Split(split) = &mut node {
            order.extend(split.children.map(|child| child as usize));
            split.children = [first, first + 1];
        }
        nodes.push(node);
    }
    nodes
}
