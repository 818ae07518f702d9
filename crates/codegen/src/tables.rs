//! Source of the model's tables; their twins are the runtime's `forest.rs` and `bayes.rs`.

use std::fmt::{Display, Write};

use spinney_quantize::{Body, Leaves, QuantBayes, QuantForest, QuantModel};
use spinney_runtime::forest::LEAF;

const WIDTH: usize = 100;

/// The tables of `model`, without a header.
pub(crate) fn source(model: &QuantModel) -> String {
    match model.body() {
        Body::Forest(forest) => forest_tables(forest),
        Body::Bayes(bayes) => bayes_tables(bayes),
    }
}

/// The static that checks the tables while it is compiled.
pub(crate) fn model_static(model: &QuantModel) -> String {
    let (module, kind, fields) = match model.body() {
        Body::Forest(forest) => {
            let leaves = match forest.leaves() {
                Leaves::Classes => "Leaves::Classes",
                Leaves::Bytes(_) => "Leaves::Bytes(&tables::LEAVES)",
                Leaves::Words(_) => "Leaves::Words(&tables::LEAVES)",
            };
            (
                "forest::{Forest, Leaves, Tables}",
                "Forest",
                format!(
                    "    trees: &tables::TREES,\n    splits: &tables::SPLITS,\n    leaves: {leaves},\n"
                ),
            )
        }
        Body::Bayes(_) => (
            "bayes::{GaussianNb, Tables}",
            "GaussianNb",
            "    terms: &tables::TERMS,\n    offsets: &tables::OFFSETS,\n".to_owned(),
        ),
    };
    format!(
        "use spinney_runtime::{module};\n\n\
         /// The model. Invalid tables do not compile, and valid ones need no check at run time.\n\
         static MODEL: {kind}<'static> = match {kind}::new(Tables {{\n    \
             n_features: N_FEATURES,\n    \
             n_classes: N_CLASSES,\n\
         {fields}\
         }}) {{\n    \
             Ok(model) => model,\n    \
             Err(error) => error.refuse(),\n\
         }};\n"
    )
}

fn forest_tables(forest: &QuantForest) -> String {
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
        "Votes per class, in units of 1/{}; a row per distinct leaf.",
        forest.leaves().unit()
    );
    match forest.leaves() {
        Leaves::Classes => {}
        Leaves::Bytes(votes) => array(&mut out, &doc, "LEAVES", "u8", votes.iter()),
        Leaves::Words(votes) => array(&mut out, &doc, "LEAVES", "u16", votes.iter()),
    }
    out
}

fn bayes_tables(bayes: &QuantBayes) -> String {
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
