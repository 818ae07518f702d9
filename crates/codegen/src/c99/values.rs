//! What a header of a model that delivers values has beside scores; the twin of `values.rs` above.

use spinney_quantize::QuantModel;

use super::text::comment;
use crate::values::{link, sums};

/// How values come out.
pub(super) fn usage(model: &QuantModel) -> String {
    let note = link(model, "value / 2^$_VALUE_SHIFT").map_or_else(String::new, |link| {
        format!(
            " *\n * A value is the one before {}: the model predicts\n * {}.\n",
            link.function, link.formula
        )
    });
    format!("{VALUE}{note}{STEPS}")
}

const VALUE: &str = " \
 *     @_reading_t readings[$_N_FEATURES]; in the order of @_features\n \
 *     int32_t value = @_predict_value(readings); in units of 2^-$_VALUE_SHIFT\n";

const STEPS: &str = " \
 *\n \
 * The same in steps: @_encode makes codes of readings, @_values the value of each of @_targets of\n \
 * codes. @_predict and @_classify give the target of the highest score.\n";

/// Functions over codes and readings; nothing for models of classes.
pub(super) fn functions(model: &QuantModel) -> String {
    let Some(sums) = sums(model) else {
        return String::new();
    };
    let bases: Vec<String> = sums
        .bases()
        .iter()
        .map(|base| {
            let base = i32::try_from(*base).expect("values of 32 bits");
            format!("{:#010x}u", base.cast_unsigned())
        })
        .collect();
    let before =
        link(model, "value").map_or_else(String::new, |link| format!(", before {}", link.function));
    let of_codes = comment(&format!(
        "The value of each target for a row of codes, in units of 2^-$_VALUE_SHIFT{before}."
    ));
    let of_readings = comment(&format!(
        "The value of the first target for a row of readings{before}."
    ));
    format!(
        "\n/* Fractional bits of a value. */\n\
         #define $_VALUE_SHIFT ({shift})\n\n\
         /* What is added to the score of each target. */\n\
         static const uint32_t @_bases[$_N_CLASSES] $_ROM = {{ {bases} }};\n\n\
         {of_codes}\
         static inline void @_values(\n    \
             const @_code_t codes[$_LEAST($_N_CODES)],\n    \
             int32_t values[$_LEAST($_N_CLASSES)])\n{{\n    \
             @_score_t scores[$_N_CLASSES];\n    \
             size_t target;\n    \
             @_scores(codes, scores);\n    \
             for (target = 0; target < $_N_CLASSES; target++) {{\n        \
                 values[target] = (int32_t)(scores[target] + $_READ32(&@_bases[target]));\n    \
             }}\n}}\n\n\
         {of_readings}\
         static inline int32_t @_predict_value(const @_reading_t readings[$_LEAST($_N_FEATURES)])\n{{\n    \
             @_code_t codes[$_N_CODES];\n    \
             int32_t values[$_N_CLASSES];\n    \
             @_encode(readings, codes);\n    \
             @_values(codes, values);\n    \
             return values[0];\n}}\n",
        shift = sums.shift(),
        bases = bases.join(", "),
    )
}
