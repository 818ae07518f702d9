//! Trees as nested `if`s in C, a function each; where nesting would go too deep, parts of a tree
//! become functions of their own.

use std::fmt::Write;

use spinney_quantize::Values;

use crate::compared::Compared;
use crate::trees::{Child, Tree};

/// Nested blocks of one function: C99 promises 127.
const DEPTH_MAX: usize = 60;
/// Depth from which lines are not indented any further.
const INDENT_MAX: usize = 20;

/// Compilers like to make one function of all trees, in which branches reach too short a way and
/// constants take registers: a third more flash on a Cortex-M0.
const TREE: &str = "\
/* A tree stays a function of its own: in a single large one, many branches would not reach. */
#ifdef __GNUC__
#define $_TREE static __attribute__((noinline, unused))
#else
#define $_TREE static inline
#endif

";

/// The functions of `trees`, each returning a leaf's number, or its value if there are `values`, of
/// type `leaf`.
pub(crate) fn functions(
    trees: &[Tree],
    values: Option<&Values>,
    leaf: &str,
    compared: &Compared<'_>,
) -> String {
    let mut out = TREE.to_owned();
    let what = |number: usize| match values {
        Some(values) => format!("{}u", values.numbers.get(number)),
        None => number.to_string(),
    };
    for (index, tree) in trees.iter().enumerate() {
        write_tree(&mut out, index, tree, (leaf, &what), compared);
    }
    out
}

fn write_tree(
    out: &mut String,
    index: usize,
    tree: &Tree,
    (leaf, what): (&str, &dyn Fn(usize) -> String),
    compared: &Compared<'_>,
) {
    // A part is written before the one that calls it, as C wants it: found first, written last.
    let mut found = vec![tree.root];
    let mut texts = Vec::new();
    while texts.len() < found.len() {
        let part = texts.len();
        let mut body = String::new();
        let reads = write_part(&mut body, (tree, what), index, &mut found, part, compared);
        let name = match part {
            0 => format!("@_tree_{index}"),
            _ => format!("@_tree_{index}_part_{part}"),
        };
        let unused = if reads { "" } else { "    (void)x;\n" };
        texts.push(format!(
            "$_TREE {leaf} {name}(const @_code_t *x)\n{{\n{unused}{body}}}\n\n"
        ));
    }
    for text in texts.iter().rev() {
        out.push_str(text);
    }
}

/// Writes the part that starts at `found[part]`, adds to `found` what it cuts off, and tells whether
/// a code is read.
fn write_part(
    out: &mut String,
    (tree, what): (&Tree, &dyn Fn(usize) -> String),
    index: usize,
    found: &mut Vec<Child>,
    part: usize,
    compared: &Compared<'_>,
) -> bool {
    /// What is left to write, last first.
    enum Step {
        Child(Child, usize),
        Close(usize),
    }
    let pad = |depth: usize| "    ".repeat(1 + depth.min(INDENT_MAX));
    let mut reads = false;
    let mut stack = vec![Step::Child(found[part], 0)];
    while let Some(step) = stack.pop() {
        match step {
            Step::Close(depth) => {
                let _ = writeln!(out, "{}}}", pad(depth));
            }
            Step::Child(Child::Leaf(leaf), depth) => {
                let _ = writeln!(out, "{}return {};", pad(depth), what(leaf));
            }
            Step::Child(child @ Child::Split(_), depth) if depth == DEPTH_MAX => {
                let _ = writeln!(
                    out,
                    "{}return @_tree_{index}_part_{}(x);",
                    pad(depth),
                    found.len()
                );
                found.push(child);
            }
            Step::Child(Child::Split(at), depth) => {
                let split = &tree.splits[at];
                if let Some(condition) = compared.condition_in_c(split) {
                    reads = true;
                    let _ = writeln!(out, "{}if ({condition}) {{", pad(depth));
                    // What follows the block needs no `else`, since the block returns.
                    stack.push(Step::Child(split.children[1], depth));
                    stack.push(Step::Close(depth));
                    stack.push(Step::Child(split.children[0], depth + 1));
                } else {
                    stack.push(Step::Child(split.children[0], depth));
                }
            }
        }
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::CodeType;
    use crate::trees::Split;

    const CODES: Compared<'static> = Compared::Codes(CodeType::I16);

    #[test]
    fn deep_trees_are_cut_and_keep_every_leaf() {
        let n_splits = 200;
        let splits = (0..n_splits)
            .map(|at| Split {
                feature: 0,
                threshold: 200 - i16::try_from(at).unwrap(),
                children: [
                    if at + 1 < n_splits {
                        Child::Split(at + 1)
                    } else {
                        Child::Leaf(0)
                    },
                    Child::Leaf(1),
                ],
            })
            .collect();
        let tree = Tree {
            score: 0,
            root: Child::Split(0),
            splits,
        };
        let text = functions(&[tree], None, "uint8_t", &CODES);
        assert_eq!(text.matches("$_TREE uint8_t").count(), 4);
        assert_eq!(text.matches("if (x[0] <= ").count(), n_splits);
        let called = text.find("@_tree_0_part_3(const").unwrap();
        assert!(called < text.find("return @_tree_0_part_3(x)").unwrap());
    }

    #[test]
    fn a_comparison_that_holds_for_every_code_is_left_out() {
        let tree = Tree {
            score: 0,
            root: Child::Split(0),
            splits: vec![Split {
                feature: 3,
                threshold: i16::MAX,
                children: [Child::Leaf(4), Child::Leaf(5)],
            }],
        };
        let text = functions(&[tree], None, "uint8_t", &CODES);
        assert!(text.contains("    return 4;\n}"), "{text}");
        assert!(!text.contains("return 5"));
    }
}
