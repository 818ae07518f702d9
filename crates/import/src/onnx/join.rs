//! Several ensembles of one graph whose scores are added or averaged, as one: what skl2onnx makes of bagging
//! and of voting, and of AdaBoost, whose trees vote with a class.

use std::collections::{HashMap, HashSet};

use spinney_dataset::Budget;

use super::ensemble::{Ensemble, Transform};
use super::graph::{Graph, Node};
use super::trees::only_output;
use super::vote;
use crate::ImportError;
use crate::lower::RawNode;

/// Bytes that an ensemble takes in each value that it is part of.
const TERM_BYTES: u64 = 48;

/// Ensembles, what becomes of each one's scores, and the value that is their sum.
pub(super) struct Joint<'g> {
    pub(super) members: Vec<(&'g Node, Term)>,
    pub(super) value: &'g str,
}

/// What an ensemble gives to a sum.
#[derive(Clone, Copy)]
pub(super) struct Term {
    index: usize,
    /// What its scores are multiplied by.
    factor: f64,
    /// Where it votes: what classes get that are not its own, which gets 1.
    others: Option<f64>,
}

/// A value that is a sum of scores.
#[derive(Clone)]
struct Scores {
    terms: Vec<Term>,
    shape: Shape,
}

/// How a value has the scores of a row.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// A row of them.
    Rows,
    /// The same with one more dimension before.
    Layer,
    /// So many of these one behind the other.
    Layers(usize),
    /// The class that one ensemble votes for.
    Class,
    /// Whether each class is that class.
    IsClass,
}

/// Finds the first value that all of `ensembles` add up to; there is at least one of them.
///
/// # Errors
/// Ensembles that do not add up, naming the first operator between them that is no part of a sum.
pub(super) fn find<'g>(
    graph: &'g Graph,
    ensembles: &[&'g Node],
    budget: &Budget,
) -> Result<Joint<'g>, ImportError> {
    let mut known: HashMap<&str, Scores> = HashMap::new();
    let mut stranger = None;
    let width = width(ensembles[0]);
    for node in &graph.nodes {
        let is_classifier = node.op_type == "TreeEnsembleClassifier";
        let value = node.output(usize::from(is_classifier));
        let index = ensembles.iter().position(|it| std::ptr::eq(*it, node));
        let scores = match index {
            Some(index) => Scores {
                terms: vec![Term {
                    index,
                    factor: 1.0,
                    others: None,
                }],
                shape: Shape::Rows,
            },
            None => {
                let parts: Vec<&Scores> = (node.inputs.iter())
                    .filter_map(|input| known.get(input.as_str()))
                    .collect();
                let n_terms = parts.iter().map(|it| it.terms.len()).sum();
                budget.take_items("the sum of ensembles", n_terms, TERM_BYTES)?;
                if parts.is_empty() {
                    continue;
                }
                let Some(scores) = behind(graph, node, width, &parts) else {
                    stranger = stranger.or_else(|| Some(node.shown()));
                    continue;
                };
                scores
            }
        };
        let mut terms = scores.terms.clone();
        terms.sort_by_key(|term| term.index);
        let is_all = terms.len() == ensembles.len()
            && terms.iter().enumerate().all(|(at, term)| at == term.index)
            && scores.shape == Shape::Rows;
        let is_made = ensembles.len() > 1 || terms.iter().any(|it| it.others.is_some());
        if !is_all || (is_made && is_scaled_next(graph, value)) || vote::is_next(graph, value) {
            known.insert(value, scores);
            continue;
        }
        if is_made {
            refuse_other_results(graph, value)?;
        }
        let members = terms.iter().map(|term| (ensembles[term.index], *term));
        return Ok(Joint {
            members: members.collect(),
            value,
        });
    }
    let between = stranger.map_or(String::new(), |it| {
        format!(" with the operator {it} between")
    });
    Err(ImportError::refused(
        format!("a graph of {} tree ensembles{between}", ensembles.len()),
        "ensembles that a Sum, an Add or a mean puts together are; scikit-learn's isolation forests and \
         voting over boosting are read from skops",
    ))
}

