//! `classify` and `scores` of trees that add to one score each, in C.

use std::fmt::Write;

use spinney_quantize::Values;

use super::{CLASSIFY_DOC, SCORES_DOC, item_of};
use crate::c99::text::Item;
use crate::tables::has_bases;
use crate::trees::Tree;

/// `classify` and `scores` of trees that add to one score each.
pub(super) struct OfValues<'a> {
    pub values: &'a Values,
    pub trees: &'a [Tree],
    /// The type of a sum.
    pub sum: Item,
    /// Whether one function walks all trees, or each has its own.
    pub is_table: bool,
    /// What trees after each can add to its score, with early exit.
    pub leads: Option<&'a Vec<Option<u32>>>,
}

impl OfValues<'_> {
    pub(super) fn write(&self, out: &mut String) {
        let n_scores = self.values.bases.len();
        if self.is_table {
            self.walk(out, false);
            if self.leads.is_some() {
                self.walk(out, true);
            }
        } else {
            for score in 0..n_scores {
                self.branches(out, score, false);
                if self.leads.is_some() && score > 0 {
                    self.branches(out, score, true);
                }
            }
        }
        let sum = self.sum.name();
        let call = |score: &str, is_early: bool| match (self.is_table, is_early) {
            (true, false) => format!("@_sum(codes, {score})"),
            (true, true) => format!("@_sum_early(codes, {score}, best)"),
            (false, false) => format!("@_sum_{score}(codes)"),
            (false, true) => format!("@_sum_{score}_early(codes, best)"),
        };
        let is_early = self.leads.is_some();
        let take = |score: &str, pad: &str| {
            format!(
                "{pad}sum = {};\n{pad}if (sum > best) {{\n{pad}    best = sum;\n{pad}    \
                 winner = {score};\n{pad}}}\n",
                call(score, is_early)
            )
        };
        let others = if n_scores == 1 {
            String::new()
        } else if self.is_table {
            format!(
                "    for (score = 1; score < $_N_CLASSES; score++) {{\n{}    }}\n",
                take("score", "        ")
            )
        } else {
            (1..n_scores)
                .map(|score| take(&score.to_string(), "    "))
                .collect()
        };
        let scores: String = if self.is_table {
            format!(
                "    size_t i;\n    for (i = 0; i < $_N_CLASSES; i++) {{\n        \
                 scores[i] = {};\n    }}\n",
                call("i", false)
            )
        } else {
            let score =
                |it: usize| format!("    scores[{it}] = {};\n", call(&it.to_string(), false));
            (0..n_scores).map(score).collect()
        };
        let locals = match (n_scores, self.is_table) {
            (1, _) => String::new(),
            (_, true) => format!("    {sum} sum;\n    uint8_t score;\n"),
            (_, false) => format!("    {sum} sum;\n"),
        };
        let classify = if n_scores == 1 {
            "    (void)codes;\n    return 0;\n".to_owned()
        } else {
            format!(
                "    {sum} best = {};\n    uint8_t winner = 0;\n{locals}{others}    return winner;\n",
                call("0", false)
            )
        };
        let _ = write!(
            out,
            "{CLASSIFY_DOC}\
             static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n{classify}}}\n\n\
             {SCORES_DOC}\
             static inline void @_scores(\n    const @_code_t codes[$_LEAST($_N_CODES)],\n    \
             @_score_t scores[$_LEAST($_N_CLASSES)])\n{{\n{scores}}}\n\n"
        );
    }

    /// The function that walks the trees of a score.
    fn walk(&self, out: &mut String, is_early: bool) {
        let sum = self.sum.name();
        let base = if has_bases(&self.values.bases) {
            format!("({sum}){}", Item::U32.read("@_bases + score"))
        } else {
            "0".to_owned()
        };
        let row = item_of(&self.values.numbers);
        let (doc, name, best, stop) = if is_early {
            (
                "As above, until the sum cannot change whether it is above `best`.",
                "_early",
                format!(", {sum} best"),
                format!(
                    "        if (sum > best) {{\n            \
                         if (score + 1 == $_N_CLASSES) {{\n                break;\n            }}\n        \
                     }} else if (({sum})(best - sum) >= {}) {{\n            break;\n        }}\n",
                    self.sum.read("@_leads + tree")
                ),
            )
        } else {
            (
                "The sum of the trees of a score.",
                "",
                String::new(),
                String::new(),
            )
        };
        let _ = write!(
            out,
            "/* {doc} */\n\
             static inline {sum} @_sum{name}(const @_code_t *codes, size_t score{best})\n{{\n    \
                 {sum} sum = {base};\n    \
                 size_t tree = score == 0 ? 0 : {};\n    \
                 const size_t end = {};\n    \
                 for (; tree < end; tree++) {{\n        \
                     sum = ({sum})(sum + {});\n{stop}    }}\n    \
                 return sum;\n}}\n\n",
            Item::U16.read("@_ends + score - 1"),
            Item::U16.read("@_ends + score"),
            row.read("@_leaves + @_leaf(codes, tree)"),
        );
    }

    /// The function that asks the trees of a score.
    fn branches(&self, out: &mut String, score: usize, is_early: bool) {
        let sum = self.sum.name();
        let (name, best) = if is_early {
            ("_early", format!(", {sum} best"))
        } else {
            ("", String::new())
        };
        let mut body = String::new();
        let is_last = score + 1 == self.values.bases.len();
        let mut stops = false;
        for (index, _) in (0..)
            .zip(self.trees)
            .filter(|(_, tree)| tree.score == score)
        {
            let _ = writeln!(body, "    sum = ({sum})(sum + @_tree_{index}(codes));");
            let lead = self.leads.and_then(|leads| leads[index]);
            let lead = lead.map(|lead| format!("({sum})(best - sum) >= {lead}u"));
            let stop = match (lead, is_last) {
                _ if !is_early => None,
                (Some(lead), true) => Some(format!("sum > best || {lead}")),
                (Some(lead), false) => Some(format!("sum <= best && {lead}")),
                (None, true) => Some("sum > best".to_owned()),
                (None, false) => None,
            };
            if let Some(stop) = stop {
                stops = true;
                let _ = writeln!(body, "    if ({stop}) {{\n        return sum;\n    }}");
            }
        }
        let unused = match (body.is_empty(), is_early && !stops) {
            (true, true) => "    (void)codes;\n    (void)best;\n",
            (true, false) => "    (void)codes;\n",
            (false, true) => "    (void)best;\n",
            (false, false) => "",
        };
        let _ = write!(
            out,
            "/* The sum of the trees of score {score}{}. */\n\
             static inline {sum} @_sum_{score}{name}(const @_code_t *codes{best})\n{{\n    \
             {sum} sum = {}u;\n{unused}{body}    return sum;\n}}\n\n",
            if is_early {
                ", until it cannot change whether it is above `best`"
            } else {
                ""
            },
            self.values.bases[score],
        );
    }
}
