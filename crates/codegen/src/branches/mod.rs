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

mod functions;
mod nest;

use std::collections::BTreeSet;
use std::fmt::Write;

use spinney_quantize::{Numbers, QuantForest, QuantModel};

use self::functions::functions;
use self::nest::nest;
use crate::compact::{Rows, number};
use crate::compared::{self, Compared};
use crate::exit::Enough;
use crate::options::{CodeType, Options};
use crate::tables;
use crate::trees::{Child, Tree};

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
    /// Of two classes, the votes of the second, in a register; the rest is the first's.
    Second,
    /// Counts in registers: words, and bits of a count.
    Registers { words: usize, bits: u32 },
    /// Counts in an array, so many bits each.
    Counts { bits: u32 },
    /// Rows of 8-bit votes in lanes.
    Lanes,
    /// Rows of 16-bit votes.
    Words,
    /// Values that add to one score; leaves are these themselves.
    Values,
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

/// The form in words.
pub(crate) fn form(code_type: CodeType) -> &'static str {
    match code_type {
        CodeType::Reading => "branches on readings",
        CodeType::U8 | CodeType::I16 | CodeType::U16 => "branches",
    }
}

/// Writes `trees` of `forest`.
pub(crate) fn write(
    model: &QuantModel,
    forest: &QuantForest,
    trees: &[Tree],
    enough: &Enough,
    options: &Options,
) -> Branches {
    let n_classes = model.n_scores();
    let compared = Compared::new(model, trees, options.code_type);
    let rows = Rows::new(forest.leaves(), n_classes, trees.len());
    let groups = groups(trees);
    let is_one = groups.len() == 1;
    let sum = Sum::of(&rows, trees, n_classes, is_one, options);
    let mut text = String::new();
    for (number, group) in groups.iter().enumerate() {
        let mut writer = Writer {
            sum,
            compared: &compared,
            enough,
            early_exit: options.early_exit,
            numbers: match &rows {
                Rows::Values { numbers, .. } => Some(numbers),
                _ => None,
            },
            is_last_score: trees[group.start].score + 1 == n_classes,
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
        let reads = trees[group.clone()]
            .iter()
            .any(|tree| matches!(tree.root, Child::Split(_)));
        writer.finish(&mut text, is_one, reads);
    }
    let mut tables = String::new();
    let functions = if let Rows::Values { bases, .. } = &rows {
        let groups: Vec<usize> = groups
            .iter()
            .map(|group| trees[group.start].score)
            .collect();
        functions::of_values(bases, &groups, options.early_exit)
    } else {
        tables::rows(&mut tables, &rows, &forest.unit());
        functions(sum, groups.len(), trees.len(), enough, options.early_exit)
    };
    Branches {
        imports: sum.lib_imports(),
        functions,
        trees: [
            &header(sum, enough, options.early_exit),
            &compared::screen(&compared, model),
            text.trim_end(),
            "\n",
        ]
        .concat(),
        tables,
    }
}

impl Sum {
    fn of(rows: &Rows, trees: &[Tree], n_classes: usize, is_one: bool, options: &Options) -> Self {
        match rows {
            Rows::Lanes(_) => return Self::Lanes,
            Rows::Words(_) => return Self::Words,
            Rows::Values { .. } => return Self::Values,
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
        let fits = |tree: &Tree| tree.splits.len() <= FUNCTION_SPLITS && tree.depth() <= DEPTH_MAX;
        if n_classes == 2 && is_one && trees.iter().all(fits) {
            return Self::Second;
        }
        if words <= WORDS_MAX && !options.counts_in_memory && trees.iter().all(fits) {
            Self::Registers { words, bits }
        } else {
            Self::Counts { bits: bits.max(8) }
        }
    }

    fn lib_imports(self) -> String {
        match self {
            Self::Single | Self::Second | Self::Registers { .. } | Self::Values => String::new(),
            Self::Counts { .. } => "use spinney_runtime::votes::most;\n".to_owned(),
            Self::Words => "use spinney_runtime::argmax;\n".to_owned(),
            Self::Lanes => "use spinney_runtime::votes::Lanes;\n".to_owned(),
        }
    }

    /// The type that votes are added up in.
    fn kind(self) -> String {
        match self {
            Self::Single | Self::Second | Self::Values => "()".to_owned(),
            Self::Registers { words, bits } => format!("Ballot<{words}, {bits}>"),
            Self::Counts { bits } => format!("[u{bits}; N_CLASSES]"),
            Self::Lanes => "Lanes<WORDS>".to_owned(),
            Self::Words => "[u32; N_CLASSES]".to_owned(),
        }
    }
}

fn header(sum: Sum, enough: &Enough, early_exit: bool) -> String {
    let mut uses = "use crate::{Code, N_CODES};";
    let mut runtime = Vec::new();
    match sum {
        Sum::Single | Sum::Second | Sum::Values => {}
        Sum::Registers { .. } => runtime.push("Ballot"),
        Sum::Counts { .. } => uses = "use crate::{Code, N_CLASSES, N_CODES};",
        Sum::Lanes => {
            uses = "use crate::{Code, N_CLASSES, N_CODES, WORDS, tables};";
            runtime.push("Lanes");
            if !early_exit {
                uses = "use crate::{Code, N_CODES, WORDS, tables};";
            }
        }
        Sum::Words => uses = "use crate::{Code, N_CLASSES, N_CODES, tables};",
    }
    if early_exit
        && sum != Sum::Values
        && let Enough::Leads(_) = enough
    {
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
        let is_other_score = tree.score != trees[start].score;
        let is_full = n_splits + tree.splits.len() > FUNCTION_SPLITS;
        if index > start && (is_full || is_other_score) {
            groups.push(start..index);
            start = index;
            n_splits = 0;
        }
        n_splits += tree.splits.len();
    }
    groups.push(start..trees.len());
    groups
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
    compared: &'a Compared<'a>,
    enough: &'a Enough,
    early_exit: bool,
    /// What leaves add, where they are not numbers of rows or classes.
    numbers: Option<&'a Numbers>,
    /// Whether the group's trees add to the last score.
    is_last_score: bool,
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
            Sum::Second | Sum::Registers { .. } => self.labelled(index, tree, n_trees),
            Sum::Counts { .. } | Sum::Lanes | Sum::Words | Sum::Values => {
                let _ = writeln!(self.body, "    // Tree {index}.");
                let kind = self.numbers.map_or("", |_| ": u32");
                if let Child::Leaf(leaf) = tree.root {
                    let leaf = self::leaf(self.numbers, leaf);
                    let _ = writeln!(self.body, "    let leaf{kind} = {leaf};");
                } else {
                    let _ = writeln!(self.body, "    let leaf{kind} = {{");
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
            (Sum::Values, _) => {
                self.body.push_str("    sum = sum.wrapping_add(leaf);\n");
                let is_stopped = match (lead, self.is_last_score) {
                    _ if !self.early_exit => return,
                    (Some(rest), true) => format!("(sum > best || best - sum >= {rest})"),
                    (Some(rest), false) => format!("sum <= best && best - sum >= {rest}"),
                    (None, true) => "sum > best".to_owned(),
                    (None, false) => return,
                };
                let _ = writeln!(
                    self.body,
                    "    if EARLY && {is_stopped} {{\n        return sum;\n    }}"
                );
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

    /// Where a vote for a class is counted, and by what; `None` if it is not.
    fn counted(&self, class: usize) -> Option<(&'static str, u32)> {
        match self.sum {
            Sum::Registers { bits, .. } => {
                let lanes = (32 / bits) as usize;
                let unit = 1_u32 << (class % lanes * bits as usize);
                Some((REGISTERS[class / lanes], unit))
            }
            _ => (class > 0).then_some((SECOND, 1)),
        }
    }

    /// The condition under which the votes of the trees up to `index` have decided.
    fn is_decided(&self, index: usize) -> String {
        match (self.sum, self.enough) {
            (Sum::Registers { words, .. }, _) => {
                let words = REGISTERS[..words].join(", ");
                format!("(Votes {{ words: [{words}] }}).is_decided()")
            }
            (_, Enough::Votes(enough)) => {
                // Undecided are the counts with which neither class has enough.
                let (asked, enough) = (number(index + 1), *enough);
                let lowest = (asked + 1).saturating_sub(enough);
                let n_undecided = (2 * enough).saturating_sub(asked + 1);
                format!("{SECOND}.wrapping_sub({lowest}) >= {n_undecided}")
            }
            (_, Enough::Leads(_)) => unreachable!("classes are counted"),
        }
    }

    /// A tree whose leaves branch to blocks, one per class that is counted, that add a constant.
    fn labelled(&mut self, index: usize, tree: &Tree, n_trees: usize) {
        let classes: BTreeSet<usize> = tree
            .splits
            .iter()
            .flat_map(|split| split.children)
            .chain([tree.root])
            .filter_map(|child| match child {
                Child::Leaf(leaf) => self.counted(leaf).map(|_| leaf),
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
        let is_counted = |class: &usize| classes.contains(class);
        self.nested(tree, tree.root, inside, &|class| match is_counted(&class) {
            true => format!("break 'class_{class};"),
            false => "break 'tree;".to_owned(),
        });
        for (depth, class) in (1..=classes.len()).rev().zip(&classes) {
            let (name, unit) = self.counted(*class).expect("a class that is counted");
            let _ = writeln!(
                self.body,
                "{pad}}}\n{pad}{name} = {name}.wrapping_add({unit:#x});\n{pad}break 'tree;",
                pad = pad(depth),
            );
        }
        let _ = writeln!(self.body, "{}}}", pad(0));
        if self.can_decide && self.enough.may_be_reached(index, n_trees) {
            let is_decided = self.is_decided(index);
            let _ = writeln!(
                self.body,
                "{pad}if EARLY && {is_decided} {{\n{pad}    break 'decided;\n{pad}}}",
                pad = pad(0),
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
        let (numbers, compared) = (self.numbers, self.compared);
        let kind = numbers.map_or("usize", |_| "u32");
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
            let leaf = |it| leaf(numbers, it);
            nest(out, tree, root, indent, compared, &leaf, &mut cut);
        };
        write(&mut body, tree.root, indent, &mut parts);
        while let Some((number, split)) = parts.pop() {
            let mut text = format!(
                "#[inline(never)]\nfn part_{group}_{number}(x: &[Code; N_CODES]) -> {kind} {{\n"
            );
            write(&mut text, Child::Split(split), STEP, &mut parts);
            text.push_str("}\n\n");
            self.parts.push_str(&text);
        }
        self.body = body;
    }

    fn nested(&mut self, tree: &Tree, root: Child, indent: usize, leaf: &dyn Fn(usize) -> String) {
        let mut body = std::mem::take(&mut self.body);
        let mut whole = |_: Option<usize>, _, _| None;
        nest(
            &mut body,
            tree,
            root,
            indent,
            self.compared,
            leaf,
            &mut whole,
        );
        self.body = body;
    }

    fn finish(self, out: &mut String, is_one: bool, reads: bool) {
        let inline = if is_one {
            "#[inline(always)]"
        } else {
            "#[inline(never)]"
        };
        let (name, kind) = (self.group, self.sum.kind());
        // A forest of leaves alone reads no code.
        let x = if reads { "x" } else { "_x" };
        out.push_str(&self.parts);
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
        let _ = match self.sum {
            Sum::Single => write!(
                out,
                "#[inline(always)]\npub(crate) fn trees_{name}({x}: &[Code; N_CODES]) -> usize {{\n{}}}\n\n",
                self.body
            ),
            Sum::Second => {
                let is_mut = if self.body.contains("second = ") {
                    "mut "
                } else {
                    ""
                };
                write!(
                    out,
                    "{inline}\npub(crate) fn trees_{name}{generics}({x}: &[Code; N_CODES]) -> u32 {{\n    \
                     let {is_mut}{SECOND} = 0_u32;\n{open}{}{close}    {SECOND}\n}}\n\n",
                    self.body
                )
            }
            Sum::Registers { words, .. } => {
                let names = &REGISTERS[..words];
                write!(
                    out,
                    "{inline}\npub(crate) fn trees_{name}{generics}({x}: &[Code; N_CODES], votes: &mut Votes) {{\n    \
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
            Sum::Values => {
                let (generics, best) = match (self.early_exit, self.body.contains("best")) {
                    (false, _) => ("", ""),
                    (true, true) => ("<const EARLY: bool>", "best: u32"),
                    (true, false) => ("<const EARLY: bool>", "_best: u32"),
                };
                let parameters = [&format!("{x}: &[Code; N_CODES]"), "mut sum: u32", best];
                let parameters = parameters.into_iter().filter(|it| !it.is_empty());
                let line = parameters.clone().collect::<Vec<&str>>().join(", ");
                let head = format!("pub(crate) fn trees_{name}{generics}({line}) -> u32 {{");
                let head = if head.len() <= 100 {
                    head
                } else {
                    let lines: String = parameters.map(|it| format!("    {it},\n")).collect();
                    format!("pub(crate) fn trees_{name}{generics}(\n{lines}) -> u32 {{")
                };
                write!(out, "{inline}\n{head}\n{}    sum\n}}\n\n", self.body)
            }
            _ if self.early_exit => write!(
                out,
                "{inline}\npub(crate) fn trees_{name}<const EARLY: bool>(\n    {x}: &[Code; N_CODES],\n    \
                 votes: &mut {kind},\n) -> Option<usize> {{\n{}    None\n}}\n\n",
                self.body
            ),
            _ => write!(
                out,
                "{inline}\npub(crate) fn trees_{name}({x}: &[Code; N_CODES], votes: &mut {kind}) {{\n{}}}\n\n",
                self.body
            ),
        };
    }
}

/// What a leaf is in an expression: its value, or its number.
fn leaf(numbers: Option<&Numbers>, leaf: usize) -> String {
    match numbers {
        Some(numbers) => numbers.get(leaf).to_string(),
        None => leaf.to_string(),
    }
}

/// Local name of the votes of the second of two classes.
const SECOND: &str = "second";
/// Local names of the words of counts.
const REGISTERS: [&str; WORDS_MAX] = ["a", "b", "c", "d"];
