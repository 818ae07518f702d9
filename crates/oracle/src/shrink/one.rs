//! One tree in place of all, where every combination of cells can be asked for its class.
//!
//! The smallest such tree is what Vidal and Schiffer, "Born-again tree ensembles" (ICML 2020), find by
//! dynamic programming. This one is grown as trees are, by the purest sides, from the combinations in
//! place of rows and until each leaf has one class. It asks what the original's own splits ask.

use spinney_model::{FloatModel, ModelError, Node, Split, Sum};

use super::exact::Exact;
use crate::search::{self, Steps};

/// Splits of the tree for one of the original, at most: a split takes two bytes or more, and eight at most.
const RATIO: usize = 4;

/// A question of the original, and the cells of its feature that it sends left.
struct Question {
    split: Split,
    left: Vec<bool>,
}

/// What is grown.
struct Growth<'a> {
    /// Questions of each feature, no two alike.
    questions: Vec<Vec<Question>>,
    n_cells: Vec<usize>,
    /// The class of each combination of cells; the cell of the first feature counts fastest.
    classes: &'a [usize],
    n_classes: usize,
}

/// A tree with the class of each combination of cells; `None` where it has far more splits than the
/// original, or steps end.
///
/// `classes` are those of all combinations, the cell of the first feature counting fastest.
pub(crate) fn one_tree(
    exact: &Exact<'_>,
    original: &FloatModel,
    classes: &[usize],
    steps: &mut Steps,
) -> Option<FloatModel> {
    let growth = Growth {
        questions: questions(exact, original),
        n_cells: exact.cells.n_cells(),
        classes,
        n_classes: original.schema().n_classes(),
    };
    let (nodes, of_leaves) = growth.grow(RATIO * original.n_splits(), steps)?;
    let model = of_kind(original, nodes, &of_leaves).ok()?;
    // What sums of another precision make of the leaves is not taken on trust.
    let row = |at: usize| {
        let cells = (0..growth.n_cells.len()).map(|feature| growth.cell(at, feature));
        exact.cells.row(&cells.collect::<Vec<_>>())
    };
    let is_same = (0..classes.len()).all(|at| model.predict(&row(at)) == classes[at]);
    is_same.then_some(model)
}

fn questions(exact: &Exact<'_>, original: &FloatModel) -> Vec<Vec<Question>> {
    let mut of: Vec<Vec<Question>> = exact.cells.of.iter().map(|_| Vec::new()).collect();
    let trees = original.trees().iter().zip(&exact.trees.trees);
    for (node, over_cells) in trees.flat_map(|(tree, over)| tree.nodes().iter().zip(over)) {
        let (Node::Split(split), search::Node::Split { variable, left, .. }) = (node, over_cells)
        else {
            continue;
        };
        let n_cells = exact.cells.of[*variable].len();
        let left: Vec<bool> = (0..n_cells)
            .map(|cell| left[cell / 64] >> (cell % 64) & 1 == 1)
            .collect();
        if of[*variable].iter().all(|it| it.left != left) {
            let split = split.clone();
            of[*variable].push(Question { split, left });
        }
    }
    of
}

