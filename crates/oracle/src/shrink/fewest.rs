//! Few splits that keep the classes of rows, as a linear program.
//!
//! A split gives a number per score to its left side and takes it from its right; a tree is the sum
//! of these along a path, and whatever leaves give can be so written, but for a constant that goes
//! into the base. A split is a leaf where its own numbers and those below are zero. The numbers'
//! sizes, times costs, are made least while every row's class leads by one; then a split costs what
//! its size was worth, so that small ones vanish, as in Candès, Wakin and Boyd, "Enhancing sparsity
//! by reweighted l1 minimization" (2008), and as much as the splits above it, which it keeps.

use spinney_model::FloatModel;

use super::fit::{Fit, Grown};

/// Which number of the program belongs to which split.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The first number of each node of each tree; of a leaf, that of the next split.
    firsts: Vec<Vec<usize>>,
    /// The first number of the base.
    base: usize,
    n_scores: usize,
}

/// Below this, a number is zero.
const ZERO: f64 = 1e-7;

impl Numbers {
    pub fn new(fit: &Fit<'_>) -> Self {
        let mut numbers = Self {
            firsts: Vec::new(),
            base: 0,
            n_scores: fit.n_scores,
        };
        for tree in &fit.trees {
            let n_free = numbers.n_free(tree.scores.len());
            let first = |is_leaf: &bool| {
                let first = numbers.base;
                numbers.base += if *is_leaf { 0 } else { n_free };
                first
            };
            let firsts = tree.is_leaf.iter().map(first).collect();
            numbers.firsts.push(firsts);
        }
        numbers
    }

    pub fn len(&self) -> usize {
        self.base + self.n_free(self.n_scores)
    }

    /// Of several scores the last one may be zero, as differences are all that counts.
    fn n_free(&self, n_scores: usize) -> usize {
        match n_scores == self.n_scores {
            true => n_scores.saturating_sub(1).max(1),
            false => n_scores,
        }
    }

    /// What the lead of a row's class over a rival has of each number.
    pub fn lead(&self, fit: &Fit<'_>, (target, rival): (usize, usize)) -> Vec<f64> {
        let class = fit.targets()[target].class();
        let share = |score: usize| match (self.n_scores, class) {
            (1, 0) => -1.0,
            (1, _) => 1.0,
            _ => f64::from(u8::from(score == class)) - f64::from(u8::from(score == rival)),
        };
        let mut of = vec![0.0; self.len()];
        for (tree, firsts) in fit.trees.iter().zip(&self.firsts) {
            let mut at = tree.at[target] as usize;
            while at != 0 {
                let parent = tree.parents[at];
                let side = side(fit.model, tree, at);
                let own = of[firsts[parent]..].iter_mut().zip(tree.scores.clone());
                let own = own.take(self.n_free(tree.scores.len()));
                own.for_each(|(number, score)| *number += side * share(score));
                at = parent;
            }
        }
        let base = of[self.base..].iter_mut().enumerate();
        base.for_each(|(score, number)| *number = share(score));
        of
    }

    /// What each node gives as a leaf, tree by tree.
    fn values(&self, fit: &Fit<'_>, numbers: &[f64]) -> Vec<Vec<f64>> {
        let of_tree = |(tree, firsts): (&Grown<f64>, &Vec<usize>)| {
            let n_own = tree.scores.len();
            let mut values = vec![0.0; tree.values.len()];
            // Children stand behind their split.
            for at in 1..firsts.len() {
                let parent = tree.parents[at];
                let side = side(fit.model, tree, at);
                for own in 0..n_own {
                    let number = match own < self.n_free(n_own) {
                        true => numbers[firsts[parent] + own],
                        false => 0.0,
                    };
                    values[at * n_own + own] = values[parent * n_own + own] + side * number;
                }
            }
            values
        };
        fit.trees.iter().zip(&self.firsts).map(of_tree).collect()
    }

    fn base(&self, numbers: &[f64]) -> Vec<f64> {
        let mut base = numbers[self.base..].to_vec();
        base.resize(self.n_scores, 0.0);
        base
    }

