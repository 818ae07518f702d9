//! Source of the conversion from readings to codes; its twin is the runtime's `coding.rs`.

use std::fmt::Write;

use spinney_quantize::{Coding, QuantModel, ReadingType};

use crate::options::CodeType;

/// Most readings that are picked one by one, each of which takes two instructions; more are picked
/// by a table.
const PICKED_MAX: usize = 32;

/// The simplest form of coding that serves all inputs of a model.
pub(crate) enum Form {
    /// Codes are the readings.
    Identity,
    /// One affine coding for all inputs.
    Uniform { shift: i8, offset: i32 },
    /// An affine coding per input.
    Affine,
    /// A rank coding per input.
    Rank,
    /// Both kinds.
    Mixed,
}

impl Form {
    /// The form for codes of the type `width`.
    pub(crate) fn of(model: &QuantModel, width: CodeType) -> Self {
        if is_identity(model, width) {
            return Self::Identity;
        }
        let codings = model.codings();
        let is_rank = |coding: &Coding| matches!(coding, Coding::Rank { .. });
        match &codings[0] {
            Coding::Affine { shift, offset }
                if codings.iter().all(|coding| *coding == codings[0]) =>
            {
                Self::Uniform {
                    shift: *shift,
                    offset: *offset,
                }
            }
            _ if codings.iter().all(is_rank) => Self::Rank,
            _ if codings.iter().any(is_rank) => Self::Mixed,
            _ => Self::Affine,
        }
    }
}

/// Whether codes are the readings themselves, and of their type.
pub(crate) fn is_identity(model: &QuantModel, width: CodeType) -> bool {
    let same = match model.reading_type() {
        ReadingType::U8 => CodeType::U8,
        _ => CodeType::I16,
    };
    model.is_identity() && width == same
}

/// The generated `predict` and `encode`, and the tables that they read.
pub(crate) struct CodingSource {
    pub functions: String,
    pub tables: String,
}

/// Writes the conversion of `model`.
pub(crate) fn source(model: &QuantModel, width: CodeType) -> CodingSource {
    let form = Form::of(model, width);
    let pick = Pick::of(model);
    let reading = match model.reading_type() {
        ReadingType::U8 | ReadingType::I16 | ReadingType::I32 => pick.reading().to_owned(),
        ReadingType::F32 => format!("SingleBits({}.to_bits())", pick.reading()),
    };
    let mut tables = String::new();
    let coding = match &form {
        Form::Identity => {
            return CodingSource {
                functions: IDENTITY.to_owned(),
                tables,
            };
        }
        Form::Uniform { shift, offset } => {
            let _ = writeln!(
                tables,
                "use spinney_runtime::coding::Affine;\n\n\
                 /// The coding of every {input}.\n\
                 pub(crate) const CODING: Affine = Affine {{ shift: {shift}, offset: {offset} }};",
                input = pick.input()
            );
            "tables::CODING"
        }
        _ => {
            write_codings(&form, model, &pick, &mut tables);
            "tables::CODINGS[i]"
        }
    };
    let code = match width {
        CodeType::U8 => format!("narrow({coding}.code({reading}))"),
        CodeType::I16 => format!("{coding}.code({reading})"),
    };
    pick.write(model, &mut tables);
    let functions = format!(
        "/// The class index of a row of raw readings.\n\
         #[must_use]\n\
         #[inline(never)]\n\
         pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {{\n    \
             classify(&encode(readings))\n\
         }}\n\n\
         /// The codes of a row of raw readings.\n\
         #[must_use]\n\
         pub fn encode(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {{\n{picking}    \
             core::array::from_fn(|i| {code})\n\
         }}\n",
        picking = pick.statement(),
    );
    CodingSource { functions, tables }
}

/// How the readings that are coded are picked from a row.
enum Pick {
    /// All are, in their order.
    All,
    /// Each by an index in the code.
    Each,
    /// By a table of indices.
    Table,
}

impl Pick {
    fn of(model: &QuantModel) -> Self {
        match model.inputs().len() {
            n if n == model.schema().n_features() => Self::All,
            ..=PICKED_MAX => Self::Each,
            _ => Self::Table,
        }
    }

