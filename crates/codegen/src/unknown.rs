//! What a model that may not know has in place of a class: another name for the encoding's own
//! `classify`, and one that asks how far its class leads.

use spinney_quantize::{Body, QuantModel};

/// Functions over codes of a crate: `classify` may give `UNKNOWN`, if the model has a margin.
pub(crate) fn functions(model: &QuantModel, of_encoding: String) -> String {
    let Some(margin) = model.margin() else {
        return of_encoding;
    };
    let lead = match model.body() {
        Body::Forest(_) => "u32",
        Body::Bayes(_) => "u64",
    };
    let of_encoding = of_encoding
        .replace("pub fn classify(", "pub fn likeliest(")
        .replace("(classify(codes))", "(likeliest(codes))")
        .replacen(
            "/// The class index of a row of codes; ties",
            "/// The class index of the highest score for a row of codes, however near others are; ties",
            1,
        );
    format!(
        "{UNKNOWN_DOC}\
         pub const UNKNOWN: usize = N_CLASSES;\n\
         /// A class is given if its score is above every other one by more than this.\n\
         pub const MARGIN: {lead} = {margin};\n\n\
         /// The class index of a row of codes, or [`UNKNOWN`].\n\
         #[must_use]\n\
         #[inline(never)]\n\
         pub fn classify(codes: &[Code; N_CODES]) -> usize {{\n    \
             spinney_runtime::clear_winner(&scores(codes), MARGIN).unwrap_or(UNKNOWN)\n\
         }}\n\n\
         {of_encoding}"
    )
}

const UNKNOWN_DOC: &str =
    "/// What stands in place of a class where none leads far enough: nobody knows.\n";

/// The text of a crate's functions over readings, which speak of a class.
pub(crate) fn of_readings(model: &QuantModel, functions: String) -> String {
    const DOC: &str = "/// The class index of a row of raw readings";
    match model.margin() {
        Some(_) => functions.replacen(DOC, &format!("{DOC}, or [`UNKNOWN`]"), 1),
        None => functions,
    }
}

/// The same item of a crate without a model.
pub(crate) fn empty(model: &QuantModel) -> String {
    match model.margin() {
        Some(_) => format!("\n{UNKNOWN_DOC}pub const UNKNOWN: usize = N_CLASSES;\n"),
        None => String::new(),
    }
}

/// A header's functions over codes, as those of a crate.
pub(crate) fn c99(model: &QuantModel, of_encoding: String) -> String {
    let Some(margin) = model.margin() else {
        return of_encoding;
    };
    let (lead, suffix) = match model.body() {
        Body::Forest(_) => ("uint32_t", "u"),
        Body::Bayes(_) => ("uint64_t", "ull"),
    };
    let of_encoding = of_encoding.replace("@_classify(", "@_likeliest(");
    format!(
        "{of_encoding}\n\
         /* What stands in place of a class where none leads far enough: nobody knows. */\n\
         #define $_UNKNOWN $_N_CLASSES\n\
         /* A class is given if its score is above every other one by more than this. */\n\
         #define $_MARGIN {margin}{suffix}\n\n\
         /* The class index of a row of codes, or $_UNKNOWN. */\n\
         static inline uint8_t @_classify(const @_code_t codes[$_LEAST($_N_CODES)])\n{{\n    \
             @_score_t scores[$_N_CLASSES];\n    \
             uint8_t best = 0;\n    \
             uint8_t i;\n    \
             @_scores(codes, scores);\n    \
             for (i = 1; i < $_N_CLASSES; i++) {{\n        \
                 if (scores[i] > scores[best]) {{\n            best = i;\n        }}\n    }}\n    \
             for (i = 0; i < $_N_CLASSES; i++) {{\n        \
                 if (i != best && ({lead})scores[best] - ({lead})scores[i] <= $_MARGIN) {{\n            \
                     return $_UNKNOWN;\n        }}\n    }}\n    \
             return best;\n}}\n\n"
    )
}
