//! `classify` and `scores` of trees that vote, in C.

use std::fmt::Write;

use super::{CLASSIFY_DOC, SCORES_DOC, Sum};
use crate::exit::Enough;

/// What `classify` and `scores` are made of.
pub(super) struct Calls<'a> {
    pub n_trees: usize,
    /// Whether one function walks all trees, or each has its own.
    pub is_table: bool,
    pub sum: &'a Sum,
    /// Where to stop, with early exit.
    pub bounds: Option<&'a Enough>,
}

impl Calls<'_> {
    /// `classify` and `scores` of one tree whose leaves are classes.
    pub(super) fn single(&self) -> String {
        let leaf = self.leaf(0);
        format!(
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n    \
                 return {leaf};\n}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n    \
                 const uint8_t leaf = {leaf};\n    \
                 for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                     scores[i] = i == leaf;\n    }}\n}}\n\n"
        )
    }

    /// The call that gives the leaf of a tree.
    fn leaf(&self, tree: usize) -> String {
        if self.is_table {
            format!("@_leaf(codes, {tree})")
        } else {
            format!("@_tree_{tree}(codes)")
        }
    }

    pub(super) fn write(&self, out: &mut String) {
        let sum = self.sum.item.name();
        let _ = write!(
            out,
            "/* The class with the largest sum, the lowest among equals. */\n\
             static inline uint8_t @_largest(const {sum} *sums)\n{{\n    \
                 uint8_t best = 0;\n    \
                 for (uint8_t i = 1; i < $_N_CLASSES; i++) {{\n        \
                     if (sums[i] > sums[best]) {{\n            best = i;\n        }}\n    }}\n    \
                 return best;\n}}\n\n"
        );
        if let Some(row) = self.sum.row {
            let _ = write!(
                out,
                "/* Adds the votes of a leaf. */\n\
                 static inline void @_add({sum} *sums, {leaf} leaf)\n{{\n    \
                     const {row} *votes = @_leaves + (size_t)leaf * $_N_CLASSES;\n    \
                     for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                         sums[i] = ({sum})(sums[i] + {vote});\n    }}\n}}\n\n",
                leaf = self.sum.leaf.name(),
                row = row.name(),
                vote = row.read("votes + i"),
            );
        }
        if let Some(Enough::Leads(_)) = self.bounds {
            let _ = write!(
                out,
                "/* By how much the largest sum leads the second largest. */\n\
                 static inline {sum} @_lead(const {sum} *sums)\n{{\n    \
                     {sum} first = 0;\n    \
                     {sum} second = 0;\n    \
                     for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                         if (sums[i] > first) {{\n            \
                             second = first;\n            first = sums[i];\n        \
                         }} else if (sums[i] > second) {{\n            \
                             second = sums[i];\n        }}\n    }}\n    \
                     return ({sum})(first - second);\n}}\n\n"
            );
        }
        let _ = write!(
            out,
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n    \
                 {sum} sums[$_N_CLASSES] = {{0}};\n{}    \
                 return @_largest(sums);\n}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n    \
                 {sum} sums[$_N_CLASSES] = {{0}};\n{}    \
                 for (size_t i = 0; i < $_N_CLASSES; i++) {{\n        \
                     scores[i] = sums[i];\n    }}\n}}\n\n",
            self.all_trees(self.bounds),
            self.all_trees(None)
        );
    }

    /// The statements that ask all trees, or as many as `bounds` leave to ask.
    fn all_trees(&self, bounds: Option<&Enough>) -> String {
        if self.is_table {
            return self.in_a_loop(bounds);
        }
        let mut out = String::new();
        if let Some(Enough::Votes(_)) = bounds {
            let _ = writeln!(out, "    {} leaf;", self.sum.leaf.name());
        }
        for tree in 0..self.n_trees {
            let leaf = self.leaf(tree);
            let is_last = tree + 1 == self.n_trees;
            let _ = match (self.sum.row, bounds) {
                (None, Some(Enough::Votes(enough))) if tree + 1 >= *enough as usize && !is_last => {
                    writeln!(
                        out,
                        "    leaf = {leaf};\n    \
                         if (++sums[leaf] == {enough}) {{\n        return leaf;\n    }}"
                    )
                }
                (None, _) => writeln!(out, "    sums[{leaf}]++;"),
                (Some(_), Some(Enough::Leads(leads))) => {
                    let _ = writeln!(out, "    @_add(sums, {leaf});");
                    match leads[tree] {
                        Some(lead) => writeln!(
                            out,
                            "    if (@_lead(sums) > {lead}) {{\n        \
                             return @_largest(sums);\n    }}"
                        ),
                        None => Ok(()),
                    }
                }
                (Some(_), _) => writeln!(out, "    @_add(sums, {leaf});"),
            };
        }
        out
    }

    fn in_a_loop(&self, bounds: Option<&Enough>) -> String {
        let body = match (self.sum.row, bounds) {
            (None, Some(Enough::Votes(enough))) => format!(
                "        const uint8_t leaf = @_leaf(codes, tree);\n        \
                 if (++sums[leaf] == {enough}) {{\n            return leaf;\n        }}\n"
            ),
            (None, _) => "        sums[@_leaf(codes, tree)]++;\n".to_owned(),
            (Some(_), Some(Enough::Leads(_))) => format!(
                "        @_add(sums, @_leaf(codes, tree));\n        \
                 if (@_lead(sums) > {}) {{\n            break;\n        }}\n",
                self.sum.item.read("&@_leads[tree]")
            ),
            (Some(_), _) => "        @_add(sums, @_leaf(codes, tree));\n".to_owned(),
        };
        format!("    for (size_t tree = 0; tree < $_N_TREES; tree++) {{\n{body}    }}\n")
    }
}
