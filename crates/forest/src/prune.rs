//! Minimal cost-complexity pruning (Breiman, Friedman, Olshen, Stone: *Classification and
//! Regression Trees*, 1984, chapter 3).
//!
//! The cost of a node is its impurity times its share of the tree's weight. A split is worth
//! `(cost of the node as a leaf − cost of the leaves below it) / (leaves below it − 1)` per leaf
//! that it adds. The weakest split is cut back to a leaf, again and again, until every split left
//! is worth more than `ccp_alpha`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::grow::Draft;

/// What pruning keeps of one node.
struct Branch {
    parent: Option<u32>,
    cost: f64,
    cost_below: f64,
    n_leaves: u32,
}

/// Turns every split that is worth at most `ccp_alpha` into a leaf; the nodes below it stay in
/// `drafts`, unreachable.
pub(crate) fn prune(drafts: &mut [Draft], ccp_alpha: f64) {
    let mut branches = measure(drafts);
    let mut weakest: BTreeSet<Worth> = (0_u32..)
        .zip(&*drafts)
        .filter(|(_, draft)| draft.split.is_some())
        .map(|(node, _)| Worth::of(node, &branches))
        .collect();
    while let Some(worth) = weakest.pop_first() {
        if worth.alpha > ccp_alpha {
            break;
        }
        drop_descendants(worth.node, drafts, &branches, &mut weakest);
        drafts[worth.node as usize].split = None;
        let branch = &mut branches[worth.node as usize];
        let n_dropped = branch.n_leaves - 1;
        let added_cost = branch.cost - branch.cost_below;
        branch.n_leaves = 1;
        branch.cost_below = branch.cost;
        let mut ancestor = branch.parent;
        while let Some(node) = ancestor {
            weakest.remove(&Worth::of(node, &branches));
            let branch = &mut branches[node as usize];
            branch.n_leaves -= n_dropped;
            branch.cost_below += added_cost;
            ancestor = branch.parent;
            weakest.insert(Worth::of(node, &branches));
        }
    }
}

fn measure(drafts: &[Draft]) -> Vec<Branch> {
    let root_weight = drafts[0].weight;
    let mut branches: Vec<Branch> = drafts
        .iter()
        .map(|draft| Branch {
            parent: None,
            cost: draft.weight * draft.impurity / root_weight,
            cost_below: 0.0,
            n_leaves: 0,
        })
        .collect();
    // Children stand behind their parents, so one pass from the back sums up every branch.
    for (node, draft) in drafts.iter().enumerate().rev() {
        let (cost_below, n_leaves) = match &draft.split {
            None => (branches[node].cost, 1),
            Some(split) => {
                branches[split.left as usize].parent = Some(node as u32);
                branches[split.right as usize].parent = Some(node as u32);
                let (left, right) = (
                    &branches[split.left as usize],
                    &branches[split.right as usize],
                );
                (
                    left.cost_below + right.cost_below,
                    left.n_leaves + right.n_leaves,
                )
            }
        };
        branches[node].cost_below = cost_below;
        branches[node].n_leaves = n_leaves;
    }
    branches
}

fn drop_descendants(
    node: u32,
    drafts: &mut [Draft],
    branches: &[Branch],
    weakest: &mut BTreeSet<Worth>,
) {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if let Some(split) = &drafts[node as usize].split {
            weakest.remove(&Worth::of(node, branches));
            stack.extend([split.left, split.right]);
        }
    }
}

/// What a split is worth per leaf; among equals the lower node comes first.
#[derive(Clone, Copy)]
struct Worth {
    alpha: f64,
    node: u32,
}

impl Worth {
    fn of(node: u32, branches: &[Branch]) -> Self {
        let branch = &branches[node as usize];
        let n_added = f64::from(branch.n_leaves - 1);
        Self {
            alpha: (branch.cost - branch.cost_below) / n_added,
            node,
        }
    }
}

impl Ord for Worth {
    fn cmp(&self, other: &Self) -> Ordering {
        self.alpha
            .total_cmp(&other.alpha)
            .then(self.node.cmp(&other.node))
    }
}

impl PartialOrd for Worth {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worth {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Worth {}
