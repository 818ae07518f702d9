//! Source of a model's tables; their twins are the runtime's `compact.rs`, `packed.rs`, `forest.rs`
//! and `bayes.rs`.

use std::fmt::{Display, Write};

use spinney_quantize::{Leaves, Numbers, QuantBayes, QuantForest};
use spinney_runtime::forest::LEAF;

use crate::compact::{Compact, Nodes, Rows};
use crate::exit::Enough;
use crate::levels::{Asked, Levels};
use crate::packed::Packed;

const WIDTH: usize = 100;

/// The tables of compact trees, without a header.
pub(crate) fn compact(compact: &Compact, unit: &str) -> String {
    let mut out = String::new();
    let starts = compact.starts.iter();
    array(&mut out, "Where each tree starts.", "STARTS", "u32", starts);
    match &compact.nodes {
        Nodes::Three { bytes, .. } => array(
            &mut out,
            "A split in three bytes, after one that is not used: argument, leaf marks and feature, \
             threshold.",
            "NODES",
            "u8",
            bytes.iter(),
        ),
        Nodes::Words { words, more, .. } => {
            array(
                &mut out,
                "A split in a word: feature, argument, leaf marks, threshold, from the low end.",
                "NODES",
                "u32",
                words.iter().map(|word| format!("{word:#010x}")),
            );
            if let Some(more) = more {
                let doc = "What of each split's argument is above the bits in its word.";
                numbers(&mut out, doc, "MORE", more);
            }
        }
        Nodes::Packed(packed) => {
            array(
                &mut out,
                "Splits, bit by bit: feature, threshold, argument, from the low end.",
                "NODES",
                "u8",
                packed.bytes.iter(),
            );
            array(
                &mut out,
                "Pairs of leaves, left and right.",
                "PAIRS",
                "[u16; 2]",
                packed.pairs.iter().map(|pair| format!("{pair:?}")),
            );
        }
        Nodes::Levels(levels) => self::levels(&mut out, levels),
    }
    rows(&mut out, &compact.rows, unit);
    out
}

fn levels(out: &mut String, levels: &Levels) {
    let doc = format!(
        "Feature and threshold of each level, {} a tree.",
        levels.depth
    );
    match &levels.asked {
        Asked::Bytes(asked) => {
            let asked = asked.iter().map(|level| format!("{level:?}"));
            array(out, &doc, "NODES", "[u8; 2]", asked);
        }
        Asked::Halves(asked) => {
            let asked = asked.iter().map(|level| format!("{level:?}"));
            array(out, &doc, "NODES", "[u16; 2]", asked);
        }
    }
    if let Some(leaves) = levels.numbers() {
        let doc =
            "The leaf that the bits of a tree's levels lead to, those of the first the highest.";
        numbers(out, doc, "NUMBERS", leaves);
    }
}

/// The votes of leaves.
pub(crate) fn rows(out: &mut String, rows: &Rows, unit: &str) {
    match rows {
        Rows::Classes => {}
        Rows::Lanes(words) => array(
            out,
            &format!(
                "Votes in units of {unit}, a byte per class, four to a word; a row per distinct \
                 leaf."
            ),
            "LEAVES",
            "u32",
            words.iter().map(|word| format!("{word:#010x}")),
        ),
        Rows::Words(votes) => array(
            out,
            &format!("Votes per class, in units of {unit}; a row per distinct leaf."),
            "LEAVES",
            "u16",
            votes.iter(),
        ),
        Rows::Values {
            numbers,
            bases,
            ends,
        } => {
            values(out, numbers, unit);
            if has_bases(bases) {
                self::bases(out, bases);
            }
            let doc = "Where the trees of each score end, which is where those of the next begin.";
            array(out, doc, "ENDS", "u16", ends.iter());
        }
    }
}

/// Whether scores begin with something, which a table then holds.
pub(crate) fn has_bases(bases: &[u32]) -> bool {
    bases.iter().any(|base| *base != 0)
}

fn values(out: &mut String, numbers: &Numbers, unit: &str) {
    let doc = format!("Values of leaves, in units of {unit}.");
    self::numbers(out, &doc, "LEAVES", numbers);
}

fn numbers(out: &mut String, doc: &str, name: &str, numbers: &Numbers) {
    match numbers {
        Numbers::Bytes(values) => array(out, doc, name, "u8", values.iter()),
        Numbers::Halves(values) => array(out, doc, name, "u16", values.iter()),
        Numbers::Words(values) => array(out, doc, name, "u32", values.iter()),
    }
}

fn bases(out: &mut String, bases: &[u32]) {
    array(
        out,
        "What each score begins with.",
        "BASES",
        "u32",
        bases.iter(),
    );
}

/// The runtime's name of a width.
fn kind(numbers: &Numbers) -> &'static str {
    match numbers {
        Numbers::Bytes(_) => "Bytes",
        Numbers::Halves(_) => "Halves",
        Numbers::Words(_) => "Words",
    }
}

