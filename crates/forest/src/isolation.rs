//! Isolation trees over whole numbers: what few random splits set apart is odd.
//!
//! F. T. Liu, K. M. Ting and Z.-H. Zhou, "Isolation Forest", ICDM 2008. A tree is grown on a few rows;
//! each node draws a feature among those that differ in its rows, and a threshold below the highest of
//! them, until a row is alone or the depth is that of a balanced tree.

use crate::random::Stream;

/// A node of an isolation tree; node 0 is the root, and children come after their parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationNode {
    /// Goes left where `row[feature] <= threshold`.
    Split {
        /// Index of the feature.
        feature: usize,
        /// The highest number that goes left.
        threshold: i16,
        /// Index of the node on the left.
        left: usize,
        /// Index of the node on the right.
        right: usize,
    },
    /// An end.
    Leaf {
        /// Splits above it.
        depth: usize,
        /// Rows of the tree's own that end here.
        n_rows: usize,
    },
}

/// The trees of a forest, each on `n_samples` of the rows or on all if there are fewer, drawn without
/// replacement. The same seed gives the same trees.
///
/// # Panics
/// If there is no row, or rows differ in length.
#[must_use]
pub fn isolation_trees(
    rows: &[Vec<i16>],
    n_trees: usize,
    n_samples: usize,
    seed: u64,
) -> Vec<Vec<IsolationNode>> {
    let n_features = rows.first().expect("a row").len();
    assert!(rows.iter().all(|row| row.len() == n_features));
    let n_samples = n_samples.clamp(1, rows.len());
    let depth_max = n_samples.next_power_of_two().ilog2() as usize;
    let tree = |index| {
        let mut random = Stream::new(seed, index);
        let mut drawn: Vec<usize> = (0..rows.len()).collect();
        for at in 0..n_samples {
            let other = at + random.below(drawn.len() - at);
            drawn.swap(at, other);
        }
        drawn.truncate(n_samples);
        let mut nodes = Vec::new();
        grow(rows, drawn, (0, depth_max), &mut random, &mut nodes);
        nodes
    };
    (0..n_trees).map(tree).collect()
}

/// Grows the node of these rows and all below it; returns its index.
fn grow(
    rows: &[Vec<i16>],
    own: Vec<usize>,
    (depth, depth_max): (usize, usize),
    random: &mut Stream,
    nodes: &mut Vec<IsolationNode>,
) -> usize {
    let index = nodes.len();
    nodes.push(IsolationNode::Leaf {
        depth,
        n_rows: own.len(),
    });
    let ends = |feature: usize| {
        let readings = || own.iter().map(|row| rows[*row][feature]);
        readings().min().zip(readings().max())
    };
    let differs = |feature: &usize| ends(*feature).is_some_and(|(low, high)| low < high);
    let features: Vec<usize> = (0..rows[0].len()).filter(differs).collect();
    if depth == depth_max || features.is_empty() {
        return index;
    }
    let feature = features[random.below(features.len())];
    let (low, high) = ends(feature).expect("a row");
    let above_low = random.below(usize::from(high.abs_diff(low)));
    let above_low = u16::try_from(above_low).expect("less than the ends are apart");
    let threshold = low.wrapping_add_unsigned(above_low);
    let (left, right) = own
        .into_iter()
        .partition(|row| rows[*row][feature] <= threshold);
    let depth = (depth + 1, depth_max);
    let left = grow(rows, left, depth, random, nodes);
    let right = grow(rows, right, depth, random, nodes);
    nodes[index] = IsolationNode::Split {
        feature,
        threshold,
        left,
        right,
    };
    index
}

#[cfg(test)]
mod tests {
    use super::{IsolationNode, isolation_trees};

    fn depth(nodes: &[IsolationNode], row: &[i16]) -> (usize, usize) {
        let mut at = 0;
        loop {
            match nodes[at] {
                IsolationNode::Leaf { depth, n_rows } => return (depth, n_rows),
                IsolationNode::Split {
                    feature,
                    threshold,
                    left,
                    right,
                } => {
                    at = if row[feature] <= threshold {
                        left
                    } else {
                        right
                    }
                }
            }
        }
    }

    #[test]
    fn odd_rows_are_alone_early() {
        let near = |at: i16| vec![at % 7, at * 3 % 11, 5];
        let mut rows: Vec<Vec<i16>> = (0..100).map(near).collect();
        rows.push(vec![i16::MIN, i16::MAX, 5]);
        let trees = isolation_trees(&rows, 50, 64, 1);
        assert_eq!(trees, isolation_trees(&rows, 50, 64, 1));
        assert_ne!(trees, isolation_trees(&rows, 50, 64, 2));
        let mean = |row: &[i16]| {
            let depths = trees.iter().map(|tree| depth(tree, row).0);
            depths.sum::<usize>() as f64 / 50.0
        };
        assert!(mean(&rows[100]) < 3.0, "{}", mean(&rows[100]));
        assert!(mean(&rows[7]) > 5.0, "{}", mean(&rows[7]));
        for tree in &trees {
            let leaves = tree.iter().filter_map(|node| match node {
                IsolationNode::Leaf { depth, n_rows } => Some((*depth, *n_rows)),
                IsolationNode::Split { feature, .. } => {
                    assert!(*feature < 2, "a feature that is the same in all rows");
                    None
                }
            });
            let leaves: Vec<_> = leaves.collect();
            assert_eq!(leaves.iter().map(|it| it.1).sum::<usize>(), 64);
            assert!(leaves.iter().all(|(depth, n)| *depth <= 6 && *n > 0));
        }
    }

    #[test]
    fn rows_that_are_alike_are_one_leaf() {
        let trees = isolation_trees(&vec![vec![3, 3]; 9], 2, 256, 1);
        let leaf = IsolationNode::Leaf {
            depth: 0,
            n_rows: 9,
        };
        assert_eq!(trees, [[leaf], [leaf]]);
    }
}
