//! `classify` and `scores` of a crate of branches.

use std::fmt::Write;

use super::Sum;
use crate::exit::{Enough, majority};

/// `classify` and `scores` of the crate.
pub(super) fn functions(
    sum: Sum,
    n_groups: usize,
    n_trees: usize,
    enough: &Enough,
    early_exit: bool,
) -> String {
    let (classify_doc, scores_doc) = (CLASSIFY, SCORES);
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
    let both = |new: &str| [new.to_owned(), new.to_owned()];
    let ([new, new_of_all], class, scores) = match sum {
        Sum::Single => {
            return format!(
                "{classify_doc}    trees::trees_0(codes)\n}}\n\n\
                 {scores_doc}    let mut scores = [0; N_CLASSES];\n    \
                 if let Some(score) = scores.get_mut(classify(codes)) {{\n        *score = 1;\n    }}\n    scores\n}}\n"
            );
        }
        Sum::Second => {
            let generics = |early: bool| match early_exit {
                true => format!("::<{early}>"),
                false => String::new(),
            };
            return format!(
                "{classify_doc}    usize::from(trees::trees_0{}(codes) >= {})\n}}\n\n\
                 {scores_doc}    let second = trees::trees_0{}(codes);\n    \
                 [{n_trees}_u32.wrapping_sub(second), second]\n}}\n",
                generics(true),
                enough.unwrap_or(majority(n_trees)),
                generics(false),
            );
        }
        Sum::Registers { bits, .. } => {
            let full = 1_u32 << (bits - 1);
            let new = |enough: u32| format!("    let mut votes = trees::Votes::new({enough});\n");
            // Beyond a majority, the rest of the votes fits a lane.
            let enough_of_all = if early_exit { majority(n_trees) } else { full };
            (
                [new(enough.unwrap_or(full)), new(enough_of_all)],
                if early_exit {
                    "    votes.winner(N_CLASSES)\n"
                } else {
                    "    votes.most(N_CLASSES)\n"
                },
                format!("    core::array::from_fn(|class| votes.count(class, {enough_of_all}))\n"),
            )
        }
        Sum::Counts { .. } => (
            both("    let mut votes = [0; N_CLASSES];\n"),
            "    most(&votes)\n",
            "    votes.map(Score::from)\n".to_owned(),
        ),
        Sum::Lanes => (
            both("    let mut votes = Lanes::<WORDS>::new();\n"),
            "    votes.argmax(N_CLASSES)\n",
            "    let mut scores = [0; N_CLASSES];\n    \
             for (score, sum) in scores.iter_mut().zip(votes.sums(N_CLASSES)) {\n        \
             *score = sum;\n    }\n    scores\n"
                .to_owned(),
        ),
        Sum::Values => unreachable!("they have functions of their own"),
        Sum::Words => (
            both("    let mut votes = [0; N_CLASSES];\n"),
            "    argmax(&votes)\n",
            "    votes\n".to_owned(),
        ),
    };
    format!(
        "{classify_doc}{new}{}{class}}}\n\n{scores_doc}{new_of_all}{}{scores}}}\n",
        calls(true),
        calls(false)
    )
}

/// The same where trees add to one score each: `bases` has what each begins with, `groups` the score
/// that each group of trees adds to.
pub(super) fn of_values(bases: &[u32], groups: &[usize], early_exit: bool) -> String {
    // The statements that put a score's sum into `place`, one for each group.
    let sum = |place: &str, known: &str, score: usize, best: &str| {
        let (generics, best) = match (early_exit, best) {
            (false, _) => ("", String::new()),
            (true, "") => ("::<false>", ", 0".to_owned()),
            (true, best) => ("::<true>", format!(", {best}")),
        };
        let mut sum = bases[score].to_string();
        let mut text = String::new();
        for (group, _) in groups.iter().enumerate().filter(|(_, it)| **it == score) {
            let call = format!("trees::trees_{group}{generics}(codes, {sum}{best})");
            let _ = writeln!(text, "    {place} = {call};");
            known.clone_into(&mut sum);
        }
        if text.is_empty() {
            let _ = writeln!(text, "    {place} = {sum};");
        }
        text
    };
    let last = bases.len() - 1;
    let mut classify = String::new();
    if last == 0 {
        // Of one score the class is known.
        classify.push_str("    let _ = codes;\n    0\n");
    } else {
        classify.push_str("    let mut class = 0;\n");
        classify.push_str(&sum("let best", "best", 0, "0"));
        if last > 1 {
            classify.push_str("    let mut best = best;\n");
        }
        for score in 1..=last {
            classify.push_str(&sum("let sum", "sum", score, "best"));
            let best = if score < last {
                "        best = sum;\n"
            } else {
                ""
            };
            let _ = writeln!(
                classify,
                "    if sum > best {{\n        class = {score};\n{best}    }}"
            );
        }
        classify.push_str("    class\n");
    }
    let mut scores = "    let mut scores = [0; N_CLASSES];\n".to_owned();
    for score in 0..=last {
        let place = format!("scores[{score}]");
        scores.push_str(&sum(&place, &place, score, ""));
    }
    format!("{CLASSIFY}{classify}}}\n\n{SCORES}{scores}    scores\n}}\n")
}

const CLASSIFY: &str = "/// The class index of a row of codes; ties go to the lowest.\n#[must_use]\n#[inline(never)]\n\
                        pub fn classify(codes: &[Code; N_CODES]) -> usize {\n";
const SCORES: &str = "/// The score of each class for a row of codes.\n#[must_use]\n\
                      pub fn scores(codes: &[Code; N_CODES]) -> [Score; N_CLASSES] {\n";
