//! Source of the conversion from scores to probabilities; its twin is the runtime's
//! `probability.rs`.

use spinney_quantize::{Body, Probabilities, QuantModel};

const SIGNATURE: &str = "pub fn probabilities(codes: &[Code; N_CODES]) -> [u16; N_CLASSES] {";

/// The generated `probabilities`, or nothing where the model has none.
pub(crate) fn source(model: &QuantModel) -> String {
    let Some(probabilities) = model.probabilities() else {
        return String::new();
    };
    let (kind, argument, doc) = match probabilities {
        Probabilities::Votes { total } => (
            "VoteShares",
            total.to_string(),
            "/// Shares of all votes, by a reciprocal that is worked out while this compiles.",
        ),
        Probabilities::Softmax { score_bits } => (
            "Softmax",
            score_bits.to_string(),
            "/// The softmax of the scores.",
        ),
    };
    let scores = match (probabilities, model.body()) {
        (Probabilities::Softmax { .. }, Body::Forest(_)) => "scores(codes).map(i64::from)",
        _ => "scores(codes)",
    };
    format!(
        "\n{doc}\n\
         static PROBABILITIES: spinney_runtime::probability::{kind} =\n    \
             match spinney_runtime::probability::{kind}::new({argument}) {{\n        \
                 Ok(probabilities) => probabilities,\n        \
                 Err(error) => error.refuse(),\n    \
             }};\n\n\
         /// The probability of each class for a row of codes, in Q15: one is 32,768.\n\
         ///\n\
         /// The lowest class of the highest probability is the one that `classify` gives.\n\
         #[must_use]\n\
         {SIGNATURE}\n    \
             let mut probabilities = [0; N_CLASSES];\n    \
             // As in `classify`.\n    \
             let _ = PROBABILITIES.probabilities(&{scores}, &mut probabilities);\n    \
             probabilities\n\
         }}\n"
    )
}

/// The same item of a crate without a model.
pub(crate) fn empty(model: &QuantModel) -> String {
    if model.probabilities().is_none() {
        return String::new();
    }
    format!(
        "\n/// No probabilities.\n#[must_use]\n{}\n    [0; N_CLASSES]\n}}\n",
        SIGNATURE.replace("(codes", "(_codes")
    )
}

/// What the readme says of them.
pub(crate) fn readme(model: &QuantModel) -> &'static str {
    match model.probabilities() {
        Some(_) => {
            ", and `probabilities(&encode(&readings))` its probability in Q15, where one is 32,768"
        }
        None => "",
    }
}