    /// Rows whose class does not lead, each with its rival: those that lack most, and some of all.
    pub fn broken(&self, fit: &Fit<'_>, numbers: &[f64]) -> Vec<(usize, usize)> {
        const WORST: usize = 100;
        const OF_ALL: usize = 200;
        let (values, base) = (self.values(fit, numbers), self.base(numbers));
        let mut broken = Vec::new();
        let mut sums = base.clone();
        for (index, target) in fit.targets().iter().enumerate() {
            sums.copy_from_slice(&base);
            for (tree, values) in fit.trees.iter().zip(&values) {
                let own = &values[tree.at[index] as usize * tree.scores.len()..];
                let sums = sums[tree.scores.clone()].iter_mut().zip(own);
                sums.for_each(|(sum, own)| *sum += own);
            }
            let (lead, rival) = match (sums.as_slice(), target.class()) {
                ([sum], class) => (if class == 0 { -sum } else { *sum }, 1 - class),
                (sums, class) => {
                    let rivals = (0..sums.len()).filter(|it| *it != class);
                    let rival = rivals.max_by(|one, other| sums[*one].total_cmp(&sums[*other]));
                    let rival = rival.expect("there are several classes");
                    (sums[class] - sums[rival], rival)
                }
            };
            if lead < 0.5 {
                broken.push((lead, index, rival));
            }
        }
        broken.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let rest = broken.split_off(broken.len().min(WORST));
        broken.extend(rest.iter().step_by(rest.len().div_ceil(OF_ALL).max(1)));
        let broken = broken.into_iter();
        broken.map(|(_, index, rival)| (index, rival)).collect()
    }

    /// The trees that are left, without rows.
    pub fn pruned<'m>(&self, fit: &Fit<'m>, numbers: &[f64]) -> Fit<'m> {
        let values = self.values(fit, numbers);
        let sizes = self.sizes(fit, numbers);
        let trees = fit.trees.iter().zip(values).zip(sizes);
        let trees = trees.map(|((tree, values), sizes)| Grown {
            is_leaf: sizes.iter().map(|size| *size <= ZERO).collect(),
            values,
            at: Vec::new(),
            ..tree.clone()
        });
        fit.of(
            trees.filter(Grown::has_splits).collect(),
            self.base(numbers),
        )
    }

    /// The largest number of each split, and of those below; zero of a leaf.
    fn sizes(&self, fit: &Fit<'_>, numbers: &[f64]) -> Vec<Vec<f64>> {
        let of_tree = |(tree, firsts): (&Grown<f64>, &Vec<usize>)| {
            let n_free = self.n_free(tree.scores.len());
            let own = firsts.iter().zip(&tree.is_leaf);
            let own = own.map(|(first, is_leaf)| match is_leaf {
                true => 0.0,
                false => {
                    let own = numbers[*first..][..n_free].iter();
                    own.fold(0.0_f64, |most, it| most.max(it.abs()))
                }
            });
            let mut sizes: Vec<f64> = own.collect();
            for at in (1..sizes.len()).rev() {
                let parent = tree.parents[at];
                sizes[parent] = sizes[parent].max(sizes[at]);
            }
            sizes
        };
        fit.trees.iter().zip(&self.firsts).map(of_tree).collect()
    }

    /// What each number costs: as all others at first, then by the sizes that numbers had.
    pub fn costs(&self, fit: &Fit<'_>, numbers: Option<&[f64]>) -> Vec<f64> {
        const SMALLEST: f64 = 1e-3;
        let sizes = numbers.map(|numbers| self.sizes(fit, numbers));
        let all = sizes.iter().flatten().flatten();
        let largest = all.fold(f64::MIN_POSITIVE, |most, size| most.max(*size));
        let mut costs = vec![0.0; self.len()];
        for (index, (tree, firsts)) in fit.trees.iter().zip(&self.firsts).enumerate() {
            let mut of_nodes = vec![0.0; firsts.len()];
            for at in 0..firsts.len() {
                let size = sizes.as_ref().map(|sizes| sizes[index][at] / largest);
                let own = size.map_or(1.0, |size| 1.0 / (size + SMALLEST));
                of_nodes[at] = own
                    + if at == 0 {
                        0.0
                    } else {
                        of_nodes[tree.parents[at]]
                    };
                if !tree.is_leaf[at] {
                    costs[firsts[at]..][..self.n_free(tree.scores.len())].fill(of_nodes[at]);
                }
            }
        }
        costs
    }
}

/// One on the left of a node's parent, minus one on the right.
fn side(model: &FloatModel, tree: &Grown<f64>, node: usize) -> f64 {
    let parent = &model.trees()[tree.index].nodes()[tree.parents[node]];
    let (_, [left, _]) = parent.split().expect("no leaf");
    if left == node { 1.0 } else { -1.0 }
}
