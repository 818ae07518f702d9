//! Trees laid out for walks without branches: all nodes in one array, children side by side, leaves
//! that lead to themselves.

use std::collections::BTreeSet;

use spinney_quantize::QuantForest;
use spinney_runtime::forest::LEAF;

use crate::reading::key::Key;

/// A split, or a leaf: a node whose threshold is above all keys and whose child is itself.
#[derive(Debug, Clone, Copy)]
#[repr(align(8))]
pub(crate) struct Node<K> {
    threshold: K,
    feature: u16,
    /// How far on the node lies where keys up to the threshold go; the others go to the one after it.
    child: u16,
}

/// One tree, before it is put among others.
#[derive(Debug)]
pub(crate) struct Tree<K> {
    nodes: Vec<Node<K>>,
    /// The number of the leaf at each node, of splits 0.
    leaves: Vec<u16>,
}

/// The nodes of all trees.
#[derive(Debug)]
pub(crate) struct Nodes<K> {
    all: Vec<Node<K>>,
    /// The number of the leaf at each node, of splits 0.
    leaves: Vec<u16>,
    /// Where each tree begins, and where the last one ends.
    roots: Vec<usize>,
}

/// Walks that go on at once, so that one does not wait for the memory that another asks for.
pub(crate) const LANES: usize = 8;

impl<K: Key> Tree<K> {
    /// Lays out each tree of `forest`, level by level; `inputs` has the feature of each code, and
    /// `key` turns the index of a code and a threshold into what is compared, `None` if all go
    /// right.
    pub(crate) fn all(
        forest: &QuantForest,
        inputs: &[usize],
        mut key: impl FnMut(u16, i16) -> Option<K>,
    ) -> Vec<Self> {
        let trees = forest.trees();
        let splits = forest.splits();
        trees
            .iter()
            .map(|tree| {
                Self::new(
                    tree.root,
                    &splits[tree.first_split as usize..],
                    inputs,
                    &mut key,
                )
            })
            .collect()
    }

    fn new(
        root: u16,
        splits: &[spinney_runtime::forest::Split],
        inputs: &[usize],
        key: &mut impl FnMut(u16, i16) -> Option<K>,
    ) -> Self {
        // What stands at each node: a split, or `LEAF` and a number.
        let mut order = vec![root];
        let mut nodes = Vec::new();
        let mut leaves = Vec::new();
        let mut at = 0;
        while let Some(&place) = order.get(at) {
            // A split that none can pass on the left is its right child.
            let mut place = place;
            let split = loop {
                if place & LEAF != 0 {
                    break None;
                }
                let split = &splits[usize::from(place)];
                match key(split.feature, split.threshold) {
                    Some(key) => break Some((split, key)),
                    None => place = split.children[1],
                }
            };
            if let Some((split, threshold)) = split {
                nodes.push(Node {
                    threshold,
                    feature: u16::try_from(inputs[usize::from(split.feature)])
                        .expect("at most 65,535 features"),
                    // `limits::TREE_SPLITS` and their leaves.
                    child: u16::try_from(order.len() - at).expect("at most 65,535 nodes"),
                });
                leaves.push(0);
                order.extend(split.children);
            } else {
                nodes.push(Node {
                    threshold: K::HIGHEST,
                    feature: 0,
                    child: 0,
                });
                leaves.push(place ^ LEAF);
            }
            at += 1;
        }
        Self { nodes, leaves }
    }

    /// The numbers of all leaves, and 0.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = u16> {
        self.leaves.iter().copied()
    }
}

impl<K: Key> Nodes<K> {
    /// Puts trees one after the other.
    pub(crate) fn new(trees: impl IntoIterator<Item = Tree<K>>) -> Self {
        let (mut all, mut leaves, mut roots) = (Vec::new(), Vec::new(), vec![0]);
        for tree in trees {
            all.extend(tree.nodes);
            leaves.extend(tree.leaves);
            roots.push(all.len());
        }
        Self { all, leaves, roots }
    }

    /// Where each tree begins, and where the last one ends.
    pub(crate) fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// The leaves that lanes reach, each from a tree's first node and with a row of keys, of which it
    /// has the place of the first; none of them is NaN.
    #[inline(always)]
    pub(crate) fn walk(
        &self,
        keys: &[K],
        mut at: [usize; LANES],
        starts: &[usize; LANES],
    ) -> [u16; LANES] {
        loop {
            let mut moved = 0;
            for (at, start) in at.iter_mut().zip(starts) {
                let node = &self.all[*at];
                let key = keys[start + usize::from(node.feature)];
                *at += usize::from(node.child) + usize::from(key > node.threshold);
                moved |= node.child;
            }
            if moved == 0 {
                return std::array::from_fn(|lane| self.leaves[at[lane]]);
            }
        }
    }
}

impl<K: Key> Nodes<K> {
    fn splits(&self) -> impl Iterator<Item = &Node<K>> {
        self.all.iter().filter(|node| node.child != 0)
    }

    pub(crate) fn n_splits(&self) -> usize {
        self.splits().count()
    }

    /// The features that splits ask for, in order.
    pub(crate) fn features(&self) -> Vec<u16> {
        let features: BTreeSet<u16> = self.splits().map(|node| node.feature).collect();
        features.into_iter().collect()
    }

    /// The thresholds of a feature, each as often as it is asked.
    pub(crate) fn thresholds(&self, feature: u16) -> impl Iterator<Item = K> {
        self.splits()
            .filter(move |node| node.feature == feature)
            .map(|node| node.threshold)
    }

    /// The same trees with other features and thresholds in their splits.
    pub(crate) fn map<T: Key>(&self, of_split: impl Fn(u16, K) -> (u16, T)) -> Nodes<T> {
        let node = |node: &Node<K>| {
            let (feature, threshold) = match node.child {
                0 => (0, T::HIGHEST),
                _ => of_split(node.feature, node.threshold),
            };
            Node {
                threshold,
                feature,
                child: node.child,
            }
        };
        Nodes {
            all: self.all.iter().map(node).collect(),
            leaves: self.leaves.clone(),
            roots: self.roots.clone(),
        }
    }

    /// How many leaves each tree has.
    pub(crate) fn leaves_per_tree(&self) -> impl Iterator<Item = usize> {
        // One more than splits.
        self.roots
            .windows(2)
            .map(|ends| (ends[1] - ends[0]).div_ceil(2))
    }

    /// What stands at a node: its feature, threshold and left child, or else a leaf's number.
    pub(crate) fn stands(&self, at: usize) -> Result<(u16, K, usize), u16> {
        let node = self.all[at];
        if node.child == 0 {
            return Err(self.leaves[at]);
        }
        Ok((node.feature, node.threshold, at + usize::from(node.child)))
    }
}
