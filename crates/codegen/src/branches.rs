//! Trees as nested `if` and `else`, shaped for a compiler that turns each split into a load, a
//! compare and a branch.
//!
//! Hard votes of a tree are counted in one of two ways. Where the counts of all classes fit a few
//! registers, each class of a tree is a labelled block that adds a constant: a leaf is then just
//! the branch to it. Else a tree is an expression with the leaf's number for a value, and the
//! count, or the row of votes, is added up in memory.
//!
//! Trees are gathered into functions of limited size, and a part of a tree that is too large or
//! too deep becomes a function of its own, so that the compiler's time grows with the model alone.

use std::collections::BTreeSet;
use std::fmt::Write;

use spinney_quantize::QuantForest;

use crate::compact::Rows;
use crate::options::Options;
use crate::tables;
use crate::trees::{Child, Enough, Tree};

/// Splits of one function.
const FUNCTION_SPLITS: usize = 3000;
/// Splits of a part of a tree that has to be cut.
const PART_SPLITS: usize = 1500;
/// Nested `if`s of one function.
const DEPTH_MAX: usize = 48;
/// Words of counts that are kept in registers.
const WORDS_MAX: usize = 4;

/// How votes are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    /// One tree whose leaves are classes: there is nothing to add.
    Single,
    /// Counts in registers: words, and bits of a count.
    Registers { words: usize, bits: u32 },
    /// Counts in an array, so many bits each.
    Counts { bits: u32 },
    /// Rows of 8-bit votes in lanes.
    Lanes,
    /// Rows of 16-bit votes.
    Words,
}

/// What the crate's `lib.rs` and `trees.rs` say.
pub(crate) struct Branches {
    /// Functions of `trees.rs`, after a header.
    pub trees: String,
    /// Tables, if there are any.
    pub tables: String,
    /// Imports, `classify` and `scores` of `lib.rs`.
    pub functions: String,
    /// Imports of `lib.rs`.
    pub imports: String,
}

/// Writes `trees` of `forest`.
pub(crate) fn write(
    forest: &QuantForest,
    trees: &[Tree],
    n_classes: usize,
    enough: &Enough,
    options: &Options,
) -> Branches {
    let rows = Rows::new(forest.leaves(), n_classes, trees.len());
    let sum = Sum::of(&rows, trees, n_classes, options);
    let mut text = String::new();
    let groups = groups(trees);
    let is_one = groups.len() == 1;
    for (number, group) in groups.iter().enumerate() {
        let mut writer = Writer {
            sum,
            enough,
            early_exit: options.early_exit,
            body: String::new(),
            parts: String::new(),
            n_parts: 0,
            group: number,
            can_decide: options.early_exit
                && group
                    .clone()
                    .any(|tree| enough.may_be_reached(tree, trees.len())),
        };
        for tree in group.clone() {
            writer.tree(tree, &trees[tree], trees.len());
        }
        writer.finish(&mut text, is_one);
    }
    let mut tables = String::new();
    tables::rows(&mut tables, &rows, forest.leaves().unit());
    Branches {
        imports: sum.lib_imports(),
        functions: functions(sum, groups.len(), enough, options.early_exit),
        trees: header(sum, enough, options.early_exit) + text.trim_end() + "\n",
        tables,
    }
}

impl Sum {
    fn of(rows: &Rows, trees: &[Tree], n_classes: usize, options: &Options) -> Self {
        match rows {
            Rows::Lanes(_) => return Self::Lanes,
            Rows::Words(_) => return Self::Words,
            Rows::Classes => {}
        }
        if trees.len() == 1 {
            return Self::Single;
        }
        let bits: u32 = match trees.len() {
            0..=15 => 4,
            16..=255 => 8,
            _ => 16,
        };
        let words = n_classes.div_ceil((32 / bits) as usize);
        let fits = |tree: &Tree| tree.splits.len() <= FUNCTION_SPLITS && depth(tree) <= DEPTH_MAX;
        if words <= WORDS_MAX && !options.counts_in_memory && trees.iter().all(fits) {
            Self::Registers { words, bits }
        } else {
            Self::Counts { bits: bits.max(8) }
        }
    }

