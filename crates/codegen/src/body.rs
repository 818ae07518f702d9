//! The part of a generated crate that depends on the encoding: tables or branches, and the
//! functions over them.

use spinney_checker::{Layout, LeafTable};
use spinney_model::Task;
use spinney_quantize::{Body as QuantBody, QuantForest, QuantModel};
use spinney_runtime::forest::Split;

use crate::compact::{Compact, Rows, wide_bytes};
use crate::exit::{Enough, enough};
use crate::levels::Levels;
use crate::options::{CodeType, Encoding, Options};
use crate::trees::{Tree, trees};
use crate::{branches, coding, layout, tables};

/// Why an encoding does not hold a model: what was found, what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encoding \"{encoding}\": found {found}, expected {expected}")]
pub struct EncodingError {
    /// The encoding.
    pub encoding: &'static str,
    /// What the model needs.
    pub found: String,
    /// What the encoding holds.
    pub expected: String,
}

/// Texts of a generated crate.
pub(crate) struct Body {
    pub options: Options,
    pub form: String,
    pub table_bytes: usize,
    pub layout: Option<Layout>,
    pub leaves: Option<LeafTable>,
    /// The code that each split asks, or each level, or each term of naive Bayes.
    pub asked: Vec<usize>,
    /// Whether there is a module of tables.
    pub has_tables: bool,
    pub imports_and_static: String,
    pub functions: String,
    pub tables: String,
    pub trees: Option<String>,
    /// Whether the functions use the number of words of votes.
    pub has_words: bool,
}

impl Body {
    pub(crate) fn new(model: &QuantModel, options: Options) -> Result<Self, EncodingError> {
        match model.body() {
            QuantBody::Forest(forest) => forest_body(model, forest, options),
            QuantBody::Bayes(bayes) => Ok(Self {
                options,
                form: "naive Bayes".to_owned(),
                table_bytes: size_of_val(bayes.terms()) + size_of_val(bayes.offsets()),
                layout: None,
                leaves: None,
                asked: (0..bayes.terms().len())
                    .map(|term| term % model.inputs().len().max(1))
                    .collect(),
                has_tables: true,
                imports_and_static: tables::bayes_static(),
                functions: plain_functions(),
                tables: tables::bayes(bayes),
                trees: None,
                has_words: false,
            }),
        }
    }
}

fn forest_body(
    model: &QuantModel,
    forest: &QuantForest,
    mut options: Options,
) -> Result<Body, EncodingError> {
    let (n_codes, n_classes) = (model.inputs().len(), model.n_scores());
    let trees = trees(forest);
    let enough = enough(&trees, forest.leaves(), n_classes, options.exit_margin);
    options.early_exit &= enough.can_stop(trees.len());
    if options.encoding == Encoding::Branches {
        let rows = Rows::new(forest.leaves(), n_classes, trees.len());
        let written = branches::write(model, forest, &trees, &enough, &options);
        let has_tables = !written.tables.is_empty() || coding::has_tables(model, options.code_type);
        return Ok(Body {
            options,
            form: branches::form(options.code_type).to_owned(),
            table_bytes: 0,
            layout: None,
            leaves: layout::rows(&rows, forest, n_classes),
            asked: asked(&trees),
            has_tables,
            imports_and_static: if model.task() == Task::Regress {
                // Nothing is chosen among sums.
                written
                    .imports
                    .replace("use spinney_runtime::argmax;\n", "")
            } else {
                written.imports
            },
            functions: written.functions,
            has_words: matches!(rows, Rows::Lanes(_)),
            tables: written.tables,
            trees: Some(written.trees),
        });
    }
    let Some(compact) = Compact::new(forest, &trees, n_codes, n_classes, &options) else {
        return wide_body(forest, n_classes, options);
    };
    // The runtime's own check, before a compiler runs into it.
    let _ = compact.runtime();
    let mut table_text = tables::compact(&compact, &forest.unit());
    if options.early_exit {
        tables::leads(&mut table_text, &enough);
    }
    Ok(Body {
        options,
        form: compact.form(),
        table_bytes: compact.table_bytes(),
        layout: Some(layout::compact(&compact, false)),
        leaves: layout::rows(&compact.rows, forest, n_classes),
        asked: compact
            .levels()
            .map_or_else(|| asked(&trees), Levels::asked),
        has_tables: true,
        imports_and_static: tables::compact_static(&compact),
        functions: compact_functions(options.early_exit, &enough),
        tables: table_text,
        trees: None,
        // Values are made of scores, which go without.
        has_words: model.task() != Task::Regress,
    })
}

fn wide_body(
    forest: &QuantForest,
    n_classes: usize,
    mut options: Options,
) -> Result<Body, EncodingError> {
    if options.encoding == Encoding::Packed {
        return Err(EncodingError {
            encoding: options.encoding.name(),
            found: "a model whose splits take more than 57 bits each".to_owned(),
            expected: "fewer distinct leaves or features; \"table\" holds it".to_owned(),
        });
    }
    options.code_type = CodeType::I16;
    options.early_exit = false;
    Ok(Body {
        options,
        form: format!("{} bytes per split", size_of::<Split>()),
        table_bytes: wide_bytes(forest),
        layout: Some(layout::wide(false)),
        leaves: layout::leaves(forest, n_classes),
        asked: (forest.splits().iter())
            .map(|split| split.feature.into())
            .collect(),
        has_tables: true,
        imports_and_static: tables::wide_static(forest),
        functions: plain_functions(),
        tables: tables::wide(forest),
        trees: None,
        has_words: false,
    })
}

/// What splits ask, as all forms but the widest have them.
fn asked(trees: &[Tree]) -> Vec<usize> {
    let splits = trees.iter().flat_map(|tree| &tree.splits);
    splits.map(|split| split.feature.into()).collect()
}

const CLASSIFY: &str = "\
/// The class index of a row of codes; ties go to the lowest.
#[must_use]
#[inline(never)]
pub fn classify(codes: &[Code; N_CODES]) -> usize {
";

const SCORES: &str = "\
/// The score of each class for a row of codes.
#[must_use]
pub fn scores(codes: &[Code; N_CODES]) -> [Score; N_CLASSES] {
";

fn plain_functions() -> String {
    format!(
        "{CLASSIFY}    let mut scores = [0; N_CLASSES];\n    \
         // The shapes fit by their types; there is no other error.\n    \
         MODEL.classify(codes, &mut scores).unwrap_or(0)\n}}\n\n\
         {SCORES}    let mut scores = [0; N_CLASSES];\n    \
         // As in `classify`.\n    \
         let _ = MODEL.scores(codes, &mut scores);\n    \
         scores\n}}\n"
    )
}

fn compact_functions(early_exit: bool, enough: &Enough) -> String {
    let classify = if early_exit {
        let enough = match enough {
            Enough::Votes(votes) => format!("Votes({votes})"),
            Enough::Leads(_) => "Leads(&tables::LEADS)".to_owned(),
        };
        format!(
            "let enough = spinney_runtime::compact::Enough::{enough};\n    \
             MODEL\n        .classify_early::<N_CLASSES, WORDS, _>(codes, enough)\n        \
             .unwrap_or(0)"
        )
    } else {
        "MODEL.classify::<N_CLASSES, WORDS, _>(codes).unwrap_or(0)".to_owned()
    };
    format!(
        "{CLASSIFY}    // The shapes fit by their types; there is no other error.\n    \
         {classify}\n}}\n\n\
         {SCORES}    // As in `classify`.\n    \
         MODEL.scores(codes).unwrap_or([0; N_CLASSES])\n}}\n"
    )
}
