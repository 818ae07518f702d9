//! What a crate of a model that delivers values has in place of a class.

use spinney_model::{LinkWords, Task};
use spinney_quantize::{QuantModel, Sums};

/// Where the functions that every encoding writes give scores.
const SCORES: &str = "/// The score of each class for a row of codes.";

/// What a crate's manifest has more.
pub(crate) const FEATURES: &str = "\n[features]\n# Values as floats.\nfloat = []\n";

/// What a crate's readme says of outputs.
pub(crate) struct Readme {
    pub imports: &'static str,
    pub usage: &'static str,
    pub output: &'static str,
}

pub(crate) fn readme(model: &QuantModel) -> Readme {
    match sums(model) {
        Some(_) if model.n_scores() > 1 => Readme {
            imports: "N_FEATURES, Reading, TARGETS, VALUE_SHIFT, predict_values",
            usage: "let values = predict_values(&readings); // in units of 2^-VALUE_SHIFT\n\
                    for (target, value) in TARGETS.iter().zip(values) {\n    \
                        defmt::info!(\"{}: {} / 2^{}\", target, value, VALUE_SHIFT);\n\
                    }\n",
            output: "target",
        },
        Some(_) => Readme {
            imports: "N_FEATURES, Reading, VALUE_SHIFT, predict_value",
            usage: "let value = predict_value(&readings); // in units of 2^-VALUE_SHIFT\n\
                    defmt::info!(\"value {} / 2^{}\", value, VALUE_SHIFT);\n",
            output: "target",
        },
        None if model.margin().is_some() => Readme {
            imports: "CLASSES, N_FEATURES, Reading, predict",
            usage: "// UNKNOWN, one beyond the last class, where no class leads far enough\n\
                    let class = predict(&readings);\n\
                    defmt::info!(\"class {}\", CLASSES.get(class).unwrap_or(&\"unknown\"));\n",
            output: "class",
        },
        None => Readme {
            imports: "CLASSES, N_FEATURES, Reading, predict",
            usage: "let class = predict(&readings);\n\
                    defmt::info!(\"class {}\", CLASSES[class]);\n",
            output: "class",
        },
    }
}

/// How many outputs there are, in words.
pub(crate) fn outputs(model: &QuantModel) -> String {
    match (sums(model), model.n_scores()) {
        (Some(_), 1) => "1 target".to_owned(),
        (Some(_), n) => format!("{n} targets"),
        (None, n) => format!("{n} classes"),
    }
}

/// The sums of a model that delivers values; `None` of others.
pub(crate) fn sums(model: &QuantModel) -> Option<&Sums> {
    model.sums().filter(|_| model.task() == Task::Regress)
}

/// What a model that delivers values makes of `value`, and its generated code does not; `None` where that
/// is nothing.
pub(crate) fn link(model: &QuantModel, value: &str) -> Option<LinkWords> {
    sums(model)?.link().words(value)
}

/// A sentence on a value before a link, in a crate's docs; empty where there is none.
pub(crate) fn note(model: &QuantModel) -> String {
    link(model, "value / 2^VALUE_SHIFT").map_or_else(String::new, |link| {
        format!(
            "A value is the one before {}: the model predicts `{}`.",
            link.function, link.formula
        )
    })
}