    fn lib_imports(self) -> String {
        match self {
            Self::Single | Self::Registers { .. } => String::new(),
            Self::Counts { .. } => "use spinney_runtime::votes::most;\n".to_owned(),
            Self::Words => "use spinney_runtime::argmax;\n".to_owned(),
            Self::Lanes => "use spinney_runtime::votes::Lanes;\n".to_owned(),
        }
    }

    /// The type that votes are added up in.
    fn kind(self) -> String {
        match self {
            Self::Single => "()".to_owned(),
            Self::Registers { words, bits } => format!("Ballot<{words}, {bits}>"),
            Self::Counts { bits } => format!("[u{bits}; N_CLASSES]"),
            Self::Lanes => "Lanes<WORDS>".to_owned(),
            Self::Words => "[u32; N_CLASSES]".to_owned(),
        }
    }
}

fn header(sum: Sum, enough: &Enough, early_exit: bool) -> String {
    let mut uses = "use crate::{Code, N_FEATURES};";
    let mut runtime = Vec::new();
    match sum {
        Sum::Single => {}
        Sum::Registers { .. } => runtime.push("Ballot"),
        Sum::Counts { .. } => uses = "use crate::{Code, N_CLASSES, N_FEATURES};",
        Sum::Lanes => {
            uses = "use crate::{Code, N_CLASSES, N_FEATURES, WORDS, tables};";
            runtime.push("Lanes");
            if !early_exit {
                uses = "use crate::{Code, N_FEATURES, WORDS, tables};";
            }
        }
        Sum::Words => uses = "use crate::{Code, N_CLASSES, N_FEATURES, tables};",
    }
    if early_exit && let Enough::Leads(_) = enough {
        runtime.push(if sum == Sum::Lanes {
            "lead_lanes"
        } else {
            "lead"
        });
    }
    let runtime = match runtime[..] {
        [] => String::new(),
        [one] => format!("\nuse spinney_runtime::votes::{one};"),
        _ => format!("\nuse spinney_runtime::votes::{{{}}};", runtime.join(", ")),
    };
    let ballot = match sum {
        Sum::Registers { words, bits } => {
            format!(
                "\n/// Counts of all classes, {bits} bits each.\npub(crate) type Votes = Ballot<{words}, {bits}>;\n"
            )
        }
        _ => String::new(),
    };
    format!(
        "//! The trees of the model. Generated by Spinney.\n\
         #![allow(clippy::collapsible_else_if, clippy::manual_range_contains)]\n\
         // A threshold may be the lowest or the highest code.\n\
         #![allow(unused_comparisons, clippy::absurd_extreme_comparisons)]\n\n{}{runtime}\n{ballot}\n",
        uses
    )
}

/// Runs of trees that make up a function each.
fn groups(trees: &[Tree]) -> Vec<std::ops::Range<usize>> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut n_splits = 0;
    for (index, tree) in trees.iter().enumerate() {
        if index > start && n_splits + tree.splits.len() > FUNCTION_SPLITS {
            groups.push(start..index);
            start = index;
            n_splits = 0;
        }
        n_splits += tree.splits.len();
    }
    groups.push(start..trees.len());
    groups
}

fn depth(tree: &Tree) -> usize {
    let mut depths = vec![1; tree.splits.len()];
    for (index, split) in tree.splits.iter().enumerate() {
        for child in split.children {
            if let Child::Split(child) = child {
                depths[child] = depths[index] + 1;
            }
        }
    }
    depths.into_iter().max().unwrap_or(0)
}

/// Splits below each split, itself included.
fn sizes(tree: &Tree) -> Vec<usize> {
    let mut sizes = vec![1; tree.splits.len()];
    for (index, split) in tree.splits.iter().enumerate().rev() {
        for child in split.children {
            if let Child::Split(child) = child {
                sizes[index] += sizes[child];
            }
        }
    }
    sizes
}

/// Writes one function with the trees of a group, and those of cut parts.
struct Writer<'a> {
    sum: Sum,
    enough: &'a Enough,
    early_exit: bool,
    body: String,
    parts: String,
    n_parts: usize,
    group: usize,
    /// Whether counts in registers are compared after some tree of the group.
    can_decide: bool,
}

const STEP: usize = 4;

