//! The nested `if`s of a tree.

use std::fmt::Write;

use super::STEP;
use crate::compared::Compared;
use crate::trees::{Child, Tree};

/// Writes the splits below `root`, or what `cut` puts in a split's place.
pub(super) fn nest(
    out: &mut String,
    tree: &Tree,
    root: Child,
    indent: usize,
    compared: &Compared<'_>,
    leaf: &dyn Fn(usize) -> String,
    cut: &mut dyn FnMut(Option<usize>, usize, usize) -> Option<String>,
) {
    /// What is left to write, last first.
    enum Step {
        Child(Child, Option<usize>, usize),
        Text(&'static str, usize),
    }
    let pad = |depth: usize| " ".repeat(indent + STEP * depth.min(24));
    let mut stack = vec![Step::Child(root, None, 0)];
    while let Some(step) = stack.pop() {
        match step {
            Step::Text(text, depth) => {
                let _ = writeln!(out, "{}{text}", pad(depth));
            }
            Step::Child(Child::Leaf(number), _, depth) => {
                let _ = writeln!(out, "{}{}", pad(depth), leaf(number));
            }
            Step::Child(Child::Split(index), parent, depth) => {
                if let Some(text) = cut(parent, index, depth) {
                    let _ = writeln!(out, "{}{text}", pad(depth));
                    continue;
                }
                let split = &tree.splits[index];
                let _ = writeln!(out, "{}if {} {{", pad(depth), compared.condition(split));
                stack.push(Step::Text("}", depth));
                stack.push(Step::Child(split.children[1], Some(index), depth + 1));
                stack.push(Step::Text("} else {", depth));
                stack.push(Step::Child(split.children[0], Some(index), depth + 1));
            }
        }
    }
}