/// Number of scores of a row.
fn width(ensemble: &Node) -> i64 {
    let labels = ensemble.integers("classlabels_int64s").len();
    let labels = labels.max(ensemble.strings("classlabels_strings").count());
    match labels {
        0 => ensemble.integer("n_targets", 1),
        _ => i64::try_from(labels).unwrap_or(0),
    }
}

/// Whether the one thing that becomes of a value is a multiple of it.
fn is_scaled_next(graph: &Graph, value: &str) -> bool {
    let mut users = graph.users(value);
    let (first, second) = (users.next(), users.next());
    let is_result = graph.delivers(value);
    let scales = |node: &Node| match node.op_type.as_str() {
        "Sum" => node.inputs.len() == 1,
        name => matches!(name, "Mul" | "Div"),
    };
    first.is_some_and(scales) && second.is_none() && !is_result
}

/// Refuses results that are not made of the sum.
fn refuse_other_results(graph: &Graph, sum: &str) -> Result<(), ImportError> {
    let mut reached = HashSet::from([sum]);
    for node in &graph.nodes {
        let mut inputs = node.inputs.iter();
        if inputs.any(|input| reached.contains(input.as_str())) {
            reached.extend(node.outputs.iter().map(String::as_str));
        }
    }
    let mut outputs = graph.outputs.iter();
    match outputs.all(|output| reached.contains(output.name.as_str())) {
        true => Ok(()),
        false => Err(refused!(
            "a graph of several results"; "the sum of its ensembles alone, and what becomes of it"
        )),
    }
}

/// What an operator makes of sums of scores; `None` if that is no such sum.
fn behind(graph: &Graph, node: &Node, width: i64, parts: &[&Scores]) -> Option<Scores> {
    let times = |factor: f64, shape: Shape| {
        let terms = parts.iter().flat_map(|part| &part.terms);
        let times = |term: &Term| Term {
            factor: term.factor * factor,
            ..*term
        };
        let terms = terms.map(times).collect();
        (factor.is_finite() && factor > 0.0).then_some(Scores { terms, shape })
    };
    let are_all = |shape: Shape| {
        parts.len() == node.inputs.len() && parts.iter().all(|part| part.shape == shape)
    };
    let shape = parts[0].shape;
    let constant = |index: usize| match graph.numbers(node.input(index))?[..] {
        [number] => Some(number),
        _ => None,
    };
    match node.op_type.as_str() {
        "Identity" | "Cast" => times(1.0, shape),
        "Flatten" if shape == Shape::Rows => times(1.0, shape),
        "Reshape" if shape == Shape::Rows => {
            let to = graph.integers(node.input(1))?;
            match to[..] {
                [1, -1, found] if found == width => times(1.0, Shape::Layer),
                [-1, found] if found == width => times(1.0, Shape::Rows),
                _ => None,
            }
        }
        "ArgMax" if shape == Shape::Rows && vote::is_class(node) => match parts[0].terms[..] {
            [term] if term.others.is_none() => times(1.0 / term.factor, Shape::Class),
            _ => None,
        },
        "Equal" if shape == Shape::Class => {
            vote::is_comparison(graph, node, width).then(|| times(1.0, Shape::IsClass))?
        }
        "Where" if shape == Shape::IsClass => {
            let others = vote::others(graph, node)?;
            let mut votes = times(1.0, Shape::Rows)?;
            votes.terms[0].others = Some(others);
            Some(votes)
        }
        _ if matches!(shape, Shape::Class | Shape::IsClass) => None,
        "Mul" => times(constant(0).or_else(|| constant(1))?, shape),
        "Div" => times(1.0 / constant(1)?, shape),
        "Add" | "Sum" if are_all(Shape::Rows) => times(1.0, shape),
        "Mean" if are_all(Shape::Rows) => times(1.0 / parts.len() as f64, shape),
        "Concat" if are_all(Shape::Layer) => {
            let is_before = node.integer("axis", 1) == 0;
            times(1.0, Shape::Layers(parts.len())).filter(|_| is_before)
        }
        "ReduceMean" | "ReduceSum" => {
            let Shape::Layers(n) = shape else {
                return None;
            };
            let keeps = node.integer("keepdims", 1) != 0;
            let axes = graph.integers(node.input(1));
            if keeps || axes.as_deref().unwrap_or(node.integers("axes")) != [0] {
                return None;
            }
            let is_mean = node.op_type == "ReduceMean";
            times(if is_mean { 1.0 / n as f64 } else { 1.0 }, Shape::Rows)
        }
        _ => None,
    }
}