impl Writer<'_> {
    fn tree(&mut self, index: usize, tree: &Tree, n_trees: usize) {
        match self.sum {
            Sum::Single => {
                let indent = STEP;
                self.expression(tree, indent);
            }
            Sum::Registers { words, bits } => self.labelled(index, tree, n_trees, words, bits),
            Sum::Counts { .. } | Sum::Lanes | Sum::Words => {
                let _ = writeln!(self.body, "    // Tree {index}.");
                if let Child::Leaf(leaf) = tree.root {
                    let _ = writeln!(self.body, "    let leaf = {leaf};");
                } else {
                    self.body.push_str("    let leaf = {\n");
                    self.expression(tree, 2 * STEP);
                    self.body.push_str("    };\n");
                }
                self.add(index, n_trees);
            }
        }
    }

    fn add(&mut self, index: usize, n_trees: usize) {
        let lead = match self.enough {
            Enough::Leads(leads) if self.early_exit => leads[index],
            _ => None,
        };
        match (self.sum, self.enough) {
            (Sum::Counts { .. }, Enough::Votes(enough)) => {
                let can_decide = self.early_exit && self.enough.may_be_reached(index, n_trees);
                self.body.push_str(
                    "    if let Some(count) = votes.get_mut(leaf) {\n        *count = count.wrapping_add(1);\n",
                );
                if can_decide {
                    let _ = writeln!(
                        self.body,
                        "        if EARLY && *count >= {enough} {{\n            return Some(leaf);\n        }}"
                    );
                }
                self.body.push_str("    }\n");
            }
            (Sum::Lanes, _) => {
                self.body
                    .push_str("    votes.add(&tables::LEAVES, leaf);\n");
                if let Some(lead) = lead {
                    let _ = writeln!(
                        self.body,
                        "    if EARLY && lead_lanes(votes, N_CLASSES) > {lead} {{\n        return Some(votes.argmax(N_CLASSES));\n    }}"
                    );
                }
            }
            _ => {
                self.body.push_str(
                    "    let row = tables::LEAVES.get(leaf * N_CLASSES..).unwrap_or(&[]);\n    \
                     for (sum, vote) in votes.iter_mut().zip(row) {\n        \
                     *sum = sum.wrapping_add(u32::from(*vote));\n    }\n",
                );
                if let Some(lead) = lead {
                    let _ = writeln!(
                        self.body,
                        "    if EARLY && lead(votes) > {lead} {{\n        return Some(spinney_runtime::argmax(votes));\n    }}"
                    );
                }
            }
        }
    }

    /// A tree whose leaves branch to blocks, one per class, that add a constant.
    fn labelled(&mut self, index: usize, tree: &Tree, n_trees: usize, words: usize, bits: u32) {
        let classes: BTreeSet<usize> = tree
            .splits
            .iter()
            .flat_map(|split| split.children)
            .chain([tree.root])
            .filter_map(|child| match child {
                Child::Leaf(leaf) => Some(leaf),
                Child::Split(_) => None,
            })
            .collect();
        let indent = if self.can_decide { 2 * STEP } else { STEP };
        let pad = |depth: usize| " ".repeat(indent + STEP * depth);
        let _ = writeln!(
            self.body,
            "{pad}// Tree {index}.\n{pad}'tree: {{",
            pad = pad(0)
        );
        for (depth, class) in (1..).zip(classes.iter().rev()) {
            let _ = writeln!(self.body, "{}'class_{class}: {{", pad(depth));
        }
        let inside = indent + STEP * (classes.len() + 1);
        self.nested(tree, tree.root, inside, &|class| {
            format!("break 'class_{class};")
        });
        let lanes = (32 / bits) as usize;
        for (depth, class) in (1..=classes.len()).rev().zip(&classes) {
            let word = class / lanes;
            let unit = 1_u32 << (class % lanes * bits as usize);
            let _ = writeln!(
                self.body,
                "{pad}}}\n{pad}{name} = {name}.wrapping_add({unit:#x});\n{pad}break 'tree;",
                pad = pad(depth),
                name = REGISTERS[word]
            );
        }
        let _ = writeln!(self.body, "{}}}", pad(0));
        if self.can_decide && self.enough.may_be_reached(index, n_trees) {
            let _ = writeln!(
                self.body,
                "{pad}let words = [{words}];\n{pad}if EARLY && (Votes {{ words }}).is_decided() \
                 {{\n{pad}    break 'decided;\n{pad}}}",
                pad = pad(0),
                words = REGISTERS[..words].join(", ")
            );
        }
    }

    /// A tree as an expression whose value is the leaf's number.
    fn expression(&mut self, tree: &Tree, indent: usize) {
        let sizes = sizes(tree);
        let is_large = tree.splits.len() > FUNCTION_SPLITS;
        // Parts still to write: the name of the function and the split that it starts with.
        let mut parts: Vec<(usize, usize)> = Vec::new();
        let mut body = std::mem::take(&mut self.body);
        let n_parts = &mut self.n_parts;
        let group = self.group;
        let mut write = |out: &mut String, root: Child, indent: usize, parts: &mut Vec<_>| {
            let mut cut = |parent: Option<usize>, split: usize, depth: usize| {
                let is_whole = depth == 0;
                let is_small = sizes[split] <= PART_SPLITS;
                let leaves_large = parent.is_some_and(|parent| sizes[parent] > PART_SPLITS);
                let too_deep = depth >= DEPTH_MAX;
                (!is_whole && (too_deep || (is_large && is_small && leaves_large))).then(|| {
                    *n_parts += 1;
                    parts.push((*n_parts - 1, split));
                    format!("part_{group}_{}(x)", *n_parts - 1)
                })
            };
            nest(out, tree, root, indent, &|leaf| leaf.to_string(), &mut cut);
        };
        write(&mut body, tree.root, indent, &mut parts);
        while let Some((number, split)) = parts.pop() {
            let mut text = format!(
                "#[inline(never)]\nfn part_{group}_{number}(x: &[Code; N_FEATURES]) -> usize {{\n"
            );
            write(&mut text, Child::Split(split), STEP, &mut parts);
            text.push_str("}\n\n");
            self.parts.push_str(&text);
        }
        self.body = body;
    }

    fn nested(&mut self, tree: &Tree, root: Child, indent: usize, leaf: &dyn Fn(usize) -> String) {
        let mut body = std::mem::take(&mut self.body);
        nest(&mut body, tree, root, indent, leaf, &mut |_, _, _| None);
        self.body = body;
    }

    fn finish(self, out: &mut String, is_one: bool) {
        let inline = if is_one {
            "#[inline(always)]"
        } else {
            "#[inline(never)]"
        };
        let (name, kind) = (self.group, self.sum.kind());
        // A forest of leaves alone reads no code.
        let x = if self.body.contains("x[") { "x" } else { "_x" };
        out.push_str(&self.parts);
        let _ = match self.sum {
            Sum::Single => write!(
                out,
                "#[inline(always)]\npub(crate) fn trees_{name}({x}: &[Code; N_FEATURES]) -> usize {{\n{}}}\n\n",
                self.body
            ),
            Sum::Registers { words, .. } => {
                let names = &REGISTERS[..words];
                let (open, close) = if self.can_decide {
                    ("    'decided: {\n", "    }\n")
                } else {
                    ("", "")
                };
                let generics = if self.early_exit {
                    "<const EARLY: bool>"
                } else {
                    ""
                };
                write!(
                    out,
                    "{inline}\npub(crate) fn trees_{name}{generics}({x}: &[Code; N_FEATURES], votes: &mut Votes) {{\n    \
                     let [{muts}] = votes.words;\n{open}{body}{close}    \
                     votes.words = [{names}];\n}}\n\n",
                    muts = names
                        .iter()
                        .map(|name| format!("mut {name}"))
                        .collect::<Vec<_>>()
                        .join(", "),
                    names = names.join(", "),
                    body = self.body
                )
            }
            _ if self.early_exit => write!(
                out,
                "{inline}\npub(crate) fn trees_{name}<const EARLY: bool>(\n    {x}: &[Code; N_FEATURES],\n    \
                 votes: &mut {kind},\n) -> Option<usize> {{\n{}    None\n}}\n\n",
                self.body
            ),
            _ => write!(
                out,
                "{inline}\npub(crate) fn trees_{name}({x}: &[Code; N_FEATURES], votes: &mut {kind}) {{\n{}}}\n\n",
                self.body
            ),
        };
    }
}

