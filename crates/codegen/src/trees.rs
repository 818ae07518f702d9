//! The trees that all encodings start from: without splits whose sides are the same.

use spinney_quantize::{Leaves, QuantForest};
use spinney_runtime::forest::LEAF;

/// Where a split leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    /// To a split, by its index in the tree.
    Split(usize),
    /// To a leaf, by its number.
    Leaf(usize),
}

/// `codes[feature] <= threshold` goes to `children[0]`, else to `children[1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Split {
    pub feature: u16,
    pub threshold: i16,
    pub children: [Child; 2],
}

/// One tree, its splits in preorder: the split after a split is its left child, or its right one
/// where the left one is a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// The score that its leaves add to; 0 where they have votes for all.
    pub score: usize,
    pub root: Child,
    pub splits: Vec<Split>,
}

impl Tree {
    /// The leaf that a row of codes ends in, and how many splits it passes on the way.
    pub(crate) fn walk(&self, codes: &[i16]) -> (usize, usize) {
        let mut n_splits = 0;
        let leaf = self.walk_by(codes, |_| n_splits += 1);
        (leaf, n_splits)
    }

    /// The same leaf; `asked` hears of each code that a split on the way compares.
    pub(crate) fn walk_by(&self, codes: &[i16], mut asked: impl FnMut(usize)) -> usize {
        let mut child = self.root;
        loop {
            match child {
                Child::Leaf(leaf) => return leaf,
                Child::Split(index) => {
                    let split = &self.splits[index];
                    asked(split.feature.into());
                    let is_right = codes[usize::from(split.feature)] > split.threshold;
                    child = split.children[usize::from(is_right)];
                }
            }
        }
    }

    /// Splits on the longest path.
    pub(crate) fn depth(&self) -> usize {
        // Children come after their parents.
        let mut depths = vec![1; self.splits.len()];
        for (index, split) in self.splits.iter().enumerate() {
            for child in split.children {
                if let Child::Split(child) = child {
                    depths[child] = depths[index] + 1;
                }
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }
}

/// The trees of `forest` in the order in which they are shipped, each leading every row to the same
/// leaf as there.
pub(crate) fn trees(forest: &QuantForest) -> Vec<Tree> {
    forest
        .order()
        .into_iter()
        .map(|index| {
            let tree = forest.trees()[index];
            let next = forest.trees().get(index + 1);
            let end = next.map_or(forest.splits().len(), |next| next.first_split as usize);
            let splits = &forest.splits()[tree.first_split as usize..end];
            let score = match forest.leaves() {
                Leaves::Values(values) => values.scores[index].into(),
                _ => 0,
            };
            let child = |child: u16| {
                if child & LEAF == 0 {
                    Child::Split(child.into())
                } else {
                    Child::Leaf((child ^ LEAF).into())
                }
            };
            let splits: Vec<Split> = splits
                .iter()
                .map(|split| Split {
                    feature: split.feature,
                    threshold: split.threshold,
                    children: split.children.map(child),
                })
                .collect();
            pruned(score, child(tree.root), &splits)
        })
        .collect()
}

/// Removes each split both of whose sides lead to the same leaf, and puts the rest in preorder.
fn pruned(score: usize, root: Child, splits: &[Split]) -> Tree {
    // Children are later splits, so one pass from the end settles all of them.
    let mut settled: Vec<Option<usize>> = vec![None; splits.len()];
    let resolve = |child: Child, settled: &[Option<usize>]| match child {
        Child::Split(index) => settled[index].map_or(child, Child::Leaf),
        leaf @ Child::Leaf(_) => leaf,
    };
    for (index, split) in splits.iter().enumerate().rev() {
        let [left, right] = split.children.map(|child| resolve(child, &settled));
        if let (Child::Leaf(left), Child::Leaf(right)) = (left, right)
            && left == right
        {
            settled[index] = Some(left);
        }
    }
    let mut tree = Tree {
        score,
        root: resolve(root, &settled),
        splits: Vec::new(),
    };
    // Splits to place, each with the place and side that lead to it.
    let mut stack: Vec<(usize, Option<(usize, usize)>)> = Vec::new();
    if let Child::Split(index) = tree.root {
        stack.push((index, None));
    }
    while let Some((index, parent)) = stack.pop() {
        let at = tree.splits.len();
        match parent {
            Some((parent, side)) => tree.splits[parent].children[side] = Child::Split(at),
            None => tree.root = Child::Split(at),
        }
        let children = splits[index].children.map(|child| resolve(child, &settled));
        tree.splits.push(Split {
            children,
            ..splits[index]
        });
        for side in [1, 0] {
            if let Child::Split(child) = children[side] {
                stack.push((child, Some((at, side))));
            }
        }
    }
    tree
}

/// Votes of a leaf of a tree, one per class.
pub(crate) fn votes(leaves: &Leaves, tree: &Tree, leaf: usize, n_classes: usize) -> Vec<u32> {
    let row = leaf * n_classes..(leaf + 1) * n_classes;
    let mut votes = vec![0; n_classes];
    match leaves {
        Leaves::Classes => votes[leaf] = 1,
        Leaves::Bytes(rows) => votes = rows[row].iter().map(|vote| (*vote).into()).collect(),
        Leaves::Words(rows) => votes = rows[row].iter().map(|vote| (*vote).into()).collect(),
        Leaves::Values(values) => votes[tree.score] = values.numbers.get(leaf),
    }
    votes
}