/// The functions over codes of a model: those of the encoding, and for values what makes them of
/// scores, in place of a class.
pub(crate) fn functions(model: &QuantModel, of_encoding: String) -> String {
    let Some(sums) = sums(model) else {
        return of_encoding;
    };
    let scores = of_encoding.find(SCORES).expect("each encoding has scores");
    let bases: Vec<String> = sums.bases().iter().map(i64::to_string).collect();
    let note = match note(model) {
        note if note.is_empty() => note,
        note => format!("\n///\n/// {note}"),
    };
    let number = link(model, "value").map_or_else(String::new, |link| {
        format!(
            "\n///\n/// A value is the one before {}: the model predicts `{}`.",
            link.function, link.formula
        )
    });
    format!(
        "/// What is added to the score of each target.\n\
         const BASES: [i32; N_TARGETS] = [{bases}];\n\n\
         /// The value of each target for a row of raw readings, in units of `2^-VALUE_SHIFT`.{note}\n\
         #[must_use]\n\
         pub fn predict_values(readings: &[Reading; N_FEATURES]) -> [i32; N_TARGETS] {{\n    \
             values(&encode(readings))\n\
         }}\n\n\
         /// The value of the first target for a row of raw readings, in units of `2^-VALUE_SHIFT`.{note}\n\
         #[must_use]\n\
         pub fn predict_value(readings: &[Reading; N_FEATURES]) -> i32 {{\n    \
             predict_values(readings)[0]\n\
         }}\n\n\
         /// As [`predict_value`], as a number; for cores that compute with floats.{number}\n\
         #[cfg(feature = \"float\")]\n\
         #[must_use]\n\
         pub fn predict_f32(readings: &[Reading; N_FEATURES]) -> f32 {{\n    \
             predict_value(readings) as f32 * VALUE_UNIT\n\
         }}\n\n\
         /// One unit of a value.\n\
         #[cfg(feature = \"float\")]\n\
         pub const VALUE_UNIT: f32 = {unit:e};\n\n\
         /// The value of each target for a row of codes, in units of `2^-VALUE_SHIFT`.{note}\n\
         #[must_use]\n\
         pub fn values(codes: &[Code; N_CODES]) -> [i32; N_TARGETS] {{\n    \
             let mut values = [0; N_TARGETS];\n    \
             for ((value, score), base) in values.iter_mut().zip(scores(codes)).zip(BASES) {{\n        \
                 // No sum of leaves and base leaves 32 bits.\n        \
                 *value = score.cast_signed().wrapping_add(base);\n    \
             }}\n    \
             values\n\
         }}\n\n\
         /// {doc}\n\
         #[must_use]\n\
         #[inline(never)]\n\
         pub fn classify(codes: &[Code; N_CODES]) -> usize {{\n    \
             {word}\n\
         }}\n\n\
         {scores}",
        bases = bases.join(", "),
        doc = word_doc(model),
        word = match model.n_scores() {
            1 => "values(codes)[0].cast_unsigned() as usize",
            _ =>
                "let fold = |word: u32, value: &i32| word.rotate_left(1) ^ value.cast_unsigned();\n    \
                  values(codes).iter().fold(0, fold) as usize",
        },
        unit = 2.0_f64.powi(-i32::from(sums.shift())),
        scores = of_encoding[scores..].replacen(
            SCORES,
            "/// The score of each target for a row of codes.",
            1
        ),
    )
}

/// What is delivered where there is room for one number.
fn word_doc(model: &QuantModel) -> &'static str {
    match model.n_scores() {
        1 => "The value of the first target as a word, where one number is delivered.",
        _ => "The values of all targets folded into a word, where one number is delivered.",
    }
}

/// The text of a crate's functions over readings, which speak of a class.
pub(crate) fn of_readings(model: &QuantModel, functions: String) -> String {
    if sums(model).is_none() {
        return functions;
    }
    functions.replacen(
        "/// The class index of a row of raw readings.",
        &format!("/// {}", word_doc(model)),
        1,
    )
}

/// The items that count and name outputs, in place of those of classes.
pub(crate) fn items(model: &QuantModel, sums: &Sums) -> String {
    let targets = model.schema().targets();
    let names: String = targets
        .iter()
        .map(|name| format!("    {name:?},\n"))
        .collect();
    format!(
        "/// Number of targets.\n\
         pub const N_TARGETS: usize = {n};\n\
         /// Number of scores of a row, one per target.\n\
         pub const N_CLASSES: usize = N_TARGETS;\n\
         /// Fractional bits of a value.\n\
         pub const VALUE_SHIFT: i8 = {shift};\n\
         /// Names of the targets.\n\
         #[rustfmt::skip]\n\
         pub const TARGETS: [&str; N_TARGETS] = [\n{names}];\n",
        n = targets.len(),
        shift = sums.shift(),
    )
}