/// Local names of the words of counts.
const REGISTERS: [&str; WORDS_MAX] = ["a", "b", "c", "d"];

/// Writes the splits below `root`, or what `cut` puts in a split's place.
fn nest(
    out: &mut String,
    tree: &Tree,
    root: Child,
    indent: usize,
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
                let _ = writeln!(
                    out,
                    "{}if x[{}] <= {} {{",
                    pad(depth),
                    split.feature,
                    split.threshold
                );
                stack.push(Step::Text("}", depth));
                stack.push(Step::Child(split.children[1], Some(index), depth + 1));
                stack.push(Step::Text("} else {", depth));
                stack.push(Step::Child(split.children[0], Some(index), depth + 1));
            }
        }
    }
}

/// `classify` and `scores` of the crate.
fn functions(sum: Sum, n_groups: usize, enough: &Enough, early_exit: bool) -> String {
    let classify_doc = "/// The class index of a row of codes; ties go to the lowest.\n#[must_use]\n#[inline(never)]\n\
                        pub fn classify(codes: &[Code; N_FEATURES]) -> usize {\n";
    let scores_doc = "/// The score of each class for a row of codes.\n#[must_use]\n\
                      pub fn scores(codes: &[Code; N_FEATURES]) -> [Score; N_CLASSES] {\n";
    let enough = match enough {
        Enough::Votes(votes) if early_exit => Some(*votes),
        _ => None,
    };
    let calls = |early: bool| -> String {
        (0..n_groups)
            .map(|group| match (sum, early_exit, early) {
                (Sum::Registers { .. }, true, true) if group + 1 < n_groups => format!(
                    "    trees::trees_{group}::<true>(codes, &mut votes);\n    \
                     if votes.is_decided() {{\n        return votes.winner(N_CLASSES);\n    }}\n"
                ),
                (Sum::Registers { .. }, true, early) => {
                    format!("    trees::trees_{group}::<{early}>(codes, &mut votes);\n")
                }
                (_, true, true) => format!(
                    "    if let Some(class) = trees::trees_{group}::<true>(codes, &mut votes) {{\n        \
                     return class;\n    }}\n"
                ),
                (_, true, false) => {
                    format!("    let _ = trees::trees_{group}::<false>(codes, &mut votes);\n")
                }
                (_, false, _) => format!("    trees::trees_{group}(codes, &mut votes);\n"),
            })
            .collect()
    };
    let (new, class, scores) = match sum {
        Sum::Single => {
            return format!(
                "{classify_doc}    trees::trees_0(codes)\n}}\n\n\
                 {scores_doc}    let mut scores = [0; N_CLASSES];\n    \
                 if let Some(score) = scores.get_mut(classify(codes)) {{\n        *score = 1;\n    }}\n    scores\n}}\n"
            );
        }
        Sum::Registers { bits, .. } => {
            let full = 1_u32 << (bits - 1);
            let enough = enough.unwrap_or(full);
            (
                format!("    let mut votes = trees::Votes::new({enough});\n"),
                if early_exit {
                    "    votes.winner(N_CLASSES)\n"
                } else {
                    "    votes.most(N_CLASSES)\n"
                },
                format!("    core::array::from_fn(|class| votes.count(class, {enough}))\n"),
            )
        }
        Sum::Counts { .. } => (
            "    let mut votes = [0; N_CLASSES];\n".to_owned(),
            "    most(&votes)\n",
            "    votes.map(Score::from)\n".to_owned(),
        ),
        Sum::Lanes => (
            "    let mut votes = Lanes::<WORDS>::new();\n".to_owned(),
            "    votes.argmax(N_CLASSES)\n",
            "    let mut scores = [0; N_CLASSES];\n    \
             for (score, sum) in scores.iter_mut().zip(votes.sums(N_CLASSES)) {\n        \
             *score = sum;\n    }\n    scores\n"
                .to_owned(),
        ),
        Sum::Words => (
            "    let mut votes = [0; N_CLASSES];\n".to_owned(),
            "    argmax(&votes)\n",
            "    votes\n".to_owned(),
        ),
    };
    format!(
        "{classify_doc}{new}{}{class}}}\n\n{scores_doc}{new}{}{scores}}}\n",
        calls(true),
        calls(false)
    )
}