/// The leaves of values in the static that is checked, and what it imports.
fn values_static(numbers: &Numbers, bases: &[u32], rest: &str) -> String {
    let kind = kind(numbers);
    let bases = if has_bases(bases) {
        "&tables::BASES"
    } else {
        "&[0; N_CLASSES]"
    };
    format!(
        "Leaves::Values {{\n        values: Values::{kind}(&tables::LEAVES),\n        \
         bases: {bases},\n        {rest},\n    }}"
    )
}

/// What a static with values imports more.
const VALUES: &str = "\nuse spinney_runtime::values::Values;";

/// The static that checks compact tables while it is compiled.
pub(crate) fn compact_static(compact: &Compact) -> String {
    let nodes = match &compact.nodes {
        Nodes::Three { unaligned, .. } => format!(
            "Nodes::Three {{\n        bytes: &tables::NODES,\n        unaligned: {unaligned},\n    }}"
        ),
        Nodes::Words {
            more,
            threshold_bits,
            feature_bits,
            ..
        } => format!(
            "Nodes::Words {{\n        words: &tables::NODES,\n        more: {},\n        \
             threshold_bits: {threshold_bits},\n        feature_bits: {feature_bits},\n    }}",
            optional(more.as_ref(), "MORE")
        ),
        Nodes::Packed(packed) => packed_nodes(packed),
        Nodes::Levels(levels) => levels_nodes(levels),
    };
    let leaves = match &compact.rows {
        Rows::Classes => "Leaves::Classes".to_owned(),
        Rows::Lanes(_) => "Leaves::Lanes(&tables::LEAVES)".to_owned(),
        Rows::Words(_) => "Leaves::Words(&tables::LEAVES)".to_owned(),
        Rows::Values { numbers, bases, .. } => values_static(numbers, bases, "ends: &tables::ENDS"),
    };
    let packed = match &compact.nodes {
        Nodes::Packed(_) => "\nuse spinney_runtime::packed::Packed;",
        Nodes::Levels(_) => "\nuse spinney_runtime::levels::{Asked, Levels};",
        _ => "",
    };
    let has_numbers = match &compact.nodes {
        Nodes::Levels(levels) => levels.numbers().is_some(),
        Nodes::Words { more, .. } => more.is_some(),
        Nodes::Three { .. } | Nodes::Packed(_) => false,
    };
    let values = match &compact.rows {
        Rows::Values { .. } => VALUES,
        _ if has_numbers => VALUES,
        _ => "",
    };
    checked(
        &format!(
            "use spinney_runtime::compact::{{Forest, Leaves, Nodes, Tables}};{packed}{values}"
        ),
        "Forest",
        &format!("    starts: &tables::STARTS,\n    nodes: {nodes},\n    leaves: {leaves},\n"),
    )
}

/// A table that there may be, as the runtime's option.
fn optional(numbers: Option<&Numbers>, name: &str) -> String {
    numbers.map_or("None".to_owned(), |numbers| {
        format!("Some(Values::{}(&tables::{name}))", kind(numbers))
    })
}

fn levels_nodes(levels: &Levels) -> String {
    let asked = match &levels.asked {
        Asked::Bytes(_) => "Bytes",
        Asked::Halves(_) => "Halves",
    };
    let numbers = optional(levels.numbers(), "NUMBERS");
    format!(
        "Nodes::Levels(Levels {{\n        depth: {},\n        \
             asked: Asked::{asked}(&tables::NODES),\n        numbers: {numbers},\n    }})",
        levels.depth
    )
}

fn packed_nodes(packed: &Packed) -> String {
    format!(
        "Nodes::Packed(Packed {{\n        \
             len: {},\n        \
             bytes: &tables::NODES,\n        \
             feature_bits: {},\n        \
             threshold_bits: {},\n        \
             threshold_base: {},\n        \
             argument_bits: {},\n        \
             n_leaves: {},\n        \
             pairs: &tables::PAIRS,\n    \
         }})",
        packed.len,
        packed.feature_bits,
        packed.threshold_bits,
        packed.threshold_base,
        packed.argument_bits,
        packed.n_leaves
    )
}

/// The static that checks the widest tables while it is compiled.
pub(crate) fn wide_static(forest: &QuantForest) -> String {
    let leaves = match forest.leaves() {
        Leaves::Classes => "Leaves::Classes".to_owned(),
        Leaves::Bytes(_) => "Leaves::Bytes(&tables::LEAVES)".to_owned(),
        Leaves::Words(_) => "Leaves::Words(&tables::LEAVES)".to_owned(),
        Leaves::Values(values) => {
            values_static(&values.numbers, &values.bases, "scores: &tables::SCORES")
        }
    };
    let values = match forest.leaves() {
        Leaves::Values(_) => VALUES,
        _ => "",
    };
    checked(
        &format!("use spinney_runtime::forest::{{Forest, Leaves, Tables}};{values}"),
        "Forest",
        &format!(
            "    trees: &tables::TREES,\n    splits: &tables::SPLITS,\n    leaves: {leaves},\n"
        ),
    )
}

