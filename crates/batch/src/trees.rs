//! Trees laid out for walks without branches: children side by side, leaves that lead to themselves.

use spinney_quantize::QuantForest;
use spinney_runtime::forest::LEAF;

use crate::reading::key::Key;

/// A split, or a leaf: a node whose threshold is above all keys and whose child is itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<K> {
    threshold: K,
    feature: u16,
    /// Where keys up to the threshold go; the others go to the node after it.
    child: u16,
}

/// One tree.
#[derive(Debug, Clone)]
pub(crate) struct Tree<K> {
    nodes: Box<[Node<K>]>,
    /// The number of the leaf at each node, of splits 0.
    leaves: Box<[u16]>,
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
        let number = |index: usize| {
            // `limits::TREE_SPLITS` and their leaves.
            u16::try_from(index).expect("at most 65,535 nodes")
        };
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
                    child: number(order.len()),
                });
                leaves.push(0);
                order.extend(split.children);
            } else {
                nodes.push(Node {
                    threshold: K::HIGHEST,
                    feature: 0,
                    child: number(at),
                });
                leaves.push(place ^ LEAF);
            }
            at += 1;
        }
        Self {
            nodes: nodes.into(),
            leaves: leaves.into(),
        }
    }

    /// The numbers of all leaves, and 0.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = u16> {
        self.leaves.iter().copied()
    }

    /// The leaves that lanes reach, each with a tree of its own and a row of keys, of which it has the
    /// place of the first; none of them is NaN.
    #[inline(always)]
    pub(crate) fn walk<'t>(
        keys: &[K],
        trees: impl Fn(usize) -> &'t Self,
        starts: &[usize; LANES],
    ) -> [u16; LANES]
    where
        K: 't,
    {
        let mut at = [0_u16; LANES];
        loop {
            let before = at;
            for (lane, (at, start)) in at.iter_mut().zip(starts).enumerate() {
                let node = trees(lane).nodes[usize::from(*at)];
                let key = keys[start + usize::from(node.feature)];
                *at = node.child + u16::from(key > node.threshold);
            }
            if at == before {
                return std::array::from_fn(|lane| trees(lane).leaves[usize::from(at[lane])]);
            }
        }
    }
}

#[cfg(test)]
impl<K: Key> Tree<K> {
    /// What stands at a node: its feature, threshold and left child, or else a leaf's number.
    pub(crate) fn stands(&self, at: u16) -> Result<(u16, K, u16), u16> {
        let node = self.nodes[usize::from(at)];
        if node.child == at {
            return Err(self.leaves[usize::from(at)]);
        }
        Ok((node.feature, node.threshold, node.child))
    }
}