impl Growth<'_> {
    /// The cell of a feature in a combination.
    fn cell(&self, at: usize, feature: usize) -> usize {
        let stride: usize = self.n_cells[..feature].iter().product();
        at / stride % self.n_cells[feature]
    }

    /// The nodes, and the class of each that is a leaf.
    fn grow(&self, n_splits_max: usize, steps: &mut Steps) -> Option<(Vec<Node>, Vec<usize>)> {
        let mut nodes = vec![Node::Leaf(Vec::new())];
        let mut classes = vec![0];
        let mut open = vec![(0, (0..self.classes.len()).collect::<Vec<usize>>())];
        while let Some((at, points)) = open.pop() {
            let of_all = self.classes[*points.first()?];
            classes[at] = of_all;
            if points.iter().all(|point| self.classes[*point] == of_all) {
                continue;
            }
            let (feature, question) = self.purest(&points, steps)?;
            let first = u32::try_from(nodes.len()).ok()?;
            nodes[at] = Node::Split(Split {
                children: [first, first + 1],
                ..question.split.clone()
            });
            nodes.extend([const { Node::Leaf(Vec::new()) }; 2]);
            classes.extend([0; 2]);
            let goes_left = |point: &usize| question.left[self.cell(*point, feature)];
            let (left, right) = points.into_iter().partition(goes_left);
            open.extend([(nodes.len() - 2, left), (nodes.len() - 1, right)]);
            (nodes.len() <= 2 * n_splits_max + 1).then_some(())?;
        }
        Some((nodes, classes))
    }

    /// The question with the least Gini impurity on both its sides, the first of several.
    fn purest(&self, points: &[usize], steps: &mut Steps) -> Option<(usize, &Question)> {
        let mut best: Option<(f64, usize, &Question)> = None;
        for (feature, questions) in self.questions.iter().enumerate() {
            if questions.is_empty() {
                continue;
            }
            let n_cells = self.n_cells[feature];
            let mut counts = vec![0_u64; n_cells * self.n_classes];
            for point in points {
                counts[self.cell(*point, feature) * self.n_classes + self.classes[*point]] += 1;
            }
            let work = points.len() + questions.len() * counts.len();
            steps.0 = steps.0.checked_sub(work as u64)?;
            for question in questions {
                let mut sides = [vec![0_u64; self.n_classes], vec![0; self.n_classes]];
                for (is_left, counts) in question.left.iter().zip(counts.chunks(self.n_classes)) {
                    let side = sides[usize::from(!is_left)].iter_mut().zip(counts);
                    side.for_each(|(sum, count)| *sum += count);
                }
                // Casts: numbers of points, below 2^24.
                let n_of = sides.each_ref().map(|side| side.iter().sum::<u64>());
                if n_of.contains(&0) {
                    continue;
                }
                let purity = |(side, n): (&Vec<u64>, u64)| {
                    side.iter().map(|it| it * it).sum::<u64>() as f64 / n as f64
                };
                let purity: f64 = sides.iter().zip(n_of).map(purity).sum();
                if best.as_ref().is_none_or(|(most, ..)| purity > *most) {
                    best = Some((purity, feature, question));
                }
            }
        }
        best.map(|(_, feature, question)| (feature, question))
    }
}

/// A tree as a model of the original's kind, each leaf wholly for its class.
fn of_kind(
    original: &FloatModel,
    mut nodes: Vec<Node>,
    classes: &[usize],
) -> Result<FloatModel, ModelError> {
    let of_class = |n: usize, class: usize| (0..n).map(move |it| f64::from(u8::from(it == class)));
    let mut fill = |leaf: &dyn Fn(usize) -> Vec<f64>| {
        for (node, class) in nodes.iter_mut().zip(classes) {
            if let Node::Leaf(values) = node {
                *values = leaf(*class);
            }
        }
        std::mem::take(&mut nodes)
    };
    let Some(sum) = original.additive() else {
        let n_classes = original.schema().n_classes();
        let nodes = fill(&|class| of_class(n_classes, class).collect());
        return original.with_trees(vec![(nodes, None)], None);
    };
    let n_scores = sum.sum().base.len();
    let (base, nodes, output) = match sum.threshold() {
        // So far above and below it that no precision loses it.
        Some(threshold) => {
            let lead = threshold.abs().max(1.0);
            let leaf = |class| vec![if class == 1 { lead } else { -lead }];
            (vec![threshold], fill(&leaf), Some(0))
        }
        None => {
            let leaf = |class| of_class(n_scores, class).collect();
            (vec![0.0; n_scores], fill(&leaf), None)
        }
    };
    let sum = Sum::new(sum.sum().precision, base, 1.0);
    original.with_trees(vec![(nodes, output)], Some(sum))
}