/// The static that checks the tables of naive Bayes while it is compiled.
pub(crate) fn bayes_static() -> String {
    checked(
        "use spinney_runtime::bayes::{GaussianNb, Tables};",
        "GaussianNb",
        "    terms: &tables::TERMS,\n    offsets: &tables::OFFSETS,\n",
    )
}

fn checked(imports: &str, kind: &str, fields: &str) -> String {
    format!(
        "{imports}\n\n\
         /// The model. Invalid tables do not compile, and valid ones need no check at run time.\n\
         static MODEL: {kind}<'static> = match {kind}::new(Tables {{\n    \
             n_features: N_CODES,\n    \
             n_classes: N_CLASSES,\n\
         {fields}\
         }}) {{\n    \
             Ok(model) => model,\n    \
             Err(error) => error.refuse(),\n\
         }};\n"
    )
}

/// The bounds of an early exit, where they are a table.
pub(crate) fn leads(out: &mut String, enough: &Enough) {
    if let Enough::Leads(leads) = enough {
        array(
            out,
            "The lead that the trees after each tree cannot make up for.",
            "LEADS",
            "u32",
            leads
                .iter()
                .map(|lead| lead.map_or("u32::MAX".to_owned(), |lead| lead.to_string())),
        );
    }
}

/// The tables of the widest form, for models that no other holds.
pub(crate) fn wide(forest: &QuantForest) -> String {
    let child = |child: u16| {
        if child & LEAF == 0 {
            child.to_string()
        } else {
            format!("L + {}", child ^ LEAF)
        }
    };
    let mut out = String::from(
        "use spinney_runtime::forest::{LEAF as L, Split, Tree};\n\n\
         const fn s(feature: u16, threshold: i16, left: u16, right: u16) -> Split {\n    \
             Split { feature, threshold, children: [left, right] }\n\
         }\n\n\
         const fn t(first_split: u32, root: u16) -> Tree {\n    \
             Tree { first_split, root }\n\
         }\n\n",
    );
    let trees = forest
        .trees()
        .iter()
        .map(|tree| format!("t({}, {})", tree.first_split, child(tree.root)));
    array(&mut out, "Where each tree starts.", "TREES", "Tree", trees);
    let splits = forest.splits().iter().map(|split| {
        format!(
            "s({}, {}, {}, {})",
            split.feature,
            split.threshold,
            child(split.children[0]),
            child(split.children[1])
        )
    });
    array(
        &mut out,
        "Feature, threshold, and the children to the left and right.",
        "SPLITS",
        "Split",
        splits,
    );
    let doc = format!(
        "Votes per class, in units of {}; a row per distinct leaf.",
        forest.unit()
    );
    match forest.leaves() {
        Leaves::Classes => {}
        Leaves::Bytes(votes) => array(&mut out, &doc, "LEAVES", "u8", votes.iter()),
        Leaves::Words(votes) => array(&mut out, &doc, "LEAVES", "u16", votes.iter()),
        Leaves::Values(of_leaves) => {
            values(&mut out, &of_leaves.numbers, &forest.unit());
            if has_bases(&of_leaves.bases) {
                bases(&mut out, &of_leaves.bases);
            }
            let doc = "The score that each tree adds to.";
            array(&mut out, doc, "SCORES", "u8", of_leaves.scores.iter());
        }
    }
    out
}

/// The tables of naive Bayes.
pub(crate) fn bayes(bayes: &QuantBayes) -> String {
    let mut out = String::from(
        "use spinney_runtime::bayes::Term;\n\n\
         const fn t(mean: i16, factor: u16, shift: u8) -> Term {\n    \
             Term::new(mean, factor, shift)\n\
         }\n\n",
    );
    let terms = bayes
        .terms()
        .iter()
        .map(|term| format!("t({}, {}, {})", term.mean(), term.factor(), term.shift()));
    array(
        &mut out,
        "Mean, factor and shift of each feature, class after class.",
        "TERMS",
        "Term",
        terms,
    );
    let doc = format!(
        "½ Σ log(2π σ²) − log P(c) of each class, in units of 2^−{} nats.",
        bayes.score_bits()
    );
    array(&mut out, &doc, "OFFSETS", "i64", bayes.offsets().iter());
    out
}

/// A static array with as many items on a line as fit.
fn array(
    out: &mut String,
    doc: &str,
    name: &str,
    kind: &str,
    items: impl ExactSizeIterator<Item = impl Display>,
) {
    let _ = writeln!(
        out,
        "/// {doc}\npub(crate) static {name}: [{kind}; {}] = [",
        items.len()
    );
    let mut line = String::from("   ");
    for item in items {
        let item = item.to_string();
        if line.len() + item.len() + 2 > WIDTH {
            let _ = writeln!(out, "{line}");
            line.truncate(3);
        }
        let _ = write!(line, " {item},");
    }
    let _ = writeln!(out, "{line}\n];\n");
}