/// Puts ensembles together; each comes with what it gives to the sum and the place of its first feature.
///
/// # Errors
/// Ensembles of different outputs, or with transforms, whose sum is no sum of trees.
pub(super) fn merge(members: Vec<(Ensemble, Term, usize)>) -> Result<Ensemble, ImportError> {
    let refused = |what: &str| {
        ImportError::refused(
            format!("a sum of tree ensembles {what}"),
            "a sum of scores, of the same outputs each, before any transform is; scikit-learn's voting is \
             read from skops",
        )
    };
    let are_joint = members.len() > 1;
    let mut merged: Option<Ensemble> = None;
    for (mut next, term, first_feature) in members {
        if !are_joint && term.others.is_none() {
            return Ok(next);
        }
        let factor = term.factor;
        if next.transform != Transform::None {
            let name = next.transform.name();
            return Err(refused(&format!("with post_transform {name}")));
        }
        with_both(&mut next);
        if let Some(others) = term.others {
            vote::of_leaves(&mut next, others)?;
        }
        let by_tree = match std::mem::take(&mut next.is_mean) {
            true => factor / next.trees.len().max(1) as f64,
            false => factor,
        };
        next.base.iter_mut().for_each(|it| *it *= factor);
        for (_, weight) in next.leaves.iter_mut().flatten() {
            *weight *= by_tree;
        }
        let Some(merged) = &mut merged else {
            next.is_joint = true;
            shift(&mut next, first_feature, 0);
            merged = Some(next);
            continue;
        };
        if merged.classes != next.classes
            || merged.n_outputs != next.n_outputs
            || merged.has_votes != next.has_votes
        {
            return Err(refused("of different outputs"));
        }
        if merged.classes.is_some()
            && next.n_outputs == 2
            && only_output(merged) != only_output(&next)
        {
            return Err(refused("of which one knows both of two classes"));
        }
        if merged.base.len() != next.base.len() {
            let n = merged.base.len().max(next.base.len());
            if !(merged.base.is_empty() || next.base.is_empty()) {
                return Err(refused("of different base values"));
            }
            merged.base.resize(n, 0.0);
            next.base.resize(n, 0.0);
        }
        for (sum, base) in merged.base.iter_mut().zip(&next.base) {
            *sum += base;
        }
        shift(&mut next, first_feature, merged.leaves.len());
        merged.trees.append(&mut next.trees);
        merged.leaves.append(&mut next.leaves);
    }
    Ok(merged.expect("at least one ensemble"))
}

/// Gives the first of two classes its share, where an ensemble has those of the second alone.
fn with_both(ensemble: &mut Ensemble) {
    let are_two = ensemble.classes.as_ref().is_some_and(|it| it.len() == 2);
    let weights = ensemble.leaves.iter().flatten();
    let are_shares = weights.map(|weight| weight.1).all(|weight| weight >= 0.0);
    if !are_two || !are_shares || only_output(ensemble).is_none() {
        return;
    }
    let whole = match ensemble.is_mean {
        true => 1.0,
        false => 1.0 / ensemble.trees.len().max(1) as f64,
    };
    for leaf in &mut ensemble.leaves {
        let share: f64 = leaf.iter().map(|weight| weight.1).sum();
        *leaf = vec![(0, whole - share), (1, share)];
    }
    if let Some(base) = ensemble.base.pop() {
        ensemble.base = vec![-base, base];
    }
}

/// Numbers features and leaves anew, from these on.
fn shift(ensemble: &mut Ensemble, first_feature: usize, first_leaf: usize) {
    let by = u32::try_from(first_feature).unwrap_or(u32::MAX);
    for node in ensemble.trees.iter_mut().flat_map(|tree| &mut tree.nodes) {
        match node {
            RawNode::Split(split) => split.feature = split.feature.saturating_add(by),
            RawNode::Leaf(leaf) => *leaf += first_leaf,
        }
    }
}