    /// What a code is made from, in words.
    fn input(&self) -> &'static str {
        match self {
            Self::All => "feature",
            Self::Each | Self::Table => "feature that the model uses",
        }
    }

    /// A statement before codes are made.
    fn statement(&self) -> &'static str {
        match self {
            Self::All | Self::Table => "",
            Self::Each => "    let readings = tables::used(readings);\n",
        }
    }

    /// The reading that the code at `i` is made from.
    fn reading(&self) -> &'static str {
        match self {
            Self::All | Self::Each => "readings[i]",
            Self::Table => "tables::used(readings, i)",
        }
    }

    /// The function that picks.
    fn write(&self, model: &QuantModel, out: &mut String) {
        let inputs = model.inputs();
        let _ = match self {
            Self::All => Ok(()),
            Self::Each => {
                let readings: Vec<String> = inputs
                    .iter()
                    .map(|input| format!("readings[{input}]"))
                    .collect();
                write!(
                    out,
                    "\nuse crate::{{N_CODES, N_FEATURES, Reading}};\n\n\
                     /// The readings that the model uses.\n\
                     #[inline(always)]\n\
                     pub(crate) fn used(readings: &[Reading; N_FEATURES]) -> [Reading; N_CODES] \
                     {{\n    [{}]\n}}\n",
                    readings.join(", ")
                )
            }
            Self::Table => {
                let kind = if inputs.iter().all(|input| *input < 256) {
                    "u8"
                } else {
                    "u16"
                };
                write!(
                    out,
                    "\nuse crate::{{N_CODES, N_FEATURES, Reading}};\n\n\
                     /// The features that the model uses.\n\
                     static INPUTS: [{kind}; N_CODES] = {inputs:?};\n\n\
                     /// The reading that the code at an index is made from.\n\
                     #[inline(always)]\n\
                     pub(crate) fn used(readings: &[Reading; N_FEATURES], i: usize) -> Reading \
                     {{\n    \
                         // There is such a feature; the compiler does not know, and must not \
                     panic.\n    \
                         readings.get(usize::from(INPUTS[i])).copied().unwrap_or_default()\n}}\n"
                )
            }
        };
    }
}

const IDENTITY: &str = "\
/// The class index of a row of raw readings.
#[must_use]
#[inline(never)]
pub fn predict(readings: &[Reading; N_FEATURES]) -> usize {
    classify(readings)
}

/// The codes of a row of raw readings: the readings themselves.
#[must_use]
pub fn encode(readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {
    *readings
}
";

fn write_codings(form: &Form, model: &QuantModel, pick: &Pick, out: &mut String) {
    let codings = model.codings();
    let kind = match form {
        Form::Affine => "Affine",
        Form::Rank => "Rank<'static>",
        _ => "Coding<'static>",
    };
    let imports = match form {
        Form::Affine => "Affine",
        Form::Rank => "Rank",
        _ => "{Affine, Coding, Rank}",
    };
    let _ = writeln!(out, "use spinney_runtime::coding::{imports};\n");
    let _ = writeln!(
        out,
        "/// How each {} is coded.\npub(crate) static CODINGS: [{kind}; {}] = [",
        pick.input(),
        codings.len()
    );
    for coding in codings {
        let text = match coding {
            Coding::Affine { shift, offset } => {
                format!("Affine {{ shift: {shift}, offset: {offset} }}")
            }
            Coding::Rank { cuts } => format!("Rank {{ cuts: &{cuts:?} }}"),
        };
        let _ = match (form, coding) {
            (Form::Mixed, Coding::Affine { .. }) => writeln!(out, "    Coding::Affine({text}),"),
            (Form::Mixed, Coding::Rank { .. }) => writeln!(out, "    Coding::Rank({text}),"),
            _ => writeln!(out, "    {text},"),
        };
    }
    let _ = writeln!(out, "];");
}

/// The names that the generated `lib.rs` imports for the conversion.
pub(crate) fn imports(model: &QuantModel, width: CodeType) -> String {
    let mut names = Vec::new();
    if model.reading_type() == ReadingType::F32 {
        names.push("SingleBits");
    }
    if width == CodeType::U8 && !is_identity(model, width) {
        names.push("narrow");
    }
    match names[..] {
        [] => String::new(),
        [name] => format!("use spinney_runtime::coding::{name};\n"),
        _ => format!("use spinney_runtime::coding::{{{}}};\n", names.join(", ")),
    }
}

/// Whether the conversion reads tables.
pub(crate) fn has_tables(model: &QuantModel, width: CodeType) -> bool {
    !matches!(Form::of(model, width), Form::Identity)
}
